/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_RUN_DRIVER_H
#define CORE_LOOP_RUN_DRIVER_H

/*
 * The loop's side of a run, and the way of events into the engine, for the files of this folder
 * alone.
 *
 * Used by:  loop, run_tasks, run_timers, restorer, parking, commands.
 * Uses:     loop_state, commit, engine.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/digest.h"
#include "core/loop/loop.h"
#include "core/loop/timer_heap.h"

struct commit;
struct engine_call;
struct error;
struct health_wish;
struct loop;
struct loop_task;
struct mask;
struct plugin_settings;
struct run;
struct run_event;

struct loop_run {
    struct loop *loop;
    struct run *run;
    struct run_observer observer;
    struct loop_task *tasks;
    struct plugin_settings *settings;
    struct health_wish *wishes; /* services that it wants checked */
    bool has_wished;            /* for those whose names are known from its start on */
    uint64_t number;            /* its run's; 0: nobody keeps it */
    struct loop_run *next_hashed;
    struct loop_run *next; /* of the loop */
    struct loop_run *previous;
    struct loop_run *root;       /* the run that somebody started; itself when it is that one */
    bool is_awaited;             /* a node waits for its end */
    bool is_known;               /* its observer has heard of it */
    uint32_t children;           /* of a root: runs below it that have not ended */
    uint32_t kept;               /* ended runs of its nodes that it may want undone */
    struct loop_run *next_ended; /* while a batch is carried out */
    struct timer_list timers;
    bool is_ended;
    bool is_leaving;  /* in the list of those that ended */
    bool is_left;     /* in the list of roots that one has left: what is below may only wait */
    bool goes_on;     /* it is in the list of those that decide on at the end of this turn */
    uint32_t gone_on; /* EFFECT_CONTINUE whose turn has come before they were durable */
    struct loop_run *next_going;
    /* Of a root: */
    bool is_held;         /* somebody has it from loop_run_start() */
    bool is_parking;      /* the mark that says so is on its way */
    bool is_marked;       /* it is, or was, and nothing has happened since */
    uint64_t records_out; /* of its tree, submitted and not durable yet */
    uint32_t task_count;  /* of its tree */
    uint32_t slips;       /* of these tasks: granted, and not settled */
    uint32_t crashes;     /* ends of a process that was at work on it, without progress since */
    char definition[DIGEST_HEX_SIZE];
};

/* What runs share is due (engine_tick()), and the batch goes to the journal. */
void run_driver_tick(struct loop *loop);

/* The engine decides `event` (NULL: goes on), and its batch goes to the journal. */
void run_driver_handle(struct loop_run *run, const struct run_event *event);

/* The same, into a commit that the caller has begun and submits. False after run_driver_fail(). */
bool run_driver_decide(struct loop_run *run, const struct run_event *event, struct commit *commit);

/* Hands a commit to the journal; it is taken. One with nothing in it is destroyed. */
void run_driver_submit(struct commit *commit);

/* The driver's side of a run; it is linked. NULL after run_driver_fail(). `root` NULL: itself. */
struct loop_run *run_driver_create(struct loop *loop, struct run *run, struct loop_run *root);

/* Frees one and what hangs on it; its run is the engine's. */
void run_driver_free(struct loop_run *run);

/* Tells the observer of a child run, once. */
void run_driver_tell_child(struct loop_run *child, const struct engine_call *call);

/* Cancels and kills what runs; used while closing. */
void run_driver_stop_all(struct loop *loop);

/* Frees what is left, when nothing can call back any more. */
void run_driver_free_all(struct loop *loop);

/* Memory ran out in the middle of a decision: the state in memory is not to be trusted. */
void run_driver_fail(struct loop *loop, const struct error *err);

#endif
