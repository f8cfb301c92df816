/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest of one plugin file. No code of the plugin runs.
 */
#include <stdint.h>

#include "core/cli/commands.h"
#include "core/cli/manifest_file.h"
#include "core/cli/plugin_text.h"
#include "core/cli/terminal.h"
#include "core/cli/workspace.h"
#include "core/host/host.h"
#include "core/loop/loop.h"
#include "core/value/builder.h"
#include "core/value/value.h"

static const struct command_option options[] = {
    {"json", 0, NULL, "print one JSON document", false},
    WORKSPACE_OPTIONS,
    {NULL, 0, NULL, NULL, false},
};

/* What its code wrote while it was tried. */
static void append_output(const struct host_plugin_file *file, struct strbuf *out)
{
    if (file->trial.output.n > 0) {
        strbuf_append_text(out, "it wrote: ");
        terminal_append_safe(out, file->trial.output);
        strbuf_append_char(out, '\n');
    }
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
    plugin_text_append_trial(file, "", SIZE_MAX, out);
    append_output(file, out);
    if (file->manifest != NULL) {
        terminal_append_json(out, document_root(file->manifest), JSON_PRETTY);
        strbuf_append_char(out, '\n');
    }
}

static int append_file(struct workspace *workspace, const struct command_args *args,
                       const struct host_plugin_file *file, struct strbuf *out)
{
    if (!command_has(args, "json")) {
        append_file_details(file, out);
        return EXIT_DONE;
    }
    struct builder *b = builder_create();
    plugin_text_build(b, file, loop_catalogue(workspace->loop));
    return plugin_text_append_json(b, out);
}

static int append_manifest(struct workspace *workspace, const struct command_args *args,
                           struct strbuf *out)
{
    struct manifest_file file;
    int code = manifest_file_read(&file, args->operands[0]);
    if (code == EXIT_DONE) {
        code = append_file(workspace, args, &file.info, out);
    }
    manifest_file_finish(&file);
    return code;
}

static int append_inspect(struct workspace *workspace, const struct command_args *args,
                          struct strbuf *out)
{
    const char *wanted = args->operands[0];
    if (str_ends_with(str_from(wanted), STR(".json"))) {
        return append_manifest(workspace, args, out);
    }
    struct host *host = loop_host(workspace->loop);
    const struct host_plugin_file *file = plugin_text_take(host, wanted);
    return file != NULL ? append_file(workspace, args, file, out) : EXIT_USAGE;
}

static int run(const struct command_args *args)
{
    return workspace_print(args, append_inspect);
}

const struct command cmd_plugin_inspect = {
    .name = "inspect",
    .parent = &cmd_plugin,
    .summary = "show the manifest of one plugin",
    .usage = "ID|FILE [--json]",
    .details = "No code of the plugin runs: the manifest is read from the file. FILE needs a '/'\n"
               "and need not lie in a plugin folder. The manifest.json that a plugin is made\n"
               "with is checked as well, and what is wrong is told at its place there.",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
