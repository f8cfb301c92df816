/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/engine/edge_set.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/random.h"

static void test_edge_set__has_what_was_put(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 63, 64, 65, 127, 128, 129, 1000};
    for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
        struct edge_set set = EDGE_SET_INIT;
        struct edge_set copy = EDGE_SET_INIT;
        struct random random = {c};
        assert_int_equal(edge_set_init(&set, counts[c]), 0);
        for (uint32_t i = 0; i < counts[c]; i++) {
            assert_false(edge_set_has(&set, i));
            edge_set_put(&set, i, true);
            assert_true(edge_set_has(&set, i));
            edge_set_put(&set, i, random_percent(&random, 50));
        }
        assert_false(edge_set_has(&set, counts[c]));
        assert_int_equal(edge_set_copy(&set, &copy), 0);
        random.state = c;
        edge_set_finish(&set);
        for (uint32_t i = 0; i < counts[c]; i++) {
            assert_int_equal(edge_set_has(&copy, i), random_percent(&random, 50));
        }
        edge_set_finish(&copy);
    }
}

static void test_edge_set__an_empty_one_has_nothing(void **state)
{
    (void)state;
    struct edge_set set = EDGE_SET_INIT;
    struct edge_set copy = EDGE_SET_INIT;
    assert_false(edge_set_has(&set, 0));
    assert_int_equal(edge_set_copy(&set, &copy), 0);
    assert_int_equal(copy.count, 0);
    edge_set_finish(&set);
    edge_set_finish(&copy);
}

static void test_edge_set__few_edges_need_no_memory_and_many_may_fail(void **state)
{
    (void)state;
    struct edge_set few = EDGE_SET_INIT;
    struct edge_set many = EDGE_SET_INIT;
    failing_alloc_arm(0);
    assert_int_equal(edge_set_init(&few, 64), 0);
    assert_int_equal(edge_set_init(&many, 65), E_NOMEM);
    assert_true(failing_alloc_disarm());
    assert_int_equal(many.count, 0);
    assert_int_equal(edge_set_init(&many, 65), 0);
    failing_alloc_arm(0);
    assert_int_equal(edge_set_copy(&many, &few), E_NOMEM);
    assert_true(failing_alloc_disarm());
    edge_set_finish(&few);
    edge_set_finish(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edge_set__has_what_was_put),
        cmocka_unit_test(test_edge_set__an_empty_one_has_nothing),
        cmocka_unit_test(test_edge_set__few_edges_need_no_memory_and_many_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
