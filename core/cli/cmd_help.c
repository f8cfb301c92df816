/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/command_help.h"
#include "core/cli/commands.h"
#include "core/cli/terminal.h"

static int append(const struct command_args *args, struct strbuf *out)
{
    if (args->operand_count == 0) {
        command_help_append_overview(out);
        return EXIT_DONE;
    }
    const struct command *command = NULL;
    size_t used = 0;
    int code = command_resolve(args->operands, args->operand_count, &command, &used);
    if (code != EXIT_DONE) {
        return code;
    }
    if (used < args->operand_count) {
        return command_usage_error(command, "it has no verb '%s'", args->operands[used]);
    }
    command_help_append(command, out);
    return EXIT_DONE;
}

static int run(const struct command_args *args)
{
    struct strbuf text = STRBUF_INIT;
    int code = append(args, &text);
    code = code == EXIT_DONE ? terminal_write_stdout(strbuf_str(&text)) : code;
    strbuf_finish(&text);
    return code;
}

const struct command cmd_help = {
    .name = "help",
    .group = "About",
    .summary = "say what the program or one command does",
    .usage = "[COMMAND [VERB]]",
    .min_operands = 0,
    .max_operands = 2,
    .run = run,
};
