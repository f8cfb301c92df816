/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_CHILD_ENV_H
#define CORE_HOST_CHILD_ENV_H

/*
 * Child env: the environment of a child process, put together from ours and from what is asked for.
 * Of two entries with one name the later one counts.
 *
 * Used by:  service_process.c.
 * Uses:     base.
 * Threads:  [any]; nobody in the process may change the environment.
 */

#include <stddef.h>

#include "core/base/str.h"

struct arena;

struct child_env {
    struct arena *arena; /* of the texts, borrowed; the array is the env's own */
    const char **entries;
    size_t count;
    size_t cap;
};

void child_env_init(struct child_env *env, struct arena *arena);
void child_env_finish(struct child_env *env);

/* "NAME=value", copied. E_INVALID: no '=' or nothing before it, a NUL byte. E_NOMEM. */
int child_env_add(struct child_env *env, struct str entry);

/* The same, kept by reference: as long as the env is used. `entry` has a NUL behind it. */
int child_env_add_kept(struct child_env *env, struct str entry);

/* Our own variable `name`, if there is one. E_INVALID: no name for a variable. E_NOMEM. */
int child_env_inherit(struct child_env *env, struct str name);

/* All of ours. E_NOMEM. */
int child_env_inherit_all(struct child_env *env);

/* The entries, NULL behind the last; borrowed until the next change. NULL: out of memory. */
const char *const *child_env_list(struct child_env *env);

#endif
