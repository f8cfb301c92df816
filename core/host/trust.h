/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_TRUST_H
#define CORE_HOST_TRUST_H

/*
 * Trust: which folders and files may hold code that runs in this process: those that belong to root
 * or to the user who runs it, and that nobody else can write to.
 *
 * Used by:  registry.
 * Uses:     base.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stdint.h>

struct error;

/* What changes when a file or folder does. All zero: it was not there. */
struct trust_stamp {
    uint64_t device;
    uint64_t inode;
    uint64_t size;
    int64_t modified_ns;
    int64_t changed_ns;
};

bool trust_stamp_equal(const struct trust_stamp *a, const struct trust_stamp *b);

/* The stamp of `path`, links followed; all zero when there is nothing. */
struct trust_stamp trust_stamp_of(const char *path);

/*
 * Whether the folder at `path` is to be trusted. Fails with E_NOT_FOUND, E_PLUGIN (the message says
 * why and how to mend it), E_IO. `out_stamp` may be NULL.
 */
int trust_check_folder(const char *path, struct trust_stamp *out_stamp, struct error *err);

/*
 * The same for a regular file and the folder that it is in; `path` has no symbolic links. On
 * success `*out_fd` is the file, open for reading; close() it.
 */
int trust_open_file(const char *path, int *out_fd, struct trust_stamp *out_stamp,
                    struct error *err);

#endif
