/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/states.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/engine/decision.h"
#include "core/engine/decision_end.h"
#include "core/engine/decision_stop.h"
#include "core/engine/failure.h"
#include "core/engine/run_state.h"
#include "core/value/builder.h"
#include "core/value/value.h"

enum { NO_EDGE = -1, EDGE_FAILED = -2 };

/* ---- applying ---- */

/* False: out of memory. */
static bool note_left(struct frame *frame, uint32_t node)
{
    if (frame->history == NULL) {
        frame->history = calloc(1, sizeof(*frame->history));
    }
    struct state_history *history = frame->history;
    uint32_t *nodes = history != NULL ? array_reserve(history->nodes, &history->cap,
                                                      history->count + 1, sizeof(*nodes))
                                      : NULL;
    if (nodes == NULL) {
        return false;
    }
    history->nodes = nodes;
    nodes[history->count++] = node;
    return true;
}

uint32_t states_apply_end(struct frame *frame, const struct record *record)
{
    const struct pipeline *pipeline = frame->run->pipeline;
    const struct node *def = &pipeline->nodes[record->node];
    if (!note_left(frame, record->node)) {
        frame->run->has_failed = true;
        return RECORD_NO_NODE;
    }
    for (uint32_t i = 0; i < def->out_count; i++) {
        if (edge_set_has(&record->taken, i)) {
            frame->current = pipeline->edges[def->first_out + i].target;
            return frame->current;
        }
    }
    return RECORD_NO_NODE;
}

/* ---- transitions ---- */

static size_t count_left(const struct frame *frame)
{
    return frame->history != NULL ? frame->history->count : 0;
}

int64_t states_find_edge(const struct decision *d, uint32_t node, uint32_t outcome,
                         struct error *err)
{
    const struct node *def = decision_node(d, node);
    for (uint32_t i = 0; i < def->out_count; i++) {
        const struct edge *edge = &d->run->pipeline->edges[def->first_out + i];
        bool holds = true;
        if (edge->outcome != outcome) {
            continue;
        }
        if (edge->when != NULL && decision_evaluate(d, node, edge->when, &holds, err) != 0) {
            error_prefix(
                err, "transition to '%.*s': ", STR_ARG(d->run->pipeline->nodes[edge->target].id));
            return EDGE_FAILED;
        }
        if (holds) {
            return i;
        }
    }
    return NO_EDGE;
}

/* The number of the event that an output names in its field `event`; 0: none. */
static uint32_t named_event(const struct decision *d, const struct document *output)
{
    const struct pipeline *pipeline = d->run->pipeline;
    const struct value *name = output != NULL ? value_get(document_root(output), STR("event"))
                                              : NULL;
    for (uint32_t i = 0; value_is(name, VALUE_STRING) && i < pipeline->outcome_count; i++) {
        if (str_equal(pipeline->outcomes[i], value_str(name))) {
            return i;
        }
    }
    return OUTCOME_SUCCESS;
}

enum { MOST_OUTCOMES = 4 };

/* The outcomes that the end of a state may be taken for, the first that has a transition wins. */
static size_t list_outcomes(const struct decision *d, const struct record *record,
                            uint32_t outcomes[MOST_OUTCOMES])
{
    size_t count = 0;
    if (record->node_state == NODE_CANCELLED) {
        return 0;
    }
    if (record->node_state == NODE_FAILED) {
        uint32_t budget = d->run->pipeline->budget_outcome;
        bool is_spent = str_equal(failure_code(record->error), STR(FAILURE_BUDGET));
        if (is_spent && budget != OUTCOME_SUCCESS) {
            outcomes[count++] = budget;
        }
        if (str_equal(failure_code(record->error), STR(FAILURE_TIMEOUT))) {
            outcomes[count++] = OUTCOME_TIMEOUT;
        }
        outcomes[count++] = OUTCOME_ERROR;
        if (decision_node(d, record->node)->on_error != ON_ERROR_CONTINUE) {
            return count;
        }
    } else {
        uint32_t event = named_event(d, record->output);
        if (event != OUTCOME_SUCCESS) {
            outcomes[count++] = event;
        }
        if (record->outcome != OUTCOME_SUCCESS) {
            outcomes[count++] = record->outcome;
        }
    }
    outcomes[count++] = OUTCOME_SUCCESS;
    return count;
}

static struct document *fail_at_limit(const struct decision *d)
{
    char text[100];
    (void)snprintf(text, sizeof(text), "the state machine made %u transitions (max_transitions)",
                   d->frame->body->max_transitions);
    return decision_create_failure(d, FAILURE_TRANSITION_LIMIT, str_from(text),
                                   "raise 'max_transitions' if so many are meant");
}

/* A state in which the machine ends: NULL when that is well. */
static struct document *end_machine(const struct decision *d, const struct record *record)
{
    const struct node *def = decision_node(d, record->node);
    if (record->node_state == NODE_FAILED || !def->is_failed_end) {
        return NULL;
    }
    struct strbuf text = STRBUF_INIT;
    strbuf_append_format(&text, "ended in state '%.*s', whose result is 'failed'",
                         STR_ARG(def->id));
    return decision_text_failure(d, FAILURE_FAILED, &text, NULL);
}

/* The out edge to take: an event's, which was chosen when it came, or by how the state ended. */
static int64_t choose_edge(const struct decision *d, const struct record *record, struct error *err)
{
    uint32_t outcomes[MOST_OUTCOMES];
    size_t count = list_outcomes(d, record, outcomes);
    struct decision with_end = *d;
    uint32_t pending = decision_state(d, record->node)->pending_edge;
    int64_t edge = record->index > 0 ? (int64_t)record->index - 1 : (int64_t)pending - 1;
    with_end.ending = record;
    for (size_t i = 0; i < count && edge == NO_EDGE; i++) {
        edge = states_find_edge(&with_end, record->node, outcomes[i], err);
    }
    return edge;
}

struct document *states_decide_end(const struct decision *d, struct record *record)
{
    struct error err = {0};
    int64_t edge = choose_edge(d, record, &err);
    if (edge == NO_EDGE) {
        return end_machine(d, record);
    }
    if (edge == EDGE_FAILED) {
        return decision_failure(d, FAILURE_EXPRESSION, &err);
    }
    if (count_left(d->frame) >= d->frame->body->max_transitions) {
        return fail_at_limit(d);
    }
    record->is_handled = record->node_state == NODE_FAILED;
    if (edge_set_init(&record->taken, decision_node(d, record->node)->out_count) != 0) {
        d->batch->has_failed = true;
        return NULL;
    }
    edge_set_put(&record->taken, (uint32_t)edge, true);
    return NULL;
}

/* ---- events ---- */

void states_idle(const struct decision *d, uint32_t node)
{
    const struct node *def = decision_node(d, node);
    if (def->out_count == 0) {
        decision_end_with_output(d, node, OUTCOME_SUCCESS, document_empty_map());
        return;
    }
    struct record record = decision_node_record(d, RECORD_NODE_STARTED, node);
    record.attempt++;
    batch_add_record(d->batch, &record);
    decision_arm_timeout(d, &record);
}

/* One that has not started, or only waits. `signal` is what it gives; NULL: it is cancelled. */
static void end_at_once(const struct decision *d, uint32_t node, uint32_t edge,
                        const struct document *signal)
{
    struct record record = decision_node_record(d, RECORD_NODE_ENDED, node);
    enum node_state state = (enum node_state)decision_state(d, node)->state;
    record.node_state = signal != NULL ? NODE_COMPLETED : NODE_CANCELLED;
    record.output = signal;
    record.index = edge + 1;
    if (signal != NULL && state != NODE_RUNNING) {
        record.attempt++; /* it begins and ends in this decision */
    }
    if (state == NODE_QUEUED) {
        decision_add_effect(d, (struct effect){.type = EFFECT_RELEASE, .node = node});
    } else if (state == NODE_RUNNING) {
        decision_disarm_waits(d, node);
    }
    decision_end_node(d, &record);
}

bool states_interrupt(const struct decision *d, uint32_t node, uint32_t edge,
                      const struct document *signal)
{
    const struct run_node *state = decision_state(d, node);
    const struct node *def = decision_node(d, node);
    const struct edge *to = &d->run->pipeline->edges[def->first_out + edge];
    bool is_waiting = def->kind == NODE_IDLE || def->kind == NODE_WAIT || def->kind == NODE_QUEUE ||
                      state->is_delayed || state->is_unknown;
    if (state->state == NODE_STOPPING && to->outcome != OUTCOME_CANCEL) {
        return false;
    }
    if (state->state == NODE_READY || state->state == NODE_QUEUED || is_waiting) {
        end_at_once(d, node, edge, def->kind == NODE_IDLE ? signal : NULL);
    } else {
        decision_stop_node(d, node, STOP_REQUESTED, edge + 1);
    }
    return true;
}

/* ---- what it gives ---- */

int states_output(const struct decision *d, struct document **out, struct error *err)
{
    const struct frame *frame = d->frame;
    struct builder *b = builder_create();
    builder_map_begin(b);
    size_t count = count_left(frame);
    if (count > 0) {
        uint32_t last = frame->history->nodes[count - 1];
        const struct document *output = decision_state(d, last)->output;
        builder_member_string(b, STR("state"), decision_node(d, last)->id);
        builder_key(b, STR("output"));
        if (output != NULL) {
            builder_embed(b, output, document_root(output));
        } else {
            builder_null(b);
        }
    }
    builder_key(b, STR("history"));
    builder_list_begin(b);
    for (size_t i = 0; i < count; i++) {
        builder_string(b, decision_node(d, frame->history->nodes[i])->id);
    }
    builder_list_end(b);
    builder_map_end(b);
    return builder_finish(b, out, err);
}
