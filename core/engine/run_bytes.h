/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_RUN_BYTES_H
#define CORE_ENGINE_RUN_BYTES_H

/*
 * Run bytes: how much the values of one run take. They are looked through only when all values of
 * the process together take more than a run may, and then not at each step.
 *
 * Used by:  engine.
 * Uses:     run_state, value.
 * Threads:  [loop]; pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct record;
struct run;

/* Input, outputs, errors, items, events; what several of them hold counts with each. */
size_t run_bytes(const struct run *run, uint32_t *frames); /* which it adds to */

/* What was measured of a run and those that it called. */
struct run_measure {
    size_t own;      /* 0: it never was */
    size_t added;    /* since, by outputs; what went away is not known */
    uint32_t frames; /* that there were then */
    uint32_t ended;  /* bodies, nodes and runs, since: some may have gone away */
};

/* Counts what a record brings, or that it may take some away. */
void run_measure_add(struct run_measure *measure, const struct record *record);

/* In whole MiB, rounded up. */
uint32_t run_measure_mib(const struct run_measure *measure);

/*
 * Whether it has to be measured anew: with `coming`, the bytes of what is about to be added, it may
 * be beyond `bound`, and more than a sixteenth of that was added, or enough has ended that looking
 * at all of it again is little for each.
 */
bool run_measure_is_old(const struct run_measure *measure, size_t coming, size_t bound);

#endif
