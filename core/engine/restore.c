/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/restore.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/engine/loop_state.h"
#include "core/engine/record_json.h"
#include "core/engine/run_state.h"
#include "core/engine/spending.h"
#include "core/engine/transition.h"
#include "core/value/value.h"

/* ---- what may follow ---- */

/* One record and where it belongs. */
struct spot {
    const struct run *run;
    const struct record *record;
    struct frame *frame;
    const struct node *def; /* NULL: the record has no node of this frame */
    const struct run_node *node;
};

static bool may_start_node(const struct spot *p)
{
    const struct value *output = p->record->output != NULL ? document_root(p->record->output)
                                                           : NULL;
    bool is_list = value_is(output, VALUE_LIST);
    for (size_t i = 0; value_is(output, VALUE_MAP) && i < value_count(output); i++) {
        is_list = value_is(&value_member_at(output, i)->value, VALUE_LIST);
        if (!is_list) {
            break;
        }
    }
    bool is_map = value_is(output, VALUE_MAP) && value_count(output) == 0;
    bool is_stream = p->def->for_each != NULL && p->def->for_each->stream != PIPELINE_NO_NODE;
    if (p->def->kind == NODE_WAIT && output != NULL && !value_is(output, VALUE_STRING)) {
        return false;
    }
    if (p->def->kind == NODE_QUEUE && !value_is(output, VALUE_LIST)) {
        return false;
    }
    if (p->def->kind == NODE_LOOP && is_stream != (output == NULL)) {
        return false;
    }
    if (p->def->kind == NODE_LOOP && !is_stream && !is_list && !is_map) {
        return false;
    }
    return p->node->loop == NULL && p->node->state == NODE_READY &&
           p->record->attempt == p->node->attempt + 1;
}

static bool may_stop_node(const struct spot *p)
{
    return p->record->index <= p->def->out_count && transition_allows_node(p->node, NODE_STOPPING);
}

/* Of the one that runs, or of the next: that begins and ends in one decision. */
static bool is_of_attempt(const struct spot *p)
{
    uint32_t begun = p->record->attempt - p->node->attempt;
    return begun == 0 || (begun == 1 && p->node->state == NODE_READY);
}

static bool may_end_node(const struct spot *p)
{
    const struct record *record = p->record;
    bool is_current = p->frame->body->kind != BODY_STATES || record->node == p->frame->current;
    bool is_failed = record->node_state == NODE_FAILED;
    if (!is_of_attempt(p) || record->node_state < NODE_COMPLETED ||
        (is_failed && record->error == NULL)) {
        return false;
    }
    return is_current && record->index <= p->def->out_count && p->node->state != NODE_PENDING &&
           (p->node->loop == NULL || p->node->loop->running == 0) &&
           transition_allows_node(p->node, record->node_state);
}

static bool may_run_again(const struct spot *p)
{
    bool is_at_work = p->node->state == NODE_READY || p->node->state == NODE_RUNNING ||
                      p->node->state == NODE_STOPPING;
    return p->def->repeat != NULL && is_of_attempt(p) && is_at_work &&
           (!p->node->is_delayed || p->node->is_falling_back) &&
           (p->node->loop == NULL || p->node->loop->running == 0);
}

static bool is_item(const struct run *run)
{
    return run->pipeline->queued_by.n > 0;
}

static bool may_be_lost(const struct spot *p)
{
    return p->def->kind == NODE_PLUGIN && p->node->state == NODE_RUNNING && !p->node->is_delayed;
}

/* It failed: reported, or told to end for its time-out. */
static bool may_fail_attempt(const struct spot *p)
{
    bool is_live = p->node->state == NODE_RUNNING || p->node->state == NODE_STOPPING;
    return p->def->kind == NODE_PLUGIN && is_live && !p->node->is_delayed && !p->node->is_unknown &&
           p->record->attempt == p->node->attempt && p->frame->state == RUN_RUNNING;
}

/* What the queue gives up has failed, or has waited too long for an attempt. */
static bool may_be_buried(const struct spot *p)
{
    bool waits = p->node->state == NODE_READY && p->record->attempt == p->node->attempt &&
                 p->frame->state == RUN_RUNNING;
    return is_item(p->run) && p->record->error != NULL && (waits || may_fail_attempt(p));
}

/* No attempt follows, and the fallback has not run. */
static bool may_fall_back(const struct spot *p)
{
    const struct fallback *fallback = p->def->fallback;
    bool is_live = p->node->state == NODE_READY || p->node->state == NODE_RUNNING ||
                   p->node->state == NODE_STOPPING;
    bool is_node = fallback != NULL && fallback->kind == FALLBACK_NODE;
    if (fallback == NULL || fallback->kind == FALLBACK_VALUE || p->record->error == NULL ||
        !is_live || !is_of_attempt(p) || p->node->is_delayed || p->node->is_unknown) {
        return false;
    }
    return p->frame->state == RUN_RUNNING &&
           (!is_node || frame_node(p->frame, fallback->node)->state == NODE_PENDING);
}

static bool may_start_item(const struct spot *p)
{
    const struct loop_state *loop = p->node->loop;
    uint64_t unit = 0;
    uint32_t worker = 0;
    return loop != NULL && loop->def != NULL && p->record->body == p->def->own_body &&
           p->node->state == NODE_RUNNING && !loop->is_last && loop_pick(loop, &unit, &worker) &&
           unit == p->record->index;
}

static bool may_start_group(const struct spot *p)
{
    const struct loop_state *loop = p->node->loop;
    return loop != NULL && loop->def == NULL && p->record->body == p->def->own_body &&
           loop->running == 0 && !loop_group_has_ended(loop);
}

static bool may_start_undo(const struct spot *p)
{
    const struct undo_entry *top = undo_top(p->run);
    return p->run->ending == NULL && top != NULL && !top->is_child &&
           top->frame == p->record->frame && top->node == p->record->node &&
           p->def->compensate != 0 && p->record->body == p->def->compensate;
}

static bool may_start_ending(const struct spot *p)
{
    const struct pipeline *pipeline = p->run->pipeline;
    uint32_t body = p->record->body;
    bool is_ending = body == pipeline->on_failure || body == pipeline->on_cancel ||
                     body == pipeline->on_success || body == pipeline->finally;
    return p->run->state == RUN_ENDING && p->run->ending == NULL && body != 0 && is_ending &&
           p->frame == p->run->root;
}

static bool may_start_notice(const struct spot *p)
{
    const struct notice *notice = notices_first(p->run);
    return notice != NULL && p->frame == p->run->root && p->record->index == notice->index &&
           p->record->body == p->run->pipeline->notices[notice->point];
}

static bool may_start_frame(const struct spot *p)
{
    if (p->record->child != p->run->next_frame) {
        return false;
    }
    switch (p->record->kind) {
    case FRAME_ITEM:
        return p->node != NULL && p->frame->state == RUN_RUNNING && may_start_item(p);
    case FRAME_GROUP:
        return p->node != NULL && may_start_group(p);
    case FRAME_UNDO:
        return p->node != NULL && may_start_undo(p);
    case FRAME_ENDING:
        return may_start_ending(p);
    case FRAME_NOTICE:
        return may_start_notice(p);
    case FRAME_ROOT:
        return false;
    }
    return false;
}

static bool may_end_frame(const struct spot *p)
{
    enum run_state state = p->record->run_state;
    bool is_failed = state == RUN_FAILED && p->record->error == NULL;
    return p->frame->parent != NULL && p->frame->is_settled && !is_failed &&
           (state == RUN_COMPLETED || state == RUN_FAILED || state == RUN_CANCELLED);
}

static bool may_stop_frame(const struct spot *p)
{
    enum run_state state = p->record->run_state;
    bool is_root = p->record->type == RECORD_RUN_STOPPING;
    return (state == RUN_FAILING || state == RUN_CANCELLING) && p->frame->state == RUN_RUNNING &&
           is_root == (p->frame->parent == NULL);
}

static bool is_signal(const struct document *signal)
{
    return signal != NULL && value_is(value_get(document_root(signal), STR("name")), VALUE_STRING);
}

static bool may_reduce(const struct spot *p)
{
    const struct loop_state *loop = p->node->loop;
    return loop != NULL && loop->def != NULL && loop_can_reduce(loop);
}

static bool may_emit(const struct spot *p)
{
    bool is_live = p->node->state == NODE_RUNNING || p->node->state == NODE_STOPPING;
    bool is_begun = is_live && p->node->stream != NULL;
    /* In place of a call that was never made: what it waited for was not kept. */
    bool stands_in = (p->record->from & OUTPUT_FROM_BOTH) != 0 && p->def->has_readers &&
                     (is_live || p->node->state == NODE_READY);
    return node_has_stream(p->def) && (is_begun || stands_in) && p->record->output != NULL;
}

static bool may_credit(const struct spot *p)
{
    return p->node->stream != NULL && p->record->index <= p->node->stream->owed;
}

/* The end of all work, or of the endings after it. */
static bool may_end_run(const struct spot *p, enum run_state to)
{
    bool has_worked = p->run->state == RUN_ENDING || p->run->root->is_settled;
    return has_worked && run_state_is_terminal(p->record->run_state) && p->run->ending == NULL &&
           (to == RUN_ENDING || p->run->notices.live == 0) && transition_allows_run(p->run, to);
}

static bool may_undo_child(const struct spot *p)
{
    const struct undo_entry *top = undo_top(p->run);
    return top != NULL && top->is_child && !p->run->is_undoing_child && p->run->ending == NULL;
}

/* Of the node `p->node`. */
static bool may_follow_in_node(const struct spot *p)
{
    switch (p->record->type) {
    case RECORD_NODE_STARTED:
        return may_start_node(p);
    case RECORD_NODE_STOPPING:
        return may_stop_node(p);
    case RECORD_NODE_ENDED:
        return may_end_node(p);
    case RECORD_NODE_AGAIN:
        return may_run_again(p);
    case RECORD_NODE_DUE:
        return p->node->state == NODE_RUNNING && p->node->is_delayed && !p->node->is_falling_back;
    case RECORD_NODE_LOST:
        return may_be_lost(p) &&
               ((p->record->output == NULL && !p->record->has_priority) || is_item(p->run));
    case RECORD_NODE_UNKNOWN:
        return p->record->is_dead         ? may_be_buried(p)
               : p->record->error != NULL ? may_fail_attempt(p)
                                          : may_be_lost(p) && !p->node->is_unknown;
    case RECORD_NODE_FALLBACK:
        return may_fall_back(p);
    case RECORD_NODE_RETRY:
        return may_fail_attempt(p) && p->record->error != NULL && p->record->due_unix_ms > 0;
    case RECORD_LOOP_REDUCED:
        return may_reduce(p);
    case RECORD_ITEM:
        return may_emit(p);
    case RECORD_CREDIT:
        return may_credit(p);
    case RECORD_CHILD_UNDOING:
        return may_undo_child(p);
    case RECORD_CHILD_UNDONE:
        return p->run->is_undoing_child;
    case RECORD_NODE_RESERVED:
    case RECORD_NODE_SPENT:
        return spending_may_follow(p->frame, p->record);
    default:
        return false;
    }
}

/* Of the run or the frame; RECORD_FRAME_STARTED of both kinds. */
static bool may_follow(const struct spot *p)
{
    const struct run *run = p->run;
    switch (p->record->type) {
    case RECORD_RUN_STARTED:
        return run->state == RUN_PENDING && (run->input != NULL || p->record->output != NULL);
    case RECORD_FRAME_STARTED:
        return may_start_frame(p);
    case RECORD_FRAME_ENDED:
        return may_end_frame(p);
    case RECORD_FRAME_STOPPING:
    case RECORD_RUN_STOPPING:
        return may_stop_frame(p);
    case RECORD_SIGNAL:
        return is_signal(p->record->output);
    case RECORD_SIGNAL_TAKEN:
        return p->record->index < run->signal_count;
    case RECORD_SIGNALS_SEEN:
    case RECORD_ENDINGS_DROPPED:
        return true;
    case RECORD_RUN_ENDING:
        return run->state != RUN_ENDING && may_end_run(p, RUN_ENDING);
    case RECORD_RUN_ENDED:
        return may_end_run(p, p->record->run_state);
    case RECORD_RUN_UNDOING:
        return run->state == RUN_COMPLETED && !run->is_undoing;
    case RECORD_RUN_UNDONE:
        return run->is_undoing && run->ending == NULL && !run->is_undoing_child;
    case RECORD_RUN_PAUSED:
        return !run->is_paused && (!run_is_ended(run) || run->is_undoing);
    case RECORD_RUN_RESUMED:
        return run->is_paused;
    default:
        return p->node != NULL && may_follow_in_node(p);
    }
}

/* ---- what the JSON form leaves out ---- */

static bool is_about_node(const struct record *record)
{
    return record->type != RECORD_FRAME_ENDED && record->type != RECORD_FRAME_STOPPING &&
           record->node != RECORD_NO_NODE;
}

static bool find_spot(const struct run *run, const struct record *record, struct spot *out)
{
    const struct body *body = NULL;
    *out = (struct spot){.run = run, .record = record, .frame = frame_find(run, record->frame)};
    if (out->frame == NULL || !is_about_node(record)) {
        return out->frame != NULL;
    }
    body = out->frame->body;
    if (record->node < body->first_node || record->node - body->first_node >= body->node_count) {
        return false;
    }
    out->def = &run->pipeline->nodes[record->node];
    out->node = frame_node(out->frame, record->node);
    return true;
}

static int fill_taken(const struct spot *p, struct str taken, struct record *record)
{
    if (taken.n == 0) {
        return 0;
    }
    if (p->def == NULL || p->def->out_count == 0) {
        return E_CORRUPT;
    }
    if (edge_set_init(&record->taken, p->def->out_count) != 0) {
        return E_NOMEM;
    }
    return record_read_taken(taken, &record->taken) == 0 ? 0 : E_CORRUPT;
}

/* The item of an iteration, or the output that a compensation sees. */
static int fill_frame(const struct spot *p, struct record *record)
{
    struct document *document = NULL;
    if (record->kind == FRAME_ITEM) {
        int status = loop_make_item(p->node->loop, record->index, &document, &record->item);
        record->output = document;
        return status;
    }
    if (record->kind == FRAME_UNDO) {
        record->output = document_ref(undo_top(p->run)->output);
    }
    return 0;
}

/* ---- rows ---- */

static int refuse(const struct restore_row *row, const char *why, struct error *err)
{
    return error_set(err, E_CORRUPT, "record %llu ('%.*s' of '%.*s') %s",
                     (unsigned long long)row->seq, STR_ARG(row->type), STR_ARG(row->path), why);
}

static int apply(struct run *run, struct record *record, struct str taken,
                 const struct restore_row *row, struct error *err)
{
    struct spot spot;
    if (!find_spot(run, record, &spot)) {
        return refuse(row, "names what is not there", err);
    }
    int status = fill_taken(&spot, taken, record);
    if (status == 0 && !may_follow(&spot)) {
        status = E_CORRUPT;
    }
    if (status == E_CORRUPT) {
        return refuse(row, "cannot follow those before it", err);
    }
    if (status == 0 && record->type == RECORD_FRAME_STARTED) {
        status = fill_frame(&spot, record);
    }
    if (status != 0) {
        return error_nomem(err);
    }
    run_apply(run, record);
    return run_has_failed(run) ? error_nomem(err) : 0;
}

static int read_row(const struct run *run, const struct restore_row *row, struct record *record,
                    struct str *out_taken, struct error *err)
{
    struct error inner = {0};
    if (row->seq != run_last_seq(run) + 1) {
        return refuse(row, "is not the next one", err);
    }
    if (row->at_unix_ms < 0 || row->at_unix_ms > RECORD_LAST_MS) {
        return refuse(row, "has a time that cannot be", err);
    }
    if (record_type_parse(row->type, &record->type) != 0 || record_is_lazy(record)) {
        return refuse(row, "is of no known type", err);
    }
    record->run = (struct run *)(uintptr_t)run;
    record->run_number = run_number(run);
    record->seq = row->seq;
    record->attempt = row->attempt;
    record->at_unix_ms = row->at_unix_ms;
    int status = record_read_body(row->body, record, out_taken, &inner);
    if (status == E_NOMEM) {
        return error_nomem(err);
    }
    return status == 0 ? 0 : refuse(row, inner.message, err);
}

int restore_row(struct run *run, const struct restore_row *row, restore_record_cb each, void *user,
                struct error *err)
{
    struct record record = {.node = RECORD_NO_NODE};
    struct str taken = STR("");
    int status = read_row(run, row, &record, &taken, err);
    if (status == 0) {
        record.path = row->path.n > 0 ? str_dup(row->path) : NULL;
        status = row->path.n > 0 && record.path == NULL ? error_nomem(err)
                                                        : apply(run, &record, taken, row, err);
    }
    if (status == 0 && each != NULL) {
        each(user, &record);
    }
    free(record.path);
    record_finish(&record);
    return status;
}
