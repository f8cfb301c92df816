/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a heap of edges to the arrays that the engine walks: edges of one pair become one, edges
 * lie sorted by source, an index lists them by target, and nodes get an order and layers. All of
 * it by counting and queues, so that depth costs nothing; for all bodies at once, since no edge
 * leaves its body.
 */
#include "core/base/check.h"
#include "core/base/error.h"
#include "core/model/draft.h"
#include "core/model/tree.h"

struct graph {
    struct draft *draft;
    uint32_t count;   /* of nodes */
    uint32_t *sorted; /* draft edges by source */
    struct edge *edges;
    uint32_t edge_count;
    uint32_t *in_edges;
    uint32_t *order;
};

static bool is_states(const struct graph *graph, uint32_t body)
{
    return graph->draft->bodies[body].kind == BODY_STATES;
}

/* `first[i]` becomes where node i's part begins, from the counts in `first[i + 1]`. */
static void sum_up(uint32_t *first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        first[i + 1] += first[i];
    }
}

static int sort_by_source(struct graph *graph)
{
    struct draft *draft = graph->draft;
    struct arena *arena = &draft->loader->arena;
    uint32_t *first = arena_calloc(arena, (size_t)graph->count + 2, sizeof(*first));
    graph->sorted = arena_calloc(arena, draft->edge_count + 1, sizeof(*graph->sorted));
    if (first == NULL || graph->sorted == NULL) {
        return E_NOMEM;
    }
    for (size_t i = 0; i < draft->edge_count; i++) {
        first[draft->edges[i].source + 1]++;
    }
    sum_up(first, graph->count);
    for (size_t i = 0; i < draft->edge_count; i++) {
        graph->sorted[first[draft->edges[i].source]++] = (uint32_t)i;
    }
    return 0;
}

/* Which of two edges of one pair stands for both; false when both have something to say. */
static bool merge_pair(struct draft_edge *older, struct draft_edge *newer)
{
    if (older->is_named != newer->is_named) {
        struct draft_edge *plain = older->is_named ? newer : older;
        struct draft_edge *named = older->is_named ? older : newer;
        if (plain->when != NULL && named->when != NULL) {
            return false;
        }
        if (named->when == NULL) {
            named->when = plain->when;
            named->when_expr = plain->when_expr;
        }
        plain->is_merged = true;
        return true;
    }
    if (older->outcome != newer->outcome) {
        return true; /* two outcomes that lead to the same node */
    }
    if (older->when != NULL && newer->when != NULL) {
        return false;
    }
    if (older->when == NULL) {
        older->when = newer->when;
        older->when_expr = newer->when_expr;
    }
    newer->is_merged = true;
    return true;
}

static void report_pair(const struct draft *draft, const struct draft_edge *older,
                        const struct draft_edge *newer)
{
    report_error(&draft->loader->report, newer->place,
                 "two edges from '%.*s' to '%.*s' have a 'when'; the first is at %u:%u",
                 STR_ARG(draft->nodes[older->source].id), STR_ARG(draft->nodes[older->target].id),
                 older->place.line, older->place.column);
    report_hint(&draft->loader->report, "edges between one pair count as one: join the conditions");
}

/* Compares `edge` with the earlier ones of its pair, which `newest` and `older` chain up. */
static void merge_edge(struct graph *graph, uint32_t index, uint32_t *newest, uint32_t *older)
{
    struct draft_edge *edges = graph->draft->edges;
    struct draft_edge *edge = &edges[index];
    uint32_t other = newest[edge->target];
    bool is_same_source = other != DRAFT_NO_NODE && edges[other].source == edge->source;
    older[index] = is_same_source ? other : DRAFT_NO_NODE;
    if (is_states(graph, graph->draft->nodes[edge->source].body)) {
        return; /* transitions are asked one after the other */
    }
    for (uint32_t i = older[index]; i != DRAFT_NO_NODE && !edge->is_merged; i = older[i]) {
        if (!edges[i].is_merged && !merge_pair(&edges[i], edge)) {
            report_pair(graph->draft, &edges[i], edge);
            edge->is_merged = true;
        }
    }
    if (!edge->is_merged) {
        newest[edge->target] = index;
    }
}

static int merge_edges(struct graph *graph)
{
    struct arena *arena = &graph->draft->loader->arena;
    size_t edge_count = graph->draft->edge_count;
    uint32_t *newest = arena_calloc(arena, (size_t)graph->count + 1, sizeof(*newest));
    uint32_t *older = arena_calloc(arena, edge_count + 1, sizeof(*older));
    if (newest == NULL || older == NULL) {
        return E_NOMEM;
    }
    for (uint32_t i = 0; i < graph->count; i++) {
        newest[i] = DRAFT_NO_NODE;
    }
    for (size_t i = 0; i < edge_count; i++) {
        merge_edge(graph, graph->sorted[i], newest, older);
    }
    return 0;
}

static int place_edges(struct graph *graph)
{
    struct draft *draft = graph->draft;
    graph->edges =
        arena_calloc(&draft->storage->arena, draft->edge_count + 1, sizeof(*graph->edges));
    if (graph->edges == NULL) {
        return E_NOMEM;
    }
    for (size_t i = 0; i < draft->edge_count; i++) {
        const struct draft_edge *from = &draft->edges[graph->sorted[i]];
        if (from->is_merged) {
            continue;
        }
        struct node *source = &draft->nodes[from->source];
        if (source->out_count++ == 0) {
            source->first_out = graph->edge_count;
        }
        bool is_of_failure = pipeline_is_for_failure(&draft->storage->pipeline, from->outcome);
        source->has_error_edge = source->has_error_edge || (is_of_failure && !from->is_fallback);
        draft->nodes[from->target].in_count++;
        graph->edges[graph->edge_count++] = (struct edge){.source = from->source,
                                                          .target = from->target,
                                                          .outcome = from->outcome,
                                                          .when = from->when_expr,
                                                          .is_fallback = from->is_fallback,
                                                          .place = from->place};
    }
    return 0;
}

static int index_targets(struct graph *graph)
{
    struct draft *draft = graph->draft;
    uint32_t *next = arena_calloc(&draft->loader->arena, (size_t)graph->count + 1, sizeof(*next));
    graph->in_edges = arena_calloc(&draft->storage->arena, (size_t)graph->edge_count + 1,
                                   sizeof(*graph->in_edges));
    if (next == NULL || graph->in_edges == NULL) {
        return E_NOMEM;
    }
    uint32_t first = 0;
    for (uint32_t i = 0; i < graph->count; i++) {
        draft->nodes[i].first_in = first;
        next[i] = first;
        first += draft->nodes[i].in_count;
    }
    for (uint32_t i = 0; i < graph->edge_count; i++) {
        graph->in_edges[next[graph->edges[i].target]++] = i;
    }
    return 0;
}

/* The node whose stream a loop reads: it comes before, though no edge says so. */
static uint32_t stream_into(const struct graph *graph, uint32_t node)
{
    const struct for_each *loop = graph->draft->drafts[node].loop;
    return loop != NULL ? loop->stream : DRAFT_NO_NODE;
}

/* The loops over a node's stream run beside it. Returns how many found their place in `order`. */
static uint32_t start_readers(struct graph *graph, uint32_t producer, uint32_t *waiting,
                              uint32_t *order)
{
    struct node *nodes = graph->draft->nodes;
    uint32_t placed = 0;
    for (uint32_t i = nodes[producer].first_reader; i > 0; i = nodes[i - 1].for_each->next_reader) {
        if (nodes[i - 1].layer < nodes[producer].layer) {
            nodes[i - 1].layer = nodes[producer].layer;
        }
        if (--waiting[i - 1] == 0) {
            order[placed++] = i - 1;
        }
    }
    return placed;
}

/*
 * Kahn's algorithm in each body; what is left over when it stops lies on cycles or behind them.
 * Returns how many nodes of the body have found their place.
 */
static uint32_t order_body(struct graph *graph, const struct body *body, uint32_t *waiting)
{
    struct node *nodes = graph->draft->nodes;
    uint32_t *order = graph->order + body->first_node;
    uint32_t placed = 0;
    for (uint32_t i = body->first_node; i < body->first_node + body->node_count; i++) {
        waiting[i] = nodes[i].in_count + (stream_into(graph, i) != DRAFT_NO_NODE ? 1 : 0);
        if (waiting[i] == 0) {
            order[placed++] = i;
        }
    }
    for (uint32_t next = 0; next < placed; next++) {
        const struct node *source = &nodes[order[next]];
        for (uint32_t i = 0; i < source->out_count; i++) {
            uint32_t target = graph->edges[source->first_out + i].target;
            if (nodes[target].layer <= source->layer) {
                nodes[target].layer = source->layer + 1;
            }
            if (--waiting[target] == 0) {
                order[placed++] = target;
            }
        }
        placed += start_readers(graph, order[next], waiting, order + placed);
    }
    return placed;
}

/* What `node` waits for and where that is said, of what is left over. */
struct cause {
    uint32_t source;
    struct place place;
};

static struct cause left_over_cause(const struct graph *graph, const uint32_t *waiting,
                                    uint32_t node)
{
    const struct node *target = &graph->draft->nodes[node];
    for (uint32_t i = 0; i < target->in_count; i++) {
        const struct edge *edge = &graph->edges[graph->in_edges[target->first_in + i]];
        if (waiting[edge->source] > 0) {
            return (struct cause){edge->source, edge->place};
        }
    }
    uint32_t stream = stream_into(graph, node);
    CHECK(stream != DRAFT_NO_NODE);
    return (struct cause){stream, target->place};
}

static void report_cycle(const struct graph *graph, const uint32_t *waiting, uint32_t start)
{
    enum { SHOWN = 12 };
    const struct draft *draft = graph->draft;
    struct strbuf text = STRBUF_INIT;
    uint32_t path[SHOWN];
    uint32_t length = 0;
    uint32_t at = start;
    struct place place = {0};
    do {
        struct cause cause = left_over_cause(graph, waiting, at);
        place = cause.place;
        at = cause.source;
        if (length < SHOWN) {
            path[length] = at;
        }
        length++;
    } while (at != start);
    uint32_t shown = length < SHOWN ? length : SHOWN;
    if (length > SHOWN) {
        strbuf_append_str(&text, draft->nodes[start].id);
        strbuf_append_format(&text, " → ... %u more ... → ", length - SHOWN - 1);
    }
    for (uint32_t i = shown; i > 0; i--) {
        strbuf_append_str(&text, draft->nodes[path[i - 1]].id);
        strbuf_append_text(&text, " → ");
    }
    strbuf_append_str(&text, draft->nodes[start].id);
    report_error(&draft->loader->report, place, "nodes wait for each other: %.*s",
                 STR_ARG(strbuf_str(&text)));
    strbuf_finish(&text);
}

/*
 * Walks backwards from each node that is left over until it meets a node again: of this walk,
 * and then it has gone round a new cycle; or of an earlier one, whose cycle has been reported.
 */
static int report_cycles(struct graph *graph, const uint32_t *waiting)
{
    uint32_t *walk =
        arena_calloc(&graph->draft->loader->arena, (size_t)graph->count + 1, sizeof(*walk));
    if (walk == NULL) {
        return E_NOMEM;
    }
    for (uint32_t i = 0; i < graph->count; i++) {
        uint32_t at = i;
        if (waiting[i] == 0) {
            continue;
        }
        while (walk[at] == 0) {
            walk[at] = i + 1;
            at = left_over_cause(graph, waiting, at).source;
        }
        if (walk[at] == i + 1) {
            report_cycle(graph, waiting, at);
        }
    }
    return 0;
}

static void report_unreached(const struct graph *graph, uint32_t index, uint32_t state)
{
    const struct body *body = &graph->draft->bodies[index];
    const struct report *report = &graph->draft->loader->report;
    const struct node *nodes = graph->draft->nodes;
    report_error(report, nodes[state].place, "state '%.*s' cannot be reached from '%.*s'",
                 STR_ARG(nodes[state].id), STR_ARG(nodes[body->initial].id));
    report_hint(report, "no transition that can be taken leads to it");
}

/* Whether an unreachable state leads to this one: then that one is what to mend. */
static bool is_led_to(const struct graph *graph, const bool *is_placed, uint32_t state)
{
    for (size_t i = 0; i < graph->draft->edge_count; i++) {
        const struct draft_edge *edge = &graph->draft->edges[i];
        if (edge->target == state && edge->source != state && !is_placed[edge->source]) {
            return true;
        }
    }
    return false;
}

/* Places what transitions lead to from the states order[next] and behind, `placed` in all. */
static uint32_t walk_states(struct graph *graph, uint32_t *order, uint32_t next, uint32_t placed,
                            bool *is_placed)
{
    struct node *nodes = graph->draft->nodes;
    for (; next < placed; next++) {
        const struct node *source = &nodes[order[next]];
        for (uint32_t i = 0; i < source->out_count; i++) {
            uint32_t target = graph->edges[source->first_out + i].target;
            if (!is_placed[target]) {
                is_placed[target] = true;
                nodes[target].layer = source->layer + 1;
                order[placed++] = target;
            }
        }
    }
    return placed;
}

/*
 * Unreachable states, behind the others. What one of them leads to is not told beside it; of a
 * circle the first is.
 */
static void place_unreached(struct graph *graph, uint32_t index, bool *is_placed, uint32_t placed)
{
    const struct body *body = &graph->draft->bodies[index];
    uint32_t *order = graph->order + body->first_node;
    bool is_told = graph->draft->body_drafts[index].has_initial &&
                   !graph->draft->has_lost_transitions;
    for (unsigned pass = 0; pass < 2; pass++) {
        for (uint32_t i = body->first_node; i < body->first_node + body->node_count; i++) {
            if (is_placed[i] || (pass == 0 && is_led_to(graph, is_placed, i))) {
                continue;
            }
            if (is_told) {
                report_unreached(graph, index, i);
            }
            is_placed[i] = true;
            order[placed] = i;
            placed = walk_states(graph, order, placed, placed + 1, is_placed);
        }
    }
}

/* From the initial state on, in the order in which transitions lead away from it. */
static void order_states(struct graph *graph, uint32_t index, bool *is_placed)
{
    const struct body *body = &graph->draft->bodies[index];
    uint32_t *order = graph->order + body->first_node;
    if (body->node_count == 0) {
        return;
    }
    is_placed[body->initial] = true;
    order[0] = body->initial;
    place_unreached(graph, index, is_placed, walk_states(graph, order, 0, 1, is_placed));
}

static uint32_t count_placed(const struct body *body, const uint32_t *waiting)
{
    uint32_t placed = 0;
    for (uint32_t i = body->first_node; i < body->first_node + body->node_count; i++) {
        placed += waiting[i] == 0 ? 1u : 0u;
    }
    return placed;
}

/*
 * What waits for a cycle is cut off, so that the rest can be checked: the pipeline is refused, but
 * people see all that is wrong with it.
 */
static void set_aside(struct graph *graph, const uint32_t *waiting)
{
    struct draft *draft = graph->draft;
    uint32_t placed = 0; /* the nodes of the bodies, and their order, lie one behind the other */
    for (uint32_t i = 0; i < graph->count; i++) {
        const struct body *body = &draft->bodies[draft->nodes[i].body];
        placed = i == body->first_node ? i + count_placed(body, waiting) : placed;
        if (waiting[i] > 0) {
            graph->order[placed++] = i;
            draft->nodes[i].in_count = 0;
            draft->nodes[i].out_count = 0;
            draft->drafts[i].is_set_aside = true;
        }
    }
}

static int sort_nodes(struct graph *graph)
{
    struct draft *draft = graph->draft;
    uint32_t *waiting =
        arena_calloc(&draft->loader->arena, (size_t)graph->count + 1, sizeof(*waiting));
    graph->order =
        arena_calloc(&draft->storage->arena, (size_t)graph->count + 1, sizeof(*graph->order));
    bool *is_placed =
        arena_calloc(&draft->loader->arena, (size_t)graph->count + 1, sizeof(*is_placed));
    if (waiting == NULL || graph->order == NULL || is_placed == NULL) {
        return E_NOMEM;
    }
    bool has_cycle = false;
    for (uint32_t i = 0; i < draft->body_count; i++) {
        const struct body *body = &draft->bodies[i];
        if (is_states(graph, i)) {
            order_states(graph, i, is_placed);
            continue;
        }
        has_cycle = order_body(graph, body, waiting) < body->node_count || has_cycle;
    }
    if (!has_cycle) {
        return 0;
    }
    int status = report_cycles(graph, waiting);
    set_aside(graph, waiting);
    return status;
}

/* A plain edge is taken through whichever port its source ends, but not when it fails. */
static bool are_exclusive(uint32_t a, uint32_t b)
{
    if (a == OUTCOME_SUCCESS || b == OUTCOME_SUCCESS) {
        return a == OUTCOME_ERROR || b == OUTCOME_ERROR;
    }
    return a != b;
}

/* Whether a node of `join: all` waits for two outcomes of one node, of which only one comes. */
static bool wants_both(const struct graph *graph, const struct node *node)
{
    for (uint32_t i = 1; i < node->in_count; i++) {
        const struct edge *edge = &graph->edges[graph->in_edges[node->first_in + i]];
        const struct edge *before = &graph->edges[graph->in_edges[node->first_in + i - 1]];
        if (edge->source == before->source && are_exclusive(edge->outcome, before->outcome)) {
            return true;
        }
    }
    return false;
}

static bool can_run(const struct graph *graph, const bool *reached, const struct node *node)
{
    uint32_t stream = node->for_each != NULL ? node->for_each->stream : DRAFT_NO_NODE;
    if (stream != DRAFT_NO_NODE && !reached[stream]) {
        return false;
    }
    if (node->in_count == 0) {
        return true;
    }
    uint32_t sources = 0;
    for (uint32_t i = 0; i < node->in_count; i++) {
        sources += reached[graph->edges[graph->in_edges[node->first_in + i]].source] ? 1 : 0;
    }
    if (node->join == JOIN_ALL) {
        return sources == node->in_count && !wants_both(graph, node);
    }
    return sources > 0;
}

static int check_reachable(struct graph *graph)
{
    struct draft *draft = graph->draft;
    bool *reached = arena_calloc(&draft->loader->arena, (size_t)graph->count + 1, sizeof(*reached));
    if (reached == NULL) {
        return E_NOMEM;
    }
    for (uint32_t i = 0; i < graph->count; i++) {
        uint32_t index = graph->order[i];
        const struct node *node = &draft->nodes[index];
        if (is_states(graph, node->body)) {
            continue;
        }
        reached[index] = can_run(graph, reached, node);
        if (!reached[index]) {
            report_error(&draft->loader->report, node->place, "node '%.*s' can never run",
                         STR_ARG(node->id));
            report_hint(&draft->loader->report,
                        node->join == JOIN_ALL
                            ? "'join: all' waits for outcomes that never come together"
                            : "what it depends on can never run");
        }
    }
    return 0;
}

/* Edges lie sorted by source, so those of a body lie together. */
static int share_out(struct graph *graph)
{
    uint32_t first = 0;
    for (uint32_t b = 0; b < graph->draft->body_count; b++) {
        struct body *body = &graph->draft->bodies[b];
        body->first_edge = first;
        for (uint32_t i = 0; i < body->node_count; i++) {
            first += graph->draft->nodes[body->first_node + i].out_count;
        }
        body->edge_count = first - body->first_edge;
    }
    return 0;
}

int graph_build(struct draft *draft)
{
    struct graph graph = {.draft = draft, .count = draft->node_count};
    static int (*const steps[])(struct graph *) = {sort_by_source, merge_edges, place_edges,
                                                   index_targets,  share_out,   sort_nodes};
    uintptr_t budget = (uintptr_t)strmap_get(&draft->outcome_numbers, STR("budget"));
    int status = 0;
    draft->storage->pipeline.budget_outcome = budget != 0 ? (uint32_t)(budget - 1)
                                                          : OUTCOME_SUCCESS;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && status == 0; i++) {
        status = steps[i](&graph);
    }
    if (status == 0) {
        status = check_reachable(&graph);
    }
    struct pipeline *pipeline = &draft->storage->pipeline;
    pipeline->nodes = draft->nodes;
    pipeline->node_count = draft->node_count;
    pipeline->edges = graph.edges;
    pipeline->edge_count = graph.edge_count;
    pipeline->in_edges = graph.in_edges;
    pipeline->order = graph.order;
    return status;
}
