/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/pipeline_compare.h"

#include <stdio.h>
#include <string.h>

#include "core/expr/expr.h"
#include "core/expr/template.h"
#include "core/model/catalogue.h"
#include "core/model/pipeline.h"
#include "core/value/schema.h"
#include "core/value/value.h"

/* Returns the text of what does not agree. */
#define AGREES(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            return #condition;                                                                     \
        }                                                                                          \
    } while (0)

/* ---- expressions ---- */

static bool is_same_expr(const struct expr *a, const struct expr *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    if (!str_equal(expr_source(a), expr_source(b)) ||
        expr_reference_count(a) != expr_reference_count(b)) {
        return false;
    }
    for (size_t i = 0; i < expr_reference_count(a); i++) {
        if (expr_reference_at(a, i)->slot != expr_reference_at(b, i)->slot) {
            return false;
        }
    }
    return true;
}

static bool is_same_template(const struct template *a, const struct template *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    bool is_same = value_equal(template_source(a), template_source(b)) &&
                   template_expr_count(a) == template_expr_count(b);
    for (size_t i = 0; is_same && i < template_expr_count(a); i++) {
        struct str pointers[2] = {{0}};
        size_t offsets[2] = {0};
        is_same = is_same_expr(template_expr_at(a, i, &pointers[0], &offsets[0]),
                               template_expr_at(b, i, &pointers[1], &offsets[1])) &&
                  str_equal(pointers[0], pointers[1]) && offsets[0] == offsets[1];
    }
    return is_same;
}

static bool is_same_place(struct place a, struct place b)
{
    return a.line == b.line && a.column == b.column && a.file == b.file;
}

/* ---- nodes ---- */

static const char *compare_for_each(const struct for_each *a, const struct for_each *b)
{
    AGREES((a == NULL) == (b == NULL));
    if (a == NULL) {
        return NULL;
    }
    AGREES(is_same_expr(a->items, b->items) && is_same_template(a->list, b->list));
    AGREES(a->stream == b->stream && a->next_reader == b->next_reader);
    AGREES(str_equal(a->as, b->as) && a->is_batch == b->is_batch);
    AGREES(a->stops_at_limit == b->stops_at_limit && a->batch_size == b->batch_size);
    AGREES(a->parallel_workers == b->parallel_workers && a->max_parallel == b->max_parallel);
    AGREES(a->max_iterations == b->max_iterations && a->max_failures == b->max_failures);
    AGREES(a->max_failures_percent <= b->max_failures_percent &&
           a->max_failures_percent >= b->max_failures_percent);
    AGREES(is_same_expr(a->until, b->until) && a->collect == b->collect);
    AGREES(is_same_expr(a->reduce, b->reduce) && is_same_template(a->init, b->init));
    return NULL;
}

static const char *compare_repeat(const struct repeat *a, const struct repeat *b)
{
    AGREES((a == NULL) == (b == NULL));
    if (a == NULL) {
        return NULL;
    }
    AGREES(is_same_expr(a->until, b->until) && a->max_iterations == b->max_iterations);
    AGREES(a->delay_ms == b->delay_ms && a->interval_ms == b->interval_ms);
    AGREES(a->duration_ms == b->duration_ms);
    return NULL;
}

static const char *compare_routes(const struct node *a, const struct node *b)
{
    AGREES(a->route_count == b->route_count && a->default_outcome == b->default_outcome);
    for (uint32_t i = 0; i < a->route_count; i++) {
        AGREES(a->routes[i].outcome == b->routes[i].outcome);
        AGREES(is_same_expr(a->routes[i].when, b->routes[i].when));
    }
    AGREES(is_same_expr(a->condition, b->condition));
    return NULL;
}

static const char *compare_ways(const struct node *a, const struct node *b)
{
    AGREES(a->first_out == b->first_out && a->out_count == b->out_count);
    AGREES(a->first_in == b->first_in && a->in_count == b->in_count && a->layer == b->layer);
    AGREES(a->body == b->body && a->own_body == b->own_body && a->compensate == b->compensate);
    AGREES(a->has_readers == b->has_readers && a->first_reader == b->first_reader);
    AGREES(a->is_chained == b->is_chained && a->is_failed_end == b->is_failed_end);
    return NULL;
}

static const char *compare_nodes(const struct node *a, const struct node *b)
{
    AGREES(str_equal(a->id, b->id) && str_equal(a->name, b->name) && a->kind == b->kind);
    AGREES(str_equal(a->type->name, b->type->name) && is_same_place(a->place, b->place));
    AGREES(is_same_expr(a->when, b->when) && a->join == b->join && a->on_error == b->on_error);
    AGREES(a->is_at_most_once == b->is_at_most_once);
    AGREES(a->is_milestone == b->is_milestone && a->is_told == b->is_told &&
           a->has_error_edge == b->has_error_edge);
    AGREES(a->timeout_ms == b->timeout_ms && a->concurrency == b->concurrency);
    AGREES(a->limits.memory_bytes == b->limits.memory_bytes);
    AGREES(a->limits.output_bytes == b->limits.output_bytes);
    AGREES(a->limits.wall_ms == b->limits.wall_ms && a->limits.cpu_ms == b->limits.cpu_ms);
    AGREES(a->limits.file_bytes == b->limits.file_bytes);
    AGREES(a->limits.open_files == b->limits.open_files);
    AGREES(a->limits.processes == b->limits.processes);
    AGREES(str_equal(a->child, b->child) && a->risk == b->risk);
    AGREES(is_same_expr(a->match, b->match) && is_same_template(a->config, b->config));
    const char *differs = compare_ways(a, b);
    differs = differs != NULL ? differs : compare_routes(a, b);
    differs = differs != NULL ? differs : compare_for_each(a->for_each, b->for_each);
    return differs != NULL ? differs : compare_repeat(a->repeat, b->repeat);
}

/* ---- pipelines ---- */

static const char *compare_edges(const struct edge *a, const struct edge *b)
{
    AGREES(a->source == b->source && a->target == b->target && a->outcome == b->outcome);
    AGREES(is_same_expr(a->when, b->when) && is_same_place(a->place, b->place));
    return NULL;
}

static const char *compare_bodies(const struct body *a, const struct body *b)
{
    AGREES(a->kind == b->kind && a->owner == b->owner);
    AGREES(a->first_node == b->first_node && a->node_count == b->node_count);
    AGREES(a->first_edge == b->first_edge && a->edge_count == b->edge_count);
    AGREES(a->initial == b->initial && a->max_transitions == b->max_transitions);
    AGREES(is_same_template(a->output, b->output) && a->is_single == b->is_single);
    AGREES(str_equal(a->what, b->what) && is_same_place(a->place, b->place));
    return NULL;
}

static const char *compare_texts(const struct pipeline *a, const struct pipeline *b)
{
    AGREES(str_equal(a->id, b->id) && str_equal(a->name, b->name));
    AGREES(str_equal(a->version, b->version) && str_equal(a->description, b->description));
    AGREES(str_equal(a->file, b->file) && str_equal(a->source, b->source));
    AGREES((a->input_schema == NULL) == (b->input_schema == NULL));
    AGREES(a->input_schema == NULL ||
           value_equal(schema_source(a->input_schema), schema_source(b->input_schema)));
    AGREES(value_equal(document_root(a->config), document_root(b->config)));
    AGREES(value_equal(document_root(a->labels), document_root(b->labels)));
    AGREES(a->retention.keep_ms == b->retention.keep_ms);
    AGREES(a->retention.keep_failed_ms == b->retention.keep_failed_ms);
    AGREES(a->retention.max_runs == b->retention.max_runs);
    return NULL;
}

static const char *compare_settings(const struct pipeline *a, const struct pipeline *b)
{
    AGREES(a->is_continue_on_error == b->is_continue_on_error && a->timeout_ms == b->timeout_ms);
    AGREES(a->max_parallel_nodes == b->max_parallel_nodes && a->max_memory_mb == b->max_memory_mb);
    AGREES(a->on_failure == b->on_failure && a->on_cancel == b->on_cancel);
    AGREES(a->on_success == b->on_success && a->finally == b->finally);
    AGREES(memcmp(a->notices, b->notices, sizeof(a->notices)) == 0);
    AGREES(a->has_rollback == b->has_rollback && a->refuses_rollback == b->refuses_rollback);
    AGREES(is_same_template(a->output, b->output));
    AGREES(a->integration_count == b->integration_count);
    for (uint32_t i = 0; i < a->integration_count; i++) {
        const struct integration *x = &a->integrations[i];
        const struct integration *y = &b->integrations[i];
        AGREES(str_equal(x->plugin, y->plugin) && is_same_template(x->settings, y->settings));
        AGREES(x->concurrency == y->concurrency && x->timeout_ms == y->timeout_ms);
        AGREES(is_same_place(x->place, y->place));
    }
    return NULL;
}

static const char *compare_lists(const struct pipeline *a, const struct pipeline *b)
{
    AGREES(a->outcome_count == b->outcome_count && a->end_count == b->end_count);
    AGREES(a->secret_count == b->secret_count);
    for (uint32_t i = 0; i < a->outcome_count; i++) {
        AGREES(str_equal(a->outcomes[i], b->outcomes[i]));
    }
    for (uint32_t i = 0; i < a->secret_count; i++) {
        AGREES(str_equal(a->secrets[i], b->secrets[i]));
    }
    AGREES(str_equal(a->hosts, b->hosts));
    for (uint32_t i = 0; i < a->end_count; i++) {
        AGREES(a->ends[i].node == b->ends[i].node && a->ends[i].outcome == b->ends[i].outcome);
        AGREES(str_equal(a->ends[i].name, b->ends[i].name));
    }
    return NULL;
}

static const char *compare_graphs(const struct pipeline *a, const struct pipeline *b,
                                  uint32_t *out_at)
{
    const char *differs = NULL;
    AGREES(a->node_count == b->node_count && a->edge_count == b->edge_count);
    AGREES(a->body_count == b->body_count);
    for (uint32_t i = 0; i < a->node_count && differs == NULL; i++) {
        *out_at = i;
        AGREES(a->order[i] == b->order[i]);
        differs = compare_nodes(&a->nodes[i], &b->nodes[i]);
    }
    for (uint32_t i = 0; i < a->edge_count && differs == NULL; i++) {
        *out_at = i;
        AGREES(a->in_edges[i] == b->in_edges[i]);
        differs = compare_edges(&a->edges[i], &b->edges[i]);
    }
    for (uint32_t i = 0; i < a->body_count && differs == NULL; i++) {
        *out_at = i;
        differs = compare_bodies(&a->bodies[i], &b->bodies[i]);
    }
    return differs;
}

static bool compare_one(const struct pipeline *a, const struct pipeline *b, char *text, size_t size)
{
    uint32_t at = 0;
    const char *differs = compare_texts(a, b);
    differs = differs != NULL ? differs : compare_settings(a, b);
    differs = differs != NULL ? differs : compare_lists(a, b);
    differs = differs != NULL ? differs : compare_graphs(a, b, &at);
    if (differs != NULL) {
        (void)snprintf(text, size, "pipeline '%.*s', [%u]: not %s", STR_ARG(a->id), at, differs);
    }
    return differs == NULL;
}

bool pipeline_compare(const struct pipeline *a, const struct pipeline *b, char *text, size_t size)
{
    if (a == NULL || b == NULL) {
        (void)snprintf(text, size, "one of them is a profile");
        return a == b;
    }
    bool is_same = compare_one(a, b, text, size);
    for (uint32_t i = 0; is_same && i < a->node_count; i++) {
        struct str child = a->nodes[i].child;
        const struct pipeline *x = child.n > 0 ? pipeline_find_other(a, child) : NULL;
        const struct pipeline *y = child.n > 0 ? pipeline_find_other(b, child) : NULL;
        if ((x == NULL) != (y == NULL)) {
            (void)snprintf(text, size, "only one has the workflow '%.*s'", STR_ARG(child));
            return false;
        }
        is_same = x == NULL || compare_one(x, y, text, size);
    }
    return is_same;
}
