/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/api/query.h"
#include "core/base/error.h"

static const char *const names[] = {"limit", "live", "since", "label", NULL};

static int64_t decode(const char *text, bool is_form, char *out)
{
    size_t n = strlen(text);
    memcpy(out, text, n + 1);
    int64_t size = query_decode(out, n, is_form);
    if (size >= 0) {
        out[size] = '\0';
    }
    return size;
}

static void test_query__decodes_percent_signs(void **state)
{
    (void)state;
    char out[64];
    assert_int_equal(decode("a%20b+c%C3%A9", true, out), 7);
    assert_string_equal(out, "a b c\xC3\xA9");
    assert_int_equal(decode("a+b", false, out), 3);
    assert_string_equal(out, "a+b");
}

static void test_query__refuses_what_is_no_text(void **state)
{
    (void)state;
    static const char *const bad[] = {"%", "a%2", "%zz", "%g0", "%00", "%ff", "x%C3", "\xff"};
    char out[64];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(decode(bad[i], true, out), -1);
    }
}

static void test_query__reads_names_and_values(void **state)
{
    (void)state;
    struct query_text text;
    struct error err = {0};
    assert_int_equal(query_text_read(STR("a=1&&b=x%26y&c&d=e=f"), &text, &err), 0);
    assert_int_equal(text.count, 4);
    struct query query = {text.params, text.count};
    assert_true(str_equal_text(query_get(&query, "a"), "1"));
    assert_true(str_equal_text(query_get(&query, "b"), "x&y"));
    assert_int_equal(query_get(&query, "c").n, 0);
    assert_true(str_equal_text(query_get(&query, "d"), "e=f"));
    assert_int_equal(query_get(&query, "e").n, 0);
    query_text_finish(&text);
}

static void test_query__bounds_what_it_reads(void **state)
{
    (void)state;
    struct query_text text;
    struct error err = {0};
    struct strbuf many = STRBUF_INIT;
    for (int i = 0; i <= API_MAX_QUERY; i++) {
        strbuf_append_format(&many, "p%d=1&", i);
    }
    assert_int_equal(query_text_read(strbuf_str(&many), &text, &err), E_INVALID);
    query_text_finish(&text);
    strbuf_clear(&many);
    for (int i = 0; i <= QUERY_BYTES_MOST; i++) {
        strbuf_append_char(&many, 'a');
    }
    assert_int_equal(query_text_read(strbuf_str(&many), &text, &err), E_INVALID);
    query_text_finish(&text);
    assert_int_equal(query_text_read(STR("a=%zz"), &text, &err), E_INVALID);
    assert_non_null(strstr(err.message, "parameter 1"));
    query_text_finish(&text);
    strbuf_finish(&many);
}

static int check(const char *name, const char *again, struct error *err)
{
    struct api_parameter params[] = {{str_from(name), STR("1")}, {str_from(again), STR("1")}};
    struct query query = {params, again != NULL ? 2 : 1};
    return query_check(&query, names, err);
}

static void test_query__names_what_is_unknown_or_doubled(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(check("limit", "live", &err), 0);
    assert_int_equal(check("limits", NULL, &err), E_INVALID);
    assert_string_equal(err.message, "unknown parameter 'limits', did you mean 'limit'?");
    assert_int_equal(check("quite-different", NULL, &err), E_INVALID);
    assert_string_equal(err.message, "unknown parameter 'quite-different'");
    assert_int_equal(check("limit", "limit", &err), E_INVALID);
    assert_string_equal(err.message, "parameter 'limit' is given twice");
}

static int number(const char *value, uint64_t *out)
{
    struct api_parameter param = {STR("limit"), str_from(value)};
    struct query query = {&param, 1};
    return query_number(&query, "limit", (struct query_range){1, 500}, out, NULL);
}

static void test_query__reads_numbers_in_their_range(void **state)
{
    (void)state;
    uint64_t out = 42;
    static const char *const bad[] = {"", "0", "501", "-1", "1.0", " 1", "99999999999999999999"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(number(bad[i], &out), E_INVALID);
        assert_int_equal(out, 42);
    }
    assert_int_equal(number("500", &out), 0);
    assert_int_equal(out, 500);
    struct query none = {0};
    assert_int_equal(query_number(&none, "limit", (struct query_range){1, 2}, &out, NULL), 0);
    assert_int_equal(out, 500);
}

static void test_query__reads_flags(void **state)
{
    (void)state;
    bool flag = false;
    struct api_parameter param = {STR("live"), STR("true")};
    struct query query = {&param, 1};
    struct error err = {0};
    assert_int_equal(query_flag(&query, "live", &flag, &err), 0);
    assert_true(flag);
    param.value = STR("yes");
    assert_int_equal(query_flag(&query, "live", &flag, &err), E_INVALID);
    assert_string_equal(err.message, "parameter 'live' is neither 'true' nor 'false'");
    assert_true(flag);
}

static int moment(const char *value, int64_t *out)
{
    struct api_parameter param = {STR("since"), str_from(value)};
    struct query query = {&param, 1};
    return query_time(&query, "since", 10000000, out, NULL);
}

static void test_query__reads_times_and_ages(void **state)
{
    (void)state;
    int64_t at = 0;
    assert_int_equal(moment("1970-01-01T00:00:01.5Z", &at), 0);
    assert_int_equal(at, 1500);
    assert_int_equal(moment("1h", &at), 0);
    assert_int_equal(at, 10000000 - 3600000);
    assert_int_equal(moment("999d", &at), 0);
    assert_int_equal(at, 1);
    assert_int_equal(moment("yesterday", &at), E_INVALID);
    assert_int_equal(moment("", &at), E_INVALID);
}

static void test_query__what_it_appends_it_reads(void **state)
{
    (void)state;
    struct strbuf out = STRBUF_INIT;
    struct query_text text;
    query_append(&out, "label", STR("a=b & c/\xC3\xA9+%"));
    query_append(&out, "live", STR("true"));
    assert_string_equal(strbuf_str(&out).p, "label=a%3Db%20%26%20c%2F%C3%A9%2B%25&live=true");
    assert_int_equal(query_text_read(strbuf_str(&out), &text, NULL), 0);
    assert_true(str_equal_text(text.params[0].value, "a=b & c/\xC3\xA9+%"));
    query_text_finish(&text);
    strbuf_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_query__decodes_percent_signs),
        cmocka_unit_test(test_query__refuses_what_is_no_text),
        cmocka_unit_test(test_query__reads_names_and_values),
        cmocka_unit_test(test_query__bounds_what_it_reads),
        cmocka_unit_test(test_query__names_what_is_unknown_or_doubled),
        cmocka_unit_test(test_query__reads_numbers_in_their_range),
        cmocka_unit_test(test_query__reads_flags),
        cmocka_unit_test(test_query__reads_times_and_ages),
        cmocka_unit_test(test_query__what_it_appends_it_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
