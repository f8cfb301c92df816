/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_SECRET_FILE_H
#define CORE_LOOP_SECRET_FILE_H

/*
 * Secret file: a file with something secret in it. It is read only when nobody else can read or
 * change it, and written so that after a crash it is the old one or the new one.
 *
 * Used by:  secret_files, secret_keys, secret_store.
 * Uses:     base.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

struct error;

/* Its bytes in guarded memory: secret_file_finish(). */
struct secret_file {
    char *p; /* NUL-terminated */
    size_t n;
    size_t size;    /* of the memory */
    uint64_t stamp; /* of this content; 0: it may change without being seen */
};

enum secret_file_flag {
    SECRET_FILE_GROUP_READS = 1u << 0, /* the group may read it */
    SECRET_FILE_LINKS = 1u << 1,       /* it may be a link to a place in the folder */
};

struct secret_file_wish {
    int folder;       /* a descriptor of its folder */
    const char *path; /* for messages; its last part is the file's name there */
    unsigned flags;   /* SECRET_FILE_* */
    size_t limit_bytes;
    uint64_t known; /* the stamp of the content that the caller has; 0: none */
};

enum { SECRET_FILE_UNCHANGED = 1 };

/*
 * Reads the file, unless its stamp is `known`. `*out_file` is to be ended. Fails with E_NOT_FOUND,
 * E_INVALID (no regular file, or others can read or change it: `err` says what to do), E_LIMIT,
 * E_IO, E_NOMEM.
 */
int secret_file_read(const struct secret_file_wish *wish, struct secret_file *out_file,
                     struct error *err);
void secret_file_finish(struct secret_file *file);

/*
 * Puts `bytes` in the place of the file, mode 0600: what is there afterwards is durable. Callers
 * hold a lock. Fails with E_IO.
 */
int secret_file_write(int folder, const char *path, struct str bytes, struct error *err);

#endif
