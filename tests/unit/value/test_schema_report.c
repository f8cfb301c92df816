/* SPDX-License-Identifier: Apache-2.0 */
/* What a report says: pointer, rule, message, suggestion; and the limits of a validation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/value/builder.h"
#include "tests/unit/value/schema_case.h"

struct report_case {
    const char *schema;
    const char *value;
    const char *report;
};

static void check_reports(const struct report_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_report(cases[i].schema, cases[i].value, cases[i].report);
    }
}

#define CHECK_REPORTS(cases) check_reports((cases), sizeof(cases) / sizeof((cases)[0]))

static void test_schema_report__tells_types_and_choices(void **state)
{
    (void)state;
    static const struct report_case cases[] = {
        {"{'type':'string'}", "5", "|type|must be text, found 5"},
        {"{'type':'integer'}", "'5'", "|type|must be a whole number, found text '5'"},
        {"{'type':'integer'}", "1.5", "|type|must be a whole number, found 1.5"},
        {"{'type':'object'}", "[1]", "|type|must be a map, found a list"},
        {"{'type':'array'}", "{}", "|type|must be a list, found an empty map"},
        {"{'type':['null','string']}", "true", "|type|must be text or null, found true"},
        {"{'type':['integer','array','boolean']}", "null",
         "|type|must be true or false, a whole number or a list, found null"},
        {"{'type':'string','enum':['a'],'minLength':3}", "5", "|type|must be text, found 5"},
        {"{'properties':{'m':{'enum':['GET','POST','PUT']}}}", "{'m':'PSOT'}",
         "/m|enum|must be one of 'GET', 'POST' or 'PUT', found 'PSOT'|POST"},
        {"{'enum':['GET']}", "'get'", "|enum|must be 'GET', found 'get'|GET"},
        {"{'enum':[1,null,true,{'a':1},[2]]}", "'zzzzzz'",
         "|enum|must be one of 1, null, true, {\"a\":1} or [2], found 'zzzzzz'"},
        {"{'enum':[1,2,3,4,5,6,7,8,9,10,11,12,13,14]}", "0",
         "|enum|must be one of 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 or 3 others, found 0"},
        {"{'enum':[]}", "0", "|enum|no value is allowed here, found 0"},
        {"{'const':5}", "6", "|const|must be 5, found 6"},
        {"{'const':'yes'}", "'yse'", "|const|must be 'yes', found 'yse'|yes"},
        {"{'items':{'const':{'a':1}}}", "[{}]", "/0|const|must be {\"a\":1}, found an empty map"},
        {"false", "1", "|false|no value is allowed here"},
    };
    CHECK_REPORTS(cases);
}

static void test_schema_report__tells_limits(void **state)
{
    (void)state;
    static const struct report_case cases[] = {
        {"{'maximum':10}", "11", "|maximum|must be at most 10, found 11"},
        {"{'minimum':1}", "0.5", "|minimum|must be at least 1, found 0.5"},
        {"{'exclusiveMaximum':10.5}", "10.5",
         "|exclusiveMaximum|must be less than 10.5, found 10.5"},
        {"{'exclusiveMinimum':0}", "0", "|exclusiveMinimum|must be more than 0, found 0"},
        {"{'multipleOf':0.01}", "0.015", "|multipleOf|must be a multiple of 0.01, found 0.015"},
        {"{'maxLength':3}", "'abcd'", "|maxLength|must be at most 3 characters long, found 4"},
        {"{'minLength':1}", "''", "|minLength|must be at least 1 character long, found 0"},
        {"{'maxItems':1}", "[1,2]", "|maxItems|must have at most 1 item, found 2"},
        {"{'minItems':2}", "[]", "|minItems|must have at least 2 items, found 0"},
        {"{'maxProperties':1}", "{'a':1,'b':2}", "|maxProperties|must have at most 1 key, found 2"},
        {"{'minProperties':2}", "{}", "|minProperties|must have at least 2 keys, found 0"},
        {"{'uniqueItems':true}", "[1,2,1.0]",
         "|uniqueItems|must not hold the same item twice: items 0 and 2 are equal"},
        {"{'contains':{'const':1}}", "[2]",
         "|contains|must have at least 1 item of the kind that 'contains' asks for, found 0"},
        {"{'contains':{'const':1},'minContains':2}", "[1]",
         "|minContains|must have at least 2 items of the kind that 'contains' asks for, found 1"},
        {"{'contains':{'const':1},'maxContains':1}", "[1,1]",
         "|maxContains|must have at most 1 item of the kind that 'contains' asks for, found 2"},
        {"{'pattern':'^[a-z]+$'}", "'A'", "|pattern|must match the pattern '^[a-z]+$', found 'A'"},
        {"{'pattern':'^[a-z]+$','examples':['b','c']}", "'A'",
         "|pattern|must be like 'b' or 'c', found 'A'"},
        {"{'pattern':'^[a-z]+$','examples':[]}", "'A'",
         "|pattern|must match the pattern '^[a-z]+$', found 'A'"},
        {"{'format':'date-time'}", "'yesterday'",
         "|format|must be a date and time as in '2024-02-29T12:30:00Z', found 'yesterday'"},
        {"{'format':'email'}", "'me'",
         "|format|must be an e-mail address as in 'name@example.org', found 'me'"},
        {"{'prefixItems':[{}],'items':false}", "[1,2,3]",
         "|items|must have at most 1 item, found 3"},
        {"{'prefixItems':[{}],'unevaluatedItems':false}", "[1,2]",
         "/1|unevaluatedItems|no item is allowed here"},
    };
    CHECK_REPORTS(cases);
}

static void test_schema_report__tells_names(void **state)
{
    (void)state;
    static const struct report_case cases[] = {
        {"{'required':['url']}", "{}", "|required|must have the key 'url'"},
        {"{'properties':{'url':{},'method':{}},'additionalProperties':false}", "{'ulr':1}",
         "/ulr|additionalProperties|unknown key 'ulr'; allowed: 'url', 'method'|url"},
        {"{'properties':{'url':{}},'additionalProperties':false}", "{'ulr':1,'url':2}",
         "/ulr|additionalProperties|unknown key 'ulr'; allowed: 'url'"},
        {"{'additionalProperties':false}", "{'a/b~c':1}",
         "/a~1b~0c|additionalProperties|unknown key 'a/b~c'"},
        {"{'patternProperties':{'^x-':{}},'additionalProperties':false}", "{'a':1}",
         "/a|additionalProperties|unknown key 'a'; allowed: names that match '^x-'"},
        {"{'properties':{'b':{}},'patternProperties':{'^x-':{}},'additionalProperties':false}",
         "{'qqqq':1}",
         "/qqqq|additionalProperties|unknown key 'qqqq'; allowed: 'b', and names that match "
         "'^x-'"},
        {"{'allOf':[{'properties':{'color':{}}}],'unevaluatedProperties':false}", "{'colour':1}",
         "/colour|unevaluatedProperties|unknown key 'colour'|color"},
        {"{'properties':{'a':false}}", "{'a':1}", "/a|properties|the key 'a' is not allowed"},
        {"{'patternProperties':{'^b':false}}", "{'b1':1}",
         "/b1|patternProperties|the key 'b1' is not allowed"},
        {"{'propertyNames':{'maxLength':2}}", "{'ab':1,'abc':1}",
         "/abc|propertyNames|must be at most 2 characters long, found 3"},
        {"{'propertyNames':{'enum':['red','blue']}}", "{'bleu':1}",
         "/bleu|propertyNames|must be one of 'red' or 'blue', found 'bleu'|blue"},
        {"{'propertyNames':false}", "{'a':1}", "/a|propertyNames|this name is not allowed"},
        {"{'dependentRequired':{'card':['address']}}", "{'card':1}",
         "|dependentRequired|must have the key 'address' because it has 'card'"},
        {"{'dependentSchemas':{'a':{'required':['b']}}}", "{'a':1}",
         "|required|must have the key 'b'"},
    };
    CHECK_REPORTS(cases);
}

static void test_schema_report__names_the_closest_branch(void **state)
{
    (void)state;
    static const struct report_case cases[] = {
        {"{'anyOf':[{'type':'string'},{'type':'object','required':['a']}]}", "5",
         "|anyOf|must be text or a map, found 5"},
        {"{'anyOf':[{'type':'string'},{'type':'object','required':['a']}]}", "{}",
         "|required|must have the key 'a'"},
        {"{'oneOf':[{'const':'low','title':'L'},{'const':'high'},{'enum':['mid']}]}", "'hihg'",
         "|oneOf|must be one of 'low', 'high' or 'mid', found 'hihg'|high"},
        {"{'oneOf':[{'minimum':1},{'maximum':5},{'type':'string'}]}", "3",
         "|oneOf|must fit exactly one of 3 forms, but fits 2 of them: the forms 1 and 2, say"},
        {"{'oneOf':[{'properties':{'kind':{'const':'a'},'n':{'type':'integer'}}},"
         "{'properties':{'kind':{'const':'b'},'n':{'type':'string'},'m':{'type':'string'}}}]}",
         "{'kind':'b','n':1,'m':2}",
         "/n|type|must be text, found 1\n/m|type|must be text, found 2"},
        {"{'anyOf':[{'anyOf':[{'type':'string'},{'type':'null'}]},{'type':'integer'}]}", "[]",
         "|anyOf|must be a whole number, text or null, found an empty list"},
        {"{'anyOf':[{'required':['a','b','c'],'maxProperties':0},{'required':['d']}]}", "{'e':1}",
         "|required|must have the key 'd'"},
        {"{'anyOf':[{'minimum':5}]}", "1", "|minimum|must be at least 5, found 1"},
        {"{'not':{'type':'integer'}}", "7",
         "|not|must not be of the kind that 'not' describes, found 7"},
        {"{'if':{'required':['a']},'then':{'required':['b']},'else':{'required':['c']}}", "{'a':1}",
         "|required|must have the key 'b'"},
        {"{'anyOf':[{'not':{}},{'required':['z'],'anyOf':[{'required':['x']},{'required':['y',"
         "'q']}]}],'maxProperties':0}",
         "{'k':1}",
         "|maxProperties|must have at most 0 keys, found 1\n"
         "|not|must not be of the kind that 'not' describes, found a map"},
    };
    CHECK_REPORTS(cases);
}

/* Nobody can know which is meant where none of them is there. */
static void test_schema_report__names_all_of_which_one_is_missing(void **state)
{
    (void)state;
    static const struct report_case cases[] = {
        {"{'oneOf':[{'required':['a']},{'required':['b']}]}", "{}",
         "|required|must have one of the keys 'a' or 'b'"},
        {"{'anyOf':[{'required':['a']},{'required':['b']},{'required':['c']}],'required':['d']}",
         "{'x':1}",
         "|required|must have the key 'd'\n|required|must have one of the keys 'a', 'b' or 'c'"},
        {"{'oneOf':[{'required':['a']},{'required':['b','c']}]}", "{}",
         "|required|must have one of the keys 'a', or 'b' and 'c'"},
        {"{'oneOf':[{'required':['a']},{'required':['d']},{'required':['b','c']}]}", "{}",
         "|required|must have one of the keys 'a', 'd', or 'b' and 'c'"},
        {"{'oneOf':[{'required':['a']},{'required':['b','c']}]}", "{'b':1}",
         "|required|must have one of the keys 'a' or 'c'"},
        {"{'oneOf':[{'required':['a'],'not':{'required':['b']}},{'required':['b','c']}]}", "{}",
         "|required|must have one of the keys 'a', or 'b' and 'c'"},
        {"{'properties':{'m':{'oneOf':[{'required':['a']},{'required':['b']}]}}}", "{'m':{}}",
         "/m|required|must have one of the keys 'a' or 'b'"},
        {"{'oneOf':[{'required':['a']},{'properties':{'m':{'required':['b']}}}]}", "{'m':{}}",
         "|required|must have the key 'a'"},
        {"{'anyOf':[{'required':['a']}]}", "{}", "|required|must have the key 'a'"},
        {"{'anyOf':[{'required':['a','b','c','d','e','f','g']},{'required':['h','i','j','k','l',"
         "'m']}]}",
         "{}",
         "|required|must have the key 'h'\n|required|must have the key 'i'\n"
         "|required|must have the key 'j'\n|required|must have the key 'k'\n"
         "|required|must have the key 'l'\n|required|must have the key 'm'"},
    };
    CHECK_REPORTS(cases);
}

static void test_schema_report__lists_all_in_the_order_of_the_value(void **state)
{
    (void)state;
    assert_report("{'type':'object','required':['x','y'],'properties':{'a':{'type':'integer',"
                  "'maximum':3},'b':{'items':{'minLength':2,'pattern':'^z'}}},"
                  "'additionalProperties':false}",
                  "{'q':1,'b':['zz','a','zzz',''],'a':4}",
                  "|required|must have the key 'x'\n"
                  "|required|must have the key 'y'\n"
                  "/q|additionalProperties|unknown key 'q'; allowed: 'a', 'b'\n"
                  "/b/1|minLength|must be at least 2 characters long, found 1\n"
                  "/b/1|pattern|must match the pattern '^z', found 'a'\n"
                  "/b/3|minLength|must be at least 2 characters long, found 0\n"
                  "/b/3|pattern|must match the pattern '^z', found ''\n"
                  "/a|maximum|must be at most 3, found 4");
}

static void test_schema_report__marks_names(void **state)
{
    (void)state;
    struct schema *schema =
        compile_quoted("{'additionalProperties':false,'propertyNames':{'maxLength':1}}");
    cleanup_document struct document *value = read_json("{\"ab\":1}");
    struct schema_report *report = NULL;
    struct error err = {0};
    assert_int_equal(schema_validate(schema, document_root(value), &report, &err), E_INVALID);
    assert_int_equal(schema_report_count(report), 2);
    assert_true(schema_report_at(report, 0)->on_key);
    assert_true(schema_report_at(report, 1)->on_key);
    assert_false(schema_report_is_cut(report));
    assert_string_equal(err.message, "/ab: must be at most 1 character long, found 2");
    schema_report_destroy(report);
    schema_report_destroy(NULL);
    schema_destroy(schema);
}

static void test_schema_report__hides_secrets(void **state)
{
    (void)state;
    static const struct report_case cases[] = {
        {"{'properties':{'token':{'x-ops-secret':true,'pattern':'^ghp_'}}}", "{'token':'hunter2'}",
         "/token|pattern|must match the pattern '^ghp_', found a value that is not shown"},
        {"{'properties':{'auth':{'writeOnly':true,'$ref':'#/$defs/a'}},'$defs':{'a':{'items':"
         "{'type':'integer'}}}}",
         "{'auth':['hunter2']}",
         "/auth/0|type|must be a whole number, found a value that is not shown"},
        {"{'x-ops-secret':true,'enum':['hunter1']}", "'hunter2'",
         "|enum|must be 'hunter1', found a value that is not shown"},
        {"{'x-ops-secret':'no bool','const':1}", "2", "|const|must be 1, found 2"},
    };
    CHECK_REPORTS(cases);
}

static void test_schema_report__is_harmless_and_short(void **state)
{
    (void)state;
    assert_report("{'maximum':1,'type':'integer'}", "'a\\u001b[31m\\nb\\u202ec'",
                  "|type|must be a whole number, found text 'a\\x1b[31m\\nb\\u202ec'");
    assert_report("{'type':'integer'}",
                  "'0123456789012345678901234567890123456789012345678901234567890123456789'",
                  "|type|must be a whole number, found text "
                  "'012345678901234567890123456789012345678901234567890123456...'");
}

static struct document *make_list(size_t count)
{
    struct builder *b = builder_create();
    builder_list_begin(b);
    for (size_t i = 0; i < count; i++) {
        builder_bool(b, true);
    }
    builder_list_end(b);
    struct document *document = NULL;
    assert_int_equal(builder_finish(b, &document, NULL), 0);
    return document;
}

static void test_schema_report__is_cut_at_a_thousand(void **state)
{
    (void)state;
    struct schema *schema = compile_quoted("{'items':{'type':'integer'}}");
    for (size_t count = 1000; count <= 1001; count++) {
        cleanup_document struct document *list = make_list(count);
        struct schema_report *report = NULL;
        assert_int_equal(schema_validate(schema, document_root(list), &report, NULL), E_INVALID);
        assert_int_equal(schema_report_count(report), 1000);
        assert_int_equal(schema_report_is_cut(report), count > 1000);
        struct str last = schema_report_at(report, 999)->pointer;
        assert_true(str_equal(last, STR("/999")));
        schema_report_destroy(report);
    }
    schema_destroy(schema);
}

/* A branch whose violations would not fit is not the one that is told. */
static void test_schema_report__is_not_cut_by_a_dropped_branch(void **state)
{
    (void)state;
    struct schema *schema = compile_quoted("{'anyOf':[{'items':{'type':'null'}},{'maxItems':1}]}");
    cleanup_document struct document *list = make_list(2000);
    struct schema_report *report = NULL;
    assert_int_equal(schema_validate(schema, document_root(list), &report, NULL), E_INVALID);
    assert_int_equal(schema_report_count(report), 1);
    assert_false(schema_report_is_cut(report));
    assert_true(str_equal(schema_report_at(report, 0)->rule, STR("maxItems")));
    schema_report_destroy(report);
    schema_destroy(schema);
}

static void assert_limit(const char *schema_text, const struct value *value, const char *message)
{
    struct schema *schema = compile_quoted(schema_text);
    struct schema_report *report = NULL;
    struct error err = {0};
    assert_int_equal(schema_validate(schema, value, &report, &err), E_LIMIT);
    assert_string_equal(err.message, message);
    assert_null(report);
    schema_destroy(schema);
}

/* Each definition asks the next one twice: 2^25 evaluations of one value. */
static void test_schema__ends_an_exponential_schema(void **state)
{
    (void)state;
    struct strbuf text = STRBUF_INIT;
    strbuf_append_text(&text, "{'$ref':'#/$defs/d0','$defs':{");
    for (int i = 0; i < 25; i++) {
        strbuf_append_format(&text,
                             "'d%d':{'allOf':[{'$ref':'#/$defs/d%d'},{'$ref':'#/$defs/d%d'}]},", i,
                             i + 1, i + 1);
    }
    strbuf_append_text(&text, "'d25':{'type':'integer'}}}");
    cleanup_document struct document *value = read_json("1");
    assert_limit(text.p, document_root(value),
                 "checking the value against its schema takes more than 10000000 steps: make one "
                 "of them simpler");
    strbuf_finish(&text);
}

static void test_schema__ends_a_deep_chain_of_references(void **state)
{
    (void)state;
    for (int length = 500; length <= 520; length += 20) {
        struct strbuf text = STRBUF_INIT;
        strbuf_append_text(&text, "{'$ref':'#/$defs/d0','$defs':{");
        for (int i = 0; i < length; i++) {
            strbuf_append_format(&text, "'d%d':{'$ref':'#/$defs/d%d'},", i, i + 1);
        }
        strbuf_append_format(&text, "'d%d':{'type':'integer'}}}", length);
        cleanup_document struct document *value = read_json("1");
        if (length == 500) {
            assert_true(is_valid_quoted(text.p, "1"));
            assert_false(is_valid_quoted(text.p, "'x'"));
        } else {
            assert_limit(text.p, document_root(value),
                         "more than 512 subschemas inside each other ask about one value: make "
                         "the schema or the value less deep");
        }
        strbuf_finish(&text);
    }
}

static void test_schema__reaches_the_depth_of_documents(void **state)
{
    (void)state;
    char text[160] = "";
    for (size_t i = 0; i < 63; i++) {
        text[i] = '[';
        text[64 + i] = ']';
    }
    text[63] = '5';
    text[127] = '\0';
    struct strbuf expected = STRBUF_INIT;
    for (size_t i = 0; i < 63; i++) {
        strbuf_append_text(&expected, "/0");
    }
    strbuf_append_text(&expected, "|anyOf|must be a list or null, found 5");
    assert_report("{'anyOf':[{'type':'array','items':{'$ref':'#'}},{'type':'null'}]}", text,
                  expected.p);
    strbuf_finish(&expected);
}

/* Nested anyOf: a report costs about what the check costs, not twice for each level. */
static void test_schema_report__of_nested_branches_is_cheap(void **state)
{
    (void)state;
    struct strbuf text = STRBUF_INIT;
    strbuf_append_text(&text, "{'$ref':'#/$defs/d0','$defs':{");
    for (int i = 0; i < 60; i++) {
        strbuf_append_format(&text, "'d%d':{'anyOf':[{'$ref':'#/$defs/d%d'},{'const':%d}]},", i,
                             i + 1, i);
    }
    strbuf_append_text(&text, "'d60':{'maximum':0}}}");
    assert_report(text.p, "1000", "|maximum|must be at most 0, found 1000");
    strbuf_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema_report__tells_types_and_choices),
        cmocka_unit_test(test_schema_report__tells_limits),
        cmocka_unit_test(test_schema_report__tells_names),
        cmocka_unit_test(test_schema_report__names_the_closest_branch),
        cmocka_unit_test(test_schema_report__names_all_of_which_one_is_missing),
        cmocka_unit_test(test_schema_report__lists_all_in_the_order_of_the_value),
        cmocka_unit_test(test_schema_report__marks_names),
        cmocka_unit_test(test_schema_report__hides_secrets),
        cmocka_unit_test(test_schema_report__is_harmless_and_short),
        cmocka_unit_test(test_schema_report__is_cut_at_a_thousand),
        cmocka_unit_test(test_schema_report__is_not_cut_by_a_dropped_branch),
        cmocka_unit_test(test_schema__ends_an_exponential_schema),
        cmocka_unit_test(test_schema__ends_a_deep_chain_of_references),
        cmocka_unit_test(test_schema__reaches_the_depth_of_documents),
        cmocka_unit_test(test_schema_report__of_nested_branches_is_cheap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
