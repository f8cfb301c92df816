/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "tests/support/failing_alloc.h"
#include "tests/unit/expr/bindings.h"

static const char data[] =
    "{\"input\":{\"i\":3,\"list\":[3,1,2],\"s\":\"text\"},"
    "\"nodes\":{\"deploy-prod\":{\"output\":{\"x\":1}}},\"fix\":{},\"x\":10}";

struct fault_row {
    const char *text;
    unsigned flags;
    size_t offset;
    size_t length;
    const char *message;
};

/* Likely mistakes: where the caret stands and what is said. */
static const struct fault_row fault_rows[] = {
    {"input.i >", 0, 9, 0, "the expression ends where a value is expected"},
    {"input.i = 3", 0, 8, 1, "'=' is no operator: equality is '=='"},
    {"input.i > 1 and x", 0, 12, 3,
     "unexpected 'and' where an operator or the end is expected: use '&&'"},
    {"input.i > 1 or x", 0, 12, 2,
     "unexpected 'or' where an operator or the end is expected: use '||'"},
    {"not x", 0, 4, 1,
     "unexpected 'x' where an operator or the end is expected: 'not' is written '!'"},
    {"input.i > 1 && (not input.b)", 0, 20, 5,
     "unexpected 'input' where ')' is expected: 'not' is written '!'"},
    {"input.l.map(x => x)", 0, 14, 2, "'=>' is no operator: write list.map(x, x.name)"},
    {"knot x", 0, 5, 1, "unexpected 'x' where an operator or the end is expected"},
    {"input.i <> 1", 0, 9, 1, "unexpected '>' where a value is expected: use '!='"},
    {"input.s == \u201ca\u201d", 0, 11, 3, "curly quotes are no quotes here: write ' or \""},
    {"input.i & 1", 0, 8, 1, "'&' is no operator: use '&&'"},
    {"input.s | upper", 0, 8, 1, "'|' is no operator: use '||', or a function"},
    {"input.s == 'text", 0, 11, 5, "the string has no closing quote"},
    {"imput.i", 0, 0, 5, "nothing is called 'imput' here: did you mean 'input'?"},
    {"x + y", 0, 4, 1, "nothing is called 'y' here"},
    {"size(input.list", 0, 15, 0, "the expression ends where ',' or ')' is expected"},
    {"[1, 2", 0, 5, 0, "the expression ends where ',' or ']' is expected"},
    {"{'a': 1", 0, 7, 0, "the expression ends where ',' or '}' is expected"},
    {"{'a' 1}", 0, 5, 1, "unexpected '1' where ':' is expected"},
    {"x > 1 ? 'a'", 0, 11, 0, "the expression ends where ':' is expected"},
    {"input.s.contanis('e')", 0, 8, 8, "there is no function 'contanis': did you mean 'contains'?"},
    {"len(input.list)", 0, 0, 3, "there is no function 'len': did you mean 'size'?"},
    {"math.max(1, 2)", 0, 5, 3, "there is no function 'max': did you mean 'math.greatest'?"},
    {"frobnicate(1)", 0, 0, 10, "there is no function 'frobnicate'"},
    {"size(x, 1)", 0, 0, 10, "'size' takes 1 argument, not 2"},
    {"input.s.substring()", 0, 0, 19, "'substring' takes 1 to 2 arguments, not 0"},
    {"contains('a', 'b')", 0, 0, 18, "'contains' is called as x.contains(...)"},
    {"'a'.int()", 0, 0, 9, "'int' is called as int(...)"},
    {"input.list.map(x * 2)", 0, 11, 3, "'map' is called as x.map(name, expression)"},
    {"input.list.map(a.b, 1)", 0, 15, 3, "a macro's variable must be a plain name"},
    {"input.list.all(v, v, true)", 0, 18, 1, "the two variables have the same name"},
    {"input.list.map(v, w)", 0, 18, 1, "nothing is called 'w' here"},
    {"input.list.map(v, v) + [v]", 0, 24, 1, "nothing is called 'v' here"},
    {"has(input)", 0, 4, 5, "has() takes a field, as in has(a.b)"},
    {"has(input['i'])", 0, 4, 10, "has() takes a field, as in has(a.b)"},
    {"'C:\\dir'", 0, 3, 2,
     "unknown escape: a backslash is written '\\\\', or put r in front of the string"},
    {"input.class[0].for", 0, 0, 0, NULL},
    {"class.for + if", 0, 12, 2, "'if' is a reserved word"},
    {"99999999999999999999", 0, 0, 20, "the integer does not fit 64 bits"},
    {"Issue{title: 'x'}", 0, 0, 17, "unknown type 'Issue'"},
    {"input.s.matches('(')", 0, 16, 3, ""},
    {"'{{input.s}}' == 'text'", EXPR_BRACES, 1, 2,
     "'{{' inside a string: join the parts with '+', as in 'a' + {{x}}"},
    {"'${input.s}' == 'text'", EXPR_BRACES, 1, 2,
     "'${' inside a string: join the parts with '+', as in 'a' + ${x}"},
    {"input.s.matches('^\\\\${')", EXPR_BRACES, 0, 0, NULL},
    {"'${input.s}' == 'text'", 0, 0, 0, NULL},
    {"${input.i > 1", EXPR_BRACES, 13, 0, "the expression ends where '}' is expected"},
    {"${} > 1", EXPR_BRACES, 2, 1, "unexpected '}' where a value is expected"},
    {"${input.i} > 1", 0, 0, 2, "'${' inside of an expression: leave it and its '}' out"},
    {"${{ input.i }} > 1", EXPR_BRACES, 0, 2, "'${{' is of other tools: leave the '$' out"},
    {"x > 0 && ${TOKEN} == 'a'", EXPR_BRACES, 9, 7,
     "environment variables cannot stand in expressions: put '${TOKEN}' under 'config' and write "
     "config.NAME"},
    {"${A_1:-b} == 'a'", EXPR_BRACES, 0, 5,
     "environment variables cannot stand in expressions: put '${A_1}' under 'config' and write "
     "config.NAME"},
    {"$input.i", EXPR_BRACES, 0, 1, "unexpected character"},
    {"input.i ?? 1", 0, 9, 1,
     "unexpected '?' where a value is expected: 'a.b ?? c' is written default(a.?b, c)"},
    {"input.list[0:2]", 0, 12, 1,
     "unexpected ':' where ']' is expected: 'x[a:b]' is written x.slice(a, b), of a text "
     "x.substring(a, b)"},
    {"x in (1, 2)", 0, 7, 1, "unexpected ',' where ')' is expected: a list is written [a, b]"},
    {"default(x)", 0, 0, 7, "'default' takes 2 arguments, not 1, as in default(input.?x, 1)"},
    {"coalesce()", 0, 0, 8,
     "'coalesce' takes 1 argument or more, not 0, as in coalesce(input.?x, input.?y)"},
    {"has()", 0, 0, 3, "'has' takes 1 argument, not 0, as in has(input.x)"},
    {"math.greatest()", 0, 0, 15, "'math.greatest' takes 1 argument or more, not 0"},
    {"math.abs(1, 2)", 0, 0, 14, "'math.abs' takes 1 argument, not 2"},
    {"format('a')", 0, 0, 11, "'format' takes 2 arguments or more, not 1"},
    {"{{input.i} > 1", EXPR_BRACES, 9, 1, "unexpected '}' where '}}' is expected"},
    {"{{}} > 1", EXPR_BRACES, 2, 1, "unexpected '}' where a value is expected"},
};

static void test_expr__faults_have_their_place(void **state)
{
    (void)state;
    struct bindings bindings = bindings_open(data);
    struct expr_names names = bindings_names(&bindings);
    for (size_t i = 0; i < sizeof(fault_rows) / sizeof(fault_rows[0]); i++) {
        const struct fault_row *row = &fault_rows[i];
        struct expr *expr = NULL;
        struct expr_fault fault = {0, 0};
        struct error err = {0};
        int status = expr_compile(str_from(row->text), &names, row->flags, &expr, &fault, &err);
        if (row->message == NULL) {
            assert_int_equal(status, 0); /* reserved words may be fields */
            expr_destroy(expr);
            continue;
        }
        assert_null(expr);
        assert_int_equal(status, E_INVALID);
        assert_int_equal(err.code, E_INVALID);
        if (fault.offset != row->offset || fault.length != row->length ||
            (row->message[0] != '\0' && strcmp(err.message, row->message) != 0)) {
            fail_msg("%s: %zu+%zu '%s'", row->text, fault.offset, fault.length, err.message);
        }
    }
    bindings_close(&bindings);
}

static void test_expr__knows_uses_that_are_text_only(void **state)
{
    static const struct {
        const char *text;
        bool is_text_only; /* its last reference */
        bool is_test;
    } rows[] = {
        {"input.s", true, false},
        {"input['s']", true, false},
        {"(input.s)", true, false},
        {"'a' + input.s", true, false},
        {"input.s + ':' + input.s", true, false},
        {"base64(input.s + ':' + 'x')", true, false},
        {"'Basic ' + base64(base64(input.s))", true, false},
        {"input.s == 'a'", false, false},
        {"input.s - 1", false, false},
        {"size(input.s)", false, false},
        {"input.s.size()", false, false},
        {"input.s[0]", false, false},
        {"input.list[0]", false, false},
        {"[input.s]", false, false},
        {"{'a': input.s}", false, false},
        {"[1].map(x, input.s)", false, false},
        {"has(input.s)", false, true},
        {"!has(input.s)", false, true},
        {"has(input.a.s)", false, true},
        {"has(input.`a-s`)", false, true},
        {"has(input[x].s)", false, false},
        {"has(input['a'].s) && input.s == 1", false, false},
        {"default(has(input.s), true)", false, true},
        {"input.?s", false, false},
        {"input.?s.hasValue()", false, false},
        {"input.?s.orValue('')", true, false},
        {"base64('k' + input.?s.orValue(''))", true, false},
        {"input.?s.orValue('') == ''", false, false},
        {"input[?'s'].orValue('')", true, false},
        {"input.?s.value()", false, false},
        {"'a' + input.?s", false, false},
        {"default(input.s, '')", true, false},
        {"default(input.?s, '')", true, false},
        {"default('a', input.s)", true, false},
        {"default([input.s], '')", false, false},
        {"coalesce(null, input.s)", true, false},
        {"true ? input.s : ''", true, false},
        {"true ? '' : 'a' + input.s", true, false},
        {"input.s ? '' : 'a'", false, false},
        {"input.s == 'a' ? '' : 'a'", false, false},
        {"base64(input.s.upperAscii())", false, false},
        {"base64(input.s) == 'a'", false, false},
        {"nodes[input.s]", false, false},
    };
    (void)state;
    struct bindings bindings = bindings_open(data);
    struct expr_names names = bindings_names(&bindings);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct expr *expr = NULL;
        struct error err = {0};
        if (expr_compile(str_from(rows[i].text), &names, EXPR_UNCHECKED, &expr, NULL, &err) != 0) {
            fail_msg("%s: %s", rows[i].text, err.message);
        }
        size_t count = expr_reference_count(expr);
        assert_true(count > 0);
        const struct expr_reference *last = expr_reference_at(expr, count - 1);
        if (last->is_text_only != rows[i].is_text_only || last->is_test != rows[i].is_test) {
            fail_msg("%s: not expected", rows[i].text);
        }
        expr_destroy(expr);
    }
    bindings_close(&bindings);
}

struct reference_row {
    const char *text;
    const char *expected; /* root/path/..., '?' behind guarded ones, one space between */
};

static char *describe_references(const struct expr *expr)
{
    struct strbuf out = STRBUF_INIT;
    strbuf_append_text(&out, "");
    for (size_t i = 0; i < expr_reference_count(expr); i++) {
        const struct expr_reference *reference = expr_reference_at(expr, i);
        strbuf_append_text(&out, i > 0 ? " " : "");
        strbuf_append_str(&out, reference->root);
        for (size_t k = 0; k < reference->path_count; k++) {
            strbuf_append_char(&out, '/');
            strbuf_append_str(&out, reference->path[k]);
        }
        strbuf_append_text(&out, reference->is_guarded ? "?" : "");
        assert_true(reference->slot >= 0);
        assert_true(reference->offset + reference->length <= expr_source(expr).n);
    }
    return strbuf_take(&out);
}

static void test_expr__lists_its_references(void **state)
{
    (void)state;
    static const struct reference_row rows[] = {
        {"1 + 2", ""},
        {"input.i + x", "input/i x"},
        {"nodes['deploy-prod'].output.x", "nodes/deploy-prod/output/x"},
        {"nodes[input.s].output", "nodes input/s"},
        {"input.list[0].a.b", "input/list"},
        {"(input).i", "input/i"},
        {"input.list.map(x, x + input.i)", "input/list input/i"},
        {"input.s.contains('e')", "input/s"},
        {"has(fix.output)", "fix/output?"},
        {"has(fix.output.a) && fix.output.a.b > 1 && fix.output.c", "fix/output/a? "
                                                                    "fix/output/a/b? fix/output/c"},
        {"has(fix.output) ? fix.output.x : fix.other", "fix/output? fix/output/x? fix/other"},
        {"!has(fix.output) || fix.output.x", "fix/output? fix/output/x?"},
        {"!has(fix.output) ? 1 : fix.output.x", "fix/output? fix/output/x?"},
        {"!has(fix.output) && fix.output.x", "fix/output? fix/output/x"},
        {"has(fix.output) || fix.output.x", "fix/output? fix/output/x"},
        {"(has(fix.a) && x > 1) ? fix.a : fix.a", "fix/a? x fix/a? fix/a"},
        {"default(fix.output, fix.other)", "fix/output? fix/other"},
        {"coalesce(fix.?output, fix.other)", "fix/output? fix/other?"},
        {"fix.?output.x", "fix/output/x?"},
        {"fix[?'output'].x", "fix/output/x?"},
    };
    struct bindings bindings = bindings_open(data);
    struct expr_names names = bindings_names(&bindings);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct expr *expr = NULL;
        struct error err = {0};
        if (expr_compile(str_from(rows[i].text), &names, 0, &expr, NULL, &err) != 0) {
            fail_msg("%s: %s", rows[i].text, err.message);
        }
        char *found = describe_references(expr);
        if (strcmp(found, rows[i].expected) != 0) {
            fail_msg("%s: '%s' instead of '%s'", rows[i].text, found, rows[i].expected);
        }
        free(found);
        expr_destroy(expr);
    }
    bindings_close(&bindings);
}

static void test_expr__references_have_their_place(void **state)
{
    (void)state;
    struct bindings bindings = bindings_open(data);
    struct expr_names names = bindings_names(&bindings);
    struct expr *expr = NULL;
    assert_int_equal(expr_compile(STR("1 + nodes['a'].b > x"), &names, 0, &expr, NULL, NULL), 0);
    assert_int_equal(expr_reference_count(expr), 2);
    assert_int_equal(expr_reference_at(expr, 0)->offset, 4);
    assert_int_equal(expr_reference_at(expr, 0)->length, 12);
    assert_int_equal(expr_reference_at(expr, 1)->offset, 19);
    assert_int_equal(expr_reference_at(expr, 1)->length, 1);
    assert_true(str_equal_text(expr_source(expr), "1 + nodes['a'].b > x"));
    expr_destroy(expr);
    bindings_close(&bindings);
}

static void test_expr__bare_names_can_mean_input(void **state)
{
    (void)state;
    struct bindings bindings = bindings_open(data);
    struct expr_names names = bindings_names(&bindings);
    struct error err = {0};
    int status = 0;
    char *json = bindings_evaluate(&bindings, STR("i + x"), EXPR_INPUT_DEFAULT, &status, &err);
    assert_non_null(json);
    assert_string_equal(json, "13");
    free(json);
    assert_null(bindings_evaluate(&bindings, STR("nope.y"), EXPR_INPUT_DEFAULT, &status, &err));
    assert_int_equal(status, E_NOT_FOUND);
    struct expr *expr = NULL;
    assert_int_equal(expr_compile(STR("s.y + i"), &names, EXPR_INPUT_DEFAULT, &expr, NULL, NULL),
                     0);
    char *found = describe_references(expr);
    assert_string_equal(found, "input/s/y input/i");
    free(found);
    expr_destroy(expr);
    bindings_close(&bindings);
}

static void test_expr__unknown_things_can_wait_for_evaluation(void **state)
{
    (void)state;
    struct bindings bindings = bindings_open("{\"a.b\":{\"c\":1},\"a\":{\"b\":2}}");
    struct error err = {0};
    int status = 0;
    char *json =
        bindings_evaluate(&bindings, STR("nope(1) || y || true"), EXPR_UNCHECKED, &status, &err);
    assert_string_equal(json, "true");
    free(json);
    assert_null(bindings_evaluate(&bindings, STR("nope(1)"), EXPR_UNCHECKED, &status, &err));
    assert_int_equal(status, E_INVALID);
    assert_string_equal(err.message, "nothing is called 'nope' in 'nope(1)'");
    json = bindings_evaluate(&bindings, STR("a.b.c + a.b['c'] + [1].map(a, a)[0]"),
                             EXPR_DOTTED_NAMES, &status, &err);
    assert_string_equal(json, "3");
    free(json);
    bindings_close(&bindings);
}

static void test_expr__knows_sure_types(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int type;
    } rows[] = {
        {"'a'", CEL_STRING},
        {"1", CEL_INT},
        {"null", CEL_NULL},
        {"[1]", CEL_LIST},
        {"[x]", CEL_LIST},
        {"{'a': x}", CEL_MAP},
        {"x > 1", CEL_BOOL},
        {"x > 1 && x < 2", CEL_BOOL},
        {"!x", CEL_BOOL},
        {"x in [1]", CEL_BOOL},
        {"has(input.i)", CEL_BOOL},
        {"input.list.exists(v, v > 1)", CEL_BOOL},
        {"input.list.map(v, v)", CEL_LIST},
        {"size(x)", CEL_INT},
        {"string(x)", CEL_STRING},
        {"input.?i", CEL_OPTIONAL},
        {"1 + 2", CEL_INT},
        {"size(x) * 2 - 1", CEL_INT},
        {"1.5 / 2.0", CEL_DOUBLE},
        {"string(x) + 'a'", CEL_STRING},
        {"[x] + [1]", CEL_LIST},
        {"x > 1 ? 'a' : 'b'", CEL_STRING},
        {"x + 1", EXPR_TYPE_ARITHMETIC},
        {"x % x", EXPR_TYPE_ARITHMETIC},
        {"-x", EXPR_TYPE_ARITHMETIC},
        {"x > 1 ? 'a' : 1", EXPR_TYPE_OPEN},
        {"x", EXPR_TYPE_OPEN},
        {"input.i", EXPR_TYPE_OPEN},
        {"default(x, 1)", EXPR_TYPE_OPEN},
    };
    struct bindings bindings = bindings_open(data);
    struct expr_names names = bindings_names(&bindings);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct expr *expr = NULL;
        assert_int_equal(expr_compile(str_from(rows[i].text), &names, 0, &expr, NULL, NULL), 0);
        if (expr_static_type(expr) != rows[i].type) {
            fail_msg("%s: %d", rows[i].text, expr_static_type(expr));
        }
        expr_destroy(expr);
    }
    bindings_close(&bindings);
}

/* Evaluates with a budget; the code, and what is left of the budget. */
static int spend(const char *text, struct expr_budget *budget, struct error *err)
{
    struct bindings bindings = bindings_open(data);
    struct expr_names names = bindings_names(&bindings);
    struct expr_scope scope = bindings_scope(&bindings);
    struct arena arena = ARENA_INIT;
    struct expr *expr = NULL;
    struct cel result;
    assert_int_equal(expr_compile(str_from(text), &names, 0, &expr, NULL, err), 0);
    int status = expr_evaluate(expr, &scope, &arena, budget, &result, err);
    expr_destroy(expr);
    arena_finish(&arena);
    bindings_close(&bindings);
    return status;
}

static void test_expr__steps_are_counted(void **state)
{
    (void)state;
    struct error err = {0};
    struct expr_budget budget = {100, 1000};
    assert_int_equal(spend("1 + x", &budget, &err), 0);
    assert_int_equal(budget.steps, 97);
    assert_int_equal(budget.output_bytes, 1000);
    budget = (struct expr_budget){2, 1000};
    assert_int_equal(spend("1 + x", &budget, &err), E_LIMIT);
    assert_string_equal(err.message,
                        "the expression takes more than 2 steps (limit 'expression steps'): walk "
                        "over less, or split the work between nodes");
    assert_int_equal(budget.steps, 0);
    static const char *const endless[] = {
        "range(1000001)",
        "range(1000).map(a, range(1000).map(b, range(1000).size()).size())",
        "range(300).all(a, range(300).all(b, range(300).all(c, true)))",
        "cel.bind(l, range(1000), range(1000).all(a, l == l.map(v, v)))",
        "range(1000).exists(a, a in range(1000).reverse() && false)",
        "range(1500).map(a, string(a)).distinct().size() > 0 && range(1500).distinct().size() > 0",
        "default(range(1000001), 1)",
        "range(1000001) == [] || true",
    };
    for (size_t i = 0; i < sizeof(endless) / sizeof(endless[0]); i++) {
        budget = expr_default_budget;
        err = (struct error){0};
        int status = spend(endless[i], &budget, &err);
        if (status != E_LIMIT) {
            fail_msg("%s: %d %s", endless[i], status, err.message);
        }
    }
}

static void test_expr__reading_long_text_costs_steps(void **state)
{
    (void)state;
    struct strbuf json = STRBUF_INIT;
    strbuf_append_text(&json, "{\"long\":\"");
    for (int i = 0; i < 1024 * 1024; i++) {
        strbuf_append_char(&json, 'x');
    }
    strbuf_append_text(&json, "\",\"m\":{\"a\":1}}");
    struct bindings bindings = bindings_open(json.p);
    static const char *const readers[] = {
        "long < long",
        "long == long + 'x'",
        "size(long)",
        "long in m",
        "m[?long]",
        "{long: 1}",
        "[long].sort()",
        "long.contains('y')",
        "long.endsWith(long)",
        "long.matches('y')",
        "sha256(long)",
        "timestamp(long)",
        "format(long, [])",
        "bytes(long) < b''",
        "base64(long)",
        "long.lastIndexOf('y')",
        "parse_json(long)",
        "[long, long].distinct()",
        "long.trim()",
        "string(bytes(long))",
    };
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        struct strbuf text = STRBUF_INIT;
        struct error err = {0};
        int status = 0;
        strbuf_append_format(&text, "range(1100).exists(i, %s == 'never')", readers[i]);
        char *result = bindings_evaluate(&bindings, strbuf_str(&text), 0, &status, &err);
        if (result != NULL || status != E_LIMIT) {
            fail_msg("%s: %d %s", readers[i], status, err.message);
        }
        strbuf_finish(&text);
    }
    bindings_close(&bindings);
    strbuf_finish(&json);
}

static void test_expr__output_is_bounded(void **state)
{
    (void)state;
    static const char *const bombs[] = {
        "cel.bind(a, 'xxxxxxxxxxxxxxxx' + input.s, cel.bind(b, a+a+a+a+a+a+a+a, cel.bind(c, "
        "b+b+b+b+b+b+b+b, cel.bind(d, c+c+c+c+c+c+c+c, cel.bind(e, d+d+d+d+d+d+d+d, "
        "cel.bind(f, e+e+e+e+e+e+e+e, f+f+f+f+f+f+f+f))))))",
        "cel.bind(a, [x,x,x,x,x,x,x,x,x,x], cel.bind(b, [a,a,a,a,a,a,a,a,a,a], cel.bind(c, "
        "[b,b,b,b,b,b,b,b,b,b], cel.bind(d, [c,c,c,c,c,c,c,c,c,c], cel.bind(e, "
        "[d,d,d,d,d,d,d,d,d,d], [e,e,e,e,e,e,e,e,e,e])))))",
        "range(400000)",
        "range(20000).map(a, 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx').map(b, 'y').join("
        "'zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
        "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
        "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
        "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
        "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
        "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz')",
    };
    for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
        struct error err = {0};
        struct expr_budget budget = expr_default_budget;
        int status = spend(bombs[i], &budget, &err);
        if (status != E_LIMIT) {
            fail_msg("bomb %zu: %d %s", i, status, err.message);
        }
    }
}

/* x in `depth` lists. */
static int nest_lists(int depth, struct error *err)
{
    struct expr_budget budget = expr_default_budget;
    struct strbuf text = STRBUF_INIT;
    for (int i = 0; i < depth; i++) {
        strbuf_append_char(&text, '[');
    }
    strbuf_append_char(&text, 'x');
    for (int i = 0; i < depth; i++) {
        strbuf_append_char(&text, ']');
    }
    int status = spend(text.p, &budget, err);
    strbuf_finish(&text);
    return status;
}

static void test_expr__made_values_are_as_deep_as_documents(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(nest_lists(64, &err), 0);
    assert_int_equal(nest_lists(65, &err), E_LIMIT);
    assert_string_equal(err.message,
                        "the expression makes lists and maps more than 64 levels deep (limit "
                        "'expression depth'): make them flatter");
}

static void test_expr__messages_are_one_line_of_text(void **state)
{
    (void)state;
    struct bindings bindings = bindings_open(data);
    struct expr_names names = bindings_names(&bindings);
    struct error err = {0};
    struct expr *expr = NULL;
    int status = 0;
    assert_int_equal(expr_compile(STR("x '''a\nb'''"), &names, 0, &expr, NULL, &err), E_INVALID);
    assert_string_equal(err.message,
                        "unexpected ''''a b'''' where an operator or the end is expected");
    assert_null(bindings_evaluate(&bindings, STR("input['a\\n\\tb']"), 0, &status, &err));
    assert_string_equal(err.message, "no such key: 'a  b' in 'input['a\\n\\tb']'");
    bindings_close(&bindings);
}

/* A node of the scope's owner: field "id" is its number, "broken" fails, others are absent. */
static int get_field(const void *object, uint32_t index, struct str field, struct cel *out,
                     struct error *err)
{
    (void)object;
    if (str_equal_text(field, "broken")) {
        return error_set(err, E_IO, "the field is broken");
    }
    if (!str_equal_text(field, "id")) {
        return 1;
    }
    *out = (struct cel){.type = CEL_INT, .as.integer = index};
    return 0;
}

static const struct cel_object_class node_class = {.name = "node", .get = get_field};

static int get_node(const void *object, uint32_t index, struct str field, struct cel *out,
                    struct error *err)
{
    (void)index;
    (void)err;
    if (!str_equal_text(field, "deploy-prod")) {
        return 1;
    }
    *out = (struct cel){.type = CEL_OBJECT, .index = 7, .as.object = {&node_class, object}};
    return 0;
}

static const struct cel_object_class nodes_class = {.name = "nodes", .get = get_node};

static int resolve_nodes(void *user, struct str name, struct str *out_hint)
{
    (void)user;
    (void)out_hint;
    return str_equal_text(name, "nodes") ? 0 : (str_equal_text(name, "gone") ? 1 : -1);
}

static int fetch_nodes(const void *user, int slot, struct cel *out, struct error *err)
{
    if (slot == 1) {
        return error_set(err, E_NOT_FOUND, "'gone' has not run");
    }
    *out = (struct cel){.type = CEL_OBJECT, .as.object = {&nodes_class, user}};
    return 0;
}

static int evaluate_nodes(const char *text, struct cel *out, struct error *err)
{
    struct expr_names names = {.resolve = resolve_nodes};
    struct expr_scope scope = {.fetch = fetch_nodes, .user = &node_class};
    struct expr_budget budget = expr_default_budget;
    struct arena arena = ARENA_INIT;
    struct expr *expr = NULL;
    assert_int_equal(expr_compile(str_from(text), &names, 0, &expr, NULL, err), 0);
    int status = expr_evaluate(expr, &scope, &arena, &budget, out, err);
    expr_destroy(expr);
    arena_finish(&arena);
    return status;
}

static void test_expr__objects_give_fields(void **state)
{
    (void)state;
    struct cel result;
    struct error err = {0};
    assert_int_equal(evaluate_nodes("nodes['deploy-prod'].id", &result, &err), 0);
    assert_int_equal(result.as.integer, 7);
    assert_int_equal(evaluate_nodes("has(nodes.x) || 'x' in nodes", &result, &err), 0);
    assert_false(result.as.boolean);
    assert_int_equal(evaluate_nodes("'deploy-prod' in nodes && nodes['deploy-prod'] != 1 && "
                                    "nodes['deploy-prod'] == nodes['deploy-prod']",
                                    &result, &err),
                     0);
    assert_true(result.as.boolean);
    assert_int_equal(evaluate_nodes("nodes[?'x'].id.orValue(5)", &result, &err), 0);
    assert_int_equal(result.as.integer, 5);
    assert_int_equal(evaluate_nodes("nodes.x.id", &result, &err), E_NOT_FOUND);
    assert_string_equal(err.message, "no such key: 'x' in 'nodes.x'");
    assert_int_equal(evaluate_nodes("nodes[1]", &result, &err), E_INVALID);
    assert_string_equal(err.message, "'[]' does not take (nodes, int) in 'nodes[1]'");
    assert_int_equal(evaluate_nodes("nodes['deploy-prod'].broken", &result, &err), E_IO);
    assert_string_equal(err.message, "the field is broken");
    assert_int_equal(evaluate_nodes("nodes['deploy-prod'].broken", &result, NULL), E_IO);
    assert_int_equal(evaluate_nodes("gone.id", &result, &err), E_NOT_FOUND);
    assert_string_equal(err.message, "'gone' has not run");
    assert_int_equal(evaluate_nodes("default(gone.id, 1)", &result, &err), 0);
    assert_int_equal(result.as.integer, 1);
}

static void test_expr__results_outlive_the_evaluation_of_their_arena(void **state)
{
    (void)state;
    struct bindings bindings = bindings_open(data);
    struct expr_names names = bindings_names(&bindings);
    struct expr_scope scope = bindings_scope(&bindings);
    struct expr_budget budget = expr_default_budget;
    struct arena arena = ARENA_INIT;
    struct expr *expr = NULL;
    struct cel result;
    struct error err = {0};
    assert_int_equal(expr_compile(STR("{'l': input.list, 'p': parse_json('{\"a\":[\"b\"]}')}"),
                                  &names, 0, &expr, NULL, NULL),
                     0);
    assert_int_equal(expr_evaluate(expr, &scope, &arena, &budget, &result, NULL), 0);
    char *json = bindings_json_of(&result, &err);
    assert_string_equal(json, "{\"l\":[3,1,2],\"p\":{\"a\":[\"b\"]}}");
    free(json);
    expr_destroy(expr);
    arena_finish(&arena);
    bindings_close(&bindings);
}

static const char *const fragile =
    "input.list.map(v, v * 2).filter(v, v > 2) + ['a', 'b'].map(s, s + 'x') + "
    "[size({'k': x, 'l': [x]}), 'text'.matches('t' + 'e') ? format('%s', {'m': x}) : 'n', "
    "json({'a': x}), parse_json('{\"a\":[1,\"s\"]}').a, 'a,b'.split(','), [2, 1].sort(), "
    "input.?s, default(input.nope, 1), has(fix.output) && fix.output.x, base64('x'), "
    "range(9).transformMap(i, v, v), 'abc'.matches('b')]";

static void test_expr__survives_failing_allocations_while_compiling(void **state)
{
    (void)state;
    struct bindings bindings = bindings_open(data);
    struct expr_names names = bindings_names(&bindings);
    struct expr *expr = NULL;
    assert_int_equal(expr_compile(str_from(fragile), &names, 0, &expr, NULL, NULL), 0);
    expr_destroy(expr);
    for (long n = 0;; n++) {
        struct error err = {0};
        expr = NULL;
        failing_alloc_arm(n);
        int status = expr_compile(str_from(fragile), &names, 0, &expr, NULL, &err);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, 0);
            expr_destroy(expr);
            break;
        }
        if (status != 0) {
            assert_int_equal(status, E_NOMEM);
            assert_null(expr);
        }
        expr_destroy(expr);
    }
    bindings_close(&bindings);
}

static void test_expr__survives_failing_allocations_while_evaluating(void **state)
{
    (void)state;
    struct bindings bindings = bindings_open(data);
    struct expr_names names = bindings_names(&bindings);
    struct expr_scope scope = bindings_scope(&bindings);
    struct expr *expr = NULL;
    assert_int_equal(expr_compile(str_from(fragile), &names, 0, &expr, NULL, NULL), 0);
    for (long n = 0;; n++) {
        struct arena arena = ARENA_INIT;
        struct expr_budget budget = expr_default_budget;
        struct cel result;
        struct error err = {0};
        failing_alloc_arm(n);
        int status = expr_evaluate(expr, &scope, &arena, &budget, &result, &err);
        bool is_reached = failing_alloc_disarm();
        arena_finish(&arena);
        if (!is_reached) {
            if (status != 0) {
                fail_msg("%s", err.message);
            }
            break;
        }
        if (status != 0) {
            assert_int_equal(status, E_NOMEM);
            assert_string_equal(err.message, "out of memory");
        }
    }
    expr_destroy(expr);
    bindings_close(&bindings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expr__faults_have_their_place),
        cmocka_unit_test(test_expr__knows_uses_that_are_text_only),
        cmocka_unit_test(test_expr__lists_its_references),
        cmocka_unit_test(test_expr__references_have_their_place),
        cmocka_unit_test(test_expr__bare_names_can_mean_input),
        cmocka_unit_test(test_expr__unknown_things_can_wait_for_evaluation),
        cmocka_unit_test(test_expr__knows_sure_types),
        cmocka_unit_test(test_expr__steps_are_counted),
        cmocka_unit_test(test_expr__reading_long_text_costs_steps),
        cmocka_unit_test(test_expr__output_is_bounded),
        cmocka_unit_test(test_expr__made_values_are_as_deep_as_documents),
        cmocka_unit_test(test_expr__messages_are_one_line_of_text),
        cmocka_unit_test(test_expr__objects_give_fields),
        cmocka_unit_test(test_expr__results_outlive_the_evaluation_of_their_arena),
        cmocka_unit_test(test_expr__survives_failing_allocations_while_compiling),
        cmocka_unit_test(test_expr__survives_failing_allocations_while_evaluating),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
