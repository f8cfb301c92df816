/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_SLEEPERS_H
#define CORE_ENGINE_SLEEPERS_H

/*
 * Sleepers: runs that are not in memory since all that may go on in them waits for one breaker.
 * Only their numbers are here. They are woken in their turns, as the breaker lets calls through:
 * for a trial as many as it takes, and later a few at a time, so that those who wait for permits
 * next are few, too.
 *
 * Used by:  engine.
 * Uses:     dispatch, turn_queue.
 * Threads:  [loop]; pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/engine/turn_queue.h"

struct dispatch;
struct dispatch_guard;
struct sleepers;

/* Owned: sleepers_destroy(). NULL when out of memory. */
struct sleepers *sleepers_create(void);
void sleepers_destroy(struct sleepers *sleepers);

struct sleeper_options {
    uint64_t number; /* of the run; not 0 */
    struct dispatch_guard *guard;
    uint32_t nodes;       /* that wait for it */
    struct turn_key turn; /* of the first of them; its id is not used, the number is */
    int64_t wake_at;      /* it has something else to do then, unix ms; INT64_MAX: nothing */
    struct str node;      /* the path of the first of them; copied */
};

/* Returns 0 or E_NOMEM. One that is there is there once, as said last. */
int sleepers_add(struct sleepers *sleepers, const struct sleeper_options *options);

/* It is awake, for whatever reason. */
void sleepers_remove(struct sleepers *sleepers, uint64_t number);

/* One that is to be woken at `now`; it sleeps no more. False: there is none. */
bool sleepers_next_awake(struct sleepers *sleepers, const struct dispatch *dispatch, int64_t now,
                         uint64_t *out_number);

/* When one may be woken, unless something happens to its breaker before; INT64_MAX: never. */
int64_t sleepers_next_due(const struct sleepers *sleepers, const struct dispatch *dispatch);

/* What is known of one, borrowed until the next call. False: it does not sleep. */
bool sleepers_find(const struct sleepers *sleepers, uint64_t number,
                   struct sleeper_options *out_sleeper);

uint64_t sleepers_count(const struct sleepers *sleepers);
uint64_t sleepers_nodes(const struct sleepers *sleepers); /* that wait in them */

/* Nodes that wait for the breaker in runs that sleep. */
uint32_t sleepers_waiting(const struct sleepers *sleepers, const struct dispatch_guard *guard);

#endif
