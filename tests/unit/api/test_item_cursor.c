/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/api/item_cursor.h"
#include "core/base/error.h"
#include "core/journal/journal_reader.h"

static void test_item_cursor__comes_back_as_it_was(void **state)
{
    (void)state;
    static const struct {
        struct journal_item_place place;
        const char *text;
    } cases[] = {
        {{QUEUE_PRIORITY_HIGH, 1795356000000, 17}, "high.1795356000000.17"},
        {{QUEUE_PRIORITY_NORMAL, 0, 1}, "normal.0.1"},
        {{QUEUE_PRIORITY_LOW, INT64_MAX, INT64_MAX}, "low.9223372036854775807.9223372036854775807"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[ITEM_CURSOR_SIZE];
        struct journal_item_place place = {0};
        item_cursor_write(&cases[i].place, text);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(item_cursor_read(str_from(text), &place, NULL), 0);
        assert_int_equal(place.priority, cases[i].place.priority);
        assert_int_equal(place.turn_at, cases[i].place.turn_at);
        assert_int_equal(place.number, cases[i].place.number);
    }
}

static void test_item_cursor__refuses_what_no_page_has_given(void **state)
{
    (void)state;
    static const char *const bad[] = {"17",
                                      "high",
                                      "high.1",
                                      "high.1.",
                                      "high..1",
                                      "high.1.0",
                                      "high.1.-1",
                                      "high.1.1.1",
                                      "urgent.1.1",
                                      ".1.1",
                                      "high.x.1",
                                      "HIGH.1.1",
                                      "high.1.9223372036854775808"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct journal_item_place place = {.number = 5};
        struct error err = {0};
        assert_int_equal(item_cursor_read(str_from(bad[i]), &place, &err), E_INVALID);
        assert_int_equal(place.number, 5);
        assert_string_equal(err.message,
                            "'cursor' has to be what the page before has as its next_cursor");
    }
}

static void test_item_cursor__none_is_the_beginning(void **state)
{
    (void)state;
    struct journal_item_place place = {0};
    assert_int_equal(item_cursor_read(STR(""), &place, NULL), 0);
    assert_int_equal(place.number, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_item_cursor__comes_back_as_it_was),
        cmocka_unit_test(test_item_cursor__refuses_what_no_page_has_given),
        cmocka_unit_test(test_item_cursor__none_is_the_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
