/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_STAND_IN_ITEMS_H
#define CORE_ENGINE_STAND_IN_ITEMS_H

/*
 * Items of stand-ins: what loops over the stream of a node go over when something answers in place
 * of its call. They come all at once, with the end of the node, in the decision that ends it, so
 * that either all of them are durable or none.
 *
 * Items that the call had emitted before it failed are with the loops already. They count as the
 * first ones of the answer if they are: an answer that begins otherwise is refused, since what the
 * loops did for the one list says nothing about the other.
 *
 * Used by:  stand_in.
 * Uses:     decision, run_state, streams, stream_copy.
 * Threads:  [loop]; pure.
 */

#include <stdbool.h>
#include <stdint.h>

struct cache_entry;
struct decision;
struct document;
struct error;
struct value;

/* What is kept of a call: an output, and items (a list) or NULL. Both owned. */
struct stand_in_parts {
    struct document *output;
    struct document *items;
};

void stand_in_parts_finish(struct stand_in_parts *parts);

/*
 * The parts of an answer that a pipeline gives: a list is both; of a map the member `stream`, a
 * list, is the items, and the rest the output. Fails with E_INVALID (no items), E_LIMIT, E_NOMEM.
 */
int stand_in_items_split(const struct document *answer, struct stand_in_parts *out,
                         struct error *err);

/*
 * The parts of what the cache gives for an entry with items, {"items": [...], "output": ...}. Fails
 * with E_INVALID for anything else, E_NOMEM.
 */
int stand_in_items_unwrap(const struct document *kept, struct stand_in_parts *out,
                          struct error *err);

/*
 * For the cache: `entry`, with the output of the node that ends, gets what it has emitted (its
 * `items` are owned by the caller). It has none, and the log of the node says why, when they are
 * not all there any more. 0 or E_NOMEM.
 */
int stand_in_items_keep(const struct decision *d, uint32_t node, struct cache_entry *entry);

/* What `node` has emitted in this round, as a list (owned). Fails with E_LIMIT, E_NOMEM. */
int stand_in_items_lend(const struct decision *d, uint32_t node, struct document **out_items,
                        struct error *err);

/*
 * Whether `items` (borrowed) can go on with the stream of `node`. 0, E_CONFLICT (they begin with
 * others than have been emitted), E_NOMEM.
 */
int stand_in_items_check(const struct decision *d, uint32_t node, const struct value *items,
                         struct error *err);

/* Emits those of `items` that were not emitted before the call failed. `from`: OUTPUT_FROM_*. */
void stand_in_items_emit(const struct decision *d, uint32_t node, const struct value *items,
                         unsigned from);

#endif
