/* SPDX-License-Identifier: Apache-2.0 */
/* The reader itself, definitions, log lines, the audit trail, scopes, the cache. */
#include "core/journal/journal_reader.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/journal/reader_query.h"

enum { LOGS_AT_ONCE = 1000 };

void journal_reader_close(struct journal_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    for (size_t i = 0; i < reader->kept_count; i++) {
        (void)sqlite3_finalize(reader->kept[i].statement); /* says again what the step said */
    }
    (void)sqlite3_close(reader->db); /* nothing was written */
    free(reader->folder);
    free(reader);
}

int journal_reader_open_later(const char *folder, struct journal_reader **out_reader,
                              struct error *err)
{
    struct journal_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL) {
        return error_nomem(err);
    }
    reader->folder = str_dup(str_from(folder));
    if (reader->folder == NULL) {
        journal_reader_close(reader);
        return error_nomem(err);
    }
    *out_reader = reader;
    return 0;
}

int journal_reader_open(const char *folder, struct journal_reader **out_reader, struct error *err)
{
    struct journal_reader *reader = NULL;
    int status = journal_reader_open_later(folder, &reader, err);
    if (status == 0) {
        status = reader_query_connect(reader, err);
    }
    if (status != 0) {
        journal_reader_close(reader);
        return status;
    }
    *out_reader = reader;
    return 0;
}

int journal_reader_begin(struct journal_reader *reader, struct error *err)
{
    return reader_query_open_view(reader, err);
}

void journal_reader_end(struct journal_reader *reader)
{
    reader_query_close_view(reader);
}

int journal_reader_definition(struct journal_reader *reader, struct str digest,
                              struct strbuf *out_source, struct strbuf *out_compiled_by,
                              struct error *err)
{
    struct reader_query query;
    bool is_found = false;
    reader_query_begin(&query, reader,
                       "SELECT source, compiled_by FROM definitions WHERE digest = ?", err);
    reader_query_str(&query, digest);
    if (reader_query_next(&query)) {
        is_found = true;
        strbuf_append_str(out_source, reader_query_column_str(&query, 0));
        strbuf_append_str(out_compiled_by, reader_query_column_str(&query, 1));
        bool is_well = strbuf_status(out_source) == 0 && strbuf_status(out_compiled_by) == 0;
        reader_query_stop(&query, is_well ? 0 : error_nomem(err));
    }
    int status = reader_query_end(&query);
    return status != 0 || is_found
               ? status
               : error_set(err, E_NOT_FOUND, "there is no definition '%.*s'", STR_ARG(digest));
}

/* A page's size as SQLite wants it: below 0 is all. */
static int64_t page_of(uint32_t limit)
{
    return limit > 0 ? (int64_t)limit : -1;
}

/* "each": itself, "each[1]", "each.fix", "each#2", "each@3"; not "each-other". */
#define LOGS_OF                                                                                    \
    "SELECT l.id, r.id, l.path, l.attempt, l.at, l.level, l.line"                                  \
    " FROM runs r CROSS JOIN logs l ON l.run = r.run WHERE r.root = :root AND l.id > :after"
#define LOGS_END " ORDER BY l.id LIMIT :limit"

static const char logs_of_tree[] = LOGS_OF LOGS_END;
static const char logs_of_node[] = LOGS_OF
    " AND (l.path = :path OR (substr(l.path, 1, length(:path)) = :path"
    " AND substr(l.path, length(:path) + 1, 1) IN ('.', '[', '#', '@')))" LOGS_END;

static struct journal_log_row read_log(const struct reader_query *query)
{
    return (struct journal_log_row){
        .id = (uint64_t)reader_query_column_int(query, 0),
        .run_id = reader_query_column_str(query, 1),
        .path = reader_query_column_str(query, 2),
        .attempt = (uint32_t)reader_query_column_int(query, 3),
        .at = reader_query_column_int(query, 4),
        .level = (int)reader_query_column_int(query, 5),
        .line = reader_query_column_str(query, 6),
    };
}

int journal_reader_logs(struct journal_reader *reader, const struct journal_log_query *ask,
                        journal_log_cb each, void *user, struct error *err)
{
    struct reader_query query;
    reader_query_begin(&query, reader, ask->path.n > 0 ? logs_of_node : logs_of_tree, err);
    reader_query_named_int(&query, ":root", (int64_t)ask->root);
    reader_query_named_int(&query, ":after", (int64_t)ask->after_id);
    reader_query_named_str(&query, ":path", ask->path);
    reader_query_named_int(&query, ":limit", ask->limit > 0 ? ask->limit : LOGS_AT_ONCE);
    while (reader_query_next(&query)) {
        struct journal_log_row row = read_log(&query);
        reader_query_stop(&query, each(user, &row));
    }
    return reader_query_end(&query);
}

static const char audit_of_all[] =
    "SELECT a.id, a.at, a.who, a.action, r.id, a.detail FROM audit a"
    " LEFT JOIN runs r ON r.run = a.run WHERE a.id > :after ORDER BY a.id LIMIT :limit";
static const char audit_of_tree[] =
    "SELECT a.id, a.at, a.who, a.action, r.id, a.detail FROM runs r"
    " CROSS JOIN audit a ON a.run = r.run WHERE r.root = :root AND a.id > :after"
    " ORDER BY a.id LIMIT :limit";

int journal_reader_audit(struct journal_reader *reader, uint64_t root, uint64_t after_id,
                         uint32_t limit, journal_audit_cb each, void *user, struct error *err)
{
    struct reader_query query;
    reader_query_begin(&query, reader, root == 0 ? audit_of_all : audit_of_tree, err);
    reader_query_named_int(&query, ":root", (int64_t)root);
    reader_query_named_int(&query, ":after", (int64_t)after_id);
    reader_query_named_int(&query, ":limit", page_of(limit));
    while (reader_query_next(&query)) {
        struct journal_audit_row row = {
            .id = (uint64_t)reader_query_column_int(&query, 0),
            .at = reader_query_column_int(&query, 1),
            .who = reader_query_column_str(&query, 2),
            .action = reader_query_column_str(&query, 3),
            .run_id = reader_query_column_str(&query, 4),
            .detail = reader_query_column_str(&query, 5),
        };
        reader_query_stop(&query, each(user, &row));
    }
    return reader_query_end(&query);
}

int journal_reader_scopes(struct journal_reader *reader, struct str kind, journal_scope_cb each,
                          void *user, struct error *err)
{
    struct reader_query query;
    reader_query_begin(&query, reader,
                       "SELECT key, state, at FROM scopes WHERE kind = ? ORDER BY key", err);
    reader_query_str(&query, kind);
    while (reader_query_next(&query)) {
        struct journal_scope_row row = {
            .key = reader_query_column_str(&query, 0),
            .state = reader_query_column_str(&query, 1),
            .at = reader_query_column_int(&query, 2),
        };
        reader_query_stop(&query, each(user, &row));
    }
    return reader_query_end(&query);
}

int journal_reader_cached(struct journal_reader *reader, struct str key, int64_t after,
                          journal_cache_cb each, void *user, struct error *err)
{
    struct reader_query query;
    reader_query_begin(&query, reader,
                       "SELECT c.at, c.port, c.output, i.items FROM cache c"
                       " LEFT JOIN cache_items i ON i.key = c.key"
                       " WHERE c.key = ? AND c.at >= ? ORDER BY i.part",
                       err);
    reader_query_str(&query, key);
    reader_query_int(&query, after);
    while (reader_query_next(&query)) {
        struct journal_cache_row row = {
            .at = reader_query_column_int(&query, 0),
            .port = reader_query_column_str(&query, 1),
            .output = reader_query_column_str(&query, 2),
            .items = reader_query_column_str(&query, 3),
        };
        reader_query_stop(&query, each(user, &row));
    }
    return reader_query_end(&query);
}

int journal_reader_kv(struct journal_reader *reader, struct str plugin, struct str key,
                      journal_kv_cb each, void *user, struct error *err)
{
    struct reader_query query;
    reader_query_begin(&query, reader,
                       "SELECT value, version, until FROM kv WHERE plugin = ? AND key = ?", err);
    reader_query_str(&query, plugin);
    reader_query_str(&query, key);
    while (reader_query_next(&query)) {
        struct journal_kv_row row = {
            .value = reader_query_column_bytes(&query, 0),
            .version = (uint64_t)reader_query_column_int(&query, 1),
            .until = reader_query_column_int(&query, 2),
        };
        reader_query_stop(&query, each(user, &row));
    }
    return reader_query_end(&query);
}

int journal_reader_kv_bytes(struct journal_reader *reader, struct str plugin, int64_t now,
                            uint64_t *out_bytes, struct error *err)
{
    struct reader_query query;
    reader_query_begin(&query, reader,
                       "SELECT ifnull(sum(length(CAST(key AS BLOB)) + length(value)), 0) FROM kv"
                       " WHERE plugin = ? AND (until = 0 OR until > ?)",
                       err);
    reader_query_str(&query, plugin);
    reader_query_int(&query, now);
    if (reader_query_next(&query)) {
        *out_bytes = (uint64_t)reader_query_column_int(&query, 0);
    }
    return reader_query_end(&query);
}

int journal_reader_kv_version(struct journal_reader *reader, uint64_t *out_version,
                              struct error *err)
{
    struct reader_query query;
    reader_query_begin(&query, reader, "SELECT ifnull(max(version), 0) FROM kv", err);
    if (reader_query_next(&query)) {
        *out_version = (uint64_t)reader_query_column_int(&query, 0);
    }
    return reader_query_end(&query);
}

int journal_reader_meta(struct journal_reader *reader, struct str *out_instance,
                        uint64_t *out_epoch, uint32_t *out_schema, struct error *err)
{
    struct reader_query query;
    reader_query_begin(&query, reader, "SELECT epoch FROM meta", err);
    if (reader_query_next(&query)) {
        *out_instance = str_from(reader->meta.instance);
        *out_epoch = (uint64_t)reader_query_column_int(&query, 0);
        *out_schema = reader->meta.schema;
    }
    return reader_query_end(&query);
}
