/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_REACH_H
#define CORE_MODEL_REACH_H

/*
 * Reach: for each node of a graph without cycles, which nodes come before it, and which of them
 * surely have an output when it runs. Sets of bits, filled in topological order when they are first
 * needed.
 *
 * What surely has an output is a cautious guess: join and failures are followed as they are
 * when it runs, conditions are taken to be open.
 *
 * Used by:  references.
 * Uses:     pipeline.
 * Threads:  [any]; one reach belongs to one thread at a time: its sets are made when needed.
 */

#include <stdbool.h>
#include <stdint.h>

struct pipeline;
struct reach;

/* `pipeline` (kept until reach_destroy()) has order and edges. NULL when out of memory. */
struct reach *reach_create(const struct pipeline *pipeline);
void reach_destroy(struct reach *reach);

/* Whether there is a way from `before` to `node`, of the same body. Fails with E_NOMEM. */
int reach_is_before(struct reach *reach, uint32_t before, uint32_t node, bool *out_is_before);

/* Whether `before`, of the same body, has an output when `node` runs. Fails with E_NOMEM. */
int reach_has_output(struct reach *reach, uint32_t before, uint32_t node, bool *out_has_output);

/* Whether `node` has an output when its body completes. Fails with E_NOMEM. */
int reach_has_output_at_end(struct reach *reach, uint32_t node, bool *out_has_output);

#endif
