/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers: a depth-first walk turns the edges round that lead back to a node on the way to itself;
 * then each node lies one below the lowest of those before it. Where an edge with a label begins,
 * a layer of its own is put in for the label.
 */
#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/cli/graph_layout.h"
#include "core/cli/layer_graph.h"

enum {
    MOST_VIRTUAL = 60000, /* vertices of long edges; further edges are straight lines */
    LOOP_ROOM = 26,       /* right of a node, for an edge to itself */
};

enum visit { VISIT_NONE, VISIT_OPEN, VISIT_DONE };

struct ranking {
    uint32_t *first; /* into `links`, by the upper node, and one behind the last */
    uint32_t *links;
    uint32_t *next; /* cursors */
    uint32_t *stack;
    uint32_t *rank;
    uint32_t *layer; /* of each rank */
    unsigned char *visits;
    unsigned char *has_label; /* of each gap below a rank */
};

static int ranking_init(struct ranking *work, struct layer_graph *graph)
{
    size_t nodes = (size_t)graph->node_count + 2;
    work->first = arena_calloc(graph->arena, nodes, sizeof(*work->first));
    work->links = arena_calloc(graph->arena, (size_t)graph->link_count + 1, sizeof(*work->links));
    work->next = arena_calloc(graph->arena, nodes, sizeof(*work->next));
    work->stack = arena_calloc(graph->arena, nodes, sizeof(*work->stack));
    work->rank = arena_calloc(graph->arena, nodes, sizeof(*work->rank));
    work->layer = arena_calloc(graph->arena, nodes, sizeof(*work->layer));
    work->visits = arena_calloc(graph->arena, nodes, 1);
    work->has_label = arena_calloc(graph->arena, nodes, 1);
    bool is_made = work->first != NULL && work->links != NULL && work->next != NULL &&
                   work->stack != NULL && work->rank != NULL && work->layer != NULL &&
                   work->visits != NULL && work->has_label != NULL;
    return is_made ? 0 : E_NOMEM;
}

/* Lists the links by their upper node. Loops are in no list. */
static void sort_links(const struct layer_graph *graph, struct ranking *work)
{
    for (uint32_t i = 0; i <= graph->node_count + 1; i++) {
        work->first[i] = 0;
    }
    for (uint32_t i = 0; i < graph->link_count; i++) {
        work->first[graph->links[i].upper + 1] += graph->links[i].is_loop ? 0 : 1;
    }
    for (uint32_t i = 0; i < graph->node_count; i++) {
        work->first[i + 1] += work->first[i];
        work->next[i] = work->first[i];
    }
    for (uint32_t i = 0; i < graph->link_count; i++) {
        if (!graph->links[i].is_loop) {
            work->links[work->next[graph->links[i].upper]++] = i;
        }
    }
}

static void turn_round(struct layer_link *link)
{
    uint32_t upper = link->upper;
    link->upper = link->lower;
    link->lower = upper;
    link->is_reversed = true;
}

/* Walks from `root` and turns round what leads back to an open node. */
static void break_cycles_from(struct layer_graph *graph, struct ranking *work, uint32_t root)
{
    uint32_t depth = 0;
    work->stack[depth++] = root;
    work->visits[root] = VISIT_OPEN;
    while (depth > 0) {
        uint32_t node = work->stack[depth - 1];
        if (work->next[node] == work->first[node + 1]) {
            work->visits[node] = VISIT_DONE;
            depth--;
            continue;
        }
        struct layer_link *link = &graph->links[work->links[work->next[node]++]];
        uint32_t target = link->lower;
        if (work->visits[target] == VISIT_OPEN) {
            turn_round(link);
        } else if (work->visits[target] == VISIT_NONE) {
            work->visits[target] = VISIT_OPEN;
            work->stack[depth++] = target;
        }
    }
}

/* Beginnings first: what they lead to keeps its direction. */
static void break_cycles(struct layer_graph *graph, struct ranking *work)
{
    sort_links(graph, work);
    for (uint32_t i = 0; i < graph->link_count; i++) {
        work->rank[graph->links[i].lower] += graph->links[i].is_loop ? 0 : 1;
    }
    for (uint32_t i = 0; i < graph->node_count; i++) {
        work->next[i] = work->first[i];
    }
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < graph->node_count; i++) {
            if (work->visits[i] == VISIT_NONE && (pass == 1 || work->rank[i] == 0)) {
                break_cycles_from(graph, work, i);
            }
        }
    }
}

/* Longest ways, in topological order; `next` counts the links that are still to come. */
static uint32_t find_ranks(const struct layer_graph *graph, struct ranking *work)
{
    uint32_t head = 0;
    uint32_t tail = 0;
    uint32_t deepest = 0;
    sort_links(graph, work);
    for (uint32_t i = 0; i < graph->node_count; i++) {
        work->next[i] = 0;
        work->rank[i] = 0;
    }
    for (uint32_t i = 0; i < graph->link_count; i++) {
        work->next[graph->links[i].lower] += graph->links[i].is_loop ? 0 : 1;
    }
    for (uint32_t i = 0; i < graph->node_count; i++) {
        if (work->next[i] == 0) {
            work->stack[tail++] = i;
        }
    }
    while (head < tail) {
        uint32_t node = work->stack[head++];
        deepest = work->rank[node] > deepest ? work->rank[node] : deepest;
        for (uint32_t i = work->first[node]; i < work->first[node + 1]; i++) {
            uint32_t target = graph->links[work->links[i]].lower;
            if (work->rank[target] <= work->rank[node]) {
                work->rank[target] = work->rank[node] + 1;
            }
            if (--work->next[target] == 0) {
                work->stack[tail++] = target;
            }
        }
    }
    return deepest;
}

/* The rank below which the label of an edge stands: beside its source. */
static uint32_t label_gap(const struct layer_link *link, const struct ranking *work)
{
    return link->is_reversed ? work->rank[link->lower] - 1 : work->rank[link->upper];
}

static void find_layers(struct layer_graph *graph, const struct layout *layout,
                        struct ranking *work, uint32_t deepest)
{
    for (uint32_t i = 0; i < graph->link_count; i++) {
        if (layout->edges[i].label_width > 0 && !graph->links[i].is_loop) {
            work->has_label[label_gap(&graph->links[i], work)] = 1;
        }
    }
    uint32_t layer = 0;
    for (uint32_t rank = 0; rank <= deepest; rank++) {
        work->layer[rank] = layer;
        layer += 1u + work->has_label[rank];
    }
    graph->layer_count = graph->node_count > 0 ? work->layer[deepest] + 1 : 0;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        graph->vertices[i].layer = work->layer[work->rank[i]];
    }
}

/* How many vertices each link gets, within the bound. */
static void count_virtual(struct layer_graph *graph)
{
    uint32_t left = MOST_VIRTUAL;
    for (uint32_t i = 0; i < graph->link_count; i++) {
        struct layer_link *link = &graph->links[i];
        if (link->is_loop) {
            continue;
        }
        uint32_t count = graph->vertices[link->lower].layer - graph->vertices[link->upper].layer -
                         1;
        link->is_direct = count > left;
        link->virtual_count = link->is_direct ? 0 : count;
        left -= link->virtual_count;
        graph->vertex_count += link->virtual_count;
        graph->segment_count += link->is_direct ? 0 : link->virtual_count + 1;
    }
}

static void fill_link(struct layer_graph *graph, const struct layout_edge *edge,
                      struct layer_link *link, uint32_t label_layer)
{
    uint32_t above = link->upper;
    for (uint32_t k = 0; k < link->virtual_count; k++) {
        uint32_t vertex = link->first_virtual + k;
        uint32_t layer = graph->vertices[link->upper].layer + 1 + k;
        bool is_label = layer == label_layer;
        graph->vertices[vertex] = (struct layer_vertex){
            .layer = layer,
            .width = is_label ? edge->label_width : 0,
            .height = is_label ? edge->label_height : 0,
            .is_virtual = true,
        };
        link->label = is_label ? vertex : link->label;
        graph->segments[link->first_segment + k] =
            (struct layer_segment){.upper = above, .lower = vertex};
        above = vertex;
    }
    graph->segments[link->first_segment + link->virtual_count] =
        (struct layer_segment){.upper = above, .lower = link->lower};
}

static int make_segments(struct layer_graph *graph, const struct layout *layout,
                         const struct ranking *work)
{
    uint32_t vertex = graph->node_count;
    uint32_t segment = 0;
    graph->segments =
        arena_calloc(graph->arena, (size_t)graph->segment_count + 1, sizeof(*graph->segments));
    struct layer_vertex *vertices =
        arena_calloc(graph->arena, (size_t)graph->vertex_count + 1, sizeof(*vertices));
    if (graph->segments == NULL || vertices == NULL) {
        return E_NOMEM;
    }
    for (uint32_t i = 0; i < graph->node_count; i++) {
        vertices[i] = graph->vertices[i];
    }
    graph->vertices = vertices;
    for (uint32_t i = 0; i < graph->link_count; i++) {
        struct layer_link *link = &graph->links[i];
        if (link->is_loop || link->is_direct) {
            continue;
        }
        link->first_virtual = vertex;
        link->first_segment = segment;
        uint32_t label_layer = LAYER_NONE;
        if (layout->edges[i].label_width > 0) {
            label_layer = work->layer[label_gap(link, work)] + 1;
        }
        fill_link(graph, &layout->edges[i], link, label_layer);
        vertex += link->virtual_count;
        segment += link->virtual_count + 1;
    }
    return 0;
}

static int begin(struct layer_graph *graph, const struct layout *layout)
{
    graph->node_count = layout->node_count;
    graph->vertex_count = layout->node_count;
    graph->link_count = layout->edge_count;
    graph->vertices =
        arena_calloc(graph->arena, (size_t)graph->node_count + 1, sizeof(*graph->vertices));
    graph->links = arena_calloc(graph->arena, (size_t)graph->link_count + 1, sizeof(*graph->links));
    if (graph->vertices == NULL || graph->links == NULL) {
        return E_NOMEM;
    }
    for (uint32_t i = 0; i < graph->node_count; i++) {
        graph->vertices[i] = (struct layer_vertex){.width = layout->nodes[i].width,
                                                   .height = layout->nodes[i].height};
    }
    for (uint32_t i = 0; i < graph->link_count; i++) {
        const struct layout_edge *edge = &layout->edges[i];
        struct layer_vertex *source = &graph->vertices[edge->source];
        bool is_loop = edge->source == edge->target;
        graph->links[i] = (struct layer_link){
            .upper = edge->source,
            .lower = edge->target,
            .label = LAYER_NONE,
            .is_loop = is_loop,
        };
        source->width += is_loop ? 2 * (LOOP_ROOM + edge->label_width) : 0;
    }
    return 0;
}

int layer_rank_run(struct layer_graph *graph, const struct layout *layout)
{
    struct ranking work = {0};
    int status = begin(graph, layout);
    if (status == 0) {
        status = ranking_init(&work, graph);
    }
    if (status != 0) {
        return status;
    }
    break_cycles(graph, &work);
    uint32_t deepest = find_ranks(graph, &work);
    find_layers(graph, layout, &work, deepest);
    count_virtual(graph);
    return make_segments(graph, layout, &work);
}
