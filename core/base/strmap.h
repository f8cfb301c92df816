/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_STRMAP_H
#define CORE_BASE_STRMAP_H

/*
 * Strmap: from strings to pointers, in memory, by hash.
 *
 * Used by:  value, model, host, engine, cli.
 * Uses:     str.
 * Threads:  [any]; one map belongs to one thread at a time.
 */

#include "core/base/str.h"

struct strmap_entry {
    struct str key; /* borrowed by the map: it must outlive it */
    void *value;    /* NULL marks a free entry */
    uint64_t hash;
};

struct strmap {
    struct strmap_entry *entries; /* open addressing, a power of two */
    size_t cap;
    size_t count;
};

#define STRMAP_INIT ((struct strmap){0})

/* Frees the table; the values are the caller's. */
void strmap_finish(struct strmap *map);

/*
 * Adds `value` (not NULL) under `key`, whose bytes must outlive the map.
 * Returns 0, E_EXISTS (the old value stays) or E_NOMEM.
 */
int strmap_add(struct strmap *map, struct str key, void *value);

/* The value, or NULL. */
void *strmap_get(const struct strmap *map, struct str key);

/*
 * The next value in no particular order: start with *cursor 0; NULL at the end.
 * `out_key` may be NULL.
 */
void *strmap_next(const struct strmap *map, size_t *cursor, struct str *out_key);

#endif
