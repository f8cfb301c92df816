/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_MEMBERS_H
#define CORE_VALUE_MEMBERS_H

/*
 * Members of a map as they lie in an arena, private to core/value.
 *
 * Up to MEMBERS_SMALL members are searched one by one. Larger maps have an open-addressed table
 * in front of their members: uint32_t slots, a power of two, each 0 or 1 + a member's place.
 *
 *     [slot][slot]...[slot][member 0][member 1]...
 *                          ^ value.as.members
 *
 * Used by:  core/value.
 * Uses:     base.
 * Threads:  [any]
 */

#include <stddef.h>

#include "core/base/str.h"
#include "core/value/value.h"

enum { MEMBERS_SMALL = 8 };

struct arena;

/*
 * Copies `count` members from `pairs` (key, value, key, value, ...; borrowed) into the arena and
 * sets type, count and members of `*out_map`.
 * Fails with E_NOMEM, and with E_EXISTS when a key is there twice: `*out_double` (may be NULL)
 * is then the place of a member whose key an earlier member has, and the map is made all the same,
 * with all members; members_find() finds the first.
 */
int members_store(struct arena *arena, const struct value *pairs, size_t count,
                  struct value *out_map, size_t *out_double);

/* The member `key` of a map, or NULL. */
const struct value_member *members_find(const struct value *map, struct str key);

#endif
