/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_RUN_ENDS_H
#define CORE_LOOP_RUN_ENDS_H

/*
 * Run ends: when a run that has ended leaves memory. One stays as long as its caller may have it
 * undone, or those live that it has called.
 *
 * Used by:  run_driver, run_start.
 * Uses:     run_driver, run_timers, parking, engine.
 * Threads:  [loop]
 */

struct loop_run;

/* `run` has ended: those that may leave now are put before `*ended`, a list (NULL: empty). */
void run_ends_collect(struct loop_run *run, struct loop_run **ended);

/* Frees those of the list; what is left below their roots may only wait now. */
void run_ends_release(struct loop_run *ended);

/* Frees the run, and those above it that stayed for it alone. */
void run_ends_give_up(struct loop_run *run);

#endif
