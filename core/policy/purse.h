/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_POLICY_PURSE_H
#define CORE_POLICY_PURSE_H

/*
 * Purse: what calls that are paid for take, and whether one more may be made.
 *
 * Who wants to call asks for the most that the call can take. What is granted is held until the
 * call is settled with what it took, so that calls at the same time never take more than there is.
 * What is never settled stays held: nobody knows that the call was not made.
 *
 *     asked for -> held -> spent
 *
 * Money is counted in whole billionths of a US dollar, so that sums are the same in whatever order
 * they were made.
 *
 * Used by:  engine, loop.
 * Uses:     model (policy.h).
 * Threads:  one account belongs to one thread at a time; pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/model/policy.h"

enum { PURSE_UNKNOWN = -1 };

/* More of anything in one call is a mistake of who says so. */
#define PURSE_MOST_TOKENS  INT64_C(1000000000000)
#define PURSE_MOST_CALLS   INT64_C(1000000000)
#define PURSE_MOST_DOLLARS 1e6

/* What one call took. Tokens and cost are PURSE_UNKNOWN where nobody can say. */
struct purse_use {
    int64_t calls;
    int64_t input_tokens; /* those from a cache among them */
    int64_t output_tokens;
    int64_t cached_tokens; /* of the input, from a cache of the service */
    int64_t cost;          /* billionths of a US dollar */
};

/* What several took, as far as it is known. */
struct purse_total {
    int64_t calls;
    int64_t input_tokens;
    int64_t output_tokens;
    int64_t cached_tokens;
    int64_t cost;
    int64_t uncounted; /* calls whose tokens nobody knows */
    int64_t unpriced;  /* calls whose cost nobody knows */
};

void purse_total_add(struct purse_total *total, const struct purse_use *use);

/* US dollars to billionths, and back; what is below 0 is PURSE_UNKNOWN. */
int64_t purse_cost_of(double dollars);
double purse_dollars(int64_t cost);

/* "0.0006", "12.5", "3": all that is known of it, and no exponent. */
enum { PURSE_TEXT_SIZE = 48 };
void purse_format_dollars(double dollars, char text[PURSE_TEXT_SIZE]);

/* ---- accounts ---- */

struct purse_amount {
    int64_t tokens;
    int64_t cost; /* PURSE_UNKNOWN where the price is not known; what is held has none then */
    int64_t calls;
};

struct purse {
    struct purse_amount spent;
    struct purse_amount held;
};

enum purse_verdict {
    PURSE_FITS,
    PURSE_NO_TOKENS, /* and so on: there are not enough left */
    PURSE_NO_COST,
    PURSE_NO_CALLS,
    PURSE_NO_TIME,  /* it is over */
    PURSE_NO_PRICE, /* money is limited, and nobody knows what the call costs */
};

/* Whether `wanted` still fits, `age_ms` after that which has the budget began. */
enum purse_verdict purse_ask(const struct budget_settings *settings, const struct purse *account,
                             const struct purse_amount *wanted, int64_t age_ms);

void purse_hold(struct purse *account, const struct purse_amount *amount);

/* Whether so much is held. */
bool purse_holds(const struct purse *account, const struct purse_amount *amount);

/*
 * What was held for a call is spent as it was used; where that is not known, as it was held. So
 * much must be held.
 */
void purse_settle(struct purse *account, const struct purse_amount *held,
                  const struct purse_use *use);

#endif
