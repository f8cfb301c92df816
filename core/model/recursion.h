/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_RECURSION_H
#define CORE_MODEL_RECURSION_H

/*
 * Recursion: pipelines that run themselves, or each other in a circle, with nothing between that
 * could end it. Such a run always fails at the bound of depth; one with a `when` on the way may be
 * meant.
 *
 * Used by:  model (load).
 * Uses:     definition, group.
 * Threads:  [any]; one loading belongs to one thread at a time.
 */

struct loading;

/* Warns of each circle once, at the node of the first pipeline on it that goes on with it. */
void recursion_check(const struct loading *loading);

#endif
