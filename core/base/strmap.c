/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/strmap.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/error.h"

void strmap_finish(struct strmap *map)
{
    if (map == NULL) {
        return;
    }
    free(map->entries);
    *map = STRMAP_INIT;
}

/* The entry of `key`, or the free entry where it would go. The table always has a free one. */
static struct strmap_entry *strmap_slot(const struct strmap *map, struct str key, uint64_t hash)
{
    size_t mask = map->cap - 1;
    size_t i = (size_t)hash & mask;
    while (map->entries[i].value != NULL) {
        if (map->entries[i].hash == hash && str_equal(map->entries[i].key, key)) {
            break;
        }
        i = (i + 1) & mask;
    }
    return &map->entries[i];
}

static int strmap_grow(struct strmap *map)
{
    struct strmap bigger = {.cap = map->cap == 0 ? 16 : map->cap * 2};
    bigger.entries = calloc(bigger.cap, sizeof(*bigger.entries));
    if (bigger.entries == NULL) {
        return E_NOMEM;
    }
    for (size_t i = 0; i < map->cap; i++) {
        const struct strmap_entry *old = &map->entries[i];
        if (old->value != NULL) {
            *strmap_slot(&bigger, old->key, old->hash) = *old;
        }
    }
    bigger.count = map->count;
    free(map->entries);
    *map = bigger;
    return 0;
}

int strmap_add(struct strmap *map, struct str key, void *value)
{
    CHECK(value != NULL);
    if (map->count * 4 >= map->cap * 3 && strmap_grow(map) != 0) {
        return E_NOMEM;
    }
    uint64_t hash = str_hash(key);
    struct strmap_entry *slot = strmap_slot(map, key, hash);
    if (slot->value != NULL) {
        return E_EXISTS;
    }
    *slot = (struct strmap_entry){.key = key, .value = value, .hash = hash};
    map->count++;
    return 0;
}

void *strmap_get(const struct strmap *map, struct str key)
{
    if (map->count == 0) {
        return NULL;
    }
    return strmap_slot(map, key, str_hash(key))->value;
}

void *strmap_next(const struct strmap *map, size_t *cursor, struct str *out_key)
{
    while (*cursor < map->cap) {
        const struct strmap_entry *entry = &map->entries[(*cursor)++];
        if (entry->value != NULL) {
            if (out_key != NULL) {
                *out_key = entry->key;
            }
            return entry->value;
        }
    }
    return NULL;
}
