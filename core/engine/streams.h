/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_STREAMS_H
#define CORE_ENGINE_STREAMS_H

/*
 * Streams: the items that a running node emits and loops beside it go over.
 *
 * A stream is a queue with one cursor for each reader: an item is kept until the slowest reader
 * has taken it. The producer may have so many items out as the readers' batches hold together
 * (streams_window()): its task starts with this credit, an item that all have taken gives one back,
 * and credits go back in portions. Without a reader that will take them, items are dropped and
 * their credit goes back at once. A producer that nothing else follows is told to end when its
 * readers have ended early; when none of them ever started, it goes on to its end.
 *
 * A producer that is told to end brings items until it has: its success counts still when it took
 * too long, and so do they. Where nothing starts any more they are dropped.
 *
 * A later attempt of the producer begins its stream anew: as many items as are there already are
 * not taken again. What stands in for a call may go on with the stream, too, but only with a list
 * that begins with the very items that are there (stand_in.h).
 *
 * The fallback of another node lends its items: nobody reads them as they come, and they are kept
 * until it ends (stream_copy.h).
 *
 * The functions of the first part change the run (run_apply() calls them), those of the second are
 * questions, those of the third decide.
 *
 * Used by:  apply, frame, loops, decide.
 * Uses:     run_state, decision.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/engine/stream_copy.h"

struct decision;
struct document;
struct frame;
struct node;
struct pipeline;
struct record;
struct run_event;
struct run_node;

struct stream_reader {
    uint32_t node; /* the loop */
    uint64_t next; /* the first item that it has not taken */
    bool is_done;  /* it takes no more */
};

struct stream {
    const struct document **items; /* a ring; its size is a power of two */
    size_t cap;
    uint64_t first; /* the number of the first that is kept */
    uint64_t end;   /* of the next to come */
    uint64_t kept;  /* of this round of the producer: an attempt's first ones are those */
    uint32_t window;
    uint64_t owed; /* credits that have not gone back */
    bool has_ended;
    bool was_read;  /* a reader has started */
    bool is_broken; /* the producer failed, and what follows it does not run */
    bool is_copied; /* something may stand in for its items, or they for others */
    struct stream_copy copy;
    uint32_t reader_count;
    struct stream_reader readers[];
};

/* NULL is fine. */
void stream_destroy(struct stream *stream);

/* The producer starts, or an attempt or round of it. */
void streams_apply_started(struct run_node *producer);
/* Its next round emits other items, and its copy begins anew. */
void streams_apply_again(struct run_node *producer);
/* `record` is RECORD_ITEM. The readers that have started look at it. True: it is the first. */
bool streams_apply_item(struct run_node *producer, const struct record *record);
/* `record` is RECORD_CREDIT. */
void streams_apply_credit(struct run_node *producer, const struct record *record);
/* The producer has ended as `record` says. */
void streams_apply_ended(struct run_node *producer, const struct record *record);

/*
 * The stream of the node that the loop `reader` goes over, and its cursor there. `*out_stream` is
 * made when the producer never ran. False when memory ran out.
 */
bool streams_join(struct run_node *reader, struct stream **out_stream,
                  struct stream_reader **out_reader);
/* The reader takes its next `count` items. */
void streams_take(struct run_node *reader, uint64_t count);
/* The reader takes no more. */
void streams_leave(struct run_node *reader);

/* Lists the producer when streams_step() has something to decide. */
void streams_look(struct run_node *producer);

/* Loops will take more of its items, or whom it lends them to. */
bool streams_is_wanted(const struct run_node *producer);

/* All items of this round were taken in: none was dropped. */
bool streams_has_all(const struct run_node *producer);

/* Item `number`, which is kept; borrowed. */
const struct document *stream_item(const struct stream *stream, uint64_t number);

/* How many items of `node` may wait. */
uint32_t streams_window(const struct pipeline *pipeline, const struct node *node);

/* The credit of a task of `node` that starts now; 0: nobody reads, and the default will do. */
uint32_t streams_credit(const struct decision *d, uint32_t node);

/* RUN_EVENT_ITEMS of the attempt that runs. */
void streams_receive(const struct decision *d, const struct run_event *event);

/* Credits go back, or nobody reads any more. */
void streams_step(const struct decision *d, uint32_t node);

#endif
