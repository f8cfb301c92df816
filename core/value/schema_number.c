/* SPDX-License-Identifier: Apache-2.0 */
#include "core/value/schema_number.h"

#include <math.h>
#include <stdint.h>

#include "core/value/number.h"
#include "core/value/value.h"

/* mantissa * 10^exponent; at most 19 digits. */
struct decimal {
    uint64_t mantissa;
    int exponent;
};

static int compare_doubles(double a, double b)
{
    return a < b ? -1 : a > b ? 1 : 0;
}

/* A double of 2^53 and more is whole, so that the integer parts decide; below, both are exact. */
static int compare_int_double(int64_t integer, double number)
{
    if (number >= 0x1p63) {
        return -1;
    }
    if (number < -0x1p63) {
        return 1;
    }
    int64_t whole = (int64_t)number;
    if (integer != whole) {
        return integer < whole ? -1 : 1;
    }
    return compare_doubles((double)whole, number);
}

int schema_number_compare(const struct value *a, const struct value *b)
{
    if (value_is(a, VALUE_INT) && value_is(b, VALUE_INT)) {
        return value_int(a) < value_int(b) ? -1 : value_int(a) > value_int(b) ? 1 : 0;
    }
    if (value_is(a, VALUE_INT)) {
        return compare_int_double(value_int(a), value_double(b));
    }
    if (value_is(b, VALUE_INT)) {
        return -compare_int_double(value_int(b), value_double(a));
    }
    return compare_doubles(value_double(a), value_double(b));
}

/* Reads back what number_write_double() wrote: digits, maybe a point, maybe an exponent. */
static struct decimal parse_decimal(const char *text, size_t n)
{
    struct decimal decimal = {0, 0};
    bool is_fraction = false;
    size_t i = 0;
    for (; i < n && text[i] != 'e'; i++) {
        if (text[i] == '.') {
            is_fraction = true;
        } else if (text[i] != '-') {
            decimal.mantissa = decimal.mantissa * 10 + (uint64_t)(text[i] - '0');
            decimal.exponent -= is_fraction ? 1 : 0;
        }
    }
    int exponent = 0;
    bool is_negative = false;
    for (i++; i < n; i++) {
        if (text[i] == '-') {
            is_negative = true;
        } else if (text[i] != '+') {
            exponent = exponent * 10 + (text[i] - '0');
        }
    }
    decimal.exponent += is_negative ? -exponent : exponent;
    return decimal;
}

/* The number without its sign, which decides nothing here. */
static struct decimal decimal_of(const struct value *number)
{
    struct decimal decimal = {0, 0};
    if (value_is(number, VALUE_INT)) {
        int64_t integer = value_int(number);
        decimal.mantissa = integer < 0 ? -(uint64_t)integer : (uint64_t)integer;
    } else if (fabs(value_double(number)) >= 1e15 && fabs(value_double(number)) < 0x1p63) {
        decimal.mantissa = (uint64_t)fabs(value_double(number)); /* 20 digits can be written */
    } else {
        char text[NUMBER_MAX_BYTES];
        size_t n = number_write_double(value_double(number), text);
        decimal = parse_decimal(text, n);
    }
    while (decimal.mantissa != 0 && decimal.mantissa % 10 == 0) {
        decimal.mantissa /= 10;
        decimal.exponent++;
    }
    return decimal;
}

static uint64_t multiply_modulo(uint64_t a, uint64_t b, uint64_t modulus)
{
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)((wide)a * b % modulus);
}

bool schema_number_is_multiple(const struct value *number, const struct value *divisor)
{
    struct decimal n = decimal_of(number);
    struct decimal d = decimal_of(divisor);
    if (n.mantissa == 0) {
        return true;
    }

    uint64_t rest = n.mantissa % d.mantissa;
    for (int i = d.exponent; i < n.exponent && rest != 0; i++) {
        rest = multiply_modulo(rest, 10, d.mantissa);
    }
    /* With a larger exponent the divisor has a factor of ten that the number, without trailing
     * zeros, has not. */
    return rest == 0 && n.exponent >= d.exponent;
}

bool schema_number_is_whole(const struct value *number)
{
    if (value_is(number, VALUE_INT)) {
        return true;
    }
    return value_is(number, VALUE_DOUBLE) && floor(value_double(number)) == value_double(number);
}
