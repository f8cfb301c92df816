/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_SECRET_FILES_H
#define CORE_LOOP_SECRET_FILES_H

/*
 * Secret files: a folder with a file for each secret, as service managers and containers make
 * them. The file has exactly the secret's name; its text is the value, without the line's end. A
 * link counts when it stays in the folder.
 *
 * Used by:  secret_sources.
 * Uses:     secret_file, value (secrets).
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/value/secrets.h"

struct error;

struct secret_files {
    const char *folder; /* borrowed; NULL: there is none */
    const char *label;  /* "the folder" */
    bool is_asked_for;  /* somebody named it: it is a fault when it cannot be read */
};

/*
 * As read() of secrets_source. A file that is there and cannot be taken is a fault, so that none
 * of a source behind this one is taken instead.
 */
int secret_files_read(const struct secret_files *files, struct str name, uint64_t known,
                      struct secrets_reading *out_reading, struct error *err);

#endif
