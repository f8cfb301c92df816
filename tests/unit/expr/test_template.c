/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/expr/template.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/expr/bindings.h"

static const char data[] =
    "{\"input\":{\"i\":3,\"d\":1.0,\"s\":\"text\",\"t\":true,\"nul\":null,\"list\":[3,\"a\"],"
    "\"map\":{\"k\":\"v\"},\"evil\":\"{{ input.s }} ${HOME} ${s}\"},\"date\":\"2025-01-31\","
    "\"time\":\"14-22-33\"}";

/* What a compilation reports, one line for each fault. */
struct report {
    struct strbuf faults;
    const char *raw; /* the pointer that is raw, or NULL */
};

static bool is_raw(void *user, struct str pointer)
{
    const struct report *report = user;
    return report->raw != NULL && str_equal_text(pointer, report->raw);
}

static const char *get_env(void *user, struct str name)
{
    (void)user;
    if (str_equal_text(name, "HOME")) {
        return "/home/{{ input.s }}";
    }
    if (str_equal_text(name, "BYTES")) {
        return "a\xff";
    }
    return str_equal_text(name, "EMPTY") ? "" : NULL;
}

static void on_fault(void *user, struct str pointer, struct expr_fault fault,
                     const struct error *err)
{
    struct report *report = user;
    strbuf_append_format(&report->faults, "%.*s %zu+%zu: %s\n", STR_ARG(pointer), fault.offset,
                         fault.length, err->message);
}

static int compile(const struct document *document, struct bindings *bindings,
                   struct report *report, struct template **out, struct error *err)
{
    struct template_options options = {
        .names = bindings_names(bindings),
        .is_raw = is_raw,
        .env = get_env,
        .on_fault = on_fault,
        .user = report,
    };
    return template_compile(document, document_root(document), &options, out, err);
}

static char *write_json(const struct value *value)
{
    struct strbuf text = STRBUF_INIT;
    json_write(value, JSON_COMPACT, &text);
    return strbuf_take(&text);
}

/* Compiles and resolves; the result as JSON (free() it), or NULL with `err`. */
static char *resolve_with(const char *json, const char *raw, struct error *err)
{
    struct bindings bindings = bindings_open(data);
    struct expr_scope scope = bindings_scope(&bindings);
    struct expr_budget budget = expr_default_budget;
    struct report report = {STRBUF_INIT, raw};
    cleanup_document struct document *document = NULL;
    cleanup_document struct document *result = NULL;
    struct template *template = NULL;
    char *text = NULL;
    assert_int_equal(json_read(str_from(json), NULL, &document, err), 0);
    if (compile(document, &bindings, &report, &template, err) == 0 &&
        template_resolve(template, &scope, &budget, &result, err) == 0) {
        text = write_json(document_root(result));
    }
    template_destroy(template);
    strbuf_finish(&report.faults);
    bindings_close(&bindings);
    return text;
}

struct row {
    const char *source;
    const char *expected;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct error err = {0};
        char *result = resolve_with(rows[i].source, NULL, &err);
        if (result == NULL) {
            fail_msg("%s: %s", rows[i].source, err.message);
        }
        if (strcmp(result, rows[i].expected) != 0) {
            fail_msg("%s: %s instead of %s", rows[i].source, result, rows[i].expected);
        }
        free(result);
    }
}

static void test_template__one_expression_keeps_its_type(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"\"{{ input.i }}\"", "3"},
        {"\" \\n{{input.i}}\\t \"", "3"},
        {"\"{{ input.d }}\"", "1.0"},
        {"\"{{ input.t }}\"", "true"},
        {"\"{{ input.nul }}\"", "null"},
        {"\"{{ input.list }}\"", "[3,\"a\"]"},
        {"\"{{ input.map }}\"", "{\"k\":\"v\"}"},
        {"\"{{ [input.i, {'a': input.list}] }}\"", "[3,{\"a\":[3,\"a\"]}]"},
        {"\"{{ timestamp('2025-01-31T14:22:33Z') }}\"", "\"2025-01-31T14:22:33Z\""},
        {"\"{{ input.?s }}\"", "\"text\""},
        {"\"${i}\"", "3"},
        {"\"${input.i + 1}\"", "4"},
        {"\"{{ date }}\"", "\"2025-01-31\""},
    };
    check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void test_template__leaves_out_what_is_an_optional_without_a_value(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{\"a\":\"{{ input.?z }}\",\"b\":1}", "{\"b\":1}"},
        {"{\"a\":\" {{ input.?z }} \",\"b\":\"{{ input.?i }}\"}", "{\"b\":3}"},
        {"[\"{{ input.?z }}\",\"{{ input.i }}\",\"{{ optional.none() }}\"]", "[3]"},
        {"[[\"{{ input.?z }}\"],{\"a\":\"{{ input.?z }}\"}]", "[[],{}]"},
        {"{\"a\":\"{{ input.?z.orValue(1) }}\",\"b\":\"{{ input.nul }}\"}", "{\"a\":1,\"b\":null}"},
        {"{\"a\":\"{{ optional.of(input.i) }}\",\"b\":\"x{{ input.i }}\"}",
         "{\"a\":3,\"b\":\"x3\"}"},
        {"{\"a\":\"{{ input.?z }}\",\"b\":{\"c\":\"{{ input.s }}\"},\"d\":\"{{ input.?z }}\"}",
         "{\"b\":{\"c\":\"text\"}}"},
    };
    check_rows(rows, sizeof(rows) / sizeof(rows[0]));
    struct error err = {0};
    assert_null(resolve_with("\"{{ input.?z }}\"", NULL, &err));
    assert_string_equal(err.message, "the result is an optional without a value: use orValue(x)");
    assert_null(resolve_with("{\"a\":[\"{{ [input.?z] }}\"]}", NULL, &err));
    assert_string_equal(err.message,
                        "/a/0: the result is an optional without a value: use orValue(x)");
}

static void test_template__text_holds_values_as_json(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"\"a {{ input.i }} b {{input.s}}\"", "\"a 3 b text\""},
        {"\"{{ input.d }}{{ input.t }}{{ 2u }}\"", "\"1.0true2\""},
        {"\"x{{ input.list }}{{ input.map }}\"", "\"x[3,\\\"a\\\"]{\\\"k\\\":\\\"v\\\"}\""},
        {"\"{{ [input.i, 'b'] }}.\"", "\"[3,\\\"b\\\"].\""},
        {"\"at {{ timestamp('2025-01-31T14:22:33.5Z') }}\"", "\"at 2025-01-31T14:22:33.5Z\""},
        {"\"for {{ duration('90s') }}\"", "\"for 90s\""},
        {"\"r-{{ date }}_{{ time }}.md\"", "\"r-2025-01-31_14-22-33.md\""},
        {"\"{{ default(input.nul, '') }}|\"", "\"|\""},
        {"\"{{ input.?s }}.\"", "\"text.\""},
        {"\"{{ input.s }}{{ input.s }}\"", "\"texttext\""},
        {"\"{{ input.s }} ${s} ${HOME}\"", "\"text text /home/{{ input.s }}\""},
    };
    check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void test_template__expressions_end_outside_strings_and_braces(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"\"{{ '}}' }}\"", "\"}}\""},
        {"\"{{ '{{' }}\"", "\"{{\""},
        {"\"a {{ '{{' }} b {{ '}}' }}\"", "\"a {{ b }}\""},
        {"\"{{ {'a': {'b': 1}} }}\"", "{\"a\":{\"b\":1}}"},
        {"\"{{ {'a': {'b': 1}}}}\"", "{\"a\":{\"b\":1}}"},
        {"\"{{{'a': 1}}}\"", "{\"a\":1}"},
        {"\"{{ '\\\\'}}' }}!\"", "\"'}}!\""},
        {"\"{{ r'\\\\' + '}}' }}!\"", "\"\\\\}}!\""},
        {"\"{{ '''it's }}''' }}!\"", "\"it's }}!\""},
        {"\"{{ 1 // }} ' not the end\\n + 2 }}\"", "3"},
        {"\"${ {'a': '}'}.a }\"", "\"}\""},
        {"\"} }} {x} {\"", "\"} }} {x} {\""},
        {"\"{{ 1 }}}}\"", "\"1}}\""},
    };
    check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void test_template__variables_are_put_in_as_text(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"\"${HOME}\"", "\"/home/{{ input.s }}\""},
        {"\"${NOPE:-fallback}\"", "\"fallback\""},
        {"\"${NOPE:-}x\"", "\"x\""},
        {"\"${EMPTY:-d}${EMPTY}\"", "\"d\""},
        {"\"${NOPE:-{{ 1 }}\"", "\"{{ 1 }\""},
        {"\"${_A1:-b}\"", "\"b\""},
        {"\"$${HOME} $HOME $5 $\"", "\"${HOME} $HOME $5 $\""},
        {"\"$$${i}\"", "\"$${i}\""},
        {"\"$${ {{ input.i }}\"", "\"${ 3\""},
        {"{\"a\":[\"${HOME}\",{\"b\":\"{{ input.i }}\"}],\"c\":[1]}",
         "{\"a\":[\"/home/{{ input.s }}\",{\"b\":3}],\"c\":[1]}"},
    };
    check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void test_template__walks_everything_but_keys_and_raw_fields(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{\"{{ input.i }}\":\"{{ input.i }}\"}", "{\"{{ input.i }}\":3}"},
        {"[[[\"{{ input.i }}\"]],1,null,{\"a\":{},\"b\":[]}]",
         "[[[3]],1,null,{\"a\":{},\"b\":[]}]"},
        {"{\"a\":\"plain\",\"b\":{\"c\":[\"x\",\"{{ input.s }}\"],\"d\":[\"e\"]}}",
         "{\"a\":\"plain\",\"b\":{\"c\":[\"x\",\"text\"],\"d\":[\"e\"]}}"},
        {"12", "12"},
    };
    check_rows(rows, sizeof(rows) / sizeof(rows[0]));
    struct error err = {0};
    char *result =
        resolve_with("{\"code\":\"{{ nothing ${x}\",\"b\":\"{{ input.i }}\"}", "/code", &err);
    assert_string_equal(result, "{\"code\":\"{{ nothing ${x}\",\"b\":3}");
    free(result);
    result = resolve_with("{\"a/b\":{\"x\":\"{{ input.i }}\"},\"b\":\"${HOME}\"}", "/a~1b", &err);
    assert_string_equal(result,
                        "{\"a/b\":{\"x\":\"{{ input.i }}\"},\"b\":\"/home/{{ input.s }}\"}");
    free(result);
}

static void test_template__can_be_checked_with_its_faults(void **state)
{
    (void)state;
    struct bindings bindings = bindings_open(data);
    struct template_options options = {.names = bindings_names(&bindings), .keeps_faulty = true};
    struct document *document = NULL;
    struct template *template = NULL;
    struct error err = {0};
    assert_int_equal(json_read(STR("{\"a\":\"{{ 1 + }}\",\"b\":\"{{ open\",\"c\":\"{{ input.i "
                                   "}}\",\"d\":\"plain\"}"),
                               NULL, &document, NULL),
                     0);
    assert_int_equal(template_compile(document, document_root(document), &options, &template, &err),
                     0);
    assert_string_equal(err.message, "/a: the expression ends where a value is expected");
    assert_int_equal(template_fault_count(template), 2);
    assert_int_equal(template_expr_count(template), 1);
    assert_false(template_is_constant(template));
    const struct value *map = template_source(template);
    assert_true(template_is_dynamic(template, value_get(map, STR("a"))));
    assert_true(template_is_dynamic(template, value_get(map, STR("b"))));
    assert_true(template_is_dynamic(template, value_get(map, STR("c"))));
    assert_false(template_is_dynamic(template, value_get(map, STR("d"))));
    struct expr_scope scope = bindings_scope(&bindings);
    struct expr_budget budget = expr_default_budget;
    struct document *result = NULL;
    assert_int_equal(template_resolve(template, &scope, &budget, &result, &err), E_INVALID);
    assert_null(result);
    template_destroy(template);
    document_unref(document);
    bindings_close(&bindings);
}

static void test_template__results_are_not_templates(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"\"{{ input.evil }}\"", "\"{{ input.s }} ${HOME} ${s}\""},
        {"\"<{{ input.evil }}>\"", "\"<{{ input.s }} ${HOME} ${s}>\""},
        {"\"{{ '{{ input' + '.s }}' }}\"", "\"{{ input.s }}\""},
        {"\"{{ input }}\"",
         "{\"i\":3,\"d\":1.0,\"s\":\"text\",\"t\":true,\"nul\":null,\"list\":[3,\"a\"],"
         "\"map\":{\"k\":\"v\"},\"evil\":\"{{ input.s }} ${HOME} ${s}\"}"},
        {"\"{{ '{' }}{{ '{ 1 }}' }}\"", "\"{{ 1 }}\""},
    };
    check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void test_template__text_of_secret_slots_is_hidden(void **state)
{
    (void)state;
    struct bindings bindings = bindings_open("{\"secrets\":{\"a\":\"hunter22\"},\"b\":\"c\"}");
    struct error err = {0};
    struct report report = {.raw = NULL};
    struct template *template = NULL;
    struct document *document = NULL;
    struct document *result = NULL;
    struct strbuf text = STRBUF_INIT;
    struct expr_budget budget = expr_default_budget;
    static const char source[] =
        "{\"one\":\"{{ secrets.a }}\",\"in\":[\"k {{ 'x' + secrets.a }}\"],\"of\":\"{{ b }}\","
        "\"as\":\"secrets.a\"}";
    assert_int_equal(json_read(str_from(source), NULL, &document, &err), 0);
    assert_int_equal(compile(document, &bindings, &report, &template, &err), 0);
    struct expr_scope scope = bindings_scope(&bindings);
    scope.secret_slots = 1;
    assert_int_equal(template_resolve(template, &scope, &budget, &result, &err), 0);
    json_write(document_root(result), JSON_COMPACT, &text);
    assert_string_equal(text.p,
                        "{\"one\":\"***\",\"in\":[\"***\"],\"of\":\"c\",\"as\":\"secrets.a\"}");
    strbuf_clear(&text);
    json_write(document_root(result), JSON_OPEN, &text);
    assert_string_equal(
        text.p,
        "{\"one\":\"hunter22\",\"in\":[\"k xhunter22\"],\"of\":\"c\",\"as\":\"secrets.a\"}");
    strbuf_finish(&text);
    document_unref(result);
    template_destroy(template);
    document_unref(document);
    bindings_close(&bindings);
}

/* As those of nodes and loops are: there are more of them than bits. */
static void test_template__text_of_high_slots_is_not_hidden(void **state)
{
    struct strbuf names = STRBUF_INIT;
    struct error err = {0};
    struct report report = {.raw = NULL};
    struct template *template = NULL;
    struct document *document = NULL;
    struct document *result = NULL;
    struct strbuf text = STRBUF_INIT;
    struct expr_budget budget = expr_default_budget;
    (void)state;
    strbuf_append_text(&names, "{\"s0\":\"hunter22\"");
    for (int i = 1; i < 34; i++) {
        strbuf_append_format(&names, ",\"s%d\":\"v%d\"", i, i);
    }
    strbuf_append_text(&names, "}");
    assert_int_equal(strbuf_status(&names), 0);
    struct bindings bindings = bindings_open(names.p);
    assert_int_equal(json_read(STR("[\"{{ s32 }}, {{ s33 }}\"]"), NULL, &document, &err), 0);
    assert_int_equal(compile(document, &bindings, &report, &template, &err), 0);
    struct expr_scope scope = bindings_scope(&bindings);
    scope.secret_slots = 1;
    assert_int_equal(template_resolve(template, &scope, &budget, &result, &err), 0);
    json_write(document_root(result), JSON_COMPACT, &text);
    assert_string_equal(text.p, "[\"v32, v33\"]");
    strbuf_finish(&text);
    strbuf_finish(&names);
    document_unref(result);
    template_destroy(template);
    document_unref(document);
    bindings_close(&bindings);
}

static void test_template__failures_name_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        int code;
        const char *message;
    } rows[] = {
        {"{\"a\":\"x {{ input.nul }}\"}", E_INVALID,
         "/a: 'input.nul' is null and cannot be part of a text: use default(input.nul, '')"},
        {"{\"a\":\"x {{ input.?z }}\"}", E_INVALID,
         "/a: 'input.?z' is without a value and cannot be part of a text: use "
         "default(input.?z, '')"},
        {"{\"a\":[1,\"{{ input.nope }}\"]}", E_NOT_FOUND,
         "/a/1: no such key: 'nope' in 'input.nope'"},
        {"\"{{ 1 / 0 }}\"", E_INVALID, "division by zero in '1 / 0'"},
        {"{\"a\":{\"b\":\"{{ [b'x'] }}\"}}", E_INVALID,
         "/a/b: a result of type bytes cannot be written as JSON: use base64(x) or string(x)"},
        {"{\"a\":\"{{ {'x': 1, 'x': 2} }}\"}", E_INVALID,
         "/a: the key 'x' is there twice in a map"},
        {"[\"{{ range(400000) }}\"]", E_LIMIT,
         "/0: the expression makes more than 8388608 bytes (limit 'expression output'): make "
         "smaller lists and texts, or split the work between nodes"},
        {"[\"{{ range(999).all(x, range(999).all(y, true)) }}\"]", E_LIMIT,
         "/0: the expression takes more than 1000000 steps (limit 'expression steps'): walk over "
         "less, or split the work between nodes"},
        {"[\"{{ range(320000).size() }}{{ range(25000) }}\"]", E_LIMIT,
         "/0: the text with its values has more than 108608 bytes (limit 'expression output'): put "
         "less into it"},
        {"{\"a\":\"{{ input.list }}{{ }}\"}", E_INVALID,
         "/a: there is no expression between the braces"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct error err = {0};
        char *result = resolve_with(rows[i].source, NULL, &err);
        if (result != NULL || err.code != rows[i].code ||
            strcmp(err.message, rows[i].message) != 0) {
            fail_msg("%s: %s '%s'", rows[i].source, result != NULL ? result : "", err.message);
        }
    }
}

static void test_template__all_faults_are_reported(void **state)
{
    (void)state;
    static const char source[] = "{\"a\":\"x {{ input. }}\",\"b\":[\"{{ nope }} {{ 1 + }}\"],"
                                 "\"c\":\"{{ input.s\",\"d\":\"${ input.s\",\"e\":\"{{}}\","
                                 "\"f\":\"fine {{ input.s }}\",\"g\":\"${}\"}";
    struct bindings bindings = bindings_open(data);
    struct report report = {STRBUF_INIT, NULL};
    struct template *template = NULL;
    struct error err = {0};
    cleanup_document struct document *document = NULL;
    assert_int_equal(json_read(str_from(source), NULL, &document, NULL), 0);
    assert_int_equal(compile(document, &bindings, &report, &template, &err), E_INVALID);
    assert_null(template);
    assert_string_equal(report.faults.p,
                        "/a 12+0: the expression ends where a field name is expected\n"
                        "/b/0 3+4: nothing is called 'nope' here\n"
                        "/b/0 18+0: the expression ends where a value is expected\n"
                        "/c 0+2: '{{' has no closing '}}': {{ '{{' }} writes '{{'\n"
                        "/d 0+2: '${' has no closing '}': '$${' writes '${'\n"
                        "/e 0+4: there is no expression between the braces\n"
                        "/g 0+3: there is no expression between the braces\n");
    assert_string_equal(err.message, "/a: the expression ends where a field name is expected");
    strbuf_finish(&report.faults);
    bindings_close(&bindings);
}

static void test_template__a_variable_must_be_utf8(void **state)
{
    (void)state;
    struct bindings bindings = bindings_open(data);
    struct report report = {STRBUF_INIT, NULL};
    struct template *template = NULL;
    struct error err = {0};
    cleanup_document struct document *document = NULL;
    assert_int_equal(
        json_read(STR("{\"a\":\"x ${BYTES}\",\"b\":\"${BYTES:-c}\"}"), NULL, &document, NULL), 0);
    assert_int_equal(compile(document, &bindings, &report, &template, &err), E_INVALID);
    assert_null(template);
    assert_string_equal(report.faults.p, "/a 4+5: the environment variable 'BYTES' is not UTF-8\n"
                                         "/b 2+5: the environment variable 'BYTES' is not UTF-8\n");
    assert_string_equal(err.message, "/a: the environment variable 'BYTES' is not UTF-8");
    strbuf_finish(&report.faults);
    bindings_close(&bindings);
}

static void test_template__tells_what_is_inside(void **state)
{
    (void)state;
    static const char source[] = "{\"a\":\"x {{ input.s }} ${i}\",\"b\":\"${HOME}/${NOPE}\","
                                 "\"c\":[\"{{ date }}\",\"p\"]}";
    struct bindings bindings = bindings_open(data);
    struct report report = {STRBUF_INIT, NULL};
    struct template *template = NULL;
    struct error err = {0};
    cleanup_document struct document *document = NULL;
    assert_int_equal(json_read(str_from(source), NULL, &document, NULL), 0);
    assert_int_equal(compile(document, &bindings, &report, &template, &err), 0);
    assert_false(template_is_constant(template));
    const struct value *root = template_source(template);
    char *text = write_json(root);
    assert_string_equal(text, "{\"a\":\"x {{ input.s }} ${i}\",\"b\":\"/home/{{ input.s }}/\","
                              "\"c\":[\"{{ date }}\",\"p\"]}");
    free(text);
    assert_true(template_is_dynamic(template, value_pointer(root, STR("/a"))));
    assert_true(template_is_dynamic(template, value_pointer(root, STR("/c/0"))));
    assert_false(template_is_dynamic(template, value_pointer(root, STR("/b"))));
    assert_false(template_is_dynamic(template, value_pointer(root, STR("/c"))));
    assert_false(template_is_dynamic(template, value_pointer(root, STR("/c/1"))));
    assert_int_equal(template_expr_count(template), 3);
    struct str pointer = STR("");
    size_t offset = 0;
    const struct expr *expr = template_expr_at(template, 0, &pointer, &offset);
    assert_true(str_equal_text(pointer, "/a"));
    assert_int_equal(offset, 4);
    assert_true(str_equal_text(expr_source(expr), " input.s "));
    expr = template_expr_at(template, 1, &pointer, &offset);
    assert_int_equal(offset, 18);
    assert_true(str_equal_text(expr_source(expr), "i"));
    (void)template_expr_at(template, 2, &pointer, &offset);
    assert_true(str_equal_text(pointer, "/c/0"));
    assert_int_equal(template_unset_count(template), 1);
    assert_true(str_equal_text(template_unset_at(template, 0, &pointer), "NOPE"));
    assert_true(str_equal_text(pointer, "/b"));
    template_destroy(template);
    bindings_close(&bindings);
}

static void test_template__constant_parts_are_shared(void **state)
{
    (void)state;
    struct bindings bindings = bindings_open(data);
    struct expr_scope scope = bindings_scope(&bindings);
    struct expr_budget budget = expr_default_budget;
    struct report report = {STRBUF_INIT, NULL};
    struct template *template = NULL;
    cleanup_document struct document *document = NULL;
    cleanup_document struct document *first = NULL;
    cleanup_document struct document *second = NULL;
    assert_int_equal(json_read(STR("{\"a\":[1,2]}"), NULL, &document, NULL), 0);
    assert_int_equal(compile(document, &bindings, &report, &template, NULL), 0);
    assert_true(template_is_constant(template));
    assert_int_equal(template_resolve(template, &scope, &budget, &first, NULL), 0);
    assert_int_equal(template_resolve(template, &scope, &budget, &second, NULL), 0);
    assert_ptr_equal(first, second);
    assert_ptr_equal(first, document);
    template_destroy(template);
    document_unref(document);
    document = NULL;
    assert_int_equal(
        json_read(STR("{\"a\":[1,2],\"b\":\"{{ input.list }}\"}"), NULL, &document, NULL), 0);
    assert_int_equal(compile(document, &bindings, &report, &template, NULL), 0);
    document_unref(first);
    assert_int_equal(template_resolve(template, &scope, &budget, &first, NULL), 0);
    assert_ptr_equal(value_at(value_pointer(document_root(first), STR("/a")), 0),
                     value_at(value_pointer(document_root(document), STR("/a")), 0));
    assert_ptr_equal(
        value_at(value_pointer(document_root(first), STR("/b")), 0),
        value_at(value_pointer(document_root(bindings.document), STR("/input/list")), 0));
    template_destroy(template);
    bindings_close(&bindings);
}

/* As an alias in YAML does, the document has one list in three places, one of them raw. */
static void test_template__shared_values_are_told_apart(void **state)
{
    (void)state;
    struct bindings bindings = bindings_open(data);
    struct expr_scope scope = bindings_scope(&bindings);
    struct expr_budget budget = expr_default_budget;
    struct report report = {STRBUF_INIT, "/raw"};
    struct template *template = NULL;
    cleanup_document struct document *part = NULL;
    cleanup_document struct document *whole = NULL;
    cleanup_document struct document *result = NULL;
    assert_int_equal(json_read(STR("[\"{{ input.i }}\",\"${NOPE:-n}\"]"), NULL, &part, NULL), 0);
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_key(b, STR("raw"));
    builder_embed(b, part, document_root(part));
    builder_key(b, STR("one"));
    builder_embed(b, part, document_root(part));
    builder_key(b, STR("two"));
    builder_embed(b, part, document_root(part));
    builder_map_end(b);
    assert_int_equal(builder_finish(b, &whole, NULL), 0);
    assert_int_equal(compile(whole, &bindings, &report, &template, NULL), 0);
    assert_int_equal(template_resolve(template, &scope, &budget, &result, NULL), 0);
    char *text = write_json(document_root(result));
    assert_string_equal(text, "{\"raw\":[\"{{ input.i }}\",\"${NOPE:-n}\"],"
                              "\"one\":[3,\"n\"],\"two\":[3,\"n\"]}");
    free(text);
    template_destroy(template);
    bindings_close(&bindings);
}

static void test_template__compiles_a_part_of_a_document(void **state)
{
    (void)state;
    struct bindings bindings = bindings_open(data);
    struct expr_scope scope = bindings_scope(&bindings);
    struct expr_budget budget = expr_default_budget;
    struct template_options options = {.names = bindings_names(&bindings)};
    struct template *template = NULL;
    cleanup_document struct document *document = NULL;
    cleanup_document struct document *result = NULL;
    assert_int_equal(
        json_read(STR("{\"a\":{\"b\":\"{{ input.i }}\"},\"c\":\"{{\"}"), NULL, &document, NULL), 0);
    const struct value *part = value_get(document_root(document), STR("a"));
    assert_int_equal(template_compile(document, part, &options, &template, NULL), 0);
    assert_int_equal(template_resolve(template, &scope, &budget, &result, NULL), 0);
    char *text = write_json(document_root(result));
    assert_string_equal(text, "{\"b\":3}");
    free(text);
    template_destroy(template);
    bindings_close(&bindings);
}

static void test_template__survives_failing_allocations(void **state)
{
    (void)state;
    static const char source[] =
        "{\"a\":\"x {{ input.s }} ${i}\",\"b\":\"${HOME}/${NOPE}\",\"c\":[\"{{ input.list }}\","
        "\"p\",\"{{ [1, input.map] }} {{ input.map }}\"],\"raw\":[\"{{ }}\"]}";
    struct bindings bindings = bindings_open(data);
    struct expr_scope scope = bindings_scope(&bindings);
    cleanup_document struct document *document = NULL;
    assert_int_equal(json_read(str_from(source), NULL, &document, NULL), 0);
    for (long n = 0;; n++) {
        struct report report = {STRBUF_INIT, "/raw"};
        struct expr_budget budget = expr_default_budget;
        struct template *template = NULL;
        struct document *result = NULL;
        struct error err = {0};
        failing_alloc_arm(n);
        int status = compile(document, &bindings, &report, &template, &err);
        if (status == 0) {
            status = template_resolve(template, &scope, &budget, &result, &err);
        }
        bool is_reached = failing_alloc_disarm();
        document_unref(result);
        template_destroy(template);
        strbuf_finish(&report.faults);
        if (!is_reached) {
            assert_int_equal(status, 0);
            break;
        }
        if (status != 0) {
            assert_int_equal(status, E_NOMEM);
        }
    }
    bindings_close(&bindings);
}

static void test_template__knows_what_can_stand_in_it(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        struct cel value;
        const char *message; /* NULL: it can */
    } rows[] = {
        {"\"{{ date }}\"", {.type = CEL_NULL}, NULL},
        {"\"a {{ date }}\"",
         {.type = CEL_NULL},
         "'date' is null and cannot be part of a text: use default(date, '')"},
        {"\" {{ date }} \"", {.type = CEL_OPTIONAL}, NULL},
        {"\"a {{ date }}\"",
         {.type = CEL_OPTIONAL},
         "'date' is without a value and cannot be part of a text: use default(date, '')"},
        {"\"{{ date }}\"",
         {.type = CEL_DOUBLE, .as.number = HUGE_VAL},
         "the result is not a finite number, which JSON cannot hold"},
        {"\"{{ date }}\"",
         {.type = CEL_BYTES},
         "a result of type bytes cannot be written as JSON: use base64(x) or string(x)"},
        {"\"a {{ date }}\"",
         {.type = CEL_TYPE},
         "a result of type type cannot be written as JSON: use string(x)"},
        {"\"a {{ date }}\"", {.type = CEL_INT, .as.integer = 1}, NULL},
    };
    struct bindings bindings = bindings_open(data);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct error err = {0};
        struct report report = {.raw = NULL};
        struct template *template = NULL;
        struct document *document = NULL;
        assert_int_equal(json_read(str_from(rows[i].json), NULL, &document, &err), 0);
        assert_int_equal(compile(document, &bindings, &report, &template, &err), 0);
        int status = template_check_result(template, 0, &rows[i].value, &err);
        assert_int_equal(status, rows[i].message == NULL ? 0 : E_INVALID);
        assert_string_equal(err.message, rows[i].message == NULL ? "" : rows[i].message);
        template_destroy(template);
        document_unref(document);
    }
    bindings_close(&bindings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_template__one_expression_keeps_its_type),
        cmocka_unit_test(test_template__leaves_out_what_is_an_optional_without_a_value),
        cmocka_unit_test(test_template__text_holds_values_as_json),
        cmocka_unit_test(test_template__expressions_end_outside_strings_and_braces),
        cmocka_unit_test(test_template__variables_are_put_in_as_text),
        cmocka_unit_test(test_template__walks_everything_but_keys_and_raw_fields),
        cmocka_unit_test(test_template__can_be_checked_with_its_faults),
        cmocka_unit_test(test_template__results_are_not_templates),
        cmocka_unit_test(test_template__text_of_secret_slots_is_hidden),
        cmocka_unit_test(test_template__text_of_high_slots_is_not_hidden),
        cmocka_unit_test(test_template__failures_name_the_place),
        cmocka_unit_test(test_template__all_faults_are_reported),
        cmocka_unit_test(test_template__a_variable_must_be_utf8),
        cmocka_unit_test(test_template__tells_what_is_inside),
        cmocka_unit_test(test_template__constant_parts_are_shared),
        cmocka_unit_test(test_template__shared_values_are_told_apart),
        cmocka_unit_test(test_template__compiles_a_part_of_a_document),
        cmocka_unit_test(test_template__knows_what_can_stand_in_it),
        cmocka_unit_test(test_template__survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
