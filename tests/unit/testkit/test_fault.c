/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/testkit/fault.h"
#include "tests/support/failing_alloc.h"

static ops_status add(struct faults *faults, ops_test_fault fault)
{
    return fault_add(faults, &fault);
}

static void test_fault__only_the_nth_call_of_what_is_named_fails(void **state)
{
    struct faults faults;
    ops_status status = OPS_OK;
    (void)state;
    faults_init(&faults, 1);
    assert_int_equal(add(&faults, (ops_test_fault){.where = "ops.http.send", .n = 2}), OPS_OK);
    assert_int_equal(fault_decide(&faults, FAULT_HTTP_SEND, &status), FAULT_GO_ON);
    assert_int_equal(fault_decide(&faults, FAULT_TIMER_AFTER, &status), FAULT_GO_ON);
    assert_int_equal(fault_decide(&faults, FAULT_HTTP_SEND, &status), FAULT_AT_ONCE);
    assert_int_equal(status, OPS_E_RESOURCE);
    assert_int_equal(fault_decide(&faults, FAULT_HTTP_SEND, &status), FAULT_GO_ON);
    assert_int_equal(faults.hits, 1);
    assert_string_equal(faults.last_hit, "ops.http.send");
    faults_clear(&faults);
    assert_int_equal(faults.hits, 0);
    assert_string_equal(faults.last_hit, "");
}

static void test_fault__services_and_all_count_what_can_fail(void **state)
{
    struct faults faults;
    ops_status status = OPS_OK;
    (void)state;
    faults_init(&faults, 1);
    assert_int_equal(add(&faults, (ops_test_fault){.where = "", .n = 2}), OPS_OK);
    (void)fault_decide(&faults, FAULT_VALUE_NEW_STR, &status);
    (void)fault_decide(&faults, FAULT_VALUE_FIND, &status); /* does not count */
    assert_int_equal(fault_decide(&faults, FAULT_TIMER_AFTER, &status), FAULT_AT_ONCE);
    assert_int_equal(fault_calls(&faults, "ops.value"), 1);
    assert_int_equal(fault_calls(&faults, "ops.value.find"), 1);
    assert_int_equal(fault_calls(&faults, ""), 2);
    assert_int_equal(fault_calls(&faults, "ops.val"), 0);
    assert_int_equal(fault_calls(&faults, NULL), 0);
    assert_int_equal(fault_all_calls(&faults), 3);
    faults_clear(&faults);
}

static void test_fault__callbacks_fail_and_come_late_where_there_are_some(void **state)
{
    struct faults faults;
    ops_status status = OPS_OK;
    (void)state;
    faults_init(&faults, 1);
    assert_int_equal(add(&faults, (ops_test_fault){.where = "ops.http",
                                                   .flags = OPS_TEST_IN_CALLBACK,
                                                   .status = OPS_E_TIMEOUT}),
                     OPS_OK);
    assert_int_equal(add(&faults, (ops_test_fault){.where = "ops.timer", .late_ms = 7}), OPS_OK);
    assert_int_equal(fault_decide(&faults, FAULT_HTTP_SEND, &status), FAULT_IN_CALLBACK);
    assert_int_equal(status, OPS_E_TIMEOUT);
    assert_int_equal(fault_late_ms(&faults, FAULT_HTTP_SEND), 0);
    assert_int_equal(fault_late_ms(&faults, FAULT_TIMER_AFTER), 7);
    assert_int_equal(fault_decide(&faults, FAULT_TIMER_AFTER, &status), FAULT_GO_ON);
    faults_clear(&faults);
}

static void test_fault__what_makes_no_sense_is_refused(void **state)
{
    struct faults faults;
    static const ops_test_fault bad[] = {
        {.where = NULL},
        {.where = "ops.telepathy"},
        {.where = "ops.http.", .n = 1},
        {.where = "ops.value.type"},
        {.where = "ops.http", .n = 1, .one_in = 2},
        {.where = "ops.http", .flags = 2},
        {.where = "ops.http", .status = 99},
        {.where = "ops.http", .status = -1},
        {.where = "ops.http", .reserved0 = 1},
        {.where = "ops.http", .late_ms = 1, .status = OPS_E_TIMEOUT},
        {.where = "ops.value", .flags = OPS_TEST_IN_CALLBACK},
    };
    (void)state;
    faults_init(&faults, 1);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(fault_add(&faults, &bad[i]), OPS_E_INPUT);
    }
    assert_int_equal(add(&faults, (ops_test_fault){.where = "ops.job", .late_ms = 1}),
                     OPS_E_UNSUPPORTED);
    assert_null(faults.first);
}

static uint64_t hits_of(uint64_t seed, uint32_t one_in)
{
    struct faults faults;
    ops_status status = OPS_OK;
    uint64_t pattern = 0;
    faults_init(&faults, seed);
    assert_int_equal(add(&faults, (ops_test_fault){.where = "", .one_in = one_in}), OPS_OK);
    for (int i = 0; i < 60; i++) {
        bool is_hit = fault_decide(&faults, FAULT_HTTP_SEND, &status) != FAULT_GO_ON;
        pattern = pattern << 1 | (is_hit ? 1 : 0);
    }
    faults_clear(&faults);
    return pattern;
}

static void test_fault__chance_follows_the_seed(void **state)
{
    (void)state;
    assert_true(hits_of(1, 4) == hits_of(1, 4));
    assert_false(hits_of(1, 4) == hits_of(2, 4));
    assert_in_range(__builtin_popcountll(hits_of(3, 4)), 5, 30);
    assert_int_equal(__builtin_popcountll(hits_of(3, 0)), 60);
}

static void test_fault__out_of_memory_is_told(void **state)
{
    struct faults faults;
    (void)state;
    faults_init(&faults, 1);
    failing_alloc_arm(0);
    assert_int_equal(add(&faults, (ops_test_fault){.where = ""}), OPS_E_RESOURCE);
    assert_true(failing_alloc_disarm());
    assert_null(faults.first);
}

static void test_fault__points_are_named_as_their_functions(void **state)
{
    (void)state;
    assert_string_equal(fault_point_name(FAULT_BUDGET_SETTLE), "ops.budget.settle");
    assert_string_equal(fault_point_name(FAULT_VALUE_SCOPE_CLOSE), "ops.value.scope_close");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fault__only_the_nth_call_of_what_is_named_fails),
        cmocka_unit_test(test_fault__services_and_all_count_what_can_fail),
        cmocka_unit_test(test_fault__callbacks_fail_and_come_late_where_there_are_some),
        cmocka_unit_test(test_fault__what_makes_no_sense_is_refused),
        cmocka_unit_test(test_fault__chance_follows_the_seed),
        cmocka_unit_test(test_fault__out_of_memory_is_told),
        cmocka_unit_test(test_fault__points_are_named_as_their_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
