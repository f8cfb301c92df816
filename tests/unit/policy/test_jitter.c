/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/policy/jitter.h"

static void test_jitter__same_seed_and_step_draw_the_same(void **state)
{
    (void)state;
    assert_int_equal(jitter_between(7, 3, 0, 1000000), jitter_between(7, 3, 0, 1000000));
    assert_int_not_equal(jitter_between(7, 3, 0, INT64_MAX), jitter_between(7, 4, 0, INT64_MAX));
    assert_int_not_equal(jitter_between(7, 3, 0, INT64_MAX), jitter_between(8, 3, 0, INT64_MAX));
}

static void test_jitter__draws_each_number_about_as_often(void **state)
{
    (void)state;
    int seen[10] = {0};
    for (uint64_t seed = 0; seed < 1000; seed++) {
        for (uint64_t step = 1; step <= 10; step++) {
            int64_t drawn = jitter_between(seed, step, 5, 14);
            assert_in_range(drawn, 5, 14);
            seen[drawn - 5]++;
        }
    }
    for (size_t i = 0; i < 10; i++) {
        assert_in_range(seen[i], 850, 1150);
    }
}

static void test_jitter__an_empty_range_is_its_low_end(void **state)
{
    (void)state;
    assert_int_equal(jitter_between(1, 1, 4, 4), 4);
    assert_int_equal(jitter_between(1, 1, 4, 3), 4);
    assert_int_equal(jitter_between(1, 1, -5, 3), -5);
    assert_true(jitter_between(1, 1, 0, INT64_MAX) >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jitter__same_seed_and_step_draw_the_same),
        cmocka_unit_test(test_jitter__draws_each_number_about_as_often),
        cmocka_unit_test(test_jitter__an_empty_range_is_its_low_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
