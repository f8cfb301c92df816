/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_PRIVATE_FILE_H
#define CORE_HOST_PRIVATE_FILE_H

/*
 * Private file: a small generated file that only its user can write to, read and replaced whole.
 *
 * Used by:  registry_index, probe_result, copy_shelf.
 * Uses:     base.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"

/*
 * The whole file at `path`, appended to `out`. False when there is none, it is no regular file of
 * ours, others can write to it, it has more than `most` bytes, or it cannot be read. `on_open` (may
 * be NULL) gets its descriptor.
 */
bool private_file_read(const char *path, size_t most, void (*on_open)(int fd), struct strbuf *out);

/*
 * Puts `text` in the place of the file at `path`, so that nobody ever sees half of it; folders
 * above it are made. 0 or an errno value.
 */
int private_file_replace(const char *path, struct str text);

/* The folders above `path`, as far as they are missing. What cannot be made is left out. */
void private_file_make_parents(const char *path);

/* All of `bytes`. 0 or an errno value. */
int private_file_write(int fd, struct str bytes);

#endif
