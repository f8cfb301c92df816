/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_SHARED_H
#define CORE_ENGINE_SHARED_H

/*
 * Shared: the breakers and rate limits that all runs share, as they are saved, restored and shown.
 * Their functions for the outside are in engine.h.
 *
 * Used by:  engine.
 * Uses:     dispatch, limiter.
 * Threads:  [loop]; pure.
 */

#include <stdint.h>

struct batch;
struct dispatch;

/* What changed in them goes with what it changed for. Fails with E_NOMEM. */
int shared_note_changes(struct dispatch *dispatch, int64_t now, struct batch *batch);

#endif
