/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_POLICIES_H
#define CORE_MODEL_POLICIES_H

/*
 * Policies: what the parts of their reader share. Places lie over each other: the defaults,
 * `resilience`, the rate limit that the manifest of the node's plugin has, the integration of that
 * plugin, the node. Each says some keys and leaves
 * the others as they are; `off` says all of a policy, and a map over it begins with the defaults
 * again. What contradicts itself is reported at the place that completes the contradiction.
 *
 * Used by:  policies, policy_retry, policy_breaker, policy_open, policy_rate.
 * Uses:     draft, tree.
 * Threads:  [any]; one draft belongs to one thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/quantity.h"
#include "core/model/pipeline.h"

struct draft;
struct node_policies;
struct policies_draft;
struct rate_settings;
struct tree;

/* One policy in one place. */
struct policy_said {
    const struct tree *map; /* or what stands there in its place; never NULL */
    const char *what;       /* "'retry' of node 'a'" */
};

/* Whether the place says `key` of the policy. */
bool policies_says(struct policy_said said, const char *key);

/* Where it says `key`; else where it begins. */
struct place policies_place_of(struct policy_said said, const char *key);

/* policy_retry.c: lays `retry` of a place over what `out` has. Fails with E_NOMEM. */
int policy_retry_lay(struct draft *draft, struct policy_said said, struct policies_draft *out);

/* policy_open.c: the same for `on_open`, which only nodes say; never fails. */
int policy_open_lay(struct draft *draft, struct policy_said said, struct policies_draft *out);
/*
 * Once all of node `index` is known, of which `own` are the policies: whether it has what its
 * `on_open` is about, and what it does where it does not say.
 */
void policy_open_settle(const struct draft *draft, uint32_t index, struct node_policies *own);

/* policy_breaker.c: the same for `circuit_breaker`; never fails. */
int policy_breaker_lay(struct draft *draft, struct policy_said said, struct policies_draft *out);

/* policy_rate.c: the same for `rate_limit`; never fails. */
int policy_rate_lay(struct draft *draft, struct policy_said said, struct policies_draft *out);

/* The rate alone, with the default burst. */
void policy_rate_set(struct rate_settings *out, struct quantity_rate rate);

#endif
