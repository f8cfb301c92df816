/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/commands.h"
#include "core/cli/node_request.h"
#include "core/cli/run_session.h"
#include "core/cli/run_tape.h"
#include "core/cli/site_config.h"

static const struct command_option options[] = {
    NODE_OPTIONS,
    TAPE_OPTIONS,
    {"json", 0, NULL, "print one JSON document at the end", false},
    {"quiet", 'q', NULL, "output and outcome only; stderr: warnings, long waits", false},
    {NULL, 0, NULL, NULL, false},
};

static int run(const struct command_args *args)
{
    static const struct run_session_options session = {.prepare = node_request_prepare,
                                                       .is_ephemeral = true};
    return run_session(args, &session);
}

const struct command cmd_plugin_run = {
    .name = "run",
    .parent = &cmd_plugin,
    .summary = "run one node of a plugin file, without a workflow",
    .usage = "FILE [--node TYPE] [--config FILE] [-i KEY=VALUE]...",
    .details =
        "The node runs as it would in a pipeline of this node alone, and nothing is kept:\n"
        "its config is checked against its schema, templates in it see 'input', secrets\n"
        "are those of 'opstream secrets' and of the environment, and it is tried again as\n"
        "always. FILE need not lie in a plugin folder; no other plugin is looked at.\n\n"
        "--record keeps the HTTP calls that are made, and what came of them. --replay\n"
        "answers from such a tape, without a network: a call is the one on the tape that\n"
        "has the same method, URL and body, and the first of these that was not made.\n"
        "Secrets are *** on a tape, which is any text: for --replay they need not be set.\n\n"
        "With OPSTREAM_PLUGIN_DEBUG=wait in the environment of any command, no code of a\n"
        "plugin is loaded before a debugger is attached: a line on stderr says to what.",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
