/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/comprehension.h"

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/expr/collection.h"
#include "core/expr/eval.h"
#include "core/expr/function.h"
#include "core/expr/macro.h"
#include "core/expr/program.h"

struct loop {
    struct evaluation *ev;
    const struct code *code;
    struct cel range;
    size_t at;
    size_t count;
    struct cel value; /* the current item, for filters */
    struct cel key;   /* its key or index */
};

static const char *macro_name(const struct code *code)
{
    return macro_kind_name(code->macro);
}

static int loop_start(struct loop *loop, struct evaluation *ev, const struct code *code)
{
    *loop = (struct loop){.ev = ev, .code = code};
    int status = eval_code(ev, program_child(ev->expr, code, 0), &loop->range);
    if (status != 0) {
        return status;
    }
    if (!collection_is_list(&loop->range) && !collection_is_map(&loop->range)) {
        return eval_no_overload(ev, code, macro_name(code), &loop->range, 1);
    }
    loop->count = collection_count(&loop->range);
    return 0;
}

/* Puts the next item into the variables: 1, or 0 at the end, or a negative code. */
static int loop_next(struct loop *loop)
{
    if (loop->at >= loop->count) {
        return 0;
    }
    int status = eval_charge(loop->ev, 1);
    if (status != 0) {
        return status;
    }
    bool is_list = collection_is_list(&loop->range);
    if (is_list) {
        loop->value = collection_item(&loop->range, loop->at);
        (void)eval_make_int((int64_t)loop->at, &loop->key); /* cannot fail */
    } else {
        collection_entry(&loop->range, loop->at, &loop->key, &loop->value);
    }
    loop->at++;
    struct cel *locals = &loop->ev->locals[loop->code->local];
    if (loop->code->variables == 2) {
        locals[0] = loop->key;
        locals[1] = loop->value;
    } else {
        if (!is_list) {
            loop->value = loop->key; /* one variable over a map means its keys */
        }
        locals[0] = loop->value;
    }
    return 1;
}

/* Child `i` for the current item. */
static int loop_eval(struct loop *loop, size_t i, struct cel *out)
{
    return eval_code(loop->ev, program_child(loop->ev->expr, loop->code, i), out);
}

static int loop_test(struct loop *loop, size_t i, bool *out)
{
    struct cel result;
    int status = loop_eval(loop, i, &result);
    if (status != 0) {
        return status;
    }
    if (result.type != CEL_BOOL) {
        return eval_not_bool(loop->ev, program_child(loop->ev->expr, loop->code, i), &result);
    }
    *out = result.as.boolean;
    return 0;
}

/* all() and exists(): the first item that decides, decides; else the first failure counts. */
static int evaluate_any(struct evaluation *ev, const struct code *code, struct cel *out)
{
    bool decisive = code->macro == MACRO_EXISTS;
    struct loop loop;
    int status = loop_start(&loop, ev, code);
    if (status != 0) {
        return status;
    }
    int failed = 0;
    struct eval_fault first = {0};
    bool is_decided = false;
    while (!is_decided && (status = loop_next(&loop)) > 0) {
        bool test = !decisive;
        status = loop_test(&loop, 1, &test);
        if (status == 0) {
            is_decided = test == decisive;
        } else if (!eval_is_absorbable(status)) {
            break;
        } else if (failed == 0) {
            failed = status;
            first = ev->fault;
            ev->quiet++; /* only the first failure's text can be asked for */
        }
        status = 0;
    }
    if (failed != 0) {
        ev->quiet--;
    }
    if (status < 0) {
        return status;
    }
    if (!is_decided && failed != 0) {
        ev->fault = first;
        return failed;
    }
    return eval_make_bool(is_decided ? decisive : !decisive, out);
}

static int evaluate_exists_one(struct evaluation *ev, const struct code *code, struct cel *out)
{
    struct loop loop;
    int status = loop_start(&loop, ev, code);
    size_t found = 0;
    while (status == 0 && (status = loop_next(&loop)) > 0) {
        bool test = false;
        status = loop_test(&loop, 1, &test);
        found += test ? 1 : 0;
    }
    return status != 0 ? status : eval_make_bool(found == 1, out);
}

static int add_value(struct evaluation *ev, struct cel_array *array, const struct cel *value)
{
    return cel_array_add(array, value) == 0 ? 0 : eval_nomem(ev);
}

/* map(), transformList() and filter(). */
static int evaluate_list(struct evaluation *ev, const struct code *code, struct cel *out)
{
    cleanup_cel_array struct cel_array items = CEL_ARRAY_INIT;
    bool has_test = code->macro == MACRO_FILTER || code->count == 3;
    bool has_transform = code->macro != MACRO_FILTER;
    struct loop loop;
    int status = loop_start(&loop, ev, code);
    while (status == 0 && (status = loop_next(&loop)) > 0) {
        bool is_wanted = true;
        struct cel item = loop.value;
        status = has_test ? loop_test(&loop, 1, &is_wanted) : 0;
        if (status == 0 && is_wanted && has_transform) {
            status = loop_eval(&loop, code->count - 1, &item);
        }
        if (status == 0 && is_wanted) {
            status = add_value(ev, &items, &item);
        }
    }
    return status != 0 ? status : eval_make_list(ev, items.items, items.count, out);
}

/* Adds what a transformation gave for the current item. */
static int add_entries(struct loop *loop, const struct cel *result, struct cel_array *pairs)
{
    if (loop->code->macro == MACRO_TRANSFORM_MAP) {
        int status = add_value(loop->ev, pairs, &loop->key);
        return status != 0 ? status : add_value(loop->ev, pairs, result);
    }
    if (!collection_is_map(result)) {
        return eval_no_overload(loop->ev, loop->code, macro_name(loop->code), result, 1);
    }
    size_t count = collection_count(result);
    int status = eval_charge(loop->ev, count);
    for (size_t i = 0; i < count && status == 0; i++) {
        struct cel key;
        struct cel value;
        collection_entry(result, i, &key, &value);
        status = add_value(loop->ev, pairs, &key);
        if (status == 0) {
            status = add_value(loop->ev, pairs, &value);
        }
    }
    return status;
}

static int evaluate_map(struct evaluation *ev, const struct code *code, struct cel *out)
{
    cleanup_cel_array struct cel_array pairs = CEL_ARRAY_INIT;
    struct loop loop;
    int status = loop_start(&loop, ev, code);
    while (status == 0 && (status = loop_next(&loop)) > 0) {
        bool is_wanted = true;
        struct cel result;
        status = code->count == 3 ? loop_test(&loop, 1, &is_wanted) : 0;
        if (status == 0 && is_wanted) {
            status = loop_eval(&loop, code->count - 1, &result);
            if (status == 0) {
                status = add_entries(&loop, &result, &pairs);
            }
        }
    }
    return status != 0 ? status : eval_make_map(ev, pairs.items, pairs.count / 2, out);
}

static int evaluate_sort(struct evaluation *ev, const struct code *code, struct cel *out)
{
    cleanup_cel_array struct cel_array items = CEL_ARRAY_INIT;
    cleanup_cel_array struct cel_array keys = CEL_ARRAY_INIT;
    struct loop loop;
    int status = loop_start(&loop, ev, code);
    if (status == 0 && !collection_is_list(&loop.range)) {
        return eval_no_overload(ev, code, macro_name(code), &loop.range, 1);
    }
    while (status == 0 && (status = loop_next(&loop)) > 0) {
        struct cel key;
        status = loop_eval(&loop, 1, &key);
        if (status == 0) {
            status = add_value(ev, &keys, &key);
        }
        if (status == 0) {
            status = add_value(ev, &items, &loop.value);
        }
    }
    if (status != 0) {
        return status;
    }
    return function_sort(ev, code, keys.items, items.items, items.count, out);
}

static int evaluate_bind(struct evaluation *ev, const struct code *code, struct cel *out)
{
    struct cel value;
    int status = eval_code(ev, program_child(ev->expr, code, 0), &value);
    if (status != 0) {
        return status;
    }
    if (code->macro == MACRO_BIND) {
        ev->locals[code->local] = value;
        return eval_code(ev, program_child(ev->expr, code, 1), out);
    }
    if (value.type != CEL_OPTIONAL) {
        return eval_no_overload(ev, code, macro_name(code), &value, 1);
    }
    if (value.as.optional == NULL) {
        *out = value;
        return 0;
    }
    ev->locals[code->local] = *value.as.optional;
    struct cel result;
    status = eval_code(ev, program_child(ev->expr, code, 1), &result);
    if (status != 0) {
        return status;
    }
    if (code->macro == MACRO_OPT_MAP) {
        return eval_make_some(ev, &result, out);
    }
    if (result.type != CEL_OPTIONAL) {
        return eval_no_overload(ev, code, macro_name(code), &result, 1);
    }
    *out = result;
    return 0;
}

/* Whether the value counts as there; an optional is replaced by what it holds. */
static bool unwrap(struct cel *value)
{
    if (value->type == CEL_OPTIONAL && value->as.optional != NULL) {
        *value = *value->as.optional;
        return value->type != CEL_NULL;
    }
    return value->type != CEL_OPTIONAL && value->type != CEL_NULL;
}

/* default(x, y) and coalesce(a, b, ...): the first that is there. */
static int evaluate_first(struct evaluation *ev, const struct code *code, struct cel *out)
{
    bool is_default = code->macro == MACRO_DEFAULT;
    size_t tried = is_default ? code->count - 1 : code->count;
    for (size_t i = 0; i < tried; i++) {
        struct cel value;
        int status = eval_code(ev, program_child(ev->expr, code, i), &value);
        if (status != 0 && status != E_NOT_FOUND) {
            return status;
        }
        if (status == 0 && unwrap(&value)) {
            *out = value;
            return 0;
        }
    }
    if (is_default) {
        return eval_code(ev, program_child(ev->expr, code, code->count - 1), out);
    }
    *out = (struct cel){.type = CEL_NULL};
    return 0;
}

int comprehension_evaluate(struct evaluation *ev, const struct code *code, struct cel *out)
{
    switch (code->macro) {
    case MACRO_ALL:
    case MACRO_EXISTS:
        return evaluate_any(ev, code, out);
    case MACRO_EXISTS_ONE:
        return evaluate_exists_one(ev, code, out);
    case MACRO_MAP:
    case MACRO_FILTER:
        return evaluate_list(ev, code, out);
    case MACRO_TRANSFORM_MAP:
    case MACRO_TRANSFORM_MAP_ENTRY:
        return evaluate_map(ev, code, out);
    case MACRO_SORT_BY:
        return evaluate_sort(ev, code, out);
    case MACRO_DEFAULT:
    case MACRO_COALESCE:
        return evaluate_first(ev, code, out);
    default:
        return evaluate_bind(ev, code, out);
    }
}
