/* SPDX-License-Identifier: Apache-2.0 */
#include "core/policy/alert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/random.h"

#define START INT64_C(1800000000000)

static struct alert alert;
static struct alert_change changes[ALERT_KINDS];

static int set_up(void **state)
{
    (void)state;
    alert_init(&alert, &(struct alert_settings){
                           .has_error_rate = true, .error_rate = 0.1, .latency_p99_ms = 1000});
    return 0;
}

/* A run ends `at` after the start; what has changed by then is in `changes`. */
static void end_run(int64_t at, bool has_failed, int64_t took_ms)
{
    alert_pass(&alert, START + at, changes);
    alert_add(&alert, has_failed, took_ms, START + at, changes);
}

static void test_alert__names_of_kinds(void **state)
{
    (void)state;
    assert_string_equal(alert_kind_name(ALERT_ERROR_RATE), "error_rate");
    assert_string_equal(alert_kind_name(ALERT_LATENCY_P99), "latency_p99");
}

static void test_alert__the_longest_duration_there_is_counts_as_slow(void **state)
{
    (void)state;
    end_run(0, false, INT64_MAX);
    assert_int_equal(changes[ALERT_LATENCY_P99].news, ALERT_CROSSED);
    assert_true(changes[ALERT_LATENCY_P99].value > 1000.0);
}

static void test_alert__each_step_of_a_rate(void **state)
{
    (void)state;
    static const struct {
        int64_t at;
        bool has_failed;
        enum alert_news news;
        double rate;
    } rows[] = {
        {0, false, ALERT_SAME, 0.0},
        {1000, true, ALERT_CROSSED, 0.5},
        {2000, true, ALERT_SAME, 2.0 / 3.0}, /* once */
        {3000, false, ALERT_SAME, 0.5},
        {200000, false, ALERT_SAME, 0.4},
        {300000, false, ALERT_OVER, 0.0},         /* the first four are too old */
        {300001, true, ALERT_CROSSED, 1.0 / 3.0}, /* it had fallen */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum alert_news first;
        alert_pass(&alert, START + rows[i].at, changes);
        first = changes[ALERT_ERROR_RATE].news;
        alert_add(&alert, rows[i].has_failed, 10, START + rows[i].at, changes);
        enum alert_news news = first != ALERT_SAME ? first : changes[ALERT_ERROR_RATE].news;
        assert_int_equal(news, rows[i].news);
        assert_true(alert_error_rate(&alert) > rows[i].rate - 1e-9);
        assert_true(alert_error_rate(&alert) < rows[i].rate + 1e-9);
        assert_int_equal(changes[ALERT_LATENCY_P99].news, ALERT_SAME);
    }
}

static void test_alert__at_the_threshold_is_not_above_it(void **state)
{
    (void)state;
    for (int i = 0; i < 9; i++) {
        end_run(i, false, 1000);
    }
    end_run(9, true, 1000);
    assert_false(alert.is_above[ALERT_ERROR_RATE]); /* one of ten */
    assert_false(alert.is_above[ALERT_LATENCY_P99]);
    end_run(10, true, 1001);
    assert_true(alert.is_above[ALERT_ERROR_RATE]);
    assert_int_equal(alert.since[ALERT_ERROR_RATE], START + 10);
    assert_int_equal(changes[ALERT_LATENCY_P99].news, ALERT_CROSSED); /* one of eleven */
}

static void test_alert__one_slow_run_of_a_hundred_is_fine(void **state)
{
    (void)state;
    for (int i = 0; i < 99; i++) {
        end_run(i, false, 10);
    }
    end_run(99, false, 5000);
    assert_false(alert.is_above[ALERT_LATENCY_P99]);
    assert_true(alert_latency_p99(&alert) < 13.0);
    end_run(100, false, 5000);
    assert_int_equal(changes[ALERT_LATENCY_P99].news, ALERT_CROSSED);
    assert_true(changes[ALERT_LATENCY_P99].value >= 5000.0);
    assert_true(changes[ALERT_LATENCY_P99].value < 6200.0);
}

/* A value below its threshold would not be believed. */
static void test_alert__what_is_told_is_beyond_the_threshold(void **state)
{
    (void)state;
    alert_set(&alert, &(struct alert_settings){.latency_p99_ms = 1300});
    end_run(0, true, 1301);
    assert_int_equal(changes[ALERT_LATENCY_P99].news, ALERT_CROSSED);
    assert_true(changes[ALERT_LATENCY_P99].value > 1300.0);
    assert_int_equal(changes[ALERT_ERROR_RATE].news, ALERT_SAME); /* off */
}

static void test_alert__time_alone_ends_it(void **state)
{
    (void)state;
    end_run(0, true, 2000);
    assert_true(alert.is_above[ALERT_ERROR_RATE] && alert.is_above[ALERT_LATENCY_P99]);
    alert_pass(&alert, START + ALERT_WINDOW_MS - ALERT_BUCKET_MS, changes);
    assert_int_equal(changes[ALERT_ERROR_RATE].news, ALERT_SAME);
    alert_pass(&alert, START + ALERT_WINDOW_MS, changes);
    assert_int_equal(changes[ALERT_ERROR_RATE].news, ALERT_OVER);
    assert_int_equal(changes[ALERT_LATENCY_P99].news, ALERT_OVER);
    assert_true(alert_error_rate(&alert) <= 0.0 && alert_latency_p99(&alert) <= 0.0);
    alert_pass(&alert, START + 2 * ALERT_WINDOW_MS, changes);
    assert_int_equal(changes[ALERT_ERROR_RATE].news, ALERT_SAME);
}

static void test_alert__a_clock_set_back_begins_anew(void **state)
{
    (void)state;
    end_run(60000, true, 10);
    alert_pass(&alert, START, changes);
    assert_int_equal(changes[ALERT_ERROR_RATE].news, ALERT_OVER);
    alert_pass(&alert, -5, changes);
    end_run(0, true, 10);
    assert_int_equal(changes[ALERT_ERROR_RATE].news, ALERT_CROSSED);
}

static void test_alert__p99_is_within_a_quarter(void **state)
{
    (void)state;
    static const int64_t took[] = {0, 1, 2, 3, 4, 5, 7, 8, 100, 999, 1000, 65535, 65536, 10000000};
    for (size_t i = 0; i < sizeof(took) / sizeof(took[0]); i++) {
        double ms = took[i] > 0 ? (double)took[i] : 1.0;
        alert_init(&alert, &(struct alert_settings){0});
        end_run(0, false, took[i]);
        assert_true(alert_latency_p99(&alert) >= ms);
        assert_true(alert_latency_p99(&alert) <= ms * 1.25);
    }
    alert_init(&alert, &(struct alert_settings){0});
    end_run(0, false, INT64_MAX);
    assert_true(alert_latency_p99(&alert) > 1.0e7);
}

/* What was slow stays so when the threshold rises: what is told is beyond the new one. */
static void test_alert__a_threshold_that_rises_is_still_crossed(void **state)
{
    (void)state;
    alert_init(&alert, &(struct alert_settings){.latency_p99_ms = 100});
    end_run(0, false, 1000);
    assert_true(alert.is_above[ALERT_LATENCY_P99]);
    alert_set(&alert, &(struct alert_settings){.latency_p99_ms = 5000});
    alert_pass(&alert, START, changes);
    assert_int_equal(changes[ALERT_LATENCY_P99].news, ALERT_SAME);
    assert_true(changes[ALERT_LATENCY_P99].value > 5000.5 &&
                changes[ALERT_LATENCY_P99].value < 5001.5);
}

static void test_alert__very_many_runs_are_as_many_as_fit(void **state)
{
    (void)state;
    alert_init(&alert, &(struct alert_settings){.latency_p99_ms = 100});
    for (int i = 0; i < UINT16_MAX + 10; i++) {
        end_run(0, false, 10);
    }
    assert_true(alert_latency_p99(&alert) >= 10.0 && alert_latency_p99(&alert) <= 12.5);
    for (int i = 0; i < (UINT16_MAX + 10) / 50; i++) {
        end_run(0, false, 1000);
    }
    assert_true(alert.is_above[ALERT_LATENCY_P99]);
    assert_true(alert_latency_p99(&alert) >= 1000.0 && alert_latency_p99(&alert) <= 1250.0);
}

/* Against a window that remembers each run. */
static void test_alert__is_what_a_plain_count_says(void **state)
{
    (void)state;
    enum { RUNS = 3000 };
    static int64_t at[RUNS];
    static bool failed[RUNS];
    struct random random = {.state = 7};
    int64_t now = 0;
    for (int i = 0; i < RUNS; i++) {
        now += (int64_t)random_below(&random, i % 100 == 0 ? 200000 : 3000);
        at[i] = now;
        failed[i] = random_below(&random, 10) == 0;
        end_run(now, failed[i], 10);
        int64_t first = ((START + now) / ALERT_BUCKET_MS - ALERT_BUCKETS + 1) * ALERT_BUCKET_MS;
        double runs = 0.0;
        double failures = 0.0;
        for (int k = i; k >= 0 && START + at[k] >= first; k--) {
            runs += 1.0;
            failures += failed[k] ? 1.0 : 0.0;
        }
        double difference = alert_error_rate(&alert) - failures / runs;
        assert_true(difference < 1e-9 && difference > -1e-9);
        assert_int_equal(alert.is_above[ALERT_ERROR_RATE], failures / runs > 0.1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_alert__names_of_kinds, set_up),
        cmocka_unit_test_setup(test_alert__the_longest_duration_there_is_counts_as_slow, set_up),
        cmocka_unit_test_setup(test_alert__each_step_of_a_rate, set_up),
        cmocka_unit_test_setup(test_alert__at_the_threshold_is_not_above_it, set_up),
        cmocka_unit_test_setup(test_alert__one_slow_run_of_a_hundred_is_fine, set_up),
        cmocka_unit_test_setup(test_alert__what_is_told_is_beyond_the_threshold, set_up),
        cmocka_unit_test_setup(test_alert__time_alone_ends_it, set_up),
        cmocka_unit_test_setup(test_alert__a_clock_set_back_begins_anew, set_up),
        cmocka_unit_test_setup(test_alert__p99_is_within_a_quarter, set_up),
        cmocka_unit_test_setup(test_alert__a_threshold_that_rises_is_still_crossed, set_up),
        cmocka_unit_test_setup(test_alert__very_many_runs_are_as_many_as_fit, set_up),
        cmocka_unit_test_setup(test_alert__is_what_a_plain_count_says, set_up),
    };
    return cmocka_run_group_tests_name("alert", tests, NULL, NULL);
}
