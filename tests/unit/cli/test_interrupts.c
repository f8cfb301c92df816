/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>

#include "core/cli/interrupts.h"

static void test_interrupts__the_same_signal_at_once_is_an_echo(void **state)
{
    (void)state;
    struct interrupts interrupts = {0};
    assert_int_equal(interrupts_take(&interrupts, SIGINT), 1);
    assert_int_equal(interrupts_take(&interrupts, SIGINT), 0);
    interrupts.last_ns -= 1000 * 1000000LL; /* a second later */
    assert_int_equal(interrupts_take(&interrupts, SIGINT), 2);
}

static void test_interrupts__another_signal_is_none(void **state)
{
    (void)state;
    struct interrupts interrupts = {0};
    assert_int_equal(interrupts_take(&interrupts, SIGINT), 1);
    assert_int_equal(interrupts_take(&interrupts, SIGTERM), 2);
    assert_int_equal(interrupts_take(&interrupts, SIGTERM), 0);
}

static void test_interrupts__a_hangup_that_was_ignored_stays_so(void **state)
{
    (void)state;
    struct interrupts interrupts = {0};
    struct sigaction old = {0};
    const struct sigaction ends = {.sa_handler = SIG_DFL};
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    assert_int_equal(sigaction(SIGHUP, &ends, &old), 0); /* this may run under nohup */
    interrupts_init(&interrupts);
    assert_int_equal(interrupts_take(&interrupts, SIGHUP), 1);
    assert_int_equal(sigaction(SIGHUP, &ignore, NULL), 0);
    interrupts_init(&interrupts);
    assert_int_equal(sigaction(SIGHUP, &old, NULL), 0);
    assert_int_equal(interrupts_take(&interrupts, SIGHUP), 0);
    assert_int_equal(interrupts_take(&interrupts, SIGINT), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interrupts__the_same_signal_at_once_is_an_echo),
        cmocka_unit_test(test_interrupts__another_signal_is_none),
        cmocka_unit_test(test_interrupts__a_hangup_that_was_ignored_stays_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
