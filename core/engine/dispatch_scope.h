/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_DISPATCH_SCOPE_H
#define CORE_ENGINE_DISPATCH_SCOPE_H

/*
 * Dispatch scopes: permits that those in a scope share, with a budget for retries, and who waits
 * for either.
 *
 * Used by:  dispatch, and those that ask about its scopes.
 * Uses:     base, policy (retry_budget), ticket_queue.
 * Threads:  [loop]; pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/str.h"
#include "core/base/strmap.h"
#include "core/engine/ticket_queue.h"
#include "core/policy/retry_budget.h"

struct dispatch_scope {
    struct str key; /* empty: no key names it */
    uint32_t limit;
    uint32_t in_use;
    uint64_t allowed;
    uint64_t delayed;
    struct retry_budget budget;
    struct dispatch_queue waiting;
    struct dispatch_queue retries; /* that the budget refused */
    struct dispatch_scope *next;
};

/* All zero: there are none. They live as long as the set. */
struct dispatch_scopes {
    struct arena arena; /* scopes and their keys */
    struct strmap by_key;
    struct dispatch_scope *first; /* in the order of their making */
    struct dispatch_scope *last;
};

/* See dispatch_scope(). */
int dispatch_scopes_find(struct dispatch_scopes *scopes, struct str key, uint32_t limit,
                         struct dispatch_scope **out_scope);
void dispatch_scopes_finish(struct dispatch_scopes *scopes);

/* A scope that no key names, for the tickets of one owner. Owned; NULL when out of memory. */
struct dispatch_scope *dispatch_scope_create(uint32_t limit);
/* Nobody may hold or wait for its permits. NULL is fine. */
void dispatch_scope_destroy(struct dispatch_scope *scope);

/* The first of the ticket's scopes that has no permit left; NULL: all have. */
struct dispatch_scope *dispatch_scope_find_refusing(const struct dispatch_ticket *ticket);

/* The budget for retries is that of the first scope. */
bool dispatch_scope_is_within_budget(const struct dispatch_ticket *ticket);

/* A permit of each of its scopes. */
void dispatch_scope_take(const struct dispatch_ticket *ticket);
void dispatch_scope_give_back(const struct dispatch_ticket *ticket);

/* ---- for queries and tests ---- */

struct str dispatch_scope_key(const struct dispatch_scope *scope); /* empty: it has none */
uint32_t dispatch_scope_waiting(const struct dispatch_scope *scope);
uint32_t dispatch_scope_in_use(const struct dispatch_scope *scope);
uint32_t dispatch_scope_limit(const struct dispatch_scope *scope);
/* Tickets since it was made: that got a permit, that waited here before they did elsewhere. */
uint64_t dispatch_scope_allowed(const struct dispatch_scope *scope);
uint64_t dispatch_scope_delayed(const struct dispatch_scope *scope);

#endif
