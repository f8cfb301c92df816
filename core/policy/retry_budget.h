/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_POLICY_RETRY_BUDGET_H
#define CORE_POLICY_RETRY_BUDGET_H

/*
 * Retry budget: how many of a scope's calls under way may be retries, so that retries cannot
 * multiply the load of a service that is in trouble. What it refuses waits and asks again when a
 * call of the scope has ended; no attempt is used up.
 *
 * Used by:  engine.
 * Uses:     nothing.
 * Threads:  one budget belongs to one thread at a time; pure.
 */

#include <stdbool.h>
#include <stdint.h>

/* So many retries are allowed in any case: a scope with one call under way must go on too. */
enum { RETRY_BUDGET_LEAST = 3 };

/* Calls under way; all zero at first. It is not kept over a restart: then no call is under way. */
struct retry_budget {
    uint32_t active;
    uint32_t retries; /* of them */
};

/*
 * Whether one more retry may begin: with it the retries stay within
 * max(RETRY_BUDGET_LEAST, share * active). A share of 0 (or none at all: negative, NaN) is off.
 */
bool retry_budget_allows(const struct retry_budget *budget, double share);

/* A call begins; `attempt` is from 1, and all but the first are retries. */
void retry_budget_begin(struct retry_budget *budget, uint32_t attempt);

/* It ends: the same attempt. */
void retry_budget_end(struct retry_budget *budget, uint32_t attempt);

#endif
