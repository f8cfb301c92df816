/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_LOOP_STATE_H
#define CORE_ENGINE_LOOP_STATE_H

/*
 * The inside of a loop that has started, for loops.c, which writes it, and loop_step.c.
 *
 * Used by:  loops, loop_step, frame, scope, apply, tests.
 * Uses:     model, value.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/engine/run_state.h"
#include "core/engine/streams.h"

/* Errors that a loop keeps; all are counted. */
enum { LOOP_ERRORS_KEPT = 1000 };

#define LOOP_NO_COUNT UINT64_MAX

/* Takes units from `next` to before `end`. */
struct loop_worker {
    uint64_t next;
    uint64_t end;
    uint32_t running;
};

struct loop_output {
    const struct document *document; /* NULL: it failed */
    bool has_ended;
};

struct loop_error {
    uint64_t index;
    const struct document *item_document;
    const struct value *item;
    const struct document *error;
};

struct loop_state {
    const struct for_each *def;   /* NULL: a group */
    const struct document *items; /* a list, or a map of lists; NULL: of a stream */
    struct stream *stream;        /* the producer's; or NULL */
    struct stream_reader *reader; /* this loop's, there */
    uint64_t item_count;
    uint64_t count;     /* of units */
    uint64_t next_unit; /* the first that no worker has */
    uint32_t running;   /* frames */
    bool is_last;       /* `until` holds: no more units are taken */
    struct loop_worker *workers;
    uint32_t worker_count;
    uint32_t busy_workers; /* so many at the front can take nothing, nor begin anew */
    uint64_t completed;
    uint64_t failed;
    struct loop_output *outputs; /* from `head` on, those of the units from `low` on */
    size_t output_cap;
    size_t head;
    uint64_t low;  /* units that are reduced; without `reduce` always 0 */
    uint64_t kept; /* units that have ended and are not reduced yet */
    const struct document *acc;
    struct loop_error *errors;
    size_t error_count;
    size_t error_cap;
    const struct document *output; /* of a group's body */
    const struct document *error;  /* why it fails, when that is not its items */
};

/* The unit to start next and the worker that takes it; false when none can start. */
bool loop_pick(const struct loop_state *loop, uint64_t *out_unit, uint32_t *out_worker);

/* More items have failed than may. */
bool loop_has_failed(const struct loop_state *loop);

/* A unit at `low` has ended and is to be reduced, or never runs and is to be passed over. */
bool loop_can_reduce(const struct loop_state *loop);

/* The one frame of a group has run. */
bool loop_group_has_ended(const struct loop_state *loop);

/* One more unit than may be is there. */
bool loop_is_over_limit(const struct loop_state *loop);

/* How many items of the stream the next unit has. */
uint64_t loop_next_items(const struct loop_state *loop);

/*
 * The item of a unit that starts next: `*out_item` in `*out_document`, which is owned. Fails with
 * E_NOMEM.
 */
int loop_make_item(const struct loop_state *loop, uint64_t unit, struct document **out_document,
                   const struct value **out_item);

/* No unit runs or will. */
bool loop_is_exhausted(const struct loop_state *loop);

#endif
