/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_STAND_IN_H
#define CORE_ENGINE_STAND_IN_H

/*
 * Stand-ins: what answers in place of a call. A node with a `cache` asks it before it asks for
 * permits; one with a `fallback` takes that when its attempts are spent, or its breaker is open.
 *
 *     ready   EFFECT_ASK_CACHE      queued   found: completed; not found: it asks for permits
 *     failed  a value               completed
 *     failed  EFFECT_ASK_CACHE      falling back   found: completed; not found: failed
 *     failed  the other node ready  falling back   as that one ends
 *
 * A question to the cache is no fact: after a restart it is asked again. Whatever comes in place
 * of a call is marked, in the record, and in the output where that is a map.
 *
 * For a node whose stream loops read an answer has items, too, and comes with the records of them.
 * One that does not go on with what the call has emitted is none: a `cache` then has no answer, and
 * a node that falls back fails (stand_in_items.h).
 *
 * Used by:  decide, attempts, refusal, recover.
 * Uses:     decision, run_state, cache_key, stand_in_items.
 * Threads:  [loop]; pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/model/pipeline.h"

struct decision;
struct document;
struct record;
struct run_event;
struct str;

/* Its results are kept, with its items where it emits them for somebody. */
static inline bool stand_in_keeps(const struct node *def)
{
    return def->cache != NULL || (def->fallback != NULL && def->fallback->kind == FALLBACK_CACHE);
}

/* Asks the cache for a node that is ready; false: it has none. */
bool stand_in_ask(const struct decision *d, uint32_t node);

/* RUN_EVENT_CACHED. True: there was nothing, and the call is to be made. */
bool stand_in_answer(const struct decision *d, const struct run_event *event);

/* The node has failed with `failure` (borrowed). True: its fallback goes on from here. */
bool stand_in_take(const struct decision *d, uint32_t node, const struct document *failure);

/* The call of `node` gave this: what of it is to be kept goes into the batch. */
void stand_in_keep(const struct decision *d, uint32_t node, struct str port,
                   const struct document *output);

/* In a new process: whom a node that is falling back waits for. */
void stand_in_recover(const struct decision *d, uint32_t node);

/* The fallback of another node has ended as `end` says. */
void stand_in_end(const struct decision *d, const struct record *end);

#endif
