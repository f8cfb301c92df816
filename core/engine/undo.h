/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_UNDO_H
#define CORE_ENGINE_UNDO_H

/*
 * Undo: what a run with `rollback` has to undo, newest last: executions of nodes that have a
 * compensation and completed, and child runs that completed and have something to undo. The
 * frames in which they ran are kept, because compensations see them.
 *
 * Used by:  run, apply, endings.
 * Uses:     run_state.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct document;
struct frame;
struct record;
struct run;

struct undo_entry {
    uint64_t frame;
    uint32_t node;
    uint32_t visit;
    uint32_t iteration;
    uint32_t attempt;              /* of a child run: which one of the node's */
    bool is_child;                 /* a child run, else a compensation */
    const struct document *output; /* of the node; shared, NULL for a child run */
};

struct undo_stack {
    struct undo_entry *entries;
    size_t count;
    size_t cap;
    const struct document *error; /* why the first that failed to be undone did; NULL: none has */
};

/* `record` ends an execution of a node that did its work: what is to be undone comes on top. */
void undo_apply_completed(struct frame *frame, const struct record *record);

/* The topmost is undone, or has failed to be: `error` (shared), else NULL. */
void undo_apply_done(struct run *run, const struct document *error);

/* NULL: nothing is left. */
const struct undo_entry *undo_top(const struct run *run);

/* A frame that has ended and that something to undo needs. */
bool undo_needs(const struct frame *frame);

void undo_finish(struct run *run);

#endif
