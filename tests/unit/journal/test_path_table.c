/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "core/journal/path_table.h"
#include "tests/support/failing_alloc.h"

enum { MANY = 70000 };

struct item {
    struct path_table_key key;
    size_t number;
};

static char texts[MANY][12];

static struct str text(size_t i)
{
    (void)snprintf(texts[i], sizeof(texts[i]), "n%zu", i);
    return str_from(texts[i]);
}

static struct item *add(struct path_table *table, uint64_t run, size_t i)
{
    struct item *item = path_table_add(table, run, text(i));
    if (item != NULL) {
        assert_int_equal(item->number, 0);
        item->number = i;
    }
    return item;
}

static void test_path_table__finds_what_was_added(void **state)
{
    (void)state;
    struct path_table table = PATH_TABLE_INIT(struct item);
    assert_null(path_table_find(&table, 1, STR("n1")));
    for (size_t i = 0; i < 5000; i++) {
        assert_non_null(add(&table, i % 3, i));
    }
    for (size_t i = 0; i < 5000; i++) {
        const struct item *item = path_table_find(&table, i % 3, text(i));
        assert_non_null(item);
        assert_int_equal(item->number, i);
        assert_ptr_equal(item, path_table_at(&table, i)); /* in the order of adding */
        assert_null(path_table_find(&table, i % 3 + 1, text(i)));
    }
    assert_null(path_table_find(&table, 0, STR("")));
    path_table_finish(&table);
}

static void test_path_table__a_run_may_have_no_path(void **state)
{
    (void)state;
    struct path_table table = PATH_TABLE_INIT(struct item);
    assert_non_null(path_table_add(&table, 7, STR("")));
    assert_non_null(path_table_find(&table, 7, STR("")));
    assert_null(path_table_find(&table, 8, STR("")));
    path_table_finish(&table);
}

static void test_path_table__is_empty_once_cleared(void **state)
{
    (void)state;
    struct path_table table = PATH_TABLE_INIT(struct item);
    for (size_t count = 10; count <= MANY; count += MANY - 10) {
        for (size_t i = 0; i < count; i++) {
            assert_non_null(add(&table, 1, i));
        }
        path_table_clear(&table);
        assert_int_equal(table.count, 0);
        assert_null(path_table_find(&table, 1, text(3)));
    }
    assert_int_equal(table.cap, 0); /* that much is not kept */
    assert_non_null(add(&table, 1, 3));
    assert_non_null(path_table_find(&table, 1, text(3)));
    path_table_finish(&table);
}

static void test_path_table__survives_each_failed_allocation(void **state)
{
    (void)state;
    struct path_table table = PATH_TABLE_INIT(struct item);
    size_t failures = 0;
    for (size_t i = 0; i < 1000; i++) {
        failing_alloc_arm(0);
        struct item *item = add(&table, 1, i);
        if (failing_alloc_disarm()) {
            assert_null(item);
            assert_null(path_table_find(&table, 1, text(i)));
            failures++;
            failing_alloc_arm(1); /* the next one, where there are two */
            item = add(&table, 1, i);
            bool was_reached = failing_alloc_disarm();
            item = item == NULL ? add(&table, 1, i) : item;
            failures += was_reached ? 1 : 0;
        }
        assert_non_null(item);
    }
    assert_true(failures > 5);
    for (size_t i = 0; i < 1000; i++) {
        assert_non_null(path_table_find(&table, 1, text(i)));
    }
    path_table_finish(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path_table__finds_what_was_added),
        cmocka_unit_test(test_path_table__a_run_may_have_no_path),
        cmocka_unit_test(test_path_table__is_empty_once_cleared),
        cmocka_unit_test(test_path_table__survives_each_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
