/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_JOURNAL_SQLITE_STATEMENTS_H
#define CORE_JOURNAL_SQLITE_STATEMENTS_H

/*
 * Sqlite statements: what the thread that writes says to SQLite, prepared once.
 *
 * Used by:  the files of this folder.
 * Uses:     sqlite3.
 * Threads:  that of the connection.
 */

#include <sqlite3.h>

#include "core/journal/sqlite_call.h"

enum sqlite_statement {
    SQLITE_STATEMENT_BEGIN,
    SQLITE_STATEMENT_COMMIT,
    SQLITE_STATEMENT_ROLLBACK,
    SQLITE_STATEMENT_EPOCH,      /* epoch */
    SQLITE_STATEMENT_DEFINITION, /* digest, source, compiled_by */
    SQLITE_STATEMENT_RUN,        /* the members of struct journal_new_run, in their order */
    SQLITE_STATEMENT_LABELS,     /* run, labels */
    SQLITE_STATEMENT_ROW,        /* id, run, seq, type, path, attempt, at, body, blob */
    SQLITE_STATEMENT_BLOB,       /* digest, run */
    SQLITE_STATEMENT_BLOB_FIND,  /* digest */
    SQLITE_STATEMENT_NODE, /* run, path, state, attempt, wake_at, started_at, ended_at, record */
    SQLITE_STATEMENT_NODES_GONE, /* run, the path that they begin with, the text behind all those */
    SQLITE_STATEMENT_NODE_STATE, /* run, path, state */
    SQLITE_STATEMENT_PROGRESS,   /* run, seq before, seq, id, nodes done and failed since */
    SQLITE_STATEMENT_SPENT,
    SQLITE_STATEMENT_RUN_STATE, /* run, how it ended, started_at, ended_at, record, paused */
    SQLITE_STATEMENT_UNKNOWN,   /* gives whether there is a node that is */
    SQLITE_STATEMENT_AUDIT,     /* at, who, action, run, detail */
    SQLITE_STATEMENT_WAKE,      /* run, wake_at */
    SQLITE_STATEMENT_BLOCKED,   /* run, text */
    SQLITE_STATEMENT_DEAD,
    SQLITE_STATEMENT_CRASHES,      /* run, number */
    SQLITE_STATEMENT_TURN,         /* of an item of the queue: since when it may be tried */
    SQLITE_STATEMENT_PRIORITY,     /* the same: which of them go before it */
    SQLITE_STATEMENT_LOG_COUNT,    /* run: gives how many lines it has, with this one */
    SQLITE_STATEMENT_LOG,          /* run, path, attempt, at, level, line */
    SQLITE_STATEMENT_LOG_LAST,     /* run, at, line */
    SQLITE_STATEMENT_SCOPE,        /* kind, key, state, at */
    SQLITE_STATEMENT_SCOPE_GONE,   /* kind, key */
    SQLITE_STATEMENT_CACHE,        /* key, at, until, bytes, port, output */
    SQLITE_STATEMENT_CACHE_ITEMS,  /* key, part, items */
    SQLITE_STATEMENT_CACHE_ITEM,   /* run, seq: gives an output, or the digest of a file of it */
    SQLITE_STATEMENT_CACHE_GONE,   /* key; like all below it gives bytes, row by row */
    SQLITE_STATEMENT_CACHE_BYTES,  /* of all */
    SQLITE_STATEMENT_CACHE_OVER,   /* now: some that nobody may take any more */
    SQLITE_STATEMENT_CACHE_OLDEST, /* some */
    SQLITE_STATEMENT_KV,           /* plugin, key, value, version, until */
    SQLITE_STATEMENT_KV_GONE,      /* plugin, key */
    SQLITE_STATEMENT_KV_OVER,      /* now: some that are not there any more */
    SQLITE_STATEMENTS
};

struct sqlite_statements {
    sqlite3 *db;
    sqlite3_stmt *prepared[SQLITE_STATEMENTS];
};

/* A call of the statement, which is prepared if it was not; a failure shows at its end. */
struct sqlite_call sqlite_statements_call(struct sqlite_statements *statements,
                                          enum sqlite_statement which);

/* Executes a statement without parameters. */
int sqlite_statements_do(struct sqlite_statements *statements, enum sqlite_statement which);

/* Prepares those that nearly each write needs; a failure shows when it is called. */
void sqlite_statements_prepare_usual(struct sqlite_statements *statements);

void sqlite_statements_finish(struct sqlite_statements *statements);

#endif
