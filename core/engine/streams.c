/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/streams.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/engine/decision.h"
#include "core/engine/decision_end.h"
#include "core/engine/decision_stop.h"
#include "core/engine/loops.h"
#include "core/engine/run_state.h"
#include "core/engine/stand_in.h"
#include "core/value/value.h"

enum {
    FIRST_ITEMS = 16,
    LARGEST_WINDOW = 1 << 30,
    LENT_WINDOW = 100, /* of a stream without readers */
    PORTIONS = 4,      /* of a window: a credit for each item alone would cost more than the item */
};

static const struct node *def_of(const struct run_node *node)
{
    return &node->frame->run->pipeline->nodes[run_node_index(node)];
}

static struct run_node *producer_of(const struct run_node *reader)
{
    return frame_node(reader->frame, def_of(reader)->for_each->stream);
}

/* Told to end or not: a task may bring items until it has ended. */
static bool has_task(const struct run_node *node)
{
    bool is_live = node->state == NODE_RUNNING || node->state == NODE_STOPPING;
    return is_live && !node->is_delayed && !node->is_unknown;
}

static bool is_terminal(const struct run_node *node)
{
    return node->state >= NODE_COMPLETED;
}

/* The loops over the stream of `node`, as indexes + 1; 0 ends the list. */
static uint32_t next_reader(const struct pipeline *pipeline, uint32_t reader)
{
    return pipeline->nodes[reader - 1].for_each->next_reader;
}

/* ---- the stream ---- */

uint32_t streams_window(const struct pipeline *pipeline, const struct node *node)
{
    uint64_t window = node->lends_items ? LENT_WINDOW : 1;
    for (uint32_t r = node->first_reader; r > 0; r = next_reader(pipeline, r)) {
        const struct for_each *loop = pipeline->nodes[r - 1].for_each;
        uint64_t wanted = (uint64_t)loop->batch_size * loop->parallel_workers;
        window = wanted > window ? wanted : window;
    }
    return window < LARGEST_WINDOW ? (uint32_t)window : LARGEST_WINDOW;
}

static struct stream *stream_create(struct run_node *producer)
{
    const struct pipeline *pipeline = producer->frame->run->pipeline;
    const struct node *def = def_of(producer);
    uint32_t count = 0;
    for (uint32_t r = def->first_reader; r > 0; r = next_reader(pipeline, r)) {
        count++;
    }
    struct stream *stream = calloc(1, sizeof(*stream) + count * sizeof(stream->readers[0]));
    if (stream == NULL) {
        return NULL;
    }
    stream->window = streams_window(pipeline, def);
    stream->has_ended = is_terminal(producer);
    stream->is_copied = def->fallback != NULL || def->cache != NULL || def->lends_items;
    stream->copy.keeps_items = def->lends_items;
    stream->copy.keeps_seqs = stand_in_keeps(def);
    for (uint32_t r = def->first_reader; r > 0; r = next_reader(pipeline, r)) {
        stream->readers[stream->reader_count++] = (struct stream_reader){
            .node = r - 1, .is_done = is_terminal(frame_node(producer->frame, r - 1))};
    }
    return stream;
}

void stream_destroy(struct stream *stream)
{
    if (stream == NULL) {
        return;
    }
    for (uint64_t i = stream->first; i < stream->end; i++) {
        document_unref(stream_item(stream, i));
    }
    stream_copy_finish(&stream->copy);
    free(stream->items);
    free(stream);
}

static struct stream *stream_of(struct run_node *producer)
{
    if (producer->stream == NULL) {
        producer->stream = stream_create(producer);
        if (producer->stream == NULL) {
            producer->frame->run->has_failed = true;
        }
    }
    return producer->stream;
}

static struct stream_reader *find_reader(struct stream *stream, uint32_t node)
{
    struct stream_reader *reader = stream->readers;
    while (reader->node != node) {
        reader++;
        CHECK(reader < stream->readers + stream->reader_count);
    }
    return reader;
}

const struct document *stream_item(const struct stream *stream, uint64_t number)
{
    CHECK(number >= stream->first && number < stream->end);
    return stream->items[number & (stream->cap - 1)];
}

static int grow(struct stream *stream)
{
    size_t cap = stream->cap > 0 ? stream->cap * 2 : FIRST_ITEMS;
    const struct document **items = calloc(cap, sizeof(const struct document *));
    if (items == NULL) {
        return -1;
    }
    for (uint64_t i = stream->first; i < stream->end; i++) {
        items[i & (cap - 1)] = stream_item(stream, i);
    }
    free(stream->items);
    stream->items = items;
    stream->cap = cap;
    return 0;
}

/* Drops what all readers have taken, and owes the credits for it. */
static void forget_taken(struct stream *stream)
{
    uint64_t low = stream->end;
    for (uint32_t i = 0; i < stream->reader_count; i++) {
        const struct stream_reader *reader = &stream->readers[i];
        low = !reader->is_done && reader->next < low ? reader->next : low;
    }
    stream->owed += low - stream->first;
    for (; stream->first < low; stream->first++) {
        document_unref(stream_item(stream, stream->first));
    }
}

/* Somebody will take more items. */
static bool is_wanted(const struct run_node *producer)
{
    const struct stream *stream = producer->stream;
    bool is_read = def_of(producer)->lends_items && stream->copy.bound == STREAM_COPY_WHOLE;
    for (uint32_t i = 0; i < stream->reader_count; i++) {
        is_read = is_read || !stream->readers[i].is_done;
    }
    return is_read && producer->frame->state == RUN_RUNNING;
}

static bool is_portion(const struct stream *stream)
{
    return stream->owed > 0 && stream->owed >= stream->window / PORTIONS;
}

/*
 * A producer whose items nobody wants any more ends, if nothing can come of its own end, either.
 * One that nobody has read may be there for what it does itself.
 */
static bool is_useless(const struct run_node *producer)
{
    bool is_read_only = producer->stream->was_read && def_of(producer)->out_count == 0;
    return is_read_only || producer->frame->state != RUN_RUNNING;
}

void streams_look(struct run_node *producer)
{
    const struct stream *stream = producer->stream;
    bool is_between = producer->state == NODE_RUNNING && producer->is_retrying;
    if (stream == NULL || (!has_task(producer) && !is_between)) {
        return;
    }
    if (is_between) { /* no task to give credit to, but one that may come */
        if (!is_wanted(producer) && is_useless(producer)) {
            run_list_node(producer->frame->run, producer);
        }
        return;
    }
    bool is_told = producer->state == NODE_STOPPING;
    bool is_left = !is_wanted(producer) && (stream->owed > 0 || (is_useless(producer) && !is_told));
    if (is_portion(stream) || is_left) {
        run_list_node(producer->frame->run, producer);
    } else {
        run_unlist_node(producer->frame->run, producer);
    }
}

/* ---- records ---- */

void streams_apply_started(struct run_node *producer)
{
    struct stream *stream = stream_of(producer);
    if (stream != NULL) {
        stream->owed = 0; /* streams_credit() has counted what waits */
        streams_look(producer);
    }
}

void streams_apply_again(struct run_node *producer)
{
    if (producer->stream != NULL) {
        producer->stream->kept = 0;
        stream_copy_clear(&producer->stream->copy);
    }
}

static void wake_readers(const struct run_node *producer)
{
    const struct stream *stream = producer->stream;
    for (uint32_t i = 0; i < stream->reader_count; i++) {
        struct run_node *reader = frame_node(producer->frame, stream->readers[i].node);
        if (reader->loop != NULL) {
            loops_look(reader);
        }
    }
}

static int add_item(struct stream *stream, const struct document *item, uint64_t seq)
{
    if (stream->is_copied && stream_copy_add(&stream->copy, item, seq) != 0) {
        return -1;
    }
    if (stream->end - stream->first == stream->cap && grow(stream) != 0) {
        return -1;
    }
    stream->items[stream->end & (stream->cap - 1)] = document_ref(item);
    stream->end++;
    return 0;
}

bool streams_apply_item(struct run_node *producer, const struct record *record)
{
    struct stream *stream = stream_of(producer);
    bool is_first = stream != NULL && stream->end == 0;
    if (stream == NULL || add_item(stream, record->output, record->seq) != 0) {
        producer->frame->run->has_failed = true;
        return false;
    }
    stream->kept = record->index + 1;
    if (stream->reader_count > 0 && is_wanted(producer)) {
        wake_readers(producer);
    } else { /* since the decision: by the items before it; or all that is kept is the copy */
        forget_taken(stream);
        streams_look(producer);
    }
    return is_first;
}

void streams_apply_credit(struct run_node *producer, const struct record *record)
{
    producer->stream->owed -= record->index;
    streams_look(producer);
}

/* As an edge that is taken on success: is it dead when the producer ends like this? */
static bool is_dead_after(const struct run_node *producer, const struct record *record)
{
    const struct node *def = def_of(producer);
    const struct edge *edges = &producer->frame->run->pipeline->edges[def->first_out];
    if (record->node_state != NODE_FAILED) {
        return record->node_state == NODE_NOT_RUN;
    }
    bool is_elsewhere = def->on_error != ON_ERROR_CONTINUE;
    for (uint32_t i = 0; i < def->out_count; i++) {
        is_elsewhere |= edges[i].outcome == OUTCOME_ERROR && edge_set_has(&record->taken, i);
    }
    return is_elsewhere;
}

void streams_apply_ended(struct run_node *producer, const struct record *record)
{
    struct stream *stream = stream_of(producer);
    if (stream == NULL) {
        return;
    }
    stream->has_ended = true;
    stream->is_broken = is_dead_after(producer, record);
    wake_readers(producer);
}

bool streams_join(struct run_node *reader, struct stream **out_stream,
                  struct stream_reader **out_reader)
{
    struct stream *stream = stream_of(producer_of(reader));
    if (stream == NULL) {
        return false;
    }
    stream->was_read = true;
    *out_stream = stream;
    *out_reader = find_reader(stream, run_node_index(reader));
    return true;
}

void streams_take(struct run_node *reader, uint64_t count)
{
    struct run_node *producer = producer_of(reader);
    find_reader(producer->stream, run_node_index(reader))->next += count;
    forget_taken(producer->stream);
    streams_look(producer);
}

void streams_leave(struct run_node *reader)
{
    struct run_node *producer = producer_of(reader);
    if (producer->stream != NULL) {
        find_reader(producer->stream, run_node_index(reader))->is_done = true;
        forget_taken(producer->stream);
        streams_look(producer);
    }
}

bool streams_is_wanted(const struct run_node *producer)
{
    const struct pipeline *pipeline = producer->frame->run->pipeline;
    if (producer->stream != NULL) {
        return is_wanted(producer);
    }
    bool is_read = false; /* nothing has begun */
    for (uint32_t r = def_of(producer)->first_reader; r > 0; r = next_reader(pipeline, r)) {
        is_read = is_read || !is_terminal(frame_node(producer->frame, r - 1));
    }
    return is_read && producer->frame->state == RUN_RUNNING;
}

bool streams_has_all(const struct run_node *producer)
{
    return is_wanted(producer);
}

/* ---- decisions ---- */

uint32_t streams_credit(const struct decision *d, uint32_t node)
{
    const struct node *def = decision_node(d, node);
    const struct stream *stream = decision_state(d, node)->stream;
    if (!node_has_stream(def)) {
        return 0;
    }
    uint32_t window = streams_window(d->run->pipeline, def);
    uint64_t waiting = stream != NULL ? stream->end - stream->first : 0;
    return waiting < window ? window - (uint32_t)waiting : 1;
}

static void add_credit(const struct decision *d, uint32_t node, uint64_t count)
{
    decision_add_effect(d, (struct effect){.type = EFFECT_CREDIT,
                                           .node = node,
                                           .attempt = decision_state(d, node)->attempt,
                                           .count = (uint32_t)count});
}

void streams_receive(const struct decision *d, const struct run_event *event)
{
    const struct run_node *producer = decision_state(d, event->node);
    const struct stream *stream = producer->stream;
    bool has_taker = stream != NULL && is_wanted(producer);
    struct record record = decision_node_record(d, RECORD_ITEM, event->node);
    uint64_t dropped = 0;
    for (size_t i = 0; i < event->item_count; i++) {
        record.index = event->index + i;
        record.output = event->items[i];
        if (has_taker && record.index >= stream->kept) {
            batch_add_record(d->batch, &record);
        } else {
            dropped++;
        }
    }
    if (dropped > 0) {
        add_credit(d, event->node, dropped);
    }
}

/* No attempt follows for items that nobody wants. */
static void end_wait(const struct decision *d, uint32_t node)
{
    struct record record = decision_node_record(d, RECORD_NODE_ENDED, node);
    record.node_state = NODE_CANCELLED;
    record.error = decision_state(d, node)->error;
    decision_disarm_waits(d, node);
    decision_end_node(d, &record);
}

void streams_step(const struct decision *d, uint32_t node)
{
    const struct run_node *producer = decision_state(d, node);
    if (producer->is_delayed) {
        end_wait(d, node);
        return;
    }
    uint64_t owed = producer->stream->owed;
    if (owed > 0) {
        struct record record = decision_node_record(d, RECORD_CREDIT, node);
        record.index = owed;
        batch_add_record(d->batch, &record);
        add_credit(d, node, owed);
    }
    if (!is_wanted(producer) && is_useless(producer) && producer->state == NODE_RUNNING) {
        decision_stop_task(d, node, STOP_REQUESTED);
    }
}
