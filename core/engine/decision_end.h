/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_DECISION_END_H
#define CORE_ENGINE_DECISION_END_H

/*
 * Decision end: how a node ends, with its edges, its `repeat`, and the run's failure.
 *
 * Used by:  decide, and the files of one kind of node or body.
 * Uses:     decision, decision_edges, decision_room, decision_stop, repeat, stand_in, states.
 * Threads:  [loop]
 */

#include <stdint.h>

#include "core/engine/decision.h"

struct document;
struct error;

/*
 * Records the end of a node with its edges, and the run's failure when nothing handles it.
 * `record` has node_state, outcome, and output or error (borrowed).
 */
void decision_end_node(const struct decision *d, struct record *record);
/* The same for a completion (output, detail), after which its `repeat` may run the node again. */
void decision_end_completed(const struct decision *d, struct record *record);
void decision_end_with_output(const struct decision *d, uint32_t node, uint32_t outcome,
                              const struct document *output);
void decision_end_failed(const struct decision *d, uint32_t node, const struct document *failure);
void decision_end_failed_for(const struct decision *d, uint32_t node, const char *code,
                             const struct error *err);
/* A node fails though its work was done, as `end`, its completion, says: it is undone like other.
 */
void decision_end_failed_done(const struct decision *d, const struct record *end,
                              const struct document *failure);

#endif
