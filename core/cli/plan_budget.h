/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_PLAN_BUDGET_H
#define CORE_CLI_PLAN_BUDGET_H

/*
 * Plan budget: what a plan says of what calls may take, of a pipeline or a node.
 *
 * Used by:  plan_text, plan_data.
 * Uses:     model (policy).
 * Threads:  [main]
 */

#include <stddef.h>

struct budget_settings;
struct builder;
struct strbuf;

/*
 * "spends at most 1000 tokens, $0.5 within 10 min, else asks small": a clause behind those that
 * `out` has from `start` on; nothing for NULL.
 */
void plan_budget_append(const struct budget_settings *budget, struct strbuf *out, size_t start);

/* Member `budget`: {tokens, cost, calls, time_seconds, model}; null: none. */
void plan_budget_build(struct builder *b, const struct budget_settings *budget);

#endif
