/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/failing_alloc.h"
#include "tests/unit/value/read_json.h"

static void assert_reads(const char *text, const char *expected)
{
    cleanup_document struct document *document = read_json(text);
    assert_json(document_root(document), expected);
}

static void test_json_read__every_kind_of_value(void **state)
{
    (void)state;
    assert_reads("null", "null");
    assert_reads(" true ", "true");
    assert_reads("\t\r\nfalse", "false");
    assert_reads("42", "42");
    assert_reads("-1.5", "-1.5");
    assert_reads("\"\"", "\"\"");
    assert_reads("[]", "[]");
    assert_reads("{ }", "{}");
    assert_reads("[ 1 , [ ] , { \"a\" : { \"b\" : [ null ] } } ]", "[1,[],{\"a\":{\"b\":[null]}}]");
}

static void test_json_read__types_of_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum value_type type;
        const char *written;
    } cases[] = {
        {"0", VALUE_INT, "0"},
        {"-0", VALUE_DOUBLE, "-0.0"},
        {"-0.0", VALUE_DOUBLE, "-0.0"},
        {"1.0", VALUE_DOUBLE, "1.0"},
        {"1e2", VALUE_DOUBLE, "100.0"},
        {"1E+2", VALUE_DOUBLE, "100.0"},
        {"9223372036854775807", VALUE_INT, "9223372036854775807"},
        {"9223372036854775808", VALUE_DOUBLE, "9.223372036854776e+18"},
        {"-9223372036854775808", VALUE_INT, "-9223372036854775808"},
        {"-9223372036854775809", VALUE_DOUBLE, "-9.223372036854776e+18"},
        {"100000000000000000000", VALUE_DOUBLE, "1e+20"},
        {"0e9999999999999999999", VALUE_DOUBLE, "0.0"},
        {"1e-9999999999999999999", VALUE_DOUBLE, "0.0"},
        {"123.456e-789", VALUE_DOUBLE, "0.0"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleanup_document struct document *document = read_json(cases[i].text);
        assert_string_equal(value_type_name(value_type(document_root(document))),
                            value_type_name(cases[i].type));
        assert_json(document_root(document), cases[i].written);
    }
}

static void test_json_read__escapes(void **state)
{
    (void)state;
    static const char text[] =
        "\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\uD83D\\ude00z\"";
    cleanup_document struct document *document = read_json(text);
    assert_true(str_equal_text(value_str(document_root(document)),
                               "a\"\\/\b\f\n\r\tA\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z"));
}

static void test_json_read__a_string_may_hold_nul_and_noncharacters(void **state)
{
    (void)state;
    cleanup_document struct document *document = read_json("\"\\u0000\\uFFFF\\uFFFE\"");
    assert_true(str_equal(value_str(document_root(document)), STR("\0\xEF\xBF\xBF\xEF\xBF\xBE")));
}

static void test_json_read__strings_of_every_length(void **state)
{
    (void)state;
    char text[80];
    for (size_t n = 0; n < 40; n++) {
        for (size_t special = 0; special <= n; special++) {
            /* n letters with a two-byte character in front of letter `special` */
            size_t at = 0;
            text[at++] = '"';
            for (size_t i = 0; i <= n; i++) {
                if (i == special) {
                    text[at++] = (char)0xC3;
                    text[at++] = (char)0xBC;
                }
                text[at++] = (char)('a' + i % 26);
            }
            text[at++] = '"';
            struct document *document = NULL;
            assert_int_equal(json_read(str_make(text, at), NULL, &document, NULL), 0);
            assert_true(str_equal(value_str(document_root(document)), str_make(text + 1, at - 2)));
            document_unref(document);
        }
    }
}

struct refusal {
    const char *text;
    uint32_t line;
    uint32_t column;
    const char *message; /* a part of it */
};

static void assert_refused(struct str text, const struct refusal *wanted)
{
    struct error err = {0};
    struct document *document = NULL;
    int status = json_read(text, NULL, &document, &err);
    if (status == 0) {
        fail_msg("'%s' was read", wanted->text);
    }
    assert_int_equal(status, E_INVALID);
    assert_null(document);
    if (strstr(err.message, wanted->message) == NULL) {
        fail_msg("'%s': '%s' is not in '%s'", wanted->text, wanted->message, err.message);
    }
    if (err.line != wanted->line || err.column != wanted->column) {
        fail_msg("'%s': %u:%u, wanted %u:%u", wanted->text, err.line, err.column, wanted->line,
                 wanted->column);
    }
}

static void test_json_read__refuses_with_line_and_column(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {"", 1, 1, "expected a value, found the end of the text"},
        {" \n ", 2, 2, "found the end"},
        {"nul", 1, 1, "expected a value, found 'n'"},
        {"True", 1, 1, "found 'T'"},
        {"NaN", 1, 1, "found 'N'"},
        {"-Infinity", 1, 2, "expected a digit, found 'I'"},
        {"nullx", 1, 5, "nothing behind the value, found 'x'"},
        {"[] []", 1, 4, "nothing behind the value"},
        {"[1,]", 1, 4, "expected a value, found ']'"},
        {"[,1]", 1, 2, "found ','"},
        {"[1 2]", 1, 4, "expected ',' or ']', found '2'"},
        {"[1", 1, 3, "found the end"},
        {"[1}", 1, 3, "found '}'"},
        {"[\n\n  1,\n  x]", 4, 3, "found 'x'"},
        {"]", 1, 1, "found ']'"},
        {"{", 1, 2, "expected a key in double quotes, found the end"},
        {"{\"a\":1,}", 1, 8, "expected a key in double quotes, found '}'"},
        {"{a:1}", 1, 2, "expected a key in double quotes, found 'a'"},
        {"{'a':1}", 1, 2, "found '''"},
        {"{\"a\" 1}", 1, 6, "expected ':' after the key, found '1'"},
        {"{\"a\":}", 1, 6, "expected a value"},
        {"{\"a\":1 \"b\":2}", 1, 8, "expected ',' or '}'"},
        {"{\"a\":1]", 1, 7, "found ']'"},
        {"/* c */ 1", 1, 1, "found '/'"},
        {"[\xC2\xA0]", 1, 2, "found '\xC2\xA0'"},
        {"\xEF\xBB\xBF{}", 1, 1, "byte order mark"},
        {"[\x01]", 1, 2, "found the byte 0x01"},
        {"\xFF", 1, 1, "found the byte 0xFF"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_refused(str_from(cases[i].text), &cases[i]);
    }
    assert_refused(str_make("[\0]", 3), &(struct refusal){"[NUL]", 1, 2, "the byte 0x00"});
}

static void test_json_read__refuses_bad_strings(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {"\"abc", 1, 5, "closing '\"', found the end"},
        {"\"abc\\", 1, 6, "expected an escape"},
        {"\"abc\\\"", 1, 7, "closing '\"'"},
        {"\"\\x41\"", 1, 3, "after '\\', found 'x'"},
        {"\"\\'\"", 1, 3, "found '''"},
        {"\"\\u12G4\"", 1, 2, "four hexadecimal digits"},
        {"\"\\u12", 1, 2, "four hexadecimal digits"},
        {"\"\\uD800\"", 1, 2, "a high surrogate lacks"},
        {"\"\\uD800\\n\"", 1, 2, "a high surrogate lacks"},
        {"\"\\uD800\\uD800\"", 1, 2, "a high surrogate lacks"},
        {"\"\\uD800\\u0041\"", 1, 2, "a high surrogate lacks"},
        {"\"a\\uDC00\"", 1, 3, "a low surrogate lacks"},
        {"\"a\tb\"", 1, 3, "control characters to be escaped in a string, found the byte 0x09"},
        {"\"a\nb\"", 1, 3, "control characters"},
        {"\"\xC3\xA9\x80\"", 1, 3, "expected UTF-8 in a string, found the byte 0x80"},
        {"\"\xC0\xAF\"", 1, 2, "expected UTF-8"},
        {"\"\xE0\x80\x80\"", 1, 2, "expected UTF-8"},
        {"\"\xED\xA0\x80\"", 1, 2, "expected UTF-8"},
        {"\"\xF4\x90\x80\x80\"", 1, 2, "expected UTF-8"},
        {"\"\xE2\x82", 1, 2, "expected UTF-8"},
        {"\"1234567890123456\\n\xF0\x9F\"", 1, 20, "expected UTF-8"},
        {"{\"\xFF\":1}", 1, 3, "expected UTF-8"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_refused(str_from(cases[i].text), &cases[i]);
    }
}

static void test_json_read__refuses_bad_numbers(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {"-", 1, 2, "expected a digit, found the end"},
        {"+1", 1, 1, "expected a value"},
        {".5", 1, 1, "expected a value"},
        {"01", 1, 2, "found '1'"},
        {"-01", 1, 3, "found '1'"},
        {"1.", 1, 3, "expected a digit"},
        {"1.e5", 1, 3, "expected a digit, found 'e'"},
        {"1e", 1, 3, "expected a digit"},
        {"[1e+]", 1, 4, "expected a digit"},
        {"0x10", 1, 2, "found 'x'"},
        {"1_000", 1, 2, "found '_'"},
        {"1,5", 1, 2, "found ','"},
        {"[1e400]", 1, 2, "the number '1e400' is too large for a double"},
        {"[-1e999999999999999999999]", 1, 2, "is too large"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_refused(str_from(cases[i].text), &cases[i]);
    }
}

static void test_json_read__refuses_double_keys_at_the_second(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {"{\"a\":1,\"a\":1}", 1, 8, "the key 'a' is there twice"},
        {"{\"\":1,\"\":2}", 1, 7, "the key '' is there twice"},
        {"{\"a\":{\"b\":[1,\",\"]},\n \"\\u0061\":2}", 2, 2, "the key 'a' is there twice"},
        {"[{\"x\":1},{\"y\":{\"z\\\"\":0,\"k\":[{},{}]},\"q\":{\"a\":1,\n\"b\":2,\"a\":3}}]", 2, 7,
         "the key 'a' is there twice"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_refused(str_from(cases[i].text), &cases[i]);
    }
}

/* {"k0":0,...} with `count` keys, and then "kTWICE" once more unless `twice` is `count`. */
static void write_keys(struct strbuf *out, size_t count, size_t twice)
{
    strbuf_clear(out);
    for (size_t i = 0; i < count; i++) {
        strbuf_append_format(out, "%s\"k%zu\":%zu", i == 0 ? "{" : ",", i, i);
    }
    if (twice < count) {
        strbuf_append_format(out, ",\"k%zu\":0", twice);
    }
    strbuf_append_char(out, '}');
}

static void test_json_read__finds_double_keys_in_maps_of_every_size(void **state)
{
    (void)state;
    struct strbuf text = STRBUF_INIT;
    for (size_t count = 1; count < 40; count++) {
        for (size_t twice = 0; twice <= count; twice++) {
            struct document *document = NULL;
            write_keys(&text, count, twice);
            int status = json_read(strbuf_str(&text), NULL, &document, NULL);
            assert_int_equal(status, twice < count ? E_INVALID : 0);
            document_unref(document);
        }
    }
    strbuf_finish(&text);
}

static void test_json_read__keys_are_equal_by_bytes_only(void **state)
{
    (void)state;
    /* The same letter, composed and decomposed. */
    assert_reads("{\"\xC3\xA9\":1,\"e\xCC\x81\":2}", "{\"\xC3\xA9\":1,\"e\xCC\x81\":2}");
}

static void assert_limit(const char *text, const struct json_limits *limits, const char *name)
{
    struct error err = {0};
    struct document *document = NULL;
    assert_int_equal(json_read(str_from(text), limits, &document, &err), E_LIMIT);
    assert_non_null(strstr(err.message, name));
    assert_null(document);
}

static void assert_within(const char *text, const struct json_limits *limits)
{
    struct document *document = NULL;
    assert_int_equal(json_read(str_from(text), limits, &document, NULL), 0);
    document_unref(document);
}

static void test_json_read__limits_are_exact_and_named(void **state)
{
    (void)state;
    const struct json_limits limits = {.max_bytes = 14, .max_depth = 2, .max_values = 4};
    assert_within("[1, 2, 3     ]", &limits);
    assert_limit("[1, 2, 3      ]", &limits, "max_bytes");
    assert_within("[[1],{}]", &limits);
    assert_limit("[[[]]]", &limits, "max_depth");
    assert_limit("[{\"a\":[]}]", &limits, "max_depth");
    assert_limit("[1,2,3,4]", &limits, "max_values");
    assert_within("{\"a\":1,\"b\":2}", &limits);
    const struct json_limits nothing = {.max_bytes = 100};
    assert_limit("1", &nothing, "max_values");
    const struct json_limits scalars = {.max_bytes = 100, .max_values = 1};
    assert_within("1", &scalars);
    assert_limit("[]", &scalars, "max_depth");
}

static void test_json_read__depth_of_64_and_no_more(void **state)
{
    (void)state;
    char text[2 * 65 + 1];
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    text[128] = '\0';
    assert_reads(text, text);
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    text[130] = '\0';
    const struct json_limits deep = {.max_bytes = 1000, .max_depth = 1000, .max_values = 1000};
    assert_limit(text, NULL, "64 levels (max_depth)");
    assert_limit(text, &deep, "64 levels (max_depth)");
}

static void test_json_read__a_hundred_thousand_brackets_are_refused(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    char *text = malloc(COUNT);
    assert_non_null(text);
    struct error err = {0};
    struct document *document = NULL;
    memset(text, '[', COUNT);
    assert_int_equal(json_read(str_make(text, COUNT), NULL, &document, &err), E_LIMIT);
    assert_int_equal(err.column, 65);
    free(text);
}

static void test_json_read__large_flat_lists(void **state)
{
    (void)state;
    struct strbuf text = STRBUF_INIT;
    strbuf_append_char(&text, '[');
    for (int i = 0; i < 100000; i++) {
        strbuf_append_format(&text, "%s%d", i == 0 ? "" : ",", i);
    }
    strbuf_append_char(&text, ']');
    cleanup_document struct document *document = read_json(strbuf_str(&text).p);
    const struct value *root = document_root(document);
    assert_int_equal(value_count(root), 100000);
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(value_int(value_at(root, (size_t)i)), i);
    }
    strbuf_finish(&text);
}

static void test_json_read__reads_no_byte_behind_the_text(void **state)
{
    (void)state;
    static const char whole[] = "{\"key\":[12.5e3,\"a\\u0041bc\xC3\xA9\",true,null,false,-7]}";
    for (size_t n = 0; n < sizeof(whole) - 1; n++) {
        char *exact = malloc(n > 0 ? n : 1); /* a sanitizer sees what lies beyond */
        assert_non_null(exact);
        memcpy(exact, whole, n);
        struct document *document = NULL;
        assert_int_equal(json_read(str_make(exact, n), NULL, &document, NULL), E_INVALID);
        free(exact);
    }
    cleanup_document struct document *document = read_json(whole);
    assert_int_equal(value_count(value_get(document_root(document), STR("key"))), 6);
}

static void test_json_read__the_locale_changes_nothing(void **state)
{
    (void)state;
    const char *found = setlocale(LC_ALL, "de_DE.UTF-8");
    assert_reads("[0.5,1.7976931348623157e308,5e-324]", "[0.5,1.7976931348623157e+308,5e-324]");
    if (found != NULL) {
        (void)setlocale(LC_ALL, "C");
    }
}

static void test_json_read__each_allocation_may_fail(void **state)
{
    (void)state;
    struct strbuf text = STRBUF_INIT;
    strbuf_append_text(&text, "[\"esc\\n\\n\",{\"a\":1}");
    for (int i = 0; i < 2000; i++) {
        strbuf_append_format(&text, ",{\"k\":\"a longer text %d\",\"l\":[%d]}", i, i);
    }
    strbuf_append_char(&text, ']');
    for (long n = 0;; n++) {
        struct error err = {0};
        struct document *document = NULL;
        failing_alloc_arm(n);
        int status = json_read(strbuf_str(&text), NULL, &document, &err);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, 0);
            document_unref(document);
            assert_true(n > 5);
            break;
        }
        assert_int_equal(status, E_NOMEM);
        assert_null(document);
        assert_int_equal(err.code, E_NOMEM);
    }
    strbuf_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_read__every_kind_of_value),
        cmocka_unit_test(test_json_read__types_of_numbers),
        cmocka_unit_test(test_json_read__escapes),
        cmocka_unit_test(test_json_read__a_string_may_hold_nul_and_noncharacters),
        cmocka_unit_test(test_json_read__strings_of_every_length),
        cmocka_unit_test(test_json_read__refuses_with_line_and_column),
        cmocka_unit_test(test_json_read__refuses_bad_strings),
        cmocka_unit_test(test_json_read__refuses_bad_numbers),
        cmocka_unit_test(test_json_read__refuses_double_keys_at_the_second),
        cmocka_unit_test(test_json_read__finds_double_keys_in_maps_of_every_size),
        cmocka_unit_test(test_json_read__keys_are_equal_by_bytes_only),
        cmocka_unit_test(test_json_read__limits_are_exact_and_named),
        cmocka_unit_test(test_json_read__depth_of_64_and_no_more),
        cmocka_unit_test(test_json_read__a_hundred_thousand_brackets_are_refused),
        cmocka_unit_test(test_json_read__large_flat_lists),
        cmocka_unit_test(test_json_read__reads_no_byte_behind_the_text),
        cmocka_unit_test(test_json_read__the_locale_changes_nothing),
        cmocka_unit_test(test_json_read__each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
