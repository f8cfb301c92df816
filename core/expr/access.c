/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/access.h"

#include <math.h>

#include "core/base/error.h"
#include "core/expr/collection.h"
#include "core/expr/eval.h"
#include "core/expr/program.h"

/* What a look-up found. Negative: a failure whose fault is set. */
enum found { FOUND, ABSENT, NO_FIELDS };

static int get_of_object(struct evaluation *ev, const struct cel *object, struct str name,
                         struct cel *out)
{
    int status =
        object->as.object.class_->get(object->as.object.object, object->index, name, out, ev->err);
    return status >= 0 ? (status == 0 ? FOUND : ABSENT) : eval_take_error(ev, status);
}

/* FOUND as well for what only get() can tell. */
static int ask_object(struct evaluation *ev, const struct cel *operand, struct str name)
{
    if (operand->type != CEL_OBJECT || operand->as.object.class_->has == NULL) {
        return FOUND;
    }
    int status =
        operand->as.object.class_->has(operand->as.object.object, operand->index, name, ev->err);
    return status >= 0 ? (status == 0 ? FOUND : ABSENT) : eval_take_error(ev, status);
}

static int find_field(struct evaluation *ev, const struct cel *operand, struct str name,
                      struct cel *out)
{
    switch (operand->type) {
    case CEL_MAP:
    case CEL_JSON:
        if (!collection_is_map(operand)) {
            return NO_FIELDS;
        }
        return collection_find_text(operand, name, out) ? FOUND : ABSENT;
    case CEL_OBJECT:
        return get_of_object(ev, operand, name, out);
    case CEL_NULL: /* services write null for an object that is not there */
        return operand->from_data != 0 ? ABSENT : NO_FIELDS;
    default:
        return NO_FIELDS;
    }
}

static int fail_absent(struct evaluation *ev, const struct code *code, const struct cel *operand,
                       struct str key)
{
    if (ev->quiet > 0) {
        return eval_fail(ev, E_NOT_FOUND, " ");
    }
    struct str source = eval_source(ev, code);
    if (operand->type == CEL_NULL) {
        struct str parent = eval_source(ev, program_child(ev->expr, code, 0));
        return eval_fail(ev, E_NOT_FOUND, "no such key: '%.*s' in '%.*s', because '%.*s' is null",
                         STR_ARG(key), STR_ARG(source), STR_ARG(parent));
    }
    return eval_fail(ev, E_NOT_FOUND, "no such key: '%.*s' in '%.*s'", STR_ARG(key),
                     STR_ARG(source));
}

static int fail_no_fields(struct evaluation *ev, const struct code *code, const struct cel *operand)
{
    struct str source = eval_source(ev, code);
    return eval_fail(ev, E_INVALID, "'%.*s' asks for a field of a value of type %s",
                     STR_ARG(source), cel_type_name(operand));
}

/* The inside of an optional; false when there is none. Other values are their own inside. */
static bool look_inside(const struct cel *operand, const struct cel **out_inside)
{
    if (operand->type != CEL_OPTIONAL) {
        *out_inside = operand;
        return true;
    }
    *out_inside = operand->as.optional;
    return operand->as.optional != NULL;
}

static int make_none(struct cel *out)
{
    *out = (struct cel){.type = CEL_OPTIONAL};
    return 0;
}

int access_select_optional(struct evaluation *ev, const struct code *code,
                           const struct cel *operand, struct cel *out)
{
    const struct cel *inside = NULL;
    if (!look_inside(operand, &inside)) {
        return make_none(out);
    }
    struct cel found;
    int status = ask_object(ev, inside, code->as.name);
    if (status == FOUND) {
        status = find_field(ev, inside, code->as.name, &found);
    }
    if (status == FOUND) {
        return eval_make_some(ev, &found, out);
    }
    if (status == ABSENT) {
        return make_none(out);
    }
    return status == NO_FIELDS ? fail_no_fields(ev, code, inside) : status;
}

int access_select(struct evaluation *ev, const struct code *code, const struct cel *operand,
                  struct cel *out)
{
    if (operand->type == CEL_OPTIONAL) {
        return access_select_optional(ev, code, operand, out);
    }
    int status = find_field(ev, operand, code->as.name, out);
    if (status == FOUND) {
        return 0;
    }
    if (status == ABSENT) {
        return fail_absent(ev, code, operand, code->as.name);
    }
    return status == NO_FIELDS ? fail_no_fields(ev, code, operand) : status;
}

int access_has(struct evaluation *ev, const struct code *code, const struct cel *operand,
               struct cel *out)
{
    const struct cel *inside = NULL;
    if (!look_inside(operand, &inside)) {
        return eval_make_bool(false, out);
    }
    struct cel found;
    bool knows = inside->type == CEL_OBJECT && inside->as.object.class_->has != NULL;
    int status = knows ? ask_object(ev, inside, code->as.name)
                       : find_field(ev, inside, code->as.name, &found);
    if (status == NO_FIELDS) {
        return fail_no_fields(ev, code, inside);
    }
    return status < 0 ? status : eval_make_bool(status == FOUND, out);
}

/* The number that a key means as an index; false when it is no whole number. */
static bool index_of_key(const struct cel *key, int64_t *out)
{
    switch (key->type) {
    case CEL_INT:
        *out = key->as.integer;
        return true;
    case CEL_UINT:
        *out = key->as.uinteger > INT64_MAX ? INT64_MAX : (int64_t)key->as.uinteger;
        return true;
    case CEL_DOUBLE:
        if (key->as.number != trunc(key->as.number) || fabs(key->as.number) >= 0x1p63) {
            return false;
        }
        *out = (int64_t)key->as.number;
        return true;
    default:
        return false;
    }
}

static bool is_key(const struct cel *key)
{
    return key->type == CEL_STRING || key->type == CEL_BOOL || key->type == CEL_INT ||
           key->type == CEL_UINT || key->type == CEL_DOUBLE;
}

static int find_index(struct evaluation *ev, const struct cel *operand, const struct cel *key,
                      struct cel *out)
{
    int64_t i = 0;
    int status = key->type == CEL_STRING ? eval_charge_text(ev, key->as.text.n, EVAL_HASH) : 0;
    if (status != 0) {
        return status;
    }
    if (collection_is_list(operand)) {
        if (!index_of_key(key, &i)) {
            return NO_FIELDS;
        }
        if (i < 0 || (uint64_t)i >= collection_count(operand)) {
            return ABSENT;
        }
        *out = collection_item(operand, (size_t)i);
        return FOUND;
    }
    if (collection_is_map(operand)) {
        if (!is_key(key)) {
            return NO_FIELDS;
        }
        return collection_find(operand, key, out) ? FOUND : ABSENT;
    }
    if (operand->type == CEL_NULL && operand->from_data != 0) {
        return ABSENT;
    }
    if (operand->type == CEL_OBJECT && key->type == CEL_STRING) {
        return get_of_object(ev, operand, key->as.text, out);
    }
    return NO_FIELDS;
}

static int fail_index(struct evaluation *ev, const struct code *code, const struct cel *operand,
                      const struct cel *key)
{
    struct str source = eval_source(ev, code);
    int64_t i = 0;
    if (collection_is_list(operand) && index_of_key(key, &i)) {
        return eval_fail(ev, E_NOT_FOUND, "no item %lld in '%.*s': the list has %zu", (long long)i,
                         STR_ARG(source), collection_count(operand));
    }
    if (key->type == CEL_STRING) {
        return fail_absent(ev, code, operand, key->as.text);
    }
    return eval_fail(ev, E_NOT_FOUND, "no such key in '%.*s'", STR_ARG(source));
}

int access_index_optional(struct evaluation *ev, const struct code *code, const struct cel *operand,
                          const struct cel *key, struct cel *out)
{
    const struct cel *inside = NULL;
    if (!look_inside(operand, &inside)) {
        return make_none(out);
    }
    struct cel found;
    int status = key->type == CEL_STRING ? ask_object(ev, inside, key->as.text) : FOUND;
    if (status == FOUND) {
        status = find_index(ev, inside, key, &found);
    }
    if (status == FOUND) {
        return eval_make_some(ev, &found, out);
    }
    if (status == ABSENT) {
        return make_none(out);
    }
    if (status == NO_FIELDS) {
        const struct cel args[] = {*inside, *key};
        return eval_no_overload(ev, code, "[?]", args, 2);
    }
    return status;
}

int access_index(struct evaluation *ev, const struct code *code, const struct cel *operand,
                 const struct cel *key, struct cel *out)
{
    if (operand->type == CEL_OPTIONAL) {
        return access_index_optional(ev, code, operand, key, out);
    }
    int status = find_index(ev, operand, key, out);
    if (status == FOUND) {
        return 0;
    }
    if (status == ABSENT) {
        return fail_index(ev, code, operand, key);
    }
    if (status == NO_FIELDS) {
        const struct cel args[] = {*operand, *key};
        return eval_no_overload(ev, code, "[]", args, 2);
    }
    return status;
}

static int in_list(struct evaluation *ev, const struct cel *item, const struct cel *list,
                   struct cel *out)
{
    size_t count = collection_count(list);
    for (size_t i = 0; i < count; i++) {
        struct cel other = collection_item(list, i);
        bool is_equal = false;
        int status = eval_equal(ev, item, &other, &is_equal);
        if (status != 0) {
            return status;
        }
        if (is_equal) {
            return eval_make_bool(true, out);
        }
    }
    return eval_make_bool(false, out);
}

int access_in(struct evaluation *ev, const struct code *code, const struct cel *item,
              const struct cel *container, struct cel *out)
{
    if (collection_is_list(container)) {
        return in_list(ev, item, container, out);
    }
    struct cel found;
    int status = container->type == CEL_NULL ? NO_FIELDS : find_index(ev, container, item, &found);
    if (status == NO_FIELDS) {
        const struct cel args[] = {*item, *container};
        return eval_no_overload(ev, code, "in", args, 2);
    }
    return status < 0 ? status : eval_make_bool(status == FOUND, out);
}
