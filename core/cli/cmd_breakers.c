/* SPDX-License-Identifier: Apache-2.0 */
/* Shows the circuit breakers, and carries a person's orders to one. */
#include "core/api/query.h"
#include "core/base/clock.h"
#include "core/cli/breakers_text.h"
#include "core/cli/commands.h"
#include "core/cli/engine_command.h"
#include "core/cli/engine_request.h"
#include "core/cli/state_owner.h"
#include "core/cli/terminal.h"
#include "core/value/value.h"

#define PATH "/api/v1/breakers"

static const struct command_option options[] = {
    {"limit", 0, "N", "so many at most, up to 500 [100]", false},
    {"cursor", 0, "CURSOR", "the page behind, as the one before said", false},
    {"json", 0, NULL, "print one JSON document", false},
    STATE_OPTION,
    {NULL, 0, NULL, NULL, false},
};

/* ---- looking ---- */

static void append_parameter(const struct command_args *args, const char *name,
                             struct strbuf *query)
{
    const char *value = command_value(args, name);
    if (value != NULL) {
        query_append(query, name, str_from(value));
    }
}

/* Nothing is said on stdout, so that a script counts lines. */
static int print(const struct document *page, bool is_first)
{
    struct strbuf text = STRBUF_INIT;
    breakers_text_append(document_root(page), clock_unix_ms(), job_text_style_of_stdout(), &text);
    if (text.n == 0 && strbuf_status(&text) == 0) {
        terminal_write_stderr(is_first ? STR("no breaker has ever opened\n")
                                       : STR("there are no more breakers\n"));
    }
    return engine_command_print(&text);
}

static int look(struct engine_session *session, const struct command_args *args)
{
    struct strbuf query = STRBUF_INIT;
    cleanup_document struct document *page = NULL;
    append_parameter(args, "limit", &query);
    append_parameter(args, "cursor", &query);
    int code = strbuf_status(&query) != 0
                   ? command_error(EXIT_STATE, "out of memory")
                   : engine_command_get(session, STR(PATH), strbuf_str(&query), &page);
    strbuf_finish(&query);
    if (code != EXIT_DONE) {
        return code;
    }
    return command_has(args, "json") ? engine_command_print_json(page)
                                     : print(page, command_value(args, "cursor") == NULL);
}

/* ---- steering ---- */

/* "forced open http https://api.example.com:443" */
static int say(const struct document *answer)
{
    struct strbuf text = STRBUF_INIT;
    job_text_append_state(job_text_get(document_root(answer), "state"), (struct job_text_style){0},
                          &text);
    strbuf_append_char(&text, ' ');
    terminal_append_safe(&text, job_text_get(document_root(answer), "scope"));
    strbuf_append_char(&text, '\n');
    return engine_command_print(&text);
}

static int steer(struct engine_session *session, const struct command_args *args)
{
    cleanup_document struct document *answer = NULL;
    int code = engine_command_order(session, STR(PATH), args, &answer);
    if (code != EXIT_DONE) {
        return code;
    }
    return command_has(args, "json") ? engine_command_print_json(answer) : say(answer);
}

static bool is_order(const char *word)
{
    static const char *const orders[] = {"open", "close", "disable", "reset"};
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        if (strcmp(word, orders[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int run(const struct command_args *args)
{
    bool has_page = command_value(args, "limit") != NULL || command_value(args, "cursor") != NULL;
    if (args->operand_count == 0) {
        return engine_command_run(args, look);
    }
    if (args->operand_count != 2 || !is_order(args->operands[0]) || has_page) {
        return command_usage_error(args->command, "write 'breakers', or 'breakers "
                                                  "open|close|disable|reset SCOPE'");
    }
    if (args->operands[1][0] == '\0') {
        return command_usage_error(args->command,
                                   "the scope is empty; 'opstream breakers' shows scopes");
    }
    return engine_command_run(args, steer);
}

const struct command cmd_breakers = {
    .name = "breakers",
    .group = "Keep it running",
    .summary = "show circuit breakers, open or close one by hand",
    .usage = "[open|close|disable|reset SCOPE] [--json]",
    .details = "A breaker keeps calls away from a service that fails. SCOPE is the service, or\n"
               "any part of it that no other one has: api.example.com. A service has one for\n"
               "each set of numbers that nodes give it (a mark, ~4681a3f1, tells them apart):\n"
               "its name means all that there are, with the mark it is that one.\n\n"
               "open lets no call through until another order comes; disable lets all of them\n"
               "through and counts none. close (or reset) is back to normal, and what was\n"
               "counted is forgotten. Orders outlive restarts and are in the audit log.",
    .options = options,
    .min_operands = 0,
    .max_operands = 2,
    .run = run,
};
