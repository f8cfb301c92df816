/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_JOURNAL_SQLITE_CACHE_H
#define CORE_JOURNAL_SQLITE_CACHE_H

/*
 * Sqlite cache: the results that may be taken again, in the table `cache`: one row for each key,
 * written with the end of the call that gave it. Of large results nothing is kept. All rows
 * together take no more than a bound: the oldest go first, and those that nobody may take any more
 * a few with each write.
 *
 * The items of a node that emits are put together from the rows of the journal that have them, a
 * few at a time, in the table `cache_items`: a result with many takes no memory.
 *
 * Used by:  sqlite_rows.
 * Uses:     sqlite_blobs, sqlite_statements.
 * Threads:  that of the connection; sqlite_cache_set_bound(): [any].
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

struct cache_entry;
struct sqlite_statements;

enum {
    SQLITE_CACHE_LARGEST = 64 * 1024, /* bytes of a result, as JSON; with items any it may have */
    SQLITE_CACHE_PART = 64 * 1024,    /* of the items of a row, but for the last of them */
};
#define SQLITE_CACHE_BOUND (INT64_C(256) * 1024 * 1024) /* where nobody sets another */

struct sqlite_cache {
    struct sqlite_statements *statements;
    const char *folder; /* kept: of the large documents */
    _Atomic int64_t bound;
    int64_t bytes;      /* of all rows, as they count */
    bool knows_bytes;   /* they were counted, and no transaction was undone since */
    bool has_news;      /* in this transaction */
    int64_t at_unix_ms; /* of its newest row */
};

/* `folder` (kept) is the state folder. */
void sqlite_cache_init(struct sqlite_cache *cache, struct sqlite_statements *statements,
                       const char *folder);
/* 0: the default. It counts from the next row on. */
void sqlite_cache_set_bound(struct sqlite_cache *cache, int64_t bytes);

/*
 * Both return SQLite's code. `text` is the result as JSON, borrowed; without one, what was kept
 * under that key is old. A result whose items are not all to be read is none.
 */
int sqlite_cache_add(struct sqlite_cache *cache, const struct cache_entry *entry, struct str text);
/* Before the commit: what has no room goes. */
int sqlite_cache_complete(struct sqlite_cache *cache);
/* After a roll-back. */
void sqlite_cache_undo(struct sqlite_cache *cache);

#endif
