/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/run_session.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/id.h"
#include "core/base/module.h"
#include "core/cli/command.h"
#include "core/cli/interrupts.h"
#include "core/cli/run_pipelines.h"
#include "core/cli/run_show.h"
#include "core/cli/run_tape.h"
#include "core/cli/run_watch.h"
#include "core/cli/start_request.h"
#include "core/cli/state_owner.h"
#include "core/cli/terminal.h"
#include "core/loop/loop.h"

struct session {
    struct run_tape tape;
    const struct run_session_options *options;
    struct start_request request;
    struct state_hold hold;
    struct strbuf compiled_by;
    struct loop_run *run;
    struct run_show show;
    struct interrupts interrupts;
    char who[32];        /* for the audit trail */
    bool is_leaving;     /* what is left is handed over */
    const char *trouble; /* why nothing can be kept, when the command ended for that; static */
};

/* ---- a run of this process ---- */

static void on_ended(void *user)
{
    struct session *session = user;
    loop_stop(session->request.workspace.loop);
}

static void on_idle(void *user)
{
    struct session *session = user;
    loop_stop(session->request.workspace.loop);
}

/* The terminal is gone, and with it who would have waited. Any signal more, and nothing is. */
static void hang_up(struct session *session)
{
    struct loop *loop = session->request.workspace.loop;
    if (session->is_leaving) {
        loop_stop(loop);
        return;
    }
    session->is_leaving = true;
    run_show_say(&session->show, STATE_HANGUP_TEXT);
    loop_drain(loop, STATE_HAND_OVER_MS, on_idle, session);
}

/* SIGINT and SIGTERM ask for the same; SIGHUP, too, when nothing is kept. */
static void on_signal(void *user, int signal_number)
{
    struct session *session = user;
    struct loop *loop = session->request.workspace.loop;
    unsigned count = session->run != NULL ? interrupts_take(&session->interrupts, signal_number)
                                          : 0;
    if (count == 0) {
        return; /* it has ended, and the loop is closing; or it is an echo */
    }
    session->trouble = loop_numbers(loop).trouble;
    if (session->trouble != NULL) { /* nothing that it asked for would be kept */
        loop_abandon(loop);
        return;
    }
    bool is_hangup = signal_number == SIGHUP && session->hold.role == STATE_ROLE_ENGINE;
    if (is_hangup || session->is_leaving) {
        hang_up(session);
        return;
    }
    if (count == 1) {
        run_show_say(&session->show, "cancelling; once more kills what runs\n");
        loop_run_cancel(session->run, str_from(session->who));
        return;
    }
    run_show_say(&session->show, "killing\n");
    loop_run_kill(session->run, str_from(session->who));
}

static int work_here(struct session *session)
{
    struct error err = {0};
    const struct start_request *request = &session->request;
    struct loop *loop = request->workspace.loop;
    (void)snprintf(session->who, sizeof(session->who), "uid %u", (unsigned)getuid());
    const struct loop_run_options run_options = {
        .pipeline = request->pipeline,
        .definition = {.digest = str_from(request->digest),
                       .source = strbuf_str(&request->bundle),
                       .compiled_by = strbuf_str(&session->compiled_by)},
        .input = request->input,
        .id = str_from(session->show.id),
        .triggered_by = STR("manual"),
        .who = str_from(session->who),
        .events = request->events.items,
        .event_count = request->events.count,
        .observer = run_show_observer(&session->show),
    };
    int status = loop_run_start(loop, &run_options, &session->run, &err);
    if (status == 0) {
        session->tape.has_begun = true;
        status = loop_watch_signals(loop, on_signal, session, &err);
    }
    if (status == 0) {
        run_show_draw_live(&session->show, loop);
        status = loop_run(loop, &err);
    }
    if (status == 0 && session->is_leaving && session->show.view.ended_at == 0) {
        run_show_clear(&session->show);
        return EXIT_LEFT + SIGHUP;
    }
    if (status == 0 && session->trouble != NULL) {
        run_show_clear(&session->show);
        return command_error(EXIT_STATE, STATE_LEFT_TEXT, session->trouble);
    }
    return status == 0 ? EXIT_DONE : command_error(EXIT_STATE, "%s", err.message);
}

/* ---- a run by its key ---- */

/*
 * Whoever is the engine. A run without a key of its own gets one, so that another engine knows it
 * again when this one goes away.
 */
static int watch(struct session *session, const char *key)
{
    struct start_request *request = &session->request;
    struct error err = {0};
    char own[ID_TEXT_SIZE];
    if (key == NULL && id_create(clock_unix_ms(), own, &err) != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    session->show.id[0] = '\0'; /* its engine says which */
    int code = start_request_write(request, str_from(key != NULL ? key : own));
    if (code != EXIT_DONE) {
        return code;
    }
    struct run_pipelines pipelines = {.workspace = &request->workspace, .own = request->pipeline};
    (void)snprintf(pipelines.digest, sizeof(pipelines.digest), "%s", request->digest);
    const struct run_watch_options watching = {.workspace = &request->workspace,
                                               .hold = &session->hold,
                                               .show = &session->show,
                                               .pipelines = &pipelines,
                                               .body = strbuf_str(&request->body)};
    code = run_watch(&watching);
    run_pipelines_finish(&pipelines);
    return code;
}

/* ---- the whole ---- */

/* Others' runs, which an engine goes on with, would be on the tape, too. */
static bool is_ephemeral(const struct session *session)
{
    return session->options->is_ephemeral || session->tape.tape != NULL;
}

/* What the state has to keep, so that the run can go on in another process. */
static int keep_definition(struct session *session)
{
    if (session->hold.role == STATE_ROLE_NONE) {
        return EXIT_DONE;
    }
    workspace_compiled_by(session->request.pipeline, &session->compiled_by);
    return strbuf_status(&session->compiled_by) == 0 ? start_request_bundle(&session->request)
                                                     : command_error(EXIT_STATE, "out of memory");
}

static int prepare(struct session *session, const struct command_args *args)
{
    int code = run_tape_open(&session->tape, args);
    session->request.tape = session->tape.tape;
    if (code == EXIT_DONE) {
        code = session->options->prepare(&session->request, args);
    }
    if (code == EXIT_DONE && !is_ephemeral(session)) {
        code = state_hold_open(&session->hold, args, STATE_OWNER_CLI);
    }
    if (code == EXIT_DONE) {
        code = keep_definition(session);
    }
    if (code == EXIT_DONE) {
        code = state_hold_begin(&session->hold, &session->request.workspace, STATE_BEGIN_ENGINE);
    }
    const struct run_show_options shown = {.kind = run_show_choose(args),
                                           .pipeline = session->request.pipeline,
                                           .on_ended = on_ended,
                                           .user = session};
    if (code == EXIT_DONE && run_show_init(&session->show, &shown) != 0) {
        code = command_error(EXIT_STATE, "out of memory");
    }
    return code;
}

static int run(struct session *session, const struct command_args *args)
{
    const char *key = command_value(args, "key");
    struct error err = {0};
    if (key != NULL && key[0] == '\0') {
        return command_usage_error(args->command, "the key of --key is empty");
    }
    if (key != NULL && command_has(args, "ephemeral")) {
        return command_error(EXIT_USAGE, "--key needs a run that is kept: not with --ephemeral");
    }
    int code = prepare(session, args);
    if (code == EXIT_DONE && key != NULL && is_ephemeral(session)) {
        code = command_error(EXIT_USAGE, "--key needs a run that is kept: not with a tape");
    }
    if (code == EXIT_DONE && id_create(clock_unix_ms(), session->show.id, &err) != 0) {
        code = command_error(EXIT_STATE, "%s", err.message);
    }
    if (code == EXIT_DONE) {
        bool is_watched = key != NULL || session->hold.role == STATE_ROLE_CLIENT;
        code = is_watched ? watch(session, key) : work_here(session);
    }
    const struct run_events *events = &session->request.events;
    return code == EXIT_DONE ? run_show_print_end(&session->show, events->items, events->count)
                             : code;
}

/* ---- what others have brought meanwhile ---- */

static void on_others_signal(void *user, int signal_number)
{
    struct session *session = user;
    if (interrupts_take(&session->interrupts, signal_number) == 0) {
        return;
    }
    if (session->is_leaving) {
        loop_stop(session->request.workspace.loop);
        return;
    }
    session->is_leaving = true;
    terminal_write_stderr(STR("handing them over to an engine in the background\n"));
    loop_drain(session->request.workspace.loop, STATE_HAND_OVER_MS, on_idle, session);
}

/* This process is the engine of other runs, too: it finishes those that are at work. */
static void finish_others(struct session *session)
{
    struct error err = {0};
    struct loop *loop = session->request.workspace.loop;
    char text[160];
    uint64_t count = session->hold.role == STATE_ROLE_ENGINE ? loop_numbers(loop).roots : 0;
    if (count == 0 || session->is_leaving || loop_numbers(loop).trouble != NULL) {
        return;
    }
    (void)snprintf(text, sizeof(text),
                   "finishing %llu other run%s that this process is the engine of; Ctrl-C hands "
                   "%s over\n",
                   (unsigned long long)count, count == 1 ? "" : "s", count == 1 ? "it" : "them");
    terminal_write_stderr(str_from(text));
    loop_watch_idle(loop, on_idle, session);
    if (loop_watch_signals(loop, on_others_signal, session, &err) == 0) {
        (void)loop_run(loop, &err); /* what is left is handed over */
    }
}

int run_session(const struct command_args *args, const struct run_session_options *options)
{
    struct session session = {.options = options};
    bool is_left = false;
    interrupts_init(&session.interrupts);
    module_keep();
    int code = run(&session, args);
    if (session.run != NULL && session.show.view.ended_at != 0) {
        loop_run_release(session.run);
        session.run = NULL; /* a signal may still come while the loop closes */
    } else if (session.run != NULL && session.is_leaving) {
        loop_run_detach(session.run);
        session.run = NULL;
    }
    session.is_leaving = session.is_leaving || code > EXIT_LEFT;
    if (session.request.workspace.loop != NULL) { /* its closing takes a while */
        loop_tick(session.request.workspace.loop, 0, NULL, NULL);
    }
    finish_others(&session);
    code = run_tape_end(&session.tape, session.request.workspace.secrets, code);
    state_hold_end(&session.hold, &session.request.workspace, &is_left);
    run_show_finish(&session.show);
    start_request_finish(&session.request);
    run_tape_finish(&session.tape);
    if (is_left) {
        int left = state_hold_hand_over(&session.hold, args);
        code = code == EXIT_DONE || left != EXIT_DONE ? left : code;
    }
    state_hold_finish(&session.hold);
    strbuf_finish(&session.compiled_by);
    return code;
}
