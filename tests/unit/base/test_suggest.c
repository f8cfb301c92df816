/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/suggest.h"

static const struct str keys[] = {
    {"timeout", 7}, {"depends_on", 10}, {"type", 4}, {"when", 4}, {"on_error", 8}, {"id", 2},
};

static void expect_nearest(const char *wrong, const char *right)
{
    struct str best = suggest_nearest(str_from(wrong), keys, sizeof(keys) / sizeof(keys[0]));
    if (!str_equal_text(best, right)) {
        fail_msg("for '%s' got '%.*s', not '%s'", wrong, STR_ARG(best), right);
    }
}

static void test_suggest__finds_each_kind_of_slip(void **state)
{
    (void)state;
    expect_nearest("tiemout", "timeout");  /* swapped */
    expect_nearest("timout", "timeout");   /* left out */
    expect_nearest("timeouts", "timeout"); /* too much */
    expect_nearest("timeoot", "timeout");  /* changed */
    expect_nearest("TIMEOUT", "timeout");  /* case */
    expect_nearest("dependsOn", "depends_on");
    expect_nearest("depend-on", "depends_on");
    expect_nearest("tpye", "type");
    expect_nearest("wen", "when");
}

static void test_suggest__gives_none_when_all_are_far(void **state)
{
    (void)state;
    expect_nearest("banana", "");
    expect_nearest("", "");
    expect_nearest("xy", "");
    expect_nearest("t", "");
    expect_nearest("timeouttimeout", "");
}

static void test_suggest__prefers_the_nearest_and_then_the_first(void **state)
{
    (void)state;
    static const struct str names[] = {{"cart", 4}, {"card", 4}, {"CARE", 4}, {"core", 4}};
    assert_true(str_equal_text(suggest_nearest(STR("care"), names, 4), "CARE"));
    assert_true(str_equal_text(suggest_nearest(STR("carx"), names, 4), "cart"));
    assert_int_equal(suggest_nearest(STR("care"), names, 0).n, 0);
}

static void test_suggest__very_long_names_are_left_alone(void **state)
{
    (void)state;
    char text[SUGGEST_LONGEST + 2];
    memset(text, 'a', sizeof(text));
    struct str longest = str_make(text, SUGGEST_LONGEST);
    struct str longer = str_make(text, SUGGEST_LONGEST + 1);
    assert_true(str_equal(suggest_nearest(longest, &longest, 1), longest));
    assert_int_equal(suggest_nearest(longer, &longest, 1).n, 0);
    assert_int_equal(suggest_nearest(longest, &longer, 1).n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_suggest__finds_each_kind_of_slip),
        cmocka_unit_test(test_suggest__gives_none_when_all_are_far),
        cmocka_unit_test(test_suggest__prefers_the_nearest_and_then_the_first),
        cmocka_unit_test(test_suggest__very_long_names_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
