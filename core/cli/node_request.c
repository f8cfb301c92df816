/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/node_request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/suggest.h"
#include "core/cli/command.h"
#include "core/cli/run_input.h"
#include "core/cli/start_request.h"
#include "core/cli/workspace.h"
#include "core/host/host.h"
#include "core/loop/loop.h"
#include "core/model/catalogue.h"
#include "core/value/json.h"
#include "core/value/schema.h"
#include "core/value/value.h"

/* What messages call the definition that is made here. */
static const char made_name[] = "plugin run";

/* ---- files ---- */

static int check_file(const char *name)
{
    struct stat st;
    cleanup_fd int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0) {
        return command_error(EXIT_USAGE, "cannot open '%s': %s", name, strerror(errno));
    }
    return S_ISREG(st.st_mode) ? EXIT_DONE
                               : command_error(EXIT_USAGE, "'%s' is no regular file", name);
}

/* Under `integrations` a text is the name of a file by its end. */
static bool is_settings_name(struct str name)
{
    return str_ends_with(name, STR(".json")) || str_ends_with(name, STR(".yaml")) ||
           str_ends_with(name, STR(".yml"));
}

static int check_files(const struct command_args *args)
{
    const char *config = command_value(args, "config");
    const char *settings = command_value(args, "settings");
    if (config != NULL && check_file(config) != EXIT_DONE) {
        return EXIT_USAGE;
    }
    if (settings != NULL && !is_settings_name(str_from(settings))) {
        return command_error(EXIT_USAGE,
                             "the name of the settings, '%s', must end in .json, .yaml "
                             "or .yml",
                             settings);
    }
    return settings != NULL ? check_file(settings) : EXIT_DONE;
}

/* ---- which node type ---- */

static struct str type_at(const struct value *nodes, size_t i)
{
    return value_str(value_get(value_at(nodes, i), STR("type")));
}

static int refuse_type(const struct host_plugin_file *file, const struct value *nodes,
                       const char *wanted)
{
    struct suggest nearest = suggest_start(str_from(wanted));
    struct strbuf types = STRBUF_INIT;
    for (size_t i = 0; i < value_count(nodes); i++) {
        struct str type = type_at(nodes, i);
        suggest_offer(&nearest, type);
        strbuf_append_format(&types, "%s'%.*s'", i > 0 ? ", " : "", STR_ARG(type));
    }
    const char *list = strbuf_str(&types).p;
    int code = wanted == NULL
                   ? command_error(EXIT_USAGE,
                                   "'%.*s' has several node types: choose one with "
                                   "--node: %s",
                                   STR_ARG(file->path), list)
                   : command_error(EXIT_USAGE, "'%.*s' has no node type '%s'%s%.*s%s; it has %s",
                                   STR_ARG(file->path), wanted,
                                   nearest.best.n > 0 ? ", did you mean '" : "",
                                   STR_ARG(nearest.best), nearest.best.n > 0 ? "'?" : "", list);
    strbuf_finish(&types);
    return code;
}

static int choose_type(const struct host_plugin_file *file, const char *wanted, struct str *out)
{
    const struct value *nodes = value_get(document_root(file->manifest), STR("nodes"));
    if (wanted == NULL && value_count(nodes) == 1) {
        *out = type_at(nodes, 0);
        return EXIT_DONE;
    }
    for (size_t i = 0; wanted != NULL && i < value_count(nodes); i++) {
        *out = type_at(nodes, i);
        if (str_equal_text(*out, wanted)) {
            return EXIT_DONE;
        }
    }
    return refuse_type(file, nodes, wanted);
}

/* ---- the definition ---- */

/* An id is one word of a path. */
static void append_id(struct str type, struct strbuf *out)
{
    size_t start = out->n;
    json_write_string(type, out);
    for (size_t i = start; i < out->n; i++) {
        out->p[i] = out->p[i] == '.' ? '_' : out->p[i];
    }
}

static void append_definition(const struct host_plugin_file *file, struct str type,
                              const char *settings, struct strbuf *out)
{
    strbuf_append_text(out, "{\"id\":");
    append_id(type, out);
    strbuf_append_text(out, ",\"type\":");
    json_write_string(type, out);
    if (settings != NULL) {
        strbuf_append_text(out, ",\"integrations\":{");
        json_write_string(file->id, out);
        strbuf_append_char(out, ':');
        json_write_string(str_from(settings), out);
        strbuf_append_char(out, '}');
    }
    strbuf_append_char(out, '}');
}

/* An empty one does not fit. */
static bool needs_config(const struct start_request *request, struct str name)
{
    const struct catalogue *catalogue = loop_catalogue(request->workspace.loop);
    const struct node_type *type = catalogue->find_type(catalogue->user, name, NULL);
    cleanup_document struct document *empty = document_empty_map();
    struct schema_report *report = NULL;
    if (type == NULL || empty == NULL) {
        return false;
    }
    (void)schema_validate(type->config_schema, document_root(empty), &report, NULL);
    bool is_faulty = report != NULL;
    schema_report_destroy(report);
    return is_faulty;
}

static int load(struct start_request *request, const struct command_args *args)
{
    struct host *host = loop_host(request->workspace.loop);
    struct strbuf text = STRBUF_INIT;
    struct str type = STR("");
    if (host_plugin_file_count(host) == 0) {
        return command_error(EXIT_STATE, "out of memory");
    }
    const struct host_plugin_file *file = host_plugin_file_at(host, 0);
    if (file->problem.n > 0) {
        return command_error(EXIT_INVALID, "%.*s", STR_ARG(file->problem));
    }
    int code = choose_type(file, command_value(args, "node"), &type);
    if (code != EXIT_DONE) {
        return code;
    }
    append_definition(file, type, command_value(args, "settings"), &text);
    const struct workspace_text made = {
        .name = made_name, .text = strbuf_str(&text), .node_config = command_value(args, "config")};
    code = strbuf_status(&text) == 0
               ? workspace_load_text(&request->workspace, &made, LOAD_START, &request->file)
               : command_error(EXIT_STATE, "out of memory");
    strbuf_finish(&text);
    return code == EXIT_INVALID && made.node_config == NULL && needs_config(request, type)
               ? command_error(code, "its config is empty: give one with --config FILE")
               : code;
}

int node_request_prepare(struct start_request *request, const struct command_args *args)
{
    const char *name = args->operands[0];
    cleanup_free char *path = realpath(name, NULL);
    const struct workspace_opening opening = {.plugin_file = path,
                                              .settings = command_value(args, "site-config"),
                                              .has_settings = true,
                                              .tape = request->tape};
    if (path == NULL) {
        return command_error(EXIT_USAGE, "cannot open '%s': %s", name, strerror(errno));
    }
    int code = check_files(args);
    if (code == EXIT_DONE) {
        code = workspace_open_with(&request->workspace, args, &opening);
    }
    if (code == EXIT_DONE) {
        code = load(request, args);
    }
    if (code == EXIT_DONE) {
        code = workspace_pick(&request->file, &request->pipeline);
    }
    if (code == EXIT_DONE) {
        code = run_input_read(args, request->pipeline, &request->input);
    }
    return code == EXIT_DONE
               ? workspace_load_plugins(&request->workspace, &request->file, request->pipeline)
               : code;
}
