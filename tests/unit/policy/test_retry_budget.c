/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/policy/retry_budget.h"
#include "tests/support/random.h"

static void test_retry_budget__allows_a_share_and_three_in_any_case(void **state)
{
    (void)state;
    static const struct {
        struct retry_budget budget;
        double share;
        bool is_allowed;
    } rows[] = {
        {{0, 0}, 0.2, true},     {{3, 2}, 0.2, true},                               /* the third */
        {{3, 3}, 0.2, false},                                                       /* 4 of 4 */
        {{18, 3}, 0.2, false},                                                      /* 4 of 19 */
        {{19, 3}, 0.2, true},                                                       /* 4 of 20 */
        {{100, 20}, 0.2, false}, {{1000, 999}, 1.0, true},   {{10, 10}, 0.0, true}, /* off */
        {{10, 10}, -1.0, true}, /* no share at all: off */
        {{10, 10}, NAN, true},   {{10, 10}, INFINITY, true}, {{UINT32_MAX, UINT32_MAX}, 0.5, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(retry_budget_allows(&rows[i].budget, rows[i].share), rows[i].is_allowed);
    }
}

/* Calls begin and end in any order: what is under way keeps to the share, and all ends at zero. */
static void test_retry_budget__retries_keep_to_the_share_in_any_order(void **state)
{
    (void)state;
    struct random random = {.state = 42};
    struct retry_budget budget = {0};
    uint32_t under_way[2] = {0}; /* first attempts, retries */
    for (int i = 0; i < 20000; i++) {
        uint32_t attempt = random_percent(&random, 50) ? 1 : 2 + random_below(&random, 3);
        uint32_t *mine = &under_way[attempt > 1];
        if (random_percent(&random, 55)) {
            if (attempt > 1 && !retry_budget_allows(&budget, 0.2)) {
                continue;
            }
            retry_budget_begin(&budget, attempt);
            ++*mine;
            double most = 0.2 * budget.active;
            assert_true(attempt == 1 || budget.retries <= 3 || budget.retries <= most);
        } else if (*mine > 0) {
            retry_budget_end(&budget, attempt);
            --*mine;
        }
        assert_int_equal(budget.retries, under_way[1]);
        assert_int_equal(budget.active, under_way[0] + under_way[1]);
    }
    assert_true(budget.active > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retry_budget__allows_a_share_and_three_in_any_case),
        cmocka_unit_test(test_retry_budget__retries_keep_to_the_share_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
