/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_JOURNAL_SQLITE_FILE_H
#define CORE_JOURNAL_SQLITE_FILE_H

/*
 * Sqlite file: `state.db` of a state folder, made whole or not at all, recognised before SQLite
 * touches it, and opened with the settings that the promises rest on.
 *
 * Used by:  the files of this folder.
 * Uses:     sqlite3, sqlite_schema.
 * Threads:  [any]; a connection belongs to one thread at a time.
 */

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct error;

#define SQLITE_FILE_NAME "state.db"

enum { SQLITE_FILE_INSTANCE_SIZE = 14 };

/* What `meta` says. */
struct sqlite_file_meta {
    char instance[SQLITE_FILE_INSTANCE_SIZE];
    uint64_t epoch;
    uint32_t schema;
};

/*
 * Makes the file when there is none, brings an older one forward, and opens it for writing.
 * `*out_db` is owned: sqlite3_close(). Fails as journal_sqlite_open() does.
 */
int sqlite_file_open(const char *folder, sqlite3 **out_db, struct sqlite_file_meta *out_meta,
                     struct error *err);

/* The same for reading: nothing is made or brought forward. E_NOT_FOUND when there is none. */
int sqlite_file_open_reader(const char *folder, sqlite3 **out_db, struct sqlite_file_meta *out_meta,
                            struct error *err);

/* "FOLDER/NAME". Owned: free(). NULL when out of memory. */
char *sqlite_file_path(const char *folder, const char *name);

/* Syncs the directory `path`: names in it are durable then. 0 or an errno value. */
int sqlite_file_sync_folder(const char *path);

/* Whether SQLite fails so on a damaged file, rather than for lack of something. */
bool sqlite_file_is_damage(int rc);

/* What SQLite says of `rc`: of `db`, unless another call has succeeded since. Until the next call.
 */
const char *sqlite_file_reason(sqlite3 *db, int rc);

/* Puts what SQLite says about `db` into `err`, and returns the error code for `rc`. */
int sqlite_file_fault(sqlite3 *db, int rc, const char *what, struct error *err);

#endif
