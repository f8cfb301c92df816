/* SPDX-License-Identifier: Apache-2.0 */
#include "core/journal/reader_query.h"

#include "core/base/error.h"
#include "core/journal/sqlite_blobs.h"
#include "core/journal/sqlite_call.h"
#include "core/value/json.h"
#include "core/value/value.h"

/* ---- the file ---- */

int reader_query_connect(struct journal_reader *reader, struct error *err)
{
    return reader->db != NULL
               ? 0
               : sqlite_file_open_reader(reader->folder, &reader->db, &reader->meta, err);
}

/* ---- statements ---- */

static void note(struct reader_query *query, int rc)
{
    if (rc != SQLITE_OK && query->status == 0) {
        query->status =
            sqlite_file_fault(query->reader->db, rc, "cannot read the journal", query->err);
    }
}

static sqlite3_stmt *find_kept(struct journal_reader *reader, const char *sql)
{
    for (size_t i = 0; i < reader->kept_count; i++) {
        sqlite3_stmt *statement = reader->kept[i].statement;
        if (reader->kept[i].sql == sql && sqlite3_stmt_busy(statement) == 0) {
            return statement;
        }
    }
    return NULL;
}

void reader_query_begin_text(struct reader_query *query, struct journal_reader *reader,
                             struct str sql, struct error *err)
{
    *query = (struct reader_query){.reader = reader, .err = err};
    query->status = reader_query_connect(reader, err);
    if (query->status == 0) {
        note(query, sqlite3_prepare_v2(reader->db, sql.p, (int)sql.n, &query->statement, NULL));
    }
}

void reader_query_begin(struct reader_query *query, struct journal_reader *reader, const char *sql,
                        struct error *err)
{
    *query = (struct reader_query){.reader = reader, .err = err};
    query->status = reader_query_connect(reader, err);
    if (query->status != 0) {
        return;
    }
    query->statement = find_kept(reader, sql);
    if (query->statement != NULL) {
        query->is_kept = true;
        return;
    }
    note(query, sqlite3_prepare_v3(reader->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                   &query->statement, NULL));
    query->is_kept = query->status == 0 && reader->kept_count < READER_QUERY_KEPT;
    if (query->is_kept) {
        reader->kept[reader->kept_count++] = (struct reader_query_kept){sql, query->statement};
    }
}

int reader_query_end(struct reader_query *query)
{
    if (query->is_kept) {
        (void)sqlite3_reset(query->statement);          /* says again what the step has said */
        (void)sqlite3_clear_bindings(query->statement); /* cannot fail */
    } else {
        (void)sqlite3_finalize(query->statement); /* the same */
    }
    strbuf_finish(&query->body);
    return query->status;
}

/* ---- parameters ---- */

static void bind_str(struct reader_query *query, int at, struct str text)
{
    if (query->status == 0) {
        note(query, sqlite3_bind_text64(query->statement, at, text.p != NULL ? text.p : "", text.n,
                                        SQLITE_STATIC, SQLITE_UTF8));
    }
}

static void bind_int(struct reader_query *query, int at, int64_t number)
{
    if (query->status == 0) {
        note(query, sqlite3_bind_int64(query->statement, at, number));
    }
}

void reader_query_str(struct reader_query *query, struct str text)
{
    bind_str(query, ++query->parameters, text);
}

void reader_query_int(struct reader_query *query, int64_t number)
{
    bind_int(query, ++query->parameters, number);
}

static int find_parameter(const struct reader_query *query, const char *name)
{
    return query->status == 0 ? sqlite3_bind_parameter_index(query->statement, name) : 0;
}

void reader_query_named_str(struct reader_query *query, const char *name, struct str text)
{
    int at = find_parameter(query, name);
    if (at > 0) {
        bind_str(query, at, text);
    }
}

void reader_query_named_int(struct reader_query *query, const char *name, int64_t number)
{
    int at = find_parameter(query, name);
    if (at > 0) {
        bind_int(query, at, number);
    }
}

/* ---- rows ---- */

bool reader_query_next(struct reader_query *query)
{
    if (query->status != 0) {
        return false;
    }
    int rc = sqlite3_step(query->statement);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        note(query, rc);
    }
    return rc == SQLITE_ROW;
}

struct str reader_query_column_str(const struct reader_query *query, int column)
{
    const char *text = (const char *)sqlite3_column_text(query->statement, column);
    int n = sqlite3_column_bytes(query->statement, column);
    return str_make(text != NULL ? text : "", text != NULL ? (size_t)n : 0);
}

struct str reader_query_column_bytes(const struct reader_query *query, int column)
{
    const char *bytes = sqlite3_column_blob(query->statement, column);
    int n = sqlite3_column_bytes(query->statement, column);
    return str_make(bytes != NULL ? bytes : "", bytes != NULL ? (size_t)n : 0);
}

int64_t reader_query_column_int(const struct reader_query *query, int column)
{
    return sqlite3_column_int64(query->statement, column);
}

static void append_member(struct strbuf *out, struct str name)
{
    if (out->n > 1) {
        strbuf_append_char(out, ',');
    }
    json_write_string(name, out);
    strbuf_append_char(out, ':');
}

/* `blobs`: {"output": "digest"}. */
static int put_back(struct reader_query *query, struct str body, const struct value *blobs)
{
    struct strbuf *out = &query->body;
    strbuf_clear(out);
    strbuf_append_str(out, str_make(body.p, body.n - 1)); /* without the last brace */
    for (size_t i = 0; i < value_count(blobs); i++) {
        const struct value_member *member = value_member_at(blobs, i);
        if (!value_is(&member->value, VALUE_STRING)) {
            return error_set(query->err, E_CORRUPT, "a record names no file");
        }
        append_member(out, value_str(&member->key));
        int status =
            sqlite_blobs_read(query->reader->folder, value_str(&member->value), out, query->err);
        if (status != 0) {
            return status;
        }
    }
    strbuf_append_char(out, '}');
    return strbuf_status(out) == 0 ? 0 : error_nomem(query->err);
}

static int join_body(struct reader_query *query, struct str body, struct str blob)
{
    cleanup_document struct document *document = NULL;
    int status = json_read(blob, NULL, &document, query->err);
    if (status == E_NOMEM) {
        return status;
    }
    if (status != 0 || !value_is(document_root(document), VALUE_MAP) || body.n < 2) {
        return error_set(query->err, E_CORRUPT, "a record of the journal cannot be read");
    }
    return put_back(query, body, document_root(document));
}

bool reader_query_column_body(struct reader_query *query, int column, struct str *out_body)
{
    struct str body = reader_query_column_str(query, column);
    struct str blob = reader_query_column_str(query, column + 1);
    if (blob.n > 0) {
        query->status = join_body(query, body, blob);
        body = strbuf_str(&query->body);
    }
    *out_body = body;
    return query->status == 0;
}

void reader_query_stop(struct reader_query *query, int status)
{
    if (query->status == 0) {
        query->status = status;
    }
}

/* ---- views ---- */

int reader_query_open_view(struct journal_reader *reader, struct error *err)
{
    int status = reader_query_connect(reader, err);
    if (status != 0) {
        return status;
    }
    int rc = sqlite_call_text(reader->db, "SAVEPOINT view");
    return rc == SQLITE_OK ? 0 : sqlite_file_fault(reader->db, rc, "cannot read the journal", err);
}

void reader_query_close_view(struct journal_reader *reader)
{
    (void)sqlite_call_text(reader->db, "RELEASE view"); /* nothing was written */
}
