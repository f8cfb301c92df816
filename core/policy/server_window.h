/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_POLICY_SERVER_WINDOW_H
#define CORE_POLICY_SERVER_WINDOW_H

/*
 * Server window: a service says with its answers how many more calls it takes until when. Of what
 * it said of one window the least counts, since answers come in any order; calls on their way may
 * not be in it yet, so they are taken off. It only ever holds calls back, and only until the
 * window's end: who heard nothing is not bound.
 *
 * Used by:  engine.
 * Uses:     the limit of retry.
 * Threads:  one window belongs to one thread at a time; pure.
 */

#include <stdbool.h>
#include <stdint.h>

/*
 * Ends that are no further apart are those of one window: some services say whole seconds from now
 * on, and the answer takes its time.
 */
enum { SERVER_WINDOW_SLACK_MS = 2000 };

/* All zero: nothing was said. */
struct server_window {
    int64_t until; /* unix ms */
    uint32_t remaining;
};

/*
 * `remaining` more until `until`, which counts for RETRY_AFTER_MAX_MS from `now` on at most. What
 * is said of an earlier window than the last is too late.
 */
void server_window_hear(struct server_window *window, uint32_t remaining, int64_t until,
                        int64_t now);

/* Calls that could go out at once while `in_flight` have no answer yet; UINT32_MAX: any number. */
uint32_t server_window_left(const struct server_window *window, uint32_t in_flight, int64_t now);

/* Milliseconds until one may, unless an answer comes before; 0: now. */
int64_t server_window_wait(const struct server_window *window, uint32_t in_flight, int64_t now);

#endif
