/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_JOURNAL_SQLITE_PROJECTION_H
#define CORE_JOURNAL_SQLITE_PROJECTION_H

/*
 * Sqlite projection: what the records of one transaction change in the tables `runs` and `nodes`.
 * Records are noted one by one; their net effect is written once, before the commit: a node that
 * begins and ends meanwhile is one row, an iteration that begins and ends none.
 *
 * Used by:  sqlite_rows.
 * Uses:     record, sqlite_statements.
 * Threads:  that of the connection.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/journal/path_table.h"
#include "core/journal/sqlite_statements.h"

struct record;

struct sqlite_projection {
    struct sqlite_statements *statements;
    struct path_table runs;
    struct path_table nodes;
    struct path_table frames; /* iterations that begin or end */
    uint64_t noted;           /* records so far */
};

void sqlite_projection_init(struct sqlite_projection *projection,
                            struct sqlite_statements *statements);
void sqlite_projection_finish(struct sqlite_projection *projection);

/* Forgets what was noted. */
void sqlite_projection_clear(struct sqlite_projection *projection);

/*
 * Notes a record (kept until the next clear) that has the row `id` of the table `journal`. A
 * record that does not continue its run is our bug. Returns SQLite's code.
 */
int sqlite_projection_note(struct sqlite_projection *projection, const struct record *record,
                           uint64_t id);

/* Writes it all. A run that is not where its first record was decided is our bug. */
int sqlite_projection_write(struct sqlite_projection *projection);

#endif
