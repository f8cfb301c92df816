/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/repeat.h"

#include <stdio.h>

#include "core/base/error.h"
#include "core/engine/decision.h"
#include "core/engine/decision_end.h"
#include "core/engine/failure.h"
#include "core/engine/run_state.h"
#include "core/value/value.h"

/* When the next round starts. */
static int64_t next_start(const struct decision *d, const struct repeat *repeat,
                          const struct run_node *state)
{
    if (repeat->interval_ms == 0) {
        return d->now + repeat->delay_ms;
    }
    int64_t started_at = state->state == NODE_READY ? d->now : state->started_at;
    int64_t next = started_at + repeat->interval_ms;
    return next > d->now ? next : d->now;
}

/* `*out_is_done`: the completion stands. 0, or a negative code of the condition. */
static int ask(const struct decision *d, const struct record *end, bool *out_is_done,
               struct error *err)
{
    const struct repeat *repeat = decision_node(d, end->node)->repeat;
    const struct run_node *state = decision_state(d, end->node);
    struct decision with_end = *d;
    with_end.ending = end;
    *out_is_done = false;
    if (repeat->until != NULL) {
        int status = decision_evaluate(&with_end, end->node, repeat->until, out_is_done, err);
        if (status != 0) {
            error_prefix(err, "repeat: until: ");
            return status;
        }
    }
    bool has_bound = repeat->duration_ms > 0;
    int64_t first = state->first_started_at > 0 ? state->first_started_at : d->now;
    *out_is_done = *out_is_done ||
                   (has_bound && next_start(d, repeat, state) >= first + repeat->duration_ms);
    return 0;
}

static void fail_at_limit(const struct decision *d, const struct record *end, uint32_t rounds)
{
    char text[120];
    (void)snprintf(text, sizeof(text), "'until' did not hold after %u rounds (max_iterations)",
                   rounds);
    struct document *failure = decision_create_failure(d, FAILURE_LOOP_LIMIT, str_from(text),
                                                       "raise 'max_iterations' of its 'repeat'");
    decision_end_failed_done(d, end, failure);
    document_unref(failure);
}

static void fail_for(const struct decision *d, const struct record *end, const struct error *err)
{
    struct document *failure = decision_failure(d, FAILURE_EXPRESSION, err);
    decision_end_failed_done(d, end, failure);
    document_unref(failure);
}

static void run_again(const struct decision *d, const struct record *end)
{
    const struct run_node *state = decision_state(d, end->node);
    const struct repeat *repeat = decision_node(d, end->node)->repeat;
    struct record record = decision_node_record(d, RECORD_NODE_AGAIN, end->node);
    record.attempt = end->attempt;
    record.output = end->output;
    record.has_undo = end->has_undo;
    record.due_unix_ms = next_start(d, repeat, state);
    batch_add_record(d->batch, &record);
    if (record.due_unix_ms > d->now) {
        decision_add_effect(d, (struct effect){.type = EFFECT_ARM_TIMER,
                                               .node = end->node,
                                               .attempt = record.attempt,
                                               .timer = TIMER_WAIT,
                                               .at_unix_ms = record.due_unix_ms});
    }
}

bool repeat_goes_on(const struct decision *d, const struct record *end)
{
    const struct repeat *repeat = decision_node(d, end->node)->repeat;
    const struct run_node *state = decision_state(d, end->node);
    /* A success that comes after the time-out is one; a node that is to end for good ends. */
    bool is_ended = state->state == NODE_STOPPING && state->stop_reason != STOP_TIMEOUT;
    if (repeat == NULL || d->frame->state != RUN_RUNNING || is_ended) {
        return false;
    }
    struct error err = {0};
    bool is_done = false;
    uint32_t rounds = state->iteration + 1;
    if (ask(d, end, &is_done, &err) != 0) {
        fail_for(d, end, &err);
        return true;
    }
    if (is_done) {
        return false;
    }
    if (rounds >= repeat->max_iterations) {
        fail_at_limit(d, end, rounds);
        return true;
    }
    run_again(d, end);
    return true;
}

void repeat_due(const struct decision *d, uint32_t node)
{
    struct record record = decision_node_record(d, RECORD_NODE_DUE, node);
    batch_add_record(d->batch, &record);
}
