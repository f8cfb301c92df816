/* SPDX-License-Identifier: Apache-2.0 */
#include "core/value/members.h"

#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/error.h"

/* At most two thirds of the slots are taken. */
static size_t slot_count(size_t count)
{
    size_t least = count + count / 2;
    return (size_t)1 << (64 - __builtin_clzll((unsigned long long)least));
}

static const uint32_t *slots_of(const struct value *map, size_t slots)
{
    return (const uint32_t *)(const void *)map->as.members - slots;
}

/* One of 64 classes; equal keys are of one class, and the keys of a small map seldom share one. */
static uint64_t key_class(const struct value *key)
{
    uint32_t n = key->count;
    if (n == 0) {
        return 1;
    }
    const unsigned char *text = (const unsigned char *)key->as.text;
    uint32_t mix = text[0] * 7u + text[n - 1] * 29u + text[n / 2] * 3u + n;
    return UINT64_C(1) << (mix & 63u);
}

/* The place of a member whose key an earlier one has, or `count`. */
static size_t find_double_in_few(const struct value_member *members, size_t count)
{
    uint64_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t class = key_class(&members[i].key);
        for (size_t j = 0; (seen & class) != 0 && j < i; j++) {
            if (str_equal(value_str(&members[j].key), value_str(&members[i].key))) {
                return i;
            }
        }
        seen |= class;
    }
    return count;
}

/* Fills the table; the place of a member whose key an earlier one has, or `count`. */
static size_t fill_slots(uint32_t *slots, size_t slots_count, const struct value_member *members,
                         size_t count)
{
    size_t mask = slots_count - 1;
    size_t twice = count;
    memset(slots, 0, slots_count * sizeof(*slots));
    for (size_t i = 0; i < count; i++) {
        struct str key = value_str(&members[i].key);
        size_t at = (size_t)str_hash(key) & mask;
        while (slots[at] != 0 && !str_equal(value_str(&members[slots[at] - 1].key), key)) {
            at = (at + 1) & mask;
        }
        if (slots[at] == 0) {
            slots[at] = (uint32_t)i + 1;
        } else if (twice == count) {
            twice = i;
        }
    }
    return twice;
}

int members_store(struct arena *arena, const struct value *pairs, size_t count,
                  struct value *out_map, size_t *out_double)
{
    bool is_small = count <= MEMBERS_SMALL;
    size_t slots_count = is_small ? 0 : slot_count(count);
    size_t slots_bytes = slots_count * sizeof(uint32_t);
    char *block = NULL;
    if (count > 0) {
        block = arena_alloc(arena, slots_bytes + count * sizeof(struct value_member));
        if (block == NULL) {
            return E_NOMEM;
        }
        memcpy(block + slots_bytes, pairs, count * sizeof(struct value_member));
    }
    struct value_member *members = count > 0 ? (void *)(block + slots_bytes) : NULL;
    size_t twice = is_small ? find_double_in_few(members, count)
                            : fill_slots((void *)block, slots_count, members, count);
    *out_map = (struct value){.type = VALUE_MAP, .count = (uint32_t)count, .as.members = members};
    if (twice < count && out_double != NULL) {
        *out_double = twice;
    }
    return twice < count ? E_EXISTS : 0;
}

const struct value_member *members_find(const struct value *map, struct str key)
{
    const struct value_member *members = map->as.members;
    if (map->count <= MEMBERS_SMALL) {
        for (size_t i = 0; i < map->count; i++) {
            if (str_equal(value_str(&members[i].key), key)) {
                return &members[i];
            }
        }
        return NULL;
    }
    size_t count = slot_count(map->count);
    const uint32_t *slots = slots_of(map, count);
    size_t at = (size_t)str_hash(key) & (count - 1);
    while (slots[at] != 0) {
        const struct value_member *member = &members[slots[at] - 1];
        if (str_equal(value_str(&member->key), key)) {
            return member;
        }
        at = (at + 1) & (count - 1);
    }
    return NULL;
}
