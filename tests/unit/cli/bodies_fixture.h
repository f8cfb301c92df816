/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_CLI_BODIES_FIXTURE_H
#define TESTS_UNIT_CLI_BODIES_FIXTURE_H

/*
 * Pipelines with several bodies, put together by hand: what is drawn and planned is tested without
 * the loader.
 *
 * Used by:  the tests of cli.
 * Uses:     model, expr, value.
 * Threads:  [main]
 */

#include "core/model/pipeline.h"
#include "tests/unit/model/node_types.h"

struct expr;
struct template;

enum { BODIES_MOST = 8, BODIES_NODES = 32, BODIES_EDGES = 48, BODIES_OUTCOMES = 16 };

struct bodies_fixture {
    struct node_types types;
    struct pipeline pipeline;
    struct body bodies[BODIES_MOST];
    struct node nodes[BODIES_NODES];
    struct edge edges[BODIES_EDGES];
    uint32_t in_edges[BODIES_EDGES];
    uint32_t order[BODIES_NODES];
    struct str outcomes[BODIES_OUTCOMES];
    struct for_each loop;
    struct for_each list;
    struct repeat repeat;
    struct str secrets[2];
    struct expr *exprs[BODIES_EDGES];
    size_t expr_count;
    struct template *config;
};

/*
 * A loop over a stream with a router whose ways meet, a loop in it, a group, a child workflow, a
 * node that is undone by another, a node that repeats, and endings.
 */
void bodies_fixture_init_triage(struct bodies_fixture *fixture);

/* A state machine with a cycle, a state that leads to itself, events and a failed end. */
void bodies_fixture_init_machine(struct bodies_fixture *fixture);

void bodies_fixture_finish(struct bodies_fixture *fixture);

#endif
