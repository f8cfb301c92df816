/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How records change a run. The end of a node decides its out edges; a node whose edges are all
 * decided becomes ready or is not run, and then its own edges die in turn: a list of nodes, never
 * recursion, so that 10,000 nodes in a row are as good as side by side.
 */
#include <stdio.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/engine/attempts.h"
#include "core/engine/endings.h"
#include "core/engine/loops.h"
#include "core/engine/queue.h"
#include "core/engine/record_json.h"
#include "core/engine/run.h"
#include "core/engine/run_state.h"
#include "core/engine/signals.h"
#include "core/engine/spending.h"
#include "core/engine/states.h"
#include "core/engine/streams.h"
#include "core/value/value.h"

/* ---- the two setters and their legal transitions ---- */

#define BIT(state) (1u << (state))

static const uint32_t node_transitions[] = {
    [NODE_PENDING] = BIT(NODE_READY) | BIT(NODE_NOT_RUN),
    [NODE_READY] = BIT(NODE_READY) | BIT(NODE_QUEUED) | BIT(NODE_RUNNING) | BIT(NODE_COMPLETED) |
                   BIT(NODE_FAILED) | BIT(NODE_SKIPPED) | BIT(NODE_NOT_RUN) | BIT(NODE_CANCELLED),
    [NODE_QUEUED] = BIT(NODE_QUEUED) | BIT(NODE_COMPLETED) | BIT(NODE_READY) | BIT(NODE_RUNNING) |
                    BIT(NODE_FAILED) | BIT(NODE_NOT_RUN) | BIT(NODE_CANCELLED),
    [NODE_RUNNING] = BIT(NODE_STOPPING) | BIT(NODE_READY) | BIT(NODE_RUNNING) |
                     BIT(NODE_COMPLETED) | BIT(NODE_FAILED) | BIT(NODE_NOT_RUN) |
                     BIT(NODE_CANCELLED),
    [NODE_STOPPING] = BIT(NODE_READY) | BIT(NODE_RUNNING) | BIT(NODE_STOPPING) |
                      BIT(NODE_COMPLETED) | BIT(NODE_FAILED) | BIT(NODE_CANCELLED),
    [NODE_COMPLETED] = 0,
    [NODE_FAILED] = 0,
    [NODE_SKIPPED] = 0,
    [NODE_NOT_RUN] = 0,
    [NODE_CANCELLED] = 0,
};

static const uint32_t run_transitions[] = {
    [RUN_PENDING] = BIT(RUN_RUNNING),
    [RUN_RUNNING] = BIT(RUN_FAILING) | BIT(RUN_CANCELLING) | BIT(RUN_ENDING) | BIT(RUN_COMPLETED) |
                    BIT(RUN_FAILED),
    [RUN_FAILING] = BIT(RUN_ENDING) | BIT(RUN_FAILED),
    [RUN_CANCELLING] = BIT(RUN_ENDING) | BIT(RUN_CANCELLED),
    [RUN_ENDING] = BIT(RUN_COMPLETED) | BIT(RUN_FAILED) | BIT(RUN_CANCELLED),
    [RUN_COMPLETED] = 0,
    [RUN_FAILED] = 0,
    [RUN_CANCELLED] = 0,
};

bool apply_allows_node(const struct run_node *node, enum node_state to)
{
    return (node_transitions[node->state] & BIT(to)) != 0;
}

bool apply_allows_run(const struct run *run, enum run_state to)
{
    return (run_transitions[run->state] & BIT(to)) != 0;
}

static bool is_active(enum node_state state)
{
    return state == NODE_QUEUED || state == NODE_RUNNING || state == NODE_STOPPING;
}

static void node_set_state(struct run_node *node, enum node_state state)
{
    struct frame *frame = node->frame;
    enum node_state old = (enum node_state)node->state;
    CHECK_NAMED(apply_allows_node(node, state),
                frame->run->pipeline->nodes[run_node_index(node)].id.p);
    frame->active += is_active(state) ? 1u : 0u;
    frame->active -= is_active(old) ? 1u : 0u;
    frame->ready += state == NODE_READY ? 1u : 0u;
    frame->ready -= old == NODE_READY ? 1u : 0u;
    node->state = (uint8_t)state;
    if (node->is_reader && state >= NODE_COMPLETED) {
        streams_leave(node);
    }
}

static void run_set_state(struct run *run, enum run_state state)
{
    CHECK_NAMED(apply_allows_run(run, state), run->id);
    run->state = state;
    run->root->state = state;
}

static void replace_document(const struct document **kept, const struct document *document)
{
    document_unref(*kept);
    *kept = document_ref(document);
}

static void make_ready(struct run_node *node, int64_t at)
{
    node->ready_at = at;
    node_set_state(node, NODE_READY);
    run_list_node(node->frame->run, node);
}

/* ---- edges ---- */

/* All edges of `node` are decided: does it run? (config/pipelines/README.md, "When a node runs") */
static bool node_may_run(const struct run_node *node)
{
    const struct node *def = &node->frame->run->pipeline->nodes[run_node_index(node)];
    if (def->in_count == 0 || node->source != EDGE_TAKEN) {
        return node->source == EDGE_TAKEN;
    }
    switch (def->join) {
    case JOIN_DEFAULT:
        return node->taken_edges > 0 && !node->is_dead_by_failure;
    case JOIN_ANY:
        return node->taken_edges > 0;
    case JOIN_ALL:
        return node->taken_edges == def->in_count;
    }
    unreachable_state("join", (int)def->join);
}

/* One thing less to wait for. Returns true when it was the last and the node is not run. */
static bool node_wait_less(struct run_node *node, int64_t at)
{
    if (--node->open_edges > 0) {
        return false;
    }
    if (node_may_run(node)) {
        make_ready(node, at);
        return false;
    }
    node_set_state(node, NODE_NOT_RUN);
    return true;
}

/* Returns true when the target was the last to wait for this edge and is not run. */
static bool edge_decide(struct frame *frame, uint32_t edge, enum edge_state decision, int64_t at)
{
    struct run_node *target = frame_node(frame, frame->run->pipeline->edges[edge].target);
    CHECK(*frame_edge(frame, edge) == EDGE_OPEN && target->open_edges > 0);
    *frame_edge(frame, edge) = (uint8_t)decision;
    target->taken_edges += decision == EDGE_TAKEN ? 1u : 0u;
    target->is_dead_by_failure |= decision == EDGE_DEAD_BY_FAILURE;
    return node_wait_less(target, at);
}

/*
 * The loops over the stream of `node` that wait for its first item. Returns `work_count` with
 * those that are not run.
 */
static size_t readers_decide(struct frame *frame, uint32_t node, enum edge_state decision,
                             size_t work_count, int64_t at)
{
    const struct node *nodes = frame->run->pipeline->nodes;
    for (uint32_t r = nodes[node].first_reader; r > 0; r = nodes[r - 1].for_each->next_reader) {
        struct run_node *reader = frame_node(frame, r - 1);
        if (reader->source != EDGE_OPEN) {
            continue;
        }
        reader->source = (uint8_t)decision;
        reader->is_dead_by_failure |= decision == EDGE_DEAD_BY_FAILURE;
        if (node_wait_less(reader, at)) {
            frame->run->work[work_count++] = r - 1;
        }
    }
    return work_count;
}

/* The edges of nodes that are not run are dead, and so on behind them. */
static void edges_spread(struct frame *frame, size_t work_count, int64_t at)
{
    struct run *run = frame->run;
    while (work_count > 0) {
        uint32_t node = run->work[--work_count];
        const struct node *def = &run->pipeline->nodes[node];
        enum edge_state decision =
            frame_node(frame, node)->is_dead_by_failure ? EDGE_DEAD_BY_FAILURE : EDGE_DEAD;
        for (uint32_t i = 0; i < def->out_count; i++) {
            uint32_t edge = def->first_out + i;
            if (edge_decide(frame, edge, decision, at)) {
                run->work[work_count++] = run->pipeline->edges[edge].target;
            }
        }
        work_count = readers_decide(frame, node, decision, work_count, at);
    }
}

/* The out edges of a node that has ended, as its record says. */
static void edges_apply(struct frame *frame, const struct record *record)
{
    struct run *run = frame->run;
    const struct node *def = &run->pipeline->nodes[record->node];
    enum edge_state dead = record->node_state == NODE_FAILED ? EDGE_DEAD_BY_FAILURE : EDGE_DEAD;
    size_t work_count = 0;
    for (uint32_t i = 0; i < def->out_count; i++) {
        uint32_t edge = def->first_out + i;
        if (run->pipeline->edges[edge].is_fallback && *frame_edge(frame, edge) != EDGE_OPEN) {
            continue; /* the fallback has run */
        }
        enum edge_state decision = edge_set_has(&record->taken, i) ? EDGE_TAKEN : dead;
        if (edge_decide(frame, edge, decision, record->at_unix_ms)) {
            run->work[work_count++] = run->pipeline->edges[edge].target;
        }
    }
    bool is_dead = def->has_readers && frame_node(frame, record->node)->stream->is_broken;
    work_count = readers_decide(frame, record->node, is_dead ? dead : EDGE_TAKEN, work_count,
                                record->at_unix_ms);
    edges_spread(frame, work_count, record->at_unix_ms);
}

/* ---- frames ---- */

static void frame_begin(struct frame *frame, int64_t at)
{
    frame->state = RUN_RUNNING;
    if (frame->body->kind == BODY_STATES) {
        frame->current = frame->body->initial;
        frame_node(frame, frame->current)->visit = 1;
        make_ready(frame_node(frame, frame->current), at);
        signals_note_news(frame->run);
        return;
    }
    for (uint32_t i = 0; i < frame->body->node_count; i++) {
        if (frame->nodes[i].open_edges == 0) {
            make_ready(&frame->nodes[i], at);
        }
    }
}

/* A state that is entered again begins anew; its latest output stays until the next. */
static void enter_state(struct frame *frame, uint32_t node, int64_t at)
{
    struct run_node *state = frame_node(frame, node);
    state->state = NODE_PENDING;
    state->iteration = 0;
    state->failures = 0;
    state->visit++;
    state->pending_edge = 0;
    replace_document(&state->error, NULL);
    make_ready(state, at);
    signals_note_news(frame->run);
}

static bool is_container(const struct run_node *node)
{
    return node->loop != NULL && (node->state == NODE_RUNNING || node->state == NODE_STOPPING);
}

/* Nothing new starts in it: what is ready is not looked at, loops look whether they can end. */
static void frame_stop(struct frame *frame, enum run_state state)
{
    if (frame->state != RUN_RUNNING) {
        return;
    }
    frame->state = state;
    for (uint32_t i = 0; i < frame->body->node_count; i++) {
        struct run_node *node = &frame->nodes[i];
        if (node->state == NODE_READY) {
            run_unlist_node(frame->run, node);
        } else if (is_container(node)) {
            loops_look(node);
        } else {
            streams_look(node);
        }
    }
    frame_check_settled(frame);
}

static void frames_stop(struct frame *top, enum run_state state)
{
    for (struct frame *frame = top; frame != NULL; frame = frame_next(frame, top)) {
        if (frame->kind != FRAME_NOTICE || frame == top) {
            frame_stop(frame, state);
        }
    }
}

static void frame_unsettle(struct frame *frame)
{
    struct run *run = frame->run;
    struct frame *before = NULL;
    for (struct frame *at = run->first_settled; at != frame; at = at->next_settled) {
        before = at;
    }
    if (before == NULL) {
        run->first_settled = frame->next_settled;
    } else {
        before->next_settled = frame->next_settled;
    }
    if (run->last_settled == frame) {
        run->last_settled = before;
    }
    frame->is_settled = false;
}

static bool is_of_endings(const struct frame *frame)
{
    return frame->kind == FRAME_ENDING || frame->kind == FRAME_UNDO;
}

static void apply_frame_started(struct frame *parent, const struct record *record)
{
    struct run *run = parent->run;
    const struct body *body = &run->pipeline->bodies[record->body];
    struct frame *frame = frame_create(run, parent, record->child, body);
    if (frame == NULL) {
        run->has_failed = true;
        return;
    }
    run->next_frame = record->child + 1;
    frame->kind = record->kind;
    frame->owner = record->node;
    frame->index = record->index;
    frame->item_document = document_ref(record->output);
    frame->item = record->item;
    if (is_of_endings(frame)) {
        endings_apply_frame_started(frame);
    } else if (frame->kind == FRAME_NOTICE) {
        notices_apply_frame_started(frame);
    } else {
        frame->visit = frame_node(parent, record->node)->visit;
        frame->iteration = frame_node(parent, record->node)->iteration;
        loops_apply_frame_started(frame);
    }
    frame_begin(frame, record->at_unix_ms);
}

static void apply_frame_ended(struct frame *frame, const struct record *record)
{
    frame_unsettle(frame);
    if (is_of_endings(frame)) {
        endings_apply_frame_ended(frame, record);
        frame_destroy(frame);
        return;
    }
    if (frame->kind == FRAME_NOTICE) {
        notices_apply_frame_ended(frame->run);
        frame_destroy(frame);
        return;
    }
    loops_apply_frame_ended(frame, record);
    if (undo_needs(frame)) {
        frame->state = record->run_state;
    } else {
        frame_destroy(frame);
    }
}

/* ---- records ---- */

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
    run_set_state(run, RUN_RUNNING);
    if (run->input == NULL) { /* it is being restored */
        run->input = document_ref(record->output);
        run->reuse = document_ref(record->detail);
    }
    run->started_at = record->at_unix_ms;
    run->turn_at = record->at_unix_ms;
    run->queued_at = record->at_unix_ms;
    format_start(run);
    notices_apply(run->root, record);
    frame_begin(run->root, record->at_unix_ms);
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
    node_set_state(node, state);
    node->is_asking = record->is_asking;
    if (state != NODE_RUNNING) {
        return;
    }
    note_start(node, record);
    spending_apply_started(frame, record);
    enum node_kind kind = frame->run->pipeline->nodes[record->node].kind;
    if (kind == NODE_WAIT || kind == NODE_QUEUE) {
        replace_document(&node->waits_for, record->output);
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
    node_set_state(node, NODE_STOPPING);
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
    node_set_state(node, NODE_RUNNING);
    set_unknown(node, true);
    node->is_dead = record->is_dead;
    replace_document(&node->error, record->error);
    run_unlist_node(node->frame->run, node);
}

/* An attempt has failed, and the next one has its time. */
static void apply_node_retry(struct run_node *node, const struct record *record)
{
    run_unlist_node(node->frame->run, node);
    node_set_state(node, NODE_RUNNING);
    const struct document *failure = attempts_keep(node->frame->run, record->error);
    replace_document(&node->error, failure);
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
    node_set_state(node, NODE_RUNNING);
    replace_document(&node->error, record->error);
    node->has_begun = false;
    node->is_retrying = false;
    node->is_delayed = true;
    node->due_at = 0;
    node->is_falling_back = true;
    if (fallback->kind == FALLBACK_NODE) {
        uint32_t edge = pipeline->in_edges[pipeline->nodes[fallback->node].first_in];
        bool is_left_out = edge_decide(frame, edge, EDGE_TAKEN, record->at_unix_ms);
        CHECK(!is_left_out); /* it has no other edge */
    }
}

/* Somebody else's call, though it is made for the same reason. */
static void revise(struct run *run, const struct document *input)
{
    if (input != NULL) {
        replace_document(&run->input, input);
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
    make_ready(node, node->ready_at);
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
    node_set_state(node, record->node_state);
    node->outcome = record->outcome;
    node->ended_at = record->at_unix_ms;
    replace_document(&node->output, record->output);
    replace_document(&node->error, record->error);
    replace_document(&node->detail, record->detail);
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
            enter_state(frame, next, record->at_unix_ms);
        }
    } else if (frame->state == RUN_RUNNING) {
        edges_apply(frame, record);
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
    replace_document(&node->error, NULL);
    replace_document(&node->output, record->output);
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
        node_set_state(node, NODE_RUNNING);
    } else {
        make_ready(node, record->at_unix_ms);
    }
}

/* Loops over a stream start with its first item. */
static void apply_item(struct frame *frame, const struct record *record)
{
    if (streams_apply_item(frame_node(frame, record->node), record)) {
        size_t count = readers_decide(frame, record->node, EDGE_TAKEN, 0, record->at_unix_ms);
        edges_spread(frame, count, record->at_unix_ms);
    }
}

static void apply_node_due(struct frame *frame, const struct record *record)
{
    struct run_node *node = frame_node(frame, record->node);
    node->is_delayed = false;
    node->has_begun = node->is_retrying;
    make_ready(node, node->is_retrying ? node->ready_at : record->at_unix_ms);
}

static void apply_stopping(struct frame *frame, const struct record *record)
{
    if (frame->parent == NULL) {
        frame->run->drops_endings = record->reason == STOP_SHUTDOWN;
        run_set_state(frame->run, record->run_state);
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
            node_set_state(&root->nodes[i], NODE_NOT_RUN);
        }
    }
}

static void apply_run_ending(struct run *run, const struct record *record)
{
    finish_work(run, record);
    run->outcome = record->run_state;
    run_set_state(run, RUN_ENDING);
    notices_apply(run->root, record);
}

static void apply_run_ended(struct run *run, const struct record *record)
{
    if (run->state != RUN_ENDING) {
        finish_work(run, record);
    }
    run->ended_at = record->at_unix_ms;
    run->is_paused = false; /* nothing is left that could start, nor to resume */
    run_set_state(run, record->run_state);
}

/* Permits that were asked for go back: what was queued is ready. */
static void apply_paused(struct run *run)
{
    run->is_paused = true;
    for (struct frame *at = run->root; at != NULL; at = frame_next(at, run->root)) {
        for (uint32_t i = 0; i < at->body->node_count; i++) {
            struct run_node *node = &at->nodes[i];
            if (node->state == NODE_QUEUED) {
                node_set_state(node, NODE_READY);
                node->is_asking = false;
            }
            if (node->state == NODE_READY) {
                run_unlist_node(run, node);
            } else if (is_container(node)) {
                loops_look(node);
            }
        }
    }
}

static void apply_resumed(struct run *run)
{
    run->is_paused = false;
    for (struct frame *at = run->root; at != NULL; at = frame_next(at, run->root)) {
        for (uint32_t i = 0; i < at->body->node_count; i++) {
            struct run_node *node = &at->nodes[i];
            if (node->state == NODE_READY && at->state == RUN_RUNNING) {
                run_list_node(run, node);
            } else if (is_container(node)) {
                loops_look(node);
            }
        }
    }
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
        apply_frame_started(frame, record);
        return;
    case RECORD_FRAME_ENDED:
        apply_frame_ended(frame, record);
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
        apply_paused(run);
        return;
    case RECORD_RUN_RESUMED:
        apply_resumed(run);
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
