/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/arith.h"

#include "core/base/arena.h"
#include "core/expr/collection.h"
#include "core/expr/eval.h"
#include "core/expr/instant.h"
#include "core/expr/program.h"

static const char *symbol_of(const struct code *code)
{
    switch (code->op) {
    case OP_ADD:
        return "+";
    case OP_SUBTRACT:
        return "-";
    case OP_MULTIPLY:
        return "*";
    case OP_DIVIDE:
        return "/";
    default:
        return "%";
    }
}

static int fail_overflow(struct evaluation *ev, const struct code *code)
{
    struct str source = eval_source(ev, code);
    return eval_fail(ev, E_INVALID, "integer overflow in '%.*s'", STR_ARG(source));
}

static int fail_by_zero(struct evaluation *ev, const struct code *code)
{
    struct str source = eval_source(ev, code);
    return eval_fail(ev, E_INVALID, "%s by zero in '%.*s'",
                     code->op == OP_DIVIDE ? "division" : "modulus", STR_ARG(source));
}

static int fail_types(struct evaluation *ev, const struct code *code, const struct cel *a,
                      const struct cel *b)
{
    const struct cel args[] = {*a, *b};
    return eval_no_overload(ev, code, symbol_of(code), args, 2);
}

static int int_binary(struct evaluation *ev, const struct code *code, int64_t a, int64_t b,
                      struct cel *out)
{
    int64_t result = 0;
    bool is_overflow = false;
    switch (code->op) {
    case OP_ADD:
        is_overflow = __builtin_add_overflow(a, b, &result);
        break;
    case OP_SUBTRACT:
        is_overflow = __builtin_sub_overflow(a, b, &result);
        break;
    case OP_MULTIPLY:
        is_overflow = __builtin_mul_overflow(a, b, &result);
        break;
    default:
        if (b == 0) {
            return fail_by_zero(ev, code);
        }
        is_overflow = a == INT64_MIN && b == -1;
        if (!is_overflow) {
            result = code->op == OP_DIVIDE ? a / b : a % b;
        }
        break;
    }
    return is_overflow ? fail_overflow(ev, code) : eval_make_int(result, out);
}

static int uint_binary(struct evaluation *ev, const struct code *code, uint64_t a, uint64_t b,
                       struct cel *out)
{
    uint64_t result = 0;
    bool is_overflow = false;
    switch (code->op) {
    case OP_ADD:
        is_overflow = __builtin_add_overflow(a, b, &result);
        break;
    case OP_SUBTRACT:
        is_overflow = __builtin_sub_overflow(a, b, &result);
        break;
    case OP_MULTIPLY:
        is_overflow = __builtin_mul_overflow(a, b, &result);
        break;
    default:
        if (b == 0) {
            return fail_by_zero(ev, code);
        }
        result = code->op == OP_DIVIDE ? a / b : a % b;
        break;
    }
    if (is_overflow) {
        return fail_overflow(ev, code);
    }
    *out = (struct cel){.type = CEL_UINT, .as.uinteger = result};
    return 0;
}

/* 1 when doubles have no such operator. */
static int double_binary(const struct code *code, double a, double b, struct cel *out)
{
    switch (code->op) {
    case OP_ADD:
        return eval_make_double(a + b, out);
    case OP_SUBTRACT:
        return eval_make_double(a - b, out);
    case OP_MULTIPLY:
        return eval_make_double(a * b, out);
    case OP_DIVIDE:
        return eval_make_double(a / b, out);
    default:
        return 1;
    }
}

static int join_texts(struct evaluation *ev, const struct cel *a, const struct cel *b,
                      struct cel *out)
{
    size_t n = a->as.text.n + b->as.text.n;
    char *joined = eval_alloc(ev, n);
    if (joined == NULL) {
        return eval_status(ev);
    }
    if (a->as.text.n > 0) {
        memcpy(joined, a->as.text.p, a->as.text.n);
    }
    if (b->as.text.n > 0) {
        memcpy(joined + a->as.text.n, b->as.text.p, b->as.text.n);
    }
    *out = (struct cel){.type = a->type, .as.text = str_make(joined, n)};
    return 0;
}

static int join_lists(struct evaluation *ev, const struct cel *a, const struct cel *b,
                      struct cel *out)
{
    cleanup_cel_array struct cel_array items = CEL_ARRAY_INIT;
    const struct cel *const parts[] = {a, b};
    int status = eval_charge(ev, collection_count(a) + collection_count(b));
    for (size_t part = 0; part < 2 && status == 0; part++) {
        size_t count = collection_count(parts[part]);
        for (size_t i = 0; i < count && status == 0; i++) {
            struct cel item = collection_item(parts[part], i);
            status = cel_array_add(&items, &item) == 0 ? 0 : eval_nomem(ev);
        }
    }
    return status != 0 ? status : eval_make_list(ev, items.items, items.count, out);
}

static bool is_number(const struct cel *cel)
{
    return cel->type == CEL_INT || cel->type == CEL_DOUBLE;
}

static double as_double(const struct cel *cel)
{
    return cel->type == CEL_INT ? (double)cel->as.integer : cel->as.number;
}

static int binary_of_one_type(struct evaluation *ev, const struct code *code, const struct cel *a,
                              const struct cel *b, struct cel *out)
{
    switch (a->type) {
    case CEL_INT:
        return int_binary(ev, code, a->as.integer, b->as.integer, out);
    case CEL_UINT:
        return uint_binary(ev, code, a->as.uinteger, b->as.uinteger, out);
    case CEL_DOUBLE: {
        int status = double_binary(code, a->as.number, b->as.number, out);
        return status == 1 ? fail_types(ev, code, a, b) : status;
    }
    case CEL_STRING:
    case CEL_BYTES:
        if (code->op == OP_ADD) {
            return join_texts(ev, a, b, out);
        }
        break;
    default:
        break;
    }
    return fail_types(ev, code, a, b);
}

/* Points in time and durations: 1 when this is none of theirs. */
static int time_binary(struct evaluation *ev, const struct code *code, const struct cel *a,
                       const struct cel *b, struct cel *out)
{
    bool is_a_time = a->type == CEL_TIMESTAMP || a->type == CEL_DURATION;
    bool is_b_time = b->type == CEL_TIMESTAMP || b->type == CEL_DURATION;
    if (!is_a_time || !is_b_time) {
        return 1;
    }
    int status = 1;
    if (code->op == OP_ADD) {
        status = instant_add(a, b, out);
    } else if (code->op == OP_SUBTRACT) {
        status = instant_subtract(a, b, out);
    }
    if (status >= 0) {
        return status;
    }
    struct str source = eval_source(ev, code);
    return eval_fail(ev, E_INVALID, "'%.*s' is out of the range of times", STR_ARG(source));
}

int arith_binary(struct evaluation *ev, const struct code *code, const struct cel *a,
                 const struct cel *b, struct cel *out)
{
    bool is_data = a->from_data != 0 || b->from_data != 0;
    int status = 1;
    if (a->type == b->type && a->type <= CEL_BYTES) {
        status = binary_of_one_type(ev, code, a, b, out);
    } else if (is_data && is_number(a) && is_number(b)) {
        status = double_binary(code, as_double(a), as_double(b), out);
    } else if (code->op == OP_ADD && collection_is_list(a) && collection_is_list(b)) {
        return join_lists(ev, a, b, out);
    } else {
        status = time_binary(ev, code, a, b, out);
    }
    if (status == 1) {
        return fail_types(ev, code, a, b);
    }
    if (status == 0) {
        out->from_data = is_data ? 1 : 0;
    }
    return status;
}

int arith_negate(struct evaluation *ev, const struct code *code, const struct cel *a,
                 struct cel *out)
{
    uint8_t from_data = a->from_data;
    if (a->type == CEL_DOUBLE) {
        (void)eval_make_double(-a->as.number, out); /* cannot fail */
    } else if (a->type == CEL_INT && a->as.integer != INT64_MIN) {
        (void)eval_make_int(-a->as.integer, out); /* cannot fail */
    } else if (a->type == CEL_INT) {
        return fail_overflow(ev, code);
    } else {
        return eval_no_overload(ev, code, "-", a, 1);
    }
    out->from_data = from_data;
    return 0;
}
