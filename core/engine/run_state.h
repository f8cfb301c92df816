/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_RUN_STATE_H
#define CORE_ENGINE_RUN_STATE_H

/*
 * The inside of a run, for the files of this folder alone: run.c writes it (run_apply), decide.c
 * and scope.c read it.
 *
 * Used by:  run, decide, scope.
 * Uses:     record, model.
 * Threads:  [loop]
 */

#include "core/engine/run.h"
#include "core/model/pipeline.h"

enum edge_state {
    EDGE_OPEN,
    EDGE_TAKEN,
    EDGE_DEAD,
    EDGE_DEAD_BY_FAILURE,
};

struct run_node {
    uint8_t state; /* enum node_state */
    bool is_stopped_for_timeout;
    bool is_dead_by_failure; /* an incoming edge died through a failure */
    uint32_t open_edges;
    uint32_t taken_edges;
    uint32_t attempt;
    uint32_t outcome;
    uint32_t next_ready;     /* index + 1 of the next in the ready list, 0: last */
    uint32_t previous_ready; /* 0: first */
    int64_t ready_at;
    int64_t started_at;
    int64_t ended_at;
    const struct document *output;
    const struct document *error;
};

struct run {
    const struct pipeline *pipeline;
    enum run_state state;
    char *id;
    char *triggered_by;
    void *user;
    const struct document *input;
    const struct document *output;
    const struct document *error; /* the first failure that nothing handled */
    int64_t started_at;
    int64_t ended_at;
    char date[40]; /* of the start, UTC: 2025-01-31 */
    char time[40]; /* 14-22-33 */
    struct run_node *nodes;
    uint8_t *edges;       /* enum edge_state */
    uint32_t first_ready; /* index + 1; 0: none */
    uint32_t last_ready;
    uint32_t active; /* nodes that are queued, running or stopping */
    uint32_t *work;  /* nodes whose end is to be spread, while applying */
};

#endif
