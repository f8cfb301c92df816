/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_QUEUE_WORK_H
#define CORE_ENGINE_QUEUE_WORK_H

/*
 * Queue work: a `queue.process` node has calls of the retry queue made. It asks which ones there
 * are; its start records them, so that another process goes on with the same; whoever drives the
 * engine has them tried and says what became of them, and that is the node's output. The items are
 * runs of their own: what becomes of this node is nothing to them.
 *
 *     {"processed": 2, "requeued": 1, "dead": 0, "items": [{id, workflow, node, run, output}]}
 *
 * `items` are those that were delivered.
 *
 * Used by:  decide, decision, recover; loop (defaults).
 * Uses:     decision.
 * Threads:  [loop]
 */

#include <stdint.h>

struct decision;
struct run_event;

/* `max_items`, where the config does not say. */
enum { QUEUE_WORK_ITEMS = 100 };

/* A ready node: EFFECT_ASK_QUEUE, or its failure. */
void queue_work_begin(const struct decision *d, uint32_t node);

/* The answer: its start with EFFECT_WORK_QUEUE; its end when there is nothing to do. */
void queue_work_found(const struct decision *d, const struct run_event *event);

/* Its items have been tried: its end. */
void queue_work_end(const struct decision *d, const struct run_event *event);

/* EFFECT_END_QUEUE: it has waited long enough, or ends. */
void queue_work_leave(const struct decision *d, uint32_t node);

/* Another process has them tried. */
void queue_work_recover(const struct decision *d, uint32_t node);

#endif
