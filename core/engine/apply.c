/* SPDX-License-Identifier: Apache-2.0 */
/* How records change a run: one function for each of them. */
#include <stdio.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/engine/attempts.h"
#include "core/engine/edges.h"
#include "core/engine/frames.h"
#include "core/engine/loops.h"
#include "core/engine/queue.h"
#include "core/engine/record_json.h"
#include "core/engine/run.h"
#include "core/engine/run_state.h"
#include "core/engine/signals.h"
#include "core/engine/spending.h"
#include "core/engine/states.h"
#include "core/engine/streams.h"
#include "core/engine/transition.h"
#include "core/value/value.h"

/* The texts that `date` and `time` give, good in file names. */
static void format_start(struct run *run)
{
    struct clock_civil utc = clock_civil_from_unix(run->started_at / 1000);
    (void)snprintf(run->date, sizeof(run->date), "%04d-%02d-%02d", (int)(utc.year % 10000),
                   utc.month, utc.day);
    (void)snprintf(run->time, sizeof(run->time), "%02d-%02d-%02d", utc.hour, utc.minute,
                   utc.second);
}

static void apply_run_started(struct run *run, const struct record *record)
{
    transition_set_run(run, RUN_RUNNING);
    if (run->input == NULL) { /* it is being restored */
        run->input = document_ref(record->output);
        run->reuse = document_ref(record->detail);
    }
    run->started_at = record->at_unix_ms;
    run->turn_at = record->at_unix_ms;
    run->queued_at = record->at_unix_ms;
    format_start(run);
    notices_apply(run->root, record);
    frames_begin(run->root, record->at_unix_ms);
}

static void note_start(struct run_node *node, const struct record *record)
{
    node->attempt = record->attempt;
    node->has_begun = false;
    node->is_retrying = false;
    node->due_at = record->due_unix_ms;
    node->is_due_timeout = record->is_due_timeout;
    node->started_at = record->at_unix_ms;
    if (node->failures == 0) {
        node->first_try_at = record->at_unix_ms;
    }
    if (node->iteration == 0 && node->failures == 0) {
        node->first_started_at = record->at_unix_ms;
    }
}

static void apply_node_begun(struct frame *frame, const struct record *record,
                             enum node_state state)
{
    struct run_node *node = frame_node(frame, record->node);
    run_unlist_node(frame->run, node);
    transition_set_node(node, state);
    node->is_asking = record->is_asking;
    if (state != NODE_RUNNING) {
        return;
    }
    note_start(node, record);
    spending_apply_started(frame, record);
    enum node_kind kind = frame->run->pipeline->nodes[record->node].kind;
    if (kind == NODE_WAIT || kind == NODE_QUEUE) {
        run_replace_document(&node->waits_for, record->output);
    }
    if (kind == NODE_WAIT) {
        signals_note_news(frame->run);
    }
    if (frame->run->pipeline->nodes[record->node].own_body != 0) {
        loops_apply_started(node, record);
    }
    if (node_has_stream(&frame->run->pipeline->nodes[record->node])) {
        streams_apply_started(node);
    }
}

/* A machine takes its `cancel` transition once. */
static void note_cancel(struct run *run, const struct record *record)
{
    const struct node *def = &run->pipeline->nodes[record->node];
    if (record->index > 0) {
        const struct edge *edge = &run->pipeline->edges[def->first_out + record->index - 1];
        run->has_taken_cancel = run->has_taken_cancel || edge->outcome == OUTCOME_CANCEL;
    }
}

static void apply_node_stopping(struct frame *frame, const struct record *record)
{
    struct run_node *node = frame_node(frame, record->node);
    node->stop_reason = (uint8_t)record->reason;
    note_cancel(frame->run, record);
    node->pending_edge = (uint32_t)record->index;
    transition_set_node(node, NODE_STOPPING);
    if (node->loop != NULL) {
        loops_apply_stopping(node, record);
    } else {
        run_unlist_node(frame->run, node);
        streams_look(node); /* its items may still count */
    }
}

static void set_unknown(struct run_node *node, bool is_unknown)
{
    struct run *run = node->frame->run;
    run->unknown += is_unknown ? 1u : 0u;
    run->unknown -= node->is_unknown ? 1u : 0u;
    node->is_unknown = is_unknown;
    node->is_dead = node->is_dead && is_unknown;
}

/* There is no task that could be given credit or told to end. */
static void apply_node_unknown(struct run_node *node, const struct record *record)
{
    transition_set_node(node, NODE_RUNNING);
    set_unknown(node, true);
    node->is_dead = record->is_dead;
    run_replace_document(&node->error, record->error);
    run_unlist_node(node->frame->run, node);
}

/* An attempt has failed, and the next one has its time. */
static void apply_node_retry(struct run_node *node, const struct record *record)
{
    run_unlist_node(node->frame->run, node);
    transition_set_node(node, NODE_RUNNING);
    const struct document *failure = attempts_keep(node->frame->run, record->error);
    run_replace_document(&node->error, failure);
    document_unref(failure);
    node->failures++;
    node->is_retrying = true;
    node->is_delayed = true;
    node->due_at = record->due_unix_ms;
    node->frame->run->turn_at = record->due_unix_ms; /* an item of the queue has this node alone */
    streams_look(node);
}

/* Its attempts are spent; what stands in goes on. */
static void apply_node_fallback(struct frame *frame, const struct record *record)
{
    struct run_node *node = frame_node(frame, record->node);
    const struct pipeline *pipeline = frame->run->pipeline;
    const struct fallback *fallback = pipeline->nodes[record->node].fallback;
    run_unlist_node(frame->run, node);
    if (record->attempt > node->attempt) {
        note_start(node, record);
    }
    transition_set_node(node, NODE_RUNNING);
    run_replace_document(&node->error, record->error);
    node->has_begun = false;
    node->is_retrying = false;
    node->is_delayed = true;
    node->due_at = 0;
    node->is_falling_back = true;
    if (fallback->kind == FALLBACK_NODE) {
        uint32_t edge = pipeline->in_edges[pipeline->nodes[fallback->node].first_in];
        edges_apply_fallback(frame, edge, record->at_unix_ms);
    }
}

/* Somebody else's call, though it is made for the same reason. */
static void revise(struct run *run, const struct document *input)
{
    if (input != NULL) {
        run_replace_document(&run->input, input);
        run->revision++;
    }
}

/*
 * It becomes ready as it was: `now` and its `when` stay what they were. A call of the queue that
 * waited for a person has all its attempts again; any other node all the time of its `retry`, which
 * would be over long since and end the attempt as it begins.
 */
static void apply_node_lost(struct frame *frame, const struct record *record)
{
    struct run_node *node = frame_node(frame, record->node);
    revise(frame->run, record->output);
    frame->run->priority = record->has_priority ? record->priority : frame->run->priority;
    bool is_requeued = node->is_unknown && queue_is_item(frame->run);
    if (is_requeued) {
        node->failures = 0;
        frame->run->queued_at = record->at_unix_ms;
    } else if (node->is_unknown) {
        node->first_try_at = record->at_unix_ms;
    }
    set_unknown(node, false);
    node->has_begun = true;
    transition_make_ready(node, node->ready_at);
}

static void apply_node_ended(struct frame *frame, const struct record *record)
{
    struct run_node *node = frame_node(frame, record->node);
    run_unlist_node(frame->run, node);
    if (record->attempt > node->attempt) { /* it began and ended in one decision */
        note_start(node, record);
    }
    node->is_delayed = false;
    node->is_retrying = false;
    node->is_falling_back = false;
    node->is_asking = false;
    node->from = (uint8_t)record->from;
    node->has_begun = false;
    set_unknown(node, false);
    transition_set_node(node, record->node_state);
    node->outcome = record->outcome;
    node->ended_at = record->at_unix_ms;
    run_replace_document(&node->output, record->output);
    run_replace_document(&node->error, record->error);
    run_replace_document(&node->detail, record->detail);
    loop_state_destroy(node->loop);
    node->loop = NULL;
    note_cancel(frame->run, record);
    notices_apply(frame, record);
    bool has_worked = record->node_state == NODE_COMPLETED || record->is_done;
    bool stood_in = (record->from & OUTPUT_FROM_BOTH) != 0; /* what did is undone by itself */
    if (has_worked && !stood_in) {
        undo_apply_completed(frame, record);
    }
    if (node_has_stream(&frame->run->pipeline->nodes[record->node])) {
        streams_apply_ended(node, record);
    }
    if (frame->body->kind == BODY_STATES) {
        uint32_t next = states_apply_end(frame, record);
        if (frame->state == RUN_RUNNING && next != RECORD_NO_NODE) {
            frames_enter_state(frame, next, record->at_unix_ms);
        }
    } else if (frame->state == RUN_RUNNING) {
        edges_apply_ended(frame, record);
    }
    frame_check_settled(frame);
}

static void apply_node_again(struct frame *frame, const struct record *record)
{
    struct run_node *node = frame_node(frame, record->node);
    run_unlist_node(frame->run, node);
    if (record->attempt > node->attempt) {
        note_start(node, record);
    }
    node->has_begun = false;
    set_unknown(node, false);
    node->failures = 0;
    run_replace_document(&node->error, NULL);
    run_replace_document(&node->output, record->output);
    if ((record->from & OUTPUT_FROM_BOTH) == 0) {
        undo_apply_completed(frame, record);
    }
    node->from = (uint8_t)record->from;
    node->is_falling_back = false;
    node->is_asking = false;
    loop_state_destroy(node->loop);
    node->loop = NULL;
    node->iteration++;
    streams_apply_again(node);
    node->is_delayed = record->due_unix_ms > record->at_unix_ms;
    node->due_at = record->due_unix_ms;
    if (node->is_delayed) {
        transition_set_node(node, NODE_RUNNING);
    } else {
        transition_make_ready(node, record->at_unix_ms);
    }
}

/* Loops over a stream start with its first item. */
static void apply_item(struct frame *frame, const struct record *record)
{
    if (streams_apply_item(frame_node(frame, record->node), record)) {
        edges_apply_first_item(frame, record->node, record->at_unix_ms);
    }
}

static void apply_node_due(struct frame *frame, const struct record *record)
{
    struct run_node *node = frame_node(frame, record->node);
    node->is_delayed = false;
    node->has_begun = node->is_retrying;
    transition_make_ready(node, node->is_retrying ? node->ready_at : record->at_unix_ms);
}

static void apply_stopping(struct frame *frame, const struct record *record)
{
    if (frame->parent == NULL) {
        frame->run->drops_endings = record->reason == STOP_SHUTDOWN;
        transition_set_run(frame->run, record->run_state);
        frame->run->error = document_ref(record->error);
        frame->state = RUN_RUNNING; /* so that it is stopped, too */
    }
    frame->error = document_ref(record->error);
    frames_stop(frame, record->run_state);
}

/* All that the run was made for has been done. */
static void finish_work(struct run *run, const struct record *record)
{
    struct frame *root = run->root;
    frame_unsettle(root);
    run->output = document_ref(record->output);
    if (run->error == NULL) {
        run->error = document_ref(record->error);
    }
    for (uint32_t i = 0; i < root->body->node_count; i++) {
        enum node_state state = (enum node_state)root->nodes[i].state;
        if (state == NODE_PENDING || state == NODE_READY) {
            transition_set_node(&root->nodes[i], NODE_NOT_RUN);
        }
    }
}

static void apply_run_ending(struct run *run, const struct record *record)
{
    finish_work(run, record);
    run->outcome = record->run_state;
    transition_set_run(run, RUN_ENDING);
    notices_apply(run->root, record);
}

static void apply_run_ended(struct run *run, const struct record *record)
{
    if (run->state != RUN_ENDING) {
        finish_work(run, record);
    }
    run->ended_at = record->at_unix_ms;
    run->is_paused = false; /* nothing is left that could start, nor to resume */
    transition_set_run(run, record->run_state);
}

static void apply_child_undone(struct run *run, const struct record *record)
{
    run->is_undoing_child = false;
    undo_apply_done(run, record->error);
}

static void apply(struct run *run, struct frame *frame, const struct record *record)
{
    switch (record->type) {
    case RECORD_RUN_STARTED:
        apply_run_started(run, record);
        return;
    case RECORD_NODE_QUEUED:
        apply_node_begun(frame, record, NODE_QUEUED);
        return;
    case RECORD_NODE_STARTED:
        apply_node_begun(frame, record, NODE_RUNNING);
        return;
    case RECORD_NODE_STOPPING:
        apply_node_stopping(frame, record);
        return;
    case RECORD_NODE_ENDED:
        apply_node_ended(frame, record);
        return;
    case RECORD_NODE_AGAIN:
        apply_node_again(frame, record);
        return;
    case RECORD_NODE_DUE:
        apply_node_due(frame, record);
        return;
    case RECORD_NODE_LOST:
        apply_node_lost(frame, record);
        return;
    case RECORD_NODE_UNKNOWN:
        apply_node_unknown(frame_node(frame, record->node), record);
        return;
    case RECORD_NODE_RETRY:
        apply_node_retry(frame_node(frame, record->node), record);
        return;
    case RECORD_NODE_FALLBACK:
        apply_node_fallback(frame, record);
        return;
    case RECORD_FRAME_STARTED:
        frames_apply_started(frame, record);
        return;
    case RECORD_FRAME_ENDED:
        frames_apply_ended(frame, record);
        return;
    case RECORD_SIGNAL:
    case RECORD_SIGNAL_TAKEN:
    case RECORD_SIGNALS_SEEN:
        signals_apply(run, record);
        return;
    case RECORD_LOOP_REDUCED:
        loops_apply_reduced(frame_node(frame, record->node), record);
        return;
    case RECORD_ITEM:
        apply_item(frame, record);
        return;
    case RECORD_CREDIT:
        streams_apply_credit(frame_node(frame, record->node), record);
        return;
    case RECORD_FRAME_STOPPING:
    case RECORD_RUN_STOPPING:
        apply_stopping(frame, record);
        return;
    case RECORD_RUN_ENDING:
        apply_run_ending(run, record);
        return;
    case RECORD_CHILD_UNDOING:
        run->is_undoing_child = true;
        return;
    case RECORD_CHILD_UNDONE:
        apply_child_undone(run, record);
        return;
    case RECORD_ENDINGS_DROPPED:
        run->drops_endings = true;
        return;
    case RECORD_RUN_ENDED:
        apply_run_ended(run, record);
        return;
    case RECORD_RUN_UNDOING:
    case RECORD_RUN_UNDONE:
        run->is_undoing = record->type == RECORD_RUN_UNDOING;
        run->is_paused = false;
        return;
    case RECORD_RUN_PAUSED:
        frames_apply_paused(run);
        return;
    case RECORD_RUN_RESUMED:
        frames_apply_resumed(run);
        return;
    case RECORD_NODE_RESERVED:
    case RECORD_NODE_SPENT:
        spending_apply(frame, record);
        return;
    }
    unreachable_state("record", (int)record->type);
}

/* Frames that end have no task any more. */
static bool is_of_node(const struct record *record)
{
    return record->node != RECORD_NO_NODE && record->type != RECORD_FRAME_STARTED &&
           record->type != RECORD_FRAME_ENDED;
}

void run_apply(struct run *run, const struct record *record)
{
    struct frame *frame = frame_find(run, record->frame);
    CHECK_NAMED(frame != NULL, run->id);
    run->last_seq += record_is_lazy(record) ? 0 : 1;
    if (!is_of_node(record)) {
        apply(run, frame, record);
        return;
    }
    const struct run_node *node = frame_node(frame, record->node);
    uint32_t *tasks = frame->parent != NULL ? &run->tasks : &run->root_tasks;
    *tasks -= node_is_at_work(node) ? 1u : 0u;
    apply(run, frame, record);
    *tasks += node_is_at_work(node) ? 1u : 0u;
}
