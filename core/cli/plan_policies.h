/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_PLAN_POLICIES_H
#define CORE_CLI_PLAN_POLICIES_H

/*
 * Plan policies: what a plan says of the policies that hold for one node, from all places that the
 * file has for them: retry, breaker, rate limit.
 *
 * Used by:  plan_text, plan_data.
 * Uses:     model (policy).
 * Threads:  [main]
 */

#include <stdbool.h>

#include "core/base/str.h"

struct builder;
struct node;

/*
 * "5 attempts, 10ms apart, then 2 times as long; breaker opens for 10s after 3 failures": clauses,
 * behind those that `out` has from `start` on. What is not said in the file is left out, unless
 * all is to be told.
 */
enum plan_detail { PLAN_SHORT, PLAN_ALL };
void plan_policies_append(const struct node *node, enum plan_detail detail, struct strbuf *out,
                          size_t start);

/* Member `policies`, all of them: {retry, circuit_breaker, on_open, rate_limit}; null: none. */
void plan_policies_build(struct builder *b, const struct node *node);

#endif
