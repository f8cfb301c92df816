/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_DECISION_EDGES_H
#define CORE_ENGINE_DECISION_EDGES_H

/*
 * Decision edges: which out edges of a node are taken as it ends.
 *
 * Used by:  decision_end.
 * Uses:     decision, edge_set, failure, queue.
 * Threads:  [loop]
 */

#include "core/engine/decision.h"

struct document;

/*
 * Fills in `record->taken`, and `is_handled` when an edge is there for its failure. Returns the
 * failure of an edge's condition (owned), or NULL.
 */
struct document *decision_edges_decide(const struct decision *d, struct record *record);

#endif
