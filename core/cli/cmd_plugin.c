/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plugin files: which were found, which can be used and why not, and the manifest of one. Reads
 * manifests only: no code of any plugin runs.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/cli/commands.h"
#include "core/cli/terminal.h"
#include "core/cli/workspace.h"
#include "core/host/host.h"
#include "core/loop/loop.h"
#include "core/model/catalogue.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

static const struct command_option options[] = {
    {"json", 0, NULL, "print one JSON document", false},
    WORKSPACE_OPTIONS,
    {NULL, 0, NULL, NULL, false},
};

/* ---- list ---- */

static size_t node_count(const struct host_plugin_file *file)
{
    if (file->manifest == NULL) {
        return 0;
    }
    const struct value *nodes = value_get(document_root(file->manifest), STR("nodes"));
    return value_is(nodes, VALUE_LIST) ? value_count(nodes) : 0;
}

static void append_file(const struct host_plugin_file *file, struct strbuf *out)
{
    terminal_append_safe(out, file->id.n > 0 ? file->id : STR("?"));
    strbuf_append_char(out, ' ');
    terminal_append_safe(out, file->version);
    strbuf_append_text(out, "  ");
    terminal_append_safe(out, file->path);
    if (file->problem.n > 0) {
        strbuf_append_text(out, "\n  cannot be used: ");
        terminal_append_safe(out, file->problem);
    } else {
        size_t count = node_count(file);
        strbuf_append_format(out, "  %zu node type%s", count, count == 1 ? "" : "s");
    }
    strbuf_append_char(out, '\n');
}

static void append_list(struct workspace *workspace, struct strbuf *out)
{
    struct host *host = loop_host(workspace->loop);
    size_t count = host_plugin_file_count(host);
    for (size_t i = 0; i < count; i++) {
        append_file(host_plugin_file_at(host, i), out);
    }
    const struct catalogue *catalogue = loop_catalogue(workspace->loop);
    if (count == 0) {
        strbuf_append_text(out, "no plugins found\n");
    }
    strbuf_append_text(out, "searched: ");
    terminal_append_safe(out, catalogue->folders(catalogue->user));
    strbuf_append_char(out, '\n');
}

static void build_text(struct builder *b, struct str key, struct str text)
{
    if (text.n > 0) {
        builder_member_string(b, key, text);
    } else {
        builder_member_null(b, key);
    }
}

static void build_file(struct builder *b, const struct host_plugin_file *file)
{
    builder_map_begin(b);
    build_text(b, STR("id"), file->id);
    build_text(b, STR("version"), file->version);
    build_text(b, STR("path"), file->path);
    build_text(b, STR("problem"), file->problem);
    builder_key(b, STR("manifest"));
    if (file->manifest != NULL) {
        builder_embed(b, file->manifest, document_root(file->manifest));
    } else {
        builder_null(b);
    }
    builder_map_end(b);
}

static int append_json(struct builder *b, struct strbuf *out)
{
    struct error err = {0};
    cleanup_document struct document *document = NULL;
    if (builder_finish(b, &document, &err) != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    json_write(document_root(document), JSON_PRETTY, out);
    strbuf_append_char(out, '\n');
    return EXIT_DONE;
}

static int append_json_list(struct workspace *workspace, struct strbuf *out)
{
    struct host *host = loop_host(workspace->loop);
    struct builder *b = builder_create();
    builder_list_begin(b);
    for (size_t i = 0; i < host_plugin_file_count(host); i++) {
        build_file(b, host_plugin_file_at(host, i));
    }
    builder_list_end(b);
    return append_json(b, out);
}

/* ---- inspect ---- */

static const struct host_plugin_file *find_file(struct host *host, const char *wanted)
{
    cleanup_free char *real = realpath(wanted, NULL);
    for (size_t i = 0; i < host_plugin_file_count(host); i++) {
        const struct host_plugin_file *file = host_plugin_file_at(host, i);
        bool is_path = str_equal_text(file->path, wanted) ||
                       (real != NULL && str_equal_text(file->path, real));
        if (is_path || str_equal_text(file->id, wanted)) {
            return file;
        }
    }
    return NULL;
}

static void append_file_details(const struct host_plugin_file *file, struct strbuf *out)
{
    strbuf_append_text(out, "file: ");
    terminal_append_safe(out, file->path);
    strbuf_append_char(out, '\n');
    if (file->problem.n > 0) {
        strbuf_append_text(out, "cannot be used: ");
        terminal_append_safe(out, file->problem);
        strbuf_append_char(out, '\n');
    }
    if (file->manifest != NULL) {
        terminal_append_json(out, document_root(file->manifest), JSON_PRETTY);
        strbuf_append_char(out, '\n');
    }
}

static int append_inspect(struct workspace *workspace, const struct command_args *args,
                          struct strbuf *out)
{
    const char *wanted = args->operands[1];
    struct host *host = loop_host(workspace->loop);
    const struct host_plugin_file *file = find_file(host, wanted);
    struct error err = {0};
    if (file == NULL && strchr(wanted, '/') != NULL) {
        file = host_plugin_file_read(host, wanted, &err);
    }
    if (file == NULL && err.code != 0) {
        return command_error(EXIT_USAGE, "%s", err.message);
    }
    if (file == NULL) {
        return command_error(EXIT_USAGE,
                             "no plugin '%s'; name one of 'opstream plugin list', or a file with "
                             "its path",
                             wanted);
    }
    if (!command_has(args, "json")) {
        append_file_details(file, out);
        return EXIT_DONE;
    }
    struct builder *b = builder_create();
    build_file(b, file);
    return append_json(b, out);
}

static int append_all(struct workspace *workspace, const struct command_args *args,
                      struct strbuf *out)
{
    if (command_has(args, "json")) {
        return append_json_list(workspace, out);
    }
    append_list(workspace, out);
    return EXIT_DONE;
}

static int run(const struct command_args *args)
{
    const char *verb = args->operands[0];
    if (strcmp(verb, "list") == 0 && args->operand_count == 1) {
        return workspace_print(args, append_all);
    }
    if (strcmp(verb, "inspect") == 0 && args->operand_count == 2) {
        return workspace_print(args, append_inspect);
    }
    return command_usage_error(args->command, "write 'plugin list' or 'plugin inspect ID|FILE'");
}

const struct command cmd_plugin = {
    .name = "plugin",
    .group = "Look at node types",
    .summary = "list plugin files, or show one's manifest",
    .usage = "list | inspect ID|FILE [--json]",
    .details = "No code of a plugin runs: manifests are read from the files.",
    .options = options,
    .min_operands = 1,
    .max_operands = 2,
    .run = run,
};
