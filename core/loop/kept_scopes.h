/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_KEPT_SCOPES_H
#define CORE_LOOP_KEPT_SCOPES_H

/*
 * Kept scopes: the circuit breakers and rate limits of the engine, as earlier processes left them;
 * and what is kept of limits and bounds nothing any more, which goes.
 *
 * Used by:  loop, run_driver; for the files of this folder alone.
 * Uses:     engine, journal, log.
 * Threads:  [loop]
 */

struct error;
struct loop;

enum { KEPT_SCOPES_INTERVAL_MS = 60 * 1000, KEPT_SCOPES_PORTION = 1000 };

/*
 * As they were when the state was left, or a little stricter; before anything starts. What cannot
 * be read is said in the log, and begins anew: no run depends on it. Fails as
 * journal_reader_scopes().
 */
int kept_scopes_load(struct loop *loop, struct error *err);

/* A run has ended, or the loop begins to run: once in a while rows of limits that are over go. */
void kept_scopes_prune(struct loop *loop);

#endif
