/* SPDX-License-Identifier: Apache-2.0 */
/* Lists runs, newest first. */
#include "core/api/query.h"
#include "core/cli/commands.h"
#include "core/cli/engine_command.h"
#include "core/cli/engine_request.h"
#include "core/cli/list_text.h"
#include "core/cli/state_owner.h"
#include "core/cli/terminal.h"
#include "core/value/value.h"

static const struct command_option options[] = {
    {"status", 's', "STATUS", "only runs in this state, see above", false},
    {"name", 'n', "NAME", "only runs of the workflow with this id or name", false},
    {"label", 'l', "K[=V]", "only runs with this label", false},
    {"since", 0, "TIME", "created since: a time, or how long ago: 2h, 7d", false},
    {"until", 0, "TIME", "created before", false},
    {"live", 0, NULL, "only runs that have not ended", false},
    {"children", 0, NULL, "runs that runs called, too", false},
    {"parent", 0, "ID", "only the runs that this one called", false},
    {"key", 0, "KEY", "the run that was started with this key", false},
    {"limit", 0, "N", "so many at most, up to 500 [100]", false},
    {"cursor", 0, "CURSOR", "the page behind, as the one before said", false},
    {"json", 0, NULL, "print one JSON document", false},
    STATE_OPTION,
    {NULL, 0, NULL, NULL, false},
};

/* An option, and the parameter of the route that it becomes. */
struct parameter {
    const char *option;
    const char *name;
};

static const struct parameter parameters[] = {
    {"status", "status"}, {"name", "workflow"}, {"label", "label"},
    {"since", "since"},   {"until", "until"},   {"parent", "parent"},
    {"key", "key"},       {"limit", "limit"},   {"cursor", "cursor"},
};

static void append_query(const struct command_args *args, struct strbuf *query)
{
    for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
        const char *value = command_value(args, parameters[i].option);
        if (value != NULL) {
            query_append(query, parameters[i].name, str_from(value));
        }
    }
    if (command_has(args, "live")) {
        query_append(query, "live", STR("true"));
    }
    if (command_has(args, "children")) {
        query_append(query, "children", STR("true"));
    }
}

/* Nothing is said on stdout, so that a script counts lines. */
static int say_none(const struct engine_session *session, const struct strbuf *query)
{
    struct strbuf line = STRBUF_INIT;
    strbuf_append_text(&line, query->n > 0 ? "no such runs in '" : "no runs yet in '");
    terminal_append_safe(&line, str_from(engine_session_folder(session)));
    strbuf_append_text(&line, "'\n");
    terminal_write_stderr(strbuf_str(&line));
    strbuf_finish(&line);
    return EXIT_DONE;
}

/* Behind the list, and not among what a script reads. */
static void say_trouble(const struct document *page)
{
    struct str trouble = job_text_get(document_root(page), "trouble");
    struct strbuf line = STRBUF_INIT;
    if (trouble.n == 0) {
        return;
    }
    strbuf_append_text(&line, "opstream: nothing can be kept at the moment: ");
    terminal_append_safe(&line, trouble);
    strbuf_append_char(&line, '\n');
    terminal_write_stderr(strbuf_str(&line));
    strbuf_finish(&line);
}

/* Their states are those of the moment when the last engine has gone. */
static void say_idle(const struct document *page)
{
    const struct value *jobs = job_text_list(document_root(page), "jobs");
    bool lives = false;
    for (size_t i = 0; jobs != NULL && i < value_count(jobs); i++) {
        lives = lives || job_text_get(value_at(jobs, i), "completed_at").n == 0;
    }
    if (lives && !job_text_is(document_root(page), "at_work")) {
        terminal_write_stderr(STR("no engine is at work: 'opstream resume ID' or 'opstream serve' "
                                  "goes on with what has not ended\n"));
    }
}

static int print(const struct engine_session *session, const struct document *page,
                 const struct strbuf *query)
{
    struct strbuf text = STRBUF_INIT;
    list_text_append(document_root(page), job_text_style_of_stdout(), &text);
    bool has_none = text.n == 0 && strbuf_status(&text) == 0;
    int code = has_none ? say_none(session, query) : engine_command_print(&text);
    say_trouble(page);
    if (!has_none) {
        say_idle(page);
    }
    return code;
}

static int list(struct engine_session *session, const struct command_args *args)
{
    struct strbuf query = STRBUF_INIT;
    cleanup_document struct document *page = NULL;
    append_query(args, &query);
    int code = strbuf_status(&query) != 0
                   ? command_error(EXIT_STATE, "out of memory")
                   : engine_command_get(session, STR("/api/v1/jobs"), strbuf_str(&query), &page);
    if (code == EXIT_DONE) {
        code = command_has(args, "json") ? engine_command_print_json(page)
                                         : print(session, page, &query);
    }
    strbuf_finish(&query);
    return code;
}

static int run(const struct command_args *args)
{
    return engine_command_run(args, list);
}

const struct command cmd_list = {
    .name = "list",
    .group = "Look at runs",
    .summary = "list runs, newest first",
    .usage = "[--status STATUS] [--name NAME] [--since TIME] [--json]",
    .details = "A run is in one of these states: pending, queued, running, paused,\n"
               "approval_required, completed, failed, cancelled, blocked. Runs that others\n"
               "called are left out, but for those that 'approval_required' asks for.\n\n"
               "A TIME is as 2025-01-31T14:00:00Z, or an age as 2h or 7d. Times are shown in\n"
               "UTC. IDs are shown as short as they are unique, and may be given so.",
    .options = options,
    .min_operands = 0,
    .max_operands = 0,
    .run = run,
};
