/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_INLINE_TYPES_H
#define CORE_ENGINE_INLINE_TYPES_H

/*
 * The engine's own node types, decided on the spot. Each function appends the end of `node` (a
 * failure where its expressions fail), and inline_wait() its start and timer.
 *
 * Used by:  decide.
 * Uses:     decision.
 * Threads:  [loop]
 */

#include <stdint.h>

struct decision;

void inline_passthrough(const struct decision *d, uint32_t node);
void inline_set(const struct decision *d, uint32_t node);
void inline_conditional(const struct decision *d, uint32_t node);
void inline_router(const struct decision *d, uint32_t node);
void inline_fail(const struct decision *d, uint32_t node);
void inline_wait(const struct decision *d, uint32_t node);

/* The wait's timer has fired. */
void inline_wait_end(const struct decision *d, uint32_t node);

#endif
