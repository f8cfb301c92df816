/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How a plugin is tested: each case opens a host on the plugin's file, plays the world around it,
 * and looks at what the task told. Nothing waits, and nothing leaves the process.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "opstream/test.h"

static ops_test_host *open_host(const char *path)
{
    ops_test_problem why = {""};
    ops_test_host *host = NULL;
    if (ops_test_open(path, NULL, &host, &why) != OPS_OK) {
        fail_msg("%s", why.text);
    }
    return host;
}

static ops_test_task start(ops_test_host *host, const char *config)
{
    const ops_test_spec spec = {.config = config};
    ops_test_problem why = {""};
    ops_test_task task = 0;
    if (ops_test_start(host, &spec, &task, &why) != OPS_OK) {
        fail_msg("%s", why.text);
    }
    return task;
}

/* The end that a test of any plugin may have: it ended once, and nothing is wrong with it. */
static void close_host(ops_test_host *host)
{
    assert_string_equal(ops_test_complaints(host), "");
    assert_int_equal(ops_test_close(host), OPS_OK);
}

/* ---- hello: a pure function ---- */

static void test_hello__greets_whom_the_config_names(void **state)
{
    ops_test_host *host = open_host(HELLO);
    ops_test_task task = start(host, "{\"name\":\"you\"}");
    (void)state;
    assert_int_equal(ops_test_run(host, task), OPS_OK);
    assert_string_equal(ops_test_end(host, task)->output, "{\"greeting\":\"hello, you\"}");
    task = start(host, "{}");
    assert_int_equal(ops_test_run(host, task), OPS_OK);
    assert_string_equal(ops_test_end(host, task)->output, "{\"greeting\":\"hello, world\"}");
    close_host(host);
}

static void test_hello__config_is_checked_before_it_runs(void **state)
{
    const ops_test_spec spec = {.config = "{\"name\":7,\"nmae\":1}"};
    ops_test_host *host = open_host(HELLO);
    ops_test_problem why = {""};
    ops_test_task task = 0;
    (void)state;
    assert_int_equal(ops_test_start(host, &spec, &task, &why), OPS_E_CONFIG);
    assert_non_null(strstr(why.text, "/name"));
    assert_non_null(strstr(why.text, "nmae"));
    close_host(host);
}

/* Each call of a service fails in turn: the task must still end, once. */
static void test_hello__ends_whatever_fails(void **state)
{
    ops_test_fault fault = {.where = ""};
    uint64_t hits = 1;
    (void)state;
    for (fault.n = 1; hits > 0; fault.n++) {
        ops_test_host *host = open_host(HELLO);
        ops_test_task task = start(host, "{}");
        assert_int_equal(ops_test_fault_add(host, &fault), OPS_OK);
        assert_int_equal(ops_test_run(host, task), OPS_OK);
        hits = ops_test_fault_hits(host);
        assert_int_equal(ops_test_end(host, task)->kind,
                         hits > 0 ? OPS_TEST_FAILED : OPS_TEST_DONE);
        close_host(host);
    }
    assert_true(fault.n > 3);
}

/* ---- fetch: an asynchronous call ---- */

static void test_fetch__ends_with_the_answer(void **state)
{
    const ops_test_answer answer = {.status = 200, .body = ops_test_text("{\"x\":[1,2]}")};
    ops_test_host *host = open_host(FETCH);
    ops_test_task task = start(host, "{\"url\":\"http://a/b\"}");
    (void)state;
    assert_int_equal(ops_test_http_rule(host, "GET", "http://a/b", 1, &answer), OPS_OK);
    assert_int_equal(ops_test_run(host, task), OPS_OK);
    assert_string_equal(ops_test_end(host, task)->output,
                        "{\"status\":200,\"body\":{\"x\":[1,2]}}");
    close_host(host);
}

static void test_fetch__tells_what_the_server_refuses(void **state)
{
    const ops_test_answer busy = {.status = 503, .body = ops_test_text("busy")};
    const ops_test_answer torn = {.status = 200, .body = ops_test_text("{\"x\":")};
    ops_test_host *host = open_host(FETCH);
    ops_test_task first = start(host, "{\"url\":\"http://a/busy\"}");
    ops_test_task second = start(host, "{\"url\":\"http://a/torn\"}");
    (void)state;
    assert_int_equal(ops_test_http_rule(host, "GET", "http://a/busy", 0, &busy), OPS_OK);
    assert_int_equal(ops_test_http_rule(host, "GET", "http://a/*", 0, &torn), OPS_OK);
    assert_int_equal(ops_test_run(host, first), OPS_OK);
    assert_int_equal(ops_test_run(host, second), OPS_OK);
    assert_int_equal(ops_test_end(host, first)->code, OPS_E_UNAVAILABLE);
    assert_non_null(strstr(ops_test_end(host, first)->error, "\"upstream_status\":503"));
    assert_int_equal(ops_test_end(host, second)->code, OPS_E_UPSTREAM);
    close_host(host);
}

static void test_fetch__cancel_aborts_the_call(void **state)
{
    ops_test_host *host = open_host(FETCH);
    ops_test_task task = start(host, "{\"url\":\"http://a/b\"}");
    (void)state;
    assert_int_equal(ops_test_http_rule(host, NULL, "*", 0, NULL), OPS_OK); /* never answered */
    assert_int_equal(ops_test_run(host, task), OPS_E_WOULD_BLOCK);
    assert_int_equal(ops_test_http_call_at(host, 0)->is_open, 1);
    assert_int_equal(ops_test_cancel(host, task, OPS_CANCEL_REQUESTED), OPS_OK);
    assert_int_equal(ops_test_run(host, task), OPS_OK);
    assert_int_equal(ops_test_end(host, task)->code, OPS_E_CANCELLED);
    assert_int_equal(ops_test_http_call_at(host, 0)->is_aborted, 1);
    close_host(host);
}

/* However a cancel meets it, the task ends at once and once. */
static void test_fetch__may_be_cancelled_at_every_step(void **state)
{
    const ops_test_answer answer = {.status = 200, .body = ops_test_text("{}")};
    (void)state;
    for (uint64_t step = 1; step <= 2; step++) {
        for (uint32_t moment = OPS_TEST_BEFORE; moment <= OPS_TEST_LATER; moment++) {
            ops_test_host *host = open_host(FETCH);
            ops_test_task task = start(host, "{\"url\":\"http://a/b\"}");
            assert_int_equal(ops_test_http_rule(host, NULL, "*", 0, &answer), OPS_OK);
            assert_int_equal(ops_test_cancel_at(host, task, step, moment, OPS_CANCEL_REQUESTED),
                             OPS_OK);
            assert_int_equal(ops_test_run(host, task), OPS_OK);
            assert_int_equal(ops_test_end(host, task)->ends, 1);
            assert_int_equal(ops_test_end(host, task)->is_given_up, 0);
            close_host(host);
        }
    }
}

/* ---- count: a stream that waits for its consumer ---- */

static void test_count__emits_all_items_in_order(void **state)
{
    ops_test_host *host = open_host(COUNT);
    ops_test_task task = start(host, "{\"to\":1000}");
    (void)state;
    assert_int_equal(ops_test_run(host, task), OPS_OK);
    assert_string_equal(ops_test_end(host, task)->output, "{\"count\":1000}");
    assert_int_equal(ops_test_item_count(host, task), 1000);
    assert_string_equal(ops_test_item(host, task, 0), "1");
    assert_string_equal(ops_test_item(host, task, 999), "1000");
    close_host(host);
}

static void test_count__waits_for_a_consumer_that_is_behind(void **state)
{
    const ops_test_spec spec = {.config = "{\"to\":100}", .credits = 7};
    ops_test_host *host = open_host(COUNT);
    ops_test_task task = 0;
    (void)state;
    assert_int_equal(ops_test_start(host, &spec, &task, NULL), OPS_OK);
    assert_int_equal(ops_test_run(host, task), OPS_E_WOULD_BLOCK);
    assert_int_equal(ops_test_item_count(host, task), 7);
    assert_int_equal(ops_test_credit(host, task, 10), OPS_OK);
    assert_int_equal(ops_test_idle(host), OPS_OK);
    assert_int_equal(ops_test_item_count(host, task), 17);
    assert_int_equal(ops_test_cancel(host, task, OPS_CANCEL_REQUESTED), OPS_OK);
    assert_int_equal(ops_test_run(host, task), OPS_OK);
    assert_string_equal(ops_test_end(host, task)->message, "stopped while counting");
    close_host(host);
}

/* What a task leaves behind is nothing. */
static void test_count__does_not_grow(void **state)
{
    ops_test_host *host = open_host(COUNT);
    ops_test_counts first;
    ops_test_counts last;
    (void)state;
    for (int i = 0; i < 1000; i++) {
        ops_test_task task = start(host, "{\"to\":3}");
        assert_int_equal(ops_test_run(host, task), OPS_OK);
        assert_int_equal(ops_test_forget(host, task), OPS_OK);
        ops_test_count(host, i == 0 ? &first : &last);
    }
    assert_int_equal(last.operations + last.task_values + last.task_bytes, 0);
    assert_int_equal(last.kept_values, first.kept_values);
    assert_int_equal(last.kept_bytes, first.kept_bytes);
    close_host(host);
}

/* ---- follow: pages that name the next one, in C++ ---- */

static void test_follow__collects_from_page_to_page(void **state)
{
    const ops_test_answer first = {
        .status = 200, .body = ops_test_text("{\"names\":[\"x\",\"y\"],\"next\":\"http://a/2\"}")};
    const ops_test_answer second = {.status = 200, .body = ops_test_text("{\"names\":[\"z\"]}")};
    ops_test_host *host = open_host(FOLLOW);
    ops_test_task task = start(host, "{\"url\":\"http://a/1\"}");
    (void)state;
    assert_int_equal(ops_test_http_rule(host, "GET", "http://a/1", 1, &first), OPS_OK);
    assert_int_equal(ops_test_http_rule(host, "GET", "http://a/2", 1, &second), OPS_OK);
    assert_int_equal(ops_test_run(host, task), OPS_OK);
    assert_string_equal(ops_test_end(host, task)->output, "{\"names\":[\"x\",\"y\",\"z\"]}");
    assert_string_equal(ops_test_http_header(ops_test_http_call_at(host, 1), "accept"),
                        "application/json");
    close_host(host);
}

static void test_follow__tells_what_is_wrong_with_a_page(void **state)
{
    const ops_test_answer broken = {.status = 500};
    const ops_test_answer refused = {.code = OPS_E_UNAVAILABLE, .message = "nobody listens"};
    ops_test_host *host = open_host(FOLLOW);
    ops_test_task task = start(host, "{\"url\":\"http://a/1\"}");
    (void)state;
    assert_int_equal(ops_test_http_rule(host, "GET", "http://a/1", 1, &broken), OPS_OK);
    assert_int_equal(ops_test_http_rule(host, "GET", "http://a/1", 1, &refused), OPS_OK);
    assert_int_equal(ops_test_run(host, task), OPS_OK);
    assert_non_null(strstr(ops_test_end(host, task)->error, "\"upstream_status\":500"));
    task = start(host, "{\"url\":\"http://a/1\"}");
    assert_int_equal(ops_test_run(host, task), OPS_OK);
    assert_string_equal(ops_test_end(host, task)->message, "nobody listens");
    close_host(host);
}

/* Whatever fails, nothing that was thrown gets lost, and the task ends. */
static void test_follow__ends_whatever_fails(void **state)
{
    const ops_test_answer page = {.status = 200, .body = ops_test_text("{\"names\":[\"z\"]}")};
    ops_test_fault fault = {.where = ""};
    uint64_t hits = 1;
    (void)state;
    for (fault.n = 1; hits > 0; fault.n++) {
        ops_test_host *host = open_host(FOLLOW);
        ops_test_task task = start(host, "{\"url\":\"http://a/1\"}");
        assert_int_equal(ops_test_http_rule(host, NULL, "*", 0, &page), OPS_OK);
        assert_int_equal(ops_test_fault_add(host, &fault), OPS_OK);
        assert_int_equal(ops_test_run(host, task), OPS_OK);
        hits = ops_test_fault_hits(host);
        assert_int_equal(ops_test_end(host, task)->kind,
                         hits > 0 ? OPS_TEST_FAILED : OPS_TEST_DONE);
        close_host(host);
    }
    assert_true(fault.n > 3);
}

/* ---- pager: settings with a secret ---- */

/* 0: it could not be started, as create() failed. */
static ops_test_task start_page(ops_test_host *host)
{
    const ops_test_spec spec = {
        .settings = "{\"url\":\"http://pager/\",\"key\":\"{{ secrets.KEY }}\"}",
        .config = "{\"title\":\"Fire\",\"text\":\"It burns\"}",
        .idempotency_key = "step-7",
    };
    ops_test_task task = 0;
    assert_int_equal(ops_test_secret(host, "KEY", "hush"), OPS_OK);
    (void)ops_test_start(host, &spec, &task, NULL);
    return task;
}

static void test_pager__sends_the_key_that_it_does_not_see(void **state)
{
    const ops_test_answer taken = {.status = 202};
    ops_test_host *host = open_host(PAGER);
    ops_test_task task = start_page(host);
    (void)state;
    assert_int_equal(ops_test_http_rule(host, "POST", "http://pager/", 0, &taken), OPS_OK);
    assert_int_equal(ops_test_run(host, task), OPS_OK);
    assert_string_equal(ops_test_end(host, task)->output, "{\"paged\":true}");
    const ops_test_http_call *call = ops_test_http_call_at(host, 0);
    assert_string_equal(ops_test_http_header(call, "authorization"), "Key hush");
    assert_string_equal(ops_test_http_header(call, "idempotency-key"), "step-7");
    assert_memory_equal(call->body.p, "{\"title\":\"Fire\",\"text\":\"It burns\"}", call->body.n);
    close_host(host);
}

/* Whatever fails: nobody is paged without the key. */
static void test_pager__pages_with_the_key_or_not_at_all(void **state)
{
    const ops_test_answer taken = {.status = 202};
    ops_test_fault fault = {.where = ""};
    uint64_t hits = 1;
    (void)state;
    for (fault.n = 1; hits > 0; fault.n++) {
        ops_test_host *host = open_host(PAGER);
        assert_int_equal(ops_test_http_rule(host, NULL, "*", 0, &taken), OPS_OK);
        assert_int_equal(ops_test_fault_add(host, &fault), OPS_OK);
        ops_test_task task = start_page(host);
        if (task != 0) {
            assert_int_equal(ops_test_run(host, task), OPS_OK);
            assert_int_equal(ops_test_end(host, task)->ends, 1);
        }
        const ops_test_http_call *call = ops_test_http_call_at(host, 0);
        if (call != NULL) {
            assert_string_equal(ops_test_http_header(call, "authorization"), "Key hush");
        }
        hits = ops_test_fault_hits(host);
        close_host(host);
    }
    assert_true(fault.n > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello__greets_whom_the_config_names),
        cmocka_unit_test(test_hello__config_is_checked_before_it_runs),
        cmocka_unit_test(test_hello__ends_whatever_fails),
        cmocka_unit_test(test_fetch__ends_with_the_answer),
        cmocka_unit_test(test_fetch__tells_what_the_server_refuses),
        cmocka_unit_test(test_fetch__cancel_aborts_the_call),
        cmocka_unit_test(test_fetch__may_be_cancelled_at_every_step),
        cmocka_unit_test(test_count__emits_all_items_in_order),
        cmocka_unit_test(test_count__waits_for_a_consumer_that_is_behind),
        cmocka_unit_test(test_count__does_not_grow),
        cmocka_unit_test(test_follow__collects_from_page_to_page),
        cmocka_unit_test(test_follow__tells_what_is_wrong_with_a_page),
        cmocka_unit_test(test_follow__ends_whatever_fails),
        cmocka_unit_test(test_pager__sends_the_key_that_it_does_not_see),
        cmocka_unit_test(test_pager__pages_with_the_key_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
