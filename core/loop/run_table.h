/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_RUN_TABLE_H
#define CORE_LOOP_RUN_TABLE_H

/*
 * Run table: the runs that a loop has loaded, in a list, newest first, and by their numbers.
 *
 * Used by:  run_driver, and who looks for a run; for the files of this folder alone.
 * Uses:     loop_state, run_driver.h.
 * Threads:  [loop]
 */

#include <stdint.h>

struct loop;
struct loop_run;

/* Room for one more. Fails with E_NOMEM. */
int run_table_reserve(struct loop *loop);

/* A run whose loop and number are set; there is room for it. The table does not own it. */
void run_table_add(struct loop_run *run);
void run_table_remove(struct loop_run *run);

/* The loaded run of this number, or NULL; the root of it. */
struct loop_run *run_table_find(const struct loop *loop, uint64_t number);
struct loop_run *run_table_find_root(const struct loop *loop, uint64_t number);

/* There are no runs any more. */
void run_table_finish(struct loop *loop);

#endif
