/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/cli/command.h"
#include "core/cli/schema_text.h"
#include "core/value/value.h"
#include "tests/unit/cli/pipeline_fixture.h"

const struct command *const command_table[] = {NULL};

static void check(const char *json, const char *wanted)
{
    cleanup_document struct document *document = fixture_json(json);
    struct strbuf out = STRBUF_INIT;
    schema_text_append(document_root(document), 2, &out);
    assert_string_equal(strbuf_str(&out).p, wanted);
    strbuf_finish(&out);
}

static void test_schema_text__fields_have_type_default_and_words(void **state)
{
    (void)state;
    check("{\"type\":\"object\",\"required\":[\"url\"],\"properties\":{"
          "\"url\":{\"type\":\"string\",\"description\":\"where\"},"
          "\"method\":{\"enum\":[\"GET\",\"POST\",1],\"default\":\"GET\"},"
          "\"tries\":{\"type\":[\"integer\",\"null\"],\"default\":3},"
          "\"when\":{\"format\":\"cel\"},\"body\":{}}}",
          "  url     string, required: where\n"
          "  method  GET | POST | 1, default \"GET\"\n"
          "  tries   integer | null, default 3\n"
          "  when    expression\n"
          "  body    any\n");
}

static void test_schema_text__inner_fields_are_indented(void **state)
{
    (void)state;
    check("{\"properties\":{\"auth\":{\"type\":\"object\",\"properties\":{"
          "\"bearer\":{\"type\":\"string\"}}},"
          "\"routes\":{\"type\":\"array\",\"items\":{\"required\":[\"name\"],\"properties\":{"
          "\"name\":{\"type\":\"string\"},\"when\":{\"type\":\"string\"}}}}}}",
          "  auth    object\n"
          "      bearer  string\n"
          "  routes  array\n"
          "      name  string, required\n"
          "      when  string\n");
}

static void test_schema_text__no_fields_are_said(void **state)
{
    (void)state;
    check("{\"type\":\"object\"}", "  any fields\n");
    check("{\"type\":\"object\",\"additionalProperties\":false}", "  nothing\n");
    check("{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}", "  nothing\n");
    check("true", "  any fields\n");
    check("false", "  nothing\n");
    check("{\"type\":\"string\"}", "  string\n");
}

static void test_schema_text__alternatives_are_named(void **state)
{
    (void)state;
    check("{\"properties\":{\"expect\":{\"anyOf\":[{\"$ref\":\"#/$defs/status\"},"
          "{\"type\":\"array\"}]},\"body\":{\"oneOf\":[{},{\"format\":\"cel\"}]}},"
          "\"$defs\":{\"status\":{\"anyOf\":[{\"type\":\"integer\"},{\"enum\":[\"2xx\"]}]}}}",
          "  expect  integer | 2xx | array\n"
          "  body    any | expression\n");
    check("{\"properties\":{\"a\":{\"$ref\":\"#/$defs/a\"},\"b\":{\"$ref\":\"#/$defs/b\"},"
          "\"c\":{\"$ref\":\"#/none\"}},\"$defs\":{\"a\":{\"$ref\":\"#/$defs/a\"},"
          "\"b\":{\"anyOf\":[{\"$ref\":\"#/$defs/b\"},{\"type\":\"null\"}]}}}",
          "  a  any\n  b  any | null | null | null\n  c  any\n");
    check("{\"properties\":{\"a\":{\"$ref\":\"#/$defs/a\"}},\"$defs\":{\"a\":{"
          "\"type\":\"object\",\"properties\":{\"k\":{\"type\":\"string\"}}}}}",
          "  a  object\n      k  string\n");
}

static void test_schema_text__the_whole_is_described(void **state)
{
    (void)state;
    check("{\"description\":\"what it gave\"}", "  any: what it gave\n");
    check("{\"type\":\"object\",\"description\":\"by name\"}", "  any fields: by name\n");
    check("{\"type\":\"array\",\"description\":\"sorted\"}", "  array: sorted\n");
}

static void test_schema_text__properties_may_be_booleans(void **state)
{
    (void)state;
    check("{\"properties\":{\"a\":true,\"b\":false}}", "  a  any\n  b  never\n");
}

static void test_schema_text__deep_schemas_end(void **state)
{
    (void)state;
    struct strbuf json = STRBUF_INIT;
    for (int i = 0; i < 12; i++) {
        strbuf_append_text(&json, "{\"properties\":{\"k\":");
    }
    strbuf_append_text(&json, "{}");
    for (int i = 0; i < 12; i++) {
        strbuf_append_text(&json, "}}");
    }
    check(json.p, "  k  any\n      k  any\n          k  any\n              k  any\n"
                  "                  k  any\n");
    strbuf_finish(&json);
}

static void test_schema_text__nothing_steers_the_terminal(void **state)
{
    (void)state;
    check("{\"required\":[\"a\\u001b\"],\"properties\":{"
          "\"a\\u001b\":{\"type\":\"str\\u202eing\",\"description\":\"\\u009bx\"},"
          "\"\\u6f22\\u5b57\":{\"enum\":[\"\\u001b\",[\"\\u202e\"]],\"default\":\"\\u009b\"}}}",
          "  a\\x1b  str\\u202eing, required: \\u009bx\n"
          "  \xE6\xBC\xA2\xE5\xAD\x97   \\x1b | [\"\\u202e\"], default \"\\u009b\"\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema_text__fields_have_type_default_and_words),
        cmocka_unit_test(test_schema_text__inner_fields_are_indented),
        cmocka_unit_test(test_schema_text__no_fields_are_said),
        cmocka_unit_test(test_schema_text__alternatives_are_named),
        cmocka_unit_test(test_schema_text__the_whole_is_described),
        cmocka_unit_test(test_schema_text__properties_may_be_booleans),
        cmocka_unit_test(test_schema_text__deep_schemas_end),
        cmocka_unit_test(test_schema_text__nothing_steers_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
