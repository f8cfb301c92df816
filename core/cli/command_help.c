/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/command_help.h"

#include <stdio.h>
#include <string.h>

#include "core/base/str.h"
#include "core/cli/command.h"

enum { SUMMARY_COLUMN = 26 };

/* Two aligned columns; the second starts on a line of its own when the first is long. */
static void print_row(struct strbuf *out, const char *left, const char *right)
{
    size_t n = strlen(left);
    strbuf_append_format(out, "  %s", left);
    if (n + 2 >= SUMMARY_COLUMN) {
        strbuf_append_text(out, "\n");
        n = 0;
        strbuf_append_text(out, "  ");
    }
    strbuf_append_format(out, "%*s%s\n", (int)(SUMMARY_COLUMN - 2 - n), "", right);
}

static void print_lines(struct strbuf *out, const char *left, const char *text)
{
    const char *end = strchr(text, '\n');
    strbuf_append_format(out, "  %-*s", SUMMARY_COLUMN - 2, left);
    while (end != NULL) {
        strbuf_append_format(out, "%.*s\n%*s", (int)(end - text), text, SUMMARY_COLUMN, "");
        text = end + 1;
        end = strchr(text, '\n');
    }
    strbuf_append_format(out, "%s\n", text);
}

void command_help_append_overview(struct strbuf *out)
{
    strbuf_append_text(out,
                       "usage: opstream COMMAND [ARGUMENT]...\n\n"
                       "Runs pipelines written in YAML, with nodes from plugins; all is checked "
                       "first.\n");
    const char *group = "";
    for (size_t i = 0; command_table[i] != NULL; i++) {
        const struct command *command = command_table[i];
        if (strcmp(group, command->group) != 0) {
            group = command->group;
            strbuf_append_format(out, "\n%s\n", group);
        }
        print_row(out, command->name, command->summary);
    }
    strbuf_append_text(
        out, "\n'opstream help COMMAND' tells more.\n"
             "Environment: OPSTREAM_PLUGIN_PATH, OPSTREAM_LIBRARY_PATH (folders of plugins, "
             "of\npipelines; ':' between), NO_COLOR.\n\nExit codes\n");
    for (const struct exit_code_row *row = exit_code_rows; row->name != NULL; row++) {
        print_lines(out, row->name, row->text);
    }
}

static void append_usage(const struct command *command, struct strbuf *out)
{
    struct strbuf name = STRBUF_INIT;
    command_append_name(command, &name);
    const char *begin = "usage:";
    if (command->run != NULL) {
        strbuf_append_format(out, "%s opstream %s%s%s\n", begin, strbuf_str(&name).p,
                             command->usage[0] != '\0' ? " " : "", command->usage);
        begin = "      ";
    }
    if (command->verbs != NULL) {
        strbuf_append_format(out, "%s opstream %s VERB [ARGUMENT]...\n", begin,
                             strbuf_str(&name).p);
    }
    strbuf_append_format(out, "\n%s\n", command->summary);
    strbuf_finish(&name);
}

static void append_option(const struct command_option *row, struct strbuf *out)
{
    char left[80];
    char letter[8] = "";
    if (row->letter != 0) {
        (void)snprintf(letter, sizeof(letter), "-%c, ", row->letter);
    }
    (void)snprintf(left, sizeof(left), "%s--%s%s%s", letter, row->name,
                   row->value_name != NULL ? " " : "",
                   row->value_name != NULL ? row->value_name : "");
    print_row(out, left, row->help);
}

static void append_verbs(const struct command *command, struct strbuf *out)
{
    for (size_t i = 0; command->verbs[i] != NULL; i++) {
        strbuf_append_text(out, i == 0 ? "\n" : "");
        print_row(out, command->verbs[i]->name, command->verbs[i]->summary);
    }
    strbuf_append_format(out, "\n'opstream help %s VERB' tells more.\n", command->name);
}

void command_help_append(const struct command *command, struct strbuf *out)
{
    append_usage(command, out);
    if (command->details != NULL) {
        strbuf_append_format(out, "\n%s\n", command->details);
    }
    if (command->verbs != NULL) {
        append_verbs(command, out);
    }
    const struct command_option *options = command->options;
    for (size_t i = 0; options != NULL && options[i].name != NULL; i++) {
        strbuf_append_text(out, i == 0 ? "\n" : "");
        append_option(&options[i], out);
    }
}
