/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of @ID@, with the host that opstream/test.h offers: no network, no waiting. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "opstream/test.h"

#define URL "http://example.com/thing"

static int open_host(void **state)
{
    ops_test_problem why = {""};
    ops_test_host *host = NULL;
    if (ops_test_open(PLUGIN, NULL, &host, &why) != OPS_OK) {
        print_error("%s\n", why.text);
        return -1;
    }
    *state = host;
    return 0;
}

/* What the plugin did wrong on the way is a fault as well. */
static int close_host(void **state)
{
    ops_test_host *host = *state;
    const char *complaints = ops_test_complaints(host);
    int is_bad = complaints[0] != '\0';
    if (is_bad) {
        print_error("%s\n", complaints);
    }
    return ops_test_close(host) == OPS_OK && !is_bad ? 0 : -1;
}

static ops_test_task start(ops_test_host *host, const char *type, const char *config)
{
    ops_test_problem why = {""};
    ops_test_spec spec = {.type = type, .config = config};
    ops_test_task task = 0;
    if (ops_test_start(host, &spec, &task, &why) != OPS_OK) {
        fail_msg("%s", why.text);
    }
    return task;
}

static const ops_test_result *run(ops_test_host *host, const char *type, const char *config)
{
    ops_test_task task = start(host, type, config);
    assert_int_equal(ops_test_run(host, task), OPS_OK);
    return ops_test_end(host, task);
}

static void answer(ops_test_host *host, int32_t status, const char *body)
{
    ops_test_answer answer = {.status = status, .body = ops_test_text(body)};
    assert_int_equal(ops_test_http_rule(host, "GET", URL, 0, &answer), OPS_OK);
}

static void test_greet(void **state)
{
    assert_string_equal(run(*state, "@ID@.greet", "{\"name\":\"you\"}")->output,
                        "{\"greeting\":\"hello, you\"}");
    assert_string_equal(run(*state, "@ID@.greet", "{}")->output, "{\"greeting\":\"hello, world\"}");
}

static void test_fetch_gives_the_answer(void **state)
{
    answer(*state, 200, "{\"x\":[1,2]}");
    assert_string_equal(run(*state, "@ID@.fetch", "{\"url\":\"" URL "\"}")->output,
                        "{\"status\":200,\"body\":{\"x\":[1,2]}}");
}

static void test_fetch_sends_a_secret_token(void **state)
{
    answer(*state, 200, "{}");
    assert_int_equal(ops_test_secret(*state, "TOKEN", "abc"), OPS_OK);
    (void)run(*state, "@ID@.fetch", "{\"url\":\"" URL "\",\"token\":\"{{ secrets.TOKEN }}\"}");
    assert_string_equal(ops_test_http_header(ops_test_http_call_at(*state, 0), "Authorization"),
                        "Bearer abc");
}

static void test_fetch_says_what_is_wrong(void **state)
{
    answer(*state, 503, "");
    const ops_test_result *end = run(*state, "@ID@.fetch", "{\"url\":\"" URL "\"}");
    assert_int_equal(end->kind, OPS_TEST_FAILED);
    assert_int_equal(end->code, OPS_E_UNAVAILABLE);
}

static void test_fetch_ends_when_it_is_cancelled(void **state)
{
    ops_test_task task = 0;
    assert_int_equal(ops_test_http_rule(*state, "GET", URL, 0, NULL), OPS_OK);
    task = start(*state, "@ID@.fetch", "{\"url\":\"" URL "\"}");
    assert_int_equal(ops_test_idle(*state), OPS_OK);
    assert_int_equal(ops_test_cancel(*state, task, OPS_CANCEL_REQUESTED), OPS_OK);
    assert_int_equal(ops_test_run(*state, task), OPS_OK);
    assert_int_equal(ops_test_end(*state, task)->code, OPS_E_CANCELLED);
}

/* Each call of the host fails once: the task ends all the same, and only once. */
static void test_fetch_outlives_every_fault(void **state)
{
    ops_test_fault fault = {.where = ""};
    answer(*state, 200, "{}");
    for (fault.n = 1; fault.n < 100; fault.n++) {
        ops_test_fault_clear(*state);
        assert_int_equal(ops_test_fault_add(*state, &fault), OPS_OK);
        assert_int_equal(run(*state, "@ID@.fetch", "{\"url\":\"" URL "\",\"token\":\"t\"}")->ends,
                         1);
        if (ops_test_fault_hits(*state) == 0) {
            return;
        }
    }
    fail_msg("the calls do not come to an end");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_host, close_host)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_greet),
        TEST(test_fetch_gives_the_answer),
        TEST(test_fetch_sends_a_secret_token),
        TEST(test_fetch_says_what_is_wrong),
        TEST(test_fetch_ends_when_it_is_cancelled),
        TEST(test_fetch_outlives_every_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
