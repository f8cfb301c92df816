/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "core/base/diagnostic.h"
#include "core/base/str.h"
#include "core/base/utf8.h"
#include "core/model/pipeline.h"
#include "core/model/report.h"
#include "tests/support/failing_alloc.h"

enum { LONG = 1000 * 1000 };

static char *make_long(void)
{
    char *text = malloc(LONG + 1);
    assert_non_null(text);
    for (size_t i = 0; i < LONG; i += 2) {
        memcpy(text + i, "\xC3\xA9", 2);
    }
    text[LONG] = '\0';
    return text;
}

static void test_report__keeps_both_ends_of_long_texts(void **state)
{
    (void)state;
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct report report = {.diagnostics = &diagnostics, .file = "t", .source = STR("")};
    char *name = make_long();
    report_error(&report, (struct place){.line = 1, .column = 1}, "the x '%s' is wrong", name);
    report_hint(&report, "y%s is right", name);
    report_warning(&report, (struct place){.line = 1, .column = 1}, "%s", name);
    const char *message = diagnostics.items[0].message;
    assert_true(strlen(message) < 700);
    assert_true(str_starts_with(str_from(message), STR("the x '\xC3\xA9")));
    assert_true(str_ends_with(str_from(message), STR("\xC3\xA9' is wrong")));
    assert_non_null(strstr(message, "\xC3\xA9...\xC3\xA9"));
    assert_int_equal(utf8_valid_prefix(message, strlen(message)), strlen(message));
    assert_true(str_ends_with(str_from(diagnostics.items[0].hint), STR("\xC3\xA9 is right")));
    assert_true(strlen(diagnostics.items[1].message) < 700);
    free(name);
    diagnostics_finish(&diagnostics);
}

static void test_report__cuts_long_texts_when_memory_is_short(void **state)
{
    (void)state;
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct report report = {.diagnostics = &diagnostics, .file = "t", .source = STR("")};
    char *name = make_long();
    report_error(&report, (struct place){.line = 1, .column = 1},
                 "first"); /* the list has room then */
    failing_alloc_arm(0);
    report_error(&report, (struct place){.line = 1, .column = 1}, "the x '%s' is wrong", name);
    failing_alloc_disarm();
    assert_int_equal(diagnostics.count, 2);
    const char *message = diagnostics.items[1].message;
    assert_true(str_starts_with(str_from(message), STR("the x '\xC3\xA9")));
    assert_int_equal(utf8_valid_prefix(message, strlen(message)), strlen(message));
    free(name);
    diagnostics_finish(&diagnostics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report__keeps_both_ends_of_long_texts),
        cmocka_unit_test(test_report__cuts_long_texts_when_memory_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
