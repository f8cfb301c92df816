/* SPDX-License-Identifier: Apache-2.0 */
#include "core/checker/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct verdict verdict;

static int clear(void **state)
{
    (void)state;
    verdict = (struct verdict){.outcome = VERDICT_OK};
    return 0;
}

static void test_verdict__findings_come_in_order(void **state)
{
    (void)state;
    verdict_fail(&verdict, "one %d", 1);
    verdict_fail(&verdict, "two");
    verdict_skip(&verdict, "not any more");
    assert_string_equal(verdict_outcome_name(&verdict), "failed");
    assert_string_equal(verdict_finding(&verdict, 0), "one 1");
    assert_string_equal(verdict_finding(&verdict, 1), "two");
    assert_null(verdict_finding(&verdict, 2));
}

static void test_verdict__skips_with_a_reason(void **state)
{
    (void)state;
    verdict_skip(&verdict, "nothing there");
    assert_string_equal(verdict_outcome_name(&verdict), "skipped");
    assert_string_equal(verdict_finding(&verdict, 0), "nothing there");
}

static void test_verdict__counts_what_it_cannot_keep(void **state)
{
    char text[9000];
    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < 30; i++) {
        verdict_fail(&verdict, "%s", text);
    }
    assert_int_equal(verdict.finding_count + verdict.lost_count, 30);
    assert_true(verdict.lost_count >= 30 - VERDICT_FINDINGS_MOST);
    assert_true(verdict.used <= sizeof verdict.texts);
    assert_string_equal(verdict_finding(&verdict, 2), text);
    verdict_stage(&verdict, "%s", text);
    assert_int_equal(strlen(verdict.stage), sizeof verdict.stage - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_verdict__findings_come_in_order, clear),
        cmocka_unit_test_setup(test_verdict__skips_with_a_reason, clear),
        cmocka_unit_test_setup(test_verdict__counts_what_it_cannot_keep, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
