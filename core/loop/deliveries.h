/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_DELIVERIES_H
#define CORE_LOOP_DELIVERIES_H

/*
 * Deliveries: what `queue.process` nodes have asked for. Each of their items is tried once more, as
 * by a person's order, and watched until it has been delivered, is given up, or is put off: its
 * attempt failed and the next one has its time, its breaker lets nothing through, it is paused or
 * blocked. All of a node are tried together, since they may wait for different services. When none
 * is left to watch, the engine hears what became of them.
 *
 * Nothing of it is durable but what is in the runs: that of the node has the items, theirs have
 * their ends. So another process begins anew with the same items, and reads the ends of those that
 * have ended.
 *
 * Used by:  run_driver, loop; for the files of this folder alone.
 * Uses:     engine (queue), journal (reader), commands.
 * Threads:  [loop]
 */

#include <stddef.h>

struct batch;
struct effect;
struct loop;
struct loop_run;

/* EFFECT_ASK_QUEUE: the engine gets its answer. Without a state folder there are no items. */
void deliveries_find(struct loop_run *run, const struct effect *effect);

/* EFFECT_WORK_QUEUE: the items are tried. */
void deliveries_start(struct loop_run *run, const struct effect *effect);

/* EFFECT_END_QUEUE: what has not ended by now is put off. */
void deliveries_end(struct loop_run *run, const struct effect *effect);

/* What became durable may have been waited for. */
void deliveries_note(struct loop *loop, const struct batch *batch);

/* Forgets all, when nothing calls back any more. */
void deliveries_finish(struct loop *loop);

#endif
