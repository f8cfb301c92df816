/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdalign.h>
#include <string.h>

#include "core/base/arena.h"
#include "tests/support/failing_alloc.h"

static void test_arena__memory_is_aligned_and_apart(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    unsigned char *blocks[500];
    for (size_t i = 0; i < 500; i++) {
        blocks[i] = arena_alloc(&arena, i + 1);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % alignof(max_align_t), 0);
        memset(blocks[i], (int)(i % 251), i + 1);
    }
    for (size_t i = 0; i < 500; i++) {
        assert_int_equal(blocks[i][0], i % 251);
        assert_int_equal(blocks[i][i], i % 251);
    }
    assert_true(arena.used_bytes >= 500 * 501 / 2);
    arena_finish(&arena);
    assert_int_equal(arena.used_bytes, 0);
    arena_finish(NULL);
}

static void test_arena__larger_than_a_chunk_fits(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    size_t size = (size_t)3 * 1024 * 1024;
    unsigned char *large = arena_alloc(&arena, size);
    assert_non_null(large);
    memset(large, 1, size);
    assert_non_null(arena_alloc(&arena, 1));
    arena_finish(&arena);
}

/* What comes after them is as small as before. */
static void test_arena__large_pieces_cost_no_more_than_they_are(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    const size_t large = (size_t)10 * 1024;
    for (int i = 0; i < 20; i++) {
        assert_non_null(arena_alloc(&arena, 16));
        char *piece = arena_alloc(&arena, large);
        assert_non_null(piece);
        memset(piece, 1, large);
        assert_non_null(arena_dup(&arena, STR("a key")));
    }
    assert_in_range(arena_size_bytes(&arena), 20 * large, 21 * large);
    arena_finish(&arena);
}

/* Chunks grow with what is in them, so that there are few. */
static void test_arena__pieces_of_some_size_share_chunks(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    failing_alloc_arm(40);
    for (int i = 0; i < 10000; i++) {
        assert_non_null(arena_alloc(&arena, 300));
    }
    assert_false(failing_alloc_disarm());
    arena_finish(&arena);
}

static void test_arena__calloc_clears_and_minds_overflow(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    memset(arena_alloc(&arena, 64), 0xFF, 64);
    arena_finish(&arena);
    const unsigned char *p = arena_calloc(&arena, 16, 4);
    for (size_t i = 0; i < 64; i++) {
        assert_int_equal(p[i], 0);
    }
    assert_null(arena_calloc(&arena, SIZE_MAX / 2, 4));
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX - 16));
    assert_null(arena_dup(&arena, (struct str){"", SIZE_MAX}));
    arena_finish(&arena);
}

static void test_arena__dup_terminates(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    assert_string_equal(arena_dup(&arena, str_make("abc", 2)), "ab");
    assert_string_equal(arena_dup(&arena, str_from(NULL)), "");
    struct str copy = arena_dup_str(&arena, STR("a\0b"));
    assert_true(str_equal(copy, STR("a\0b")));
    assert_int_equal(copy.p[3], '\0');
    arena_finish(&arena);
}

static void test_arena__out_of_memory_gives_null_and_keeps_the_rest(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    char *kept = arena_dup(&arena, STR("kept"));
    failing_alloc_arm(0);
    assert_null(arena_alloc(&arena, 100000));
    assert_true(failing_alloc_disarm());
    failing_alloc_arm(0);
    char *large = arena_dup_str(&arena, str_make("", 0)).p != NULL ? kept : NULL;
    assert_false(failing_alloc_disarm());
    assert_string_equal(large, "kept");
    arena_finish(&arena);
    failing_alloc_arm(0);
    struct str none = arena_dup_str(&arena, STR("x"));
    assert_true(failing_alloc_disarm());
    assert_null(none.p);
    assert_int_equal(none.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena__memory_is_aligned_and_apart),
        cmocka_unit_test(test_arena__larger_than_a_chunk_fits),
        cmocka_unit_test(test_arena__large_pieces_cost_no_more_than_they_are),
        cmocka_unit_test(test_arena__pieces_of_some_size_share_chunks),
        cmocka_unit_test(test_arena__calloc_clears_and_minds_overflow),
        cmocka_unit_test(test_arena__dup_terminates),
        cmocka_unit_test(test_arena__out_of_memory_gives_null_and_keeps_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
