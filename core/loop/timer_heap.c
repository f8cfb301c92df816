/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/timer_heap.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/grow.h"

void timer_heap_finish(struct timer_heap *heap)
{
    free(heap->items);
    *heap = TIMER_HEAP_INIT;
}

static void swap_items(struct timer_heap *heap, size_t a, size_t b)
{
    struct heap_timer old = heap->items[a];
    heap->items[a] = heap->items[b];
    heap->items[b] = old;
}

static void sift_up(struct timer_heap *heap, size_t i)
{
    while (i > 0) {
        size_t parent = (i - 1) / 2;
        if (heap->items[parent].due_ms <= heap->items[i].due_ms) {
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
            if (heap->items[child].due_ms < heap->items[least].due_ms) {
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

int timer_heap_add(struct timer_heap *heap, const struct heap_timer *timer)
{
    struct heap_timer *items =
        array_reserve(heap->items, &heap->cap, heap->count + 1, sizeof(*items));
    if (items == NULL) {
        return E_NOMEM;
    }
    heap->items = items;
    items[heap->count] = *timer;
    sift_up(heap, heap->count++);
    return 0;
}

const struct heap_timer *timer_heap_first(const struct timer_heap *heap)
{
    return heap->count > 0 ? &heap->items[0] : NULL;
}

static void remove_at(struct timer_heap *heap, size_t i)
{
    heap->items[i] = heap->items[--heap->count];
    if (i < heap->count) {
        sift_up(heap, i);
        sift_down(heap, i);
    }
}

bool timer_heap_pop(struct timer_heap *heap, int64_t now_ms, struct heap_timer *out_timer)
{
    if (heap->count == 0 || heap->items[0].due_ms > now_ms) {
        return false;
    }
    *out_timer = heap->items[0];
    remove_at(heap, 0);
    return true;
}

/* Keeps what `matches` does not name; a heap is made again from what is left. */
static void rebuild(struct timer_heap *heap)
{
    for (size_t i = heap->count / 2; i-- > 0;) {
        sift_down(heap, i);
    }
}

void timer_heap_remove_run(struct timer_heap *heap, const struct loop_run *run)
{
    size_t kept = 0;
    for (size_t i = 0; i < heap->count; i++) {
        if (heap->items[i].run != run) {
            heap->items[kept++] = heap->items[i];
        }
    }
    if (kept < heap->count) {
        heap->count = kept;
        rebuild(heap);
    }
}

const struct heap_timer *timer_heap_find(const struct timer_heap *heap,
                                         const struct heap_timer *like)
{
    for (size_t i = 0; i < heap->count; i++) {
        const struct heap_timer *timer = &heap->items[i];
        if (timer->run == like->run && timer->frame == like->frame && timer->node == like->node &&
            timer->kind == like->kind) {
            return timer;
        }
    }
    return NULL;
}

void timer_heap_remove(struct timer_heap *heap, const struct heap_timer *like)
{
    const struct heap_timer *timer = timer_heap_find(heap, like);
    if (timer != NULL) {
        remove_at(heap, (size_t)(timer - heap->items));
    }
}
