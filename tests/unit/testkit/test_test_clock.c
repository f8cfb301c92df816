/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/testkit/test_clock.h"

static char fired[8];
static size_t fired_count;

struct named {
    struct host_alarm alarm; /* first */
    char name;
};

static void on_alarm(struct host_alarm *alarm)
{
    fired[fired_count++] = ((struct named *)alarm)->name;
    fired[fired_count] = '\0';
}

static int reset(void **state)
{
    (void)state;
    fired_count = 0;
    fired[0] = '\0';
    return 0;
}

static void test_test_clock__alarms_fire_by_moment_and_then_by_order(void **state)
{
    struct test_clock clock;
    struct named a = {{.fire = on_alarm}, 'a'};
    struct named b = {{.fire = on_alarm}, 'b'};
    struct named c = {{.fire = on_alarm}, 'c'};
    uint64_t next_ms = 0;
    (void)state;
    test_clock_init(&clock, 1000);
    test_clock_start(&clock, &a.alarm, 20);
    test_clock_start(&clock, &b.alarm, 10);
    test_clock_start(&clock, &c.alarm, 10);
    assert_false(test_clock_fire(&clock));
    assert_true(test_clock_next(&clock, &next_ms));
    assert_int_equal(next_ms, 10);
    test_clock_set(&clock, 10);
    assert_true(test_clock_fire(&clock));
    assert_true(test_clock_fire(&clock));
    assert_false(test_clock_fire(&clock));
    test_clock_set(&clock, 20);
    assert_true(test_clock_fire(&clock));
    assert_string_equal(fired, "bca");
    assert_false(test_clock_next(&clock, &next_ms));
    assert_int_equal(clock.table.unix_ms(clock.table.self), 1020);
    assert_int_equal(clock.table.now_ns(clock.table.self), 20000000);
}

static void test_test_clock__one_that_was_stopped_does_not_fire(void **state)
{
    struct test_clock clock;
    struct named a = {{.fire = on_alarm}, 'a'};
    struct named b = {{.fire = on_alarm}, 'b'};
    (void)state;
    test_clock_init(&clock, 0);
    test_clock_stop(&a.alarm); /* never started */
    test_clock_start(&clock, &a.alarm, 0);
    test_clock_start(&clock, &b.alarm, 0);
    test_clock_stop(&a.alarm);
    test_clock_stop(&a.alarm);
    assert_true(test_clock_fire(&clock));
    assert_false(test_clock_fire(&clock));
    assert_string_equal(fired, "b");
}

static void test_test_clock__a_wait_without_end_stays_the_last(void **state)
{
    struct test_clock clock;
    struct named a = {{.fire = on_alarm}, 'a'};
    struct named b = {{.fire = on_alarm}, 'b'};
    uint64_t next_ms = 0;
    (void)state;
    test_clock_init(&clock, 0);
    test_clock_set(&clock, 5);
    test_clock_start(&clock, &a.alarm, UINT64_MAX);
    test_clock_start(&clock, &b.alarm, 1);
    assert_true(test_clock_next(&clock, &next_ms));
    assert_int_equal(next_ms, 6);
    test_clock_stop(&b.alarm);
    assert_true(test_clock_next(&clock, &next_ms));
    assert_true(next_ms == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_test_clock__alarms_fire_by_moment_and_then_by_order, reset),
        cmocka_unit_test_setup(test_test_clock__one_that_was_stopped_does_not_fire, reset),
        cmocka_unit_test_setup(test_test_clock__a_wait_without_end_stays_the_last, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
