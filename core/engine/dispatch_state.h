/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_DISPATCH_STATE_H
#define CORE_ENGINE_DISPATCH_STATE_H

/*
 * The inside of a dispatch, for its own files alone.
 *
 * Used by:  dispatch, dispatch_guard, dispatch_limit.
 * Uses:     dispatch_scope, guard, limiter, ticket_queue.
 * Threads:  [loop]; pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/engine/dispatch.h"
#include "core/engine/dispatch_scope.h"
#include "core/engine/guard.h"
#include "core/engine/limiter.h"
#include "core/engine/ticket_queue.h"

struct dispatch {
    bool is_held;
    int64_t now; /* unix ms */
    struct dispatch_scopes scopes;
    struct guards guards;
    struct limiters limiters;
    uint64_t asked;    /* tickets so far */
    int64_t last_turn; /* when the last of these asked, which no clock turns back */
    struct dispatch_list admitted;
    struct dispatch_list refused;
    struct dispatch_list calls; /* that were admitted */
    uint64_t waiting;           /* tickets */
};

/* Admits the ticket, or puts it into the queue of who refuses it first. */
void dispatch_ask(struct dispatch *dispatch, struct dispatch_ticket *ticket);
/* The same for one that waits. */
void dispatch_ask_again(struct dispatch *dispatch, struct dispatch_ticket *ticket);

/* It waits in `queue` from here on, because of what `waits_for` says. */
void dispatch_let_wait(struct dispatch *dispatch, struct dispatch_ticket *ticket,
                       struct dispatch_queue *queue, enum dispatch_wait waits_for);
void dispatch_leave_queue(struct dispatch *dispatch, struct dispatch_ticket *ticket);

/* It does not wait: dispatch_next_refused() gives it. */
void dispatch_refuse(struct dispatch *dispatch, struct dispatch_ticket *ticket);

#endif
