/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/cli/exit_code.h"

static void test_exit_code__of_a_state_and_of_its_name_is_the_same(void **state)
{
    (void)state;
    static const struct {
        enum run_state state;
        int code;
    } ends[] = {{RUN_COMPLETED, 0}, {RUN_FAILED, 1}, {RUN_CANCELLED, 4}};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        assert_int_equal(exit_code_of_run(ends[i].state), ends[i].code);
        assert_int_equal(exit_code_of_status(str_from(run_state_name(ends[i].state))),
                         ends[i].code);
    }
    assert_int_equal(exit_code_of_status(STR("what a newer program says")), EXIT_RUN_FAILED);
}

static void test_exit_code__of_a_refusal_says_whose_mistake_it_is(void **state)
{
    (void)state;
    assert_int_equal(exit_code_of_refusal(400), EXIT_USAGE);
    assert_int_equal(exit_code_of_refusal(404), EXIT_USAGE);
    assert_int_equal(exit_code_of_refusal(409), EXIT_USAGE);
    assert_int_equal(exit_code_of_refusal(503), EXIT_STATE);
    assert_int_equal(exit_code_of_refused_start(400), EXIT_INVALID);
    assert_int_equal(exit_code_of_refused_start(422), EXIT_INVALID);
    assert_int_equal(exit_code_of_refused_start(409), EXIT_USAGE);
    assert_int_equal(exit_code_of_refused_start(500), EXIT_STATE);
}

static void test_exit_code__an_empty_state_option_is_a_wrong_command_line(void **state)
{
    (void)state;
    assert_int_equal(exit_code_of_state(""), EXIT_USAGE);
    assert_int_equal(exit_code_of_state("/somewhere"), EXIT_STATE);
    assert_int_equal(exit_code_of_state(NULL), EXIT_STATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_code__of_a_state_and_of_its_name_is_the_same),
        cmocka_unit_test(test_exit_code__of_a_refusal_says_whose_mistake_it_is),
        cmocka_unit_test(test_exit_code__an_empty_state_option_is_a_wrong_command_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
