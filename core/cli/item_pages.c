/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/item_pages.h"

#include "core/api/query.h"
#include "core/base/clock.h"
#include "core/cli/engine_command.h"
#include "core/cli/queue_table.h"
#include "core/cli/terminal.h"
#include "core/value/json.h"
#include "core/value/value.h"

/* Options, parameters of the list, and members of orders. */
static const char *const filters[] = {"workflow", "node",  "priority", "code",
                                      "older",    "newer", NULL};

/* A requeued one gets the priority that is said. */
static bool sets_priority(const struct command_args *args)
{
    return str_equal_text(str_from(args->command->name), "requeue");
}

bool item_pages_has_filter(const struct command_args *args)
{
    for (size_t i = 0; filters[i] != NULL; i++) {
        bool is_set = sets_priority(args) && str_equal_text(str_from(filters[i]), "priority");
        if (!is_set && command_value(args, filters[i]) != NULL) {
            return true;
        }
    }
    return false;
}

const char *item_pages_fault_of(const struct command_args *args)
{
    bool is_all = command_has(args, "all");
    if (is_all && args->operand_count > 0) {
        return "an ID does not go with --all";
    }
    if (!is_all && args->operand_count == 0) {
        return "give an ID, which 'opstream dlq list' shows, or --all";
    }
    return !is_all && item_pages_has_filter(args) ? "filters go with --all" : NULL;
}

static void append_parameter(const struct command_args *args, const char *name,
                             struct strbuf *query)
{
    const char *value = command_value(args, name);
    if (value != NULL) {
        query_append(query, name, str_from(value));
    }
}

/* ---- looking ---- */

/* Nothing is said on stdout, so that a script counts lines. */
static int print(const struct document *page, const char *none)
{
    struct strbuf text = STRBUF_INIT;
    queue_table_append(document_root(page), clock_unix_ms(), job_text_style_of_stdout(), &text);
    if (text.n == 0 && strbuf_status(&text) == 0) {
        terminal_write_stderr(str_from(none));
    } else if (!job_text_is(document_root(page), "at_work")) {
        terminal_write_stderr(STR("no engine is at work: 'opstream serve' goes on with what "
                                  "waits\n"));
    }
    return engine_command_print(&text);
}

int item_pages_show(struct engine_session *session, const struct command_args *args,
                    const char *path, const char *none)
{
    struct strbuf query = STRBUF_INIT;
    cleanup_document struct document *page = NULL;
    for (size_t i = 0; filters[i] != NULL; i++) {
        append_parameter(args, filters[i], &query);
    }
    append_parameter(args, "limit", &query);
    append_parameter(args, "cursor", &query);
    int code = strbuf_status(&query) != 0
                   ? command_error(EXIT_STATE, "out of memory")
                   : engine_command_get(session, str_from(path), strbuf_str(&query), &page);
    strbuf_finish(&query);
    if (code != EXIT_DONE) {
        return code;
    }
    return command_has(args, "json") ? engine_command_print_json(page) : print(page, none);
}

/* ---- orders ---- */

static void append_ids(const struct command_args *args, struct strbuf *body)
{
    strbuf_append_text(body, "\"ids\":[");
    for (size_t i = 0; i < args->operand_count; i++) {
        strbuf_append_text(body, i > 0 ? "," : "");
        json_write_string(str_from(args->operands[i]), body);
    }
    strbuf_append_char(body, ']');
}

static void append_body(const struct command_args *args, struct strbuf *body)
{
    const char *separator = "";
    const char *priority = sets_priority(args) ? command_value(args, "priority") : NULL;
    strbuf_append_char(body, '{');
    if (args->operand_count > 0) {
        append_ids(args, body);
    }
    if (args->operand_count > 0 && priority != NULL) {
        strbuf_append_text(body, ",\"priority\":");
        json_write_string(str_from(priority), body);
    }
    for (size_t i = 0; args->operand_count == 0 && filters[i] != NULL; i++) {
        const char *value = command_value(args, filters[i]);
        if (value != NULL) {
            strbuf_append_format(body, "%s\"%s\":", separator, filters[i]);
            json_write_string(str_from(value), body);
            separator = ",";
        }
    }
    strbuf_append_char(body, '}');
}

/* "requeued ID" for each that was named, else "requeued 12". */
static int say(const struct command_args *args, const struct document *answer, const char *done)
{
    struct strbuf text = STRBUF_INIT;
    if (command_has(args, "json")) {
        return engine_command_print_json(answer);
    }
    for (size_t i = 0; i < args->operand_count; i++) {
        strbuf_append_format(&text, "%s %s\n", done, args->operands[i]);
    }
    if (args->operand_count == 0) {
        strbuf_append_format(&text, "%s %lld\n", done,
                             (long long)job_text_int(document_root(answer), "count"));
    }
    return engine_command_print(&text);
}

int item_pages_order(struct engine_session *session, const struct command_args *args,
                     const char *path, const char *done)
{
    struct strbuf body = STRBUF_INIT;
    cleanup_document struct document *answer = NULL;
    append_body(args, &body);
    int code = strbuf_status(&body) != 0
                   ? command_error(EXIT_STATE, "out of memory")
                   : engine_command_post(session, str_from(path), strbuf_str(&body), &answer);
    strbuf_finish(&body);
    if (code != EXIT_DONE) {
        return code;
    }
    return say(args, answer, done);
}

int item_pages_decide(struct engine_session *session, const struct command_args *args,
                      const char *below, struct strbuf *body, const char *done)
{
    cleanup_document struct document *answer = NULL;
    int code = strbuf_status(body) != 0
                   ? command_error(EXIT_STATE, "out of memory")
                   : engine_command_post_letter(session, args->operands[0], below, strbuf_str(body),
                                                &answer);
    strbuf_finish(body);
    return code == EXIT_DONE ? say(args, answer, done) : code;
}
