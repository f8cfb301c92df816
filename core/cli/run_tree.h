/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_RUN_TREE_H
#define CORE_CLI_RUN_TREE_H

/*
 * Run tree: the bodies that are under way in a run and in its child runs, from their records. A
 * frame is there from its first record to its last, so there are as many as run at once, not as
 * many as there are items; with `rollback` those stay in which something can be undone.
 *
 * Used by:  run_view, and who shows it.
 * Uses:     engine/record.h, model.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/engine/record.h"

struct body;
struct document;
struct node;
struct pipeline;
struct run;

/* One node of a frame. A node that runs again, or a state that is visited again, begins anew. */
struct node_view {
    enum node_state state : 8;
    uint8_t from;           /* OUTPUT_FROM_*: what stood in for the call */
    bool is_round_over : 1; /* the next record of it begins another round */
    bool has_failures : 1;  /* inside it, that are known and nothing handled */
    bool is_retrying : 1;   /* an attempt failed, and it waits for the next */
    bool is_unknown : 1;    /* whether it did its work: a person has to say it */
    bool is_told : 1;       /* what it waits for has been shown */
    uint32_t attempt;
    uint32_t before;    /* attempts of earlier rounds and visits, which the number counts, too */
    uint32_t round;     /* of `repeat`, from 0 */
    uint32_t visit;     /* of a state, from 0 */
    int64_t started_at; /* unix ms; 0: not */
    int64_t ended_at;
    int64_t gives_up_at;              /* waiting for an event: its time-out; 0: none */
    int64_t due_at;                   /* of the next round or attempt; 0: none is waited for */
    const struct document *output;    /* shared */
    const struct document *error;     /* shared */
    const struct document *detail;    /* shared; of a loop: {errors, counts} */
    const struct document *waits_for; /* shared; the name of an event */
    char *child;                      /* the id of the run that it started; NULL: none */
    uint64_t total;                   /* iterations of a loop; 0: not known */
    uint64_t iterations;              /* that have ended */
    uint64_t failed_iterations;
    uint64_t next_sum; /* iterations at which a line says how far it is; 0: not set yet */
    double fraction;   /* of progress; < 0: unknown */
    char *note;        /* the latest message; NULL: none */
};

struct frame_view {
    const struct run *run;
    uint64_t id;
    const struct pipeline *pipeline;
    const struct body *body;
    struct frame_view *parent; /* NULL: the root of a run */
    uint32_t owner;            /* the node of the parent, or of the call, that it works for;
                                  RECORD_NO_NODE: of the run itself */
    const struct run *caller;  /* of a child run's root: where its call is */
    uint64_t caller_frame;
    uint64_t index;
    uint32_t visit; /* of the owner, that it belongs to: from 0 */
    uint32_t round;
    uint32_t top; /* the node of the root body below which it is, or RECORD_NO_NODE */
    enum frame_kind kind : 8;
    bool is_quiet;     /* there are too many like it to show each */
    bool has_failures; /* in it, that are known and nothing handled */
    bool has_rollback; /* what completes in it may be undone: then the frame stays */
    bool has_undo;     /* a node completed that can be undone */
    bool is_kept;      /* it has ended and stays */
    uint32_t kept;     /* frames below it that have ended and stay */
    char *prefix;      /* of a child run's root: the path of the call, with '/' */
    struct frame_view *next_hashed;
    struct frame_view *next; /* in the order of their start */
    struct frame_view *previous;
    struct node_view nodes[];
};

/* One execution of a node. */
struct step {
    struct frame_view *frame;
    uint32_t node;
};

struct run_tree {
    struct frame_view **slots; /* chains */
    size_t slot_count;         /* a power of two */
    size_t count;
    struct frame_view *first;
    struct frame_view *last;
};

void run_tree_finish(struct run_tree *tree);

/* What a new frame is like; the rest of it is zero. */
struct frame_options {
    const struct run *run;
    uint64_t id;
    const struct pipeline *pipeline; /* kept until the frame ends */
    uint32_t body;
};

/* Adds a frame. Borrowed; NULL: out of memory. */
struct frame_view *run_tree_add(struct run_tree *tree, const struct frame_options *options);

/* Removes and frees it. NULL is fine. */
void run_tree_remove(struct run_tree *tree, struct frame_view *frame);

/* Removes and frees all frames of a run. */
void run_tree_remove_run(struct run_tree *tree, const struct run *run);

/* NULL: there is none. Borrowed. */
struct frame_view *run_tree_find(const struct run_tree *tree, const struct run *run, uint64_t id);

struct node_view *run_tree_state(struct step step);
const struct node *run_tree_def(struct step step);

bool run_tree_is_running(const struct node_view *node);

/* It waits for an event. */
bool run_tree_is_waiting(struct step step);

/* It runs, stops or waits for its next round. */
bool run_tree_is_under_way(struct step step);

/* The milliseconds that the node took so far, as seen at `now_unix_ms`. */
int64_t run_tree_node_ms(const struct node_view *node, int64_t now_unix_ms);

/* It is in the root body of the run that was started, and for the first time. */
bool run_tree_is_plain(struct step step);

/*
 * Appends the path of the execution: "each[17].fix", "poll@4", "deploy#3" as run_append_path();
 * in a child run behind the path of the node that called it, "each[17].call/fetch".
 */
void run_tree_append_path(struct step step, struct strbuf *out);

/* The same: free() it; NULL: out of memory. */
char *run_tree_path(struct step step);

/* The path of a body: "each[17]". */
void run_tree_append_frame_path(const struct frame_view *frame, struct strbuf *out);

#endif
