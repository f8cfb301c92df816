/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_JOURNAL_SQLITE_ROWS_H
#define CORE_JOURNAL_SQLITE_ROWS_H

/*
 * Sqlite rows: what a write becomes in the tables.
 *
 * Used by:  the files of this folder.
 * Uses:     record_json, sqlite_blobs, sqlite_cache, sqlite_projection, sqlite_statements.
 * Threads:  that of the connection.
 */

#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/journal/sqlite_blobs.h"
#include "core/journal/sqlite_cache.h"
#include "core/journal/sqlite_projection.h"
#include "core/journal/sqlite_statements.h"

struct journal_write;

struct sqlite_rows {
    struct sqlite_statements *statements;
    struct sqlite_blobs blobs;
    struct sqlite_cache cache;
    struct sqlite_projection projection;
    uint64_t last_id; /* of the table `journal` */
    uint64_t last_id_before;
    size_t bytes;         /* of the transaction so far */
    struct strbuf body;   /* of one record */
    struct strbuf blob;   /* {"output":"digest"} */
    struct strbuf member; /* one document */
};

/* Reads where the table `journal` ends; `folder` (kept) is the state folder. Returns SQLite's code.
 */
int sqlite_rows_init(struct sqlite_rows *rows, struct sqlite_statements *statements,
                     const char *folder);
void sqlite_rows_finish(struct sqlite_rows *rows);

/* A transaction begins; the one before was committed, or was rolled back. */
void sqlite_rows_begin(struct sqlite_rows *rows);

/* All return SQLite's code. The write is kept until the transaction ends. */
int sqlite_rows_add(struct sqlite_rows *rows, const struct journal_write *write);
/* Before the commit: what waits for it. */
int sqlite_rows_complete(struct sqlite_rows *rows);
/* After a roll-back. */
void sqlite_rows_undo(struct sqlite_rows *rows);

#endif
