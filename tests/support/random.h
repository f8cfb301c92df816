/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_RANDOM_H
#define TESTS_SUPPORT_RANDOM_H

/*
 * Random numbers that a seed repeats exactly, on every machine (splitmix64).
 *
 * Used by:  tests/sim, tests of engine and loop.
 * Uses:     nothing.
 * Threads:  [any]; one generator belongs to one thread.
 */

#include <stdbool.h>
#include <stdint.h>

struct random {
    uint64_t state; /* at first: the seed */
};

static inline uint64_t random_next(struct random *random)
{
    random->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = random->state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0 to below `bound` (at least 1). */
static inline uint32_t random_below(struct random *random, uint32_t bound)
{
    return (uint32_t)(random_next(random) % bound);
}

static inline bool random_percent(struct random *random, uint32_t percent)
{
    return random_below(random, 100) < percent;
}

#endif
