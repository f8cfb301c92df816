/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/cli/graph_layout.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/random.h"

const struct command *const command_table[] = {NULL};

enum { WIDTH = 100, HEIGHT = 50 };

struct graph {
    struct arena arena;
    struct layout layout;
};

static void graph_init(struct graph *graph, uint32_t nodes, uint32_t edges)
{
    *graph = (struct graph){0};
    graph->layout.nodes = calloc((size_t)nodes + 1, sizeof(*graph->layout.nodes));
    graph->layout.edges = calloc((size_t)edges + 1, sizeof(*graph->layout.edges));
    assert_non_null(graph->layout.nodes);
    assert_non_null(graph->layout.edges);
    graph->layout.node_count = nodes;
    for (uint32_t i = 0; i < nodes; i++) {
        graph->layout.nodes[i] = (struct layout_node){.width = WIDTH, .height = HEIGHT};
    }
}

static void graph_finish(struct graph *graph)
{
    arena_finish(&graph->arena);
    free(graph->layout.nodes);
    free(graph->layout.edges);
}

static void join(struct graph *graph, uint32_t source, uint32_t target, int label)
{
    graph->layout.edges[graph->layout.edge_count++] =
        (struct layout_edge){.source = source,
                             .target = target,
                             .label_width = label,
                             .label_height = label > 0 ? 16 : 0};
}

static void lay_out(struct graph *graph)
{
    assert_int_equal(graph_layout_run(&graph->arena, &graph->layout), 0);
}

static void assert_apart(const struct layout_node *a, const struct layout_node *b)
{
    bool is_apart = a->x + a->width <= b->x || b->x + b->width <= a->x ||
                    a->y + a->height <= b->y || b->y + b->height <= a->y;
    assert_true(is_apart);
}

static void assert_no_overlap(const struct layout *layout)
{
    for (uint32_t i = 0; i < layout->node_count; i++) {
        const struct layout_node *node = &layout->nodes[i];
        assert_true(node->x >= 0 && node->y >= 0);
        assert_true(node->x + node->width <= layout->width);
        assert_true(node->y + node->height <= layout->height);
        for (uint32_t j = 0; j < i; j++) {
            assert_apart(node, &layout->nodes[j]);
        }
    }
}

/* An edge begins at the border of its source and ends at that of its target. */
static void assert_joined(const struct layout *layout, const struct layout_edge *edge)
{
    const struct layout_node *source = &layout->nodes[edge->source];
    const struct layout_node *target = &layout->nodes[edge->target];
    const struct layout_point *points = layout->points + edge->first_point;
    bool is_down = source->y < target->y;
    const struct layout_point *last = &points[edge->point_count - 1];
    assert_true(edge->point_count >= 4 && edge->point_count % 2 == 0);
    assert_int_equal(points->y, is_down ? source->y + source->height : source->y);
    assert_int_equal(last->y, is_down ? target->y : target->y + target->height);
    assert_true(points->x > source->x && points->x < source->x + source->width);
    assert_true(last->x > target->x && last->x < target->x + target->width);
}

static void test_graph_layout__a_diamond_is_even(void **state)
{
    (void)state;
    struct graph graph;
    graph_init(&graph, 4, 4);
    join(&graph, 0, 1, 0);
    join(&graph, 0, 2, 0);
    join(&graph, 1, 3, 0);
    join(&graph, 2, 3, 0);
    lay_out(&graph);
    const struct layout_node *nodes = graph.layout.nodes;
    assert_no_overlap(&graph.layout);
    assert_int_equal(nodes[0].x, nodes[3].x);
    assert_int_equal(nodes[1].y, nodes[2].y);
    assert_int_equal(nodes[0].x - nodes[1].x, nodes[2].x - nodes[0].x);
    assert_true(nodes[0].y < nodes[1].y && nodes[1].y < nodes[3].y);
    for (uint32_t i = 0; i < 4; i++) {
        assert_joined(&graph.layout, &graph.layout.edges[i]);
    }
    graph_finish(&graph);
}

static void test_graph_layout__crossed_pairs_are_uncrossed(void **state)
{
    (void)state;
    struct graph graph;
    graph_init(&graph, 6, 3);
    join(&graph, 0, 5, 0);
    join(&graph, 1, 4, 0);
    join(&graph, 2, 3, 0);
    lay_out(&graph);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(graph.layout.nodes[i].x, graph.layout.nodes[5 - i].x);
    }
    graph_finish(&graph);
}

static void test_graph_layout__a_long_edge_passes_beside_nodes(void **state)
{
    (void)state;
    struct graph graph;
    graph_init(&graph, 4, 4);
    join(&graph, 0, 1, 0);
    join(&graph, 1, 2, 0);
    join(&graph, 2, 3, 0);
    join(&graph, 0, 3, 0);
    lay_out(&graph);
    const struct layout_edge *edge = &graph.layout.edges[3];
    const struct layout_point *points = graph.layout.points + edge->first_point;
    assert_int_equal(edge->point_count, 8);
    for (uint32_t i = 2; i < 6; i++) {
        assert_false(points[i].x >= graph.layout.nodes[1].x &&
                     points[i].x <= graph.layout.nodes[1].x + WIDTH);
    }
    graph_finish(&graph);
}

static void test_graph_layout__labels_have_room_of_their_own(void **state)
{
    (void)state;
    struct graph graph;
    graph_init(&graph, 4, 3);
    join(&graph, 0, 1, 120);
    join(&graph, 0, 2, 120);
    join(&graph, 0, 3, 120);
    lay_out(&graph);
    const struct layout_edge *edges = graph.layout.edges;
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(edges[i].label_y - 8 >= graph.layout.nodes[0].y + HEIGHT);
        assert_true(edges[i].label_y + 8 <= graph.layout.nodes[1].y);
        assert_true(edges[i].label_x >= 60 && edges[i].label_x + 60 <= graph.layout.width);
        for (uint32_t j = 0; j < i; j++) {
            assert_true(abs(edges[i].label_x - edges[j].label_x) >= 120);
        }
    }
    graph_finish(&graph);
}

static void test_graph_layout__cycles_go_back_up(void **state)
{
    (void)state;
    struct graph graph;
    graph_init(&graph, 3, 4);
    join(&graph, 0, 1, 0);
    join(&graph, 1, 2, 0);
    join(&graph, 2, 0, 40);
    join(&graph, 1, 1, 40);
    lay_out(&graph);
    assert_no_overlap(&graph.layout);
    assert_true(graph.layout.nodes[0].y < graph.layout.nodes[1].y);
    assert_true(graph.layout.nodes[1].y < graph.layout.nodes[2].y);
    assert_joined(&graph.layout, &graph.layout.edges[2]);
    const struct layout_edge *loop = &graph.layout.edges[3];
    const struct layout_node *node = &graph.layout.nodes[1];
    assert_int_equal(loop->point_count, 2);
    assert_int_equal(graph.layout.points[loop->first_point].x, node->x + WIDTH);
    assert_true(loop->label_x - 20 > node->x + WIDTH);
    assert_true(loop->label_x + 20 <= graph.layout.width);
    graph_finish(&graph);
}

static void test_graph_layout__nothing_is_nothing(void **state)
{
    (void)state;
    struct graph graph;
    graph_init(&graph, 0, 0);
    lay_out(&graph);
    assert_int_equal(graph.layout.width, 0);
    assert_int_equal(graph.layout.height, 0);
    graph_finish(&graph);
}

static void join_at_random(struct graph *graph, uint32_t edges, uint64_t seed)
{
    struct random random = {seed};
    uint32_t count = graph->layout.node_count;
    for (uint32_t i = 0; i < edges; i++) {
        join(graph, random_below(&random, count), random_below(&random, count),
             random_below(&random, 4) == 0 ? 60 : 0);
    }
    for (uint32_t i = 0; i < count; i++) {
        graph->layout.nodes[i].width += 2 * (int)random_below(&random, 80);
        graph->layout.nodes[i].height += (int)random_below(&random, 100);
    }
}

static void test_graph_layout__random_graphs_never_overlap(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct graph graph;
        uint32_t nodes = 1 + (uint32_t)seed;
        graph_init(&graph, nodes, 2 * nodes);
        join_at_random(&graph, 2 * nodes, seed);
        lay_out(&graph);
        assert_no_overlap(&graph.layout);
        for (uint32_t i = 0; i < graph.layout.edge_count; i++) {
            if (graph.layout.edges[i].source != graph.layout.edges[i].target) {
                assert_joined(&graph.layout, &graph.layout.edges[i]);
            }
        }
        graph_finish(&graph);
    }
}

static void test_graph_layout__a_graph_looks_the_same_each_time(void **state)
{
    (void)state;
    struct graph graphs[2];
    for (int k = 0; k < 2; k++) {
        graph_init(&graphs[k], 80, 160);
        join_at_random(&graphs[k], 160, 7);
        lay_out(&graphs[k]);
    }
    assert_memory_equal(graphs[0].layout.nodes, graphs[1].layout.nodes,
                        80 * sizeof(*graphs[0].layout.nodes));
    assert_memory_equal(graphs[0].layout.edges, graphs[1].layout.edges,
                        160 * sizeof(*graphs[0].layout.edges));
    graph_finish(&graphs[0]);
    graph_finish(&graphs[1]);
}

/* What follows a node is among the 12 behind it, seldom among the 60: as in a real, long pipeline.
 */
static void join_forward(struct graph *graph, uint64_t seed)
{
    struct random random = {seed};
    for (uint32_t i = 1; i < graph->layout.node_count; i++) {
        for (uint32_t k = random_below(&random, 2); k < 2; k++) {
            uint32_t most = random_below(&random, 5) == 0 ? 60 : 12;
            uint32_t back = 1 + random_below(&random, most);
            join(graph, back < i ? i - back : 0, i, random_below(&random, 4) == 0 ? 60 : 0);
        }
    }
}

/* Straight long edges would push each other to three times this width. */
static void test_graph_layout__long_edges_make_no_stairs(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct graph graph;
        graph_init(&graph, 200, 400);
        join_forward(&graph, seed);
        lay_out(&graph);
        assert_no_overlap(&graph.layout);
        assert_in_range(graph.layout.width, 1000, 2700);
        graph_finish(&graph);
    }
}

/* A chain whose first node is followed by all: fifty million places that long edges pass. */
static void test_graph_layout__very_long_edges_stay_in_proportion(void **state)
{
    (void)state;
    enum { COUNT = 10000 };
    struct graph graph;
    graph_init(&graph, COUNT, 2 * COUNT);
    for (uint32_t i = 1; i < COUNT; i++) {
        join(&graph, i - 1, i, 0);
        join(&graph, 0, i, 0);
    }
    lay_out(&graph);
    assert_joined(&graph.layout, &graph.layout.edges[graph.layout.edge_count - 1]);
    graph_finish(&graph);
}

static void test_graph_layout__each_allocation_may_fail(void **state)
{
    (void)state;
    bool is_reached = true;
    for (long n = 0; is_reached; n++) {
        struct graph graph;
        graph_init(&graph, 300, 600);
        join_at_random(&graph, 600, 3);
        failing_alloc_arm(n);
        int status = graph_layout_run(&graph.arena, &graph.layout);
        is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        graph_finish(&graph);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_graph_layout__a_diamond_is_even),
        cmocka_unit_test(test_graph_layout__crossed_pairs_are_uncrossed),
        cmocka_unit_test(test_graph_layout__a_long_edge_passes_beside_nodes),
        cmocka_unit_test(test_graph_layout__labels_have_room_of_their_own),
        cmocka_unit_test(test_graph_layout__cycles_go_back_up),
        cmocka_unit_test(test_graph_layout__nothing_is_nothing),
        cmocka_unit_test(test_graph_layout__random_graphs_never_overlap),
        cmocka_unit_test(test_graph_layout__long_edges_make_no_stairs),
        cmocka_unit_test(test_graph_layout__a_graph_looks_the_same_each_time),
        cmocka_unit_test(test_graph_layout__very_long_edges_stay_in_proportion),
        cmocka_unit_test(test_graph_layout__each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
