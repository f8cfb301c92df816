/* SPDX-License-Identifier: Apache-2.0 */
/* Paths name executions of nodes: run_append_path() says how. */
#include "core/engine/run_state.h"

/* Frames have few levels: a file nests bodies no deeper than its own nesting goes. */
enum { MOST_LEVELS = 64 };

/* "#3": the third visit of a state; "@4": the fourth round of `repeat`. The first has no number. */
static void append_times(uint32_t visit, uint32_t iteration, struct strbuf *out)
{
    if (visit > 1) {
        strbuf_append_format(out, "#%u", visit);
    }
    if (iteration > 0) {
        strbuf_append_format(out, "@%u", iteration + 1);
    }
}

static void append_frame(const struct frame *frame, struct strbuf *out)
{
    const struct pipeline *pipeline = frame->run->pipeline;
    if (frame->kind == FRAME_ENDING) {
        strbuf_append_str(out, frame->body->what);
        return;
    }
    strbuf_append_str(out, pipeline->nodes[frame->owner].id);
    append_times(frame->visit, frame->iteration, out);
    if (frame->kind == FRAME_ITEM) {
        strbuf_append_format(out, "[%llu]", (unsigned long long)frame->index);
    }
}

/* All but what tells the executions of the node apart. */
static void append_place(const struct frame *at, uint32_t node, struct strbuf *out)
{
    const struct frame *levels[MOST_LEVELS];
    size_t count = 0;
    const struct pipeline *pipeline = at->run->pipeline;
    bool is_single = at->body->is_single;
    bool is_undo = false;
    for (; at->parent != NULL && count < MOST_LEVELS; at = at->parent) {
        levels[count++] = at;
        is_undo = is_undo || at->kind == FRAME_UNDO;
    }
    strbuf_append_str(out, is_undo ? STR("undo:") : STR(""));
    while (count > 0) {
        append_frame(levels[--count], out);
        if (count > 0 || !is_single) {
            strbuf_append_char(out, '.');
        }
    }
    if (!is_single) {
        strbuf_append_str(out, pipeline->nodes[node].id);
    }
}

void run_append_path(const struct run *run, uint64_t frame, uint32_t node, struct strbuf *out)
{
    const struct frame *at = frame_find(run, frame);
    if (at != NULL) {
        append_place(at, node, out);
        append_times(frame_node(at, node)->visit, frame_node(at, node)->iteration, out);
    }
}

void run_append_child_path(const struct run *run, const struct effect *effect, struct strbuf *out)
{
    const struct frame *at = frame_find(run, effect->frame);
    if (at != NULL) {
        append_place(at, effect->node, out);
        append_times(effect->visit, effect->iteration, out);
    }
}
