/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_FILE_WALK_H
#define PLUGINS_FILE_WALK_H

/*
 * Walk: the entries of a folder and those below it, sorted by path. Symbolic links are told, never
 * followed, and what is in private folders is left out. By recursion, at most PLACE_DEPTH_MAX
 * folders deep.
 */

#include <time.h>

#include "place.h"

enum { WALK_LOOKED_AT_MAX = 1000000 };

struct entry {
    char *path;       /* below the folder */
    const char *type; /* "file", "folder", "link", "other"; static */
    int64_t size;
    struct timespec modified;
};

struct walk {
    ops_task task; /* asked whether it was cancelled */
    struct place *place;
    int is_recursive;
    int takes_hidden;    /* names that begin with a dot */
    const char *pattern; /* of paths below the folder; NULL: all */
    uint64_t max_entries;
    struct entry *entries;
    uint64_t n;
    uint64_t cap;
    uint64_t looked_at;
};

/* Fills the entries. 0 or a negative errno: E2BIG over max_entries, ECANCELED. */
int walk_run(struct walk *walk, int fd);
void walk_finish(struct walk *walk);

#endif
