/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin files that were found, which can be used and why not. Reads manifests only: no code of
 * any plugin runs.
 */
#include "core/base/error.h"
#include "core/cli/commands.h"
#include "core/cli/plugin_text.h"
#include "core/cli/terminal.h"
#include "core/cli/workspace.h"
#include "core/host/host.h"
#include "core/loop/loop.h"
#include "core/model/catalogue.h"
#include "core/value/builder.h"

static const struct command_option options[] = {
    {"json", 0, NULL, "print one JSON document", false},
    WORKSPACE_OPTIONS,
    {NULL, 0, NULL, NULL, false},
};

/* Node types that two plugins have, which nobody then has. */
static void append_conflicts(const struct host_plugin_file *file, const struct catalogue *catalogue,
                             struct strbuf *out)
{
    for (size_t i = 0; i < plugin_text_node_count(file); i++) {
        struct error err = {0};
        if (plugin_text_check_type(catalogue, file, i, &err) != 0) {
            strbuf_append_text(out, "  one cannot be used: ");
            terminal_append_safe(out, str_from(err.message));
            strbuf_append_char(out, '\n');
        }
    }
}

static void append_file(const struct host_plugin_file *file, const struct catalogue *catalogue,
                        struct strbuf *out)
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
        size_t count = plugin_text_node_count(file);
        strbuf_append_format(out, "  %zu node type%s", count, count == 1 ? "" : "s");
    }
    strbuf_append_char(out, '\n');
    append_conflicts(file, catalogue, out);
    plugin_text_append_trial(file, "  ", PLUGIN_TEXT_STACK_LINES, out);
}

static void append_list(struct workspace *workspace, struct strbuf *out)
{
    struct host *host = loop_host(workspace->loop);
    const struct catalogue *catalogue = loop_catalogue(workspace->loop);
    size_t count = host_plugin_file_count(host);
    for (size_t i = 0; i < count; i++) {
        append_file(host_plugin_file_at(host, i), catalogue, out);
    }
    if (count == 0) {
        strbuf_append_text(out, "no plugins found\n");
    }
    strbuf_append_text(out, "searched: ");
    terminal_append_safe(out, catalogue->folders(catalogue->user));
    strbuf_append_char(out, '\n');
}

static int append_json_list(struct workspace *workspace, struct strbuf *out)
{
    struct host *host = loop_host(workspace->loop);
    struct builder *b = builder_create();
    builder_list_begin(b);
    for (size_t i = 0; i < host_plugin_file_count(host); i++) {
        plugin_text_build(b, host_plugin_file_at(host, i), loop_catalogue(workspace->loop));
    }
    builder_list_end(b);
    return plugin_text_append_json(b, out);
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
    return workspace_print(args, append_all);
}

const struct command cmd_plugin_list = {
    .name = "list",
    .parent = &cmd_plugin,
    .summary = "list plugin files: which can be used, and why not",
    .usage = "[--json]",
    .details = "For each file: id, version, path and how many node types it has; or why it\n"
               "cannot be used: what it needs, what this opstream offers, what to do about it.\n"
               "Of two files with one id the first counts; a node type that two plugins have\n"
               "is used of neither. No code of a plugin runs: manifests are read from files.",
    .options = options,
    .run = run,
};
