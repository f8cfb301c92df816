/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the script that a shell completes the commands of this program with. */
#include <string.h>

#include "core/base/str.h"
#include "core/cli/commands.h"
#include "core/cli/completion.h"
#include "core/cli/terminal.h"

static int print_words(const struct command_args *args)
{
    struct strbuf out = STRBUF_INIT;
    if (args->operand_count < 2) {
        return command_usage_error(args->command, "'words' needs the words of the line");
    }
    completion_append(args->operands + 1, args->operand_count - 1, &out);
    int code = terminal_write_stdout(strbuf_str(&out));
    strbuf_finish(&out);
    return code;
}

static int run(const struct command_args *args)
{
    const char *what = args->operands[0];
    if (strcmp(what, "words") == 0) {
        return print_words(args);
    }
    bool is_bash = strcmp(what, "bash") == 0;
    if (!is_bash && strcmp(what, "zsh") != 0) {
        return command_usage_error(args->command, "no completion for '%s': bash or zsh", what);
    }
    if (args->operand_count > 1) {
        return command_usage_error(args->command, "'%s' is one argument too many",
                                   args->operands[1]);
    }
    const char *script = is_bash ? completion_script_bash : completion_script_zsh;
    return terminal_write_stdout(str_from(script));
}

const struct command cmd_completion = {
    .name = "completion",
    .group = "About",
    .summary = "print what a shell needs to complete commands",
    .usage = "bash|zsh",
    .details = "The packages have both scripts already. For this shell alone:\n"
               "\n"
               "  source <(opstream completion bash)\n"
               "  source <(opstream completion zsh)\n"
               "\n"
               "Commands, verbs, options and values are completed, with the runs and their\n"
               "nodes, node types, breakers and limits that there are: the scripts ask 'opstream\n"
               "completion words -- WORD...' what may stand in place of the last WORD.",
    .min_operands = 1,
    .max_operands = COMMAND_MAX_VALUES,
    .run = run,
};
