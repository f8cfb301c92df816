/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_RUN_VIEW_H
#define CORE_CLI_RUN_VIEW_H

/*
 * Run view: what is known of a run from its records, for whoever shows it. It sees only what is
 * durable.
 *
 * Used by:  cmd_run, run_screen, run_lines, run_result.
 * Uses:     engine/record.h, model.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/engine/record.h"

struct document;
struct pipeline;

struct node_view {
    enum node_state state;
    uint32_t attempt;
    int64_t started_at; /* unix ms; 0: not */
    int64_t ended_at;
    const struct document *output; /* shared */
    const struct document *error;
    uint64_t iterations; /* of a loop, that have ended */
    uint64_t failed_iterations;
    double fraction; /* of progress; < 0: unknown */
    char note[128];  /* the latest message */
};

struct run_view {
    const struct pipeline *pipeline; /* borrowed */
    struct node_view *nodes;         /* of the root body */
    uint32_t node_count;
    enum run_state state;
    int64_t started_at;
    int64_t ended_at;
    uint32_t running;
    uint32_t ended; /* completed, failed, skipped, cancelled; each visit of a state counts */
    uint32_t completed;
    uint32_t failed;
    uint32_t skipped;
    uint32_t cancelled;
    const struct document *output; /* shared */
    const struct document *error;
};

/* 0 or E_NOMEM. `pipeline` must outlive the view. */
int run_view_init(struct run_view *view, const struct pipeline *pipeline);
void run_view_finish(struct run_view *view);

/* Takes one record in. */
void run_view_apply(struct run_view *view, const struct record *record);

/* Nodes that will not run: known when the run has ended. */
uint32_t run_view_not_run(const struct run_view *view);

/* The milliseconds that node or run took so far, as seen at `now`. */
int64_t run_view_node_ms(const struct node_view *node, int64_t now_unix_ms);
int64_t run_view_ms(const struct run_view *view, int64_t now_unix_ms);

#endif
