/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/plan_notes.h"

#include "core/base/quantity.h"
#include "core/cli/body_text.h"
#include "core/cli/terminal.h"
#include "core/engine/stream_copy.h"
#include "core/expr/expr.h"
#include "core/expr/template.h"
#include "core/model/catalogue.h"
#include "core/model/pipeline.h"
#include "core/value/json.h"
#include "core/value/value.h"

enum { SHOWN = 6 };

/* Begins a clause. */
static void begin(struct strbuf *out, size_t start)
{
    strbuf_append_text(out, out->n > start ? "; " : "");
}

static void append_duration(int64_t ms, struct strbuf *out)
{
    char text[QUANTITY_TEXT_SIZE];
    quantity_format_duration(ms, text);
    strbuf_append_text(out, text);
}

/* ---- when it runs ---- */

static void append_source(const struct pipeline *pipeline, const struct edge *edge,
                          struct strbuf *out)
{
    struct strbuf way = STRBUF_INIT;
    terminal_append_safe(out, pipeline->nodes[edge->source].id);
    body_text_append_way(pipeline, edge, &way);
    if (way.n > 0) {
        strbuf_append_text(out, " (");
        strbuf_append_str(out, strbuf_str(&way));
        strbuf_append_char(out, ')');
    }
    out->failed = out->failed || strbuf_status(&way) != 0;
    strbuf_finish(&way);
}

/* "after a, b (bug if x > 1)"; "may not run: only after a (bug) or b". */
static void append_after(const struct pipeline *pipeline, const struct node *node, bool is_sure,
                         struct strbuf *out)
{
    const char *between = is_sure ? ", " : node->join == JOIN_ALL ? " and " : " or ";
    for (uint32_t i = 0; i < node->in_count && i < SHOWN; i++) {
        strbuf_append_text(out, i > 0 ? between : is_sure ? "after " : "may not run: only after ");
        append_source(pipeline, &pipeline->edges[pipeline->in_edges[node->first_in + i]], out);
    }
    if (node->in_count > SHOWN) {
        strbuf_append_format(out, "%s%u more", is_sure ? " and " : between, node->in_count - SHOWN);
    }
}

static void append_stream(const struct pipeline *pipeline, const struct node *node, bool is_sure,
                          struct strbuf *out, size_t start)
{
    if (node->for_each == NULL || node->for_each->stream == PIPELINE_NO_NODE) {
        return;
    }
    begin(out, start);
    if (is_sure) {
        strbuf_append_text(out, "starts with the first item of ");
    } else {
        strbuf_append_text(out, "may not run: only beside ");
    }
    terminal_append_safe(out, pipeline->nodes[node->for_each->stream].id);
}

static void append_conditions(const struct node *node, bool is_sure, struct strbuf *out,
                              size_t start)
{
    if (node->when != NULL) {
        begin(out, start);
        strbuf_append_text(out, "skipped unless ");
        terminal_append_line(out, expr_source(node->when));
    }
    if (is_sure && node->in_count > 1 && node->join != JOIN_DEFAULT) {
        begin(out, start);
        strbuf_append_text(out, node->join == JOIN_ANY ? "needs any of them" : "needs all of them");
    }
}

/* ---- what it decides ---- */

static void append_routes(const struct pipeline *pipeline, const struct node *node,
                          struct strbuf *out, size_t start)
{
    for (uint32_t i = 0; i < node->route_count && i < SHOWN; i++) {
        begin(out, start);
        terminal_append_safe(out, pipeline->outcomes[node->routes[i].outcome]);
        strbuf_append_text(out, " if ");
        terminal_append_line(out, expr_source(node->routes[i].when));
    }
    if (node->route_count > SHOWN) {
        begin(out, start);
        strbuf_append_format(out, "%u more routes", node->route_count - SHOWN);
    }
    begin(out, start);
    if (node->default_outcome != 0) {
        strbuf_append_text(out, "else ");
        terminal_append_safe(out, pipeline->outcomes[node->default_outcome]);
    } else {
        strbuf_append_text(out, "fails if no route is taken");
    }
}

static void append_ends(const struct pipeline *pipeline, uint32_t index, struct strbuf *out,
                        size_t start)
{
    for (uint32_t i = body_text_first_end(pipeline, index);
         i < pipeline->end_count && pipeline->ends[i].node == index; i++) {
        begin(out, start);
        terminal_append_safe(out, pipeline->outcomes[pipeline->ends[i].outcome]);
        strbuf_append_text(out, " ends as '");
        terminal_append_safe(out, pipeline->ends[i].name);
        strbuf_append_char(out, '\'');
    }
}

static void append_choices(const struct pipeline *pipeline, uint32_t index, struct strbuf *out,
                           size_t start)
{
    const struct node *node = &pipeline->nodes[index];
    if (node->kind == NODE_CONDITIONAL && node->condition != NULL) {
        begin(out, start);
        strbuf_append_text(out, "true if ");
        terminal_append_line(out, expr_source(node->condition));
    } else if (node->kind == NODE_ROUTER) {
        append_routes(pipeline, node, out, start);
    }
    append_ends(pipeline, index, out, start);
}

/* ---- states ---- */

static void append_transition(const struct pipeline *pipeline, const struct edge *edge,
                              struct strbuf *out, size_t start)
{
    begin(out, start);
    body_text_append_way(pipeline, edge, out);
    strbuf_append_text(out, " -> ");
    terminal_append_safe(out, pipeline->nodes[edge->target].id);
}

static void append_state(const struct pipeline *pipeline, uint32_t index, struct strbuf *out,
                         size_t start)
{
    const struct node *node = &pipeline->nodes[index];
    if (pipeline->bodies[node->body].initial == index) {
        begin(out, start);
        strbuf_append_text(out, "begins here");
    }
    if (node->kind == NODE_IDLE && node->out_count > 0) {
        begin(out, start);
        strbuf_append_text(out, "waits for an event");
    }
    for (uint32_t i = 0; i < node->out_count; i++) {
        append_transition(pipeline, &pipeline->edges[node->first_out + i], out, start);
    }
    if (node->out_count == 0) {
        begin(out, start);
        strbuf_append_text(out, node->is_failed_end ? "the run ends here, as failed"
                                                    : "the run ends here");
    }
}

/* ---- how it runs ---- */

static void append_loop(const struct pipeline *pipeline, const struct node *node,
                        struct strbuf *out, size_t start)
{
    if (node->for_each == NULL) {
        return;
    }
    begin(out, start);
    body_text_append_over(pipeline, node, out);
    strbuf_append_text(out, ", ");
    body_text_append_bounds(pipeline, node, out);
}

static void append_wait(const struct node *node, struct strbuf *out, size_t start)
{
    static const struct {
        const char *key;
        const char *before;
        const char *after;
    } ways[] = {{"seconds", "waits ", " s"},
                {"until", "waits until ", ""},
                {"event", "waits for the event ", ""}};
    const struct value *config = template_source(node->config);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        const struct value *value = value_get(config, str_from(ways[i].key));
        if (value == NULL) {
            continue;
        }
        begin(out, start);
        strbuf_append_text(out, ways[i].before);
        if (value_is(value, VALUE_STRING)) {
            terminal_append_safe(out, value_str(value));
        } else {
            terminal_append_json(out, value, JSON_COMPACT);
        }
        strbuf_append_text(out, ways[i].after);
    }
    if (node->match != NULL) {
        strbuf_append_text(out, " if ");
        terminal_append_line(out, expr_source(node->match));
    }
}

/* Which pipeline it is, unless the type says so, and whether its end is waited for. */
static void append_child(const struct node *node, struct strbuf *out, size_t start)
{
    const struct value *config = template_source(node->config);
    const struct value *id = value_get(config, STR("workflow"));
    const struct value *wait = value_get(config, STR("wait"));
    if (node->child.n == 0 && value_is(id, VALUE_STRING)) {
        begin(out, start);
        strbuf_append_text(out, "runs the pipeline ");
        terminal_append_safe(out, value_str(id));
    }
    if (value_is(wait, VALUE_BOOL) && !value_bool(wait)) {
        begin(out, start);
        strbuf_append_text(out, "does not wait for its end");
    }
}

/* A result with more of them is not kept. */
static void append_items(const struct node *node, struct strbuf *out)
{
    if (node_has_stream(node)) {
        strbuf_append_format(out, ", with up to %d items", STREAM_COPY_ITEMS);
    }
}

/* What answers in place of its call. */
static void append_stand_ins(const struct pipeline *pipeline, const struct node *node,
                             struct strbuf *out, size_t start)
{
    if (node->cache != NULL) {
        begin(out, start);
        strbuf_append_text(out, "answers are good for ");
        append_duration(node->cache->ttl_ms, out);
        append_items(node, out);
    }
    if (node->fallback == NULL) {
        return;
    }
    begin(out, start);
    switch (node->fallback->kind) {
    case FALLBACK_VALUE:
        strbuf_append_text(out, "falls back to a value");
        return;
    case FALLBACK_NODE:
        strbuf_append_text(out, "falls back to ");
        terminal_append_safe(out, pipeline->nodes[node->fallback->node].id);
        return;
    case FALLBACK_CACHE:
        strbuf_append_text(out, "falls back to its last result, at most ");
        append_duration(node->fallback->max_age_ms, out);
        strbuf_append_text(out, " old");
        append_items(node, out);
        return;
    }
}

static void append_bounds(const struct node *node, struct strbuf *out, size_t start)
{
    if (node->repeat != NULL) {
        begin(out, start);
        body_text_append_repeat(node, out);
    }
    if (node->timeout_ms > 0) {
        begin(out, start);
        strbuf_append_text(out, "at most ");
        append_duration(node->timeout_ms, out);
    }
    if (node->concurrency > 0) {
        begin(out, start);
        strbuf_append_format(out, "%u at once in all runs", node->concurrency);
    }
    if (node->on_error == ON_ERROR_CONTINUE) {
        begin(out, start);
        strbuf_append_text(out, "goes on after a failure");
    }
}

static void append_check(const struct pipeline *pipeline, const struct node *node,
                         struct strbuf *out, size_t start)
{
    int64_t interval_ms = pipeline->monitoring.health_check_interval_ms;
    if (interval_ms > 0 && (node->type->flags & NODE_TYPE_CHECKS) != 0) {
        begin(out, start);
        strbuf_append_text(out, "its service is checked every ");
        append_duration(interval_ms, out);
    }
}

static void append_undoing(const struct pipeline *pipeline, const struct node *node,
                           struct strbuf *out, size_t start)
{
    if (node->compensate == 0) {
        return;
    }
    const struct node *undo = &pipeline->nodes[pipeline->bodies[node->compensate].first_node];
    begin(out, start);
    strbuf_append_text(out, "undone by ");
    body_text_append_type(undo, out);
    strbuf_append_text(out, " (risk: ");
    strbuf_append_str(out, body_text_risk(undo));
    strbuf_append_text(out, pipeline->has_rollback ? ")" : "), but only with 'rollback: true'");
}

void plan_notes_append(const struct pipeline *pipeline, uint32_t index, bool is_sure,
                       struct strbuf *out)
{
    const struct node *node = &pipeline->nodes[index];
    size_t start = out->n;
    if (pipeline->bodies[node->body].kind == BODY_GRAPH) {
        append_after(pipeline, node, is_sure, out);
        append_stream(pipeline, node, is_sure || node->in_count > 0, out, start);
        append_conditions(node, is_sure, out, start);
        append_choices(pipeline, index, out, start);
    } else {
        append_state(pipeline, index, out, start);
    }
    append_loop(pipeline, node, out, start);
    if (node->kind == NODE_WAIT) {
        append_wait(node, out, start);
    } else if (node->kind == NODE_WORKFLOW) {
        append_child(node, out, start);
    }
    append_bounds(node, out, start);
    append_stand_ins(pipeline, node, out, start);
    append_check(pipeline, node, out, start);
    append_undoing(pipeline, node, out, start);
    if (node->is_milestone) {
        begin(out, start);
        strbuf_append_text(out, "a milestone");
    }
    if (node->is_at_most_once) {
        begin(out, start);
        strbuf_append_text(out, "at most once");
    }
}
