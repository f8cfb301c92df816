/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/reach.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/model/pipeline.h"
#include "core/model/state_reach.h"

/* The sets of one body, whose nodes are numbered from its first on. */
struct sets {
    size_t words;               /* of one set */
    uint64_t *before;           /* a set for each node; NULL: not filled yet */
    uint64_t *outputs;          /* likewise */
    struct state_reach *states; /* BODY_STATES: this in place of sets */
    uint32_t start;             /* all ways begin here; PIPELINE_NO_NODE: at several nodes */
};

struct reach {
    const struct pipeline *pipeline;
    struct sets *sets; /* of each body */
    bool *is_sure;     /* it runs, or is passed over, in every run that completes */
    uint32_t *meeting; /* the next node through which all ways from a node lead, or the end */
    uint32_t *depth;   /* of a node in the tree of meetings, whose root is the end */
};

static bool is_state(const struct pipeline *pipeline, uint32_t node)
{
    return pipeline->bodies[pipeline->nodes[node].body].kind == BODY_STATES;
}

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
static bool tells_output(const struct reach *reach, const struct edge *edge,
                         const struct node *source)
{
    if (edge->outcome == OUTCOME_SUCCESS) {
        return source->when == NULL && source->on_error != ON_ERROR_CONTINUE;
    }
    return !pipeline_is_for_failure(reach->pipeline, edge->outcome);
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

/* A failure that is handled elsewhere keeps `join: default` from running. */
static bool may_be_stopped(const struct reach *reach, const struct node *node)
{
    if (node->join == JOIN_ALL) {
        return node->in_count > 1;
    }
    for (uint32_t i = 0; i < node->in_count && node->join == JOIN_DEFAULT; i++) {
        const struct edge *edge = edge_in(reach, node, i);
        if (node->in_count > 1 && edge->outcome != OUTCOME_ERROR &&
            reach->pipeline->nodes[edge->source].has_error_edge) {
            return true;
        }
    }
    return false;
}

/* Where the ways from two nodes meet first. */
static uint32_t meet(const struct reach *reach, uint32_t a, uint32_t b)
{
    while (a != b) {
        if (reach->depth[a] >= reach->depth[b]) {
            a = reach->meeting[a];
        } else {
            b = reach->meeting[b];
        }
    }
    return a;
}

/*
 * A node that surely runs when the node ends by `outcome`: of several the one with the most
 * meetings behind it, for all of them run. The end when there is none.
 */
static uint32_t way_by(const struct reach *reach, const struct node *node, uint32_t outcome)
{
    uint32_t best = reach->pipeline->node_count;
    for (uint32_t i = 0; i < node->out_count; i++) {
        const struct edge *edge = &reach->pipeline->edges[node->first_out + i];
        if (edge->outcome == outcome && edge->when == NULL &&
            reach->depth[edge->target] > reach->depth[best] &&
            !may_be_stopped(reach, &reach->pipeline->nodes[edge->target])) {
            best = edge->target;
        }
    }
    return best;
}

/* Where all ways meet that lead from the node when it does not fail. */
static uint32_t meet_ways(const struct reach *reach, const struct node *node)
{
    uint32_t end = reach->pipeline->node_count;
    uint32_t at = way_by(reach, node, OUTCOME_SUCCESS);
    if (at != end || node->when != NULL || node->on_error == ON_ERROR_CONTINUE) {
        return at; /* a node that is passed over takes plain edges only */
    }
    if (node->kind == NODE_CONDITIONAL) {
        return meet(reach, way_by(reach, node, OUTCOME_TRUE), way_by(reach, node, OUTCOME_FALSE));
    }
    if (node->kind != NODE_ROUTER || node->route_count == 0) {
        return end;
    }
    at = way_by(reach, node, node->routes[0].outcome);
    for (uint32_t i = 1; i < node->route_count; i++) {
        at = meet(reach, at, way_by(reach, node, node->routes[i].outcome));
    }
    return node->default_outcome != 0 ? meet(reach, at, way_by(reach, node, node->default_outcome))
                                      : at;
}

/* Against the order, so that all that follows a node is known. The end is number node_count. */
static void find_meetings(struct reach *reach)
{
    const struct pipeline *pipeline = reach->pipeline;
    reach->meeting[pipeline->node_count] = pipeline->node_count;
    for (uint32_t i = pipeline->node_count; i > 0; i--) {
        uint32_t index = pipeline->order[i - 1];
        const struct node *node = &pipeline->nodes[index];
        if (is_state(pipeline, index)) {
            continue;
        }
        uint32_t at = meet_ways(reach, node);
        if (node->has_error_edge) {
            at = meet(reach, at, way_by(reach, node, OUTCOME_ERROR));
        }
        reach->meeting[index] = at;
        reach->depth[index] = reach->depth[at] + 1;
    }
}

static uint32_t stream_into(const struct node *node)
{
    return node->for_each != NULL ? node->for_each->stream : PIPELINE_NO_NODE;
}

static bool find_sure(const struct reach *reach, const struct node *node)
{
    bool has_sure = node->in_count == 0;
    if (stream_into(node) != PIPELINE_NO_NODE && !reach->is_sure[stream_into(node)]) {
        return false;
    }
    for (uint32_t i = 0; i < node->in_count; i++) {
        const struct edge *edge = edge_in(reach, node, i);
        const struct node *source = &reach->pipeline->nodes[edge->source];
        bool is_open = reach->is_sure[edge->source] && edge->outcome == OUTCOME_SUCCESS &&
                       edge->when == NULL && !source->has_error_edge;
        if (!is_open && node->join == JOIN_ALL) {
            return false;
        }
        has_sure = has_sure || is_open;
    }
    return has_sure && (node->join == JOIN_ALL || !may_be_stopped(reach, node));
}

/* A body while its sets are filled. */
struct filling {
    const struct reach *reach;
    const struct body *body;
    const struct sets *sets;
    uint64_t *scratch; /* one set */
};

static uint64_t *set_of(const struct filling *f, uint64_t *sets, uint32_t node)
{
    return sets + f->sets->words * (node - f->body->first_node);
}

/* Adds the source of an edge that tells of its output. */
static void add_source(const struct filling *f, uint64_t *set, const struct edge *edge)
{
    if (tells_output(f->reach, edge, &f->reach->pipeline->nodes[edge->source])) {
        set_bit(set, edge->source - f->body->first_node);
    }
}

/* What each way into the node has, and all that the ways have that are surely taken. */
static void fill_outputs(const struct filling *f, uint32_t index)
{
    const struct node *node = &f->reach->pipeline->nodes[index];
    uint64_t *set = set_of(f, f->sets->outputs, index);
    size_t words = f->sets->words;
    for (uint32_t i = 0; i < node->in_count; i++) {
        const struct edge *edge = edge_in(f->reach, node, i);
        uint64_t *way = i == 0 ? set : f->scratch;
        memcpy(way, set_of(f, f->sets->outputs, edge->source), words * sizeof(*way));
        add_source(f, way, edge);
        if (i > 0) {
            intersect_sets(set, way, words);
        }
    }
    for (uint32_t i = 0; i < node->in_count; i++) {
        const struct edge *edge = edge_in(f->reach, node, i);
        if (is_sure_edge(f->reach, edge, node)) {
            join_sets(set, set_of(f, f->sets->outputs, edge->source), words);
            add_source(f, set, edge);
        }
    }
}

/* The node whose stream a loop reads has begun before the loop; more is not known of it. */
static void fill_stream(const struct filling *f, uint32_t index, uint32_t producer)
{
    uint64_t *before = set_of(f, f->sets->before, index);
    size_t words = f->sets->words;
    join_sets(before, set_of(f, f->sets->before, producer), words);
    set_bit(before, producer - f->body->first_node);
    join_sets(set_of(f, f->sets->outputs, index), set_of(f, f->sets->outputs, producer), words);
}

static void fill_sets(const struct filling *f, uint32_t index)
{
    const struct node *node = &f->reach->pipeline->nodes[index];
    uint64_t *before = set_of(f, f->sets->before, index);
    for (uint32_t i = 0; i < node->in_count; i++) {
        const struct edge *edge = edge_in(f->reach, node, i);
        join_sets(before, set_of(f, f->sets->before, edge->source), f->sets->words);
        set_bit(before, edge->source - f->body->first_node);
    }
    fill_outputs(f, index);
    if (stream_into(node) != PIPELINE_NO_NODE) {
        fill_stream(f, index, stream_into(node));
    }
}

/* Many pipelines begin with one node, and their others read it: no sets are needed for that. */
static uint32_t find_start(const struct pipeline *pipeline, const struct body *body)
{
    uint32_t start = PIPELINE_NO_NODE;
    for (uint32_t i = body->first_node; i < body->first_node + body->node_count; i++) {
        if (pipeline->nodes[i].in_count > 0) {
            continue;
        }
        if (start != PIPELINE_NO_NODE) {
            return PIPELINE_NO_NODE;
        }
        start = i;
    }
    return start;
}

static bool is_start(const struct reach *reach, uint32_t before, uint32_t node)
{
    return before != node && reach->sets[reach->pipeline->nodes[node].body].start == before;
}

static void mark_sure(struct reach *reach, uint32_t index)
{
    reach->is_sure[index] = reach->is_sure[index] ||
                            find_sure(reach, &reach->pipeline->nodes[index]);
    if (reach->is_sure[index]) {
        reach->is_sure[reach->meeting[index]] = true;
    }
}

/* Most references go one edge back; the sets are made for the first that goes further. */
static int make_sets(struct reach *reach, uint32_t body)
{
    const struct body *of = &reach->pipeline->bodies[body];
    struct sets *sets = &reach->sets[body];
    if (sets->before != NULL && sets->outputs != NULL) {
        return 0;
    }
    sets->words = (size_t)of->node_count / 64 + 1;
    free(sets->before);
    sets->before = calloc((size_t)of->node_count * sets->words, sizeof(*sets->before));
    sets->outputs = calloc((size_t)of->node_count * sets->words, sizeof(*sets->outputs));
    uint64_t *scratch = calloc(sets->words, sizeof(*scratch));
    int status = E_NOMEM;
    if (sets->before != NULL && sets->outputs != NULL && scratch != NULL) {
        struct filling f = {.reach = reach, .body = of, .sets = sets, .scratch = scratch};
        for (uint32_t i = 0; i < of->node_count; i++) {
            fill_sets(&f, reach->pipeline->order[of->first_node + i]);
        }
        status = 0;
    }
    free(scratch);
    return status;
}

struct reach *reach_create(const struct pipeline *pipeline)
{
    struct reach *reach = calloc(1, sizeof(*reach));
    if (reach == NULL) {
        return NULL;
    }
    size_t count = pipeline->node_count;
    reach->pipeline = pipeline;
    reach->sets = calloc((size_t)pipeline->body_count + 1, sizeof(*reach->sets));
    reach->is_sure = calloc(count + 1, sizeof(*reach->is_sure));
    reach->meeting = calloc(count + 1, sizeof(*reach->meeting));
    reach->depth = calloc(count + 1, sizeof(*reach->depth));
    if (reach->sets == NULL || reach->meeting == NULL || reach->depth == NULL ||
        reach->is_sure == NULL) {
        reach_destroy(reach);
        return NULL;
    }
    for (uint32_t i = 0; i < pipeline->body_count; i++) {
        reach->sets[i].start = find_start(pipeline, &pipeline->bodies[i]);
    }
    find_meetings(reach);
    for (uint32_t i = 0; i < pipeline->node_count; i++) {
        if (!is_state(pipeline, pipeline->order[i])) {
            mark_sure(reach, pipeline->order[i]);
        }
    }
    return reach;
}

void reach_destroy(struct reach *reach)
{
    if (reach == NULL) {
        return;
    }
    for (uint32_t i = 0; reach->sets != NULL && i < reach->pipeline->body_count; i++) {
        free(reach->sets[i].before);
        free(reach->sets[i].outputs);
        state_reach_destroy(reach->sets[i].states);
    }
    free(reach->sets);
    free(reach->is_sure);
    free(reach->meeting);
    free(reach->depth);
    free(reach);
}

/* The edge from `before` to `node`, or NULL. */
static const struct edge *find_edge(const struct reach *reach, uint32_t before, uint32_t node)
{
    const struct node *target = &reach->pipeline->nodes[node];
    for (uint32_t i = 0; i < target->in_count; i++) {
        const struct edge *edge = edge_in(reach, target, i);
        if (edge->source == before) {
            return edge;
        }
    }
    return NULL;
}

/* Whether `before` is in the set of `node`, a node of the same body. */
static bool is_in(const struct reach *reach, const uint64_t *sets, uint32_t before, uint32_t node)
{
    uint32_t body = reach->pipeline->nodes[node].body;
    uint32_t first = reach->pipeline->bodies[body].first_node;
    return has_bit(sets + reach->sets[body].words * (node - first), before - first);
}

/* Of the states of the body of `node`; NULL when out of memory. */
static struct state_reach *states_of(struct reach *reach, uint32_t node)
{
    uint32_t body = reach->pipeline->nodes[node].body;
    if (reach->sets[body].states == NULL) {
        reach->sets[body].states = state_reach_create(reach->pipeline, body);
    }
    return reach->sets[body].states;
}

int reach_is_before(struct reach *reach, uint32_t before, uint32_t node, bool *out_is_before)
{
    if (is_state(reach->pipeline, node)) {
        struct state_reach *states = states_of(reach, node);
        *out_is_before = states != NULL && state_reach_is_before(states, before, node);
        return states != NULL ? 0 : E_NOMEM;
    }
    /* The next round of a node that is repeated sees what the one before gave. */
    bool is_own = before == node && reach->pipeline->nodes[node].repeat != NULL;
    *out_is_before = is_own || is_start(reach, before, node) ||
                     find_edge(reach, before, node) != NULL;
    if (*out_is_before) {
        return 0;
    }
    uint32_t body = reach->pipeline->nodes[node].body;
    int status = make_sets(reach, body);
    if (status == 0) {
        *out_is_before = is_in(reach, reach->sets[body].before, before, node);
    }
    return status;
}

int reach_has_output(struct reach *reach, uint32_t before, uint32_t node, bool *out_has_output)
{
    if (is_state(reach->pipeline, node)) {
        struct state_reach *states = states_of(reach, node);
        *out_has_output = states != NULL && state_reach_has_output(states, before, node);
        return states != NULL ? 0 : E_NOMEM;
    }
    const struct node *target = &reach->pipeline->nodes[node];
    const struct edge *edge = find_edge(reach, before, node);
    *out_has_output = edge != NULL && tells_output(reach, edge, &reach->pipeline->nodes[before]) &&
                      (target->in_count == 1 || is_sure_edge(reach, edge, target));
    if (!*out_has_output && is_start(reach, before, node)) {
        (void)reach_has_output_at_end(reach, before, out_has_output); /* it is no state */
    }
    if (*out_has_output) {
        return 0;
    }
    uint32_t body = target->body;
    int status = make_sets(reach, body);
    if (status == 0) {
        *out_has_output = is_in(reach, reach->sets[body].outputs, before, node);
    }
    return status;
}

int reach_has_output_at_end(struct reach *reach, uint32_t node, bool *out_has_output)
{
    const struct node *it = &reach->pipeline->nodes[node];
    if (is_state(reach->pipeline, node)) {
        struct state_reach *states = states_of(reach, node);
        *out_has_output = states != NULL && state_reach_has_output_at_end(states, node);
        return states != NULL ? 0 : E_NOMEM;
    }
    *out_has_output = reach->is_sure[node] && it->when == NULL &&
                      it->on_error != ON_ERROR_CONTINUE && !it->has_error_edge;
    return 0;
}
