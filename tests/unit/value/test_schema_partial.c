/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values that are not known yet: here every text that begins with "{{"; one that ends with "}}s"
 * is some text, and for "{{ 5 }}" stands 5.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/cleanup.h"
#include "tests/unit/value/schema_case.h"

static enum schema_knowledge look(const struct value **value, void *user)
{
    static const struct value five = {.type = VALUE_INT, .as.integer = 5};
    assert_string_equal(user, "the caller's");
    if (!value_is(*value, VALUE_STRING) || !str_starts_with(value_str(*value), STR("{{"))) {
        return SCHEMA_KNOWN;
    }
    if (str_equal(value_str(*value), STR("{{ 5 }}"))) {
        *value = &five;
        return SCHEMA_KNOWN;
    }
    return str_ends_with(value_str(*value), STR("}}s")) ? SCHEMA_SOME_TEXT : SCHEMA_UNKNOWN;
}

struct partial_case {
    const char *schema;
    const char *value;
    const char *report; /* "": nothing is wrong for sure */
};

static void check_partial(const struct partial_case *test)
{
    static char user[] = "the caller's";
    struct schema *schema = compile_quoted(test->schema);
    cleanup_document struct document *value = read_quoted(test->value);
    struct schema_report *report = NULL;
    struct strbuf out = STRBUF_INIT;
    int status = schema_validate_partial(schema, document_root(value), look, user, &report, NULL);
    if (status == E_INVALID) {
        write_report(report, &out);
    }
    if (!str_equal(strbuf_str(&out), str_from(test->report))) {
        fail_msg("%s on %s: '%s', not '%s'", test->schema, test->value, strbuf_str(&out).p,
                 test->report);
    }
    assert_int_equal(status, test->report[0] == '\0' ? 0 : E_INVALID);
    strbuf_finish(&out);
    schema_report_destroy(report);
    schema_destroy(schema);
}

static void check_partials(const struct partial_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check_partial(&cases[i]);
    }
}

#define CHECK_PARTIALS(cases) check_partials((cases), sizeof(cases) / sizeof((cases)[0]))

static void test_schema_partial__takes_unknown_values(void **state)
{
    (void)state;
    static const struct partial_case cases[] = {
        {"{'type':'integer'}", "'{{ x }}'", ""},
        {"{'enum':[1]}", "'{{ x }}'", ""},
        {"{'maxLength':1,'pattern':'^a','format':'uri'}", "'{{ x }}'", ""},
        {"{'not':{}}", "'{{ x }}'", ""},
        {"{'anyOf':[{'type':'null'},{'type':'integer'}]}", "'{{ x }}'", ""},
        {"{'required':['a'],'properties':{'a':{'type':'integer'}}}", "{'a':'{{ x }}'}", ""},
        {"{'const':{'a':1}}", "{'a':'{{ x }}'}", ""},
        {"{'enum':[[1,2]]}", "[1,'{{ x }}']", ""},
        {"{'propertyNames':{'maxLength':9}}", "{'{{ name }}':1}",
         "/{{ name }}|propertyNames|must be at most 9 characters long, found 10"},
    };
    CHECK_PARTIALS(cases);
}

static void test_schema_partial__checks_the_rest(void **state)
{
    (void)state;
    static const struct partial_case cases[] = {
        {"{'type':'object','properties':{'a':{'type':'integer'},'b':{'type':'integer'}},"
         "'required':['c'],'additionalProperties':false}",
         "{'a':'{{ x }}','b':'y','d':'{{ z }}'}",
         "|required|must have the key 'c'\n"
         "/b|type|must be a whole number, found text 'y'\n"
         "/d|additionalProperties|unknown key 'd'; allowed: 'a', 'b'"},
        {"{'maxItems':1}", "['{{ x }}',2]", "|maxItems|must have at most 1 item, found 2"},
        {"{'items':{'type':'integer'}}", "['{{ x }}','y']",
         "/1|type|must be a whole number, found text 'y'"},
        {"{'properties':{'a':false}}", "{'a':'{{ x }}'}",
         "/a|properties|the key 'a' is not allowed"},
        {"{'const':1}", "2", "|const|must be 1, found 2"},
        {"{'uniqueItems':true}", "[1,'{{ x }}',1]",
         "|uniqueItems|must not hold the same item twice: items 0 and 2 are equal"},
        {"{'type':'integer'}", "'plain'", "|type|must be a whole number, found text 'plain'"},
    };
    CHECK_PARTIALS(cases);
}

static void test_schema_partial__knows_what_no_text_keeps(void **state)
{
    (void)state;
    static const struct partial_case cases[] = {
        {"{'type':'integer'}", "'{{ x }}s'", "|type|must be a whole number, found text '{{ x }}s'"},
        {"{'type':['integer','string'],'maxLength':1,'pattern':'^a','format':'uri'}", "'{{ x }}s'",
         ""},
        {"{'const':1}", "'{{ x }}s'", ""},
        {"{'enum':['a']}", "'{{ x }}s'", ""},
        {"{'not':{'type':'integer'}}", "'{{ x }}s'", ""},
        {"{'not':{'type':'string'}}", "'{{ x }}s'", ""},
        {"{'$ref':'#/$defs/n','$defs':{'n':{'type':'number'}}}", "'{{ x }}s'",
         "|type|must be a number, found text '{{ x }}s'"},
        {"{'anyOf':[{'type':'null'},{'type':'integer'}]}", "'{{ x }}s'",
         "|anyOf|must be a whole number or null, found text '{{ x }}s'"},
        {"{'oneOf':[{'type':'null'},{'type':'string'}]}", "'{{ x }}s'", ""},
        {"{'if':{'type':'string'},'then':{'type':'null'}}", "'{{ x }}s'", ""},
        {"{'items':{'type':'object'}}", "['{{ x }}','{{ x }}s']",
         "/1|type|must be a map, found text '{{ x }}s'"},
    };
    CHECK_PARTIALS(cases);
}

static void test_schema_partial__checks_what_stands_for_a_value(void **state)
{
    (void)state;
    static const struct partial_case cases[] = {
        {"{'type':'integer'}", "'{{ 5 }}'", ""},
        {"{'type':'string'}", "'{{ 5 }}'", "|type|must be text, found 5"},
        {"{'items':{'maximum':4}}", "['{{ 5 }}']", "/0|maximum|must be at most 4, found 5"},
        {"{'enum':[5]}", "'{{ 5 }}'", ""},
        {"{'enum':[6]}", "'{{ 5 }}'", "|enum|must be 6, found 5"},
        {"{'enum':[[6]]}", "['{{ 5 }}']", ""},
        {"{'uniqueItems':true}", "['{{ 5 }}','{{ 5 }}']", ""},
    };
    CHECK_PARTIALS(cases);
}

static void test_schema_partial__is_lenient_where_the_answer_may_change(void **state)
{
    (void)state;
    static const struct partial_case cases[] = {
        {"{'uniqueItems':true}", "['{{ x }}','{{ x }}']", ""},
        {"{'uniqueItems':true}", "[{'a':'{{ x }}'},{'a':'{{ x }}'}]", ""},
        {"{'uniqueItems':true}", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,'{{ x }}','{{ x }}']",
         ""},
        {"{'contains':{'const':1}}", "[2,'{{ x }}']", ""},
        {"{'contains':{'const':1},'minContains':2}", "[2,'{{ x }}']",
         "|minContains|must have at least 2 items of the kind that 'contains' asks for, found 1"},
        {"{'contains':{'const':1},'maxContains':1}", "[1,'{{ x }}']", ""},
        {"{'contains':{'const':1},'maxContains':1}", "[1,1,'{{ x }}']",
         "|maxContains|must have at most 1 item of the kind that 'contains' asks for, found 2"},
        {"{'not':{'properties':{'a':{'const':1}}}}", "{'a':'{{ x }}'}", ""},
        {"{'not':{'required':['a'],'properties':{'a':true}}}", "{'a':'{{ x }}'}",
         "|not|must not be of the kind that 'not' describes, found a map"},
        {"{'not':{'required':['a']}}", "{'a':'{{ x }}'}",
         "|not|must not be of the kind that 'not' describes, found a map"},
        {"{'oneOf':[{'properties':{'a':{'const':1}}},{'properties':{'a':{'const':2}}}]}",
         "{'a':'{{ x }}'}", ""},
        {"{'oneOf':[{'required':['a']},{'required':['b']}]}", "{'a':'{{ x }}','b':1}",
         "|oneOf|must fit exactly one of 2 forms, but fits 2 of them: the forms 1 and 2, say"},
        {"{'if':{'properties':{'a':{'const':1}}},'then':{'required':['b']},'else':{'required':"
         "['c']}}",
         "{'a':'{{ x }}'}", ""},
        {"{'if':{'required':['a']},'then':{'required':['b']}}", "{'a':'{{ x }}'}",
         "|required|must have the key 'b'"},
        {"{'anyOf':[{'properties':{'a':{'const':1},'b':{}}},{'maxProperties':0}],"
         "'unevaluatedProperties':false}",
         "{'a':'{{ x }}','b':1}", ""},
        {"{'if':{'properties':{'a':{'const':1}}},'then':{'properties':{'b':{}}},'else':{"
         "'properties':{'c':{}}},'unevaluatedProperties':false}",
         "{'a':'{{ x }}','b':1,'c':1}", ""},
    };
    CHECK_PARTIALS(cases);
}

/* `shape` with `filling` for each '%'; owned by the caller. */
static struct document *fill_shape(const char *shape, const char *filling)
{
    struct strbuf text = STRBUF_INIT;
    for (; *shape != '\0'; shape++) {
        if (*shape == '%') {
            strbuf_append_text(&text, filling);
        } else {
            strbuf_append_char(&text, *shape);
        }
    }
    struct document *document = read_quoted(strbuf_str(&text).p);
    strbuf_finish(&text);
    return document;
}

static void check_shape(const char *schema_text, const char *shape)
{
    static const char *const fillings[] = {"5", "1", "'x'", "null", "-1", "[]", "{'a':1}", "2.5"};
    static char user[] = "the caller's";
    struct schema *schema = compile_quoted(schema_text);
    cleanup_document struct document *open = fill_shape(shape, "'{{ x }}'");
    int partial = schema_validate_partial(schema, document_root(open), look, user, NULL, NULL);
    assert_true(partial == 0 || partial == E_INVALID);
    for (size_t i = 0; i < sizeof(fillings) / sizeof(fillings[0]); i++) {
        cleanup_document struct document *full = fill_shape(shape, fillings[i]);
        int whole = schema_validate(schema, document_root(full), NULL, NULL);
        if (partial == E_INVALID && whole == 0) {
            fail_msg("%s refuses %s, but takes it with %s", schema_text, shape, fillings[i]);
        }
    }
    schema_destroy(schema);
}

/* What a partial check refuses is refused with every value in the template's place. */
static void test_schema_partial__refuses_only_what_is_wrong_for_sure(void **state)
{
    (void)state;
    static const char *const schemas[] = {
        "{'properties':{'a':{'type':'integer'}},'required':['a']}",
        "{'not':{'properties':{'a':{'type':'integer'}}}}",
        "{'oneOf':[{'properties':{'a':{'type':'integer'}}},{'properties':{'a':{'minimum':0}}}]}",
        ("{'anyOf':[{'properties':{'a':{'type':'integer'}}},{'required':['b']}],"
         "'unevaluatedProperties':false}"),
        "{'if':{'properties':{'a':{'type':'integer'}}},'then':false}",
        "{'if':{'not':{'properties':{'a':{'type':'integer'}}}},'else':{'required':['z']}}",
        "{'properties':{'l':{'contains':{'type':'integer'},'maxContains':1,'uniqueItems':true}}}",
        "{'not':{'properties':{'l':{'uniqueItems':true}},'required':['l']}}",
        "{'const':{'a':5}}",
    };
    static const char *const shapes[] = {"{'a':%}", "{'a':%,'b':1}", "{'l':[1,%]}", "{'l':[%,%]}"};
    for (size_t i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++) {
        for (size_t j = 0; j < sizeof(shapes) / sizeof(shapes[0]); j++) {
            check_shape(schemas[i], shapes[j]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema_partial__takes_unknown_values),
        cmocka_unit_test(test_schema_partial__checks_the_rest),
        cmocka_unit_test(test_schema_partial__knows_what_no_text_keeps),
        cmocka_unit_test(test_schema_partial__checks_what_stands_for_a_value),
        cmocka_unit_test(test_schema_partial__is_lenient_where_the_answer_may_change),
        cmocka_unit_test(test_schema_partial__refuses_only_what_is_wrong_for_sure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
