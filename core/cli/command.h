/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_COMMAND_H
#define CORE_CLI_COMMAND_H

/*
 * Command: one subcommand of the program, described by a const table: its help, its usage errors
 * and its parsing come from the same rows. A command may have verbs, each a command of its own:
 * `opstream plugin list`. One file cmd_NAME.c or cmd_NAME_VERB.c defines one `struct command`.
 *
 * Used by:  main, every cmd_*.c, command_help.
 * Uses:     base, exit_code.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"
#include "core/cli/exit_code.h"

enum { COMMAND_MAX_VALUES = 256 };

/* One option of a command. */
struct command_option {
    const char *name;       /* "json": written --json */
    char letter;            /* 'i': also -i; 0: none */
    const char *value_name; /* "FILE" when it takes a value; NULL for a flag */
    const char *help;       /* one line, without a period */
    bool is_repeatable;     /* may be given more than once */
};

/* What was given, by the index of the option in the command's table. */
struct command_args {
    const struct command *command;
    const char *const *operands; /* what is no option, in order */
    size_t operand_count;
    struct {
        size_t option;
        const char *value; /* "" for a flag */
    } given[COMMAND_MAX_VALUES];
    size_t given_count;
    const char *first_operands[COMMAND_MAX_VALUES];
};

struct command {
    const char *name;                     /* "run" */
    const char *group;                    /* the heading in the overview; NULL for a verb */
    const char *summary;                  /* one line for the overview */
    const char *usage;                    /* "FILE [-i KEY=VALUE]..."; NULL: it needs a verb */
    const char *details;                  /* paragraphs for `opstream help NAME`; may be NULL */
    const struct command_option *options; /* ends with a name of NULL; NULL: none */
    size_t min_operands;
    size_t max_operands;                         /* SIZE_MAX: any number */
    int (*run)(const struct command_args *args); /* an enum exit_code; NULL: it needs a verb */
    const struct command *const *verbs;          /* ends with NULL; NULL: it has none */
    const struct command *parent;                /* of a verb: the command that has it */
};

/* All commands, in the order of the overview; ends with NULL. Defined in commands.c. */
extern const struct command *const command_table[];

/* The verb `name` of `of`, or the command when that is NULL; NULL: there is none such. */
const struct command *command_find(const struct command *of, const char *name);

/* Every command, each followed by its verbs. `user` is borrowed. */
typedef void (*command_walk_cb)(void *user, const struct command *command);
void command_walk(command_walk_cb visit, void *user);

/* The words behind "opstream": "run", "plugin list". */
struct strbuf;
void command_append_name(const struct command *command, struct strbuf *out);

/*
 * The next line of its usage, without "opstream NAME"; `*rest` begins as the usage. False when
 * there is none.
 */
bool command_next_usage(const struct command *command, const char **rest, struct str *out_line);

/* Its option that is written "--json", or "-i"; NULL: it has none such. */
const struct command_option *command_find_option(const struct command *command, struct str written);

/*
 * Where the verb stands in the words behind the command: at the first one that is no option of the
 * command or of its verbs, and no value of one. `count` when it is not there.
 */
size_t command_verb_place(const struct command *command, const char *const *words, size_t count);

/*
 * The command that the first word names; if it has verbs, the verb that stands at `*out_verb`,
 * which is 0 when there is none. Returns EXIT_DONE; EXIT_USAGE when there is no such command, or
 * verb: one line on stderr has said so, and which is near. There is a first word.
 */
int command_resolve(const char *const *words, size_t count, const struct command **out_command,
                    size_t *out_verb);

/*
 * Reads the arguments without the names of the command and its verb. Returns EXIT_DONE; EXIT_USAGE
 * when they are wrong, or a verb is missing: one line on stderr has said so. `--help` is answered
 * by the caller.
 */
int command_parse(const struct command *command, int argc, char *const *argv,
                  struct command_args *out_args);

/* The option `name` was given. */
bool command_has(const struct command_args *args, const char *name);

/* The value of the last --name, or NULL. */
const char *command_value(const struct command_args *args, const char *name);

/* The i-th value of a repeatable option, NULL at the end. */
const char *command_value_at(const struct command_args *args, const char *name, size_t i);

/* One line on stderr: "opstream run: ...; try 'opstream help run'". Returns EXIT_USAGE. */
int command_usage_error(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* One line on stderr: "opstream: ...". Returns `code`. */
int command_error(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
