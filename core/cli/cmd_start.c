/* SPDX-License-Identifier: Apache-2.0 */
/* Hands a run to the engine of the state folder and returns: with its id, once it is durable. */
#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/cli/commands.h"
#include "core/cli/engine_command.h"
#include "core/cli/engine_launch.h"
#include "core/cli/engine_request.h"
#include "core/cli/job_text.h"
#include "core/cli/start_request.h"
#include "core/cli/state_owner.h"
#include "core/cli/status_follow.h"
#include "core/cli/status_text.h"
#include "core/cli/terminal.h"
#include "core/value/value.h"

static const struct command_option options[] = {
    START_OPTIONS,
    {"key", 0, "KEY", "the same key again is the same run", false},
    {"wait", 'w', NULL, "show the run until it ends, and end with its outcome", false},
    {"json", 0, NULL, "print one JSON document", false},
    STATE_OPTION,
    LIBRARY_OPTION,
    WORKSPACE_OPTIONS,
    {NULL, 0, NULL, NULL, false},
};

static int print(const struct command_args *args, const struct document *answer)
{
    const struct value *id = value_get(document_root(answer), STR("id"));
    struct strbuf text = STRBUF_INIT;
    if (command_has(args, "json")) {
        return engine_command_print_json(answer);
    }
    terminal_append_safe(&text, value_is(id, VALUE_STRING) ? value_str(id) : STR(""));
    strbuf_append_char(&text, '\n');
    return engine_command_print(&text);
}

/* ---- to the end ---- */

static int show_ended(const struct command_args *args, const struct document *job)
{
    struct strbuf text = STRBUF_INIT;
    int code = EXIT_DONE;
    if (command_has(args, "json")) {
        code = engine_command_print_json(job);
    } else {
        status_text_append(document_root(job), job_text_style_of_stdout(), &text);
        code = engine_command_print(&text);
    }
    struct str status = job_text_get(document_root(job), "status");
    return code == EXIT_DONE ? exit_code_of_status(status) : code;
}

static int wait_for_end(struct engine_session *session, const struct command_args *args,
                        const char *id, const struct engine_launch *launch)
{
    cleanup_document struct document *job = NULL;
    int code = engine_command_get_job(session, id, "", STR(""), &job);
    if (code != EXIT_DONE) {
        return code;
    }
    bool has_ended = job_text_get(document_root(job), "completed_at").n > 0;
    return has_ended ? show_ended(args, job) : status_follow(session, args, job, launch);
}

/* ---- a run that was there ---- */

/* It may be that nothing comes of it before somebody does something. */
static int tell_rest(struct engine_session *session, const char *id)
{
    cleanup_document struct document *job = NULL;
    struct strbuf text = STRBUF_INIT;
    int code = engine_command_get_job(session, id, "", STR("steps=false"), &job);
    if (code == EXIT_DONE) {
        job_text_append_rest(document_root(job), &text);
        terminal_write_stderr(strbuf_str(&text));
    }
    strbuf_finish(&text);
    return code;
}

/* ---- the start ---- */

/* The state may be there only since the start: the session is a new one. */
static int look(const struct command_args *args, const struct document *answer,
                const struct engine_launch *launch)
{
    struct error err = {0};
    struct engine_session *session = NULL;
    cleanup_free char *id = str_dup(job_text_get(document_root(answer), "id"));
    int status = id != NULL ? engine_session_open(command_value(args, "state"), &session, &err)
                            : error_nomem(&err);
    if (status != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    int code = command_has(args, "wait") ? wait_for_end(session, args, id, launch)
                                         : tell_rest(session, id);
    engine_session_close(session);
    return code;
}

static int tell(const struct engine_session *session, const struct command_args *args,
                const struct document *answer, const struct engine_launch *launch)
{
    bool is_alone = engine_session_is_alone(session);
    bool waits = command_has(args, "wait") && !is_alone;
    bool was_there = !job_text_is(document_root(answer), "created");
    int code = waits && command_has(args, "json") ? EXIT_DONE : print(args, answer);
    return code == EXIT_DONE && (waits || (was_there && !is_alone)) ? look(args, answer, launch)
                                                                    : code;
}

static int start(struct engine_session *session, const struct command_args *args)
{
    struct start_request request = {.has_engine = engine_session_is_live(session)};
    struct engine_launch launch = {0};
    const char *key = command_value(args, "key");
    cleanup_document struct document *answer = NULL;
    if (key != NULL && key[0] == '\0') {
        return command_usage_error(args->command, "the key of --key is empty");
    }
    int code = start_request_prepare(&request, args);
    if (code == EXIT_DONE) {
        code = start_request_bundle(&request);
    }
    if (code == EXIT_DONE) {
        code = start_request_write(&request, str_from(key != NULL ? key : ""));
    }
    if (code == EXIT_DONE) {
        engine_session_use(session, args, &request.workspace);
        engine_session_keep_launch(session, &launch);
        code = engine_command_start(session, strbuf_str(&request.body), &answer);
    }
    if (request.workspace.loop != NULL) { /* an engine was there: the next one may be ours */
        engine_launch_take(&launch, &request.workspace);
    }
    start_request_finish(&request);
    code = code == EXIT_DONE ? tell(session, args, answer, &launch) : code;
    engine_launch_finish(&launch);
    return code;
}

static int run(const struct command_args *args)
{
    return engine_command_run(args, start);
}

const struct command cmd_start = {
    .name = "start",
    .group = "Run pipelines",
    .summary = "start a pipeline in the background and print its id",
    .usage = "FILE[#ID] [-i KEY=VALUE]... [--key KEY] [--wait] [--json]",
    .details = "Checks FILE and the input, and returns as soon as the run is durable: it goes on\n"
               "whatever becomes of this terminal. When nobody is the engine of the state\n"
               "folder, one starts in the background; it ends with the last run, and its log is\n"
               "engine.log in the state folder. --wait starts the next one should it go away;\n"
               "in a folder of another user's, as a service has, it waits 10 min for that.\n\n"
               "'opstream status ID' shows the run; 'logs', 'history', 'cancel' and others act\n"
               "on it. An ID may be given as short as it is unique.",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
