/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions about loops and groups: how they start, go on and end. */
#include <stdio.h>

#include "core/base/arena.h"
#include "core/base/check.h"
#include "core/base/error.h"
#include "core/engine/decision.h"
#include "core/engine/decision_end.h"
#include "core/engine/decision_room.h"
#include "core/engine/decision_stop.h"
#include "core/engine/failure.h"
#include "core/engine/loop_state.h"
#include "core/engine/loops.h"
#include "core/engine/sanitize.h"
#include "core/expr/expr.h"
#include "core/expr/template.h"
#include "core/value/builder.h"
#include "core/value/value.h"

/* ---- the items ---- */

static bool is_product(const struct value *items)
{
    return value_is(items, VALUE_MAP);
}

static int check_items(const struct value *items, const char *what, struct error *err)
{
    if (value_is(items, VALUE_LIST)) {
        return 0;
    }
    if (!is_product(items)) {
        return error_set(err, E_INVALID, "%s gave %s, not a list or a map of lists", what,
                         value_type_name(value_type(items)));
    }
    double product = 1;
    for (size_t i = 0; i < value_count(items); i++) {
        const struct value_member *member = value_member_at(items, i);
        if (!value_is(&member->value, VALUE_LIST)) {
            return error_set(err, E_INVALID, "%s gave a map whose '%.*s' is %s, not a list", what,
                             STR_ARG(value_str(&member->key)),
                             value_type_name(value_type(&member->value)));
        }
        product *= (double)value_count(&member->value);
    }
    return product <= 1e12 ? 0
                           : error_set(err, E_LIMIT, "%s gave %.3g combinations: the limit is 1e12",
                                       what, product);
}

static int find_items(const struct decision *d, uint32_t node, struct document **out,
                      struct error *err)
{
    const struct for_each *def = decision_node(d, node)->for_each;
    int status = def->list != NULL ? decision_resolve(d, node, def->list, out, err)
                                   : decision_compute(d, node, def->items, out, err);
    if (status == 0) {
        status = check_items(document_root(*out), "for_each", err);
        if (status != 0) {
            document_unref(*out);
            *out = NULL;
        }
    } else {
        error_prefix(err, "for_each: ");
    }
    return status;
}

/* Combination number `index` of a map of lists; the last key counts fastest. */
static void build_combination(const struct document *items, uint64_t index, struct builder *b)
{
    const struct value *lists = document_root(items);
    uint64_t rest = 1;
    for (size_t i = 0; i < value_count(lists); i++) {
        rest *= value_count(&value_member_at(lists, i)->value);
    }
    builder_map_begin(b);
    for (size_t i = 0; i < value_count(lists); i++) {
        const struct value_member *member = value_member_at(lists, i);
        size_t count = value_count(&member->value);
        rest /= count;
        builder_key(b, value_str(&member->key));
        builder_embed(b, items, value_at(&member->value, (size_t)(index / rest % count)));
    }
    builder_map_end(b);
}

static void build_item(const struct loop_state *loop, uint64_t index, struct builder *b)
{
    const struct value *items = document_root(loop->items);
    if (is_product(items)) {
        build_combination(loop->items, index, b);
    } else {
        builder_embed(b, loop->items, value_at(items, (size_t)index));
    }
}

static void build_batch(const struct loop_state *loop, uint64_t unit, struct builder *b)
{
    uint64_t first = unit * loop->def->batch_size;
    builder_list_begin(b);
    for (uint64_t i = first; i < first + loop->def->batch_size && i < loop->item_count; i++) {
        build_item(loop, i, b);
    }
    builder_list_end(b);
}

static int make_item_of_stream(const struct loop_state *loop, struct document **out_document,
                               const struct value **out_item)
{
    uint64_t first = loop->reader->next;
    uint64_t end = first + loop_next_items(loop);
    if (!loop->def->is_batch) {
        *out_document = document_ref(stream_item(loop->stream, first));
        *out_item = document_root(*out_document);
        return 0;
    }
    struct builder *b = builder_create();
    builder_list_begin(b);
    for (uint64_t i = first; i < end; i++) {
        const struct document *item = stream_item(loop->stream, i);
        builder_embed(b, item, document_root(item));
    }
    builder_list_end(b);
    int status = builder_finish(b, out_document, NULL);
    if (status == 0) {
        *out_item = document_root(*out_document);
    }
    return status;
}

int loop_make_item(const struct loop_state *loop, uint64_t unit, struct document **out_document,
                   const struct value **out_item)
{
    if (loop->stream != NULL) {
        return make_item_of_stream(loop, out_document, out_item);
    }
    const struct value *items = document_root(loop->items);
    if (!loop->def->is_batch && !is_product(items)) {
        *out_document = document_ref(loop->items);
        *out_item = value_at(items, (size_t)unit);
        return 0;
    }
    struct builder *b = builder_create();
    if (loop->def->is_batch) {
        build_batch(loop, unit, b);
    } else {
        build_combination(loop->items, unit, b);
    }
    int status = builder_finish(b, out_document, NULL);
    if (status == 0) {
        *out_item = document_root(*out_document);
    }
    return status;
}

/* ---- start ---- */

static uint64_t units_of(const struct for_each *def, const struct value *items)
{
    uint64_t count = is_product(items) ? (value_count(items) > 0 ? 1 : 0) : value_count(items);
    for (size_t i = 0; is_product(items) && i < value_count(items); i++) {
        count *= value_count(&value_member_at(items, i)->value);
    }
    return def->is_batch ? (count + def->batch_size - 1) / def->batch_size : count;
}

/* A list that is too long fails before anything is done with it. */
static bool check_limit(const struct decision *d, uint32_t node, const struct document *items)
{
    const struct for_each *def = decision_node(d, node)->for_each;
    uint64_t units = units_of(def, document_root(items));
    if (def->stops_at_limit || units <= def->max_iterations) {
        return true;
    }
    char text[160];
    (void)snprintf(text, sizeof(text),
                   "the loop has %llu iterations to do, more than max_iterations (%u)",
                   (unsigned long long)units, def->max_iterations);
    struct document *failure = decision_create_failure(
        d, FAILURE_LOOP_LIMIT, str_from(text), "raise 'max_iterations', or set 'on_limit: stop'");
    decision_end_failed(d, node, failure);
    document_unref(failure);
    return false;
}

static void record_start(const struct decision *d, uint32_t node, const struct document *items,
                         const struct document *acc)
{
    struct record record = decision_node_record(d, RECORD_NODE_STARTED, node);
    record.attempt++;
    record.output = items;
    record.detail = acc;
    batch_add_record(d->batch, &record);
    decision_arm_timeout(d, &record);
}

void loop_start(const struct decision *d, uint32_t node)
{
    const struct for_each *def = decision_node(d, node)->for_each;
    struct error err = {0};
    struct document *items = NULL;
    struct document *acc = NULL;
    if (def == NULL) {
        record_start(d, node, NULL, NULL);
        return;
    }
    bool is_stream = def->stream != PIPELINE_NO_NODE;
    int status = is_stream ? 0 : find_items(d, node, &items, &err);
    if (status == 0 && def->init != NULL) {
        status = decision_resolve(d, node, def->init, &acc, &err);
    }
    if (status != 0) {
        decision_end_failed_for(d, node, FAILURE_EXPRESSION, &err);
    } else if (is_stream || check_limit(d, node, items)) {
        record_start(d, node, items, acc);
    }
    document_unref(items);
    document_unref(acc);
}

/* ---- the end ---- */

static void build_errors(const struct loop_state *loop, struct builder *b)
{
    builder_list_begin(b);
    for (size_t i = 0; i < loop->error_count; i++) {
        const struct loop_error *error = &loop->errors[i];
        builder_map_begin(b);
        builder_member_int(b, STR("index"), (int64_t)error->index);
        builder_key(b, STR("item"));
        if (error->item != NULL) {
            builder_embed(b, error->item_document, error->item);
        } else {
            builder_null(b);
        }
        builder_key(b, STR("error"));
        builder_embed(b, error->error, document_root(error->error));
        builder_map_end(b);
    }
    builder_list_end(b);
}

/* {errors, counts}: what a loop has besides its output. */
static struct document *make_detail(const struct decision *d, const struct loop_state *loop)
{
    struct document *detail = NULL;
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_key(b, STR("errors"));
    build_errors(loop, b);
    builder_key(b, STR("counts"));
    builder_map_begin(b);
    builder_member_int(b, STR("total"), (int64_t)(loop->completed + loop->failed));
    builder_member_int(b, STR("completed"), (int64_t)loop->completed);
    builder_member_int(b, STR("failed"), (int64_t)loop->failed);
    builder_map_end(b);
    builder_map_end(b);
    d->batch->has_failed |= builder_finish(b, &detail, NULL) != 0;
    sanitize_value(d, &detail); /* the items are as they were given */
    return detail;
}

static int make_list(const struct loop_state *loop, struct document **out, struct error *err)
{
    struct builder *b = builder_create();
    builder_list_begin(b);
    for (size_t i = 0; i < loop->output_cap; i++) {
        const struct document *output = loop->outputs[i].document;
        if (!loop->outputs[i].has_ended) {
            continue; /* `until` held before it */
        }
        if (output != NULL) {
            builder_embed(b, output, document_root(output));
        } else {
            builder_null(b);
        }
    }
    builder_list_end(b);
    return builder_finish(b, out, err);
}

static int make_count(uint64_t count, struct document **out, struct error *err)
{
    struct builder *b = builder_create();
    builder_int(b, (int64_t)count);
    return builder_finish(b, out, err);
}

static int make_output(const struct loop_state *loop, struct document **out, struct error *err)
{
    switch (loop->def->collect) {
    case COLLECT_LIST:
        return make_list(loop, out, err);
    case COLLECT_COUNT:
        return make_count(loop->completed, out, err);
    case COLLECT_NONE:
        *out = document_null();
        return 0;
    case COLLECT_REDUCE:
        *out = loop->acc != NULL ? document_ref(loop->acc) : document_null();
        return 0;
    }
    unreachable_state("collect", (int)loop->def->collect);
}

/* The end of a loop or group with what it has to tell. `output` and `failure` are borrowed. */
static void end_node(const struct decision *d, uint32_t node, enum node_state state,
                     const struct document *output, const struct document *failure)
{
    const struct loop_state *loop = decision_state(d, node)->loop;
    struct document *detail = loop->def != NULL ? make_detail(d, loop) : NULL;
    struct record record = decision_node_record(d, RECORD_NODE_ENDED, node);
    record.node_state = state;
    record.outcome = state == NODE_FAILED ? OUTCOME_ERROR : OUTCOME_SUCCESS;
    record.output = output;
    record.error = failure;
    record.detail = detail;
    if (state != NODE_COMPLETED) {
        decision_disarm_timeout(d, node);
        decision_end_node(d, &record);
    } else if (!decision_room_waits(d, &record)) {
        decision_disarm_timeout(d, node);
        decision_end_completed(d, &record);
    }
    document_unref(detail);
}

static void complete(const struct decision *d, uint32_t node)
{
    struct error err = {0};
    struct document *output = NULL;
    if (make_output(decision_state(d, node)->loop, &output, &err) != 0) {
        struct document *failure = decision_failure(d, FAILURE_LIMIT, &err);
        end_node(d, node, NODE_FAILED, NULL, failure);
        document_unref(failure);
        return;
    }
    end_node(d, node, NODE_COMPLETED, output, NULL);
    document_unref(output);
}

/* The first failed item's failure, with what it means for the loop in front of its message. */
static struct document *loop_failure(const struct decision *d, const struct loop_state *loop)
{
    const struct loop_error *first = &loop->errors[0];
    struct strbuf text = STRBUF_INIT;
    if (loop->failed > 1) {
        strbuf_append_format(&text, "%llu items failed; ", (unsigned long long)loop->failed);
    }
    strbuf_append_format(&text, "item %llu: %.*s", (unsigned long long)first->index,
                         STR_ARG(failure_message(first->error)));
    struct str code = failure_code(first->error);
    char code_text[64];
    (void)snprintf(code_text, sizeof(code_text), "%.*s", STR_ARG(code));
    return decision_text_failure(
        d, code.n > 0 ? code_text : FAILURE_FAILED, &text,
        "see the loop's errors; 'max_failures' says how many items may fail");
}

static void fail_with(const struct decision *d, uint32_t node, struct document *failure)
{
    end_node(d, node, NODE_FAILED, NULL, failure);
    document_unref(failure);
}

/* The node whose stream it reads failed on the way: what was under way has ended. */
static void fail_broken(const struct decision *d, uint32_t node)
{
    uint32_t producer = decision_node(d, node)->for_each->stream;
    const struct document *cause = decision_state(d, producer)->error;
    struct strbuf text = STRBUF_INIT;
    char code[64] = FAILURE_FAILED;
    strbuf_append_format(&text, "the stream of '%.*s' broke off: %.*s",
                         STR_ARG(decision_node(d, producer)->id), STR_ARG(failure_message(cause)));
    if (failure_code(cause).n > 0) {
        (void)snprintf(code, sizeof(code), "%.*s", STR_ARG(failure_code(cause)));
    }
    fail_with(d, node, decision_text_failure(d, code, &text, "see the failure of that node"));
}

/* Nothing of a loop that was told to stop runs any more. */
static void end_stopped(const struct decision *d, uint32_t node)
{
    const struct run_node *state = decision_state(d, node);
    if (state->state == NODE_STOPPING && state->stop_reason == STOP_TIMEOUT) {
        fail_with(d, node, decision_timeout_failure(d, node));
    } else if (state->state == NODE_STOPPING && state->stop_reason == STOP_FAILURE) {
        fail_with(d, node,
                  state->loop->error != NULL ? document_ref(state->loop->error)
                                             : loop_failure(d, state->loop));
    } else {
        end_node(d, node, NODE_CANCELLED, NULL, NULL);
    }
}

static void end_group(const struct decision *d, uint32_t node)
{
    const struct loop_state *loop = decision_state(d, node)->loop;
    if (loop->error != NULL) {
        end_node(d, node, NODE_FAILED, NULL, loop->error);
    } else {
        end_node(d, node, NODE_COMPLETED, loop->output, NULL);
    }
}

/* ---- on the way ---- */

static void start_frame(const struct decision *d, uint32_t node, enum frame_kind kind,
                        struct record *record)
{
    record->child = d->run->next_frame;
    record->kind = kind;
    record->body = decision_node(d, node)->own_body;
    batch_add_record(d->batch, record);
}

static void start_unit(const struct decision *d, uint32_t node, uint64_t unit)
{
    struct document *document = NULL;
    struct record record = decision_node_record(d, RECORD_FRAME_STARTED, node);
    record.index = unit;
    if (loop_make_item(decision_state(d, node)->loop, unit, &document, &record.item) != 0) {
        d->batch->has_failed = true; /* the items are there, so this is memory */
        return;
    }
    record.output = document;
    start_frame(d, node, FRAME_ITEM, &record);
    document_unref(document);
}

/* Tells the loop to fail. `failure` (borrowed) is NULL when its items say why. */
static void stop_for_failure(const struct decision *d, uint32_t node,
                             const struct document *failure)
{
    struct record record = decision_node_record(d, RECORD_NODE_STOPPING, node);
    record.reason = STOP_FAILURE;
    record.error = failure;
    batch_add_record(d->batch, &record);
    decision_stop_frames(d, node, RUN_FAILING, STOP_REQUESTED, DECISION_LET_TASKS_END);
}

static void reduce(const struct decision *d, uint32_t node)
{
    const struct loop_state *loop = decision_state(d, node)->loop;
    const struct document *output = loop->outputs[loop->head].document;
    struct record record = decision_node_record(d, RECORD_LOOP_REDUCED, node);
    struct error err = {0};
    struct document *acc = NULL;
    int status = 0;
    if (output == NULL) { /* of an item that failed, or that `until` left out */
        acc = document_ref(loop->acc);
    } else {
        status = decision_reduce(d, node, loop->acc, output, &acc, &err);
    }
    if (status != 0) {
        error_prefix(&err, "reduce, item %llu: ", (unsigned long long)loop->low);
        struct document *failure = decision_failure(d, FAILURE_EXPRESSION, &err);
        stop_for_failure(d, node, failure);
        document_unref(failure);
        return;
    }
    record.index = loop->low;
    record.output = acc;
    batch_add_record(d->batch, &record);
    document_unref(acc);
}

static void step_group(const struct decision *d, uint32_t node, bool has_run)
{
    if (has_run) {
        end_group(d, node);
        return;
    }
    struct record record = decision_node_record(d, RECORD_FRAME_STARTED, node);
    start_frame(d, node, FRAME_GROUP, &record);
}

/* More came than the loop may do. */
static void stop_at_limit(const struct decision *d, uint32_t node)
{
    char text[160];
    (void)snprintf(text, sizeof(text), "the stream has more items than max_iterations (%u)",
                   decision_node(d, node)->for_each->max_iterations);
    struct document *failure = decision_create_failure(
        d, FAILURE_LOOP_LIMIT, str_from(text), "raise 'max_iterations', or set 'on_limit: stop'");
    stop_for_failure(d, node, failure);
    document_unref(failure);
}

static void end_loop(const struct decision *d, uint32_t node)
{
    const struct loop_state *loop = decision_state(d, node)->loop;
    if (loop->stream != NULL && loop->stream->is_broken && !loop->is_last) {
        fail_broken(d, node);
    } else {
        complete(d, node);
    }
}

void loop_step(const struct decision *d, uint32_t node)
{
    const struct run_node *state = decision_state(d, node);
    const struct loop_state *loop = state->loop;
    uint64_t unit = 0;
    uint32_t worker = 0;
    if (state->state == NODE_STOPPING || d->frame->state != RUN_RUNNING) {
        CHECK(loop->running == 0);
        end_stopped(d, node);
    } else if (loop->def == NULL) {
        step_group(d, node, loop_group_has_ended(loop));
    } else if (loop_can_reduce(loop)) {
        reduce(d, node);
    } else if (loop_has_failed(loop)) {
        stop_for_failure(d, node, NULL);
    } else if (!d->run->is_paused && !loop->is_last && loop_pick(loop, &unit, &worker)) {
        start_unit(d, node, unit);
    } else if (loop_is_over_limit(loop)) {
        stop_at_limit(d, node);
    } else {
        CHECK(loop->running == 0);
        end_loop(d, node);
    }
}

/* ---- frames ---- */

static bool ask_until(const struct decision *d, const struct for_each *def, bool *out_holds,
                      struct error *err)
{
    *out_holds = false;
    if (def == NULL || def->until == NULL) {
        return true;
    }
    if (decision_evaluate(d, RECORD_NO_NODE, def->until, out_holds, err) != 0) {
        error_prefix(err, "until: ");
        return false;
    }
    return true;
}

/* Nobody will see what the body gives, and finding out cannot fail. */
static bool has_no_output(const struct decision *d, const struct for_each *def)
{
    return def != NULL && d->frame->body->output == NULL &&
           (def->collect == COLLECT_COUNT || def->collect == COLLECT_NONE);
}

static int frame_output(const struct decision *d, const struct for_each *def, struct document **out,
                        struct error *err)
{
    return has_no_output(d, def) ? 0 : decision_body_output(d, out, err);
}

static void complete_frame(const struct decision *d, struct record *record)
{
    const struct for_each *def = d->run->pipeline->nodes[d->frame->owner].for_each;
    record->run_state = RUN_COMPLETED;
    if (has_no_output(d, def) && def->until == NULL) {
        batch_add_record(d->batch, record);
        return;
    }
    struct error err = {0}; /* clearing it costs more than all before */
    struct document *output = NULL;
    struct document *failure = NULL;
    if (frame_output(d, def, &output, &err) != 0 || !ask_until(d, def, &record->is_last, &err)) {
        failure = decision_failure(d, FAILURE_EXPRESSION, &err);
        record->run_state = RUN_FAILED;
    }
    record->output = failure == NULL ? output : NULL;
    record->error = failure;
    batch_add_record(d->batch, record);
    document_unref(output);
    document_unref(failure);
}

/* It failed, and the loop may go on. What `until` misses then is no second failure. */
static void fail_frame(const struct decision *d, struct record *record,
                       const struct document *error)
{
    struct error unused = {0};
    record->run_state = RUN_FAILED;
    record->error = error;
    (void)ask_until(d, d->run->pipeline->nodes[d->frame->owner].for_each, &record->is_last,
                    &unused);
    batch_add_record(d->batch, record);
}

/*
 * How an item ended that was to start nothing more: it may have done all that there was to do, or
 * have failed, before that made a difference. `*out_error` is borrowed.
 */
static enum run_state stopped_state(const struct decision *d, const struct document **out_error)
{
    const struct body *body = d->frame->body;
    enum run_state state = body->kind == BODY_STATES ? RUN_CANCELLED : RUN_COMPLETED;
    for (uint32_t i = body->first_node; i < body->first_node + body->node_count; i++) {
        const struct run_node *node = decision_state(d, i);
        bool is_left_out = node->state == NODE_NOT_RUN && node->ended_at == 0; /* by its edges */
        if (node->state == NODE_FAILED && decision_node(d, i)->on_error != ON_ERROR_CONTINUE) {
            *out_error = node->error;
            return RUN_FAILED;
        }
        if (node->state != NODE_COMPLETED && node->state != NODE_SKIPPED &&
            node->state != NODE_FAILED && !is_left_out) {
            state = RUN_CANCELLED;
        }
    }
    return state;
}

void loop_end_frame(const struct decision *d)
{
    struct record record = decision_run_record(d, RECORD_FRAME_ENDED);
    record.node = d->frame->owner;
    record.kind = d->frame->kind;
    record.body = (uint32_t)(d->frame->body - d->run->pipeline->bodies);
    record.index = d->frame->index;
    const struct document *error = d->frame->error;
    enum run_state state = error != NULL ? RUN_FAILED : (enum run_state)d->frame->state;
    if (state != RUN_RUNNING && error == NULL) {
        state = d->frame->kind == FRAME_ITEM ? stopped_state(d, &error) : RUN_CANCELLED;
    }
    if (state == RUN_FAILED) {
        fail_frame(d, &record, error);
    } else if (state == RUN_CANCELLED) {
        record.run_state = RUN_CANCELLED;
        batch_add_record(d->batch, &record);
    } else {
        complete_frame(d, &record);
    }
}
