/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_TURN_QUEUE_H
#define CORE_ENGINE_TURN_QUEUE_H

/*
 * Turn queue: who is next of those that wait. A place in it is memory of whoever waits; any of them
 * can leave. Coming takes one step, and going a few, however many wait and in whatever order they
 * came: it is a pairing heap.
 *
 * Used by:  ticket_queue, sleepers, dispatch, member, run.
 * Uses:     base.
 * Threads:  [loop]; pure. All zero is an empty one.
 */

#include <stdbool.h>
#include <stdint.h>

/*
 * An item of the retry queue has its priority and the time from which on it could be tried, and of
 * two with the same the one with the lower number is first. What nobody queued is of normal
 * priority from the time on at which it asked, in the order of asking.
 */
struct turn_key {
    int64_t at;       /* unix ms */
    uint64_t id;      /* the number of the run, or of the question */
    int32_t priority; /* enum queue_priority: the lowest is first */
};

struct turn_place {
    struct turn_key turn;
    struct turn_place *child; /* the first of those that it is before */
    struct turn_place *next;
    struct turn_place *previous; /* its sibling, or of the first child the parent */
};

struct turn_queue {
    struct turn_place *first;
    uint32_t count;
};

bool turn_queue_is_before(const struct turn_key *a, const struct turn_key *b);

/* A place is in one queue at most, and its turn stays what it is while it is there. */
void turn_queue_push(struct turn_queue *queue, struct turn_place *place);
void turn_queue_remove(struct turn_queue *queue, struct turn_place *place);

/* The place after `place`, beginning with the first; the others in no order. NULL at the end. */
struct turn_place *turn_queue_next(const struct turn_place *place);

#endif
