/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/decision_room.h"

#include "core/engine/record.h"
#include "core/engine/run_state.h"
#include "core/value/value.h"

enum { LITTLE_BYTES = 64 * 1024 };

/* Of the outputs that go when the frame ends. */
static size_t frame_bytes(const struct frame *frame)
{
    size_t sum = 0;
    for (uint32_t i = 0; i < frame->body->node_count; i++) {
        const struct document *output = frame->nodes[i].output;
        size_t own = output != NULL ? document_reach_bytes(output) : 0;
        sum = own > SIZE_MAX - sum ? SIZE_MAX : sum + own;
    }
    return sum;
}

/* Endings and compensations go on: what they would free is not known to be little. */
static bool is_over_bound(const struct decision *d, const struct record *record)
{
    size_t bound = (size_t)d->run->max_memory_mb * 1024 * 1024;
    size_t own = d->run->memory.bytes;
    return record->output != NULL && own > 0 && d->run->state == RUN_RUNNING &&
           (own > bound || document_reach_bytes(record->output) > bound - own);
}

/* The body ends before what the run shares its memory with. */
static bool has_end(const struct decision *d)
{
    return d->frame->parent != NULL || d->run->memory.is_called;
}

/* What the body holds already is more, and goes with it. */
static bool gives_back(const struct decision *d, const struct record *record)
{
    return has_end(d) && frame_bytes(d->frame) >= document_reach_bytes(record->output);
}

/* A body has brought something, and what follows in it is about to start. */
static bool is_body_queued(const struct frame *frame)
{
    bool has_output = false;
    bool has_queued = false;
    for (uint32_t i = 0; i < frame->body->node_count; i++) {
        has_output |= frame->nodes[i].output != NULL;
        has_queued |= frame->nodes[i].state == NODE_QUEUED;
    }
    return has_output && has_queued;
}

static bool is_one_queued(const struct run *run)
{
    const struct frame *frame = run->root;
    while (frame != NULL &&
           ((frame == run->root && !run->memory.is_called) || !is_body_queued(frame))) {
        frame = frame_next(frame, run->root);
    }
    return frame != NULL;
}

static bool are_others_at_work(const struct decision *d, uint32_t node)
{
    uint32_t own = has_end(d) && node_is_at_work(decision_state(d, node)) ? 1 : 0;
    return d->run->memory.at_work > own || is_one_queued(d->run);
}

/* Nothing was done for it that could not be done again. */
static bool can_wait(const struct decision *d, uint32_t node)
{
    const struct run_node *state = decision_state(d, node);
    enum node_kind kind = decision_node(d, node)->kind;
    bool is_inline = kind == NODE_START || kind == NODE_PASSTHROUGH || kind == NODE_SET ||
                     kind == NODE_CONDITIONAL || kind == NODE_ROUTER;
    return d->run->first_listed == state &&
           ((state->state == NODE_READY && is_inline) || state->loop != NULL);
}

bool decision_room_waits(const struct decision *d, const struct record *record)
{
    bool waits = is_over_bound(d, record) && can_wait(d, record->node) &&
                 !d->run->memory.is_final && !gives_back(d, record);
    d->batch->lacks_room |= waits;
    return waits;
}

/*
 * There is no room, but may be soon. What ends with a body that gives more back may come, if it is
 * little; and while others are at work or next, so may what little there is of everything, and what
 * tasks bring: further ones do not start, so that it is no more than was under way.
 */
static bool is_coming(const struct decision *d, const struct record *record)
{
    enum node_kind kind = decision_node(d, record->node)->kind;
    bool is_little = document_reach_bytes(record->output) <= LITTLE_BYTES;
    if (!are_others_at_work(d, record->node)) {
        return is_little && gives_back(d, record);
    }
    return is_little || kind == NODE_PLUGIN || kind == NODE_WORKFLOW || gives_back(d, record);
}

bool decision_room_lacks(const struct decision *d, const struct record *record)
{
    return is_over_bound(d, record) && !is_coming(d, record);
}
