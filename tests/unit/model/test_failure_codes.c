/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/engine/failure.h"
#include "core/host/task_failure.h"
#include "core/model/failure_codes.h"

/* Of the engine's own codes, those that an attempt of a plugin's node can fail with. */
static const char *const of_attempts[] = {FAILURE_MEMORY_LIMIT, FAILURE_TIMEOUT, FAILURE_CANCELLED,
                                          FAILURE_CONFIG, FAILURE_PLUGIN};
static const char *const of_others[] = {
    FAILURE_EXPRESSION,       FAILURE_LIMIT,   FAILURE_LOOP_LIMIT, FAILURE_NO_ROUTE,
    FAILURE_TRANSITION_LIMIT, FAILURE_CRASHED, FAILURE_CUT_OFF,    FAILURE_FAILED};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_known(const char *name)
{
    struct str code = {0};
    for (size_t i = 0; (code = failure_codes_at(i)).n > 0; i++) {
        if (str_equal_text(code, name)) {
            return true;
        }
    }
    return false;
}

static void test_failure_codes__are_those_of_host_and_engine(void **state)
{
    (void)state;
    for (ops_status code = 1; code <= OPS_E_CRASHED; code++) {
        if (!is_known(task_failure_code_name(code))) {
            fail_msg("'%s' of the host is missing", task_failure_code_name(code));
        }
    }
    for (size_t i = 0; i < COUNT(of_attempts); i++) {
        assert_true(is_known(of_attempts[i]));
    }
    for (size_t i = 0; i < COUNT(of_others); i++) {
        assert_false(is_known(of_others[i]));
    }
}

static bool is_of_attempts(struct str code)
{
    for (ops_status host = 1; host <= OPS_E_CRASHED; host++) {
        if (str_equal_text(code, task_failure_code_name(host))) {
            return true;
        }
    }
    for (size_t i = 0; i < COUNT(of_attempts); i++) {
        if (str_equal_text(code, of_attempts[i])) {
            return true;
        }
    }
    return false;
}

static void test_failure_codes__are_no_others(void **state)
{
    struct str code = {0};
    struct str before = STR("");
    (void)state;
    for (size_t i = 0; (code = failure_codes_at(i)).n > 0; i++) {
        if (!is_of_attempts(code)) {
            fail_msg("nothing fails with '%.*s'", STR_ARG(code));
        }
        assert_true(str_compare(before, code) < 0);
        before = code;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failure_codes__are_those_of_host_and_engine),
        cmocka_unit_test(test_failure_codes__are_no_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
