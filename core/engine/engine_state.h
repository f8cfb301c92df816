/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_ENGINE_STATE_H
#define CORE_ENGINE_ENGINE_STATE_H

/*
 * The inside of an engine, for a few files of this folder.
 *
 * Used by:  engine, engine_rest, spender.
 * Uses:     dispatch, member, sleepers, tickets.
 * Threads:  [loop]
 */

#include "core/engine/engine.h"
#include "core/engine/rooms.h"
#include "core/engine/tickets.h"

struct dispatch;
struct member;
struct sleepers;

struct engine {
    struct engine_options options;
    struct str instance;
    struct dispatch *dispatch;
    struct tickets tickets;
    struct sleepers *sleepers;
    struct rooms rooms;
    struct member *members;
};

/* Names and applies what was decided of `run`: the records of the batch from `first` on. E_NOMEM.
 */
int engine_apply(struct run *run, struct batch *batch, size_t first);

/* All that the engine keeps of a run; those that it called are nobody's then. */
void engine_drop_member(struct engine *engine, struct member *member);

#endif
