/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/error.h"
#include "core/cli/command_help.h"
#include "core/cli/commands.h"
#include "core/cli/man_pages.h"
#include "core/cli/terminal.h"

static const struct command_option options[] = {
    {"man-pages", 0, "DIR", "write all manual pages into DIR, for packages", false},
    {NULL, 0, NULL, NULL, false},
};

static int append(const struct command_args *args, struct strbuf *out)
{
    if (args->operand_count == 0) {
        command_help_append_overview(out);
        return EXIT_DONE;
    }
    const struct command *command = NULL;
    size_t verb = 0;
    int code = command_resolve(args->operands, args->operand_count, &command, &verb);
    if (code != EXIT_DONE) {
        return code;
    }
    if (verb + 1 < args->operand_count) {
        return command_usage_error(command, "it has no verb '%s'", args->operands[verb + 1]);
    }
    command_help_append(command, out);
    return EXIT_DONE;
}

static int write_pages(const struct command_args *args, const char *folder)
{
    struct error err = {0};
    if (args->operand_count > 0) {
        return command_usage_error(args->command, "--man-pages is of all commands");
    }
    if (man_pages_write(folder, &err) != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    return EXIT_DONE;
}

static int run(const struct command_args *args)
{
    const char *folder = command_value(args, "man-pages");
    if (folder != NULL) {
        return write_pages(args, folder);
    }
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
    .usage = "[COMMAND [VERB]] | --man-pages DIR",
    .options = options,
    .min_operands = 0,
    .max_operands = 2,
    .run = run,
};
