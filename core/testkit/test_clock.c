/* SPDX-License-Identifier: Apache-2.0 */
#include "core/testkit/test_clock.h"

#include <stddef.h>

#include "core/base/check.h"

static uint64_t table_now_ns(void *self)
{
    return test_clock_now_ms(self) * 1000000;
}

static int64_t table_unix_ms(void *self)
{
    const struct test_clock *clock = self;
    return clock->start_unix_ms + (int64_t)test_clock_now_ms(clock);
}

static void table_start(void *self, struct host_alarm *alarm, uint64_t ms)
{
    test_clock_start(self, alarm, ms);
}

static void table_stop(void *self, struct host_alarm *alarm)
{
    (void)self;
    test_clock_stop(alarm);
}

void test_clock_init(struct test_clock *clock, int64_t start_unix_ms)
{
    *clock =
        (struct test_clock){.table = {clock, table_now_ns, table_unix_ms, table_start, table_stop},
                            .start_unix_ms = start_unix_ms};
}

uint64_t test_clock_now_ms(const struct test_clock *clock)
{
    return atomic_load(&clock->now_ms);
}

void test_clock_start(struct test_clock *clock, struct host_alarm *alarm, uint64_t ms)
{
    uint64_t now_ms = test_clock_now_ms(clock);
    alarm->at_ms = ms < UINT64_MAX - now_ms ? now_ms + ms : UINT64_MAX;
    struct host_alarm **at = &clock->first;
    while (*at != NULL && (*at)->at_ms <= alarm->at_ms) {
        at = &(*at)->next;
    }
    alarm->next = *at;
    alarm->prev = at;
    if (alarm->next != NULL) {
        alarm->next->prev = &alarm->next;
    }
    *at = alarm;
}

void test_clock_stop(struct host_alarm *alarm)
{
    if (alarm->prev == NULL) {
        return;
    }
    *alarm->prev = alarm->next;
    if (alarm->next != NULL) {
        alarm->next->prev = alarm->prev;
    }
    alarm->prev = NULL;
}

bool test_clock_fire(struct test_clock *clock)
{
    struct host_alarm *alarm = clock->first;
    if (alarm == NULL || alarm->at_ms > test_clock_now_ms(clock)) {
        return false;
    }
    test_clock_stop(alarm);
    alarm->fire(alarm);
    return true;
}

bool test_clock_next(const struct test_clock *clock, uint64_t *out_at_ms)
{
    if (clock->first == NULL) {
        return false;
    }
    *out_at_ms = clock->first->at_ms;
    return true;
}

void test_clock_set(struct test_clock *clock, uint64_t now_ms)
{
    CHECK(now_ms >= test_clock_now_ms(clock));
    CHECK(clock->first == NULL || clock->first->at_ms >= now_ms);
    atomic_store(&clock->now_ms, now_ms);
}
