/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/signals.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/engine/decision.h"
#include "core/engine/decision_end.h"
#include "core/engine/decision_stop.h"
#include "core/engine/failure.h"
#include "core/engine/run_state.h"
#include "core/engine/states.h"
#include "core/value/builder.h"
#include "core/value/value.h"

/* ---- applying ---- */

static void keep(struct run *run, const struct document *signal)
{
    const struct document **signals = array_reserve(
        (void *)run->signals, &run->signal_cap, run->signal_count + 1, sizeof(struct document *));
    if (signals == NULL) {
        run->has_failed = true;
        return;
    }
    run->signals = signals;
    signals[run->signal_count++] = document_ref(signal);
    run->has_news = true;
}

static void take(struct run *run, size_t index)
{
    document_unref(run->signals[index]);
    run->signal_count--;
    memmove((void *)(run->signals + index), (const void *)(run->signals + index + 1),
            (run->signal_count - index) * sizeof(struct document *));
}

void signals_apply(struct run *run, const struct record *record)
{
    if (record->type == RECORD_SIGNAL) {
        keep(run, record->output);
    } else if (record->type == RECORD_SIGNAL_TAKEN) {
        take(run, (size_t)record->index);
    } else {
        run->has_news = false;
    }
}

void signals_finish(struct run *run)
{
    for (size_t i = 0; i < run->signal_count; i++) {
        document_unref(run->signals[i]);
    }
    free((void *)run->signals);
}

void signals_note_news(struct run *run)
{
    run->has_news = run->signal_count > 0;
}

bool signals_have_news(const struct run *run)
{
    return run->has_news && (run->state == RUN_RUNNING || run->state == RUN_ENDING);
}

/* ---- receiving ---- */

void signals_receive(const struct decision *d, const struct run_event *event)
{
    char time[CLOCK_TEXT_SIZE];
    struct document *signal = NULL;
    struct error err = {0};
    if (d->run->state != RUN_RUNNING && d->run->state != RUN_ENDING) {
        return;
    }
    clock_format_rfc3339(d->now, time);
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_member_string(b, STR("name"), event->port);
    builder_key(b, STR("data"));
    if (event->output != NULL) {
        builder_embed(b, event->output, document_root(event->output));
    } else {
        builder_null(b);
    }
    builder_member_string(b, STR("time"), str_from(time));
    builder_map_end(b);
    if (builder_finish(b, &signal, &err) != 0) {
        d->batch->has_failed |= err.code == E_NOMEM;
        return;
    }
    struct record record = decision_run_record(d, RECORD_SIGNAL);
    record.output = signal;
    batch_add_record(d->batch, &record);
    document_unref(signal);
}

/* ---- delivering ---- */

static struct str name_of(const struct document *signal)
{
    return value_str(value_get(document_root(signal), STR("name")));
}

static void record_taken(const struct decision *d, size_t index)
{
    struct record record = decision_run_record(d, RECORD_SIGNAL_TAKEN);
    record.index = index;
    batch_add_record(d->batch, &record);
}

/* A guard or `match` that fails ends the node with its error: nobody guesses what was meant. */
static bool give_to_wait(const struct decision *d, uint32_t node, size_t index)
{
    const struct run_node *state = decision_state(d, node);
    const struct node *def = decision_node(d, node);
    struct error err = {0};
    bool holds = true;
    if (state->state != NODE_RUNNING || state->is_delayed || state->waits_for == NULL ||
        !str_equal(value_str(document_root(state->waits_for)), name_of(d->signal))) {
        return false;
    }
    int status = def->match != NULL ? decision_evaluate(d, node, def->match, &holds, &err) : 0;
    if (status == E_NOT_FOUND) {
        return false; /* an event without what `match` asks for is another one */
    }
    if (status != 0) {
        error_prefix(&err, "match: ");
        decision_disarm_waits(d, node);
        decision_end_failed_for(d, node, FAILURE_EXPRESSION, &err);
        return true;
    }
    if (!holds) {
        return false;
    }
    record_taken(d, index);
    decision_disarm_waits(d, node);
    decision_end_with_output(d, node, OUTCOME_SUCCESS, d->signal);
    return true;
}

/* The guard of a transition failed: so does the run, and the action is told to end. */
static void fail_guard(const struct decision *d, uint32_t node, const struct error *err)
{
    struct document *failure = decision_failure(d, FAILURE_EXPRESSION, err);
    decision_stop_failed(d, node, failure);
    document_unref(failure);
    decision_stop_active(d, STOP_REQUESTED, RECORD_NO_NODE, DECISION_STOP_TASKS);
}

/* What guards see of a state that waits: the event is its output. */
static struct record coming_end(const struct decision *d, uint32_t node)
{
    struct record end = decision_node_record(d, RECORD_NODE_ENDED, node);
    end.node_state = NODE_COMPLETED;
    end.output = d->signal;
    return end;
}

static bool give_to_state(const struct decision *d, size_t index)
{
    const struct pipeline *pipeline = d->run->pipeline;
    uint32_t node = d->frame->current;
    struct record end = coming_end(d, node);
    struct decision seen = *d;
    struct error err = {0};
    seen.ending = decision_node(d, node)->kind == NODE_IDLE ? &end : NULL;
    for (uint32_t i = 0; i < pipeline->outcome_count; i++) {
        if (!str_equal(pipeline->outcomes[i], name_of(d->signal))) {
            continue;
        }
        int64_t edge = states_find_edge(&seen, node, i, &err);
        if (edge < -1 && err.code == E_NOT_FOUND) {
            continue; /* an event without what the guard asks for is another one */
        }
        if (edge < -1) {
            fail_guard(d, node, &err);
            return true;
        }
        if (edge >= 0 && states_interrupt(d, node, (uint32_t)edge, d->signal)) {
            record_taken(d, index);
            return true;
        }
    }
    return false;
}

static bool give_in_frame(const struct decision *d, size_t index)
{
    const struct body *body = d->frame->body;
    if (d->frame->state != RUN_RUNNING) {
        return false;
    }
    for (uint32_t i = body->first_node; i < body->first_node + body->node_count; i++) {
        if (decision_node(d, i)->kind == NODE_WAIT && give_to_wait(d, i, index)) {
            return true;
        }
    }
    return body->kind == BODY_STATES && give_to_state(d, index);
}

static bool give(const struct decision *d, size_t index)
{
    for (const struct frame *at = d->run->root; at != NULL; at = frame_next(at, d->run->root)) {
        struct decision here = *d;
        here.frame = at;
        here.signal = d->run->signals[index];
        if (give_in_frame(&here, index)) {
            return true;
        }
    }
    return false;
}

void signals_deliver(const struct decision *d)
{
    for (size_t i = 0; i < d->run->signal_count; i++) {
        if (give(d, i)) {
            return;
        }
    }
    struct record record = decision_run_record(d, RECORD_SIGNALS_SEEN);
    batch_add_record(d->batch, &record);
}
