/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/host_timer.h"

#include <stddef.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/host/runtime.h"

static void on_uv_time(uv_timer_t *uv)
{
    struct host_timer *timer = uv->data;
    timer->on_time(timer);
}

static void on_alarm(struct host_alarm *alarm)
{
    struct host_timer *timer =
        (struct host_timer *)((char *)alarm - offsetof(struct host_timer, alarm));
    timer->on_time(timer);
}

void host_timer_start(struct host_timer *timer, struct host *host, uint64_t ms,
                      void (*on_time)(struct host_timer *timer))
{
    timer->host = host;
    timer->on_time = on_time;
    if (host->clock != NULL) {
        timer->alarm = (struct host_alarm){.fire = on_alarm};
        host->clock->start(host->clock->self, &timer->alarm, ms);
        return;
    }
    timer->uv.data = timer;
    CHECK(uv_timer_init(host->loop, &timer->uv) == 0);
    CHECK(uv_timer_start(&timer->uv, on_uv_time, ms, 0) == 0);
}

static void on_uv_closed(uv_handle_t *handle)
{
    struct host_timer *timer = handle->data;
    timer->on_closed(timer);
}

void host_timer_close(struct host_timer *timer, void (*on_closed)(struct host_timer *timer))
{
    const struct host_clock *clock = timer->host->clock;
    timer->on_closed = on_closed;
    if (clock != NULL) {
        clock->stop(clock->self, &timer->alarm);
        on_closed(timer);
        return;
    }
    uv_close((uv_handle_t *)&timer->uv, on_uv_closed);
}

uint64_t host_now_ns(const struct host *host)
{
    return host->clock != NULL ? host->clock->now_ns(host->clock->self)
                               : (uint64_t)clock_monotonic_ns();
}

int64_t host_unix_ms(const struct host *host)
{
    return host->clock != NULL ? host->clock->unix_ms(host->clock->self) : clock_unix_ms();
}
