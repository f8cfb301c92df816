/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_TESTKIT_TEST_CLOCK_H
#define CORE_TESTKIT_TEST_CLOCK_H

/*
 * Test clock: time that passes only when it is told to, and what waits for it.
 *
 * Used by:  testkit; the host, as its struct host_clock.
 * Uses:     host/host_clock.h.
 * Threads:  [loop], but the two functions of the host's table that tell the time: [any].
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/host/host_clock.h"

struct test_clock {
    struct host_clock table; /* what the host is given; its self is this */
    _Atomic uint64_t now_ms; /* since the beginning */
    int64_t start_unix_ms;
    struct host_alarm *first; /* that wait, by their moment and then by order */
};

/* The clock must not move in memory from here on. */
void test_clock_init(struct test_clock *clock, int64_t start_unix_ms);

uint64_t test_clock_now_ms(const struct test_clock *clock);

/* `alarm` (kept until it fires or is stopped) fires `ms` from now, once. */
void test_clock_start(struct test_clock *clock, struct host_alarm *alarm, uint64_t ms);
void test_clock_stop(struct host_alarm *alarm);

/* Fires one whose moment has come; false: there is none. */
bool test_clock_fire(struct test_clock *clock);

/* When the next fires; false: none waits. */
bool test_clock_next(const struct test_clock *clock, uint64_t *out_at_ms);

/* Time never goes back, and never over an alarm that waits. */
void test_clock_set(struct test_clock *clock, uint64_t now_ms);

#endif
