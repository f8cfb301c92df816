/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node is sure when a way leads to it that is always taken. Where the ways of a router meet
 * again, none of them is, but one always will be: so each router is tried with each of its
 * outcomes, and a node that runs with all of them follows from the router itself. Such pairs are
 * kept; inner routers come first, so that they count as certain while the outer ones are tried.
 */
#include "core/cli/plan_sure.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/cli/body_text.h"
#include "core/model/pipeline.h"

/* More steps than these take longer than anybody waits for a plan. */
enum { MOST_STEPS = 200000000 };

/* The router ran, so this node will: they are in lists, by the node. */
struct meeting {
    uint32_t router;
    uint32_t next; /* index + 1 */
};

struct sure {
    const struct pipeline *pipeline;
    const struct body *body;
    bool *plainly;    /* by edges that are always taken alone; for each node of the pipeline */
    bool *now;        /* with the outcome that is tried */
    bool *always;     /* with each outcome so far */
    uint32_t *met_by; /* for each node: index + 1 of a meeting */
    struct meeting *meetings;
    size_t meeting_count;
    size_t meeting_cap;
    uint64_t steps;
};

/* What is known while a router is tried. */
struct trial {
    uint32_t router; /* PIPELINE_NO_NODE: none */
    uint32_t outcome;
    uint32_t first; /* the place in the order from which on nodes are asked */
};

static bool is_taken(const struct sure *sure, const struct edge *edge, struct trial trial)
{
    if (!sure->now[edge->source] || edge->when != NULL) {
        return false;
    }
    return edge->outcome == OUTCOME_SUCCESS ||
           (edge->source == trial.router && edge->outcome == trial.outcome);
}

static bool is_met(const struct sure *sure, uint32_t node)
{
    for (uint32_t i = sure->met_by[node]; i != 0; i = sure->meetings[i - 1].next) {
        if (sure->now[sure->meetings[i - 1].router]) {
            return true;
        }
    }
    return false;
}

/* Whether the node runs, by what is known of those before it. */
static bool follows(struct sure *sure, uint32_t index, struct trial trial)
{
    const struct pipeline *pipeline = sure->pipeline;
    const struct node *node = &pipeline->nodes[index];
    uint32_t taken = 0;
    sure->steps += node->in_count + 1;
    if (node->in_count == 0) {
        return !body_text_reads_stream_alone(pipeline, index) || sure->now[node->for_each->stream];
    }
    for (uint32_t i = 0; i < node->in_count; i++) {
        const struct edge *edge = &pipeline->edges[pipeline->in_edges[node->first_in + i]];
        taken += is_taken(sure, edge, trial);
    }
    return (node->join == JOIN_ALL ? taken == node->in_count : taken > 0) || is_met(sure, index);
}

/* What stands before the router in the order cannot depend on it. */
static void try_outcome(struct sure *sure, struct trial trial)
{
    const struct body *body = sure->body;
    memcpy(sure->now + body->first_node, sure->plainly + body->first_node, body->node_count);
    for (uint32_t i = trial.first; i < body->first_node + body->node_count; i++) {
        uint32_t index = sure->pipeline->order[i];
        sure->now[index] = index == trial.router || follows(sure, index, trial);
    }
}

static void keep_common(struct sure *sure)
{
    const struct body *body = sure->body;
    for (uint32_t i = body->first_node; i < body->first_node + body->node_count; i++) {
        sure->always[i] = sure->always[i] && sure->now[i];
    }
}

/* All outcomes of the router; without a default, a run that takes none of the routes fails. */
static void try_outcomes(struct sure *sure, uint32_t router, uint32_t place)
{
    const struct node *node = &sure->pipeline->nodes[router];
    const struct body *body = sure->body;
    memset(sure->always + body->first_node, true, body->node_count);
    for (uint32_t i = 0; i < node->route_count; i++) {
        try_outcome(sure, (struct trial){router, node->routes[i].outcome, place});
        keep_common(sure);
    }
    if (node->kind == NODE_CONDITIONAL) {
        try_outcome(sure, (struct trial){router, OUTCOME_TRUE, place});
        keep_common(sure);
        try_outcome(sure, (struct trial){router, OUTCOME_FALSE, place});
        keep_common(sure);
    } else if (node->default_outcome != 0) {
        try_outcome(sure, (struct trial){router, node->default_outcome, place});
        keep_common(sure);
    }
    if (node->when != NULL) {
        try_outcome(sure, (struct trial){router, UINT32_MAX, place});
        keep_common(sure);
    }
}

static int add_meeting(struct sure *sure, uint32_t router, uint32_t node)
{
    struct meeting *meetings = array_reserve(sure->meetings, &sure->meeting_cap,
                                             sure->meeting_count + 1, sizeof(*meetings));
    if (meetings == NULL) {
        return E_NOMEM;
    }
    sure->meetings = meetings;
    sure->meetings[sure->meeting_count++] = (struct meeting){router, sure->met_by[node]};
    sure->met_by[node] = (uint32_t)sure->meeting_count;
    return 0;
}

/* Keeps what runs with each outcome and could not be told from the edges alone. */
static int add_meetings(struct sure *sure, uint32_t router, uint32_t place)
{
    const struct body *body = sure->body;
    int status = 0;
    try_outcomes(sure, router, place);
    memcpy(sure->now + body->first_node, sure->always + body->first_node, body->node_count);
    for (uint32_t i = body->first_node; i < body->first_node + body->node_count && status == 0;
         i++) {
        bool is_meeting = sure->always[i] && i != router &&
                          !follows(sure, i, (struct trial){PIPELINE_NO_NODE, 0, 0});
        status = is_meeting ? add_meeting(sure, router, i) : 0;
    }
    return status;
}

static bool is_router(const struct node *node)
{
    return (node->kind == NODE_ROUTER || node->kind == NODE_CONDITIONAL) && node->out_count > 1;
}

static int find_in_graph(struct sure *sure)
{
    const struct body *body = sure->body;
    const struct trial plain = {PIPELINE_NO_NODE, 0, body->first_node};
    int status = 0;
    try_outcome(sure, plain);
    memcpy(sure->plainly + body->first_node, sure->now + body->first_node, body->node_count);
    for (uint32_t i = body->first_node + body->node_count;
         i > body->first_node && status == 0 && sure->steps < MOST_STEPS; i--) {
        uint32_t index = sure->pipeline->order[i - 1];
        if (is_router(&sure->pipeline->nodes[index])) {
            status = add_meetings(sure, index, i - 1);
        }
    }
    if (status == 0) {
        try_outcome(sure, plain);
    }
    return status;
}

static int find_in_body(struct sure *sure, uint32_t index)
{
    sure->body = &sure->pipeline->bodies[index];
    if (sure->body->kind == BODY_STATES) {
        memset(sure->now + sure->body->first_node, true, sure->body->node_count);
        return 0;
    }
    return find_in_graph(sure);
}

int plan_sure_find(const struct pipeline *pipeline, bool **out_is_sure)
{
    size_t count = (size_t)pipeline->node_count + 1;
    struct sure sure = {.pipeline = pipeline};
    sure.plainly = calloc(count, sizeof(*sure.plainly));
    sure.now = calloc(count, sizeof(*sure.now));
    sure.always = calloc(count, sizeof(*sure.always));
    sure.met_by = calloc(count, sizeof(*sure.met_by));
    int status = sure.plainly != NULL && sure.now != NULL && sure.always != NULL &&
                         sure.met_by != NULL
                     ? 0
                     : E_NOMEM;
    for (uint32_t i = 0; i < pipeline->body_count && status == 0; i++) {
        status = find_in_body(&sure, i);
    }
    free(sure.plainly);
    free(sure.always);
    free(sure.met_by);
    free(sure.meetings);
    if (status != 0) {
        free(sure.now);
        return status;
    }
    *out_is_sure = sure.now;
    return 0;
}
