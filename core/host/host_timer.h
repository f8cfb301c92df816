/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_HOST_TIMER_H
#define CORE_HOST_HOST_TIMER_H

/*
 * Timer: one wait of the host, by its loop or by the clock that it was given; and what time it is.
 *
 * Used by:  deadline, service_timer, task_stream, service_mail.
 * Uses:     host_clock, libuv.
 * Threads:  [loop], but the two that tell the time: [any].
 */

#include <stdint.h>
#include <uv.h>

#include "core/host/host_clock.h"

struct host;

/* Embedded in its owner, which must live until `on_closed`. */
struct host_timer {
    struct host *host;
    void (*on_time)(struct host_timer *timer);
    void (*on_closed)(struct host_timer *timer);
    uv_timer_t uv; /* without a clock */
    struct host_alarm alarm;
};

/* Has `on_time` called once, `ms` from now, if it is not closed before. */
void host_timer_start(struct host_timer *timer, struct host *host, uint64_t ms,
                      void (*on_time)(struct host_timer *timer));

/* Once; `on_closed` is called at once or later, and is the last. */
void host_timer_close(struct host_timer *timer, void (*on_closed)(struct host_timer *timer));

uint64_t host_now_ns(const struct host *host);
int64_t host_unix_ms(const struct host *host);

#endif
