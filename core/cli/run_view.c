/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/run_view.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"

int run_view_init(struct run_view *view, const struct pipeline *pipeline)
{
    *view = (struct run_view){.pipeline = pipeline, .node_count = pipeline->bodies[0].node_count};
    view->nodes = calloc((size_t)view->node_count + 1, sizeof(*view->nodes));
    if (view->nodes == NULL) {
        return E_NOMEM;
    }
    for (uint32_t i = 0; i < view->node_count; i++) {
        view->nodes[i].fraction = -1.0;
    }
    return 0;
}

void run_view_finish(struct run_view *view)
{
    for (uint32_t i = 0; view->nodes != NULL && i < view->node_count; i++) {
        document_unref(view->nodes[i].output);
        document_unref(view->nodes[i].error);
    }
    free(view->nodes);
    document_unref(view->output);
    document_unref(view->error);
    *view = (struct run_view){0};
}

static void count_end(struct run_view *view, enum node_state state)
{
    view->completed += state == NODE_COMPLETED ? 1u : 0u;
    view->failed += state == NODE_FAILED ? 1u : 0u;
    view->skipped += state == NODE_SKIPPED ? 1u : 0u;
    view->cancelled += state == NODE_CANCELLED ? 1u : 0u;
    view->ended += state == NODE_NOT_RUN ? 0u : 1u;
}

static void apply_node_ended(struct run_view *view, const struct record *record)
{
    struct node_view *node = &view->nodes[record->node];
    bool was_running = node->state == NODE_RUNNING || node->state == NODE_STOPPING;
    view->running -= was_running ? 1u : 0u;
    bool has_run = record->node_state == NODE_COMPLETED || record->node_state == NODE_FAILED;
    if (!was_running && has_run) {
        node->started_at = record->at_unix_ms;
        node->attempt = record->attempt;
    }
    node->state = record->node_state;
    node->ended_at = node->started_at != 0 ? record->at_unix_ms : 0;
    document_unref(node->output); /* of an earlier visit of the state */
    document_unref(node->error);
    node->output = document_ref(record->output);
    node->error = document_ref(record->error);
    count_end(view, record->node_state);
}

/* An iteration of a loop of the root body has ended. */
static void count_iteration(struct run_view *view, const struct record *record)
{
    if (record->kind == FRAME_ITEM && record->node < view->node_count) {
        struct node_view *node = &view->nodes[record->node];
        node->iterations++;
        node->failed_iterations += record->run_state == RUN_FAILED ? 1u : 0u;
    }
}

void run_view_apply(struct run_view *view, const struct record *record)
{
    if (record->type == RECORD_FRAME_ENDED) {
        count_iteration(view, record);
        return;
    }
    if (record->frame != 0) {
        return; /* inside a loop: what the loop makes of it counts */
    }
    struct node_view *node = record->node != RECORD_NO_NODE ? &view->nodes[record->node] : NULL;
    switch (record->type) {
    case RECORD_RUN_STARTED:
        view->state = RUN_RUNNING;
        view->started_at = record->at_unix_ms;
        return;
    case RECORD_NODE_QUEUED:
        node->state = NODE_QUEUED;
        return;
    case RECORD_NODE_STARTED:
        node->state = NODE_RUNNING;
        node->attempt = record->attempt;
        node->started_at = record->at_unix_ms;
        view->running++;
        return;
    case RECORD_NODE_STOPPING:
        node->state = NODE_STOPPING;
        return;
    case RECORD_NODE_ENDED:
        apply_node_ended(view, record);
        return;
    case RECORD_NODE_AGAIN:
    case RECORD_NODE_DUE:
    case RECORD_FRAME_STARTED:
    case RECORD_FRAME_STOPPING:
    case RECORD_FRAME_ENDED:
    case RECORD_LOOP_REDUCED:
    case RECORD_ITEM:
    case RECORD_CREDIT:
    case RECORD_SIGNAL:
    case RECORD_SIGNAL_TAKEN:
    case RECORD_SIGNALS_SEEN:
    case RECORD_RUN_ENDING:
    case RECORD_CHILD_UNDOING:
    case RECORD_CHILD_UNDONE:
    case RECORD_ENDINGS_DROPPED:
    case RECORD_RUN_UNDOING:
    case RECORD_RUN_UNDONE:
        return;
    case RECORD_RUN_STOPPING:
        view->state = record->run_state;
        return;
    case RECORD_RUN_ENDED:
        view->state = record->run_state;
        view->ended_at = record->at_unix_ms;
        view->output = document_ref(record->output);
        view->error = document_ref(record->error);
        return;
    }
}

uint32_t run_view_not_run(const struct run_view *view)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < view->node_count; i++) {
        enum node_state state = view->nodes[i].state;
        bool has_ended = state == NODE_COMPLETED || state == NODE_FAILED || state == NODE_SKIPPED ||
                         state == NODE_CANCELLED;
        count += has_ended ? 0u : 1u;
    }
    return count;
}

int64_t run_view_node_ms(const struct node_view *node, int64_t now_unix_ms)
{
    if (node->started_at == 0) {
        return 0;
    }
    int64_t end = node->ended_at != 0 ? node->ended_at : now_unix_ms;
    return end > node->started_at ? end - node->started_at : 0;
}

int64_t run_view_ms(const struct run_view *view, int64_t now_unix_ms)
{
    int64_t end = view->ended_at != 0 ? view->ended_at : now_unix_ms;
    return end > view->started_at ? end - view->started_at : 0;
}
