/* SPDX-License-Identifier: Apache-2.0 */

/* What stands before the services: faults that hit, and what is complained of. */

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/testkit/kit.h"

/* ---- Faults ---- */

static const char *failing(const char *path, const char *type, const char *config,
                           ops_test_fault fault)
{
    static char text[1024];
    ops_test_host *host = kit_open(path, NULL);
    const ops_test_answer answer = {.status = 200, .body = ops_test_text("12345")};
    assert_int_equal(ops_test_http_rule(host, NULL, "*", 0, &answer), OPS_OK);
    assert_int_equal(ops_test_fault_add(host, &fault), OPS_OK);
    const ops_test_result *end = kit_run(host, type, config);
    assert_int_equal(ops_test_fault_hits(host), 1);
    (void)snprintf(text, sizeof text, "%s%s", end->output, end->error);
    kit_close(host);
    return text;
}

static void test_gate__calls_fail_at_once(void **state)
{
    (void)state;
    kit_expect_part(failing(DEEDS, "deeds", "{\"do\":\"later\"}",
                            (ops_test_fault){.where = "ops.timer.after", .n = 1}),
                    "no timer");
    kit_expect_part(failing(DEEDS, "deeds", "{\"do\":\"http_stream\"}",
                            (ops_test_fault){.where = "ops.http", .n = 1}),
                    "no call");
    kit_expect_part(
        failing(KV, "kv.put", "{\"key\":\"k\"}", (ops_test_fault){.where = "ops.kv", .n = 1}),
        "\"RESOURCE\"");
    kit_expect_part(failing(DEEDS, "deeds", "{\"do\":\"zones\"}",
                            (ops_test_fault){.where = "ops.timer.zone_offset", .n = 1}),
                    "\"status\":5");
}

static ops_test_fault in_callback(const char *where, ops_status status)
{
    return (ops_test_fault){
        .where = where, .n = 1, .flags = OPS_TEST_IN_CALLBACK, .status = status};
}

static void test_gate__callbacks_fail(void **state)
{
    (void)state;
    kit_expect_part(failing(DEEDS, "deeds", "{\"do\":\"later\"}", in_callback("ops.timer", 0)),
                    "\"CANCELLED\"");
    kit_expect_part(
        failing(DEEDS, "deeds", "{\"do\":\"http_stream\"}", in_callback("ops.http", OPS_E_TIMEOUT)),
        "\"TIMEOUT\",\"message\":\"the test wants this call to fail\"");
    kit_expect_part(failing(DEEDS, "deeds", "{\"do\":\"job\"}", in_callback("ops.job", 12)),
                    "{\"job\":22}");
    kit_expect_part(failing(KV, "kv.get", "{\"key\":\"k\"}", in_callback("ops.kv", 0)),
                    "{\"status\":9}");
    kit_expect_part(failing(KV, "kv.put", "{\"key\":\"k\"}", in_callback("ops.kv", 0)),
                    "{\"status\":9}");
    kit_expect_part(failing(KV, "kv.remove", "{\"key\":\"k\"}", in_callback("ops.kv", 0)),
                    "{\"status\":9}");
    kit_expect_part(failing(MAIL, "mail.send", "{\"to\":\"b@two.test\",\"text\":\"x\"}",
                            in_callback("ops.mail", OPS_E_AUTH)),
                    "\"AUTH\"");
    kit_expect_part(failing(SPEND, "spend.call", "{}", in_callback("ops.budget", OPS_E_BUDGET)),
                    "\"BUDGET\"");
}

static void test_gate__callbacks_come_late(void **state)
{
    static const struct {
        const char *path;
        const char *type;
        const char *config;
        const char *where;
    } rows[] = {
        {DEEDS, "deeds", "{\"do\":\"later\",\"ms\":0}", "ops.timer"},
        {DEEDS, "deeds", "{\"do\":\"http_stream\"}", "ops.http"},
        {KV, "kv.put", "{\"key\":\"k\"}", "ops.kv"},
        {MAIL, "mail.send", "{\"to\":\"b@two.test\",\"text\":\"x\"}", "ops.mail"},
        {SPEND, "spend.call", "{}", "ops.budget"},
    };
    const ops_test_answer answer = {.status = 200};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ops_test_host *host = kit_open(rows[i].path, NULL);
        const ops_test_fault fault = {.where = rows[i].where, .late_ms = 5000};
        int64_t began_ms = ops_test_unix_ms(host);
        assert_int_equal(ops_test_http_rule(host, NULL, "*", 0, &answer), OPS_OK);
        assert_int_equal(ops_test_fault_add(host, &fault), OPS_OK);
        assert_int_equal(kit_run(host, rows[i].type, rows[i].config)->kind, OPS_TEST_DONE);
        assert_int_equal(ops_test_unix_ms(host) - began_ms, 5000);
        /* and a cancel meanwhile leaves nothing behind */
        ops_test_task task = kit_start(host, rows[i].type, rows[i].config);
        assert_int_equal(ops_test_idle(host), OPS_OK);
        assert_int_equal(ops_test_cancel(host, task, OPS_CANCEL_REQUESTED), OPS_OK);
        assert_int_equal(ops_test_run(host, task), OPS_OK);
        kit_close(host);
    }
}

/* ---- Complaints ---- */

static void test_gate__who_ends_twice_is_told(void **state)
{
    ops_test_host *host = kit_open(DEEDS, NULL);
    const ops_test_result *end = kit_run(host, "deeds", "{\"do\":\"twice\"}");
    (void)state;
    assert_int_equal(end->ends, 4); /* the second complete() falls back to fail() */
    assert_int_equal(kit_complaints(host, OPS_TEST_ENDED_TWICE), 2);
    kit_expect_part(ops_test_complaints(host),
                    "task 1: ops.exec.complete() of a task that has ended\n"
                    "task 1: ops.exec.fail() of a task that has ended\n");
    kit_close(host);
}

static void test_gate__stale_handles_and_bad_arguments_are_told(void **state)
{
    ops_test_host *host = kit_open(DEEDS, NULL);
    (void)state;
    (void)kit_run(host, "deeds", "{\"do\":\"old_value\"}");
    assert_string_equal(ops_test_complaints(host), "");
    (void)kit_run(host, "deeds", "{\"do\":\"old_value\"}");
    assert_int_equal(kit_complaints(host, OPS_TEST_STALE), 1);
    kit_expect_part(ops_test_complaints(host), "ops.value.get_str() with a handle that is over");
    (void)kit_run(host, "deeds", "{\"do\":\"wrong_arguments\"}");
    assert_true(kit_complaints(host, OPS_TEST_BAD_CALL) > 5);
    (void)kit_run(host, "deeds", "{\"do\":\"emit_after\"}");
    assert_true(kit_complaints(host, OPS_TEST_STALE) > 1);
    kit_close(host);
}

static void test_gate__an_end_after_it_was_given_up_is_harmless(void **state)
{
    ops_test_host *host = kit_open(DEEDS, &(ops_test_options){.patience_ms = 500});
    struct kit_lost lost = kit_lose(host);
    (void)state;
    kit_let_end(&lost);
    assert_int_equal(kit_complaints(host, OPS_TEST_ENDED_LATE), 1);
    assert_int_equal(ops_test_end(host, lost.task)->ends, 0);
    assert_string_equal(ops_test_complaints(host), "");
    kit_close(host);
}

/* Another one was killed before, which says nothing of this one. */
static void test_gate__an_end_too_many_of_a_forgotten_task_is_told(void **state)
{
    ops_test_host *host = kit_open(DEEDS, NULL);
    ops_test_task killed = kit_start(host, "deeds", "{\"do\":\"never\"}");
    (void)state;
    assert_int_equal(ops_test_idle(host), OPS_OK);
    assert_int_equal(ops_test_cancel(host, killed, OPS_CANCEL_REQUESTED | OPS_TEST_KILL), OPS_OK);
    assert_int_equal(ops_test_run(host, killed), OPS_OK);
    assert_int_equal(ops_test_forget(host, killed), OPS_OK);

    ops_test_task task =
        kit_start(host, "deeds", "{\"do\":\"thread\",\"nap_ms\":50,\"once_more\":1}");
    assert_int_equal(ops_test_run(host, task), OPS_OK);
    assert_int_equal(ops_test_forget(host, task), OPS_OK);
    for (int i = 0; i < 2000 && kit_complaints(host, OPS_TEST_ENDED_TWICE) == 0; i++) {
        (void)poll(NULL, 0, 5); /* its thread naps */
    }
    kit_expect_part(ops_test_complaints(host), "task 2: ops.exec.fail() of a task that has ended");
    assert_int_equal(kit_complaints(host, OPS_TEST_ENDED_LATE), 0);
    kit_close(host);
}

static void test_gate__all_that_is_random_is_outlived(void **state)
{
    ops_test_host *host = kit_open(DEEDS, NULL);
    (void)state;
    assert_int_equal(kit_run(host, "deeds", "{\"do\":\"random\"}")->kind, OPS_TEST_DONE);
    assert_int_equal(kit_run(host, "deeds", "{\"do\":\"scopes\"}")->kind, OPS_TEST_DONE);
    assert_true(kit_complaints(host, OPS_TEST_STALE) > 0);
    kit_close(host);
}

static void test_gate__what_the_plugin_logs_is_kept(void **state)
{
    ops_test_host *host = kit_open(DEEDS, NULL);
    const ops_test_spec spec = {
        .type = "deeds.stateful", .settings = "{\"name\":\"n0\"}", .config = "{}"};
    char settings[32];
    ops_test_task task = 0;
    (void)state;
    (void)kit_run(host, "deeds", "{\"do\":\"log\"}");
    assert_true(ops_test_log_count(host, 1) > 0);
    assert_int_equal(ops_test_log_count(host, 0), 1);
    assert_null(ops_test_log(host, 1, 99));
    assert_int_equal(ops_test_start(host, &spec, &task, NULL), OPS_OK);
    assert_int_equal(ops_test_run(host, task), OPS_OK);
    for (int i = 1; i < 70; i++) { /* nodes that are too many are destroyed */
        ops_test_spec other = spec;
        (void)snprintf(settings, sizeof settings, "{\"name\":\"n%d\"}", i);
        other.settings = settings;
        assert_int_equal(ops_test_start(host, &other, &task, NULL), OPS_OK);
        assert_int_equal(ops_test_run(host, task), OPS_OK);
    }
    assert_true(ops_test_log_count(host, 0) > 1);
    assert_string_equal(ops_test_log(host, 0, 1), "warn: a node was destroyed");
    kit_close(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gate__calls_fail_at_once),
        cmocka_unit_test(test_gate__callbacks_fail),
        cmocka_unit_test(test_gate__callbacks_come_late),
        cmocka_unit_test(test_gate__who_ends_twice_is_told),
        cmocka_unit_test(test_gate__stale_handles_and_bad_arguments_are_told),
        cmocka_unit_test(test_gate__an_end_after_it_was_given_up_is_harmless),
        cmocka_unit_test(test_gate__an_end_too_many_of_a_forgotten_task_is_told),
        cmocka_unit_test(test_gate__all_that_is_random_is_outlived),
        cmocka_unit_test(test_gate__what_the_plugin_logs_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
