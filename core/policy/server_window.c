/* SPDX-License-Identifier: Apache-2.0 */
#include "core/policy/server_window.h"

#include "core/policy/retry.h"

static bool is_open(const struct server_window *window, int64_t now)
{
    return window->until > now && window->until <= now + RETRY_AFTER_MAX_MS;
}

void server_window_hear(struct server_window *window, uint32_t remaining, int64_t until,
                        int64_t now)
{
    int64_t end = until < now + RETRY_AFTER_MAX_MS ? until : now + RETRY_AFTER_MAX_MS;
    if (end <= now) {
        return;
    }
    if (!is_open(window, now) || end > window->until + SERVER_WINDOW_SLACK_MS) {
        *window = (struct server_window){.until = end, .remaining = remaining};
    } else if (end >= window->until - SERVER_WINDOW_SLACK_MS && remaining < window->remaining) {
        window->remaining = remaining;
    }
}

uint32_t server_window_left(const struct server_window *window, uint32_t in_flight, int64_t now)
{
    if (!is_open(window, now)) {
        return UINT32_MAX;
    }
    return window->remaining > in_flight ? window->remaining - in_flight : 0;
}

int64_t server_window_wait(const struct server_window *window, uint32_t in_flight, int64_t now)
{
    return server_window_left(window, in_flight, now) > 0 ? 0 : window->until - now;
}
