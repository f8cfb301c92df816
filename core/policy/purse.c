/* SPDX-License-Identifier: Apache-2.0 */
#include "core/policy/purse.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>

#include "core/base/check.h"

/* Totals stay far from what an integer can hold, however long a run lives. */
static int64_t sum(int64_t a, int64_t b)
{
    return b > INT64_MAX - a ? INT64_MAX : a + b;
}

static int64_t known(int64_t number)
{
    return number > 0 ? number : 0;
}

void purse_total_add(struct purse_total *total, const struct purse_use *use)
{
    bool is_uncounted = use->input_tokens < 0 || use->output_tokens < 0;
    total->calls = sum(total->calls, use->calls);
    total->input_tokens = sum(total->input_tokens, known(use->input_tokens));
    total->output_tokens = sum(total->output_tokens, known(use->output_tokens));
    total->cached_tokens = sum(total->cached_tokens, known(use->cached_tokens));
    total->cost = sum(total->cost, known(use->cost));
    total->uncounted = sum(total->uncounted, is_uncounted ? use->calls : 0);
    total->unpriced = sum(total->unpriced, use->cost < 0 ? use->calls : 0);
}

int64_t purse_cost_of(double dollars)
{
    bool is_known = dollars >= 0.0 && dollars <= PURSE_MOST_DOLLARS; /* and a number */
    return is_known ? (int64_t)llround(dollars * 1e9) : PURSE_UNKNOWN;
}

double purse_dollars(int64_t cost)
{
    return (double)cost / 1e9;
}

void purse_format_dollars(double dollars, char text[PURSE_TEXT_SIZE])
{
    int written = snprintf(text, PURSE_TEXT_SIZE, "%.9f", dollars);
    size_t n = written > 0 && written < PURSE_TEXT_SIZE ? (size_t)written : 0;
    while (n > 0 && text[n - 1] == '0') {
        n--;
    }
    n -= n > 0 && text[n - 1] == '.' ? 1 : 0;
    if (n > 0) {
        text[n] = '\0';
    }
}

/* ---- accounts ---- */

static bool fits(int64_t limit, int64_t spent, int64_t held, int64_t wanted)
{
    return limit < 0 || sum(sum(spent, held), wanted) <= limit;
}

enum purse_verdict purse_ask(const struct budget_settings *settings, const struct purse *account,
                             const struct purse_amount *wanted, int64_t age_ms)
{
    const struct purse_amount *spent = &account->spent;
    const struct purse_amount *held = &account->held;
    if (settings->time_ms >= 0 && age_ms >= settings->time_ms) {
        return PURSE_NO_TIME;
    }
    if (!fits(settings->calls, spent->calls, held->calls, wanted->calls)) {
        return PURSE_NO_CALLS;
    }
    if (!fits(settings->tokens, spent->tokens, held->tokens, wanted->tokens)) {
        return PURSE_NO_TOKENS;
    }
    if (settings->cost >= 0 && wanted->cost < 0) {
        return PURSE_NO_PRICE;
    }
    return fits(settings->cost, spent->cost, held->cost, wanted->cost) ? PURSE_FITS : PURSE_NO_COST;
}

void purse_hold(struct purse *account, const struct purse_amount *amount)
{
    account->held.tokens = sum(account->held.tokens, amount->tokens);
    account->held.cost = sum(account->held.cost, known(amount->cost));
    account->held.calls = sum(account->held.calls, amount->calls);
}

bool purse_holds(const struct purse *account, const struct purse_amount *amount)
{
    return amount->tokens >= 0 && amount->tokens <= account->held.tokens &&
           known(amount->cost) <= account->held.cost && amount->calls >= 0 &&
           amount->calls <= account->held.calls;
}

void purse_settle(struct purse *account, const struct purse_amount *held,
                  const struct purse_use *use)
{
    bool is_counted = use->input_tokens >= 0 && use->output_tokens >= 0;
    CHECK(purse_holds(account, held));
    account->held.tokens -= held->tokens;
    account->held.cost -= known(held->cost);
    account->held.calls -= held->calls;
    account->spent.tokens =
        sum(account->spent.tokens,
            is_counted ? sum(use->input_tokens, use->output_tokens) : held->tokens);
    account->spent.cost = sum(account->spent.cost, use->cost >= 0 ? use->cost : known(held->cost));
    account->spent.calls = sum(account->spent.calls, use->calls);
}
