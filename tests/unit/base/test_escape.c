/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/escape.h"
#include "core/base/utf8.h"

static void expect_text(struct str raw, const char *escaped)
{
    struct strbuf out = STRBUF_INIT;
    escape_append_text(&out, raw);
    assert_string_equal(strbuf_str(&out).p, escaped);
    strbuf_finish(&out);
}

static void expect_json(struct str raw, const char *escaped)
{
    struct strbuf out = STRBUF_INIT;
    escape_append_json(&out, raw);
    assert_string_equal(strbuf_str(&out).p, escaped);
    strbuf_finish(&out);
}

static void test_escape__plain_text_stays(void **state)
{
    (void)state;
    expect_text(STR(""), "");
    expect_text(str_from(NULL), "");
    expect_text(STR("a\\b \xC3\xA4 \xF0\x9F\x98\x80"), "a\\b \xC3\xA4 \xF0\x9F\x98\x80");
}

static void test_escape__harmful_characters_become_visible(void **state)
{
    (void)state;
    expect_text(STR("a\nb\r\tc"), "a\\nb\\r\\tc");
    expect_text(STR("\033[31mred\033[0m"), "\\x1b[31mred\\x1b[0m");
    expect_text(STR("\0\x7F"), "\\x00\\x7f");
    expect_text(STR("\xC2\x9B"), "\\u009b"); /* C1: CSI */
    expect_text(STR("\xE2\x80\xAE"
                    "abc"),
                "\\u202eabc"); /* right to left override */
    expect_text(STR("\xE2\x80\xA8"), "\\u2028");
    expect_text(STR("\xFFx\xC3"), "\\xffx\\xc3");
    expect_text(STR("\xF3\xA0\x81\x81"), "\\ue0041");
}

static void test_escape__json_is_json(void **state)
{
    (void)state;
    expect_json(STR("a\"b\\c"), "\"a\\\"b\\\\c\"");
    expect_json(STR("\n\033\0"), "\"\\n\\u001b\\u0000\"");
    expect_json(STR("\xE2\x80\xAE"), "\"\\u202e\"");
    expect_json(STR("\xF3\xA0\x81\x81"), "\"\\udb40\\udc41\"");
    expect_json(STR("\xFF"), "\"\xEF\xBF\xBD\"");
    expect_json(str_from(NULL), "\"\"");
}

static void test_escape__nothing_harmful_comes_through(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        char bytes[4];
        size_t n = utf8_encode(code, bytes);
        if (!escape_is_harmful(code)) {
            continue;
        }
        struct strbuf out = STRBUF_INIT;
        escape_append_text(&out, str_make(bytes, n));
        escape_append_json(&out, str_make(bytes, n));
        for (size_t i = 0; i < out.n; i++) {
            assert_in_range(out.p[i], 0x20, 0x7E);
        }
        strbuf_finish(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape__plain_text_stays),
        cmocka_unit_test(test_escape__harmful_characters_become_visible),
        cmocka_unit_test(test_escape__json_is_json),
        cmocka_unit_test(test_escape__nothing_harmful_comes_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
