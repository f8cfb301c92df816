/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/frames.h"

#include "core/engine/endings.h"
#include "core/engine/loops.h"
#include "core/engine/notices.h"
#include "core/engine/record.h"
#include "core/engine/run_state.h"
#include "core/engine/signals.h"
#include "core/engine/streams.h"
#include "core/engine/transition.h"
#include "core/engine/undo.h"

void frames_begin(struct frame *frame, int64_t at)
{
    frame->state = RUN_RUNNING;
    if (frame->body->kind == BODY_STATES) {
        frame->current = frame->body->initial;
        frame_node(frame, frame->current)->visit = 1;
        transition_make_ready(frame_node(frame, frame->current), at);
        signals_note_news(frame->run);
        return;
    }
    for (uint32_t i = 0; i < frame->body->node_count; i++) {
        if (frame->nodes[i].open_edges == 0) {
            transition_make_ready(&frame->nodes[i], at);
        }
    }
}

/* It begins anew; its latest output stays until the next. */
void frames_enter_state(struct frame *frame, uint32_t node, int64_t at)
{
    struct run_node *state = frame_node(frame, node);
    state->state = NODE_PENDING;
    state->iteration = 0;
    state->failures = 0;
    state->visit++;
    state->pending_edge = 0;
    run_replace_document(&state->error, NULL);
    transition_make_ready(state, at);
    signals_note_news(frame->run);
}

static bool is_container(const struct run_node *node)
{
    return node->loop != NULL && (node->state == NODE_RUNNING || node->state == NODE_STOPPING);
}

/* Nothing new starts in it: what is ready is not looked at, loops look whether they can end. */
static void stop(struct frame *frame, enum run_state state)
{
    if (frame->state != RUN_RUNNING) {
        return;
    }
    frame->state = state;
    for (uint32_t i = 0; i < frame->body->node_count; i++) {
        struct run_node *node = &frame->nodes[i];
        if (node->state == NODE_READY) {
            run_unlist_node(frame->run, node);
        } else if (is_container(node)) {
            loops_look(node);
        } else {
            streams_look(node);
        }
    }
    frame_check_settled(frame);
}

void frames_stop(struct frame *top, enum run_state state)
{
    for (struct frame *frame = top; frame != NULL; frame = frame_next(frame, top)) {
        if (frame->kind != FRAME_NOTICE || frame == top) {
            stop(frame, state);
        }
    }
}

static bool is_of_endings(const struct frame *frame)
{
    return frame->kind == FRAME_ENDING || frame->kind == FRAME_UNDO;
}

void frames_apply_started(struct frame *parent, const struct record *record)
{
    struct run *run = parent->run;
    const struct body *body = &run->pipeline->bodies[record->body];
    struct frame *frame = frame_create(run, parent, record->child, body);
    if (frame == NULL) {
        run->has_failed = true;
        return;
    }
    run->next_frame = record->child + 1;
    frame->kind = record->kind;
    frame->owner = record->node;
    frame->index = record->index;
    frame->item_document = document_ref(record->output);
    frame->item = record->item;
    if (is_of_endings(frame)) {
        endings_apply_frame_started(frame);
    } else if (frame->kind == FRAME_NOTICE) {
        notices_apply_frame_started(frame);
    } else {
        frame->visit = frame_node(parent, record->node)->visit;
        frame->iteration = frame_node(parent, record->node)->iteration;
        loops_apply_frame_started(frame);
    }
    frames_begin(frame, record->at_unix_ms);
}

void frames_apply_ended(struct frame *frame, const struct record *record)
{
    frame_unsettle(frame);
    if (is_of_endings(frame)) {
        endings_apply_frame_ended(frame, record);
        frame_destroy(frame);
        return;
    }
    if (frame->kind == FRAME_NOTICE) {
        notices_apply_frame_ended(frame->run);
        frame_destroy(frame);
        return;
    }
    loops_apply_frame_ended(frame, record);
    if (undo_needs(frame)) {
        frame->state = record->run_state;
    } else {
        frame_destroy(frame);
    }
}

void frames_apply_paused(struct run *run)
{
    run->is_paused = true;
    for (struct frame *at = run->root; at != NULL; at = frame_next(at, run->root)) {
        for (uint32_t i = 0; i < at->body->node_count; i++) {
            struct run_node *node = &at->nodes[i];
            if (node->state == NODE_QUEUED) {
                transition_set_node(node, NODE_READY);
                node->is_asking = false;
            }
            if (node->state == NODE_READY) {
                run_unlist_node(run, node);
            } else if (is_container(node)) {
                loops_look(node);
            }
        }
    }
}

void frames_apply_resumed(struct run *run)
{
    run->is_paused = false;
    for (struct frame *at = run->root; at != NULL; at = frame_next(at, run->root)) {
        for (uint32_t i = 0; i < at->body->node_count; i++) {
            struct run_node *node = &at->nodes[i];
            if (node->state == NODE_READY && at->state == RUN_RUNNING) {
                run_list_node(run, node);
            } else if (is_container(node)) {
                loops_look(node);
            }
        }
    }
}
