/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node whose edges are all decided becomes ready or is not run, and then its own edges die in
 * turn: a list of nodes, never recursion, so that 10,000 nodes in a row are as good as side by
 * side.
 */
#include "core/engine/edges.h"

#include "core/base/check.h"
#include "core/engine/record.h"
#include "core/engine/run_state.h"
#include "core/engine/streams.h"
#include "core/engine/transition.h"

/* All edges of `node` are decided: does it run? (config/pipelines/README.md, "When a node runs") */
static bool node_may_run(const struct run_node *node)
{
    const struct node *def = &node->frame->run->pipeline->nodes[run_node_index(node)];
    if (def->in_count == 0 || node->source != EDGE_TAKEN) {
        return node->source == EDGE_TAKEN;
    }
    switch (def->join) {
    case JOIN_DEFAULT:
        return node->taken_edges > 0 && !node->is_dead_by_failure;
    case JOIN_ANY:
        return node->taken_edges > 0;
    case JOIN_ALL:
        return node->taken_edges == def->in_count;
    }
    unreachable_state("join", (int)def->join);
}

/* One thing less to wait for. Returns true when it was the last and the node is not run. */
static bool node_wait_less(struct run_node *node, int64_t at)
{
    if (--node->open_edges > 0) {
        return false;
    }
    if (node_may_run(node)) {
        transition_make_ready(node, at);
        return false;
    }
    transition_set_node(node, NODE_NOT_RUN);
    return true;
}

/* Returns true when the target was the last to wait for this edge and is not run. */
static bool decide(struct frame *frame, uint32_t edge, enum edge_state decision, int64_t at)
{
    struct run_node *target = frame_node(frame, frame->run->pipeline->edges[edge].target);
    CHECK(*frame_edge(frame, edge) == EDGE_OPEN && target->open_edges > 0);
    *frame_edge(frame, edge) = (uint8_t)decision;
    target->taken_edges += decision == EDGE_TAKEN ? 1u : 0u;
    target->is_dead_by_failure |= decision == EDGE_DEAD_BY_FAILURE;
    return node_wait_less(target, at);
}

/*
 * The loops over the stream of `node` that wait for its first item. Returns `work_count` with
 * those that are not run.
 */
static size_t decide_readers(struct frame *frame, uint32_t node, enum edge_state decision,
                             size_t work_count, int64_t at)
{
    const struct node *nodes = frame->run->pipeline->nodes;
    for (uint32_t r = nodes[node].first_reader; r > 0; r = nodes[r - 1].for_each->next_reader) {
        struct run_node *reader = frame_node(frame, r - 1);
        if (reader->source != EDGE_OPEN) {
            continue;
        }
        reader->source = (uint8_t)decision;
        reader->is_dead_by_failure |= decision == EDGE_DEAD_BY_FAILURE;
        if (node_wait_less(reader, at)) {
            frame->run->work[work_count++] = r - 1;
        }
    }
    return work_count;
}

/* The edges of nodes that are not run are dead, and so on behind them. */
static void spread(struct frame *frame, size_t work_count, int64_t at)
{
    struct run *run = frame->run;
    while (work_count > 0) {
        uint32_t node = run->work[--work_count];
        const struct node *def = &run->pipeline->nodes[node];
        enum edge_state decision =
            frame_node(frame, node)->is_dead_by_failure ? EDGE_DEAD_BY_FAILURE : EDGE_DEAD;
        for (uint32_t i = 0; i < def->out_count; i++) {
            uint32_t edge = def->first_out + i;
            if (decide(frame, edge, decision, at)) {
                run->work[work_count++] = run->pipeline->edges[edge].target;
            }
        }
        work_count = decide_readers(frame, node, decision, work_count, at);
    }
}

/* The out edges of a node that has ended, as its record says. */
void edges_apply_ended(struct frame *frame, const struct record *record)
{
    struct run *run = frame->run;
    const struct node *def = &run->pipeline->nodes[record->node];
    enum edge_state dead = record->node_state == NODE_FAILED ? EDGE_DEAD_BY_FAILURE : EDGE_DEAD;
    size_t work_count = 0;
    for (uint32_t i = 0; i < def->out_count; i++) {
        uint32_t edge = def->first_out + i;
        if (run->pipeline->edges[edge].is_fallback && *frame_edge(frame, edge) != EDGE_OPEN) {
            continue; /* the fallback has run */
        }
        enum edge_state decision = edge_set_has(&record->taken, i) ? EDGE_TAKEN : dead;
        if (decide(frame, edge, decision, record->at_unix_ms)) {
            run->work[work_count++] = run->pipeline->edges[edge].target;
        }
    }
    bool is_dead = def->has_readers && frame_node(frame, record->node)->stream->is_broken;
    work_count = decide_readers(frame, record->node, is_dead ? dead : EDGE_TAKEN, work_count,
                                record->at_unix_ms);
    spread(frame, work_count, record->at_unix_ms);
}

void edges_apply_fallback(struct frame *frame, uint32_t edge, int64_t at)
{
    bool is_left_out = decide(frame, edge, EDGE_TAKEN, at);
    CHECK(!is_left_out); /* its target has no other edge */
}

void edges_apply_first_item(struct frame *frame, uint32_t node, int64_t at)
{
    size_t count = decide_readers(frame, node, EDGE_TAKEN, 0, at);
    spread(frame, count, at);
}
