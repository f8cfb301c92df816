/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/commands.h"
#include "core/cli/terminal.h"

static int run(const struct command_args *args)
{
    struct strbuf text = STRBUF_INIT;
    if (args->operand_count == 0) {
        command_print_overview(&text);
    } else {
        const struct command *command = command_find(args->operands[0]);
        if (command == NULL) {
            return command_unknown(args->operands[0]);
        }
        command_print_help(command, &text);
    }
    int code = terminal_write_stdout(strbuf_str(&text));
    strbuf_finish(&text);
    return code;
}

const struct command cmd_help = {
    .name = "help",
    .group = "About",
    .summary = "say what the program or one command does",
    .usage = "[COMMAND]",
    .min_operands = 0,
    .max_operands = 1,
    .run = run,
};
