/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_RUN_TASKS_H
#define CORE_LOOP_RUN_TASKS_H

/*
 * The tasks of runs: what starts them, and what they tell on their way and at their one end. Items
 * that come in one turn of the loop go to the engine together, at its end.
 *
 * Used by:  run_driver, loop.
 * Uses:     run_driver, engine, host, masking.
 * Threads:  [loop]
 */

#include "core/engine/spender.h"
#include "core/loop/loop.h"

struct budget_slip;
struct document;
struct effect;
struct error;
struct host_events;
struct loop_run;
struct loop_task;

/* What tasks tell, for the host; its `user` is the loop. */
extern const struct host_events run_tasks_events;

/* Effects: of a node that has no task (any more) nothing happens. */
void run_tasks_start(struct loop_run *run, const struct effect *effect);
void run_tasks_stop(struct loop_run *run, const struct effect *effect);
void run_tasks_credit(struct loop_run *run, const struct effect *effect);

/*
 * The resolved settings of a plugin, borrowed from the run until the next call for it: a document
 * that stays the same until a secret in them has a new value. Fails as
 * run_resolve_settings() does.
 */
int run_tasks_settings(struct loop_run *run, struct str plugin,
                       const struct document **out_settings, struct error *err);

/* The task of a token, while it has not ended; borrowed. */
struct loop_task *run_tasks_of(uint64_t token);
struct run_place run_tasks_place(const struct loop_task *task);
struct spender run_tasks_spender(const struct loop_task *task);
struct loop_run *run_tasks_run(const struct loop_task *task);
/* What budget_desk keeps for the task. */
struct budget_slip **run_tasks_slips(struct loop_task *task);

/* A line of the node's log. */
void run_tasks_log(const struct loop_task *task, int level, struct str line);

/* The same for a node that has no task: EFFECT_LOG. */
void run_tasks_note(struct loop_run *run, const struct effect *effect);

/* While a call of the task waits for its turn, the time-out of the node stands still. */
void run_tasks_begin_pause(struct loop_task *task);
void run_tasks_end_pause(struct loop_task *task);
/* It need not go on: of a node that has no task (any more) nothing happens. */
void run_tasks_forget_timeout(struct loop_run *run, const struct effect *effect);

/* The tasks of this run, for loop_each_task(). */
void run_tasks_each(const struct loop_run *run, loop_task_cb cb, void *user);

/* Ends the tasks of this run without grace. */
void run_tasks_kill(struct loop_run *run);

/* Items that tasks have emitted in this turn: their runs hear of them. */
void run_tasks_tell_items(struct loop *loop);

/* Frees what is kept for the tasks of a run, when nothing can call back any more. */
void run_tasks_finish(struct loop_run *run);

#endif
