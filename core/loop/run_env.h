/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_RUN_ENV_H
#define CORE_LOOP_RUN_ENV_H

/*
 * Run env: the values of environment variables that somebody brought for a run, over those of the
 * engine. They are kept in memory alone: another engine has its own, or waits until somebody brings
 * them again. Those of the latest runs that have ended stay, for who tries these again.
 *
 * Used by:  run_driver, commands, restorer, retry; for the files of this folder alone.
 * Uses:     value.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

struct document;

struct run_env_entry {
    uint64_t root; /* its number */
    struct document *values;
    bool has_ended;
};

/* Runs that have ended whose values stay. */
enum { RUN_ENV_ENDED_MOST = 256 };

/* Empty when zeroed. */
struct run_env {
    struct run_env_entry *entries; /* by number */
    size_t count;
    size_t cap;
    size_t ended;
};

/* `values` is shared: a map of texts. They replace what was there. Fails with E_NOMEM. */
int run_env_set(struct run_env *env, uint64_t root, const struct document *values);
/* Borrowed; NULL: nobody brought any. */
const struct document *run_env_find(const struct run_env *env, uint64_t root);
/* The run has ended: its values may go. */
void run_env_end(struct run_env *env, uint64_t root);
void run_env_finish(struct run_env *env);

/*
 * All of `over` (NULL: none), and what else `values` (NULL: none) has: `*out` is owned, and NULL
 * when there is none. Fails with E_NOMEM.
 */
int run_env_merge(const struct document *values, const struct document *over,
                  struct document **out);

/* The text of `name` in `values` (NULL: none), NUL-terminated; NULL: it is not there. No secret is.
 */
const char *run_env_value(const struct document *values, struct str name);

#endif
