/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order within layers: sweeps down and up put each vertex at the mean place of its neighbours
 * in the layer before; neighbours in a layer are swapped where that saves crossings; the best
 * order that was seen is kept. The number of sweeps shrinks as graphs grow.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/cli/layer_graph.h"

enum {
    MOST_SWEEPS = 24,
    MOST_WITHOUT_GAIN = 6,
    MOST_SWAP_ROUNDS = 4,
    SCALE = 1024,
    MOST_PAIRS = 4096, /* of neighbours that are compared for one swap */
};
static const uint32_t work_bound = 3000000;

struct sort_item {
    int64_t key;
    uint32_t tie;
    uint32_t vertex;
};

struct ordering {
    uint32_t *cursors; /* of each vertex */
    uint32_t *best;    /* a copy of graph.order */
    uint32_t *tree;    /* sums, for counting */
    struct sort_item *items;
};

static int ordering_init(struct ordering *work, struct layer_graph *graph)
{
    size_t count = (size_t)graph->vertex_count + graph->layer_count + 2;
    graph->order = arena_calloc(graph->arena, count, sizeof(*graph->order));
    graph->first =
        arena_calloc(graph->arena, (size_t)graph->layer_count + 2, sizeof(*graph->first));
    graph->ups = arena_calloc(graph->arena, (size_t)graph->segment_count + 1, sizeof(*graph->ups));
    graph->downs =
        arena_calloc(graph->arena, (size_t)graph->segment_count + 1, sizeof(*graph->downs));
    work->cursors = arena_calloc(graph->arena, count, sizeof(*work->cursors));
    work->best = arena_calloc(graph->arena, count, sizeof(*work->best));
    work->tree = arena_calloc(graph->arena, count + 1, sizeof(*work->tree));
    work->items = arena_calloc(graph->arena, count, sizeof(*work->items));
    bool is_made = graph->order != NULL && graph->first != NULL && graph->ups != NULL &&
                   graph->downs != NULL && work->cursors != NULL && work->best != NULL &&
                   work->tree != NULL && work->items != NULL;
    return is_made ? 0 : E_NOMEM;
}

/* Room for each vertex's segments, in the order of the edges at first. */
static void list_neighbours(struct layer_graph *graph)
{
    for (uint32_t i = 0; i < graph->segment_count; i++) {
        graph->vertices[graph->segments[i].upper].down_count++;
        graph->vertices[graph->segments[i].lower].up_count++;
    }
    uint32_t up = 0;
    uint32_t down = 0;
    for (uint32_t i = 0; i < graph->vertex_count; i++) {
        struct layer_vertex *vertex = &graph->vertices[i];
        vertex->first_up = up;
        vertex->first_down = down;
        up += vertex->up_count;
        down += vertex->down_count;
        vertex->up_count = 0;
        vertex->down_count = 0;
    }
    for (uint32_t i = 0; i < graph->segment_count; i++) {
        struct layer_vertex *upper = &graph->vertices[graph->segments[i].upper];
        struct layer_vertex *lower = &graph->vertices[graph->segments[i].lower];
        graph->downs[upper->first_down + upper->down_count++] = i;
        graph->ups[lower->first_up + lower->up_count++] = i;
    }
}

void layer_order_sort_neighbours(struct layer_graph *graph, uint32_t *cursors)
{
    memset(cursors, 0, graph->vertex_count * sizeof(*cursors));
    for (uint32_t k = 0; k < graph->vertex_count; k++) {
        const struct layer_vertex *vertex = &graph->vertices[graph->order[k]];
        for (uint32_t i = 0; i < vertex->up_count; i++) {
            uint32_t segment = graph->ups[vertex->first_up + i];
            uint32_t upper = graph->segments[segment].upper;
            graph->downs[graph->vertices[upper].first_down + cursors[upper]++] = segment;
        }
    }
    memset(cursors, 0, graph->vertex_count * sizeof(*cursors));
    for (uint32_t k = 0; k < graph->vertex_count; k++) {
        const struct layer_vertex *vertex = &graph->vertices[graph->order[k]];
        for (uint32_t i = 0; i < vertex->down_count; i++) {
            uint32_t segment = graph->downs[vertex->first_down + i];
            uint32_t lower = graph->segments[segment].lower;
            graph->ups[graph->vertices[lower].first_up + cursors[lower]++] = segment;
        }
    }
}

static void put_last(struct layer_graph *graph, struct ordering *work, uint32_t index)
{
    struct layer_vertex *vertex = &graph->vertices[index];
    vertex->position = work->cursors[vertex->layer]++;
    graph->order[graph->first[vertex->layer] + vertex->position] = index;
}

/* A depth-first walk: branches lie beside each other from the start. */
static void walk_from(struct layer_graph *graph, struct ordering *work, bool *is_seen,
                      uint32_t root)
{
    uint32_t *stack = work->tree; /* free until crossings are counted */
    uint32_t depth = 0;
    is_seen[root] = true;
    put_last(graph, work, root);
    stack[depth++] = root;
    while (depth > 0) {
        const struct layer_vertex *vertex = &graph->vertices[stack[depth - 1]];
        uint32_t *next = &work->best[stack[depth - 1]];
        if (*next == vertex->down_count) {
            depth--;
            continue;
        }
        uint32_t lower = graph->segments[graph->downs[vertex->first_down + (*next)++]].lower;
        if (!is_seen[lower]) {
            is_seen[lower] = true;
            put_last(graph, work, lower);
            stack[depth++] = lower;
        }
    }
}

static int find_first_order(struct layer_graph *graph, struct ordering *work)
{
    bool *is_seen = arena_calloc(graph->arena, (size_t)graph->vertex_count + 1, sizeof(*is_seen));
    if (is_seen == NULL) {
        return E_NOMEM;
    }
    for (uint32_t i = 0; i < graph->vertex_count; i++) {
        graph->first[graph->vertices[i].layer + 1]++;
    }
    for (uint32_t i = 0; i < graph->layer_count; i++) {
        graph->first[i + 1] += graph->first[i];
    }
    for (uint32_t i = 0; i < graph->vertex_count; i++) {
        if (!is_seen[i] && graph->vertices[i].up_count == 0) {
            walk_from(graph, work, is_seen, i);
        }
    }
    return 0;
}

/* Pairs of segments below `layer` that cross: inversions, counted with a tree of sums. */
static uint64_t count_below(const struct layer_graph *graph, uint32_t layer, uint32_t *tree)
{
    uint32_t size = graph->first[layer + 2] - graph->first[layer + 1];
    uint64_t crossings = 0;
    uint32_t seen = 0;
    memset(tree, 0, ((size_t)size + 1) * sizeof(*tree));
    for (uint32_t k = graph->first[layer]; k < graph->first[layer + 1]; k++) {
        const struct layer_vertex *vertex = &graph->vertices[graph->order[k]];
        for (uint32_t i = 0; i < vertex->down_count; i++) {
            uint32_t segment = graph->downs[vertex->first_down + i];
            uint32_t at = graph->vertices[graph->segments[segment].lower].position + 1;
            uint32_t before = 0;
            for (uint32_t j = at; j > 0; j -= j & (~j + 1)) {
                before += tree[j];
            }
            crossings += seen - before;
            seen++;
            for (uint32_t j = at; j <= size; j += j & (~j + 1)) {
                tree[j]++;
            }
        }
    }
    return crossings;
}

static uint64_t count_crossings(const struct layer_graph *graph, struct ordering *work)
{
    uint64_t crossings = 0;
    for (uint32_t layer = 0; layer + 1 < graph->layer_count; layer++) {
        crossings += count_below(graph, layer, work->tree);
    }
    return crossings;
}

static int compare_items(const void *left, const void *right)
{
    const struct sort_item *a = left;
    const struct sort_item *b = right;
    if (a->key != b->key) {
        return a->key < b->key ? -1 : 1;
    }
    return a->tie < b->tie ? -1 : 1;
}

/* The mean place of the neighbours in the layer above or below, times SCALE. */
static int64_t mean_place(const struct layer_graph *graph, const struct layer_vertex *vertex,
                          bool is_down, uint32_t neighbour_size, uint32_t own_size)
{
    uint32_t count = is_down ? vertex->up_count : vertex->down_count;
    int64_t sum = 0;
    if (count == 0) {
        return (int64_t)vertex->position * SCALE * neighbour_size / own_size;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t other = is_down ? graph->segments[graph->ups[vertex->first_up + i]].upper
                                 : graph->segments[graph->downs[vertex->first_down + i]].lower;
        sum += graph->vertices[other].position;
    }
    return sum * SCALE / count;
}

static void order_layer(struct layer_graph *graph, struct ordering *work, uint32_t layer,
                        bool is_down, bool is_tie_reversed)
{
    uint32_t first = graph->first[layer];
    uint32_t size = graph->first[layer + 1] - first;
    uint32_t other = is_down ? layer - 1 : layer + 1;
    uint32_t other_size = graph->first[other + 1] - graph->first[other];
    for (uint32_t i = 0; i < size; i++) {
        uint32_t vertex = graph->order[first + i];
        work->items[i] = (struct sort_item){
            .key = mean_place(graph, &graph->vertices[vertex], is_down, other_size, size),
            .tie = is_tie_reversed ? size - i : i,
            .vertex = vertex,
        };
    }
    qsort(work->items, size, sizeof(*work->items), compare_items);
    for (uint32_t i = 0; i < size; i++) {
        graph->order[first + i] = work->items[i].vertex;
        graph->vertices[work->items[i].vertex].position = i;
    }
}

static void sweep(struct layer_graph *graph, struct ordering *work, uint32_t round)
{
    bool is_down = round % 2 == 0;
    bool is_tie_reversed = round % 4 >= 2;
    for (uint32_t k = 1; k < graph->layer_count; k++) {
        uint32_t layer = is_down ? k : graph->layer_count - 1 - k;
        order_layer(graph, work, layer, is_down, is_tie_reversed);
    }
}

/* Crossings of the segments of a and b when a is left of b, minus those when b is left of a. */
static int64_t count_gain(const struct layer_graph *graph, const struct layer_vertex *a,
                          const struct layer_vertex *b)
{
    int64_t gain = 0;
    if ((uint64_t)a->up_count * b->up_count + (uint64_t)a->down_count * b->down_count >
        MOST_PAIRS) {
        return 0;
    }
    for (uint32_t i = 0; i < a->up_count; i++) {
        uint32_t left = graph->segments[graph->ups[a->first_up + i]].upper;
        for (uint32_t j = 0; j < b->up_count; j++) {
            uint32_t right = graph->segments[graph->ups[b->first_up + j]].upper;
            uint32_t x = graph->vertices[left].position;
            uint32_t y = graph->vertices[right].position;
            gain += (x > y) - (x < y);
        }
    }
    for (uint32_t i = 0; i < a->down_count; i++) {
        uint32_t left = graph->segments[graph->downs[a->first_down + i]].lower;
        for (uint32_t j = 0; j < b->down_count; j++) {
            uint32_t right = graph->segments[graph->downs[b->first_down + j]].lower;
            uint32_t x = graph->vertices[left].position;
            uint32_t y = graph->vertices[right].position;
            gain += (x > y) - (x < y);
        }
    }
    return gain;
}

static bool swap_in_layer(struct layer_graph *graph, uint32_t layer)
{
    bool is_better = false;
    for (uint32_t k = graph->first[layer]; k + 1 < graph->first[layer + 1]; k++) {
        uint32_t left = graph->order[k];
        uint32_t right = graph->order[k + 1];
        if (count_gain(graph, &graph->vertices[left], &graph->vertices[right]) > 0) {
            graph->order[k] = right;
            graph->order[k + 1] = left;
            graph->vertices[right].position--;
            graph->vertices[left].position++;
            is_better = true;
        }
    }
    return is_better;
}

static void swap_neighbours(struct layer_graph *graph)
{
    bool is_better = true;
    for (unsigned round = 0; is_better && round < MOST_SWAP_ROUNDS; round++) {
        is_better = false;
        for (uint32_t layer = 0; layer < graph->layer_count; layer++) {
            is_better = swap_in_layer(graph, layer) || is_better;
        }
    }
}

static void take_best(struct layer_graph *graph, struct ordering *work)
{
    memcpy(graph->order, work->best, graph->vertex_count * sizeof(*graph->order));
    for (uint32_t layer = 0; layer < graph->layer_count; layer++) {
        for (uint32_t k = graph->first[layer]; k < graph->first[layer + 1]; k++) {
            graph->vertices[graph->order[k]].position = k - graph->first[layer];
        }
    }
    layer_order_sort_neighbours(graph, work->cursors);
}

static void improve(struct layer_graph *graph, struct ordering *work)
{
    uint32_t sweeps = work_bound / (graph->vertex_count + graph->segment_count + 1);
    sweeps = sweeps > MOST_SWEEPS ? MOST_SWEEPS : sweeps < 2 ? 2 : sweeps;
    layer_order_sort_neighbours(graph, work->cursors);
    uint64_t least = count_crossings(graph, work);
    uint32_t without_gain = 0;
    memcpy(work->best, graph->order, graph->vertex_count * sizeof(*work->best));
    for (uint32_t round = 0; round < sweeps && least > 0 && without_gain < MOST_WITHOUT_GAIN;
         round++) {
        sweep(graph, work, round);
        swap_neighbours(graph);
        layer_order_sort_neighbours(graph, work->cursors);
        uint64_t crossings = count_crossings(graph, work);
        without_gain++;
        if (crossings < least) {
            least = crossings;
            without_gain = 0;
            memcpy(work->best, graph->order, graph->vertex_count * sizeof(*work->best));
        }
    }
    take_best(graph, work);
}

int layer_order_run(struct layer_graph *graph)
{
    struct ordering work = {0};
    int status = ordering_init(&work, graph);
    if (status != 0) {
        return status;
    }
    list_neighbours(graph);
    status = find_first_order(graph, &work);
    if (status == 0) {
        improve(graph, &work);
    }
    return status;
}
