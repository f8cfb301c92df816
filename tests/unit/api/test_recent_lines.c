/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "core/api/recent_lines.h"
#include "tests/support/failing_alloc.h"

static struct recent_lines recent;

static int tear_down(void **state)
{
    (void)state;
    recent_lines_finish(&recent);
    return 0;
}

static void add(uint64_t run, int64_t at, const char *event)
{
    recent_lines_add(&recent, run, at, str_from(event));
}

static void expect(size_t i, uint64_t run, const char *event)
{
    const struct recent_line *line = recent_lines_at(&recent, i);
    assert_non_null(line);
    assert_int_equal(line->run, run);
    assert_string_equal(line->event.p, event);
}

static void test_recent_lines__keeps_them_in_order(void **state)
{
    (void)state;
    assert_null(recent_lines_at(&recent, 0));
    add(1, 1000, "a");
    add(2, 1000, "b");
    expect(0, 1, "a");
    expect(1, 2, "b");
    assert_null(recent_lines_at(&recent, 2));
}

static void test_recent_lines__drops_old_ones_when_the_next_comes(void **state)
{
    (void)state;
    add(1, 1000, "a");
    add(1, 1001, "b");
    add(1, 1001 + RECENT_LINES_MS, "c");
    expect(0, 1, "b");
    expect(1, 1, "c");
    assert_null(recent_lines_at(&recent, 2));
}

static void test_recent_lines__keeps_the_last_of_many(void **state)
{
    (void)state;
    char event[16];
    for (int i = 0; i < RECENT_LINES_MOST + 3; i++) {
        (void)snprintf(event, sizeof(event), "%d", i);
        add(7, 1000, event);
    }
    expect(0, 7, "3");
    expect(RECENT_LINES_MOST - 1, 7, event);
    assert_null(recent_lines_at(&recent, RECENT_LINES_MOST));
}

static void test_recent_lines__keeps_so_many_bytes(void **state)
{
    (void)state;
    struct strbuf large = STRBUF_INIT;
    for (size_t i = 0; i < RECENT_LINES_MOST_BYTES; i++) {
        strbuf_append_char(&large, 'x');
    }
    add(1, 1000, "a");
    recent_lines_add(&recent, 2, 1000, strbuf_str(&large));
    assert_int_equal(recent_lines_at(&recent, 0)->run, 2);
    assert_int_equal(recent.bytes, RECENT_LINES_MOST_BYTES);
    strbuf_append_char(&large, 'x');
    recent_lines_add(&recent, 3, 1000, strbuf_str(&large)); /* never fits */
    assert_int_equal(recent_lines_at(&recent, 0)->run, 2);
    assert_null(recent_lines_at(&recent, 1));
    strbuf_finish(&large);
}

static void test_recent_lines__leaves_out_what_has_no_memory(void **state)
{
    (void)state;
    failing_alloc_arm(0);
    add(1, 1000, "a");
    assert_true(failing_alloc_disarm());
    assert_null(recent_lines_at(&recent, 0));
    assert_int_equal(recent.bytes, 0);
}

#define TEST(test) cmocka_unit_test_teardown(test, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_recent_lines__keeps_them_in_order),
        TEST(test_recent_lines__drops_old_ones_when_the_next_comes),
        TEST(test_recent_lines__keeps_the_last_of_many),
        TEST(test_recent_lines__keeps_so_many_bytes),
        TEST(test_recent_lines__leaves_out_what_has_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
