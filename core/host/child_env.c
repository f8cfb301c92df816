/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/child_env.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/grow.h"

void child_env_init(struct child_env *env, struct arena *arena)
{
    *env = (struct child_env){.arena = arena};
}

void child_env_finish(struct child_env *env)
{
    free(env->entries);
    *env = (struct child_env){0};
}

/* Bytes of the name and its '='; 0: it is no entry. */
static size_t name_length(struct str entry)
{
    const char *equals = entry.n > 0 ? memchr(entry.p, '=', entry.n) : NULL;
    return equals == NULL || equals == entry.p ? 0 : (size_t)(equals - entry.p) + 1;
}

static int put(struct child_env *env, const char *text, size_t name_n)
{
    for (size_t i = 0; i < env->count; i++) {
        if (strncmp(env->entries[i], text, name_n) == 0) {
            env->entries[i] = text;
            return 0;
        }
    }
    const char **grown =
        array_reserve(env->entries, &env->cap, env->count + 2, sizeof(*env->entries));
    if (grown == NULL) {
        return E_NOMEM;
    }
    env->entries = grown;
    env->entries[env->count++] = text;
    return 0;
}

int child_env_add(struct child_env *env, struct str entry)
{
    size_t name_n = name_length(entry);
    if (name_n == 0 || memchr(entry.p, '\0', entry.n) != NULL) {
        return E_INVALID;
    }
    const char *text = arena_dup(env->arena, entry);
    return text != NULL ? put(env, text, name_n) : E_NOMEM;
}

int child_env_add_kept(struct child_env *env, struct str entry)
{
    size_t name_n = name_length(entry);
    return name_n == 0 || memchr(entry.p, '\0', entry.n) != NULL ? E_INVALID
                                                                 : put(env, entry.p, name_n);
}

int child_env_inherit(struct child_env *env, struct str name)
{
    if (name.n == 0 || memchr(name.p, '\0', name.n) != NULL ||
        memchr(name.p, '=', name.n) != NULL) {
        return E_INVALID;
    }
    for (char **at = environ; at != NULL && *at != NULL; at++) {
        if (strncmp(*at, name.p, name.n) == 0 && (*at)[name.n] == '=') {
            return child_env_add(env, str_from(*at));
        }
    }
    return 0;
}

int child_env_inherit_all(struct child_env *env)
{
    for (char **at = environ; at != NULL && *at != NULL; at++) {
        if (child_env_add(env, str_from(*at)) == E_NOMEM) {
            return E_NOMEM; /* an entry that is none is left out */
        }
    }
    return 0;
}

const char *const *child_env_list(struct child_env *env)
{
    const char **grown =
        array_reserve(env->entries, &env->cap, env->count + 1, sizeof(*env->entries));
    if (grown == NULL) {
        return NULL;
    }
    env->entries = grown;
    env->entries[env->count] = NULL;
    return env->entries;
}
