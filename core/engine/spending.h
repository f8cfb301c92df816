/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_SPENDING_H
#define CORE_ENGINE_SPENDING_H

/*
 * Spending: what the calls of a run take, and the budgets that bound it.
 *
 * A call counts for its node, for the nodes around it up to the root (loops, groups), and for the
 * run; `spender` goes on with the runs above. Each run has records of its own for it, so that
 * its budget is known when the runs below it are gone. What was held for a call of an attempt that
 * was lost stays held: that the call was not made is nothing that anybody knows.
 *
 * Used by:  apply, cli (totals), decide, frame, restore, spender.
 * Uses:     run_state, decision, policy (purse).
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/policy/purse.h"

struct builder;
struct decision;
struct document;
struct frame;
struct record;
struct run;
struct run_event;

/* RUN_EVENT_RESERVED and RUN_EVENT_SPENT. Nothing is held where nothing is bounded. */
void spending_decide(const struct decision *d, const struct run_event *event);

/* For run_apply(): the records of these; and a node has begun. */
void spending_apply(struct frame *frame, const struct record *record);
void spending_apply_started(struct frame *frame, const struct record *record);
void spending_destroy(struct frame *frame);

/* Whether such a record can follow. */
bool spending_may_follow(const struct frame *frame, const struct record *record);

/* Whether this attempt is at work. */
bool spending_is_live(const struct run *run, uint64_t frame, uint32_t node, uint32_t attempt);

/* Why a call may not be made: the nearest budget that it does not fit into. */
struct spending_refusal {
    enum purse_verdict verdict; /* PURSE_FITS: it may */
    const struct run *run;
    const struct budget_settings *settings;
    struct purse purse;
    uint32_t node; /* whose budget it is; RECORD_NO_NODE: the run's */
};

/* Whether the budgets of one run leave room for a call of `node`. */
void spending_ask(const struct run *run, uint64_t frame, uint32_t node,
                  const struct purse_amount *wanted, int64_t now_unix_ms,
                  struct spending_refusal *out);

/* {calls, input_tokens, output_tokens, cached_tokens, cost, uncounted_calls?, unpriced_calls?} */
void spending_write_total(struct builder *b, const struct purse_total *total);

#endif
