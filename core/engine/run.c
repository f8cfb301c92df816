/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of a run and how records change it. The end of a node decides its out edges; a node
 * whose edges are all decided becomes ready or is not run, and then its own edges die in turn:
 * a list of nodes, never recursion, so that 10,000 nodes in a row are as good as side by side.
 */
#include "core/engine/run.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/engine/run_state.h"
#include "core/value/value.h"

/* ---- the two setters and their legal transitions ---- */

#define BIT(state) (1u << (state))

static const uint32_t node_transitions[] = {
    [NODE_PENDING] = BIT(NODE_READY) | BIT(NODE_NOT_RUN),
    [NODE_READY] = BIT(NODE_QUEUED) | BIT(NODE_RUNNING) | BIT(NODE_COMPLETED) | BIT(NODE_FAILED) |
                   BIT(NODE_SKIPPED) | BIT(NODE_NOT_RUN),
    [NODE_QUEUED] = BIT(NODE_RUNNING) | BIT(NODE_FAILED) | BIT(NODE_NOT_RUN),
    [NODE_RUNNING] = BIT(NODE_STOPPING) | BIT(NODE_COMPLETED) | BIT(NODE_FAILED) |
                     BIT(NODE_CANCELLED),
    [NODE_STOPPING] = BIT(NODE_COMPLETED) | BIT(NODE_FAILED) | BIT(NODE_CANCELLED),
    [NODE_COMPLETED] = 0,
    [NODE_FAILED] = 0,
    [NODE_SKIPPED] = 0,
    [NODE_NOT_RUN] = 0,
    [NODE_CANCELLED] = 0,
};

static const uint32_t run_transitions[] = {
    [RUN_PENDING] = BIT(RUN_RUNNING),
    [RUN_RUNNING] = BIT(RUN_FAILING) | BIT(RUN_CANCELLING) | BIT(RUN_COMPLETED) | BIT(RUN_FAILED),
    [RUN_FAILING] = BIT(RUN_FAILED),
    [RUN_CANCELLING] = BIT(RUN_CANCELLED),
    [RUN_COMPLETED] = 0,
    [RUN_FAILED] = 0,
    [RUN_CANCELLED] = 0,
};

static bool is_active(enum node_state state)
{
    return state == NODE_QUEUED || state == NODE_RUNNING || state == NODE_STOPPING;
}

static void node_set_state(struct run *run, uint32_t node, enum node_state state)
{
    enum node_state old = (enum node_state)run->nodes[node].state;
    CHECK_NAMED((node_transitions[old] & BIT(state)) != 0, run->pipeline->nodes[node].id.p);
    run->active += is_active(state) ? 1u : 0u;
    run->active -= is_active(old) ? 1u : 0u;
    run->nodes[node].state = (uint8_t)state;
}

static void run_set_state(struct run *run, enum run_state state)
{
    CHECK_NAMED((run_transitions[run->state] & BIT(state)) != 0, run->id);
    run->state = state;
}

/* ---- the ready list ---- */

static void ready_push(struct run *run, uint32_t node)
{
    run->nodes[node].next_ready = 0;
    run->nodes[node].previous_ready = run->last_ready;
    if (run->last_ready == 0) {
        run->first_ready = node + 1;
    } else {
        run->nodes[run->last_ready - 1].next_ready = node + 1;
    }
    run->last_ready = node + 1;
}

/*
 * Decisions take the head; but when records are applied again, without those that a journal
 * leaves out, nodes leave in the order in which they were admitted.
 */
static void ready_remove(struct run *run, uint32_t node)
{
    uint32_t next = run->nodes[node].next_ready;
    uint32_t previous = run->nodes[node].previous_ready;
    if (previous == 0) {
        CHECK(run->first_ready == node + 1);
        run->first_ready = next;
    } else {
        run->nodes[previous - 1].next_ready = next;
    }
    if (next == 0) {
        run->last_ready = previous;
    } else {
        run->nodes[next - 1].previous_ready = previous;
    }
}

/* ---- edges ---- */

/* All edges of `node` are decided: does it run? (PIPELINES, section 4, "When a node runs") */
static bool node_may_run(const struct run *run, uint32_t node)
{
    const struct run_node *state = &run->nodes[node];
    const struct node *node_def = &run->pipeline->nodes[node];
    if (node_def->in_count == 0) {
        return true;
    }
    switch (node_def->join) {
    case JOIN_DEFAULT:
        return state->taken_edges > 0 && !state->is_dead_by_failure;
    case JOIN_ANY:
        return state->taken_edges > 0;
    case JOIN_ALL:
        return state->taken_edges == node_def->in_count;
    }
    unreachable_state("join", (int)node_def->join);
}

/* Returns true when the target was the last to wait for this edge and is not run. */
static bool edge_decide(struct run *run, uint32_t edge, enum edge_state decision, int64_t at)
{
    uint32_t target = run->pipeline->edges[edge].target;
    struct run_node *state = &run->nodes[target];
    CHECK(run->edges[edge] == EDGE_OPEN && state->open_edges > 0);
    run->edges[edge] = (uint8_t)decision;
    state->taken_edges += decision == EDGE_TAKEN ? 1u : 0u;
    state->is_dead_by_failure |= decision == EDGE_DEAD_BY_FAILURE;
    if (--state->open_edges > 0) {
        return false;
    }
    if (node_may_run(run, target)) {
        state->ready_at = at;
        node_set_state(run, target, NODE_READY);
        ready_push(run, target);
        return false;
    }
    node_set_state(run, target, NODE_NOT_RUN);
    return true;
}

/* The edges of nodes that are not run are dead, and so on behind them. */
static void edges_spread(struct run *run, size_t work_count, int64_t at)
{
    while (work_count > 0) {
        uint32_t node = run->work[--work_count];
        const struct node *node_def = &run->pipeline->nodes[node];
        enum edge_state decision = run->nodes[node].is_dead_by_failure ? EDGE_DEAD_BY_FAILURE
                                                                       : EDGE_DEAD;
        for (uint32_t i = 0; i < node_def->out_count; i++) {
            uint32_t edge = node_def->first_out + i;
            if (edge_decide(run, edge, decision, at)) {
                run->work[work_count++] = run->pipeline->edges[edge].target;
            }
        }
    }
}

/* The out edges of a node that has ended, as its record says. */
static void edges_apply(struct run *run, const struct record *record)
{
    const struct node *node_def = &run->pipeline->nodes[record->node];
    enum edge_state dead = record->node_state == NODE_FAILED ? EDGE_DEAD_BY_FAILURE : EDGE_DEAD;
    size_t work_count = 0;
    for (uint32_t i = 0; i < node_def->out_count; i++) {
        uint32_t edge = node_def->first_out + i;
        enum edge_state decision = edge_set_has(&record->taken, i) ? EDGE_TAKEN : dead;
        if (edge_decide(run, edge, decision, record->at_unix_ms)) {
            run->work[work_count++] = run->pipeline->edges[edge].target;
        }
    }
    edges_spread(run, work_count, record->at_unix_ms);
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
    run->started_at = record->at_unix_ms;
    format_start(run);
    for (uint32_t i = 0; i < run->pipeline->node_count; i++) {
        if (run->pipeline->nodes[i].in_count == 0) {
            run->nodes[i].ready_at = record->at_unix_ms;
            node_set_state(run, i, NODE_READY);
            ready_push(run, i);
        }
    }
}

static void apply_node_begun(struct run *run, const struct record *record, enum node_state state)
{
    struct run_node *node = &run->nodes[record->node];
    if (node->state == NODE_READY) {
        ready_remove(run, record->node);
    }
    node_set_state(run, record->node, state);
    if (state == NODE_RUNNING) {
        node->attempt = record->attempt;
        node->started_at = record->at_unix_ms;
    }
}

static void apply_node_ended(struct run *run, const struct record *record)
{
    struct run_node *node = &run->nodes[record->node];
    if (node->state == NODE_READY) {
        ready_remove(run, record->node);
    }
    if (record->attempt > node->attempt) { /* it began and ended in one decision */
        node->attempt = record->attempt;
        node->started_at = record->at_unix_ms;
    }
    node_set_state(run, record->node, record->node_state);
    node->outcome = record->outcome;
    node->ended_at = record->at_unix_ms;
    node->output = document_ref(record->output);
    node->error = document_ref(record->error);
    if (run->state == RUN_RUNNING) {
        edges_apply(run, record);
    }
}

static void apply_run_stopping(struct run *run, const struct record *record)
{
    run_set_state(run, record->run_state);
    run->error = document_ref(record->error);
}

static void apply_run_ended(struct run *run, const struct record *record)
{
    run_set_state(run, record->run_state);
    run->ended_at = record->at_unix_ms;
    run->output = document_ref(record->output);
    if (run->error == NULL) {
        run->error = document_ref(record->error);
    }
    for (uint32_t i = 0; i < run->pipeline->node_count; i++) {
        enum node_state state = (enum node_state)run->nodes[i].state;
        if (state == NODE_PENDING || state == NODE_READY) {
            node_set_state(run, i, NODE_NOT_RUN);
        }
    }
}

void run_apply(struct run *run, const struct record *record)
{
    switch (record->type) {
    case RECORD_RUN_STARTED:
        apply_run_started(run, record);
        return;
    case RECORD_NODE_QUEUED:
        apply_node_begun(run, record, NODE_QUEUED);
        return;
    case RECORD_NODE_STARTED:
        apply_node_begun(run, record, NODE_RUNNING);
        return;
    case RECORD_NODE_STOPPING:
        run->nodes[record->node].is_stopped_for_timeout = record->reason == STOP_TIMEOUT;
        node_set_state(run, record->node, NODE_STOPPING);
        return;
    case RECORD_NODE_ENDED:
        apply_node_ended(run, record);
        return;
    case RECORD_RUN_STOPPING:
        apply_run_stopping(run, record);
        return;
    case RECORD_RUN_ENDED:
        apply_run_ended(run, record);
        return;
    }
    unreachable_state("record", (int)record->type);
}

/* ---- lifecycle ---- */

int run_create(const struct run_options *options, struct run **out_run, struct error *err)
{
    const struct pipeline *pipeline = options->pipeline;
    struct run *run = calloc(1, sizeof(*run));
    if (run == NULL) {
        return error_nomem(err);
    }
    run->pipeline = pipeline_ref(pipeline);
    run->input = document_ref(options->input);
    run->user = options->user;
    run->id = str_dup(options->id);
    run->triggered_by = str_dup(options->triggered_by);
    run->nodes = calloc((size_t)pipeline->node_count + 1, sizeof(*run->nodes));
    run->edges = calloc((size_t)pipeline->edge_count + 1, sizeof(*run->edges));
    run->work = calloc((size_t)pipeline->node_count + 1, sizeof(*run->work));
    if (run->id == NULL || run->triggered_by == NULL || run->nodes == NULL || run->edges == NULL ||
        run->work == NULL) {
        run_destroy(run);
        return error_nomem(err);
    }
    for (uint32_t i = 0; i < pipeline->node_count; i++) {
        run->nodes[i].open_edges = pipeline->nodes[i].in_count;
    }
    *out_run = run;
    return 0;
}

void run_destroy(struct run *run)
{
    if (run == NULL) {
        return;
    }
    for (uint32_t i = 0; run->nodes != NULL && i < run->pipeline->node_count; i++) {
        document_unref(run->nodes[i].output);
        document_unref(run->nodes[i].error);
    }
    document_unref(run->input);
    document_unref(run->output);
    document_unref(run->error);
    free(run->nodes);
    free(run->edges);
    free(run->work);
    free(run->id);
    free(run->triggered_by);
    pipeline_unref(run->pipeline);
    free(run);
}

/* ---- queries ---- */

bool run_has_ready(const struct run *run)
{
    return run->state == RUN_RUNNING && run->first_ready != 0;
}

bool run_is_settled(const struct run *run)
{
    bool has_begun = run->state == RUN_RUNNING || run->state == RUN_FAILING ||
                     run->state == RUN_CANCELLING;
    return has_begun && run->active == 0 && !run_has_ready(run);
}

bool run_is_ended(const struct run *run)
{
    return run->state == RUN_COMPLETED || run->state == RUN_FAILED || run->state == RUN_CANCELLED;
}

enum run_state run_state(const struct run *run)
{
    return run->state;
}

const struct pipeline *run_pipeline(const struct run *run)
{
    return run->pipeline;
}

struct str run_id(const struct run *run)
{
    return str_from(run->id);
}

void *run_user(const struct run *run)
{
    return run->user;
}

int64_t run_started_at(const struct run *run)
{
    return run->started_at;
}

struct run_node_view run_node(const struct run *run, uint32_t node)
{
    const struct run_node *state = &run->nodes[node];
    return (struct run_node_view){
        .state = (enum node_state)state->state,
        .attempt = state->attempt,
        .outcome = state->outcome,
        .ready_at_unix_ms = state->ready_at,
        .started_at_unix_ms = state->started_at,
        .ended_at_unix_ms = state->ended_at,
        .output = state->output,
        .error = state->error,
    };
}
