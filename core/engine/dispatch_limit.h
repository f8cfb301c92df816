/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_DISPATCH_LIMIT_H
#define CORE_ENGINE_DISPATCH_LIMIT_H

/*
 * Dispatch limit: what tickets meet at the rate limits of a service, and what the service says of
 * them.
 *
 * Used by:  dispatch, tickets.
 * Uses:     dispatch_state, limiter, resource.
 * Threads:  [loop]; pure.
 */

#include <stdint.h>

#include "core/base/str.h"

struct dispatch;
struct dispatch_ticket;
struct limiter;

/* The service of the ticket wants no call before `until`, unix ms: it is the first limiter's. */
void dispatch_limit_freeze(struct dispatch *dispatch, const struct dispatch_ticket *ticket,
                           int64_t until);

/*
 * The service of the ticket says that so many calls remain until `reset_at`, unix ms; 0: it does
 * not say until when. None until then is as if it had frozen them.
 */
void dispatch_limit_lower(struct dispatch *dispatch, const struct dispatch_ticket *ticket,
                          uint32_t remaining, int64_t reset_at);

/*
 * The same of what the service calls `resource`, which other calls do not fall under; so does what
 * is of the ticket's operation from here on. Returns 0 or E_NOMEM.
 */
int dispatch_limit_lower_resource(struct dispatch *dispatch, const struct dispatch_ticket *ticket,
                                  struct str resource, uint32_t remaining, int64_t reset_at);

/* ---- for dispatch ---- */

/* Who refuses longest, or has others in front; NULL: nobody. */
struct limiter *dispatch_limit_find(const struct dispatch *dispatch,
                                    const struct dispatch_ticket *ticket);

/* More may be known of the service than when the ticket asked last. */
void dispatch_limit_choose_resource(struct dispatch_ticket *ticket);

/* Asks those whose turn has come. */
void dispatch_limit_wake(struct dispatch *dispatch, struct limiter *limiter);
/* The same for all that somebody waits for. */
void dispatch_limit_tick(struct dispatch *dispatch);

#endif
