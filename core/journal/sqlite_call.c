/* SPDX-License-Identifier: Apache-2.0 */
#include "core/journal/sqlite_call.h"

static void note(struct sqlite_call *call, int rc)
{
    if (call->rc == SQLITE_OK) {
        call->rc = rc;
    }
}

void sqlite_call_str(struct sqlite_call *call, struct str text)
{
    const char *bytes = text.p != NULL ? text.p : "";
    note(call, sqlite3_bind_text64(call->statement, ++call->count, bytes, text.n, SQLITE_STATIC,
                                   SQLITE_UTF8));
}

void sqlite_call_bytes(struct sqlite_call *call, struct str bytes)
{
    const char *at = bytes.p != NULL ? bytes.p : "";
    note(call, sqlite3_bind_blob64(call->statement, ++call->count, at, bytes.n, SQLITE_STATIC));
}

void sqlite_call_int(struct sqlite_call *call, int64_t number)
{
    note(call, sqlite3_bind_int64(call->statement, ++call->count, number));
}

void sqlite_call_null(struct sqlite_call *call)
{
    note(call, sqlite3_bind_null(call->statement, ++call->count));
}

void sqlite_call_str_or_null(struct sqlite_call *call, struct str text)
{
    if (text.n > 0) {
        sqlite_call_str(call, text);
    } else {
        sqlite_call_null(call);
    }
}

void sqlite_call_int_or_null(struct sqlite_call *call, int64_t number)
{
    if (number != 0) {
        sqlite_call_int(call, number);
    } else {
        sqlite_call_null(call);
    }
}

int sqlite_call_step(struct sqlite_call *call)
{
    call->last = call->rc == SQLITE_OK ? sqlite3_step(call->statement) : call->rc;
    return call->last;
}

int sqlite_call_end(struct sqlite_call *call)
{
    while (call->last == SQLITE_ROW) {
        (void)sqlite_call_step(call); /* `last` keeps it */
    }
    (void)sqlite3_reset(call->statement); /* which says again what the step has said */
    return call->last == SQLITE_DONE ? SQLITE_OK : call->last;
}

struct str sqlite_call_column_str(const struct sqlite_call *call, int column)
{
    const char *text = (const char *)sqlite3_column_text(call->statement, column);
    int n = sqlite3_column_bytes(call->statement, column);
    return str_make(text != NULL ? text : "", text != NULL ? (size_t)n : 0);
}

int64_t sqlite_call_column_int(const struct sqlite_call *call, int column)
{
    return sqlite3_column_int64(call->statement, column);
}

int sqlite_call_text(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

int sqlite_call_number(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(statement);
    }
    if (rc == SQLITE_ROW) {
        *out = sqlite3_column_int64(statement, 0);
    }
    (void)sqlite3_finalize(statement); /* says again what the step has said */
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}
