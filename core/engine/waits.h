/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_WAITS_H
#define CORE_ENGINE_WAITS_H

/*
 * Waits: what the nodes of a run wait for before they may start. No record says it: it is what the
 * engine knows at this moment.
 *
 * Used by:  loop.
 * Uses:     dispatch, member.
 * Threads:  [loop]; pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/policy/breaker.h"

struct engine;
struct run;

enum engine_wait_kind {
    ENGINE_WAIT_PERMIT,  /* as many are at work as may be */
    ENGINE_WAIT_BUDGET,  /* too many of those at work are retries */
    ENGINE_WAIT_BREAKER, /* the service fails */
    ENGINE_WAIT_LIMIT,   /* it has been called, or a call of its task would be, too often */
    ENGINE_WAIT_MEMORY,  /* the values of the run take more than they may */
};

/* "permit", "budget", "breaker", "rate_limit", "memory"; static. */
const char *engine_wait_name(enum engine_wait_kind kind);

/* Borrowed until the next call of the engine. */
struct engine_wait {
    const struct run *run;
    uint64_t frame;
    uint32_t node;
    enum engine_wait_kind kind;
    struct str scope; /* "plugin http", "node sync/call", "run"; a breaker's key, a rate limit's */
    enum breaker_state state; /* of a breaker */
    int64_t until;            /* of an open breaker; of a rate limit, when the next has its turn;
                                 unix ms; BREAKER_NEVER: nobody knows */
    bool is_frozen;           /* it is no rate, but the service that wants no call now */
    uint32_t limit;           /* of a permit; of memory: MiB */
    uint32_t in_use;
};

/*
 * Calls `each` for the first `most` nodes of `root` and of the runs below it that wait, callers
 * first, and then for the calls of their tasks that wait for a rate limit. Returns how many there
 * are beyond these.
 */
typedef void (*engine_wait_cb)(void *user, const struct engine_wait *wait);
uint64_t engine_each_wait(const struct engine *engine, const struct run *root, uint64_t most,
                          engine_wait_cb each, void *user);

/*
 * Appends where it is, as it is seen from `root`: an id is the caller's and the path of the call.
 * See strbuf_status().
 */
void engine_append_wait_path(const struct run *root, const struct engine_wait *wait,
                             struct strbuf *out);

/* How many nodes of all runs wait so, also of runs that are not in memory. */
uint64_t engine_waiting(const struct engine *engine);

/* Whether a node of `root`, or of a run below it, waits for the breaker `key` or has asked it. */
bool engine_run_asks(const struct run *root, struct str key);

/* How many may be at work at a time: of a plugin, or of a node with a limit of its own. */
struct engine_limit {
    struct str scope; /* "plugin http", "node sync/call" */
    uint32_t limit;
    uint32_t in_use;
    uint32_t waiting;
    uint64_t allowed; /* permits given, since the process began */
    uint64_t delayed; /* who waited here for one before anything else */
};

/* The one after `*cursor`, which begins with NULL; false: there are no more. */
bool engine_next_limit(const struct engine *engine, const void **cursor,
                       struct engine_limit *out_limit);

#endif
