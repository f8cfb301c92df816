/* SPDX-License-Identifier: Apache-2.0 */
/* What the scripts of the shells ask. */
#include "core/base/str.h"
#include "core/cli/commands.h"
#include "core/cli/completion.h"
#include "core/cli/terminal.h"

static int run(const struct command_args *args)
{
    struct strbuf out = STRBUF_INIT;
    completion_append(args->operands, args->operand_count, &out);
    int code = terminal_write_stdout(strbuf_str(&out));
    strbuf_finish(&out);
    return code;
}

const struct command cmd_completion_words = {
    .name = "words",
    .parent = &cmd_completion,
    .summary = "print what may stand in place of the last word",
    .usage = "-- ARGUMENT...",
    .details = "The arguments are those of a line behind 'opstream', the last one as far as it\n"
               "is there, '' for none. Each word that may stand there has a line, whether it\n"
               "begins as that one or not: itself, a tab, what it is. ':files' and ':folders'\n"
               "stand for names of such.",
    .min_operands = 1,
    .max_operands = COMMAND_MAX_VALUES,
    .run = run,
};
