/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_JOURNAL_SQLITE_BLOBS_H
#define CORE_JOURNAL_SQLITE_BLOBS_H

/*
 * Sqlite blobs: large documents as files of the state folder, blobs/ab/abcdef..., named by the
 * SHA-256 of their text. A file is written under another name, synced, renamed, and its folder
 * synced: whoever finds the name finds all of it. The table `blobs` says which runs need it.
 *
 * Used by:  the files of this folder.
 * Uses:     digest, sqlite_statements.
 * Threads:  writing: that of the connection; reading: [any].
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/digest.h"
#include "core/base/str.h"
#include "core/journal/sqlite_statements.h"

struct error;

enum { SQLITE_BLOBS_INLINE_BYTES = 64 * 1024 }; /* longer texts are files */

/* Which folders are durable, so that they are synced once in a process. */
struct sqlite_blobs {
    struct sqlite_statements *statements;
    const char *folder; /* kept: the state folder */
    bool has[256];      /* blobs/ab, by what its name says */
};

/*
 * Makes the file of `text` and notes that `run` needs it. Returns SQLite's code: SQLITE_FULL when
 * there is no room, SQLITE_CANTOPEN when a file cannot be made, SQLITE_IOERR_FSYNC when a sync
 * failed, SQLITE_IOERR_WRITE.
 */
int sqlite_blobs_put(struct sqlite_blobs *blobs, uint64_t run, struct str text,
                     char out_digest[DIGEST_HEX_SIZE]);

/* Appends the text. Fails with E_CORRUPT (it is lost, or another text), E_IO, E_NOMEM. */
int sqlite_blobs_read(const char *folder, struct str digest, struct strbuf *out, struct error *err);

/* Removes the file; that it is gone already is fine. 0 or E_IO, E_NOMEM. */
int sqlite_blobs_remove(const char *folder, struct str digest, struct error *err);

/*
 * Calls `each` for every file in "FOLDER/blobs": its folder's path and its name, a digest or what
 * is left of one half made. Stops when it returns other than 0, and returns that. No `blobs`: 0.
 */
typedef int (*sqlite_blobs_each_cb)(void *user, const char *parent, const char *name);
int sqlite_blobs_each(const char *folder, sqlite_blobs_each_cb each, void *user, struct error *err);

/* Copies the file to "TARGET/blobs", durably; one that is there already stays. E_NOT_FOUND. */
int sqlite_blobs_copy(const char *folder, const char *target, struct str digest, struct error *err);

/* "FOLDER/blobs/ab/abcdef...". Owned: free(). NULL when out of memory. */
char *sqlite_blobs_path(const char *folder, struct str digest);

#endif
