/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_RUN_H
#define CORE_ENGINE_RUN_H

/*
 * Run: the machine of one run. run_decide() turns an event into records and effects and changes
 * nothing; run_apply() alone changes the state. Both are pure: no I/O, no clock, no randomness;
 * time comes in with the event. A crash between the two loses nothing that was shown.
 *
 *     pending -> running -> completed
 *                        -> failing    -> failed
 *                        -> cancelling -> cancelled
 *
 * With endings (see endings.h) it is `ending` before it is completed, failed or cancelled.
 *
 * Used by:  engine, journal_memory, loop and cli (queries), tests.
 * Uses:     model, expr, value.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/engine/record.h"
#include "core/engine/turn_queue.h"
#include "core/expr/cel.h"

struct purse_amount;
struct purse_total;
struct purse_use;
struct document;
struct error;
struct pipeline;
struct run;
struct secrets;

struct run_options {
    uint64_t number;                 /* for who keeps its records; 0: nobody does */
    const struct pipeline *pipeline; /* shared: held until run_destroy() */
    const struct document *input;    /* shared; checked, with its defaults filled in */
    struct str id;                   /* copied */
    struct str triggered_by;         /* "manual", "api", ...; copied */
    uint32_t depth;                  /* 0, or one more than its parent's */
    uint32_t max_memory_mb;          /* of its parent; 0: the pipeline's, or the default */
    bool has_rollback;               /* its caller's; the pipeline may say it, too */
    struct secrets *secrets;         /* kept until run_destroy(); NULL: there are none */
    const struct document *reuse;    /* shared: results to take over, see reuse.h; NULL: none */
    struct str instance;             /* part of idempotency keys; borrowed for all of its life */
    void *user;                      /* the caller's, see run_user() */
};

/* On success `*out_run` is owned: run_destroy(). Fails with E_NOMEM. */
int run_create(const struct run_options *options, struct run **out_run, struct error *err);
/* NULL is fine. */
void run_destroy(struct run *run);

enum run_event_type {
    RUN_EVENT_START,    /* once, first */
    RUN_EVENT_ADVANCE,  /* the next step that needs nothing from outside, see run_has_work() */
    RUN_EVENT_ADMITTED, /* dispatch granted the permits of `node` */
    RUN_EVENT_REFUSED,  /* an open breaker keeps its call away: error; nothing is held for it */
    RUN_EVENT_FOUND, /* the answer to EFFECT_ASK_QUEUE, index: its turn; output: the items, or error
                      */
    RUN_EVENT_CACHED, /* the answer to EFFECT_ASK_CACHE, index: its turn; output (NULL: none), port
                       */
    RUN_EVENT_DONE,   /* the task of `node`, or its work on the queue, ended well: port, output */
    RUN_EVENT_FAILED, /* it failed: error */
    RUN_EVENT_TIMER,  /* timer, node */
    RUN_EVENT_CANCEL, /* reason */
    RUN_EVENT_SIGNAL, /* somebody sends the run an event: port is its name, output its data */
    RUN_EVENT_ITEMS,  /* the task emitted items, the first of them number `index` of its attempt */
    RUN_EVENT_CHILD,  /* the child run of `node` ended: child_state, output, error; port: its id */
    RUN_EVENT_CHILD_UNDONE, /* it has been undone; error: what could not be, or NULL */
    RUN_EVENT_UNDO,         /* undo what this run, which has completed, did */
    RUN_EVENT_PAUSE,        /* no node starts until RUN_EVENT_RESUME or a cancel */
    RUN_EVENT_RESUME,
    /* After its records were restored: the task or timer of `node` is gone; RECORD_NO_NODE: the
       run's own. Once for each node of each frame. */
    RUN_EVENT_RECOVER,
    RUN_EVENT_ABANDON, /* it fails with `error`, and does nothing more at all */
    RUN_EVENT_RESOLVE, /* a person says what became of an unknown node: resolution, output, error */
    RUN_EVENT_RESERVED, /* a call of `node` may take so much: held */
    RUN_EVENT_SPENT,    /* it took so much: use; held for it was `held`, or nothing */
};

enum run_resolution {
    /* It did not have its effect, or may have it twice: it starts anew; output: of an item of the
       queue, its new input. */
    RUN_RESOLVE_AGAIN,
    RUN_RESOLVE_FAIL,   /* error */
    RUN_RESOLVE_OUTPUT, /* it did its work: output */
};

/* All pointers are borrowed for the call. */
struct run_event {
    enum run_event_type type;
    uint64_t frame; /* of the node */
    uint32_t node;
    uint32_t attempt;
    enum timer_kind timer;
    enum stop_reason reason;
    enum run_state child_state;
    enum run_resolution resolution;
    bool has_priority; /* RUN_RESOLVE_AGAIN of an item of the queue: it gets another one */
    enum queue_priority priority;
    bool has_undo; /* RUN_EVENT_CHILD */
    struct str port;
    const struct document *output;
    const struct document *error;
    const struct document *const *items;
    size_t item_count;
    uint64_t index;
    const struct purse_amount *held;
    const struct purse_use *use;
};

/*
 * Appends the records and effects of `event` to `batch`. An event that comes too late (its node
 * has ended, another attempt runs) appends nothing. Memory that ran out shows in
 * batch->has_failed, and then nothing of this decision may be applied.
 */
void run_decide(const struct run *run, const struct run_event *event, int64_t now_unix_ms,
                struct batch *batch);

/* What is known of the memory, for decisions that come: like the time, an input and not its state.
 */
struct run_memory {
    size_t bytes;     /* of all values of the run and of those it shares its bound with; 0: few */
    uint32_t at_work; /* tasks there whose end may free some, see run_tasks() */
    bool is_called;   /* the run's own root frame ends before what it shares its bound with */
    bool is_final;    /* nothing that could still start would free some */
};
void run_note_memory(struct run *run, const struct run_memory *memory);

/*
 * After a decision that lacks room (see record.h): the node that it was about waits. Like the list
 * of what there is to do, that is no part of the state.
 */
void run_hold(struct run *run);
bool run_try_held(struct run *run); /* the first of these is to be looked at again; false: none */
bool run_has_held(const struct run *run);
bool run_is_held(const struct run *run, uint64_t frame, uint32_t node);

/* Tasks at work whose end may free values before the run ends, or before its caller's does. */
uint32_t run_tasks(const struct run *run, bool is_called);

/* A node of the frame has given something that lasts until the frame ends. */
bool run_frame_has_output(const struct run *run, uint64_t frame);
uint32_t run_max_memory_mb(const struct run *run);

/*
 * Gives the record that is applied next what a journal needs of it: its seq, and the path of its
 * execution, which may be gone afterwards. Nothing when nobody keeps the run's records. False:
 * memory ran out.
 */
bool run_name_record(const struct run *run, struct record *record);

/* Applies one record. The only function that changes a run. */
void run_apply(struct run *run, const struct record *record);

/* A node is ready, or a loop, a frame or the run can go on or end: RUN_EVENT_ADVANCE decides it. */
bool run_has_work(const struct run *run);

/* Memory ran out while a record was applied: the run is not to be relied upon. */
bool run_has_failed(const struct run *run);

/* It has a terminal state. */
bool run_is_ended(const struct run *run);

/* It has, and is being undone for its caller. */
bool run_is_undoing(const struct run *run);

bool run_is_paused(const struct run *run);

/* How many events it keeps that nothing in it has taken yet. */
size_t run_event_count(const struct run *run);

/* How many of its nodes are unknown: a person has to resolve them. */
uint32_t run_unknown_count(const struct run *run);

/*
 * Whether nothing can happen in the run before a time, an event, the end of a child run, or an
 * answer of dispatch to those of its nodes that have asked: no node runs. Then its records say all,
 * and it may be given up and restored later, when it would ask again.
 */
struct run_wait {
    int64_t wake_at; /* the time, unix ms; INT64_MAX: there is none */
    uint32_t queued; /* nodes that have asked */
};
bool run_only_waits(const struct run *run, struct run_wait *out_wait);

enum run_state run_state(const struct run *run);
const struct pipeline *run_pipeline(const struct run *run);
struct str run_id(const struct run *run);
uint64_t run_number(const struct run *run);
/* The seq of its last record: as many have been applied. */
uint64_t run_last_seq(const struct run *run);
void *run_user(const struct run *run);
int64_t run_started_at(const struct run *run);
/* Of an item of the queue: what its call comes before, and what comes before it. */
struct turn_key run_turn(const struct run *run);
uint32_t run_depth(const struct run *run);
struct secrets *run_secrets(const struct run *run); /* its options' */
bool run_has_rollback(const struct run *run);
/* It completed, and something of it can be undone. */
bool run_has_undo(const struct run *run);
/* One attempt of one execution of a node. */
struct run_attempt {
    uint64_t frame;
    uint32_t node;
    uint32_t attempt;
};
/* Of the child runs that may have to be undone, number `i`; false: there are not so many. */
bool run_undo_child(const struct run *run, size_t i, struct run_attempt *out_attempt);
/* Of the compensations that failed the first one's: borrowed, NULL when there is none. */
const struct document *run_undo_error(const struct run *run);
const struct document *run_input(const struct run *run); /* borrowed */
/* What it gave and why it failed: borrowed, NULL when there is nothing. */
const struct document *run_output(const struct run *run);
const struct document *run_error(const struct run *run);
/* What its calls, and those of the runs that its nodes waited for, took; borrowed. */
const struct purse_total *run_spent(const struct run *run);

/*
 * The settings that the run has for `plugin`: their template is resolved in the scope of the run
 * alone. `*out_settings` is owned, an empty map when there are none. Fails with what the template's
 * evaluation fails with.
 */
int run_resolve_settings(const struct run *run, struct str plugin, struct document **out_settings,
                         struct error *err);

/* What is known of one node; pointers are borrowed until the next run_apply(). */
struct run_node_view {
    enum node_state state;
    bool is_delayed;      /* running, but it waits for its next round */
    bool is_unknown;      /* running, as far as is known: a person has to say */
    bool is_dead;         /* unknown: its item of the queue is given up */
    bool is_retrying;     /* delayed: its attempt failed, see `error` */
    bool is_falling_back; /* delayed: its attempts are spent, see `error` */
    unsigned from;        /* OUTPUT_FROM_*: what stood in for the call */
    uint32_t attempt;
    uint32_t failures;            /* of its attempts, in this execution */
    int64_t tries_end_at_unix_ms; /* the deadline of its further attempts; 0: it awaits none */
    bool is_untried;              /* a call of the queue that waits for its first one */
    uint32_t outcome;
    int64_t ready_at_unix_ms; /* 0: not yet */
    int64_t started_at_unix_ms;
    int64_t ended_at_unix_ms;
    const struct document *output;
    const struct document *error;
    const struct document *detail; /* of a loop: {errors, counts} */
};

/* Of a node of the root body. */
struct run_node_view run_node(const struct run *run, uint32_t node);

/* The frames that exist: from 0 (the root) on; false after the last. For queries and tests. */
bool run_next_frame(const struct run *run, uint64_t *frame);

/* The index of the body that `frame`, which exists, executes. */
uint32_t run_frame_body(const struct run *run, uint64_t frame);

/* A node of any frame; all zero when the frame is gone. */
struct run_node_view run_frame_node(const struct run *run, uint64_t frame, uint32_t node);

/*
 * Appends the path of one execution of a node: "story",
 * "each[17].fix" (items count from 0), "poll@4" (the fourth round of its `repeat`), "deploy#3"
 * (the third visit of a state). Nothing when the frame is gone.
 */
void run_append_path(const struct run *run, uint64_t frame, uint32_t node, struct strbuf *out);

/* The same for the execution that EFFECT_START_CHILD is of; the node may be in its next one. */
void run_append_child_path(const struct run *run, const struct effect *effect, struct strbuf *out);

/*
 * The place of a node's ticket, which the run only keeps: NULL there at first, else from malloc();
 * freed with the frame. NULL: the frame is gone.
 */
void **run_ticket(struct run *run, uint64_t frame, uint32_t node);

/*
 * The key of a node's effects: equal over attempts, different for each execution. Fails with
 * E_NOMEM, and then it is not the key.
 */
int run_idempotency_key(const struct run *run, uint64_t frame, uint32_t node, char out_key[32]);

/*
 * The values of an expression's root names. For expr_scope.fetch; `user` is a struct run_scope,
 * which lives as long as the evaluation.
 */
struct frame;

struct run_scope {
    const struct run *run;
    const struct frame *frame; /* whose nodes and item it sees, and those around it */
    int64_t now_unix_ms;
    /* The end of a node that is not applied yet, for the conditions of its edges; or NULL. */
    const struct record *ending;
    const struct document *signal;  /* in `match` and guards of transitions; else NULL */
    const struct document *acc;     /* in `reduce`; else NULL */
    const struct document *reduced; /* in `reduce`: the output of one iteration */
    bool names_secrets;             /* a secret is its name */
};
int run_scope_fetch(const void *user, int slot, struct cel *out, struct error *err);

#endif
