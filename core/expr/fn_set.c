/* SPDX-License-Identifier: Apache-2.0 */
/* Lists as sets: items are compared as `==` does, and the cost of each comparison is paid for. */
#include "core/expr/function.h"

#include "core/expr/collection.h"
#include "core/expr/eval.h"
#include "core/expr/kind.h"

static int find_item(struct evaluation *ev, const struct cel *list, const struct cel *item,
                     bool *out)
{
    size_t count = collection_count(list);
    *out = false;
    for (size_t i = 0; i < count && !*out; i++) {
        struct cel other = collection_item(list, i);
        int status = eval_equal(ev, &other, item, out);
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

/* Whether an item of `items` is found in `list` (`wanted`), or one is not. */
static int has_item(struct evaluation *ev, const struct cel *list, const struct cel *items,
                    bool wanted, bool *out)
{
    size_t count = collection_count(items);
    *out = false;
    for (size_t i = 0; i < count && !*out; i++) {
        struct cel item = collection_item(items, i);
        bool is_found = false;
        int status = find_item(ev, list, &item, &is_found);
        if (status != 0) {
            return status;
        }
        *out = is_found == wanted;
    }
    return 0;
}

static bool are_lists(const struct cel *args)
{
    return collection_is_list(&args[0]) && collection_is_list(&args[1]);
}

static int call_contains(struct evaluation *ev, const struct cel *args, size_t count,
                         struct cel *out)
{
    bool is_missing = false;
    int status = are_lists(args) ? has_item(ev, &args[0], &args[1], false, &is_missing)
                                 : eval_bad_call(ev, args, count);
    return status != 0 ? status : eval_make_bool(!is_missing, out);
}

static int call_equivalent(struct evaluation *ev, const struct cel *args, size_t count,
                           struct cel *out)
{
    bool is_missing = false;
    int status = are_lists(args) ? has_item(ev, &args[0], &args[1], false, &is_missing)
                                 : eval_bad_call(ev, args, count);
    if (status == 0 && !is_missing) {
        status = has_item(ev, &args[1], &args[0], false, &is_missing);
    }
    return status != 0 ? status : eval_make_bool(!is_missing, out);
}

static int call_intersects(struct evaluation *ev, const struct cel *args, size_t count,
                           struct cel *out)
{
    bool is_found = false;
    int status = are_lists(args) ? has_item(ev, &args[0], &args[1], true, &is_found)
                                 : eval_bad_call(ev, args, count);
    return status != 0 ? status : eval_make_bool(is_found, out);
}

static const struct function functions[] = {
    {"sets.contains", FUNCTION_GLOBAL, 2, 2, CEL_BOOL, call_contains, {KIND_LIST, KIND_LIST}},
    {"sets.equivalent", FUNCTION_GLOBAL, 2, 2, CEL_BOOL, call_equivalent, {KIND_LIST, KIND_LIST}},
    {"sets.intersects", FUNCTION_GLOBAL, 2, 2, CEL_BOOL, call_intersects, {KIND_LIST, KIND_LIST}},
};

const struct function_table function_sets = {functions, sizeof(functions) / sizeof(functions[0])};
