/* SPDX-License-Identifier: Apache-2.0 */
#include "core/checker/trend.h"

bool trend_goes_on(const uint64_t *floors, size_t count, unsigned pauses)
{
    unsigned stood = 0;
    for (size_t i = 1; i < count; i++) {
        if (floors[i] < floors[i - 1]) {
            return false;
        }
        stood += floors[i] == floors[i - 1] ? 1 : 0;
    }
    if (count < 3 || stood > pauses || floors[count - 1] == floors[count - 2]) {
        return false;
    }

    size_t half = (count - 1) / 2;
    uint64_t first = floors[half] - floors[0];
    uint64_t second = floors[count - 1] - floors[count - 1 - half];
    return second >= first / 2;
}
