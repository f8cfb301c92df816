/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/escape.h"
#include "core/base/suggest.h"
#include "core/base/utf8.h"

enum { MESSAGE_BYTES = 8192 };

void command_walk(command_walk_cb visit, void *user)
{
    for (size_t i = 0; command_table[i] != NULL; i++) {
        const struct command *command = command_table[i];
        visit(user, command);
        for (size_t k = 0; command->verbs != NULL && command->verbs[k] != NULL; k++) {
            visit(user, command->verbs[k]);
        }
    }
}

void command_append_name(const struct command *command, struct strbuf *out)
{
    if (command->parent != NULL) {
        strbuf_append_format(out, "%s ", command->parent->name);
    }
    strbuf_append_text(out, command->name);
}

/* Texts from arguments and files are in it: it must not steer the terminal. */
static void append_message(struct strbuf *line, const char *format, va_list args)
{
    char text[MESSAGE_BYTES];
    int n = vsnprintf(text, sizeof(text), format, args);
    size_t length = n < 0 ? 0 : (size_t)n;
    bool is_cut = length >= sizeof(text);
    length = is_cut ? utf8_whole_prefix(text, sizeof(text) - 1) : length;
    escape_append_text(line, str_make(text, length));
    strbuf_append_text(line, is_cut ? "..." : "");
}

/* "; try ..." behind a statement, " try ..." behind a question; `where`: NULL for all commands. */
static void append_advice(struct strbuf *line, const struct command *where)
{
    bool is_question = line->n > 0 && line->p[line->n - 1] == '?';
    strbuf_append_format(line, "%s try 'opstream help", is_question ? "" : ";");
    if (where != NULL) {
        strbuf_append_char(line, ' ');
        command_append_name(where, line);
    }
    strbuf_append_char(line, '\'');
}

static void write_line(struct strbuf *line)
{
    strbuf_append_char(line, '\n');
    (void)fputs(strbuf_str(line).p, stderr); /* nowhere left to report to */
    strbuf_finish(line);
}

int command_usage_error(const struct command *command, const char *format, ...)
{
    struct strbuf line = STRBUF_INIT;
    va_list args;
    va_start(args, format);
    strbuf_append_text(&line, "opstream ");
    command_append_name(command, &line);
    strbuf_append_text(&line, ": ");
    append_message(&line, format, args);
    append_advice(&line, command);
    va_end(args);
    write_line(&line);
    return EXIT_USAGE;
}

int command_error(int code, const char *format, ...)
{
    struct strbuf line = STRBUF_INIT;
    va_list args;
    va_start(args, format);
    strbuf_append_text(&line, "opstream: ");
    append_message(&line, format, args);
    va_end(args);
    write_line(&line);
    return code;
}

/* ---- finding ---- */

static const struct command *const *table_of(const struct command *of)
{
    return of != NULL ? of->verbs : command_table;
}

const struct command *command_find(const struct command *of, const char *name)
{
    const struct command *const *table = table_of(of);
    for (size_t i = 0; table[i] != NULL; i++) {
        if (strcmp(table[i]->name, name) == 0) {
            return table[i];
        }
    }
    return NULL;
}

static void append_verbs(const struct command *command, struct strbuf *out)
{
    for (size_t i = 0; command->verbs[i] != NULL; i++) {
        strbuf_append_format(out, "%s%s", i > 0 ? ", " : "", command->verbs[i]->name);
    }
}

/* `of`: NULL for a word that is no command. */
static int refuse_unknown(const struct command *of, const char *name)
{
    const struct command *const *table = table_of(of);
    struct suggest nearest = suggest_start(str_from(name));
    for (size_t i = 0; table[i] != NULL; i++) {
        suggest_offer(&nearest, str_from(table[i]->name));
    }
    struct strbuf line = STRBUF_INIT;
    if (of != NULL) {
        strbuf_append_format(&line, "opstream %s: unknown verb '", of->name);
    } else {
        strbuf_append_text(&line, "opstream: unknown command '");
    }
    escape_append_text(&line, str_from(name));
    strbuf_append_char(&line, '\'');
    if (nearest.best.n > 0) {
        strbuf_append_format(&line, ", did you mean '%.*s'?", STR_ARG(nearest.best));
    } else if (of != NULL) {
        strbuf_append_text(&line, ", there is: ");
        append_verbs(of, &line);
    }
    append_advice(&line, of);
    write_line(&line);
    return EXIT_USAGE;
}

bool command_next_usage(const struct command *command, const char **rest, struct str *out_line)
{
    if (**rest == '\0') {
        return false;
    }
    bool is_first = *rest == command->usage;
    size_t n = strcspn(*rest, "\n");
    struct str line = str_trim(str_make(*rest, n));
    struct strbuf name = STRBUF_INIT;
    strbuf_append_text(&name, "opstream ");
    command_append_name(command, &name);
    if (!is_first && str_starts_with(line, strbuf_str(&name))) {
        line = str_trim(str_make(line.p + name.n, line.n - name.n));
    }
    strbuf_finish(&name);
    *rest += n + ((*rest)[n] != '\0');
    *out_line = line;
    return true;
}

const struct command_option *command_find_option(const struct command *command, struct str written)
{
    bool is_long = str_starts_with(written, STR("--"));
    bool is_letter = !is_long && written.n == 2 && written.p[0] == '-';
    const struct command_option *option = command->options;
    for (; option != NULL && option->name != NULL; option++) {
        bool is_it = is_long ? str_equal_text(str_make(written.p + 2, written.n - 2), option->name)
                             : is_letter && written.p[1] == option->letter;
        if (is_it) {
            return option;
        }
    }
    return NULL;
}

/* "--input", "-i" and "-qi", if they take a value: what is behind them is no operand. */
static bool takes_next(const struct command *command, const char *word)
{
    if (word[1] == '-') {
        const struct command_option *option = command_find_option(command, str_from(word));
        return option != NULL && option->value_name != NULL;
    }
    for (const char *letter = word + 1; *letter != '\0'; letter++) {
        const char written[] = {'-', *letter};
        const struct command_option *option = command_find_option(command, str_make(written, 2));
        if (option != NULL && option->value_name != NULL) {
            return letter[1] == '\0';
        }
    }
    return false;
}

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0' && strcmp(word, "--") != 0;
}

size_t command_verb_place(const struct command *command, const char *const *words, size_t count)
{
    size_t i = 0;
    while (i < count && is_option(words[i])) {
        bool takes = takes_next(command, words[i]);
        for (size_t k = 0; !takes && command->verbs[k] != NULL; k++) {
            takes = takes_next(command->verbs[k], words[i]);
        }
        i += takes ? 2 : 1;
    }
    i += i < count && strcmp(words[i], "--") == 0 ? 1 : 0;
    return i < count ? i : count;
}

int command_resolve(const char *const *words, size_t count, const struct command **out_command,
                    size_t *out_verb)
{
    const struct command *command = command_find(NULL, words[0]);
    if (command == NULL) {
        return refuse_unknown(NULL, words[0]);
    }
    size_t at = count;
    if (command->verbs != NULL) {
        at = 1 + command_verb_place(command, words + 1, count - 1);
    }
    const struct command *verb = at < count ? command_find(command, words[at]) : command;
    if (verb == NULL) {
        return refuse_unknown(command, words[at]);
    }
    *out_command = verb;
    *out_verb = at < count ? at : 0;
    return EXIT_DONE;
}

static int refuse_no_verb(const struct command *command)
{
    struct strbuf verbs = STRBUF_INIT;
    append_verbs(command, &verbs);
    int code = command_usage_error(command, "a verb is missing: %s", strbuf_str(&verbs).p);
    strbuf_finish(&verbs);
    return code;
}

/* ---- parsing ---- */

/* The cursor over the words of the command line. */
struct words {
    int argc;
    char *const *argv;
    int next;
};

static void append_owner(struct strbuf *out, const struct command *command, struct str written)
{
    if (command_find_option(command, written) != NULL) {
        strbuf_append_text(out, out->n > 0 ? ", '" : "'");
        command_append_name(command, out);
        strbuf_append_char(out, '\'');
    }
}

/* Which others among the verbs and their command have it: "'dlq requeue', 'dlq drop'". */
static void append_owners(struct strbuf *out, const struct command *command, struct str written)
{
    const struct command *whole = command->parent != NULL ? command->parent : command;
    append_owner(out, whole, written);
    for (size_t i = 0; whole->verbs != NULL && whole->verbs[i] != NULL; i++) {
        append_owner(out, whole->verbs[i], written);
    }
}

/* `written` is "--json" or "-i". */
static int unknown_option(const struct command *command, struct str written)
{
    struct strbuf owners = STRBUF_INIT;
    append_owners(&owners, command, written);
    bool is_long = str_starts_with(written, STR("--"));
    struct suggest nearest =
        suggest_start(is_long ? str_make(written.p + 2, written.n - 2) : STR(""));
    const struct command_option *option = command->options;
    for (; option != NULL && option->name != NULL; option++) {
        suggest_offer(&nearest, str_from(option->name));
    }
    int code = EXIT_USAGE;
    if (owners.n > 0) {
        code = command_usage_error(command, "option '%.*s' goes with %s", STR_ARG(written),
                                   strbuf_str(&owners).p);
    } else if (nearest.best.n > 0) {
        code = command_usage_error(command, "unknown option '%.*s', did you mean '--%.*s'?",
                                   STR_ARG(written), STR_ARG(nearest.best));
    } else {
        code = command_usage_error(command, "unknown option '%.*s'", STR_ARG(written));
    }
    strbuf_finish(&owners);
    return code;
}

static int add_given(struct command_args *args, const struct command_option *row, const char *value)
{
    if (!row->is_repeatable && row->value_name != NULL && command_has(args, row->name)) {
        return command_usage_error(args->command, "option '--%s' is given twice", row->name);
    }
    if (args->given_count == COMMAND_MAX_VALUES) {
        return command_usage_error(args->command, "more than %d options", COMMAND_MAX_VALUES);
    }
    args->given[args->given_count].option = (size_t)(row - args->command->options);
    args->given[args->given_count].value = value;
    args->given_count++;
    return EXIT_DONE;
}

/* `attached` is the value behind '=' or behind the letter, or NULL. */
static int take_option(struct command_args *args, struct words *words,
                       const struct command_option *row, const char *attached)
{
    if (row->value_name == NULL) {
        if (attached != NULL) {
            return command_usage_error(args->command, "option '--%s' takes no value", row->name);
        }
        return add_given(args, row, "");
    }
    const char *value = attached;
    if (value == NULL) {
        if (words->next >= words->argc) {
            return command_usage_error(args->command, "option '--%s' needs a value: %s", row->name,
                                       row->value_name);
        }
        value = words->argv[words->next++];
    }
    return add_given(args, row, value);
}

static int parse_long(struct command_args *args, struct words *words, const char *word)
{
    const char *equals = strchr(word, '=');
    struct str written = equals != NULL ? str_make(word, (size_t)(equals - word)) : str_from(word);
    const struct command_option *option = command_find_option(args->command, written);
    return option == NULL ? unknown_option(args->command, written)
                          : take_option(args, words, option, equals != NULL ? equals + 1 : NULL);
}

static int parse_letters(struct command_args *args, struct words *words, const char *word)
{
    for (const char *letter = word + 1; *letter != '\0'; letter++) {
        const char written[] = {'-', *letter};
        const struct command_option *option =
            command_find_option(args->command, str_make(written, 2));
        if (option == NULL) {
            return unknown_option(args->command, str_make(written, 2));
        }
        bool takes_value = option->value_name != NULL;
        const char *attached = takes_value && letter[1] != '\0' ? letter + 1 : NULL;
        int status = take_option(args, words, option, attached);
        if (status != EXIT_DONE || takes_value) {
            return status;
        }
    }
    return EXIT_DONE;
}

static int add_operand(struct command_args *args, const char *word)
{
    if (args->operand_count >= args->command->max_operands) {
        return command_usage_error(args->command, "'%s' is one argument too many", word);
    }
    if (args->operand_count == COMMAND_MAX_VALUES) {
        return command_usage_error(args->command, "more than %d arguments", COMMAND_MAX_VALUES);
    }
    args->first_operands[args->operand_count++] = word;
    return EXIT_DONE;
}

int command_parse(const struct command *command, int argc, char *const *argv,
                  struct command_args *out_args)
{
    if (command->run == NULL) {
        return refuse_no_verb(command);
    }
    *out_args = (struct command_args){.command = command};
    out_args->operands = out_args->first_operands;
    struct words words = {.argc = argc, .argv = argv};
    bool has_options = true;
    while (words.next < words.argc) {
        const char *word = words.argv[words.next++];
        int status = EXIT_DONE;
        if (has_options && strcmp(word, "--") == 0) {
            has_options = false;
        } else if (has_options && strncmp(word, "--", 2) == 0) {
            status = parse_long(out_args, &words, word);
        } else if (has_options && word[0] == '-' && word[1] != '\0') {
            status = parse_letters(out_args, &words, word);
        } else {
            status = add_operand(out_args, word);
        }
        if (status != EXIT_DONE) {
            return status;
        }
    }
    if (out_args->operand_count < command->min_operands) {
        struct strbuf name = STRBUF_INIT;
        command_append_name(command, &name);
        int code = command_usage_error(command, "an argument is missing: opstream %s %s",
                                       strbuf_str(&name).p, command->usage);
        strbuf_finish(&name);
        return code;
    }
    return EXIT_DONE;
}

const char *command_value_at(const struct command_args *args, const char *name, size_t i)
{
    for (size_t k = 0; k < args->given_count; k++) {
        const char *given = args->command->options[args->given[k].option].name;
        if (strcmp(given, name) == 0 && i-- == 0) {
            return args->given[k].value;
        }
    }
    return NULL;
}

bool command_has(const struct command_args *args, const char *name)
{
    return command_value_at(args, name, 0) != NULL;
}

const char *command_value(const struct command_args *args, const char *name)
{
    const char *last = NULL;
    for (size_t i = 0;; i++) {
        const char *value = command_value_at(args, name, i);
        if (value == NULL) {
            return last;
        }
        last = value;
    }
}
