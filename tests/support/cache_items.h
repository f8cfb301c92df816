/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_CACHE_ITEMS_H
#define TESTS_SUPPORT_CACHE_ITEMS_H

/*
 * Cache items: what a store makes of a result whose items are outputs of records that it has, for
 * the stores of tests.
 *
 *     struct cache_items items;
 *     cache_items_begin(&items, entry);
 *     for each record of the run, in order: cache_items_see(&items, record);
 *     document = cache_items_end(&items);
 *
 * Used by:  toy_world, tests/sim.
 * Uses:     engine/record.h, value.
 * Threads:  [main]
 */

#include <stddef.h>

struct builder;
struct cache_entry;
struct document;
struct record;

struct cache_items {
    const struct cache_entry *entry; /* kept until the end; it has items */
    struct builder *list;
    size_t next;
};

void cache_items_begin(struct cache_items *items, const struct cache_entry *entry);
/* Those that are none of them are passed over. */
void cache_items_see(struct cache_items *items, const struct record *record);
/* {"items": [...], "output": ...}, owned; NULL: the store lacks one. */
struct document *cache_items_end(struct cache_items *items);

/* The same of all these records; the output alone (shared) of an entry that has no items. */
struct document *cache_items_of(const struct cache_entry *entry, const struct record *records,
                                size_t count);

#endif
