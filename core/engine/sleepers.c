/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/sleepers.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/engine/dispatch.h"
#include "core/engine/dispatch_guard.h"

enum { FIRST_SLOTS = 64, NODE_SIZE_MOST = INT32_MAX };

/* Where many sleep, those whose own time has come are looked for so often, so many at once. */
enum { MANY = 1000, DUE_EACH_MS = 250, DUE_AT_ONCE = 256 };

struct sleeper {
    struct turn_place place; /* in its bed, or among those that are due; its id is the number */
    int64_t wake_at;
    struct bed *bed;
    struct sleeper *next_hashed;
    uint32_t nodes;
    bool is_due : 1;
    uint32_t node_size : 31;
    char node[];
};

/* Those who wait for one breaker. */
struct bed {
    struct dispatch_guard *guard;
    struct turn_queue asleep;
    struct turn_queue due; /* their own time has come */
    uint32_t nodes;
    int64_t wake_at; /* none of those asleep has anything to do before; it may be looked at later */
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

static struct sleeper *sleeper_at(struct turn_place *place)
{
    return (struct sleeper *)(void *)place;
}

void sleepers_destroy(struct sleepers *sleepers)
{
    if (sleepers == NULL) {
        return;
    }
    while (sleepers->beds != NULL) {
        struct bed *bed = sleepers->beds;
        sleepers->beds = bed->next;
        dispatch_guard_note_asleep(bed->guard, NULL);
        free(bed);
    }
    for (size_t i = 0; i < sleepers->slot_count; i++) {
        while (sleepers->slots[i] != NULL) {
            struct sleeper *sleeper = sleepers->slots[i];
            sleepers->slots[i] = sleeper->next_hashed;
            free(sleeper);
        }
    }
    free(sleepers->slots);
    free(sleepers);
}

/* ---- finding ---- */

static uint64_t number_of(const struct sleeper *sleeper)
{
    return sleeper->place.turn.id;
}

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
    for (size_t i = 0; i < sleepers->slot_count; i++) {
        while (sleepers->slots[i] != NULL) {
            struct sleeper *at = sleepers->slots[i];
            struct sleeper **slot = &slots[number_of(at) & (count - 1)];
            sleepers->slots[i] = at->next_hashed;
            at->next_hashed = *slot;
            *slot = at;
        }
    }
    free(sleepers->slots);
    sleepers->slots = slots;
    sleepers->slot_count = count;
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

/* The breaker knows who has its next turn. */
static void tell_guard(const struct bed *bed)
{
    const struct turn_place *first = bed->asleep.first;
    dispatch_guard_note_asleep(bed->guard, first != NULL ? &first->turn : NULL);
}

static void enter_bed(struct sleeper *sleeper)
{
    struct bed *bed = sleeper->bed;
    turn_queue_push(&bed->asleep, &sleeper->place);
    bed->nodes += sleeper->nodes;
    bed->wake_at = sleeper->wake_at < bed->wake_at ? sleeper->wake_at : bed->wake_at;
    tell_guard(bed);
}

static void leave_bed(struct sleeper *sleeper)
{
    struct bed *bed = sleeper->bed;
    turn_queue_remove(sleeper->is_due ? &bed->due : &bed->asleep, &sleeper->place);
    bed->nodes -= sleeper->nodes;
    tell_guard(bed);
}

/* Where the pointer to it is; to NULL, or NULL: there is none. */
static struct sleeper **find(const struct sleepers *sleepers, uint64_t number)
{
    struct sleeper **slot = sleepers->slots != NULL ? slot_of(sleepers, number) : NULL;
    while (slot != NULL && *slot != NULL && number_of(*slot) != number) {
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
    CHECK(options->number != 0 && options->node.n <= NODE_SIZE_MOST);
    sleepers_remove(sleepers, options->number);
    struct bed *bed = make_bed(sleepers, options->guard);
    struct sleeper *sleeper = calloc(1, sizeof(*sleeper) + options->node.n);
    if (bed == NULL || sleeper == NULL || grow_slots(sleepers) != 0) {
        free(sleeper);
        return E_NOMEM;
    }
    struct sleeper **slot = slot_of(sleepers, options->number);
    *sleeper = (struct sleeper){.place.turn = options->turn,
                                .wake_at = options->wake_at,
                                .bed = bed,
                                .next_hashed = *slot,
                                .nodes = options->nodes,
                                .node_size = options->node.n & NODE_SIZE_MOST};
    sleeper->place.turn.id = options->number;
    memcpy(sleeper->node, options->node.n > 0 ? options->node.p : "", options->node.n);
    *slot = sleeper;
    enter_bed(sleeper);
    sleepers->count++;
    sleepers->nodes += options->nodes;
    return 0;
}

/* ---- waking ---- */

static void set_due(struct bed *bed, struct sleeper *sleeper)
{
    turn_queue_remove(&bed->asleep, &sleeper->place);
    turn_queue_push(&bed->due, &sleeper->place);
    sleeper->is_due = true;
}

/* Looks at all for those whose own time has come. Then the bed's time is that of the next one. */
static void find_due(struct bed *bed, int64_t now)
{
    struct sleeper *due[DUE_AT_ONCE];
    size_t count = 0;
    int64_t earliest = INT64_MAX;
    if (bed->wake_at > now || bed->due.first != NULL) {
        return;
    }
    struct turn_place *at = bed->asleep.first;
    for (; at != NULL && count < DUE_AT_ONCE; at = turn_queue_next(at)) {
        struct sleeper *sleeper = sleeper_at(at);
        if (sleeper->wake_at <= now) {
            due[count++] = sleeper;
        } else if (sleeper->wake_at < earliest) {
            earliest = sleeper->wake_at;
        }
    }
    bool is_soon = bed->asleep.count > MANY && earliest < now + DUE_EACH_MS;
    bed->wake_at = at != NULL ? now : is_soon ? now + DUE_EACH_MS : earliest;
    for (size_t i = 0; i < count; i++) {
        set_due(bed, due[i]);
    }
    tell_guard(bed);
}

bool sleepers_next_awake(struct sleepers *sleepers, const struct dispatch *dispatch, int64_t now,
                         uint64_t *out_number)
{
    for (struct bed *bed = sleepers->beds; bed != NULL; bed = bed->next) {
        find_due(bed, now);
        const struct turn_place *next = bed->due.first;
        if (next == NULL && dispatch_guard_room(dispatch, bed->guard) > 0) {
            next = bed->asleep.first;
        }
        if (next != NULL) {
            *out_number = next->turn.id;
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
        if (bed->asleep.first == NULL && bed->due.first == NULL) {
            continue;
        }
        int64_t own = dispatch_guard_opens_at(dispatch, bed->guard);
        own = bed->wake_at < own ? bed->wake_at : own;
        own = bed->due.first != NULL ? INT64_MIN : own;
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
                                            .turn = sleeper->place.turn,
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
