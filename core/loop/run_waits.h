/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_RUN_WAITS_H
#define CORE_LOOP_RUN_WAITS_H

/*
 * Run waits: what the nodes of runs wait for before they may start, for who shows it. No record
 * says it, so whoever looks is told now and then, soon after something was decided. The functions
 * that others call are in loop.h.
 *
 * Used by:  loop, run_driver; for the files of this folder alone.
 * Uses:     engine (waits), libuv.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <uv.h>

struct loop;

struct run_waits {
    struct loop *loop;
    uv_timer_t timer; /* something was decided, and who looks is told when it fires */
    void (*on_waits)(void *user);
    void *user;
    bool is_observed; /* a run's observer looks */
};

void run_waits_init(struct run_waits *waits, struct loop *loop);
/* Closes the handle; it is closed at the next turn of the loop. */
void run_waits_finish(struct run_waits *waits);

/* Something was decided. */
void run_waits_note(struct run_waits *waits);

#endif
