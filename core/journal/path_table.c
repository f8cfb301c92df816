/* SPDX-License-Identifier: Apache-2.0 */
#include "core/journal/path_table.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/grow.h"

/* More is given back when the table is cleared. */
enum { FIRST_SLOTS = 256, KEPT_SLOTS = 65536 };

void path_table_finish(struct path_table *table)
{
    free(table->items);
    free(table->slots);
    *table = (struct path_table){.item_size = table->item_size};
}

void path_table_clear(struct path_table *table)
{
    if (table->slot_count > KEPT_SLOTS) {
        path_table_finish(table);
        return;
    }
    table->count = 0;
    if (table->slots != NULL) {
        memset(table->slots, 0, table->slot_count * sizeof(*table->slots));
    }
}

void *path_table_at(const struct path_table *table, size_t i)
{
    return table->items + i * table->item_size;
}

static uint64_t hash_key(uint64_t run, struct str path)
{
    uint64_t hash = run * UINT64_C(0x9e3779b97f4a7c15);
    return (hash ^ hash >> 32) ^ (path.n > 0 ? str_hash(path) : 0);
}

void *path_table_find(const struct path_table *table, uint64_t run, struct str path)
{
    size_t mask = table->slot_count - 1;
    for (size_t at = hash_key(run, path); table->slot_count > 0; at++) {
        uint32_t slot = table->slots[at & mask];
        if (slot == 0) {
            return NULL;
        }
        struct path_table_key *key = path_table_at(table, slot - 1);
        if (key->run == run && str_equal(key->path, path)) {
            return key;
        }
    }
    return NULL;
}

static void put_slot(struct path_table *table, size_t i)
{
    const struct path_table_key *key = path_table_at(table, i);
    size_t mask = table->slot_count - 1;
    size_t at = hash_key(key->run, key->path);
    while (table->slots[at & mask] != 0) {
        at++;
    }
    table->slots[at & mask] = (uint32_t)i + 1;
}

/* At most half of the slots are taken, so that a search ends soon. */
static int make_slots(struct path_table *table)
{
    size_t slot_count = table->slot_count > 0 ? table->slot_count * 2 : FIRST_SLOTS;
    if ((table->count + 1) * 2 <= table->slot_count) {
        return 0;
    }
    uint32_t *slots = calloc(slot_count, sizeof(*slots));
    if (slots == NULL) {
        return -1;
    }
    free(table->slots);
    table->slots = slots;
    table->slot_count = slot_count;
    for (size_t i = 0; i < table->count; i++) {
        put_slot(table, i);
    }
    return 0;
}

void *path_table_add(struct path_table *table, uint64_t run, struct str path)
{
    char *items = array_reserve(table->items, &table->cap, table->count + 1, table->item_size);
    if (items == NULL) {
        return NULL;
    }
    table->items = items;
    if (make_slots(table) != 0) {
        return NULL;
    }
    struct path_table_key *key = path_table_at(table, table->count);
    memset(key, 0, table->item_size);
    *key = (struct path_table_key){run, path};
    put_slot(table, table->count++);
    return key;
}
