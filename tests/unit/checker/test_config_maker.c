/* SPDX-License-Identifier: Apache-2.0 */
#include "core/checker/config_maker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/checker/chance.h"
#include "core/checker/subject.h"
#include "core/value/json.h"
#include "core/value/schema.h"
#include "core/value/value.h"

static struct document *read_json(struct str text)
{
    struct document *document = NULL;
    struct error err = {0};
    if (json_read(text, NULL, &document, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return document;
}

static struct schema *compile(const char *text)
{
    struct schema *schema = NULL;
    struct error err = {0};
    struct document *document = read_json(str_from(text));
    if (schema_compile(document, &schema, &err) != 0) {
        fail_msg("%s", err.message);
    }
    document_unref(document);
    return schema;
}

/* Owned. */
static char *make_text(const struct schema *schema, uint64_t seed, enum config_size size)
{
    struct chance chance = {seed};
    struct document *document = NULL;
    struct strbuf text = STRBUF_INIT;
    struct error err = {0};
    if (config_maker_make(schema, &chance, size, &document, &err) != 0) {
        fail_msg("seed %d: %s", (int)seed, err.message);
    }
    assert_int_equal(schema_validate(schema, document_root(document), NULL, NULL), 0);
    json_write(document_root(document), JSON_COMPACT, &text);
    document_unref(document);
    return strbuf_take(&text);
}

static void expect(const char *schema_text, enum config_size size, const char *expected)
{
    struct schema *schema = compile(schema_text);
    char *text = make_text(schema, 1, size);
    assert_string_equal(text, expected);
    free(text);
    schema_destroy(schema);
}

static void test_config_maker__small_is_what_is_required(void **state)
{
    (void)state;
    expect("{\"type\":\"object\",\"required\":[\"a\"],\"properties\":{\"a\":{\"const\":7},"
           "\"b\":{\"type\":\"string\"}}}",
           CONFIG_SMALL, "{\"a\":7}");
    expect("{\"type\":\"array\",\"minItems\":2,\"items\":{\"enum\":[\"x\"]}}", CONFIG_SMALL,
           "[\"x\",\"x\"]");
}

static void test_config_maker__bounds(void **state)
{
    (void)state;
    static const char text[] = "{\"type\":\"object\",\"properties\":{"
                               "\"a\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":3},"
                               "\"b\":{\"type\":\"integer\",\"minimum\":-2,\"maximum\":9}},"
                               "\"required\":[\"a\",\"b\"],\"additionalProperties\":false}";
    expect(text, CONFIG_LEAST, "{\"a\":\"x\",\"b\":-2}");
    expect(text, CONFIG_MOST, "{\"a\":\"xxx\",\"b\":9}");
    expect(text, CONFIG_WIDE,
           "{\"a\":\"\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xF0\x9F\x98\x80\",\"b\":9}");
    expect("{\"type\":\"array\",\"minItems\":1,\"maxItems\":3,\"uniqueItems\":true,"
           "\"items\":{\"type\":\"string\",\"maxLength\":2}}",
           CONFIG_MOST, "[\"0x\",\"1x\",\"2x\"]");
    expect("{\"type\":\"array\",\"minItems\":1,\"maxItems\":3,\"items\":{\"const\":1}}",
           CONFIG_LEAST, "[1]");
    expect("{\"type\":\"object\",\"maxProperties\":2,\"additionalProperties\":{\"const\":1}}",
           CONFIG_MOST, "{\"a\":1,\"b\":1}");
    expect("{\"type\":\"string\",\"pattern\":\"^#[a-z]+$\",\"maxLength\":12}", CONFIG_MOST,
           "\"#generalxxxx\"");
}

/* What would be larger than all memory is only large. */
static void test_config_maker__bounds_are_capped(void **state)
{
    (void)state;
    struct schema *schema = compile(
        "{\"type\":\"array\",\"minItems\":1,\"maxItems\":4000000000,\"items\":{\"type\":\"array\","
        "\"maxItems\":4000000000,\"items\":{\"type\":\"string\",\"maxLength\":4000000000}}}");
    char *text = make_text(schema, 1, CONFIG_WIDE);
    assert_in_range(strlen(text), 100 * 1000, 2 * 1000 * 1000);
    free(text);
    schema_destroy(schema);
}

static void test_config_maker__large_is_all(void **state)
{
    (void)state;
    expect(
        "{\"type\":\"object\",\"properties\":{\"a\":{\"const\":7},\"b\":{\"$ref\":\"#/$defs/t\"}},"
        "\"$defs\":{\"t\":{\"type\":\"string\",\"pattern\":\"^[0-9]+/minute$\"}}}",
        CONFIG_LARGE, "{\"a\":7,\"b\":\"5/minute\"}");
}

static void test_config_maker__same_seed_same_value(void **state)
{
    (void)state;
    struct schema *schema = compile("{\"type\":\"object\",\"properties\":{\"a\":{},\"b\":{},\"c\":"
                                    "{\"type\":[\"integer\",\"string\"]}}}");
    int others = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        char *a = make_text(schema, seed, CONFIG_MEDIUM);
        char *b = make_text(schema, seed, CONFIG_MEDIUM);
        char *c = make_text(schema, seed + 1, CONFIG_MEDIUM);
        assert_string_equal(a, b);
        others += strcmp(a, c) != 0 ? 1 : 0;
        free(a);
        free(b);
        free(c);
    }
    assert_true(others > 10);
    schema_destroy(schema);
}

/* What branches, conditions and names ask for. */
static void test_config_maker__finds_a_way_through_branches(void **state)
{
    static const char *const schemas[] = {
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":"
        "\"string\"}},"
        "\"oneOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\"]}]}",
        "{\"oneOf\":[{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"k\"],"
        "\"properties\":{\"k\":{\"const\":1}}},{\"type\":\"object\",\"additionalProperties\":false,"
        "\"required\":[\"k\",\"l\"],\"properties\":{\"k\":{\"const\":2},\"l\":{\"type\":\"null\"}}}"
        "]}",
        "{\"type\":\"object\",\"properties\":{\"m\":{\"enum\":[\"x\",\"y\"]}},\"if\":{\"required\":"
        "[\"m\"],\"properties\":{\"m\":{\"const\":\"x\"}}},\"then\":{\"required\":[\"n\"]},"
        "\"else\":"
        "{\"required\":[\"o\"]}}",
        ("{\"type\":\"object\",\"minProperties\":2,\"propertyNames\":{\"maxLength\":3},"
         "\"additionalProperties\":{\"type\":\"integer\",\"minimum\":5,\"maximum\":6}}"),
        "{\"type\":\"string\",\"minLength\":40,\"maxLength\":41}",
        "{\"type\":\"number\",\"exclusiveMinimum\":0,\"maximum\":1}",
        "{\"type\":\"number\",\"exclusiveMinimum\":0,\"exclusiveMaximum\":1}",
        "{\"type\":\"number\",\"exclusiveMaximum\":-5}",
        "{\"type\":\"integer\",\"exclusiveMinimum\":4,\"exclusiveMaximum\":6}",
        "{\"type\":\"integer\",\"minimum\":10,\"exclusiveMinimum\":4}",
        "{\"type\":\"integer\",\"exclusiveMaximum\":-5}",
        "{\"type\":\"string\",\"minLength\":10000}",
        "{\"type\":\"array\",\"uniqueItems\":true,\"minItems\":2,\"items\":{\"enum\":[1,2,3]}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++) {
        struct schema *schema = compile(schemas[i]);
        for (uint64_t seed = 0; seed < 30; seed++) {
            free(make_text(schema, seed, (enum config_size)(seed % 3)));
        }
        schema_destroy(schema);
    }
}

static void test_config_maker__says_what_cannot_be_made(void **state)
{
    (void)state;
    struct schema *schema =
        compile("{\"type\":\"object\",\"required\":[\"a\"],\"properties\":{\"a\":"
                "{\"type\":\"string\",\"pattern\":\"^(qq){9}$\"}}}");
    struct chance chance = {1};
    struct document *document = NULL;
    struct error err = {0};
    assert_int_equal(config_maker_make(schema, &chance, CONFIG_SMALL, &document, &err),
                     E_NOT_FOUND);
    assert_non_null(strstr(err.message, "(qq){9}"));
    schema_destroy(schema);
}

/* A schema may refer to itself for ever; values end. */
static void test_config_maker__ends_where_schemas_do_not(void **state)
{
    (void)state;
    struct schema *schema = compile(
        "{\"$defs\":{\"t\":{\"type\":\"object\",\"properties\":{\"l\":{\"$ref\":\"#/$defs/t\"},"
        "\"r\":{\"anyOf\":[{\"$ref\":\"#/$defs/t\"},{\"type\":\"null\"}]}}}},"
        "\"$ref\":\"#/$defs/t\"}");
    for (uint64_t seed = 0; seed < 10; seed++) {
        free(make_text(schema, seed, CONFIG_MEDIUM));
    }
    schema_destroy(schema);
}

static void check_node(const char *plugin, const struct document *document,
                       const struct value *node)
{
    struct schema *schema = NULL;
    struct error err = {0};
    const struct value *source = value_get(node, STR("config_schema"));
    assert_int_equal(schema_compile_value(document, source, &schema, &err), 0);
    for (uint64_t seed = 0; seed < 12; seed++) {
        struct chance chance = {seed};
        struct document *config = NULL;
        if (config_maker_make(schema, &chance, (enum config_size)(seed % 3), &config, &err) != 0) {
            fail_msg("%s, %.*s: %s", plugin, STR_ARG(value_str(value_get(node, STR("type")))),
                     err.message);
        }
        document_unref(config);
    }
    schema_destroy(schema);
}

/* All that is shipped, without help by an author. */
static void test_config_maker__knows_the_schemas_of_our_plugins(void **state)
{
    static const char *const plugins[] = {"api", "code",   "file",   "github",   "http", "jq",
                                          "llm", "notify", "search", "shortcut", "slack"};
    (void)state;
    for (size_t i = 0; i < sizeof plugins / sizeof plugins[0]; i++) {
        char path[512];
        struct strbuf text = STRBUF_INIT;
        struct error err = {0};
        (void)snprintf(path, sizeof path, MANIFESTS "/%s/manifest.json", plugins[i]);
        assert_int_equal(subject_read_file(path, &text, &err), 0);
        struct document *document = read_json(strbuf_str(&text));
        const struct value *nodes = value_get(document_root(document), STR("nodes"));
        for (size_t k = 0; k < value_count(nodes); k++) {
            check_node(plugins[i], document, value_at(nodes, k));
        }
        document_unref(document);
        strbuf_finish(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_maker__small_is_what_is_required),
        cmocka_unit_test(test_config_maker__bounds),
        cmocka_unit_test(test_config_maker__bounds_are_capped),
        cmocka_unit_test(test_config_maker__large_is_all),
        cmocka_unit_test(test_config_maker__same_seed_same_value),
        cmocka_unit_test(test_config_maker__finds_a_way_through_branches),
        cmocka_unit_test(test_config_maker__says_what_cannot_be_made),
        cmocka_unit_test(test_config_maker__ends_where_schemas_do_not),
        cmocka_unit_test(test_config_maker__knows_the_schemas_of_our_plugins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
