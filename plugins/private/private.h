/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_PRIVATE_PRIVATE_H
#define PLUGINS_PRIVATE_PRIVATE_H

/*
 * Private: whether what was opened lies in a folder that OpStream keeps for itself: its state,
 * secrets and cache. The program names them in the environment (sdk/README.md); nodes open nothing
 * in them. It is asked of a descriptor, after the opening and before the use, so that nobody can
 * change what a path leads to in between.
 *
 * Threads:  [any-thread]
 */

#include <limits.h>

#define PRIVATE_VARIABLE "OPSTREAM_PRIVATE_FOLDERS"

/* With one %s for the path, and one for the folder. */
#define PRIVATE_MESSAGE "'%s' is in the private folder '%s'"
#define PRIVATE_HINT                                                                               \
    "opstream keeps its state, secrets or cache there, and no node may open them, whatever the "   \
    "settings allow; use a file in another folder"

/*
 * 1: it is, and `folder` is the private one; 0: it is not; or a negative errno: it cannot be told,
 * as where /proc is not mounted, and is to be refused. `fd` may be one of O_PATH.
 */
int private_look(int fd, char folder[PATH_MAX]);

#endif
