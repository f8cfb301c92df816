/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_SHELF_H
#define CORE_HOST_SHELF_H

/*
 * Shelf: a folder of generated files whose names are made of a key. Only those that were used last
 * stay, by their time of modification, which says when that was.
 *
 * Used by:  index_shelf, copy_shelf.
 * Uses:     base.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stddef.h>

enum { SHELF_USE_SECONDS = 24 * 3600 }; /* so exactly is it known when one was used last */

/* PREFIX, hex digits in lower case, SUFFIX. */
struct shelf_kind {
    const char *prefix;
    size_t digits; /* 64 at most */
    const char *suffix;
    size_t keeps;
};

bool shelf_has_name(const struct shelf_kind *kind, const char *name);

/* The file that is open as `fd` was used. */
void shelf_note_use(int fd);

/*
 * The file `own` of the folder was made: of those of its kind that were used least recently as many
 * go as are too many. Nothing else in the folder is touched.
 */
void shelf_sweep(const struct shelf_kind *kind, const char *folder, const char *own);

#endif
