/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_COLLECTION_H
#define CORE_EXPR_COLLECTION_H

/*
 * Collections: lists and maps as expressions see them, whether they come from a document or were
 * made by the expression.
 *
 * Every list and map that an expression makes knows its weight: the bytes that it would take if
 * nothing in it were shared. Weights are bounded, so a few bytes of expression cannot describe
 * a value too large to walk. Its depth is bounded too, so walking may recurse.
 *
 * Used by:  the rest of expr.
 * Uses:     value, cel.
 * Threads:  [any]; finished collections are immutable.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/expr/cel.h"

struct arena;

enum { COLLECTION_MAX_DEPTH = 64 };

struct cel_list {
    size_t count;
    const struct cel *items;
    size_t weight;
    uint32_t depth; /* 1: holds no list or map of its own kind */
};

struct cel_entry {
    struct cel key;
    struct cel value;
};

struct cel_map {
    size_t count;
    const struct cel_entry *entries; /* in the order in which they were written */
    const uint32_t *slots;           /* a hash table of entry numbers + 1; NULL for small maps */
    size_t slot_count;               /* a power of two */
    size_t weight;
    uint32_t depth;
};

/* Bytes of the value if nothing in it were shared; documents count as one node. */
size_t collection_weight(const struct cel *cel);
uint32_t collection_depth(const struct cel *cel);

bool collection_is_list(const struct cel *cel);
bool collection_is_map(const struct cel *cel);

/* Items or entries of a list or map. */
size_t collection_count(const struct cel *cel);

/* Item `i` of a list (i < count). */
struct cel collection_item(const struct cel *list, size_t i);

/* Entry `i` of a map (i < count). */
void collection_entry(const struct cel *map, size_t i, struct cel *out_key, struct cel *out_value);

/* Whether the map has `key`; then `*out` is its value. Numbers are equal across their types. */
bool collection_find(const struct cel *map, const struct cel *key, struct cel *out);
bool collection_find_text(const struct cel *map, struct str key, struct cel *out);

/* A growing array of values, in malloc'd memory until its size is known. */
struct cel_array {
    struct cel *items;
    size_t count;
    size_t cap;
};

#define CEL_ARRAY_INIT ((struct cel_array){0})

/* E_NOMEM. */
int cel_array_add(struct cel_array *array, const struct cel *cel);
void cel_array_finish(struct cel_array *array);
#define cleanup_cel_array __attribute__((cleanup(cel_array_finish)))

/*
 * A list of `count` items in `arena`; the items are copied. E_NOMEM; E_LIMIT when it is heavier
 * than `max_weight`, E_VERSION when it is too deep.
 */
int collection_make_list(struct arena *arena, const struct cel *items, size_t count,
                         size_t max_weight, struct cel *out);

/*
 * The same for a map; `pairs` holds key, value, key, value, ... (count: of pairs). E_EXISTS when
 * two keys are equal, and then `*out` is that key.
 */
int collection_make_map(struct arena *arena, const struct cel *pairs, size_t count,
                        size_t max_weight, struct cel *out);

#endif
