/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/completion.h"

#include <stdint.h>
#include <string.h>

#include "core/base/str.h"
#include "core/cli/command.h"
#include "core/cli/completion_values.h"

/* What is known of the line before the last word. */
struct line {
    const struct command *command;
    const struct command_option *wants_value; /* the last word is its value; or NULL */
    bool has_ended_options;                   /* a lone "--" has been there */
    struct command_args args;
};

/* "--state=x" and "--state" alike: the option, and what is behind '='. */
static const struct command_option *option_of(const struct command *command, const char *word,
                                              const char **out_value)
{
    *out_value = NULL;
    if (word[0] != '-' || word[1] == '\0') {
        return NULL;
    }
    if (word[1] != '-') {
        const char written[] = {'-', word[strlen(word) - 1]};
        return command_find_option(command, str_make(written, 2));
    }
    const char *equals = strchr(word, '=');
    *out_value = equals != NULL ? equals + 1 : NULL;
    size_t n = equals != NULL ? (size_t)(equals - word) : strlen(word);
    return command_find_option(command, str_make(word, n));
}

static void add_given(struct line *line, const struct command_option *option, const char *value)
{
    struct command_args *args = &line->args;
    if (args->given_count < COMMAND_MAX_VALUES) {
        args->given[args->given_count].option = (size_t)(option - line->command->options);
        args->given[args->given_count].value = value;
        args->given_count++;
    }
}

/* A line that is not complete is no fault: what cannot be understood is passed over. */
static void read_line(struct line *line, const char *const *words, size_t count)
{
    for (size_t i = 0; i + 1 < count; i++) {
        const char *value = NULL;
        bool is_option = !line->has_ended_options && words[i][0] == '-';
        const struct command_option *option = is_option ? option_of(line->command, words[i], &value)
                                                        : NULL;
        if (is_option && strcmp(words[i], "--") == 0) {
            line->has_ended_options = true;
        } else if (option != NULL && option->value_name != NULL && value == NULL) {
            i++;
            line->wants_value = i + 1 == count ? option : NULL;
            add_given(line, option, line->wants_value == NULL ? words[i] : "");
        } else if (option != NULL) {
            add_given(line, option, value != NULL ? value : "");
        } else if (!is_option && line->args.operand_count < COMMAND_MAX_VALUES) {
            line->args.first_operands[line->args.operand_count++] = words[i];
        }
    }
}

/* ---- names ---- */

static void append_commands(const struct command *const *list, struct strbuf *out)
{
    for (; *list != NULL; list++) {
        completion_values_append_word(out, str_from((*list)->name), str_from((*list)->summary));
    }
}

static void append_options(const struct line *line, struct strbuf *out)
{
    struct strbuf name = STRBUF_INIT;
    const struct command_option *option = line->command->options;
    for (; option != NULL && option->name != NULL; option++) {
        if (option->is_repeatable || !command_has(&line->args, option->name)) {
            strbuf_clear(&name);
            strbuf_append_format(&name, "--%s", option->name);
            completion_values_append_word(out, strbuf_str(&name), str_from(option->help));
        }
    }
    completion_values_append_word(out, STR("--help"), STR("say what it does"));
    strbuf_finish(&name);
}

/* ---- operands, by the usage line ---- */

enum { USAGE_MOST_WORDS = 16 };

/* One way to call a command, "set NAME [--host HOST]...", without its options. */
struct way {
    struct str words[USAGE_MOST_WORDS];
    size_t count;
    bool is_repeated; /* the last one may come again */
};

static struct str strip(struct str word)
{
    while (word.n > 0 && strchr("[]", word.p[0]) != NULL) {
        word = str_make(word.p + 1, word.n - 1);
    }
    while (word.n > 0 && strchr("[].", word.p[word.n - 1]) != NULL) {
        word.n--;
    }
    return word;
}

static bool takes_value(const struct command *command, struct str word)
{
    size_t n = 0;
    while (n < word.n && word.p[n] != '|') {
        n++;
    }
    const struct command_option *option = command_find_option(command, str_make(word.p, n));
    return option != NULL && option->value_name != NULL;
}

static struct str take_word(struct str *rest)
{
    size_t n = 0;
    while (n < rest->n && rest->p[n] != ' ') {
        n++;
    }
    struct str word = str_make(rest->p, n);
    *rest = str_trim(str_make(rest->p + n, rest->n - n));
    return word;
}

/* Up to a lone '|', or the end of the line. */
static struct way take_way(const struct command *command, struct str *rest)
{
    struct way way = {0};
    while (rest->n > 0) {
        struct str raw = take_word(rest);
        struct str word = strip(raw);
        if (str_equal_text(raw, "|")) {
            break;
        }
        if (word.n > 0 && word.p[0] == '-') {
            if (takes_value(command, word)) {
                (void)take_word(rest); /* the name of its value */
            }
        } else if (way.count < USAGE_MOST_WORDS) {
            way.words[way.count++] = word;
            way.is_repeated = raw.n > 3 && memcmp(raw.p + raw.n - 3, "...", 3) == 0;
        }
    }
    return way;
}

static bool is_name(struct str word)
{
    return word.n > 0 && word.p[0] >= 'A' && word.p[0] <= 'Z';
}

/* "bash|zsh", or "ID|FILE": each of them. */
static void append_choices(const struct line *line, const char *option, struct str choices,
                           struct strbuf *out)
{
    while (choices.n > 0) {
        size_t n = 0;
        while (n < choices.n && choices.p[n] != '|') {
            n++;
        }
        struct str one = str_make(choices.p, n);
        size_t letters = 0;
        while (letters < n && one.p[letters] >= 'A' && one.p[letters] <= 'Z') {
            letters++;
        }
        if (is_name(one)) { /* of FILE[#ID] it is FILE */
            completion_values_append(line->command, option, str_make(one.p, letters), &line->args,
                                     out);
        } else {
            completion_values_append_word(out, one, STR(""));
        }
        n += n < choices.n ? 1 : 0;
        choices = str_make(choices.p + n, choices.n - n);
    }
}

static void append_help(const struct line *line, struct strbuf *out)
{
    const struct command *of =
        line->args.operand_count == 1 ? command_find(NULL, line->args.first_operands[0]) : NULL;
    if (line->args.operand_count == 0) {
        append_commands(command_table, out);
    } else if (of != NULL && of->verbs != NULL) {
        append_commands(of->verbs, out);
    }
}

/* What may come behind `index` operands by this way to call the command. */
static void append_of_way(const struct line *line, const struct way *way, size_t index,
                          struct strbuf *out)
{
    if (way->is_repeated && index >= way->count) {
        index = way->count - 1;
    }
    if (index < way->count) {
        append_choices(line, "", way->words[index], out);
    }
}

/* Where no operand may stand, options may. */
static void append_operand(const struct line *line, struct strbuf *out)
{
    const char *rest = line->command->usage;
    struct str usage = STR("");
    size_t index = line->args.operand_count;
    if (strcmp(line->command->name, "help") == 0) {
        append_help(line, out);
        return;
    }
    if (index >= line->command->max_operands) {
        if (!line->has_ended_options) {
            append_options(line, out);
        }
        return;
    }
    while (command_next_usage(line->command, &rest, &usage)) {
        while (usage.n > 0) {
            struct way way = take_way(line->command, &usage);
            append_of_way(line, &way, index, out);
        }
    }
}

/* ---- a line ---- */

static void append_rest(struct line *line, const char *const *words, size_t count,
                        struct strbuf *out)
{
    const char *last = words[count - 1];
    const char *value = NULL;
    line->args.command = line->command;
    line->args.operands = line->args.first_operands;
    read_line(line, words, count);
    bool is_option = !line->has_ended_options && last[0] == '-';
    const struct command_option *option = line->wants_value;
    if (option == NULL && is_option) {
        option = option_of(line->command, last, &value);
        option = value != NULL ? option : NULL;
    }
    if (option != NULL) {
        append_choices(line, option->name,
                       str_from(option->value_name != NULL ? option->value_name : ""), out);
    } else if (is_option) {
        append_options(line, out);
    } else if (line->command->verbs == NULL) {
        append_operand(line, out);
    }
}

void completion_append(const char *const *words, size_t count, struct strbuf *out)
{
    if (count == 1 && words[0][0] == '-') {
        completion_values_append_word(out, STR("--help"), STR("say what there is"));
        completion_values_append_word(out, STR("--version"), STR("print the version"));
        return;
    }
    if (count == 1) {
        append_commands(command_table, out);
        return;
    }
    struct line line = {.command = command_find(NULL, words[0])};
    const char *rest[COMMAND_MAX_VALUES];
    size_t verb = count;
    size_t rest_count = 0;
    if (line.command == NULL || count > COMMAND_MAX_VALUES) {
        return;
    }
    if (line.command->verbs != NULL) {
        verb = 1 + command_verb_place(line.command, words + 1, count - 1);
    }
    if (verb + 1 == count) {
        append_commands(line.command->verbs, out);
    } else if (verb < count) {
        line.command = command_find(line.command, words[verb]);
    }
    for (size_t i = 1; i < count; i++) {
        if (i != verb || verb + 1 == count) {
            rest[rest_count++] = words[i];
        }
    }
    if (line.command != NULL) {
        append_rest(&line, rest, rest_count, out);
    }
}
