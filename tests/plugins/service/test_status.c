/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/service/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

enum { NOW = 784111777 - 100 }; /* Sun, 06 Nov 1994 08:47:57 GMT */

static ops_str str(const char *text)
{
    ops_str s = {text, strlen(text)};
    return s;
}

static void test_status__has_the_code_of_each_status(void **state)
{
    (void)state;
    static const struct {
        int32_t status;
        ops_status code;
    } cases[] = {
        {400, OPS_E_INPUT},        {401, OPS_E_AUTH},        {403, OPS_E_PERMISSION},
        {404, OPS_E_NOT_FOUND},    {405, OPS_E_INPUT},       {408, OPS_E_TIMEOUT},
        {409, OPS_E_CONFLICT},     {410, OPS_E_NOT_FOUND},   {413, OPS_E_INPUT},
        {418, OPS_E_UPSTREAM},     {422, OPS_E_INPUT},       {425, OPS_E_UNAVAILABLE},
        {429, OPS_E_RATE_LIMITED}, {500, OPS_E_UPSTREAM},    {501, OPS_E_UPSTREAM},
        {502, OPS_E_UNAVAILABLE},  {503, OPS_E_UNAVAILABLE}, {504, OPS_E_UNAVAILABLE},
        {529, OPS_E_UNAVAILABLE},  {302, OPS_E_UPSTREAM},    {200, OPS_E_UPSTREAM},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct status_meaning meaning = status_read(cases[i].status);
        assert_int_equal(meaning.code, cases[i].code);
        assert_memory_equal(meaning.symbol, "http.", 5);
        assert_non_null(meaning.hint);
    }
}

static void test_status__effect_depends_on_the_method(void **state)
{
    (void)state;
    assert_int_equal(status_effect(500, str("GET")), OPS_EFFECT_NONE);
    assert_int_equal(status_effect(500, str("PUT")), OPS_EFFECT_MAYBE);
    assert_int_equal(status_effect(500, str("POST")), OPS_EFFECT_MAYBE);
    assert_int_equal(status_effect(504, str("PATCH")), OPS_EFFECT_MAYBE);
    assert_int_equal(status_effect(503, str("PATCH")), OPS_EFFECT_NONE);
    assert_int_equal(status_effect(529, str("POST")), OPS_EFFECT_NONE);
    assert_int_equal(status_effect(408, str("POST")), OPS_EFFECT_MAYBE);
    assert_int_equal(status_effect(429, str("POST")), OPS_EFFECT_NONE);
    assert_int_equal(status_effect(404, str("POST")), OPS_EFFECT_NONE);
    assert_int_equal(status_effect(200, str("POST")), OPS_EFFECT_DONE);
}

static void test_status__matches_numbers_and_classes(void **state)
{
    (void)state;
    assert_true(status_matches(204, str("2xx")));
    assert_true(status_matches(204, str("204")));
    assert_false(status_matches(204, str("205")));
    assert_false(status_matches(304, str("2xx")));
    assert_false(status_matches(204, str("2x")));
    assert_false(status_matches(204, str("")));
    assert_false(status_matches(204, str("20x")));
}

static void test_status__reads_retry_after(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ms;
    } cases[] = {
        {"7", 7000},
        {"0", 0},
        {"3600", 3600000},
        {"999999", 3600000},
        {"99999999999999999999", 3600000},
        {"-5", 0},
        {"soon", 0},
        {"", 0},
        {"1.5", 0},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 100000},
        {"Sun, 06 Nov 1994 08:40:00 GMT", 0},
        {"Sun, 06 Nov 2094 08:40:00 GMT", 3600000},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 100000},
        {"Sunday, 06-Nov-64 08:49:37 GMT", 3600000},
        {"Sunday, 06-Nov-94 08:49:37", 0},
        {"Sun Nov  6 08:49:37 1994", 100000},
        {"Sun Nov 16 08:49:37 1994 GMT", 0},
        {"Sun Nxv  6 08:49:37 1994", 0},
        {"Sun, 06 ovD 1994 08:49:37 GMT", 0},
        {"Sun, 06 Nov 1994 08:49:37", 0},
        {"Sun, 06 Nov 1994 08:49:37 GMT and more", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(status_retry_after_ms(str(cases[i].text), NOW), cases[i].ms);
    }
}

static void test_status__reads_rate_limit_reset(void **state)
{
    (void)state;
    assert_int_equal(status_reset_ms(str("784111777"), NOW), 100000);
    assert_int_equal(status_reset_ms(str("784111000"), NOW), 0);
    assert_int_equal(status_reset_ms(str("later"), NOW), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status__has_the_code_of_each_status),
        cmocka_unit_test(test_status__effect_depends_on_the_method),
        cmocka_unit_test(test_status__matches_numbers_and_classes),
        cmocka_unit_test(test_status__reads_retry_after),
        cmocka_unit_test(test_status__reads_rate_limit_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
