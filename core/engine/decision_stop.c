/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/decision_stop.h"

#include "core/engine/record.h"
#include "core/engine/run_state.h"
#include "core/value/builder.h"
#include "core/value/value.h"

/* One that is to start. After an attempt it is no node that has not run. */
static void end_unstarted(const struct decision *d, uint32_t node)
{
    const struct run_node *state = decision_state(d, node);
    struct record record = decision_node_record(d, RECORD_NODE_ENDED, node);
    record.node_state = state->has_begun ? NODE_CANCELLED : NODE_NOT_RUN;
    record.error = state->is_retrying ? state->error : NULL;
    batch_add_record(d->batch, &record);
    decision_add_effect(d, (struct effect){.type = EFFECT_RELEASE, .node = node});
}

static void end_wait(const struct decision *d, uint32_t node)
{
    const struct run_node *state = decision_state(d, node);
    struct record record = decision_node_record(d, RECORD_NODE_ENDED, node);
    record.node_state = NODE_CANCELLED;
    record.error = state->is_retrying || state->is_unknown ? state->error : NULL;
    batch_add_record(d->batch, &record);
    decision_disarm_waits(d, node);
}

void decision_stop_node(const struct decision *d, uint32_t node, enum stop_reason reason,
                        uint32_t transition)
{
    struct record record = decision_node_record(d, RECORD_NODE_STOPPING, node);
    bool is_told = decision_state(d, node)->state == NODE_STOPPING;
    record.reason = reason;
    record.index = transition;
    batch_add_record(d->batch, &record);
    if (is_told) {
        return;
    }
    if (decision_node(d, node)->own_body != 0) {
        decision_stop_frames(d, node, RUN_CANCELLING, stop_reason_inside(reason),
                             DECISION_STOP_TASKS);
        return;
    }
    decision_add_effect(
        d, (struct effect){
               .type = EFFECT_STOP, .node = node, .attempt = record.attempt, .reason = reason});
}

void decision_stop_task(const struct decision *d, uint32_t node, enum stop_reason reason)
{
    decision_stop_node(d, node, reason, 0);
}

static void stop_nodes(const struct decision *d, enum stop_reason reason, uint32_t except,
                       enum decision_tasks tasks)
{
    const struct body *body = d->frame->body;
    for (uint32_t i = body->first_node; i < body->first_node + body->node_count; i++) {
        enum node_state state = (enum node_state)decision_state(d, i)->state;
        enum node_kind kind = decision_node(d, i)->kind;
        if (i == except) {
            continue;
        }
        bool is_waiting = kind == NODE_WAIT || kind == NODE_IDLE || kind == NODE_QUEUE ||
                          decision_state(d, i)->is_delayed || decision_state(d, i)->is_unknown;
        bool is_held = state == NODE_READY && decision_state(d, i)->has_begun;
        if (state == NODE_QUEUED || is_held) {
            end_unstarted(d, i);
        } else if (state == NODE_RUNNING && is_waiting) {
            end_wait(d, i);
        } else if (state == NODE_RUNNING && tasks == DECISION_STOP_TASKS &&
                   (kind == NODE_PLUGIN || kind == NODE_WORKFLOW)) {
            decision_stop_task(d, i, reason);
        }
    }
}

void decision_stop_active(const struct decision *d, enum stop_reason reason, uint32_t except,
                          enum decision_tasks tasks)
{
    for (const struct frame *at = d->frame; at != NULL; at = frame_next(at, d->frame)) {
        struct decision below = *d;
        below.frame = at;
        if (at->kind == FRAME_NOTICE && at != d->frame) {
            continue; /* only a kill stops it, see notices_stop() */
        }
        if (at->active > 0 || at->ready > 0) {
            stop_nodes(&below, reason, at == d->frame ? except : RECORD_NO_NODE, tasks);
        }
    }
}

void decision_stop_frames(const struct decision *d, uint32_t node, enum run_state state,
                          enum stop_reason reason, enum decision_tasks tasks)
{
    for (const struct frame *at = d->frame->first_child; at != NULL; at = at->next_sibling) {
        struct decision below = *d;
        below.frame = at;
        if (at->owner != node) {
            continue;
        }
        if (at->state == RUN_RUNNING) {
            struct record record = decision_run_record(&below, RECORD_FRAME_STOPPING);
            record.run_state = state;
            batch_add_record(d->batch, &record);
        }
        decision_stop_active(&below, reason, RECORD_NO_NODE, tasks);
    }
}

void decision_stop_run(const struct decision *d, enum run_state state, const struct document *error,
                       enum stop_reason reason)
{
    struct record record = decision_run_record(d, d->frame->parent == NULL ? RECORD_RUN_STOPPING
                                                                           : RECORD_FRAME_STOPPING);
    record.run_state = state;
    record.error = error;
    record.reason = reason;
    batch_add_record(d->batch, &record);
}

void decision_stop_failed(const struct decision *d, uint32_t node, const struct document *failure)
{
    struct document *whole = decision_at_node(d, node, failure);
    decision_stop_run(d, RUN_FAILING, whole, STOP_REQUESTED);
    document_unref(whole);
}
