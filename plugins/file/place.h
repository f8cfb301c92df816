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
    char *private_folder; /* in which something was refused; NULL: in none */
};

/* A message and code for `errnum` (positive) about `place`, to the task. Always ends it. */
void place_fail(ops_task task, int errnum, const struct place *place);

/* Settings as roots. OPS_E_RESOURCE: out of memory. */
ops_status roots_read(ops_val settings, struct ops_node *node);
void roots_finish(struct ops_node *node);

/*
 * Finds the allowed folder of `path`, absolute or below the present folder. 1: `out` is to be ended
 * with place_finish(). 0: the task has been ended, with the reason.
 */
int place_find(const struct ops_node *node, ops_task task, ops_str path, struct place *out);
void place_finish(struct place *place);

/*
 * As open(2), of what is there already. A descriptor, or a negative errno: EKEYREJECTED for what is
 * in a private folder.
 */
int place_open(struct place *place, int flags);

/* The same for `name` below the open folder `fd`, with the same rules. */
int place_open_below(struct place *place, int fd, const char *name, int flags);

/* The same for a new file that cannot be there yet; `fd` was opened by one of the above. */
int place_create_below(struct place *place, int fd, const char *name, int flags);

/* 0, or EKEYREJECTED, negative, when what was opened otherwise is in a private folder. */
int place_look(struct place *place, int fd);

/*
 * Opens the folder that the place is in; makes it, and those above, if `makes`. `*out_name` is the
 * last part of the path, borrowed. A descriptor, or a negative errno: EISDIR for the root itself.
 */
int place_open_parent(struct place *place, int makes, const char **out_name);

#endif
