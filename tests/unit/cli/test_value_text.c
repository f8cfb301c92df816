/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/cli/command.h"
#include "core/cli/value_text.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/cli/pipeline_fixture.h"

const struct command *const command_table[] = {NULL};

static void check(const char *json, unsigned indent, const char *wanted)
{
    cleanup_document struct document *document = fixture_json(json);
    struct strbuf out = STRBUF_INIT;
    value_text_append(document_root(document), indent, &out);
    assert_string_equal(strbuf_str(&out).p, wanted);
    strbuf_finish(&out);
}

static void test_value_text__scalars_are_one_line(void **state)
{
    (void)state;
    check("null", 0, "null\n");
    check("true", 2, "  true\n");
    check("-12", 0, "-12\n");
    check("1.0", 0, "1.0\n");
    check("9007199254740993", 0, "9007199254740993\n");
    check("\"text \\\"quoted\\\"\"", 0, "text \"quoted\"\n");
    check("\"\"", 0, "\"\"\n");
    check("{}", 0, "{}\n");
    check("[]", 2, "  []\n");
}

static void test_value_text__members_stand_by_name(void **state)
{
    (void)state;
    check("{\"a\":1,\"b\":{\"c\":\"x\",\"d\":{}},\"e\":[1,\"two\",null],\"f\":\"\"}", 2,
          "  a: 1\n"
          "  b:\n"
          "    c: x\n"
          "    d: {}\n"
          "  e:\n"
          "    - 1\n"
          "    - two\n"
          "    - null\n"
          "  f: \"\"\n");
}

static void test_value_text__lists_of_maps_are_a_line_each(void **state)
{
    (void)state;
    check("[{\"a\":1,\"b\":[2]},[1,2],\"x\\ny\"]", 0,
          "- {\"a\":1,\"b\":[2]}\n- [1,2]\n- \"x\\ny\"\n");
}

static void test_value_text__text_of_lines_is_indented(void **state)
{
    (void)state;
    check("\"one\\n\\n  two\\n\"", 2, "  one\n\n    two\n");
    check("{\"t\":\"one\\ntwo\"}", 0, "t:\n  one\n  two\n");
}

static void test_value_text__nothing_steers_the_terminal(void **state)
{
    (void)state;
    check("\"\\u001b[2J\\u202e\"", 0, "\\x1b[2J\\u202e\n");
    check("{\"k\\u001b\":1}", 0, "k\\x1b: 1\n");
    check("{\"k\\n\":\"a\\n\\u009bb\"}", 0, "k\\n:\n  a\n  \\u009bb\n");
    check("[[\"\\u202e\\u009b\\u007f\"]]", 0, "- [\"\\u202e\\u009b\\x7f\"]\n");
}

static void test_value_text__depth_is_bounded(void **state)
{
    (void)state;
    struct strbuf json = STRBUF_INIT;
    for (int i = 0; i < VALUE_MAX_DEPTH; i++) {
        strbuf_append_text(&json, "{\"k\":");
    }
    strbuf_append_char(&json, '1');
    for (int i = 0; i < VALUE_MAX_DEPTH; i++) {
        strbuf_append_char(&json, '}');
    }
    cleanup_document struct document *document = fixture_json(json.p);
    struct strbuf out = STRBUF_INIT;
    value_text_append(document_root(document), 0, &out);
    assert_true(str_ends_with(strbuf_str(&out), STR("  k: 1\n")));
    strbuf_finish(&out);
    strbuf_finish(&json);
}

static void test_value_text__each_allocation_may_fail(void **state)
{
    (void)state;
    cleanup_document struct document *document =
        fixture_json("{\"a\":[{\"b\":1},\"text\"],\"c\":\"x\\ny\"}");
    for (long n = 0;; n++) {
        struct strbuf out = STRBUF_INIT;
        failing_alloc_arm(n);
        value_text_append(document_root(document), 0, &out);
        bool is_reached = failing_alloc_disarm();
        assert_int_equal(strbuf_status(&out) != 0, is_reached);
        strbuf_finish(&out);
        if (!is_reached) {
            return;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_value_text__scalars_are_one_line),
        cmocka_unit_test(test_value_text__members_stand_by_name),
        cmocka_unit_test(test_value_text__lists_of_maps_are_a_line_each),
        cmocka_unit_test(test_value_text__text_of_lines_is_indented),
        cmocka_unit_test(test_value_text__nothing_steers_the_terminal),
        cmocka_unit_test(test_value_text__depth_is_bounded),
        cmocka_unit_test(test_value_text__each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
