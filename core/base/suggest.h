/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_SUGGEST_H
#define CORE_BASE_SUGGEST_H

/*
 * Suggest: the nearest right spelling of a wrong name, for "did you mean 'x'?".
 *
 *     struct suggest nearest = suggest_start(wrong);
 *     for each name: suggest_offer(&nearest, name);
 *     if (nearest.best.n > 0) ...
 *
 * Near is: equal but for case, or few insertions, deletions, changes and swaps of neighbours (one
 * per three characters of the name, at least one, at most three). The first of equals wins.
 *
 * Used by:  value, expr, model, host, loop, cli.
 * Uses:     str.
 * Threads:  [any]
 */

#include <stddef.h>

#include "core/base/str.h"

/* Longer names are never near anything. */
enum { SUGGEST_LONGEST = 64 };

struct suggest {
    struct str wrong;     /* borrowed */
    struct str best;      /* borrowed from the caller of suggest_offer(); empty: none so far */
    size_t best_distance; /* a better candidate is nearer than this */
};

struct suggest suggest_start(struct str wrong);

/* Takes `candidate` as the best when it is nearer than the best so far; its bytes are kept. */
void suggest_offer(struct suggest *nearest, struct str candidate);

/* The nearest of `count` candidates, or the empty slice. */
struct str suggest_nearest(struct str wrong, const struct str *candidates, size_t count);

#endif
