/* SPDX-License-Identifier: Apache-2.0 */
/* Paths name executions of nodes: run_append_path() says how. */
#include "core/engine/record_json.h"
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

/* "notifications.start"; "notifications.milestones.fetch#3": of its third visit. */
static void append_notice(const struct pipeline *pipeline, const struct body *body, uint64_t index,
                          struct strbuf *out)
{
    strbuf_append_str(out, body->what);
    if (notice_node(index) != RECORD_NO_NODE) {
        strbuf_append_char(out, '.');
        strbuf_append_str(out, pipeline->nodes[notice_node(index)].id);
        append_times(notice_visit(index), 0, out);
    }
}

static void append_frame(const struct frame *frame, struct strbuf *out)
{
    const struct pipeline *pipeline = frame->run->pipeline;
    if (frame->kind == FRAME_NOTICE) {
        append_notice(pipeline, frame->body, frame->index, out);
        return;
    }
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

/* Of a frame itself: "each[17]". */
static void append_body_path(const struct frame *at, struct strbuf *out)
{
    const struct frame *levels[MOST_LEVELS];
    size_t count = 0;
    bool is_undo = false;
    for (; at->parent != NULL && count < MOST_LEVELS; at = at->parent) {
        levels[count++] = at;
        is_undo = is_undo || at->kind == FRAME_UNDO;
    }
    strbuf_append_str(out, is_undo ? STR("undo:") : STR(""));
    while (count > 0) {
        append_frame(levels[--count], out);
        strbuf_append_str(out, count > 0 ? STR(".") : STR(""));
    }
}

/* Of a frame that is about to start in `at`. */
static void append_coming_path(const struct frame *at, const struct record *record,
                               struct strbuf *out)
{
    const struct pipeline *pipeline = at->run->pipeline;
    if (record->kind == FRAME_ENDING) {
        strbuf_append_str(out, pipeline->bodies[record->body].what);
        return;
    }
    if (record->kind == FRAME_NOTICE) {
        append_notice(pipeline, &pipeline->bodies[record->body], record->index, out);
        return;
    }
    if (record->kind == FRAME_UNDO) {
        strbuf_append_text(out, "undo:");
        append_place(at, record->node, out);
        append_times((uint32_t)(record->index >> 32), (uint32_t)record->index, out);
        return;
    }
    run_append_path(at->run, at->id, record->node, out);
    if (record->kind == FRAME_ITEM) {
        strbuf_append_format(out, "[%llu]", (unsigned long long)record->index);
    }
}

static void append_record_path(const struct frame *at, const struct record *record,
                               struct strbuf *out)
{
    if (record->type == RECORD_FRAME_STARTED) {
        append_coming_path(at, record, out);
    } else if (record->type == RECORD_FRAME_ENDED || record->type == RECORD_FRAME_STOPPING) {
        append_body_path(at, out);
    } else if (record->node != RECORD_NO_NODE) {
        run_append_path(at->run, at->id, record->node, out);
    }
}

bool run_name_record(const struct run *run, struct record *record)
{
    const struct frame *at = frame_find(run, record->frame);
    struct strbuf path = STRBUF_INIT;
    if (run->number == 0 || record_is_lazy(record) || at == NULL) {
        return true;
    }
    record->seq = run->last_seq + 1;
    append_record_path(at, record, &path);
    int status = strbuf_status(&path);
    if (status == 0 && path.n > 0) {
        record->path = strbuf_take(&path);
    }
    strbuf_finish(&path);
    return status == 0;
}

void run_append_child_path(const struct run *run, const struct effect *effect, struct strbuf *out)
{
    const struct frame *at = frame_find(run, effect->frame);
    if (at != NULL) {
        append_place(at, effect->node, out);
        append_times(effect->visit, effect->iteration, out);
    }
}
