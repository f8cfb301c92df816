/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/run_tree.h"

#include <stdlib.h>

#include "core/model/pipeline.h"
#include "core/value/value.h"

enum {
    FIRST_SLOTS = 16,
    MOST_LEVELS = 64, /* a file nests bodies no deeper than its own nesting goes */
};

/* ---- by run and number ---- */

static size_t slot_index(const struct run_tree *tree, const struct run *run, uint64_t id)
{
    uint64_t hash = ((uint64_t)(uintptr_t)run >> 4) * 0x9e3779b97f4a7c15u + id;
    return (size_t)(hash ^ hash >> 32) & (tree->slot_count - 1);
}

static void hash_in(struct run_tree *tree, struct frame_view *frame)
{
    struct frame_view **slot = &tree->slots[slot_index(tree, frame->run, frame->id)];
    frame->next_hashed = *slot;
    *slot = frame;
}

static bool grow_slots(struct run_tree *tree)
{
    if (tree->count < tree->slot_count) {
        return true;
    }
    size_t count = tree->slot_count > 0 ? tree->slot_count * 2 : FIRST_SLOTS;
    struct frame_view **slots = calloc(count, sizeof(struct frame_view *));
    if (slots == NULL) {
        return false;
    }
    free(tree->slots);
    tree->slots = slots;
    tree->slot_count = count;
    for (struct frame_view *frame = tree->first; frame != NULL; frame = frame->next) {
        hash_in(tree, frame);
    }
    return true;
}

struct frame_view *run_tree_find(const struct run_tree *tree, const struct run *run, uint64_t id)
{
    struct frame_view *frame = tree->slot_count > 0 ? tree->slots[slot_index(tree, run, id)] : NULL;
    while (frame != NULL && (frame->run != run || frame->id != id)) {
        frame = frame->next_hashed;
    }
    return frame;
}

/* ---- lifecycle ---- */

struct frame_view *run_tree_add(struct run_tree *tree, const struct frame_options *options)
{
    const struct body *body = &options->pipeline->bodies[options->body];
    struct frame_view *frame = NULL;
    if (grow_slots(tree)) {
        frame = calloc(1, sizeof(*frame) + body->node_count * sizeof(frame->nodes[0]));
    }
    if (frame == NULL) {
        return NULL;
    }
    frame->run = options->run;
    frame->id = options->id;
    frame->pipeline = options->pipeline;
    frame->body = body;
    frame->owner = RECORD_NO_NODE;
    frame->top = RECORD_NO_NODE;
    for (uint32_t i = 0; i < body->node_count; i++) {
        frame->nodes[i].fraction = -1.0;
    }
    frame->previous = tree->last;
    if (tree->last != NULL) {
        tree->last->next = frame;
    } else {
        tree->first = frame;
    }
    tree->last = frame;
    hash_in(tree, frame);
    tree->count++;
    return frame;
}

static void node_view_finish(struct node_view *node)
{
    document_unref(node->output);
    document_unref(node->error);
    document_unref(node->detail);
    document_unref(node->waits_for);
    free(node->child);
    free(node->note);
}

static void unlink_frame(struct run_tree *tree, struct frame_view *frame)
{
    struct frame_view **slot = &tree->slots[slot_index(tree, frame->run, frame->id)];
    while (*slot != frame) {
        slot = &(*slot)->next_hashed;
    }
    *slot = frame->next_hashed;
    if (frame->previous != NULL) {
        frame->previous->next = frame->next;
    } else {
        tree->first = frame->next;
    }
    if (frame->next != NULL) {
        frame->next->previous = frame->previous;
    } else {
        tree->last = frame->previous;
    }
    tree->count--;
}

void run_tree_remove(struct run_tree *tree, struct frame_view *frame)
{
    if (frame == NULL) {
        return;
    }
    unlink_frame(tree, frame);
    for (uint32_t i = 0; i < frame->body->node_count; i++) {
        node_view_finish(&frame->nodes[i]);
    }
    free(frame->prefix);
    free(frame);
}

void run_tree_remove_run(struct run_tree *tree, const struct run *run)
{
    for (struct frame_view *frame = tree->last, *previous = NULL; frame != NULL; frame = previous) {
        previous = frame->previous;
        if (frame->run == run) {
            run_tree_remove(tree, frame);
        }
    }
}

void run_tree_finish(struct run_tree *tree)
{
    while (tree->last != NULL) {
        run_tree_remove(tree, tree->last);
    }
    free(tree->slots);
    *tree = (struct run_tree){0};
}

/* ---- steps ---- */

struct node_view *run_tree_state(struct step step)
{
    return &step.frame->nodes[step.node - step.frame->body->first_node];
}

const struct node *run_tree_def(struct step step)
{
    return &step.frame->pipeline->nodes[step.node];
}

bool run_tree_is_plain(struct step step)
{
    const struct node_view *state = run_tree_state(step);
    bool is_of_child = step.frame->prefix != NULL; /* an ending's has no top */
    return step.frame->top == RECORD_NO_NODE && step.frame->parent == NULL && !is_of_child &&
           state->round == 0 && state->visit == 0;
}

static void append_times(uint32_t visit, uint32_t round, struct strbuf *out)
{
    if (visit > 0) {
        strbuf_append_format(out, "#%u", visit + 1);
    }
    if (round > 0) {
        strbuf_append_format(out, "@%u", round + 1);
    }
}

/* As the engine names it: see append_notice() of core/engine/path.c. */
static void append_notice(const struct frame_view *frame, struct strbuf *out)
{
    uint32_t node = notice_node(frame->index);
    uint32_t visit = notice_visit(frame->index);
    strbuf_append_str(out, frame->body->what);
    if (node != RECORD_NO_NODE) {
        strbuf_append_char(out, '.');
        strbuf_append_str(out, frame->pipeline->nodes[node].id);
        append_times(visit > 0 ? visit - 1 : 0, 0, out);
    }
}

static void append_level(const struct frame_view *frame, struct strbuf *out)
{
    struct step owner = {.frame = frame->parent, .node = frame->owner};
    if (frame->kind == FRAME_NOTICE) {
        append_notice(frame, out);
        return;
    }
    if (frame->kind == FRAME_ENDING) {
        strbuf_append_str(out, frame->body->what);
        return;
    }
    strbuf_append_str(out, run_tree_def(owner)->id);
    append_times(frame->visit, frame->round, out);
    if (frame->kind == FRAME_ITEM) {
        strbuf_append_format(out, "[%llu]", (unsigned long long)frame->index);
    }
}

void run_tree_append_frame_path(const struct frame_view *frame, struct strbuf *out)
{
    const struct frame_view *levels[MOST_LEVELS];
    size_t count = 0;
    bool is_undo = false;
    for (; frame->parent != NULL && count < MOST_LEVELS; frame = frame->parent) {
        levels[count++] = frame;
        is_undo = is_undo || frame->kind == FRAME_UNDO;
    }
    strbuf_append_text(out, frame->prefix != NULL ? frame->prefix : "");
    strbuf_append_text(out, is_undo ? "undo:" : "");
    while (count > 0) {
        append_level(levels[--count], out);
        if (count > 0) {
            strbuf_append_char(out, '.');
        }
    }
}

void run_tree_append_path(struct step step, struct strbuf *out)
{
    bool is_single = step.frame->parent != NULL && step.frame->body->is_single;
    run_tree_append_frame_path(step.frame, out);
    if (step.frame->parent != NULL && !is_single) {
        strbuf_append_char(out, '.');
    }
    if (!is_single) {
        strbuf_append_str(out, run_tree_def(step)->id);
    }
    append_times(run_tree_state(step)->visit, run_tree_state(step)->round, out);
}

char *run_tree_path(struct step step)
{
    struct strbuf path = STRBUF_INIT;
    run_tree_append_path(step, &path);
    return strbuf_take(&path);
}

bool run_tree_is_running(const struct node_view *node)
{
    return node->state == NODE_RUNNING || node->state == NODE_STOPPING;
}

/* A state without an action, with a transition for an event. */
static bool is_open_state(struct step step)
{
    const struct node *def = run_tree_def(step);
    for (uint32_t i = 0; def->kind == NODE_IDLE && i < def->out_count; i++) {
        if (step.frame->pipeline->edges[def->first_out + i].outcome >= OUTCOME_FIRST_NAMED) {
            return true;
        }
    }
    return false;
}

bool run_tree_is_waiting(struct step step)
{
    const struct node_view *node = run_tree_state(step);
    return node->state == NODE_RUNNING &&
           (node->waits_for != NULL || node->is_unknown || is_open_state(step));
}

bool run_tree_is_under_way(struct step step)
{
    const struct node_view *node = run_tree_state(step);
    return run_tree_is_running(node) || (node->state == NODE_READY && node->due_at != 0);
}

int64_t run_tree_node_ms(const struct node_view *node, int64_t now_unix_ms)
{
    if (node->started_at == 0) {
        return 0;
    }
    int64_t end = node->ended_at != 0 ? node->ended_at : now_unix_ms;
    return end > node->started_at ? end - node->started_at : 0;
}
