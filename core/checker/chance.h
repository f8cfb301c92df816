/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CHECKER_CHANCE_H
#define CORE_CHECKER_CHANCE_H

/*
 * Chance: numbers that look random and are the same for the same seed (splitmix64).
 *
 * Used by:  config_maker, facets, sample_text, config_mutant, stage.
 * Uses:     nothing.
 * Threads:  [any]; one belongs to one thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chance {
    uint64_t state;
};

static inline uint64_t chance_next(struct chance *chance)
{
    chance->state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = chance->state;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* 0 to count - 1; 0 when count is 0. */
static inline size_t chance_below(struct chance *chance, size_t count)
{
    return count > 0 ? (size_t)(chance_next(chance) % count) : 0;
}

static inline bool chance_percent(struct chance *chance, unsigned percent)
{
    return chance_next(chance) % 100 < percent;
}

#endif
