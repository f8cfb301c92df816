/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_TICKET_QUEUE_H
#define CORE_ENGINE_TICKET_QUEUE_H

/*
 * Ticket queue: tickets in a row, each in one at most; any of them can leave.
 *
 * Used by:  dispatch, limiter.
 * Uses:     the tickets of dispatch.h.
 * Threads:  [loop]; pure. All zero is an empty one.
 */

#include <stddef.h>

#include "core/engine/dispatch.h"

struct dispatch_queue {
    struct dispatch_ticket *first;
    struct dispatch_ticket *last;
};

/* All zero: there is room, and nobody waits. */
struct dispatch_room {
    bool is_full;
    struct dispatch_queue waiting;
};

static inline void queue_push(struct dispatch_queue *queue, struct dispatch_ticket *ticket)
{
    ticket->next = NULL;
    ticket->previous = queue->last;
    if (queue->last != NULL) {
        queue->last->next = ticket;
    } else {
        queue->first = ticket;
    }
    queue->last = ticket;
}

static inline void queue_push_front(struct dispatch_queue *queue, struct dispatch_ticket *ticket)
{
    ticket->next = queue->first;
    ticket->previous = NULL;
    if (queue->first != NULL) {
        queue->first->previous = ticket;
    } else {
        queue->last = ticket;
    }
    queue->first = ticket;
}

static inline void queue_remove(struct dispatch_queue *queue, struct dispatch_ticket *ticket)
{
    if (ticket->previous != NULL) {
        ticket->previous->next = ticket->next;
    } else {
        queue->first = ticket->next;
    }
    if (ticket->next != NULL) {
        ticket->next->previous = ticket->previous;
    } else {
        queue->last = ticket->previous;
    }
    ticket->next = NULL;
    ticket->previous = NULL;
}

#endif
