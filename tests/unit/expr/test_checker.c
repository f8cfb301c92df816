/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/failing_alloc.h"
#include "tests/unit/expr/bindings.h"

static const char data[] = "{\"input\":{\"i\":3,\"d\":2.5,\"s\":\"text\",\"list\":[1]},\"x\":1}";

static int compile(const char *text, unsigned flags, struct expr_fault *fault, struct error *err)
{
    struct bindings bindings = bindings_open(data);
    struct expr_names names = bindings_names(&bindings);
    struct expr *expr = NULL;
    int status = expr_compile(str_from(text), &names, flags, &expr, fault, err);
    if (status == 0) {
        expr_destroy(expr);
    }
    bindings_close(&bindings);
    return status;
}

struct refused {
    const char *text;
    const char *message;
    const char *place; /* the text that the fault underlines */
};

static void test_checker__refuses_what_is_sure_to_fail(void **state)
{
    (void)state;
    static const struct refused rows[] = {
        {"1 + 'a'",
         "'+' does not take (int, string) in '1 + 'a'': convert with string(x), int(x) or "
         "double(x)",
         "1 + 'a'"},
        {"x > 1 && 'a' < 3",
         "'<' does not take (string, int) in ''a' < 3': convert with string(x), int(x) or "
         "double(x)",
         "'a' < 3"},
        {"1 + 1.5",
         "'+' does not take (int, double) in '1 + 1.5': convert with double(x) or int(x)",
         "1 + 1.5"},
        {"size('abc') + 1.5",
         "'+' does not take (int, double) in 'size('abc') + 1.5': convert with double(x) or "
         "int(x)",
         "size('abc') + 1.5"},
        {"size(3)", "'size' does not take (int) in 'size(3)'", "size(3)"},
        {"!5", "'5' is of type int, but a condition must be bool", "5"},
        {"x > 0 && 'yes'", "''yes'' is of type string, but a condition must be bool", "'yes'"},
        {"size(x) ? 1 : 2", "'size(x)' is of type int, but a condition must be bool", "size(x)"},
        {"(x > 1)[0]", "'[]' does not take (bool, int) in '(x > 1)[0]'", "(x > 1)[0]"},
        {"[1, 2]['a']", "'[]' does not take (list, string) in '[1, 2]['a']'", "[1, 2]['a']"},
        {"(1).a", "'(1).a' asks for a field of a value of type int", "(1).a"},
        {"has(('a').b)", "'('a').b' asks for a field of a value of type string", NULL},
        {"-'a'", "'-' does not take (string) in '-'a''", "-'a'"},
        {"1 in 2", "'in' does not take (int, int) in '1 in 2'", "1 in 2"},
        {"{1.5: x}", "a key of a map cannot be of type double", "1.5"},
        {"{x > 1 ? [] : {}: 1}", "a key of a map cannot be of type list or map", NULL},
        {"[1, 2].map(v, v + 'a')",
         "'+' does not take (int, string) in 'v + 'a'': convert with string(x), int(x) or "
         "double(x)",
         "v + 'a'"},
        {"['a'].filter(v, v)", "'v' is of type string, but a condition must be bool", "v"},
        {"['a', 'b'].all(i, v, i == v || i.size() > 1)", "'size' does not take (int) in 'i.size()'",
         "i.size()"},
        {"{'a': 1}.exists(k, k > 1)",
         "'>' does not take (string, int) in 'k > 1': convert with string(x), int(x) or double(x)",
         "k > 1"},
        {"(5).map(v, v)", "'map' does not take (int) in '(5).map(v, v)'", "(5).map(v, v)"},
        {"cel.bind(a, 'x', a * 2)",
         "'*' does not take (string, int) in 'a * 2': convert with string(x), int(x) or double(x)",
         "a * 2"},
        {"optional.of(1) + 1", "'+' does not take (optional, int) in 'optional.of(1) + 1'",
         "optional.of(1) + 1"},
        {"(x > 1 ? 1 : 'a') && true",
         "'x > 1 ? 1 : 'a'' is of type int or string, but a condition must be bool", NULL},
        {"'a'.matches(1)", "'matches' does not take (string, int) in ''a'.matches(1)'", NULL},
        {"timestamp(true)", "'timestamp' does not take (bool) in 'timestamp(true)'", NULL},
        {"timestamp(0) + 5", "'+' does not take (timestamp, int) in 'timestamp(0) + 5'", NULL},
        {"(1).orValue(2)", "'orValue' does not take (int, int) in '(1).orValue(2)'", NULL},
        {"[?x > 1]", "'?' does not take (bool) in '?x > 1'", NULL},
        {"default(x, 1) > 1 && (1 + 'b') == ''",
         "'+' does not take (int, string) in '1 + 'b'': convert with string(x), int(x) or "
         "double(x)",
         NULL},
        {"['a'].map(v, {'k': v})[0].k + 1",
         "'+' does not take (string, int) in '['a'].map(v, {'k': v})[0].k + 1': convert with "
         "string(x), int(x) or double(x)",
         NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct error err = {0};
        struct expr_fault fault = {0, 0};
        if (compile(rows[i].text, 0, &fault, &err) != E_INVALID) {
            fail_msg("%s was taken", rows[i].text);
        }
        if (strcmp(err.message, rows[i].message) != 0) {
            fail_msg("%s: \"%s\" instead of \"%s\"", rows[i].text, err.message, rows[i].message);
        }
        struct str place = {rows[i].text + fault.offset, fault.length};
        if (rows[i].place != NULL && !str_equal_text(place, rows[i].place)) {
            fail_msg("%s: the place is '%.*s'", rows[i].text, STR_ARG(place));
        }
        assert_int_equal(compile(rows[i].text, EXPR_UNCHECKED, &fault, &err), 0);
    }
}

static void test_checker__takes_what_may_succeed(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "dyn(1) + 'a'",
        "x + 1.5",
        "input.i + 1.5 + 1",
        "size(x) + input.d",
        "size(input.s) + 1.5",
        "input.list[0] * 2.5 > 1",
        "1 == 'a'",
        "1 == 1.0 || 'a' != null",
        "[1, 'a'].all(v, v + 1 > 0)",
        "[1, 'a', 2.5].exists(v, v == 'a')",
        "[dyn(1)].map(v, v + 'a')",
        "{'a': 1, 'b': 'c'}.a + 1",
        "{'a': 1, 2: 3}.exists(k, k > 1)",
        "(x > 1 ? 1 : 'a') + 1",
        "x > 1 ? 1 : 'a'",
        "1 < 2u && 2u < 2.5",
        "null.a",
        "default(null.a, 1)",
        "default(input.?q, 1) + 'a'",
        "coalesce(input.?q, input.s) + 1",
        "1/0",
        "[1][5]",
        "{}.a + 'b' + string(1)",
        "[].map(v, v + 'a')",
        "[[1], ['a']].map(v, v[0] + 1)",
        "optional.of(1).value() + 'a'",
        "parse_json('1') + 'a'",
        "math.floor(x)",
        "math.floor(x + 1)",
        "[1, 2] + ['a']",
        "timestamp(x) - duration('1s') - timestamp(0) > duration('1s')",
        "cel.bind(a, x, a + 'b')",
        "[3, 1].sort()[0] + 1",
        "x.a.b[0].c + 1",
        "{'a': [1]}.map(k, k)[0] + 'a'",
        "range(input.i).map(v, v * 2)",
        "format('%s %d', x, 1)",
        "sets.contains(input.list, [1])",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct error err = {0};
        struct expr_fault fault = {0, 0};
        if (compile(rows[i], 0, &fault, &err) != 0) {
            fail_msg("%s: %s", rows[i], err.message);
        }
    }
}

static void test_checker__survives_each_failing_allocation(void **state)
{
    (void)state;
    struct bindings bindings = bindings_open(data);
    struct expr_names names = bindings_names(&bindings);
    static const char text[] =
        "[[x], ['a']].map(v, {'k': v}).filter(m, m.k[0] == 1).transformMap(i, m, m)[0].k[0] + 1";
    for (long n = 0;; n++) {
        struct expr *expr = NULL;
        struct error err = {0};
        failing_alloc_arm(n);
        int status = expr_compile(str_from(text), &names, 0, &expr, NULL, &err);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, 0);
            expr_destroy(expr);
            break;
        }
        assert_int_equal(status, E_NOMEM);
    }
    bindings_close(&bindings);
}

/* Shapes are the names of members: "" is the map of all. */
static struct expr_shape describe(void *user, int slot, const void *above, const struct str *field)
{
    (void)user;
    (void)slot;
    if (above == NULL) {
        return (struct expr_shape){.types = 1u << CEL_MAP, .shape = ""};
    }
    if (field == NULL) {
        return (struct expr_shape){.types = strcmp(above, "list") == 0 ? 1u << CEL_STRING : 0};
    }
    if (str_equal_text(*field, "list")) {
        return (struct expr_shape){.types = 1u << CEL_LIST, .shape = "list"};
    }
    if (str_equal_text(*field, "i")) {
        return (struct expr_shape){.types = 1u << CEL_INT | 1u << CEL_DOUBLE};
    }
    return (struct expr_shape){.types = str_equal_text(*field, "s") ? 1u << CEL_STRING : 0};
}

static void test_checker__knows_the_types_of_described_data(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int type;
        const char *message; /* NULL: it is taken */
    } rows[] = {
        {"input.i", EXPR_TYPE_NUMBER, NULL},
        {"input.s", CEL_STRING, NULL},
        {"input['s']", CEL_STRING, NULL},
        {"input.d", EXPR_TYPE_OPEN, NULL},
        {"input.i + 1.5", CEL_DOUBLE, NULL},
        {"default(input.?s, 1)", EXPR_TYPE_OPEN, NULL},
        {"input.list", CEL_LIST, NULL},
        {"input.list[0]", CEL_STRING, NULL},
        {"input.d + 'a' + input.s", CEL_STRING, NULL},
        {"input.s * 2", 0,
         "'*' does not take (string, int) in 'input.s * 2': convert with string(x), int(x) or "
         "double(x)"},
        {"input.list.exists(v, v > 1)", 0,
         "'>' does not take (string, int) in 'v > 1': convert with string(x), int(x) or double(x)"},
        {"input.i.x", 0, "'input.i.x' asks for a field of a value of type int or double"},
        {"input.i && true", 0, "'input.i' is of type int or double, but a condition must be bool"},
    };
    struct bindings bindings = bindings_open(data);
    struct expr_names names = bindings_names(&bindings);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct expr *expr = NULL;
        struct error err = {0};
        struct expr_fault fault = {0};
        int type = 0;
        assert_int_equal(expr_compile(str_from(rows[i].text), &names, 0, &expr, NULL, &err), 0);
        int status = expr_check_types(expr, describe, NULL, &type, &fault, &err);
        assert_int_equal(status, rows[i].message == NULL ? 0 : E_INVALID);
        assert_string_equal(err.message, rows[i].message == NULL ? "" : rows[i].message);
        assert_int_equal(type, rows[i].type);
        expr_destroy(expr);
    }
    bindings_close(&bindings);
}

static void test_checker__finds_constant_parts_that_always_fail(void **state)
{
    (void)state;
    static const struct refused rows[] = {
        {"1 / 0", "division by zero in '1 / 0'", "1 / 0"},
        {"  (1 + (2 / 0)) ", "division by zero in '2 / 0'", "2 / 0"},
        {"input.i + 5 / 0", "division by zero in '5 / 0'", "5 / 0"},
        {"[input.i, 5 % 0]", "modulus by zero in '5 % 0'", "5 % 0"},
        {"{'a': [1, 2][7] + input.i}", "no item 7 in '[1, 2][7]': the list has 2", "[1, 2][7]"},
        {"input.i == 1 / 0 ? 1 : 2", "division by zero in '1 / 0'", "1 / 0"},
        {"input.s.contains(string(b'\\xff'))", "the bytes are not UTF-8, so they are no string",
         "string(b'\\xff')"},
        {"[1 / 0].map(v, v + input.i)", "division by zero in '1 / 0'", "1 / 0"},
        {"cel.bind(v, 1 / 0, v + input.i)", "division by zero in '1 / 0'", "1 / 0"},
        {"size([3, 2].map(v, v / 0)) + input.i", "division by zero in 'v / 0'",
         "[3, 2].map(v, v / 0)"},
        {"input.x.getHours('Mars/Olympus') > 1",
         "unknown time zone 'Mars/Olympus': write 'UTC', '+02:00' or a name such as "
         "'Europe/Berlin'",
         "'Mars/Olympus'"},
        {"has({'a': 1 / 0}.b) == input.b", "division by zero in '1 / 0'", "1 / 0"},
        {"[?input.?x, 1 / 0]", "division by zero in '1 / 0'", "1 / 0"},
        /* what need not be evaluated, or is absorbed */
        {"input.i > 1 && 1 / 0 > 1", NULL, NULL},
        {"1 / 0 > 1 || input.b", NULL, NULL},
        {"input.b ? 1 / 0 : 2", NULL, NULL},
        {"input.list.map(v, 1 / 0)", NULL, NULL},
        {"default(input.?x, 1 / 0)", NULL, NULL},
        {"coalesce(input.?x, 1 / 0)", NULL, NULL},
        {"input.x.getHours('Europe/Berlin') > 1", NULL, NULL},
        {"input.x.getHours(input.s) > 1", NULL, NULL},
        {"input.list.map(v, v.getHours('Nowhere'))", NULL, NULL},
        {"input.i + 5 / 2", NULL, NULL},
        {"input.i / 0", NULL, NULL}, /* a double can be divided */
        {"[?{'a': 1}.?b, input.i]", NULL, NULL},
        {"input.i", NULL, NULL},
        {"[1, 2, 3].map(v, v * 2)", NULL, NULL},
        /* only after more steps than are spent on it */
        {"input.i + size(range(300).map(a, range(1000).map(b, b / (a - 299))))", NULL, NULL},
    };
    struct bindings bindings = bindings_open(data);
    struct expr_names names = bindings_names(&bindings);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct expr *expr = NULL;
        struct error err = {0};
        struct expr_fault fault = {0};
        assert_int_equal(expr_compile(str_from(rows[i].text), &names, 0, &expr, NULL, &err), 0);
        int status = expr_find_failure(expr, &fault, &err);
        assert_string_equal(err.message, rows[i].message == NULL ? "" : rows[i].message);
        assert_int_equal(status, rows[i].message == NULL ? 0 : E_INVALID);
        if (rows[i].place != NULL) {
            assert_memory_equal(rows[i].text + fault.offset, rows[i].place, fault.length);
            assert_int_equal(fault.length, strlen(rows[i].place));
        }
        expr_destroy(expr);
    }
    bindings_close(&bindings);
}

static void test_checker__finds_failures_with_failing_allocations(void **state)
{
    (void)state;
    struct bindings bindings = bindings_open(data);
    struct expr_names names = bindings_names(&bindings);
    struct expr *expr = NULL;
    struct error err = {0};
    struct expr_fault fault = {0};
    struct strbuf text = STRBUF_INIT;
    strbuf_append_text(&text, "input.i + size([1, 2].map(v, v + 1)) + 1 / 0");
    for (int i = 0; i < 200; i++) {
        strbuf_append_text(&text, " + 1"); /* more than what needs no memory */
    }
    assert_int_equal(expr_compile(strbuf_str(&text), &names, 0, &expr, NULL, &err), 0);
    for (unsigned nth = 1; nth < 100; nth++) {
        failing_alloc_arm(nth);
        int status = expr_find_failure(expr, &fault, &err);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, E_INVALID);
            break;
        }
        assert_int_equal(status, E_NOMEM);
    }
    assert_string_equal(err.message, "division by zero in '1 / 0'");
    expr_destroy(expr);
    strbuf_finish(&text);
    bindings_close(&bindings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checker__refuses_what_is_sure_to_fail),
        cmocka_unit_test(test_checker__takes_what_may_succeed),
        cmocka_unit_test(test_checker__knows_the_types_of_described_data),
        cmocka_unit_test(test_checker__finds_constant_parts_that_always_fail),
        cmocka_unit_test(test_checker__finds_failures_with_failing_allocations),
        cmocka_unit_test(test_checker__survives_each_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
