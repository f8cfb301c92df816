/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "core/base/check.h"
#include "core/value/json.h"
#include "core/value/number.h"
#include "core/value/value.h"

/* A container that is being written, up to child `next`; maps in the order of `sorted`. */
struct level {
    const struct value *container;
    const struct value_member **sorted; /* owned; NULL for lists and empty maps */
    size_t next;
};

static int compare_keys(const void *a, const void *b)
{
    const struct value_member *x = *(const struct value_member *const *)a;
    const struct value_member *y = *(const struct value_member *const *)b;
    return str_compare(value_str(&x->key), value_str(&y->key));
}

/* The members in the order of their keys: owned. NULL when out of memory. */
static const struct value_member **sort_members(const struct value *map)
{
    const struct value_member **sorted =
        reallocarray(NULL, map->count, sizeof(const struct value_member *));
    if (sorted == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < map->count; i++) {
        sorted[i] = value_member_at(map, i);
    }
    qsort(sorted, map->count, sizeof(const struct value_member *), compare_keys);
    return sorted;
}

/* A double that an int64_t equals is written as that; so 1.0 is 1 and -0.0 is 0. */
static void write_double(double number, struct strbuf *out)
{
    char text[NUMBER_MAX_BYTES];
    size_t n = 0;
    if (number >= -0x1p63 && number < 0x1p63 && (double)(int64_t)number == number) {
        n = number_write_int((int64_t)number, text);
    } else {
        n = number_write_double(number, text);
    }
    strbuf_append(out, text, n);
}

static void write_scalar(const struct value *value, struct strbuf *out)
{
    if (value->type == VALUE_DOUBLE) {
        write_double(value->as.number, out);
    } else {
        json_write(value, JSON_COMPACT, out);
    }
}

static int open_level(const struct value *container, struct level *out_level, struct strbuf *out)
{
    *out_level = (struct level){.container = container};
    if (container->type == VALUE_MAP && container->count > 0) {
        out_level->sorted = sort_members(container);
        if (out_level->sorted == NULL) {
            out->failed = true;
            return -1;
        }
    }
    strbuf_append_char(out, container->type == VALUE_LIST ? '[' : '{');
    return 0;
}

static void close_level(struct level *level, struct strbuf *out)
{
    strbuf_append_char(out, level->container->type == VALUE_LIST ? ']' : '}');
    free(level->sorted);
}

/* Writes what stands before the next child and returns that. */
static const struct value *begin_child(struct level *level, struct strbuf *out)
{
    size_t i = level->next++;
    if (i > 0) {
        strbuf_append_char(out, ',');
    }
    if (level->sorted == NULL) {
        return value_at(level->container, i);
    }
    json_write_string(value_str(&level->sorted[i]->key), out);
    strbuf_append_char(out, ':');
    return &level->sorted[i]->value;
}

void value_write_canonical(const struct value *value, struct strbuf *out)
{
    struct level levels[VALUE_MAX_DEPTH];
    size_t depth = 0;
    for (;;) {
        if (value->type == VALUE_LIST || value->type == VALUE_MAP) {
            CHECK(depth < VALUE_MAX_DEPTH);
            if (open_level(value, &levels[depth], out) != 0) {
                break;
            }
            depth++;
        } else {
            write_scalar(value, out);
        }
        while (depth > 0 && levels[depth - 1].next == levels[depth - 1].container->count) {
            close_level(&levels[--depth], out);
        }
        if (depth == 0) {
            return;
        }
        value = begin_child(&levels[depth - 1], out);
    }
    while (depth > 0) {
        free(levels[--depth].sorted);
    }
}
