/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_JOURNAL_SQLITE_SCHEMA_H
#define CORE_JOURNAL_SQLITE_SCHEMA_H

/*
 * Sqlite schema: the tables, and how a file of an older version gets them. Step n brings a file
 * from version n - 1 to n; steps that were released never change.
 *
 * Used by:  the files of this folder.
 * Uses:     sqlite3.
 * Threads:  that of the connection.
 */

#include <sqlite3.h>
#include <stdint.h>

enum { SQLITE_SCHEMA_VERSION = 7 };

/* "OpSt", in the header of the file. */
#define SQLITE_SCHEMA_APPLICATION 0x4f705374

/* Carries out the steps above `from`, inside the caller's transaction. Returns SQLite's code. */
int sqlite_schema_raise(sqlite3 *db, uint32_t from);

#endif
