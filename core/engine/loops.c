/* SPDX-License-Identifier: Apache-2.0 */
/* The state of loops and how records change it. */
#include "core/engine/loops.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/grow.h"
#include "core/engine/loop_state.h"
#include "core/value/value.h"

/* ---- questions ---- */

static uint64_t units_of_batch(const struct for_each *def)
{
    return def->is_batch ? 1 : def->batch_size;
}

/*
 * Reducing goes by the order of the items, so outputs wait for those before them: workers do not
 * run ahead further than this.
 */
static bool is_too_far_ahead(const struct loop_state *loop)
{
    uint64_t window = 4 * units_of_batch(loop->def) * loop->def->parallel_workers;
    return loop->def->collect == COLLECT_REDUCE && loop->next_unit - loop->low >= window;
}

bool loop_group_has_ended(const struct loop_state *loop)
{
    return loop->output != NULL || loop->error != NULL;
}

/* ---- of streams ---- */

static uint64_t count_waiting(const struct loop_state *loop)
{
    return loop->stream->end - loop->reader->next;
}

uint64_t loop_next_items(const struct loop_state *loop)
{
    uint64_t most = loop->def->is_batch ? loop->def->batch_size : 1;
    uint64_t waiting = count_waiting(loop);
    return waiting < most ? waiting : most;
}

bool loop_is_over_limit(const struct loop_state *loop)
{
    return loop->stream != NULL && !loop->is_last && !loop->stream->is_broken &&
           loop->next_unit >= loop->def->max_iterations && count_waiting(loop) > 0;
}

/*
 * An item starts when a worker is free. A batch that is not full starts when no more will come, or
 * when no other is under way: so the first items do not wait for others, and while there is work
 * batches are full.
 */
static bool can_start_of_stream(const struct loop_state *loop)
{
    const struct for_each *def = loop->def;
    uint64_t waiting = count_waiting(loop);
    uint64_t places = (uint64_t)def->parallel_workers * (def->is_batch ? 1 : def->max_parallel);
    if (waiting == 0 || loop->stream->is_broken || loop->running >= places ||
        loop->next_unit >= def->max_iterations || is_too_far_ahead(loop)) {
        return false;
    }
    return !def->is_batch || waiting >= def->batch_size || loop->stream->has_ended ||
           loop->running == 0;
}

bool loop_pick(const struct loop_state *loop, uint64_t *out_unit, uint32_t *out_worker)
{
    if (loop->stream != NULL) {
        *out_unit = loop->next_unit;
        return can_start_of_stream(loop);
    }
    uint32_t free_worker = loop->worker_count;
    for (uint32_t i = loop->busy_workers; i < loop->worker_count; i++) {
        const struct loop_worker *worker = &loop->workers[i];
        if (worker->next < worker->end && worker->running < loop->def->max_parallel) {
            *out_unit = worker->next;
            *out_worker = i;
            return true;
        }
        if (worker->next == worker->end && worker->running == 0) {
            free_worker = i;
        }
    }
    *out_unit = loop->next_unit;
    *out_worker = free_worker;
    return free_worker < loop->def->parallel_workers && loop->next_unit < loop->count &&
           !is_too_far_ahead(loop);
}

bool loop_has_failed(const struct loop_state *loop)
{
    const struct for_each *def = loop->def;
    if (def->max_failures_percent < 0) {
        return loop->failed > def->max_failures;
    }
    uint64_t count = loop_state_count(loop);
    double allowed = (double)count * def->max_failures_percent / 100.0;
    return count != LOOP_NO_COUNT && (double)loop->failed > allowed;
}

bool loop_can_reduce(const struct loop_state *loop)
{
    bool is_over = loop->is_last && loop->running == 0;
    return loop->def->collect == COLLECT_REDUCE && loop->kept > 0 &&
           (is_over || loop->outputs[loop->head].has_ended);
}

bool loop_is_exhausted(const struct loop_state *loop)
{
    uint64_t unit = 0;
    uint32_t worker = 0;
    if (loop->running > 0 || loop->is_last || loop->stream == NULL) {
        return loop->running == 0 && (loop->is_last || !loop_pick(loop, &unit, &worker));
    }
    return loop->stream->is_broken || (loop->stream->has_ended && count_waiting(loop) == 0);
}

/* Of a stream all are known when it has ended; batches, when the last one has begun. */
uint64_t loop_state_count(const struct loop_state *loop)
{
    if (loop->stream == NULL) {
        return loop->count;
    }
    if (loop->is_last) {
        return loop->next_unit;
    }
    uint64_t waiting = count_waiting(loop);
    bool is_known = loop->stream->has_ended && (waiting == 0 || !loop->def->is_batch);
    return is_known ? loop->next_unit + waiting : LOOP_NO_COUNT;
}

static bool has_work(const struct run_node *node)
{
    const struct loop_state *loop = node->loop;
    uint64_t unit = 0;
    uint32_t worker = 0;
    bool may_start = !node->frame->run->is_paused;
    if (node->state == NODE_STOPPING || node->frame->state != RUN_RUNNING) {
        return loop->running == 0;
    }
    if (loop->def == NULL) {
        return loop->running == 0 && (may_start || loop_group_has_ended(loop));
    }
    return loop_can_reduce(loop) || loop_has_failed(loop) || loop_is_exhausted(loop) ||
           loop_is_over_limit(loop) ||
           (may_start && !loop->is_last && loop_pick(loop, &unit, &worker));
}

void loops_look(struct run_node *node)
{
    if (has_work(node)) {
        run_list_node(node->frame->run, node);
    } else {
        run_unlist_node(node->frame->run, node);
    }
}

/* ---- lifecycle ---- */

void loop_state_destroy(struct loop_state *loop)
{
    if (loop == NULL) {
        return;
    }
    for (size_t i = 0; i < loop->output_cap; i++) {
        document_unref(loop->outputs[i].document);
    }
    for (size_t i = 0; i < loop->error_count; i++) {
        document_unref(loop->errors[i].item_document);
        document_unref(loop->errors[i].error);
    }
    document_unref(loop->items);
    document_unref(loop->acc);
    document_unref(loop->output);
    document_unref(loop->error);
    free(loop->workers);
    free(loop->outputs);
    free(loop->errors);
    free(loop);
}

/* The items of a list, or the combinations of a map of lists. */
static uint64_t count_items(const struct value *items)
{
    if (value_is(items, VALUE_LIST)) {
        return value_count(items);
    }
    uint64_t product = 1;
    for (size_t i = 0; i < value_count(items); i++) {
        product *= value_count(&value_member_at(items, i)->value);
    }
    return value_count(items) > 0 ? product : 0;
}

static void begin_items(struct loop_state *loop, const struct record *record)
{
    const struct for_each *def = loop->def;
    loop->acc = document_ref(record->detail);
    if (record->output == NULL) {
        return; /* a stream */
    }
    loop->items = document_ref(record->output);
    loop->item_count = count_items(document_root(record->output));
    loop->count = def->is_batch ? (loop->item_count + def->batch_size - 1) / def->batch_size
                                : loop->item_count;
    if (def->stops_at_limit && loop->count > def->max_iterations) {
        loop->count = def->max_iterations;
    }
}

void loops_apply_started(struct run_node *node, const struct record *record)
{
    struct run *run = node->frame->run;
    struct loop_state *loop = calloc(1, sizeof(*loop));
    if (loop == NULL) {
        run->has_failed = true;
        return;
    }
    loop->def = run->pipeline->nodes[record->node].for_each;
    node->loop = loop;
    if (loop->def != NULL) {
        begin_items(loop, record);
    }
    if (node->is_reader && !streams_join(node, &loop->stream, &loop->reader)) {
        return;
    }
    if (node->is_reader) {
        loops_look(node);
    } else {
        run_list_node(run, node);
    }
}

void loops_apply_stopping(struct run_node *node, const struct record *record)
{
    node->loop->error = document_ref(record->error);
    if (node->is_reader) {
        streams_leave(node);
    }
    loops_look(node);
}

/* ---- frames ---- */

static bool is_busy(const struct loop_state *loop, const struct loop_worker *worker)
{
    return worker->running > 0 &&
           (worker->next == worker->end || worker->running >= loop->def->max_parallel);
}

/* Of very many workers only those are looked at that may have something to do. */
static void skip_busy(struct loop_state *loop)
{
    while (loop->busy_workers < loop->worker_count &&
           is_busy(loop, &loop->workers[loop->busy_workers])) {
        loop->busy_workers++;
    }
}

static int take_unit(struct loop_state *loop, struct frame *frame)
{
    uint64_t unit = 0;
    uint32_t index = 0;
    CHECK(loop_pick(loop, &unit, &index) && unit == frame->index);
    if (index == loop->worker_count) {
        struct loop_worker *workers =
            realloc(loop->workers, (loop->worker_count + 1) * sizeof(*workers));
        if (workers == NULL) {
            return -1;
        }
        loop->workers = workers;
        workers[loop->worker_count++] = (struct loop_worker){0};
    }
    struct loop_worker *worker = &loop->workers[index];
    if (worker->next == worker->end) {
        uint64_t left = loop->count - loop->next_unit;
        uint64_t size = units_of_batch(loop->def);
        worker->next = loop->next_unit;
        worker->end = worker->next + (left < size ? left : size);
        loop->next_unit = worker->end;
    }
    worker->next++;
    worker->running++;
    frame->worker = index;
    skip_busy(loop);
    return 0;
}

/* `on_limit: stop` after this one. */
static void note_last(struct run_node *owner)
{
    struct loop_state *loop = owner->loop;
    loop->is_last |= loop->def->stops_at_limit && loop->next_unit >= loop->def->max_iterations;
    if (loop->is_last) {
        streams_leave(owner);
    }
}

static void take_of_stream(struct run_node *owner, const struct frame *frame)
{
    owner->loop->next_unit++;
    streams_take(owner, owner->loop->def->is_batch ? value_count(frame->item) : 1);
    note_last(owner);
}

void loops_apply_frame_started(struct frame *frame)
{
    struct run_node *owner = frame_node(frame->parent, frame->owner);
    struct loop_state *loop = owner->loop;
    loop->running++;
    if (loop->stream != NULL) {
        take_of_stream(owner, frame);
    } else if (loop->def != NULL && take_unit(loop, frame) != 0) {
        frame->run->has_failed = true;
    }
    loops_look(owner);
}

static int keep_error(struct loop_state *loop, const struct frame *frame,
                      const struct document *error)
{
    if (loop->error_count == LOOP_ERRORS_KEPT) {
        return 0;
    }
    struct loop_error *errors =
        array_reserve(loop->errors, &loop->error_cap, loop->error_count + 1, sizeof(*errors));
    if (errors == NULL) {
        return -1;
    }
    loop->errors = errors;
    errors[loop->error_count++] = (struct loop_error){
        .index = frame->index,
        .item_document = document_ref(frame->item_document),
        .item = frame->item,
        .error = document_ref(error),
    };
    return 0;
}

/* Where the output of `unit`, which is at least `low`, is kept. */
static size_t output_place(const struct loop_state *loop, uint64_t unit)
{
    return loop->head + (size_t)(unit - loop->low);
}

static int reserve_output(struct loop_state *loop, uint64_t unit)
{
    size_t old = loop->output_cap;
    size_t needed = output_place(loop, unit) + 1;
    if (needed <= old) {
        return 0;
    }
    struct loop_output *outputs =
        array_reserve(loop->outputs, &loop->output_cap, needed, sizeof(*outputs));
    if (outputs == NULL) {
        return -1;
    }
    loop->outputs = outputs;
    memset(outputs + old, 0, (loop->output_cap - old) * sizeof(*outputs));
    return 0;
}

static int keep_output(struct loop_state *loop, uint64_t unit, const struct document *output)
{
    enum loop_collect collect = loop->def->collect;
    if (collect == COLLECT_NONE || collect == COLLECT_COUNT) {
        return 0;
    }
    if (reserve_output(loop, unit) != 0) {
        return -1;
    }
    loop->outputs[output_place(loop, unit)] =
        (struct loop_output){.document = document_ref(output), .has_ended = true};
    loop->kept++;
    return 0;
}

static int end_unit(struct loop_state *loop, const struct frame *frame, const struct record *record)
{
    int status = 0;
    if (loop->stream == NULL) {
        loop->workers[frame->worker].running--;
        loop->busy_workers = frame->worker < loop->busy_workers ? frame->worker
                                                                : loop->busy_workers;
    }
    loop->is_last = loop->is_last || record->is_last;
    if (record->run_state == RUN_COMPLETED) {
        loop->completed++;
        return keep_output(loop, frame->index, record->output);
    }
    if (record->run_state == RUN_FAILED) {
        loop->failed++;
        status = keep_error(loop, frame, record->error);
    }
    return status == 0 ? keep_output(loop, frame->index, NULL) : status;
}

void loops_apply_frame_ended(struct frame *frame, const struct record *record)
{
    struct run_node *owner = frame_node(frame->parent, frame->owner);
    struct loop_state *loop = owner->loop;
    loop->running--;
    frame->count = loop->count;
    if (loop->def == NULL) {
        loop->output = document_ref(record->output);
        loop->error = document_ref(record->error);
    } else if (end_unit(loop, frame, record) != 0) {
        frame->run->has_failed = true;
    }
    if (loop->stream != NULL && loop->is_last) {
        streams_leave(owner);
    }
    loops_look(owner);
}

/* Moves what is kept to the front: rarely, so that it costs nothing for each unit. */
static void close_gap(struct loop_state *loop)
{
    size_t kept = loop->output_cap - loop->head;
    memmove(loop->outputs, loop->outputs + loop->head, kept * sizeof(*loop->outputs));
    memset(loop->outputs + kept, 0, loop->head * sizeof(*loop->outputs));
    loop->head = 0;
}

void loops_apply_reduced(struct run_node *node, const struct record *record)
{
    struct loop_state *loop = node->loop;
    document_unref(loop->acc);
    loop->acc = document_ref(record->output);
    document_unref(loop->outputs[loop->head].document);
    loop->kept -= loop->outputs[loop->head].has_ended ? 1u : 0u;
    loop->outputs[loop->head] = (struct loop_output){0};
    loop->head++;
    loop->low++;
    if (loop->head > loop->output_cap / 2) {
        close_gap(loop);
    }
    loops_look(node);
}
