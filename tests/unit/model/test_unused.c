/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/unused.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/arena.h"
#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/model/report.h"
#include "core/model/tree.h"
#include "core/model/yaml_tree.h"
#include "core/value/json.h"
#include "core/value/value.h"

static const char schema_text[] =
    "{\"properties\": {\"later\": {\"x-ops-unused\": \"it waits\"}, \"plain\": {},"
    " \"of\": {\"properties\": {\"key\": {\"$ref\": \"#/$defs/key\"}, \"used\": {}},"
    "          \"additionalProperties\": {\"x-ops-unused\": \"none is known\"}}},"
    " \"$defs\": {\"key\": {\"x-ops-unused\": \"nobody opens it\"}}}";

static void expect_said(const char *text, bool has_schema, const char *expected)
{
    cleanup_document struct document *schema = NULL;
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct strbuf printed = STRBUF_INIT;
    struct arena arena = ARENA_INIT;
    struct tree tree = {0};
    struct error err = {0};
    const struct report report = {
        .diagnostics = &diagnostics, .file = "t.yaml", .source = str_from(text)};
    assert_int_equal(json_read(str_from(schema_text), NULL, &schema, &err), 0);
    assert_int_equal(yaml_tree_read(&report, &arena, &tree), 0);
    unused_report(&report, &tree, has_schema ? document_root(schema) : NULL, "integration 'x'");
    diagnostics_print(&diagnostics, NULL, NULL, 0, &printed);
    assert_true(str_equal_text(strbuf_str(&printed), expected));
    assert_int_equal(diagnostics.error_count, 0);
    strbuf_finish(&printed);
    diagnostics_finish(&diagnostics);
    arena_finish(&arena);
}

static void test_unused__warns_of_what_is_given(void **state)
{
    (void)state;
    expect_said("later: 1\nplain: 2\nother: {later: 3}\n", true,
                "t.yaml:1:1: warning: 'later' of integration 'x' has no effect in this version: it "
                "waits\n");
    expect_said("plain: {later: 1}\n", true, "");
}

static void test_unused__looks_into_maps(void **state)
{
    (void)state;
    expect_said("of:\n  used: {key: 1}\n  key: {deep: 1}\n  more: 3\n", true,
                "t.yaml:3:3: warning: 'of.key' of integration 'x' has no effect in this version: "
                "nobody opens it\n"
                "t.yaml:4:3: warning: 'of.more' of integration 'x' has no effect in this version: "
                "none is known\n");
    expect_said("of: [key]\n", true, "");
}

static void test_unused__needs_a_map_and_a_schema(void **state)
{
    (void)state;
    expect_said("later: 1\n", false, "");
    expect_said("[later]\n", true, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unused__warns_of_what_is_given),
        cmocka_unit_test(test_unused__looks_into_maps),
        cmocka_unit_test(test_unused__needs_a_map_and_a_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
