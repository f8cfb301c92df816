/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/man_command.h"

#include <string.h>

#include "core/base/str.h"
#include "core/cli/command.h"
#include "core/cli/man_roff.h"

void man_command_append_name(const struct command *command, struct strbuf *out)
{
    strbuf_append_text(out, "opstream-");
    if (command->parent != NULL) {
        strbuf_append_format(out, "%s-", command->parent->name);
    }
    strbuf_append_text(out, command->name);
}

/* ---- one command ---- */

static void append_synopsis_line(struct strbuf *out, struct str name, struct str usage)
{
    struct strbuf whole = STRBUF_INIT;
    strbuf_append_format(&whole, "opstream %.*s", STR_ARG(name));
    man_roff_bold(out, strbuf_str(&whole));
    strbuf_append_text(out, usage.n > 0 ? " " : "");
    man_roff_text(out, usage);
    strbuf_append_char(out, '\n');
    strbuf_finish(&whole);
}

static void append_synopsis(const struct command *command, struct strbuf *out)
{
    struct strbuf name = STRBUF_INIT;
    command_append_name(command, &name);
    man_roff_section(out, "SYNOPSIS");
    const char *rest = command->usage;
    const char *before = "";
    struct str line = STR("");
    bool is_bare = command->run != NULL && rest[0] == '\0';
    while (is_bare || (rest != NULL && command_next_usage(command, &rest, &line))) {
        strbuf_append_text(out, before);
        append_synopsis_line(out, strbuf_str(&name), line);
        before = ".br\n";
        is_bare = false;
    }
    if (command->verbs != NULL) {
        strbuf_append_text(out, before);
        append_synopsis_line(out, strbuf_str(&name), STR("VERB [ARGUMENT]..."));
    }
    strbuf_finish(&name);
}

/* The summary is the heading of a list; here it is a sentence. */
static void append_summary(const struct command *command, struct strbuf *out)
{
    char first = command->summary[0];
    char capital = first >= 'a' && first <= 'z' ? (char)(first - 'a' + 'A') : first;
    strbuf_append_char(out, capital);
    man_roff_text(out, str_from(command->summary + 1));
    strbuf_append_text(out, ".\n");
}

static void append_option(const struct command_option *row, struct strbuf *out)
{
    struct strbuf name = STRBUF_INIT;
    man_roff_item_begin(out);
    if (row->letter != 0) {
        strbuf_append_format(&name, "-%c", row->letter);
        man_roff_bold(out, strbuf_str(&name));
        strbuf_append_text(out, ", ");
        strbuf_clear(&name);
    }
    strbuf_append_format(&name, "--%s", row->name);
    man_roff_bold(out, strbuf_str(&name));
    if (row->value_name != NULL) {
        strbuf_append_char(out, ' ');
        man_roff_italic(out, str_from(row->value_name));
    }
    strbuf_append_char(out, '\n');
    man_roff_text(out, str_from(row->help));
    man_roff_item_end(out);
    strbuf_finish(&name);
}

static void append_page_item(const struct command *command, struct strbuf *out)
{
    struct strbuf page = STRBUF_INIT;
    man_command_append_name(command, &page);
    man_roff_item_begin(out);
    man_roff_bold(out, strbuf_str(&page));
    strbuf_append_text(out, "(1)\n");
    man_roff_text(out, str_from(command->summary));
    man_roff_item_end(out);
    strbuf_finish(&page);
}

void man_command_append(const struct command *command, struct strbuf *out)
{
    static const char *const pages[] = {"opstream(1)", "opstream.yaml(5)", "opstream-pipeline(5)",
                                        "opstream-plugin.json(5)", NULL};
    struct strbuf name = STRBUF_INIT;
    man_command_append_name(command, &name);
    man_roff_begin(out, strbuf_str(&name), 1);
    man_roff_name(out, strbuf_str(&name), command->summary);
    strbuf_finish(&name);
    append_synopsis(command, out);
    man_roff_section(out, "DESCRIPTION");
    append_summary(command, out);
    if (command->details != NULL) {
        strbuf_append_text(out, command->details[0] == ' ' ? "" : ".PP\n");
        man_roff_paragraphs(out, str_from(command->details));
    }
    if (command->verbs != NULL) {
        man_roff_section(out, "VERBS");
    }
    for (size_t i = 0; command->verbs != NULL && command->verbs[i] != NULL; i++) {
        append_page_item(command->verbs[i], out);
    }
    const struct command_option *options = command->options;
    if (options != NULL && options[0].name != NULL) {
        man_roff_section(out, "OPTIONS");
    }
    for (; options != NULL && options->name != NULL; options++) {
        append_option(options, out);
    }
    man_roff_section(out, "EXIT STATUS");
    strbuf_append_text(out, "That of all commands: see\n.BR opstream (1).\n");
    man_roff_see_also(out, pages);
}

/* ---- the program ---- */

struct row {
    const char *name;
    const char *text;
};

static const struct row variables[] = {
    {"OPSTREAM_STATE", "the state folder, as --state"},
    {"OPSTREAM_PLUGIN_PATH", "folders of plugins, with ':' between them, as --plugins"},
    {"OPSTREAM_PLUGIN_DEBUG", "'wait': before a plugin is loaded, wait for a debugger"},
    {"OPSTREAM_LIBRARY_PATH", "folders of pipelines, with ':' between them, as --library"},
    {"OPSTREAM_SECRET_NAME", "the secret NAME, in capitals, '-' and '.' as '_'"},
    {"CREDENTIALS_DIRECTORY", "a folder with a file for each secret, set by systemd"},
    {"HOST", "serve: the address to listen at, with PORT"},
    {"PORT", "serve: the port to listen at"},
    {"LOG_LEVEL", "serve: error, warn, info or debug"},
    {"LOG_FORMAT", "serve: text or json"},
    {"DEBUG", "serve: '1' is LOG_LEVEL=debug"},
    {"http_proxy", "the proxy of calls over HTTP; also https_proxy, all_proxy and no_proxy"},
    {"SSL_CERT_FILE", "whom to trust; also SSL_CERT_DIR"},
    {"NO_COLOR", "no colours"},
    {"EDITOR", "of 'dlq requeue --edit'; also VISUAL"},
};

static const struct row files[] = {
    {"/etc/opstream/opstream.yaml", "the settings, see opstream.yaml(5)"},
    {"/var/lib/opstream", "the state of root, and of the service"},
    {"~/.local/state/opstream", "the state of everybody else, without XDG_STATE_HOME"},
    {"/run/secrets", "secrets, a file for each, if there is no other 'secrets_folder'"},
};

static void append_row(const char *name, const char *text, struct strbuf *out)
{
    man_roff_item_begin(out);
    man_roff_bold(out, str_from(name));
    strbuf_append_char(out, '\n');
    man_roff_text(out, str_from(text));
    man_roff_item_end(out);
}

static void append_rows(const struct row *rows, size_t count, struct strbuf *out)
{
    for (size_t i = 0; i < count; i++) {
        append_row(rows[i].name, rows[i].text, out);
    }
}

static void append_exit_codes(struct strbuf *out)
{
    for (const struct exit_code_row *row = exit_code_rows; row->name != NULL; row++) {
        append_row(row->name, row->text, out);
    }
}

static void append_commands(struct strbuf *out)
{
    const char *group = "";
    man_roff_section(out, "COMMANDS");
    for (size_t i = 0; command_table[i] != NULL; i++) {
        const struct command *command = command_table[i];
        if (strcmp(group, command->group) != 0) {
            group = command->group;
            man_roff_part(out, group);
        }
        append_page_item(command, out);
    }
}

void man_command_append_program(struct strbuf *out)
{
    static const char *const pages[] = {"opstream.yaml(5)", "opstream-pipeline(5)",
                                        "opstream-plugin.json(5)", NULL};
    man_roff_begin(out, STR("opstream"), 1);
    man_roff_name(out, STR("opstream"), "run pipelines written in YAML");
    man_roff_section(out, "SYNOPSIS");
    strbuf_append_text(out, ".B opstream\nCOMMAND [ARGUMENT]...\n");
    man_roff_section(out, "DESCRIPTION");
    man_roff_paragraphs(
        out, STR("OpStream runs pipelines: YAML files whose nodes fetch, decide, transform and\n"
                 "act. Node types come from plugins. A pipeline is checked before anything runs;\n"
                 "each step of a run is kept before it has an effect, so that a run goes on when\n"
                 "whatever started it, or the engine itself, has gone.\n\n"
                 "'opstream run' does a pipeline here and now, 'opstream start' in the\n"
                 "background, 'opstream serve' is the engine as a service. The others look at\n"
                 "runs, change them, and check files.\n\n"
                 "Options may stand before and after arguments; '--' ends them. --help is an\n"
                 "option of each command.\n"));
    append_commands(out);
    man_roff_section(out, "EXIT STATUS");
    append_exit_codes(out);
    man_roff_section(out, "ENVIRONMENT");
    append_rows(variables, sizeof(variables) / sizeof(variables[0]), out);
    man_roff_section(out, "FILES");
    append_rows(files, sizeof(files) / sizeof(files[0]), out);
    man_roff_section(out, "EXAMPLES");
    man_roff_example(out, STR("opstream validate hello.yaml\n"
                              "opstream run hello.yaml -i name=you\n"
                              "opstream start hello.yaml --key monday --wait\n"));
    man_roff_see_also(out, pages);
}
