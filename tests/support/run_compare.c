/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/run_compare.h"

#include <stdio.h>
#include <string.h>

#include "core/engine/loop_state.h"
#include "core/engine/run_state.h"
#include "core/value/value.h"

/* Returns the text of what does not agree. */
#define AGREES(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            return #condition;                                                                     \
        }                                                                                          \
    } while (0)

static bool is_same(const struct document *a, const struct document *b)
{
    if (a == NULL || b == NULL || a == b) {
        return a == b;
    }
    return value_equal(document_root(a), document_root(b));
}

static bool is_same_value(const struct value *a, const struct value *b)
{
    return a == NULL || b == NULL ? a == b : value_equal(a, b);
}

/* ---- loops ---- */

static const char *compare_kept(const struct loop_state *a, const struct loop_state *b)
{
    for (size_t i = 0; i < a->output_cap || i < b->output_cap; i++) {
        struct loop_output none = {0};
        struct loop_output x = i < a->output_cap ? a->outputs[i] : none;
        struct loop_output y = i < b->output_cap ? b->outputs[i] : none;
        AGREES(x.has_ended == y.has_ended && is_same(x.document, y.document));
    }
    AGREES(a->error_count == b->error_count);
    for (size_t i = 0; i < a->error_count; i++) {
        AGREES(a->errors[i].index == b->errors[i].index);
        AGREES(is_same_value(a->errors[i].item, b->errors[i].item));
        AGREES(is_same(a->errors[i].error, b->errors[i].error));
    }
    for (uint32_t i = 0; i < a->worker_count; i++) {
        AGREES(a->workers[i].next == b->workers[i].next && a->workers[i].end == b->workers[i].end);
        AGREES(a->workers[i].running == b->workers[i].running);
    }
    return NULL;
}

static const char *compare_loops(const struct loop_state *a, const struct loop_state *b)
{
    AGREES((a == NULL) == (b == NULL));
    if (a == NULL) {
        return NULL;
    }
    AGREES(is_same(a->items, b->items) && a->item_count == b->item_count);
    AGREES(a->count == b->count && a->next_unit == b->next_unit && a->running == b->running);
    AGREES(a->is_last == b->is_last && a->worker_count == b->worker_count);
    AGREES(a->completed == b->completed && a->failed == b->failed);
    AGREES(a->low == b->low && a->kept == b->kept && a->head == b->head);
    AGREES(is_same(a->acc, b->acc));
    AGREES(is_same(a->output, b->output) && is_same(a->error, b->error));
    return compare_kept(a, b);
}

static const char *compare_streams(const struct stream *a, const struct stream *b)
{
    AGREES((a == NULL) == (b == NULL));
    if (a == NULL) {
        return NULL;
    }
    AGREES(a->first == b->first && a->end == b->end && a->kept == b->kept);
    AGREES(a->window == b->window && a->owed == b->owed);
    AGREES(a->has_ended == b->has_ended && a->is_broken == b->is_broken);
    AGREES(a->reader_count == b->reader_count);
    for (uint32_t i = 0; i < a->reader_count; i++) {
        AGREES(a->readers[i].node == b->readers[i].node);
        AGREES(a->readers[i].next == b->readers[i].next);
        AGREES(a->readers[i].is_done == b->readers[i].is_done);
    }
    AGREES(a->is_copied == b->is_copied && a->copy.keeps_items == b->copy.keeps_items);
    AGREES(a->copy.keeps_seqs == b->copy.keeps_seqs);
    AGREES(a->copy.count == b->copy.count && a->copy.items.n == b->copy.items.n);
    AGREES((a->copy.seqs == NULL) == (b->copy.seqs == NULL) && a->copy.bytes == b->copy.bytes);
    AGREES(a->copy.seqs == NULL ||
           memcmp(a->copy.seqs, b->copy.seqs, a->copy.count * sizeof(a->copy.seqs[0])) == 0);
    AGREES(a->copy.bound == b->copy.bound);
    AGREES(memcmp(a->copy.digest, b->copy.digest, sizeof(a->copy.digest)) == 0);
    for (uint64_t i = a->first; i < a->end; i++) {
        AGREES(is_same(stream_item(a, i), stream_item(b, i)));
    }
    return NULL;
}

/* ---- nodes ---- */

static uint8_t state_to_be(const struct run_node *node, enum run_compare_lazy lazy)
{
    bool asks_again = lazy == RUN_COMPARE_NO_LAZY && node->state == NODE_QUEUED;
    return asks_again ? NODE_READY : node->state;
}

static const char *compare_nodes(const struct run_node *a, const struct run_node *b,
                                 enum run_compare_lazy lazy)
{
    AGREES(state_to_be(a, lazy) == b->state);
    bool has_asked = a->state != b->state;
    AGREES(has_asked || a->is_listed == b->is_listed);
    AGREES(a->stop_reason == b->stop_reason && a->pending_edge == b->pending_edge);
    AGREES(a->open_edges == b->open_edges && a->taken_edges == b->taken_edges);
    AGREES(a->is_dead_by_failure == b->is_dead_by_failure && a->is_delayed == b->is_delayed);
    AGREES(a->attempt == b->attempt && a->iteration == b->iteration && a->visit == b->visit);
    AGREES(a->outcome == b->outcome);
    AGREES(is_same(a->waits_for, b->waits_for));
    AGREES(a->ready_at == b->ready_at && a->started_at == b->started_at);
    AGREES(a->due_at == b->due_at && a->is_due_timeout == b->is_due_timeout);
    AGREES(a->has_begun == b->has_begun && a->is_retrying == b->is_retrying &&
           a->failures == b->failures && a->first_try_at == b->first_try_at &&
           a->is_unknown == b->is_unknown && a->is_falling_back == b->is_falling_back &&
           a->from == b->from);
    AGREES(a->first_started_at == b->first_started_at && a->ended_at == b->ended_at);
    AGREES(is_same(a->output, b->output) && is_same(a->error, b->error));
    AGREES(is_same(a->detail, b->detail));
    AGREES(a->is_reader == b->is_reader && a->source == b->source);
    const char *differs = compare_streams(a->stream, b->stream);
    return differs != NULL ? differs : compare_loops(a->loop, b->loop);
}

/* ---- frames ---- */

static uint32_t queued(const struct frame *frame)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < frame->body->node_count; i++) {
        count += frame->nodes[i].state == NODE_QUEUED ? 1u : 0u;
    }
    return count;
}

/* All numbers, and nothing between them. */
static const char *compare_accounts(const struct node_account *a, const struct node_account *b)
{
    for (; a != NULL && b != NULL; a = a->next, b = b->next) {
        AGREES(a->node == b->node && a->since == b->since);
        AGREES(memcmp(&a->purse, &b->purse, sizeof(a->purse)) == 0);
    }
    AGREES(a == NULL && b == NULL);
    return NULL;
}

static const char *compare_frames(const struct frame *a, const struct frame *b,
                                  enum run_compare_lazy lazy)
{
    uint32_t asks = lazy == RUN_COMPARE_NO_LAZY ? queued(a) : 0;
    AGREES(b != NULL);
    AGREES(a->kind == b->kind && a->state == b->state && a->body == b->body);
    AGREES((a->parent == NULL) == (b->parent == NULL) && a->owner == b->owner);
    AGREES(a->parent == NULL || a->parent->id == b->parent->id);
    AGREES(a->active - asks == b->active && a->ready + asks == b->ready);
    AGREES(a->is_settled == b->is_settled);
    AGREES(a->index == b->index && a->worker == b->worker && a->count == b->count);
    AGREES(a->undo_count == b->undo_count);
    AGREES(a->parent == NULL || (a->visit == b->visit && a->iteration == b->iteration));
    AGREES(is_same_value(a->item, b->item) && is_same(a->error, b->error));
    AGREES(a->current == b->current && (a->history == NULL) == (b->history == NULL));
    AGREES(a->history == NULL || a->history->count == b->history->count);
    AGREES(a->history == NULL ||
           memcmp(a->history->nodes, b->history->nodes, a->history->count * sizeof(uint32_t)) == 0);
    AGREES(a->body->edge_count == 0 ||
           memcmp(frame_edge(a, a->body->first_edge), frame_edge(b, b->body->first_edge),
                  a->body->edge_count) == 0);
    return compare_accounts(a->accounts, b->accounts);
}

static const char *compare_signals(const struct run *a, const struct run *b)
{
    AGREES(a->signal_count == b->signal_count && a->has_news == b->has_news);
    for (size_t i = 0; i < a->signal_count; i++) {
        AGREES(is_same(a->signals[i], b->signals[i]));
    }
    AGREES(a->has_taken_cancel == b->has_taken_cancel);
    return NULL;
}

static const char *compare_endings(const struct run *a, const struct run *b)
{
    AGREES(a->has_rollback == b->has_rollback && a->drops_endings == b->drops_endings);
    AGREES(a->has_run_outcome == b->has_run_outcome && a->has_run_finally == b->has_run_finally);
    AGREES(a->is_undoing == b->is_undoing && a->is_undoing_child == b->is_undoing_child);
    AGREES(a->outcome == b->outcome && (a->ending == NULL) == (b->ending == NULL));
    AGREES(a->ending == NULL || a->ending->id == b->ending->id);
    AGREES(a->undo.count == b->undo.count && is_same(a->undo.error, b->undo.error));
    for (size_t i = 0; i < a->undo.count; i++) {
        const struct undo_entry *x = &a->undo.entries[i];
        const struct undo_entry *y = &b->undo.entries[i];
        AGREES(x->frame == y->frame && x->node == y->node && x->attempt == y->attempt);
        AGREES(x->visit == y->visit && x->iteration == y->iteration);
        AGREES(x->is_child == y->is_child && is_same(x->output, y->output));
    }
    return NULL;
}

static const char *compare_runs(const struct run *a, const struct run *b)
{
    AGREES(a->state == b->state && a->last_seq == b->last_seq);
    AGREES(a->is_paused == b->is_paused && a->unknown == b->unknown);
    AGREES(memcmp(&a->spent, &b->spent, sizeof(a->spent)) == 0);
    AGREES(memcmp(&a->purse, &b->purse, sizeof(a->purse)) == 0);
    AGREES(a->tasks == b->tasks && a->root_tasks == b->root_tasks);
    AGREES(is_same(a->input, b->input));
    AGREES(a->started_at == b->started_at && a->ended_at == b->ended_at);
    AGREES(is_same(a->output, b->output) && is_same(a->error, b->error));
    AGREES(a->frame_count == b->frame_count && a->next_frame == b->next_frame);
    AGREES((a->first_settled == NULL) == (b->first_settled == NULL));
    const char *differs = compare_endings(a, b);
    return differs != NULL ? differs : compare_signals(a, b);
}

bool run_compare(const struct run *run, const struct run *again, enum run_compare_lazy lazy,
                 char *text, size_t size)
{
    const char *differs = compare_runs(run, again);
    (void)snprintf(text, size, "run: %s", differs != NULL ? differs : "agrees");
    for (const struct frame *a = run->root; a != NULL && differs == NULL;
         a = frame_next(a, run->root)) {
        const struct frame *b = frame_find(again, a->id);
        differs = compare_frames(a, b, lazy);
        (void)snprintf(text, size, "frame %llu: %s", (unsigned long long)a->id,
                       differs != NULL ? differs : "agrees");
        for (uint32_t i = 0; i < a->body->node_count && differs == NULL; i++) {
            differs = compare_nodes(&a->nodes[i], &b->nodes[i], lazy);
            struct str id = run->pipeline->nodes[a->body->first_node + i].id;
            (void)snprintf(text, size, "frame %llu, node '%.*s' (%s, was %s): %s",
                           (unsigned long long)a->id, STR_ARG(id),
                           node_state_name((enum node_state)b->nodes[i].state),
                           node_state_name((enum node_state)a->nodes[i].state),
                           differs != NULL ? differs : "agrees");
        }
    }
    return differs == NULL;
}
