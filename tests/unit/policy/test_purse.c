/* SPDX-License-Identifier: Apache-2.0 */
/* setjmp.h, stdarg.h, stddef.h: cmocka.h needs them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/policy/purse.h"

static const struct budget_settings no_limits = {
    BUDGET_NO_LIMIT, BUDGET_NO_LIMIT, BUDGET_NO_LIMIT, BUDGET_NO_LIMIT, {0}};

static struct purse_use use_of(int64_t input, int64_t output, int64_t cost)
{
    return (struct purse_use){
        .calls = 1, .input_tokens = input, .output_tokens = output, .cost = cost};
}

static void test_purse__each_limit_is_asked(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct budget_settings settings;
        struct purse purse;
        struct purse_amount wanted;
        int64_t age_ms;
        enum purse_verdict verdict;
    } rows[] = {
        {"no limits", {-1, -1, -1, -1, {0}}, {{0}, {0}}, {1000, PURSE_UNKNOWN, 9}, 99, PURSE_FITS},
        {"all of it", {100, -1, -1, -1, {0}}, {{60, 0, 1}, {30, 0, 1}}, {10, 0, 1}, 0, PURSE_FITS},
        {"a token more",
         {100, -1, -1, -1, {0}},
         {{60, 0, 1}, {30, 0, 1}},
         {11, 0, 1},
         0,
         PURSE_NO_TOKENS},
        {"what is held counts",
         {100, -1, -1, -1, {0}},
         {{0}, {100, 0, 1}},
         {1, 0, 1},
         0,
         PURSE_NO_TOKENS},
        {"the cost fits",
         {-1, 50, -1, -1, {0}},
         {{0, 20, 1}, {0, 10, 1}},
         {9, 20, 1},
         0,
         PURSE_FITS},
        {"the cost does not",
         {-1, 50, -1, -1, {0}},
         {{0, 20, 1}, {0, 10, 1}},
         {9, 21, 1},
         0,
         PURSE_NO_COST},
        {"no price", {-1, 50, -1, -1, {0}}, {{0}, {0}}, {9, PURSE_UNKNOWN, 1}, 0, PURSE_NO_PRICE},
        {"the last call", {-1, -1, 3, -1, {0}}, {{0, 0, 1}, {0, 0, 1}}, {9, 0, 1}, 0, PURSE_FITS},
        {"a call too many",
         {-1, -1, 3, -1, {0}},
         {{0, 0, 2}, {0, 0, 1}},
         {9, 0, 1},
         0,
         PURSE_NO_CALLS},
        {"just in time", {-1, -1, -1, 500, {0}}, {{0}, {0}}, {9, 0, 1}, 499, PURSE_FITS},
        {"too late", {-1, -1, -1, 500, {0}}, {{0}, {0}}, {9, 0, 1}, 500, PURSE_NO_TIME},
        {"nothing at all", {0, 0, 0, -1, {0}}, {{0}, {0}}, {0, 0, 0}, 0, PURSE_FITS},
        {"large numbers do not overflow",
         {INT64_MAX - 1, -1, -1, -1, {0}},
         {{INT64_MAX - 5, 0, 1}, {INT64_MAX - 5, 0, 1}},
         {INT64_MAX - 5, 0, 1},
         0,
         PURSE_NO_TOKENS},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum purse_verdict is =
            purse_ask(&rows[i].settings, &rows[i].purse, &rows[i].wanted, rows[i].age_ms);
        if (is != rows[i].verdict) {
            fail_msg("%s: %d, not %d", rows[i].what, (int)is, (int)rows[i].verdict);
        }
    }
}

static void test_purse__what_was_held_is_spent_as_it_was_used(void **state)
{
    (void)state;
    struct purse purse = {0};
    const struct purse_amount held = {.tokens = 100, .cost = 50, .calls = 1};
    const struct purse_use used = use_of(20, 5, 7);
    purse_hold(&purse, &held);
    purse_hold(&purse, &held);
    assert_int_equal(purse.held.tokens, 200);
    purse_settle(&purse, &held, &used);
    assert_int_equal(purse.held.tokens, 100);
    assert_int_equal(purse.held.cost, 50);
    assert_int_equal(purse.held.calls, 1);
    assert_int_equal(purse.spent.tokens, 25);
    assert_int_equal(purse.spent.cost, 7);
    assert_int_equal(purse.spent.calls, 1);
}

static void test_purse__what_nobody_knows_counts_as_it_was_held(void **state)
{
    (void)state;
    struct purse purse = {0};
    const struct purse_amount held = {.tokens = 100, .cost = 50, .calls = 1};
    const struct purse_use used = use_of(PURSE_UNKNOWN, 5, PURSE_UNKNOWN);
    purse_hold(&purse, &held);
    purse_settle(&purse, &held, &used);
    assert_int_equal(purse.held.tokens, 0);
    assert_int_equal(purse.spent.tokens, 100);
    assert_int_equal(purse.spent.cost, 50);
}

static void test_purse__holds_what_was_put_in(void **state)
{
    (void)state;
    struct purse purse = {0};
    const struct purse_amount held = {.tokens = 100, .cost = PURSE_UNKNOWN, .calls = 1};
    const struct purse_amount more = {.tokens = 101, .cost = 0, .calls = 1};
    const struct purse_amount paid = {.tokens = 1, .cost = 1, .calls = 1};
    const struct purse_amount negative = {.tokens = -1, .cost = 0, .calls = 0};
    purse_hold(&purse, &held);
    assert_int_equal(purse.held.cost, 0);
    assert_true(purse_holds(&purse, &held));
    assert_false(purse_holds(&purse, &more));
    assert_false(purse_holds(&purse, &paid));
    assert_false(purse_holds(&purse, &negative));
}

static void test_purse__totals_say_of_how_much_they_know_nothing(void **state)
{
    (void)state;
    struct purse_total total = {0};
    struct purse_use used = use_of(20, 5, 7);
    used.cached_tokens = 4;
    purse_total_add(&total, &used);
    used = use_of(PURSE_UNKNOWN, PURSE_UNKNOWN, PURSE_UNKNOWN);
    used.cached_tokens = PURSE_UNKNOWN;
    purse_total_add(&total, &used);
    assert_int_equal(total.calls, 2);
    assert_int_equal(total.input_tokens, 20);
    assert_int_equal(total.output_tokens, 5);
    assert_int_equal(total.cached_tokens, 4);
    assert_int_equal(total.cost, 7);
    assert_int_equal(total.uncounted, 1);
    assert_int_equal(total.unpriced, 1);
}

static void test_purse__money_is_whole(void **state)
{
    (void)state;
    assert_int_equal(purse_cost_of(0.1) + purse_cost_of(0.2), purse_cost_of(0.3));
    assert_int_equal(purse_cost_of(1.0), 1000000000);
    assert_int_equal(purse_cost_of(0.0), 0);
    assert_int_equal(purse_cost_of(-1.0), PURSE_UNKNOWN);
    assert_int_equal(purse_cost_of(NAN), PURSE_UNKNOWN);
    assert_int_equal(purse_cost_of(1e300), PURSE_UNKNOWN);
    assert_true(purse_dollars(300000000) == 0.3);
}

/* Whatever the order of calls: what was used is never more than the limit while all keep to what
   they asked for. */
static void test_purse__calls_at_once_never_take_more_than_there_is(void **state)
{
    (void)state;
    enum { LIMIT = 1000, CALLS = 20 };
    struct budget_settings settings = no_limits;
    uint64_t random = 88172645463325252u;
    settings.tokens = LIMIT;
    for (int round = 0; round < 2000; round++) {
        struct purse purse = {0};
        struct purse_amount open[CALLS];
        size_t count = 0;
        int64_t used = 0;
        for (int step = 0; step < 100; step++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            const struct purse_amount wanted = {
                .tokens = (int64_t)(random % 300), .cost = 0, .calls = 1};
            if (random % 3 != 0 && count < CALLS &&
                purse_ask(&settings, &purse, &wanted, 0) == PURSE_FITS) {
                purse_hold(&purse, &wanted);
                open[count++] = wanted;
            } else if (count > 0) {
                struct purse_amount held = open[--count];
                int64_t took = held.tokens > 0 ? (int64_t)(random % (uint64_t)held.tokens) : 0;
                const struct purse_use use = use_of(took, 0, 0);
                purse_settle(&purse, &held, &use);
                used += took;
            }
            assert_true(used == purse.spent.tokens);
            assert_in_range(purse.spent.tokens + purse.held.tokens, 0, LIMIT);
        }
    }
}

static void test_purse__dollars_have_no_exponent(void **state)
{
    (void)state;
    static const struct {
        double dollars;
        const char *text;
    } rows[] = {
        {0.00001, "0.00001"}, {0.00060795, "0.00060795"}, {0.0, "0"},         {100.0, "100"},
        {12.5, "12.5"},       {1e-9, "0.000000001"},      {1e9, "1000000000"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[PURSE_TEXT_SIZE];
        purse_format_dollars(rows[i].dollars, text);
        assert_string_equal(text, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_purse__each_limit_is_asked),
        cmocka_unit_test(test_purse__what_was_held_is_spent_as_it_was_used),
        cmocka_unit_test(test_purse__what_nobody_knows_counts_as_it_was_held),
        cmocka_unit_test(test_purse__holds_what_was_put_in),
        cmocka_unit_test(test_purse__totals_say_of_how_much_they_know_nothing),
        cmocka_unit_test(test_purse__money_is_whole),
        cmocka_unit_test(test_purse__dollars_have_no_exponent),
        cmocka_unit_test(test_purse__calls_at_once_never_take_more_than_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
