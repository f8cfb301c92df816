/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_COPY_SHELF_H
#define CORE_HOST_COPY_SHELF_H

/*
 * Copy shelf: the host's own copies of plugin files, by their SHA-256: FOLDER/SHA256.so. What is
 * loaded from there is what was hashed, read and tried, whatever becomes of the file that it was
 * copied from; and another version is another path, which the loader needs to see it as another
 * library. The folder is 0700, a copy 0500; above it nobody but root and the user who runs this can
 * write, so that what was looked at is what is loaded. Only the latest stay: a process that has one
 * that goes keeps what it has mapped, and one that is needed again is made again.
 *
 * Used by:  registry, registry_file, registry_catalogue, trial.
 * Uses:     base, shelf, private_file, trust, trust_above, probe_result.
 * Threads:  [any]
 */

#include <limits.h>
#include <stdbool.h>

#include "core/base/digest.h"

struct error;
struct probe_result;

enum {
    COPY_SHELF_KEEPS = 64,    /* copies */
    COPY_SHELF_RESULTS = 512, /* what is known of them, and of those that are gone */
    COPY_SHELF_FOLDERS = 2,
};

/* Where copies may lie; the first that can be written to is used, and all are looked into. */
struct copy_folders {
    const char *paths[COPY_SHELF_FOLDERS]; /* NULL: no more */
};

/* A copy that is whole. */
struct copy {
    const char *folder; /* of the copy_folders */
    char hash[DIGEST_HEX_SIZE];
    char path[PATH_MAX];
};

/*
 * The copy of the file at `path`. `hash` (hex): what its manifest was read from; if it is there
 * already the file is not opened. NULL: whatever the file is now. Fails with E_CONFLICT (the file
 * is another one by now), E_IO (no folder can be written to, or others can put another in its
 * place), E_LIMIT, and as trust_open_file().
 */
int copy_shelf_get(const struct copy_folders *folders, const char *path, const char *hash,
                   struct copy *out_copy, struct error *err);

/* All that can be read from `from`, written to `to`, and its SHA-256 in hex. Fails with E_IO. */
int copy_shelf_hash(int from, int to, char out_hash[DIGEST_HEX_SIZE], struct error *err);

/* The result on the file with this hash, wherever it lies; as probe_result_read(). */
bool copy_shelf_find_result(const struct copy_folders *folders, const char *hash,
                            struct probe_result *out);

/* Forgets it, wherever it lies. */
void copy_shelf_remove_result(const struct copy_folders *folders, const char *hash);

#endif
