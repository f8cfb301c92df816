/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/str.h"
#include "core/cli/commands.h"
#include "core/cli/completion.h"
#include "core/cli/terminal.h"

static int run(const struct command_args *args)
{
    (void)args;
    return terminal_write_stdout(str_from(completion_script_bash));
}

const struct command cmd_completion_bash = {
    .name = "bash",
    .parent = &cmd_completion,
    .summary = "print the script for bash",
    .usage = "",
    .details = "For the shell that you are in: source <(opstream completion bash)",
    .run = run,
};
