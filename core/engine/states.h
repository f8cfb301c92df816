/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_STATES_H
#define CORE_ENGINE_STATES_H

/*
 * States: bodies that are state machines. One node at a time is at work; its end chooses a
 * transition, which enters the next one, maybe for the second time.
 *
 * Used by:  apply (states_apply...), decision, decide, signals.
 * Uses:     run_state, decision.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

struct decision;
struct document;
struct edge_set;
struct error;
struct frame;
struct record;

/* run_apply(): the state that was left is noted; the one entered is returned, or RECORD_NO_NODE. */
uint32_t states_apply_end(struct frame *frame, const struct record *record);

/*
 * The end of a state: fills in record->taken and is_handled. Returns why the machine fails
 * instead (owned), or NULL.
 */
struct document *states_decide_end(const struct decision *d, struct record *record);

/* A state without an action: it waits for an event. */
void states_idle(const struct decision *d, uint32_t node);

/*
 * The edge of `node` for `outcome` whose guard holds: its number among the out edges, or -1 when
 * there is none, or a negative error code below that with `err`.
 */
int64_t states_find_edge(const struct decision *d, uint32_t node, uint32_t outcome,
                         struct error *err);

/*
 * An event with a transition: the action of `node` ends, then its out edge number `edge` is taken.
 * False: another event is ending it already, and this one is no cancel. `signal` (may be NULL) is
 * the output of a state that waited.
 */
bool states_interrupt(const struct decision *d, uint32_t node, uint32_t edge,
                      const struct document *signal);

/* {state, output, history}: what a machine gives without an `output` of its own. `*out` is
 * owned. Fails with E_NOMEM, E_LIMIT. */
int states_output(const struct decision *d, struct document **out, struct error *err);

#endif
