/* SPDX-License-Identifier: Apache-2.0 */
/* The start of a run: its rows, its key and its first events are in one write with it. */
#include <stdio.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/engine/engine.h"
#include "core/journal/journal.h"
#include "core/loop/commit.h"
#include "core/loop/loop.h"
#include "core/loop/loop_state.h"
#include "core/loop/parking.h"
#include "core/loop/run_driver.h"
#include "core/loop/run_ends.h"
#include "core/loop/run_keys.h"
#include "core/loop/run_rows.h"

/* In the batch of the start, so that nobody sees the run wait for what is here already. */
static void send_events(struct loop_run *run, const struct loop_run_options *options,
                        struct commit *commit)
{
    bool is_well = true; /* else loop_run() says so */
    for (size_t i = 0; is_well && i < options->event_count; i++) {
        const struct run_event event = {.type = RUN_EVENT_SIGNAL,
                                        .port = options->events[i].name,
                                        .output = options->events[i].data};
        is_well = run_driver_decide(run, &event, commit);
    }
}

static void on_key_durable(void *user, int status)
{
    struct loop_run *run = user;
    (void)status; /* from here on the reader knows it, or nobody ever will */
    run_keys_remove(run->loop, run->number);
}

static void note_key(struct commit *commit, struct loop_run *run,
                     const struct loop_run_options *options)
{
    struct loop_key known = {.number = run->number};
    if (options->key.n == 0) {
        return;
    }
    (void)snprintf(known.id, sizeof(known.id), "%.*s", STR_ARG(options->id));
    (void)snprintf(known.request, sizeof(known.request), "%.*s", STR_ARG(options->request));
    commit->has_failed = commit->has_failed || run_keys_add(run->loop, options->key, &known) != 0;
    commit_add_ack(commit, on_key_durable, run);
}

int loop_run_start(struct loop *loop, const struct loop_run_options *options,
                   struct loop_run **out_run, struct error *err)
{
    struct commit *commit = commit_create(loop);
    struct run *started = NULL;
    struct run_options run_options = {
        .number = journal_keeps(loop->journal) ? journal_next_run(loop->journal) : 0,
        .pipeline = options->pipeline,
        .input = options->input,
        .reuse = options->reuse,
        .id = options->id,
        .triggered_by = options->triggered_by,
        .secrets = loop->secrets,
    };
    if (commit == NULL) {
        return error_nomem(err);
    }
    int status =
        engine_start(loop->engine, &run_options, clock_unix_ms(), &commit->batch, &started, err);
    struct loop_run *run = status == 0 ? run_driver_create(loop, started, NULL) : NULL;
    if (run == NULL) {
        commit_destroy(commit);
        return status != 0 ? status : error_nomem(err);
    }
    if (options->env != NULL && run_env_set(&loop->env, run->number, options->env) != 0) {
        commit->has_failed = true;
    }
    run->is_held = true;
    run->is_known = true;
    run->observer = options->observer;
    loop->waits_told.is_observed = loop->waits_told.is_observed ||
                                   options->observer.on_waits != NULL;
    (void)snprintf(run->definition, sizeof(run->definition), "%.*s",
                   STR_ARG(options->definition.digest));
    if (run_options.number != 0) {
        run_rows_add_root(commit, run, options);
        note_key(commit, run, options);
    }
    if (options->on_started != NULL) {
        commit_add_ack(commit, options->on_started, options->user);
    }
    send_events(run, options, commit);
    loop->numbers.runs_started++;
    run_driver_submit(commit);
    *out_run = run;
    return 0;
}

void loop_run_release(struct loop_run *run)
{
    if (run != NULL) {
        run_ends_give_up(run);
    }
}

void loop_run_detach(struct loop_run *run)
{
    run->is_held = false;
    run->observer = (struct run_observer){0};
    parking_look(run);
}
