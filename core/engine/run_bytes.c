/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/run_bytes.h"

#include "core/engine/loop_state.h"
#include "core/engine/run_state.h"
#include "core/engine/streams.h"
#include "core/value/value.h"

enum { MEASURE_SHARE = 16, MIB = 1024 * 1024 };

static size_t bytes_of(const struct document *document)
{
    return document != NULL ? document_reach_bytes(document) : 0;
}

static size_t add(size_t a, size_t b)
{
    return a > SIZE_MAX - b ? SIZE_MAX : a + b;
}

static size_t bytes_of_loop(const struct loop_state *loop)
{
    size_t sum = bytes_of(loop->items);
    sum = add(sum, bytes_of(loop->acc));
    sum = add(sum, bytes_of(loop->output));
    for (uint64_t i = 0; loop->outputs != NULL && i < loop->output_cap; i++) {
        sum = add(sum, bytes_of(loop->outputs[i].document));
    }
    return sum;
}

static size_t bytes_of_stream(const struct stream *stream)
{
    size_t sum = 0;
    for (uint64_t i = stream->first; i < stream->end; i++) {
        sum = add(sum, bytes_of(stream_item(stream, i)));
    }
    return add(sum, stream->copy.items.n);
}

static size_t bytes_of_node(const struct run_node *node)
{
    size_t sum = add(bytes_of(node->output), bytes_of(node->error));
    sum = add(sum, node->loop != NULL ? bytes_of_loop(node->loop) : 0);
    return add(sum, node->stream != NULL ? bytes_of_stream(node->stream) : 0);
}

size_t run_bytes(const struct run *run, uint32_t *frames)
{
    size_t sum = add(bytes_of(run->input), bytes_of(run->output));
    sum = add(sum, bytes_of(run->reuse));
    for (size_t i = 0; i < run->signal_count; i++) {
        sum = add(sum, bytes_of(run->signals[i]));
    }
    for (const struct frame *at = run->root; at != NULL; at = frame_next(at, run->root)) {
        (*frames)++;
        for (uint32_t i = 0; i < at->body->node_count; i++) {
            sum = add(sum, bytes_of_node(&at->nodes[i]));
        }
    }
    return sum;
}

void run_measure_add(struct run_measure *measure, const struct record *record)
{
    bool may_free = record->type == RECORD_FRAME_ENDED || record->type == RECORD_NODE_ENDED ||
                    record->type == RECORD_LOOP_REDUCED || record->type == RECORD_RUN_ENDED;
    measure->added = add(measure->added, bytes_of(record->output));
    measure->ended += may_free ? 1u : 0u;
}

bool run_measure_is_old(const struct run_measure *measure, size_t coming, size_t bound)
{
    bool may_be_over = add(add(measure->own, measure->added), coming) > bound;
    bool is_changed = measure->added > bound / MEASURE_SHARE ||
                      (measure->ended > 0 && measure->ended >= measure->frames / MEASURE_SHARE);
    return measure->own == 0 || (may_be_over && is_changed);
}

uint32_t run_measure_mib(const struct run_measure *measure)
{
    size_t mib = add(measure->own, measure->added) / MIB;
    return mib < UINT32_MAX ? (uint32_t)mib + 1 : UINT32_MAX;
}
