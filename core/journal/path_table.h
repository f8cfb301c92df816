/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_JOURNAL_PATH_TABLE_H
#define CORE_JOURNAL_PATH_TABLE_H

/*
 * Path table: items found by the number of a run and a path in it, in the order in which they were
 * added. An item is any struct whose first member is a struct path_table_key.
 *
 * Used by:  sqlite_projection.
 * Uses:     str.
 * Threads:  [any]; one table belongs to one thread at a time.
 */

#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

struct path_table_key {
    uint64_t run;
    struct str path; /* borrowed: it outlives the table's content */
};

struct path_table {
    size_t item_size;
    char *items;
    size_t count;
    size_t cap;
    uint32_t *slots; /* open addressing: 1 + an index; 0 is free */
    size_t slot_count;
};

#define PATH_TABLE_INIT(type) ((struct path_table){.item_size = sizeof(type)})

/* Frees all; the table is empty and usable again. */
void path_table_finish(struct path_table *table);

/* Forgets the items and keeps the memory, unless that is much. */
void path_table_clear(struct path_table *table);

/* The item, valid until the next one is added; NULL: there is none. */
void *path_table_find(const struct path_table *table, uint64_t run, struct str path);

/* A new item, all zero but for its key, which must not be there. NULL when out of memory. */
void *path_table_add(struct path_table *table, uint64_t run, struct str path);

/* The `i`-th that was added; i < count. */
void *path_table_at(const struct path_table *table, size_t i);

#endif
