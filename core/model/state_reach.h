/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_STATE_REACH_H
#define CORE_MODEL_STATE_REACH_H

/*
 * State reach: of the states of one body, which can have been visited before another, and which
 * surely have an output then. Transitions may go in circles.
 *
 * Used by:  reach.
 * Uses:     pipeline.
 * Threads:  [any]; one belongs to one thread at a time.
 */

#include <stdbool.h>
#include <stdint.h>

struct pipeline;
struct state_reach;

/* `body` is a BODY_STATES of `pipeline` (kept). NULL when out of memory. */
struct state_reach *state_reach_create(const struct pipeline *pipeline, uint32_t body);
void state_reach_destroy(struct state_reach *reach);

/* There is a way from `before` to `node`, which may be the same, by at least one transition. */
bool state_reach_is_before(struct state_reach *reach, uint32_t before, uint32_t node);

/* On every way to `node` the latest visit of `before` ended with success. */
bool state_reach_has_output(const struct state_reach *reach, uint32_t before, uint32_t node);

/* The same when the machine has ended. */
bool state_reach_has_output_at_end(const struct state_reach *reach, uint32_t node);

#endif
