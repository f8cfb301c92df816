/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/loop/late_signal.h"

static const uint64_t MS = 1000000;
static const uint64_t FIRST = 5000000000;

static void test_late_signal__ends_when_code_of_a_node_is_in_the_way(void **state)
{
    (void)state;
    assert_true(late_signal_ends(FIRST, FIRST + 200 * MS, FIRST - 1));
    assert_true(late_signal_ends(FIRST, FIRST + 200 * MS, FIRST));
}

static void test_late_signal__an_echo_is_no_second_one(void **state)
{
    (void)state;
    assert_false(late_signal_ends(FIRST, FIRST, FIRST - 1));
    assert_false(late_signal_ends(FIRST, FIRST + 199 * MS, FIRST - 1));
}

static void test_late_signal__has_patience_with_the_loop_itself(void **state)
{
    (void)state;
    assert_false(late_signal_ends(FIRST, FIRST + 1999 * MS, 0));
    assert_true(late_signal_ends(FIRST, FIRST + 2000 * MS, 0));
}

static void test_late_signal__code_that_came_later_is_not_the_cause(void **state)
{
    (void)state;
    assert_false(late_signal_ends(FIRST, FIRST + 1999 * MS, FIRST + 1));
    assert_true(late_signal_ends(FIRST, FIRST + 2000 * MS, FIRST + 1));
}

static void test_late_signal__one_that_was_taken_ends_nothing(void **state)
{
    (void)state;
    assert_false(late_signal_ends(0, FIRST, 0));
    assert_false(late_signal_ends(0, FIRST, FIRST - 1));
}

static void test_late_signal__clocks_of_two_threads_may_differ(void **state)
{
    (void)state;
    assert_false(late_signal_ends(FIRST, FIRST - 1, FIRST - 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_late_signal__ends_when_code_of_a_node_is_in_the_way),
        cmocka_unit_test(test_late_signal__an_echo_is_no_second_one),
        cmocka_unit_test(test_late_signal__has_patience_with_the_loop_itself),
        cmocka_unit_test(test_late_signal__code_that_came_later_is_not_the_cause),
        cmocka_unit_test(test_late_signal__one_that_was_taken_ends_nothing),
        cmocka_unit_test(test_late_signal__clocks_of_two_threads_may_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
