/* SPDX-License-Identifier: Apache-2.0 */
/* Shows what the journal has of a run. */
#include "core/cli/commands.h"
#include "core/cli/engine_command.h"
#include "core/cli/history_text.h"
#include "core/cli/record_pages.h"
#include "core/cli/state_owner.h"
#include "core/value/value.h"

static const struct command_option options[] = {
    {"children", 0, NULL, "of the runs that it called, too", false},
    {"json", 0, NULL, "print one JSON document", false},
    STATE_OPTION,
    {NULL, 0, NULL, NULL, false},
};

/* The rows of a history, with what people did among them. */
struct history {
    struct job_text_style style;
    struct str id;             /* of the run */
    const struct value *audit; /* NULL: none */
    size_t next;               /* of `audit` */
    bool has_children;
};

/* The engine's own are records, too. */
static bool is_shown(const struct history *history, const struct value *row)
{
    bool is_own = history->has_children || str_equal(job_text_get(row, "run_id"), history->id);
    return is_own && !str_equal_text(job_text_get(row, "who"), "engine");
}

/*
 * Those up to the moment `at`; empty: all that are left. RFC 3339 in UTC sorts as text. The row of
 * a start is written with its first record, and may be a millisecond younger.
 */
static void append_audit(struct history *history, struct str at, struct strbuf *out)
{
    while (history->audit != NULL && history->next < value_count(history->audit)) {
        const struct value *row = value_at(history->audit, history->next);
        bool is_start = str_equal_text(job_text_get(row, "action"), "start");
        if (at.n > 0 && !is_start && str_compare(job_text_get(row, "at"), at) > 0) {
            return;
        }
        if (is_shown(history, row)) {
            history_text_append_audit(row, history->style, out);
        }
        history->next++;
    }
}

static void append_row(void *user, const struct value *row, struct strbuf *out)
{
    struct history *history = user;
    append_audit(history, job_text_get(row, "at"), out);
    history_text_append(row, history->style, out);
}

static int print(struct record_pages *pages, const struct document *job, bool has_children)
{
    struct strbuf rest = STRBUF_INIT;
    struct history history = {.style = job_text_style_of_stdout(),
                              .id = job_text_get(document_root(job), "id"),
                              .audit = pages->audit,
                              .has_children = has_children};
    int code = record_pages_print(pages, append_row, &history);
    if (code != EXIT_DONE) {
        return code;
    }
    append_audit(&history, STR(""), &rest);
    return engine_command_print(&rest);
}

static int show(struct engine_session *session, const struct command_args *args)
{
    cleanup_document struct document *job = NULL;
    bool has_children = command_has(args, "children");
    int code = engine_command_get_job(session, args->operands[0], "", STR("steps=false"), &job);
    if (code != EXIT_DONE) {
        return code;
    }
    struct record_pages pages = {
        .session = session,
        .id = args->operands[0],
        .below = "/history",
        .rows = "history",
        .query = has_children ? STR("children=true") : STR(""),
        .audit = job_text_list(document_root(job), "audit"),
    };
    return command_has(args, "json") ? record_pages_print_json(&pages)
                                     : print(&pages, job, has_children);
}

static int run(const struct command_args *args)
{
    return engine_command_run(args, show);
}

const struct command cmd_history = {
    .name = "history",
    .group = "Look at runs",
    .summary = "show all that the journal has of a run, in order",
    .usage = "ID [--children] [--json]",
    .details = "One line for each record: when (UTC), what happened, to which execution of which\n"
               "node, and why; and one for each command that somebody gave. --json has the\n"
               "records whole, and the commands as 'audit'.",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
