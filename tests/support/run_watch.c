/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/run_watch.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/grow.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"

/* Returns the text of a promise that does not hold. */
#define PROMISE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            return #condition;                                                                     \
        }                                                                                          \
    } while (0)

static void *reserve(void *items, size_t *cap, size_t count, size_t size)
{
    void *grown = array_reserve(items, cap, count, size);
    if (grown == NULL) {
        abort();
    }
    return grown;
}

/* ---- what is known ---- */

static struct watched_node *add_node(struct run_watch *watch, uint64_t frame, uint32_t node)
{
    struct watched_node *added = calloc(1, sizeof(*added));
    if (added == NULL) {
        abort();
    }
    watch->nodes = reserve((void *)watch->nodes, &watch->node_cap, watch->node_count + 1,
                           sizeof(struct watched_node *));
    watch->nodes[watch->node_count++] = added;
    added->frame = frame;
    added->node = node;
    return added;
}

struct watched_node *run_watch_node(struct run_watch *watch, uint64_t frame, uint32_t node)
{
    size_t root = watch->pipeline->bodies[0].node_count;
    if (frame == 0) {
        return watch->nodes[node];
    }
    for (size_t i = watch->node_count; i > root; i--) {
        if (watch->nodes[i - 1]->frame == frame && watch->nodes[i - 1]->node == node) {
            return watch->nodes[i - 1];
        }
    }
    return add_node(watch, frame, node);
}

struct watched_frame *run_watch_frame(struct run_watch *watch, uint64_t frame)
{
    for (size_t i = watch->frame_count; i > 0; i--) {
        if (watch->frames[i - 1].id == frame) {
            return &watch->frames[i - 1];
        }
    }
    return NULL;
}

static void add_frame(struct run_watch *watch, struct watched_frame frame)
{
    watch->frames =
        reserve(watch->frames, &watch->frame_cap, watch->frame_count + 1, sizeof(*watch->frames));
    watch->frames[watch->frame_count++] = frame;
}

void run_watch_init(struct run_watch *watch, const struct pipeline *pipeline)
{
    *watch = (struct run_watch){.pipeline = pipeline};
    for (uint32_t i = 0; i < pipeline->bodies[0].node_count; i++) {
        (void)add_node(watch, 0, i);
    }
    add_frame(watch, (struct watched_frame){.owner = RECORD_NO_NODE});
}

void run_watch_finish(struct run_watch *watch)
{
    for (size_t i = 0; i < watch->node_count; i++) {
        document_unref(watch->nodes[i]->config);
        free(watch->nodes[i]->path);
        free(watch->nodes[i]);
    }
    free((void *)watch->nodes);
    free(watch->frames);
    free(watch->done);
}

/* A frame that stands for itself: the one around it may have ended. */
static bool is_of_endings(enum frame_kind kind)
{
    return kind == FRAME_ENDING || kind == FRAME_UNDO || kind == FRAME_NOTICE;
}

/* Frames but those of messages, which run beside all else. */
static size_t count_others(const struct run_watch *watch)
{
    size_t count = 0;
    for (size_t i = 0; i < watch->frame_count; i++) {
        count += watch->frames[i].kind != FRAME_NOTICE ? 1u : 0u;
    }
    return count;
}

static bool is_stopping(struct run_watch *watch, const struct watched_frame *frame)
{
    bool stops = frame->is_stopping;
    while (!stops && frame->id != 0 && !is_of_endings(frame->kind)) {
        frame = run_watch_frame(watch, frame->parent);
        stops = frame->is_stopping;
    }
    return stops;
}

static const struct body *body_of(const struct run_watch *watch, uint32_t node)
{
    return &watch->pipeline->bodies[watch->pipeline->nodes[node].body];
}

/* ---- nodes ---- */

static void begin(struct watched_frame *frame, struct watched_node *node)
{
    frame->begun += node->has_begun ? 0u : 1u;
    node->has_begun = true;
}

static void begin_round(struct watched_node *node)
{
    node->completed = 0;
    node->failed = 0;
    node->cancelled = 0;
    node->reduced = 0;
    node->is_last = false;
}

static const char *see_begun(struct run_watch *watch, struct watched_frame *frame,
                             struct watched_node *node)
{
    bool nothing_starts_in_what_stops = !is_stopping(watch, frame);
    PROMISE(nothing_starts_in_what_stops);
    bool nothing_starts_in_a_pause = !watch->is_paused;
    PROMISE(nothing_starts_in_a_pause);
    if (body_of(watch, node->node)->kind == BODY_STATES) {
        node->ends = 0;
    }
    bool a_node_that_ended_never_starts = node->ends == 0;
    PROMISE(a_node_that_ended_never_starts);
    bool a_node_waits_for_its_task = !node->is_live && node->frames == 0;
    PROMISE(a_node_waits_for_its_task);
    begin(frame, node);
    begin_round(node);
    return NULL;
}

static const char *see_counts(const struct watched_node *node, const struct document *detail)
{
    const struct value *counts = value_get(document_root(detail), STR("counts"));
    const struct value *failed = value_get(counts, STR("failed"));
    const struct value *completed = value_get(counts, STR("completed"));
    bool counts_add_up = (uint64_t)value_int(failed) == node->failed &&
                         (uint64_t)value_int(completed) == node->completed;
    PROMISE(counts_add_up);
    return NULL;
}

/* A list has an item for each iteration that ended, a reduced one saw each of them. */
static const char *see_collected(const struct run_watch *watch, const struct watched_node *node,
                                 const struct record *record)
{
    const struct for_each *def = watch->pipeline->nodes[node->node].for_each;
    if (def == NULL || record->node_state != NODE_COMPLETED) {
        return NULL;
    }
    const struct value *output = document_root(record->output);
    uint64_t ended = node->completed + node->failed;
    bool each_end_is_in_the_list = def->collect != COLLECT_LIST || value_count(output) == ended;
    PROMISE(each_end_is_in_the_list);
    bool each_completion_is_counted = def->collect != COLLECT_COUNT ||
                                      (uint64_t)value_int(output) == node->completed;
    PROMISE(each_completion_is_counted);
    bool each_end_is_reduced = def->collect != COLLECT_REDUCE || node->reduced >= ended;
    PROMISE(each_end_is_reduced);
    bool no_iteration_was_cancelled = node->cancelled == 0;
    PROMISE(no_iteration_was_cancelled);
    return NULL;
}

/* ---- what can be undone ---- */

static void add_done(struct run_watch *watch, const struct record *record)
{
    watch->done =
        reserve(watch->done, &watch->done_cap, watch->done_count + 1, sizeof(*watch->done));
    watch->done[watch->done_count++] =
        (struct watched_done){.frame = record->frame, .node = record->node};
}

/* Of what did its work, before the outcome of the run is known. */
static void see_done(struct run_watch *watch, const struct record *record)
{
    bool is_done = record->type == RECORD_NODE_AGAIN || record->is_done ||
                   record->node_state == NODE_COMPLETED;
    bool stood_in = (record->from & OUTPUT_FROM_BOTH) != 0;
    if (!is_done || stood_in || watch->is_ending || watch->is_undoing) {
        return;
    }
    if (record->has_undo) {
        add_done(watch, record);
    }
    if (watch->pipeline->nodes[record->node].compensate != 0) {
        add_done(watch, record);
    }
}

static const char *see_undo(struct run_watch *watch, const struct record *record)
{
    PROMISE(watch->done_count > 0);
    const struct watched_done *newest = &watch->done[--watch->done_count];
    bool the_newest_is_undone_first = newest->frame == record->frame &&
                                      newest->node == record->node;
    PROMISE(the_newest_is_undone_first);
    return NULL;
}

/* ---- the end of a round ---- */

static const char *see_round_end(const struct run_watch *watch, const struct watched_node *node,
                                 const struct record *record)
{
    bool its_task_has_reported = !node->is_live;
    PROMISE(its_task_has_reported);
    bool its_frames_have_ended = node->frames == 0;
    PROMISE(its_frames_have_ended);
    if (record->detail != NULL) {
        const char *broken = see_counts(node, record->detail);
        return broken != NULL ? broken : see_collected(watch, node, record);
    }
    return NULL;
}

static const char *see_node_ended(struct run_watch *watch, struct watched_frame *frame,
                                  struct watched_node *node, const struct record *record)
{
    if (body_of(watch, node->node)->kind == BODY_STATES && !node->has_begun) {
        node->ends = 0;
    }
    node->is_queued = false;
    bool a_node_ends_once = ++node->ends == 1;
    PROMISE(a_node_ends_once);
    bool only_completed_nodes_have_output = record->output == NULL ||
                                            record->node_state == NODE_COMPLETED;
    PROMISE(only_completed_nodes_have_output);
    PROMISE(record->node_state != NODE_FAILED || record->error != NULL);
    frame->begun -= node->has_begun ? 1u : 0u;
    node->has_begun = false;
    see_done(watch, record);
    return see_round_end(watch, node, record);
}

static const char *see_again(struct run_watch *watch, struct watched_frame *frame,
                             struct watched_node *node, const struct record *record)
{
    bool nothing_is_repeated_in_what_stops = !is_stopping(watch, frame);
    PROMISE(nothing_is_repeated_in_what_stops);
    node->is_queued = false;
    PROMISE(node->ends == 0);
    const char *broken = see_round_end(watch, node, record);
    see_done(watch, record);
    node->items = 0;
    if (record->due_unix_ms > record->at_unix_ms) {
        begin(frame, node); /* it waits for its next round */
    } else {
        frame->begun -= node->has_begun ? 1u : 0u;
        node->has_begun = false;
    }
    return broken;
}

/* ---- frames ---- */

/* Batches of which an iteration is under way, and those of the batch of `index`. */
static const char *see_workers(const struct run_watch *watch, const struct watched_node *owner,
                               uint64_t index)
{
    const struct for_each *def = watch->pipeline->nodes[owner->node].for_each;
    uint64_t size = def->is_batch ? 1 : def->batch_size;
    uint32_t in_batch = 0;
    uint32_t batches = 0;
    PROMISE(owner->frames <= (uint64_t)def->parallel_workers * def->max_parallel);
    for (size_t i = 0; i < watch->frame_count; i++) {
        const struct watched_frame *at = &watch->frames[i];
        if (at->parent != owner->frame || at->owner != owner->node || at->id == 0) {
            continue;
        }
        in_batch += at->index / size == index / size ? 1u : 0u;
        bool is_first = true;
        for (size_t k = 0; k < i; k++) {
            const struct watched_frame *before = &watch->frames[k];
            is_first = is_first && (before->parent != at->parent || before->owner != at->owner ||
                                    before->index / size != at->index / size);
        }
        batches += is_first ? 1u : 0u;
    }
    if (def->stream != PIPELINE_NO_NODE) {
        return NULL; /* its batches are what has come */
    }
    PROMISE(in_batch <= def->max_parallel);
    PROMISE(batches <= def->parallel_workers);
    return NULL;
}

static const char *see_frame_started(struct run_watch *watch, struct watched_frame *parent,
                                     struct watched_node *owner, const struct record *record)
{
    PROMISE(!watch->is_paused);
    bool nothing_starts_in_what_stops = !is_stopping(watch, parent);
    PROMISE(nothing_starts_in_what_stops);
    PROMISE(owner->has_begun && owner->ends == 0);
    PROMISE(!owner->is_last);
    bool its_number_is_new = record->child == ++watch->next_frame;
    PROMISE(its_number_is_new);
    for (size_t i = 0; i < watch->frame_count; i++) {
        const struct watched_frame *at = &watch->frames[i];
        bool an_iteration_runs_once = at->parent != record->frame || at->owner != record->node ||
                                      at->index != record->index;
        PROMISE(an_iteration_runs_once);
    }
    add_frame(watch, (struct watched_frame){.id = record->child,
                                            .parent = record->frame,
                                            .owner = record->node,
                                            .kind = record->kind,
                                            .index = record->index});
    owner->frames++;
    return watch->pipeline->nodes[record->node].for_each != NULL
               ? see_workers(watch, owner, record->index)
               : NULL;
}

/* What happens once is told once, and nothing is told of a run that is paused, killed or over. */
static const char *see_notice(struct run_watch *watch, const struct record *record)
{
    const uint32_t *notices = watch->pipeline->notices;
    PROMISE(!watch->is_paused && !watch->is_killed && !watch->is_undoing);
    PROMISE(record->frame == 0 && record->child == ++watch->next_frame);
    for (size_t i = 0; i < NOTICE_POINTS; i++) {
        watch->told[i] += notices[i] == record->body ? 1u : 0u;
        bool it_is_told_once = i == NOTICE_MILESTONES || watch->told[i] <= 1;
        PROMISE(it_is_told_once);
    }
    add_frame(watch, (struct watched_frame){
                         .id = record->child, .owner = RECORD_NO_NODE, .kind = record->kind});
    return NULL;
}

/* An ending or a compensation: one at a time, once the outcome is known. */
static const char *see_ending_started(struct run_watch *watch, const struct record *record)
{
    if (record->kind == FRAME_NOTICE) {
        return see_notice(watch, record);
    }
    PROMISE(watch->is_ending || watch->is_undoing);
    PROMISE(count_others(watch) == 1);
    PROMISE(record->child == ++watch->next_frame);
    add_frame(watch, (struct watched_frame){.id = record->child,
                                            .parent = record->frame,
                                            .owner = record->node,
                                            .kind = record->kind});
    return record->kind == FRAME_UNDO ? see_undo(watch, record) : NULL;
}

static const char *see_frame_ended(struct run_watch *watch, struct watched_frame *frame,
                                   const struct record *record)
{
    bool what_began_in_it_has_ended = frame->begun == 0;
    PROMISE(what_began_in_it_has_ended);
    for (size_t i = 0; i < watch->frame_count; i++) {
        bool its_inner_frames_have_ended = i == 0 || watch->frames[i].parent != frame->id;
        PROMISE(its_inner_frames_have_ended);
    }
    struct watched_frame ended = *frame;
    *frame = watch->frames[--watch->frame_count];
    if (is_of_endings(ended.kind)) {
        return NULL;
    }
    struct watched_node *owner = run_watch_node(watch, ended.parent, ended.owner);
    owner->frames--;
    owner->completed += record->run_state == RUN_COMPLETED ? 1u : 0u;
    owner->failed += record->run_state == RUN_FAILED ? 1u : 0u;
    owner->cancelled += record->run_state == RUN_CANCELLED ? 1u : 0u;
    owner->is_last = owner->is_last || record->is_last;
    PROMISE(record->run_state != RUN_FAILED || record->error != NULL);
    return NULL;
}

/* ---- the run ---- */

/* Of a run that nobody killed: its beginning, and how it ended. */
static const char *see_told(const struct run_watch *watch, const struct record *record)
{
    const uint32_t *notices = watch->pipeline->notices;
    bool has_failed = record->run_state == RUN_FAILED;
    bool the_start_is_told = watch->is_killed ||
                             watch->told[NOTICE_START] == (notices[NOTICE_START] != 0);
    PROMISE(the_start_is_told);
    bool a_failure_is_told = watch->is_killed || watch->told[NOTICE_ERRORS] ==
                                                     (has_failed && notices[NOTICE_ERRORS] != 0);
    PROMISE(a_failure_is_told);
    bool a_completion_is_told = watch->is_killed ||
                                watch->told[NOTICE_COMPLETION] ==
                                    (!has_failed && notices[NOTICE_COMPLETION] != 0);
    PROMISE(a_completion_is_told);
    return NULL;
}

/* Nothing of the work is left, or of the endings; messages may be on their way until the end. */
static const char *see_end(struct run_watch *watch, const struct record *record)
{
    bool is_before = record->type == RECORD_RUN_ENDING;
    bool what_began_has_ended = watch->frames[0].begun == 0;
    PROMISE(what_began_has_ended);
    bool no_task_is_left = watch->live == 0 || (is_before && watch->live <= watch->frame_count - 1);
    PROMISE(no_task_is_left);
    bool every_frame_has_ended = (is_before ? count_others(watch) : watch->frame_count) == 1;
    PROMISE(every_frame_has_ended);
    if (record->type == RECORD_RUN_ENDING) {
        bool the_outcome_is_known_once = !watch->is_ending;
        PROMISE(the_outcome_is_known_once);
        watch->is_ending = true;
    } else if (record->type == RECORD_RUN_ENDED) {
        watch->ends++;
        watch->is_paused = false;
        const char *broken = see_told(watch, record);
        if (broken != NULL) {
            return broken;
        }
    }
    watch->is_undoing = record->type == RECORD_RUN_UNDOING;
    watch->is_paused = watch->is_paused && record->type != RECORD_RUN_UNDONE;
    return NULL;
}

static const char *see_run(struct run_watch *watch, const struct record *record)
{
    if (record->type == RECORD_RUN_STARTED) {
        bool a_run_starts_once = ++watch->starts == 1;
        PROMISE(a_run_starts_once);
        return NULL;
    }
    if (record->type == RECORD_RUN_STOPPING) {
        PROMISE(!watch->is_stopping);
        watch->is_stopping = true;
        watch->is_killed = record->reason == STOP_SHUTDOWN;
        watch->frames[0].is_stopping = true;
        return NULL;
    }
    return see_end(watch, record);
}

/* What asked for permits goes back to being ready. */
static void unqueue(struct run_watch *watch)
{
    for (size_t i = 0; i < watch->node_count; i++) {
        struct watched_node *node = watch->nodes[i];
        struct watched_frame *frame = run_watch_frame(watch, node->frame);
        if (node->is_queued && frame != NULL) {
            frame->begun--;
            node->has_begun = false;
        }
        node->is_queued = false;
    }
}

static const char *see_pause(struct run_watch *watch, const struct record *record)
{
    PROMISE(watch->is_paused == (record->type == RECORD_RUN_RESUMED));
    watch->is_paused = record->type == RECORD_RUN_PAUSED;
    unqueue(watch);
    return NULL;
}

static const char *see_lost(struct watched_frame *frame, struct watched_node *node)
{
    PROMISE(node->has_begun && node->ends == 0 && !node->is_live);
    frame->begun--;
    node->has_begun = false;
    return NULL;
}

/* Whoever brings them: attempts, or what stands in for them. */
static const char *see_item(struct watched_node *node, const struct record *record)
{
    bool it_has_begun = node->has_begun || record->from != 0; /* or something stands in */
    PROMISE(it_has_begun && node->ends == 0 && record->output != NULL);
    bool no_item_is_left_out_or_doubled = record->index == node->items;
    PROMISE(no_item_is_left_out_or_doubled);
    node->items++;
    return NULL;
}

/* Compensations see frames that have ended. */
static bool is_about_kept_frame(const struct record *record)
{
    return record->type == RECORD_CHILD_UNDOING || record->type == RECORD_CHILD_UNDONE ||
           (record->type == RECORD_FRAME_STARTED && record->kind == FRAME_UNDO);
}

const char *run_watch_record(struct run_watch *watch, const struct record *record)
{
    struct watched_frame *frame = run_watch_frame(watch, record->frame);
    bool nothing_comes_after_the_end = watch->ends == 0 || watch->is_undoing ||
                                       record->type == RECORD_RUN_UNDOING;
    PROMISE(nothing_comes_after_the_end);
    bool its_frame_lives = frame != NULL || is_about_kept_frame(record);
    PROMISE(its_frame_lives);
    struct watched_node *node = record->node != RECORD_NO_NODE &&
                                        record->type != RECORD_FRAME_ENDED &&
                                        record->type != RECORD_FRAME_STOPPING &&
                                        !is_of_endings(record->kind)
                                    ? run_watch_node(watch, record->frame, record->node)
                                    : NULL;
    switch (record->type) {
    case RECORD_NODE_QUEUED:
    case RECORD_NODE_STARTED:
        node->is_queued = record->type == RECORD_NODE_QUEUED;
        node->is_asking = record->is_asking;
        return see_begun(watch, frame, node);
    case RECORD_NODE_LOST:
        return see_lost(frame, node);
    case RECORD_NODE_UNKNOWN:
        PROMISE(node->has_begun && node->ends == 0 && !node->is_live);
        return NULL;
    case RECORD_RUN_PAUSED:
    case RECORD_RUN_RESUMED:
        return see_pause(watch, record);
    case RECORD_NODE_STOPPING:
        PROMISE(node->has_begun && node->ends == 0);
        return NULL;
    case RECORD_NODE_ENDED:
        return see_node_ended(watch, frame, node, record);
    case RECORD_NODE_AGAIN:
        return see_again(watch, frame, node, record);
    case RECORD_NODE_FALLBACK: /* its next attempt may have been refused: no record says it asked */
        PROMISE(node->ends == 0 && !node->is_live);
        begin(frame, node);
        return NULL;
    case RECORD_NODE_RETRY:
        PROMISE(node->has_begun && node->ends == 0 && !node->is_live);
        return NULL;
    case RECORD_NODE_DUE:
        PROMISE(node->has_begun);
        frame->begun--;
        node->has_begun = false;
        return NULL;
    case RECORD_FRAME_STARTED:
        if (is_of_endings(record->kind)) {
            return see_ending_started(watch, record);
        }
        return see_frame_started(watch, frame, node, record);
    case RECORD_FRAME_STOPPING:
        PROMISE(!is_stopping(watch, frame));
        frame->is_stopping = true;
        return NULL;
    case RECORD_FRAME_ENDED:
        return see_frame_ended(watch, frame, record);
    case RECORD_LOOP_REDUCED:
        PROMISE(record->index == node->reduced);
        node->reduced++;
        return NULL;
    case RECORD_ITEM:
        return see_item(node, record);
    case RECORD_CREDIT:
    case RECORD_NODE_RESERVED:
    case RECORD_NODE_SPENT:
        PROMISE(node->has_begun && node->ends == 0);
        return NULL;
    case RECORD_SIGNAL:
    case RECORD_SIGNAL_TAKEN:
    case RECORD_SIGNALS_SEEN:
    case RECORD_CHILD_UNDONE:
        return NULL;
    case RECORD_ENDINGS_DROPPED:
        watch->is_killed = true;
        return NULL;
    case RECORD_CHILD_UNDOING:
        return see_undo(watch, record);
    case RECORD_RUN_STARTED:
    case RECORD_RUN_STOPPING:
    case RECORD_RUN_ENDING:
    case RECORD_RUN_ENDED:
    case RECORD_RUN_UNDOING:
    case RECORD_RUN_UNDONE:
        return see_run(watch, record);
    }
    return "a record is of a known type";
}

void run_watch_crashed(struct run_watch *watch)
{
    unqueue(watch);
    for (size_t i = 0; i < watch->node_count; i++) {
        watch->nodes[i]->is_live = false;
    }
    watch->live = 0;
}

/* ---- effects ---- */

const char *run_watch_effect(struct run_watch *watch, const struct effect *effect)
{
    if (effect->type == EFFECT_LOG) {
        (void)snprintf(watch->line, sizeof(watch->line), "%.*s",
                       STR_ARG(value_str(document_root(effect->config))));
    }
    if (effect->type != EFFECT_START && effect->type != EFFECT_STOP &&
        effect->type != EFFECT_CREDIT) {
        return NULL;
    }
    if (watch->pipeline->nodes[effect->node].kind == NODE_WORKFLOW) {
        return NULL; /* for the engine: its task is a run */
    }
    struct watched_node *node = run_watch_node(watch, effect->frame, effect->node);
    if (effect->type == EFFECT_STOP) {
        PROMISE(node->attempt == effect->attempt);
        node->stopped = (int)effect->reason;
        return NULL;
    }
    if (effect->type == EFFECT_CREDIT) {
        PROMISE(node->attempt == effect->attempt && effect->count > 0);
        node->credits += effect->count;
        return NULL;
    }
    PROMISE(!node->is_live && node->attempt < effect->attempt && effect->config != NULL);
    bool no_call_is_made_before_the_cache_has_answered = !node->is_asking;
    PROMISE(no_call_is_made_before_the_cache_has_answered);
    document_unref(node->config);
    node->config = document_ref(effect->config);
    node->is_live = true;
    node->attempt = effect->attempt;
    node->stopped = 0;
    node->starts++;
    node->credits = effect->count;
    node->emitted = 0;
    watch->live++;
    return NULL;
}

void run_watch_task_ended(struct run_watch *watch, struct watched_node *node)
{
    watch->live -= node->is_live ? 1u : 0u;
    node->is_live = false;
}
