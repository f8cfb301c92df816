/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_RUN_TIMERS_H
#define CORE_LOOP_RUN_TIMERS_H

/*
 * Run timers: those of all runs in memory, and the one for runs that wait as rows, behind one timer
 * of libuv. Waits count by the wall clock: a wait until noon ends at noon, also when the clock was
 * set meanwhile. Time-outs count by the monotonic clock: who sets the clock ends no work.
 *
 * Used by:  run_driver, parking, loop; for the files of this folder alone.
 * Uses:     timer_heap, libuv.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

struct effect;
struct heap_timer;
struct loop;
struct loop_run;

void run_timers_arm(struct loop_run *run, const struct effect *effect);
void run_timers_disarm(struct loop_run *run, const struct effect *effect);
/*
 * Takes a time-out out (due_ms: so much of it is left) and lets it go on. False: there is none of
 * that node.
 */
bool run_timers_hold(struct loop *loop, struct heap_timer *timer);
void run_timers_go_on(struct loop *loop, const struct heap_timer *timer);

/* All timers of a run that is given up. */
void run_timers_drop(struct loop_run *run);

/* Runs that wait as rows have to be looked at (parking_wake) at this time, unix ms. */
void run_timers_wake_at(struct loop *loop, int64_t unix_ms);

/* What runs share (see engine_next_due()) may be due at another time. */
void run_timers_look_at_shared(struct loop *loop);

/* The wall clock was set. */
void run_timers_clock_set(struct loop *loop);

#endif
