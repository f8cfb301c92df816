/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "core/base/error.h"
#include "core/base/strmap.h"
#include "tests/support/failing_alloc.h"

enum { MANY = 5000 };

static char names[MANY][12];

static void fill(struct strmap *map)
{
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "key%d", i);
        assert_int_equal(strmap_add(map, str_from(names[i]), names[i]), 0);
    }
}

static void test_strmap__finds_what_was_added(void **state)
{
    (void)state;
    struct strmap map = STRMAP_INIT;
    fill(&map);
    assert_int_equal(map.count, MANY);
    for (int i = 0; i < MANY; i++) {
        assert_ptr_equal(strmap_get(&map, str_from(names[i])), names[i]);
    }
    assert_null(strmap_get(&map, STR("key")));
    assert_null(strmap_get(&map, STR("key5000")));
    assert_null(strmap_get(&map, STR("")));
    strmap_finish(&map);
    assert_null(strmap_get(&map, STR("key1")));
    strmap_finish(NULL);
}

static void test_strmap__the_first_of_equal_keys_stays(void **state)
{
    (void)state;
    struct strmap map = STRMAP_INIT;
    int first = 1;
    int second = 2;
    assert_int_equal(strmap_add(&map, STR("a"), &first), 0);
    assert_int_equal(strmap_add(&map, STR("a"), &second), E_EXISTS);
    assert_ptr_equal(strmap_get(&map, STR("a")), &first);
    assert_int_equal(strmap_add(&map, STR(""), &second), 0);
    assert_ptr_equal(strmap_get(&map, STR("")), &second);
    assert_int_equal(map.count, 2);
    strmap_finish(&map);
}

static void test_strmap__next_visits_each_once(void **state)
{
    (void)state;
    struct strmap map = STRMAP_INIT;
    fill(&map);
    static int seen[MANY];
    size_t cursor = 0;
    size_t visits = 0;
    struct str key;
    char(*value)[12];
    while ((value = strmap_next(&map, &cursor, &key)) != NULL) {
        seen[value - names]++;
        assert_true(str_equal_text(key, *value));
        visits++;
    }
    assert_int_equal(visits, MANY);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(seen[i], 1);
    }
    assert_null(strmap_next(&map, &cursor, NULL));
    strmap_finish(&map);
}

static void test_strmap__out_of_memory_keeps_the_map(void **state)
{
    (void)state;
    struct strmap map = STRMAP_INIT;
    int value = 1;
    failing_alloc_arm(0);
    assert_int_equal(strmap_add(&map, STR("a"), &value), E_NOMEM);
    assert_true(failing_alloc_disarm());
    char keys[13][3];
    int status = 0;
    for (int i = 0; i < 13; i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "%d", i);
        if (i == 12) {
            failing_alloc_arm(0);
        }
        status = strmap_add(&map, str_from(keys[i]), &value);
    }
    assert_true(failing_alloc_disarm());
    assert_int_equal(status, E_NOMEM);
    assert_int_equal(map.count, 12);
    assert_ptr_equal(strmap_get(&map, STR("11")), &value);
    strmap_finish(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strmap__finds_what_was_added),
        cmocka_unit_test(test_strmap__the_first_of_equal_keys_stays),
        cmocka_unit_test(test_strmap__next_visits_each_once),
        cmocka_unit_test(test_strmap__out_of_memory_keeps_the_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
