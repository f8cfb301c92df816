/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/arena.h"
#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/model/json_tree.h"
#include "core/model/report.h"
#include "core/model/tree.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/model/tree_text.h"

static int read_json(struct str text, struct arena *arena, struct diagnostics *diagnostics,
                     struct tree *out)
{
    struct report report = {.diagnostics = diagnostics, .file = "t.json", .source = text};
    return json_tree_read(&report, arena, out);
}

static void test_json_tree__keeps_places_of_keys_and_values(void **state)
{
    struct arena arena = ARENA_INIT;
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct strbuf text = STRBUF_INIT;
    struct tree tree = {0};
    (void)state;
    assert_int_equal(read_json(STR("{\"a\" : 1,\n \"b,:\": [true,null, {} ,[],-1.5e2],\n"
                                   "\"\\u00fc\\\"\":\"x\\\\\"}"),
                               &arena, &diagnostics, &tree),
                     0);
    tree_text(&tree, &text);
    assert_string_equal(strbuf_str(&text).p,
                        "1:1 {1:2 a: 1:8 1, 2:2 b,:: 2:9 [2:10 true, 2:15 null, 2:21 {}, "
                        "2:25 [], 2:28 -150], 3:1 ü\": 3:12 \"x\\\"}");
    strbuf_finish(&text);
    diagnostics_finish(&diagnostics);
    arena_finish(&arena);
}

static void test_json_tree__gives_the_place_of_a_fault(void **state)
{
    struct arena arena = ARENA_INIT;
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct tree tree = {0};
    (void)state;
    assert_int_equal(read_json(STR("{\"a\": 1,\n  b: 2}"), &arena, &diagnostics, &tree), E_INVALID);
    assert_int_equal(diagnostics.error_count, 1);
    assert_int_equal(diagnostics.items[0].place.line, 2);
    assert_int_equal(diagnostics.items[0].place.column, 3);
    diagnostics_finish(&diagnostics);
    arena_finish(&arena);
}

static void assert_fault(const char *json, const char *expected)
{
    struct arena arena = ARENA_INIT;
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct strbuf text = STRBUF_INIT;
    struct tree tree = {0};
    assert_int_equal(read_json(str_from(json), &arena, &diagnostics, &tree), E_INVALID);
    diagnostics_print(&diagnostics, NULL, NULL, 0, &text);
    assert_string_equal(strbuf_str(&text).p, expected);
    strbuf_finish(&text);
    diagnostics_finish(&diagnostics);
    arena_finish(&arena);
}

static void test_json_tree__says_how_to_mend_usual_mistakes(void **state)
{
    (void)state;
    assert_fault("// x\n{}", "t.json:1:1: error: expected a value, found '/'\n"
                             "  JSON has no comments\n");
    assert_fault("{\"a\": 1, # x\n}", "t.json:1:10: error: expected a key in double quotes, "
                                      "found '#'\n  JSON has no comments\n");
    assert_fault("{\"a\": 1,}", "t.json:1:9: error: a ',' stands before this '}'\n"
                                "  remove the ','\n");
    assert_fault("[1,]", "t.json:1:4: error: a value is missing before this ']'\n"
                         "  remove the ',' before it\n");
    assert_fault("[1,,2]", "t.json:1:4: error: expected a value, found ','\n  remove one ','\n");
    assert_fault("{'a': 1}", "t.json:1:2: error: expected a key in double quotes, found '''\n"
                             "  write \"...\" in place of '...'\n");
    assert_fault("{\"a\": 'b'}", "t.json:1:7: error: expected a value, found '''\n"
                                 "  write text in double quotes, not in single ones\n");
    assert_fault("[True]", "t.json:1:2: error: expected a value, found 'T'\n"
                           "  true, false and null are in lower case; text must be in double "
                           "quotes\n");
    assert_fault("[.5]", "t.json:1:2: error: expected a value, found '.'\n"
                         "  a number begins with a digit or '-'; text must be in double quotes\n");
    assert_fault("[01]", "t.json:1:3: error: expected ',' or ']', found '1'\n"
                         "  numbers are decimal, without leading zeros; text must be in double "
                         "quotes\n");
    assert_fault("{\"a\": b}", "t.json:1:7: error: expected a value, found 'b'\n"
                               "  text must be in double quotes\n");
    assert_fault("{\"a\": 1 \"b\": 2}", "t.json:1:9: error: expected ',' or '}', found '\"'\n"
                                        "  put a ',' behind the value before it\n");
    assert_fault("[\"a\nb\"]", "t.json:1:4: error: a text in double quotes must end on its line\n"
                               "  close it with '\"', or write \\n for the line's end\n");
    assert_fault("[\"C:\\dir\"]", "t.json:1:6: error: expected one of '\"\\/bfnrtu' after '\\', "
                                  "found 'd'\n  write \\\\ for a backslash\n");
    assert_fault("{\"a\"", "t.json:1:5: error: expected ':' after the key, found the end of the "
                           "text\n");
    assert_fault(" \n", "t.json:1:1: error: there is no pipeline in it: the file is empty\n");
    assert_fault("[1e999]", "t.json:1:2: error: the number '1e999' is too large for a double\n");
}

static void test_json_tree__reports_all_doubled_keys_and_gives_the_tree(void **state)
{
    (void)state;
    assert_fault("{\"a\": {\"b\": 1, \"b\": 2}, \"c\": 3, \"a\": 4}",
                 "t.json:1:16: error: the key 'b' is there twice; the first is at 1:8\n"
                 "t.json:1:33: error: the key 'a' is there twice; the first is at 1:2\n");
    struct arena arena = ARENA_INIT;
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct tree tree = {0};
    struct strbuf many = STRBUF_INIT;
    strbuf_append_text(&many, "{");
    for (int i = 0; i < 30; i++) {
        strbuf_append_format(&many, "%s\"k%d\": %d", i > 0 ? ", " : "", i % 20, i);
    }
    strbuf_append_text(&many, "}");
    assert_int_equal(read_json(strbuf_str(&many), &arena, &diagnostics, &tree), E_INVALID);
    assert_int_equal(diagnostics.error_count, 10);
    assert_int_equal(tree.count, 30);
    assert_int_equal(tree_get(&tree, STR("k3"))->as.integer, 3);
    strbuf_finish(&many);
    diagnostics_finish(&diagnostics);
    arena_finish(&arena);
}

static void test_json_tree__bounds_depth_and_values(void **state)
{
    (void)state;
    char deep[66];
    memset(deep, '[', 65);
    deep[65] = '\0';
    assert_fault(deep, "t.json:1:65: error: nested deeper than 64 levels\n");
    struct strbuf many = STRBUF_INIT;
    strbuf_append_text(&many, "[1");
    for (int i = 0; i < 1000 * 1000; i++) {
        strbuf_append_text(&many, ",1");
    }
    strbuf_append_text(&many, "]");
    assert_fault(strbuf_str(&many).p, "t.json:1:2000000: error: more than 1,000,000 values\n");
    strbuf_finish(&many);
}

static void test_json_tree__finds_offsets_behind_escapes(void **state)
{
    struct arena arena = ARENA_INIT;
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct str text = STR("{\"a\": \"\\ud83d\\ude00 \\n \\u00e9 X\"}");
    struct tree tree = {0};
    (void)state;
    assert_int_equal(read_json(text, &arena, &diagnostics, &tree), 0);
    const struct tree *scalar = tree_get(&tree, STR("a"));
    struct place place = tree_place_at(scalar, text, scalar->text.n - 1);
    assert_int_equal(place.line, 1);
    assert_int_equal(place.column, 31);
    diagnostics_finish(&diagnostics);
    arena_finish(&arena);
}

static void test_json_tree__survives_failing_allocations(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct arena arena = ARENA_INIT;
        struct diagnostics diagnostics = DIAGNOSTICS_INIT;
        struct tree tree = {0};
        failing_alloc_arm(n);
        int status = read_json(STR("{\"a\": [1, {\"b\": \"c\"}]}"), &arena, &diagnostics, &tree);
        bool is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        diagnostics_finish(&diagnostics);
        arena_finish(&arena);
        if (!is_reached) {
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_tree__keeps_places_of_keys_and_values),
        cmocka_unit_test(test_json_tree__gives_the_place_of_a_fault),
        cmocka_unit_test(test_json_tree__says_how_to_mend_usual_mistakes),
        cmocka_unit_test(test_json_tree__reports_all_doubled_keys_and_gives_the_tree),
        cmocka_unit_test(test_json_tree__bounds_depth_and_values),
        cmocka_unit_test(test_json_tree__finds_offsets_behind_escapes),
        cmocka_unit_test(test_json_tree__survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
