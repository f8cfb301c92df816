/* SPDX-License-Identifier: Apache-2.0 */

/* strdup() stands for a plugin: its malloc() is called from outside of the program. */
#include "core/checker/heap_watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 20000, BYTES = 6 };

static void *texts[MANY];

/* Not known to the compiler, which leaves out what is freed without a use. */
static char *(*volatile outside)(const char *text) = strdup;

static int begin(void **state)
{
    (void)state;
    return heap_watch_begin() ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    heap_watch_end();
    return 0;
}

static void assert_count(uint64_t blocks, uint64_t bytes)
{
    struct heap_count count = heap_watch_count();
    assert_int_equal(count.blocks, blocks);
    assert_int_equal(count.bytes, bytes);
}

static void test_heap_watch__counts_what_others_hold(void **state)
{
    (void)state;
    void *own = malloc(100);
    assert_count(0, 0);
    char *text = outside("hello");
    assert_count(1, BYTES);
    char *other = outside("hello");
    assert_count(2, 2 * BYTES);
    free(text);
    free(own);
    assert_count(1, BYTES);
    free(other);
    assert_count(0, 0);
}

/* Whatever leaves the table, in whatever order, the others are found. */
static void test_heap_watch__forgets_what_is_freed(void **state)
{
    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        texts[i] = outside("hello");
    }
    assert_count(MANY, (uint64_t)MANY * BYTES);
    for (size_t i = 0; i < MANY; i++) {
        free(texts[i * 7919 % MANY]); /* a prime that does not divide it: each of them once */
        assert_int_equal(heap_watch_count().blocks, MANY - 1 - i);
    }
    assert_count(0, 0);
}

static void test_heap_watch__realloc_moves_a_block_to_its_caller(void **state)
{
    (void)state;
    char *text = outside("hello");
    text = realloc(text, 5000); /* now it is the program's */
    assert_non_null(text);
    assert_count(0, 0);
    free(text);
    assert_count(0, 0);
}

static void test_heap_watch__aligned_blocks_are_as_asked_for(void **state)
{
    (void)state;
    void *block = NULL;
    assert_int_equal(posix_memalign(&block, 4096, 10), 0);
    assert_int_equal((uintptr_t)block % 4096, 0);
    free(block);
    assert_int_not_equal(posix_memalign(&block, 24, 10), 0);
    block = aligned_alloc(64, 128);
    assert_int_equal((uintptr_t)block % 64, 0);
    free(block);
}

static void test_heap_watch__blames_what_is_still_there(void **state)
{
    char code[160] = "";
    (void)state;
    char *early = outside("hello");
    heap_watch_mark(3);
    assert_false(heap_watch_blame(3, code, sizeof code));
    char *late = outside("hello");
    assert_true(heap_watch_blame(3, code, sizeof code));
    assert_non_null(strstr(code, "libc.so.6+0x"));
    free(late);
    assert_false(heap_watch_blame(3, code, sizeof code));
    free(early);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_heap_watch__counts_what_others_hold, begin, end),
        cmocka_unit_test_setup_teardown(test_heap_watch__forgets_what_is_freed, begin, end),
        cmocka_unit_test_setup_teardown(test_heap_watch__realloc_moves_a_block_to_its_caller, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_heap_watch__aligned_blocks_are_as_asked_for, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_heap_watch__blames_what_is_still_there, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
