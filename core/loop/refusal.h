/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_REFUSAL_H
#define CORE_LOOP_REFUSAL_H

/*
 * Refusal: why a run does not take a command, and what can be done instead, in words.
 *
 * Used by:  commands.c.
 * Uses:     engine, model.
 * Threads:  [loop]
 */

#include "core/base/str.h"
#include "core/loop/loop.h"

struct error;
struct pipeline;
struct run;

/* Those without another word return E_CONFLICT. */

/* The run has ended in `state`; `is_item`: it is the run of a call of the retry queue. */
int refusal_ended(enum loop_action action, bool is_item, struct str state, struct error *err);

/* To LOOP_RESUME: nothing holds it. */
int refusal_not_paused(const struct run *run, struct error *err);

/* To LOOP_RESOLVE: what the node `path` is, and which ones there are to be resolved. */
int refusal_not_unknown(const struct run *run, struct str path, struct error *err);

/*
 * To LOOP_SEND: 0 when a node of the pipeline may take the event now or later; else E_INVALID, and
 * the events that there are.
 */
int refusal_event(const struct pipeline *pipeline, struct str name, struct error *err);

/* To LOOP_SEND: 0, or E_LIMIT when the run keeps as many events that nothing has taken as may be.
 */
enum { REFUSAL_MOST_EVENTS = 1000 };
int refusal_too_many(const struct run *run, struct error *err);

#endif
