/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_JOURNAL_SQLITE_CALL_H
#define CORE_JOURNAL_SQLITE_CALL_H

/*
 * Sqlite call: one execution of a prepared statement; parameters are added in their order.
 *
 *     struct sqlite_call call = sqlite_call_begin(statement);
 *     sqlite_call_int(&call, run);
 *     sqlite_call_str(&call, path);
 *     rc = sqlite_call_end(&call);
 *
 * Used by:  the files of this folder.
 * Uses:     sqlite3.
 * Threads:  that of the connection.
 */

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

struct sqlite_call {
    sqlite3_stmt *statement;
    int rc;   /* the first that was no success */
    int last; /* what the last step returned */
    int count;
};

static inline struct sqlite_call sqlite_call_begin(sqlite3_stmt *statement)
{
    return (struct sqlite_call){.statement = statement, .rc = SQLITE_OK, .last = SQLITE_ROW};
}

/* Texts are borrowed until the end of the call. */
void sqlite_call_str(struct sqlite_call *call, struct str text);
void sqlite_call_bytes(struct sqlite_call *call, struct str bytes);
void sqlite_call_int(struct sqlite_call *call, int64_t number);
void sqlite_call_null(struct sqlite_call *call);
/* NULL for the empty text, and for 0. */
void sqlite_call_str_or_null(struct sqlite_call *call, struct str text);
void sqlite_call_int_or_null(struct sqlite_call *call, int64_t number);

/* The next row: SQLITE_ROW, SQLITE_DONE or a failure. */
int sqlite_call_step(struct sqlite_call *call);

/* Steps to the end, resets the statement and returns SQLITE_OK or what failed. */
int sqlite_call_end(struct sqlite_call *call);

/* Of the current row; the text is borrowed until the next step. NULL is empty, and 0. */
struct str sqlite_call_column_str(const struct sqlite_call *call, int column);
int64_t sqlite_call_column_int(const struct sqlite_call *call, int column);

/* Executes one statement without parameters and drops what it returns. */
int sqlite_call_text(sqlite3 *db, const char *sql);

/* The first column of the first row; *out stays when there is none. */
int sqlite_call_number(sqlite3 *db, const char *sql, int64_t *out);

#endif
