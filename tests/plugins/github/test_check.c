/* SPDX-License-Identifier: Apache-2.0 */

/* What asks whether GitHub is there, and what create() refuses, through the real host. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/sdk/rig.h"

static struct rig rig;

static int open_rig(void **state)
{
    (void)state;
    rig_open_folder(&rig, PLUGIN_DIR);
    rig.settings = "{\"base_url\":\"https://ghe.example/api/v3/\",\"token\":\"ghp_secret\"}";
    return 0;
}

static int close_rig(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static void assert_has(const char *text, const char *words)
{
    if (strstr(text, words) == NULL) {
        fail_msg("'%s' has no '%s'", text, words);
    }
}

static const char *check_with(uint64_t token, int32_t status)
{
    struct error err = {0};
    assert_int_equal(
        rig_start_check(&rig, token, "github.get_issue", "https://ghe.example:443", &err), 0);
    struct rig_call *call = rig_wait_call(&rig, rig.call_count + 1);
    assert_string_equal(
        call->text.p, "GET https://ghe.example/api/v3/rate_limit Authorization=Bearer ghp_secret ");
    const struct host_http_response response = {.status = status};
    call->is_open = false;
    call->done(call->user, &response, NULL);
    return rig_wait(&rig, token);
}

static void test_github_check__asks_for_what_costs_nothing(void **state)
{
    (void)state;
    assert_string_equal(check_with(1, 200), "done {\"status\":200}");
    assert_string_equal(check_with(2, 404), "done {\"status\":404}"); /* limits may be off there */
    assert_string_equal(check_with(3, 429), "done {\"status\":429}");
    assert_has(check_with(4, 503),
               "\"code\":\"UNAVAILABLE\",\"message\":\"GitHub answered the check with 503\"");
    const char *refused = check_with(5, 401);
    assert_has(refused, "\"code\":\"AUTH\"");
    assert_has(refused, "it refuses the token of integrations.github (401)");
    assert_null(strstr(refused, "ghp_secret"));
}

static void test_github_check__settings_that_cannot_be_are_refused(void **state)
{
    static const char *const cases[][2] = {
        {"{\"base_url\":\"ftp://h/\"}", "base_url"},
        {"{\"base_url\":\"https://u@h/\"}", "base_url"},
        {"{\"base_url\":\"https://h/?q\"}", "base_url"},
        {"{\"key\":\"x\"}", "key"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err = {0};
        rig.settings = cases[i][0];
        assert_int_not_equal(
            rig_start(&rig, 1, "github.get_issue", "{\"repo\":\"a/b\",\"number\":1}", &err), 0);
        assert_has(err.message, cases[i][1]);
        assert_null(strstr(err.message, "a b\""));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_github_check__asks_for_what_costs_nothing, open_rig,
                                        close_rig),
        cmocka_unit_test_setup_teardown(test_github_check__settings_that_cannot_be_are_refused,
                                        open_rig, close_rig),
    };
    return cmocka_run_group_tests_name("github_check", tests, NULL, NULL);
}
