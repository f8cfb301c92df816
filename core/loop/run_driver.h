/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_RUN_DRIVER_H
#define CORE_LOOP_RUN_DRIVER_H

/*
 * The loop's side of a run, and the way of events into the engine, for the files of this folder
 * alone.
 *
 * Used by:  loop, run_tasks.
 * Uses:     loop_state, engine.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/loop/loop.h"

struct error;
struct loop;
struct loop_task;
struct mask;
struct plugin_settings;
struct run;
struct run_event;

struct loop_run {
    struct loop *loop;
    struct run *run;
    const struct mask *mask; /* hides its secrets; NULL: it has none */
    struct run_observer observer;
    struct loop_task *tasks;
    struct plugin_settings *settings;
    struct loop_run *next; /* of the loop */
    struct loop_run *previous;
    struct loop_run *root;       /* the run that somebody started; itself when it is that one */
    bool is_awaited;             /* a node waits for its end */
    uint32_t children;           /* of a root: runs below it that have not ended */
    uint32_t kept;               /* ended runs of its nodes that it may want undone */
    struct loop_run *next_ended; /* while a batch is carried out */
    bool has_timers;             /* it has had some */
    bool is_ended;
    bool is_leaving; /* in the list of those that ended */
};

/* The engine decides `event` (NULL: goes on), and its batch goes to the journal. */
void run_driver_handle(struct loop_run *run, const struct run_event *event);

/* Cancels and kills what runs; used while closing. */
void run_driver_stop_all(struct loop *loop);

/* Frees what is left, when nothing can call back any more. */
void run_driver_free_all(struct loop *loop);

/* Memory ran out in the middle of a decision: the state in memory is not to be trusted. */
void run_driver_fail(struct loop *loop, const struct error *err);

#endif
