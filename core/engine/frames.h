/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_FRAMES_H
#define CORE_ENGINE_FRAMES_H

/*
 * Frames: how records begin and end frames, and what they do to all nodes of one.
 *
 * Used by:  apply.
 * Uses:     run_state, record, endings, loops, notices, signals, streams, transition, undo.
 * Threads:  [loop]
 */

#include <stdint.h>

#include "core/engine/run.h"

struct frame;
struct record;

/* Its first nodes are ready since `at`, unix ms. */
void frames_begin(struct frame *frame, int64_t at);

/* The state `node` of a machine is entered again. */
void frames_enter_state(struct frame *frame, uint32_t node, int64_t at);

/* Nothing new starts in `top`, nor in what works for it; `state` becomes theirs. */
void frames_stop(struct frame *top, enum run_state state);

void frames_apply_started(struct frame *parent, const struct record *record);
void frames_apply_ended(struct frame *frame, const struct record *record);

/* Permits that were asked for go back: what was queued is ready. */
void frames_apply_paused(struct run *run);
void frames_apply_resumed(struct run *run);

#endif
