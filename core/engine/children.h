/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_CHILDREN_H
#define CORE_ENGINE_CHILDREN_H

/*
 * Children: decisions about nodes that run another pipeline as a run of its own.
 *
 * Used by:  decide.
 * Uses:     decision, model, value.
 * Threads:  [loop]
 */

#include <stdint.h>

struct decision;
struct run_event;

/* Runs within runs, at most. */
enum { CHILDREN_MOST_DEPTH = 32 };

/* A ready node: EFFECT_START_CHILD with the child's pipeline and checked input, or a failure. */
void children_start(const struct decision *d, uint32_t node);

/* The child's end, while its node waits for it. */
void children_end(const struct decision *d, const struct run_event *event);

#endif
