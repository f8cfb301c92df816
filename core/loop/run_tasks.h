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

struct effect;
struct host_events;
struct loop;
struct loop_run;

/* What tasks tell, for the host; its `user` is the loop. */
extern const struct host_events run_tasks_events;

/* Effects: of a node that has no task (any more) nothing happens. */
void run_tasks_start(struct loop_run *run, const struct effect *effect);
void run_tasks_stop(struct loop_run *run, const struct effect *effect);
void run_tasks_credit(struct loop_run *run, const struct effect *effect);

/* Ends the tasks of this run without grace. */
void run_tasks_kill(struct loop_run *run);

/* Items that tasks have emitted in this turn: their runs hear of them. */
void run_tasks_tell_items(struct loop *loop);

/* Frees what is kept for the tasks of a run, when nothing can call back any more. */
void run_tasks_finish(struct loop_run *run);

#endif
