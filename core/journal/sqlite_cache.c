/* SPDX-License-Identifier: Apache-2.0 */
#include "core/journal/sqlite_cache.h"

#include "core/engine/record.h"
#include "core/journal/sqlite_blobs.h"
#include "core/journal/sqlite_statements.h"
#include "core/value/value.h"

/* What a row takes beside its texts: its key twice, numbers, its place in two indexes. */
enum { ROW_BYTES = 200 };

void sqlite_cache_init(struct sqlite_cache *cache, struct sqlite_statements *statements,
                       const char *folder)
{
    *cache = (struct sqlite_cache){.statements = statements, .folder = folder};
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

/* ---- items ---- */

/* Of one result, on their way into rows. */
struct item_rows {
    struct sqlite_cache *cache;
    const struct cache_entry *entry;
    struct strbuf text; /* of the next row: a list that is not closed */
    int64_t count;
    bool lacks_one; /* that cannot be read */
};

static int write_items(struct item_rows *rows)
{
    strbuf_append_char(&rows->text, ']');
    if (strbuf_status(&rows->text) != 0) {
        return SQLITE_NOMEM;
    }
    struct sqlite_call call =
        sqlite_statements_call(rows->cache->statements, SQLITE_STATEMENT_CACHE_ITEMS);
    sqlite_call_str(&call, str_from(rows->entry->key));
    sqlite_call_int(&call, rows->count++);
    sqlite_call_str(&call, strbuf_str(&rows->text));
    int rc = sqlite_call_end(&call);
    strbuf_clear(&rows->text);
    strbuf_append_char(&rows->text, '[');
    return rc;
}

/* The output of a record, from its row or the file that this names. False: it is not there. */
static bool append_output(struct item_rows *rows, const struct sqlite_call *call)
{
    struct str output = sqlite_call_column_str(call, 0);
    struct str digest = sqlite_call_column_str(call, 1);
    strbuf_append_text(&rows->text, rows->text.n > 1 ? "," : "");
    strbuf_append_str(&rows->text, output);
    if (output.n > 0) {
        return true;
    }
    return digest.n > 0 && sqlite_blobs_read(rows->cache->folder, digest, &rows->text, NULL) == 0;
}

static int add_item(struct item_rows *rows, int64_t seq)
{
    struct sqlite_call call =
        sqlite_statements_call(rows->cache->statements, SQLITE_STATEMENT_CACHE_ITEM);
    sqlite_call_int(&call, (int64_t)rows->entry->run_number);
    sqlite_call_int(&call, seq);
    rows->lacks_one |= sqlite_call_step(&call) != SQLITE_ROW || !append_output(rows, &call);
    int rc = sqlite_call_end(&call);
    return rc == SQLITE_OK && rows->text.n > SQLITE_CACHE_PART ? write_items(rows) : rc;
}

/* One row at least: by that, a result that has no item is told from one that can have none. */
static int add_items(struct sqlite_cache *cache, const struct cache_entry *entry)
{
    struct item_rows rows = {.cache = cache, .entry = entry};
    const struct value *seqs = document_root(entry->items);
    int rc = SQLITE_OK;
    strbuf_append_char(&rows.text, '[');
    for (size_t i = 0; i < value_count(seqs) && rc == SQLITE_OK && !rows.lacks_one; i++) {
        rc = add_item(&rows, value_int(value_at(seqs, i)));
    }
    if (rc == SQLITE_OK && (rows.text.n > 1 || rows.count == 0)) {
        rc = write_items(&rows);
    }
    strbuf_finish(&rows.text);
    return rc == SQLITE_OK && rows.lacks_one ? remove_one(cache, entry) : rc;
}

int sqlite_cache_add(struct sqlite_cache *cache, const struct cache_entry *entry, struct str text)
{
    int rc = count(cache);
    if (rc == SQLITE_OK) {
        rc = remove_one(cache, entry); /* the one before is none any more, in any case */
    }
    bool is_too_large = entry->items == NULL && text.n > SQLITE_CACHE_LARGEST;
    if (rc != SQLITE_OK || entry->output == NULL || is_too_large) {
        return rc;
    }
    int64_t bytes = (int64_t)(text.n + entry->port.n + entry->items_bytes) + ROW_BYTES;
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
    return rc == SQLITE_OK && entry->items != NULL ? add_items(cache, entry) : rc;
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
