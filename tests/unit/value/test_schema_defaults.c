/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/cleanup.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/value/schema_case.h"

struct default_case {
    const char *schema;
    const char *value;
    const char *filled; /* NULL: nothing to fill in, and so the same document */
};

static void check_default(const struct default_case *test)
{
    struct schema *schema = compile_quoted(test->schema);
    cleanup_document struct document *value = read_quoted(test->value);
    cleanup_document struct document *filled = NULL;
    struct error err = {0};
    if (schema_fill_defaults(schema, value, &filled, &err) != 0) {
        fail_msg("%s on %s: %s", test->schema, test->value, err.message);
    }
    schema_destroy(schema);
    if (test->filled == NULL) {
        assert_ptr_equal(filled, value);
        return;
    }
    cleanup_document struct document *expected = read_quoted(test->filled);
    struct strbuf text = STRBUF_INIT;
    json_write(document_root(expected), JSON_COMPACT, &text);
    assert_json(document_root(filled), text.p);
    strbuf_finish(&text);
}

static void check_defaults(const struct default_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check_default(&cases[i]);
    }
}

#define CHECK_DEFAULTS(cases) check_defaults((cases), sizeof(cases) / sizeof((cases)[0]))

static void test_schema_fill_defaults__adds_missing_members(void **state)
{
    (void)state;
    static const struct default_case cases[] = {
        {"{'properties':{'a':{'default':1},'b':{'default':null},'c':{}}}", "{}",
         "{'a':1,'b':null}"},
        {"{'properties':{'a':{'default':1},'b':{'default':[{}]}}}", "{'z':0,'a':2}",
         "{'z':0,'a':2,'b':[{}]}"},
        {"{'properties':{'a':{'default':1}}}", "{'a':null}", NULL},
        {"{'properties':{'a':{'default':1}}}", "[]", NULL},
        {"{'properties':{'a':{'default':1}}}", "'x'", NULL},
        {"{'properties':{'a':{}}}", "{}", NULL},
        {"{'default':5}", "null", NULL},
        {"true", "{}", NULL},
        {"{'properties':{'a':{'type':'integer','default':'not checked'}}}", "{}",
         "{'a':'not checked'}"},
    };
    CHECK_DEFAULTS(cases);
}

static void test_schema_fill_defaults__makes_integers_whole(void **state)
{
    (void)state;
    static const struct default_case cases[] = {
        {"{'properties':{'n':{'type':'integer'},'d':{'type':'number'},'l':{'items':{'$ref':"
         "'#/$defs/i'}},'e':{'type':['integer','null'],'default':1e3},'x':{}},"
         "'$defs':{'i':{'type':'integer'}}}",
         "{'n':3.0,'d':3.0,'l':[1.0,2,2.5,1e20,9007199254740992.0],'x':1.0}",
         "{'n':3,'d':3.0,'l':[1,2,2.5,1e20,9007199254740992],'x':1.0,'e':1000}"},
        {"{'type':'integer'}", "-0.0", "0"},
        {"{'type':['integer','number']}", "3.0", NULL},
        {"{'type':'integer'}", "3", NULL},
    };
    CHECK_DEFAULTS(cases);
}

static void test_schema_fill_defaults__goes_down(void **state)
{
    (void)state;
    static const struct default_case cases[] = {
        {"{'properties':{'a':{'properties':{'b':{'default':1}}}}}", "{'a':{}}", "{'a':{'b':1}}"},
        {"{'properties':{'a':{'properties':{'b':{'default':1}}}}}", "{}", NULL},
        {"{'properties':{'a':{'default':{},'properties':{'b':{'default':1}}}}}", "{}",
         "{'a':{'b':1}}"},
        {"{'items':{'properties':{'b':{'default':1}}}}", "[{},1,{'b':2}]", "[{'b':1},1,{'b':2}]"},
        {"{'prefixItems':[true,{'properties':{'b':{'default':1}}}],'items':{'properties':{'c':"
         "{'default':2}}}}",
         "[{},{},{}]", "[{},{'b':1},{'c':2}]"},
        {"{'additionalProperties':{'properties':{'b':{'default':1}}}}", "{'x':{}}",
         "{'x':{'b':1}}"},
        {"{'patternProperties':{'^x':{'properties':{'b':{'default':1}}}},'additionalProperties':"
         "{'properties':{'c':{'default':2}}}}",
         "{'x':{},'y':{}}", "{'x':{'b':1},'y':{'c':2}}"},
        {"{'properties':{'v':{'$ref':'#'},'n':{'default':0}}}", "{'v':{'v':{}},'w':[]}",
         "{'v':{'v':{'n':0},'n':0},'w':[],'n':0}"},
    };
    CHECK_DEFAULTS(cases);
}

static void test_schema_fill_defaults__follows_what_always_applies(void **state)
{
    (void)state;
    static const struct default_case cases[] = {
        {"{'$ref':'#/$defs/d','$defs':{'d':{'properties':{'a':{'default':1}}}}}", "{}", "{'a':1}"},
        {"{'allOf':[{'properties':{'a':{'default':1}}},{'properties':{'b':{'default':2}}}]}", "{}",
         "{'a':1,'b':2}"},
        {"{'properties':{'a':{'$ref':'#/$defs/d'}},'$defs':{'d':{'default':7}}}", "{}", "{'a':7}"},
        {"{'properties':{'a':{'$ref':'#/$defs/d','default':1}},'$defs':{'d':{'default':7}}}", "{}",
         "{'a':1}"},
        {"{'properties':{'a':{}},'allOf':[{'properties':{'a':{'default':1}}}]}", "{}", "{'a':1}"},
        {"{'properties':{'a':{'default':1}},'allOf':[{'properties':{'a':{'default':2}}}]}", "{}",
         "{'a':1}"},
        {"{'anyOf':[{'properties':{'a':{'default':1}}}],'oneOf':[{'properties':{'b':{'default':1}}"
         "}],'if':true,'then':{'properties':{'c':{'default':1}}},'not':{'properties':{'d':"
         "{'default':1}},'maxProperties':0}}",
         "{'z':1}", NULL},
    };
    CHECK_DEFAULTS(cases);
}

static void test_schema_fill_defaults__ends_in_recursive_schemas(void **state)
{
    (void)state;
    static const struct default_case cases[] = {
        {"{'properties':{'a':{'$ref':'#','default':{}}}}", "{}", "{'a':{}}"},
        {"{'properties':{'a':{'$ref':'#','default':{}},'b':{'default':1}}}", "{}",
         "{'a':{'b':1},'b':1}"},
        {"{'properties':{'a':{'$ref':'#','default':{'a':{}}}}}", "{'a':{}}",
         "{'a':{'a':{'a':{}}}}"},
    };
    CHECK_DEFAULTS(cases);
}

static void assert_limit(const char *schema_text, const char *message)
{
    struct schema *schema = compile_quoted(schema_text);
    cleanup_document struct document *value = read_json("{}");
    struct document *filled = NULL;
    struct error err = {0};
    assert_int_equal(schema_fill_defaults(schema, value, &filled, &err), E_LIMIT);
    assert_string_equal(err.message, message);
    assert_null(filled);
    schema_destroy(schema);
}

/* Level i has two members whose default is level i + 1: 2^levels objects. */
static void append_levels(struct strbuf *text, int levels, const char *second)
{
    strbuf_append_text(text, "{'$ref':'#/$defs/d0','$defs':{");
    for (int i = 0; i < levels; i++) {
        strbuf_append_format(text, "'d%d':{'properties':{'a':{'$ref':'#/$defs/d%d','default':{}}",
                             i, i + 1);
        if (second != NULL) {
            strbuf_append_format(text, ",'%s':{'$ref':'#/$defs/d%d','default':{}}", second, i + 1);
        }
        strbuf_append_text(text, "}},");
    }
    strbuf_append_format(text, "'d%d':{}}}", levels);
}

static void test_schema_fill_defaults__keeps_limits(void **state)
{
    (void)state;
    struct strbuf text = STRBUF_INIT;
    append_levels(&text, 30, "b");
    assert_limit(text.p, "filling in the defaults takes more than 10000000 steps: make the schema "
                         "or the value simpler");
    strbuf_clear(&text);
    append_levels(&text, 1000, NULL);
    assert_limit(text.p, "more than 64 defaults are inside each other");
    strbuf_finish(&text);
}

static void test_schema_fill_defaults__shares_what_it_leaves(void **state)
{
    (void)state;
    struct schema *schema = compile_quoted("{'properties':{'a':{'default':'from the schema, long "
                                           "enough to be shared and not copied'}}}");
    struct document *value = read_quoted("{'big':[1,2,3,['x']]}");
    const struct value *inner = value_get(document_root(value), STR("big"));
    cleanup_document struct document *filled = NULL;
    assert_int_equal(schema_fill_defaults(schema, value, &filled, NULL), 0);
    const struct value *shared = value_get(document_root(filled), STR("big"));
    assert_ptr_equal(value_at(shared, 3), value_at(inner, 3));
    document_unref(value);
    schema_destroy(schema);
    assert_json(document_root(filled), "{\"big\":[1,2,3,[\"x\"]],\"a\":\"from the schema, long "
                                       "enough to be shared and not copied\"}");
}

static void test_schema_fill_defaults__survives_a_failing_allocation(void **state)
{
    (void)state;
    struct schema *schema = compile_quoted(
        "{'$ref':'#/$defs/d','$defs':{'d':{'properties':{'a':{'default':{},'properties':{'b':"
        "{'default':'x'}}},'l':{'items':{'properties':{'c':{'default':1}}}}}}}}");
    cleanup_document struct document *value = read_quoted("{'l':[{},{'c':1}]}");
    for (long n = 0;; n++) {
        struct document *filled = NULL;
        failing_alloc_arm(n);
        int status = schema_fill_defaults(schema, value, &filled, NULL);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, 0);
            assert_json(document_root(filled), "{\"l\":[{\"c\":1},{\"c\":1}],\"a\":{\"b\":\"x\"}}");
            document_unref(filled);
            break;
        }
        assert_int_equal(status, E_NOMEM);
        assert_null(filled);
    }
    schema_destroy(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema_fill_defaults__adds_missing_members),
        cmocka_unit_test(test_schema_fill_defaults__makes_integers_whole),
        cmocka_unit_test(test_schema_fill_defaults__goes_down),
        cmocka_unit_test(test_schema_fill_defaults__follows_what_always_applies),
        cmocka_unit_test(test_schema_fill_defaults__ends_in_recursive_schemas),
        cmocka_unit_test(test_schema_fill_defaults__keeps_limits),
        cmocka_unit_test(test_schema_fill_defaults__shares_what_it_leaves),
        cmocka_unit_test(test_schema_fill_defaults__survives_a_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
