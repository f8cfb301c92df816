/* SPDX-License-Identifier: Apache-2.0 */

/* What of signing in as an App needs no host. */

#include "app.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct ops_tables ops; /* not called here */

static void test_app__claims_are_good_for_minutes(void **state)
{
    static const struct {
        const char *issuer;
        const char *claims;
    } cases[] = {
        {"1234", "{\"iat\":1799999940,\"exp\":1800000540,\"iss\":1234}"},
        {"\"Iv1.8a61\"", "{\"iat\":1799999940,\"exp\":1800000540,\"iss\":\"Iv1.8a61\"}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text text = {NULL, 0, 0, 0};
        app_append_claims(&text, ops_text(cases[i].issuer), 1800000000);
        assert_int_equal(text.n, strlen(cases[i].claims));
        assert_memory_equal(text.p, cases[i].claims, text.n);
        text_finish(&text);
    }
}

static void test_app__times_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"1970-01-01T00:00:01Z", 1000},
        {"2026-07-11T22:14:10Z", 1783808050000},
        {"2026-07-11T22:14:10+02:00", 0},
        {"2026-07-11", 0},
        {"tomorrow", 0},
        {"", 0},
        {"2026-07-11T22:14:10Z and much more than a time", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(app_read_time(ops_text(cases[i].text)), cases[i].ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_app__claims_are_good_for_minutes),
        cmocka_unit_test(test_app__times_are_read),
    };
    return cmocka_run_group_tests_name("github_app", tests, NULL, NULL);
}
