/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each state is two points: that it is visited, and that it has ended with success. What all ways
 * from the initial state to a point have in common are its dominators, a tree (Cooper, Harvey and
 * Kennedy, "A Simple, Fast Dominance Algorithm"). When the success of a state dominates another
 * state, no way leads there from a later visit of it that ended otherwise.
 */
#include "core/model/state_reach.h"

#include <stdlib.h>
#include <string.h>

#include "core/model/pipeline.h"

#define NOWHERE UINT32_MAX

struct state_reach {
    const struct pipeline *pipeline;
    uint32_t first;
    uint32_t count;
    uint32_t *order;     /* points from the initial state on, parents late: a reverse post-order */
    uint32_t *number;    /* of a point in `order`; NOWHERE: no way leads there */
    uint32_t *dominator; /* by numbers; of the first itself */
    uint32_t *enter;     /* when a walk of the tree of dominators comes to a point, by numbers */
    uint32_t *leave;
    uint32_t reached; /* points in `order` */
    uint32_t asked;   /* the state that `is_before` is about, or NOWHERE */
    bool *is_before;  /* by state */
    uint32_t *queue;
};

/* Points: state i is visited: i; has ended with success: count + i. */
static uint32_t success_of(const struct state_reach *r, uint32_t state)
{
    return r->count + state;
}

static const struct node *state_at(const struct state_reach *r, uint32_t state)
{
    return &r->pipeline->nodes[r->first + state];
}

static uint32_t way_count(const struct state_reach *r, uint32_t point)
{
    return point < r->count ? state_at(r, point)->out_count + 1
                            : state_at(r, point - r->count)->out_count;
}

/* The state has an output then: it succeeded, or waited for this event, which is its output. */
static bool leaves_output(const struct node *state, const struct edge *edge)
{
    bool is_event = state->kind == NODE_IDLE && edge->outcome >= OUTCOME_FIRST_NAMED;
    return is_event || edge->outcome == OUTCOME_SUCCESS;
}

/* The i-th point that follows `point`, or NOWHERE. */
static uint32_t way_at(const struct state_reach *r, uint32_t point, uint32_t i)
{
    bool is_success = point >= r->count;
    uint32_t state = is_success ? point - r->count : point;
    const struct node *node = state_at(r, state);
    if (i == node->out_count) {
        return success_of(r, state);
    }
    const struct edge *edge = &r->pipeline->edges[node->first_out + i];
    return leaves_output(node, edge) == is_success ? edge->target - r->first : NOWHERE;
}

/* Fills order and number by a walk in depth with a stack of its own. */
static void walk(struct state_reach *r, uint32_t *stack, uint32_t *next)
{
    uint32_t points = 2 * r->count;
    uint32_t depth = 0;
    uint32_t place = points;
    memset(r->number, 0xFF, points * sizeof(*r->number));
    stack[depth++] = r->pipeline->bodies[r->pipeline->nodes[r->first].body].initial - r->first;
    r->number[stack[0]] = 0;
    while (depth > 0) {
        uint32_t point = stack[depth - 1];
        if (next[point] == way_count(r, point)) {
            r->order[--place] = point;
            depth--;
            continue;
        }
        uint32_t to = way_at(r, point, next[point]++);
        if (to != NOWHERE && r->number[to] == NOWHERE) {
            r->number[to] = 0;
            stack[depth++] = to;
        }
    }
    r->reached = points - place;
    memmove(r->order, r->order + place, r->reached * sizeof(*r->order));
    for (uint32_t i = 0; i < r->reached; i++) {
        r->number[r->order[i]] = i;
    }
}

static uint32_t meet(const uint32_t *dominator, uint32_t a, uint32_t b)
{
    while (a != b) {
        if (a > b) {
            a = dominator[a];
        } else {
            b = dominator[b];
        }
    }
    return a;
}

/* One round over all points; true when something has changed. */
static bool find_dominators_once(struct state_reach *r)
{
    bool has_changed = false;
    for (uint32_t from = 0; from < r->reached; from++) {
        uint32_t point = r->order[from];
        for (uint32_t i = 0; i < way_count(r, point); i++) {
            uint32_t way = way_at(r, point, i);
            if (way == NOWHERE || r->number[way] == 0) {
                continue;
            }
            uint32_t to = r->number[way];
            uint32_t found =
                r->dominator[to] == NOWHERE ? from : meet(r->dominator, r->dominator[to], from);
            has_changed = has_changed || found != r->dominator[to];
            r->dominator[to] = found;
        }
    }
    return has_changed;
}

/* Numbers the tree of dominators so that one comparison tells who is below whom. */
static void number_tree(struct state_reach *r, uint32_t *size)
{
    for (uint32_t i = r->reached; i > 1; i--) {
        size[i - 1]++;
        size[r->dominator[i - 1]] += size[i - 1];
    }
    /* `leave` of a parent is where its next child enters until all have. */
    r->leave[0] = 1;
    for (uint32_t i = 1; i < r->reached; i++) {
        uint32_t parent = r->dominator[i];
        r->enter[i] = r->leave[parent];
        r->leave[parent] += size[i];
        r->leave[i] = r->enter[i] + 1;
    }
}

static bool make_room(struct state_reach *r, uint32_t **scratch)
{
    size_t points = 2 * (size_t)r->count + 1;
    uint32_t **const arrays[] = {&r->order, &r->number, &r->dominator, &r->enter,
                                 &r->leave, &r->queue,  scratch};
    bool is_whole = true;
    for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++) {
        *arrays[i] = calloc(points, sizeof(uint32_t));
        is_whole = is_whole && *arrays[i] != NULL;
    }
    r->is_before = calloc(points, sizeof(*r->is_before));
    return is_whole && r->is_before != NULL;
}

struct state_reach *state_reach_create(const struct pipeline *pipeline, uint32_t body)
{
    const struct body *states = &pipeline->bodies[body];
    struct state_reach *r = calloc(1, sizeof(*r));
    uint32_t *scratch = NULL;
    if (r == NULL) {
        return NULL;
    }
    r->pipeline = pipeline;
    r->first = states->first_node;
    r->count = states->node_count;
    r->asked = NOWHERE;
    if (!make_room(r, &scratch)) {
        free(scratch);
        state_reach_destroy(r);
        return NULL;
    }
    walk(r, r->queue, scratch);
    memset(r->dominator, 0xFF, r->reached * sizeof(*r->dominator));
    r->dominator[0] = 0;
    while (find_dominators_once(r)) {
    }
    memset(scratch, 0, (2 * (size_t)r->count + 1) * sizeof(*scratch));
    number_tree(r, scratch);
    free(scratch);
    return r;
}

void state_reach_destroy(struct state_reach *r)
{
    if (r == NULL) {
        return;
    }
    free(r->order);
    free(r->number);
    free(r->dominator);
    free(r->enter);
    free(r->leave);
    free(r->queue);
    free(r->is_before);
    free(r);
}

/* Whether all ways to the point `below` lead through `above`. */
static bool dominates(const struct state_reach *r, uint32_t above, uint32_t below)
{
    uint32_t a = r->number[above];
    uint32_t b = r->number[below];
    return a != NOWHERE && b != NOWHERE && r->enter[a] <= r->enter[b] && r->leave[b] <= r->leave[a];
}

/* All states that lead to `state`, for the questions that follow. */
static void find_before(struct state_reach *r, uint32_t state)
{
    uint32_t end = 0;
    memset(r->is_before, 0, r->count * sizeof(*r->is_before));
    r->asked = state;
    r->queue[end++] = state;
    for (uint32_t next = 0; next < end; next++) {
        const struct node *node = state_at(r, r->queue[next]);
        for (uint32_t i = 0; i < node->in_count; i++) {
            uint32_t edge = r->pipeline->in_edges[node->first_in + i];
            uint32_t source = r->pipeline->edges[edge].source - r->first;
            if (!r->is_before[source]) {
                r->is_before[source] = true;
                r->queue[end++] = source;
            }
        }
    }
}

bool state_reach_is_before(struct state_reach *r, uint32_t before, uint32_t node)
{
    uint32_t from = before - r->first;
    uint32_t to = node - r->first;
    if (from != to && dominates(r, from, to)) {
        return true;
    }
    if (r->asked != to) {
        find_before(r, to);
    }
    return r->is_before[from];
}

bool state_reach_has_output(const struct state_reach *r, uint32_t before, uint32_t node)
{
    /* One that goes on after an error goes the way of a success then. */
    return state_at(r, before - r->first)->on_error != ON_ERROR_CONTINUE &&
           dominates(r, success_of(r, before - r->first), node - r->first);
}

/*
 * Whether a machine that ends well can end there: one that always goes on by success, or waits for
 * events, ends it only by failing, and so does one whose result is that.
 */
static bool can_end(const struct state_reach *r, const struct node *state)
{
    if (state->is_failed_end || (state->kind == NODE_IDLE && state->out_count > 0)) {
        return false;
    }
    for (uint32_t i = 0; i < state->out_count; i++) {
        const struct edge *edge = &r->pipeline->edges[state->first_out + i];
        if (edge->outcome == OUTCOME_SUCCESS && edge->when == NULL) {
            return false;
        }
    }
    return true;
}

bool state_reach_has_output_at_end(const struct state_reach *r, uint32_t node)
{
    uint32_t state = node - r->first;
    for (uint32_t i = 0; i < r->count; i++) {
        bool is_end = r->number[i] != NOWHERE && can_end(r, state_at(r, i));
        if (is_end && i != state && !dominates(r, success_of(r, state), i)) {
            return false;
        }
    }
    return state_at(r, state)->kind != NODE_IDLE &&
           state_at(r, state)->on_error != ON_ERROR_CONTINUE;
}
