/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_RUN_KEPT_H
#define CORE_CLI_RUN_KEPT_H

/*
 * Run kept: what is remembered of a run though it is over: the first failures inside loops and
 * child runs, when asked to the first steps that ended, the states that were left, and the events
 * that nothing has taken. The rest is counted: memory has a bound.
 *
 * Used by:  run_view, and who shows it.
 * Uses:     run_tree, engine/record.h, model.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/cli/run_tree.h"
#include "core/engine/record.h"

struct document;

enum {
    RUN_KEPT_FAILURES_MOST = 100, /* inside loops and child runs; more are counted */
    RUN_KEPT_STEPS_MOST = 1000,   /* inner steps for the result; more are counted */
    RUN_KEPT_HISTORY_MOST = 1000, /* states that were left; more are counted */
};

/* A failure below a node of the root body. */
struct failure_view {
    char *path;                   /* owned */
    const struct document *error; /* shared */
    bool is_handled;
};

/* A step that has ended, below a node of the root body or before its latest visit or round. */
struct step_view {
    char *path; /* owned */
    struct str id;
    enum node_state state;
    uint32_t attempt;
    unsigned from; /* as in node_view */
    int64_t started_at;
    int64_t ended_at;
    const struct document *output; /* shared */
    const struct document *error;
    const struct document *detail;
    char *child; /* owned; NULL: none */
};

/* All zero: nothing. */
struct run_kept {
    bool keeps_steps;
    struct failure_view *failures;
    size_t failure_count;
    size_t failure_cap;
    uint64_t failure_total;
    struct step_view *steps;
    size_t step_count;
    size_t step_cap;
    uint64_t step_total;
    uint32_t *history; /* of a state machine: the nodes of the states that were left */
    size_t history_count;
    size_t history_cap;
    uint64_t history_total;
    const struct document **events; /* that were sent to the run and nothing has taken */
    size_t event_count;
    size_t event_cap;
    size_t event_total; /* that the run took in */
};

/* `path` is taken. This and the following fail with E_NOMEM: then not all is known. */
int run_kept_add_failure(struct run_kept *kept, char *path, const struct record *record);
/* The step has ended. */
int run_kept_add_step(struct run_kept *kept, struct step step);
/* The state `node` of a machine was left. */
int run_kept_add_state(struct run_kept *kept, uint32_t node);
int run_kept_add_event(struct run_kept *kept, const struct document *event);

/* The event at `index` was taken. */
void run_kept_drop_event(struct run_kept *kept, uint64_t index);

void run_kept_finish(struct run_kept *kept);

#endif
