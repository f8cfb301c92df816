/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a node decides its out edges in the same record. An error edge that is taken is the
 * only way on; without one, `on_error: continue` takes the plain edges; else the run fails: what
 * runs may end, nothing new starts.
 */
#include "core/engine/decision_end.h"

#include <stdio.h>

#include "core/engine/decision_edges.h"
#include "core/engine/decision_room.h"
#include "core/engine/decision_stop.h"
#include "core/engine/failure.h"
#include "core/engine/record.h"
#include "core/engine/repeat.h"
#include "core/engine/run_state.h"
#include "core/engine/sanitize.h"
#include "core/engine/stand_in.h"
#include "core/engine/states.h"
#include "core/value/value.h"

/* Nodes whose end has no edge to decide, in a run that takes no edges any more. */
static bool takes_edges(const struct decision *d, uint32_t node)
{
    return d->frame->state == RUN_RUNNING && decision_node(d, node)->out_count > 0;
}

void decision_end_node(const struct decision *d, struct record *record)
{
    const struct node *def = decision_node(d, record->node);
    struct document *edge_failure = NULL;
    bool has_failed = record->node_state == NODE_FAILED;
    record->is_handled = has_failed && (def->on_error == ON_ERROR_CONTINUE || def->is_fallback);
    bool is_state = d->frame->body->kind == BODY_STATES && d->frame->state == RUN_RUNNING;
    if (is_state) {
        edge_failure = states_decide_end(d, record);
    } else if (takes_edges(d, record->node)) {
        edge_failure = decision_edges_decide(d, record);
    }
    batch_add_record(d->batch, record);
    bool fails = d->frame->state == RUN_RUNNING &&
                 (edge_failure != NULL || (has_failed && !record->is_handled));
    if (fails) {
        decision_stop_failed(d, record->node, edge_failure != NULL ? edge_failure : record->error);
        decision_stop_active(d, STOP_REQUESTED, record->node, DECISION_LET_TASKS_END);
    }
    document_unref(edge_failure);
    if (def->is_fallback) {
        stand_in_end(d, record);
    }
}

void decision_end_with_output(const struct decision *d, uint32_t node, uint32_t outcome,
                              const struct document *output)
{
    struct record record = decision_node_record(d, RECORD_NODE_ENDED, node);
    record.node_state = NODE_COMPLETED;
    record.outcome = outcome;
    record.output = output;
    decision_end_completed(d, &record);
}

/* The node has done its work, and there is no room for what it gives. */
static void end_over_memory(const struct decision *d, struct record *record)
{
    char text[120];
    (void)snprintf(text, sizeof(text),
                   "the values of the run take %.1f MiB, more than the %u they may",
                   ((double)d->run->memory.bytes + (double)document_reach_bytes(record->output)) /
                       (1024 * 1024),
                   d->run->max_memory_mb);
    struct document *failure = decision_create_failure(
        d, FAILURE_MEMORY_LIMIT, str_from(text),
        "let the loop collect less ('collect'), or raise 'scaling: {max_memory_mb}'");
    decision_end_failed_done(d, record, failure);
    document_unref(failure);
}

static void end_completed(const struct decision *d, struct record *record)
{
    if (decision_room_waits(d, record)) {
        return;
    }
    bool has_begun = decision_state(d, record->node)->state == NODE_RUNNING ||
                     decision_state(d, record->node)->state == NODE_STOPPING;
    bool was_tried = decision_state(d, record->node)->is_retrying;
    record->attempt += has_begun || was_tried ? 0u : 1u; /* it begins and ends in this decision */
    if (decision_room_lacks(d, record)) {
        end_over_memory(d, record);
        return;
    }
    if (!repeat_goes_on(d, record)) {
        decision_end_node(d, record);
    }
}

/* What a plugin gave was masked as it came. */
void decision_end_completed(const struct decision *d, struct record *record)
{
    if (d->run->pipeline->sanitizer == NULL ||
        decision_node(d, record->node)->kind == NODE_PLUGIN) {
        end_completed(d, record);
        return;
    }
    struct document *output = document_ref(record->output);
    sanitize_value(d, &output);
    record->output = output;
    end_completed(d, record);
    document_unref(output);
}

void decision_end_failed(const struct decision *d, uint32_t node, const struct document *failure)
{
    struct record record = decision_node_record(d, RECORD_NODE_ENDED, node);
    record.node_state = NODE_FAILED;
    record.outcome = OUTCOME_ERROR;
    record.error = failure;
    record.attempt = record.attempt == 0 ? 1 : record.attempt;
    decision_end_node(d, &record);
}

void decision_end_failed_done(const struct decision *d, const struct record *end,
                              const struct document *failure)
{
    struct record record = *end;
    record.node_state = NODE_FAILED;
    record.outcome = OUTCOME_ERROR;
    record.error = failure;
    record.is_done = true;
    record.done = end->output;
    record.output = NULL;
    decision_end_node(d, &record);
}

void decision_end_failed_for(const struct decision *d, uint32_t node, const char *code,
                             const struct error *err)
{
    struct document *failure = decision_failure(d, code, err);
    decision_end_failed(d, node, failure);
    document_unref(failure);
}
