/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_TIMER_HEAP_H
#define CORE_LOOP_TIMER_HEAP_H

/*
 * Timer heap: the timers of all runs, so that ten thousand of them cost one timer of libuv.
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

struct heap_timer {
    int64_t due_ms; /* by the clock of its heap */
    struct loop_run *run;
    uint64_t frame;
    uint32_t node;
    uint32_t attempt;
    enum timer_kind kind;
};

struct timer_heap {
    struct heap_timer *items; /* a binary heap, the next due one first */
    size_t count;
    size_t cap;
};

#define TIMER_HEAP_INIT ((struct timer_heap){0})

void timer_heap_finish(struct timer_heap *heap);

/* 0 or E_NOMEM. */
int timer_heap_add(struct timer_heap *heap, const struct heap_timer *timer);

/* The next due timer, or NULL. */
const struct heap_timer *timer_heap_first(const struct timer_heap *heap);

/* Takes the next timer that is due at `now_ms`; false when none is. */
bool timer_heap_pop(struct timer_heap *heap, int64_t now_ms, struct heap_timer *out_timer);

/* The timer of that node and kind, or NULL; borrowed until the next change. */
const struct heap_timer *timer_heap_find(const struct timer_heap *heap,
                                         const struct heap_timer *like);

/* Removes the timers of `run`: all, or those of one node and kind. */
void timer_heap_remove_run(struct timer_heap *heap, const struct loop_run *run);
void timer_heap_remove(struct timer_heap *heap, const struct heap_timer *like);

#endif
