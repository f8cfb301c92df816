/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_RUN_WATCH_H
#define TESTS_SUPPORT_RUN_WATCH_H

/*
 * Run watch: looks at the records and effects of one run as they come, and says which promise is
 * broken: a node ends once, nothing starts in a body that stops, a frame ends when nothing of it
 * is left, loops keep to their workers and count right, a run ends once and with nothing left.
 *
 * It knows each execution of a node by its frame and its index, and which tasks are at work.
 *
 * Used by:  toy_world, tests/sim.
 * Uses:     engine, model.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/engine/record.h"
#include "core/model/pipeline.h"

struct document;
struct pipeline;

/* One node of one frame. */
struct watched_node {
    uint64_t frame;
    uint32_t node;
    char *path;              /* as run_append_path() had it; NULL until it is known */
    struct document *config; /* of the last task; NULL: none was started */
    bool is_live;            /* a task runs */
    uint32_t attempt;
    uint32_t starts;
    uint32_t ends; /* of this visit: 0 or 1 */
    bool has_begun;
    bool is_queued;
    bool is_asking;   /* the cache */
    int stopped;      /* the enum stop_reason that the last task was told, 0: not told */
    uint32_t credits; /* items that the task may emit */
    uint32_t emitted; /* by this attempt; counted by who emits */
    uint64_t items;   /* of this round, that are recorded */
    /* Of a loop or group, in this round: */
    uint32_t frames; /* that live */
    uint64_t completed;
    uint64_t failed;
    uint64_t cancelled;
    uint64_t reduced;
    bool is_last;
};

struct watched_frame {
    uint64_t id;
    uint64_t parent;
    uint32_t owner;
    uint64_t index;
    uint32_t begun; /* nodes that have begun and not ended */
    enum frame_kind kind;
    bool is_stopping;
};

/* An execution that a compensation or its child run can undo. */
struct watched_done {
    uint64_t frame;
    uint32_t node;
};

struct run_watch {
    const struct pipeline *pipeline;
    struct watched_done *done; /* newest last; what is being undone is gone */
    size_t done_count;
    size_t done_cap;
    struct watched_node **nodes; /* those of the root first, by index */
    size_t node_count;
    size_t node_cap;
    struct watched_frame *frames; /* those that live, the root first */
    size_t frame_count;
    size_t frame_cap;
    uint64_t next_frame;
    uint32_t live; /* tasks */
    unsigned starts;
    unsigned ends;
    bool is_stopping;
    bool is_ending;  /* its outcome is known */
    bool is_undoing; /* it has ended, and is being undone */
    bool is_paused;
    bool is_killed; /* nothing more is tidied up or told */
    unsigned told[NOTICE_POINTS];
    char line[160]; /* the last that went to the log of a node */
};

/* `pipeline` is borrowed until run_watch_finish(). */
void run_watch_init(struct run_watch *watch, const struct pipeline *pipeline);
void run_watch_finish(struct run_watch *watch);

/* Looks at the next record. NULL, or the promise that it breaks. */
const char *run_watch_record(struct run_watch *watch, const struct record *record);

/* An EFFECT_START or EFFECT_STOP is carried out. NULL, or the promise that it breaks. */
const char *run_watch_effect(struct run_watch *watch, const struct effect *effect);

/* Its process ended: what asked for permits is as ready, and no task is left. */
void run_watch_crashed(struct run_watch *watch);

/* The task reports; do it before the engine is told. */
void run_watch_task_ended(struct run_watch *watch, struct watched_node *node);

/* An execution of a node; made when it is asked for first. It stays where it is. */
struct watched_node *run_watch_node(struct run_watch *watch, uint64_t frame, uint32_t node);

/* A frame that lives, or NULL. Borrowed until the next record. */
struct watched_frame *run_watch_frame(struct run_watch *watch, uint64_t frame);

#endif
