/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_LAYER_GRAPH_H
#define CORE_CLI_LAYER_GRAPH_H

/*
 * Layer graph: what the steps of the layout hand on to each other. Vertices are nodes, labels, and
 * the places where an edge passes a layer; segments join vertices of neighbouring layers.
 *
 * Used by:  graph_layout, layer_rank, layer_order, layer_place, layer_route.
 * Uses:     arena.
 * Threads:  [any]; one graph belongs to one thread.
 */

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct layout;

#define LAYER_NONE UINT32_MAX

struct layer_vertex {
    uint32_t layer;
    uint32_t position;   /* in its layer */
    uint32_t first_up;   /* into ups */
    uint32_t up_count;   /* segments from the layer above */
    uint32_t first_down; /* into downs */
    uint32_t down_count;
    int width;
    int height;
    int x; /* of its middle */
    bool is_virtual;
};

struct layer_segment {
    uint32_t upper; /* vertices */
    uint32_t lower;
    int upper_x; /* where it leaves the one and enters the other */
    int lower_x;
    bool is_conflict; /* it crosses a straight part of a long edge, or was cut: it need not be
                         straight */
};

/* An edge of the layout, turned so that it goes down. */
struct layer_link {
    uint32_t upper; /* vertices, which are nodes */
    uint32_t lower;
    uint32_t first_virtual; /* the vertices between them, top down */
    uint32_t virtual_count;
    uint32_t first_segment; /* virtual_count + 1 of them */
    uint32_t label;         /* the vertex of its label, or LAYER_NONE */
    bool is_reversed;       /* it was turned round */
    bool is_loop;           /* from a node to itself */
    bool is_direct;         /* too long for vertices of its own */
};

struct layer_graph {
    struct arena *arena;
    struct layer_vertex *vertices; /* the nodes first, with their indexes */
    uint32_t vertex_count;
    uint32_t node_count;
    struct layer_segment *segments;
    uint32_t segment_count;
    uint32_t *ups; /* segments by their lower vertex, left to right */
    uint32_t *downs;
    struct layer_link *links;
    uint32_t link_count;
    uint32_t *order; /* vertices by layer, left to right */
    uint32_t *first; /* of each layer in `order`, and one behind the last */
    uint32_t layer_count;
};

/* Turns edges round, gives nodes their layers, makes vertices and segments. E_NOMEM. */
int layer_rank_run(struct layer_graph *graph, const struct layout *layout);

/* Finds the order within each layer. E_NOMEM. */
int layer_order_run(struct layer_graph *graph);

/* Sorts ups and downs by the present order. `cursors`: vertex_count numbers of scratch. */
void layer_order_sort_neighbours(struct layer_graph *graph, uint32_t *cursors);

/* Finds x. E_NOMEM. */
int layer_place_run(struct layer_graph *graph);

/* Finds y and the ways of the edges, and fills the results in. E_NOMEM. */
int layer_route_run(struct layer_graph *graph, struct layout *layout);

#endif
