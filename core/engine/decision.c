/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps that decisions share: evaluating in the run's scope, ending a node, stopping the run.
 *
 * The end of a node decides its out edges in the same record. An error edge that is taken is the
 * only way on; without one, `on_error: continue` takes the plain edges; else the run fails: what
 * runs may end, nothing new starts.
 */
#include "core/engine/decision.h"

#include <stdio.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/engine/failure.h"
#include "core/engine/queue.h"
#include "core/engine/queue_work.h"
#include "core/engine/repeat.h"
#include "core/engine/run_state.h"
#include "core/engine/sanitize.h"
#include "core/engine/stand_in.h"
#include "core/engine/states.h"
#include "core/expr/template.h"
#include "core/value/builder.h"
#include "core/value/value.h"

enum { LITTLE_BYTES = 64 * 1024 };

const struct node *decision_node(const struct decision *d, uint32_t node)
{
    return &d->run->pipeline->nodes[node];
}

const struct run_node *decision_state(const struct decision *d, uint32_t node)
{
    return frame_node(d->frame, node);
}

struct record decision_node_record(const struct decision *d, enum record_type type, uint32_t node)
{
    return (struct record){
        .run = (struct run *)(uintptr_t)d->run,
        .run_number = d->run->number,
        .frame = d->frame->id,
        .type = type,
        .node = node,
        .attempt = decision_state(d, node)->attempt,
        .at_unix_ms = d->now,
    };
}

struct record decision_run_record(const struct decision *d, enum record_type type)
{
    return (struct record){
        .run = (struct run *)(uintptr_t)d->run,
        .run_number = d->run->number,
        .frame = d->frame->id,
        .type = type,
        .node = RECORD_NO_NODE,
        .at_unix_ms = d->now,
    };
}

void decision_add_effect(const struct decision *d, struct effect effect)
{
    effect.run = (struct run *)(uintptr_t)d->run;
    effect.frame = d->frame->id;
    batch_add_effect(d->batch, &effect);
}

/* ---- expressions ---- */

static struct run_scope scope_of(const struct decision *d, uint32_t node)
{
    int64_t now = node == RECORD_NO_NODE ? d->now : decision_state(d, node)->ready_at;
    return (struct run_scope){.run = d->run,
                              .frame = d->frame,
                              .now_unix_ms = now,
                              .signal = d->signal,
                              .ending = d->ending,
                              .names_secrets = d->names_secrets};
}

/* 0 and the condition's value, or a negative code. */
int decision_evaluate(const struct decision *d, uint32_t node, const struct expr *expr,
                      bool *out_holds, struct error *err)
{
    struct run_scope context = scope_of(d, node);
    struct expr_scope scope = {.fetch = run_scope_fetch, .user = &context};
    struct expr_budget budget = expr_default_budget;
    struct arena arena = ARENA_INIT;
    struct cel result;
    int status = expr_evaluate(expr, &scope, &arena, &budget, &result, err);
    if (status == 0 && result.type != CEL_BOOL) {
        struct str source = expr_source(expr);
        status = error_set(err, E_INVALID, "condition '%.*s' gave %s, not a bool", STR_ARG(source),
                           cel_type_name(&result));
    }
    if (status == 0) {
        *out_holds = result.as.boolean;
    }
    arena_finish(&arena);
    return status;
}

static int compute(const struct run_scope *context, const struct expr *expr, struct document **out,
                   struct error *err)
{
    struct expr_scope scope = {.fetch = run_scope_fetch, .user = context};
    struct expr_budget budget = expr_default_budget;
    struct arena arena = ARENA_INIT;
    struct cel result;
    int status = expr_evaluate(expr, &scope, &arena, &budget, &result, err);
    if (status == 0) {
        struct builder *b = builder_create();
        status = cel_build(&result, b, err);
        if (status == 0) {
            status = builder_finish(b, out, err);
        } else {
            builder_destroy(b);
        }
    }
    arena_finish(&arena);
    return status;
}

int decision_compute(const struct decision *d, uint32_t node, const struct expr *expr,
                     struct document **out, struct error *err)
{
    struct run_scope context = scope_of(d, node);
    return compute(&context, expr, out, err);
}

int decision_reduce(const struct decision *d, uint32_t node, const struct document *acc,
                    const struct document *item, struct document **out, struct error *err)
{
    struct run_scope context = scope_of(d, node);
    context.acc = acc != NULL ? acc : document_null();
    context.reduced = item;
    int status = compute(&context, decision_node(d, node)->for_each->reduce, out, err);
    if (status == 0) {
        sanitize_value(d, out);
    }
    return status;
}

static int resolve(const struct run_scope *context, const struct template *template,
                   struct document **out, struct error *err)
{
    struct expr_scope scope = {
        .fetch = run_scope_fetch, .user = context, .secret_slots = 1u << SLOT_SECRETS};
    struct expr_budget budget = expr_default_budget;
    return template_resolve(template, &scope, &budget, out, err);
}

/* The message begins with the pointer to the field, where one is at fault. */
static void name_config(struct error *err)
{
    error_prefix(err, err->message[0] == '/' ? "config %s" : "config: %s", "");
}

int decision_resolve(const struct decision *d, uint32_t node, const struct template *template,
                     struct document **out, struct error *err)
{
    struct run_scope context = scope_of(d, node);
    int status = resolve(&context, template, out, err);
    if (status != 0 && node != RECORD_NO_NODE && template == decision_node(d, node)->config) {
        name_config(err);
    }
    return status;
}

int decision_resolve_for_queue(const struct decision *d, uint32_t node, struct document **out,
                               struct error *err)
{
    struct run_scope context = scope_of(d, node);
    context.names_secrets = true;
    int status = resolve(&context, decision_node(d, node)->config, out, err);
    if (status != 0) {
        name_config(err);
    }
    return status;
}

int run_resolve_settings(const struct run *run, struct str plugin, struct document **out_settings,
                         struct error *err)
{
    const struct integration *integration = pipeline_find_integration(run->pipeline, plugin);
    if (integration == NULL || integration->settings == NULL) {
        *out_settings = document_empty_map();
        return 0;
    }
    struct decision d = {.run = run, .frame = run->root, .now = run->started_at};
    int status = decision_resolve(&d, RECORD_NO_NODE, integration->settings, out_settings, err);
    if (status != 0) {
        error_prefix(err, "integrations.%.*s: ", STR_ARG(plugin));
    }
    return status;
}

struct document *decision_create_failure(const struct decision *d, const char *code,
                                         struct str message, const char *hint)
{
    struct document *failure = failure_create(code, message, hint);
    d->batch->has_failed |= failure == document_empty_map();
    sanitize_failure(d, &failure);
    return failure;
}

struct document *decision_failure(const struct decision *d, const char *code,
                                  const struct error *err)
{
    struct document *failure = failure_from_error(code, err);
    d->batch->has_failed |= err->code == E_NOMEM || failure == document_empty_map();
    sanitize_failure(d, &failure);
    return failure;
}

struct document *decision_text_failure(const struct decision *d, const char *code,
                                       struct strbuf *text, const char *hint)
{
    d->batch->has_failed |= strbuf_status(text) != 0;
    struct document *failure = decision_create_failure(d, code, strbuf_str(text), hint);
    strbuf_finish(text);
    return failure;
}

struct document *decision_with_member(const struct decision *d, const struct document *failure,
                                      struct str key, const struct document *member)
{
    const struct value *root = document_root(failure);
    struct document *whole = NULL;
    struct builder *b = builder_create();
    builder_map_begin(b);
    for (size_t i = 0; value_is(root, VALUE_MAP) && i < value_count(root); i++) {
        const struct value_member *own = value_member_at(root, i);
        if (!str_equal(value_str(&own->key), key)) {
            builder_key(b, value_str(&own->key));
            builder_embed(b, failure, &own->value);
        }
    }
    builder_key(b, key);
    builder_embed(b, member, document_root(member));
    builder_map_end(b);
    if (builder_finish(b, &whole, NULL) != 0) {
        d->batch->has_failed = true;
        return document_ref(failure);
    }
    return whole;
}

struct document *decision_with_cause(const struct decision *d, const struct document *failure,
                                     const struct document *cause)
{
    return decision_with_member(d, failure, STR("cause"), cause);
}

struct document *decision_timeout_failure(const struct decision *d, uint32_t node)
{
    char text[80];
    int64_t ms = decision_node(d, node)->timeout_ms;
    if (ms > 0) {
        (void)snprintf(text, sizeof(text), "did not end within its time-out of %.10g s",
                       (double)ms / 1000.0);
    } else { /* of a `wait`: what its config gave is not kept */
        (void)snprintf(text, sizeof(text), "the event did not come within 'timeout'");
    }
    return decision_create_failure(d, FAILURE_TIMEOUT, str_from(text),
                                   "raise 'timeout' of the node");
}

/* ---- what a body gives ---- */

static int leaf_outputs(const struct decision *d, struct document **out, struct error *err)
{
    const struct body *body = d->frame->body;
    struct builder *b = builder_create();
    builder_map_begin(b);
    for (uint32_t i = body->first_node; i < body->first_node + body->node_count; i++) {
        const struct document *output = decision_state(d, i)->output;
        const struct node *def = decision_node(d, i);
        if (node_is_last(def) && !def->has_readers && output != NULL) {
            builder_key(b, def->id);
            builder_embed(b, output, document_root(output));
        }
    }
    builder_map_end(b);
    return builder_finish(b, out, err);
}

int decision_body_output(const struct decision *d, struct document **out, struct error *err)
{
    const struct body *body = d->frame->body;
    if (body->output != NULL) {
        int status = decision_resolve(d, RECORD_NO_NODE, body->output, out, err);
        if (status != 0) {
            error_prefix(err, "output: ");
        } else {
            sanitize_value(d, out);
        }
        return status;
    }
    if (body->kind == BODY_STATES) {
        return states_output(d, out, err);
    }
    if (body->is_single) {
        const struct document *output = frame_node(d->frame, body->first_node)->output;
        *out = output != NULL ? document_ref(output) : document_null();
        return 0;
    }
    return leaf_outputs(d, out, err);
}

/* ---- the end of a run ---- */

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

void decision_arm_timeout(const struct decision *d, const struct record *start)
{
    int64_t timeout_ms = decision_node(d, start->node)->timeout_ms;
    if (timeout_ms > 0) {
        decision_add_effect(d, (struct effect){.type = EFFECT_ARM_TIMER,
                                               .node = start->node,
                                               .attempt = start->attempt,
                                               .timer = TIMER_NODE_TIMEOUT,
                                               .at_unix_ms = d->now + timeout_ms});
    }
}

void decision_disarm_timeout(const struct decision *d, uint32_t node)
{
    if (decision_node(d, node)->timeout_ms > 0) {
        decision_add_effect(d, (struct effect){.type = EFFECT_DISARM,
                                               .node = node,
                                               .attempt = decision_state(d, node)->attempt,
                                               .timer = TIMER_NODE_TIMEOUT});
    }
}

void decision_disarm_waits(const struct decision *d, uint32_t node)
{
    decision_add_effect(d,
                        (struct effect){.type = EFFECT_DISARM, .node = node, .timer = TIMER_WAIT});
    decision_add_effect(
        d, (struct effect){.type = EFFECT_DISARM, .node = node, .timer = TIMER_NODE_TIMEOUT});
    if (decision_node(d, node)->kind == NODE_QUEUE) {
        queue_work_leave(d, node);
    }
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

/* The failure with the node that met it: {node, ...failure}. */
static struct document *failure_of_node(const struct decision *d, uint32_t node,
                                        const struct document *failure)
{
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_member_string(b, STR("node"), decision_node(d, node)->id);
    const struct value *root = document_root(failure);
    for (size_t i = 0; value_is(root, VALUE_MAP) && i < value_count(root); i++) {
        const struct value_member *member = value_member_at(root, i);
        if (!str_equal(value_str(&member->key), STR("node"))) {
            builder_key(b, value_str(&member->key));
            builder_embed(b, failure, &member->value);
        }
    }
    builder_map_end(b);
    struct document *whole = NULL;
    if (builder_finish(b, &whole, NULL) != 0) {
        d->batch->has_failed = true;
        return document_ref(failure);
    }
    return whole;
}

/* ---- the end of a node ---- */

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

/* Nodes whose end has no edge to decide, in a run that takes no edges any more. */
static bool takes_edges(const struct decision *d, uint32_t node)
{
    return d->frame->state == RUN_RUNNING && decision_node(d, node)->out_count > 0;
}

void decision_fail_run(const struct decision *d, uint32_t node, const struct document *failure)
{
    struct document *whole = failure_of_node(d, node, failure);
    decision_stop_run(d, RUN_FAILING, whole, STOP_REQUESTED);
    document_unref(whole);
}

/* Fills in record->taken. Returns the failure of an edge's condition (owned), or NULL. */
static struct document *decide_edges(const struct decision *d, struct record *record)
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
        edge_failure = decide_edges(d, record);
    }
    batch_add_record(d->batch, record);
    bool fails = d->frame->state == RUN_RUNNING &&
                 (edge_failure != NULL || (has_failed && !record->is_handled));
    if (fails) {
        decision_fail_run(d, record->node, edge_failure != NULL ? edge_failure : record->error);
        decision_stop_active(d, STOP_REQUESTED, record->node, DECISION_LET_TASKS_END);
    }
    document_unref(edge_failure);
    if (def->is_fallback) {
        stand_in_end(d, record);
    }
}

void decision_complete_node(const struct decision *d, uint32_t node, uint32_t outcome,
                            const struct document *output)
{
    struct record record = decision_node_record(d, RECORD_NODE_ENDED, node);
    record.node_state = NODE_COMPLETED;
    record.outcome = outcome;
    record.output = output;
    decision_end_completed(d, &record);
}

/* Of the outputs that go when the frame ends. */
static size_t frame_bytes(const struct frame *frame)
{
    size_t sum = 0;
    for (uint32_t i = 0; i < frame->body->node_count; i++) {
        const struct document *output = frame->nodes[i].output;
        size_t own = output != NULL ? document_reach_bytes(output) : 0;
        sum = own > SIZE_MAX - sum ? SIZE_MAX : sum + own;
    }
    return sum;
}

/* Endings and compensations go on: what they would free is not known to be little. */
static bool is_over_memory(const struct decision *d, const struct record *record)
{
    size_t bound = (size_t)d->run->max_memory_mb * 1024 * 1024;
    size_t own = d->run->memory.bytes;
    return record->output != NULL && own > 0 && d->run->state == RUN_RUNNING &&
           (own > bound || document_reach_bytes(record->output) > bound - own);
}

/* The body ends before what the run shares its memory with. */
static bool has_end(const struct decision *d)
{
    return d->frame->parent != NULL || d->run->memory.is_called;
}

/* What the body holds already is more, and goes with it. */
static bool gives_back(const struct decision *d, const struct record *record)
{
    return has_end(d) && frame_bytes(d->frame) >= document_reach_bytes(record->output);
}

/* A body has brought something, and what follows in it is about to start. */
static bool is_body_queued(const struct frame *frame)
{
    bool has_output = false;
    bool has_queued = false;
    for (uint32_t i = 0; i < frame->body->node_count; i++) {
        has_output |= frame->nodes[i].output != NULL;
        has_queued |= frame->nodes[i].state == NODE_QUEUED;
    }
    return has_output && has_queued;
}

static bool is_one_queued(const struct run *run)
{
    const struct frame *frame = run->root;
    while (frame != NULL &&
           ((frame == run->root && !run->memory.is_called) || !is_body_queued(frame))) {
        frame = frame_next(frame, run->root);
    }
    return frame != NULL;
}

static bool are_others_at_work(const struct decision *d, uint32_t node)
{
    uint32_t own = has_end(d) && node_is_at_work(decision_state(d, node)) ? 1 : 0;
    return d->run->memory.at_work > own || is_one_queued(d->run);
}

/* Nothing was done for it that could not be done again. */
static bool can_wait(const struct decision *d, uint32_t node)
{
    const struct run_node *state = decision_state(d, node);
    enum node_kind kind = decision_node(d, node)->kind;
    bool is_inline = kind == NODE_START || kind == NODE_PASSTHROUGH || kind == NODE_SET ||
                     kind == NODE_CONDITIONAL || kind == NODE_ROUTER;
    return d->run->first_listed == state &&
           ((state->state == NODE_READY && is_inline) || state->loop != NULL);
}

bool decision_waits_for_room(const struct decision *d, const struct record *record)
{
    bool waits = is_over_memory(d, record) && can_wait(d, record->node) &&
                 !d->run->memory.is_final && !gives_back(d, record);
    d->batch->lacks_room |= waits;
    return waits;
}

/*
 * There is no room, but may be soon. What ends with a body that gives more back may come, if it is
 * little; and while others are at work or next, so may what little there is of everything, and what
 * tasks bring: further ones do not start, so that it is no more than was under way.
 */
static bool is_room_coming(const struct decision *d, const struct record *record)
{
    enum node_kind kind = decision_node(d, record->node)->kind;
    bool is_little = document_reach_bytes(record->output) <= LITTLE_BYTES;
    if (!are_others_at_work(d, record->node)) {
        return is_little && gives_back(d, record);
    }
    return is_little || kind == NODE_PLUGIN || kind == NODE_WORKFLOW || gives_back(d, record);
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
    decision_fail_done(d, record, failure);
    document_unref(failure);
}

static void end_completed(const struct decision *d, struct record *record)
{
    if (decision_waits_for_room(d, record)) {
        return;
    }
    bool has_begun = decision_state(d, record->node)->state == NODE_RUNNING ||
                     decision_state(d, record->node)->state == NODE_STOPPING;
    bool was_tried = decision_state(d, record->node)->is_retrying;
    record->attempt += has_begun || was_tried ? 0u : 1u; /* it begins and ends in this decision */
    if (is_over_memory(d, record) && !is_room_coming(d, record)) {
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

void decision_fail_node(const struct decision *d, uint32_t node, const struct document *failure)
{
    struct record record = decision_node_record(d, RECORD_NODE_ENDED, node);
    record.node_state = NODE_FAILED;
    record.outcome = OUTCOME_ERROR;
    record.error = failure;
    record.attempt = record.attempt == 0 ? 1 : record.attempt;
    decision_end_node(d, &record);
}

void decision_fail_done(const struct decision *d, const struct record *end,
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

void decision_fail_node_for(const struct decision *d, uint32_t node, const char *code,
                            const struct error *err)
{
    struct document *failure = decision_failure(d, code, err);
    decision_fail_node(d, node, failure);
    document_unref(failure);
}
