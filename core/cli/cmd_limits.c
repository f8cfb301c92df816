/* SPDX-License-Identifier: Apache-2.0 */
/* Shows rate limits and permits, and lifts a limit by hand. */
#include "core/cli/commands.h"
#include "core/cli/engine_command.h"
#include "core/cli/engine_request.h"
#include "core/cli/limits_text.h"
#include "core/cli/state_owner.h"
#include "core/cli/terminal.h"
#include "core/value/value.h"

#define PATH "/api/v1/limits"

static const struct command_option options[] = {
    {"json", 0, NULL, "print one JSON document", false},
    STATE_OPTION,
    {NULL, 0, NULL, NULL, false},
};

/* Nothing is said on stdout, so that a script counts lines. */
static int print(const struct document *page)
{
    struct strbuf text = STRBUF_INIT;
    limits_text_append(document_root(page), job_text_style_of_stdout(), &text);
    if (text.n == 0 && strbuf_status(&text) == 0) {
        terminal_write_stderr(job_text_is(document_root(page), "at_work")
                                  ? STR("nothing was limited yet\n")
                                  : STR("no engine is at work, and no service is frozen\n"));
    }
    return engine_command_print(&text);
}

static int look(struct engine_session *session, const struct command_args *args)
{
    cleanup_document struct document *page = NULL;
    int code = engine_command_get(session, STR(PATH), STR(""), &page);
    if (code != EXIT_DONE) {
        return code;
    }
    return command_has(args, "json") ? engine_command_print_json(page) : print(page);
}

/* "reset http https://api.example.com:443" */
static int say(const struct document *answer)
{
    struct strbuf text = STRBUF_INIT;
    strbuf_append_text(&text, "reset ");
    terminal_append_safe(&text, job_text_get(document_root(answer), "scope"));
    strbuf_append_char(&text, '\n');
    return engine_command_print(&text);
}

static int reset(struct engine_session *session, const struct command_args *args)
{
    cleanup_document struct document *answer = NULL;
    int code = engine_command_order(session, STR(PATH), args, &answer);
    if (code != EXIT_DONE) {
        return code;
    }
    return command_has(args, "json") ? engine_command_print_json(answer) : say(answer);
}

static int run(const struct command_args *args)
{
    if (args->operand_count == 0) {
        return engine_command_run(args, look);
    }
    if (args->operand_count != 2 || strcmp(args->operands[0], "reset") != 0) {
        return command_usage_error(args->command, "write 'limits', or 'limits reset SCOPE'");
    }
    if (args->operands[1][0] == '\0') {
        return command_usage_error(args->command,
                                   "the scope is empty; 'opstream limits' shows scopes");
    }
    return engine_command_run(args, reset);
}

const struct command cmd_limits = {
    .name = "limits",
    .group = "Keep it running",
    .summary = "show rate limits and permits, lift one by hand",
    .usage = "[reset SCOPE] [--json]",
    .details = "What waits for a rate_limit or for max_concurrency, how many were let go and how\n"
               "many had to wait since the engine began, and until when a service is frozen: it\n"
               "has asked for a pause.\n\n"
               "reset forgets what was counted for SCOPE, and that it is frozen: who waits goes.\n"
               "SCOPE is a service (its rates are meant, too), one of its rates, or any part\n"
               "that no other one has: api.example.com. It is in the audit log.",
    .options = options,
    .min_operands = 0,
    .max_operands = 2,
    .run = run,
};
