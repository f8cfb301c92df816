/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/str.h"
#include "core/model/template_schema.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

#define TEMPLATE "{\"type\":\"string\",\"$ref\":\"#/$defs/template\"}"

static void assert_becomes(const char *from, const char *more, const char *to)
{
    cleanup_document struct document *source = NULL;
    cleanup_document struct document *extra = NULL;
    cleanup_document struct document *made = NULL;
    struct strbuf text = STRBUF_INIT;
    struct builder *b = builder_create();
    assert_int_equal(json_read(str_from(from), NULL, &source, NULL), 0);
    if (more != NULL) {
        assert_int_equal(json_read(str_from(more), NULL, &extra, NULL), 0);
    }
    builder_map_begin(b);
    assert_int_equal(template_schema_build(b, document_root(source), STR("#/$defs/c"),
                                           more != NULL ? document_root(extra) : NULL),
                     0);
    builder_map_end(b);
    assert_int_equal(builder_finish(b, &made, NULL), 0);
    json_write(document_root(made), JSON_COMPACT, &text);
    assert_string_equal(text.p, to);
    strbuf_finish(&text);
}

/* `field` in a config. */
static void assert_field_becomes(const char *field, const char *to)
{
    struct strbuf from = STRBUF_INIT;
    struct strbuf wanted = STRBUF_INIT;
    strbuf_append_format(&from, "{\"properties\":{\"f\":%s}}", field);
    strbuf_append_format(&wanted, "{\"properties\":{\"f\":%s}}", to);
    assert_becomes(from.p, NULL, wanted.p);
    strbuf_finish(&from);
    strbuf_finish(&wanted);
}

static void test_template_schema__adds_templates_to_values(void **state)
{
    (void)state;
    assert_field_becomes("{\"type\":\"integer\",\"minimum\":1}",
                         "{\"anyOf\":[{\"type\":\"integer\",\"minimum\":1}," TEMPLATE "]}");
    assert_field_becomes(
        "{\"enum\":[\"a\"],\"default\":\"a\",\"description\":\"d\"}",
        "{\"default\":\"a\",\"description\":\"d\",\"anyOf\":[{\"enum\":[\"a\"]}," TEMPLATE "]}");
    assert_field_becomes("{\"type\":\"array\",\"items\":{\"type\":\"boolean\"}}",
                         "{\"anyOf\":[{\"type\":\"array\",\"items\":{\"anyOf\":"
                         "[{\"type\":\"boolean\"}," TEMPLATE "]}}," TEMPLATE "]}");
    assert_field_becomes("{\"anyOf\":[{\"type\":\"null\"},{\"const\":1}]}",
                         "{\"anyOf\":[{\"type\":\"null\"},{\"const\":1}," TEMPLATE "]}");
    assert_field_becomes("true", "true");
    assert_field_becomes("false", "false");
    assert_field_becomes("{}", "{}");
}

static void test_template_schema__lets_texts_be_numbers(void **state)
{
    (void)state;
    assert_field_becomes("{\"type\":\"string\",\"minLength\":1,\"maxLength\":9}",
                         "{\"type\":[\"string\",\"number\"],\"minLength\":1}");
    assert_field_becomes("{\"type\":[\"string\",\"null\"]}",
                         "{\"type\":[\"string\",\"null\",\"number\"]}");
    assert_field_becomes("{\"type\":[\"string\",\"integer\"]}",
                         "{\"type\":[\"string\",\"integer\"]}");
    assert_field_becomes("{\"type\":\"string\",\"pattern\":\"^a\"}",
                         "{\"anyOf\":[{\"type\":\"string\",\"pattern\":\"^a\"}," TEMPLATE "]}");
}

static void test_template_schema__leaves_raw_fields_and_expressions(void **state)
{
    (void)state;
    assert_field_becomes("{\"type\":\"string\",\"maxLength\":9,\"x-ops-raw\":true}",
                         "{\"type\":\"string\",\"maxLength\":9}");
    assert_field_becomes("{\"format\":\"cel\",\"description\":\"d\"}", "{\"description\":\"d\"}");
    assert_field_becomes("{\"type\":\"string\",\"x-ops-secret\":true}",
                         "{\"type\":[\"string\",\"number\"]}");
}

static void test_template_schema__moves_references(void **state)
{
    (void)state;
    assert_field_becomes("{\"$ref\":\"#/$defs/a\"}",
                         "{\"anyOf\":[{\"$ref\":\"#/$defs/c/$defs/a\"}," TEMPLATE "]}");
    assert_becomes("{\"$defs\":{\"a\":{\"type\":\"integer\"}},\"not\":{\"$ref\":\"#\"}}", NULL,
                   "{\"$defs\":{\"a\":{\"type\":\"integer\"}},\"not\":{\"$ref\":\"#/$defs/c\"}}");
}

static void test_template_schema__opens_choices_that_templates_blur(void **state)
{
    (void)state;
    assert_becomes("{\"oneOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\"]}]}", NULL,
                   "{\"oneOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\"]}]}");
    assert_becomes("{\"oneOf\":[{\"properties\":{\"a\":{\"const\":1}}},{\"required\":[\"b\"]}]}",
                   NULL,
                   "{\"anyOf\":[{\"properties\":{\"a\":{\"anyOf\":[{\"const\":1}," TEMPLATE
                   "]}}},{\"required\":[\"b\"]}]}");
    assert_becomes("{\"if\":{\"properties\":{\"a\":{\"const\":1}}},\"then\":{\"properties\":{"
                   "\"b\":{\"type\":\"null\"}}}}",
                   NULL,
                   "{\"if\":{\"properties\":{\"a\":{\"const\":1}}},\"then\":{\"properties\":{"
                   "\"b\":{\"anyOf\":[{\"type\":\"null\"}," TEMPLATE "]}}}}");
}

static void test_template_schema__adds_properties(void **state)
{
    (void)state;
    assert_becomes("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},"
                   "\"timeout\":{\"type\":\"integer\"}}}",
                   "{\"timeout\":{\"const\":1}}",
                   "{\"type\":\"object\",\"properties\":{\"timeout\":{\"const\":1},"
                   "\"a\":{\"type\":[\"string\",\"number\"]}}}");
    assert_becomes("{}", "{\"timeout\":true}", "{\"properties\":{\"timeout\":true}}");
}

static void test_template_schema__opens_what_cannot_be_moved(void **state)
{
    (void)state;
    assert_becomes("{\"$id\":\"urn:a\",\"required\":[\"a\"]}", NULL, "{\"type\":\"object\"}");
    assert_becomes("{\"items\":{\"$anchor\":\"a\"}}", "{\"t\":true}",
                   "{\"type\":\"object\",\"properties\":{\"t\":true}}");
    assert_becomes("true", NULL, "{\"type\":\"object\"}");
    struct strbuf deep = STRBUF_INIT;
    for (int i = 0; i < 30; i++) {
        strbuf_append_text(&deep, "{\"items\":");
    }
    strbuf_append_text(&deep, "{}");
    for (int i = 0; i < 30; i++) {
        strbuf_append_char(&deep, '}');
    }
    assert_becomes(deep.p, NULL, "{\"type\":\"object\"}");
    strbuf_finish(&deep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_template_schema__adds_templates_to_values),
        cmocka_unit_test(test_template_schema__lets_texts_be_numbers),
        cmocka_unit_test(test_template_schema__leaves_raw_fields_and_expressions),
        cmocka_unit_test(test_template_schema__moves_references),
        cmocka_unit_test(test_template_schema__opens_choices_that_templates_blur),
        cmocka_unit_test(test_template_schema__adds_properties),
        cmocka_unit_test(test_template_schema__opens_what_cannot_be_moved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
