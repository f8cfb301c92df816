/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/timer_heap.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/grow.h"

enum { FIRST_CHAINS = 16 };

/* One timer: in its heap, in a chain of those with a like hash, and in the list of its run. */
struct timer_entry {
    struct heap_timer timer;
    struct timer_heap *heap;
    size_t at; /* in heap->items */
    struct timer_entry *next_in_chain;
    struct timer_list *list;
    struct timer_entry *next;
    struct timer_entry *previous;
};

void timer_heap_finish(struct timer_heap *heap)
{
    for (size_t i = 0; i < heap->count; i++) {
        free(heap->items[i]);
    }
    free(heap->items);
    free(heap->chains);
    *heap = TIMER_HEAP_INIT;
}

/* ---- the order of their times ---- */

static void put(struct timer_heap *heap, size_t i, struct timer_entry *entry)
{
    heap->items[i] = entry;
    entry->at = i;
}

static void swap_items(struct timer_heap *heap, size_t a, size_t b)
{
    struct timer_entry *old = heap->items[a];
    put(heap, a, heap->items[b]);
    put(heap, b, old);
}

static int64_t due_at(const struct timer_heap *heap, size_t i)
{
    return heap->items[i]->timer.due_ms;
}

static void sift_up(struct timer_heap *heap, size_t i)
{
    while (i > 0) {
        size_t parent = (i - 1) / 2;
        if (due_at(heap, parent) <= due_at(heap, i)) {
            return;
        }
        swap_items(heap, i, parent);
        i = parent;
    }
}

static void sift_down(struct timer_heap *heap, size_t i)
{
    for (;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < heap->count; child++) {
            if (due_at(heap, child) < due_at(heap, least)) {
                least = child;
            }
        }
        if (least == i) {
            return;
        }
        swap_items(heap, i, least);
        i = least;
    }
}

/* ---- chains ---- */

static struct timer_entry **chain_of(const struct timer_heap *heap, const struct heap_timer *timer)
{
    const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15); /* its product spreads all bits upwards */
    uint64_t hash = (uint64_t)(uintptr_t)timer->run * odd;
    hash = (hash ^ (hash >> 32) ^ timer->frame) * odd;
    hash = (hash ^ (hash >> 32) ^ timer->node) * odd;
    hash = (hash ^ (hash >> 32) ^ (uint64_t)timer->kind) * odd;
    return &heap->chains[(hash >> 32) & (heap->chain_count - 1)];
}

static void chain_add(struct timer_heap *heap, struct timer_entry *entry)
{
    struct timer_entry **chain = chain_of(heap, &entry->timer);
    entry->next_in_chain = *chain;
    *chain = entry;
}

static void chain_remove(struct timer_heap *heap, struct timer_entry *entry)
{
    struct timer_entry **at = chain_of(heap, &entry->timer);
    while (*at != entry) {
        at = &(*at)->next_in_chain;
    }
    *at = entry->next_in_chain;
}

/* As many chains as there are timers, or more. */
static int reserve_chains(struct timer_heap *heap)
{
    if (heap->count < heap->chain_count) {
        return 0;
    }
    size_t count = heap->chain_count > 0 ? heap->chain_count * 2 : FIRST_CHAINS;
    struct timer_entry **chains = calloc(count, sizeof(*chains));
    if (chains == NULL) {
        return E_NOMEM;
    }
    free(heap->chains);
    heap->chains = chains;
    heap->chain_count = count;
    for (size_t i = 0; i < heap->count; i++) {
        chain_add(heap, heap->items[i]);
    }
    return 0;
}

/* ---- lists ---- */

static void list_add(struct timer_list *list, struct timer_entry *entry)
{
    entry->list = list;
    entry->next = list->first;
    if (list->first != NULL) {
        list->first->previous = entry;
    }
    list->first = entry;
}

static void list_remove(struct timer_entry *entry)
{
    if (entry->previous != NULL) {
        entry->previous->next = entry->next;
    } else {
        entry->list->first = entry->next;
    }
    if (entry->next != NULL) {
        entry->next->previous = entry->previous;
    }
}

/* ---- timers ---- */

int timer_heap_add(struct timer_heap *heap, struct timer_list *list, const struct heap_timer *timer)
{
    struct timer_entry **items =
        array_reserve(heap->items, &heap->cap, heap->count + 1, sizeof(*items));
    if (items == NULL) {
        return E_NOMEM;
    }
    heap->items = items;
    struct timer_entry *entry = calloc(1, sizeof(*entry));
    if (entry == NULL || reserve_chains(heap) != 0) {
        free(entry);
        return E_NOMEM;
    }
    entry->timer = *timer;
    entry->heap = heap;
    chain_add(heap, entry);
    list_add(list, entry);
    put(heap, heap->count++, entry);
    sift_up(heap, entry->at);
    return 0;
}

const struct heap_timer *timer_heap_first(const struct timer_heap *heap)
{
    return heap->count > 0 ? &heap->items[0]->timer : NULL;
}

static void remove_entry(struct timer_entry *entry)
{
    struct timer_heap *heap = entry->heap;
    struct timer_entry *last = heap->items[--heap->count];
    if (last != entry) {
        put(heap, entry->at, last);
        sift_up(heap, last->at);
        sift_down(heap, last->at);
    }
    chain_remove(heap, entry);
    list_remove(entry);
    free(entry);
}

bool timer_heap_pop(struct timer_heap *heap, int64_t now_ms, struct heap_timer *out_timer)
{
    if (heap->count == 0 || due_at(heap, 0) > now_ms) {
        return false;
    }
    *out_timer = heap->items[0]->timer;
    remove_entry(heap->items[0]);
    return true;
}

static struct timer_entry *find_entry(const struct timer_heap *heap, const struct heap_timer *like)
{
    struct timer_entry *at = heap->count > 0 ? *chain_of(heap, like) : NULL;
    while (at != NULL && (at->timer.run != like->run || at->timer.frame != like->frame ||
                          at->timer.node != like->node || at->timer.kind != like->kind)) {
        at = at->next_in_chain;
    }
    return at;
}

const struct heap_timer *timer_heap_find(const struct timer_heap *heap,
                                         const struct heap_timer *like)
{
    const struct timer_entry *entry = find_entry(heap, like);
    return entry != NULL ? &entry->timer : NULL;
}

void timer_heap_remove(struct timer_heap *heap, const struct heap_timer *like)
{
    struct timer_entry *entry = find_entry(heap, like);
    if (entry != NULL) {
        remove_entry(entry);
    }
}

void timer_list_clear(struct timer_list *list)
{
    while (list->first != NULL) {
        remove_entry(list->first);
    }
}
