/* SPDX-License-Identifier: Apache-2.0 */
/* What people write, as a query of FTS5; and moments. */
#include "plugins/search/terms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/search/moment.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static ops_str str(const char *text)
{
    return (ops_str){text, strlen(text)};
}

static void assert_query(ops_str text, enum terms_match match, const char *wanted)
{
    struct terms terms;
    assert_int_equal(terms_read(text, match, &terms), 1);
    assert_string_equal(terms.query, wanted);
    terms_finish(&terms);
}

static void test_terms__quotes_each_word(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},
        {" \t\r\n", ""},
        {"disk full", "\"disk\" OR \"full\""},
        {"NEAR(a b) AND NOT c*", "\"NEAR(a\" OR \"b)\" OR \"AND\" OR \"NOT\" OR \"c*\""},
        {"title:x ^y -z", "\"title:x\" OR \"^y\" OR \"-z\""},
        {"say \"hi\"", "\"say\" OR \"\"\"hi\"\"\""},
        {"\" \"\" ( ) * -- ?", ""},
        {"Café ÜBER 漢字", "\"Café\" OR \"ÜBER\" OR \"漢字\""},
        {"a A a b", "\"a\" OR \"b\""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_query(str(cases[i][0]), TERMS_ANY, cases[i][1]);
    }
    assert_query(str("a b"), TERMS_ALL, "\"a\" AND \"b\"");
    assert_query((ops_str){"a\0b", 3}, TERMS_ANY, "\"a\" OR \"b\"");
    assert_query((ops_str){NULL, 0}, TERMS_ANY, "");
}

static void test_terms__leaves_out_what_is_beyond_the_most(void **state)
{
    (void)state;
    char text[TERMS_MAX * 8];
    struct terms terms;
    int n = 0;
    for (int i = 0; i < TERMS_MAX + 7; i++) {
        n += snprintf(text + n, sizeof(text) - (size_t)n, "w%d ", i);
    }
    assert_int_equal(terms_read(str(text), TERMS_ANY, &terms), 1);
    assert_int_equal(terms.used, TERMS_MAX);
    assert_int_equal(terms.left_out, 7);
    assert_non_null(strstr(terms.query, "\"w99\""));
    assert_null(strstr(terms.query, "\"w100\""));
    terms_finish(&terms);
}

static void test_moment__reads_and_writes_rfc_3339(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t unix_ms;
        const char *written;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00.000Z"},
        {"2025-01-31T14:22:33.123Z", 1738333353123, "2025-01-31T14:22:33.123Z"},
        {"2025-01-31t14:22:33.5+01:30", 1738327953500, "2025-01-31T12:52:33.500Z"},
        {"2025-01-31T14:22:33.1239999-05:00", 1738351353123, "2025-01-31T19:22:33.123Z"},
        {"1969-12-31T23:59:59.999z", -1, "1969-12-31T23:59:59.999Z"},
        {"0001-01-01T00:00:00Z", -62135596800000, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t unix_ms = 7;
        char written[MOMENT_BYTES];
        assert_int_equal(moment_read(str(cases[i].text), &unix_ms), 1);
        assert_int_equal(unix_ms, cases[i].unix_ms);
        moment_write(unix_ms, written);
        if (cases[i].written != NULL) {
            assert_string_equal(written, cases[i].written);
        }
    }
}

static void test_moment__refuses_what_is_none(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "2025-01-31",
        "2025-01-31 14:22:33Z",
        "2025-01-31T14:22Z",
        "2025-01-31T14:22:33",
        "2025-01-31T14:22:33Zz",
        "2025-01-31T14:22:33+1",
        "2025-01-31T14:22:33+24:00",
        "0000-01-31T14:22:33Z",
        "2025-01-31T14:22:33.1111111111111111111111111Z",
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t unix_ms = 7;
        if (moment_read(str(cases[i]), &unix_ms) != 0) {
            fail_msg("'%s' was read as %lld", cases[i], (long long)unix_ms);
        }
        assert_int_equal(unix_ms, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_terms__quotes_each_word),
        cmocka_unit_test(test_terms__leaves_out_what_is_beyond_the_most),
        cmocka_unit_test(test_moment__reads_and_writes_rfc_3339),
        cmocka_unit_test(test_moment__refuses_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
