/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/collection.h"

#include <stdlib.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/expr/compare.h"
#include "core/value/value.h"

/* Up to here comparing one after the other is as fast as hashing. */
enum { UNHASHED_ENTRIES = 8 };

static size_t add_weights(size_t a, size_t b)
{
    return a > SIZE_MAX - b ? SIZE_MAX : a + b;
}

size_t collection_weight(const struct cel *cel)
{
    switch (cel->type) {
    case CEL_STRING:
    case CEL_BYTES:
        return sizeof(*cel) + cel->as.text.n;
    case CEL_LIST:
        return cel->as.list->weight;
    case CEL_MAP:
        return cel->as.map->weight;
    case CEL_OPTIONAL:
        return cel->as.optional == NULL
                   ? sizeof(*cel)
                   : add_weights(sizeof(*cel), collection_weight(cel->as.optional));
    default:
        return sizeof(*cel);
    }
}

uint32_t collection_depth(const struct cel *cel)
{
    switch (cel->type) {
    case CEL_LIST:
        return cel->as.list->depth;
    case CEL_MAP:
        return cel->as.map->depth;
    case CEL_OPTIONAL:
        return cel->as.optional == NULL ? 0 : 1 + collection_depth(cel->as.optional);
    default:
        return 0;
    }
}

bool collection_is_list(const struct cel *cel)
{
    return cel->type == CEL_LIST ||
           (cel->type == CEL_JSON && value_is(cel->as.json.value, VALUE_LIST));
}

bool collection_is_map(const struct cel *cel)
{
    return cel->type == CEL_MAP ||
           (cel->type == CEL_JSON && value_is(cel->as.json.value, VALUE_MAP));
}

size_t collection_count(const struct cel *cel)
{
    switch (cel->type) {
    case CEL_LIST:
        return cel->as.list->count;
    case CEL_MAP:
        return cel->as.map->count;
    default:
        return value_count(cel->as.json.value);
    }
}

struct cel collection_item(const struct cel *list, size_t i)
{
    if (list->type == CEL_LIST) {
        return list->as.list->items[i];
    }
    return cel_from_value(list->as.json.document, value_at(list->as.json.value, i));
}

void collection_entry(const struct cel *map, size_t i, struct cel *out_key, struct cel *out_value)
{
    if (map->type == CEL_MAP) {
        *out_key = map->as.map->entries[i].key;
        *out_value = map->as.map->entries[i].value;
        return;
    }
    const struct value_member *member = value_member_at(map->as.json.value, i);
    cel_set_value(out_key, map->as.json.document, &member->key);
    cel_set_value(out_value, map->as.json.document, &member->value);
}

/* The entry with `key`, or NULL. */
static const struct cel_entry *find_entry(const struct cel_map *map, const struct cel *key)
{
    if (map->slots == NULL) {
        for (size_t i = 0; i < map->count; i++) {
            if (compare_keys(&map->entries[i].key, key)) {
                return &map->entries[i];
            }
        }
        return NULL;
    }
    size_t mask = map->slot_count - 1;
    for (size_t at = compare_hash(key) & mask; map->slots[at] != 0; at = (at + 1) & mask) {
        const struct cel_entry *entry = &map->entries[map->slots[at] - 1];
        if (compare_keys(&entry->key, key)) {
            return entry;
        }
    }
    return NULL;
}

bool collection_find(const struct cel *map, const struct cel *key, struct cel *out)
{
    if (map->type == CEL_JSON) {
        return key->type == CEL_STRING && collection_find_text(map, key->as.text, out);
    }
    const struct cel_entry *entry = find_entry(map->as.map, key);
    if (entry != NULL) {
        *out = entry->value;
    }
    return entry != NULL;
}

bool collection_find_text(const struct cel *map, struct str key, struct cel *out)
{
    if (map->type == CEL_JSON) {
        const struct value *found = value_get(map->as.json.value, key);
        if (found != NULL) {
            cel_set_value(out, map->as.json.document, found);
        }
        return found != NULL;
    }
    struct cel text = {.type = CEL_STRING, .as.text = key};
    return collection_find(map, &text, out);
}

int cel_array_add(struct cel_array *array, const struct cel *cel)
{
    struct cel *grown =
        array_reserve(array->items, &array->cap, array->count + 1, sizeof(*array->items));
    if (grown == NULL) {
        return E_NOMEM;
    }
    array->items = grown;
    array->items[array->count++] = *cel;
    return 0;
}

void cel_array_finish(struct cel_array *array)
{
    free(array->items);
    *array = CEL_ARRAY_INIT;
}

/* The weight and depth of a collection of these values. */
static int measure(const struct cel *items, size_t count, size_t max_weight, size_t *out_weight,
                   uint32_t *out_depth)
{
    size_t weight = sizeof(struct cel) + sizeof(struct cel_map);
    uint32_t deepest = 0;
    for (size_t i = 0; i < count; i++) {
        weight = add_weights(weight, collection_weight(&items[i]));
        uint32_t depth = collection_depth(&items[i]);
        deepest = depth > deepest ? depth : deepest;
    }
    *out_weight = weight;
    *out_depth = deepest + 1;
    if (deepest + 1 > COLLECTION_MAX_DEPTH) {
        return E_VERSION;
    }
    return weight > max_weight ? E_LIMIT : 0;
}

int collection_make_list(struct arena *arena, const struct cel *items, size_t count,
                         size_t max_weight, struct cel *out)
{
    size_t weight = 0;
    uint32_t depth = 0;
    int status = measure(items, count, max_weight, &weight, &depth);
    if (status != 0) {
        return status;
    }
    struct cel_list *list = arena_alloc(arena, sizeof(*list));
    struct cel *copy = arena_calloc(arena, count > 0 ? count : 1, sizeof(*copy));
    if (list == NULL || copy == NULL) {
        return E_NOMEM;
    }
    if (count > 0) {
        memcpy(copy, items, count * sizeof(*copy));
    }
    *list = (struct cel_list){count, copy, weight, depth};
    *out = (struct cel){.type = CEL_LIST, .as.list = list};
    return 0;
}

/* Adds entry `number` to the table; false when its key is there already. */
static bool add_slot(struct cel_map *map, uint32_t *slots, uint32_t number)
{
    const struct cel *key = &map->entries[number].key;
    size_t mask = map->slot_count - 1;
    size_t at = compare_hash(key) & mask;
    while (slots[at] != 0) {
        if (compare_keys(&map->entries[slots[at] - 1].key, key)) {
            return false;
        }
        at = (at + 1) & mask;
    }
    slots[at] = number + 1;
    return true;
}

/* Finds doubled keys, and gives large maps their table. */
static int index_map(struct arena *arena, struct cel_map *map, size_t *out_doubled)
{
    if (map->count <= UNHASHED_ENTRIES) {
        for (size_t i = 1; i < map->count; i++) {
            for (size_t j = 0; j < i; j++) {
                if (compare_keys(&map->entries[i].key, &map->entries[j].key)) {
                    *out_doubled = i;
                    return E_EXISTS;
                }
            }
        }
        return 0;
    }
    map->slot_count = 16;
    while (map->slot_count < map->count * 2) {
        map->slot_count *= 2;
    }
    uint32_t *slots = arena_calloc(arena, map->slot_count, sizeof(*slots));
    if (slots == NULL) {
        return E_NOMEM;
    }
    for (size_t i = 0; i < map->count; i++) {
        if (!add_slot(map, slots, (uint32_t)i)) {
            *out_doubled = i;
            return E_EXISTS;
        }
    }
    map->slots = slots;
    return 0;
}

int collection_make_map(struct arena *arena, const struct cel *pairs, size_t count,
                        size_t max_weight, struct cel *out)
{
    size_t weight = 0;
    uint32_t depth = 0;
    int status = measure(pairs, count * 2, max_weight, &weight, &depth);
    if (status != 0) {
        return status;
    }
    struct cel_map *map = arena_calloc(arena, 1, sizeof(*map));
    struct cel_entry *entries = arena_calloc(arena, count > 0 ? count : 1, sizeof(*entries));
    if (map == NULL || entries == NULL) {
        return E_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        entries[i] = (struct cel_entry){pairs[2 * i], pairs[2 * i + 1]};
    }
    *map = (struct cel_map){.count = count, .entries = entries, .weight = weight, .depth = depth};
    size_t doubled = 0;
    status = index_map(arena, map, &doubled);
    if (status == E_EXISTS) {
        *out = entries[doubled].key;
        return status;
    }
    if (status == 0) {
        *out = (struct cel){.type = CEL_MAP, .as.map = map};
    }
    return status;
}
