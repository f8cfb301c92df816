/* SPDX-License-Identifier: Apache-2.0 */
/* Which values are valid, keyword by keyword. What the reports say is in test_schema_report.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/cleanup.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/value/schema_case.h"

/* A schema, values that satisfy it and values that do not; each list is a JSON array. */
struct keyword_case {
    const char *schema;
    const char *valid;
    const char *invalid;
};

static void check_list(const char *schema_text, const char *values, bool is_valid)
{
    struct schema *schema = compile_quoted(schema_text);
    cleanup_document struct document *list = read_quoted(values);
    for (size_t i = 0; i < value_count(document_root(list)); i++) {
        struct error err = {0};
        const struct value *value = value_at(document_root(list), i);
        int status = schema_validate(schema, value, NULL, &err);
        if (status != (is_valid ? 0 : E_INVALID)) {
            fail_msg("%s: item %zu of %s: status %d, %s", schema_text, i, values, status,
                     err.message);
        }
    }
    schema_destroy(schema);
}

static void check_cases(const struct keyword_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check_list(cases[i].schema, cases[i].valid, true);
        check_list(cases[i].schema, cases[i].invalid, false);
    }
}

#define CHECK_CASES(cases) check_cases((cases), sizeof(cases) / sizeof((cases)[0]))

static void test_schema__checks_types(void **state)
{
    (void)state;
    static const struct keyword_case cases[] = {
        {"true", "[null,1,'x',{},[]]", "[]"},
        {"false", "[]", "[null,1,'x',{},[]]"},
        {"{}", "[null,true,1,1.5,'x',[],{}]", "[]"},
        {"{'type':'null'}", "[null]", "[0,false,'',[],{}]"},
        {"{'type':'boolean'}", "[true,false]", "[0,1,null,'true',[],{}]"},
        {"{'type':'integer'}", "[0,-1,1.0,1e3,1e308,9223372036854775807,9223372036854775808]",
         "[1.1,'1',null,true,[],{}]"},
        {"{'type':'number'}", "[0,-1.5,1e308]", "['1',null,true,[],{}]"},
        {"{'type':'string'}", "['','1','\xc3\xa4']", "[1,null,true,[],{}]"},
        {"{'type':'array'}", "[[],[1]]", "[{},'[]',1,null,true]"},
        {"{'type':'object'}", "[{},{'a':1}]", "[[],'{}',1,null,true]"},
        {"{'type':['integer','string']}", "[1,'a',2.0]", "[1.5,null,[],{}]"},
        {"{'type':['number','integer']}", "[1,1.5]", "['1']"},
        {"{'type':['object']}", "[{}]", "[[]]"},
    };
    CHECK_CASES(cases);
}

static void test_schema__checks_enum_and_const(void **state)
{
    (void)state;
    static const struct keyword_case cases[] = {
        {"{'enum':[1,2,3]}", "[1,3,2.0]", "[4,'1',null]"},
        {"{'enum':[6,'foo',[],true,{'foo':12}]}", "[[],{'foo':12.0},true]",
         "[null,{'foo':false},{'foo':12,'boo':42},1]"},
        {"{'enum':[false]}", "[false]", "[0,0.0,null]"},
        {"{'enum':[[false]]}", "[[false]]", "[[0],[0.0]]"},
        {"{'enum':[0]}", "[0,0.0,-0.0]", "[false,'0']"},
        {"{'enum':['hello\\u0000there']}", "['hello\\u0000there']", "['hellothere']"},
        {"{'enum':[]}", "[]", "[1,null]"},
        {"{'const':2}", "[2,2.0]", "[5,'2']"},
        {"{'const':{'foo':'bar','baz':'bax'}}", "[{'baz':'bax','foo':'bar'}]",
         "[{'foo':'bar'},[1],{}]"},
        {"{'const':null}", "[null]", "[0,false,'']"},
        {"{'const':{'a':false}}", "[{'a':false}]", "[{'a':0}]"},
        {"{'const':9007199254740992}", "[9007199254740992,9007199254740992.0]",
         "[9007199254740991,9007199254740993]"},
    };
    CHECK_CASES(cases);
}

static void test_schema__checks_numbers(void **state)
{
    (void)state;
    static const struct keyword_case cases[] = {
        {"{'multipleOf':2}", "[10,0,-4,4.0,'x']", "[7,7.5]"},
        {"{'multipleOf':1.5}", "[0,4.5,-3]", "[35,4]"},
        {"{'multipleOf':0.0001}", "[0.0075,1]", "[0.00751]"},
        {"{'multipleOf':0.01}", "[4.35,1.1,0.07,19.99,1e10,0.29]", "[0.015,4.355]"},
        {"{'multipleOf':0.1}", "[0.3,0.7,1.1]", "[0.35,0.30000000000000004]"},
        {"{'multipleOf':1e-8}", "[12391239123]", "[1e-9]"},
        {"{'multipleOf':0.123456789}", "[0.246913578]", "[1e308]"},
        {"{'multipleOf':9007199254740993}", "[9007199254740993,0]", "[9007199254740992]"},
        {"{'multipleOf':100}", "[100,1e3,1e300]", "[10,150,1e-3]"},
        {"{'maximum':3.0}", "[2.6,3,3.0,'x',null]", "[3.5,4]"},
        {"{'maximum':300}", "[299.97,300,300.00]", "[300.5]"},
        {"{'exclusiveMaximum':3.0}", "[2.2,-1e308]", "[3,3.0,3.5]"},
        {"{'minimum':1.1}", "[2.6,1.1,'x']", "[0.6,1]"},
        {"{'minimum':-2}", "[-1,0,-2,-2.0]", "[-2.0001,-3]"},
        {"{'exclusiveMinimum':1.1}", "[1.2]", "[1.1,0.6]"},
        {"{'maximum':9007199254740992}", "[9007199254740992]", "[9007199254740993]"},
        {"{'maximum':9007199254740992.0}", "[9007199254740992]", "[9007199254740993]"},
        {"{'minimum':-9223372036854775808}", "[-9223372036854775808]", "[-9223372036854775809e1]"},
        {"{'maximum':9223372036854775807}", "[9223372036854775807]", "[9223372036854775808]"},
    };
    CHECK_CASES(cases);
}

static void test_schema__checks_strings(void **state)
{
    (void)state;
    static const struct keyword_case cases[] = {
        {"{'maxLength':2}", "['f','fo',100,'\xf0\x9f\x92\xa9\xf0\x9f\x92\xa9']", "['foo']"},
        {"{'maxLength':2.0}", "['f']", "['foo']"},
        {"{'maxLength':0}", "['']", "['f']"},
        {"{'minLength':2}", "['foo','fo',1]", "['f','\xf0\x9f\x92\xa9','']"},
        {"{'maxLength':1e300}", "['foo']", "[]"},
        {"{'pattern':'^a*$'}", "['','aaa',true,1,null,{},[]]", "['abc']"},
        {"{'pattern':'a+'}", "['xxaayy']", "['xxyy','']"},
        {"{'pattern':'^\\\\p{L}+$'}", "['\xc3\xa4\xc3\xb6']", "['a1']"},
        {"{'pattern':'^.$'}", "['\xf0\x9f\x92\xa9']", "['ab']"},
        {"{'format':'no-such-format'}", "['x',1]", "[]"},
        {"{'format':'cel'}", "['1 +']", "[]"},
        {"{'format':'email'}", "[12,null,[],{},'a@b.c']", "['x']"},
        {"{'contentEncoding':'base64','contentMediaType':'application/json'}", "['~','{:}']", "[]"},
    };
    CHECK_CASES(cases);
}

static void test_schema__checks_arrays(void **state)
{
    (void)state;
    static const struct keyword_case cases[] = {
        {"{'maxItems':2}", "[[1],[1,2],'foobar',{}]", "[[1,2,3]]"},
        {"{'minItems':1}", "[[1,2],'',{}]", "[[]]"},
        {"{'items':{'type':'integer'}}", "[[1,2],[],{'foo':'bar'}]", "[[1,'x']]"},
        {"{'items':true}", "[[1,'x']]", "[]"},
        {"{'items':false}", "[[]]", "[[1]]"},
        {"{'prefixItems':[{'type':'integer'},{'type':'string'}]}",
         "[[1,'foo'],[1],[1,'foo',true],[],{'0':'x'}]", "[['foo',1]]"},
        {"{'prefixItems':[{},{}],'items':false}", "[[],[1],[1,2]]", "[[1,2,3]]"},
        {"{'prefixItems':[{'type':'string'}],'items':{'type':'integer'}}", "[['x',2,3]]",
         "[['x','y'],[1]]"},
        {"{'prefixItems':[true,false]}", "[[1],[]]", "[[1,'x']]"},
        {"{'allOf':[{'prefixItems':[{'minimum':3}]}],'items':{'minimum':5}}", "[[5]]",
         "[[3,5],[4]]"},
        {"{'uniqueItems':true}", "[[1,2],[1,true],[0,false],['a','b'],[{'a':0},{'a':false}],[],1]",
         "[[1,1],[1.0,1.00,1],[{'a':1,'b':2},{'b':2,'a':1}],[[1],[2],[1]],[null,null]]"},
        {"{'uniqueItems':true}", "[[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]]",
         "[[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,1.0]]"},
        {"{'uniqueItems':false}", "[[1,1]]", "[]"},
        {"{'contains':{'minimum':5}}", "[[3,4,5],[5],{},'x']", "[[2,3,4],[]]"},
        {"{'contains':true}", "[['foo']]", "[[]]"},
        {"{'contains':false}", "['x']", "[['foo'],[]]"},
        {"{'contains':{'const':1},'maxContains':1}", "[[1],[1,2]]", "[[],[1,1],[2]]"},
        {"{'contains':{'const':1},'minContains':2}", "[[1,1],[1,2,1]]", "[[],[1]]"},
        {"{'contains':{'const':1},'minContains':0}", "[[],[1,1],[2]]", "[]"},
        {"{'contains':{'const':1},'minContains':0,'maxContains':1}", "[[],[1]]", "[[1,1]]"},
        {"{'contains':{'const':1},'minContains':2.0,'maxContains':3.0}", "[[1,1,1]]",
         "[[1],[1,1,1,1]]"},
        {"{'minContains':2,'maxContains':1}", "[[],[1,1,1]]", "[]"},
        {"{'items':{'multipleOf':2},'contains':{'multipleOf':3}}", "[[6,12],[2,6]]",
         "[[2,4],[3,9],[1,5]]"},
    };
    CHECK_CASES(cases);
}

static void test_schema__checks_objects(void **state)
{
    (void)state;
    static const struct keyword_case cases[] = {
        {"{'maxProperties':1}", "[{},{'a':1},[1,2]]", "[{'a':1,'b':2}]"},
        {"{'minProperties':1}", "[{'a':1},[],'']", "[{}]"},
        {"{'required':['foo','bar']}", "[{'foo':1,'bar':null},[],'']", "[{'foo':1},{}]"},
        {"{'required':[]}", "[{}]", "[]"},
        {"{'required':['foo\\nbar','__proto__']}", "[{'foo\\nbar':1,'__proto__':1}]",
         "[{'foo\\nbar':1},{}]"},
        {"{'properties':{'foo':{'type':'integer'},'bar':{'type':'string'}}}",
         "[{'foo':1,'bar':'baz'},{'quux':[]},[],12,{'bar':'x'}]",
         "[{'foo':1,'bar':{}},{'foo':[]}]"},
        {"{'properties':{'foo':true,'bar':false}}", "[{},{'foo':1}]",
         "[{'bar':2},{'foo':1,'bar':1}]"},
        {"{'properties':{'a':{},'b':{},'c':{},'d':{},'e':{},'f':{},'g':{},'h':{},'i':{},"
         "'j':{'type':'null'}},'additionalProperties':false}",
         "[{'a':1,'j':null},{}]", "[{'j':1},{'k':1}]"},
        {"{'patternProperties':{'f.*o':{'type':'integer'}}}",
         "[{'foo':1},{'foo':1,'foooooo':2},{'bar':'x'},['x'],'']", "[{'foo':'bar'}]"},
        {"{'patternProperties':{'a*':{'type':'integer'},'aaa*':{'maximum':20}}}",
         "[{'a':21},{'aaaa':18}]", "[{'a':'bar'},{'aaaa':31}]"},
        {"{'patternProperties':{'f.*':true,'b.*':false}}", "[{'foo':1},{}]", "[{'bar':2}]"},
        {"{'properties':{'foo':{'maxItems':3}},'patternProperties':{'f.o':{'minItems':2}},"
         "'additionalProperties':{'type':'integer'}}",
         "[{'foo':[1,2]},{'fxo':[1,2]},{'quux':3},{}]",
         "[{'foo':[]},{'foo':[1,2,3,4]},{'fxo':[]},{'quux':'foo'}]"},
        {"{'properties':{'foo':{}},'patternProperties':{'^v':{}},'additionalProperties':false}",
         "[{'foo':1,'vroom':2},[1],'']", "[{'foo':1,'quux':1}]"},
        {"{'additionalProperties':{'type':'boolean'}}", "[{'a':true},{}]", "[{'a':1}]"},
        {"{'allOf':[{'properties':{'foo':{}}}],'additionalProperties':{'type':'boolean'}}",
         "[{'foo':true}]", "[{'foo':1}]"},
        {"{'propertyNames':{'maxLength':3}}", "[{'f':{},'foo':{}},{},[1],'']",
         "[{'foo':1,'foobar':1}]"},
        {"{'propertyNames':false}", "[{}]", "[{'a':1}]"},
        {"{'propertyNames':{'pattern':'^a+$'}}", "[{'a':1,'aaa':1}]", "[{'b':1}]"},
        {"{'dependentRequired':{'bar':['foo']}}", "[{},{'foo':1},{'foo':1,'bar':2},['bar']]",
         "[{'bar':2}]"},
        {"{'dependentRequired':{'quux':['foo','bar']}}", "[{'foo':1,'bar':2,'quux':3}]",
         "[{'foo':1,'quux':2},{'quux':1}]"},
        {"{'dependentSchemas':{'bar':{'properties':{'foo':{'type':'integer'}}}}}",
         "[{'foo':1,'bar':2},{'foo':'x'},['bar']]", "[{'foo':'x','bar':2}]"},
        {"{'dependentSchemas':{'foo':true,'bar':false}}", "[{'foo':1},{}]", "[{'bar':2}]"},
    };
    CHECK_CASES(cases);
}

static void test_schema__combines_subschemas(void **state)
{
    (void)state;
    static const struct keyword_case cases[] = {
        {"{'allOf':[{'required':['a']},{'properties':{'a':{'type':'string'}}}]}", "[{'a':'x'}]",
         "[{},{'a':1}]"},
        {"{'allOf':[true,false]}", "[]", "[1]"},
        {"{'allOf':[{'multipleOf':2}],'anyOf':[{'multipleOf':3}],'oneOf':[{'multipleOf':5}]}",
         "[30]", "[1,5,3,15,2,10,6]"},
        {"{'anyOf':[{'type':'integer'},{'minimum':2}]}", "[1,2.5,3]", "[1.5]"},
        {"{'anyOf':[true,false]}", "[1]", "[]"},
        {"{'anyOf':[false,false]}", "[]", "[1]"},
        {"{'anyOf':[{'type':'number'},{}]}", "['x',1]", "[]"},
        {"{'type':'string','anyOf':[{'maxLength':2},{'minLength':4}]}", "['f','foobar']",
         "[3,'foo']"},
        {"{'oneOf':[{'type':'integer'},{'minimum':2}]}", "[1,2.5]", "[3,1.5]"},
        {"{'oneOf':[true,true,true]}", "[]", "[1]"},
        {"{'oneOf':[true,false,false]}", "[1]", "[]"},
        {"{'oneOf':[{'required':['a']},{'required':['b']}]}", "[{'a':1},{'b':1}]",
         "[{},{'a':1,'b':1}]"},
        {"{'not':{'type':'integer'}}", "['foo',1.1]", "[1,1.0]"},
        {"{'not':{}}", "[]", "[1,null,{}]"},
        {"{'not':false}", "[1,null,{}]", "[]"},
        {"{'not':{'not':{'type':'integer'}}}", "[1]", "['x']"},
        {"{'properties':{'foo':{'not':{}}}}", "[{'bar':1}]", "[{'foo':1}]"},
        {"{'if':{'exclusiveMaximum':0},'then':{'minimum':-10},'else':{'multipleOf':2}}",
         "[-1,4,'x']", "[-100,3]"},
        {"{'if':{'const':0},'then':{'minimum':5}}", "[1,'x']", "[0]"},
        {"{'if':{'const':0},'else':{'minimum':5}}", "[0,7]", "[1]"},
        {"{'then':{'const':0},'else':{'const':1}}", "[0,1,2,'x']", "[]"},
        {"{'if':true,'then':{'const':'then'},'else':{'const':'else'}}", "['then']", "['else']"},
        {"{'if':false,'then':{'const':'then'},'else':{'const':'else'}}", "['else']", "['then']"},
        {"{'allOf':[{'if':{'exclusiveMaximum':0}},{'then':{'minimum':-10}}]}", "[-100]", "[]"},
    };
    CHECK_CASES(cases);
}

static void test_schema__knows_what_was_not_evaluated(void **state)
{
    (void)state;
    static const struct keyword_case cases[] = {
        {"{'unevaluatedProperties':false}", "[{},1,[1]]", "[{'a':1}]"},
        {"{'unevaluatedProperties':true}", "[{'a':1}]", "[]"},
        {"{'unevaluatedProperties':{'minLength':3}}", "[{},{'foo':'foo'}]", "[{'foo':'fo'}]"},
        {"{'properties':{'a':{}},'unevaluatedProperties':false}", "[{'a':1}]", "[{'a':1,'b':1}]"},
        {"{'patternProperties':{'^a':{}},'unevaluatedProperties':false}", "[{'ab':1}]",
         "[{'ab':1,'b':1}]"},
        {"{'additionalProperties':true,'unevaluatedProperties':false}", "[{'a':1}]", "[]"},
        {"{'allOf':[{'properties':{'b':true}}],'properties':{'a':true},"
         "'unevaluatedProperties':false}",
         "[{'a':1,'b':1}]", "[{'a':1,'b':1,'c':1}]"},
        {"{'$ref':'#/$defs/b','properties':{'a':true},'unevaluatedProperties':false,"
         "'$defs':{'b':{'properties':{'b':true}}}}",
         "[{'a':1,'b':1}]", "[{'c':1}]"},
        {"{'properties':{'a':true},'anyOf':[{'properties':{'b':{'const':1}},'required':['b']},"
         "{'properties':{'c':{'const':1}},'required':['c']}],'unevaluatedProperties':false}",
         "[{'a':0,'b':1},{'b':1,'c':1},{'c':1}]", "[{'b':1,'c':2},{'a':1},{'b':1,'d':1}]"},
        {"{'oneOf':[{'properties':{'b':true},'required':['b']},"
         "{'properties':{'c':true},'required':['c']}],'unevaluatedProperties':false}",
         "[{'b':1}]", "[{'b':1,'x':1},{}]"},
        {"{'not':{'not':{'properties':{'b':{'const':1}},'required':['b']}},"
         "'unevaluatedProperties':false}",
         "[]", "[{'b':1}]"},
        {"{'if':{'properties':{'a':{'const':1}},'required':['a']},'then':{'properties':{'b':true}},"
         "'else':{'properties':{'c':true}},'unevaluatedProperties':false}",
         "[{'a':1,'b':1},{'c':1}]", "[{'a':1,'c':1},{'a':2},{'b':1}]"},
        {"{'dependentSchemas':{'a':{'properties':{'b':true}}},'properties':{'a':true},"
         "'unevaluatedProperties':false}",
         "[{'a':1,'b':1}]", "[{'b':1}]"},
        {"{'allOf':[{'properties':{'a':true}},{'unevaluatedProperties':false}]}", "[{}]",
         "[{'a':1}]"},
        {"{'allOf':[{'unevaluatedProperties':true}],'unevaluatedProperties':false}", "[{'a':1}]",
         "[]"},
        {"{'properties':{'a':{'properties':{'b':true},'unevaluatedProperties':false}}}",
         "[{'a':{'b':1},'c':1}]", "[{'a':{'c':1}}]"},
        {"{'unevaluatedItems':false}", "[[],{'a':1}]", "[[1]]"},
        {"{'unevaluatedItems':{'type':'string'}}", "[['x']]", "[[1]]"},
        {"{'prefixItems':[true],'unevaluatedItems':false}", "[[1]]", "[[1,2]]"},
        {"{'items':{'type':'string'},'unevaluatedItems':false}", "[['a','b']]", "[[1]]"},
        {"{'contains':{'type':'string'},'unevaluatedItems':false}", "[['a','b']]", "[['a',1]]"},
        {"{'allOf':[{'contains':{'multipleOf':2}},{'contains':{'multipleOf':3}}],"
         "'unevaluatedItems':{'multipleOf':5}}",
         "[[2,3,4,5,6]]", "[[2,3,4,7,8]]"},
        {"{'anyOf':[{'prefixItems':[true,{'const':'b'}]},{'prefixItems':[true,true,{'const':1}]}],"
         "'unevaluatedItems':false}",
         "[['a','b'],['a','x',1],['a','b',1]]", "[['a','b',2],['a','x',2]]"},
        {"{'if':{'prefixItems':[{'const':'a'}]},'then':{'prefixItems':[true,true]},"
         "'unevaluatedItems':false}",
         "[['a','x']]", "[['b'],['a','x','y']]"},
        {"{'$ref':'#/$defs/p','unevaluatedItems':false,'$defs':{'p':{'prefixItems':[true]}}}",
         "[[1]]", "[[1,2]]"},
    };
    CHECK_CASES(cases);
}

static void test_schema__follows_references(void **state)
{
    (void)state;
    static const struct keyword_case cases[] = {
        {"{'properties':{'foo':{'$ref':'#'}},'additionalProperties':false}",
         "[{'foo':false},{'foo':{'foo':{}}}]", "[{'bar':1},{'foo':{'bar':1}}]"},
        {"{'properties':{'foo':{'type':'integer'},'bar':{'$ref':'#/properties/foo'}}}",
         "[{'bar':3}]", "[{'bar':true}]"},
        {"{'prefixItems':[{'type':'integer'},{'$ref':'#/prefixItems/0'}]}", "[[1,2]]",
         "[[1,'foo']]"},
        {"{'$defs':{'tilde~f':{'type':'integer'},'sl/f':{'type':'integer'},'per%f':"
         "{'type':'integer'}},'properties':{'t':{'$ref':'#/$defs/tilde~0f'},'s':{'$ref':"
         "'#/$defs/sl~1f'},'p':{'$ref':'#/$defs/per%25f'}}}",
         "[{'t':1,'s':1,'p':1}]", "[{'t':'x'},{'s':'x'},{'p':'x'}]"},
        {"{'$defs':{'a':{'type':'integer'},'b':{'$ref':'#/$defs/a'}},'$ref':'#/$defs/b'}", "[5]",
         "['a']"},
        {"{'$defs':{'r':{'type':'array'}},'properties':{'foo':{'$ref':'#/$defs/r','maxItems':2}}}",
         "[{'foo':[]}]", "[{'foo':[1,2,3]},{'foo':'x'}]"},
        {"{'properties':{'$ref':{'type':'string'}}}", "[{'$ref':'a'}]", "[{'$ref':2}]"},
        {"{'$ref':'#/$defs/bool','$defs':{'bool':false}}", "[]", "['foo']"},
        {"{'$ref':'#foo','$defs':{'A':{'$anchor':'foo','type':'integer'}}}", "[1]", "['x']"},
        {"{'$ref':'#foo','$defs':{'A':{'$dynamicAnchor':'foo','type':'integer'}}}", "[1]", "['x']"},
        {"{'$id':'http://x.test/root.json','$ref':'http://x.test/nested.json#foo','$defs':{'A':"
         "{'$id':'nested.json','$defs':{'B':{'$anchor':'foo','type':'integer'}}}}}",
         "[1]", "['x']"},
        {"{'$id':'http://x.test/tree','type':'object','properties':{'nodes':{'items':{'$ref':"
         "'node'}}},'$defs':{'node':{'$id':'http://x.test/node','properties':{'value':{'type':"
         "'number'},'subtree':{'$ref':'tree'}},'required':['value']}}}",
         "[{'nodes':[{'value':1,'subtree':{'nodes':[{'value':1.1}]}}]}]",
         "[{'nodes':[{'value':1,'subtree':{'nodes':[{'value':'x'}]}}]},{'nodes':[{}]}]"},
        {"{'$id':'urn:uuid:deadbeef-1234-00ff-ff00-4321feebdaed','properties':{'foo':{'$ref':"
         "'#/$defs/bar'},'baz':{'$ref':'urn:uuid:deadbeef-1234-00ff-ff00-4321feebdaed#/$defs/bar'"
         "}},'$defs':{'bar':{'type':'string'}}}",
         "[{'foo':'a','baz':'b'}]", "[{'foo':1},{'baz':1}]"},
        {"{'$id':'http://x.test/a/b/c','$ref':'../d?q#','$defs':{'d':{'$id':'/a/./d?q','type':"
         "'string'}}}",
         "['x']", "[1]"},
        {"{'x-shared':{'s':{'type':'integer','properties':{}}},'$ref':'#/x-shared/s'}", "[1]",
         "['x']"},
        {"{'const':{'$ref':'#/nowhere','$id':7}}", "[{'$ref':'#/nowhere','$id':7}]", "[1]"},
        {"{'properties':{'a':{'$ref':'#/$defs//$defs/'}},'$defs':{'':{'$defs':{'':{'type':"
         "'number'}}}}}",
         "[{'a':1}]", "[{'a':'x'}]"},
        {"{'definitions':{'a':{'type':'integer'}},'$ref':'#/definitions/a'}", "[1]", "['x']"},
    };
    CHECK_CASES(cases);
}

static void test_schema__takes_a_value_inside_a_document(void **state)
{
    (void)state;
    cleanup_document struct document *document =
        read_quoted("{'config_schema':{'$ref':'#/$defs/a','$defs':{'a':{'type':'string'}}}}");
    const struct value *root = value_get(document_root(document), STR("config_schema"));
    struct schema *schema = NULL;
    assert_int_equal(schema_compile_value(document, root, &schema, NULL), 0);
    assert_ptr_equal(schema_source(schema), root);
    cleanup_document struct document *one = read_json("1");
    assert_int_equal(schema_validate(schema, document_root(one), NULL, NULL), E_INVALID);
    schema_destroy(schema);
}

static void test_schema__holds_its_document(void **state)
{
    (void)state;
    struct schema *schema = compile_quoted("{'enum':['a','b']}");
    cleanup_document struct document *value = read_json("\"b\"");
    assert_int_equal(schema_validate(schema, document_root(value), NULL, NULL), 0);
    assert_true(value_is(schema_source(schema), VALUE_MAP));
    schema_destroy(schema);
    schema_destroy(NULL);
}

/* Everything that allocates: marks, unique items, reports, best branches, references. */
static const char all_schema[] =
    "{'$id':'http://x.test/a','type':'object','properties':{'u':{'uniqueItems':true},'e':{'enum':"
    "['alpha','beta']},'r':{'$ref':'#d'},'o':{'oneOf':[{'const':'a'},{'const':'b'}]}},"
    "'anyOf':[{'required':['x']},{'properties':{'z':{'type':'null'}}}],'required':['y'],"
    "'$defs':{'d':{'$anchor':'d','items':{'type':'integer'}}},'unevaluatedProperties':false}";
static const char all_value[] =
    "{'u':[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,1],'e':'alpa','r':['x'],'o':'c','q':1}";

static void test_schema__survives_a_failing_allocation(void **state)
{
    (void)state;
    cleanup_document struct document *document = read_quoted(all_schema);
    cleanup_document struct document *value = read_quoted(all_value);
    for (long n = 0;; n++) {
        struct schema *schema = NULL;
        failing_alloc_arm(n);
        int status = schema_compile(document, &schema, NULL);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, 0);
            schema_destroy(schema);
            break;
        }
        assert_int_equal(status, E_NOMEM);
        assert_null(schema);
    }

    struct schema *schema = compile_quoted(all_schema);
    for (long n = 0;; n++) {
        struct schema_report *report = NULL;
        failing_alloc_arm(n);
        int status = schema_validate(schema, document_root(value), &report, NULL);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, E_INVALID);
            assert_int_equal(schema_report_count(report), 6);
            schema_report_destroy(report);
            break;
        }
        assert_int_equal(status, E_NOMEM);
        assert_null(report);
    }
    schema_destroy(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema__checks_types),
        cmocka_unit_test(test_schema__checks_enum_and_const),
        cmocka_unit_test(test_schema__checks_numbers),
        cmocka_unit_test(test_schema__checks_strings),
        cmocka_unit_test(test_schema__checks_arrays),
        cmocka_unit_test(test_schema__checks_objects),
        cmocka_unit_test(test_schema__combines_subschemas),
        cmocka_unit_test(test_schema__knows_what_was_not_evaluated),
        cmocka_unit_test(test_schema__follows_references),
        cmocka_unit_test(test_schema__takes_a_value_inside_a_document),
        cmocka_unit_test(test_schema__holds_its_document),
        cmocka_unit_test(test_schema__survives_a_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
