/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opstream-plugin-check: looks at all rules in turn. Its options, help and messages are those of
 * `opstream plugin check`, which becomes this program.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/checker/config_set.h"
#include "core/checker/report.h"
#include "core/checker/rule.h"
#include "core/checker/subject.h"
#include "core/checker/trial.h"
#include "core/checker/verdict.h"
#include "core/cli/command_help.h"
#include "core/cli/commands.h"
#include "core/cli/plugin_check.h"
#include "core/cli/terminal.h"
#include "core/value/json.h"

/* Here there are no commands but this; so the program has none of the others in it. */
const struct command *const command_table[] = {NULL};
const struct command cmd_plugin = {.name = "plugin"};

/* ---- The command line ---- */

static const char *value_or(const struct command_args *args, const char *name, const char *other)
{
    const char *value = command_value(args, name);
    return value != NULL ? value : other;
}

static bool read_number(const char *text, uint64_t most, uint64_t *out)
{
    char *end = NULL;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || n > most) {
        return false;
    }
    *out = n;
    return true;
}

static int read_glibc(const struct command_args *args, unsigned out[2])
{
    const char *text = value_or(args, "glibc", PLUGIN_CHECK_GLIBC);
    int used = 0;
    if (sscanf(text, "%3u.%3u%n", &out[0], &out[1], &used) != 2 || text[used] != '\0') {
        return command_usage_error(args->command, "--glibc is like '%s'", PLUGIN_CHECK_GLIBC);
    }
    return EXIT_DONE;
}

/* The child that looks at a rule is in another folder. */
static int read_path(const struct command_args *args, const char *name, char **out)
{
    const char *path = command_value(args, name);
    *out = path != NULL ? realpath(path, NULL) : NULL;
    if (path != NULL && *out == NULL) {
        return command_usage_error(args->command, "cannot read '%s': %s", path, strerror(errno));
    }
    return EXIT_DONE;
}

static int read_options(const struct command_args *args, struct subject *subject,
                        struct trial_options *trial)
{
    uint64_t seconds = 0;
    const uint64_t most_tasks = 10 * 1000 * 1000;
    const uint64_t most_seconds = 24 * 3600;
    if (!read_number(value_or(args, "seed", PLUGIN_CHECK_SEED), UINT64_MAX, &subject->seed)) {
        return command_usage_error(args->command, "--seed is a whole number");
    }
    if (!read_number(value_or(args, "tasks", PLUGIN_CHECK_TASKS), most_tasks, &subject->tasks) ||
        subject->tasks == 0) {
        return command_usage_error(args->command, "--tasks is a number from 1 to %" PRIu64,
                                   most_tasks);
    }
    if (!read_number(value_or(args, "timeout", PLUGIN_CHECK_TIMEOUT), most_seconds, &seconds) ||
        seconds == 0) {
        return command_usage_error(args->command, "--timeout is a number of seconds, up to a day");
    }
    trial->timeout_ms = (int64_t)seconds * 1000;
    subject->timeout_ms = seconds * 1000;
    trial->is_in_process = command_has(args, "in-process");
    if (!trial->is_in_process && getenv("OPSTREAM_PLUGIN_DEBUG") != NULL) {
        return command_usage_error(args->command,
                                   "OPSTREAM_PLUGIN_DEBUG needs --in-process: a "
                                   "process that waits for a debugger has no end in time");
    }
    int code = read_glibc(args, subject->glibc);
    if (code == EXIT_DONE) {
        code = read_path(args, "config", &subject->config_path);
    }
    return code == EXIT_DONE ? read_path(args, "settings", &subject->settings_path) : code;
}

/* ---- Rules ---- */

static bool is_chosen_by(const struct rule *rule, const char *chosen)
{
    size_t n = strlen(chosen);
    return strncmp(rule->id, chosen, n) == 0 && (rule->id[n] == '\0' || rule->id[n] == '.');
}

static bool is_chosen(const struct rule *rule, const struct command_args *args)
{
    const char *chosen = NULL;
    for (size_t i = 0; (chosen = command_value_at(args, "rule", i)) != NULL; i++) {
        if (is_chosen_by(rule, chosen)) {
            return true;
        }
    }
    return command_value_at(args, "rule", 0) == NULL;
}

static int check_chosen(const struct command_args *args)
{
    const char *chosen = NULL;
    for (size_t i = 0; (chosen = command_value_at(args, "rule", i)) != NULL; i++) {
        const struct rule *rule = rule_table;
        while (rule->id != NULL && !is_chosen_by(rule, chosen)) {
            rule++;
        }
        if (rule->id == NULL) {
            return command_usage_error(args->command, "there is no rule '%s'; --list-rules has all",
                                       chosen);
        }
    }
    return EXIT_DONE;
}

static void append_member(struct strbuf *out, const char *key, const char *text)
{
    strbuf_append_format(out, "\"%s\": ", key);
    json_write_string(str_from(text), out);
}

/* Without its braces, so that there may be more. */
static void append_rule_as_json(struct strbuf *out, const struct rule *rule)
{
    append_member(out, "id", rule->id);
    strbuf_append_text(out, ", ");
    append_member(out, "severity", rule_severity_name(rule));
    strbuf_append_text(out, ", ");
    append_member(out, "title", rule->title);
}

static void append_rules_as_json(struct strbuf *out)
{
    for (const struct rule *rule = rule_table; rule->id != NULL; rule++) {
        strbuf_append_text(out, rule == rule_table ? "[\n  {" : ",\n  {");
        append_rule_as_json(out, rule);
        strbuf_append_char(out, '}');
    }
    strbuf_append_text(out, "\n]\n");
}

/* What tells of rules checks nothing: a file, and options but --json, would go unheard. */
static int check_alone(const struct command_args *args, const char *option)
{
    if (args->operand_count > 0) {
        return command_usage_error(args->command, "--%s checks nothing: leave '%s' out", option,
                                   args->operands[0]);
    }
    for (size_t i = 0; i < args->given_count; i++) {
        const char *given = args->command->options[args->given[i].option].name;
        if (strcmp(given, option) != 0 && strcmp(given, "json") != 0) {
            return command_usage_error(args->command, "--%s goes with --json alone, not with --%s",
                                       option, given);
        }
    }
    return EXIT_DONE;
}

static int list_rules(const struct command_args *args)
{
    struct strbuf text = STRBUF_INIT;
    bool is_json = command_has(args, "json");
    if (is_json) {
        append_rules_as_json(&text);
    }
    for (const struct rule *rule = rule_table; !is_json && rule->id != NULL; rule++) {
        strbuf_append_format(&text, "%-20s %-8s %s\n", rule->id, rule_severity_name(rule),
                             rule->title);
    }
    int code = terminal_write_stdout(strbuf_str(&text));
    strbuf_finish(&text);
    return code;
}

/* Breaks lines between words, as a person's terminal wants them. */
static void append_wrapped(struct strbuf *out, const char *lead, const char *text)
{
    const size_t width = 80;
    size_t column = strlen(lead);
    strbuf_append_text(out, lead);
    while (*text != '\0') {
        size_t n = strcspn(text, " ");
        if (column > 0 && column + 1 + n > width) {
            strbuf_append_char(out, '\n');
            column = 0;
        } else {
            strbuf_append_char(out, ' ');
            column++;
        }
        strbuf_append(out, text, n);
        column += n;
        text += n + strspn(text + n, " ");
    }
    strbuf_append_text(out, "\n");
}

static void append_explanation(struct strbuf *out, const struct rule *rule)
{
    strbuf_append_format(out, "%s (%s)\n", rule->id, rule_severity_name(rule));
    append_wrapped(out, "The rule:", rule->title);
    append_wrapped(out, "\nWhy:", rule->why);
    append_wrapped(out, "\nWhat to do:", rule->mend);
}

static void append_explanation_as_json(struct strbuf *out, const struct rule *rule)
{
    strbuf_append_char(out, '{');
    append_rule_as_json(out, rule);
    strbuf_append_text(out, ", ");
    append_member(out, "why", rule->why);
    strbuf_append_text(out, ", ");
    append_member(out, "what_to_do", rule->mend);
    strbuf_append_text(out, "}\n");
}

static int explain(const struct command_args *args)
{
    const struct rule *rule = rule_find(command_value(args, "explain"));
    if (rule == NULL) {
        return command_usage_error(args->command, "there is no rule '%s'; --list-rules has all",
                                   command_value(args, "explain"));
    }
    struct strbuf text = STRBUF_INIT;
    if (command_has(args, "json")) {
        append_explanation_as_json(&text, rule);
    } else {
        append_explanation(&text, rule);
    }
    int code = terminal_write_stdout(strbuf_str(&text));
    strbuf_finish(&text);
    return code;
}

/* ---- Checking ---- */

static bool has_broken(const struct report *report, const char *id)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct report_row *row = &report->rows[i];
        if (strcmp(row->rule->id, id) == 0) {
            return row->verdict->outcome != VERDICT_OK;
        }
    }
    return false;
}

/* What the needed rule asks for is there, also where others were chosen, and that was not. */
static bool is_readable(const struct subject *subject, const char *needed)
{
    if (strcmp(needed, "static.elf") == 0) {
        return subject->image_error.code == 0;
    }
    if (strcmp(needed, "manifest.note") == 0) {
        return subject->note_error.code == 0;
    }
    return strcmp(needed, "manifest.form") != 0 || subject->manifest != NULL;
}

/* The needed rule that keeps this one from being looked at, or NULL. */
static const char *find_lack(const struct report *report, const struct rule *rule)
{
    for (size_t i = 0; i < sizeof rule->needs / sizeof rule->needs[0]; i++) {
        const char *needed = rule->needs[i];
        if (needed != NULL &&
            (has_broken(report, needed) || !is_readable(report->subject, needed))) {
            return needed;
        }
    }
    return NULL;
}

static int look_at(struct report *report, const struct rule *rule,
                   const struct trial_options *options, struct error *err)
{
    struct verdict *verdict = NULL;
    const char *lack = find_lack(report, rule);
    if (lack == NULL) {
        int status = trial_run(rule, report->subject, options, &verdict, err);
        if (status != 0) {
            return status;
        }
    } else {
        verdict = trial_create_verdict();
        if (verdict == NULL) {
            return error_nomem(err);
        }
        verdict_skip(verdict, "it does not keep %s", lack);
    }
    report->rows[report->count++] = (struct report_row){rule, verdict};
    return 0;
}

static void print_row(const struct report *report, const struct command_args *args)
{
    struct strbuf text = STRBUF_INIT;
    if (report->count == 1) {
        report_append_head(report, &text);
    }
    report_append_row(&report->rows[report->count - 1], &text);
    if (!command_has(args, "json")) {
        (void)terminal_write_stdout(strbuf_str(&text)); /* the last line tells of a failure */
    }
    strbuf_finish(&text);
}

static int look_at_all(struct report *report, const struct command_args *args,
                       const struct trial_options *options, struct error *err)
{
    for (const struct rule *rule = rule_table; rule->id != NULL; rule++) {
        if (!is_chosen(rule, args)) {
            continue;
        }
        int status = look_at(report, rule, options, err);
        if (status != 0) {
            return status;
        }
        print_row(report, args);
    }
    return 0;
}

/* ---- Reports ---- */

static int write_junit(const struct report *report, const char *path)
{
    struct strbuf text = STRBUF_INIT;
    FILE *file = fopen(path, "we");
    report_append_junit(report, &text);
    bool is_written = file != NULL && strbuf_status(&text) == 0 &&
                      fwrite(text.p, 1, text.n, file) == text.n;
    bool is_closed = file != NULL && fclose(file) == 0;
    strbuf_finish(&text);
    return is_written && is_closed
               ? EXIT_DONE
               : command_error(EXIT_STATE, "cannot write '%s': %s", path, strerror(errno));
}

static int write_reports(const struct report *report, const struct command_args *args)
{
    struct strbuf text = STRBUF_INIT;
    struct error err = {0};
    int code = EXIT_DONE;
    if (!command_has(args, "json")) {
        report_append_sum(report, &text);
    } else if (report_append_json(report, &text, &err) != 0) {
        code = command_error(EXIT_STATE, "%s", err.message);
    }
    if (code == EXIT_DONE) {
        code = terminal_write_stdout(strbuf_str(&text));
    }
    strbuf_finish(&text);
    if (code == EXIT_DONE && command_has(args, "junit")) {
        code = write_junit(report, command_value(args, "junit"));
    }
    return code != EXIT_DONE || report_is_good(report) ? code : EXIT_RUN_FAILED;
}

static int check(const struct command_args *args, struct subject *subject,
                 const struct trial_options *options)
{
    struct report report = {.subject = subject};
    struct error err = {0};
    int code = look_at_all(&report, args, options, &err) == 0
                   ? write_reports(&report, args)
                   : command_error(EXIT_STATE, "%s", err.message);
    for (size_t i = 0; i < report.count; i++) {
        trial_destroy_verdict(report.rows[i].verdict);
    }
    return code;
}

static int open_and_check(const struct command_args *args)
{
    static struct subject subject; /* too large for a stack; there is one */
    struct trial_options options = {0};
    struct error err = {0};
    int code = read_options(args, &subject, &options);
    if (code == EXIT_DONE) {
        code = check_chosen(args);
    }
    if (code == EXIT_DONE && subject_init(&subject, args->operands[0], &err) != 0) {
        code = command_usage_error(args->command, "%s", err.message);
    } else if (code == EXIT_DONE) {
        code = config_set_look_at_given(&subject, &err) == 0
                   ? check(args, &subject, &options)
                   : command_usage_error(args->command, "%s", err.message);
        subject_finish(&subject);
    }
    free(subject.config_path);
    free(subject.settings_path);
    return code;
}

static int print_help(void)
{
    struct strbuf text = STRBUF_INIT;
    command_help_append(&cmd_plugin_check, &text);
    int code = terminal_write_stdout(strbuf_str(&text));
    strbuf_finish(&text);
    return code;
}

int main(int argc, char **argv)
{
    static struct command_args args; /* some KiB */
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        return print_help();
    }
    int code = command_parse(&cmd_plugin_check, argc - 1, argv + 1, &args);
    if (code != EXIT_DONE) {
        return code;
    }
    if (command_has(&args, "list-rules")) {
        code = check_alone(&args, "list-rules");
        return code == EXIT_DONE ? list_rules(&args) : code;
    }
    if (command_has(&args, "explain")) {
        code = check_alone(&args, "explain");
        return code == EXIT_DONE ? explain(&args) : code;
    }
    if (args.operand_count != 1) {
        return command_usage_error(args.command, "name the plugin's file");
    }
    return open_and_check(&args);
}
