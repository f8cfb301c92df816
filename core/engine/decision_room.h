/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_DECISION_ROOM_H
#define CORE_ENGINE_DECISION_ROOM_H

/*
 * Decision room: whether the run has memory for what a completion brings.
 *
 * Used by:  decision_end, loop_step.
 * Uses:     decision, run_state.
 * Threads:  [loop]
 */

#include <stdbool.h>

#include "core/engine/decision.h"

/*
 * There is no room for what the completion `record` brings, and others may make some: the node,
 * which the decision is about, waits. Then nothing may be appended.
 */
bool decision_room_waits(const struct decision *d, const struct record *record);

/* There is no room, nor will there be: the node has to fail. */
bool decision_room_lacks(const struct decision *d, const struct record *record);

#endif
