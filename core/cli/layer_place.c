/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x, after Brandes and Köpf: vertices are aligned with the middle of their neighbours in blocks
 * that become straight lines, four times: from above and from below, leaning left and leaning
 * right. Each time blocks are packed without overlap; the mean of the two middle results is taken.
 * Where edges cross, the straight part of a long edge wins.
 *
 * Many long blocks side by side, each a little lower than the one before, make stairs that are far
 * wider than any layer. Then blocks are cut where the longest row of blocks that push each other
 * goes from one layer to another, until the picture is narrow enough: some edges get a bend.
 */
#include <limits.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/cli/layer_graph.h"

enum {
    SPACE_NODES = 32,   /* between two nodes */
    SPACE_EDGES = 18,   /* between two edges that pass */
    SPACE_BETWEEN = 24, /* between a node and an edge */
    WAYS = 4,
    NARROW = 1400,       /* what is not wider stays as it is */
    MOST_STEPS = 6000000 /* of cutting */
};

struct placing {
    uint32_t *root;   /* of the block that a vertex is in */
    uint32_t *align;  /* the next vertex of the block, round to its root */
    uint32_t *degree; /* of blocks: neighbours that are still to be placed */
    uint32_t *queue;
    uint32_t *pushed_at; /* of blocks: the member that decided their place, */
    uint32_t *pushed_by; /* and the vertex beside it; LAYER_NONE: the border */
    int *x[WAYS];
    uint64_t steps;
};

static int placing_init(struct placing *work, struct layer_graph *graph)
{
    size_t count = (size_t)graph->vertex_count + 1;
    work->root = arena_calloc(graph->arena, count, sizeof(*work->root));
    work->align = arena_calloc(graph->arena, count, sizeof(*work->align));
    work->degree = arena_calloc(graph->arena, count, sizeof(*work->degree));
    work->queue = arena_calloc(graph->arena, count, sizeof(*work->queue));
    work->pushed_at = arena_calloc(graph->arena, count, sizeof(*work->pushed_at));
    work->pushed_by = arena_calloc(graph->arena, count, sizeof(*work->pushed_by));
    bool is_made = work->root != NULL && work->align != NULL && work->degree != NULL &&
                   work->queue != NULL && work->pushed_at != NULL && work->pushed_by != NULL;
    for (int way = 0; way < WAYS; way++) {
        work->x[way] = arena_calloc(graph->arena, count, sizeof(*work->x[way]));
        is_made = is_made && work->x[way] != NULL;
    }
    return is_made ? 0 : E_NOMEM;
}

/* ---- conflicts ---- */

static bool is_inner(const struct layer_graph *graph, const struct layer_segment *segment)
{
    return graph->vertices[segment->upper].is_virtual && graph->vertices[segment->lower].is_virtual;
}

/* Marks the segments into `lower`, places `from` to `to`, that leave the range of upper places. */
static void mark_range(struct layer_graph *graph, uint32_t layer, const uint32_t range[2],
                       const uint32_t bounds[2])
{
    for (uint32_t k = range[0]; k < range[1]; k++) {
        const struct layer_vertex *lower = &graph->vertices[graph->order[graph->first[layer] + k]];
        for (uint32_t i = 0; i < lower->up_count; i++) {
            struct layer_segment *segment = &graph->segments[graph->ups[lower->first_up + i]];
            uint32_t place = graph->vertices[segment->upper].position;
            if ((place < bounds[0] || place > bounds[1]) && !is_inner(graph, segment)) {
                segment->is_conflict = true;
            }
        }
    }
}

static void mark_conflicts_above(struct layer_graph *graph, uint32_t layer)
{
    uint32_t size = graph->first[layer + 1] - graph->first[layer];
    uint32_t scanned = 0;
    uint32_t left = 0;
    for (uint32_t k = 0; k < size; k++) {
        const struct layer_vertex *lower = &graph->vertices[graph->order[graph->first[layer] + k]];
        uint32_t right = UINT32_MAX;
        if (lower->is_virtual && lower->up_count == 1) {
            const struct layer_segment *segment = &graph->segments[graph->ups[lower->first_up]];
            if (is_inner(graph, segment)) {
                right = graph->vertices[segment->upper].position;
            }
        }
        if (right == UINT32_MAX && k + 1 < size) {
            continue;
        }
        mark_range(graph, layer, (uint32_t[]){scanned, k + 1}, (uint32_t[]){left, right});
        scanned = k + 1;
        left = right;
    }
}

/* ---- blocks ---- */

static uint32_t neighbour(const struct layer_graph *graph, const struct layer_vertex *vertex,
                          bool is_down, uint32_t i, bool *out_conflict)
{
    const struct layer_segment *segment =
        is_down ? &graph->segments[graph->ups[vertex->first_up + i]]
                : &graph->segments[graph->downs[vertex->first_down + i]];
    *out_conflict = segment->is_conflict;
    return is_down ? segment->upper : segment->lower;
}

/* Aligns one vertex with a middle neighbour that none left (or right) of it has passed. */
static void align_vertex(const struct layer_graph *graph, struct placing *work, uint32_t index,
                         unsigned way, int64_t *reached)
{
    const struct layer_vertex *vertex = &graph->vertices[index];
    bool is_down = (way & 2u) == 0;
    bool is_left = (way & 1u) == 0;
    uint32_t count = is_down ? vertex->up_count : vertex->down_count;
    for (uint32_t try = 0; try < 2 && count > 0 && work->align[index] == index; try++) {
        bool takes_upper = (try == 1) == is_left;
        bool is_conflict = false;
        uint32_t other = neighbour(graph, vertex, is_down,
                                   takes_upper ? count / 2 : (count - 1) / 2, &is_conflict);
        int64_t place = graph->vertices[other].position;
        if (is_conflict || (is_left ? place <= *reached : place >= *reached)) {
            continue;
        }
        work->align[other] = index;
        work->root[index] = work->root[other];
        work->align[index] = work->root[index];
        *reached = place;
    }
}

static void make_blocks(const struct layer_graph *graph, struct placing *work, unsigned way)
{
    bool is_down = (way & 2u) == 0;
    bool is_left = (way & 1u) == 0;
    for (uint32_t i = 0; i < graph->vertex_count; i++) {
        work->root[i] = i;
        work->align[i] = i;
    }
    for (uint32_t i = 0; i < graph->layer_count; i++) {
        uint32_t layer = is_down ? i : graph->layer_count - 1 - i;
        uint32_t size = graph->first[layer + 1] - graph->first[layer];
        int64_t reached = is_left ? -1 : INT64_MAX;
        for (uint32_t k = 0; k < size; k++) {
            uint32_t place = is_left ? k : size - 1 - k;
            align_vertex(graph, work, graph->order[graph->first[layer] + place], way, &reached);
        }
    }
}

/* ---- packing ---- */

static int distance(const struct layer_vertex *a, const struct layer_vertex *b)
{
    int space = a->is_virtual != b->is_virtual ? SPACE_BETWEEN
                : a->is_virtual                ? SPACE_EDGES
                                               : SPACE_NODES;
    return (a->width + b->width) / 2 + space;
}

/* The vertex beside `vertex`, in the direction of packing; LAYER_NONE at the end. */
static uint32_t beside(const struct layer_graph *graph, uint32_t vertex, bool is_left)
{
    const struct layer_vertex *v = &graph->vertices[vertex];
    uint32_t size = graph->first[v->layer + 1] - graph->first[v->layer];
    if (is_left ? v->position + 1 == size : v->position == 0) {
        return LAYER_NONE;
    }
    uint32_t place = is_left ? v->position + 1 : v->position - 1;
    return graph->order[graph->first[v->layer] + place];
}

/* Places what lies behind the members of a block; a block whose last neighbour is placed follows.
 */
static uint32_t push_block(const struct layer_graph *graph, struct placing *work, uint32_t block,
                           unsigned way, uint32_t tail)
{
    int *x = work->x[way];
    uint32_t member = block;
    do {
        uint32_t next = beside(graph, member, (way & 1u) == 0);
        if (next != LAYER_NONE) {
            uint32_t root = work->root[next];
            int least = x[block] + distance(&graph->vertices[member], &graph->vertices[next]);
            if (least > x[root]) {
                x[root] = least;
                work->pushed_at[root] = next;
                work->pushed_by[root] = member;
            }
            if (--work->degree[root] == 0) {
                work->queue[tail++] = root;
            }
        }
        member = work->align[member];
    } while (member != block);
    return tail;
}

/* Moves a block towards what lies behind it, as far as that lets it. */
static void pull_block(const struct layer_graph *graph, struct placing *work, uint32_t block,
                       unsigned way)
{
    int *x = work->x[way];
    int most = INT_MAX;
    uint32_t member = block;
    do {
        uint32_t next = beside(graph, member, (way & 1u) == 0);
        if (next != LAYER_NONE) {
            int limit = x[work->root[next]] -
                        distance(&graph->vertices[member], &graph->vertices[next]);
            most = limit < most ? limit : most;
        }
        member = work->align[member];
    } while (member != block);
    if (most != INT_MAX && most > x[block]) {
        x[block] = most;
    }
}

/* Places all blocks as far back as they may be; returns how many there are in the queue. */
static uint32_t push_blocks(const struct layer_graph *graph, struct placing *work, unsigned way)
{
    bool is_left = (way & 1u) == 0;
    uint32_t head = 0;
    uint32_t tail = 0;
    memset(work->degree, 0, graph->vertex_count * sizeof(*work->degree));
    for (uint32_t i = 0; i < graph->vertex_count; i++) {
        uint32_t next = beside(graph, i, is_left);
        work->degree[next != LAYER_NONE ? work->root[next] : 0] += next != LAYER_NONE ? 1 : 0;
        work->pushed_by[i] = LAYER_NONE;
        work->x[way][i] = 0;
    }
    for (uint32_t i = 0; i < graph->vertex_count; i++) {
        if (work->root[i] == i && work->degree[i] == 0) {
            work->queue[tail++] = i;
        }
    }
    while (head < tail) {
        tail = push_block(graph, work, work->queue[head++], way, tail);
    }
    work->steps += graph->vertex_count;
    return tail;
}

static void pack_blocks(const struct layer_graph *graph, struct placing *work, unsigned way)
{
    bool is_left = (way & 1u) == 0;
    uint32_t tail = push_blocks(graph, work, way);
    while (tail > 0) {
        pull_block(graph, work, work->queue[--tail], way);
    }
    for (uint32_t i = 0; i < graph->vertex_count; i++) {
        if (work->root[i] != i) {
            work->x[way][i] = work->x[way][work->root[i]];
        }
    }
    for (uint32_t i = 0; i < graph->vertex_count && !is_left; i++) {
        work->x[way][i] = -work->x[way][i];
    }
}

/* ---- cutting ---- */

/* The width of the widest layer, packed tight: nothing can be narrower. */
static int least_width(const struct layer_graph *graph)
{
    int most = 0;
    for (uint32_t layer = 0; layer < graph->layer_count; layer++) {
        int width = 0;
        for (uint32_t i = graph->first[layer]; i + 1 < graph->first[layer + 1]; i++) {
            width +=
                distance(&graph->vertices[graph->order[i]], &graph->vertices[graph->order[i + 1]]);
        }
        most = width > most ? width : most;
    }
    return most;
}

/* The block that is pushed furthest. */
static uint32_t furthest_block(const struct layer_graph *graph, const struct placing *work,
                               unsigned way)
{
    uint32_t furthest = 0;
    for (uint32_t i = 0; i < graph->vertex_count; i++) {
        if (work->root[i] == i && work->x[way][i] > work->x[way][furthest]) {
            furthest = i;
        }
    }
    return furthest;
}

/* Of the two members of a block, the vertex that begins the lower half of the way between them. */
static uint32_t cut_below(const struct layer_graph *graph, const struct placing *work, uint32_t a,
                          uint32_t b)
{
    uint32_t layer = (graph->vertices[a].layer + graph->vertices[b].layer + 1) / 2;
    uint32_t member = a;
    while (graph->vertices[member].layer != layer) {
        member = work->align[member];
    }
    return member;
}

/* Marks what joins the vertex to its block, upwards. */
static void cut_above(struct layer_graph *graph, const struct placing *work, uint32_t vertex)
{
    const struct layer_vertex *lower = &graph->vertices[vertex];
    for (uint32_t i = 0; i < lower->up_count; i++) {
        struct layer_segment *segment = &graph->segments[graph->ups[lower->first_up + i]];
        if (work->root[segment->upper] == work->root[vertex]) {
            segment->is_conflict = true;
        }
    }
}

/*
 * Goes back from the furthest block along those that push each other, and cuts the one nearest to
 * the middle that is pushed in one layer and pushes in another. False: there is none.
 */
static bool cut_stairs(struct layer_graph *graph, struct placing *work, unsigned way,
                       uint32_t furthest)
{
    const int *x = work->x[way];
    int middle = x[furthest] / 2;
    int nearest = INT_MAX;
    uint32_t cut[2] = {0, 0};
    uint32_t block = furthest;
    while (work->pushed_by[block] != LAYER_NONE) {
        uint32_t leaves = work->pushed_by[block];
        uint32_t before = work->root[leaves];
        uint32_t enters = work->pushed_by[before] != LAYER_NONE ? work->pushed_at[before] : leaves;
        int off = x[before] > middle ? x[before] - middle : middle - x[before];
        if (graph->vertices[enters].layer != graph->vertices[leaves].layer && off < nearest) {
            nearest = off;
            cut[0] = enters;
            cut[1] = leaves;
        }
        block = before;
    }
    if (nearest != INT_MAX) {
        cut_above(graph, work, cut_below(graph, work, cut[0], cut[1]));
    }
    return nearest != INT_MAX;
}

/* What is cut for one way is cut for all: else their mean would have a bend for each. */
static void narrow(struct layer_graph *graph, struct placing *work)
{
    int least = least_width(graph);
    int most = least + least / 2 > NARROW ? least + least / 2 : NARROW;
    for (unsigned way = 0; way < WAYS; way++) {
        bool is_wide = true;
        while (is_wide && work->steps < MOST_STEPS) {
            make_blocks(graph, work, way);
            (void)push_blocks(graph, work, way); /* for the places alone */
            uint32_t furthest = furthest_block(graph, work, way);
            is_wide = work->x[way][furthest] > most && cut_stairs(graph, work, way, furthest);
        }
    }
}

/* ---- the mean of the ways ---- */

struct extent {
    int left;
    int right;
};

static struct extent measure(const struct layer_graph *graph, const int *x)
{
    struct extent extent = {INT_MAX, INT_MIN};
    for (uint32_t i = 0; i < graph->vertex_count; i++) {
        int half = graph->vertices[i].width / 2;
        extent.left = x[i] - half < extent.left ? x[i] - half : extent.left;
        extent.right = x[i] + half > extent.right ? x[i] + half : extent.right;
    }
    return extent;
}

/* All ways lean on the borders of the narrowest. */
static void line_up(const struct layer_graph *graph, struct placing *work)
{
    struct extent extents[WAYS];
    unsigned best = 0;
    for (unsigned way = 0; way < WAYS; way++) {
        extents[way] = measure(graph, work->x[way]);
        if (extents[way].right - extents[way].left < extents[best].right - extents[best].left) {
            best = way;
        }
    }
    for (unsigned way = 0; way < WAYS; way++) {
        int shift = (way & 1u) == 0 ? extents[best].left - extents[way].left
                                    : extents[best].right - extents[way].right;
        for (uint32_t i = 0; i < graph->vertex_count; i++) {
            work->x[way][i] += shift;
        }
    }
}

static int middle_of(const struct placing *work, uint32_t vertex)
{
    int least = INT_MAX;
    int most = INT_MIN;
    int sum = 0;
    for (unsigned way = 0; way < WAYS; way++) {
        int x = work->x[way][vertex];
        least = x < least ? x : least;
        most = x > most ? x : most;
        sum += x;
    }
    return (sum - least - most) / 2;
}

static void take_middle(struct layer_graph *graph, struct placing *work)
{
    int *x = work->x[0];
    for (uint32_t i = 0; i < graph->vertex_count; i++) {
        x[i] = middle_of(work, i);
    }
    struct extent extent = measure(graph, x);
    for (uint32_t i = 0; i < graph->vertex_count; i++) {
        graph->vertices[i].x = x[i] - extent.left;
    }
}

int layer_place_run(struct layer_graph *graph)
{
    struct placing work = {0};
    int status = placing_init(&work, graph);
    if (status != 0 || graph->vertex_count == 0) {
        return status;
    }
    for (uint32_t layer = 1; layer < graph->layer_count; layer++) {
        mark_conflicts_above(graph, layer);
    }
    narrow(graph, &work);
    for (unsigned way = 0; way < WAYS; way++) {
        make_blocks(graph, &work, way);
        pack_blocks(graph, &work, way);
    }
    line_up(graph, &work);
    take_middle(graph, &work);
    return 0;
}
