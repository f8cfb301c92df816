/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_JOURNAL_SQLITE_CACHE_H
#define CORE_JOURNAL_SQLITE_CACHE_H

/*
 * Sqlite cache: the results that may be taken again, in the table `cache`: one row for each key,
 * written with the end of the call that gave it. Of large results nothing is kept. All rows
 * together take no more than a bound: the oldest go first, and those that nobody may take any more
 * a few with each write.
 *
 * Used by:  sqlite_rows.
 * Uses:     sqlite_statements.
 * Threads:  that of the connection; sqlite_cache_set_bound(): [any].
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

struct cache_entry;
struct sqlite_statements;

enum {
    SQLITE_CACHE_LARGEST = 64 * 1024, /* bytes of a result, as JSON */
    SQLITE_CACHE_LARGEST_ITEMS = 9 * 1024 *
                                 1024, /* with items: twice what the engine takes, and a bit */
};
#define SQLITE_CACHE_BOUND (INT64_C(256) * 1024 * 1024) /* where nobody sets another */

struct sqlite_cache {
    struct sqlite_statements *statements;
    _Atomic int64_t bound;
    int64_t bytes;      /* of all rows, as they count */
    bool knows_bytes;   /* they were counted, and no transaction was undone since */
    bool has_news;      /* in this transaction */
    int64_t at_unix_ms; /* of its newest row */
};

void sqlite_cache_init(struct sqlite_cache *cache, struct sqlite_statements *statements);
/* 0: the default. It counts from the next row on. */
void sqlite_cache_set_bound(struct sqlite_cache *cache, int64_t bytes);

/*
 * Both return SQLite's code. `text` is the result as JSON, borrowed; without one, what was kept
 * under that key is old.
 */
int sqlite_cache_add(struct sqlite_cache *cache, const struct cache_entry *entry, struct str text);
/* Before the commit: what has no room goes. */
int sqlite_cache_complete(struct sqlite_cache *cache);
/* After a roll-back. */
void sqlite_cache_undo(struct sqlite_cache *cache);

#endif
