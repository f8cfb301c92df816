/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_TAPE_FILE_H
#define CORE_LOOP_TAPE_FILE_H

/*
 * Tape file: a tape is written whole, beside its name and then under it, for its owner alone.
 *
 * Used by:  tape; for the files of this folder alone.
 * Uses:     base.
 * Threads:  [loop]
 */

#include <stddef.h>

#include "core/base/str.h"

struct error;

/* A file that is to be: {0} is none. */
struct tape_file {
    char *path;
    char *draft; /* NULL: there is none (any more) */
    int fd;
};

/* Makes the draft. End it in every case with tape_file_finish(). Fails with E_IO, E_NOMEM. */
int tape_file_begin(struct tape_file *file, const char *path, struct error *err);

/* Writes `text` and gives it the name. Once. Fails with E_IO. */
int tape_file_save(struct tape_file *file, struct str text, struct error *err);

/* Removes a draft that was not saved. */
void tape_file_finish(struct tape_file *file);

/* A whole tape; `*out_text` is owned: free(). Fails with E_NOT_FOUND, E_IO, E_LIMIT, E_NOMEM. */
int tape_file_read(const char *path, char **out_text, size_t *out_size, struct error *err);

#endif
