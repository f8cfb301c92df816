/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/decision_edges.h"

#include "core/base/error.h"
#include "core/engine/failure.h"
#include "core/engine/queue.h"
#include "core/engine/record.h"
#include "core/engine/run_state.h"

/*
 * The `when` of an edge out of the node whose end `record` is. Returns its failure (owned), or
 * NULL. Apart from ask_edge(), because clearing a struct error costs more than all the rest.
 */
static struct document *ask_condition(const struct decision *d, const struct record *record,
                                      const struct edge *edge, bool *out_holds)
{
    struct error err = {0};
    struct decision ended = *d;
    ended.ending = record;
    if (decision_evaluate(&ended, record->node, edge->when, out_holds, &err) == 0) {
        return NULL;
    }
    error_prefix(&err, "edge to '%.*s': ", STR_ARG(decision_node(d, edge->target)->id));
    return decision_failure(d, FAILURE_EXPRESSION, &err);
}

/* It has failed since a budget was spent: its own, or that of something inside it. */
static bool is_of_budget(const struct record *record)
{
    return str_equal(failure_code(record->error), STR(FAILURE_BUDGET));
}

/* Whether an edge is taken. Returns the failure of its condition (owned), or NULL. */
static struct document *ask_edge(const struct decision *d, const struct record *record,
                                 const struct edge *edge, bool *out_is_taken)
{
    bool has_failed = record->node_state == NODE_FAILED;
    if (edge->is_fallback) {
        *out_is_taken = false; /* it was before this end, or never is */
    } else if (edge->outcome == OUTCOME_SUCCESS) {
        *out_is_taken = !has_failed ||
                        decision_node(d, record->node)->on_error == ON_ERROR_CONTINUE;
    } else if (edge->outcome == OUTCOME_ERROR) {
        *out_is_taken = has_failed;
    } else if (pipeline_is_for_budget(d->run->pipeline, edge->outcome)) {
        *out_is_taken = has_failed && is_of_budget(record);
    } else {
        *out_is_taken = !has_failed && edge->outcome == record->outcome;
    }
    return *out_is_taken && edge->when != NULL ? ask_condition(d, record, edge, out_is_taken)
                                               : NULL;
}

/* Which out edges are taken. A failing `when` of an edge is the run's failure: owned, or NULL. */
static struct document *take_edges(const struct decision *d, const struct record *record,
                                   struct edge_set *taken, uint32_t *out_handling)
{
    const struct node *def = decision_node(d, record->node);
    const struct edge *edges = &d->run->pipeline->edges[def->first_out];
    for (uint32_t i = 0; i < def->out_count; i++) {
        bool is_taken = false;
        struct document *failure = ask_edge(d, record, &edges[i], &is_taken);
        if (failure != NULL) {
            return failure;
        }
        if (is_taken) {
            edge_set_put(taken, i, true);
            bool is_budget = pipeline_is_for_budget(d->run->pipeline, edges[i].outcome);
            bool is_error = edges[i].outcome == OUTCOME_ERROR;
            *out_handling = is_budget                                      ? edges[i].outcome
                            : is_error && *out_handling == OUTCOME_SUCCESS ? OUTCOME_ERROR
                                                                           : *out_handling;
        }
    }
    return NULL;
}

/* An error edge that is taken is the only way on, or one for a spent budget, which comes before it:
   config/pipelines/README.md, "When a node fails". */
static void keep_edges_for(const struct decision *d, uint32_t node, uint32_t outcome,
                           struct edge_set *taken)
{
    const struct node *def = decision_node(d, node);
    for (uint32_t i = 0; i < def->out_count; i++) {
        if (d->run->pipeline->edges[def->first_out + i].outcome != outcome) {
            edge_set_put(taken, i, false);
        }
    }
}

/* The same for `queued` edges of a node whose call went to the queue. */
static void prefer_queued_edges(const struct decision *d, const struct record *record,
                                struct edge_set *taken)
{
    const struct node *def = decision_node(d, record->node);
    const struct edge *edges = &d->run->pipeline->edges[def->first_out];
    bool has_own = false;
    for (uint32_t i = 0; i < def->out_count; i++) {
        has_own = has_own || edges[i].outcome == record->outcome;
    }
    for (uint32_t i = 0; has_own && i < def->out_count; i++) {
        if (edges[i].outcome == OUTCOME_SUCCESS) {
            edge_set_put(taken, i, false);
        }
    }
}

struct document *decision_edges_decide(const struct decision *d, struct record *record)
{
    struct edge_set taken = EDGE_SET_INIT;
    uint32_t handling = OUTCOME_SUCCESS; /* what the edges are for that handle its failure */
    uint32_t count = decision_node(d, record->node)->out_count;
    if (edge_set_init(&taken, count) != 0) {
        d->batch->has_failed = true;
        return NULL;
    }
    struct document *failure = take_edges(d, record, &taken, &handling);
    if (failure != NULL) {
        for (uint32_t i = 0; i < count; i++) {
            edge_set_put(&taken, i, false);
        }
    } else if (handling != OUTCOME_SUCCESS) {
        record->is_handled = true;
        keep_edges_for(d, record->node, handling, &taken);
    } else if (queue_was_put(d->run, record)) {
        prefer_queued_edges(d, record, &taken);
    }
    record->taken = taken;
    return failure;
}
