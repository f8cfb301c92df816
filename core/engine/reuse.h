/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_REUSE_H
#define CORE_ENGINE_REUSE_H

/*
 * Reuse: the results of an earlier run that a new one of the same pipeline takes over instead of
 * doing the work again: those of root nodes that completed, all of whose sources are taken over,
 * too. What was undone is done again; a state machine begins at its beginning.
 *
 * Used by:  loop (retry), decide.
 * Uses:     run_state, value.
 * Threads:  [loop]; pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

struct decision;
struct document;
struct error;
struct run;

/*
 * For run_options.reuse: what `old`, which has ended, has to offer, but nothing of the node `from`
 * (empty: none is named) and behind it. `*out_reuse` is owned.
 * Fails with E_NOT_FOUND (no such node), E_INVALID (it is no graph, and `from` names a node),
 * E_NOMEM.
 */
int reuse_build(const struct run *old, struct str from, struct document **out_reuse,
                struct error *err);

/* Ends a ready node of d->frame with the result that is taken over. False: there is none. */
bool reuse_take(const struct decision *d, uint32_t node);

#endif
