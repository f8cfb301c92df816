/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/plan_data.h"

#include <stdbool.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/quantity.h"
#include "core/cli/body_text.h"
#include "core/cli/plan_budget.h"
#include "core/cli/plan_children.h"
#include "core/cli/plan_policies.h"
#include "core/cli/plan_rows.h"
#include "core/cli/plan_sure.h"
#include "core/expr/expr.h"
#include "core/expr/template.h"
#include "core/model/catalogue.h"
#include "core/model/pipeline.h"
#include "core/value/builder.h"
#include "core/value/value.h"

struct plan {
    const struct pipeline *pipeline;
    struct builder *b;
    struct plan_rows rows;
    bool *is_sure;
};

/* ---- values ---- */

static void build_expr(struct builder *b, struct str key, const struct expr *expr)
{
    if (expr == NULL) {
        builder_member_null(b, key);
    } else {
        builder_member_string(b, key, expr_source(expr));
    }
}

static void build_text(struct builder *b, struct str key, struct str text)
{
    if (text.n == 0) {
        builder_member_null(b, key);
    } else {
        builder_member_string(b, key, text);
    }
}

/* 0 is none. */
static void build_seconds(struct builder *b, struct str key, int64_t ms)
{
    if (ms > 0) {
        builder_member_double(b, key, (double)ms / 1000.0);
    } else {
        builder_member_null(b, key);
    }
}

static void build_count(struct builder *b, struct str key, uint32_t count)
{
    if (count > 0) {
        builder_member_int(b, key, count);
    } else {
        builder_member_null(b, key);
    }
}

/* As it is written; null when it is not. */
static void build_written(struct builder *b, const struct node *node, const char *key)
{
    const struct value *value = value_get(template_source(node->config), str_from(key));
    builder_key(b, str_from(key));
    if (value == NULL) {
        builder_null(b);
    } else {
        builder_copy(b, value);
    }
}

/* ---- nodes ---- */

/* What answers in place of its call: only where there is something. */
static void build_stand_ins(struct builder *b, const struct node *node)
{
    static const char *const kinds[] = {
        [FALLBACK_VALUE] = "value", [FALLBACK_NODE] = "node", [FALLBACK_CACHE] = "cache"};
    if (node->cache != NULL) {
        builder_member_double(b, STR("cache_seconds"), (double)node->cache->ttl_ms / 1000.0);
    }
    if (node->fallback != NULL) {
        builder_member_string(b, STR("fallback"), str_from(kinds[node->fallback->kind]));
    }
}

static void build_edge(const struct plan *plan, const struct edge *edge, uint32_t other)
{
    builder_map_begin(plan->b);
    builder_member_string(plan->b, STR("node"), plan->pipeline->nodes[other].id);
    builder_member_string(plan->b, STR("outcome"),
                          edge->is_fallback ? STR("fallback")
                                            : plan->pipeline->outcomes[edge->outcome]);
    build_expr(plan->b, STR("when"), edge->when);
    builder_map_end(plan->b);
}

static void build_after(const struct plan *plan, const struct node *node)
{
    const struct pipeline *pipeline = plan->pipeline;
    builder_key(plan->b, STR("after"));
    builder_list_begin(plan->b);
    for (uint32_t i = 0; i < node->in_count; i++) {
        const struct edge *edge = &pipeline->edges[pipeline->in_edges[node->first_in + i]];
        build_edge(plan, edge, edge->source);
    }
    builder_list_end(plan->b);
}

static void build_transitions(const struct plan *plan, const struct node *node)
{
    builder_key(plan->b, STR("transitions"));
    builder_list_begin(plan->b);
    for (uint32_t i = 0; i < node->out_count; i++) {
        const struct edge *edge = &plan->pipeline->edges[node->first_out + i];
        build_edge(plan, edge, edge->target);
    }
    builder_list_end(plan->b);
    builder_member_string(plan->b, STR("result"),
                          node->is_failed_end ? STR("failed") : STR("success"));
}

static void build_routes(const struct plan *plan, const struct node *node)
{
    struct builder *b = plan->b;
    builder_key(b, STR("routes"));
    builder_list_begin(b);
    for (uint32_t i = 0; i < node->route_count; i++) {
        builder_map_begin(b);
        builder_member_string(b, STR("name"), plan->pipeline->outcomes[node->routes[i].outcome]);
        build_expr(b, STR("when"), node->routes[i].when);
        builder_map_end(b);
    }
    builder_list_end(b);
    build_text(b, STR("default"),
               node->default_outcome != 0 ? plan->pipeline->outcomes[node->default_outcome]
                                          : STR(""));
}

static void build_ends(const struct plan *plan, uint32_t index)
{
    const struct pipeline *pipeline = plan->pipeline;
    builder_key(plan->b, STR("ends"));
    builder_map_begin(plan->b);
    for (uint32_t i = body_text_first_end(pipeline, index);
         i < pipeline->end_count && pipeline->ends[i].node == index; i++) {
        builder_member_string(plan->b, pipeline->outcomes[pipeline->ends[i].outcome],
                              pipeline->ends[i].name);
    }
    builder_map_end(plan->b);
}

static void build_items(const struct plan *plan, const struct for_each *loop)
{
    builder_key(plan->b, STR("items"));
    if (loop->stream != PIPELINE_NO_NODE) {
        builder_null(plan->b);
        builder_member_string(plan->b, STR("stream"), plan->pipeline->nodes[loop->stream].id);
    } else if (loop->list != NULL) {
        builder_copy(plan->b, template_source(loop->list));
    } else {
        builder_string(plan->b, expr_source(loop->items));
    }
}

static void build_loop(const struct plan *plan, const struct for_each *loop)
{
    static const char *const collects[] = {"list", "none", "count", "reduce"};
    struct builder *b = plan->b;
    builder_key(b, STR("for_each"));
    builder_map_begin(b);
    build_items(plan, loop);
    builder_member_string(b, loop->is_batch ? STR("as_batch") : STR("as"), loop->as);
    builder_member_int(b, STR("batch_size"), loop->batch_size);
    builder_member_int(b, STR("parallel_workers"), loop->parallel_workers);
    builder_member_int(b, STR("max_parallel"), loop->max_parallel);
    builder_member_int(b, STR("max_iterations"), loop->max_iterations);
    build_expr(b, STR("until"), loop->until);
    if (loop->max_failures_percent >= 0) {
        builder_member_double(b, STR("max_failures_percent"), loop->max_failures_percent);
    } else {
        builder_member_int(b, STR("max_failures"), loop->max_failures);
    }
    builder_member_string(b, STR("on_limit"), loop->stops_at_limit ? STR("stop") : STR("fail"));
    builder_member_string(b, STR("collect"), str_from(collects[loop->collect]));
    build_expr(b, STR("reduce"), loop->reduce);
    builder_map_end(b);
}

static void build_repeat(const struct plan *plan, const struct repeat *repeat)
{
    builder_key(plan->b, STR("repeat"));
    builder_map_begin(plan->b);
    build_expr(plan->b, STR("until"), repeat->until);
    if (repeat->duration_ms > 0) {
        build_seconds(plan->b, STR("duration_seconds"), repeat->duration_ms);
        build_seconds(plan->b, STR("interval_seconds"), repeat->interval_ms);
    } else {
        builder_member_int(plan->b, STR("max_iterations"), repeat->max_iterations);
        build_seconds(plan->b, STR("delay_seconds"), repeat->delay_ms);
    }
    builder_map_end(plan->b);
}

/* Seconds, but a template's text. */
static void build_wait_timeout(struct builder *b, const struct node *node)
{
    const struct value *value = value_get(template_source(node->config), STR("timeout"));
    int64_t ms = 0;
    if (value_is(value, VALUE_STRING) &&
        quantity_parse_duration(value_str(value), &ms, NULL) != 0) {
        builder_member_string(b, STR("timeout_seconds"), value_str(value));
        return;
    }
    build_seconds(b, STR("timeout_seconds"), ms);
}

static void build_wait(struct builder *b, const struct node *node)
{
    builder_key(b, STR("wait_for"));
    builder_map_begin(b);
    build_written(b, node, "seconds");
    build_written(b, node, "until");
    build_written(b, node, "event");
    build_expr(b, STR("match"), node->match);
    build_wait_timeout(b, node);
    builder_map_end(b);
}

/* The pipeline's id is a template's text when it is known only when the node runs. */
static void build_call(struct builder *b, const struct node *node)
{
    const struct value *wait = value_get(template_source(node->config), STR("wait"));
    if (node->child.n > 0) {
        builder_member_string(b, STR("workflow"), node->child);
    } else {
        build_written(b, node, "workflow");
    }
    builder_member_bool(b, STR("wait"), !value_is(wait, VALUE_BOOL) || value_bool(wait));
}

static void build_order(const struct plan *plan, uint32_t index)
{
    static const char *const joins[] = {"default", "any", "all"};
    const struct node *node = &plan->pipeline->nodes[index];
    if (plan->pipeline->bodies[node->body].kind == BODY_STATES) {
        build_transitions(plan, node);
    } else {
        builder_member_bool(plan->b, STR("may_not_run"), !plan->is_sure[index]);
        build_after(plan, node);
        builder_member_string(plan->b, STR("join"), str_from(joins[node->join]));
    }
    build_expr(plan->b, STR("when"), node->when);
    if (node->kind == NODE_ROUTER) {
        build_routes(plan, node);
    }
    if (node->condition != NULL) {
        build_expr(plan->b, STR("condition"), node->condition);
    }
    if (body_text_has_end(plan->pipeline, index)) {
        build_ends(plan, index);
    }
}

/* What runs in its place, inside it, or after it. */
static void build_work(const struct plan *plan, const struct node *node)
{
    if (node->for_each != NULL) {
        build_loop(plan, node->for_each);
    }
    if (node->repeat != NULL) {
        build_repeat(plan, node->repeat);
    }
    if (node->kind == NODE_WAIT) {
        build_wait(plan->b, node);
    } else if (node->kind == NODE_WORKFLOW) {
        build_call(plan->b, node);
    }
    if (node->compensate != 0) {
        const struct body *undo = &plan->pipeline->bodies[node->compensate];
        const struct node *by = &plan->pipeline->nodes[undo->first_node];
        builder_key(plan->b, STR("compensate"));
        builder_map_begin(plan->b);
        builder_member_string(plan->b, STR("type"), by->type->name);
        builder_member_string(plan->b, STR("risk"), body_text_risk(by));
        build_seconds(plan->b, STR("timeout_seconds"), by->timeout_ms);
        builder_map_end(plan->b);
    }
}

static size_t build_body(const struct plan *plan, size_t row, struct str key);

/* The row, and those inside it; returns the one behind. */
static size_t build_node(const struct plan *plan, size_t row)
{
    uint32_t index = plan->rows.rows[row].node;
    const struct node *node = &plan->pipeline->nodes[index];
    builder_map_begin(plan->b);
    builder_member_string(plan->b, STR("id"), node->id);
    builder_member_string(plan->b, STR("type"), node->type->name);
    builder_member_string(plan->b, STR("risk"), body_text_risk(node));
    build_order(plan, index);
    build_seconds(plan->b, STR("timeout_seconds"), node->timeout_ms);
    plan_budget_build(plan->b, node->budget);
    builder_member_string(plan->b, STR("on_error"),
                          node->on_error == ON_ERROR_CONTINUE ? STR("continue") : STR("fail"));
    build_count(plan->b, STR("max_concurrency"), node->concurrency);
    builder_member_bool(plan->b, STR("milestone"), node->is_milestone);
    plan_policies_build(plan->b, node);
    build_stand_ins(plan->b, node);
    build_work(plan, node);
    row++;
    if (node->own_body != 0) {
        row = build_body(plan, row, STR("body"));
    }
    builder_map_end(plan->b);
    return row;
}

/* ---- bodies ---- */

static bool is_in(const struct plan *plan, size_t row, uint32_t body)
{
    return row < plan->rows.count && plan->rows.rows[row].body == body &&
           plan->rows.rows[row].node != PIPELINE_NO_NODE;
}

static size_t build_steps(const struct plan *plan, size_t row, uint32_t body)
{
    builder_key(plan->b, STR("steps"));
    builder_list_begin(plan->b);
    while (is_in(plan, row, body)) {
        uint32_t step = plan->rows.rows[row].step;
        builder_list_begin(plan->b);
        while (is_in(plan, row, body) && plan->rows.rows[row].step == step) {
            row = build_node(plan, row);
        }
        builder_list_end(plan->b);
    }
    builder_list_end(plan->b);
    return row;
}

static size_t build_states(const struct plan *plan, size_t row, uint32_t index)
{
    const struct body *body = &plan->pipeline->bodies[index];
    builder_member_string(plan->b, STR("initial_state"), plan->pipeline->nodes[body->initial].id);
    builder_member_int(plan->b, STR("max_transitions"), body->max_transitions);
    builder_key(plan->b, STR("states"));
    builder_list_begin(plan->b);
    while (is_in(plan, row, index)) {
        row = build_node(plan, row);
    }
    builder_list_end(plan->b);
    return row;
}

/* Into the open map, or, with a key, as a map of its own. Nested as deep as a file may be: 64. */
static size_t build_body(const struct plan *plan, size_t row, struct str key)
{
    uint32_t body = row < plan->rows.count ? plan->rows.rows[row].body : 0;
    if (key.n > 0) {
        builder_key(plan->b, key);
        builder_map_begin(plan->b);
    }
    row = plan->pipeline->bodies[body].kind == BODY_STATES ? build_states(plan, row, body)
                                                           : build_steps(plan, row, body);
    if (key.n > 0) {
        builder_map_end(plan->b);
    }
    return row;
}

/* Endings, or behind them messages: the name of one begins with "notifications.". */
static size_t build_others(const struct plan *plan, size_t row, bool is_notice)
{
    builder_key(plan->b, is_notice ? STR("notifications") : STR("endings"));
    builder_map_begin(plan->b);
    while (row < plan->rows.count &&
           pipeline_is_notice(plan->pipeline, plan->rows.rows[row].body) == is_notice) {
        struct str what = plan->pipeline->bodies[plan->rows.rows[row].body].what;
        size_t skipped = is_notice ? sizeof("notifications.") - 1 : 0;
        row = build_body(plan, row + 1, str_make(what.p + skipped, what.n - skipped));
    }
    builder_map_end(plan->b);
    return row;
}

static void build_settings(const struct plan *plan)
{
    const struct pipeline *pipeline = plan->pipeline;
    struct builder *b = plan->b;
    builder_member_string(b, STR("workflow"), pipeline->id);
    builder_member_string(b, STR("name"), pipeline->name);
    build_text(b, STR("version"), pipeline->version);
    builder_member_string(b, STR("file"), pipeline->file);
    builder_member_int(b, STR("node_count"), pipeline->node_count);
    build_count(b, STR("max_parallel_nodes"), pipeline->max_parallel_nodes);
    build_seconds(b, STR("timeout_seconds"), pipeline->timeout_ms);
    plan_budget_build(b, pipeline->budget);
    builder_member_string(b, STR("error_policy"),
                          pipeline->is_continue_on_error ? STR("continue") : STR("stop_on_error"));
    builder_member_bool(b, STR("rollback"), pipeline->has_rollback);
    builder_key(b, STR("secrets"));
    builder_list_begin(b);
    for (uint32_t i = 0; i < pipeline->secret_count; i++) {
        builder_string(b, pipeline->secrets[i]);
    }
    builder_list_end(b);
}

/* The members of a pipeline, into the open map. */
static int build_pipeline(struct builder *b, const struct pipeline *pipeline)
{
    struct plan plan = {.pipeline = pipeline, .b = b};
    int status = plan_rows_init(&plan.rows, pipeline);
    status = status == 0 ? plan_sure_find(pipeline, &plan.is_sure) : status;
    if (status == 0) {
        build_settings(&plan);
        size_t row = build_others(&plan, build_body(&plan, 0, STR("")), false);
        (void)build_others(&plan, row, true); /* nothing comes behind */
    }
    free(plan.is_sure);
    plan_rows_finish(&plan.rows);
    return status;
}

static int build_children(struct builder *b, const struct plan_children *children)
{
    int status = 0;
    builder_key(b, STR("workflows"));
    builder_list_begin(b);
    for (size_t i = 1; i < children->count && status == 0; i++) {
        builder_map_begin(b);
        status = build_pipeline(b, children->pipelines[i]);
        builder_map_end(b);
    }
    builder_list_end(b);
    return status;
}

int plan_data_build(const struct pipeline *pipeline, struct document **out_document,
                    struct error *err)
{
    struct plan_children children;
    struct builder *b = builder_create();
    int status = plan_children_init(&children, pipeline);
    builder_map_begin(b);
    status = status == 0 ? build_pipeline(b, pipeline) : status;
    status = status == 0 ? build_children(b, &children) : status;
    builder_map_end(b);
    plan_children_finish(&children);
    if (status != 0) {
        builder_destroy(b);
        return error_nomem(err);
    }
    return builder_finish(b, out_document, err);
}
