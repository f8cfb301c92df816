/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/sleepers.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/engine/dispatch.h"

enum { FIRST_SLOTS = 64 };

struct sleeper {
    uint64_t number;
    int64_t wake_at;
    struct bed *bed;
    struct sleeper *next; /* in its bed */
    struct sleeper *previous;
    struct sleeper *next_hashed;
    uint32_t nodes;
    size_t node_size;
    char node[];
};

/* Those who wait for one breaker. */
struct bed {
    struct dispatch_guard *guard;
    struct sleeper *first;
    struct sleeper *last;
    uint32_t nodes;
    int64_t wake_at; /* none of them has anything to do before */
    struct bed *next;
};

struct sleepers {
    struct bed *beds; /* as many as there are breakers that have been slept for */
    struct sleeper **slots;
    size_t slot_count; /* a power of two */
    size_t count;
    uint64_t nodes;
};

struct sleepers *sleepers_create(void)
{
    return calloc(1, sizeof(struct sleepers));
}

void sleepers_destroy(struct sleepers *sleepers)
{
    while (sleepers != NULL && sleepers->beds != NULL) {
        struct bed *bed = sleepers->beds;
        sleepers->beds = bed->next;
        while (bed->first != NULL) {
            struct sleeper *sleeper = bed->first;
            bed->first = sleeper->next;
            free(sleeper);
        }
        free(bed);
    }
    if (sleepers != NULL) {
        free(sleepers->slots);
    }
    free(sleepers);
}

/* ---- finding ---- */

static struct sleeper **slot_of(const struct sleepers *sleepers, uint64_t number)
{
    return &sleepers->slots[number & (sleepers->slot_count - 1)];
}

static int grow_slots(struct sleepers *sleepers)
{
    if (sleepers->count < sleepers->slot_count) {
        return 0;
    }
    size_t count = sleepers->slot_count > 0 ? sleepers->slot_count * 2 : FIRST_SLOTS;
    struct sleeper **slots = calloc(count, sizeof(struct sleeper *));
    if (slots == NULL) {
        return E_NOMEM;
    }
    free(sleepers->slots);
    sleepers->slots = slots;
    sleepers->slot_count = count;
    for (struct bed *bed = sleepers->beds; bed != NULL; bed = bed->next) {
        for (struct sleeper *at = bed->first; at != NULL; at = at->next) {
            struct sleeper **slot = slot_of(sleepers, at->number);
            at->next_hashed = *slot;
            *slot = at;
        }
    }
    return 0;
}

static struct bed *find_bed(const struct sleepers *sleepers, const struct dispatch_guard *guard)
{
    struct bed *bed = sleepers->beds;
    while (bed != NULL && bed->guard != guard) {
        bed = bed->next;
    }
    return bed;
}

static struct bed *make_bed(struct sleepers *sleepers, struct dispatch_guard *guard)
{
    struct bed *bed = find_bed(sleepers, guard);
    if (bed == NULL) {
        bed = calloc(1, sizeof(*bed));
    }
    if (bed != NULL && bed->guard == NULL) {
        *bed = (struct bed){.guard = guard, .wake_at = INT64_MAX, .next = sleepers->beds};
        sleepers->beds = bed;
    }
    return bed;
}

/* ---- coming and going ---- */

static void leave_bed(struct sleeper *sleeper)
{
    struct bed *bed = sleeper->bed;
    if (sleeper->previous != NULL) {
        sleeper->previous->next = sleeper->next;
    } else {
        bed->first = sleeper->next;
    }
    if (sleeper->next != NULL) {
        sleeper->next->previous = sleeper->previous;
    } else {
        bed->last = sleeper->previous;
    }
    bed->nodes -= sleeper->nodes;
}

/* Where the pointer to it is; to NULL, or NULL: there is none. */
static struct sleeper **find(const struct sleepers *sleepers, uint64_t number)
{
    struct sleeper **slot = sleepers->slots != NULL ? slot_of(sleepers, number) : NULL;
    while (slot != NULL && *slot != NULL && (*slot)->number != number) {
        slot = &(*slot)->next_hashed;
    }
    return slot;
}

void sleepers_remove(struct sleepers *sleepers, uint64_t number)
{
    struct sleeper **slot = find(sleepers, number);
    if (slot != NULL && *slot != NULL) {
        struct sleeper *sleeper = *slot;
        *slot = sleeper->next_hashed;
        leave_bed(sleeper);
        sleepers->count--;
        sleepers->nodes -= sleeper->nodes;
        free(sleeper);
    }
}

int sleepers_add(struct sleepers *sleepers, const struct sleeper_options *options)
{
    CHECK(options->number != 0);
    sleepers_remove(sleepers, options->number);
    struct bed *bed = make_bed(sleepers, options->guard);
    struct sleeper *sleeper = calloc(1, sizeof(*sleeper) + options->node.n);
    if (bed == NULL || sleeper == NULL || grow_slots(sleepers) != 0) {
        free(sleeper);
        return E_NOMEM;
    }
    struct sleeper **slot = slot_of(sleepers, options->number);
    *sleeper = (struct sleeper){.number = options->number,
                                .wake_at = options->wake_at,
                                .bed = bed,
                                .previous = bed->last,
                                .next_hashed = *slot,
                                .nodes = options->nodes,
                                .node_size = options->node.n};
    if (options->node.n > 0) {
        memcpy(sleeper->node, options->node.p, options->node.n);
    }
    *slot = sleeper;
    if (bed->last != NULL) {
        bed->last->next = sleeper;
    } else {
        bed->first = sleeper;
    }
    bed->last = sleeper;
    bed->nodes += options->nodes;
    bed->wake_at = options->wake_at < bed->wake_at ? options->wake_at : bed->wake_at;
    sleepers->count++;
    sleepers->nodes += options->nodes;
    return 0;
}

/* ---- waking ---- */

/* The first whose own time has come. Without one the bed's time is that of the earliest. */
static const struct sleeper *find_due(struct bed *bed, int64_t now)
{
    int64_t earliest = INT64_MAX;
    if (bed->wake_at > now) {
        return NULL;
    }
    for (const struct sleeper *at = bed->first; at != NULL; at = at->next) {
        if (at->wake_at <= now) {
            return at;
        }
        earliest = at->wake_at < earliest ? at->wake_at : earliest;
    }
    bed->wake_at = earliest;
    return NULL;
}

bool sleepers_next_awake(struct sleepers *sleepers, const struct dispatch *dispatch, int64_t now,
                         uint64_t *out_number)
{
    for (struct bed *bed = sleepers->beds; bed != NULL; bed = bed->next) {
        const struct sleeper *due = find_due(bed, now);
        if (due == NULL && dispatch_guard_room(dispatch, bed->guard) > 0) {
            due = bed->first;
        }
        if (due != NULL) {
            *out_number = due->number;
            sleepers_remove(sleepers, *out_number);
            return true;
        }
    }
    return false;
}

int64_t sleepers_next_due(const struct sleepers *sleepers, const struct dispatch *dispatch)
{
    int64_t due = INT64_MAX;
    for (const struct bed *bed = sleepers->beds; bed != NULL; bed = bed->next) {
        if (bed->first == NULL) {
            continue;
        }
        int64_t own = dispatch_guard_opens_at(dispatch, bed->guard);
        own = bed->wake_at < own ? bed->wake_at : own;
        due = own < due ? own : due;
    }
    return due;
}

bool sleepers_find(const struct sleepers *sleepers, uint64_t number,
                   struct sleeper_options *out_sleeper)
{
    struct sleeper **slot = find(sleepers, number);
    if (slot == NULL || *slot == NULL) {
        return false;
    }
    const struct sleeper *sleeper = *slot;
    *out_sleeper = (struct sleeper_options){.number = number,
                                            .guard = sleeper->bed->guard,
                                            .nodes = sleeper->nodes,
                                            .wake_at = sleeper->wake_at,
                                            .node = str_make(sleeper->node, sleeper->node_size)};
    return true;
}

uint64_t sleepers_nodes(const struct sleepers *sleepers)
{
    return sleepers->nodes;
}

uint64_t sleepers_count(const struct sleepers *sleepers)
{
    return sleepers->count;
}

uint32_t sleepers_waiting(const struct sleepers *sleepers, const struct dispatch_guard *guard)
{
    const struct bed *bed = find_bed(sleepers, guard);
    return bed != NULL ? bed->nodes : 0;
}
