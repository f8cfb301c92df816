/* SPDX-License-Identifier: Apache-2.0 */
#include "message/html.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define CELL " style=\"border:1px solid #ccc;padding:2px 8px;text-align:left\">"

static char *html(const char *markdown)
{
    struct text out = {NULL, 0, 0, 0};
    ops_str s = {markdown, strlen(markdown)};
    html_append_markdown(&out, s);
    assert_int_equal(out.failed, 0);
    char *text = calloc(1, out.n + 1);
    assert_non_null(text);
    if (out.n > 0) {
        memcpy(text, out.p, out.n);
    }
    text_finish(&out);
    return text;
}

static void assert_html(const char *markdown, const char *wanted)
{
    char *found = html(markdown);
    assert_string_equal(found, wanted);
    free(found);
}

static void test_html__parts_have_their_tags(void **state)
{
    (void)state;
    assert_html("", "");
    assert_html("# A *b*\n###### c", "<h1>A <em>b</em></h1>\n<h6>c</h6>\n");
    assert_html("a\nb\n\nc", "<p>a<br>\nb</p>\n<p>c</p>\n");
    assert_html("---", "<hr>\n");
    assert_html("```\na < b\n  c\n```", "<pre>a &lt; b\n  c</pre>\n");
    assert_html("> a\n> > b", "<blockquote>a<br>\nb</blockquote>\n");
    assert_html("![shown](https://a.test/p.png)",
                "<p><a href=\"https://a.test/p.png\">shown</a></p>\n");
}

static void test_html__marks_have_theirs(void **state)
{
    (void)state;
    assert_html("**a** *b* ~~c~~ `d<` ***e***",
                "<p><strong>a</strong> <em>b</em> <s>c</s> <code>d&lt;</code> "
                "<strong><em>e</em></strong></p>\n");
    assert_html("[a & b](https://a.test/?x=\"1\"&y=2)",
                "<p><a href=\"https://a.test/?x=&quot;1&quot;&amp;y=2\">a &amp; b</a></p>\n");
    assert_html("see https://a.test/x",
                "<p>see <a href=\"https://a.test/x\">https://a.test/x</a></p>\n");
    assert_html("<https://a.test>", "<p><a href=\"https://a.test\">https://a.test</a></p>\n");
}

static void test_html__lists_nest(void **state)
{
    (void)state;
    assert_html("- a\n  - b\n- c",
                "<ul>\n<li>a</li>\n<ul>\n<li>b</li>\n</ul>\n<li>c</li>\n</ul>\n");
    assert_html("3. a\n4. b", "<ol start=\"3\">\n<li>a</li>\n<li>b</li>\n</ol>\n");
    assert_html("- [x] a\n- [ ] b",
                "<ul>\n<li>\xE2\x98\x91 a</li>\n<li>\xE2\x98\x90 b</li>\n</ul>\n");
}

static void test_html__tables_have_cells(void **state)
{
    (void)state;
    assert_html("| a | b |\n|---|---|\n| 1 \\| 2 | **x** |",
                "<table style=\"border-collapse:collapse\">\n"
                "<tr><th" CELL "a</th><th" CELL "b</th></tr>\n"
                "<tr><td" CELL "1 | 2</td><td" CELL "<strong>x</strong></td></tr>\n"
                "</table>\n");
}

/* Whatever the text: no tag and no attribute is its own. */
static void test_html__nothing_breaks_out(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "<script>x</script>",
        "a \"quoted\" <img src=x onerror=y>",
        "[a](javascript:alert)",
        "[<b>](https://a.test/\"onclick=\"x)",
        "`<script>`",
        "```\n<script>\n```",
        "# <script>",
        "- <script>",
        "> <script>",
        "| <script> |\n|---|\n| <script> |",
        "![<script>](https://a.test/<script>)",
        "&lt;script&gt;",
        "<https://a.test/\"><script>",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *found = html(rows[i]);
        assert_null(strstr(found, "<script"));
        assert_null(strstr(found, "<img"));
        assert_null(strstr(found, "<b>"));
        assert_null(strstr(found, "\"onclick"));
        assert_null(strstr(found, "href=\"javascript"));
        free(found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_html__parts_have_their_tags),
        cmocka_unit_test(test_html__marks_have_theirs),
        cmocka_unit_test(test_html__lists_nest),
        cmocka_unit_test(test_html__tables_have_cells),
        cmocka_unit_test(test_html__nothing_breaks_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
