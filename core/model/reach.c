/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/reach.h"

#include <stdlib.h>
#include <string.h>

#include "core/model/pipeline.h"

struct reach {
    const struct pipeline *pipeline;
    size_t words;      /* of one set */
    uint64_t *before;  /* node_count sets */
    uint64_t *outputs; /* node_count sets */
    uint64_t *scratch; /* one set */
    bool *is_sure;     /* it runs, or is passed over, in every run that completes */
};

static bool has_bit(const uint64_t *set, uint32_t i)
{
    return (set[i / 64] >> (i % 64) & 1) != 0;
}

static void set_bit(uint64_t *set, uint32_t i)
{
    set[i / 64] |= UINT64_C(1) << (i % 64);
}

static void join_sets(uint64_t *set, const uint64_t *other, size_t words)
{
    for (size_t i = 0; i < words; i++) {
        set[i] |= other[i];
    }
}

static void intersect_sets(uint64_t *set, const uint64_t *other, size_t words)
{
    for (size_t i = 0; i < words; i++) {
        set[i] &= other[i];
    }
}

/* A taken edge of this kind tells that its source has an output. */
static bool tells_output(const struct edge *edge, const struct node *source)
{
    if (edge->outcome == OUTCOME_SUCCESS) {
        return source->when == NULL && source->on_error != ON_ERROR_CONTINUE;
    }
    return edge->outcome != OUTCOME_ERROR;
}

/* The edge is taken whenever `target` runs. */
static bool is_sure_edge(const struct reach *reach, const struct edge *edge,
                         const struct node *target)
{
    const struct node *source = &reach->pipeline->nodes[edge->source];
    if (target->join == JOIN_ALL) {
        return true;
    }
    return reach->is_sure[edge->source] && edge->outcome == OUTCOME_SUCCESS && edge->when == NULL &&
           (target->join == JOIN_DEFAULT || !source->has_error_edge);
}

static const struct edge *edge_in(const struct reach *reach, const struct node *node, uint32_t i)
{
    return &reach->pipeline->edges[reach->pipeline->in_edges[node->first_in + i]];
}

static bool find_sure(const struct reach *reach, const struct node *node)
{
    bool has_sure = node->in_count == 0;
    for (uint32_t i = 0; i < node->in_count; i++) {
        const struct edge *edge = edge_in(reach, node, i);
        const struct node *source = &reach->pipeline->nodes[edge->source];
        bool is_open = reach->is_sure[edge->source] && edge->outcome == OUTCOME_SUCCESS &&
                       edge->when == NULL && !source->has_error_edge;
        bool may_stop = node->join == JOIN_ALL ||
                        (node->join == JOIN_DEFAULT && source->has_error_edge);
        if (may_stop && !is_open) {
            return false;
        }
        has_sure = has_sure || is_open;
    }
    return has_sure;
}

/* What each way into the node has, and all that the ways have that are surely taken. */
static void fill_outputs(struct reach *reach, uint32_t index)
{
    const struct node *node = &reach->pipeline->nodes[index];
    uint64_t *set = reach->outputs + reach->words * index;
    uint64_t *way = reach->scratch;
    for (uint32_t i = 0; i < node->in_count; i++) {
        const struct edge *edge = edge_in(reach, node, i);
        memcpy(way, reach->outputs + reach->words * edge->source, reach->words * sizeof(*way));
        if (tells_output(edge, &reach->pipeline->nodes[edge->source])) {
            set_bit(way, edge->source);
        }
        if (i == 0) {
            memcpy(set, way, reach->words * sizeof(*way));
        } else {
            intersect_sets(set, way, reach->words);
        }
    }
    for (uint32_t i = 0; i < node->in_count; i++) {
        const struct edge *edge = edge_in(reach, node, i);
        if (is_sure_edge(reach, edge, node)) {
            join_sets(set, reach->outputs + reach->words * edge->source, reach->words);
            if (tells_output(edge, &reach->pipeline->nodes[edge->source])) {
                set_bit(set, edge->source);
            }
        }
    }
}

static void fill_node(struct reach *reach, uint32_t index)
{
    const struct node *node = &reach->pipeline->nodes[index];
    uint64_t *before = reach->before + reach->words * index;
    for (uint32_t i = 0; i < node->in_count; i++) {
        const struct edge *edge = edge_in(reach, node, i);
        join_sets(before, reach->before + reach->words * edge->source, reach->words);
        set_bit(before, edge->source);
    }
    reach->is_sure[index] = find_sure(reach, node);
    fill_outputs(reach, index);
}

struct reach *reach_create(const struct pipeline *pipeline)
{
    struct reach *reach = calloc(1, sizeof(*reach));
    if (reach == NULL) {
        return NULL;
    }
    size_t count = pipeline->node_count;
    reach->pipeline = pipeline;
    reach->words = count / 64 + 1;
    reach->before = calloc((count + 1) * reach->words, sizeof(*reach->before));
    reach->outputs = calloc((count + 1) * reach->words, sizeof(*reach->outputs));
    reach->scratch = calloc(reach->words, sizeof(*reach->scratch));
    reach->is_sure = calloc(count + 1, sizeof(*reach->is_sure));
    if (reach->before == NULL || reach->outputs == NULL || reach->scratch == NULL ||
        reach->is_sure == NULL) {
        reach_destroy(reach);
        return NULL;
    }
    for (uint32_t i = 0; i < pipeline->node_count; i++) {
        fill_node(reach, pipeline->order[i]);
    }
    return reach;
}

void reach_destroy(struct reach *reach)
{
    if (reach == NULL) {
        return;
    }
    free(reach->before);
    free(reach->outputs);
    free(reach->scratch);
    free(reach->is_sure);
    free(reach);
}

bool reach_is_before(const struct reach *reach, uint32_t before, uint32_t node)
{
    return has_bit(reach->before + reach->words * node, before);
}

bool reach_has_output(const struct reach *reach, uint32_t before, uint32_t node)
{
    return has_bit(reach->outputs + reach->words * node, before);
}

bool reach_has_output_at_end(const struct reach *reach, uint32_t node)
{
    const struct node *it = &reach->pipeline->nodes[node];
    return reach->is_sure[node] && it->when == NULL && it->on_error != ON_ERROR_CONTINUE &&
           !it->has_error_edge;
}
