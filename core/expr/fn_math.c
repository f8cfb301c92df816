/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/function.h"

#include <math.h>

#include "core/base/error.h"
#include "core/expr/collection.h"
#include "core/expr/compare.h"
#include "core/expr/eval.h"
#include "core/expr/kind.h"
#include "core/expr/program.h"

static bool is_number(const struct cel *cel)
{
    return cel->type == CEL_INT || cel->type == CEL_UINT || cel->type == CEL_DOUBLE;
}

/* Doubles, and ints that came from data, where 2 and 2.0 are one number. */
static bool as_double(const struct cel *cel, double *out)
{
    if (cel->type == CEL_INT && cel->from_data != 0) {
        *out = (double)cel->as.integer;
        return true;
    }
    *out = cel->as.number;
    return cel->type == CEL_DOUBLE;
}

/* The extreme of the arguments, or of the items of the one list among them. */
static int find_extreme(struct evaluation *ev, const struct cel *args, size_t count,
                        enum compare_order wanted, struct cel *out)
{
    bool is_list = count == 1 && collection_is_list(args);
    size_t items = is_list ? collection_count(args) : count;
    int status = eval_charge(ev, items);
    if (status != 0) {
        return status;
    }
    struct cel best = {.type = CEL_NULL};
    for (size_t i = 0; i < items; i++) {
        struct cel item = is_list ? collection_item(args, i) : args[i];
        if (!is_number(&item)) {
            return eval_bad_call(ev, args, count);
        }
        if (i == 0 || compare_order(&item, &best) == wanted) {
            best = item;
        }
    }
    if (items == 0) {
        return eval_fail(ev, E_INVALID, "%s() of an empty list", ev->call->as.function->name);
    }
    *out = best;
    return 0;
}

static int call_greatest(struct evaluation *ev, const struct cel *args, size_t count,
                         struct cel *out)
{
    return find_extreme(ev, args, count, COMPARE_GREATER, out);
}

static int call_least(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    return find_extreme(ev, args, count, COMPARE_LESS, out);
}

static int apply(struct evaluation *ev, const struct cel *args, size_t count,
                 double (*function)(double), struct cel *out)
{
    double number = 0;
    if (!as_double(args, &number)) {
        return eval_bad_call(ev, args, count);
    }
    (void)eval_make_double(function(number), out); /* cannot fail */
    out->from_data = args->from_data;
    return 0;
}

static int call_ceil(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    return apply(ev, args, count, ceil, out);
}

static int call_floor(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    return apply(ev, args, count, floor, out);
}

static int call_round(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    return apply(ev, args, count, round, out);
}

static int call_trunc(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    return apply(ev, args, count, trunc, out);
}

static int call_sqrt(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    if (args->type == CEL_INT) {
        return eval_make_double(sqrt((double)args->as.integer), out);
    }
    if (args->type == CEL_UINT) {
        return eval_make_double(sqrt((double)args->as.uinteger), out);
    }
    return apply(ev, args, count, sqrt, out);
}

static int call_abs(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    if (!is_number(args)) {
        return eval_bad_call(ev, args, count);
    }
    *out = *args;
    if (args->type == CEL_DOUBLE) {
        out->as.number = fabs(args->as.number);
    } else if (args->type == CEL_INT && args->as.integer == INT64_MIN) {
        return eval_fail(ev, E_INVALID, "integer overflow in math.abs()");
    } else if (args->type == CEL_INT && args->as.integer < 0) {
        out->as.integer = -args->as.integer;
    }
    return 0;
}

static int call_sign(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    if (!is_number(args)) {
        return eval_bad_call(ev, args, count);
    }
    *out = *args;
    if (args->type == CEL_INT) {
        out->as.integer = (args->as.integer > 0) - (args->as.integer < 0);
    } else if (args->type == CEL_UINT) {
        out->as.uinteger = args->as.uinteger > 0 ? 1 : 0;
    } else if (!isnan(args->as.number)) {
        out->as.number = (args->as.number > 0) - (args->as.number < 0);
    }
    return 0;
}

static int call_is_nan(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    double number = 0;
    return as_double(args, &number) ? eval_make_bool(isnan(number) != 0, out)
                                    : eval_bad_call(ev, args, count);
}

static int call_is_inf(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    double number = 0;
    return as_double(args, &number) ? eval_make_bool(isinf(number) != 0, out)
                                    : eval_bad_call(ev, args, count);
}

static int call_is_finite(struct evaluation *ev, const struct cel *args, size_t count,
                          struct cel *out)
{
    double number = 0;
    return as_double(args, &number) ? eval_make_bool(isfinite(number) != 0, out)
                                    : eval_bad_call(ev, args, count);
}

/* An int's or uint's bits; a result gets the type of `like`. */
static bool as_bits(const struct cel *cel, uint64_t *out)
{
    *out = cel->type == CEL_INT ? (uint64_t)cel->as.integer : cel->as.uinteger;
    return cel->type == CEL_INT || cel->type == CEL_UINT;
}

static int make_bits(uint64_t bits, const struct cel *like, struct cel *out)
{
    *out = *like;
    if (like->type == CEL_INT) {
        out->as.integer = (int64_t)bits;
    } else {
        out->as.uinteger = bits;
    }
    return 0;
}

enum bit_op { BIT_AND, BIT_OR, BIT_XOR };

static int combine_bits(struct evaluation *ev, const struct cel *args, size_t count, enum bit_op op,
                        struct cel *out)
{
    uint64_t a = 0;
    uint64_t b = 0;
    if (!as_bits(&args[0], &a) || !as_bits(&args[1], &b) || args[0].type != args[1].type) {
        return eval_bad_call(ev, args, count);
    }
    return make_bits(op == BIT_AND ? a & b : (op == BIT_OR ? a | b : a ^ b), &args[0], out);
}

static int call_bit_and(struct evaluation *ev, const struct cel *args, size_t count,
                        struct cel *out)
{
    return combine_bits(ev, args, count, BIT_AND, out);
}

static int call_bit_or(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    return combine_bits(ev, args, count, BIT_OR, out);
}

static int call_bit_xor(struct evaluation *ev, const struct cel *args, size_t count,
                        struct cel *out)
{
    return combine_bits(ev, args, count, BIT_XOR, out);
}

static int call_bit_not(struct evaluation *ev, const struct cel *args, size_t count,
                        struct cel *out)
{
    uint64_t bits = 0;
    return as_bits(args, &bits) ? make_bits(~bits, args, out) : eval_bad_call(ev, args, count);
}

static int shift(struct evaluation *ev, const struct cel *args, size_t count, bool is_left,
                 struct cel *out)
{
    uint64_t bits = 0;
    if (!as_bits(&args[0], &bits) || args[1].type != CEL_INT) {
        return eval_bad_call(ev, args, count);
    }
    int64_t by = args[1].as.integer;
    if (by < 0) {
        return eval_fail(ev, E_INVALID, "a shift by %lld bits", (long long)by);
    }
    if (by > 63) {
        return make_bits(0, &args[0], out);
    }
    return make_bits(is_left ? bits << by : bits >> by, &args[0], out);
}

static int call_shift_left(struct evaluation *ev, const struct cel *args, size_t count,
                           struct cel *out)
{
    return shift(ev, args, count, true, out);
}

static int call_shift_right(struct evaluation *ev, const struct cel *args, size_t count,
                            struct cel *out)
{
    return shift(ev, args, count, false, out);
}

static const struct function functions[] = {
    {"math.greatest",
     FUNCTION_GLOBAL,
     1,
     FUNCTION_MANY,
     FUNCTION_ANY_TYPE,
     call_greatest,
     {KIND_NUMBER | KIND_LIST, KIND_NUMBER, KIND_NUMBER, KIND_NUMBER}},
    {"math.least",
     FUNCTION_GLOBAL,
     1,
     FUNCTION_MANY,
     FUNCTION_ANY_TYPE,
     call_least,
     {KIND_NUMBER | KIND_LIST, KIND_NUMBER, KIND_NUMBER, KIND_NUMBER}},
    {"math.ceil", FUNCTION_GLOBAL, 1, 1, CEL_DOUBLE, call_ceil, {KIND_DOUBLE}},
    {"math.floor", FUNCTION_GLOBAL, 1, 1, CEL_DOUBLE, call_floor, {KIND_DOUBLE}},
    {"math.round", FUNCTION_GLOBAL, 1, 1, CEL_DOUBLE, call_round, {KIND_DOUBLE}},
    {"math.trunc", FUNCTION_GLOBAL, 1, 1, CEL_DOUBLE, call_trunc, {KIND_DOUBLE}},
    {"math.sqrt", FUNCTION_GLOBAL, 1, 1, CEL_DOUBLE, call_sqrt, {KIND_NUMBER}},
    {"math.abs", FUNCTION_GLOBAL, 1, 1, FUNCTION_ANY_TYPE, call_abs, {KIND_NUMBER}},
    {"math.sign", FUNCTION_GLOBAL, 1, 1, FUNCTION_ANY_TYPE, call_sign, {KIND_NUMBER}},
    {"math.isNaN", FUNCTION_GLOBAL, 1, 1, CEL_BOOL, call_is_nan, {KIND_DOUBLE}},
    {"math.isInf", FUNCTION_GLOBAL, 1, 1, CEL_BOOL, call_is_inf, {KIND_DOUBLE}},
    {"math.isFinite", FUNCTION_GLOBAL, 1, 1, CEL_BOOL, call_is_finite, {KIND_DOUBLE}},
    {"math.bitAnd",
     FUNCTION_GLOBAL,
     2,
     2,
     FUNCTION_ANY_TYPE,
     call_bit_and,
     {KIND_INT | KIND_UINT, KIND_INT | KIND_UINT}},
    {"math.bitOr",
     FUNCTION_GLOBAL,
     2,
     2,
     FUNCTION_ANY_TYPE,
     call_bit_or,
     {KIND_INT | KIND_UINT, KIND_INT | KIND_UINT}},
    {"math.bitXor",
     FUNCTION_GLOBAL,
     2,
     2,
     FUNCTION_ANY_TYPE,
     call_bit_xor,
     {KIND_INT | KIND_UINT, KIND_INT | KIND_UINT}},
    {"math.bitNot", FUNCTION_GLOBAL, 1, 1, FUNCTION_ANY_TYPE, call_bit_not, {KIND_INT | KIND_UINT}},
    {"math.bitShiftLeft",
     FUNCTION_GLOBAL,
     2,
     2,
     FUNCTION_ANY_TYPE,
     call_shift_left,
     {KIND_INT | KIND_UINT, KIND_INT}},
    {"math.bitShiftRight",
     FUNCTION_GLOBAL,
     2,
     2,
     FUNCTION_ANY_TYPE,
     call_shift_right,
     {KIND_INT | KIND_UINT, KIND_INT}},
};

const struct function_table function_maths = {functions, sizeof(functions) / sizeof(functions[0])};
