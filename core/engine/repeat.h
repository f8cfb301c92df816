/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_REPEAT_H
#define CORE_ENGINE_REPEAT_H

/*
 * Repeat: nodes that run again until a condition holds or a time has passed.
 *
 * Used by:  decision, decide.
 * Uses:     decision.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

struct decision;
struct record;

/*
 * `end` is the record of a node's completion. True when it does not stand: the node runs again,
 * now or when its delay is over, or it has failed because of its `repeat`; both are recorded here.
 */
bool repeat_goes_on(const struct decision *d, const struct record *end);

/* The delay of a node is over. */
void repeat_due(const struct decision *d, uint32_t node);

#endif
