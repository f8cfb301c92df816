/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_DECISION_STOP_H
#define CORE_ENGINE_DECISION_STOP_H

/*
 * Decision stop: nodes, frames and runs in which nothing new starts, and what becomes of what runs.
 *
 * Used by:  decide, decision_end, and the files of one kind of node or body.
 * Uses:     decision, run_state, record.
 * Threads:  [loop]
 */

#include <stdint.h>

#include "core/engine/decision.h"

struct document;

/* Nothing new starts from here on; `error` (borrowed) becomes the run's. */
void decision_stop_run(const struct decision *d, enum run_state state, const struct document *error,
                       enum stop_reason reason);

/* The same because `node` failed with `failure` (borrowed). Tasks are left as they are. */
void decision_stop_failed(const struct decision *d, uint32_t node, const struct document *failure);

/*
 * Tells a running node of any kind to end, with what works for it. Of a state `transition` is one
 * more than the out edge to take then, whatever it gives; 0: its end decides.
 */
void decision_stop_node(const struct decision *d, uint32_t node, enum stop_reason reason,
                        uint32_t transition);

/* Tells the running task of `node` to end. */
void decision_stop_task(const struct decision *d, uint32_t node, enum stop_reason reason);

enum decision_tasks {
    DECISION_LET_TASKS_END,
    DECISION_STOP_TASKS,
};

/*
 * Ends what is active in d->frame and below it: queued nodes never start, waits end, tasks are
 * told or left to end. `except` (or RECORD_NO_NODE) is a node of d->frame whose own end is in
 * this batch already.
 */
void decision_stop_active(const struct decision *d, enum stop_reason reason, uint32_t except,
                          enum decision_tasks tasks);

/* The same in the frames that work for `node`, in which nothing new starts from here on. */
void decision_stop_frames(const struct decision *d, uint32_t node, enum run_state state,
                          enum stop_reason reason, enum decision_tasks tasks);

#endif
