/* SPDX-License-Identifier: Apache-2.0 */
#include "core/policy/jitter.h"

/* The finaliser of splitmix64: each bit of the input changes half of the output's. */
static uint64_t jitter_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

int64_t jitter_between(uint64_t seed, uint64_t step, int64_t low, int64_t high)
{
    if (low < 0 || low >= high) {
        return low;
    }
    /* Mixed twice, so that neighbouring seeds at neighbouring steps do not meet. */
    uint64_t bits = jitter_mix(jitter_mix(seed) + step * UINT64_C(0x9e3779b97f4a7c15));
    uint64_t span = (uint64_t)high - (uint64_t)low + 1;
    return low + (int64_t)(bits % span);
}
