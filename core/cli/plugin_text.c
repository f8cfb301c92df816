/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/plugin_text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/str.h"
#include "core/cli/command.h"
#include "core/cli/terminal.h"
#include "core/host/host.h"
#include "core/model/catalogue.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

static void build_text(struct builder *b, struct str key, struct str text)
{
    if (text.n > 0) {
        builder_member_string(b, key, text);
    } else {
        builder_member_null(b, key);
    }
}

/* Takes the next line off `*text`; false at the end. */
static bool take_line(struct str *text, struct str *out)
{
    const char *end = text->n > 0 ? memchr(text->p, '\n', text->n) : NULL;
    size_t n = end != NULL ? (size_t)(end - text->p) : text->n;
    size_t used = end != NULL ? n + 1 : n;
    bool is_there = text->n > 0;
    *out = str_make(text->p, n);
    *text = str_make(text->p + used, text->n - used);
    return is_there;
}

static void build_date(struct builder *b, struct str key, int64_t unix_ms)
{
    char date[CLOCK_TEXT_SIZE];
    clock_format_rfc3339(unix_ms, date);
    build_text(b, key, unix_ms != 0 ? str_from(date) : str_make(NULL, 0));
}

static void build_trial(struct builder *b, const struct host_trial *trial)
{
    struct str stack = trial->stack;
    struct str line;
    if (trial->state == HOST_TRIAL_NONE) {
        builder_null(b);
        return;
    }
    builder_map_begin(b);
    builder_member_int(b, STR("owner"), (int64_t)trial->owner);
    build_text(b, STR("outcome"), trial->outcome);
    build_text(b, STR("stage"), trial->stage);
    build_text(b, STR("signal"), trial->signal);
    if (trial->state == HOST_TRIAL_FAILED && trial->exit_code >= 0) {
        builder_member_int(b, STR("exit_code"), trial->exit_code);
    } else {
        builder_member_null(b, STR("exit_code"));
    }
    build_text(b, STR("message"), trial->message);
    build_date(b, STR("tried_at"), trial->tried_unix_ms);
    build_text(b, STR("opstream"), trial->version);
    builder_key(b, STR("stack"));
    builder_list_begin(b);
    while (take_line(&stack, &line)) {
        builder_string(b, line);
    }
    builder_list_end(b);
    build_text(b, STR("output"), trial->output);
    builder_map_end(b);
}

void plugin_text_append_trial(const struct host_plugin_file *file, const char *indent, size_t most,
                              struct strbuf *out)
{
    const struct host_trial *trial = &file->trial;
    struct str stack = trial->stack;
    struct str line;
    char date[CLOCK_TEXT_SIZE];
    if (trial->state == HOST_TRIAL_DUE) {
        strbuf_append_format(out, "%snot tried yet: it belongs to user %u\n", indent,
                             (unsigned)trial->owner);
    } else if (trial->state == HOST_TRIAL_PASSED) {
        clock_format_rfc3339(trial->tried_unix_ms, date);
        strbuf_append_format(out, "%stried, as it belongs to user %u: passed (%s, opstream ",
                             indent, (unsigned)trial->owner, date);
        terminal_append_safe(out, trial->version);
        strbuf_append_text(out, ")\n");
    } else if (trial->message.n > 0) {
        clock_format_rfc3339(trial->tried_unix_ms, date);
        strbuf_append_format(out, "%stried, as it belongs to user %u: ", indent,
                             (unsigned)trial->owner);
        terminal_append_safe(out, trial->message);
        strbuf_append_format(out, " (%s); it is tried again when it is used\n", date);
    }
    for (size_t i = 0; i < most && take_line(&stack, &line); i++) {
        strbuf_append_format(out, "%s  at ", indent);
        terminal_append_safe(out, line);
        strbuf_append_char(out, '\n');
    }
}

static const struct host_plugin_file *find_in_folders(struct host *host, const char *wanted)
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

const struct host_plugin_file *plugin_text_take(struct host *host, const char *wanted)
{
    const struct host_plugin_file *file = find_in_folders(host, wanted);
    struct error err = {0};
    if (file == NULL && strchr(wanted, '/') != NULL) {
        file = host_plugin_file_read(host, wanted, &err);
    }
    if (file == NULL && err.code != 0) {
        (void)command_error(EXIT_USAGE, "%s", err.message);
    } else if (file == NULL) {
        (void)command_error(EXIT_USAGE,
                            "no plugin '%s'; name one of 'opstream plugin list', or a file with "
                            "its path",
                            wanted);
    }
    return file;
}

static const struct value *nodes_of(const struct host_plugin_file *file)
{
    const struct value *root = file->manifest != NULL ? document_root(file->manifest) : NULL;
    const struct value *nodes = root != NULL ? value_get(root, STR("nodes")) : NULL;
    return value_is(nodes, VALUE_LIST) ? nodes : NULL;
}

size_t plugin_text_node_count(const struct host_plugin_file *file)
{
    const struct value *nodes = nodes_of(file);
    return nodes != NULL ? value_count(nodes) : 0;
}

int plugin_text_check_type(const struct catalogue *catalogue, const struct host_plugin_file *file,
                           size_t i, struct error *err)
{
    const struct value *type = value_get(value_at(nodes_of(file), i), STR("type"));
    bool is_named = file->problem.n == 0 && value_is(type, VALUE_STRING);
    bool is_there = !is_named || catalogue->find_type(catalogue->user, value_str(type), err);
    return is_there ? 0 : E_PLUGIN;
}

/* The plugin folder that it lies in: FOLDER/ID.so or FOLDER/ID/ID.so. */
static struct str folder_of(const struct host_plugin_file *file)
{
    struct str folder = file->path;
    for (int level = 0; level < 2; level++) {
        const char *slash = folder.n > 0 ? memrchr(folder.p, '/', folder.n) : NULL;
        struct str name =
            slash != NULL ? str_make(slash + 1, folder.n - (size_t)(slash + 1 - folder.p)) : folder;
        if (slash == NULL || (level == 1 && !str_equal(name, file->id))) {
            break;
        }
        folder.n = (size_t)(slash - folder.p);
    }
    return folder;
}

static void build_conflicts(struct builder *b, const struct host_plugin_file *file,
                            const struct catalogue *catalogue)
{
    builder_key(b, STR("conflicts"));
    builder_list_begin(b);
    for (size_t i = 0; i < plugin_text_node_count(file); i++) {
        struct error err = {0};
        if (plugin_text_check_type(catalogue, file, i, &err) != 0) {
            builder_string(b, str_from(err.message));
        }
    }
    builder_list_end(b);
}

void plugin_text_build(struct builder *b, const struct host_plugin_file *file,
                       const struct catalogue *catalogue)
{
    builder_map_begin(b);
    build_text(b, STR("id"), file->id);
    build_text(b, STR("version"), file->version);
    build_text(b, STR("folder"), folder_of(file));
    build_text(b, STR("path"), file->path);
    builder_member_bool(b, STR("usable"), file->problem.n == 0);
    build_text(b, STR("problem"), file->problem);
    builder_member_int(b, STR("node_types"), (int64_t)plugin_text_node_count(file));
    build_conflicts(b, file, catalogue);
    builder_key(b, STR("trial"));
    build_trial(b, &file->trial);
    builder_key(b, STR("manifest"));
    if (file->manifest != NULL) {
        builder_embed(b, file->manifest, document_root(file->manifest));
    } else {
        builder_null(b);
    }
    builder_map_end(b);
}

int plugin_text_append_json(struct builder *b, struct strbuf *out)
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
