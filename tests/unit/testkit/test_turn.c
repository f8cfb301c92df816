/* SPDX-License-Identifier: Apache-2.0 */

/* How a test host goes on: time, steps, cancel, threads. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/testkit/kit.h"

static double seconds(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void test_turn__an_hour_passes_at_once(void **state)
{
    ops_test_host *host = kit_open(DEEDS, NULL);
    int64_t began_ms = ops_test_unix_ms(host);
    double began = seconds();
    (void)state;
    assert_string_equal(kit_run(host, "deeds", "{\"do\":\"later\",\"ms\":3600000}")->output,
                        "{\"later\":1}");
    assert_int_equal(ops_test_unix_ms(host) - began_ms, 3600000);
    assert_true(seconds() - began < 10);
    assert_string_equal(ops_test_complaints(host), "");
    kit_close(host);
}

static void test_turn__time_stops_where_it_is_told_to(void **state)
{
    const ops_test_options options = {.start_unix_ms = 1000};
    ops_test_host *host = kit_open(DEEDS, &options);
    ops_test_task task = kit_start(host, "deeds", "{\"do\":\"later\",\"ms\":100}");
    (void)state;
    assert_int_equal(ops_test_idle(host), OPS_OK);
    assert_int_equal(ops_test_advance(host, 99), OPS_OK);
    assert_int_equal(ops_test_end(host, task)->kind, OPS_TEST_RUNNING);
    assert_int_equal(ops_test_unix_ms(host), 1099);
    assert_int_equal(ops_test_advance(host, 1), OPS_OK);
    assert_int_equal(ops_test_end(host, task)->kind, OPS_TEST_DONE);
    kit_close(host);
}

static void test_turn__a_run_has_a_limit(void **state)
{
    const ops_test_options options = {.limit_ms = 1000};
    ops_test_host *host = kit_open(DEEDS, &options);
    ops_test_task task = kit_start(host, "deeds", "{\"do\":\"later\",\"ms\":1001}");
    (void)state;
    assert_int_equal(ops_test_run(host, task), OPS_E_TIMEOUT);
    assert_int_equal(ops_test_run(host, 99), OPS_E_STALE);
    kit_close(host);
}

static void test_turn__nothing_left_is_not_waited_for(void **state)
{
    ops_test_host *host = kit_open(DEEDS, NULL);
    ops_test_task task = kit_start(host, "deeds", "{\"do\":\"never\"}");
    (void)state;
    assert_int_equal(ops_test_run(host, task), OPS_E_WOULD_BLOCK);
    assert_int_equal(ops_test_steps(host, task), 1);
    kit_close(host);
}

static void test_turn__a_task_that_ignores_a_cancel_is_given_up(void **state)
{
    const ops_test_options options = {.cancel_grace_ms = 500};
    ops_test_host *host = kit_open(DEEDS, &options);
    ops_test_task task = kit_start(host, "deeds", "{\"do\":\"never\"}");
    ops_test_counts counts;
    (void)state;
    assert_int_equal(ops_test_idle(host), OPS_OK);
    assert_int_equal(ops_test_cancel(host, task, OPS_CANCEL_REQUESTED), OPS_OK);
    assert_int_equal(ops_test_advance(host, 499), OPS_OK);
    assert_int_equal(ops_test_end(host, task)->kind, OPS_TEST_RUNNING);
    assert_int_equal(ops_test_advance(host, 1), OPS_OK);
    assert_int_equal(ops_test_end(host, task)->code, OPS_E_CANCELLED);
    assert_int_equal(ops_test_end(host, task)->is_given_up, 1);
    assert_int_equal(kit_complaints(host, OPS_TEST_GIVEN_UP), 1);
    ops_test_count(host, &counts);
    assert_int_equal(counts.abandoned, 1);
    assert_int_equal(counts.tasks, 0);
    kit_close(host);
}

static void test_turn__a_kill_needs_no_grace_and_is_no_fault(void **state)
{
    ops_test_host *host = kit_open(DEEDS, NULL);
    ops_test_task task = kit_start(host, "deeds", "{\"do\":\"never\"}");
    int64_t began_ms = ops_test_unix_ms(host);
    (void)state;
    assert_int_equal(
        ops_test_cancel_at(host, task, 1, OPS_TEST_LATER, OPS_CANCEL_TIMEOUT | OPS_TEST_KILL),
        OPS_OK);
    assert_int_equal(ops_test_run(host, task), OPS_OK);
    assert_int_equal(ops_test_end(host, task)->code, OPS_E_TIMEOUT);
    assert_int_equal(ops_test_end(host, task)->is_given_up, 1);
    assert_int_equal(ops_test_unix_ms(host), began_ms);
    assert_string_equal(ops_test_complaints(host), "");
    kit_close(host);
}

/* Its thread comes back to a task that nobody remembers. */
static void test_turn__a_killed_thread_may_come_back_late(void **state)
{
    ops_test_host *host = kit_open(DEEDS, &(ops_test_options){.patience_ms = 500});
    struct kit_lost lost = kit_lose(host);
    (void)state;
    assert_int_equal(ops_test_forget(host, lost.task), OPS_OK);
    assert_string_equal(kit_run(host, "deeds", "{\"do\":\"later\"}")->output, "{\"later\":1}");
    kit_let_end(&lost);
    assert_int_equal(kit_complaints(host, OPS_TEST_ENDED_LATE), 1);
    assert_string_equal(ops_test_complaints(host), "");
    kit_close(host);
}

static void test_turn__a_deadline_is_a_cancel(void **state)
{
    const ops_test_spec spec = {
        .type = "deeds", .config = "{\"do\":\"politely\"}", .deadline_ms = 250};
    ops_test_host *host = kit_open(DEEDS, NULL);
    int64_t began_ms = ops_test_unix_ms(host);
    ops_test_task task = 0;
    (void)state;
    assert_int_equal(ops_test_start(host, &spec, &task, NULL), OPS_OK);
    assert_int_equal(ops_test_run(host, task), OPS_OK);
    assert_string_equal(ops_test_end(host, task)->output, "{\"reason\":2}");
    assert_int_equal(ops_test_unix_ms(host) - began_ms, 250);
    kit_close(host);
}

/* What a cancel at a moment of the first step of a task makes of its end. */
static const char *end_of(ops_test_host *host, const char *config, uint32_t moment)
{
    ops_test_task task = kit_start(host, "deeds", config);
    assert_int_equal(ops_test_cancel_at(host, task, 1, moment, OPS_CANCEL_REQUESTED), OPS_OK);
    assert_int_equal(ops_test_run(host, task), OPS_OK);
    const ops_test_result *end = ops_test_end(host, task);
    return end->kind == OPS_TEST_DONE ? end->output : end->message;
}

static void test_turn__moments_are_seen_as_they_are_named(void **state)
{
    ops_test_host *host = kit_open(DEEDS, NULL);
    (void)state;
    assert_int_equal(ops_test_http_rule(host, NULL, "*", 0, NULL), OPS_OK);
    /* before: the step itself finds it, and would wait for ever if it did not */
    assert_string_equal(end_of(host, "{\"do\":\"until_cancelled\"}", OPS_TEST_BEFORE),
                        "{\"cancelled\":1}");
    /* after: the call is not made */
    kit_expect_part(end_of(host, "{\"do\":\"http_stream\"}", OPS_TEST_AFTER), "cancelled");
    assert_null(ops_test_http_call_at(host, 0));
    /* later: it is, and aborted */
    kit_expect_part(end_of(host, "{\"do\":\"http_stream\"}", OPS_TEST_LATER), "aborted");
    assert_int_equal(ops_test_http_call_at(host, 0)->is_aborted, 1);
    kit_close(host);
}

static void test_turn__what_is_no_moment_is_refused(void **state)
{
    ops_test_host *host = kit_open(DEEDS, NULL);
    ops_test_task task = kit_start(host, "deeds", "{\"do\":\"never\"}");
    (void)state;
    assert_int_equal(ops_test_cancel_at(host, task, 0, OPS_TEST_AFTER, 1), OPS_E_INPUT);
    assert_int_equal(ops_test_cancel_at(host, task, 1, 3, 1), OPS_E_INPUT);
    assert_int_equal(ops_test_cancel_at(host, task, 1, OPS_TEST_AFTER, 0), OPS_E_INPUT);
    assert_int_equal(ops_test_cancel_at(host, task, 1, OPS_TEST_BEFORE, 1 | OPS_TEST_KILL),
                     OPS_E_INPUT);
    assert_int_equal(ops_test_cancel_at(host, 99, 1, OPS_TEST_AFTER, 1), OPS_E_STALE);
    assert_int_equal(ops_test_cancel(host, task, 4), OPS_E_INPUT);
    assert_int_equal(ops_test_cancel(host, 99, 1), OPS_E_STALE);
    assert_int_equal(ops_test_idle(host), OPS_OK);
    assert_int_equal(ops_test_cancel_at(host, task, 1, OPS_TEST_AFTER, 1), OPS_E_INPUT);
    assert_int_equal(ops_test_credit(host, 99, 1), OPS_E_STALE);
    kit_close(host);
}

static void test_turn__jobs_and_blocking_nodes_run_really(void **state)
{
    ops_test_host *host = kit_open(DEEDS, NULL);
    int64_t began_ms = ops_test_unix_ms(host);
    (void)state;
    assert_int_equal(ops_test_http_rule(host, NULL, "*", 0, NULL), OPS_OK);
    assert_string_equal(kit_run(host, "deeds", "{\"do\":\"job\"}")->output, "{\"job\":10}");
    assert_string_equal(kit_run(host, "deeds.blocking", "{\"do\":\"job\"}")->output,
                        "{\"job\":10}");
    kit_expect_part(kit_run(host, "deeds.blocking", "{\"do\":\"http_abort\"}")->error, "CANCELLED");
    assert_int_equal(ops_test_unix_ms(host), began_ms);
    assert_string_equal(ops_test_complaints(host), "");
    kit_close(host);
}

static void test_turn__time_waits_for_threads_that_are_at_work(void **state)
{
    const ops_test_options options = {.patience_ms = 500};
    ops_test_host *host = kit_open(DEEDS, &options);
    ops_test_task slow = kit_start(host, "deeds.blocking", "{\"do\":\"until_cancelled\"}");
    ops_test_task task = kit_start(host, "deeds", "{\"do\":\"later\",\"ms\":10}");
    (void)state;
    assert_int_equal(ops_test_advance(host, 10), OPS_E_TIMEOUT);
    assert_int_equal(ops_test_end(host, task)->kind, OPS_TEST_RUNNING);
    assert_int_equal(ops_test_cancel(host, slow, OPS_CANCEL_REQUESTED), OPS_OK);
    assert_int_equal(ops_test_run(host, slow), OPS_OK);
    assert_int_equal(ops_test_run(host, task), OPS_OK);
    kit_close(host);
}

static void test_turn__threads_of_the_plugin_are_waited_for_if_asked(void **state)
{
    const ops_test_options options = {.own_threads_ms = 20000};
    ops_test_host *host = kit_open(DEEDS, &options);
    double began = seconds();
    (void)state;
    assert_string_equal(kit_run(host, "deeds", "{\"do\":\"thread\"}")->output, "{\"thread\":1}");
    assert_true(seconds() - began < 15); /* nobody waits once it has ended */
    kit_close(host);
}

/* It naps longer than it takes to see that it is there, and time has not passed when it ends. */
static void test_turn__threads_of_the_plugin_are_seen_at_work(void **state)
{
    const ops_test_options options = {.flags = OPS_TEST_OWN_THREADS};
    ops_test_host *host = kit_open(DEEDS, &options);
    const ops_test_spec napping = {
        .type = "deeds", .config = "{\"do\":\"thread\",\"nap_ms\":50}", .deadline_ms = 1000};
    ops_test_task task = 0;
    int64_t began_ms = ops_test_unix_ms(host);
    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_string_equal(kit_run(host, "deeds", "{\"do\":\"thread\"}")->output,
                            "{\"thread\":1}");
    }
    assert_int_equal(ops_test_start(host, &napping, &task, NULL), OPS_OK);
    assert_int_equal(ops_test_run(host, task), OPS_OK);
    assert_string_equal(ops_test_end(host, task)->output, "{\"thread\":1}");
    assert_int_equal(ops_test_unix_ms(host), began_ms);
    assert_string_equal(kit_run(host, "deeds", "{\"do\":\"later\"}")->output, "{\"later\":1}");
    kit_close(host);
}

static void test_turn__progress_is_thinned_by_virtual_time(void **state)
{
    ops_test_host *host = kit_open(DEEDS, NULL);
    ops_test_task task = kit_start(host, "deeds", "{\"do\":\"progress\"}");
    (void)state;
    assert_int_equal(ops_test_run(host, task), OPS_OK);
    assert_int_equal(ops_test_progress_count(host, task), 1);
    assert_string_equal(ops_test_progress(host, task, 0), "1 step");
    assert_null(ops_test_progress(host, task, 1));
    kit_close(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turn__an_hour_passes_at_once),
        cmocka_unit_test(test_turn__time_stops_where_it_is_told_to),
        cmocka_unit_test(test_turn__a_run_has_a_limit),
        cmocka_unit_test(test_turn__nothing_left_is_not_waited_for),
        cmocka_unit_test(test_turn__a_task_that_ignores_a_cancel_is_given_up),
        cmocka_unit_test(test_turn__a_kill_needs_no_grace_and_is_no_fault),
        cmocka_unit_test(test_turn__a_killed_thread_may_come_back_late),
        cmocka_unit_test(test_turn__a_deadline_is_a_cancel),
        cmocka_unit_test(test_turn__moments_are_seen_as_they_are_named),
        cmocka_unit_test(test_turn__what_is_no_moment_is_refused),
        cmocka_unit_test(test_turn__jobs_and_blocking_nodes_run_really),
        cmocka_unit_test(test_turn__time_waits_for_threads_that_are_at_work),
        cmocka_unit_test(test_turn__threads_of_the_plugin_are_waited_for_if_asked),
        cmocka_unit_test(test_turn__threads_of_the_plugin_are_seen_at_work),
        cmocka_unit_test(test_turn__progress_is_thinned_by_virtual_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
