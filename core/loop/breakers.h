/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_BREAKERS_H
#define CORE_LOOP_BREAKERS_H

/*
 * Breakers: the circuit breakers of the engine, as earlier processes left them, and their changes
 * in the log. What people ask of them is in loop.h: loop_find_breaker(), loop_order_breaker().
 *
 * Used by:  loop, run_driver; for the files of this folder alone.
 * Uses:     engine, journal, log.
 * Threads:  [loop]
 */

struct batch;
struct error;
struct loop;

/*
 * As they were when the state was left; before anything starts. What cannot be read is said in the
 * log, and begins closed: no run depends on it. Fails as journal_reader_scopes().
 */
int breakers_load(struct loop *loop, struct error *err);

/*
 * A line, and a count, for each breaker that has changed in the batch, which is durable now. None
 * in a loop whose starts are held: who gave the order is told by the command.
 */
void breakers_note(struct loop *loop, const struct batch *batch);

#endif
