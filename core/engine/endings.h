/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_ENDINGS_H
#define CORE_ENGINE_ENDINGS_H

/*
 * Endings: what a run does once its outcome is known, and before it has ended. In this order:
 * what completed is undone (`rollback`, newest first, after a failure or a cancel), then the
 * nodes of `on_failure`, `on_cancel` or `on_success`, then those of `finally`. What fails in
 * them is recorded and changes nothing about the outcome.
 *
 * A child run that completed is undone as a whole when its turn comes in its caller's rollback:
 * it has ended and stays so, but the compensations of its nodes run.
 *
 * The functions of the first half change the run (run_apply() calls them); the others read or
 * decide.
 *
 * Used by:  run, apply, decide.
 * Uses:     run_state, decision, undo.
 * Threads:  [loop]
 */

#include <stdbool.h>

#include "core/engine/record.h"

struct decision;
struct frame;
struct run;
struct run_event;

void endings_apply_frame_started(struct frame *frame);
void endings_apply_frame_ended(struct frame *frame, const struct record *record);

/* A run with this outcome has something to do before it ends. */
bool endings_apply_to(const struct run *run, enum run_state outcome);

/* It is the turn of endings_step(). */
bool endings_have_work(const struct run *run);

/* The next thing to undo or ending to run; after the last, the end of the run. */
void endings_step(const struct decision *d);

/* Nothing is left to do in d->frame, the frame of an ending or of a compensation. */
void endings_end_frame(const struct decision *d);

/*
 * A cancel that comes when the outcome is known. What tidies up is left alone; with STOP_SHUTDOWN
 * all is told to end, and nothing more of the endings starts.
 */
void endings_cancel(const struct decision *d, enum stop_reason reason);

/* RUN_EVENT_CHILD_UNDONE. */
void endings_child_undone(const struct decision *d, const struct run_event *event);

/* RUN_EVENT_UNDO: the caller of a run that has completed wants it undone. */
void endings_undo_run(const struct decision *d);

#endif
