/* SPDX-License-Identifier: Apache-2.0 */
#include "core/policy/retry_budget.h"

#include "core/base/check.h"

bool retry_budget_allows(const struct retry_budget *budget, double share)
{
    bool is_on = share > 0; /* false for a NaN */
    if (!is_on || budget->retries < RETRY_BUDGET_LEAST) {
        return true;
    }
    /* The retry that asks would itself be under way. */
    return (double)budget->retries + 1 <= share * ((double)budget->active + 1);
}

void retry_budget_begin(struct retry_budget *budget, uint32_t attempt)
{
    budget->active++;
    budget->retries += attempt > 1;
}

void retry_budget_end(struct retry_budget *budget, uint32_t attempt)
{
    CHECK(budget->active > 0);
    CHECK(attempt <= 1 || budget->retries > 0);
    budget->active--;
    budget->retries -= attempt > 1;
}
