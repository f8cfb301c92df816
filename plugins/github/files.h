/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_GITHUB_FILES_H
#define PLUGINS_GITHUB_FILES_H

/*
 * Files: of a repository. GitHub gives them in base64, and takes a change only with the hash of
 * what it replaces; so writing reads first, and what is there already is not written again.
 *
 * Used by:  the github plugin.
 * Uses:     service/.
 * Threads:  [strand]
 */

#include "service/call.h"

#define FILES_PATH "/repos/{+repo}/contents/{+path}"

extern const char *const files_query[];
extern const char *const files_body[];
extern const struct pick files_read[];
extern const struct pick files_written[];

/* The steps of `github.get_file`. */
void files_get(struct service_call *call);

/* The steps of `github.create_or_update_file`, and what they add to its body. */
void files_put(struct service_call *call);
void files_add_body(struct service_call *call, struct ops_map *body);

#endif
