/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program: finds the command, reads its arguments, runs it.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/str.h"
#include "core/base/suggest.h"
#include "core/cli/command.h"
#include "core/cli/terminal.h"

static int unknown_command(const char *name)
{
    struct str names[32];
    size_t count = 0;
    while (command_table[count] != NULL && count < 32) {
        names[count] = str_from(command_table[count]->name);
        count++;
    }
    struct str near = suggest_nearest(str_from(name), names, count);
    if (near.n > 0) {
        return command_error(EXIT_USAGE,
                             "unknown command '%s', did you mean '%.*s'?; try "
                             "'opstream help'",
                             name, STR_ARG(near));
    }
    return command_error(EXIT_USAGE, "unknown command '%s'; try 'opstream help'", name);
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* --help anywhere before a lone "--" asks for help. */
static bool wants_help(int argc, char *const *argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (is_help(argv[i])) {
            return true;
        }
    }
    return false;
}

static int print_help(const struct command *command)
{
    struct strbuf text = STRBUF_INIT;
    if (command != NULL) {
        command_print_help(command, &text);
    } else {
        command_print_overview(&text);
    }
    int code = terminal_write_stdout(strbuf_str(&text));
    strbuf_finish(&text);
    return code;
}

int main(int argc, char **argv)
{
    if (argc < 2 || is_help(argv[1])) {
        int code = print_help(NULL);
        return argc < 2 && code == EXIT_DONE ? EXIT_USAGE : code;
    }
    if (strcmp(argv[1], "--version") == 0) {
        argv[1] = "version";
    }
    const struct command *command = command_find(argv[1]);
    if (command == NULL) {
        return unknown_command(argv[1]);
    }
    if (wants_help(argc - 2, argv + 2)) {
        return print_help(command);
    }
    struct command_args args;
    int code = command_parse(command, argc - 2, argv + 2, &args);
    return code != EXIT_DONE ? code : command->run(&args);
}
