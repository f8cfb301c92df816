/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_TRANSITION_H
#define CORE_ENGINE_TRANSITION_H

/*
 * Transition: the only setters of the states of nodes and runs, with what may follow what.
 *
 * Used by:  apply, edges, frames; restore asks.
 * Uses:     run_state, streams.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/engine/run.h"

struct run_node;

/* Whether a record may bring it there; run_apply() checks it. */
bool transition_allows_node(const struct run_node *node, enum node_state to);
bool transition_allows_run(const struct run *run, enum run_state to);

/* Where it is not allowed the process ends. What its frame counts follows. */
void transition_set_node(struct run_node *node, enum node_state state);
void transition_set_run(struct run *run, enum run_state state);

/* The node is ready since `at`, unix ms, and is looked at. */
void transition_make_ready(struct run_node *node, int64_t at);

#endif
