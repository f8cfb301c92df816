/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/arena.h"
#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/model/report.h"
#include "core/model/tree.h"
#include "core/model/yaml_tree.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/model/assert_yaml.h"

static void test_yaml_tree__keeps_places_of_keys_and_values(void **state)
{
    (void)state;
    assert_yaml("a: 1\nb:\n  - x\n  - {c: d}\n",
                "1:1 {1:1 a: 1:4 1, 2:1 b: 3:3 [3:5 \"x\", 4:5 {4:6 c: 4:9 \"d\"}]}");
    assert_yaml("# c\n\"k\": 'v'\nü: &x é # ß\nz: *x\n",
                "2:1 {2:1 k: 2:6 \"v\", 3:1 ü: 3:7 \"é\", 4:1 z: 3:7 \"é\"}");
}

static void test_yaml_tree__types_plain_scalars_by_the_core_schema(void **state)
{
    (void)state;
    assert_yaml("[~, null, Null, NULL, '']", "1:1 [1:2 null, 1:5 null, 1:11 null, 1:17 null, "
                                             "1:23 \"\"]");
    assert_yaml("[true, True, FALSE, yes, no, on, tRue]",
                "1:1 [1:2 true, 1:8 true, 1:14 false, 1:21 \"yes\", 1:26 \"no\", 1:30 \"on\", "
                "1:34 \"tRue\"]");
    assert_yaml("[0, -7, +7, 007, 0o17, 0x1F, 9223372036854775807, 9223372036854775808]",
                "1:1 [1:2 0, 1:5 -7, 1:9 7, 1:13 7, 1:18 15, 1:24 31, "
                "1:30 9223372036854775807, 1:51 9.22337e+18]");
    assert_yaml("[1.5, .5, 5., 1e3, -1E-2, +.5e1, 2.0]",
                "1:1 [1:2 1.5, 1:7 0.5, 1:11 5, 1:15 1000, 1:20 -0.01, 1:27 5, 1:34 2]");
    assert_yaml("[12:30, 1_000, .inf, .nan, 1e, ., '-', 0x, 0o8, 1e999, 1.2.3, '5']",
                "1:1 [1:2 \"12:30\", 1:9 \"1_000\", 1:16 \".inf\", 1:22 \".nan\", 1:28 \"1e\", "
                "1:32 \".\", 1:35 \"-\", 1:40 \"0x\", 1:44 \"0o8\", 1:49 \"1e999\", "
                "1:56 \"1.2.3\", 1:63 \"5\"]");
}

static void test_yaml_tree__tells_missing_spaces_and_colons(void **state)
{
    (void)state;
    assert_yaml("a:\n  - id:x\n    type: set\n",
                "t.yaml:2:7: error: a space is missing behind this ':'\n");
    assert_yaml("a:\n  -id: x\n    type: set\n",
                "t.yaml:2:3: error: a space is missing behind this '-'\n");
    assert_yaml("a:\n  - id: x\n     type: set\n",
                "t.yaml:3:6: error: this line is indented as if it went on with the value above "
                "it\n"
                "  keys of one map begin in the same column\n");
    assert_yaml("a:\n\xc2\xa0 - id: x\n    type: set\n",
                "t.yaml:2:1: error: a no-break space (U+00A0) is used for indentation\n"
                "  use plain spaces\n");
    assert_yaml("a:\n  - id: x\n    type set\n",
                "t.yaml:3:5: error: a ':' is missing behind this key\n"
                "  put a space behind the ':', and quotes around text of several lines\n");
    assert_yaml("a\n  - id: x\n", "t.yaml:1:1: error: a ':' is missing behind this key\n");
    assert_yaml("a: note: this\n",
                "t.yaml:1:8: error: a ':' is not allowed here\n"
                "  put quotes around text with ': ' in it, or mend the indentation\n");
}

static void test_yaml_tree__tells_quotes_within_quotes(void **state)
{
    (void)state;
    assert_yaml("a: 'it's'\nb: 1\n",
                "t.yaml:1:8: error: the quoted text ended before this\n"
                "  within '...' write '' for a quote, or put \"...\" around the text\n");
    assert_yaml("a: \"x == \"y\"\"\n",
                "t.yaml:1:11: error: the quoted text ended before this\n"
                "  within \"...\" write \\\" for a quote, or put '...' around the text\n");
    assert_yaml("{a: 'it's'}\n",
                "t.yaml:1:9: error: the quoted text ended before this\n"
                "  within '...' write '' for a quote, or put \"...\" around the text\n");
    assert_yaml("a: \"\\ud83d\\ude00\"\n", "t.yaml:1:7: error: this escape is no character\n"
                                           "  write the character itself\n");
    assert_yaml("a: |text\n", "t.yaml:1:5: error: text of '|' and '>' begins on the next line\n"
                              "  put a value that begins with '|' or '>' in quotes\n");
}

static void test_yaml_tree__refuses_doubled_keys_with_both_places(void **state)
{
    (void)state;
    assert_yaml("a: 1\nb: 2\na: 3\n",
                "t.yaml:3:1: error: the key 'a' is there twice; the first is at 1:1\n");
    assert_yaml("m: {x: 1, 'x': 2}\n",
                "t.yaml:1:11: error: the key 'x' is there twice; the first is at 1:5\n");
}

static void test_yaml_tree__refuses_what_the_format_leaves_out(void **state)
{
    (void)state;
    assert_yaml("a: !!str 1\n", "t.yaml:1:4: error: tags are not allowed\n"
                                "  put text that begins with '!' in quotes\n");
    assert_yaml("a: !x\n", "t.yaml:1:4: error: tags are not allowed\n"
                           "  put text that begins with '!' in quotes\n");
    assert_yaml("a: !!map {}\n", "t.yaml:1:4: error: tags are not allowed\n"
                                 "  put text that begins with '!' in quotes\n");
    assert_yaml("b: &b {x: 1}\na:\n  <<: *b\n",
                "t.yaml:3:3: error: merge keys ('<<') are not allowed\n  write the keys out\n");
    assert_yaml("'<<': 1\n", "1:1 {1:1 <<: 1:7 1}");
    assert_yaml("a: 1\n---\nb: 2\n", "t.yaml:2:1: error: a second document begins here\n"
                                     "  put several pipelines under 'workflows:'\n");
    assert_yaml("? [a]\n: 1\n", "t.yaml:1:3: error: a key must be text\n");
    assert_yaml("", "t.yaml:1:1: error: there is no pipeline in it: the file is empty\n");
    assert_yaml("# nothing\n",
                "t.yaml:1:1: error: there is no pipeline in it: there are only comments\n");
}

static void test_yaml_tree__tells_of_all_that_it_leaves_out(void **state)
{
    (void)state;
    assert_yaml("a: {x: 1, x: 2}\nb: !t [*no]\nc:\n  <<: {}\na: 3\n",
                "t.yaml:1:11: error: the key 'x' is there twice; the first is at 1:5\n"
                "t.yaml:2:4: error: tags are not allowed\n"
                "  put text that begins with '!' in quotes\n"
                "t.yaml:2:8: error: the alias '*no' names no anchor\n"
                "  put a value that begins with '*' in quotes\n"
                "t.yaml:4:3: error: merge keys ('<<') are not allowed\n"
                "  write the keys out\n"
                "t.yaml:5:1: error: the key 'a' is there twice; the first is at 1:1\n");
    assert_yaml("a: &a [*a]\n", "t.yaml:1:8: error: the alias '*a' is inside its own anchor\n");
}

static void test_yaml_tree__says_what_is_wrong_with_the_syntax(void **state)
{
    (void)state;
    assert_yaml("a: b: c\n", "t.yaml:1:5: error: a ':' is not allowed here\n"
                             "  put quotes around text with ': ' in it, or mend the "
                             "indentation\n");
    assert_yaml("a:\n  b: 1\n c: 2\n",
                "t.yaml:3:2: error: this does not line up with the lines above\n"
                "  keys of one map begin in the same column\n");
    assert_yaml(
        "a: [1, 2\nb: 3\n",
        "t.yaml:2:2: error: a ',' or a bracket is missing before this, or the key and its ':' "
        "are not on one line\n  the '[' at 1:4 is still open\n");
    assert_yaml("a: \"x\nb: 1\n", "t.yaml:1:4: error: the quoted text that begins here has no end\n"
                                  "  close it with the same quote\n");
    assert_yaml("a:\n\t- b\n", "t.yaml:2:1: error: a tab is not allowed here\n"
                               "  indent with spaces, not with tabs\n");
    assert_yaml("a: @x\n", "t.yaml:1:4: error: plain text cannot begin with '@'\n"
                           "  put the value in quotes\n");
    assert_yaml("a: \"\\q\"\n", "t.yaml:1:5: error: unknown escape in a double-quoted text\n"
                                "  write '\\\\' for a backslash, or take single quotes\n");
    assert_yaml("a: *nobody\n", "t.yaml:1:4: error: the alias '*nobody' names no anchor\n"
                                "  put a value that begins with '*' in quotes\n");
    assert_yaml("a: x\x01y\n", "t.yaml:1:5: error: control characters are not allowed\n");
}

static void test_yaml_tree__says_quote_the_expression(void **state)
{
    static const char hint[] =
        "  quote the expression: '?', ',' and '{{' mean something else in YAML\n";
    char expected[256];
    (void)state;
    (void)snprintf(expected, sizeof(expected), "t.yaml:1:5: error: a key must be text\n%s", hint);
    assert_yaml("a: {{ input.x }}\n", expected);
    (void)snprintf(expected, sizeof(expected), "t.yaml:1:16: error: a ':' is not allowed here\n%s",
                   hint);
    assert_yaml("when: x ? true : false\n", expected);
}

static void test_yaml_tree__bounds_depth(void **state)
{
    struct strbuf text = STRBUF_INIT;
    struct arena arena = ARENA_INIT;
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct tree tree = {0};
    (void)state;
    for (int i = 0; i < 64; i++) {
        strbuf_append_char(&text, '[');
    }
    for (int i = 0; i < 64; i++) {
        strbuf_append_char(&text, ']');
    }
    assert_int_equal(read_yaml(strbuf_str(&text), &arena, &diagnostics, &tree), 0);
    assert_int_equal(tree.height, 64);
    strbuf_clear(&text);
    for (int i = 0; i < 100000; i++) {
        strbuf_append_char(&text, '[');
    }
    assert_int_equal(read_yaml(strbuf_str(&text), &arena, &diagnostics, &tree), E_INVALID);
    assert_string_equal(diagnostics.items[0].message, "nested deeper than 64 levels");
    assert_int_equal(diagnostics.items[0].place.column, 65);
    strbuf_finish(&text);
    diagnostics_finish(&diagnostics);
    arena_finish(&arena);
}

static void test_yaml_tree__bounds_what_aliases_expand_to(void **state)
{
    struct strbuf text = STRBUF_INIT;
    struct arena arena = ARENA_INIT;
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct tree tree = {0};
    (void)state;
    strbuf_append_text(&text, "- &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 10; i++) {
        strbuf_append_format(&text, "- &a%d [", i);
        for (int k = 0; k < 10; k++) {
            strbuf_append_format(&text, "*a%d,", i - 1);
        }
        strbuf_append_text(&text, "]\n");
    }
    assert_int_equal(read_yaml(strbuf_str(&text), &arena, &diagnostics, &tree), E_INVALID);
    assert_string_equal(diagnostics.items[0].message, "aliases expand to more than 100,000 nodes");
    assert_true(arena.used_bytes < 1024 * 1024);
    strbuf_finish(&text);
    diagnostics_finish(&diagnostics);
    arena_finish(&arena);
    assert_yaml("&a [*a]\n", "t.yaml:1:5: error: the alias '*a' is inside its own anchor\n");
    assert_yaml("- &a 1\n- *a\n- &a 2\n- *a\n", "1:1 [1:6 1, 1:6 1, 3:6 2, 3:6 2]");
}

static void assert_spot(const char *yaml, const char *spot, uint32_t line, uint32_t column)
{
    struct arena arena = ARENA_INIT;
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct tree tree = {0};
    assert_int_equal(read_yaml(str_from(yaml), &arena, &diagnostics, &tree), 0);
    const struct tree *scalar = tree_get(&tree, STR("a"));
    const char *found = strstr(scalar->text.p, spot);
    assert_non_null(found);
    struct place place = tree_place_at(scalar, str_from(yaml), (size_t)(found - scalar->text.p));
    assert_int_equal(place.line, line);
    assert_int_equal(place.column, column);
    diagnostics_finish(&diagnostics);
    arena_finish(&arena);
}

static void test_yaml_tree__finds_offsets_in_every_style(void **state)
{
    (void)state;
    assert_spot("a: one two X three\n", "X", 1, 12);
    assert_spot("a: 'it''s X'\n", "X", 1, 11);
    assert_spot("a: \"é \\\"q\\\" \\u00e9 \\x41 X\"\n", "X", 1, 25);
    assert_spot("a: |\n  first\n   second X\n", "X", 3, 11);
    assert_spot("a: |-\n\n  after X\n", "X", 3, 9);
    assert_spot("a: >-\n  one\n  two X\n", "X", 3, 7);
    assert_spot("a: one\n  two X\n", "X", 2, 7);
    assert_spot("a: \"one\n  two X\"\n", "X", 2, 7);
    assert_spot("a: \"one \\\n  two X\"\n", "X", 2, 7);
    assert_spot("a: 'one\n\n  two X'\n", "X", 3, 7);
}

static void test_yaml_tree__survives_failing_allocations(void **state)
{
    static const char yaml[] = "a: &x [1, {b: c}]\nd: *x\ne: 'f'\n";
    (void)state;
    for (long n = 0;; n++) {
        struct arena arena = ARENA_INIT;
        struct diagnostics diagnostics = DIAGNOSTICS_INIT;
        struct tree tree = {0};
        failing_alloc_arm(n);
        int status = read_yaml(str_from(yaml), &arena, &diagnostics, &tree);
        bool is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        diagnostics_finish(&diagnostics);
        arena_finish(&arena);
        if (!is_reached) {
            break;
        }
    }
}

/* The same node by both ways, in the order of the tree and against it. */
static void test_yaml_tree__pointers_near_each_other_lead_to_the_same(void **state)
{
    (void)state;
    static const char *const pointers[] = {
        "",     "/a",     "/a/x",   "/a/y",      "/b",      "/b/0",        "/b/1",   "/b/1/x",
        "/c~1", "/c~1/0", "/d/e/f", "/d/e/none", "/none/x", "/d/e/f/none", "/b/9/x", "/b/x",
    };
    enum { COUNT = sizeof(pointers) / sizeof(pointers[0]) };
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct arena arena = ARENA_INIT;
    struct tree tree = {0};
    struct report report = {
        .diagnostics = &diagnostics,
        .file = "t.yaml",
        .source = STR("{a: {x: 1, y: 2}, b: [1, {x: 3}], c/: [4], d: {e: {f: 5, g: 6}}}")};
    assert_int_equal(yaml_tree_read(&report, &arena, &tree), 0);
    for (size_t step = 1; step < COUNT; step += 2) {
        struct tree_walk walk = {0};
        for (size_t i = 0, at = 0; i < (size_t)2 * COUNT; i++, at = (at + step) % COUNT) {
            struct str pointer = str_from(pointers[at]);
            assert_ptr_equal(tree_pointer_near(&tree, pointer, &walk),
                             tree_pointer(&tree, pointer, NULL));
        }
    }
    assert_int_equal(tree_pointer(&tree, STR("/d/e/f"), NULL)->as.integer, 5);
    assert_ptr_equal(tree_pointer(&tree, STR("/d/e/none"), NULL),
                     tree_pointer(&tree, STR("/d/e"), NULL));
    arena_finish(&arena);
    diagnostics_finish(&diagnostics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml_tree__keeps_places_of_keys_and_values),
        cmocka_unit_test(test_yaml_tree__types_plain_scalars_by_the_core_schema),
        cmocka_unit_test(test_yaml_tree__tells_missing_spaces_and_colons),
        cmocka_unit_test(test_yaml_tree__tells_quotes_within_quotes),
        cmocka_unit_test(test_yaml_tree__refuses_doubled_keys_with_both_places),
        cmocka_unit_test(test_yaml_tree__refuses_what_the_format_leaves_out),
        cmocka_unit_test(test_yaml_tree__tells_of_all_that_it_leaves_out),
        cmocka_unit_test(test_yaml_tree__says_what_is_wrong_with_the_syntax),
        cmocka_unit_test(test_yaml_tree__says_quote_the_expression),
        cmocka_unit_test(test_yaml_tree__bounds_depth),
        cmocka_unit_test(test_yaml_tree__bounds_what_aliases_expand_to),
        cmocka_unit_test(test_yaml_tree__finds_offsets_in_every_style),
        cmocka_unit_test(test_yaml_tree__survives_failing_allocations),
        cmocka_unit_test(test_yaml_tree__pointers_near_each_other_lead_to_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
