/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_LOOPS_H
#define CORE_ENGINE_LOOPS_H

/*
 * Loops: nodes that run a body, once (a group) or once for each item (a loop).
 *
 * Items are counted in units: an item, or a batch of them when the body takes whole batches. A
 * worker takes a batch of units, one after the other or `max_parallel` at once; there are at most
 * `parallel_workers` workers. So memory grows with the batches under way, and with what is
 * collected, never with the items.
 *
 * The functions of the first half change the run (run_apply() calls them); those of the second
 * decide.
 *
 * Used by:  apply, decide, frame, scope, streams.
 * Uses:     run_state, decision.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

struct decision;
struct frame;
struct loop_state;
struct record;
struct run_node;

void loops_apply_started(struct run_node *node, const struct record *record);
void loops_apply_stopping(struct run_node *node, const struct record *record);
void loops_apply_frame_started(struct frame *frame);
void loops_apply_frame_ended(struct frame *frame, const struct record *record);
void loops_apply_reduced(struct run_node *node, const struct record *record);

/* Lists the node when loop_step() has something to decide, else takes it off the list. */
void loops_look(struct run_node *node);

/* NULL is fine. */
void loop_state_destroy(struct loop_state *loop);

/* The number of units when it is known, else UINT64_MAX. */
uint64_t loop_state_count(const struct loop_state *loop);

/* A ready loop or group starts. */
void loop_start(const struct decision *d, uint32_t node);

/* The next step of one that runs or stops. */
void loop_step(const struct decision *d, uint32_t node);

/* Nothing is left to do in d->frame, the frame of a loop or group: it ends. */
void loop_end_frame(const struct decision *d);

#endif
