/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/service/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static ops_str str(const char *text)
{
    ops_str s = {text, strlen(text)};
    return s;
}

/* Compares and frees. */
static void assert_text(struct text *text, const char *wanted)
{
    text_append(text, "", 1);
    assert_false(text->failed);
    assert_string_equal(text->p, wanted);
    text_finish(text);
}

static void test_text__encodes_queries_and_forms(void **state)
{
    (void)state;
    struct text text = {NULL, 0, 0, 0};
    text_append_encoded(&text, str("a b&c=d/\xC3\xA9+~-._"), TEXT_QUERY);
    assert_text(&text, "a%20b%26c%3Dd%2F%C3%A9%2B~-._");
    text_append_encoded(&text, str("a b&c+"), TEXT_FORM);
    assert_text(&text, "a+b%26c%2B");
}

static void test_text__encodes_base64(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xFF\xFE\xFD", "//79"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text text = {NULL, 0, 0, 0};
        text_append_base64(&text, str(cases[i][0]));
        assert_text(&text, cases[i][1]);
    }
}

static void test_text__reads_base64(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"", ""},
                                           {"Zg==", "f"},
                                           {"Zm8=", "fo"},
                                           {"Zm9v", "foo"},
                                           {"Zm9v\nYg==\n", "foob"},
                                           {"Z\r\nm8=", "fo"},
                                           {"+/8=", "\xFB\xFF"}};
    static const char *const broken[] = {"Z",        "Zg",    "Zg=",   "Zg=a", "=",    "Z===",
                                         "Zg==Zg==", "Zm9v=", "Zm 9v", "Zm-v", "====", "Zg===="};
    struct text text = {NULL, 0, 0, 0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(text_append_unbase64(&text, str(cases[i][0])));
        assert_text(&text, cases[i][1]);
    }
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        if (text_append_unbase64(&text, str(broken[i]))) {
            fail_msg("'%s' was taken", broken[i]);
        }
        text_finish(&text);
    }
}

static void test_text__cuts_lines_between_characters(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        size_t max;
        const char *to;
    } cases[] = {
        {"short", 10, "short"},
        {"exactly", 7, "exactly"},
        {"longer", 3, "lon..."},
        {"a\nb\tc\x1B", 10, "a b c "},
        {"\xC3\xA9\xC3\xA9", 3, "\xC3\xA9..."},
        {"\xE2\x82\xAC", 2, "..."},
        {"\xFF\xC3", 10, "??"},
        {"\xED\xA0\x80", 10, "???"},
        {"\xF0\x9F\x98\x80", 4, "\xF0\x9F\x98\x80"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text text = {NULL, 0, 0, 0};
        text_append_line(&text, str(cases[i].from), cases[i].max);
        assert_text(&text, cases[i].to);
    }
}

static void test_text__reads_latin1(void **state)
{
    (void)state;
    struct text text = {NULL, 0, 0, 0};
    text_append_latin1(&text, str("caf\xE9 \xFF"));
    assert_text(&text, "caf\xC3\xA9 \xC3\xBF");
}

static void test_text__reads_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ms;
    } cases[] = {
        {"250ms", 250},   {"30s", 30000},     {"2m", 120000}, {"1h", 3600000},
        {"1m30s", 90000}, {"1h1ms", 3600001}, {"", 0},        {"30", 0},
        {"s", 0},         {"30 s", 0},        {"-1s", 0},     {"1.5s", 0},
        {"1d", 86400000}, {"1w", 0},          {"1s2", 0},     {"9999999999s", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(text_read_duration_ms(str(cases[i].text)), cases[i].ms);
    }
}

static void test_text__compares_without_case(void **state)
{
    (void)state;
    assert_true(text_equal_nocase(str("Content-TYPE"), "content-type"));
    assert_false(text_equal_nocase(str("content-typ"), "content-type"));
    assert_false(text_equal_nocase(str("content_type"), "content-type"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text__encodes_queries_and_forms),
        cmocka_unit_test(test_text__encodes_base64),
        cmocka_unit_test(test_text__reads_base64),
        cmocka_unit_test(test_text__cuts_lines_between_characters),
        cmocka_unit_test(test_text__reads_latin1),
        cmocka_unit_test(test_text__reads_durations),
        cmocka_unit_test(test_text__compares_without_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
