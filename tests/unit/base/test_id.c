/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/base/id.h"

static void test_id__is_the_example_of_the_rfc(void **state)
{
    (void)state;
    static const unsigned char random[ID_RANDOM_BYTES] = {0x0C, 0xC3, 0x18, 0xC4, 0xDC,
                                                          0x0C, 0x0C, 0x07, 0x39, 0x8F};
    char text[ID_TEXT_SIZE];
    id_format(INT64_C(0x017F22E279B0), random, text);
    assert_string_equal(text, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    assert_true(id_is_valid(str_from(text)));
}

static void test_id__text_sorts_by_time(void **state)
{
    (void)state;
    static const unsigned char high[ID_RANDOM_BYTES] = {255, 255, 255, 255, 255,
                                                        255, 255, 255, 255, 255};
    static const unsigned char low[ID_RANDOM_BYTES] = {0};
    static const int64_t times[] = {
        -5, 1, 2, 255, 256, 65535, 65536, INT64_C(1738333353123), INT64_C(0xFFFFFFFFFFFF)};
    char before[ID_TEXT_SIZE] = "";
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        char now[ID_TEXT_SIZE];
        id_format(times[i], low, now);
        assert_true(strcmp(before, now) < 0);
        assert_true(id_is_valid(str_from(now)));
        id_format(times[i], high, before);
        assert_true(id_is_valid(str_from(before)));
    }
}

static void test_id__created_ids_differ(void **state)
{
    (void)state;
    char a[ID_TEXT_SIZE];
    char b[ID_TEXT_SIZE];
    assert_int_equal(id_create(1, a, NULL), 0);
    assert_int_equal(id_create(1, b, NULL), 0);
    assert_string_not_equal(a, b);
    assert_memory_equal(a, "00000000-0001-7", 15);
}

static void test_id__other_texts_are_no_ids(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
        "017F22E2-79B0-7CC3-98C4-DC0C0C07398F",
        "017f22e2-79b0-4cc3-98c4-dc0c0c07398f",
        "017f22e2-79b0-7cc3-18c4-dc0c0c07398f",
        "017f22e2079b0-7cc3-98c4-dc0c0c07398f",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
        "../../../../../../../../etc/passwd12",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(id_is_valid(str_from(bad[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_id__is_the_example_of_the_rfc),
        cmocka_unit_test(test_id__text_sorts_by_time),
        cmocka_unit_test(test_id__created_ids_differ),
        cmocka_unit_test(test_id__other_texts_are_no_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
