/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_RUN_ROWS_H
#define TESTS_SUPPORT_RUN_ROWS_H

/*
 * Run rows: records by way of the text that is kept of them, as a process finds them that comes
 * after the one that wrote them.
 *
 * Used by:  toy_world, tests/sim, tests/fuzz, tests of engine.
 * Uses:     engine.
 * Threads:  [main]
 */

struct record;
struct run;

/* Applies a record as the next one of `run`; a lazy one is passed over. NULL, or why it is refused
 * (borrowed until the next call). */
const char *run_rows_apply(struct run *run, const struct record *record);

#endif
