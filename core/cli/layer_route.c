/* SPDX-License-Identifier: Apache-2.0 */
/*
 * y and the ways of edges: layers below each other, the more room between them the further their
 * edges go sideways; edges leave and enter a node side by side.
 */
#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/cli/graph_layout.h"
#include "core/cli/layer_graph.h"

enum {
    GAP_NODES = 40,
    GAP_LABEL = 20,
    GAP_MOST = 110,
    SLOPE = 10,      /* pixels sideways for one more downwards */
    PORT_SPACE = 22, /* between edges at a node */
    ROW_MOST = 90,   /* nodes up to this height stand on the middle of their row */
    LOOP_SIDE = 26,
};

struct layer_band {
    int top;
    int bottom;
    int row; /* the height of its small nodes */
    bool has_label;
};

struct routing {
    struct layer_band *bands;
    struct layout_point *points;
    uint32_t count;
};

/* Where the edges leave a node, from left to right. */
static int port_x(const struct layer_vertex *vertex, int width, uint32_t i, uint32_t count)
{
    int most = width * 7 / 10;
    int span = count > 1 ? (int)(count - 1) * PORT_SPACE : 0;
    if (count <= 1) {
        return vertex->x;
    }
    span = span > most || span < 0 ? most : span;
    return vertex->x - span / 2 + (int)((int64_t)span * i / (count - 1));
}

static void find_ports(struct layer_graph *graph, const struct layout *layout)
{
    for (uint32_t v = 0; v < graph->vertex_count; v++) {
        const struct layer_vertex *vertex = &graph->vertices[v];
        int width = v < graph->node_count ? layout->nodes[v].width : 0;
        for (uint32_t i = 0; i < vertex->down_count; i++) {
            graph->segments[graph->downs[vertex->first_down + i]].upper_x =
                port_x(vertex, width, i, vertex->down_count);
        }
        for (uint32_t i = 0; i < vertex->up_count; i++) {
            graph->segments[graph->ups[vertex->first_up + i]].lower_x =
                port_x(vertex, width, i, vertex->up_count);
        }
    }
}

static void measure_bands(const struct layer_graph *graph, struct layer_band *bands)
{
    for (uint32_t v = 0; v < graph->vertex_count; v++) {
        const struct layer_vertex *vertex = &graph->vertices[v];
        struct layer_band *band = &bands[vertex->layer];
        bool is_small = vertex->height <= ROW_MOST;
        band->row = is_small && vertex->height > band->row ? vertex->height : band->row;
        band->bottom = vertex->height > band->bottom ? vertex->height : band->bottom;
        band->has_label = band->has_label || (vertex->is_virtual && vertex->height > 0);
    }
}

/* How far the edges below each layer go sideways. */
static int *measure_gaps(const struct layer_graph *graph)
{
    int *gaps = arena_calloc(graph->arena, (size_t)graph->layer_count + 1, sizeof(*gaps));
    for (uint32_t i = 0; gaps != NULL && i < graph->segment_count; i++) {
        const struct layer_segment *segment = &graph->segments[i];
        int sideways = segment->upper_x - segment->lower_x;
        sideways = sideways < 0 ? -sideways : sideways;
        int *gap = &gaps[graph->vertices[segment->upper].layer];
        *gap = sideways > *gap ? sideways : *gap;
    }
    return gaps;
}

static int place_bands(const struct layer_graph *graph, struct layer_band *bands)
{
    int *gaps = measure_gaps(graph);
    if (gaps == NULL) {
        return E_NOMEM;
    }
    int y = 0;
    for (uint32_t layer = 0; layer < graph->layer_count; layer++) {
        bands[layer].top = y;
        bands[layer].bottom += y;
        bool is_label = bands[layer].has_label ||
                        (layer + 1 < graph->layer_count && bands[layer + 1].has_label);
        int gap = (is_label ? GAP_LABEL : GAP_NODES) + gaps[layer] / SLOPE;
        y = bands[layer].bottom + (gap > GAP_MOST ? GAP_MOST : gap);
    }
    return 0;
}

static void place_nodes(const struct layer_graph *graph, const struct layer_band *bands,
                        struct layout *layout)
{
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct layer_vertex *vertex = &graph->vertices[i];
        const struct layer_band *band = &bands[vertex->layer];
        struct layout_node *node = &layout->nodes[i];
        node->x = vertex->x - node->width / 2;
        node->y = band->top + (node->height < band->row ? (band->row - node->height) / 2 : 0);
        int right = vertex->x + (vertex->width + 1) / 2;
        layout->width = right > layout->width ? right : layout->width;
    }
    for (uint32_t i = graph->node_count; i < graph->vertex_count; i++) {
        int right = graph->vertices[i].x + (graph->vertices[i].width + 1) / 2;
        layout->width = right > layout->width ? right : layout->width;
    }
    layout->height = graph->layer_count > 0 ? bands[graph->layer_count - 1].bottom : 0;
}

static void add_point(struct routing *work, int x, int y)
{
    work->points[work->count++] = (struct layout_point){x, y};
}

static void route_loop(struct routing *work, const struct layout_node *node,
                       struct layout_edge *edge)
{
    int right = node->x + node->width;
    int middle = node->y + node->height / 2;
    add_point(work, right, middle - 9);
    add_point(work, right, middle + 9);
    edge->label_x = right + LOOP_SIDE + edge->label_width / 2;
    edge->label_y = middle;
}

static void route_down(const struct layer_graph *graph, struct routing *work,
                       const struct layer_link *link, struct layout *layout)
{
    const struct layout_node *upper = &layout->nodes[link->upper];
    const struct layout_node *lower = &layout->nodes[link->lower];
    const struct layer_segment *first = &graph->segments[link->first_segment];
    add_point(work, first->upper_x, upper->y + upper->height);
    for (uint32_t k = 0; k <= link->virtual_count; k++) {
        const struct layer_segment *segment = &graph->segments[link->first_segment + k];
        uint32_t above = graph->vertices[segment->upper].layer;
        add_point(work, segment->upper_x, work->bands[above].bottom);
        add_point(work, segment->lower_x, work->bands[above + 1].top);
    }
    add_point(work, first[link->virtual_count].lower_x, lower->y);
}

static void route_direct(struct routing *work, const struct layer_graph *graph,
                         const struct layer_link *link, struct layout *layout)
{
    const struct layout_node *upper = &layout->nodes[link->upper];
    const struct layout_node *lower = &layout->nodes[link->lower];
    int above = graph->vertices[link->upper].x;
    int below = graph->vertices[link->lower].x;
    add_point(work, above, upper->y + upper->height);
    add_point(work, above, upper->y + upper->height);
    add_point(work, below, lower->y);
    add_point(work, below, lower->y);
}

static void turn_points(struct layout_point *points, uint32_t count)
{
    for (uint32_t i = 0; i < count / 2; i++) {
        struct layout_point point = points[i];
        points[i] = points[count - 1 - i];
        points[count - 1 - i] = point;
    }
}

static void route_link(const struct layer_graph *graph, struct routing *work, uint32_t index,
                       struct layout *layout)
{
    const struct layer_link *link = &graph->links[index];
    struct layout_edge *edge = &layout->edges[index];
    edge->first_point = work->count;
    if (link->is_loop) {
        route_loop(work, &layout->nodes[link->upper], edge);
    } else if (link->is_direct) {
        route_direct(work, graph, link, layout);
    } else {
        route_down(graph, work, link, layout);
    }
    edge->point_count = work->count - edge->first_point;
    struct layout_point *points = work->points + edge->first_point;
    if (link->is_reversed) {
        turn_points(points, edge->point_count);
    }
    if (link->label != LAYER_NONE) {
        const struct layer_vertex *label = &graph->vertices[link->label];
        const struct layer_band *band = &work->bands[label->layer];
        edge->label_x = label->x;
        edge->label_y = (band->top + band->bottom) / 2;
    } else if (link->is_direct) {
        edge->label_x = (points[0].x + points[3].x) / 2;
        edge->label_y = (points[0].y + points[3].y) / 2;
    }
}

int layer_route_run(struct layer_graph *graph, struct layout *layout)
{
    struct routing work = {0};
    size_t most = (size_t)graph->link_count * 4 + (size_t)graph->segment_count * 2 + 1;
    work.bands = arena_calloc(graph->arena, (size_t)graph->layer_count + 1, sizeof(*work.bands));
    work.points = arena_calloc(graph->arena, most, sizeof(*work.points));
    if (work.bands == NULL || work.points == NULL) {
        return E_NOMEM;
    }
    find_ports(graph, layout);
    measure_bands(graph, work.bands);
    if (place_bands(graph, work.bands) != 0) {
        return E_NOMEM;
    }
    place_nodes(graph, work.bands, layout);
    for (uint32_t i = 0; i < graph->link_count; i++) {
        route_link(graph, &work, i, layout);
    }
    layout->points = work.points;
    return 0;
}
