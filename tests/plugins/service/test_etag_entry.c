/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/service/etag_entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static ops_str str(const char *text)
{
    ops_str s = {text, strlen(text)};
    return s;
}

static void assert_part(ops_str part, const char *expected)
{
    assert_int_equal(part.n, strlen(expected));
    assert_memory_equal(part.p, expected, part.n);
}

static struct text write_entry(const char *etag, const char *next, const char *body)
{
    const struct etag_entry entry = {str("0af3"), str(etag), str(next), str(body)};
    struct text out = {NULL, 0, 0, 0};
    assert_int_equal(etag_entry_write(&entry, &out), 1);
    return out;
}

static void test_etag_entry__is_read_as_it_was_written(void **state)
{
    (void)state;
    struct text bytes = write_entry("W/\"x\"", "page=2", "[1,\n2]");
    struct etag_entry read = {.id = {NULL, 0}};
    assert_int_equal(etag_entry_read(text_str(&bytes), &read), 1);
    assert_part(read.id, "0af3");
    assert_part(read.etag, "W/\"x\"");
    assert_part(read.next, "page=2");
    assert_part(read.body, "[1,\n2]");
    text_finish(&bytes);

    bytes = write_entry("e", "", "");
    assert_int_equal(etag_entry_read(text_str(&bytes), &read), 1);
    assert_part(read.next, "");
    assert_part(read.body, "");
    text_finish(&bytes);
}

static void test_etag_entry__damage_is_seen_wherever_it_is(void **state)
{
    (void)state;
    struct text bytes = write_entry("W/\"x\"", "page=2", "[1, 2]");
    struct etag_entry read = {.id = str("untouched")};
    for (size_t n = 0; n < bytes.n; n++) {
        assert_int_equal(etag_entry_read((ops_str){bytes.p, n}, &read), 0);
    }
    for (size_t i = 0; i < bytes.n; i++) {
        bytes.p[i] ^= 1;
        assert_int_equal(etag_entry_read(text_str(&bytes), &read), 0);
        bytes.p[i] ^= 1;
    }
    text_append_literal(&bytes, " ");
    assert_int_equal(etag_entry_read(text_str(&bytes), &read), 0);
    assert_part(read.id, "untouched");
    text_finish(&bytes);
}

static void test_etag_entry__another_form_is_no_entry(void **state)
{
    (void)state;
    static const char *const others[] = {"",
                                         "\n",
                                         "\n\n\n\n",
                                         "{\"etag\": \"x\"}",
                                         "etag 1 cbf29ce484222325\n", /* of nothing */
                                         "etag 2 cbf29ce484222325\n\n\n\n"};
    struct etag_entry read = {.id = {NULL, 0}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(etag_entry_read(str(others[i]), &read), 0);
    }
}

static void test_etag_entry__a_part_that_is_no_line_is_not_kept(void **state)
{
    (void)state;
    const struct etag_entry entries[] = {{str("i\n"), str("e"), str("n"), str("b")},
                                         {str("i"), str("e\nx"), str("n"), str("b")},
                                         {str("i"), str("e"), str("\n"), str("b")}};
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        struct text out = {NULL, 0, 0, 0};
        assert_int_equal(etag_entry_write(&entries[i], &out), 0);
        assert_int_equal(out.n, 0);
        text_finish(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_etag_entry__is_read_as_it_was_written),
        cmocka_unit_test(test_etag_entry__damage_is_seen_wherever_it_is),
        cmocka_unit_test(test_etag_entry__another_form_is_no_entry),
        cmocka_unit_test(test_etag_entry__a_part_that_is_no_line_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
