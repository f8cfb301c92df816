/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/recover.h"

#include "core/base/check.h"
#include "core/engine/attempts.h"
#include "core/engine/decision.h"
#include "core/engine/decision_end.h"
#include "core/engine/decision_stop.h"
#include "core/engine/endings.h"
#include "core/engine/failure.h"
#include "core/engine/queue.h"
#include "core/engine/queue_work.h"
#include "core/engine/run_state.h"
#include "core/engine/stand_in.h"
#include "core/value/value.h"

/* ---- recover ---- */

static void arm(const struct decision *d, uint32_t node, enum timer_kind timer, int64_t at)
{
    if (at > 0) {
        decision_add_effect(d, (struct effect){.type = EFFECT_ARM_TIMER,
                                               .node = node,
                                               .attempt = decision_state(d, node)->attempt,
                                               .timer = timer,
                                               .at_unix_ms = at});
    }
}

/* The time-out of a node whose time is that of its definition. */
static void arm_timeout(const struct decision *d, uint32_t node)
{
    int64_t timeout_ms = decision_node(d, node)->timeout_ms;
    arm(d, node, TIMER_NODE_TIMEOUT,
        timeout_ms > 0 ? decision_state(d, node)->started_at + timeout_ms : 0);
}

static void record_node(const struct decision *d, enum record_type type, uint32_t node)
{
    struct record record = decision_node_record(d, type, node);
    batch_add_record(d->batch, &record);
}

/* What was told to end, or may start nothing more, has ended with its process. */
static void end_cut_off(const struct decision *d, uint32_t node)
{
    const struct run_node *state = decision_state(d, node);
    if (state->state == NODE_STOPPING && state->stop_reason == STOP_TIMEOUT) {
        attempts_time_out(d, node, NULL);
        return;
    }
    struct record record = decision_node_record(d, RECORD_NODE_ENDED, node);
    struct document *failure = decision_create_failure(
        d, FAILURE_CUT_OFF, STR("the process that ran it ended before it did"),
        "whether it had its effect is not known");
    record.node_state = NODE_CANCELLED;
    record.error = failure;
    decision_end_node(d, &record);
    document_unref(failure);
}

/*
 * Where nothing starts any more it has ended with its process. `word` (may be NULL) is a person's,
 * who may give an item of the queue another input and priority.
 */
static void start_anew(const struct decision *d, uint32_t node, const struct run_event *word)
{
    struct record record = decision_node_record(d, RECORD_NODE_LOST, node);
    if (d->frame->state != RUN_RUNNING) {
        end_cut_off(d, node);
    } else {
        if (word != NULL && queue_is_item(d->run)) {
            record.output = word->output;
            record.has_priority = word->has_priority;
            record.priority = word->priority;
        }
        batch_add_record(d->batch, &record);
    }
}

static void recover_task(const struct decision *d, uint32_t node)
{
    const struct run_node *state = decision_state(d, node);
    if (state->is_unknown) {
        return;
    }
    if (state->state == NODE_STOPPING) {
        end_cut_off(d, node);
    } else if (decision_node(d, node)->is_at_most_once) {
        record_node(d, RECORD_NODE_UNKNOWN, node);
    } else {
        start_anew(d, node, NULL);
    }
}

static void recover_node(const struct decision *d, uint32_t node)
{
    const struct run_node *state = decision_state(d, node);
    enum node_kind kind = decision_node(d, node)->kind;
    if (state->state != NODE_RUNNING && state->state != NODE_STOPPING) {
        return;
    }
    if (state->is_falling_back) {
        stand_in_recover(d, node);
    } else if (state->is_delayed) {
        arm(d, node, TIMER_WAIT, state->due_at);
    } else if (kind == NODE_PLUGIN) {
        recover_task(d, node);
    } else if (kind == NODE_WAIT) {
        arm(d, node, state->is_due_timeout ? TIMER_NODE_TIMEOUT : TIMER_WAIT, state->due_at);
    } else if (kind == NODE_QUEUE) {
        arm(d, node, TIMER_WAIT, state->due_at);
        arm_timeout(d, node);
        queue_work_recover(d, node);
    } else {
        arm_timeout(d, node);
    }
}

void recover_part(const struct decision *d, const struct run_event *event)
{
    const struct run *run = d->run;
    bool has_timeout = run->state == RUN_RUNNING || run->state == RUN_FAILING;
    if (event->node != RECORD_NO_NODE) {
        recover_node(d, event->node);
    } else if (has_timeout && run->pipeline->timeout_ms > 0) {
        decision_add_effect(
            d, (struct effect){.type = EFFECT_ARM_TIMER,
                               .node = RECORD_NO_NODE,
                               .timer = TIMER_RUN_TIMEOUT,
                               .at_unix_ms = run->started_at + run->pipeline->timeout_ms});
    }
}

void recover_abandon(const struct decision *d, const struct run_event *event)
{
    if (run_is_ended(d->run) && !d->run->is_undoing) {
        return; /* what it started goes on, or not, by itself */
    }
    if (queue_is_item(d->run) && d->run->state == RUN_RUNNING) {
        recover_resume(d);
        queue_abandon(d, event->error);
        return;
    }
    recover_resume(d);
    if (d->run->state == RUN_RUNNING) {
        decision_stop_run(d, RUN_FAILING, event->error, STOP_SHUTDOWN);
        decision_stop_active(d, STOP_SHUTDOWN, RECORD_NO_NODE, DECISION_STOP_TASKS);
        notices_stop(d, STOP_SHUTDOWN);
    } else {
        endings_cancel(d, STOP_SHUTDOWN);
    }
}

/* ---- people ---- */

void recover_resolve(const struct decision *d, const struct run_event *event)
{
    if (event->node == RECORD_NO_NODE || !decision_state(d, event->node)->is_unknown) {
        return;
    }
    switch (event->resolution) {
    case RUN_RESOLVE_AGAIN:
        start_anew(d, event->node, event);
        return;
    case RUN_RESOLVE_FAIL:
        decision_end_failed(d, event->node, event->error);
        return;
    case RUN_RESOLVE_OUTPUT:
        decision_end_with_output(d, event->node, OUTCOME_SUCCESS, event->output);
        return;
    }
    unreachable_state("resolution", (int)event->resolution);
}

static bool is_cancelled(const struct run *run)
{
    return run->state == RUN_CANCELLING ||
           (run->state == RUN_ENDING && run->outcome == RUN_CANCELLED);
}

void recover_pause(const struct decision *d)
{
    const struct run *run = d->run;
    bool is_over = run_is_ended(run) && !run->is_undoing;
    if (run->is_paused || is_over || is_cancelled(run)) {
        return;
    }
    struct record record = decision_run_record(d, RECORD_RUN_PAUSED);
    batch_add_record(d->batch, &record);
    for (const struct frame *at = run->root; at != NULL; at = frame_next(at, run->root)) {
        struct decision here = *d;
        here.frame = at;
        for (uint32_t i = 0; at->active > 0 && i < at->body->node_count; i++) {
            if (at->nodes[i].state == NODE_QUEUED) {
                decision_add_effect(&here, (struct effect){.type = EFFECT_RELEASE,
                                                           .node = at->body->first_node + i});
            }
        }
    }
}

void recover_resume(const struct decision *d)
{
    if (d->run->is_paused) {
        struct record record = decision_run_record(d, RECORD_RUN_RESUMED);
        batch_add_record(d->batch, &record);
    }
}

/* ---- waiting ---- */

static void note_wake(int64_t at, int64_t *wake_at)
{
    if (at > 0 && at < *wake_at) {
        *wake_at = at;
    }
}

/* False: something may happen here without a time, an event or the end of a child. */
static bool node_only_waits(const struct frame *frame, uint32_t i, struct run_wait *wait)
{
    const struct run_node *state = &frame->nodes[i];
    const struct node *def = &frame->run->pipeline->nodes[frame->body->first_node + i];
    int64_t timeout_at = def->timeout_ms > 0 ? state->started_at + def->timeout_ms : 0;
    if (state->is_asking) {
        return false;
    }
    if (state->state == NODE_QUEUED) {
        wait->queued++;
        note_wake(attempts_end_at(frame, frame->body->first_node + i), &wait->wake_at);
        return true;
    }
    if (state->state != NODE_RUNNING && state->state != NODE_STOPPING) {
        return true; /* what is ready is listed, or the run is paused */
    }
    if (state->is_unknown) {
        return true;
    }
    if (state->is_falling_back && def->fallback->kind == FALLBACK_CACHE) {
        return false;
    }
    if (state->is_delayed || def->kind == NODE_WAIT) {
        note_wake(state->due_at, &wait->wake_at);
        return true;
    }
    note_wake(timeout_at, &wait->wake_at);
    return def->kind != NODE_PLUGIN && def->kind != NODE_QUEUE;
}

bool run_only_waits(const struct run *run, struct run_wait *out_wait)
{
    struct run_wait wait = {.wake_at = INT64_MAX};
    bool has_timeout = run->state == RUN_RUNNING || run->state == RUN_FAILING;
    bool is_over = run_is_ended(run) && !run->is_undoing;
    if (run_has_work(run) || run_has_held(run) || run->has_failed) {
        return false;
    }
    if (is_over) {
        *out_wait = wait;
        return true;
    }
    for (const struct frame *at = run->root; at != NULL; at = frame_next(at, run->root)) {
        for (uint32_t i = 0; at->active > 0 && i < at->body->node_count; i++) {
            if (!node_only_waits(at, i, &wait)) {
                return false;
            }
        }
    }
    if (has_timeout && run->pipeline->timeout_ms > 0) {
        note_wake(run->started_at + run->pipeline->timeout_ms, &wait.wake_at);
    }
    *out_wait = wait;
    return true;
}
