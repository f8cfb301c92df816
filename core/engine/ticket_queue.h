/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_TICKET_QUEUE_H
#define CORE_ENGINE_TICKET_QUEUE_H

/*
 * Ticket queue: tickets that wait, the one whose turn is next first; and ticket list: those that
 * wait no more, in the order in which they came. Each is in one at most; any of them can leave.
 *
 * Used by:  dispatch, limiter, rooms, waits.
 * Uses:     turn_queue, the tickets of dispatch.h.
 * Threads:  [loop]; pure. All zero is an empty one.
 */

#include <stddef.h>

#include "core/engine/dispatch.h"

struct dispatch_queue {
    struct turn_queue turns;
};

struct dispatch_list {
    struct turn_place *first;
    struct turn_place *last;
};

/* All zero: there is room, and nobody waits. */
struct dispatch_room {
    bool is_full;
    struct dispatch_queue waiting;
};

/* Its place is the first that a ticket has. */
static inline struct dispatch_ticket *ticket_at(struct turn_place *place)
{
    return (struct dispatch_ticket *)(void *)place;
}

static inline struct dispatch_ticket *queue_first(const struct dispatch_queue *queue)
{
    return ticket_at(queue->turns.first);
}

static inline bool queue_is_empty(const struct dispatch_queue *queue)
{
    return queue->turns.first == NULL;
}

/* The others in no order. NULL at the end. */
static inline struct dispatch_ticket *queue_next(const struct dispatch_ticket *ticket)
{
    return ticket_at(turn_queue_next(&ticket->place));
}

static inline void queue_push(struct dispatch_queue *queue, struct dispatch_ticket *ticket)
{
    turn_queue_push(&queue->turns, &ticket->place);
}

static inline void queue_remove(struct dispatch_queue *queue, struct dispatch_ticket *ticket)
{
    turn_queue_remove(&queue->turns, &ticket->place);
}

static inline void list_push(struct dispatch_list *list, struct dispatch_ticket *ticket)
{
    struct turn_place *place = &ticket->place;
    place->next = NULL;
    place->previous = list->last;
    if (list->last != NULL) {
        list->last->next = place;
    } else {
        list->first = place;
    }
    list->last = place;
}

static inline void list_remove(struct dispatch_list *list, struct dispatch_ticket *ticket)
{
    struct turn_place *place = &ticket->place;
    if (place->previous != NULL) {
        place->previous->next = place->next;
    } else {
        list->first = place->next;
    }
    if (place->next != NULL) {
        place->next->previous = place->previous;
    } else {
        list->last = place->previous;
    }
    place->next = NULL;
    place->previous = NULL;
}

#endif
