/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_BREAKERS_H
#define CORE_LOOP_BREAKERS_H

/*
 * Breakers: changes of circuit breakers in the log. What people ask of them is in loop.h:
 * loop_find_breaker(), loop_order_breaker().
 *
 * Used by:  run_driver; for the files of this folder alone.
 * Uses:     engine, scope_search, log.
 * Threads:  [loop]
 */

struct batch;
struct loop;

/*
 * A line, and a count, for each breaker that has changed in the batch, which is durable now. None
 * in a loop whose starts are held: who gave the order is told by the command.
 */
void breakers_note(struct loop *loop, const struct batch *batch);

#endif
