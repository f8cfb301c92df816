/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_RUN_ROWS_H
#define CORE_LOOP_RUN_ROWS_H

/*
 * Run rows: what a journal keeps of a run besides its records, written when it starts and read
 * when it is restored.
 *
 * Used by:  run_driver, restorer, pruning; for the files of this folder alone.
 * Uses:     commit, engine, value.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/model/pipeline.h"

struct commit;
struct engine_call;
struct error;
struct loop_run;
struct loop_run_options;
struct run;
struct run_options;

/* The row of a run that somebody starts, with its definition and the audit of the start. */
void run_rows_add_root(struct commit *commit, const struct loop_run *run,
                       const struct loop_run_options *options);

/* The row of a run that another one has started. */
void run_rows_add_child(struct commit *commit, const struct run *child,
                        const struct engine_call *call, const struct loop_run *root);

/* The row of an item of the queue: of the same definition as the run that queued it. */
void run_rows_add_item(struct commit *commit, const struct loop_run *item);

/* What the records of the commit say of the places of items in the queue. */
void run_rows_note_turns(struct commit *commit);

/* Where in its caller a run was called; `out_call->run` is the caller's business. */
int run_rows_read_call(struct str text, struct engine_call *out_call, struct error *err);

/* Depth, memory and rollback of a run into `out_options`. Fails with E_CORRUPT, E_NOMEM. */
int run_rows_read_options(struct str text, struct run_options *out_options, struct error *err);

/* What the run's definition says of `retention`; what cannot be read says nothing. */
struct retention run_rows_read_retention(struct str options);

#endif
