/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/yaml_scalar.h"

#include "core/base/error.h"
#include "core/model/tree.h"
#include "core/value/number.h"
#include "core/value/value.h"

enum { LONGEST_NUMBER = 400 };

static bool is_one_of(struct str text, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (str_equal_text(text, *words)) {
            return true;
        }
    }
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t skip_digits(struct str text, size_t at)
{
    while (at < text.n && is_digit(text.p[at])) {
        at++;
    }
    return at;
}

static int digit_value(char c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 99;
}

/* 0o17 and 0x1f; what int64_t cannot hold stays text. */
static bool read_prefixed(struct str text, int64_t *out_integer)
{
    if (text.n < 3 || text.p[0] != '0' || (text.p[1] != 'o' && text.p[1] != 'x')) {
        return false;
    }
    int base = text.p[1] == 'o' ? 8 : 16;
    int64_t integer = 0;
    for (size_t i = 2; i < text.n; i++) {
        int digit = digit_value(text.p[i]);
        if (digit >= base || __builtin_mul_overflow(integer, (int64_t)base, &integer) ||
            __builtin_add_overflow(integer, (int64_t)digit, &integer)) {
            return false;
        }
    }
    *out_integer = integer;
    return true;
}

/* The parts of [-+]? digits? (. digits?)? (e [-+]? digits)?; false for anything else. */
struct number_parts {
    bool is_negative;
    struct str whole;
    struct str fraction;
    struct str exponent; /* with its e */
    bool has_point;
};

static bool split_number(struct str text, struct number_parts *parts)
{
    size_t at = text.n > 0 && (text.p[0] == '-' || text.p[0] == '+') ? 1 : 0;
    parts->is_negative = at == 1 && text.p[0] == '-';
    size_t end = skip_digits(text, at);
    parts->whole = str_make(text.p + at, end - at);
    at = end;
    if (at < text.n && text.p[at] == '.') {
        parts->has_point = true;
        end = skip_digits(text, at + 1);
        parts->fraction = str_make(text.p + at + 1, end - at - 1);
        at = end;
    }
    if (parts->whole.n + parts->fraction.n == 0) {
        return false;
    }
    if (at < text.n && (text.p[at] | 0x20) == 'e') {
        size_t digits = at + 1;
        digits += digits < text.n && (text.p[digits] == '-' || text.p[digits] == '+') ? 1 : 0;
        end = skip_digits(text, digits);
        if (end == digits) {
            return false;
        }
        parts->exponent = str_make(text.p + at, end - at);
        at = end;
    }
    return at == text.n;
}

/* Writes the parts in JSON's grammar, which has no leading zeros and no bare points. */
static struct str write_json_number(const struct number_parts *parts, char out[LONGEST_NUMBER + 8])
{
    size_t n = 0;
    struct str whole = parts->whole;
    while (whole.n > 1 && whole.p[0] == '0') {
        whole = str_make(whole.p + 1, whole.n - 1);
    }
    struct str pieces[] = {
        parts->is_negative ? STR("-") : STR(""),
        whole.n > 0 ? whole : STR("0"),
        parts->has_point ? STR(".") : STR(""),
        parts->has_point && parts->fraction.n == 0 ? STR("0") : parts->fraction,
        parts->exponent,
    };
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        if (pieces[i].n > 0) {
            memcpy(out + n, pieces[i].p, pieces[i].n);
            n += pieces[i].n;
        }
    }
    return str_make(out, n);
}

static int read_number(struct tree *scalar)
{
    char buffer[LONGEST_NUMBER + 8];
    struct number_parts parts = {0};
    if (scalar->text.n > LONGEST_NUMBER || !split_number(scalar->text, &parts)) {
        return 0;
    }
    struct str text = write_json_number(&parts, buffer);
    struct value number = {0};
    size_t used = 0;
    int status = number_read(text, &number, &used);
    if (status == E_NOMEM) {
        return status;
    }
    if (status != 0 || used != text.n) {
        return 0; /* too large for a double: text, and an error where a number is wanted */
    }
    if (number.type == VALUE_INT) {
        scalar->kind = TREE_INT;
        scalar->as.integer = value_int(&number);
    } else {
        scalar->kind = TREE_DOUBLE;
        scalar->as.number = value_double(&number);
    }
    return 0;
}

int yaml_scalar_resolve(struct tree *scalar)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    scalar->kind = TREE_TEXT;
    if (scalar->text.n > 0 && strchr("~nNtTfF0123456789-+.", scalar->text.p[0]) == NULL) {
        return 0; /* most are names */
    }
    if (is_one_of(scalar->text, nulls)) {
        scalar->kind = TREE_NULL;
        return 0;
    }
    if (is_one_of(scalar->text, trues) || is_one_of(scalar->text, falses)) {
        scalar->kind = TREE_BOOL;
        scalar->as.boolean = is_one_of(scalar->text, trues);
        return 0;
    }
    if (read_prefixed(scalar->text, &scalar->as.integer)) {
        scalar->kind = TREE_INT;
        return 0;
    }
    char first = scalar->text.p[0];
    return is_digit(first) || first == '-' || first == '+' || first == '.' ? read_number(scalar)
                                                                           : 0;
}
