/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives runs: events go to the engine, its batch to the journal, and when that has it, records
 * to the observer and effects to host and timers. Nothing here decides anything.
 */
#include "core/loop/run_driver.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/engine/engine.h"
#include "core/journal/journal.h"
#include "core/loop/loop_state.h"
#include "core/loop/masking.h"
#include "core/loop/run_tasks.h"
#include "core/model/catalogue.h"

enum { SPARE_COMMITS = 4, SPARE_RECORDS = 4096 };

/* A batch between submission and durability; or one of the loop's spare ones. */
struct commit {
    struct loop *loop;
    struct commit *next_spare;
    struct batch batch;
};

static void commit_free(struct commit *commit)
{
    batch_finish(&commit->batch);
    free(commit);
}

/* A few are kept with their arrays, which otherwise would grow anew with each event. */
static void commit_destroy(struct commit *commit)
{
    struct loop *loop = commit->loop;
    if (loop->spare_count == SPARE_COMMITS || commit->batch.record_cap > SPARE_RECORDS ||
        commit->batch.effect_cap > SPARE_RECORDS) {
        commit_free(commit);
        return;
    }
    batch_clear(&commit->batch);
    commit->next_spare = loop->spare;
    loop->spare = commit;
    loop->spare_count++;
}

void run_driver_fail(struct loop *loop, const struct error *err)
{
    if (loop->failure.code == 0) {
        loop->failure = *err;
    }
    uv_stop(&loop->uv);
}

static void on_durable(void *user, int status);

static void submit(struct loop *loop, struct commit *commit)
{
    struct error err = {0};
    if (commit->batch.record_count == 0 && commit->batch.effect_count == 0) {
        commit_destroy(commit);
        return;
    }
    if (journal_append(loop->journal, &commit->batch, on_durable, commit, &err) != 0) {
        commit_destroy(commit);
        run_driver_fail(loop, &err);
    }
}

static struct commit *commit_create(struct loop *loop)
{
    struct commit *commit = loop->spare;
    if (commit != NULL) {
        loop->spare = commit->next_spare;
        loop->spare_count--;
        return commit;
    }
    commit = calloc(1, sizeof(*commit));
    if (commit == NULL) {
        struct error err = {0};
        (void)error_nomem(&err);
        run_driver_fail(loop, &err);
        return NULL;
    }
    commit->loop = loop;
    return commit;
}

void run_driver_handle(struct loop_run *run, const struct run_event *event)
{
    struct loop *loop = run->loop;
    struct commit *commit = commit_create(loop);
    if (commit == NULL) {
        return;
    }
    struct error err = {0};
    int status =
        event != NULL
            ? engine_handle(loop->engine, run->run, event, clock_unix_ms(), &commit->batch, &err)
            : engine_continue(loop->engine, run->run, clock_unix_ms(), &commit->batch, &err);
    if (status != 0) {
        commit_destroy(commit);
        run_driver_fail(loop, &err);
        return;
    }
    submit(loop, commit);
}

/* ---- timers ---- */

static int64_t monotonic_ms(void)
{
    return clock_monotonic_ns() / 1000000;
}

static void on_uv_timer(uv_timer_t *uv_timer);

static void arm_next(struct loop *loop)
{
    const struct heap_timer *first = timer_heap_first(&loop->timers);
    if (first == NULL) {
        (void)uv_timer_stop(&loop->timer); /* cannot fail */
        return;
    }
    int64_t delay = first->due_ms - monotonic_ms();
    uv_update_time(&loop->uv);
    (void)uv_timer_start(&loop->timer, on_uv_timer, delay > 0 ? (uint64_t)delay : 0, 0);
}

/* Timers that are due: their runs hear of it. */
static void on_uv_timer(uv_timer_t *uv_timer)
{
    struct loop *loop = uv_timer->data;
    struct heap_timer timer;
    while (timer_heap_pop(&loop->timers, monotonic_ms(), &timer)) {
        run_driver_handle(timer.run, &(struct run_event){.type = RUN_EVENT_TIMER,
                                                         .frame = timer.frame,
                                                         .node = timer.node,
                                                         .attempt = timer.attempt,
                                                         .timer = timer.kind});
    }
    arm_next(loop);
}

static void carry_out_arm(struct loop_run *run, const struct effect *effect)
{
    int64_t delay = effect->at_unix_ms - clock_unix_ms();
    /* The two clocks do not tick together: counted from the last tick it would fire too early. */
    int64_t next_tick_ms = (clock_monotonic_ns() + 999999) / 1000000;
    struct heap_timer timer = {
        .due_ms = delay > 0 ? next_tick_ms + delay : 0,
        .run = run,
        .frame = effect->frame,
        .node = effect->node,
        .attempt = effect->attempt,
        .kind = effect->timer,
    };
    run->has_timers = true;
    if (timer_heap_add(&run->loop->timers, &timer) != 0) {
        struct error err = {0};
        (void)error_nomem(&err);
        run_driver_fail(run->loop, &err);
        return;
    }
    arm_next(run->loop);
}

static void carry_out_disarm(struct loop_run *run, const struct effect *effect)
{
    timer_heap_remove(&run->loop->timers, &(struct heap_timer){.run = run,
                                                               .frame = effect->frame,
                                                               .node = effect->node,
                                                               .kind = effect->timer});
    arm_next(run->loop);
}

/* ---- effects ---- */

/* Runs that nobody waited for are part of the one that started them. */
static void tell_end(struct loop_run *root)
{
    if (root->observer.on_ended != NULL) {
        root->observer.on_ended(root->observer.user);
    }
}

static void carry_out(struct loop_run *run, const struct effect *effect)
{
    switch (effect->type) {
    case EFFECT_START:
        run_tasks_start(run, effect);
        return;
    case EFFECT_STOP:
        run_tasks_stop(run, effect);
        return;
    case EFFECT_CREDIT:
        run_tasks_credit(run, effect);
        return;
    case EFFECT_ARM_TIMER:
        carry_out_arm(run, effect);
        return;
    case EFFECT_DISARM:
        carry_out_disarm(run, effect);
        return;
    case EFFECT_RUN_ENDED:
        run->is_ended = true;
        if (run->root != run) {
            run->root->children--;
        }
        if (run->root->is_ended && run->root->children == 0) {
            tell_end(run->root);
        }
        return;
    case EFFECT_CONTINUE:
        run_driver_handle(run, NULL);
        return;
    case EFFECT_WANT_START:
    case EFFECT_RELEASE:
    case EFFECT_START_CHILD:
    case EFFECT_UNDO_CHILD:
    case EFFECT_RUN_UNDONE:
        return; /* dispatch's, done inside the engine */
    }
    unreachable_state("effect", (int)effect->type);
}

static void run_link(struct loop *loop, struct loop_run *run);

static void tell_child(const struct loop_run *child, const struct engine_call *call)
{
    const struct run_observer *observer = &child->root->observer;
    if (observer->on_child != NULL) {
        struct run_place place = {.run = call->run, .frame = call->frame, .node = call->node};
        observer->on_child(observer->user, child->run, &place);
    }
}

/* The driver's side of a child run, made when the child is first heard of. NULL: no memory. */
static struct loop_run *adopt(struct loop *loop, struct run *run)
{
    struct engine_call call = {0};
    struct loop_run *child = calloc(1, sizeof(*child));
    if (child == NULL) {
        struct error err = {0};
        (void)error_nomem(&err);
        run_driver_fail(loop, &err);
        return NULL;
    }
    CHECK_NAMED(engine_find_call(run, &call), run_id(run).p);
    const struct loop_run *parent = engine_run_user(call.run);
    child->loop = loop;
    child->run = run;
    child->mask = masking_of(loop->secrets, run_pipeline(run));
    child->root = parent->root;
    child->is_awaited = call.is_awaited;
    child->root->children++;
    engine_set_run_user(run, child);
    run_link(loop, child);
    tell_child(child, &call);
    return child;
}

static struct loop_run *run_of(struct loop *loop, struct run *run)
{
    struct loop_run *known = engine_run_user(run);
    return known != NULL ? known : adopt(loop, run);
}

/* Its caller may have it undone, as long as the caller's own end is not durable. */
static bool is_needed(const struct loop_run *run)
{
    struct engine_call call = {0};
    bool is_kept = engine_keeps(run->run);
    while (is_kept && engine_find_call(run->run, &call)) {
        run = engine_run_user(call.run);
        if (!run->is_ended) {
            return true;
        }
        is_kept = engine_keeps(run->run);
    }
    return false;
}

static void leave(struct loop_run *run, struct loop_run **ended)
{
    if (run->root != run && !run->is_leaving && !is_needed(run)) {
        run->is_leaving = true;
        run->next_ended = *ended;
        *ended = run;
    }
}

/* A child run that has ended is given up, unless its caller may have it undone. */
static void collect_ended(struct loop_run *run, struct loop_run **ended)
{
    struct engine_call call = {0};
    leave(run, ended);
    if (run->root != run && !run->is_leaving && engine_find_call(run->run, &call)) {
        struct loop_run *caller = engine_run_user(call.run);
        caller->kept++;
    }
    for (struct loop_run *other = run->loop->runs; run->kept > 0 && other != NULL;
         other = other->next) {
        if (other->is_ended && other->root == run->root) {
            leave(other, ended);
        }
    }
}

static void release_ended(struct loop_run *ended)
{
    while (ended != NULL) {
        struct loop_run *next = ended->next_ended;
        loop_run_release(ended);
        ended = next;
    }
}

/* A batch may have records of several roots: each hears of the end of its own part. */
static void tell_records(const struct commit *commit)
{
    const struct run_observer *observer = NULL;
    for (size_t i = 0; i < commit->batch.record_count; i++) {
        const struct record *record = &commit->batch.records[i];
        const struct loop_run *run = run_of(commit->loop, record->run);
        const struct run_observer *before = observer;
        observer = run != NULL ? &run->root->observer : NULL;
        if (before != NULL && before != observer && before->on_batch != NULL) {
            before->on_batch(before->user);
        }
        if (observer != NULL && observer->on_record != NULL) {
            observer->on_record(observer->user, record);
        }
    }
    if (observer != NULL && observer->on_batch != NULL) {
        observer->on_batch(observer->user);
    }
}

static void on_durable(void *user, int status)
{
    struct commit *commit = user;
    if (status != 0) {
        struct error err = {0};
        (void)error_set(&err, status, "the journal could not keep a batch");
        run_driver_fail(commit->loop, &err);
        commit_destroy(commit);
        return;
    }
    tell_records(commit);
    struct loop_run *ended = NULL;
    /* Without a host nothing can be carried out any more: the loop is closing. */
    size_t effect_count = commit->loop->is_host_closed ? 0 : commit->batch.effect_count;
    for (size_t i = 0; i < effect_count; i++) {
        const struct effect *effect = &commit->batch.effects[i];
        struct loop_run *run = run_of(commit->loop, effect->run);
        if (run == NULL) {
            break;
        }
        carry_out(run, effect);
        if (effect->type == EFFECT_RUN_ENDED) {
            collect_ended(run, &ended);
        }
    }
    commit_destroy(commit);
    release_ended(ended);
}

/* ---- runs ---- */

static void run_unlink(struct loop_run *run)
{
    if (run->previous != NULL) {
        run->previous->next = run->next;
    } else {
        run->loop->runs = run->next;
    }
    if (run->next != NULL) {
        run->next->previous = run->previous;
    }
}

static void run_link(struct loop *loop, struct loop_run *run)
{
    run->next = loop->runs;
    if (loop->runs != NULL) {
        loop->runs->previous = run;
    }
    loop->runs = run;
}

/* In the batch of the start, so that nobody sees the run wait for what is here already. */
static void send_events(struct loop_run *run, const struct loop_run_options *options,
                        struct batch *batch)
{
    struct error err = {0};
    int status = 0;
    for (size_t i = 0; status == 0 && i < options->event_count; i++) {
        const struct run_event event = {.type = RUN_EVENT_SIGNAL,
                                        .port = options->events[i].name,
                                        .output = options->events[i].data};
        status = engine_handle(run->loop->engine, run->run, &event, clock_unix_ms(), batch, &err);
    }
    if (status != 0) {
        run_driver_fail(run->loop, &err); /* loop_run() says so */
    }
}

int loop_run_start(struct loop *loop, const struct loop_run_options *options,
                   struct loop_run **out_run, struct error *err)
{
    struct loop_run *run = calloc(1, sizeof(*run));
    struct commit *commit = calloc(1, sizeof(*commit));
    if (run == NULL || commit == NULL) {
        free(run);
        free(commit);
        return error_nomem(err);
    }
    run->loop = loop;
    run->root = run;
    run->mask = masking_of(loop->secrets, options->pipeline);
    run->observer = options->observer;
    commit->loop = loop;
    struct run_options run_options = {
        .pipeline = options->pipeline,
        .input = options->input,
        .id = options->id,
        .triggered_by = options->triggered_by,
        .secrets = loop->secrets,
        .user = run,
    };
    int status =
        engine_start(loop->engine, &run_options, clock_unix_ms(), &commit->batch, &run->run, err);
    if (status != 0) {
        free(run);
        commit_destroy(commit);
        return status;
    }
    send_events(run, options, &commit->batch);
    run_link(loop, run);
    submit(loop, commit);
    *out_run = run;
    return 0;
}

void loop_run_cancel(struct loop_run *run)
{
    for (struct loop_run *below = run->loop->runs; below != NULL; below = below->next) {
        if (below->root == run && !below->is_awaited && !below->is_ended) {
            run_driver_handle(
                below, &(struct run_event){.type = RUN_EVENT_CANCEL, .reason = STOP_REQUESTED});
        }
    }
}

void loop_run_kill(struct loop_run *run)
{
    for (struct loop_run *below = run->loop->runs; below != NULL; below = below->next) {
        if (below->root == run) {
            run_driver_handle(
                below, &(struct run_event){.type = RUN_EVENT_CANCEL, .reason = STOP_SHUTDOWN});
        }
    }
    for (struct loop_run *below = run->loop->runs; below != NULL; below = below->next) {
        if (below->root == run) {
            run_tasks_kill(below);
        }
    }
}

static void run_free(struct loop_run *run)
{
    run_unlink(run);
    run_tasks_finish(run);
    free(run);
}

void loop_run_release(struct loop_run *run)
{
    if (run == NULL) {
        return;
    }
    CHECK(run->is_ended);
    if (run->has_timers) {
        timer_heap_remove_run(&run->loop->timers, run);
    }
    journal_drop(run->loop->journal, run_id(run->run));
    engine_remove(run->loop->engine, run->run);
    run_free(run);
}

void run_driver_stop_all(struct loop *loop)
{
    for (struct loop_run *run = loop->runs; run != NULL; run = run->next) {
        if (!run->is_ended && run->root == run) {
            loop_run_kill(run);
        }
    }
}

void run_driver_free_all(struct loop *loop)
{
    while (loop->runs != NULL) {
        run_free(loop->runs);
    }
    while (loop->spare != NULL) {
        struct commit *commit = loop->spare;
        loop->spare = commit->next_spare;
        commit_free(commit);
    }
}
