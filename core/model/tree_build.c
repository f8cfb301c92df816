/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/tree_build.h"

#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/strmap.h"
#include "core/model/report.h"
#include "core/model/tree.h"

enum { FEW_MEMBERS = 16 };

static void sum_up(struct tree *container, const struct tree *child)
{
    uint64_t size = (uint64_t)container->size + child->size;
    container->size = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
    if (container->height < child->height + 1) {
        container->height = (uint16_t)(child->height + 1);
    }
}

int tree_build_list(struct tree *list, const struct tree *items, size_t count, struct arena *arena)
{
    struct tree *copy = arena_alloc(arena, count * sizeof(*copy));
    if (copy == NULL) {
        return E_NOMEM;
    }
    list->size = 1;
    list->height = 1;
    list->count = (uint32_t)count;
    list->as.items = copy;
    for (size_t i = 0; i < count; i++) {
        copy[i] = items[i];
        sum_up(list, &items[i]);
    }
    return 0;
}

static void report_doubled(const struct report *report, const struct tree *key,
                           const struct tree *first)
{
    report_error(report, key->place, "the key '%.*s' is there twice; the first is at %u:%u",
                 STR_ARG(key->text), first->place.line, first->place.column);
}

/* Most maps are small, and a table would cost more than looking. */
static int check_few(const struct tree *map, const struct report *report)
{
    int status = 0;
    for (uint32_t i = 1; i < map->count; i++) {
        const struct tree *key = &map->as.members[i].key;
        uint32_t first = 0;
        while (first < i && !str_equal(map->as.members[first].key.text, key->text)) {
            first++;
        }
        if (first < i) {
            report_doubled(report, key, &map->as.members[first].key);
            status = E_INVALID;
        }
    }
    return status;
}

static int check_many(const struct tree *map, const struct report *report)
{
    struct strmap seen = STRMAP_INIT;
    int status = 0;
    for (uint32_t i = 0; i < map->count && status != E_NOMEM; i++) {
        const struct tree_member *member = &map->as.members[i];
        int added = strmap_add(&seen, member->key.text, (void *)(uintptr_t)(i + 1));
        if (added == E_EXISTS) {
            uintptr_t first = (uintptr_t)strmap_get(&seen, member->key.text) - 1;
            report_doubled(report, &member->key, &map->as.members[first].key);
            status = E_INVALID;
        } else if (added != 0) {
            status = added;
        }
    }
    strmap_finish(&seen);
    return status;
}

int tree_build_map(struct tree *map, const struct tree *pairs, size_t count,
                   const struct report *report, struct arena *arena)
{
    struct tree_member *members = arena_alloc(arena, count * sizeof(*members));
    if (members == NULL) {
        return E_NOMEM;
    }
    map->size = 1;
    map->height = 1;
    map->count = (uint32_t)count;
    map->as.members = members;
    for (size_t i = 0; i < count; i++) {
        members[i] = (struct tree_member){.key = pairs[2 * i], .value = pairs[2 * i + 1]};
        sum_up(map, &pairs[2 * i + 1]);
    }
    return count <= FEW_MEMBERS ? check_few(map, report) : check_many(map, report);
}

int tree_build_begin(struct tree *out_map, const struct tree *like, size_t count,
                     struct arena *arena)
{
    struct tree_member *members = arena_calloc(arena, count + 1, sizeof(*members));
    if (members == NULL) {
        return E_NOMEM;
    }
    struct tree map = {.kind = TREE_MAP, .size = 1, .height = 1};
    map.start = like->start;
    map.place = like->place;
    map.as.members = members;
    *out_map = map;
    return 0;
}

void tree_build_add(struct tree *map, const struct tree_member *member)
{
    struct tree_member *members = (struct tree_member *)(uintptr_t)map->as.members;
    members[map->count++] = *member;
    sum_up(map, &member->key);
    sum_up(map, &member->value);
}
