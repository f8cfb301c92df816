/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/compare.h"

#include <math.h>
#include <stddef.h>

#include "core/base/str.h"
#include "core/expr/collection.h"

static enum compare_order order_of(bool is_less, bool is_greater)
{
    return is_less ? COMPARE_LESS : (is_greater ? COMPARE_GREATER : COMPARE_SAME);
}

static bool is_number(const struct cel *cel)
{
    return cel->type == CEL_INT || cel->type == CEL_UINT || cel->type == CEL_DOUBLE;
}

static enum compare_order order_int_uint(int64_t a, uint64_t b)
{
    if (a < 0) {
        return COMPARE_LESS;
    }
    return order_of((uint64_t)a<b, (uint64_t)a> b);
}

/*
 * Exact also where a double cannot hold the integer: the integer part is compared first. 2^63 is
 * what the largest int becomes as a double, and CEL's conformance tests take the two for the same.
 */
static enum compare_order order_int_double(int64_t a, double b)
{
    if (isnan(b)) {
        return COMPARE_UNORDERED;
    }
    if (b >= 0x1p63) {
        return a == INT64_MAX && b == 0x1p63 ? COMPARE_SAME : COMPARE_LESS;
    }
    if (b < -0x1p63) {
        return COMPARE_GREATER;
    }
    int64_t whole = (int64_t)b;
    if (a != whole) {
        return a < whole ? COMPARE_LESS : COMPARE_GREATER;
    }
    double rest = b - (double)whole;
    return order_of(rest > 0, rest < 0);
}

static enum compare_order order_uint_double(uint64_t a, double b)
{
    if (isnan(b)) {
        return COMPARE_UNORDERED;
    }
    if (b >= 0x1p64) {
        return COMPARE_LESS;
    }
    if (b < 0) {
        return COMPARE_GREATER;
    }
    uint64_t whole = (uint64_t)b;
    if (a != whole) {
        return a < whole ? COMPARE_LESS : COMPARE_GREATER;
    }
    return order_of(b - (double)whole > 0, false);
}

static enum compare_order reverse(enum compare_order order)
{
    if (order == COMPARE_LESS) {
        return COMPARE_GREATER;
    }
    return order == COMPARE_GREATER ? COMPARE_LESS : order;
}

static enum compare_order order_double(double a, const struct cel *b)
{
    if (b->type == CEL_INT) {
        return reverse(order_int_double(b->as.integer, a));
    }
    if (b->type == CEL_UINT) {
        return reverse(order_uint_double(b->as.uinteger, a));
    }
    if (isnan(a) || isnan(b->as.number)) {
        return COMPARE_UNORDERED;
    }
    return order_of(a<b->as.number, a> b->as.number);
}

static enum compare_order order_numbers(const struct cel *a, const struct cel *b)
{
    if (a->type == CEL_DOUBLE) {
        return order_double(a->as.number, b);
    }
    if (b->type == CEL_DOUBLE) {
        return reverse(order_double(b->as.number, a));
    }
    if (a->type == CEL_INT) {
        return b->type == CEL_INT
                   ? order_of(a->as.integer<b->as.integer, a->as.integer> b->as.integer)
                   : order_int_uint(a->as.integer, b->as.uinteger);
    }
    return b->type == CEL_UINT
               ? order_of(a->as.uinteger<b->as.uinteger, a->as.uinteger> b->as.uinteger)
               : reverse(order_int_uint(b->as.integer, a->as.uinteger));
}

static enum compare_order order_times(const struct cel *a, const struct cel *b)
{
    if (a->as.time.seconds != b->as.time.seconds) {
        return order_of(a->as.time.seconds < b->as.time.seconds, true);
    }
    return order_of(a->as.time.nanos<b->as.time.nanos, a->as.time.nanos> b->as.time.nanos);
}

enum compare_order compare_order(const struct cel *a, const struct cel *b)
{
    if (is_number(a) && is_number(b)) {
        return order_numbers(a, b);
    }
    if (a->type != b->type) {
        return COMPARE_MISMATCH;
    }
    switch (a->type) {
    case CEL_BOOL:
        return order_of(!a->as.boolean && b->as.boolean, a->as.boolean && !b->as.boolean);
    case CEL_STRING:
    case CEL_BYTES: {
        int order = str_compare(a->as.text, b->as.text);
        return order_of(order<0, order> 0);
    }
    case CEL_TIMESTAMP:
    case CEL_DURATION:
        return order_times(a, b);
    default:
        return COMPARE_MISMATCH;
    }
}

static bool take_steps(uint64_t *steps, uint64_t count)
{
    if (*steps < count) {
        *steps = 0;
        return false;
    }
    *steps -= count;
    return *steps > 0;
}

static bool equal_lists(const struct cel *a, const struct cel *b, uint64_t *steps)
{
    size_t count = collection_count(a);
    if (count != collection_count(b)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct cel left = collection_item(a, i);
        struct cel right = collection_item(b, i);
        if (!compare_equal(&left, &right, steps)) {
            return false;
        }
    }
    return true;
}

static bool equal_maps(const struct cel *a, const struct cel *b, uint64_t *steps)
{
    size_t count = collection_count(a);
    if (count != collection_count(b)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct cel key;
        struct cel left;
        struct cel right;
        collection_entry(a, i, &key, &left);
        if (!collection_find(b, &key, &right) || !compare_equal(&left, &right, steps)) {
            return false;
        }
    }
    return true;
}

static bool equal_optionals(const struct cel *a, const struct cel *b, uint64_t *steps)
{
    if (a->as.optional == NULL || b->as.optional == NULL) {
        return a->as.optional == b->as.optional;
    }
    return compare_equal(a->as.optional, b->as.optional, steps);
}

/* Two values of one type that are neither numbers nor collections. */
static bool equal_scalars(const struct cel *a, const struct cel *b)
{
    switch (a->type) {
    case CEL_NULL:
        return true;
    case CEL_BOOL:
        return a->as.boolean == b->as.boolean;
    case CEL_STRING:
    case CEL_BYTES:
    case CEL_TYPE:
        return str_equal(a->as.text, b->as.text);
    case CEL_TIMESTAMP:
    case CEL_DURATION:
        return order_times(a, b) == COMPARE_SAME;
    case CEL_OBJECT:
        return a->as.object.object == b->as.object.object && a->index == b->index;
    default:
        return false;
    }
}

bool compare_keys(const struct cel *a, const struct cel *b)
{
    if (is_number(a) && is_number(b)) {
        return order_numbers(a, b) == COMPARE_SAME;
    }
    return a->type == b->type && equal_scalars(a, b);
}

bool compare_equal(const struct cel *a, const struct cel *b, uint64_t *steps)
{
    if (!take_steps(steps, 1)) {
        return false;
    }
    if (collection_is_list(a)) {
        return collection_is_list(b) && equal_lists(a, b, steps);
    }
    if (collection_is_map(a)) {
        return collection_is_map(b) && equal_maps(a, b, steps);
    }
    if (a->type == CEL_OPTIONAL && b->type == CEL_OPTIONAL) {
        return equal_optionals(a, b, steps);
    }
    if ((a->type == CEL_STRING || a->type == CEL_BYTES) &&
        !take_steps(steps, a->as.text.n / 1024)) {
        return false;
    }
    return compare_keys(a, b);
}

static uint64_t mix(uint64_t x)
{
    x ^= x >> 32;
    x *= UINT64_C(0x9E3779B97F4A7C15);
    return x ^ (x >> 29);
}

uint64_t compare_hash(const struct cel *key)
{
    switch (key->type) {
    case CEL_STRING:
        return str_hash(key->as.text);
    case CEL_BOOL:
        return mix(key->as.boolean ? 2 : 1);
    case CEL_INT:
        return mix((uint64_t)key->as.integer);
    case CEL_UINT:
        return mix(key->as.uinteger);
    case CEL_DOUBLE:
        /* A double that equals no integer equals no key, so its hash does not matter. */
        if (key->as.number >= -0x1p63 && key->as.number < 0x1p63) {
            return mix((uint64_t)(int64_t)key->as.number);
        }
        return key->as.number >= 0 && key->as.number < 0x1p64 ? mix((uint64_t)key->as.number) : 0;
    default:
        return 0;
    }
}
