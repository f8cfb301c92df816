/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/random.h"
#include "tests/unit/policy/breaker_case.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static void test_breaker__a_good_call_between_failures_keeps_it_closed(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        call_and_report(i % 3 == 2 ? BREAKER_GOOD : BREAKER_BAD);
    }
    assert_int_equal(breaker.state, BREAKER_CLOSED);
}

static void test_breaker__a_good_trial_gives_the_others_the_whole_time(void **state)
{
    (void)state;
    settings.half_open_calls = 3;
    breaker_init(&breaker, &settings, 1, now);
    be_half_open();
    call();
    now += 20000;
    report(BREAKER_GOOD);
    assert_int_equal(breaker_next_due(&breaker), now + 30000);
    now += 30000;
    assert_true(breaker_tick(&breaker, now));
}

static void test_breaker__peek_takes_no_permit(void **state)
{
    (void)state;
    be_open();
    now += MINUTE;
    for (int i = 0; i < 5; i++) {
        answer = breaker_peek(&breaker, now);
        assert_int_equal(answer.ruling, BREAKER_TRIAL);
        assert_false(answer.has_changed);
    }
    assert_int_equal(breaker.state, BREAKER_OPEN);
    call();
    assert_int_equal(breaker.trials_under_way, 1);
    now += 30000;
    answer = breaker_peek(&breaker, now);
    assert_int_equal(answer.ruling, BREAKER_REFUSED);
    assert_true(answer.has_changed);
}

static void test_breaker__openings_in_a_row_double_and_vary(void **state)
{
    static const int64_t middle[] = {60000, 120000, 240000, 480000, 600000, 600000};
    int64_t waits[COUNT_OF(middle)];
    bool is_seen_below = false;
    bool is_seen_above = false;
    for (uint64_t seed = 0; seed < 200; seed++) {
        breaker_case_set_up(state);
        breaker.seed = seed;
        open_in_a_row(waits, COUNT_OF(waits));
        assert_int_equal(waits[0], 60000);
        for (size_t i = 1; i < COUNT_OF(waits); i++) {
            assert_in_range(waits[i], middle[i] / 5 * 4, middle[i] / 5 * 6);
            assert_true(waits[i] <= 600000);
        }
        is_seen_below = is_seen_below || waits[1] < 100000;
        is_seen_above = is_seen_above || waits[1] > 140000;
        assert_int_not_equal(waits[4], 600000); /* drawn below the limit, not cut off at it */
    }
    assert_true(is_seen_below && is_seen_above);
}

static void test_breaker__a_closing_ends_the_doubling(void **state)
{
    (void)state;
    int64_t waits[3];
    open_in_a_row(waits, COUNT_OF(waits));
    now = breaker_next_due(&breaker);
    call_and_report(BREAKER_GOOD);
    call_and_report(BREAKER_GOOD);
    assert_int_equal(breaker.state, BREAKER_CLOSED);
    be_open();
    assert_int_equal(breaker_next_due(&breaker), now + MINUTE);
}

static void test_breaker__a_long_reset_timeout_stays_as_long(void **state)
{
    (void)state;
    int64_t waits[4];
    settings.reset_timeout_ms = 60 * MINUTE;
    breaker_init(&breaker, &settings, 5, now);
    open_in_a_row(waits, COUNT_OF(waits));
    assert_int_equal(waits[0], 60 * MINUTE);
    for (size_t i = 1; i < COUNT_OF(waits); i++) {
        assert_in_range(waits[i], 48 * MINUTE, 60 * MINUTE);
    }
}

static void test_breaker__settings_are_brought_within_their_limits(void **state)
{
    (void)state;
    settings = (struct breaker_settings){
        .failure_threshold = 1,
        .failure_rate = NAN,
        .window_ms = INT64_MAX,
        .slow_call_rate = 0.5, /* without slow_call: off */
        .reset_timeout_ms = INT64_MAX,
        .half_open_timeout_ms = -1,
    };
    breaker_init(&breaker, &settings, 5, now);
    assert_int_equal(breaker.window_seconds, 0);
    call_and_report(BREAKER_BAD);
    assert_int_equal(breaker_next_due(&breaker), now + BREAKER_TIME_MAX_MS);
    now += BREAKER_TIME_MAX_MS;
    call_and_report(BREAKER_GOOD); /* one trial, within a millisecond */
    assert_int_equal(breaker.state, BREAKER_CLOSED);

    settings.failure_rate = 7;
    settings.reset_timeout_ms = -1;
    breaker_init(&breaker, &settings, 5, now);
    assert_int_equal(breaker.window_seconds, BREAKER_WINDOW_MAX_S);
    assert_true(breaker.settings.failure_rate == 1);
    for (int i = 0; i < 100; i++) { /* open for no time, doubled */
        call_and_report(BREAKER_BAD);
        assert_int_equal(breaker_next_due(&breaker), now);
    }
    settings.window_ms = -5;
    breaker_init(&breaker, &settings, 5, -5);
    assert_int_equal(breaker.window_seconds, 1);
    answer = breaker_ask(&breaker, -5);
    assert_int_equal(breaker_report(&breaker, answer.permit, BREAKER_GOOD, -9, -5), BREAKER_SAME);
}

static void rate_settings(double failure_rate, double slow_call_rate)
{
    settings.failure_threshold = 0;
    settings.failure_rate = failure_rate;
    settings.slow_call_rate = slow_call_rate;
    settings.window_ms = 9001; /* ten seconds */
    settings.minimum_calls = 4;
    breaker_init(&breaker, &settings, 3, now);
    assert_int_equal(breaker.window_seconds, 10);
}

static void test_breaker__failure_rate_opens_once_there_are_enough_calls(void **state)
{
    (void)state;
    rate_settings(0.5, 0);
    call_and_report(BREAKER_BAD);
    call_and_report(BREAKER_BAD);
    call_and_report(BREAKER_GOOD);
    assert_int_equal(breaker.state, BREAKER_CLOSED);
    call_and_report(BREAKER_GOOD); /* 2 of 4 */
    assert_int_equal(breaker.state, BREAKER_OPEN);
    assert_int_equal(news, BREAKER_CHANGED);
}

static void test_breaker__calls_leave_the_window(void **state)
{
    (void)state;
    rate_settings(0.5, 0);
    call_and_report(BREAKER_BAD);
    call_and_report(BREAKER_BAD);
    now += 9000;
    call_and_report(BREAKER_GOOD);
    assert_int_equal(breaker.window.calls, 3);
    now += 1000;
    call_and_report(BREAKER_GOOD);
    assert_int_equal(breaker.window.calls, 2);
    now += 3600000;
    call_and_report(BREAKER_GOOD);
    assert_int_equal(breaker.window.calls, 1);
    now -= 1800000; /* set back: the window begins anew */
    call_and_report(BREAKER_GOOD);
    assert_int_equal(breaker.window.calls, 1);
    now -= 3000;
    call_and_report(BREAKER_BAD);
    assert_int_equal(breaker.window.calls, 2);
}

static void report_slow(enum breaker_result result, int64_t took_ms)
{
    call();
    news = breaker_report(&breaker, answer.permit, result, took_ms, now);
}

static void test_breaker__slow_calls_count_as_failures(void **state)
{
    (void)state;
    settings.slow_call_ms = 500;
    breaker_init(&breaker, &settings, 3, now);
    report_slow(BREAKER_GOOD, 501);
    report_slow(BREAKER_GOOD, 501);
    report_slow(BREAKER_IGNORED, 501);
    assert_int_equal(breaker.failures_in_row, 2);
    report_slow(BREAKER_GOOD, 500); /* not slower than this */
    assert_int_equal(breaker.failures_in_row, 0);
    report_slow(BREAKER_GOOD, 501);
    report_slow(BREAKER_BAD, 501);
    report_slow(BREAKER_GOOD, 501);
    assert_int_equal(breaker.state, BREAKER_OPEN);
    now += MINUTE;
    report_slow(BREAKER_GOOD, 501); /* a trial */
    assert_int_equal(news, BREAKER_CHANGED);
    assert_int_equal(breaker.openings, 2);
}

static void test_breaker__slow_call_rate_counts_them_apart(void **state)
{
    (void)state;
    settings.slow_call_ms = 500;
    rate_settings(0, 0.5);
    settings.failure_threshold = 1;
    breaker_init(&breaker, &settings, 3, now);
    report_slow(BREAKER_GOOD, 501);
    report_slow(BREAKER_GOOD, 501);
    report_slow(BREAKER_GOOD, 10);
    assert_int_equal(breaker.failures_in_row, 0);
    report_slow(BREAKER_GOOD, 10);
    assert_int_equal(breaker.state, BREAKER_OPEN);
}

struct past_call {
    int64_t at;
    bool is_bad;
};

/* Whether the calls of the window's seconds reach 30 % of at least 4. */
static bool is_past_too_bad(const struct past_call *calls, size_t count)
{
    uint32_t all = 0;
    uint32_t bad = 0;
    for (size_t i = 0; i < count; i++) {
        if (calls[i].at / 1000 > now / 1000 - 10) {
            all++;
            bad += calls[i].is_bad;
        }
    }
    return all >= 4 && bad * 10 >= all * 3;
}

static void test_breaker__window_counts_what_a_list_of_calls_counts(void **state)
{
    (void)state;
    struct random random = {.state = 17};
    int opened = 0;
    for (int round = 0; round < 300; round++) {
        struct past_call calls[200];
        rate_settings(0.3, 0);
        for (size_t i = 0; i < COUNT_OF(calls); i++) {
            now += random_below(&random, random_percent(&random, 3) ? 15000 : 900);
            calls[i] = (struct past_call){now, random_percent(&random, 16)};
            call_and_report(calls[i].is_bad ? BREAKER_BAD : BREAKER_GOOD);
            bool is_open = breaker.state == BREAKER_OPEN;
            assert_int_equal(is_open, is_past_too_bad(calls, i + 1));
            if (is_open) {
                opened++;
                break;
            }
        }
    }
    assert_in_range(opened, 50, 299);
}

static void test_breaker__a_clock_set_back_makes_no_wait_longer(void **state)
{
    (void)state;
    be_open();
    now -= 60 * MINUTE;
    call();
    assert_int_equal(answer.due_at, now + MINUTE);
    now += MINUTE;
    call();
    assert_int_equal(answer.ruling, BREAKER_TRIAL);
    now -= 60 * MINUTE;
    assert_false(breaker_tick(&breaker, now));
    assert_int_equal(breaker_next_due(&breaker), now + 30000);
    assert_true(breaker.changed_at <= now);
}
static void test_breaker__names_of_states(void **state)
{
    (void)state;
    assert_string_equal(breaker_state_name(BREAKER_CLOSED), "closed");
    assert_string_equal(breaker_state_name(BREAKER_HALF_OPEN), "half_open");
    assert_string_equal(breaker_state_name(BREAKER_DISABLED), "disabled");
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_breaker__a_good_call_between_failures_keeps_it_closed,
                               breaker_case_set_up),
        cmocka_unit_test_setup(test_breaker__a_good_trial_gives_the_others_the_whole_time,
                               breaker_case_set_up),
        cmocka_unit_test_setup(test_breaker__peek_takes_no_permit, breaker_case_set_up),
        cmocka_unit_test_setup(test_breaker__openings_in_a_row_double_and_vary,
                               breaker_case_set_up),
        cmocka_unit_test_setup(test_breaker__a_closing_ends_the_doubling, breaker_case_set_up),
        cmocka_unit_test_setup(test_breaker__a_long_reset_timeout_stays_as_long,
                               breaker_case_set_up),
        cmocka_unit_test_setup(test_breaker__settings_are_brought_within_their_limits,
                               breaker_case_set_up),
        cmocka_unit_test_setup(test_breaker__failure_rate_opens_once_there_are_enough_calls,
                               breaker_case_set_up),
        cmocka_unit_test_setup(test_breaker__calls_leave_the_window, breaker_case_set_up),
        cmocka_unit_test_setup(test_breaker__slow_calls_count_as_failures, breaker_case_set_up),
        cmocka_unit_test_setup(test_breaker__slow_call_rate_counts_them_apart, breaker_case_set_up),
        cmocka_unit_test_setup(test_breaker__window_counts_what_a_list_of_calls_counts,
                               breaker_case_set_up),
        cmocka_unit_test_setup(test_breaker__a_clock_set_back_makes_no_wait_longer,
                               breaker_case_set_up),
        cmocka_unit_test_setup(test_breaker__names_of_states, breaker_case_set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
