/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_REFUSAL_H
#define CORE_ENGINE_REFUSAL_H

/*
 * Refusal: what becomes of a node whose call an open breaker keeps away, where its `on_open` says
 * something else than to wait. No call is made: it uses up no attempt, is not retried, and counts
 * for no breaker.
 *
 * Used by:  decide, engine.
 * Uses:     decision, dispatch, failure.
 * Threads:  [loop]; pure.
 */

#include <stdint.h>

struct decision;
struct dispatch_guard;
struct document;

/*
 * Why `guard` refuses, as a failure (see failure.h) of code CIRCUIT_OPEN: which service, since
 * when, and until when. Owned by the caller; NULL when out of memory.
 */
struct document *refusal_describe(const struct dispatch_guard *guard);

/* A queued node was refused because of `failure` (borrowed); nothing is held for it. */
void refusal_decide(const struct decision *d, uint32_t node, const struct document *failure);

#endif
