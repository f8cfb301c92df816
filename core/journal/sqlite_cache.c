/* SPDX-License-Identifier: Apache-2.0 */
#include "core/journal/sqlite_cache.h"

#include "core/engine/record.h"
#include "core/journal/sqlite_statements.h"

/* What a row takes beside its texts: its key twice, numbers, its place in two indexes. */
enum { ROW_BYTES = 200 };

void sqlite_cache_init(struct sqlite_cache *cache, struct sqlite_statements *statements)
{
    *cache = (struct sqlite_cache){.statements = statements};
    atomic_init(&cache->bound, SQLITE_CACHE_BOUND);
}

void sqlite_cache_set_bound(struct sqlite_cache *cache, int64_t bytes)
{
    atomic_store(&cache->bound, bytes > 0 ? bytes : SQLITE_CACHE_BOUND);
}

/* With its last row the call is done. `*out_bytes` of what it returned, 0 for no row. */
static int sum_up(struct sqlite_call *call, int64_t *out_bytes, int *out_rows)
{
    *out_bytes = 0;
    *out_rows = 0;
    while (sqlite_call_step(call) == SQLITE_ROW) {
        *out_bytes += sqlite_call_column_int(call, 0);
        *out_rows += 1;
    }
    return sqlite_call_end(call);
}

static int count(struct sqlite_cache *cache)
{
    int rows = 0;
    if (cache->knows_bytes) {
        return SQLITE_OK;
    }
    struct sqlite_call call =
        sqlite_statements_call(cache->statements, SQLITE_STATEMENT_CACHE_BYTES);
    int rc = sum_up(&call, &cache->bytes, &rows);
    cache->knows_bytes = rc == SQLITE_OK;
    return rc;
}

static int remove_one(struct sqlite_cache *cache, const struct cache_entry *entry)
{
    int64_t bytes = 0;
    int rows = 0;
    struct sqlite_call call =
        sqlite_statements_call(cache->statements, SQLITE_STATEMENT_CACHE_GONE);
    sqlite_call_str(&call, str_from(entry->key));
    int rc = sum_up(&call, &bytes, &rows);
    cache->bytes -= bytes;
    return rc;
}

int sqlite_cache_add(struct sqlite_cache *cache, const struct cache_entry *entry, struct str text)
{
    int rc = count(cache);
    if (rc == SQLITE_OK) {
        rc = remove_one(cache, entry); /* the one before is none any more, in any case */
    }
    size_t largest = entry->has_items ? SQLITE_CACHE_LARGEST_ITEMS : SQLITE_CACHE_LARGEST;
    if (rc != SQLITE_OK || entry->output == NULL || text.n > largest) {
        return rc;
    }
    int64_t bytes = (int64_t)(text.n + entry->port.n) + ROW_BYTES;
    struct sqlite_call call = sqlite_statements_call(cache->statements, SQLITE_STATEMENT_CACHE);
    sqlite_call_str(&call, str_from(entry->key));
    sqlite_call_int(&call, entry->at_unix_ms);
    sqlite_call_int(&call, entry->until_unix_ms);
    sqlite_call_int(&call, bytes);
    sqlite_call_str(&call, entry->port);
    sqlite_call_str(&call, text);
    rc = sqlite_call_end(&call);
    cache->bytes += rc == SQLITE_OK ? bytes : 0;
    cache->has_news = true;
    cache->at_unix_ms = entry->at_unix_ms;
    return rc;
}

/* A few at a time. `*out_rows`: how many there were. */
static int remove_some(struct sqlite_cache *cache, enum sqlite_statement which, int *out_rows)
{
    int64_t bytes = 0;
    struct sqlite_call call = sqlite_statements_call(cache->statements, which);
    if (which == SQLITE_STATEMENT_CACHE_OVER) {
        sqlite_call_int(&call, cache->at_unix_ms);
    }
    int rc = sum_up(&call, &bytes, out_rows);
    cache->bytes -= bytes;
    return rc;
}

int sqlite_cache_complete(struct sqlite_cache *cache)
{
    int rows = 0;
    if (!cache->has_news) {
        return SQLITE_OK;
    }
    int64_t bound = atomic_load(&cache->bound);
    int rc = remove_some(cache, SQLITE_STATEMENT_CACHE_OVER, &rows);
    do {
        rows = 0;
        if (rc == SQLITE_OK && cache->bytes > bound) {
            rc = remove_some(cache, SQLITE_STATEMENT_CACHE_OLDEST, &rows);
        }
    } while (rows > 0);
    cache->has_news = false;
    return rc;
}

void sqlite_cache_undo(struct sqlite_cache *cache)
{
    cache->knows_bytes = false;
    cache->has_news = false;
}
