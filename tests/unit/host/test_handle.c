/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/host/handle.h"
#include "tests/support/failing_alloc.h"

static atomic_int destroyed;

static void count_destroy(void *object)
{
    (void)object;
    destroyed++;
}

static void open_table(struct handle_table *table)
{
    destroyed = 0;
    assert_int_equal(handle_table_init(table, HANDLE_TASK, count_destroy), 0);
}

static void test_handle__finds_its_object_until_it_is_retired(void **state)
{
    struct handle_table table;
    int object = 0;
    (void)state;
    open_table(&table);
    uint64_t handle = handle_create(&table, 7, &object);
    assert_int_equal(handle_kind(handle), HANDLE_TASK);
    assert_ptr_equal(handle_acquire(&table, 7, handle), &object);
    handle_release(&table, handle);
    assert_int_equal(handle_table_live(&table), 1);
    handle_retire(&table, handle);
    assert_int_equal(destroyed, 1);
    assert_null(handle_acquire(&table, 7, handle));
    assert_int_equal(handle_table_live(&table), 0);
    handle_table_finish(&table);
}

static void test_handle__a_hold_keeps_the_object_but_not_the_handle(void **state)
{
    struct handle_table table;
    int object = 0;
    (void)state;
    open_table(&table);
    uint64_t handle = handle_create(&table, 7, &object);
    assert_ptr_equal(handle_acquire(&table, 7, handle), &object);
    handle_hold(&table, handle);
    handle_retire(&table, handle);
    assert_null(handle_acquire(&table, 7, handle));
    handle_release(&table, handle);
    assert_int_equal(destroyed, 0);
    handle_release(&table, handle);
    assert_int_equal(destroyed, 1);
    handle_table_finish(&table);
}

static void test_handle__old_ones_do_not_find_what_came_after(void **state)
{
    struct handle_table table;
    int objects[2];
    (void)state;
    open_table(&table);
    uint64_t first = handle_create(&table, 7, &objects[0]);
    handle_retire(&table, first);
    uint64_t second = handle_create(&table, 7, &objects[1]);
    assert_int_equal((uint32_t)first, (uint32_t)second); /* the same slot */
    assert_true(first != second);
    assert_null(handle_acquire(&table, 7, first));
    assert_ptr_equal(handle_acquire(&table, 7, second), &objects[1]);
    handle_release(&table, second);
    handle_retire(&table, second);
    handle_table_finish(&table);
}

static void test_handle__those_of_others_are_not_found(void **state)
{
    struct handle_table table;
    int object = 0;
    (void)state;
    open_table(&table);
    uint64_t handle = handle_create(&table, 7, &object);
    assert_null(handle_acquire(&table, 8, handle));
    assert_ptr_equal(handle_acquire(&table, 0, handle), &object); /* the host itself */
    handle_release(&table, handle);
    handle_retire(&table, handle);
    assert_int_equal(destroyed, 1);
    handle_table_finish(&table);
}

static void test_handle__made_up_ones_are_not_found(void **state)
{
    struct handle_table table;
    int object = 0;
    (void)state;
    open_table(&table);
    uint64_t handle = handle_create(&table, 7, &object);
    assert_null(handle_acquire(&table, 7, 0));
    assert_null(handle_acquire(&table, 7, UINT64_MAX));
    for (unsigned bit = 0; bit < 64; bit++) {
        assert_null(handle_acquire(&table, 7, handle ^ (uint64_t)1 << bit));
    }
    handle_retire(&table, handle);
    handle_table_finish(&table);
}

static void test_handle__table_grows_by_chunks(void **state)
{
    enum { COUNT = 3 * HANDLE_CHUNK_SLOTS + 1 };
    static uint64_t handles[COUNT];
    struct handle_table table;
    (void)state;
    open_table(&table);
    for (size_t i = 0; i < COUNT; i++) {
        handles[i] = handle_create(&table, 7, &handles[i]);
        assert_true(handles[i] != 0);
    }
    for (size_t i = 0; i < COUNT; i++) {
        assert_ptr_equal(handle_acquire(&table, 7, handles[i]), &handles[i]);
        handle_release(&table, handles[i]);
        handle_retire(&table, handles[i]);
    }
    assert_int_equal(destroyed, COUNT);
    handle_table_finish(&table);
}

static void test_handle__init_and_create_report_lack_of_memory(void **state)
{
    struct handle_table table;
    int object = 0;
    (void)state;
    failing_alloc_arm(0);
    assert_int_equal(handle_table_init(&table, HANDLE_TASK, count_destroy), E_NOMEM);
    assert_true(failing_alloc_disarm());
    handle_table_finish(&table);
    open_table(&table);
    failing_alloc_arm(0);
    assert_int_equal(handle_create(&table, 7, &object), 0);
    assert_true(failing_alloc_disarm());
    assert_int_equal(handle_table_live(&table), 0);
    uint64_t handle = handle_create(&table, 7, &object);
    assert_true(handle != 0);
    handle_retire(&table, handle);
    handle_table_finish(&table);
}

enum { ROUNDS = 20000, THREADS = 3 };

struct contest {
    struct handle_table table;
    _Atomic uint64_t current;
    atomic_bool is_over;
    atomic_int found;
};

static void *contest_run(void *argument)
{
    struct contest *contest = argument;
    while (!contest->is_over) {
        uint64_t handle = contest->current;
        int *object = handle_acquire(&contest->table, 7, handle);
        if (object != NULL) {
            contest->found += *object == 42;
            handle_release(&contest->table, handle);
        }
    }
    return NULL;
}

static void free_object(void *object)
{
    free(object);
    destroyed++;
}

/* Threads look for what another one retires: nothing is freed under their hands, or twice. */
static void test_handle__objects_outlive_who_found_them(void **state)
{
    static struct contest contest;
    pthread_t threads[THREADS];
    (void)state;
    destroyed = 0;
    assert_int_equal(handle_table_init(&contest.table, HANDLE_OP, free_object), 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, contest_run, &contest), 0);
    }
    for (int i = 0; i < ROUNDS; i++) {
        int *object = malloc(sizeof *object);
        assert_non_null(object);
        *object = 42;
        contest.current = handle_create(&contest.table, 7, object);
        handle_retire(&contest.table, contest.current);
    }
    contest.is_over = true;
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(destroyed, ROUNDS);
    assert_int_equal(handle_table_live(&contest.table), 0);
    handle_table_finish(&contest.table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handle__finds_its_object_until_it_is_retired),
        cmocka_unit_test(test_handle__a_hold_keeps_the_object_but_not_the_handle),
        cmocka_unit_test(test_handle__old_ones_do_not_find_what_came_after),
        cmocka_unit_test(test_handle__those_of_others_are_not_found),
        cmocka_unit_test(test_handle__made_up_ones_are_not_found),
        cmocka_unit_test(test_handle__table_grows_by_chunks),
        cmocka_unit_test(test_handle__init_and_create_report_lack_of_memory),
        cmocka_unit_test(test_handle__objects_outlive_who_found_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
