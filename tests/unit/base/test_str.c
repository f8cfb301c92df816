/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "tests/support/failing_alloc.h"

static void test_str__equality_is_of_bytes_and_length(void **state)
{
    (void)state;
    assert_true(str_equal(STR("ab"), str_make("abc", 2)));
    assert_false(str_equal(STR("ab"), STR("abc")));
    assert_false(str_equal(STR("ab"), STR("aB")));
    assert_true(str_equal(STR(""), str_from(NULL)));
    assert_true(str_equal(str_make("a\0b", 3), STR("a\0b")));
    assert_false(str_equal(STR("a\0b"), STR("a\0c")));
}

static void test_str__letters_may_be_alike_in_both_cases(void **state)
{
    (void)state;
    assert_true(str_equal_caseless(STR("Content-Type"), STR("cONTENT-tYPE")));
    assert_true(str_equal_caseless(STR(""), str_from(NULL)));
    assert_false(str_equal_caseless(STR("ab"), STR("abc")));
    assert_false(str_equal_caseless(STR("@["), STR("`{"))); /* beside the letters */
    assert_false(str_equal_caseless(STR("a\0b"), STR("A\0c")));
    assert_false(str_equal_caseless(STR("\xC4"), STR("\xE4"))); /* letters elsewhere */
    assert_true(str_has_caseless(STR("X-API-Key"), STR("api-key")));
    assert_true(str_has_caseless(STR("x"), STR("")));
    assert_false(str_has_caseless(STR("api-ke"), STR("api-key")));
    assert_false(str_has_caseless(STR(""), STR("a")));
}

static void test_str__starts_and_ends(void **state)
{
    (void)state;
    assert_true(str_starts_with(STR("abc"), STR("ab")));
    assert_true(str_starts_with(STR("abc"), STR("")));
    assert_false(str_starts_with(STR("ab"), STR("abc")));
    assert_true(str_ends_with(STR("abc"), STR("bc")));
    assert_true(str_ends_with(STR(""), STR("")));
    assert_false(str_ends_with(STR("bc"), STR("abc")));
}

static void test_str__compare_orders_by_byte_then_length(void **state)
{
    (void)state;
    assert_true(str_compare(STR("a"), STR("b")) < 0);
    assert_true(str_compare(STR("ab"), STR("a")) > 0);
    assert_int_equal(str_compare(STR(""), str_from(NULL)), 0);
    assert_true(str_compare(STR("\x7F"), STR("\xC3")) < 0);
}

static void test_str__trim_takes_both_ends(void **state)
{
    (void)state;
    assert_true(str_equal_text(str_trim(STR(" \t a b\r\n")), "a b"));
    assert_int_equal(str_trim(STR(" \n ")).n, 0);
    assert_int_equal(str_trim(str_from(NULL)).n, 0);
}

static void test_str__hash_depends_on_every_byte(void **state)
{
    (void)state;
    char text[40];
    memset(text, 'a', sizeof(text));
    for (size_t n = 1; n <= sizeof(text); n++) {
        uint64_t hash = str_hash(str_make(text, n));
        assert_true(hash == str_hash(str_make(text, n)));
        for (size_t i = 0; i < n; i++) {
            text[i] = 'b';
            assert_true(hash != str_hash(str_make(text, n)));
            text[i] = 'a';
        }
    }
    assert_true(str_hash(STR("a")) != str_hash(STR("a\0")));
}

static void test_str__dup_is_terminated(void **state)
{
    (void)state;
    char *copy = str_dup(str_make("abc", 2));
    assert_string_equal(copy, "ab");
    free(copy);
    copy = str_dup(str_from(NULL));
    assert_string_equal(copy, "");
    free(copy);
    failing_alloc_arm(0);
    assert_null(str_dup(STR("x")));
    assert_true(failing_alloc_disarm());
}

static void test_strbuf__appends_all_kinds(void **state)
{
    (void)state;
    struct strbuf buf = STRBUF_INIT;
    assert_string_equal(strbuf_str(&buf).p, "");
    strbuf_append_char(&buf, 'a');
    strbuf_append_text(&buf, "bc");
    strbuf_append_str(&buf, STR("d\0e"));
    strbuf_append(&buf, "f", 1);
    strbuf_append_format(&buf, "%d-%s", 12, "x");
    assert_int_equal(strbuf_status(&buf), 0);
    assert_true(str_equal(strbuf_str(&buf), STR("abcd\0ef12-x")));
    strbuf_clear(&buf);
    assert_int_equal(buf.n, 0);
    strbuf_finish(&buf);
    assert_null(buf.p);
    strbuf_finish(NULL);
}

static void test_strbuf__grows_and_stays_terminated(void **state)
{
    (void)state;
    struct strbuf buf = STRBUF_INIT;
    for (int i = 0; i < 1000; i++) {
        strbuf_append_format(&buf, "%03d", i);
        assert_int_equal(strlen(buf.p), buf.n);
    }
    assert_int_equal(buf.n, 3000);
    char *text = strbuf_take(&buf);
    assert_memory_equal(text + 2997, "999", 4);
    assert_null(buf.p);
    free(text);
}

static void test_strbuf__reserve_gives_writable_room(void **state)
{
    (void)state;
    struct strbuf buf = STRBUF_INIT;
    strbuf_append_text(&buf, "ab");
    char *room = strbuf_reserve(&buf, 100);
    memset(room, 'x', 100);
    buf.n += 100;
    strbuf_append_char(&buf, 'y');
    assert_int_equal(buf.n, 103);
    assert_string_equal(buf.p + 101, "xy");
    assert_null(strbuf_reserve(&buf, SIZE_MAX));
    assert_int_equal(strbuf_status(&buf), E_NOMEM);
    strbuf_finish(&buf);
}

static void test_strbuf__remembers_the_first_failure(void **state)
{
    (void)state;
    struct strbuf buf = STRBUF_INIT;
    failing_alloc_arm(0);
    strbuf_append_text(&buf, "ab");
    assert_true(failing_alloc_disarm());
    strbuf_append_text(&buf, "cd");
    strbuf_append_format(&buf, "%d", 1);
    assert_int_equal(strbuf_status(&buf), E_NOMEM);
    assert_int_equal(buf.n, 0);
    assert_null(strbuf_take(&buf));
    strbuf_append_text(&buf, "new");
    assert_int_equal(strbuf_status(&buf), 0);
    strbuf_finish(&buf);
}

static void test_strbuf__take_of_nothing_is_the_empty_text(void **state)
{
    (void)state;
    struct strbuf buf = STRBUF_INIT;
    char *text = strbuf_take(&buf);
    assert_string_equal(text, "");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_str__equality_is_of_bytes_and_length),
        cmocka_unit_test(test_str__letters_may_be_alike_in_both_cases),
        cmocka_unit_test(test_str__starts_and_ends),
        cmocka_unit_test(test_str__compare_orders_by_byte_then_length),
        cmocka_unit_test(test_str__trim_takes_both_ends),
        cmocka_unit_test(test_str__hash_depends_on_every_byte),
        cmocka_unit_test(test_str__dup_is_terminated),
        cmocka_unit_test(test_strbuf__appends_all_kinds),
        cmocka_unit_test(test_strbuf__grows_and_stays_terminated),
        cmocka_unit_test(test_strbuf__reserve_gives_writable_room),
        cmocka_unit_test(test_strbuf__remembers_the_first_failure),
        cmocka_unit_test(test_strbuf__take_of_nothing_is_the_empty_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
