/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's own node types: they end in the decision that starts them, but for `wait`, which
 * ends when its timer fires.
 */
#include "core/engine/inline_types.h"

#include <math.h>

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/quantity.h"
#include "core/engine/decision.h"
#include "core/engine/decision_end.h"
#include "core/engine/failure.h"
#include "core/engine/run_state.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

/* ---- the engine's own types ---- */

/* The name of the end that an outcome leads to, when no node has it; empty otherwise. */
static struct str named_end(const struct decision *d, uint32_t node, uint32_t outcome)
{
    const struct pipeline *pipeline = d->run->pipeline;
    for (uint32_t i = 0; i < pipeline->end_count; i++) {
        if (pipeline->ends[i].node == node && pipeline->ends[i].outcome == outcome) {
            return pipeline->ends[i].name;
        }
    }
    return STR("");
}

/* Ends a branching node: {key: value, end?}. `result` < 0 gives the outcome's name as text. */
static void complete_branch(const struct decision *d, uint32_t node, uint32_t outcome, int result)
{
    struct builder *b = builder_create();
    builder_map_begin(b);
    if (result >= 0) {
        builder_member_bool(b, STR("result"), result == 1);
    } else {
        builder_member_string(b, STR("route"), d->run->pipeline->outcomes[outcome]);
    }
    struct str end = named_end(d, node, outcome);
    if (end.n > 0) {
        builder_member_string(b, STR("end"), end);
    }
    builder_map_end(b);
    struct document *output = NULL;
    if (builder_finish(b, &output, NULL) != 0) {
        d->batch->has_failed = true;
        return;
    }
    decision_end_with_output(d, node, outcome, output);
    document_unref(output);
}

/* Whether the i-th in edge gives an output, and whose. */
static const struct document *taken_output(const struct decision *d, const struct node *def,
                                           uint32_t i, uint32_t *out_source)
{
    const struct pipeline *pipeline = d->run->pipeline;
    uint32_t edge = pipeline->in_edges[def->first_in + i];
    *out_source = pipeline->edges[edge].source;
    return *frame_edge(d->frame, edge) == EDGE_TAKEN ? decision_state(d, *out_source)->output
                                                     : NULL;
}

/* The map of the outputs of all sources that were taken. */
static void pass_several(const struct decision *d, uint32_t node)
{
    const struct node *def = decision_node(d, node);
    struct error err = {0};
    struct document *gathered = NULL;
    struct builder *b = builder_create();
    builder_map_begin(b);
    for (uint32_t i = 0; i < def->in_count; i++) {
        uint32_t source = 0;
        const struct document *output = taken_output(d, def, i, &source);
        if (output != NULL) {
            builder_key(b, decision_node(d, source)->id);
            builder_embed(b, output, document_root(output));
        }
    }
    builder_map_end(b);
    if (builder_finish(b, &gathered, &err) != 0) {
        decision_end_failed_for(d, node, FAILURE_LIMIT, &err);
        return;
    }
    decision_end_with_output(d, node, OUTCOME_SUCCESS, gathered);
    document_unref(gathered);
}

/* One source that was taken: its output; several: the map of theirs; a root: the input. */
void inline_passthrough(const struct decision *d, uint32_t node)
{
    const struct node *def = decision_node(d, node);
    const struct document *only = def->in_count == 0 ? d->run->input : document_empty_map();
    uint32_t count = 0;
    for (uint32_t i = 0; i < def->in_count && count < 2; i++) {
        uint32_t source = 0;
        const struct document *output = taken_output(d, def, i, &source);
        if (output != NULL) {
            only = output;
            count++;
        }
    }
    if (count > 1) {
        pass_several(d, node);
        return;
    }
    decision_end_with_output(d, node, OUTCOME_SUCCESS, only);
}

void inline_set(const struct decision *d, uint32_t node)
{
    struct error err = {0};
    struct document *output = NULL;
    if (decision_resolve(d, node, decision_node(d, node)->config, &output, &err) != 0) {
        decision_end_failed_for(d, node, FAILURE_EXPRESSION, &err);
        return;
    }
    decision_end_with_output(d, node, OUTCOME_SUCCESS, output);
    document_unref(output);
}

void inline_conditional(const struct decision *d, uint32_t node)
{
    struct error err = {0};
    bool holds = false;
    if (decision_evaluate(d, node, decision_node(d, node)->condition, &holds, &err) != 0) {
        decision_end_failed_for(d, node, FAILURE_EXPRESSION, &err);
        return;
    }
    complete_branch(d, node, holds ? OUTCOME_TRUE : OUTCOME_FALSE, holds ? 1 : 0);
}

void inline_router(const struct decision *d, uint32_t node)
{
    const struct node *def = decision_node(d, node);
    for (uint32_t i = 0; i < def->route_count; i++) {
        struct error err = {0};
        bool holds = false;
        if (decision_evaluate(d, node, def->routes[i].when, &holds, &err) != 0) {
            error_prefix(&err, "route '%.*s': ",
                         STR_ARG(d->run->pipeline->outcomes[def->routes[i].outcome]));
            decision_end_failed_for(d, node, FAILURE_EXPRESSION, &err);
            return;
        }
        if (holds) {
            complete_branch(d, node, def->routes[i].outcome, -1);
            return;
        }
    }
    if (def->default_outcome != 0) {
        complete_branch(d, node, def->default_outcome, -1);
        return;
    }
    struct document *failure = decision_create_failure(d, FAILURE_NO_ROUTE,
                                                       STR("no route's condition is true"),
                                                       "add 'default:' to the router's config");
    decision_end_failed(d, node, failure);
    document_unref(failure);
}

/* A text as it is, another value as JSON, `otherwise` for none. False when out of memory. */
static bool append_text(const struct value *value, const char *otherwise, struct strbuf *out)
{
    if (value == NULL) {
        strbuf_append_text(out, otherwise);
    } else if (value_is(value, VALUE_STRING)) {
        strbuf_append_str(out, value_str(value));
    } else {
        json_write(value, JSON_COMPACT, out);
    }
    return strbuf_status(out) == 0;
}

void inline_fail(const struct decision *d, uint32_t node)
{
    struct error err = {0};
    struct document *config = NULL;
    struct strbuf message = STRBUF_INIT;
    struct strbuf code = STRBUF_INIT;
    if (decision_resolve(d, node, decision_node(d, node)->config, &config, &err) != 0) {
        decision_end_failed_for(d, node, FAILURE_EXPRESSION, &err);
        return;
    }
    const struct value *root = document_root(config);
    if (!append_text(value_get(root, STR("message")), "failed", &message) ||
        !append_text(value_get(root, STR("code")), FAILURE_FAILED, &code)) {
        d->batch->has_failed = true;
    } else {
        const char *code_text = strbuf_str(&code).n > 0 ? code.p : FAILURE_FAILED;
        struct document *failure =
            decision_create_failure(d, code_text, strbuf_str(&message), NULL);
        decision_end_failed(d, node, failure);
        document_unref(failure);
    }
    strbuf_finish(&message);
    strbuf_finish(&code);
    document_unref(config);
}

/* ---- wait ---- */

static int wait_due(const struct value *config, int64_t ready_at, int64_t *out_due,
                    struct error *err)
{
    const struct value *seconds = value_get(config, STR("seconds"));
    const struct value *until = value_get(config, STR("until"));
    if (value_is(seconds, VALUE_INT) || value_is(seconds, VALUE_DOUBLE)) {
        double ms = value_number(seconds) * 1000.0;
        if (!(ms >= 0.0) || ms > 1e14) {
            return error_set(err, E_INVALID, "'seconds' must be 0 to 100,000,000,000");
        }
        *out_due = ready_at + (int64_t)llround(ms);
        return 0;
    }
    if (seconds != NULL) {
        return error_set(err, E_INVALID, "'seconds' must be a number, not %s",
                         value_type_name(value_type(seconds)));
    }
    struct clock_time time = {0};
    if (!value_is(until, VALUE_STRING) || clock_parse_rfc3339(value_str(until), &time) != 0) {
        return error_set(err, E_INVALID,
                         "'until' must be a time like '2025-01-31T14:22:33Z' (RFC 3339)");
    }
    *out_due = time.seconds * 1000 + (time.nanos + 999999) / 1000000;
    return 0;
}

/* The name of the event to wait for as a document; NULL: it waits for a time. Owned. */
static struct document *event_name(const struct decision *d, const struct value *config)
{
    const struct value *event = value_get(config, STR("event"));
    struct document *name = NULL;
    if (!value_is(event, VALUE_STRING)) {
        return NULL;
    }
    struct builder *b = builder_create();
    builder_copy(b, event);
    d->batch->has_failed |= builder_finish(b, &name, NULL) != 0;
    return name;
}

/* When a wait for an event is over at the latest; INT64_MAX: never. */
static int event_due(const struct decision *d, uint32_t node, const struct value *config,
                     int64_t *out_due, struct error *err)
{
    const struct value *timeout = value_get(config, STR("timeout"));
    int64_t ms = decision_node(d, node)->timeout_ms;
    int64_t own_ms = 0;
    if (value_is(timeout, VALUE_STRING)) {
        int status = quantity_parse_duration(value_str(timeout), &own_ms, err);
        if (status != 0) {
            return status;
        }
        if (own_ms == 0) {
            return error_set(err, E_INVALID, "'timeout' must be more than 0, not '%.*s'",
                             STR_ARG(value_str(timeout)));
        }
        ms = ms > 0 && ms < own_ms ? ms : own_ms;
    }
    *out_due = ms > 0 ? d->now + ms : INT64_MAX;
    return 0;
}

static void start_wait(const struct decision *d, uint32_t node, const struct document *event,
                       enum timer_kind timer, int64_t due)
{
    struct record record = decision_node_record(d, RECORD_NODE_STARTED, node);
    record.attempt++;
    record.output = event;
    record.due_unix_ms = due < INT64_MAX ? due : 0;
    record.is_due_timeout = timer == TIMER_NODE_TIMEOUT;
    batch_add_record(d->batch, &record);
    if (due < INT64_MAX) {
        decision_add_effect(d, (struct effect){.type = EFFECT_ARM_TIMER,
                                               .node = node,
                                               .attempt = record.attempt,
                                               .timer = timer,
                                               .at_unix_ms = due});
    }
}

void inline_wait(const struct decision *d, uint32_t node)
{
    struct error err = {0};
    struct document *config = NULL;
    if (decision_resolve(d, node, decision_node(d, node)->config, &config, &err) != 0) {
        decision_end_failed_for(d, node, FAILURE_EXPRESSION, &err);
        return;
    }
    int64_t due = 0;
    int64_t timeout_ms = decision_node(d, node)->timeout_ms;
    struct document *event = event_name(d, document_root(config));
    int status = event != NULL ? event_due(d, node, document_root(config), &due, &err)
                               : wait_due(document_root(config), decision_state(d, node)->ready_at,
                                          &due, &err);
    bool is_cut = event != NULL || (timeout_ms > 0 && due > d->now + timeout_ms);
    if (status != 0) {
        decision_end_failed_for(d, node, FAILURE_CONFIG, &err);
    } else if (event == NULL && is_cut) {
        start_wait(d, node, NULL, TIMER_NODE_TIMEOUT, d->now + timeout_ms);
    } else {
        start_wait(d, node, event, is_cut ? TIMER_NODE_TIMEOUT : TIMER_WAIT, due);
    }
    document_unref(event);
    document_unref(config);
}

void inline_wait_end(const struct decision *d, uint32_t node)
{
    struct builder *b = builder_create();
    builder_map_begin(b);
    double seconds = (double)(d->now - decision_state(d, node)->started_at) / 1000.0;
    builder_member_double(b, STR("waited_seconds"), seconds);
    builder_map_end(b);
    struct document *output = NULL;
    if (builder_finish(b, &output, NULL) != 0) {
        d->batch->has_failed = true;
        return;
    }
    decision_end_with_output(d, node, OUTCOME_SUCCESS, output);
    document_unref(output);
}
