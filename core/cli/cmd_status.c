/* SPDX-License-Identifier: Apache-2.0 */
/* Shows one run, or the engine. */
#include "core/base/clock.h"
#include "core/cli/commands.h"
#include "core/cli/engine_command.h"
#include "core/cli/engine_request.h"
#include "core/cli/overview_text.h"
#include "core/cli/state_owner.h"
#include "core/cli/status_follow.h"
#include "core/cli/status_text.h"
#include "core/cli/workspace.h"
#include "core/value/value.h"

static const struct command_option options[] = {
    {"follow", 'f', NULL, "show it live until it ends", false},
    {"json", 0, NULL, "print one JSON document", false},
    STATE_OPTION,
    WORKSPACE_OPTIONS,
    {NULL, 0, NULL, NULL, false},
};

static int print(const struct document *job)
{
    struct strbuf text = STRBUF_INIT;
    status_text_append(document_root(job), job_text_style_of_stdout(), &text);
    return engine_command_print(&text);
}

static int show_engine(struct engine_session *session, const struct command_args *args)
{
    struct strbuf text = STRBUF_INIT;
    cleanup_document struct document *status = NULL;
    int code = engine_command_get(session, STR("/api/v1/status"), STR(""), &status);
    if (code != EXIT_DONE) {
        return code;
    }
    if (command_has(args, "json")) {
        return engine_command_print_json(status);
    }
    overview_text_append(document_root(status), clock_unix_ms(), job_text_style_of_stdout(), &text);
    return engine_command_print(&text);
}

static int show(struct engine_session *session, const struct command_args *args)
{
    cleanup_document struct document *job = NULL;
    int code = engine_command_get_job(session, args->operands[0], "", STR(""), &job);
    if (code != EXIT_DONE) {
        return code;
    }
    bool has_ended = job_text_get(document_root(job), "completed_at").n > 0;
    if (command_has(args, "follow") && !has_ended) {
        return status_follow(session, args, job, NULL);
    }
    return command_has(args, "json") ? engine_command_print_json(job) : print(job);
}

static int run(const struct command_args *args)
{
    if (args->operand_count == 0 && command_has(args, "follow")) {
        return command_usage_error(args->command, "--follow needs the ID of a run");
    }
    return engine_command_run(args, args->operand_count == 0 ? show_engine : show);
}

const struct command cmd_status = {
    .name = "status",
    .group = "Look at runs",
    .summary = "show one run, or all at a glance",
    .usage = "[ID] [--follow] [--json]",
    .details = "Of a run: how far it is, its nodes, what they wait for, how it ended. Without\n"
               "ID: runs by status, breakers that are not closed, limits that nodes wait for.\n\n"
               "The time left is what runs of this workflow usually took, less what this one\n"
               "took so far. ID may be shortened while it is unique.\n\n"
               "--follow shows a run that is under way as 'opstream run' shows its own, with the\n"
               "same exit code at its end; without an engine it waits for one. Ctrl-C ends the\n"
               "looking, and the run goes on.",
    .options = options,
    .min_operands = 0,
    .max_operands = 1,
    .run = run,
};
