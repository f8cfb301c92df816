/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_RUN_VIEW_H
#define CORE_CLI_RUN_VIEW_H

/*
 * Run view: what is known of a run from its records, for whoever shows it. It sees only what is
 * durable. Of what runs inside loops and child runs it keeps what is under way, and what run_kept
 * says: memory has a bound.
 *
 * Used by:  cmd_run, run_lines, run_screen, run_text, run_summary, run_result.
 * Uses:     run_kept, run_tree, engine/record.h, model.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/cli/run_kept.h"
#include "core/cli/run_tree.h"
#include "core/engine/record.h"

struct document;
struct pipeline;
struct run;

enum { RUN_VIEW_ENDINGS_MOST = 2 }; /* the one of the outcome, and `finally` */

/* An ending of the root run that has ended itself. */
struct ending_view {
    struct str what; /* "on_failure", ... */
    enum run_state state;
    const struct document *error; /* shared */
};

struct run_view {
    const struct pipeline *pipeline; /* borrowed */
    const struct run *run;           /* of the first record */
    bool has_begun;
    struct run_tree tree;
    struct frame_view *root;
    struct frame_view *ended_frame; /* goes with the next record */
    bool is_frames_own;             /* it failed without one of its nodes */
    struct node_view *nodes;        /* of the root body: root->nodes */
    uint32_t node_count;
    bool has_failed; /* memory ran out: not all is known */
    enum run_state state;
    enum run_state outcome;       /* while state is RUN_ENDING */
    const struct document *spent; /* the record that says what calls took; NULL: none does */
    struct ending_view endings[RUN_VIEW_ENDINGS_MOST];
    size_t ending_count;
    uint64_t undone; /* compensations that completed, child runs' included */
    uint64_t undo_failures;
    uint64_t undoable;  /* completed with a compensation, while the run has `rollback` */
    bool drops_endings; /* it was killed: no more endings and compensations start */
    int64_t started_at;
    int64_t ended_at;
    uint32_t running; /* of the root body, as are the following */
    uint32_t ended;   /* completed, failed, skipped, cancelled */
    uint32_t completed;
    uint32_t failed;
    uint32_t skipped;
    uint32_t cancelled;
    const struct document *output; /* shared */
    const struct document *error;
    uint32_t new_waits;   /* waits for an event since who shows them set it to 0 */
    struct run_kept kept; /* set `keeps_steps` after run_view_init() */
};

/* 0 or E_NOMEM. `pipeline` must outlive the view. */
int run_view_init(struct run_view *view, const struct pipeline *pipeline);
void run_view_finish(struct run_view *view);

/* A child run that is heard of for the first time, or again when it is undone. */
struct child_options {
    const struct run *run;
    const struct pipeline *pipeline; /* kept until it ends */
    struct str id;
    struct str path;  /* of the call, from the root run */
    struct step call; /* `frame` NULL: it is gone */
};

/* Before the child's first record; nothing happens when it is there. */
void run_view_add_child(struct run_view *view, const struct child_options *child);

/* An event that was sent when the run had ended: nothing will take it. */
void run_view_add_late_event(struct run_view *view, struct str name);

/* Takes one record in. */
void run_view_apply(struct run_view *view, const struct record *record);

/* The step that a record or an event is about. `frame` is NULL when it is not known. */
struct step run_view_step(const struct run_view *view, const struct run *run, uint64_t frame,
                          uint32_t node);

/* Nodes that will not run: known when the run has ended. */
uint32_t run_view_not_run(const struct run_view *view);

/* Nodes of the root body that completed with their call in the retry queue. */
uint32_t run_view_queued(const struct run_view *view);

/* The id of the call, of an output that is OUTPUT_FROM_QUEUE; borrowed. */
struct str run_view_queue_id(const struct document *output);

/* Compensations that a kill left out. */
uint64_t run_view_not_undone(const struct run_view *view);

/* The names of the endings that a kill left out, and how many; known when the run has ended. */
size_t run_view_dropped_endings(const struct run_view *view,
                                struct str out_names[RUN_VIEW_ENDINGS_MOST]);

/* The milliseconds that the run took so far, as seen at `now_unix_ms`. */
int64_t run_view_ms(const struct run_view *view, int64_t now_unix_ms);

#endif
