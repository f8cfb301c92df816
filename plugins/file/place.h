/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_FILE_PLACE_H
#define PLUGINS_FILE_PLACE_H

/*
 * Place: a path below an allowed folder, and the only way to open one. The kernel itself sees to it
 * that what is opened is below the folder (openat2), whatever others do to the tree meanwhile.
 */

#include <sys/types.h>

#include "opstream/sdk.h"

enum { PLACE_NAME_BYTES = 255, PLACE_DEPTH_MAX = 64 };

/* The settings. */
struct ops_node {
    char **roots; /* as they were given */
    uint64_t n_roots;
    int follows_links; /* inside of the folders */
};

struct place {
    int root_fd;    /* of the allowed folder */
    char *path;     /* absolute, without "." and ".." */
    char *relative; /* the end of `path` that is below the folder; "." for the folder itself */
    int follows_links;
};

/* A message and code for `errnum` (positive) about `path`, to the task. Always ends it. */
void place_fail(ops_task task, int errnum, const char *path);

/* Settings as roots. OPS_E_RESOURCE: out of memory. */
ops_status roots_read(ops_val settings, struct ops_node *node);
void roots_finish(struct ops_node *node);

/*
 * Finds the allowed folder of `path`, absolute or below the present folder. 1: `out` is to be ended
 * with place_finish(). 0: the task has been ended, with the reason.
 */
int place_find(const struct ops_node *node, ops_task task, ops_str path, struct place *out);
void place_finish(struct place *place);

/* As open(2). A descriptor, or a negative errno. */
int place_open(const struct place *place, int flags);

/* The same for `name` below the open folder `fd`, with the same rules. */
int place_open_below(const struct place *place, int fd, const char *name, int flags);

/*
 * Opens the folder that the place is in; makes it, and those above, if `makes`. `*out_name` is the
 * last part of the path, borrowed. A descriptor, or a negative errno: EISDIR for the root itself.
 */
int place_open_parent(const struct place *place, int makes, const char **out_name);

#endif
