/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_HOST_CLOCK_H
#define CORE_HOST_HOST_CLOCK_H

/*
 * What the host needs of time when it is played: see host_options.clock. Without it the host uses
 * the clocks of the system and the timers of its loop.
 *
 * Used by:  host, testkit (plays it).
 * Uses:     nothing.
 * Threads:  [loop], but the two that tell the time: [any].
 */

#include <stdint.h>

/* A moment to come; its owner's memory. `next` and `prev` are the clock's. */
struct host_alarm {
    struct host_alarm *next;
    struct host_alarm **prev; /* NULL: it does not wait */
    uint64_t at_ms;           /* of now_ns() */
    void (*fire)(struct host_alarm *alarm);
};

struct host_clock {
    void *self;
    uint64_t (*now_ns)(void *self);
    int64_t (*unix_ms)(void *self);
    /* Has `fire` called once, `ms` from now, from outside of any function of the host. */
    void (*start)(void *self, struct host_alarm *alarm, uint64_t ms);
    /* It will not be called. Also when it has been, or was never started. */
    void (*stop)(void *self, struct host_alarm *alarm);
};

#endif
