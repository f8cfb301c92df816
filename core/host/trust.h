/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_TRUST_H
#define CORE_HOST_TRUST_H

/*
 * Trust: which folders and files may hold code that runs in this process. There are three kinds:
 *
 *   * it belongs to root or to the user who runs this, and nobody else can write to it: its code is
 *     loaded as it lies there;
 *   * it belongs to another user, and nobody but that one (and root) can write to it: its code is
 *     copied and tried first, see trial.h;
 *   * others can write to it: it is refused.
 *
 * The folders above count as well, up to /: who can write there can put other files in its place.
 * See trust_above.h.
 *
 * Used by:  registry, registry_*, trial, copy_shelf.
 * Uses:     trust_above.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stdint.h>

struct error;
struct trust_above;

/* What changes when a file or folder does. All zero: it was not there. */
struct trust_stamp {
    uint64_t device;
    uint64_t inode;
    uint64_t size;
    int64_t modified_ns;
    int64_t changed_ns;
};

bool trust_stamp_equal(const struct trust_stamp *a, const struct trust_stamp *b);

/* Whether `fd` is the file of the stamp with the same content: it may have lost its name since. */
bool trust_stamp_is_of(const struct trust_stamp *stamp, int fd);

/* The stamp of `path`, links followed; all zero when there is nothing. */
struct trust_stamp trust_stamp_of(const char *path);

/*
 * Whether the folder at `path` may be used. `above` has the folders above that need not be looked
 * at again, and gets the others; NULL: all are looked at. Fails with E_NOT_FOUND, E_PLUGIN (others
 * can write to it, or to one above: the message says how to mend that), E_IO, E_NOMEM.
 */
int trust_check_folder(struct trust_above *above, const char *path, struct error *err);

/* A file that may be used. */
struct trust_file {
    int fd; /* open for reading: close() it */
    struct trust_stamp stamp;
    bool is_foreign; /* it, its folder or one above belongs to another user */
    uint32_t owner;  /* who that is */
};

/*
 * The same for a regular file and the folder that it is in; `path` has no symbolic links. On
 * success `*out_file` is set; fails as trust_check_folder().
 */
int trust_open_file(struct trust_above *above, const char *path, struct trust_file *out_file,
                    struct error *err);

#endif
