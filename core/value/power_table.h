/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_POWER_TABLE_H
#define CORE_VALUE_POWER_TABLE_H

/*
 * Powers of ten in 128 bits, for reading and printing doubles.
 *
 * The entry of k is 10^k, scaled by a power of two to lie in [2^127, 2^128), rounded up. It is
 * exact for k from 0 to 55.
 *
 * Used by:  number_read, number_write.
 * Uses:     nothing.
 * Threads:  [any]
 */

#include <stdint.h>

enum { POWER_LEAST = -292, POWER_MOST = 324, POWER_COUNT = POWER_MOST - POWER_LEAST + 1 };

struct power {
    uint64_t high;
    uint64_t low;
};

extern const struct power power_table[POWER_COUNT];

/* The entry of `k`, POWER_LEAST <= k <= POWER_MOST. */
static inline struct power power_of_ten(int k)
{
    return power_table[k - POWER_LEAST];
}

/* floor(log2(10^k)) for |k| <= 1233. Shifts of negative numbers are arithmetic here. */
static inline int power_log2(int k)
{
    return (k * 1741647) >> 19;
}

#endif
