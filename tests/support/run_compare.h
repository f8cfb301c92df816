/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_RUN_COMPARE_H
#define TESTS_SUPPORT_RUN_COMPARE_H

/*
 * Run compare: whether two runs are in the same state, down to the last frame, node, edge and
 * iteration. For a run and the replay of its records.
 *
 * Used by:  toy_world, tests/sim.
 * Uses:     engine, its inside too.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stddef.h>

struct run;

enum run_compare_lazy {
    RUN_COMPARE_ALL,     /* `again` saw all records */
    RUN_COMPARE_NO_LAZY, /* it did not see the lazy ones: what is queued is ready there */
};

/* True: they agree. Else `text` says what differs first. */
bool run_compare(const struct run *run, const struct run *again, enum run_compare_lazy lazy,
                 char *text, size_t size);

#endif
