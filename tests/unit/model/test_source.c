/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/base/str.h"
#include "core/model/report.h"
#include "core/model/source.h"
#include "core/model/tree.h"

static void assert_source(struct str source, enum source_language language, const char *expected)
{
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct strbuf text = STRBUF_INIT;
    struct report report = {.diagnostics = &diagnostics, .file = "t", .source = source};
    int status = source_check(&report, language);
    strbuf_append_text(&text, "");
    diagnostics_print(&diagnostics, NULL, NULL, 0, &text);
    assert_string_equal(text.n > 0 ? strbuf_str(&text).p : "", expected);
    assert_int_equal(status, expected[0] == '\0' ? 0 : E_INVALID);
    strbuf_finish(&text);
    diagnostics_finish(&diagnostics);
}

static void test_source__takes_text(void **state)
{
    (void)state;
    assert_source(STR(""), SOURCE_YAML, "");
    assert_source(STR("a: 1\r\nb:\t\"\xC3\xA9 \xF0\x9F\x98\x80 ~\"\n"), SOURCE_YAML, "");
    assert_source(STR("\xC2\xA0\xEE\x80\x80\xEF\xBF\xBD\xF4\x8F\xBF\xBF"), SOURCE_YAML, "");
    assert_source(STR("{}\r\x0B\xE2\x80\xA8"), SOURCE_JSON, "");
}

static void test_source__names_other_encodings(void **state)
{
    (void)state;
    const char *wide = "t: error: the file is UTF-16 or UTF-32\n  save it as UTF-8\n";
    assert_source(STR("\xFF\xFEi\0d\0"), SOURCE_YAML, wide);
    assert_source(STR("\xFE\xFF\0i\0d"), SOURCE_JSON, wide);
    assert_source(STR("i\0d\0:\0"), SOURCE_YAML, wide);
    assert_source(STR("\0i\0d"), SOURCE_YAML, wide);
    assert_source(STR("\xFF\xFE\0\0i\0\0\0"), SOURCE_YAML, wide);
    assert_source(STR("a\n\xC3\xA9\xE9"), SOURCE_YAML,
                  "t:2:2: error: not UTF-8: byte 0xe9\n  save the file as UTF-8\n");
    assert_source(STR("\xC0\xAF"), SOURCE_JSON,
                  "t:1:1: error: not UTF-8: byte 0xc0\n  save the file as UTF-8\n");
    assert_source(STR("\xED\xA0\x80"), SOURCE_YAML,
                  "t:1:1: error: not UTF-8: byte 0xed\n  save the file as UTF-8\n");
}

static void test_source__refuses_what_is_no_text(void **state)
{
    (void)state;
    assert_source(STR("\x7F"
                      "ELF\2\1\1\0\xD0"),
                  SOURCE_YAML, "t: error: the file is binary, not text\n");
    assert_source(STR("a\nb\0c"), SOURCE_YAML, "t:2:2: error: a NUL byte is not allowed\n");
    assert_source(STR("{\"a\": \"\0\"}"), SOURCE_JSON, "t:1:8: error: a NUL byte is not allowed\n");
    assert_source(STR("\0"), SOURCE_YAML, "t:1:1: error: a NUL byte is not allowed\n");
}

static void test_source__names_the_characters_that_yaml_leaves_out(void **state)
{
    (void)state;
    const char *escape = "t:1:2: error: the character U+001B is not allowed\n"
                         "  in text in double quotes, write it as \\u001B\n";
    assert_source(STR("a\x1B[31m"), SOURCE_YAML, escape);
    assert_source(STR("a\x7F"), SOURCE_YAML,
                  "t:1:2: error: the character U+007F is not allowed\n"
                  "  in text in double quotes, write it as \\u007F\n");
    assert_source(STR("a\n\xC2\x85"), SOURCE_YAML,
                  "t:2:1: error: the character U+0085 is not allowed\n"
                  "  in text in double quotes, write it as \\u0085\n");
    assert_source(STR("# \xE2\x80\xA8"), SOURCE_YAML,
                  "t:1:3: error: the character U+2028 is not allowed\n"
                  "  in text in double quotes, write it as \\u2028\n");
    assert_source(STR("\xEF\xBF\xBE"), SOURCE_YAML,
                  "t:1:1: error: the character U+FFFE is not allowed\n"
                  "  in text in double quotes, write it as \\uFFFE\n");
    assert_source(STR("a\n\xEF\xBB\xBFz"), SOURCE_YAML,
                  "t:2:1: error: a byte order mark (U+FEFF) is not allowed here\n"
                  "  remove it: most editors do not show it\n");
    assert_source(STR("a: 1\rb: 2\r"), SOURCE_YAML,
                  "t:1:5: error: this line ends with a carriage return alone\n"
                  "  save the file with LF or CR LF at the ends of lines\n");
}

static void test_source__bounds_the_size(void **state)
{
    (void)state;
    size_t n = TREE_MAX_BYTES;
    char *text = calloc(n + 1, 1);
    assert_non_null(text);
    memset(text, '#', n + 1);
    assert_source(str_make(text, n), SOURCE_YAML, "");
    assert_source(str_make(text, n + 1), SOURCE_JSON,
                  "t: error: the file has 4194305 bytes; the limit is 4 MiB\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_source__takes_text),
        cmocka_unit_test(test_source__names_other_encodings),
        cmocka_unit_test(test_source__refuses_what_is_no_text),
        cmocka_unit_test(test_source__names_the_characters_that_yaml_leaves_out),
        cmocka_unit_test(test_source__bounds_the_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
