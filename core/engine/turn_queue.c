/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/turn_queue.h"

#include <stddef.h>

bool turn_queue_is_before(const struct turn_key *a, const struct turn_key *b)
{
    if (a->priority != b->priority) {
        return a->priority < b->priority;
    }
    return a->at != b->at ? a->at < b->at : a->id < b->id;
}

/* Both are alone at the top of what is below them; `b` may be NULL. Returns the one on top. */
static struct turn_place *merge(struct turn_place *a, struct turn_place *b)
{
    if (b == NULL) {
        return a;
    }
    bool is_first = !turn_queue_is_before(&b->turn, &a->turn);
    struct turn_place *top = is_first ? a : b;
    struct turn_place *below = is_first ? b : a;
    below->next = top->child;
    below->previous = top;
    if (top->child != NULL) {
        top->child->previous = below;
    }
    top->child = below;
    return top;
}

static void set_alone(struct turn_place *place)
{
    if (place != NULL) {
        place->next = NULL;
        place->previous = NULL;
    }
}

/* Siblings two by two, and then all of these: so the next that goes finds few of them. */
static struct turn_place *merge_siblings(struct turn_place *at)
{
    struct turn_place *pairs = NULL;
    struct turn_place *top = NULL;
    while (at != NULL) {
        struct turn_place *second = at->next;
        struct turn_place *rest = second != NULL ? second->next : NULL;
        set_alone(at);
        set_alone(second);
        struct turn_place *pair = merge(at, second);
        pair->next = pairs;
        pairs = pair;
        at = rest;
    }
    while (pairs != NULL) {
        struct turn_place *rest = pairs->next;
        set_alone(pairs);
        top = merge(pairs, top);
        pairs = rest;
    }
    return top;
}

void turn_queue_push(struct turn_queue *queue, struct turn_place *place)
{
    place->child = NULL;
    set_alone(place);
    queue->first = merge(place, queue->first);
    queue->count++;
}

static bool is_first_child(const struct turn_place *place)
{
    return place->previous->child == place;
}

void turn_queue_remove(struct turn_queue *queue, struct turn_place *place)
{
    struct turn_place *below = merge_siblings(place->child);
    if (place == queue->first) {
        queue->first = below;
    } else {
        if (is_first_child(place)) {
            place->previous->child = place->next;
        } else {
            place->previous->next = place->next;
        }
        if (place->next != NULL) {
            place->next->previous = place->previous;
        }
        queue->first = merge(queue->first, below);
    }
    place->child = NULL;
    set_alone(place);
    queue->count--;
}

struct turn_place *turn_queue_next(const struct turn_place *place)
{
    const struct turn_place *at = place;
    if (at->child != NULL) {
        return at->child;
    }
    while (at->next == NULL && at->previous != NULL) {
        while (!is_first_child(at)) {
            at = at->previous;
        }
        at = at->previous;
    }
    return at->next;
}
