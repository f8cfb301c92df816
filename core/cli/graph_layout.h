/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_GRAPH_LAYOUT_H
#define CORE_CLI_GRAPH_LAYOUT_H

/*
 * Graph layout: boxes with sizes and edges between them in, coordinates out. The layered method of
 * Sugiyama: edges that close a cycle are turned round, each node gets a layer by the longest way
 * to it, crossings are reduced layer by layer, and x comes from four alignments (Brandes, Köpf).
 * Whole numbers throughout, so that a graph looks the same on every machine.
 *
 * Used by:  graph_picture.
 * Uses:     arena.
 * Threads:  [any]; it keeps nothing.
 */

#include <stdint.h>

struct arena;

struct layout_point {
    int x;
    int y;
};

struct layout_node {
    int width;
    int height;
    int x; /* result: the upper left corner */
    int y;
};

/*
 * The points of an edge, from its source to its target: the first, then two for each gap between
 * layers that it crosses, then the last. Between the two of a gap goes a curve whose ends are
 * upright; all the rest is straight up or down. An edge from a node to itself has two points, on
 * the right side of the node.
 */
struct layout_edge {
    uint32_t source; /* index of a node */
    uint32_t target;
    int label_width; /* 0: no label */
    int label_height;
    uint32_t first_point; /* result: into layout.points */
    uint32_t point_count;
    int label_x; /* result: the middle of the label */
    int label_y;
};

struct layout {
    struct layout_node *nodes;
    uint32_t node_count;
    struct layout_edge *edges;
    uint32_t edge_count;
    const struct layout_point *points; /* result, in the arena */
    int width;                         /* result: of everything; the upper left is (0, 0) */
    int height;
};

/*
 * Lays the graph out. Edges that are very long in very large graphs become straight lines, so that
 * time and memory stay in proportion to the graph. Fails with E_NOMEM.
 */
int graph_layout_run(struct arena *arena, struct layout *layout);

#endif
