/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decisions of a run: from an event to records and effects. Nothing here changes the run; what a
 * record will do to it is apply.c's business.
 *
 * A ready node is decided from the head of the ready list: its `when`, then by its kind. The
 * engine's own types end at once, in the same decision; `wait` arms a timer; a plugin's node asks
 * dispatch for permits and starts when they are granted. `now` in expressions is the moment at
 * which the node became ready, so that a later attempt sees the same.
 */
#include <stdio.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/engine/attempts.h"
#include "core/engine/children.h"
#include "core/engine/decision.h"
#include "core/engine/decision_end.h"
#include "core/engine/decision_stop.h"
#include "core/engine/endings.h"
#include "core/engine/failure.h"
#include "core/engine/inline_types.h"
#include "core/engine/loops.h"
#include "core/engine/queue_work.h"
#include "core/engine/recover.h"
#include "core/engine/refusal.h"
#include "core/engine/repeat.h"
#include "core/engine/reuse.h"
#include "core/engine/run_state.h"
#include "core/engine/sanitize.h"
#include "core/engine/service.h"
#include "core/engine/signals.h"
#include "core/engine/spending.h"
#include "core/engine/stand_in.h"
#include "core/engine/states.h"
#include "core/engine/streams.h"
#include "core/model/catalogue.h"
#include "core/value/builder.h"
#include "core/value/value.h"

/* ---- settling ---- */

static int make_output(const struct decision *d, struct document **out, struct error *err)
{
    const struct template *output = d->run->pipeline->output;
    int status = output != NULL ? decision_resolve(d, RECORD_NO_NODE, output, out, err)
                                : decision_body_output(d, out, err);
    if (status != 0) {
        error_prefix(err, "output: ");
    } else {
        sanitize_value(d, out);
    }
    return status;
}

/* How a run ends in which nothing is left to do. Both documents are owned, or NULL. */
static void decide_outcome(const struct decision *d, struct record *record,
                           struct document **out_output, struct document **out_failure)
{
    struct error err = {0};
    if (d->run->state != RUN_RUNNING) {
        record->run_state = d->run->state == RUN_FAILING ? RUN_FAILED : RUN_CANCELLED;
        record->error = d->run->error;
        return;
    }
    record->run_state = RUN_COMPLETED;
    if (make_output(d, out_output, &err) != 0) {
        *out_failure = decision_failure(d, FAILURE_EXPRESSION, &err);
        record->run_state = RUN_FAILED;
        record->error = *out_failure;
        return;
    }
    record->output = *out_output;
}

static void settle_run(const struct decision *d)
{
    struct record record = decision_run_record(d, RECORD_RUN_ENDED);
    struct document *output = NULL;
    struct document *failure = NULL;
    decide_outcome(d, &record, &output, &failure);
    bool has_endings = endings_apply_to(d->run, record.run_state) ||
                       notices_apply_to(d->run, record.run_state);
    record.type = has_endings ? RECORD_RUN_ENDING : RECORD_RUN_ENDED;
    batch_add_record(d->batch, &record);
    document_unref(output);
    document_unref(failure);
    if (d->run->pipeline->timeout_ms > 0) {
        decision_add_effect(d, (struct effect){.type = EFFECT_DISARM,
                                               .node = RECORD_NO_NODE,
                                               .timer = TIMER_RUN_TIMEOUT});
    }
    if (!has_endings) {
        decision_add_effect(d, (struct effect){.type = EFFECT_RUN_ENDED, .node = RECORD_NO_NODE});
    }
}

/* Nothing is left to do in d->frame. */
static void settle(const struct decision *d)
{
    if (d->frame->parent == NULL) {
        settle_run(d);
    } else if (d->frame->kind == FRAME_ENDING || d->frame->kind == FRAME_UNDO ||
               d->frame->kind == FRAME_NOTICE) {
        endings_end_frame(d);
    } else {
        loop_end_frame(d);
    }
}

/* ---- events ---- */

static void on_start(const struct decision *d)
{
    struct record record = decision_run_record(d, RECORD_RUN_STARTED);
    record.output = d->run->input;
    record.detail = d->run->reuse;
    batch_add_record(d->batch, &record);
    if (d->run->pipeline->timeout_ms > 0) {
        decision_add_effect(d,
                            (struct effect){.type = EFFECT_ARM_TIMER,
                                            .node = RECORD_NO_NODE,
                                            .timer = TIMER_RUN_TIMEOUT,
                                            .at_unix_ms = d->now + d->run->pipeline->timeout_ms});
    }
}

static void skip_node(const struct decision *d, uint32_t node)
{
    struct record record = decision_node_record(d, RECORD_NODE_ENDED, node);
    record.node_state = NODE_SKIPPED;
    decision_end_node(d, &record);
}

/* What of the settings its config names. */
static int resolve_named_service(const struct decision *d, uint32_t node, struct document **out,
                                 struct error *err)
{
    const struct node *def = decision_node(d, node);
    struct document *config = NULL;
    struct document *settings = NULL;
    int status = decision_resolve(d, node, def->config, &config, err);
    if (status == 0) {
        status = run_resolve_settings(d->run, def->type->plugin, &settings, err);
    }
    if (status == 0 && service_find_named(def->type, settings, config, out) != 0) {
        status = error_nomem(err);
    }
    document_unref(settings);
    document_unref(config);
    return status;
}

/* What says which service the node calls, if anything does: its config, the settings, or both. */
static int resolve_service(const struct decision *d, uint32_t node, struct document **out,
                           struct error *err)
{
    const struct node *def = decision_node(d, node);
    if (!service_has_origin(def)) {
        return 0;
    }
    if (service_is_named(def)) {
        return resolve_named_service(d, node, out, err);
    }
    return service_is_set(def) ? run_resolve_settings(d->run, def->type->plugin, out, err)
                               : decision_resolve(d, node, def->config, out, err);
}

/* The config that it starts with is resolved later. */
static void want_start(const struct decision *d, uint32_t node)
{
    struct document *config = NULL;
    struct error err = {0};
    if (resolve_service(d, node, &config, &err) != 0) {
        decision_end_failed_for(d, node, FAILURE_EXPRESSION, &err);
        return;
    }
    struct record record = decision_node_record(d, RECORD_NODE_QUEUED, node);
    batch_add_record(d->batch, &record);
    decision_add_effect(d,
                        (struct effect){.type = EFFECT_WANT_START, .node = node, .config = config});
    document_unref(config);
}

/* A ready node: false when that was all, because of its `when`. It is asked once. */
static bool pass_when(const struct decision *d, uint32_t node)
{
    const struct node *def = decision_node(d, node);
    const struct run_node *state = decision_state(d, node);
    if (def->when == NULL || state->iteration > 0 || state->has_begun) {
        return true;
    }
    struct error err = {0}; /* clearing it costs more than all before */
    bool holds = true;
    if (decision_evaluate(d, node, def->when, &holds, &err) != 0) {
        error_prefix(&err, "when: ");
        decision_end_failed_for(d, node, FAILURE_EXPRESSION, &err);
        return false;
    }
    if (!holds) {
        skip_node(d, node);
    }
    return holds;
}

static void begin_node(const struct decision *d, uint32_t node)
{
    const struct node *def = decision_node(d, node);
    if (reuse_take(d, node) || !pass_when(d, node)) {
        return;
    }
    switch (def->kind) {
    case NODE_START:
        decision_end_with_output(d, node, OUTCOME_SUCCESS, d->run->input);
        return;
    case NODE_PASSTHROUGH:
        inline_passthrough(d, node);
        return;
    case NODE_SET:
        inline_set(d, node);
        return;
    case NODE_CONDITIONAL:
        inline_conditional(d, node);
        return;
    case NODE_ROUTER:
        inline_router(d, node);
        return;
    case NODE_WAIT:
        inline_wait(d, node);
        return;
    case NODE_FAIL:
        inline_fail(d, node);
        return;
    case NODE_PLUGIN:
        if (!stand_in_ask(d, node)) {
            want_start(d, node);
        }
        return;
    case NODE_LOOP:
    case NODE_GROUP:
        loop_start(d, node);
        return;
    case NODE_WORKFLOW:
        children_start(d, node);
        return;
    case NODE_IDLE:
        states_idle(d, node);
        return;
    case NODE_QUEUE:
        queue_work_begin(d, node);
        return;
    }
    unreachable_state("node kind", (int)def->kind);
}

static void on_advance(const struct decision *d)
{
    if (!run_has_work(d->run)) {
        return;
    }
    struct decision here = *d;
    const struct run_node *listed = d->run->first_listed;
    here.frame = d->run->first_settled;
    if (here.frame != NULL) {
        settle(&here);
        return;
    }
    if (signals_have_news(d->run)) {
        here.frame = d->run->root;
        signals_deliver(&here);
        return;
    }
    if (notices_have_work(d->run)) {
        notices_step(d);
        return;
    }
    if (listed == NULL) {
        endings_step(&here);
        return;
    }
    here.frame = listed->frame;
    uint32_t node = run_node_index(listed);
    if (listed->state == NODE_READY) {
        begin_node(&here, node);
    } else if (listed->stream != NULL) {
        streams_step(&here, node);
    } else {
        loop_step(&here, node);
    }
}

static void on_cached(const struct decision *d, const struct run_event *event)
{
    if (stand_in_answer(d, event)) {
        want_start(d, event->node);
    }
}

/* The permits are granted: resolve the config and start. The permits go back on failure. */
static void on_admitted(const struct decision *d, uint32_t node)
{
    if (decision_state(d, node)->state != NODE_QUEUED) {
        decision_add_effect(d, (struct effect){.type = EFFECT_RELEASE, .node = node});
        return;
    }
    const struct node *def = decision_node(d, node);
    struct error err = {0};
    struct document *config = NULL;
    int64_t end_at = attempts_end_at(d->frame, node);
    int64_t cut_at = attempts_cut_at(d, node);
    if ((end_at > 0 && d->now > end_at) || (cut_at > 0 && d->now >= cut_at)) {
        decision_add_effect(d, (struct effect){.type = EFFECT_RELEASE, .node = node});
        attempts_end_late(d, node, NULL);
        return;
    }
    if (decision_resolve(d, node, def->config, &config, &err) != 0) {
        decision_add_effect(d, (struct effect){.type = EFFECT_RELEASE, .node = node});
        decision_end_failed_for(d, node, FAILURE_EXPRESSION, &err);
        return;
    }
    struct record record = decision_node_record(d, RECORD_NODE_STARTED, node);
    record.attempt++;
    batch_add_record(d->batch, &record);
    int64_t deadline = def->timeout_ms > 0 ? d->now + def->timeout_ms : cut_at;
    deadline = cut_at > 0 && cut_at < deadline ? cut_at : deadline;
    decision_add_effect(d, (struct effect){.type = EFFECT_START,
                                           .node = node,
                                           .attempt = record.attempt,
                                           .at_unix_ms = deadline,
                                           .count = streams_credit(d, node),
                                           .config = config});
    decision_arm_timeout(d, &record);
    attempts_arm_deadline(d, &record);
    document_unref(config);
}

/* The task of this attempt is there and its end is not recorded yet. */
static bool is_current_task(const struct decision *d, const struct run_event *event)
{
    const struct run_node *node = decision_state(d, event->node);
    bool is_live = (node->state == NODE_RUNNING || node->state == NODE_STOPPING) &&
                   !node->is_delayed && !node->is_unknown;
    return is_live && node->attempt == event->attempt &&
           decision_node(d, event->node)->kind == NODE_PLUGIN;
}

/* What goes back when a task has ended: its permits and its timer. `failure` (or NULL) is its. */
static void release_task(const struct decision *d, uint32_t node, enum call_result result,
                         const struct document *failure)
{
    int64_t frozen_until = failure != NULL ? attempts_frozen_until(failure, d->now) : 0;
    decision_add_effect(
        d, (struct effect){
               .type = EFFECT_RELEASE, .node = node, .result = result, .at_unix_ms = frozen_until});
    decision_disarm_timeout(d, node);
    attempts_disarm_deadline(d, node);
}

static uint32_t outcome_of_port(const struct decision *d, struct str port)
{
    const struct pipeline *pipeline = d->run->pipeline;
    for (uint32_t i = OUTCOME_FIRST_NAMED; port.n > 0 && i < pipeline->outcome_count; i++) {
        if (str_equal(pipeline->outcomes[i], port)) {
            return i;
        }
    }
    return OUTCOME_SUCCESS;
}

static void on_done(const struct decision *d, const struct run_event *event)
{
    if (decision_node(d, event->node)->kind == NODE_QUEUE) {
        queue_work_end(d, event);
        return;
    }
    if (!is_current_task(d, event)) {
        return;
    }
    release_task(d, event->node, CALL_GOOD, NULL);
    stand_in_keep(d, event->node, event->port, event->output);
    decision_end_with_output(d, event->node, outcome_of_port(d, event->port), event->output);
}

static void on_failed(const struct decision *d, const struct run_event *event)
{
    if (!is_current_task(d, event)) {
        return;
    }
    const struct run_node *node = decision_state(d, event->node);
    bool is_timeout = node->state == NODE_STOPPING && node->stop_reason == STOP_TIMEOUT;
    release_task(d, event->node,
                 is_timeout                     ? CALL_BAD
                 : node->state == NODE_STOPPING ? CALL_NOT_MADE
                                                : attempts_judge(event->error),
                 event->error);
    if (is_timeout) {
        attempts_time_out(d, event->node, event->error);
        return;
    }
    if (node->state == NODE_STOPPING) {
        struct record record = decision_node_record(d, RECORD_NODE_ENDED, event->node);
        record.node_state = NODE_CANCELLED;
        record.error = event->error;
        decision_end_node(d, &record);
        return;
    }
    struct document *failure =
        failure_name_secrets(event->error, decision_node(d, event->node)->secrets);
    attempts_fail(d, event->node, failure);
    document_unref(failure);
}

static void on_items(const struct decision *d, const struct run_event *event)
{
    if (is_current_task(d, event)) {
        streams_receive(d, event);
    }
}

static void on_node_timeout(const struct decision *d, uint32_t node)
{
    enum node_kind kind = decision_node(d, node)->kind;
    if (kind == NODE_WAIT || kind == NODE_IDLE || kind == NODE_QUEUE) {
        struct document *failure = decision_timeout_failure(d, node);
        decision_end_failed(d, node, failure);
        document_unref(failure);
        if (kind == NODE_QUEUE) {
            decision_disarm_waits(d, node);
        }
        return;
    }
    decision_stop_task(d, node, STOP_TIMEOUT);
}

static void on_run_timeout(const struct decision *d)
{
    if (d->run->state == RUN_FAILING) { /* what was left to end by itself took too long */
        decision_stop_active(d, STOP_REQUESTED, RECORD_NO_NODE, DECISION_STOP_TASKS);
        return;
    }
    if (d->run->state != RUN_RUNNING) {
        return;
    }
    char text[80];
    (void)snprintf(text, sizeof(text), "the run did not end within its time-out of %.10g s",
                   (double)d->run->pipeline->timeout_ms / 1000.0);
    struct document *failure = decision_create_failure(d, FAILURE_TIMEOUT, str_from(text),
                                                       "raise 'timeout' of the pipeline");
    decision_stop_run(d, RUN_FAILING, failure, STOP_TIMEOUT);
    document_unref(failure);
    decision_stop_active(d, STOP_REQUESTED, RECORD_NO_NODE, DECISION_STOP_TASKS);
}

/* It was armed for the wait of a round that is over: the next one has its own. */
static bool is_of_before(const struct decision *d, const struct run_node *node)
{
    return decision_node(d, run_node_index(node))->kind == NODE_QUEUE && d->now < node->due_at;
}

static void on_timer(const struct decision *d, const struct run_event *event)
{
    if (event->timer == TIMER_RUN_TIMEOUT) {
        on_run_timeout(d);
        return;
    }
    const struct run_node *node = decision_state(d, event->node);
    if (node->attempt != event->attempt) {
        return;
    }
    if (node->state == NODE_STOPPING && node->stop_reason == STOP_FAILURE) {
        /* What was left to end by itself took too long. */
        decision_stop_frames(d, event->node, RUN_FAILING, STOP_REQUESTED, DECISION_STOP_TASKS);
        return;
    }
    if (node->state != NODE_RUNNING || node->is_unknown || node->is_falling_back) {
        return;
    }
    if (node->is_delayed) {
        if (event->timer == TIMER_WAIT && !is_of_before(d, node)) {
            repeat_due(d, event->node);
        }
    } else if (event->timer == TIMER_NODE_TIMEOUT) {
        on_node_timeout(d, event->node);
    } else if (event->timer == TIMER_DEADLINE) {
        decision_stop_task(d, event->node, STOP_TIMEOUT);
    } else if (decision_node(d, event->node)->kind == NODE_WAIT) {
        inline_wait_end(d, event->node);
    } else if (decision_node(d, event->node)->kind == NODE_QUEUE) {
        queue_work_leave(d, event->node);
    }
}

/* A state machine with a `cancel` transition takes it, once. */
static bool take_cancel(const struct decision *d)
{
    struct error err = {0};
    if (d->run->root->body->kind != BODY_STATES || d->run->has_taken_cancel) {
        return false;
    }
    uint32_t node = d->run->root->current;
    int64_t edge = states_find_edge(d, node, OUTCOME_CANCEL, &err);
    return edge >= 0 && states_interrupt(d, node, (uint32_t)edge, NULL);
}

/* A run that is on its way out already. */
static void cancel_late(const struct decision *d, enum stop_reason reason)
{
    bool has_ended = run_is_ended(d->run) && !d->run->is_undoing;
    if (has_ended || d->run->state == RUN_PENDING) {
        return;
    }
    if (d->run->state == RUN_FAILING) {
        decision_stop_active(d, reason, RECORD_NO_NODE, DECISION_STOP_TASKS);
    }
    endings_cancel(d, reason);
}

static void on_cancel(const struct decision *d, const struct run_event *event)
{
    recover_resume(d); /* a cancel wins */
    if (d->run->state != RUN_RUNNING) {
        cancel_late(d, event->reason);
        return;
    }
    if (event->reason != STOP_SHUTDOWN && take_cancel(d)) {
        return;
    }
    struct document *failure =
        decision_create_failure(d, FAILURE_CANCELLED, STR("the run was cancelled"), NULL);
    decision_stop_run(d, RUN_CANCELLING, failure, event->reason);
    document_unref(failure);
    decision_stop_active(d, event->reason, RECORD_NO_NODE, DECISION_STOP_TASKS);
    if (event->reason == STOP_SHUTDOWN) {
        notices_stop(d, event->reason);
    }
}

static void decide(const struct decision *d, const struct run_event *event)
{
    switch (event->type) {
    case RUN_EVENT_START:
        on_start(d);
        return;
    case RUN_EVENT_ADVANCE:
        on_advance(d);
        return;
    case RUN_EVENT_ADMITTED:
        on_admitted(d, event->node);
        return;
    case RUN_EVENT_CACHED:
        on_cached(d, event);
        return;
    case RUN_EVENT_FOUND:
        queue_work_found(d, event);
        return;
    case RUN_EVENT_REFUSED:
        refusal_decide(d, event->node, event->error);
        return;
    case RUN_EVENT_DONE:
        on_done(d, event);
        return;
    case RUN_EVENT_FAILED:
        on_failed(d, event);
        return;
    case RUN_EVENT_ITEMS:
        on_items(d, event);
        return;
    case RUN_EVENT_TIMER:
        on_timer(d, event);
        return;
    case RUN_EVENT_CANCEL:
        on_cancel(d, event);
        return;
    case RUN_EVENT_SIGNAL:
        signals_receive(d, event);
        return;
    case RUN_EVENT_CHILD:
        children_end(d, event);
        return;
    case RUN_EVENT_CHILD_UNDONE:
        endings_child_undone(d, event);
        return;
    case RUN_EVENT_UNDO:
        endings_undo_run(d);
        return;
    case RUN_EVENT_PAUSE:
        recover_pause(d);
        return;
    case RUN_EVENT_RESUME:
        recover_resume(d);
        return;
    case RUN_EVENT_RECOVER:
        recover_part(d, event);
        return;
    case RUN_EVENT_ABANDON:
        recover_abandon(d, event);
        return;
    case RUN_EVENT_RESOLVE:
        recover_resolve(d, event);
        return;
    case RUN_EVENT_RESERVED:
    case RUN_EVENT_SPENT:
        spending_decide(d, event);
        return;
    }
    unreachable_state("run event", (int)event->type);
}

void run_decide(const struct run *run, const struct run_event *event, int64_t now_unix_ms,
                struct batch *batch)
{
    struct decision d = {
        .run = run, .frame = frame_find(run, event->frame), .now = now_unix_ms, .batch = batch};
    if (d.frame == NULL) {
        return; /* it has ended */
    }
    if (run->pipeline->sanitizer == NULL) {
        decide(&d, event);
        return;
    }
    struct sanitized_event sanitized;
    if (sanitize_event(&d, event, &sanitized)) {
        decide(&d, &sanitized.event);
    }
    sanitize_event_finish(&sanitized);
}
