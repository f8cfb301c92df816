/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/transition.h"

#include "core/base/check.h"
#include "core/engine/run_state.h"
#include "core/engine/streams.h"

#define BIT(state) (1u << (state))

static const uint32_t node_transitions[] = {
    [NODE_PENDING] = BIT(NODE_READY) | BIT(NODE_NOT_RUN),
    [NODE_READY] = BIT(NODE_READY) | BIT(NODE_QUEUED) | BIT(NODE_RUNNING) | BIT(NODE_COMPLETED) |
                   BIT(NODE_FAILED) | BIT(NODE_SKIPPED) | BIT(NODE_NOT_RUN) | BIT(NODE_CANCELLED),
    [NODE_QUEUED] = BIT(NODE_QUEUED) | BIT(NODE_COMPLETED) | BIT(NODE_READY) | BIT(NODE_RUNNING) |
                    BIT(NODE_FAILED) | BIT(NODE_NOT_RUN) | BIT(NODE_CANCELLED),
    [NODE_RUNNING] = BIT(NODE_STOPPING) | BIT(NODE_READY) | BIT(NODE_RUNNING) |
                     BIT(NODE_COMPLETED) | BIT(NODE_FAILED) | BIT(NODE_NOT_RUN) |
                     BIT(NODE_CANCELLED),
    [NODE_STOPPING] = BIT(NODE_READY) | BIT(NODE_RUNNING) | BIT(NODE_STOPPING) |
                      BIT(NODE_COMPLETED) | BIT(NODE_FAILED) | BIT(NODE_CANCELLED),
    [NODE_COMPLETED] = 0,
    [NODE_FAILED] = 0,
    [NODE_SKIPPED] = 0,
    [NODE_NOT_RUN] = 0,
    [NODE_CANCELLED] = 0,
};

static const uint32_t run_transitions[] = {
    [RUN_PENDING] = BIT(RUN_RUNNING),
    [RUN_RUNNING] = BIT(RUN_FAILING) | BIT(RUN_CANCELLING) | BIT(RUN_ENDING) | BIT(RUN_COMPLETED) |
                    BIT(RUN_FAILED),
    [RUN_FAILING] = BIT(RUN_ENDING) | BIT(RUN_FAILED),
    [RUN_CANCELLING] = BIT(RUN_ENDING) | BIT(RUN_CANCELLED),
    [RUN_ENDING] = BIT(RUN_COMPLETED) | BIT(RUN_FAILED) | BIT(RUN_CANCELLED),
    [RUN_COMPLETED] = 0,
    [RUN_FAILED] = 0,
    [RUN_CANCELLED] = 0,
};

bool transition_allows_node(const struct run_node *node, enum node_state to)
{
    return (node_transitions[node->state] & BIT(to)) != 0;
}

bool transition_allows_run(const struct run *run, enum run_state to)
{
    return (run_transitions[run->state] & BIT(to)) != 0;
}

static bool is_active(enum node_state state)
{
    return state == NODE_QUEUED || state == NODE_RUNNING || state == NODE_STOPPING;
}

void transition_set_node(struct run_node *node, enum node_state state)
{
    struct frame *frame = node->frame;
    enum node_state old = (enum node_state)node->state;
    CHECK_NAMED(transition_allows_node(node, state),
                frame->run->pipeline->nodes[run_node_index(node)].id.p);
    frame->active += is_active(state) ? 1u : 0u;
    frame->active -= is_active(old) ? 1u : 0u;
    frame->ready += state == NODE_READY ? 1u : 0u;
    frame->ready -= old == NODE_READY ? 1u : 0u;
    node->state = (uint8_t)state;
    if (node->is_reader && state >= NODE_COMPLETED) {
        streams_leave(node);
    }
}

void transition_set_run(struct run *run, enum run_state state)
{
    CHECK_NAMED(transition_allows_run(run, state), run->id);
    run->state = state;
    run->root->state = state;
}

void transition_make_ready(struct run_node *node, int64_t at)
{
    node->ready_at = at;
    transition_set_node(node, NODE_READY);
    run_list_node(node->frame->run, node);
}
