/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/str.h"
#include "core/cli/commands.h"
#include "core/cli/completion.h"
#include "core/cli/terminal.h"

static int run(const struct command_args *args)
{
    (void)args;
    return terminal_write_stdout(str_from(completion_script_zsh));
}

const struct command cmd_completion_zsh = {
    .name = "zsh",
    .parent = &cmd_completion,
    .summary = "print the script for zsh",
    .usage = "",
    .details = "For the shell that you are in: source <(opstream completion zsh)",
    .run = run,
};
