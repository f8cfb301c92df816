/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_TIMER_HEAP_H
#define CORE_LOOP_TIMER_HEAP_H

/*
 * Timer heap: the timers of all runs, so that ten thousand of them cost one timer of libuv. Of n
 * timers the next is found at once, any one of them by its node, and those of a run by its list;
 * to add or remove one takes log n steps.
 *
 * Used by:  loop.
 * Uses:     engine/record.h.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/engine/record.h"

struct loop_run;
struct timer_entry;

struct heap_timer {
    int64_t due_ms; /* by the clock of its heap */
    struct loop_run *run;
    uint64_t frame;
    uint32_t node;
    uint32_t attempt;
    enum timer_kind kind;
};

struct timer_heap {
    struct timer_entry **items; /* a binary heap, the next due one first */
    size_t count;
    size_t cap;
    struct timer_entry **chains; /* by run, frame, node and kind */
    size_t chain_count;          /* a power of two, or 0 */
};

#define TIMER_HEAP_INIT ((struct timer_heap){0})

/* The timers of one run, of all heaps. All zero: none. */
struct timer_list {
    struct timer_entry *first;
};

/* Frees what is left in it; the lists of its timers are of no use any more. */
void timer_heap_finish(struct timer_heap *heap);

/* `list` is that of the timer's run, and kept until the timer is gone. 0 or E_NOMEM. */
int timer_heap_add(struct timer_heap *heap, struct timer_list *list,
                   const struct heap_timer *timer);

/* The next due timer, or NULL; borrowed until the next change. */
const struct heap_timer *timer_heap_first(const struct timer_heap *heap);

/* Takes the next timer that is due at `now_ms`; false when none is. */
bool timer_heap_pop(struct timer_heap *heap, int64_t now_ms, struct heap_timer *out_timer);

/* The timer of that run, node and kind, or NULL; borrowed until the next change. */
const struct heap_timer *timer_heap_find(const struct timer_heap *heap,
                                         const struct heap_timer *like);

/* Removes that one, if there is one. */
void timer_heap_remove(struct timer_heap *heap, const struct heap_timer *like);

/* Removes all of a run. */
void timer_list_clear(struct timer_list *list);

#endif
