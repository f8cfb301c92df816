/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/grow.h"

#include <stdint.h>
#include <stdlib.h>

void *array_reserve(void *items, size_t *cap, size_t count, size_t item_size)
{
    if (items != NULL && count <= *cap) {
        return items;
    }
    size_t wanted = *cap > 0 ? *cap : 4;
    while (wanted < count) {
        if (wanted > SIZE_MAX / 2) {
            return NULL;
        }
        wanted *= 2;
    }
    void *grown = reallocarray(items, wanted, item_size);
    if (grown == NULL) {
        return NULL;
    }
    *cap = wanted;
    return grown;
}
