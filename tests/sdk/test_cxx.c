/* SPDX-License-Identifier: Apache-2.0 */

/* Plugins in C++: no exception comes out, and each becomes one end of its task. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sdk/rig.h"

#define INTERNAL                                                                                   \
    "failed {\"code\":\"INTERNAL\",\"message\":\"thrown on purpose\",\"effect\":\"none\","         \
    "\"retry\":\"default\"}"

static void answer(struct rig_call *call)
{
    struct host_http_response response = {
        .status = 200, .body = STR("ok"), .effective_url = STR("http://a/")};
    call->is_open = false;
    call->done(call->user, &response, NULL);
}

static const char *config_of(const char *at, const char *what)
{
    static char text[128];
    (void)snprintf(text, sizeof(text), "{\"at\":\"%s\",\"what\":\"%s\"}", at, what);
    return text;
}

/* The task has ended once, and of its lambdas none is left. */
static void expect_end(struct rig *rig, uint64_t token, const char *end)
{
    assert_string_equal(rig_wait(rig, token), end);
    rig_turn(rig, 5);
    assert_int_equal(rig->tasks[token].ends, 1);
    assert_string_equal(rig_run(rig, token + 100, "throws.living", "{}"), "done 0");
}

static void start(struct rig *rig, uint64_t token, const char *at, const char *what)
{
    struct error err = {0};
    assert_int_equal(rig_start(rig, token, "throws", config_of(at, what), &err), 0);
}

static void test_cxx__what_is_thrown_is_one_failure(void **state)
{
    static const char *const places[] = {"execute", "timer", "post", "writable", "work", "worked"};
    struct rig rig;
    (void)state;
    rig_open_folder(&rig, CXX_DIR "/well");
    for (uint64_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        start(&rig, i, places[i], "runtime");
        expect_end(&rig, i, INTERNAL);
    }
    rig_close(&rig);
}

static void test_cxx__kinds_of_exceptions(void **state)
{
    struct rig rig;
    (void)state;
    rig_open_folder(&rig, CXX_DIR "/well");
    start(&rig, 1, "timer", "error");
    expect_end(&rig, 1,
               "failed {\"code\":\"RATE_LIMITED\",\"message\":\"slow down\",\"hint\":\"wait\","
               "\"symbol\":\"throws.slow\",\"effect\":\"none\",\"retry\":\"default\","
               "\"retry_after_ms\":1500}");
    start(&rig, 2, "work", "memory");
    expect_end(&rig, 2,
               "failed {\"code\":\"RESOURCE\",\"message\":\"out of memory\",\"effect\":\"none\","
               "\"retry\":\"default\"}");
    start(&rig, 4, "post", "number");
    expect_end(&rig, 4,
               "failed {\"code\":\"INTERNAL\",\"message\":\"something was thrown that is no "
               "std::exception\",\"effect\":\"none\",\"retry\":\"default\"}");
    rig_close(&rig);
}

static void test_cxx__http(void **state)
{
    struct rig rig;
    (void)state;
    rig_open_folder(&rig, CXX_DIR "/well");
    start(&rig, 1, "answer", "runtime");
    answer(rig_wait_call(&rig, 1));
    expect_end(&rig, 1, INTERNAL);
    start(&rig, 2, "", "");
    answer(rig_wait_call(&rig, 2));
    expect_end(&rig, 2, "done {\"status\":200,\"body\":\"ok\"}");
    start(&rig, 3, "chunk", "runtime");
    struct rig_call *call = rig_wait_call(&rig, 3);
    call->on_chunk(call->user, STR("piece"));
    expect_end(&rig, 3, INTERNAL);
    /* Without an answer the host's own reason is thrown where it is looked at. */
    start(&rig, 4, "", "");
    (void)rig_wait_call(&rig, 4);
    host_task_cancel(rig.host, rig.tasks[4].handle, HOST_CANCEL_REQUESTED);
    assert_non_null(strstr(rig_wait(&rig, 4), "failed {\"code\":\"CANCELLED\""));
    rig_close(&rig);
}

static void test_cxx__cancel(void **state)
{
    struct rig rig;
    (void)state;
    rig_open_folder(&rig, CXX_DIR "/well");
    start(&rig, 1, "cancel", "runtime");
    rig_turn(&rig, 5);
    host_task_cancel(rig.host, rig.tasks[1].handle, HOST_CANCEL_REQUESTED);
    expect_end(&rig, 1, INTERNAL);
    rig_close(&rig);
}

static void test_cxx__thrown_after_the_end_is_logged(void **state)
{
    struct rig rig;
    (void)state;
    rig_open_folder(&rig, CXX_DIR "/well");
    start(&rig, 1, "end", "runtime");
    expect_end(&rig, 1, "done \"before\"");
    assert_non_null(strstr(rig_log(&rig), "thrown on purpose"));
    assert_non_null(strstr(rig_log(&rig), "a task that had ended"));
    rig_close(&rig);
}

static void test_cxx__create_and_destroy(void **state)
{
    struct rig rig;
    struct error err = {0};
    (void)state;
    rig_open_folder(&rig, CXX_DIR "/well");
    rig.settings = "{\"at\":\"create\"}";
    assert_int_not_equal(rig_start(&rig, 1, "throws", "{}", &err), 0);
    assert_non_null(strstr(err.message, "thrown on purpose"));
    rig.settings = "{\"at\":\"create\",\"what\":\"memory\"}";
    assert_int_not_equal(rig_start(&rig, 2, "throws", "{}", &err), 0);
    assert_non_null(strstr(err.message, "out of memory"));
    rig.settings = "{\"at\":\"destroy\"}";
    start(&rig, 3, "execute", "runtime");
    assert_string_equal(rig_wait(&rig, 3), INTERNAL);
    rig_close(&rig); /* the node's destructor throws */
}

static void test_cxx__check(void **state)
{
    struct rig rig;
    struct error err = {0};
    (void)state;
    rig_open_folder(&rig, CXX_DIR "/well");
    assert_int_equal(rig_start_check(&rig, 1, "throws", "http://good", &err), 0);
    expect_end(&rig, 1, "done true");
    assert_int_equal(rig_start_check(&rig, 2, "throws", "http://bad", &err), 0);
    expect_end(&rig, 2, INTERNAL);
    rig_close(&rig);
}

static void test_cxx__init_and_shutdown(void **state)
{
    struct rig rig;
    struct error err = {0};
    (void)state;
    rig_open_folder(&rig, CXX_DIR "/init");
    assert_int_not_equal(rig_start(&rig, 1, "throws", "{}", &err), 0);
    assert_non_null(strstr(err.message, "thrown on purpose"));
    rig_close(&rig);
    rig_open_folder(&rig, CXX_DIR "/shutdown");
    assert_string_equal(rig_run(&rig, 1, "throws.living", "{}"), "done 0");
    rig_close(&rig); /* the plugin's destructor throws */
}

static void test_cxx__waits_and_values(void **state)
{
    static const char end[] = "done {\"list\":[2,\"text\",1.5,true,null],\"json\":{\"a\":[1]}}";
    struct rig rig;
    (void)state;
    rig_open_folder(&rig, CXX_DIR "/well");
    assert_string_equal(rig_run(&rig, 1, "throws.waits", "{}"), end);
    assert_non_null(strstr(rig_run(&rig, 2, "throws.waits", "{\"rounds\":5000}"), "[10000,"));
    expect_end(&rig, 1, end);
    rig_close(&rig);
}

static void test_cxx__a_thread_and_a_cancel_end_it_once(void **state)
{
    struct rig rig;
    struct error err = {0};
    (void)state;
    rig_open_folder(&rig, CXX_DIR "/well");
    for (uint64_t i = 0; i < 100; i++) {
        assert_int_equal(rig_start(&rig, i, "throws.thread", "{}", &err), 0);
        if (i % 2 == 1) {
            host_task_cancel(rig.host, rig.tasks[i].handle, HOST_CANCEL_REQUESTED);
        }
        const char *end = rig_wait(&rig, i);
        assert_true(strcmp(end, "done \"thread\"") == 0 ||
                    (i % 2 == 1 && strstr(end, "\"code\":\"CANCELLED\"") != NULL));
        assert_int_equal(rig.tasks[i].ends, 1);
    }
    assert_string_equal(rig_run(&rig, 100, "throws.living", "{}"), "done 0");
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cxx__what_is_thrown_is_one_failure),
        cmocka_unit_test(test_cxx__kinds_of_exceptions),
        cmocka_unit_test(test_cxx__http),
        cmocka_unit_test(test_cxx__cancel),
        cmocka_unit_test(test_cxx__thrown_after_the_end_is_logged),
        cmocka_unit_test(test_cxx__create_and_destroy),
        cmocka_unit_test(test_cxx__check),
        cmocka_unit_test(test_cxx__init_and_shutdown),
        cmocka_unit_test(test_cxx__waits_and_values),
        cmocka_unit_test(test_cxx__a_thread_and_a_cancel_end_it_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
