/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_RESTORE_H
#define CORE_ENGINE_RESTORE_H

/*
 * Restore: a run from the records that something kept of it. What comes from a file may be
 * anything: each record is checked against the state that the ones before it made, and one that
 * cannot follow is refused instead of applied. What the JSON form leaves out is found again in the
 * run: the item of an iteration, the output that a compensation is for, the number of edges.
 *
 * Used by:  loop (recovery, runs that were given up), journal checks, cli (views of other runs).
 * Uses:     run, record_json.
 * Threads:  one run belongs to one thread at a time.
 */

#include <stdint.h>

#include "core/base/str.h"
#include "core/engine/record.h"

struct error;
struct run;

/* A record as it was kept; all borrowed for the call. */
struct restore_row {
    uint64_t seq;
    struct str type;
    struct str path;
    uint32_t attempt;
    int64_t at_unix_ms;
    struct str body; /* JSON */
};

/* Sees each record that was applied, with its run and path; borrowed for the call. */
typedef void (*restore_record_cb)(void *user, const struct record *record);

/*
 * Applies one row to `run`; `each` (may be NULL) hears of it afterwards. Rows come in the order of
 * their seq, from run_last_seq() + 1 on.
 * Fails with E_CORRUPT (the message says which record cannot be, and why), E_NOMEM; then the run
 * is to be given up.
 */
int restore_row(struct run *run, const struct restore_row *row, restore_record_cb each, void *user,
                struct error *err);

#endif
