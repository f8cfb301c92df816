/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_PARKING_H
#define CORE_LOOP_PARKING_H

/*
 * Parking: runs that only wait (for a time, an event, a person, a breaker) take no memory. Their
 * records say all, so they are given up; restorer brings them back when their time comes or
 * somebody sends them something. A row says when to look again; those that wait for a breaker the
 * engine knows by their numbers, and their rows say that they are at work: the next process asks
 * anew.
 *
 * Used by:  run_driver, run_timers, commands; for the files of this folder alone.
 * Uses:     engine, commit, restorer.
 * Threads:  [loop]
 */

#include <stdbool.h>

struct engine_rest;
struct loop;
struct loop_run;
struct run;

/* Below this a run waits in memory: to give it up and load it again takes about as long. */
enum { PARKING_SHORTEST_MS = 2000 };

/*
 * Gives up `root` when it has ended, and parks it when it only waits, if nobody holds it and all
 * its records are durable. It may be freed.
 */
void parking_look(struct loop_run *root);

/* Whether it does: it only waits, and long enough. What for is in `out_wait`. */
bool parking_pays(const struct run *root, struct engine_rest *out_wait);

/* Parked runs whose time has come are brought back. */
void parking_wake(struct loop *loop);

/* The same for those that wait for a breaker, which engine_sleep() knows. */
void parking_wake_sleepers(struct loop *loop);

/* Tells who has asked for it when no run is in memory: loop_watch_idle(). */
void parking_check_idle(struct loop *loop);

#endif
