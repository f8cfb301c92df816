/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_DISPATCH_H
#define CORE_ENGINE_DISPATCH_H

/*
 * Dispatch: the machine of the scopes that runs share. A node that wants to start asks with a
 * ticket that names its scopes; all are asked at one instant, and permits are taken only if all
 * agree. Else the ticket waits in the queue of the scope that refused, costs nothing, and is
 * asked again when that scope gets a permit back: first come, first served within a scope.
 *
 * Used by:  engine.
 * Uses:     base.
 * Threads:  [loop]; pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

struct dispatch;
struct dispatch_scope;
struct error;

enum { DISPATCH_MAX_SCOPES = 3 };

enum dispatch_ticket_state {
    DISPATCH_IDLE,
    DISPATCH_WAITING,
    DISPATCH_ADMITTED, /* granted, not yet taken by dispatch_next_admitted() */
    DISPATCH_HELD,     /* its permits are in use */
};

/* Lives in the memory of whoever asks; all zero at first. */
struct dispatch_ticket {
    struct dispatch_scope *scopes[DISPATCH_MAX_SCOPES];
    uint32_t scope_count;
    enum dispatch_ticket_state state;
    struct dispatch_scope *waits_in;
    struct dispatch_ticket *next; /* in the queue it is in */
    struct dispatch_ticket *previous;
    void *owner; /* the caller's */
    uint64_t frame;
    uint32_t node;
};

/* Owned: dispatch_destroy(). NULL when out of memory. */
struct dispatch *dispatch_create(void);
void dispatch_destroy(struct dispatch *dispatch);

/*
 * The scope `key` with its limit; made when it is new, and the limit of the first stands. It
 * lives as long as the dispatch. Returns 0 or E_NOMEM.
 */
int dispatch_scope(struct dispatch *dispatch, struct str key, uint32_t limit,
                   struct dispatch_scope **out_scope);

/* A scope that no key names, for the tickets of one owner. Owned; NULL when out of memory. */
struct dispatch_scope *dispatch_scope_create(uint32_t limit);
/* Nobody may hold or wait for its permits. NULL is fine. */
void dispatch_scope_destroy(struct dispatch_scope *scope);

/* An idle ticket asks. It is kept until dispatch_release(). */
void dispatch_want(struct dispatch *dispatch, struct dispatch_ticket *ticket);

/* Takes the wish, or the permits, back. For an idle ticket nothing happens. */
void dispatch_release(struct dispatch *dispatch, struct dispatch_ticket *ticket);

/* The next ticket that was admitted, each once, in order; NULL when there is none. */
struct dispatch_ticket *dispatch_next_admitted(struct dispatch *dispatch);

/* For queries and tests. */
uint32_t dispatch_scope_in_use(const struct dispatch_scope *scope);
uint32_t dispatch_scope_limit(const struct dispatch_scope *scope);

#endif
