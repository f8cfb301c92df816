/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/function.h"

#include "core/base/error.h"
#include "core/expr/collection.h"
#include "core/expr/eval.h"
#include "core/expr/kind.h"

static int call_of(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    (void)count;
    return eval_make_some(ev, args, out);
}

static int call_none(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    (void)ev;
    (void)args;
    (void)count;
    *out = (struct cel){.type = CEL_OPTIONAL};
    return 0;
}

/* null, false, 0, "" and empty collections: what a field of its type is without a value. */
static bool is_zero(const struct cel *cel)
{
    switch (cel->type) {
    case CEL_NULL:
        return true;
    case CEL_BOOL:
        return !cel->as.boolean;
    case CEL_INT:
        return cel->as.integer == 0;
    case CEL_UINT:
        return cel->as.uinteger == 0;
    case CEL_DOUBLE:
        return cel->as.number == 0;
    case CEL_STRING:
    case CEL_BYTES:
        return cel->as.text.n == 0;
    case CEL_LIST:
    case CEL_MAP:
    case CEL_JSON:
        return collection_count(cel) == 0;
    case CEL_DURATION:
        return cel->as.time.seconds == 0 && cel->as.time.nanos == 0;
    case CEL_OPTIONAL:
        return cel->as.optional == NULL;
    default:
        return false;
    }
}

static int call_of_non_zero(struct evaluation *ev, const struct cel *args, size_t count,
                            struct cel *out)
{
    return is_zero(args) ? call_none(ev, args, count, out) : call_of(ev, args, count, out);
}

static int call_has_value(struct evaluation *ev, const struct cel *args, size_t count,
                          struct cel *out)
{
    return args->type == CEL_OPTIONAL ? eval_make_bool(args->as.optional != NULL, out)
                                      : eval_bad_call(ev, args, count);
}

static int call_value(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    if (args->type != CEL_OPTIONAL) {
        return eval_bad_call(ev, args, count);
    }
    if (args->as.optional == NULL) {
        return eval_fail(ev, E_NOT_FOUND, "value() of an optional without one: use orValue(x)");
    }
    *out = *args->as.optional;
    return 0;
}

static int call_or(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    if (args[0].type != CEL_OPTIONAL || args[1].type != CEL_OPTIONAL) {
        return eval_bad_call(ev, args, count);
    }
    *out = args[0].as.optional != NULL ? args[0] : args[1];
    return 0;
}

static int call_or_value(struct evaluation *ev, const struct cel *args, size_t count,
                         struct cel *out)
{
    if (args[0].type != CEL_OPTIONAL) {
        return eval_bad_call(ev, args, count);
    }
    *out = args[0].as.optional != NULL ? *args[0].as.optional : args[1];
    return 0;
}

/* The values of those optionals in a list that have one. */
static int call_unwrap(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    cleanup_cel_array struct cel_array items = CEL_ARRAY_INIT;
    if (!collection_is_list(args)) {
        return eval_bad_call(ev, args, count);
    }
    size_t length = collection_count(args);
    int status = eval_charge(ev, length);
    for (size_t i = 0; i < length && status == 0; i++) {
        struct cel item = collection_item(args, i);
        if (item.type != CEL_OPTIONAL) {
            return eval_bad_call(ev, args, count);
        }
        if (item.as.optional != NULL && cel_array_add(&items, item.as.optional) != 0) {
            status = eval_nomem(ev);
        }
    }
    return status != 0 ? status : eval_make_list(ev, items.items, items.count, out);
}

static const struct function functions[] = {
    {"optional.of", FUNCTION_GLOBAL, 1, 1, CEL_OPTIONAL, call_of, {0}},
    {"optional.none", FUNCTION_GLOBAL, 0, 0, CEL_OPTIONAL, call_none, {0}},
    {"optional.ofNonZeroValue", FUNCTION_GLOBAL, 1, 1, CEL_OPTIONAL, call_of_non_zero, {0}},
    {"optional.unwrap", FUNCTION_GLOBAL, 1, 1, CEL_LIST, call_unwrap, {KIND_LIST}},
    {"unwrapOpt", FUNCTION_RECEIVER, 1, 1, CEL_LIST, call_unwrap, {KIND_LIST}},
    {"hasValue", FUNCTION_RECEIVER, 1, 1, CEL_BOOL, call_has_value, {KIND_OPTIONAL}},
    {"value", FUNCTION_RECEIVER, 1, 1, FUNCTION_ANY_TYPE, call_value, {KIND_OPTIONAL}},
    {"or", FUNCTION_RECEIVER, 2, 2, CEL_OPTIONAL, call_or, {KIND_OPTIONAL, KIND_OPTIONAL}},
    {"orValue", FUNCTION_RECEIVER, 2, 2, FUNCTION_ANY_TYPE, call_or_value, {KIND_OPTIONAL}},
};

const struct function_table function_optionals = {functions,
                                                  sizeof(functions) / sizeof(functions[0])};
