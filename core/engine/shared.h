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

#include "core/base/str.h"

struct batch;
struct dispatch;
struct error;

/* What changed in them goes with what it changed for. Fails with E_NOMEM. */
int shared_note_changes(struct dispatch *dispatch, int64_t now, struct batch *batch);

/*
 * A person lifts the limit `key`, see engine_reset_limit(). Fails with E_NOT_FOUND, E_NOMEM.
 */
int shared_reset_limit(struct dispatch *dispatch, struct str key, int64_t now, struct batch *batch,
                       struct error *err);

#endif
