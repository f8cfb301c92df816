/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_TICKETS_H
#define CORE_ENGINE_TICKETS_H

/*
 * Tickets: with what a node asks dispatch for permits: the scopes of its plugin, of itself and of
 * its run, and the breaker of the service that it calls. The rate limits of a service are asked
 * once for each attempt, or, where the plugin calls by ops.http, for each call that it makes; then
 * `max_concurrency` is that of the service too, for nodes at work and for calls under way.
 *
 * Used by:  engine.
 * Uses:     dispatch, member, service.
 * Threads:  [loop]; pure.
 */

#include <stdint.h>

#include "core/base/str.h"

struct dispatch;
struct dispatch_ticket;
struct effect;
struct member;

struct tickets {
    struct dispatch *dispatch;
    uint32_t plugin_concurrency; /* where a pipeline does not say */
    uint32_t process_concurrency;
    uint32_t call_concurrency; /* HTTP calls in all */
};

/* EFFECT_WANT_START of a run of `member`. Fails with E_NOMEM. */
int tickets_want(const struct tickets *tickets, struct member *member, const struct effect *wish);

/* A call of `url`; see engine_want_call(). Fails with E_NOMEM. */
int tickets_want_call(const struct tickets *tickets, struct dispatch_ticket *ticket,
                      struct str url);

/* What people call the scope `key` (it lives as long): "plugin http", "node sync/call", "run". */
struct str tickets_scope_name(struct str key);

/* EFFECT_RELEASE. */
void tickets_release(const struct tickets *tickets, struct member *member,
                     const struct effect *effect);

#endif
