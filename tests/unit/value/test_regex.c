/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/value/regex.h"
#include "tests/support/failing_alloc.h"

static struct regex *compile(const char *pattern)
{
    struct regex *regex = NULL;
    struct error err = {0};
    if (regex_compile(str_from(pattern), &regex, &err) != 0) {
        fail_msg("cannot compile '%s': %s", pattern, err.message);
    }
    return regex;
}

static bool matches(const char *pattern, struct str text)
{
    struct regex *regex = compile(pattern);
    bool found = false;
    struct error err = {0};
    if (regex_search(regex, text, &found, &err) != 0) {
        fail_msg("cannot search '%s': %s", pattern, err.message);
    }
    regex_destroy(regex);
    return found;
}

static void test_regex__finds_any_part(void **state)
{
    (void)state;
    assert_true(matches("b+", STR("abbc")));
    assert_false(matches("b+", STR("ac")));
    assert_true(matches("^a.*c$", STR("abbc")));
    assert_false(matches("^b", STR("abbc")));
    assert_true(matches("", STR("")));
    assert_true(matches("^$", str_make(NULL, 0)));
    assert_false(matches("a$", STR("a\n")));
    assert_true(matches("(?i)ABC", STR("xabcx")));
    assert_true(matches("^\\p{Greek}$", STR("\xce\xb1")));
    assert_true(matches("^.$", STR("\xf0\x9f\x92\xa9")));
    assert_true(matches("a\\x00b", str_make("a\0b", 3)));
}

static void assert_refused(struct str pattern, int code, const char *message)
{
    struct regex *regex = NULL;
    struct error err = {0};
    assert_int_equal(regex_compile(pattern, &regex, &err), code);
    assert_string_equal(err.message, message);
    assert_null(regex);
}

static void test_regex__says_what_is_wrong_with_a_pattern(void **state)
{
    (void)state;
    assert_refused(STR("(a"), E_INVALID, "the regular expression '(a' is not valid: missing ): (a");
    assert_refused(STR("a**"), E_INVALID,
                   "the regular expression 'a**' is not valid: bad repetition operator: **");
    assert_refused(STR("(?=a)b"), E_INVALID,
                   "the regular expression '(?=a)b' is not valid: invalid perl operator: (?=");
    assert_refused(STR("\x1b[a"), E_INVALID,
                   "the regular expression '\\x1b[a' is not valid: missing ]: [a");
    assert_refused(STR("a\xff"), E_INVALID,
                   "the regular expression 'a\\xff' is not valid: invalid UTF-8");
    assert_refused(STR("((a{1000}){1000}){1000}"), E_INVALID,
                   "the regular expression '((a{1000}){1000}){1000}' is not valid: invalid "
                   "repetition size: {1000}");
    assert_refused(STR("((\\pL{100}){10}){1}\\pL{1000}\\pN{1000}\\pL{1000}"), E_LIMIT,
                   "the regular expression '((\\pL{100}){10}){1}\\pL{1000}\\pN{1000}\\pL{1000}' "
                   "needs more than 8 MiB: make it smaller");
}

static void test_regex__keeps_its_limits(void **state)
{
    (void)state;
    char pattern[REGEX_MAX_PATTERN_BYTES + 1];
    memset(pattern, 'a', sizeof(pattern));
    assert_refused(str_make(pattern, sizeof(pattern)), E_LIMIT,
                   "the regular expression has 1025 bytes, the limit is 1024: make it shorter");
    struct regex *regex = NULL;
    assert_int_equal(regex_compile(str_make(pattern, sizeof(pattern) - 1), &regex, NULL), 0);

    cleanup_free char *text = malloc(REGEX_MAX_TEXT_BYTES + 1);
    assert_non_null(text);
    memset(text, 'a', REGEX_MAX_TEXT_BYTES + 1);
    bool found = false;
    struct error err = {0};
    assert_int_equal(regex_search(regex, str_make(text, REGEX_MAX_TEXT_BYTES), &found, &err), 0);
    assert_true(found);
    found = false;
    assert_int_equal(regex_search(regex, str_make(text, REGEX_MAX_TEXT_BYTES + 1), &found, &err),
                     E_LIMIT);
    assert_string_equal(err.message, "a text of 1048577 bytes is too long for a regular "
                                     "expression, the limit is 1048576 bytes");
    assert_false(found);
    regex_destroy(regex);
    regex_destroy(NULL);
}

/* Shapes that make a backtracking matcher take for ever; here the test's time-out would say so. */
static void test_regex__is_linear(void **state)
{
    (void)state;
    cleanup_free char *text = malloc(REGEX_MAX_TEXT_BYTES);
    assert_non_null(text);
    memset(text, 'a', REGEX_MAX_TEXT_BYTES);
    struct str many = str_make(text, REGEX_MAX_TEXT_BYTES);
    assert_false(matches("^(a+)+$b", many));
    assert_false(matches("^(a|aa)+b$", many));
    assert_false(matches("^(([a-z])+.)+[A-Z]([a-z])+$", many));
    assert_false(matches("(.*)*(.*)*(.*)*x$", many));
}

static void test_regex__survives_a_failing_allocation(void **state)
{
    (void)state;
    regex_destroy(compile("a")); /* the module is loaded now, once for the process */
    for (long n = 0;; n++) {
        struct regex *regex = NULL;
        failing_alloc_arm(n);
        int status = regex_compile(STR("a+"), &regex, NULL);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, 0);
            regex_destroy(regex);
            break;
        }
        assert_int_equal(status, E_NOMEM);
        assert_null(regex);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_regex__finds_any_part),
        cmocka_unit_test(test_regex__says_what_is_wrong_with_a_pattern),
        cmocka_unit_test(test_regex__keeps_its_limits),
        cmocka_unit_test(test_regex__is_linear),
        cmocka_unit_test(test_regex__survives_a_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
