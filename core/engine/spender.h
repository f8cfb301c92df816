/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_SPENDER_H
#define CORE_ENGINE_SPENDER_H

/*
 * Spender: an attempt of a node whose calls are paid for. What they take counts for its run, and
 * for those above it whose nodes wait for the one below; who asks for more than any of their
 * budgets has left is refused.
 *
 * Used by:  loop.
 * Uses:     member, run, spending.
 * Threads:  [loop]; never called from inside the engine.
 */

#include <stdint.h>

#include "core/engine/spending.h"

struct batch;
struct run;

struct spender {
    struct run *run;
    uint64_t frame;
    uint32_t node;
    uint32_t attempt;
};

enum spender_answer {
    SPENDER_GRANTED, /* what was appended to the batch must be durable before the call */
    SPENDER_REFUSED,
    SPENDER_GONE, /* the attempt has ended */
};

/* Whether spender_reserve() would grant it; where not, `*out_refusal` says why. */
enum spender_answer spender_ask(const struct spender *spender, const struct purse_amount *wanted,
                                int64_t now_unix_ms, struct spending_refusal *out_refusal);

/*
 * Holds `wanted` in all budgets that the call counts for, or nothing: then `*out_refusal` says why.
 * Returns an enum spender_answer, or E_NOMEM: then the state of the runs is not to be relied upon.
 */
int spender_reserve(const struct spender *spender, const struct purse_amount *wanted,
                    int64_t now_unix_ms, struct batch *batch, struct spending_refusal *out_refusal);

/*
 * The call took `use`; `held` is what was granted for it, NULL: it did not ask. Too late, it
 * changes nothing. Fails as spender_reserve() does.
 */
int spender_settle(const struct spender *spender, const struct purse_use *use,
                   const struct purse_amount *held, int64_t now_unix_ms, struct batch *batch);

#endif
