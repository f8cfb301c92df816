/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/endings.h"

#include "core/base/check.h"
#include "core/engine/decision.h"
#include "core/engine/decision_stop.h"
#include "core/engine/run_state.h"
#include "core/value/value.h"

/* ---- applying ---- */

void endings_apply_frame_started(struct frame *frame)
{
    struct run *run = frame->run;
    run->ending = frame;
    if (frame->kind == FRAME_UNDO) {
        frame->visit = undo_top(run)->visit;
        frame->iteration = undo_top(run)->iteration;
        return;
    }
    if (frame->body == &run->pipeline->bodies[run->pipeline->finally]) {
        run->has_run_finally = true;
    } else {
        run->has_run_outcome = true;
    }
}

void endings_apply_frame_ended(struct frame *frame, const struct record *record)
{
    frame->run->ending = NULL;
    if (frame->kind == FRAME_UNDO) {
        undo_apply_done(frame->run, record->error);
    }
}

/* ---- what is next ---- */

static uint32_t body_of_outcome(const struct pipeline *pipeline, enum run_state outcome)
{
    if (outcome == RUN_FAILED) {
        return pipeline->on_failure;
    }
    return outcome == RUN_CANCELLED ? pipeline->on_cancel : pipeline->on_success;
}

static bool has_to_undo(const struct run *run, enum run_state outcome)
{
    bool is_wanted = run->is_undoing || outcome != RUN_COMPLETED;
    return run->has_rollback && is_wanted && run->undo.count > 0;
}

/* The body of the ending to run next; 0: none is left. */
static uint32_t next_body(const struct run *run)
{
    uint32_t body = run->has_run_outcome ? 0 : body_of_outcome(run->pipeline, run->outcome);
    if (body == 0 && !run->has_run_finally) {
        body = run->pipeline->finally;
    }
    return body;
}

bool endings_apply_to(const struct run *run, enum run_state outcome)
{
    return !run->drops_endings &&
           (has_to_undo(run, outcome) || body_of_outcome(run->pipeline, outcome) != 0 ||
            run->pipeline->finally != 0);
}

/* Nothing is left but messages on their way, which the run's end waits for. */
static bool waits_for_notices(const struct run *run)
{
    bool has_next = !run->drops_endings && (has_to_undo(run, run->outcome) || next_body(run) != 0);
    return run->state == RUN_ENDING && !has_next && notices_are_left(run);
}

bool endings_have_work(const struct run *run)
{
    bool is_on_way = run->state == RUN_ENDING || run->is_undoing;
    return is_on_way && run->ending == NULL && !run->is_undoing_child && !run->is_paused &&
           !waits_for_notices(run);
}

/* ---- deciding ---- */

static void undo_child(const struct decision *d, const struct undo_entry *entry)
{
    struct record record = decision_node_record(d, RECORD_CHILD_UNDOING, entry->node);
    record.attempt = entry->attempt;
    batch_add_record(d->batch, &record);
    decision_add_effect(
        d,
        (struct effect){.type = EFFECT_UNDO_CHILD, .node = entry->node, .attempt = entry->attempt});
}

static void start_undo(const struct decision *d, const struct undo_entry *entry)
{
    struct decision there = *d;
    there.frame = frame_find(d->run, entry->frame);
    CHECK_NAMED(there.frame != NULL, d->run->id);
    if (entry->is_child) {
        undo_child(&there, entry);
        return;
    }
    struct record record = decision_node_record(&there, RECORD_FRAME_STARTED, entry->node);
    record.child = d->run->next_frame;
    record.kind = FRAME_UNDO;
    record.index = (uint64_t)entry->visit << 32 | entry->iteration;
    record.body = decision_node(d, entry->node)->compensate;
    record.output = entry->output;
    batch_add_record(d->batch, &record);
}

static void start_ending(const struct decision *d, uint32_t body)
{
    struct record record = decision_run_record(d, RECORD_FRAME_STARTED);
    record.child = d->run->next_frame;
    record.kind = FRAME_ENDING;
    record.body = body;
    batch_add_record(d->batch, &record);
}

static void end_run(const struct decision *d)
{
    struct record record = decision_run_record(d, RECORD_RUN_ENDED);
    record.run_state = d->run->outcome;
    record.output = d->run->output;
    record.error = d->run->error;
    batch_add_record(d->batch, &record);
    decision_add_effect(d, (struct effect){.type = EFFECT_RUN_ENDED, .node = RECORD_NO_NODE});
}

static void end_undo(const struct decision *d)
{
    struct record record = decision_run_record(d, RECORD_RUN_UNDONE);
    record.error = d->run->undo.error;
    batch_add_record(d->batch, &record);
    decision_add_effect(d, (struct effect){.type = EFFECT_RUN_UNDONE, .node = RECORD_NO_NODE});
}

void endings_step(const struct decision *d)
{
    const struct run *run = d->run;
    uint32_t body = run->is_undoing ? 0 : next_body(run);
    struct decision at_root = *d;
    at_root.frame = run->root;
    if (!run->drops_endings && has_to_undo(run, run->outcome)) {
        start_undo(&at_root, undo_top(run));
    } else if (run->is_undoing) {
        end_undo(&at_root);
    } else if (!run->drops_endings && body != 0) {
        start_ending(&at_root, body);
    } else {
        end_run(&at_root);
    }
}

void endings_end_frame(const struct decision *d)
{
    const struct frame *frame = d->frame;
    struct record record = decision_run_record(d, RECORD_FRAME_ENDED);
    record.node = frame->owner;
    record.kind = frame->kind;
    record.body = (uint32_t)(frame->body - d->run->pipeline->bodies);
    record.run_state = RUN_COMPLETED;
    if (frame->state != RUN_RUNNING) {
        record.run_state = frame->error != NULL ? RUN_FAILED : RUN_CANCELLED;
        record.error = frame->error;
    }
    batch_add_record(d->batch, &record);
}

static void stop_ending(const struct decision *d, enum stop_reason reason)
{
    struct decision there = *d;
    there.frame = d->run->ending;
    if (there.frame->state == RUN_RUNNING) {
        decision_stop_run(&there, RUN_CANCELLING, NULL, reason);
    }
    decision_stop_active(&there, reason, RECORD_NO_NODE, DECISION_STOP_TASKS);
}

void endings_cancel(const struct decision *d, enum stop_reason reason)
{
    const struct run *run = d->run;
    if (reason != STOP_SHUTDOWN) {
        return;
    }
    if (!run->drops_endings) {
        struct record record = decision_run_record(d, RECORD_ENDINGS_DROPPED);
        batch_add_record(d->batch, &record);
    }
    if (run->ending != NULL) {
        stop_ending(d, reason);
    }
    notices_stop(d, reason);
}

void endings_child_undone(const struct decision *d, const struct run_event *event)
{
    const struct undo_entry *top = undo_top(d->run);
    if (!d->run->is_undoing_child || top == NULL || top->frame != event->frame ||
        top->node != event->node || top->attempt != event->attempt) {
        return;
    }
    struct record record = decision_node_record(d, RECORD_CHILD_UNDONE, event->node);
    record.error = event->error;
    record.attempt = event->attempt;
    batch_add_record(d->batch, &record);
}

void endings_undo_run(const struct decision *d)
{
    if (d->run->state != RUN_COMPLETED || d->run->is_undoing) {
        return;
    }
    struct record record = decision_run_record(d, RECORD_RUN_UNDOING);
    batch_add_record(d->batch, &record);
}
