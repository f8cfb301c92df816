/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "tests/support/failing_alloc.h"

static const char *const source = "id: a\n\ttiemout: 30s\r\n\xE4\xB8\xAD\xC3\xA4: x\nlast";

static struct str read_source(const char *file, void *user)
{
    const char *known = user;
    return strcmp(file, known) == 0 ? str_from(source) : str_from(NULL);
}

static void expect_printed(struct diagnostics *list, const char *text)
{
    struct strbuf out = STRBUF_INIT;
    char known[] = "a.yaml";
    diagnostics_print(list, read_source, known, 0, &out);
    assert_int_equal(strbuf_status(&out), 0);
    assert_string_equal(strbuf_str(&out).p, text);
    strbuf_finish(&out);
    diagnostics_finish(list);
}

static void test_diagnostic__shows_place_source_caret_and_hint(void **state)
{
    (void)state;
    struct diagnostics list = DIAGNOSTICS_INIT;
    diagnostics_add(&list, DIAGNOSTIC_ERROR, (struct diagnostic_place){"a.yaml", 2, 2},
                    "node '%s' has the unknown key '%s'", "x", "tiemout");
    diagnostics_hint(&list, "did you mean '%s'?", "timeout");
    expect_printed(&list, "a.yaml:2:2: error: node 'x' has the unknown key 'tiemout'\n"
                          "    \ttiemout: 30s\n"
                          "    \t^\n"
                          "  did you mean 'timeout'?\n");
}

static void test_diagnostic__caret_counts_cells(void **state)
{
    (void)state;
    struct diagnostics list = DIAGNOSTICS_INIT;
    diagnostics_add(&list, DIAGNOSTIC_WARNING, (struct diagnostic_place){"a.yaml", 3, 3}, "colon");
    expect_printed(&list, "a.yaml:3:3: warning: colon\n"
                          "    \xE4\xB8\xAD\xC3\xA4: x\n"
                          "       ^\n");
}

static void test_diagnostic__says_less_where_less_is_known(void **state)
{
    (void)state;
    struct diagnostics list = DIAGNOSTICS_INIT;
    diagnostics_add(&list, DIAGNOSTIC_ERROR, (struct diagnostic_place){NULL, 3, 3}, "no file");
    diagnostics_add(&list, DIAGNOSTIC_ERROR, (struct diagnostic_place){"a.yaml", 0, 0}, "no line");
    diagnostics_add(&list, DIAGNOSTIC_ERROR, (struct diagnostic_place){"a.yaml", 1, 0},
                    "no column");
    diagnostics_add(&list, DIAGNOSTIC_ERROR, (struct diagnostic_place){"a.yaml", 99, 1}, "beyond");
    diagnostics_add(&list, DIAGNOSTIC_ERROR, (struct diagnostic_place){"b.yaml", 1, 1},
                    "no source");
    expect_printed(&list, "error: no file\n"
                          "a.yaml: error: no line\n"
                          "a.yaml:1: error: no column\n"
                          "a.yaml:99:1: error: beyond\n"
                          "b.yaml:1:1: error: no source\n");
}

static void test_diagnostic__caret_may_stand_behind_the_last_character(void **state)
{
    (void)state;
    struct strbuf out = STRBUF_INIT;
    diagnostic_print_caret(STR("1 +"), 1, 4, 2, &out);
    assert_string_equal(strbuf_str(&out).p, "  1 +\n     ^\n");
    strbuf_clear(&out);
    diagnostic_print_caret(STR("1 +"), 2, 1, 2, &out);
    diagnostic_print_caret(STR(""), 1, 1, 2, &out);
    diagnostic_print_caret(str_from(NULL), 1, 1, 2, &out);
    assert_int_equal(out.n, 0);
    strbuf_finish(&out);
}

static void test_diagnostic__long_lines_are_cut_around_the_place(void **state)
{
    (void)state;
    static char line[1000000];
    memset(line, 'a', sizeof(line));
    line[5000] = '!';
    struct strbuf out = STRBUF_INIT;
    diagnostic_print_caret(str_make(line, sizeof(line)), 1, 5001, 0, &out);
    assert_int_equal(strbuf_status(&out), 0);
    assert_true(out.n < 250);
    const char *text = strbuf_str(&out).p;
    const char *newline = strchr(text, '\n');
    assert_int_equal(strchr(text, '!') - text, strchr(text, '^') - newline - 1);
    strbuf_finish(&out);
}

static void test_diagnostic__nothing_harmful_is_printed(void **state)
{
    (void)state;
    struct diagnostics list = DIAGNOSTICS_INIT;
    diagnostics_add(&list, DIAGNOSTIC_ERROR, (struct diagnostic_place){"\033.yaml", 1, 1},
                    "key '\033[2J\n'");
    diagnostics_hint(&list, "\xE2\x80\xAE");
    expect_printed(&list, "\\x1b.yaml:1:1: error: key '\\x1b[2J\\n'\n  \\u202e\n");
    struct strbuf out = STRBUF_INIT;
    diagnostic_print_caret(STR("\033\xFFx"), 1, 3, 0, &out);
    assert_string_equal(strbuf_str(&out).p, "\xEF\xBF\xBD\xEF\xBF\xBDx\n  ^\n");
    strbuf_finish(&out);
}

static void test_diagnostic__sorts_by_place_and_keeps_order_within(void **state)
{
    (void)state;
    struct diagnostics list = DIAGNOSTICS_INIT;
    static const struct diagnostic_place places[] = {
        {"b", 1, 1}, {"a", 10, 1}, {"a", 9, 7}, {"a", 9, 2}, {"a", 9, 7}, {NULL, 0, 0},
    };
    for (unsigned i = 0; i < 6; i++) {
        diagnostics_add(&list, DIAGNOSTIC_ERROR, places[i], "%u", i);
    }
    diagnostics_sort(&list);
    static const char *const order[] = {"5", "3", "2", "4", "1", "0"};
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(list.items[i].message, order[i]);
    }
    diagnostics_hint(&list, "must not land on another");
    for (size_t i = 0; i < 6; i++) {
        assert_null(list.items[i].hint);
    }
    diagnostics_finish(&list);
}

static void test_diagnostic__keeps_a_thousand_and_counts_the_rest(void **state)
{
    (void)state;
    struct diagnostics list = DIAGNOSTICS_INIT;
    for (int i = 0; i < DIAGNOSTICS_KEPT; i++) {
        diagnostics_add(&list, DIAGNOSTIC_WARNING, (struct diagnostic_place){"f", 1, 1}, "w");
    }
    for (int i = 0; i < 5; i++) {
        diagnostics_add(&list, DIAGNOSTIC_ERROR, (struct diagnostic_place){"f", 1, 1}, "e");
        diagnostics_hint(&list, "of one that is not kept");
    }
    assert_int_equal(list.count, DIAGNOSTICS_KEPT);
    assert_int_equal(list.warning_count, DIAGNOSTICS_KEPT);
    assert_int_equal(list.error_count, 5);
    assert_null(list.items[DIAGNOSTICS_KEPT - 1].hint);
    struct strbuf out = STRBUF_INIT;
    diagnostics_print(&list, NULL, NULL, 0, &out);
    assert_non_null(strstr(out.p, "\nand 5 more\n"));
    strbuf_finish(&out);
    diagnostics_finish(&list);
}

static void test_diagnostic__takes_an_error_with_its_place(void **state)
{
    (void)state;
    struct diagnostics list = DIAGNOSTICS_INIT;
    struct error err;
    error_set(&err, E_INVALID, "bad 100%%");
    diagnostics_add_error(&list, &err);
    error_set_place(&err, "c.yaml", 4, 5);
    diagnostics_add_error(&list, &err);
    assert_null(list.items[0].place.file);
    expect_printed(&list, "error: bad 100%\nc.yaml:4:5: error: bad 100%\n");
}

static void test_diagnostic__color_is_only_for_the_severity(void **state)
{
    (void)state;
    struct diagnostics list = DIAGNOSTICS_INIT;
    diagnostics_add(&list, DIAGNOSTIC_ERROR, (struct diagnostic_place){"f", 1, 0}, "m");
    struct strbuf out = STRBUF_INIT;
    diagnostics_print(&list, NULL, NULL, DIAGNOSTIC_COLOR, &out);
    assert_string_equal(strbuf_str(&out).p, "f:1: \033[1;31merror:\033[0m m\n");
    strbuf_finish(&out);
    diagnostics_finish(&list);
}

static void test_diagnostic__out_of_memory_is_remembered(void **state)
{
    (void)state;
    bool is_reached = true;
    for (long n = 0; is_reached; n++) {
        struct diagnostics list = DIAGNOSTICS_INIT;
        failing_alloc_arm(n);
        diagnostics_add(&list, DIAGNOSTIC_ERROR, (struct diagnostic_place){"f", 1, 1}, "m");
        diagnostics_hint(&list, "%2000s", "h");
        is_reached = failing_alloc_disarm();
        assert_int_equal(diagnostics_status(&list), is_reached ? E_NOMEM : 0);
        assert_int_equal(list.error_count, 1);
        diagnostics_finish(&list);
    }
}

static void test_diagnostic__says_the_same_only_once(void **state)
{
    (void)state;
    struct diagnostics list = DIAGNOSTICS_INIT;
    struct diagnostic_place here = {"a.yaml", 1, 1};
    diagnostics_add(&list, DIAGNOSTIC_ERROR, here, "x");
    diagnostics_add(&list, DIAGNOSTIC_ERROR, here, "y");
    diagnostics_add(&list, DIAGNOSTIC_ERROR, here, "x");
    diagnostics_add(&list, DIAGNOSTIC_WARNING, here, "x");
    diagnostics_add(&list, DIAGNOSTIC_WARNING, here, "x");
    diagnostics_add(&list, DIAGNOSTIC_ERROR, (struct diagnostic_place){"b.yaml", 1, 1}, "x");
    diagnostics_sort(&list);
    diagnostics_merge_equal(&list);
    assert_int_equal(list.error_count, 3);
    assert_int_equal(list.warning_count, 1);
    assert_int_equal(list.count, 4);
    assert_string_equal(list.items[1].message, "y");
    assert_int_equal(list.items[2].severity, DIAGNOSTIC_WARNING);
    assert_string_equal(list.items[3].place.file, "b.yaml");
    diagnostics_finish(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_diagnostic__shows_place_source_caret_and_hint),
        cmocka_unit_test(test_diagnostic__caret_counts_cells),
        cmocka_unit_test(test_diagnostic__says_less_where_less_is_known),
        cmocka_unit_test(test_diagnostic__caret_may_stand_behind_the_last_character),
        cmocka_unit_test(test_diagnostic__long_lines_are_cut_around_the_place),
        cmocka_unit_test(test_diagnostic__nothing_harmful_is_printed),
        cmocka_unit_test(test_diagnostic__sorts_by_place_and_keeps_order_within),
        cmocka_unit_test(test_diagnostic__keeps_a_thousand_and_counts_the_rest),
        cmocka_unit_test(test_diagnostic__takes_an_error_with_its_place),
        cmocka_unit_test(test_diagnostic__color_is_only_for_the_severity),
        cmocka_unit_test(test_diagnostic__out_of_memory_is_remembered),
        cmocka_unit_test(test_diagnostic__says_the_same_only_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
