/* SPDX-License-Identifier: Apache-2.0 */
/* Shows the circuit breakers; its verbs steer them. */
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

static int run(const struct command_args *args)
{
    return engine_command_run(args, look);
}

static const struct command *const verbs[] = {
    &cmd_breakers_open, &cmd_breakers_close, &cmd_breakers_disable, &cmd_breakers_reset, NULL,
};

const struct command cmd_breakers = {
    .name = "breakers",
    .group = "Keep it running",
    .summary = "show circuit breakers, open or close one by hand",
    .usage = "[--limit N] [--cursor CURSOR] [--json]",
    .details = "A breaker keeps calls away from a service that fails. SCOPE is the service, or\n"
               "any part of it that no other one has: api.example.com. A service has one for\n"
               "each set of numbers that nodes give it (a mark, ~4681a3f1, tells them apart):\n"
               "its name means all that there are, with the mark it is that one. Orders outlive\n"
               "restarts and are in the audit log.",
    .options = options,
    .run = run,
    .verbs = verbs,
};
