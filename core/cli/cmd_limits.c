/* SPDX-License-Identifier: Apache-2.0 */
/* Shows rate limits and permits; its verb lifts one. */
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

static int run(const struct command_args *args)
{
    return engine_command_run(args, look);
}

static const struct command *const verbs[] = {&cmd_limits_reset, NULL};

const struct command cmd_limits = {
    .name = "limits",
    .group = "Keep it running",
    .summary = "show rate limits and permits, lift one by hand",
    .usage = "[--json]",
    .details = "What waits for a rate_limit or for max_concurrency, how many were let go and how\n"
               "many had to wait since the engine began, and until when a service is frozen: it\n"
               "has asked for a pause.",
    .options = options,
    .run = run,
    .verbs = verbs,
};
