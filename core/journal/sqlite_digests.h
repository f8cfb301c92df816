/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_JOURNAL_SQLITE_DIGESTS_H
#define CORE_JOURNAL_SQLITE_DIGESTS_H

/*
 * Sqlite digests: a list of names of files in `blobs`.
 *
 * Used by:  the files of this folder.
 * Uses:     digest, sqlite_call.
 * Threads:  [any]; one list belongs to one thread at a time.
 */

#include <stddef.h>

#include "core/base/digest.h"
#include "core/journal/sqlite_call.h"

struct sqlite_digests {
    char (*items)[DIGEST_HEX_SIZE];
    size_t count;
    size_t cap;
};

#define SQLITE_DIGESTS_INIT ((struct sqlite_digests){0})

void sqlite_digests_finish(struct sqlite_digests *digests);

/* Adds the first column of each row of `sql`, whose one parameter (if any) is `number`. */
int sqlite_digests_add(struct sqlite_digests *digests, sqlite3 *db, const char *sql,
                       int64_t number);

#endif
