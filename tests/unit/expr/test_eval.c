/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "tests/unit/expr/bindings.h"

/* What most expressions here look at. */
static const char data[] = "{\"input\":{\"i\":3,\"d\":2.5,\"whole\":2.0,\"s\":\"text\",\"t\":true,"
                           "\"nul\":null,\"list\":[3,1,2],\"words\":[\"b\",\"a\"],\"empty\":[],"
                           "\"map\":{\"k\":\"v\",\"n\":{\"m\":1}},\"a b\":1,"
                           "\"raw\":\"{{ input.s }}\"},\"x\":10}";

struct row {
    const char *text;
    const char *expected; /* JSON */
};

static void check_row(const struct row *row)
{
    struct bindings bindings = bindings_open(data);
    struct error err = {0};
    int status = 0;
    char *json = bindings_evaluate(&bindings, str_from(row->text), 0, &status, &err);
    if (json == NULL) {
        fail_msg("%s: %s", row->text, err.message);
    }
    if (strcmp(json, row->expected) != 0) {
        fail_msg("%s: %s instead of %s", row->text, json, row->expected);
    }
    free(json);
    bindings_close(&bindings);
}

#define CHECK_ROWS(rows)                                                                           \
    for (size_t i = 0; i < sizeof(rows) / sizeof((rows)[0]); i++) {                                \
        check_row(&(rows)[i]);                                                                     \
    }

static void test_eval__reads_literals(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"1", "1"},        {"-9223372036854775808", "-9223372036854775808"},
        {"0x1F", "31"},    {"-0xf", "-15"},
        {"7u", "7"},       {"0xFFu", "255"},
        {"1.5", "1.5"},    {".5", "0.5"},
        {"1e3", "1000.0"}, {"-2.5e-1", "-0.25"},
        {"true", "true"},  {"null", "null"},
    };
    CHECK_ROWS(rows)
    static const struct row texts[] = {
        {"\"a'b\"", "\"a'b\""},
        {"'a\"b'", "\"a\\\"b\""},
        {"'''a'b\nc'''", "\"a'b\\nc\""},
        {"\"\"\"\"\"\"", "\"\""},
        {"r'a\\n'", "\"a\\\\n\""},
        {"'\\a\\b\\f\\n\\r\\t\\v\\\\\\'\\\"\\`\\?'",
         "\"\\u0007\\b\\f\\n\\r\\t\\u000b\\\\'\\\"`?\""},
        {"'\\x41\\X42\\u00e9\\U0001F431\\101'", "\"AB\303\251\360\237\220\261A\""},
        {"string(b'\\x41\\303\\251')", "\"A\303\251\""},
        {"size(b'\\xff\\xfe')", "2"},
        {"[1, 2, 3,]", "[1,2,3]"},
        {"{'a': 1, 'b': [true],}", "{\"a\":1,\"b\":[true]}"},
        {"{1: 'x', true: 'y', 2u: 'z'}", "{\"1\":\"x\",\"true\":\"y\",\"2\":\"z\"}"},
        {"[]", "[]"},
        {"{}", "{}"},
        {"1 // one\n + 2", "3"},
    };
    CHECK_ROWS(texts)
}

static void test_eval__calculates(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"1 + 2 * 3 - 4 / 2", "5"},
        {"(1 + 2) * 3", "9"},
        {"7 / 2", "3"},
        {"-7 / 2", "-3"},
        {"-7 % 3", "-1"},
        {"7u / 2u", "3"},
        {"1.0 / 4.0", "0.25"},
        {"2.0 - 0.5", "1.5"},
        {"- -1", "1"},
        {"--input.i", "3"},
        {"-input.d", "-2.5"},
        {"!true", "false"},
        {"!!input.t", "true"},
        {"'a' + 'b' + ''", "\"ab\""},
        {"string(b'a' + b'b')", "\"ab\""},
        {"[1] + [2, 3] + []", "[1,2,3]"},
        {"input.list + [4]", "[3,1,2,4]"},
        {"input.i + 1", "4"},
        {"input.i / 2", "1"},
        {"input.i + 0.5", "3.5"},
        {"input.d * 2", "5.0"},
        {"2 - input.d", "-0.5"},
        {"input.i / input.d", "1.2"},
        {"(input.i + 1) * 0.5", "2.0"},
        {"[1.5].map(v, v + input.i)[0]", "4.5"},
        {"timestamp('2025-01-31T23:00:00Z') + duration('2h')", "\"2025-02-01T01:00:00Z\""},
        {"duration('90m') - duration('30m')", "\"3600s\""},
        {"timestamp('2025-01-02T00:00:00Z') - timestamp('2025-01-01T00:00:00Z')", "\"86400s\""},
        {"duration('1.5s') + duration('-2s')", "\"-0.5s\""},
    };
    CHECK_ROWS(rows)
}

static void test_eval__compares(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3", "true"},
        {"'a' < 'b' && 'a' < 'aa'", "true"},
        {"b'a' < b'b' && false < true", "true"},
        {"1 == 1.0 && 1u == 1 && 2 != 2.5", "true"},
        {"1 == '1'", "false"},
        {"null == input.nul && input.nul != 0", "true"},
        {"input.i > 2.5 && input.d < 3 && input.i == 3", "true"},
        {"9007199254740993 == 9007199254740992.0", "false"},
        {"9223372036854775807 < 18446744073709551615u", "true"},
        {"-1 < 0u", "true"},
        {"double('NaN') == double('NaN')", "false"},
        {"double('NaN') < 1.0 || double('NaN') >= 1.0", "false"},
        {"[1, [2.0]] == [1u, [2]]", "true"},
        {"{'a': 1, 'b': 2} == {'b': 2.0, 'a': 1u}", "true"},
        {"{'a': 1} == {'b': 1}", "false"},
        {"input.list == [3, 1, 2] && input.map == {'n': {'m': 1}, 'k': 'v'}", "true"},
        {"input.list != input.words", "true"},
        {"timestamp('2025-01-01T00:00:00Z') < timestamp('2025-01-01T00:00:00.5Z')", "true"},
        {"timestamp('2025-01-01T01:00:00+01:00') == timestamp('2025-01-01T00:00:00Z')", "true"},
        {"duration('60s') == duration('1m') && duration('1h') > duration('59m')", "true"},
        {"type(1) == int && type('') == string && type(input.list) == list", "true"},
        {"type(type(1)) == type && type(null) == null_type", "true"},
        {"optional.of(1) == optional.of(1.0) && optional.none() == optional.none()", "true"},
        {"optional.of(1) == optional.none()", "false"},
        {"2 in input.list && !(5 in input.list)", "true"},
        {"'k' in input.map && !('z' in input.map)", "true"},
        {"1.0 in [1] && 2u in {2: 'x'}", "true"},
    };
    CHECK_ROWS(rows)
}

static void test_eval__absorbs_failures_that_do_not_decide(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"input.nope == 1 || true", "true"},
        {"true || input.nope == 1", "true"},
        {"1 / 0 > 1 && false", "false"},
        {"false && 1 / 0 > 1", "false"},
        {"'x' == 1 || 32 > dyn('a') || true", "true"},
        {"true ? 1 : 1 / 0", "1"},
        {"false ? 1 / 0 : 2", "2"},
        {"[0, 1].exists(v, 1 / v == 1)", "true"},
        {"[0, 5].all(v, 1 / v == 1)", "false"},
        {"default(input.nope, 5)", "5"},
        {"default(input.nope.deeper, 'x')", "\"x\""},
        {"default(input.list[9], 'x')", "\"x\""},
        {"default(input.nul, 'x')", "\"x\""},
        {"default(input.?nope, 'x')", "\"x\""},
        {"default(input.?s, 'x')", "\"text\""},
        {"default(input.s, 1 / 0)", "\"text\""},
        {"default(false, true)", "false"},
        {"coalesce(input.nope, input.nul, input.?nope, input.s)", "\"text\""},
        {"coalesce(input.nope)", "null"},
        {"coalesce(input.?i, 4)", "3"},
    };
    CHECK_ROWS(rows)
}

static void test_eval__finds_fields(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"input.map.n.m", "1"},
        {"input['map']['n'].m", "1"},
        {"input.`a b`", "1"},
        {".x", "10"},
        {"input.list[0]", "3"},
        {"input.list[1u] + input.list[2.0]", "3"},
        {"{1: 'a'}[1.0] + {'k': 'b'}.k", "\"ab\""},
        {"has(input.map.n) && !has(input.map.z)", "true"},
        {"has(input.nul.x)", "false"},
        {"has({'a': null}.a)", "true"},
        {"input.?map.n.m.value()", "1"},
        {"input.?nope.deeper.orValue('d')", "\"d\""},
        {"input.list[?9].hasValue()", "false"},
        {"input.map[?'k'].orValue('')", "\"v\""},
        {"[?input.?nope, ?input.?i]", "[3]"},
        {"{?'a': input.?nope, ?'b': input.?i}", "{\"b\":3}"},
        {"optional.none().or(optional.of(2)).value()", "2"},
        {"optional.ofNonZeroValue('').hasValue()", "false"},
        {"optional.of(2).optMap(v, v * 2).value()", "4"},
        {"optional.of(input.map).optFlatMap(m, m.?k).value()", "\"v\""},
        {"[optional.of(1), optional.none()].unwrapOpt()", "[1]"},
        {"input.raw", "\"{{ input.s }}\""},
    };
    CHECK_ROWS(rows)
}

static void test_eval__walks_lists_and_maps(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"input.list.all(v, v > 0) && input.list.exists(v, v == 2)", "true"},
        {"input.list.exists_one(v, v > 2) && !input.list.existsOne(v, v > 1)", "true"},
        {"input.empty.all(v, false) && !input.empty.exists(v, true)", "true"},
        {"input.list.map(v, v * x)", "[30,10,20]"},
        {"input.list.map(v, v > 1, v * 2)", "[6,4]"},
        {"input.list.filter(v, v >= 2)", "[3,2]"},
        {"input.map.map(k, k)", "[\"k\",\"n\"]"},
        {"input.map.filter(k, k == 'n')", "[\"n\"]"},
        {"[[1, 2], [3]].map(l, l.map(v, v + size(l)))", "[[3,4],[4]]"},
        {"[1, 2].map(x, x)", "[1,2]"},
        {"input.list.all(i, v, i + v > 1)", "true"},
        {"input.map.exists(k, v, k == 'k' && v == 'v')", "true"},
        {"input.list.transformList(i, v, i * v)", "[0,1,4]"},
        {"input.list.transformList(i, v, i > 0, v)", "[1,2]"},
        {"{'a': 1, 'b': 2}.transformMap(k, v, v > 1, k + 'x')", "{\"b\":\"bx\"}"},
        {"['p', 'q'].transformMapEntry(i, v, {v: i})", "{\"p\":0,\"q\":1}"},
        {"cel.bind(y, x + 1, y * y)", "121"},
        {"input.list.sortBy(v, -v)", "[3,2,1]"},
        {"['bb', 'a', 'cc'].sortBy(v, size(v))", "[\"a\",\"bb\",\"cc\"]"},
        {"input.list.sort() + input.words.sort()", "[1,2,3,\"a\",\"b\"]"},
        {"[1, 2.0, 1, 2, 'a'].distinct()", "[1,2.0,\"a\"]"},
        {"input.list.slice(1, 3)", "[1,2]"},
        {"input.list.reverse()", "[2,1,3]"},
        {"flatten([[1], [2, [3]], 4])", "[1,2,[3],4]"},
        {"[[1, [2, [3]]]].flatten(5)", "[1,2,3]"},
        {"range(3) + range(5, 7) + range(0) + range(2, 1)", "[0,1,2,5,6]"},
        {"input.list.first().value() - input.list.last().value()", "1"},
        {"size(range(1000).filter(v, v % 2 == 0))", "500"},
        {"range(20).map(i, 'k' + string(i)).transformMapEntry(i, v, {v: i})['k13']", "13"},
        {"size(input.list) + input.map.size() + 'h\303\251'.size()", "7"},
    };
    CHECK_ROWS(rows)
}

static void test_eval__converts(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"int('42') + int(2.9) + int(3u) + int(true ? '-1' : '0')", "46"},
        {"uint(5) + uint('6')", "11"},
        {"double('1.5e2')", "150.0"},
        {"double(3) + double(4u)", "7.0"},
        {"string(1) + string(2u) + string(1.5) + string(true)", "\"121.5true\""},
        {"string(100.0) + ' ' + string(1e21) + ' ' + string(1e-7)", "\"100 1e+21 1e-07\""},
        {"string(0.001) + ' ' + string(-0.0) + ' ' + string(123456789.25)",
         "\"0.001 -0 123456789.25\""},
        {"string(double('inf')) + string(double('-Infinity')) + string(double('nan'))",
         "\"Infinity-InfinityNaN\""},
        {"bool('true') && !bool('0')", "true"},
        {"string(bytes('\303\251'))", "\"\303\251\""},
        {"string(timestamp('2025-01-31T10:00:00.250+01:00'))", "\"2025-01-31T09:00:00.25Z\""},
        {"string(duration('1h30m0.5s'))", "\"5400.5s\""},
        {"int(timestamp('1970-01-01T00:01:00Z')) + duration('1m').getSeconds()", "120"},
        {"timestamp(86400)", "\"1970-01-02T00:00:00Z\""},
        {"dyn(1) + 1", "2"},
        {"json({'a': [1, 2.0, null, 'x']})", "\"{\\\"a\\\":[1,2.0,null,\\\"x\\\"]}\""},
        {"json(input.list)", "\"[3,1,2]\""},
        {"parse_json('{\"a\": [1, {\"b\": 2.5}]}').a[1].b + 1", "3.5"},
        {"parse_json(' null ')", "null"},
        {"url_encode('a b/\303\251~')", "\"a%20b%2F%C3%A9~\""},
        {"base64('a') + base64('ab') + base64(b'abc') + base64('')", "\"YQ==YWI=YWJj\""},
        {"string(base64.decode('YWI=')) + string(base64.decode('YWI'))", "\"abab\""},
        {"sha256('abc')", "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\""},
    };
    CHECK_ROWS(rows)
}

static void test_eval__works_on_text(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"input.s.contains('ex') && input.s.startsWith('te') && input.s.endsWith('xt')", "true"},
        {"input.s.contains('') && !input.s.startsWith('texts')", "true"},
        {"input.s.matches('^t.x') && matches(input.s, 'x' + 't$') && !input.s.matches('^x')",
         "true"},
        {"'AbC\303\211'.lowerAscii() + 'xyz'.upperAscii()", "\"abc\303\211XYZ\""},
        {"' \\t a b \\u00a0'.trim()", "\"a b\""},
        {"'a,b,,c'.split(',') + 'a,b,c'.split(',', 2)", "[\"a\",\"b\",\"\",\"c\",\"a\",\"b,c\"]"},
        {"'h\303\251y'.split('')", "[\"h\",\"\303\251\",\"y\"]"},
        {"['a', 'b'].join('-') + ['x', 'y'].join() + input.words.join(',')", "\"a-bxyb,a\""},
        {"'banana'.replace('an', 'AN') + 'aaa'.replace('a', 'b', 2)", "\"bANANabba\""},
        {"'h\303\251llo'.substring(1, 3) + 'abc'.substring(2)", "\"\303\251lc\""},
        {"'h\303\251llo'.charAt(1) + 'a'.charAt(1)", "\"\303\251\""},
        {"'h\303\251l\303\251'.indexOf('\303\251') + 'h\303\251l\303\251'.lastIndexOf('\303\251')",
         "4"},
        {"'abc'.indexOf('z') + 'abcabc'.indexOf('a', 1)", "2"},
        {"'ab\303\251'.reverse()", "\"\303\251ba\""},
        {"strings.quote('a\"\\n')", "\"\\\"a\\\\\\\"\\\\n\\\"\""},
        {"format('%s %d %.2f %x %X %o %b %e %%', 'a', 5, 1.005, 255, 'k', 8, 5, 1.5)",
         "\"a 5 1.00 ff 6B 10 101 1.500000e+00 %\""},
        {"format('%s-%s', ['x', [1, {'b': null, 'a': 2.5}]])", "\"x-[1, {a: 2.5, b: null}]\""},
        {"'%s'.format(['y']) + format('plain', [])", "\"yplain\""},
        {"format('%d %s', input.whole, input.list)", "\"2 [3, 1, 2]\""},
        {"format('%b %x', -5, -255)", "\"-101 -ff\""},
    };
    CHECK_ROWS(rows)
}

static void test_eval__knows_mathematics_and_calendars(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"math.greatest(1, 2.5, 2u)", "2.5"},
        {"math.least([4, 2, 3])", "2"},
        {"math.ceil(1.2) + math.floor(1.8) + math.round(2.5) + math.trunc(-1.7)", "5.0"},
        {"math.ceil(input.i)", "3.0"},
        {"math.abs(-3) + math.sign(-9)", "2"},
        {"math.sqrt(16.0)", "4.0"},
        {"math.isNaN(double('nan')) && math.isInf(double('inf')) && math.isFinite(1.0)", "true"},
        {"math.bitAnd(6, 3) + math.bitOr(6, 1) + math.bitXor(5, 1)", "13"},
        {"math.bitNot(0) + math.bitShiftLeft(1, 4) + math.bitShiftRight(-1, 63)", "16"},
        {"timestamp('2025-02-28T14:22:33.5Z').getFullYear()", "2025"},
        {"timestamp('2025-02-28T14:22:33.5Z').getMonth()", "1"},
        {"timestamp('2025-02-28T14:22:33.5Z').getDate()", "28"},
        {"timestamp('2025-02-28T14:22:33.5Z').getDayOfMonth()", "27"},
        {"timestamp('2025-02-28T14:22:33.5Z').getDayOfWeek()", "5"},
        {"timestamp('2025-02-28T14:22:33.5Z').getDayOfYear()", "58"},
        {"timestamp('2025-02-28T14:22:33.5Z').getHours('+02:30')", "16"},
        {"timestamp('2025-02-28T14:22:33.5Z').getMinutes('+02:30')", "52"},
        {"timestamp('2025-02-28T14:22:33.5Z').getSeconds('UTC')", "33"},
        {"timestamp('2025-02-28T14:22:33.5Z').getMilliseconds()", "500"},
        {"duration('3730s').getHours() + duration('3730s').getMinutes()", "63"},
        {"duration('-1.5s').getSeconds() + duration('-1.5s').getMilliseconds()", "-501"},
    };
    CHECK_ROWS(rows)
}

static void test_eval__reads_braces_as_parentheses(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{{input.i}} > 2", "true"},        {"{{ input.i + 1 }} * 2", "8"},
        {"{{ {'a': {'b': 1}} }}.a.b", "1"}, {"{{input.map}}.k + {{'w'}}", "\"vw\""},
        {"size({'a': {'b': {}}})", "1"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bindings bindings = bindings_open(data);
        struct error err = {0};
        int status = 0;
        char *json =
            bindings_evaluate(&bindings, str_from(rows[i].text), EXPR_BRACES, &status, &err);
        if (json == NULL) {
            fail_msg("%s: %s", rows[i].text, err.message);
        }
        assert_string_equal(json, rows[i].expected);
        free(json);
        bindings_close(&bindings);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eval__reads_literals),
        cmocka_unit_test(test_eval__calculates),
        cmocka_unit_test(test_eval__compares),
        cmocka_unit_test(test_eval__absorbs_failures_that_do_not_decide),
        cmocka_unit_test(test_eval__finds_fields),
        cmocka_unit_test(test_eval__walks_lists_and_maps),
        cmocka_unit_test(test_eval__converts),
        cmocka_unit_test(test_eval__works_on_text),
        cmocka_unit_test(test_eval__knows_mathematics_and_calendars),
        cmocka_unit_test(test_eval__reads_braces_as_parentheses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
