/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_JOURNAL_READER_QUERY_H
#define CORE_JOURNAL_READER_QUERY_H

/*
 * Reader query: one question of a journal_reader to the file, row by row.
 *
 *     struct reader_query query;
 *     reader_query_begin(&query, reader, "SELECT ... WHERE run = ?", err);
 *     reader_query_int(&query, run);
 *     while (reader_query_next(&query)) {
 *         ... reader_query_column_int(&query, 0) ...
 *     }
 *     return reader_query_end(&query);
 *
 * Used by:  the files of this folder.
 * Uses:     sqlite3, sqlite_blobs.
 * Threads:  that of the reader.
 */

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/journal/sqlite_file.h"

struct error;

enum { READER_QUERY_KEPT = 32 };

/* Statements are kept by the address of their text. */
struct reader_query_kept {
    const char *sql;
    sqlite3_stmt *statement;
};

struct journal_reader {
    sqlite3 *db; /* NULL: not opened yet */
    char *folder;
    struct sqlite_file_meta meta;
    struct reader_query_kept kept[READER_QUERY_KEPT];
    size_t kept_count;
};

struct reader_query {
    struct journal_reader *reader;
    sqlite3_stmt *statement;
    bool is_kept;
    int parameters;
    int status;        /* the first failure, or what ended the listing */
    struct error *err; /* borrowed */
    struct strbuf body;
};

/* `sql` is a literal: its statement may be kept for the next time. */
void reader_query_begin(struct reader_query *query, struct journal_reader *reader, const char *sql,
                        struct error *err);
/* The same for a text that was put together, which is borrowed for the call. */
void reader_query_begin_text(struct reader_query *query, struct journal_reader *reader,
                             struct str sql, struct error *err);

/* Parameters, in their order; texts are borrowed until the end. */
void reader_query_str(struct reader_query *query, struct str text);
void reader_query_int(struct reader_query *query, int64_t number);
/* Those that have names; one that the text does not have is left out. */
void reader_query_named_str(struct reader_query *query, const char *name, struct str text);
void reader_query_named_int(struct reader_query *query, const char *name, int64_t number);

/* Whether there is one more row. */
bool reader_query_next(struct reader_query *query);

/* Borrowed until the next row; NULL is empty, and 0. */
struct str reader_query_column_str(const struct reader_query *query, int column);
struct str reader_query_column_bytes(const struct reader_query *query, int column);
int64_t reader_query_column_int(const struct reader_query *query, int column);

/*
 * The body of a record, `column` and the one behind it: with its large documents put back in.
 * Borrowed until the next row. A failure shows at the end, and false is returned.
 */
bool reader_query_column_body(struct reader_query *query, int column, struct str *out_body);

/* Ends the listing with `status`, unless that is 0. */
void reader_query_stop(struct reader_query *query, int status);

/* 0, what failed, or what the listing was ended with. */
int reader_query_end(struct reader_query *query);

/* Opens the file, unless it is open; the functions here do. Fails as journal_reader_open() does. */
int reader_query_connect(struct journal_reader *reader, struct error *err);

/* Several questions about one state of the file; ends with reader_query_close_view(). */
int reader_query_open_view(struct journal_reader *reader, struct error *err);
void reader_query_close_view(struct journal_reader *reader);

#endif
