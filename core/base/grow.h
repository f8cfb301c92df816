/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_GROW_H
#define CORE_BASE_GROW_H

/*
 * Growing arrays: `items`, `count` and `cap` stay three plain variables of their owner.
 *
 * Used by:  everything.
 * Uses:     nothing.
 * Threads:  [any]
 */

#include <stddef.h>

/*
 * Makes room for `count` items of `item_size` bytes in the malloc'd array `items` of `*cap` items
 * (NULL: none yet; `*cap` is 0 then, or for how many items there is to be room at first). Returns
 * the array, maybe moved, and updates `*cap`; NULL when out of memory, and then the old array is
 * still valid.
 */
void *array_reserve(void *items, size_t *cap, size_t count, size_t item_size);

#endif
