/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tries a plugin file that is not trusted again, whatever came of it before.
 */
#include "core/base/error.h"
#include "core/cli/commands.h"
#include "core/cli/plugin_text.h"
#include "core/cli/terminal.h"
#include "core/cli/workspace.h"
#include "core/host/host.h"
#include "core/loop/loop.h"

static const struct command_option options[] = {
    WORKSPACE_OPTIONS,
    {NULL, 0, NULL, NULL, false},
};

static int append_retry(struct workspace *workspace, const struct command_args *args,
                        struct strbuf *out)
{
    struct host *host = loop_host(workspace->loop);
    const struct host_plugin_file *file = plugin_text_take(host, args->operands[0]);
    struct error err = {0};
    if (file == NULL) {
        return EXIT_USAGE;
    }
    int status = host_plugin_retry(host, file, &err);
    if (status != 0) {
        return command_error(status == E_INVALID ? EXIT_USAGE : EXIT_INVALID, "%s", err.message);
    }
    terminal_append_safe(out, file->id);
    strbuf_append_char(out, ' ');
    terminal_append_safe(out, file->version);
    strbuf_append_text(out, "  ");
    terminal_append_safe(out, file->path);
    strbuf_append_char(out, '\n');
    plugin_text_append_trial(file, "  ", 0, out);
    return EXIT_DONE;
}

static int run(const struct command_args *args)
{
    return workspace_print(args, append_retry);
}

const struct command cmd_plugin_retry = {
    .name = "retry",
    .parent = &cmd_plugin,
    .summary = "try a plugin again that did badly in its process",
    .usage = "ID|FILE",
    .details = "A plugin file that belongs neither to root nor to you is tried in a process\n"
               "of its own before it is loaded; 'opstream plugin list' shows what came of it.\n"
               "This forgets that, and tries it now, for 5 seconds at most. FILE needs a '/'\n"
               "and need not lie in a plugin folder. A file with another content, and another\n"
               "opstream, try it by themselves.",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
