/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas that are refused, and what is said about them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "core/value/schema_node.h"
#include "tests/unit/value/schema_case.h"

struct refusal_case {
    const char *schema;
    const char *message;
};

static void assert_refused(const char *text, int code, const char *message)
{
    cleanup_document struct document *document = read_quoted(text);
    struct schema *schema = NULL;
    struct error err = {0};
    assert_int_equal(schema_compile(document, &schema, &err), code);
    assert_string_equal(err.message, message);
    assert_int_equal(err.code, code);
    assert_null(schema);
}

static void check_refusals(const struct refusal_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_refused(cases[i].schema, E_INVALID, cases[i].message);
    }
}

#define CHECK_REFUSALS(cases) check_refusals((cases), sizeof(cases) / sizeof((cases)[0]))

static void test_schema_compile__refuses_values_of_the_wrong_type(void **state)
{
    (void)state;
    static const struct refusal_case cases[] = {
        {"1", "must be a schema: a map, true or false"},
        {"[]", "must be a schema: a map, true or false"},
        {"{'properties':{'a':{'minimum':'x'}}}", "/properties/a/minimum: must be a number"},
        {"{'exclusiveMaximum':true}", "/exclusiveMaximum: must be a number"},
        {"{'multipleOf':0}", "/multipleOf: must be a number above 0"},
        {"{'multipleOf':-1.5}", "/multipleOf: must be a number above 0"},
        {"{'maxLength':-1}", "/maxLength: must be a whole number from 0"},
        {"{'minItems':1.5}", "/minItems: must be a whole number from 0"},
        {"{'maxContains':'1','contains':{}}", "/maxContains: must be a whole number from 0"},
        {"{'uniqueItems':1}", "/uniqueItems: must be true or false"},
        {"{'type':'strnig'}", "/type: 'strnig' is no type: did you mean 'string'?"},
        {"{'type':'thing'}", "/type: must be 'null', 'boolean', 'integer', 'number', 'string', "
                             "'array' or 'object', or a list of different ones"},
        {"{'type':[]}",
         "/type: must be 'null', 'boolean', 'integer', 'number', 'string', 'array' or 'object', or "
         "a list of different ones"},
        {"{'type':['null','null']}",
         "/type: must be 'null', 'boolean', 'integer', 'number', 'string', 'array' or 'object', or "
         "a list of different ones"},
        {"{'enum':'a'}", "/enum: must be a list of values"},
        {"{'required':'a'}", "/required: must be a list of property names"},
        {"{'required':['a',1]}", "/required: must be a list of property names"},
        {"{'properties':[]}", "/properties: must be a map whose members are schemas"},
        {"{'properties':{'a/b':1}}", "/properties/a~1b: must be a schema: a map, true or false"},
        {"{'additionalProperties':'no'}",
         "/additionalProperties: must be a schema: a map, true or false"},
        {"{'dependentRequired':{'a':'b'}}",
         "/dependentRequired: must be a map whose members are lists of property names"},
        {"{'dependentSchemas':1}", "/dependentSchemas: must be a map whose members are schemas"},
        {"{'allOf':[]}", "/allOf: must be a list of at least one schema"},
        {"{'anyOf':{}}", "/anyOf: must be a list of at least one schema"},
        {"{'allOf':[{},{'oneOf':[1]}]}",
         "/allOf/1/oneOf/0: must be a schema: a map, true or false"},
        {"{'items':[{}]}", "/items: must be a schema: for a list of schemas use prefixItems"},
        {"{'then':1}", "/then: must be a schema: a map, true or false"},
        {"{'if':{},'else':1}", "/else: must be a schema: a map, true or false"},
        {"{'title':1}", "/title: must be text"},
        {"{'examples':{}}", "/examples: must be a list"},
        {"{'readOnly':'x'}", "/readOnly: must be true or false"},
        {"{'writeOnly':'x'}", "/writeOnly: must be true or false"},
        {"{'$vocabulary':[]}", "/$vocabulary: must be a map"},
        {"{'format':1}", "/format: must be text"},
        {"{'pattern':1}", "/pattern: must be text: a regular expression"},
        {"{'properties':{'a':{'pattern':'(a'}}}",
         "/properties/a/pattern: the regular expression '(a' is not valid: missing ): (a"},
        {"{'patternProperties':{'[':{}}}",
         "/patternProperties: the regular expression '[' is not valid: missing ]: ["},
        {"{'$defs':{'\\u001b[2J':1}}", "/$defs/\\x1b[2J: must be a schema: a map, true or false"},
    };
    CHECK_REFUSALS(cases);
}

static void test_schema_compile__refuses_what_is_not_supported(void **state)
{
    (void)state;
    static const struct refusal_case cases[] = {
        {"{'$dynamicRef':'#a'}", "/$dynamicRef: is not supported: use $ref"},
        {"{'$recursiveRef':'#'}", "/$recursiveRef: is not supported: use $ref"},
        {"{'dependencies':{}}",
         "/dependencies: is of an older draft: use dependentRequired or dependentSchemas"},
        {"{'additionalItems':false}",
         "/additionalItems: is of an older draft: use prefixItems and items"},
        {"{'$schema':'http://json-schema.org/draft-07/schema#'}",
         "/$schema: must be 'https://json-schema.org/draft/2020-12/schema', the one draft that is "
         "supported"},
        {"{'properties':{'a':{'$ref':'other.json#/x'}}}",
         "/properties/a/$ref: 'other.json' is not in this document, and references to other "
         "documents are not supported: copy the schema below $defs"},
        {"{'$id':'http://x.test/a/b','$ref':'c#d'}",
         "/$ref: 'http://x.test/a/c' is not in this document, and references to other documents "
         "are not supported: copy the schema below $defs"},
    };
    CHECK_REFUSALS(cases);
}

static void test_schema_compile__refuses_names_and_references(void **state)
{
    (void)state;
    static const struct refusal_case cases[] = {
        {"{'$ref':1}", "/$ref: must be text"},
        {"{'$ref':'#/$defs/a'}", "/$ref: '#/$defs/a' names nothing in this document"},
        {"{'$ref':'#a'}", "/$ref: '#a' names nothing in this document"},
        {"{'$ref':'#/title','title':'x'}", "/title: must be a schema: a map, true or false"},
        {"{'x-a':{'type':'z'},'$ref':'#/x-a'}",
         "/x-a/type: must be 'null', 'boolean', 'integer', 'number', 'string', 'array' or "
         "'object', or a list of different ones"},
        {"{'$id':1}", "/$id: must be text"},
        {"{'$id':'http://x.test/a#b'}",
         "/$id: must be a URI without a fragment: use $anchor for a name"},
        {"{'$id':'http://x.test/a','$defs':{'b':{'$id':'a'}}}",
         "/$defs/b/$id: 'http://x.test/a' is the $id of another subschema, too"},
        {"{'$anchor':'1a'}",
         "/$anchor: must be a name: a letter or '_', then letters, digits, '-', '_' and '.'"},
        {"{'$anchor':''}",
         "/$anchor: must be a name: a letter or '_', then letters, digits, '-', '_' and '.'"},
        {"{'$defs':{'a':{'$anchor':'x'},'b':{'$anchor':'x'}}}",
         "/$defs/b/$anchor: 'x' names another subschema, too"},
        {"{'$ref':'#'}", "the references loop: this subschema asks itself about the same value"},
        {"{'$defs':{'a':{'allOf':[{'$ref':'#/$defs/b'}]},'b':{'anyOf':[true,{'$ref':'#/$defs/a'}]"
         "}}}",
         "/$defs/b/anyOf/1: the references loop: this subschema asks itself about the same value"},
        {"{'properties':{'a':{'if':true,'then':{'$ref':'#/properties/a'}}}}",
         "/properties/a/then: the references loop: this subschema asks itself about the same "
         "value"},
        {"{'dependentSchemas':{'a':{'not':{'$ref':'#'}}}}",
         "/dependentSchemas/a/not: the references loop: this subschema asks itself about the same "
         "value"},
    };
    CHECK_REFUSALS(cases);
}

static void test_schema_compile__takes_annotations(void **state)
{
    (void)state;
    assert_true(is_valid_quoted(
        "{'$schema':'https://json-schema.org/draft/2020-12/schema','$comment':'c','title':'t',"
        "'description':'d','default':1,'examples':[1],'deprecated':true,'readOnly':false,"
        "'writeOnly':false,'contentSchema':{'type':'string'},'x-anything':{'type':7},"
        "'unknownKeyword':[1],'id':5,'$vocabulary':{}}",
        "'x'"));
}

static void assert_strict(const char *text, int code, const char *message)
{
    cleanup_document struct document *document = read_quoted(text);
    struct schema *schema = NULL;
    struct error err = {0};
    assert_int_equal(schema_compile_strictly(document, document_root(document), &schema, &err),
                     code);
    assert_string_equal(err.message, message);
    schema_destroy(schema);
    assert_int_equal(schema_compile(document, &schema, NULL), 0);
    schema_destroy(schema);
}

static void test_schema_compile__can_be_strict_with_unknown_keywords(void **state)
{
    (void)state;
    assert_strict("{'$id':'urn:x:y','$anchor':'a','$comment':'','x-own':{'maxLenght':1},"
                  "'default':{'requried':1},'const':{'a':1},'enum':[{'b':1}],'format':'mine'}",
                  0, "");
    assert_strict("{'items':{'not':{'$defs':{'a/b':{'minimun':1}}}}}", E_INVALID,
                  "/items/not/$defs/a~1b/minimun: is no keyword of JSON Schema: did you mean "
                  "'minimum'?");
    assert_strict("{'$ref':'#/odd/place','x-odd':1,'odd':{'place':{}}}", E_INVALID,
                  "/odd: is no keyword of JSON Schema; marks of your own begin with 'x-'");
}

/* A keyword is one wherever a subschema may stand; names of members and values are none. */
static void test_schema_compile__is_strict_at_every_place(void **state)
{
    static const char *const places[][2] = {
        {"{'properties':{'type':%s}}", "/properties/type"},
        {"{'patternProperties':{'^a':%s}}", "/patternProperties/^a"},
        {"{'additionalProperties':%s}", "/additionalProperties"},
        {"{'propertyNames':%s}", "/propertyNames"},
        {"{'unevaluatedProperties':%s}", "/unevaluatedProperties"},
        {"{'dependentSchemas':{'required':%s}}", "/dependentSchemas/required"},
        {"{'items':%s}", "/items"},
        {"{'prefixItems':[true,%s]}", "/prefixItems/1"},
        {"{'contains':%s}", "/contains"},
        {"{'unevaluatedItems':%s}", "/unevaluatedItems"},
        {"{'allOf':[%s]}", "/allOf/0"},
        {"{'anyOf':[{},%s]}", "/anyOf/1"},
        {"{'oneOf':[%s]}", "/oneOf/0"},
        {"{'not':%s}", "/not"},
        {"{'if':%s}", "/if"},
        {"{'if':{},'then':%s}", "/then"},
        {"{'if':{},'else':%s}", "/else"},
        {"{'then':%s}", "/then"},
        {"{'else':%s}", "/else"},
        {"{'contentSchema':%s}", "/contentSchema"},
        {"{'$defs':{'items':%s}}", "/$defs/items"},
        {"{'definitions':{'$ref':%s}}", "/definitions/$ref"},
        {"{'x-mine':{'deep':%s},'$ref':'#/x-mine/deep'}", "/x-mine/deep"},
    };
    static const char *const faults[][2] = {
        {"{'maxLenght':1}", "/maxLenght: is no keyword of JSON Schema: did you mean 'maxLength'?"},
        {"{'x-ops-secert':true}",
         "/x-ops-secert: is no mark of OpStream: did you mean 'x-ops-secret'?"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char text[200];
        char message[300];
        for (size_t f = 0; f < sizeof faults / sizeof faults[0]; f++) {
            (void)snprintf(text, sizeof text, places[i][0], faults[f][0]);
            (void)snprintf(message, sizeof message, "%s%s", places[i][1], faults[f][1]);
            assert_strict(text, E_INVALID, message);
        }
        (void)snprintf(text, sizeof text, places[i][0],
                       "{'properties':{'maxLenght':{},'x-ops-secert':true}}");
        assert_strict(text, 0, "");
    }
}

static void test_schema_compile__knows_its_own_marks(void **state)
{
    (void)state;
    assert_strict("{'x-ops-secret':true,'x-ops-public':false,'x-ops-raw':true,'x-ops-origin':true,"
                  "'x-ops-names':'/a','x-ops-unused':'why','x-ops':1,'x-opstream':1,'x-mine':[],"
                  "'x-secret':1,'x-names':1,'x-my-names':1,'x-raw':1}",
                  0, "");
    assert_strict("{'x-ops-origin':'/services/*/base_url'}", 0, "");
    assert_strict("{'x-op-secret':true}", E_INVALID,
                  "/x-op-secret: is no mark of OpStream: did you mean 'x-ops-secret'?");
    assert_strict("{'x-ops_raw':true}", E_INVALID,
                  "/x-ops_raw: is no mark of OpStream: did you mean 'x-ops-raw'?");
    assert_strict("{'X-Ops-Secret':true}", E_INVALID,
                  "/X-Ops-Secret: is no keyword of JSON Schema: did you mean 'x-ops-secret'?");
    assert_strict("{'x-ops-colour':1}", E_INVALID,
                  "/x-ops-colour: is no mark of OpStream; those of your own begin with 'x-' and "
                  "not with 'x-ops-'");
    assert_strict("{'x-ops-secret':'true'}", E_INVALID, "/x-ops-secret: must be true or false");
    assert_strict("{'x-ops-public':1}", E_INVALID, "/x-ops-public: must be true or false");
    assert_strict("{'x-ops-raw':null}", E_INVALID, "/x-ops-raw: must be true or false");
    assert_strict("{'x-ops-origin':1}", E_INVALID, "/x-ops-origin: must be true, false or text");
    assert_strict("{'x-ops-names':true}", E_INVALID, "/x-ops-names: must be text");
    assert_strict("{'x-ops-unused':true}", E_INVALID, "/x-ops-unused: must be text");
}

static bool has_annotations(const char *text)
{
    cleanup_document struct document *document = read_quoted(text);
    struct schema *schema = NULL;
    struct error err = {0};
    assert_int_equal(schema_compile(document, &schema, &err), 0);
    bool has = schema_has_annotations(schema);
    schema_destroy(schema);
    return has;
}

static void test_schema_compile__knows_annotations(void **state)
{
    (void)state;
    assert_true(has_annotations("{'x-ops-raw':true}"));
    assert_true(has_annotations("{'items':{'anyOf':[{},{'properties':{'a':{'format':'cel'}}}]}}"));
    assert_true(
        has_annotations("{'$defs':{'a':{'x-b':1}},'additionalProperties':{'$ref':'#/$defs/a'}}"));
    assert_false(has_annotations("true"));
    assert_false(
        has_annotations("{'type':'object','properties':{'a':{'format':'uri','title':'A'}}}"));
}

static void test_schema_compile__limits_patterns(void **state)
{
    (void)state;
    struct strbuf text = STRBUF_INIT;
    strbuf_append_text(&text, "{'patternProperties':{");
    for (int i = 0; i <= SCHEMA_MAX_PATTERNS; i++) {
        strbuf_append_format(&text, "%s'%d':{}", i > 0 ? "," : "", i);
    }
    strbuf_append_text(&text, "}}");
    assert_refused(text.p, E_LIMIT,
                   "/patternProperties: the schema has more than 1000 regular expressions");
    strbuf_finish(&text);
}

static void test_schema_compile__limits_subschemas(void **state)
{
    (void)state;
    struct strbuf text = STRBUF_INIT;
    strbuf_append_text(&text, "{'allOf':[true");
    for (int i = 1; i < SCHEMA_MAX_NODES; i++) {
        strbuf_append_text(&text, ",true");
    }
    strbuf_append_text(&text, "]}");
    assert_refused(text.p, E_LIMIT,
                   "/allOf/99999: the schema has more than 100000 subschemas: make it smaller");
    strbuf_finish(&text);
}

/* 99,000 references in a row: compiled, searched for loops and destroyed without recursion. */
static void test_schema_compile__does_not_recurse_over_references(void **state)
{
    (void)state;
    struct strbuf text = STRBUF_INIT;
    strbuf_append_text(&text, "{'$defs':{");
    for (int i = 0; i < 99000; i++) {
        strbuf_append_format(&text, "'d%d':{'$ref':'#/$defs/d%d'},", i, i + 1);
    }
    strbuf_append_text(&text, "'d99000':true}}");
    assert_true(is_valid_quoted(text.p, "1"));
    strbuf_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema_compile__refuses_values_of_the_wrong_type),
        cmocka_unit_test(test_schema_compile__refuses_what_is_not_supported),
        cmocka_unit_test(test_schema_compile__refuses_names_and_references),
        cmocka_unit_test(test_schema_compile__takes_annotations),
        cmocka_unit_test(test_schema_compile__knows_annotations),
        cmocka_unit_test(test_schema_compile__limits_patterns),
        cmocka_unit_test(test_schema_compile__limits_subschemas),
        cmocka_unit_test(test_schema_compile__can_be_strict_with_unknown_keywords),
        cmocka_unit_test(test_schema_compile__is_strict_at_every_place),
        cmocka_unit_test(test_schema_compile__knows_its_own_marks),
        cmocka_unit_test(test_schema_compile__does_not_recurse_over_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
