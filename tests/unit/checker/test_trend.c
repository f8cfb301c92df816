/* SPDX-License-Identifier: Apache-2.0 */
#include "core/checker/trend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { COUNT = 7 };

static bool goes_on(const uint64_t floors[COUNT], unsigned pauses)
{
    return trend_goes_on(floors, COUNT, pauses);
}

static void test_trend__a_leak_goes_on(void **state)
{
    (void)state;
    assert_true(goes_on((const uint64_t[]){10, 11, 12, 13, 14, 15, 16}, 0));
    assert_true(goes_on((const uint64_t[]){0, 1000, 2000, 3000, 4000, 5000, 6000}, 0));
    assert_true(goes_on((const uint64_t[]){5, 14, 26, 34, 47, 55, 64}, 0)); /* uneven */
}

static void test_trend__may_pause(void **state)
{
    const uint64_t floors[] = {10, 11, 12, 12, 14, 15, 16};
    (void)state;
    assert_false(goes_on(floors, 0));
    assert_true(goes_on(floors, 1));
    assert_false(goes_on((const uint64_t[]){10, 11, 12, 12, 14, 14, 15}, 1));
}

static void test_trend__what_stops_is_none(void **state)
{
    (void)state;
    assert_false(goes_on((const uint64_t[]){7, 7, 7, 7, 7, 7, 7}, 6));
    assert_false(goes_on((const uint64_t[]){0, 50, 100, 150, 200, 256, 256}, 6));
    assert_false(goes_on((const uint64_t[]){0, 256, 256, 256, 256, 256, 256}, 6));
}

/* The fuller it is, the more of what comes is in it already. */
static void test_trend__a_cache_that_is_nearly_full_is_none(void **state)
{
    (void)state;
    assert_false(goes_on((const uint64_t[]){1000, 1370, 1660, 1885, 2060, 2190, 2290}, 0));
}

static void test_trend__what_falls_is_none(void **state)
{
    (void)state;
    assert_false(goes_on((const uint64_t[]){10, 20, 30, 29, 40, 50, 60}, 6));
    assert_false(goes_on((const uint64_t[]){70, 60, 50, 40, 30, 20, 10}, 6));
}

static void test_trend__needs_three_floors(void **state)
{
    const uint64_t floors[] = {1, 2, 3};
    (void)state;
    assert_false(trend_goes_on(floors, 0, 0));
    assert_false(trend_goes_on(floors, 2, 0));
    assert_true(trend_goes_on(floors, 3, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trend__a_leak_goes_on),
        cmocka_unit_test(test_trend__may_pause),
        cmocka_unit_test(test_trend__what_stops_is_none),
        cmocka_unit_test(test_trend__a_cache_that_is_nearly_full_is_none),
        cmocka_unit_test(test_trend__what_falls_is_none),
        cmocka_unit_test(test_trend__needs_three_floors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
