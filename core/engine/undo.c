/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/undo.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/grow.h"
#include "core/engine/run_state.h"
#include "core/value/value.h"

static void push(struct frame *frame, const struct undo_entry *entry)
{
    struct undo_stack *stack = &frame->run->undo;
    struct undo_entry *entries =
        array_reserve(stack->entries, &stack->cap, stack->count + 1, sizeof(*entries));
    if (entries == NULL) {
        frame->run->has_failed = true;
        return;
    }
    stack->entries = entries;
    entries[stack->count++] = *entry;
    (void)document_ref(entry->output);
    frame->undo_count++;
}

void undo_apply_completed(struct frame *frame, const struct record *record)
{
    const struct run *run = frame->run;
    const struct run_node *node = frame_node(frame, record->node);
    struct undo_entry entry = {.frame = frame->id,
                               .node = record->node,
                               .visit = node->visit,
                               .iteration = node->iteration,
                               .attempt = record->attempt};
    if (!run->has_rollback || run->state == RUN_ENDING || run->is_undoing) {
        return;
    }
    if (record->has_undo) {
        entry.is_child = true;
        push(frame, &entry);
    }
    if (run->pipeline->nodes[record->node].compensate != 0) {
        entry.is_child = false;
        entry.output = record->is_done ? record->done : record->output;
        push(frame, &entry);
    }
}

void undo_apply_done(struct run *run, const struct document *error)
{
    struct undo_stack *stack = &run->undo;
    CHECK_NAMED(stack->count > 0, run->id);
    document_unref(stack->entries[--stack->count].output);
    stack->error = stack->error == NULL ? document_ref(error) : stack->error;
}

const struct undo_entry *undo_top(const struct run *run)
{
    return run->undo.count > 0 ? &run->undo.entries[run->undo.count - 1] : NULL;
}

bool undo_needs(const struct frame *frame)
{
    return frame->undo_count > 0 || frame->first_child != NULL;
}

void undo_finish(struct run *run)
{
    for (size_t i = 0; i < run->undo.count; i++) {
        document_unref(run->undo.entries[i].output);
    }
    document_unref(run->undo.error);
    free(run->undo.entries);
}
