/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/decision.h"

#include <stdio.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/engine/failure.h"
#include "core/engine/queue_work.h"
#include "core/engine/run_state.h"
#include "core/engine/sanitize.h"
#include "core/engine/states.h"
#include "core/expr/template.h"
#include "core/value/builder.h"
#include "core/value/value.h"

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

/* ---- failures ---- */

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

/* All members but `key`. */
static void copy_members_but(struct builder *b, const struct document *failure, struct str key)
{
    const struct value *root = document_root(failure);
    for (size_t i = 0; value_is(root, VALUE_MAP) && i < value_count(root); i++) {
        const struct value_member *own = value_member_at(root, i);
        if (!str_equal(value_str(&own->key), key)) {
            builder_key(b, value_str(&own->key));
            builder_embed(b, failure, &own->value);
        }
    }
}

/* Memory that ran out marks the batch; the failure is then as it was. */
static struct document *finish_failure(const struct decision *d, struct builder *b,
                                       const struct document *failure)
{
    struct document *whole = NULL;
    builder_map_end(b);
    if (builder_finish(b, &whole, NULL) != 0) {
        d->batch->has_failed = true;
        return document_ref(failure);
    }
    return whole;
}

struct document *decision_with_member(const struct decision *d, const struct document *failure,
                                      struct str key, const struct document *member)
{
    struct builder *b = builder_create();
    builder_map_begin(b);
    copy_members_but(b, failure, key);
    builder_key(b, key);
    builder_embed(b, member, document_root(member));
    return finish_failure(d, b, failure);
}

struct document *decision_at_node(const struct decision *d, uint32_t node,
                                  const struct document *failure)
{
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_member_string(b, STR("node"), decision_node(d, node)->id);
    copy_members_but(b, failure, STR("node"));
    return finish_failure(d, b, failure);
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

/* ---- timers ---- */

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
