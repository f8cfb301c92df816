/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/run_view.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/model/pipeline.h"
#include "core/value/builder.h"
#include "core/value/value.h"

/* A loop with more iterations shows its sum, not each. */
enum { ITERATIONS_SHOWN = 10 };

/* ---- lifecycle ---- */

int run_view_init(struct run_view *view, const struct pipeline *pipeline)
{
    *view = (struct run_view){.pipeline = pipeline, .node_count = pipeline->bodies[0].node_count};
    view->root = run_tree_add(&view->tree, &(struct frame_options){.pipeline = pipeline});
    if (view->root == NULL) {
        run_tree_finish(&view->tree);
        return E_NOMEM;
    }
    view->root->has_rollback = pipeline->has_rollback;
    view->nodes = view->root->nodes;
    return 0;
}

void run_view_finish(struct run_view *view)
{
    for (size_t i = 0; i < view->ending_count; i++) {
        document_unref(view->endings[i].error);
    }
    run_kept_finish(&view->kept);
    run_tree_finish(&view->tree);
    document_unref(view->spent);
    document_unref(view->output);
    document_unref(view->error);
    *view = (struct run_view){0};
}

/* ---- frames ---- */

/* The root run has the key NULL, so that its root is there before it is known. */
static const struct run *key_of(const struct run_view *view, const struct run *run)
{
    return run == view->run ? NULL : run;
}

struct step run_view_step(const struct run_view *view, const struct run *run, uint64_t frame,
                          uint32_t node)
{
    return (struct step){.frame = run_tree_find(&view->tree, key_of(view, run), frame),
                         .node = node};
}

static bool is_root(const struct run_view *view, struct step step)
{
    return step.frame == view->root;
}

/* Endings, compensations and messages are below no node that is under way. */
static bool is_of_end(const struct frame_view *frame)
{
    return frame->kind == FRAME_ENDING || frame->kind == FRAME_UNDO || frame->kind == FRAME_NOTICE;
}

/* The node of the root body below which a frame under `step` is. */
static uint32_t top_of(const struct run_view *view, struct step step)
{
    return is_root(view, step) ? step.node : step.frame->top;
}

static bool is_too_many(struct step owner, const struct record *record)
{
    if (record->kind != FRAME_ITEM) {
        return false;
    }
    uint64_t total = run_tree_state(owner)->total;
    return total > ITERATIONS_SHOWN || (total == 0 && record->index >= ITERATIONS_SHOWN);
}

/* Which execution of its owner a frame belongs to. A compensation may be of an earlier one. */
static void set_times(struct frame_view *frame, struct step owner, const struct record *record)
{
    if (frame->kind == FRAME_ITEM || frame->kind == FRAME_GROUP) {
        frame->visit = run_tree_state(owner)->visit;
        frame->round = run_tree_state(owner)->round;
    } else if (frame->kind == FRAME_UNDO) {
        uint32_t visit = (uint32_t)(record->index >> 32);
        frame->visit = visit > 0 ? visit - 1 : 0; /* what is no state has no visits */
        frame->round = (uint32_t)record->index;
    }
}

static void apply_frame_started(struct run_view *view, struct step owner,
                                const struct record *record)
{
    struct frame_view *frame =
        run_tree_add(&view->tree, &(struct frame_options){.run = owner.frame->run,
                                                          .id = record->child,
                                                          .pipeline = owner.frame->pipeline,
                                                          .body = record->body});
    if (frame == NULL) {
        view->has_failed = true;
        return;
    }
    frame->parent = owner.frame;
    frame->owner = owner.node;
    frame->kind = record->kind;
    frame->index = record->index;
    set_times(frame, owner, record);
    frame->top = is_of_end(frame) ? RECORD_NO_NODE : top_of(view, owner);
    frame->has_rollback = owner.frame->has_rollback && !is_of_end(frame);
    frame->is_quiet = !is_of_end(frame) && (owner.frame->is_quiet || is_too_many(owner, record));
}

/* Owned; NULL: out of memory. */
static char *make_prefix(struct str path)
{
    struct strbuf prefix = STRBUF_INIT;
    strbuf_append_str(&prefix, path);
    strbuf_append_char(&prefix, '/');
    return strbuf_take(&prefix);
}

static void link_call(struct run_view *view, struct frame_view *frame,
                      const struct child_options *child)
{
    struct node_view *caller = run_tree_state(child->call);
    free(caller->child);
    caller->child = str_dup(child->id);
    frame->owner = child->call.node;
    frame->caller = child->call.frame->run;
    frame->caller_frame = child->call.frame->id;
    frame->top = top_of(view, child->call);
    frame->is_quiet = child->call.frame->is_quiet;
    frame->has_rollback = child->pipeline->has_rollback ||
                          (child->call.frame->has_rollback && !child->pipeline->refuses_rollback);
    view->has_failed = view->has_failed || caller->child == NULL;
}

void run_view_add_child(struct run_view *view, const struct child_options *child)
{
    /* What is left of a run that is gone: another one may lie where it lay. */
    if (view->ended_frame != child->call.frame) {
        run_tree_remove(&view->tree, view->ended_frame);
        view->ended_frame = NULL;
    }
    if (run_tree_find(&view->tree, child->run, 0) != NULL) {
        if (child->call.frame == NULL) {
            return;
        }
        run_tree_remove_run(&view->tree, child->run);
    }
    struct frame_view *frame = run_tree_add(
        &view->tree, &(struct frame_options){.run = child->run, .pipeline = child->pipeline});
    if (frame == NULL) {
        view->has_failed = true;
        return;
    }
    frame->prefix = make_prefix(child->path);
    view->has_failed = view->has_failed || frame->prefix == NULL;
    if (child->call.frame != NULL) {
        link_call(view, frame, child);
    }
}

/* ---- nodes ---- */

/* `path` is taken. */
static void keep_failure(struct run_view *view, char *path, const struct record *record)
{
    view->has_failed |= run_kept_add_failure(&view->kept, path, record) != 0;
}

/* A node below the root body has failed: its own failure, or one that is known already. */
static void note_failure(struct run_view *view, struct step step, const struct record *record)
{
    if (!is_root(view, step) && !run_tree_state(step)->has_failures) {
        keep_failure(view, run_tree_path(step), record);
    }
    step.frame->has_failures = step.frame->has_failures || !record->is_handled;
}

static void replace(const struct document **kept, const struct document *document)
{
    document_unref(*kept);
    *kept = document_ref(document);
}

static bool is_over(const struct node_view *node)
{
    return node->state >= NODE_COMPLETED;
}

static void count_end(struct run_view *view, enum node_state state, uint32_t by)
{
    view->completed += state == NODE_COMPLETED ? by : 0u;
    view->failed += state == NODE_FAILED ? by : 0u;
    view->skipped += state == NODE_SKIPPED ? by : 0u;
    view->cancelled += state == NODE_CANCELLED ? by : 0u;
    view->ended += state == NODE_NOT_RUN ? 0u : by;
}

/* The first record of a new round or visit: what was known of the one before goes. */
static void begin(struct run_view *view, struct step step)
{
    struct node_view *node = run_tree_state(step);
    if (node->is_round_over) {
        node->round++;
    } else if (is_over(node)) {
        if (is_root(view, step)) {
            view->has_failed |= run_kept_add_step(&view->kept, step) != 0;
            count_end(view, node->state, UINT32_MAX); /* one less */
        }
        node->visit++;
        node->round = 0;
    } else {
        return;
    }
    node->is_round_over = false;
    node->has_failures = false;
    node->before = node->attempt; /* their numbers go on over visits and rounds */
    node->state = NODE_READY;
    node->started_at = 0;
    node->ended_at = 0;
    node->due_at = 0;
    node->fraction = -1.0;
    free(node->note);
    free(node->child);
    node->note = NULL;
    node->child = NULL;
    replace(&node->error, NULL);
    replace(&node->detail, NULL);
}

/* What a loop has to do: the items, the combinations of a map of lists, or batches of them. */
static uint64_t count_units(const struct for_each *def, const struct value *items)
{
    uint64_t count = value_count(items);
    if (value_is(items, VALUE_MAP)) {
        count = count > 0 ? 1 : 0;
        for (size_t i = 0; i < value_count(items); i++) {
            count *= value_count(&value_member_at(items, i)->value);
        }
    }
    if (def->is_batch) {
        count = (count + def->batch_size - 1) / def->batch_size;
    }
    return def->stops_at_limit && count > def->max_iterations ? def->max_iterations : count;
}

static void apply_node_started(struct run_view *view, struct step step, const struct record *record)
{
    const struct node *def = run_tree_def(step);
    begin(view, step);
    struct node_view *node = run_tree_state(step);
    view->running += is_root(view, step) && !run_tree_is_running(node) ? 1u : 0u;
    node->state = NODE_RUNNING;
    node->attempt = record->attempt;
    node->started_at = record->at_unix_ms;
    node->iterations = 0;
    node->failed_iterations = 0;
    node->due_at = 0;
    node->is_retrying = false;
    node->is_unknown = false;
    node->is_told = false;
    if (def->kind == NODE_WAIT) {
        replace(&node->waits_for, record->output);
        node->gives_up_at = record->is_due_timeout ? record->due_unix_ms : 0;
        view->new_waits += record->output != NULL ? 1u : 0u;
    } else if (def->kind == NODE_IDLE) {
        view->new_waits++;
    } else if (def->for_each != NULL && record->output != NULL) {
        node->total = count_units(def->for_each, document_root(record->output));
    }
}

/* What a person says of it later is no time that it took. */
static void apply_node_unknown(struct run_view *view, struct step step, const struct record *record)
{
    struct node_view *node = run_tree_state(step);
    node->state = NODE_RUNNING;
    node->is_unknown = true;
    replace(&node->error, record->error);
    node->is_told = false;
    node->started_at = 0;
    view->new_waits++;
}

/* Something completed that a rollback may undo: its frame is needed for its path. */
static void note_undo(struct run_view *view, struct step step, const struct record *record)
{
    const struct node *def = run_tree_def(step);
    bool has_completed = record->type == RECORD_NODE_AGAIN || record->is_done ||
                         record->node_state == NODE_COMPLETED;
    bool can_be_undone = def->compensate != 0 || record->has_undo;
    step.frame->has_undo = step.frame->has_undo ||
                           (step.frame->has_rollback && has_completed && can_be_undone);
    bool is_of_end = !is_root(view, step) && step.frame->top == RECORD_NO_NODE;
    bool is_counted = view->root->has_rollback && has_completed && def->compensate != 0;
    view->undoable += is_counted && !is_of_end ? 1u : 0u;
}

/* Of a round or of all of it. */
static void end_work(struct run_view *view, struct step step, const struct record *record)
{
    begin(view, step);
    struct node_view *node = run_tree_state(step);
    bool was_running = run_tree_is_running(node);
    bool has_run = record->type == RECORD_NODE_AGAIN || record->node_state == NODE_COMPLETED ||
                   record->node_state == NODE_FAILED;
    view->running -= is_root(view, step) && was_running ? 1u : 0u;
    if (!was_running && has_run) {
        node->started_at = record->at_unix_ms;
        node->attempt = record->attempt;
    }
    node->ended_at = node->started_at != 0 ? record->at_unix_ms : 0;
    node->is_unknown = false;
    node->from = (uint8_t)record->from;
    replace(&node->output, record->output);
    replace(&node->waits_for, NULL);
    note_undo(view, step, record);
}

static void apply_node_ended(struct run_view *view, struct step step, const struct record *record)
{
    struct node_view *node = run_tree_state(step);
    end_work(view, step, record);
    node->state = record->node_state;
    node->due_at = 0;
    node->is_retrying = false;
    replace(&node->error, record->error);
    replace(&node->detail, record->detail);
    if (node->state == NODE_FAILED) {
        note_failure(view, step, record);
    }
    if (!is_root(view, step)) {
        if (node->state != NODE_NOT_RUN) {
            view->has_failed |= run_kept_add_step(&view->kept, step) != 0;
        }
        return;
    }
    count_end(view, record->node_state, 1);
    if (view->root->body->kind == BODY_STATES) {
        view->has_failed |= run_kept_add_state(&view->kept, step.node) != 0;
    }
}

static void apply_node_again(struct run_view *view, struct step step, const struct record *record)
{
    struct node_view *node = run_tree_state(step);
    end_work(view, step, record);
    node->state = NODE_COMPLETED;
    view->has_failed |= run_kept_add_step(&view->kept, step) != 0;
    node->state = NODE_READY;
    node->is_round_over = true;
    node->due_at = record->due_unix_ms > record->at_unix_ms ? record->due_unix_ms : 0;
}

static void apply_node_retry(struct run_view *view, struct step step, const struct record *record)
{
    struct node_view *node = run_tree_state(step);
    view->running -= is_root(view, step) && run_tree_is_running(node) ? 1u : 0u;
    node->state = NODE_READY;
    node->ended_at = record->at_unix_ms;
    node->due_at = record->due_unix_ms;
    node->is_retrying = true;
    replace(&node->error, record->error);
}

/* Its attempts are over. */
static void apply_node_fallback(struct run_view *view, struct step step,
                                const struct record *record)
{
    begin(view, step);
    struct node_view *node = run_tree_state(step);
    view->running += is_root(view, step) && !run_tree_is_running(node) ? 1u : 0u;
    if (!run_tree_is_running(node)) {
        node->started_at = record->at_unix_ms;
        node->attempt = record->attempt;
    }
    node->state = NODE_RUNNING;
    node->due_at = 0;
    node->is_retrying = false;
    replace(&node->error, record->error);
}

/* ---- ends ---- */

/* A frame that has ended goes with the next record, or stays when it may be undone. */
static void let_go(struct run_view *view, struct frame_view *frame)
{
    if (!frame->has_undo && frame->kept == 0) {
        view->ended_frame = frame;
        return;
    }
    frame->is_kept = true;
    if (frame->parent != NULL) {
        frame->parent->kept++;
    }
}

static void end_iteration(struct run_view *view, struct frame_view *frame,
                          const struct record *record)
{
    struct node_view *owner =
        run_tree_state((struct step){.frame = frame->parent, .node = frame->owner});
    bool has_failed = record->run_state == RUN_FAILED;
    owner->iterations += record->run_state == RUN_CANCELLED ? 0u : 1u; /* as the loop counts */
    owner->failed_iterations += has_failed ? 1u : 0u;
    view->is_frames_own = has_failed && !frame->has_failures && record->error != NULL;
    if (view->is_frames_own) {
        struct strbuf path = STRBUF_INIT;
        run_tree_append_frame_path(frame, &path);
        keep_failure(view, strbuf_take(&path), record);
        frame->has_failures = true;
    }
    owner->has_failures = owner->has_failures || (has_failed && frame->has_failures);
}

static void keep_ending(struct run_view *view, const struct frame_view *frame,
                        const struct record *record)
{
    if (frame->parent == view->root && view->ending_count < RUN_VIEW_ENDINGS_MOST) {
        view->endings[view->ending_count++] = (struct ending_view){
            .what = frame->body->what,
            .state = record->run_state,
            .error = document_ref(record->error),
        };
    }
}

static void apply_frame_ended(struct run_view *view, struct step step, const struct record *record)
{
    struct frame_view *frame = step.frame;
    bool has_completed = record->run_state == RUN_COMPLETED;
    view->is_frames_own = false;
    if (frame->parent == NULL) {
        return;
    }
    if (frame->kind == FRAME_ENDING) {
        keep_ending(view, frame, record);
    } else if (frame->kind == FRAME_UNDO) {
        view->undone += has_completed ? 1u : 0u;
        view->undo_failures += has_completed ? 0u : 1u;
    } else if (frame->kind != FRAME_NOTICE) { /* its node has told what became of it */
        end_iteration(view, frame, record);
    }
    let_go(view, frame);
}

/* A child run has ended: the node that waits for it tells its failure, if nothing inside did. */
static void apply_child_ended(struct run_view *view, struct frame_view *frame,
                              const struct record *record)
{
    bool is_linked = frame->owner != RECORD_NO_NODE; /* its caller was there when it began */
    struct step call = {
        .frame = is_linked ? run_tree_find(&view->tree, frame->caller, frame->caller_frame) : NULL,
        .node = frame->owner};
    bool has_failed = record->run_state == RUN_FAILED;
    bool is_awaited = call.frame != NULL && run_tree_is_running(run_tree_state(call));
    bool is_cut_off = record->run_state == RUN_CANCELLED && view->state == RUN_COMPLETED;
    let_go(view, frame);
    if (has_failed && is_awaited) {
        run_tree_state(call)->has_failures = run_tree_state(call)->has_failures ||
                                             frame->has_failures;
    } else if ((has_failed || is_cut_off) && !frame->has_failures && frame->prefix != NULL) {
        struct str path = str_from(frame->prefix);
        keep_failure(view, str_dup(str_make(path.p, path.n - 1)), record);
    }
}

/* All but the endings has been done, or these, too. */
static void apply_run_ended(struct run_view *view, struct frame_view *frame,
                            const struct record *record)
{
    bool has_endings = record->type == RECORD_RUN_ENDING;
    if (frame != view->root) {
        if (!has_endings) {
            apply_child_ended(view, frame, record);
        }
        return;
    }
    view->state = has_endings ? RUN_ENDING : record->run_state;
    view->outcome = record->run_state;
    view->ended_at = has_endings ? 0 : record->at_unix_ms;
    replace(&view->output, record->output);
    replace(&view->error, record->error);
}

/* ---- events that were sent ---- */

void run_view_add_late_event(struct run_view *view, struct str name)
{
    struct document *event = NULL;
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_member_string(b, STR("name"), name);
    builder_map_end(b);
    if (builder_finish(b, &event, NULL) != 0) {
        view->has_failed = true;
        return;
    }
    view->has_failed |= run_kept_add_event(&view->kept, event) != 0;
    document_unref(event);
}

/* What happens to the run that is shown; that of the runs in it is theirs. */
static void apply_to_root(struct run_view *view, const struct record *record)
{
    switch (record->type) {
    case RECORD_RUN_STARTED:
        view->state = RUN_RUNNING;
        view->started_at = record->at_unix_ms;
        return;
    case RECORD_SIGNAL:
        view->has_failed |= run_kept_add_event(&view->kept, record->output) != 0;
        view->kept.event_total++;
        return;
    case RECORD_SIGNAL_TAKEN:
        run_kept_drop_event(&view->kept, record->index);
        return;
    case RECORD_ENDINGS_DROPPED:
        view->drops_endings = true;
        return;
    case RECORD_NODE_SPENT:
        replace(&view->spent, record->output);
        return;
    case RECORD_RUN_STOPPING:
        view->state = record->run_state;
        view->drops_endings = view->drops_endings || record->reason == STOP_SHUTDOWN;
        return;
    default:
        return;
    }
}

/* ---- records ---- */

void run_view_apply(struct run_view *view, const struct record *record)
{
    view->run = view->has_begun ? view->run : record->run;
    view->has_begun = true;
    run_tree_remove(&view->tree, view->ended_frame);
    view->ended_frame = NULL;
    struct step step = run_view_step(view, record->run, record->frame, record->node);
    if (step.frame == NULL) {
        return; /* memory ran out before */
    }
    if (record->run == view->run) {
        apply_to_root(view, record);
    }
    switch (record->type) {
    case RECORD_NODE_QUEUED:
        begin(view, step);
        run_tree_state(step)->state = NODE_QUEUED;
        return;
    case RECORD_NODE_STARTED:
        apply_node_started(view, step, record);
        return;
    case RECORD_NODE_STOPPING:
        run_tree_state(step)->state = NODE_STOPPING;
        return;
    case RECORD_NODE_ENDED:
        apply_node_ended(view, step, record);
        return;
    case RECORD_NODE_AGAIN:
        apply_node_again(view, step, record);
        return;
    case RECORD_NODE_RETRY:
        apply_node_retry(view, step, record);
        return;
    case RECORD_NODE_FALLBACK:
        apply_node_fallback(view, step, record);
        return;
    case RECORD_NODE_UNKNOWN:
        apply_node_unknown(view, step, record);
        return;
    case RECORD_NODE_DUE:
        run_tree_state(step)->due_at = 0;
        return;
    case RECORD_FRAME_STARTED:
        apply_frame_started(view, step, record);
        return;
    case RECORD_FRAME_ENDED:
        apply_frame_ended(view, step, record);
        return;
    case RECORD_RUN_ENDING:
    case RECORD_RUN_ENDED:
        apply_run_ended(view, step.frame, record);
        return;
    default:
        return; /* nothing of it is shown */
    }
}

/* ---- questions ---- */

uint32_t run_view_not_run(const struct run_view *view)
{
    return view->node_count - view->ended;
}

uint32_t run_view_queued(const struct run_view *view)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < view->node_count; i++) {
        const struct node_view *node = &view->nodes[i];
        count += node->state == NODE_COMPLETED && node->from == OUTPUT_FROM_QUEUE ? 1u : 0u;
    }
    return count;
}

struct str run_view_queue_id(const struct document *output)
{
    const struct value *root = output != NULL ? document_root(output) : NULL;
    const struct value *id = value_get(root, STR(OUTPUT_QUEUE_ID));
    return value_is(id, VALUE_STRING) ? value_str(id) : STR("");
}

uint64_t run_view_not_undone(const struct run_view *view)
{
    uint64_t tried = view->undone + view->undo_failures;
    bool is_left_out = view->drops_endings && view->outcome != RUN_COMPLETED;
    return is_left_out && view->undoable > tried ? view->undoable - tried : 0;
}

static bool has_run_ending(const struct run_view *view, struct str what)
{
    for (size_t i = 0; i < view->ending_count; i++) {
        if (str_equal(view->endings[i].what, what)) {
            return true;
        }
    }
    return false;
}

size_t run_view_dropped_endings(const struct run_view *view,
                                struct str out_names[RUN_VIEW_ENDINGS_MOST])
{
    const struct pipeline *pipeline = view->pipeline;
    uint32_t of_outcome = view->outcome == RUN_FAILED      ? pipeline->on_failure
                          : view->outcome == RUN_CANCELLED ? pipeline->on_cancel
                                                           : pipeline->on_success;
    const uint32_t bodies[RUN_VIEW_ENDINGS_MOST] = {of_outcome, pipeline->finally};
    size_t count = 0;
    for (size_t i = 0; i < RUN_VIEW_ENDINGS_MOST && view->drops_endings; i++) {
        struct str what = pipeline->bodies[bodies[i]].what;
        if (bodies[i] != 0 && !has_run_ending(view, what)) {
            out_names[count++] = what;
        }
    }
    return count;
}

int64_t run_view_ms(const struct run_view *view, int64_t now_unix_ms)
{
    int64_t end = view->ended_at != 0 ? view->ended_at : now_unix_ms;
    return end > view->started_at ? end - view->started_at : 0;
}
