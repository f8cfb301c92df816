/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/function.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/expr/collection.h"
#include "core/expr/compare.h"
#include "core/expr/eval.h"
#include "core/expr/kind.h"
#include "core/expr/program.h"

/* A key and the number of its item, which decides between equal keys. */
struct sort_entry {
    struct cel key;
    size_t number;
};

static int compare_entries(const void *a, const void *b)
{
    const struct sort_entry *x = a;
    const struct sort_entry *y = b;
    enum compare_order order = compare_order(&x->key, &y->key);
    if (order == COMPARE_LESS || order == COMPARE_GREATER) {
        return (int)order;
    }
    return x->number < y->number ? -1 : 1;
}

int function_sort(struct evaluation *ev, const struct code *code, const struct cel *keys,
                  const struct cel *items, size_t count, struct cel *out)
{
    int status = 0;
    for (size_t i = 0; i < count; i++) {
        /* Each key is compared with some sixteen others. */
        for (int k = 0; k < 16 && status == 0; k++) {
            status = eval_charge_value(ev, &keys[i]);
        }
        if (status != 0) {
            return status;
        }
        enum compare_order order = compare_order(&keys[0], &keys[i]);
        if (order == COMPARE_UNORDERED) {
            struct str source = eval_source(ev, code);
            return eval_fail(ev, E_INVALID,
                             "NaN has no place in an order in '%.*s': filter with !math.isNaN(x)",
                             STR_ARG(source));
        }
        if (order == COMPARE_MISMATCH) {
            const struct cel pair[] = {keys[0], keys[i]};
            return eval_no_overload(ev, code, "sort", pair, 2);
        }
    }
    status = eval_charge(ev, count * 8);
    if (status != 0) {
        return status;
    }
    struct sort_entry *entries = calloc(count > 0 ? count : 1, sizeof(*entries));
    struct cel *sorted = calloc(count > 0 ? count : 1, sizeof(*sorted));
    if (entries == NULL || sorted == NULL) {
        status = eval_nomem(ev);
    } else {
        for (size_t i = 0; i < count; i++) {
            entries[i] = (struct sort_entry){keys[i], i};
        }
        qsort(entries, count, sizeof(*entries), compare_entries);
        for (size_t i = 0; i < count; i++) {
            sorted[i] = items[entries[i].number];
        }
        status = eval_make_list(ev, sorted, count, out);
    }
    free(entries);
    free(sorted);
    return status;
}

/* Copies items `from` to `to` of a list to the end of `array`. */
static int add_items(struct evaluation *ev, struct cel_array *array, const struct cel *list,
                     size_t from, size_t to)
{
    int status = eval_charge(ev, to - from);
    for (size_t i = from; i < to && status == 0; i++) {
        struct cel item = collection_item(list, i);
        status = cel_array_add(array, &item) == 0 ? 0 : eval_nomem(ev);
    }
    return status;
}

static int call_sort(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    cleanup_cel_array struct cel_array items = CEL_ARRAY_INIT;
    if (!collection_is_list(args)) {
        return eval_bad_call(ev, args, count);
    }
    int status = add_items(ev, &items, args, 0, collection_count(args));
    return status != 0 ? status
                       : function_sort(ev, ev->call, items.items, items.items, items.count, out);
}

static int call_distinct(struct evaluation *ev, const struct cel *args, size_t count,
                         struct cel *out)
{
    cleanup_cel_array struct cel_array kept = CEL_ARRAY_INIT;
    if (!collection_is_list(args)) {
        return eval_bad_call(ev, args, count);
    }
    size_t items = collection_count(args);
    for (size_t i = 0; i < items; i++) {
        struct cel item = collection_item(args, i);
        bool is_known = false;
        for (size_t k = 0; k < kept.count && !is_known; k++) {
            int status = eval_equal(ev, &kept.items[k], &item, &is_known);
            if (status != 0) {
                return status;
            }
        }
        if (!is_known && cel_array_add(&kept, &item) != 0) {
            return eval_nomem(ev);
        }
    }
    return eval_make_list(ev, kept.items, kept.count, out);
}

static int call_slice(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    cleanup_cel_array struct cel_array items = CEL_ARRAY_INIT;
    if (!collection_is_list(args) || args[1].type != CEL_INT || args[2].type != CEL_INT) {
        return eval_bad_call(ev, args, count);
    }
    int64_t from = args[1].as.integer;
    int64_t to = args[2].as.integer;
    if (from < 0 || to < from || (uint64_t)to > collection_count(args)) {
        return eval_fail(ev, E_INVALID, "slice(%lld, %lld) of a list of %zu items", (long long)from,
                         (long long)to, collection_count(args));
    }
    int status = add_items(ev, &items, args, (size_t)from, (size_t)to);
    return status != 0 ? status : eval_make_list(ev, items.items, items.count, out);
}

static int reverse_text(struct evaluation *ev, struct str text, struct cel *out)
{
    int status = eval_charge_text(ev, text.n, EVAL_SCAN);
    char *copy = status == 0 ? eval_alloc(ev, text.n) : NULL;
    if (copy == NULL) {
        return eval_status(ev);
    }
    size_t to = text.n;
    for (size_t at = 0; at < text.n;) {
        uint32_t code = 0;
        size_t length = utf8_decode(text.p + at, text.n - at, &code);
        length = length > 0 ? length : 1;
        to -= length;
        memcpy(copy + to, text.p + at, length);
        at += length;
    }
    *out = (struct cel){.type = CEL_STRING, .as.text = str_make(copy, text.n)};
    return 0;
}

static int call_reverse(struct evaluation *ev, const struct cel *args, size_t count,
                        struct cel *out)
{
    cleanup_cel_array struct cel_array items = CEL_ARRAY_INIT;
    if (args->type == CEL_STRING) {
        return reverse_text(ev, args->as.text, out);
    }
    if (!collection_is_list(args)) {
        return eval_bad_call(ev, args, count);
    }
    int status = eval_charge(ev, collection_count(args));
    for (size_t i = collection_count(args); i > 0 && status == 0; i--) {
        struct cel item = collection_item(args, i - 1);
        status = cel_array_add(&items, &item) == 0 ? 0 : eval_nomem(ev);
    }
    return status != 0 ? status : eval_make_list(ev, items.items, items.count, out);
}

/* Appends the items of `list`, those of lists in it down to `depth` levels in their place. */
static int flatten_into(struct evaluation *ev, struct cel_array *items, const struct cel *list,
                        int64_t depth)
{
    size_t count = collection_count(list);
    int status = eval_charge(ev, count);
    for (size_t i = 0; i < count && status == 0; i++) {
        struct cel item = collection_item(list, i);
        if (depth > 0 && collection_is_list(&item)) {
            status = flatten_into(ev, items, &item, depth - 1);
        } else {
            status = cel_array_add(items, &item) == 0 ? 0 : eval_nomem(ev);
        }
    }
    return status;
}

static int call_flatten(struct evaluation *ev, const struct cel *args, size_t count,
                        struct cel *out)
{
    cleanup_cel_array struct cel_array items = CEL_ARRAY_INIT;
    if (!collection_is_list(args) || (count == 2 && args[1].type != CEL_INT)) {
        return eval_bad_call(ev, args, count);
    }
    int64_t depth = count == 2 ? args[1].as.integer : 1;
    if (depth < 0) {
        return eval_fail(ev, E_INVALID, "flatten() by %lld levels", (long long)depth);
    }
    int status = flatten_into(ev, &items, args, depth);
    return status != 0 ? status : eval_make_list(ev, items.items, items.count, out);
}

static int call_range(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    cleanup_cel_array struct cel_array items = CEL_ARRAY_INIT;
    if (args[0].type != CEL_INT || (count == 2 && args[1].type != CEL_INT)) {
        return eval_bad_call(ev, args, count);
    }
    int64_t from = count == 2 ? args[0].as.integer : 0;
    int64_t to = args[count - 1].as.integer;
    int64_t length = 0;
    if (to > from && __builtin_sub_overflow(to, from, &length)) {
        return eval_fail(ev, E_LIMIT, "range() is too long");
    }
    int status = eval_charge(ev, (uint64_t)length);
    for (int64_t i = 0; i < length && status == 0; i++) {
        struct cel item;
        (void)eval_make_int(from + i, &item); /* cannot fail */
        status = cel_array_add(&items, &item) == 0 ? 0 : eval_nomem(ev);
    }
    return status != 0 ? status : eval_make_list(ev, items.items, items.count, out);
}

static int take_end(struct evaluation *ev, const struct cel *args, size_t count, bool is_first,
                    struct cel *out)
{
    if (!collection_is_list(args)) {
        return eval_bad_call(ev, args, count);
    }
    size_t items = collection_count(args);
    if (items == 0) {
        *out = (struct cel){.type = CEL_OPTIONAL};
        return 0;
    }
    struct cel item = collection_item(args, is_first ? 0 : items - 1);
    return eval_make_some(ev, &item, out);
}

static int call_first(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    return take_end(ev, args, count, true, out);
}

static int call_last(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    return take_end(ev, args, count, false, out);
}

static const struct function functions[] = {
    {"sort", FUNCTION_RECEIVER, 1, 1, CEL_LIST, call_sort, {KIND_LIST}},
    {"distinct", FUNCTION_RECEIVER, 1, 1, CEL_LIST, call_distinct, {KIND_LIST}},
    {"slice", FUNCTION_RECEIVER, 3, 3, CEL_LIST, call_slice, {KIND_LIST, KIND_INT, KIND_INT}},
    {"reverse",
     FUNCTION_RECEIVER,
     1,
     1,
     FUNCTION_ANY_TYPE,
     call_reverse,
     {KIND_STRING | KIND_LIST}},
    {"flatten",
     FUNCTION_GLOBAL | FUNCTION_RECEIVER,
     1,
     2,
     CEL_LIST,
     call_flatten,
     {KIND_LIST, KIND_INT}},
    {"range", FUNCTION_GLOBAL, 1, 2, CEL_LIST, call_range, {KIND_INT, KIND_INT}},
    {"lists.range", FUNCTION_GLOBAL, 1, 1, CEL_LIST, call_range, {KIND_INT}},
    {"first", FUNCTION_RECEIVER, 1, 1, CEL_OPTIONAL, call_first, {KIND_LIST}},
    {"last", FUNCTION_RECEIVER, 1, 1, CEL_OPTIONAL, call_last, {KIND_LIST}},
};

const struct function_table function_lists = {functions, sizeof(functions) / sizeof(functions[0])};
