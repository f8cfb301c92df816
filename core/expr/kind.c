/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/kind.h"

#include <stdio.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/expr/collection.h"

/* Items of a constant that are looked at; behind them anything may come. */
enum { MAX_LOOKED_AT = 64 };

const struct kind kind_any = {.mask = KIND_ANY, .from_data = true};

static const struct kind *keep(const struct kind *kind, struct arena *arena)
{
    struct kind *copy = arena_alloc(arena, sizeof(*copy));
    if (copy != NULL) {
        *copy = *kind;
    }
    return copy;
}

/* The merged inside of two collections, of which one may not be known. */
static bool merge_inside(const struct kind **into, const struct kind *other, struct arena *arena)
{
    if (*into == NULL || other == NULL || *into == other) {
        *into = *into == other ? other : NULL;
        return true;
    }
    struct kind merged = **into;
    if (!kind_merge(&merged, other, arena)) {
        return false;
    }
    *into = keep(&merged, arena);
    return *into != NULL;
}

bool kind_merge(struct kind *into, const struct kind *other, struct arena *arena)
{
    const unsigned collections = KIND_LIST | KIND_MAP;
    bool was_collection = (into->mask & collections) != 0;
    bool is_collection = (other->mask & collections) != 0;
    into->mask |= other->mask;
    into->from_data = into->from_data || other->from_data;
    into->shape = into->shape == other->shape ? into->shape : NULL;
    if (!was_collection) {
        into->item = other->item;
        into->key = other->key;
        return true;
    }
    return !is_collection || (merge_inside(&into->item, other->item, arena) &&
                              merge_inside(&into->key, other->key, arena));
}

static bool add(struct kind *sum, bool is_first, const struct cel *cel, struct arena *arena)
{
    struct kind kind;
    if (!kind_of_value(cel, arena, &kind)) {
        return false;
    }
    if (is_first) {
        *sum = kind;
        return true;
    }
    return kind_merge(sum, &kind, arena);
}

static bool look_inside(const struct cel *cel, struct arena *arena, struct kind *out)
{
    size_t count = collection_count(cel);
    struct kind items = kind_any;
    struct kind keys = kind_any;
    if (count == 0 || count > MAX_LOOKED_AT) {
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        struct cel key = {.type = CEL_NULL};
        struct cel value = {.type = CEL_NULL};
        if (out->mask == KIND_LIST) {
            value = collection_item(cel, i);
        } else {
            collection_entry(cel, i, &key, &value);
        }
        if (!add(&items, i == 0, &value, arena) || !add(&keys, i == 0, &key, arena)) {
            return false;
        }
    }
    out->item = keep(&items, arena);
    out->key = keep(&keys, arena);
    return out->item != NULL && out->key != NULL;
}

bool kind_of_value(const struct cel *cel, struct arena *arena, struct kind *out)
{
    if (collection_is_list(cel) || collection_is_map(cel)) {
        *out = kind_of(collection_is_list(cel) ? KIND_LIST : KIND_MAP);
        return look_inside(cel, arena, out);
    }
    *out = kind_of(1u << cel->type);
    return true;
}

void kind_write(const struct kind *kind, char out[KIND_TEXT_BYTES])
{
    size_t at = 0;
    out[0] = '\0';
    if (kind->mask == KIND_ANY) {
        (void)snprintf(out, KIND_TEXT_BYTES, "something"); /* fits */
        return;
    }
    for (uint8_t type = 0; type <= CEL_OBJECT && at < KIND_TEXT_BYTES; type++) {
        struct cel cel = {.type = type};
        if ((kind->mask & 1u << type) != 0) {
            const char *name = type == CEL_OBJECT ? "node" : cel_type_name(&cel);
            int n = snprintf(out + at, KIND_TEXT_BYTES - at, "%s%s", at > 0 ? " or " : "", name);
            at += n > 0 ? (size_t)n : 0;
        }
    }
}

static bool is_only(unsigned mask, unsigned kinds)
{
    return mask != 0 && (mask & ~kinds) == 0;
}

/* A text with something else; `other` is that, and `is_right`: the text stands behind it. */
static const char *text_hint(const char *what, unsigned other, bool is_right)
{
    bool is_sum = what[0] == '+';
    if (is_only(other, KIND_TIMESTAMP | KIND_DURATION) && is_sum) {
        return is_right ? ": convert with duration(x), or string(x)" : ": convert with string(x)";
    }
    if (is_only(other, KIND_TIMESTAMP)) {
        return ": make a time of the text with timestamp('2025-01-31T14:22:33Z')";
    }
    if (is_only(other, KIND_DURATION)) {
        return ": make a duration of the text with duration('1h30m')";
    }
    return ": convert with string(x), int(x) or double(x)";
}

const char *kind_operator_hint(const char *what, unsigned a, unsigned b)
{
    if (strchr("+-*/%<>", what[0]) == NULL || a == 0 || b == 0) {
        return "";
    }
    if ((a == KIND_STRING) != (b == KIND_STRING)) {
        return text_hint(what, a == KIND_STRING ? b : a, b == KIND_STRING);
    }
    if (!is_only(a, KIND_NUMBER) || !is_only(b, KIND_NUMBER)) {
        return "";
    }
    if (what[0] == '%' && ((a | b) & KIND_DOUBLE) != 0) {
        return ": it takes whole numbers: convert with int(x)";
    }
    if (a != b && (a == KIND_UINT || b == KIND_UINT)) {
        return ": convert with int(x) or uint(x)";
    }
    return a != b ? ": convert with double(x) or int(x)" : "";
}
