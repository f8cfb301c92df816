/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/expr/bindings.h"

static const char data[] = "{\"input\":{\"i\":3,\"d\":2.5,\"s\":\"text\",\"nul\":null,"
                           "\"list\":[3,1,2],\"map\":{\"k\":\"v\"}},"
                           "\"vi\":1,\"vd\":1.5,\"vs\":\"s\",\"vb\":true,\"vn\":null,\"vl\":[1],"
                           "\"vm\":{\"a\":1}}";

struct row {
    const char *text;
    int code;
    const char *message;
};

static void check_row(const struct row *row)
{
    struct bindings bindings = bindings_open(data);
    struct error err = {0};
    int status = 0;
    char *json = bindings_evaluate(&bindings, str_from(row->text), 0, &status, &err);
    if (json != NULL) {
        fail_msg("%s: gave %s", row->text, json);
    }
    if (status != row->code || err.code != row->code || strcmp(err.message, row->message) != 0) {
        fail_msg("%s: %d, '%s' instead of '%s'", row->text, status, err.message, row->message);
    }
    bindings_close(&bindings);
}

#define CHECK_ROWS(rows)                                                                           \
    for (size_t i = 0; i < sizeof(rows) / sizeof((rows)[0]); i++) {                                \
        check_row(&(rows)[i]);                                                                     \
    }

static void test_eval_errors__absence_names_the_path(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"input.nope", E_NOT_FOUND, "no such key: 'nope' in 'input.nope'"},
        {"input.map.z + 'a'", E_NOT_FOUND, "no such key: 'z' in 'input.map.z'"},
        {"input['map']['z']", E_NOT_FOUND, "no such key: 'z' in 'input['map']['z']'"},
        {"input.nul.x", E_NOT_FOUND,
         "no such key: 'x' in 'input.nul.x', because 'input.nul' is null"},
        {"input.list[3]", E_NOT_FOUND, "no item 3 in 'input.list[3]': the list has 3"},
        {"input.list[-1]", E_NOT_FOUND, "no item -1 in 'input.list[-1]': the list has 3"},
        {"{1: 2}[3]", E_NOT_FOUND, "no such key in '{1: 2}[3]'"},
        {"input.?nope.value()", E_NOT_FOUND, "value() of an optional without one: use orValue(x)"},
        {"input.nope == 1 && true", E_NOT_FOUND, "no such key: 'nope' in 'input.nope'"},
        {"input.nope == 1 || input.other == 1", E_NOT_FOUND, "no such key: 'nope' in 'input.nope'"},
        {"[1, 2].all(v, input.nope == v)", E_NOT_FOUND, "no such key: 'nope' in 'input.nope'"},
        {"default(1 / 0, 2)", E_INVALID, "division by zero in '1 / 0'"},
        {"default(input.nope, input.other)", E_NOT_FOUND, "no such key: 'other' in 'input.other'"},
        {"input.s.x", E_INVALID, "'input.s.x' asks for a field of a value of type string"},
        {"has(input.i.x)", E_INVALID, "'input.i.x' asks for a field of a value of type int"},
    };
    CHECK_ROWS(rows)
}

static void test_eval_errors__conditions_must_be_bool(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"input.i ? 1 : 2", E_INVALID, "'input.i' is of type int, but a condition must be bool"},
        {"!input.s", E_INVALID, "'input.s' is of type string, but a condition must be bool"},
        {"true && input.i", E_INVALID, "'input.i' is of type int, but a condition must be bool"},
        {"false || vn", E_INVALID, "'vn' is of type null, but a condition must be bool"},
        {"[1].filter(v, v)", E_INVALID, "'v' is of type int, but a condition must be bool"},
        {"[1].exists(v, 'x')", E_INVALID, "''x'' is of type string, but a condition must be bool"},
    };
    CHECK_ROWS(rows)
}

static void test_eval_errors__numbers_have_bounds(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"9223372036854775807 + 1", E_INVALID, "integer overflow in '9223372036854775807 + 1'"},
        {"-9223372036854775808 - 1", E_INVALID, "integer overflow in '-9223372036854775808 - 1'"},
        {"9223372036854775807 * 2", E_INVALID, "integer overflow in '9223372036854775807 * 2'"},
        {"-9223372036854775808 / -1", E_INVALID, "integer overflow in '-9223372036854775808 / -1'"},
        {"-(-9223372036854775808)", E_INVALID, "integer overflow in '-(-9223372036854775808)'"},
        {"0u - 1u", E_INVALID, "integer overflow in '0u - 1u'"},
        {"1 / 0", E_INVALID, "division by zero in '1 / 0'"},
        {"1u % 0u", E_INVALID, "modulus by zero in '1u % 0u'"},
        {"int('12x')", E_INVALID, "'12x' is no int"},
        {"int('')", E_INVALID, "'' is no int"},
        {"int(1e30)", E_INVALID, "'1e+30' is no int"},
        {"int(9223372036854775808u)", E_INVALID, "'9223372036854775808' is no int"},
        {"uint(-1)", E_INVALID, "'-1' is no uint"},
        {"double('1.5kg')", E_INVALID, "'1.5kg' is no double"},
        {"bool('yes')", E_INVALID, "'yes' is no bool"},
        {"string(b'\\xff')", E_INVALID, "the bytes are not UTF-8, so they are no string"},
        {"math.abs(-9223372036854775808)", E_INVALID, "integer overflow in math.abs()"},
        {"math.bitShiftLeft(1, -1)", E_INVALID, "a shift by -1 bits"},
        {"math.greatest([])", E_INVALID, "math.greatest() of an empty list"},
        {"double('inf')", E_INVALID, "the result is not a finite number, which JSON cannot hold"},
        {"timestamp('2025-13-01T00:00:00Z')", E_INVALID,
         "timestamp() takes RFC 3339 text of the years 1 to 9999, such as "
         "'2025-01-31T14:22:33Z', not '2025-13-01T00:00:00Z'"},
        {"timestamp('2025-01-01')", E_INVALID,
         "timestamp() takes RFC 3339 text: write '2025-01-01T00:00:00Z', not '2025-01-01'"},
        {"timestamp('2025-01-01T10:20:30')", E_INVALID,
         "timestamp() takes RFC 3339 text: write '2025-01-01T10:20:30Z', not "
         "'2025-01-01T10:20:30'"},
        {"timestamp('2025-01-01 10:20:30+02:00')", E_INVALID,
         "timestamp() takes RFC 3339 text: write '2025-01-01T10:20:30+02:00', not "
         "'2025-01-01 10:20:30+02:00'"},
        {"timestamp('')", E_INVALID,
         "timestamp() takes RFC 3339 text of the years 1 to 9999, such as "
         "'2025-01-31T14:22:33Z', not ''"},
        {"timestamp(1706742000000)", E_INVALID,
         "timestamp() takes seconds since 1970 of the years 1 to 9999, not 1706742000000: these "
         "look like milliseconds: divide by 1000"},
        {"timestamp(-1706742000000000)", E_INVALID,
         "timestamp() takes seconds since 1970 of the years 1 to 9999, not -1706742000000000: "
         "these look like microseconds: divide by 1000000"},
        {"timestamp(1706742000000000000)", E_INVALID,
         "timestamp() takes seconds since 1970 of the years 1 to 9999, not 1706742000000000000: "
         "these look like nanoseconds: divide by 1000000000"},
        {"duration('5 minutes')", E_INVALID,
         "duration() takes text such as '1h30m', '2.5s' or '250ms', not '5 minutes'"},
        {"duration('1d')", E_INVALID,
         "duration() takes text such as '1h30m', '2.5s' or '250ms', not '1d': a day is written "
         "'24h'"},
        {"duration('d')", E_INVALID,
         "duration() takes text such as '1h30m', '2.5s' or '250ms', not 'd'"},
        {"duration(9223372036854775807)", E_INVALID,
         "9223372036854775807 seconds are out of the range of durations"},
        {"[2.0, double('nan'), 1.0].sort()", E_INVALID,
         "NaN has no place in an order in '[2.0, double('nan'), 1.0].sort()': filter with "
         "!math.isNaN(x)"},
        {"timestamp('9999-12-31T23:59:59Z') + duration('1s')", E_INVALID,
         "'timestamp('9999-12-31T23:59:59Z') + duration('1s')' is out of the range of times"},
        {"timestamp(0).getHours('Mars/Olympus')", E_INVALID,
         "unknown time zone 'Mars/Olympus': write 'UTC', '+02:00' or a name such as "
         "'Europe/Berlin'"},
    };
    CHECK_ROWS(rows)
}

static void test_eval_errors__functions_say_what_is_wrong(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"size(1)", E_INVALID, "'size' does not take (int) in 'size(1)'"},
        {"input.i.contains('x')", E_INVALID,
         "'contains' does not take (int, string) in 'input.i.contains('x')'"},
        {"'abc'.substring(5)", E_INVALID, "index 5 is out of the range of the text"},
        {"'abc'.substring(2, 1)", E_INVALID, "substring() ends before it starts"},
        {"'abc'.charAt(-1)", E_INVALID, "index -1 is out of the range of the text"},
        {"[1].join(',')", E_INVALID, "join() takes a list of strings, but item 0 is of type int"},
        {"[1, 2].slice(1, 5)", E_INVALID, "slice(1, 5) of a list of 2 items"},
        {"flatten([1], -1)", E_INVALID, "flatten() by -1 levels"},
        {"[1, 'a'].sort()", E_INVALID, "'sort' does not take (int, string) in '[1, 'a'].sort()'"},
        {"[[1], [2]].sort()", E_INVALID,
         "'sort' does not take (list, list) in '[[1], [2]].sort()'"},
        {"{'a': 1, 'a': 2}", E_INVALID, "the key 'a' is there twice in a map"},
        {"{1: 'a', 1u: 'b'}", E_INVALID, "the key '1' is there twice in a map"},
        {"{1.5: 'a'}", E_INVALID, "a key of a map cannot be of type double"},
        {"{[1]: 'a'}", E_INVALID, "a key of a map cannot be of type list"},
        {"format('%d', 'x')", E_INVALID, "format(): '%d' does not take a value of type string"},
        {"format('%q', 1)", E_INVALID,
         "format(): unknown verb '%q': use %s %d %f %e %x %X %o %b or %%"},
        {"format('%s %s', 1)", E_INVALID, "format(): there are only 1 values for the format"},
        {"format('%s', 1, 2)", E_INVALID, "format(): 2 values are given, the format takes 1"},
        {"format('%.200f', 1.0)", E_INVALID, "format(): the precision is over 100"},
        {"parse_json('{')", E_INVALID, NULL},
        {"base64.decode('a*b=')", E_INVALID, "the text is not base64"},
        {"base64.decode('abcde')", E_INVALID, "the text is not base64"},
        {"input.s.matches('(' + ')(')", E_INVALID, NULL},
        {"[?1]", E_INVALID, "'?' does not take (int) in '?1'"},
        {"optional.of(1).orValue()", E_INVALID, "'orValue' takes 1 argument, not 0"},
        {"optional.none()", E_INVALID, "the result is an optional without a value: use orValue(x)"},
        {"b'x'", E_INVALID,
         "a result of type bytes cannot be written as JSON: use base64(x) or string(x)"},
        {"int", E_INVALID, "a result of type type cannot be written as JSON: use string(x)"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].message != NULL) {
            check_row(&rows[i]);
            continue;
        }
        struct bindings bindings = bindings_open(data);
        struct error err = {0};
        int status = 0;
        char *json = bindings_evaluate(&bindings, str_from(rows[i].text), 0, &status, &err);
        assert_null(json);
        assert_int_equal(status, rows[i].code);
        assert_true(strlen(err.message) > 10);
        bindings_close(&bindings);
    }
}

/* The result's type for an operator between values of two types; '.' where there is none. */
struct matrix {
    const char *operator_;
    const char *rows[7];
};

/* Data of the types int, double, string, bool, null, list and map, in rows and columns. */
static void test_eval_errors__operators_refuse_wrong_types(void **state)
{
    (void)state;
    static const char *const names[] = {"vi", "vd", "vs", "vb", "vn", "vl", "vm"};
    static const char *const types[] = {"int", "double", "string", "bool", "null", "list", "map"};
    static const struct matrix matrices[] = {
        {"+", {"xx.....", "xx.....", "..x....", ".......", ".......", ".....x.", "......."}},
        {"-", {"xx.....", "xx.....", ".......", ".......", ".......", ".......", "......."}},
        {"*", {"xx.....", "xx.....", ".......", ".......", ".......", ".......", "......."}},
        {"/", {"xx.....", "xx.....", ".......", ".......", ".......", ".......", "......."}},
        {"%", {"x......", ".......", ".......", ".......", ".......", ".......", "......."}},
        {"<", {"xx.....", "xx.....", "..x....", "...x...", ".......", ".......", "......."}},
        {"<=", {"xx.....", "xx.....", "..x....", "...x...", ".......", ".......", "......."}},
        {">", {"xx.....", "xx.....", "..x....", "...x...", ".......", ".......", "......."}},
        {">=", {"xx.....", "xx.....", "..x....", "...x...", ".......", ".......", "......."}},
        {"==", {"xxxxxxx", "xxxxxxx", "xxxxxxx", "xxxxxxx", "xxxxxxx", "xxxxxxx", "xxxxxxx"}},
        {"!=", {"xxxxxxx", "xxxxxxx", "xxxxxxx", "xxxxxxx", "xxxxxxx", "xxxxxxx", "xxxxxxx"}},
        {"in", {".....xx", ".....xx", ".....xx", ".....xx", ".....x.", ".....x.", ".....x."}},
    };
    struct bindings bindings = bindings_open(data);
    for (size_t m = 0; m < sizeof(matrices) / sizeof(matrices[0]); m++) {
        for (size_t a = 0; a < 7; a++) {
            for (size_t b = 0; b < 7; b++) {
                char text[32];
                char wanted[128];
                struct error err = {0};
                int status = 0;
                (void)snprintf(text, sizeof(text), "%s %s %s", names[a], matrices[m].operator_,
                               names[b]);
                (void)snprintf(wanted, sizeof(wanted), "'%s' does not take (%s, %s) in '%s'",
                               matrices[m].operator_, types[a], types[b], text);
                char *json = bindings_evaluate(&bindings, str_from(text), 0, &status, &err);
                bool is_fine = matrices[m].rows[a][b] == 'x';
                if (is_fine != (json != NULL)) {
                    fail_msg("%s: %s", text, json != NULL ? json : err.message);
                }
                if (!is_fine && strncmp(err.message, wanted, strlen(wanted)) != 0) {
                    fail_msg("%s: '%s' instead of '%s'", text, err.message, wanted);
                }
                free(json);
            }
        }
    }
    bindings_close(&bindings);
}

static void test_eval_errors__literals_do_not_mix(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"1 + 1.5", E_INVALID,
         "'+' does not take (int, double) in '1 + 1.5': convert with double(x) or int(x)"},
        {"1u + 1", E_INVALID,
         "'+' does not take (uint, int) in '1u + 1': convert with int(x) or uint(x)"},
        {"-5u", E_INVALID, "'-' does not take (uint) in '-5u'"},
        {"-'a'", E_INVALID, "'-' does not take (string) in '-'a''"},
        {"5.5 % 2.0", E_INVALID,
         "'%' does not take (double, double) in '5.5 % 2.0': it takes whole numbers: convert with "
         "int(x)"},
        {"timestamp(0) > input.s", E_INVALID,
         "'>' does not take (timestamp, string) in 'timestamp(0) > input.s': make a time of the "
         "text with timestamp('2025-01-31T14:22:33Z')"},
        {"input.s < duration('1s')", E_INVALID,
         "'<' does not take (string, duration) in 'input.s < duration('1s')': make a duration of "
         "the text with duration('1h30m')"},
        {"input.s + timestamp(0)", E_INVALID,
         "'+' does not take (string, timestamp) in 'input.s + timestamp(0)': convert with "
         "string(x)"},
        {"timestamp(0) + input.s", E_INVALID,
         "'+' does not take (timestamp, string) in 'timestamp(0) + input.s': convert with "
         "duration(x), or string(x)"},
        {"input.s + 1", E_INVALID,
         "'+' does not take (string, int) in 'input.s + 1': convert with string(x), int(x) or "
         "double(x)"},
        {"1 in 'abc'", E_INVALID, "'in' does not take (int, string) in '1 in 'abc''"},
        {"input.list['a']", E_INVALID, "'[]' does not take (list, string) in 'input.list['a']'"},
        {"input.i[0]", E_INVALID, "'[]' does not take (int, int) in 'input.i[0]'"},
        {"input.s.map(v, v)", E_INVALID, "'map' does not take (string) in 'input.s.map(v, v)'"},
    };
    CHECK_ROWS(rows)
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eval_errors__absence_names_the_path),
        cmocka_unit_test(test_eval_errors__conditions_must_be_bool),
        cmocka_unit_test(test_eval_errors__numbers_have_bounds),
        cmocka_unit_test(test_eval_errors__functions_say_what_is_wrong),
        cmocka_unit_test(test_eval_errors__operators_refuse_wrong_types),
        cmocka_unit_test(test_eval_errors__literals_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
