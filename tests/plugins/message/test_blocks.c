/* SPDX-License-Identifier: Apache-2.0 */
#include "message/blocks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/inline.h"
#include "message/piece.h"

static ops_str str(const char *text)
{
    ops_str s = {text, strlen(text)};
    return s;
}

static char *copy(ops_str s)
{
    char *text = calloc(1, s.n + 1);
    assert_non_null(text);
    if (s.n > 0) {
        memcpy(text, s.p, s.n);
    }
    return text;
}

struct row {
    const char *markdown;
    const char *wanted;
};

static void assert_rows(const struct row *rows, size_t n,
                        void (*append)(struct text *out, ops_str markdown))
{
    for (size_t i = 0; i < n; i++) {
        struct text out = {NULL, 0, 0, 0};
        append(&out, str(rows[i].markdown));
        char *found = copy(text_str(&out));
        if (strcmp(found, rows[i].wanted) != 0) {
            print_message("of '%s'\n", rows[i].markdown);
        }
        assert_string_equal(found, rows[i].wanted);
        free(found);
        text_finish(&out);
    }
}

#define ASSERT_ROWS(rows, append) assert_rows(rows, sizeof(rows) / sizeof(rows)[0], append)
#define ZW                        "\xE2\x80\x8B"

static void test_inline__writes_mrkdwn(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"plain", "plain"},
        {"**bold** and __bold__", "*bold* and *bold*"},
        {"*it* and _it_", "_it_ and _it_"},
        {"***both***", "*_both_*"},
        {"**bold *it* more**", "*bold _it_ more*"},
        {"~~gone~~ ~gone~", "~gone~ ~gone~"},
        {"snake_case_name and 2 * 3 * 4", "snake_case_name and 2 * 3 * 4"},
        {"a**b**c", "a" ZW "*b*" ZW "c"},
        {"`a < b` and ``x ` y``", "`a &lt; b` and `x ' y`"},
        {"`no **bold** here`", "`no **bold** here`"},
        {"a & b < c > d", "a &amp; b &lt; c &gt; d"},
        {"&amp; &lt;x&gt; &quot;&#39;&nbsp;", "&amp; &lt;x&gt; \"' "},
        {"<!channel> <@U123> <!here|x>", "&lt;!channel&gt; &lt;@U123&gt; &lt;!here|x&gt;"},
        {"[text](https://a.test/x?a=1&b=2)", "<https://a.test/x?a=1&amp;b=2|text>"},
        {"[**b** \\[x\\]](<https://a.test/a b>)", "[*b* "
                                                  "[x]](&lt;https://a.test/a b&gt;)"},
        {"[t](https://a.test/(x) \"title\")!", "<https://a.test/(x)|t>!"},
        {"[t](https://a.test/|<)", "<https://a.test/%7C%3C|t>"},
        {"[a|b>c](https://a.test)", "<https://a.test|a|b&gt;c>"},
        {"[x](javascript:alert(1))", "[x](javascript:alert(1))"},
        {"[x](/relative)", "[x](/relative)"},
        {"see ![alt](https://a.test/i.png)", "see <https://a.test/i.png|alt>"},
        {"[![alt](https://a.test/i.png)](https://b.test)", "<https://b.test|alt>"},
        {"<https://a.test/x_y_z> <mailto:a@b.test>", "<https://a.test/x_y_z> <mailto:a@b.test>"},
        {"https://a.test/x_y_z*w* _it_", "https://a.test/x_y_z*w* _it_"},
        {"\\*no\\* \\# \\<", ZW "*no" ZW "* # &lt;"},
        {"one  \ntwo<br>three", "one\ntwo\nthree"},
        {"**open", "**open"},
        {"a <!-- hidden --> b", "a  b"},
        {"*a **b** c*", "_a *b* c_"},
        {"`open", "`open"},
        {"**gr\xC3\xBC\xC3\x9F"
         "e**",
         "*gr\xC3\xBC\xC3\x9F"
         "e*"},
    };
    ASSERT_ROWS(rows, inline_append_mrkdwn);
}

static void test_inline__writes_plain_text(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"**bold** *it* `code` ~~s~~", "bold it code s"},
        {"[text](https://a.test) ![alt](https://a.test/i)", "text alt"},
        {"a < b & c", "a < b & c"},
        {"<https://a.test>", "https://a.test"},
        {"\\*x\\*", "*x*"},
    };
    ASSERT_ROWS(rows, inline_append_plain);
}

static void append_blocks(struct text *out, ops_str markdown)
{
    struct blocks blocks = {.most = BLOCKS_MOST};
    blocks_add_markdown(&blocks, markdown);
    text_append_str(out, blocks_end(&blocks));
    blocks_finish(&blocks);
}

#define SECTION(text) "{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\",\"text\":\"" text "\"}}"
#define HEADER(text)                                                                               \
    "{\"type\":\"header\",\"text\":{\"type\":\"plain_text\",\"text\":\"" text "\",\"emoji\":true}" \
    "}"
#define DIVIDER "{\"type\":\"divider\"}"

static void test_blocks__are_made_of_markdown(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"", "[]"},
        {"one\ntwo\n\nthree", "[" SECTION("one\\ntwo\\n\\nthree") "]"},
        {"# One & *two* #\ntext", "[" HEADER("One & two") "," SECTION("text") "]"},
        {"Title\n===\nSub\n---\ntext",
         "[" HEADER("Title") "," HEADER("Sub") "," SECTION("text") "]"},
        {"### Deep `x`\ntext", "[" SECTION("*Deep x*\\n\\ntext") "]"},
        {"a\n\n---\n\nb", "[" SECTION("a") "," DIVIDER "," SECTION("b") "]"},
        {"- one\n- two\n  more\n    - deep\n1. first\n2) second",
         "[" SECTION("\xE2\x80\xA2 one\\n\xE2\x80\xA2 two\\nmore\\n    \xE2\x97\xA6 deep\\n1. "
                     "first\\n2. second") "]"},
        {"* [ ] open\n* [x] done", "[" SECTION("\xE2\x98\x90 open\\n\xE2\x98\x91 done") "]"},
        {"> said\n> > twice\n\nnot", "[" SECTION("> said\\n> twice\\n\\nnot") "]"},
        {"```c\nif (a < b) {\n    x();\n}\n```\nafter",
         "[" SECTION("```\\nif (a &lt; b) {\\n    x();\\n}\\n```\\n\\nafter") "]"},
        {"~~~\n```\n~~~", "[" SECTION("```\\n`" ZW "``\\n```") "]"},
        {"    indented\n      more\n\ntext",
         "[" SECTION("```\\nindented\\n  more\\n```\\n\\ntext") "]"},
        {"- item\n  ```\n  code\n  ```\n- next",
         "[" SECTION("\xE2\x80\xA2 item\\n\\n```\\ncode\\n```\\n\\n\xE2\x80\xA2 next") "]"},
        {"![A *chart*](https://a.test/c.png)",
         "[{\"type\":\"image\",\"image_url\":\"https://a.test/c.png\",\"alt_text\":\"A chart\"}]"},
        {"| a | b |\n|---|--:|\n| x | 1 |\n| `y|z` | 22 |",
         "[" SECTION("```\\na     b\\n---  --\\nx     1\\ny|z  22\\n```") "]"},
        {"<!-- note\nof two lines -->\ntext", "[" SECTION("text") "]"},
        {"#hashtag\n#", "[" SECTION("#hashtag") "]"},
        {"text\r\n\r\nmore\r\n", "[" SECTION("text\\n\\nmore") "]"},
        {"```\nopen to the end", "[" SECTION("```\\nopen to the end\\n```") "]"},
        {"- - -\n***\n", "[" DIVIDER "," DIVIDER "]"},
    };
    ASSERT_ROWS(rows, append_blocks);
}

static void test_blocks__show_wide_tables_as_items(void **state)
{
    (void)state;
    char markdown[512];
    char wanted[1024];
    char wide[81];
    memset(wide, 'w', 80);
    wide[80] = '\0';
    (void)snprintf(markdown, sizeof markdown, "|Name|What|\n|-|-|\n|a|%s|\n|b||\n", wide);
    (void)snprintf(
        wanted, sizeof wanted,
        "[" SECTION("\xE2\x80\xA2 *Name:* a \xC2\xB7 *What:* %s\\n\xE2\x80\xA2 *Name:* b") "]",
        wide);
    const struct row row = {markdown, wanted};
    assert_rows(&row, 1, append_blocks);
}

static void test_piece__cuts_where_it_hurts_least(void **state)
{
    (void)state;
    assert_int_equal(piece_cut(str("aaaa\nbbbb cc"), 8), 5);
    assert_int_equal(piece_cut(str("aaaa bbbb cc"), 8), 5);
    assert_int_equal(piece_cut(str("aaaaaaaaaaaa"), 8), 8);
    assert_int_equal(piece_cut(str("aaaa&amp;aaa"), 6), 4);
    assert_int_equal(piece_cut(str("aaa<https://a.test|x>"), 6), 3);
    assert_int_equal(piece_cut(str("<https://a.test|x>"), 6), 6);
    assert_int_equal(piece_cut(str("\xF0\x9F\x98\x80\xF0\x9F\x98\x80"), 3), 4);
    assert_int_equal(piece_units(str("\xF0\x9F\x98\x80\xC3\xA9"
                                     "a")),
                     4);
}

/* ---- Whatever comes, the limits are kept and nobody is mentioned ---- */

static uint32_t seed;

static uint32_t next_random(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

static void append_random(struct text *out)
{
    static const char *const parts[] = {"# ",
                                        "- ",
                                        "1. ",
                                        "> ",
                                        "```\n",
                                        "~~~",
                                        "|a|b|\n|-|-|\n",
                                        "|x|",
                                        "![i](https://a.test/i.png)\n",
                                        "[l](https://a.test/?a&b|c)",
                                        "**",
                                        "*",
                                        "_",
                                        "~~",
                                        "`",
                                        "``",
                                        "<!channel>",
                                        "<@U1>",
                                        "&",
                                        "<",
                                        ">",
                                        "&amp;",
                                        "\\",
                                        "\n",
                                        "\n\n",
                                        "    ",
                                        "\t",
                                        "word ",
                                        "gr\xC3\xBC\xC3\x9F ",
                                        "\xF0\x9F\x98\x80",
                                        "---\n",
                                        "===\n",
                                        "<!--",
                                        "-->",
                                        "https://a.test/x_y ",
                                        "(",
                                        ")",
                                        "[",
                                        "]",
                                        "|",
                                        "\r\n",
                                        "- [x] ",
                                        "\x01"};
    uint32_t n = next_random(300);
    for (uint32_t i = 0; i < n; i++) {
        text_append_literal(out, parts[next_random(sizeof parts / sizeof parts[0])]);
    }
    for (uint32_t long_word = next_random(8) == 0 ? next_random(9000) : 0; long_word > 0;
         long_word--) {
        text_append_literal(out, long_word % 7 == 0 ? "&" : "w");
    }
}

/* A `<` that mrkdwn would read begins a link, and every & an entity. */
static void assert_harmless(ops_str mrkdwn)
{
    for (uint64_t i = 0; i < mrkdwn.n; i++) {
        ops_str rest = {mrkdwn.p + i, mrkdwn.n - i};
        if (rest.p[0] == '<') {
            assert_true(rest.n > 5 && memcmp(rest.p, "<http", 5) == 0);
            assert_non_null(memchr(rest.p, '>', rest.n));
        } else if (rest.p[0] == '&') {
            assert_true((rest.n >= 5 && memcmp(rest.p, "&amp;", 5) == 0) ||
                        (rest.n >= 4 &&
                         (memcmp(rest.p, "&lt;", 4) == 0 || memcmp(rest.p, "&gt;", 4) == 0)));
        }
    }
}

/* Each string of the JSON that stands behind `key`. */
static void check_texts(ops_str json, const char *key, size_t most, int is_mrkdwn)
{
    size_t n = strlen(key);
    for (uint64_t i = 0; i + n < json.n; i++) {
        if (memcmp(json.p + i, key, n) != 0) {
            continue;
        }
        uint64_t end = i + n;
        size_t escapes = 0;
        while (json.p[end] != '"') {
            escapes += json.p[end] == '\\' ? (json.p[end + 1] == 'u' ? 5 : 1) : 0;
            end += json.p[end] == '\\' ? 2 : 1;
        }
        ops_str text = {json.p + i + n, end - i - n};
        assert_in_range(piece_units(text) - escapes, 1, most);
        if (is_mrkdwn) {
            assert_harmless(text);
        }
    }
}

static void test_blocks__keep_the_limits_whatever_comes(void **state)
{
    (void)state;
    for (seed = 1; seed < 4000 * 7919u; seed += 7919u) {
        uint32_t kept = seed;
        struct text markdown = {NULL, 0, 0, 0};
        struct blocks blocks = {.most = 2 + next_random(BLOCKS_MOST - 1)};
        append_random(&markdown);
        blocks_add_markdown(&blocks, text_str(&markdown));
        ops_str json = blocks_end(&blocks);
        assert_true(json.n >= 2);
        assert_in_range(blocks.count, 0, blocks.most);
        check_texts(json, "\"mrkdwn\",\"text\":\"", BLOCKS_SECTION_UNITS, 1);
        check_texts(json, "\"plain_text\",\"text\":\"", BLOCKS_HEADER_UNITS, 0);
        blocks_finish(&blocks);
        text_finish(&markdown);
        seed = kept;
    }
}

static void test_blocks__say_what_was_left_out(void **state)
{
    (void)state;
    struct text markdown = {NULL, 0, 0, 0};
    struct blocks blocks = {.most = BLOCKS_MOST};
    for (size_t i = 0; i < 100; i++) {
        text_append_literal(&markdown, "# title\n");
    }
    blocks_add_markdown(&blocks, text_str(&markdown));
    char *json = copy(blocks_end(&blocks));
    assert_int_equal(blocks.count, 50);
    assert_true(blocks.is_cut);
    assert_non_null(strstr(json, "was left out"));
    free(json);
    blocks_finish(&blocks);
    text_finish(&markdown);
}

static void test_blocks__cut_long_code_into_whole_fences(void **state)
{
    (void)state;
    struct text markdown = {NULL, 0, 0, 0};
    struct blocks blocks = {.most = BLOCKS_MOST};
    text_append_literal(&markdown, "```\n");
    for (size_t i = 0; i < 500; i++) {
        text_append_literal(&markdown, "a line of code <x>\n");
    }
    text_append_literal(&markdown, "```\n");
    blocks_add_markdown(&blocks, text_str(&markdown));
    ops_str json = blocks_end(&blocks);
    size_t fences = 0;
    for (uint64_t i = 0; i + 3 <= json.n; i++) {
        fences += memcmp(json.p + i, "```", 3) == 0;
    }
    assert_int_equal(fences, 2 * blocks.count);
    assert_in_range(blocks.count, 4, 6);
    blocks_finish(&blocks);
    text_finish(&markdown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inline__writes_mrkdwn),
        cmocka_unit_test(test_inline__writes_plain_text),
        cmocka_unit_test(test_blocks__are_made_of_markdown),
        cmocka_unit_test(test_blocks__show_wide_tables_as_items),
        cmocka_unit_test(test_piece__cuts_where_it_hurts_least),
        cmocka_unit_test(test_blocks__keep_the_limits_whatever_comes),
        cmocka_unit_test(test_blocks__say_what_was_left_out),
        cmocka_unit_test(test_blocks__cut_long_code_into_whole_fences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
