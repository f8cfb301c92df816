/* SPDX-License-Identifier: Apache-2.0 */

/* The example plugins, through the real host. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sdk/rig.h"

static void answer(struct rig_call *call, int32_t status, const char *body)
{
    struct host_http_response response = {
        .status = status, .body = str_from(body), .effective_url = STR("http://a/")};
    call->is_open = false;
    call->done(call->user, &response, NULL);
}

static void test_hello__greets_whom_the_config_names(void **state)
{
    struct rig rig;
    (void)state;
    rig_open_folder(&rig, EXAMPLE_DIR);
    assert_string_equal(rig_run(&rig, 1, "hello", "{\"name\":\"you\"}"),
                        "done {\"greeting\":\"hello, you\"}");
    assert_string_equal(rig_run(&rig, 2, "hello", "{}"), "done {\"greeting\":\"hello, world\"}");
    rig_close(&rig);
}

static void test_hello__config_is_checked_before_it_runs(void **state)
{
    struct rig rig;
    struct error err = {0};
    (void)state;
    rig_open_folder(&rig, EXAMPLE_DIR);
    assert_int_equal(rig_start(&rig, 1, "hello", "{\"name\":7,\"nmae\":1}", &err), E_INVALID);
    assert_non_null(strstr(err.message, "the config is not valid for 'hello': "));
    assert_non_null(strstr(err.message, "/name"));
    assert_non_null(strstr(err.message, "nmae"));
    rig_close(&rig);
}

static void test_fetch__ends_with_the_answer(void **state)
{
    struct rig rig;
    struct error err = {0};
    (void)state;
    rig_open_folder(&rig, EXAMPLE_DIR);
    assert_int_equal(rig_start(&rig, 1, "fetch", "{\"url\":\"http://a/b\"}", &err), 0);
    struct rig_call *call = rig_wait_call(&rig, 1);
    assert_string_equal(call->text.p, "GET http://a/b ");
    answer(call, 200, "{\"x\":[1,2]}");
    assert_string_equal(rig_wait(&rig, 1), "done {\"status\":200,\"body\":{\"x\":[1,2]}}");
    rig_close(&rig);
}

static void test_fetch__tells_what_the_server_refuses(void **state)
{
    struct rig rig;
    struct error err = {0};
    (void)state;
    rig_open_folder(&rig, EXAMPLE_DIR);
    assert_int_equal(rig_start(&rig, 1, "fetch", "{\"url\":\"http://a/b\"}", &err), 0);
    answer(rig_wait_call(&rig, 1), 503, "busy");
    assert_string_equal(rig_wait(&rig, 1),
                        "failed {\"code\":\"UNAVAILABLE\",\"message\":\"the server refuses\","
                        "\"effect\":\"none\",\"retry\":\"default\",\"upstream_status\":503}");
    assert_int_equal(rig_start(&rig, 2, "fetch", "{\"url\":\"http://a/c\"}", &err), 0);
    answer(rig_wait_call(&rig, 2), 200, "{\"x\":");
    assert_non_null(
        strstr(rig_wait(&rig, 2), "failed {\"code\":\"UPSTREAM\",\"message\":\"line 1"));
    rig_close(&rig);
}

static void test_fetch__cancel_aborts_the_call(void **state)
{
    struct rig rig;
    struct error err = {0};
    (void)state;
    rig_open_folder(&rig, EXAMPLE_DIR);
    assert_int_equal(rig_start(&rig, 1, "fetch", "{\"url\":\"http://a/b\"}", &err), 0);
    struct rig_call *call = rig_wait_call(&rig, 1);
    host_task_cancel(rig.host, rig.tasks[1].handle, HOST_CANCEL_REQUESTED);
    assert_non_null(strstr(rig_wait(&rig, 1), "failed {\"code\":\"CANCELLED\""));
    assert_true(call->is_aborted);
    rig_close(&rig);
}

static void test_count__emits_all_items_in_order(void **state)
{
    struct rig rig;
    (void)state;
    rig_open_folder(&rig, EXAMPLE_DIR);
    assert_string_equal(rig_run(&rig, 1, "count", "{\"to\":5}"), "done {\"count\":5}");
    assert_string_equal(rig.tasks[1].items.p, "1 2 3 4 5 ");
    assert_string_equal(rig_run(&rig, 2, "count", "{\"to\":100000}"), "done {\"count\":100000}");
    assert_int_equal(rig.tasks[2].item_count, 100000);
    rig_close(&rig);
}

static void test_count__waits_for_a_consumer_that_is_behind(void **state)
{
    struct rig rig;
    struct error err = {0};
    (void)state;
    rig_open_folder(&rig, EXAMPLE_DIR);
    rig.credit = 0;
    assert_int_equal(rig_start(&rig, 1, "count", "{\"to\":1000}", &err), 0);
    rig_turn(&rig, 20);
    int first = rig.tasks[1].item_count;
    assert_in_range(first, 1, 999);
    rig_turn(&rig, 20);
    assert_int_equal(rig.tasks[1].item_count, first);
    host_task_credit(rig.host, rig.tasks[1].handle, 10);
    rig_turn(&rig, 20);
    assert_int_equal(rig.tasks[1].item_count, first + 10);
    host_task_credit(rig.host, rig.tasks[1].handle, 1000);
    assert_string_equal(rig_wait(&rig, 1), "done {\"count\":1000}");
    assert_int_equal(rig.tasks[1].item_count, 1000);
    rig_close(&rig);
}

static void test_count__cancel_ends_a_wait_for_credits(void **state)
{
    struct rig rig;
    struct error err = {0};
    (void)state;
    rig_open_folder(&rig, EXAMPLE_DIR);
    rig.credit = 0;
    assert_int_equal(rig_start(&rig, 1, "count", "{\"to\":1000}", &err), 0);
    rig_turn(&rig, 20);
    host_task_cancel(rig.host, rig.tasks[1].handle, HOST_CANCEL_REQUESTED);
    assert_non_null(strstr(rig_wait(&rig, 1), "stopped while counting"));
    rig_close(&rig);
}

static void test_follow__collects_from_page_to_page(void **state)
{
    struct rig rig;
    struct error err = {0};
    (void)state;
    rig_open_folder(&rig, EXAMPLE_DIR);
    assert_int_equal(rig_start(&rig, 1, "follow", "{\"url\":\"http://a/1\"}", &err), 0);
    answer(rig_wait_call(&rig, 1), 200, "{\"names\":[\"x\",\"y\"],\"next\":\"http://a/2\"}");
    struct rig_call *second = rig_wait_call(&rig, 2);
    assert_string_equal(second->text.p, "GET http://a/2 Accept=application/json ");
    answer(second, 200, "{\"names\":[\"z\"]}");
    assert_string_equal(rig_wait(&rig, 1), "done {\"names\":[\"x\",\"y\",\"z\"]}");
    rig_close(&rig);
}

static void test_follow__tells_what_is_wrong_with_a_page(void **state)
{
    struct rig rig;
    struct error err = {0};
    (void)state;
    rig_open_folder(&rig, EXAMPLE_DIR);
    assert_int_equal(rig_start(&rig, 1, "follow", "{\"url\":\"http://a/1\"}", &err), 0);
    answer(rig_wait_call(&rig, 1), 500, "");
    assert_non_null(strstr(rig_wait(&rig, 1), "\"upstream_status\":500"));
    assert_int_equal(rig_start(&rig, 2, "follow", "{\"url\":\"http://a/1\"}", &err), 0);
    (void)rig_wait_call(&rig, 2);
    host_task_cancel(rig.host, rig.tasks[2].handle, HOST_CANCEL_REQUESTED);
    assert_non_null(strstr(rig_wait(&rig, 2), "failed {\"code\":\"CANCELLED\""));
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello__greets_whom_the_config_names),
        cmocka_unit_test(test_hello__config_is_checked_before_it_runs),
        cmocka_unit_test(test_fetch__ends_with_the_answer),
        cmocka_unit_test(test_fetch__tells_what_the_server_refuses),
        cmocka_unit_test(test_fetch__cancel_aborts_the_call),
        cmocka_unit_test(test_count__emits_all_items_in_order),
        cmocka_unit_test(test_count__waits_for_a_consumer_that_is_behind),
        cmocka_unit_test(test_count__cancel_ends_a_wait_for_credits),
        cmocka_unit_test(test_follow__collects_from_page_to_page),
        cmocka_unit_test(test_follow__tells_what_is_wrong_with_a_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
