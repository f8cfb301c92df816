/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "core/base/grow.h"
#include "tests/support/failing_alloc.h"

static void test_grow__content_survives_growing(void **state)
{
    (void)state;
    int *items = NULL;
    size_t cap = 0;
    for (size_t i = 0; i < 10000; i++) {
        int *grown = array_reserve(items, &cap, i + 1, sizeof(*items));
        assert_non_null(grown);
        items = grown;
        items[i] = (int)i;
        assert_true(cap > i);
    }
    for (size_t i = 0; i < 10000; i++) {
        assert_int_equal(items[i], (int)i);
    }
    assert_true(cap < 20000);
    free(items);
}

static void test_grow__enough_room_changes_nothing(void **state)
{
    (void)state;
    size_t cap = 0;
    int *items = array_reserve(NULL, &cap, 3, sizeof(*items));
    size_t before = cap;
    assert_ptr_equal(array_reserve(items, &cap, before, sizeof(*items)), items);
    assert_int_equal(cap, before);
    free(items);
}

static void test_grow__too_many_fail_and_keep_the_old(void **state)
{
    (void)state;
    size_t cap = 0;
    int *items = array_reserve(NULL, &cap, 1, sizeof(*items));
    items[0] = 42;
    size_t before = cap;
    assert_null(array_reserve(items, &cap, SIZE_MAX, sizeof(*items)));
    assert_null(array_reserve(items, &cap, SIZE_MAX / 4, sizeof(*items)));
    failing_alloc_arm(0);
    assert_null(array_reserve(items, &cap, before + 1, sizeof(*items)));
    assert_true(failing_alloc_disarm());
    assert_int_equal(cap, before);
    assert_int_equal(items[0], 42);
    free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grow__content_survives_growing),
        cmocka_unit_test(test_grow__enough_room_changes_nothing),
        cmocka_unit_test(test_grow__too_many_fail_and_keep_the_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
