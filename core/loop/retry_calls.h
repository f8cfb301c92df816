/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_RETRY_CALLS_H
#define CORE_LOOP_RETRY_CALLS_H

/*
 * Retry calls: those that an ended run has left to the retry queue, that the queue has not settled
 * yet, and that a new run would make again. The key of a call is made of its run: the service would
 * take the two for different ones, and do the work twice.
 *
 * Used by:  retry.
 * Uses:     engine (queue, record), journal (reading).
 * Threads:  [loop]
 */

struct document;
struct error;
struct journal_reader;
struct run;

/*
 * 0 when there are none. `reuse`: what the new run takes over, see reuse_build(); NULL: nothing.
 * Fails with E_CONFLICT, which names the first and says what to do, and as the reader does.
 */
int retry_calls_check(struct journal_reader *reader, const struct run *old,
                      const struct document *reuse, struct error *err);

#endif
