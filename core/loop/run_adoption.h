/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_RUN_ADOPTION_H
#define CORE_LOOP_RUN_ADOPTION_H

/*
 * Run adoption: runs that the engine has made by itself, child runs and items of the queue, get
 * their side in the loop and their rows in the journal.
 *
 * Used by:  run_driver.
 * Uses:     run_driver, run_rows, commit, engine.
 * Threads:  [loop]
 */

struct commit;
struct loop;
struct loop_run;
struct run;

/*
 * When `run` is first heard of; its rows are added to `commit`. Callers of it that are not known
 * either come with it. NULL after run_driver_fail().
 */
struct loop_run *run_adoption_begin(struct loop *loop, struct run *run, struct commit *commit);

#endif
