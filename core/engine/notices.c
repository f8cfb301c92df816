/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/notices.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/grow.h"
#include "core/engine/decision.h"
#include "core/engine/decision_stop.h"
#include "core/engine/run_state.h"
#include "core/value/value.h"

/* ---- applying ---- */

static void note(struct run *run, struct notice notice)
{
    struct notice_list *list = &run->notices;
    if (run->pipeline->notices[notice.point] == 0) {
        return;
    }
    struct notice *entries =
        array_reserve(list->entries, &list->cap, list->count + 1, sizeof(*entries));
    if (entries == NULL) {
        run->has_failed = true;
        return;
    }
    list->entries = entries;
    notice.output = document_ref(notice.output);
    notice.detail = document_ref(notice.detail);
    entries[list->count++] = notice;
}

/* A child run that is undone has ended long since: nobody waits for its messages. */
static void note_end_of_node(struct frame *frame, const struct record *record)
{
    struct run *run = frame->run;
    if (record->node_state != NODE_COMPLETED || !run->pipeline->nodes[record->node].is_told ||
        run->is_undoing) {
        return;
    }
    note(run, (struct notice){
                  .point = NOTICE_MILESTONES,
                  .index = notice_index(record->node, frame_node(frame, record->node)->visit),
                  .output = record->output,
                  .detail = record->detail});
}

static enum notice_point point_of(enum run_state outcome)
{
    return outcome == RUN_FAILED ? NOTICE_ERRORS : NOTICE_COMPLETION;
}

void notices_apply(struct frame *frame, const struct record *record)
{
    if (record->type == RECORD_NODE_ENDED) {
        note_end_of_node(frame, record);
    } else if (record->type == RECORD_RUN_STARTED) {
        note(frame->run, (struct notice){.point = NOTICE_START});
    } else if (record->type == RECORD_RUN_ENDING) {
        note(frame->run, (struct notice){.point = point_of(record->run_state)});
    }
}

void notices_apply_frame_started(struct frame *frame)
{
    struct notice_list *list = &frame->run->notices;
    CHECK_NAMED(list->first < list->count, frame->run->id);
    const struct notice *notice = &list->entries[list->first++];
    frame->item_document = notice->output;
    frame->detail = notice->detail;
    list->live++;
    if (list->first == list->count) {
        list->first = 0;
        list->count = 0;
    }
}

void notices_apply_frame_ended(struct run *run)
{
    CHECK_NAMED(run->notices.live > 0, run->id);
    run->notices.live--;
}

void notices_finish(struct run *run)
{
    struct notice_list *list = &run->notices;
    for (size_t i = list->first; i < list->count; i++) {
        document_unref(list->entries[i].output);
        document_unref(list->entries[i].detail);
    }
    free(list->entries);
}

/* ---- what is next ---- */

const struct notice *notices_first(const struct run *run)
{
    const struct notice_list *list = &run->notices;
    return list->first < list->count ? &list->entries[list->first] : NULL;
}

bool notices_are_left(const struct run *run)
{
    return run->notices.live > 0 || (!run->drops_endings && notices_first(run) != NULL);
}

bool notices_apply_to(const struct run *run, enum run_state outcome)
{
    bool has_own = run->pipeline->notices[point_of(outcome)] != 0;
    return notices_are_left(run) || (!run->drops_endings && has_own);
}

bool notices_have_work(const struct run *run)
{
    return notices_first(run) != NULL && !run->drops_endings && !run->is_paused &&
           !run_state_is_terminal(run->state);
}

/* ---- deciding ---- */

void notices_step(const struct decision *d)
{
    struct decision at_root = *d;
    at_root.frame = d->run->root;
    const struct notice *notice = notices_first(d->run);
    struct record record = decision_run_record(&at_root, RECORD_FRAME_STARTED);
    record.child = d->run->next_frame;
    record.kind = FRAME_NOTICE;
    record.index = notice->index;
    record.body = d->run->pipeline->notices[notice->point];
    batch_add_record(d->batch, &record);
}

void notices_stop(const struct decision *d, enum stop_reason reason)
{
    for (const struct frame *at = d->run->root->first_child; at != NULL; at = at->next_sibling) {
        struct decision there = *d;
        there.frame = at;
        if (at->kind != FRAME_NOTICE) {
            continue;
        }
        if (at->state == RUN_RUNNING) {
            decision_stop_run(&there, RUN_CANCELLING, NULL, reason);
        }
        decision_stop_active(&there, reason, RECORD_NO_NODE, DECISION_STOP_TASKS);
    }
}
