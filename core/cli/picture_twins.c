/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/picture_twins.h"

#include <stdbool.h>
#include <stdlib.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/cli/body_text.h"
#include "core/expr/expr.h"
#include "core/model/pipeline.h"

struct twin {
    const struct pipeline *pipeline;
    uint32_t node;
    bool is_alone; /* has an inside, or ends of its own: no twin of any other */
};

static int compare_numbers(uint32_t a, uint32_t b)
{
    return a < b ? -1 : a > b ? 1 : 0;
}

static int compare_conditions(const struct expr *a, const struct expr *b)
{
    if (a == NULL || b == NULL) {
        return (a != NULL) - (b != NULL);
    }
    return str_compare(expr_source(a), expr_source(b));
}

static int compare_edges(const struct edge *a, const struct edge *b, bool is_in)
{
    int order = is_in ? compare_numbers(a->source, b->source)
                      : compare_numbers(a->target, b->target);
    if (order == 0) {
        order = compare_numbers(a->outcome, b->outcome);
    }
    return order != 0 ? order : compare_conditions(a->when, b->when);
}

static int compare_neighbours(const struct pipeline *pipeline, const struct node *a,
                              const struct node *b)
{
    int order = compare_numbers(a->in_count, b->in_count);
    if (order == 0) {
        order = compare_numbers(a->out_count, b->out_count);
    }
    for (uint32_t i = 0; order == 0 && i < a->in_count; i++) {
        order = compare_edges(&pipeline->edges[pipeline->in_edges[a->first_in + i]],
                              &pipeline->edges[pipeline->in_edges[b->first_in + i]], true);
    }
    for (uint32_t i = 0; order == 0 && i < a->out_count; i++) {
        order = compare_edges(&pipeline->edges[a->first_out + i],
                              &pipeline->edges[b->first_out + i], false);
    }
    return order;
}

static int compare_kinds(const struct twin *a, const struct twin *b)
{
    if (a->is_alone || b->is_alone) {
        return a->is_alone != b->is_alone ? (int)a->is_alone - (int)b->is_alone
                                          : compare_numbers(a->node, b->node);
    }
    return compare_neighbours(a->pipeline, &a->pipeline->nodes[a->node],
                              &a->pipeline->nodes[b->node]);
}

static int compare_twins(const void *left, const void *right)
{
    const struct twin *a = left;
    const struct twin *b = right;
    int order = compare_kinds(a, b);
    return order != 0 ? order : compare_numbers(a->node, b->node);
}

static void mark_run(const struct picture_twins *twins, const struct body *body,
                     const struct twin *sorted, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) {
        uint32_t local = sorted[i].node - body->first_node;
        twins->nodes[i] = sorted[i].node;
        twins->first[local] = count < PICTURE_TWINS_LEAST ? i : first;
        twins->count[local] = count < PICTURE_TWINS_LEAST ? 1 : count;
    }
}

int picture_twins_find(struct arena *arena, const struct pipeline *pipeline, uint32_t index,
                       struct picture_twins *out_twins)
{
    const struct body *body = &pipeline->bodies[index];
    size_t size = (size_t)body->node_count + 1;
    struct picture_twins twins = {
        .nodes = arena_calloc(arena, size, sizeof(*twins.nodes)),
        .first = arena_calloc(arena, size, sizeof(*twins.first)),
        .count = arena_calloc(arena, size, sizeof(*twins.count)),
    };
    struct twin *sorted = arena_calloc(arena, size, sizeof(*sorted));
    if (twins.nodes == NULL || twins.first == NULL || twins.count == NULL || sorted == NULL) {
        return E_NOMEM;
    }
    for (uint32_t i = 0; i < body->node_count; i++) {
        uint32_t node = body->first_node + i;
        const struct node *n = &pipeline->nodes[node];
        bool is_alone = body->kind == BODY_STATES || n->own_body != 0 || n->has_readers ||
                        body_text_has_end(pipeline, node);
        sorted[i] = (struct twin){.pipeline = pipeline, .node = node, .is_alone = is_alone};
    }
    qsort(sorted, body->node_count, sizeof(*sorted), compare_twins);
    uint32_t first = 0;
    for (uint32_t i = 1; i <= body->node_count; i++) {
        if (i == body->node_count || compare_kinds(&sorted[first], &sorted[i]) != 0) {
            mark_run(&twins, body, sorted, first, i - first);
            first = i;
        }
    }
    *out_twins = twins;
    return 0;
}
