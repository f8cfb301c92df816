/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_EDGES_H
#define CORE_ENGINE_EDGES_H

/*
 * Edges: how the end of a node decides its out edges, and which nodes become ready by that or are
 * not run. Streams count as edges from their node to the loops that read them.
 *
 * Used by:  apply.
 * Uses:     run_state, record, streams, transition.
 * Threads:  [loop]
 */

#include <stdint.h>

struct frame;
struct record;

/* The out edges of the node that has ended, as `record` says. */
void edges_apply_ended(struct frame *frame, const struct record *record);

/* `edge` to the fallback of a node is taken; `at`: unix ms. */
void edges_apply_fallback(struct frame *frame, uint32_t edge, int64_t at);

/* The loops over the stream of `node`, which now has its first item. */
void edges_apply_first_item(struct frame *frame, uint32_t node, int64_t at);

#endif
