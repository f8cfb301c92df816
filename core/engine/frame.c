/* SPDX-License-Identifier: Apache-2.0 */
/* Frames: their memory, their tree, how they are found, and the two lists of work. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/engine/loops.h"
#include "core/engine/run_state.h"
#include "core/engine/spending.h"
#include "core/engine/streams.h"
#include "core/value/value.h"

enum { FIRST_SLOTS = 16 };

/* ---- by number ---- */

static struct frame **slot_of(const struct run *run, uint64_t id)
{
    return &run->frames[id & (run->frame_slots - 1)];
}

static int grow_slots(struct run *run)
{
    if (run->frame_count < run->frame_slots) {
        return 0;
    }
    size_t slots = run->frame_slots > 0 ? run->frame_slots * 2 : FIRST_SLOTS;
    struct frame **old = run->frames;
    size_t old_slots = run->frame_slots;
    struct frame **frames = calloc(slots, sizeof(struct frame *));
    if (frames == NULL) {
        return -1;
    }
    run->frames = frames;
    run->frame_slots = slots;
    for (size_t i = 0; i < old_slots; i++) {
        for (struct frame *frame = old[i], *next = NULL; frame != NULL; frame = next) {
            struct frame **slot = slot_of(run, frame->id);
            next = frame->next_hashed;
            frame->next_hashed = *slot;
            *slot = frame;
        }
    }
    free(old);
    return 0;
}

struct frame *frame_find(const struct run *run, uint64_t id)
{
    struct frame *frame = run->frames != NULL ? *slot_of(run, id) : NULL;
    while (frame != NULL && frame->id != id) {
        frame = frame->next_hashed;
    }
    return frame;
}

static void unhash(struct frame *frame)
{
    struct frame **slot = slot_of(frame->run, frame->id);
    while (*slot != frame) {
        slot = &(*slot)->next_hashed;
    }
    *slot = frame->next_hashed;
    frame->run->frame_count--;
}

/* ---- lifecycle ---- */

static void link_child(struct frame *parent, struct frame *child)
{
    child->parent = parent;
    child->previous_sibling = parent->last_child;
    if (parent->last_child != NULL) {
        parent->last_child->next_sibling = child;
    } else {
        parent->first_child = child;
    }
    parent->last_child = child;
}

static void unlink_child(struct frame *child)
{
    if (child->previous_sibling != NULL) {
        child->previous_sibling->next_sibling = child->next_sibling;
    } else if (child->parent != NULL) {
        child->parent->first_child = child->next_sibling;
    }
    if (child->next_sibling != NULL) {
        child->next_sibling->previous_sibling = child->previous_sibling;
    } else if (child->parent != NULL) {
        child->parent->last_child = child->previous_sibling;
    }
}

/* A loop waits for its stream as for one more edge. */
static void init_node(struct run_node *node, const struct node *def)
{
    node->is_reader = def->for_each != NULL && def->for_each->stream != PIPELINE_NO_NODE;
    node->source = node->is_reader ? EDGE_OPEN : EDGE_TAKEN;
    node->open_edges = def->in_count + (node->is_reader ? 1 : 0);
}

struct frame *frame_create(struct run *run, struct frame *parent, uint64_t id,
                           const struct body *body)
{
    size_t nodes_size = body->node_count * sizeof(struct run_node);
    size_t size = offsetof(struct frame, nodes) + nodes_size + body->edge_count;
    struct frame *frame = NULL;
    if (grow_slots(run) == 0) {
        frame = malloc(size); /* which has small blocks at hand, as calloc() has not */
    }
    if (frame == NULL) {
        return NULL;
    }
    memset(frame, 0, size);
    frame->id = id;
    frame->run = run;
    frame->body = body;
    frame->owner = RECORD_NO_NODE;
    for (uint32_t i = 0; i < body->node_count; i++) {
        frame->nodes[i].frame = frame;
        init_node(&frame->nodes[i], &run->pipeline->nodes[body->first_node + i]);
    }
    struct frame **slot = slot_of(run, id);
    frame->next_hashed = *slot;
    *slot = frame;
    run->frame_count++;
    if (parent != NULL) {
        link_child(parent, frame);
    }
    return frame;
}

static void destroy_one(struct frame *frame)
{
    for (uint32_t i = 0; i < frame->body->node_count; i++) {
        document_unref(frame->nodes[i].output);
        document_unref(frame->nodes[i].error);
        document_unref(frame->nodes[i].detail);
        document_unref(frame->nodes[i].waits_for);
        loop_state_destroy(frame->nodes[i].loop);
        stream_destroy(frame->nodes[i].stream);
        free(frame->nodes[i].ticket);
    }
    unhash(frame);
    unlink_child(frame);
    document_unref(frame->item_document);
    document_unref(frame->detail);
    document_unref(frame->error);
    if (frame->history != NULL) {
        free(frame->history->nodes);
        free(frame->history);
    }
    spending_destroy(frame);
    free(frame);
}

void frame_destroy(struct frame *frame)
{
    while (frame != NULL) { /* leaves first */
        struct frame *leaf = frame;
        while (leaf->first_child != NULL) {
            leaf = leaf->first_child;
        }
        bool was_top = leaf == frame;
        destroy_one(leaf);
        if (was_top) {
            return;
        }
    }
}

/* ---- the tree ---- */

struct frame *frame_next(const struct frame *frame, const struct frame *top)
{
    if (frame->first_child != NULL) {
        return frame->first_child;
    }
    while (frame != top && frame->next_sibling == NULL) {
        frame = frame->parent;
    }
    return frame == top ? NULL : frame->next_sibling;
}

const struct frame *frame_with_node(const struct frame *frame, uint32_t node)
{
    while (frame != NULL && (node < frame->body->first_node ||
                             node - frame->body->first_node >= frame->body->node_count)) {
        frame = frame->parent;
    }
    return frame;
}

bool run_next_frame(const struct run *run, uint64_t *frame)
{
    const struct frame *at = frame_find(run, *frame);
    const struct frame *next = at != NULL ? frame_next(at, run->root) : NULL;
    if (next != NULL) {
        *frame = next->id;
    }
    return next != NULL;
}

uint32_t run_frame_body(const struct run *run, uint64_t frame)
{
    return (uint32_t)(frame_find(run, frame)->body - run->pipeline->bodies);
}

bool run_frame_has_output(const struct run *run, uint64_t frame)
{
    const struct frame *at = frame_find(run, frame);
    bool has_output = false;
    for (uint32_t i = 0; at != NULL && !has_output && i < at->body->node_count; i++) {
        has_output = at->nodes[i].output != NULL;
    }
    return has_output;
}

void **run_ticket(struct run *run, uint64_t frame, uint32_t node)
{
    struct frame *at = frame_find(run, frame);
    return at != NULL ? &frame_node(at, node)->ticket : NULL;
}

/* ---- work ---- */

/* At the end of a list. */
static void append(struct run_node **first, struct run_node **last, struct run_node *node)
{
    node->next_listed = NULL;
    node->previous_listed = *last;
    if (*last == NULL) {
        *first = node;
    } else {
        (*last)->next_listed = node;
    }
    *last = node;
}

static void take_out(struct run_node **first, struct run_node **last, struct run_node *node)
{
    if (node->previous_listed == NULL) {
        *first = node->next_listed;
    } else {
        node->previous_listed->next_listed = node->next_listed;
    }
    if (node->next_listed == NULL) {
        *last = node->previous_listed;
    } else {
        node->next_listed->previous_listed = node->previous_listed;
    }
}

void run_unlist_node(struct run *run, struct run_node *node)
{
    if (!node->is_listed) {
        return;
    }
    if (node->is_held) {
        take_out(&run->first_held, &run->last_held, node);
    } else {
        take_out(&run->first_listed, &run->last_listed, node);
    }
    node->is_listed = false;
    node->is_held = false;
}

void run_list_node(struct run *run, struct run_node *node)
{
    bool is_listed = node->is_listed && !node->is_held;
    if (is_listed || (run->is_paused && node->state == NODE_READY)) {
        return;
    }
    run_unlist_node(run, node); /* there is something else to do with it than what waited */
    node->is_listed = true;
    append(&run->first_listed, &run->last_listed, node);
}

void run_hold(struct run *run)
{
    struct run_node *node = run->first_listed;
    CHECK_NAMED(node != NULL, run->id);
    take_out(&run->first_listed, &run->last_listed, node);
    append(&run->first_held, &run->last_held, node);
    node->is_held = true;
}

bool run_try_held(struct run *run)
{
    struct run_node *node = run->first_held;
    if (node != NULL) {
        take_out(&run->first_held, &run->last_held, node);
        node->is_held = false;
        node->previous_listed = NULL;
        node->next_listed = run->first_listed;
        if (run->first_listed == NULL) {
            run->last_listed = node;
        } else {
            run->first_listed->previous_listed = node;
        }
        run->first_listed = node;
    }
    return node != NULL;
}

bool run_has_held(const struct run *run)
{
    return run->first_held != NULL;
}

bool run_is_held(const struct run *run, uint64_t frame, uint32_t node)
{
    const struct frame *at = frame_find(run, frame);
    return at != NULL && frame_node(at, node)->is_held;
}

void frame_check_settled(struct frame *frame)
{
    struct run *run = frame->run;
    bool may_start = frame->state == RUN_RUNNING && frame->ready > 0;
    if (frame->active > 0 || may_start || frame->is_settled) {
        return;
    }
    frame->is_settled = true;
    frame->next_settled = NULL;
    if (run->last_settled == NULL) {
        run->first_settled = frame;
    } else {
        run->last_settled->next_settled = frame;
    }
    run->last_settled = frame;
}

void frame_unsettle(struct frame *frame)
{
    struct run *run = frame->run;
    struct frame *before = NULL;
    for (struct frame *at = run->first_settled; at != frame; at = at->next_settled) {
        before = at;
    }
    if (before == NULL) {
        run->first_settled = frame->next_settled;
    } else {
        before->next_settled = frame->next_settled;
    }
    if (run->last_settled == frame) {
        run->last_settled = before;
    }
    frame->is_settled = false;
}
