/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "core/base/utf8.h"

static void test_utf8__every_character_goes_both_ways(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
        char bytes[4] = {0};
        size_t n = utf8_encode(code, bytes);
        if (is_surrogate) {
            assert_int_equal(n, 0);
            continue;
        }
        uint32_t back = 0;
        assert_int_equal(utf8_decode(bytes, n, &back), n);
        assert_int_equal(back, code);
        for (size_t cut = 1; cut < n; cut++) {
            assert_int_equal(utf8_decode(bytes, cut, &back), 0);
        }
    }
    char bytes[4];
    assert_int_equal(utf8_encode(0x110000, bytes), 0);
}

static void test_utf8__what_is_not_utf8_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80",             /* a continuation alone */
        "\xC0\x80",         /* overlong NUL */
        "\xC1\xBF",         /* overlong */
        "\xE0\x9F\xBF",     /* overlong */
        "\xED\xA0\x80",     /* a surrogate */
        "\xED\xBF\xBF",     /* a surrogate */
        "\xF0\x8F\xBF\xBF", /* overlong */
        "\xF4\x90\x80\x80", /* above U+10FFFF */
        "\xF5\x80\x80\x80",
        "\xFF",
        "\xFE",
        "\xC3",
        "\xC3(",
        "\xE2\x82",
        "\xE2(\xAC",
        "\xE2\x82(",
        "\xF0\x9F\x98",
        "\xF0\x9F(\x80",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[40];
        for (size_t before = 0; before < 18; before++) {
            memset(text, 'a', before);
            memcpy(text + before, bad[i], strlen(bad[i]) + 1);
            assert_int_equal(utf8_valid_prefix(text, strlen(text)), before);
        }
    }
}

static void test_utf8__valid_text_is_valid_whole(void **state)
{
    (void)state;
    static const char text[] = "plain text, \xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80 and\0more";
    assert_int_equal(utf8_valid_prefix(text, sizeof(text)), sizeof(text));
    assert_int_equal(utf8_valid_prefix(text, 0), 0);
    assert_int_equal(utf8_count(text, sizeof(text) - 1), 24);
}

static void test_utf8__whole_prefix_never_splits(void **state)
{
    (void)state;
    static const char text[] = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80z";
    static const size_t whole[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};
    for (size_t n = 0; n < sizeof(text); n++) {
        assert_int_equal(utf8_whole_prefix(text, n), whole[n]);
    }
}

static void test_utf8__width_knows_marks_and_wide(void **state)
{
    (void)state;
    assert_int_equal(utf8_width('a'), 1);
    assert_int_equal(utf8_width(0xE4), 1);
    assert_int_equal(utf8_width(0x0301), 0);
    assert_int_equal(utf8_width(0x200D), 0);
    assert_int_equal(utf8_width(0x4E2D), 2);
    assert_int_equal(utf8_width(0xFF21), 2);
    assert_int_equal(utf8_width(0x1F600), 2);
    assert_int_equal(utf8_width(0x3FFFE), 1);
    assert_int_equal(utf8_width(0x10FFFF), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8__every_character_goes_both_ways),
        cmocka_unit_test(test_utf8__what_is_not_utf8_is_refused),
        cmocka_unit_test(test_utf8__valid_text_is_valid_whole),
        cmocka_unit_test(test_utf8__whole_prefix_never_splits),
        cmocka_unit_test(test_utf8__width_knows_marks_and_wide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
