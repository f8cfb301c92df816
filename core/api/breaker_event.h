/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_BREAKER_EVENT_H
#define CORE_API_BREAKER_EVENT_H

/*
 * Breaker event: the change of a breaker's state as streams tell it.
 *
 * Used by:  job_streams, engine_stream.
 * Uses:     event_stream, engine (scope changes).
 * Threads:  [any]
 */

#include <stdbool.h>

struct scope_change;
struct strbuf;

/* Whether it is one. */
bool breaker_event_is(const struct scope_change *change);

/* Appends "event: breaker" with {at, scope, state, due_at}. See strbuf_status(). */
void breaker_event_append(const struct scope_change *change, struct strbuf *out);

#endif
