/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_SIGNALS_H
#define CORE_ENGINE_SIGNALS_H

/*
 * Signals: events that are sent to a run. Each is kept until a waiting node or a state takes it;
 * one takes it, the first that wants it.
 *
 * Used by:  decide, apply, run.
 * Uses:     decision, states.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

struct decision;
struct record;
struct run;
struct run_event;

/* run_apply(): one is kept, one is taken, all have been looked at. */
void signals_apply(struct run *run, const struct record *record);
void signals_finish(struct run *run);

/* Something may want a signal that is kept. */
void signals_note_news(struct run *run);
bool signals_have_news(const struct run *run);

/* RUN_EVENT_SIGNAL */
void signals_receive(const struct decision *d, const struct run_event *event);

/* Gives one signal to who wants it, or records that nobody does. */
void signals_deliver(const struct decision *d);

#endif
