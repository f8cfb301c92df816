/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_NOTICES_H
#define CORE_ENGINE_NOTICES_H

/*
 * Notices: the messages of a run (`notifications`). What has happened is noted when its record is
 * applied, and each note becomes a frame of its own, FRAME_NOTICE, below the root and beside all
 * else: nothing waits for it but the end of the run, and what fails in it is recorded and changes
 * nothing. A cancel leaves it alone; a kill ends it, and drops what is noted.
 *
 * The functions of the first half change the run (run_apply() calls them); the others read or
 * decide.
 *
 * Used by:  run, apply, decide, endings, recover, restore, path.
 * Uses:     run_state, decision.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/engine/record.h"
#include "core/model/pipeline.h"

struct decision;
struct document;
struct frame;
struct run;

/* What is to be told. */
struct notice {
    enum notice_point point;
    uint64_t index;                /* see notice_index() */
    const struct document *output; /* of a milestone; shared, or NULL */
    const struct document *detail; /* likewise */
};

/* The oldest first; zeroed it is empty. */
struct notice_list {
    struct notice *entries;
    size_t first;
    size_t count; /* with those before `first` */
    size_t cap;
    uint32_t live; /* messages on their way */
};

/* `record` is the start of the run, its coming end, or the end of a node of `frame`. */
void notices_apply(struct frame *frame, const struct record *record);

/* The oldest note is on its way in `frame`, which takes over what it holds. */
void notices_apply_frame_started(struct frame *frame);
void notices_apply_frame_ended(struct run *run);

void notices_finish(struct run *run);

/* The oldest note; NULL: all are on their way. */
const struct notice *notices_first(const struct run *run);

/* Some have not reached their end; a run that was killed starts no more. */
bool notices_are_left(const struct run *run);

/* A run with this outcome has messages to wait for before it ends. */
bool notices_apply_to(const struct run *run, enum run_state outcome);

/* It is the turn of notices_step(). */
bool notices_have_work(const struct run *run);

/* The oldest note goes on its way. */
void notices_step(const struct decision *d);

/* All that are on their way are told to end. */
void notices_stop(const struct decision *d, enum stop_reason reason);

#endif
