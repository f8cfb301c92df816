/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_INDEX_SHELF_H
#define CORE_HOST_INDEX_SHELF_H

/*
 * Index shelf: the folder where each program, with its list of folders, has an index of plugins:
 * plugins-0123456789abcdef.index. Builds and lists of folders come and go, and their indexes with
 * them: only the latest stay. One that goes though it is still used is made anew at the next start.
 *
 * Used by:  registry_index.
 * Uses:     shelf.
 * Threads:  [main]
 */

enum { INDEX_SHELF_KEEPS = 8 };

/* The index that is open as `fd` was used: known as exactly as SHELF_USE_SECONDS. */
void index_shelf_note_use(int fd);

/*
 * The index at `path` was made: of those beside it that were used least recently as many go as are
 * too many. Nothing else in the folder is touched, and nothing at all when `path` has another name.
 */
void index_shelf_sweep(const char *path);

#endif
