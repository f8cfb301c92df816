/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_RATE_LIMITS_H
#define CORE_LOOP_RATE_LIMITS_H

/*
 * Rate limits: those of the engine, as earlier processes left them.
 *
 * Used by:  loop; for the files of this folder alone.
 * Uses:     engine, journal, log.
 * Threads:  [loop]
 */

struct error;
struct loop;

/*
 * As they were when the state was left, or a little stricter; before anything starts. What cannot
 * be read is said in the log, and begins anew. Fails as journal_reader_scopes().
 */
int rate_limits_load(struct loop *loop, struct error *err);

#endif
