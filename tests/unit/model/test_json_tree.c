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
        cmocka_unit_test(test_json_tree__finds_offsets_behind_escapes),
        cmocka_unit_test(test_json_tree__survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
