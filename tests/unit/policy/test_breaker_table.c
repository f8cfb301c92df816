/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/policy/breaker_case.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static void threshold_reached(void)
{
    call_and_report(BREAKER_BAD);
    assert_int_equal(news, BREAKER_CHANGED);
}

static void good_result(void)
{
    call_and_report(BREAKER_GOOD);
    assert_int_equal(breaker.failures_in_row, 0);
}

static void ignored_results(void)
{
    for (int i = 0; i < 10; i++) {
        call_and_report(i % 2 == 0 ? BREAKER_IGNORED : BREAKER_CANCELLED);
        assert_int_equal(news, BREAKER_SAME);
    }
    assert_int_equal(breaker.failures_in_row, 2);
}

static void call_before_due(void)
{
    now += MINUTE - 1;
    call();
}

static void call_at_due(void)
{
    now += MINUTE;
    call();
}

static void call_long_after_due(void)
{
    now += 100 * MINUTE;
    call();
}

static void trial_cancelled(void)
{
    report(BREAKER_CANCELLED);
}

static void trial_ignored(void)
{
    report(BREAKER_IGNORED);
}

static void first_trial_good(void)
{
    report(BREAKER_GOOD);
    assert_int_equal(news, BREAKER_SAME);
}

static void all_trials_good(void)
{
    report(BREAKER_GOOD);
    call_and_report(BREAKER_GOOD);
    assert_int_equal(news, BREAKER_CHANGED);
}

static void a_trial_failed(void)
{
    call();
    report(BREAKER_BAD);
    assert_int_equal(news, BREAKER_CHANGED);
}

static void half_open_timeout(void)
{
    assert_int_equal(breaker_next_due(&breaker), now + 30000);
    now += 29999;
    assert_false(breaker_tick(&breaker, now));
    now += 1;
    assert_true(breaker_tick(&breaker, now));
}

static void half_open_timeout_seen_by_a_call(void)
{
    now += 30000;
    call();
    assert_true(answer.has_changed);
}

static void half_open_timeout_seen_by_its_result(void)
{
    now += 30000;
    report(BREAKER_GOOD);
    assert_int_equal(news, BREAKER_CHANGED);
}

/* A call begins here; its result comes after the state has changed. */
static void old_result_when_closed(void)
{
    struct breaker_answer old = breaker_ask(&breaker, now);
    breaker_obey(&breaker, BREAKER_ORDER_OPEN, now);
    breaker_obey(&breaker, BREAKER_ORDER_RESET, now);
    be_closed();
    news = breaker_report(&breaker, old.permit, BREAKER_BAD, 10, now);
}

static void old_result_when_open(void)
{
    struct breaker_permit old = {.generation = breaker.generation - 1};
    news = breaker_report(&breaker, old, BREAKER_BAD, 10, now);
}

static void old_result_when_half_open(void)
{
    struct breaker_permit old = {.generation = breaker.generation - 2};
    news = breaker_report(&breaker, old, BREAKER_BAD, 10, now);
}

static void result_without_a_permit(void)
{
    struct breaker_permit none = {.generation = breaker.generation};
    news = breaker_report(&breaker, none, BREAKER_GOOD, 10, now);
}

static void one_result_too_many(void)
{
    report(BREAKER_CANCELLED);
    report(BREAKER_BAD);
}

static void forced_open(void)
{
    assert_true(breaker_obey(&breaker, BREAKER_ORDER_OPEN, now));
    assert_false(breaker_obey(&breaker, BREAKER_ORDER_OPEN, now));
}

static void disabled(void)
{
    assert_true(breaker_obey(&breaker, BREAKER_ORDER_DISABLE, now));
    assert_false(breaker_obey(&breaker, BREAKER_ORDER_DISABLE, now));
}

static void reset(void)
{
    bool is_closed = breaker.state == BREAKER_CLOSED;
    assert_int_equal(breaker_obey(&breaker, BREAKER_ORDER_RESET, now), !is_closed);
}

static void many_failures(void)
{
    for (int i = 0; i < 10; i++) {
        call_and_report(BREAKER_BAD);
    }
}

static void closed(void)
{
    assert_int_equal(breaker.state, BREAKER_CLOSED);
    assert_int_equal(breaker_next_due(&breaker), BREAKER_NEVER);
    assert_int_equal(breaker_peek(&breaker, now).ruling, BREAKER_ADMIT);
}

static void closed_and_empty(void)
{
    closed();
    assert_int_equal(breaker.failures_in_row, 0);
    assert_int_equal(breaker.window.calls, 0);
    assert_int_equal(breaker.openings, 0);
}

static void open_for_a_minute(void)
{
    assert_int_equal(breaker.state, BREAKER_OPEN);
    assert_int_equal(breaker.openings, 1);
    assert_int_equal(breaker_next_due(&breaker), now + MINUTE);
}

static void open_again_for_longer(void)
{
    assert_int_equal(breaker.state, BREAKER_OPEN);
    assert_int_equal(breaker.openings, 2);
    assert_in_range(breaker_next_due(&breaker) - now, 96000, 144000);
    call();
    assert_int_equal(answer.ruling, BREAKER_REFUSED);
}

static void refused_with_the_due_time(void)
{
    assert_int_equal(breaker.state, BREAKER_OPEN);
    assert_int_equal(answer.ruling, BREAKER_REFUSED);
    assert_int_equal(answer.due_at, START + MINUTE);
    assert_false(answer.has_changed);
}

static void half_open_and_a_trial(void)
{
    assert_int_equal(breaker.state, BREAKER_HALF_OPEN);
    assert_int_equal(answer.ruling, BREAKER_TRIAL);
    assert_int_equal(breaker.trials_under_way, 1);
    assert_true(answer.has_changed);
}

static void a_second_trial(void)
{
    assert_int_equal(answer.ruling, BREAKER_TRIAL);
    assert_int_equal(breaker.trials_under_way, 2);
    assert_false(answer.has_changed);
}

static void refused_until_the_trials_are_late(void)
{
    assert_int_equal(breaker.state, BREAKER_HALF_OPEN);
    assert_int_equal(answer.ruling, BREAKER_REFUSED);
    assert_int_equal(answer.due_at, START + MINUTE + 30000);
}

static void permit_given_back(void)
{
    assert_int_equal(news, BREAKER_PERMIT_FREE);
    assert_int_equal(breaker.state, BREAKER_HALF_OPEN);
    assert_int_equal(breaker.trials_under_way, 0);
    assert_int_equal(breaker_next_due(&breaker), BREAKER_NEVER); /* nobody is late */
    now += 100 * MINUTE;
    call();
    assert_int_equal(answer.ruling, BREAKER_TRIAL);
    assert_int_equal(breaker.trials_under_way, 1);
}

static void one_permit_given_back(void)
{
    assert_int_equal(news, BREAKER_PERMIT_FREE);
    assert_int_equal(breaker.trials_under_way, 1);
    assert_int_equal(breaker_next_due(&breaker), now + 30000);
    call();
    assert_int_equal(answer.ruling, BREAKER_TRIAL);
    call();
    assert_int_equal(answer.ruling, BREAKER_REFUSED);
}

static void one_trial_is_left(void)
{
    assert_int_equal(breaker.state, BREAKER_HALF_OPEN);
    assert_int_equal(breaker.trials_good, 1);
    assert_int_equal(breaker_next_due(&breaker), BREAKER_NEVER);
    call();
    assert_int_equal(answer.ruling, BREAKER_TRIAL);
    call();
    assert_int_equal(answer.ruling, BREAKER_REFUSED);
}

static void still_closed(void)
{
    assert_int_equal(breaker.failures_in_row, 2);
    closed();
}

static void still_open(void)
{
    assert_int_equal(news, BREAKER_SAME);
    assert_int_equal(breaker.openings, 1);
    assert_int_equal(breaker.state, BREAKER_OPEN);
}

static void still_half_open(void)
{
    assert_int_equal(news, BREAKER_SAME);
    assert_int_equal(breaker.state, BREAKER_HALF_OPEN);
}

static void refused_until_an_operator_says_else(void)
{
    assert_int_equal(breaker.state, BREAKER_FORCED_OPEN);
    now += 1000 * MINUTE;
    call();
    assert_int_equal(answer.ruling, BREAKER_REFUSED);
    assert_int_equal(answer.due_at, BREAKER_NEVER);
}

static void all_calls_pass(void)
{
    assert_int_equal(breaker.state, BREAKER_DISABLED);
    many_failures();
    assert_int_equal(breaker.state, BREAKER_DISABLED);
}

#define STEP(name) #name, name

/* The state table, row by row. */
static const struct {
    const char *state_text;
    void (*state)(void);
    const char *event_text;
    void (*event)(void);
    const char *next_text;
    void (*next)(void);
} state_table[] = {
    {STEP(be_closed), STEP(threshold_reached), STEP(open_for_a_minute)},
    {STEP(be_closed), STEP(good_result), STEP(closed)},
    {STEP(be_closed), STEP(ignored_results), STEP(still_closed)},
    {STEP(be_open), STEP(call_before_due), STEP(refused_with_the_due_time)},
    {STEP(be_open), STEP(call_at_due), STEP(half_open_and_a_trial)},
    {STEP(be_open), STEP(call_long_after_due), STEP(half_open_and_a_trial)},
    {STEP(be_half_open), STEP(call), STEP(a_second_trial)},
    {STEP(be_half_open_without_permits), STEP(call), STEP(refused_until_the_trials_are_late)},
    {STEP(be_half_open), STEP(trial_cancelled), STEP(permit_given_back)},
    {STEP(be_half_open), STEP(trial_ignored), STEP(permit_given_back)},
    {STEP(be_half_open_without_permits), STEP(trial_cancelled), STEP(one_permit_given_back)},
    {STEP(be_half_open), STEP(first_trial_good), STEP(one_trial_is_left)},
    {STEP(be_half_open), STEP(all_trials_good), STEP(closed_and_empty)},
    {STEP(be_half_open), STEP(a_trial_failed), STEP(open_again_for_longer)},
    {STEP(be_half_open), STEP(half_open_timeout), STEP(open_again_for_longer)},
    {STEP(be_half_open), STEP(half_open_timeout_seen_by_a_call), STEP(open_again_for_longer)},
    {STEP(be_half_open), STEP(half_open_timeout_seen_by_its_result), STEP(open_again_for_longer)},
    {STEP(be_closed), STEP(old_result_when_closed), STEP(still_closed)},
    {STEP(be_open), STEP(old_result_when_open), STEP(still_open)},
    {STEP(be_open), STEP(result_without_a_permit), STEP(still_open)},
    {STEP(be_half_open), STEP(old_result_when_half_open), STEP(still_half_open)},
    {STEP(be_half_open), STEP(one_result_too_many), STEP(still_half_open)},
    {STEP(be_closed), STEP(forced_open), STEP(refused_until_an_operator_says_else)},
    {STEP(be_open), STEP(forced_open), STEP(refused_until_an_operator_says_else)},
    {STEP(be_half_open), STEP(forced_open), STEP(refused_until_an_operator_says_else)},
    {STEP(be_disabled), STEP(forced_open), STEP(refused_until_an_operator_says_else)},
    {STEP(be_closed), STEP(disabled), STEP(all_calls_pass)},
    {STEP(be_open), STEP(disabled), STEP(all_calls_pass)},
    {STEP(be_half_open), STEP(disabled), STEP(all_calls_pass)},
    {STEP(be_forced_open), STEP(disabled), STEP(all_calls_pass)},
    {STEP(be_disabled), STEP(many_failures), STEP(all_calls_pass)},
    {STEP(be_closed), STEP(reset), STEP(closed_and_empty)},
    {STEP(be_open), STEP(reset), STEP(closed_and_empty)},
    {STEP(be_half_open), STEP(reset), STEP(closed_and_empty)},
    {STEP(be_forced_open), STEP(reset), STEP(closed_and_empty)},
    {STEP(be_disabled), STEP(reset), STEP(closed_and_empty)},
};

static void test_breaker_table__holds_row_by_row(void **state)
{
    for (size_t i = 0; i < COUNT_OF(state_table); i++) {
        print_message("%s, %s: %s\n", state_table[i].state_text, state_table[i].event_text,
                      state_table[i].next_text);
        breaker_case_set_up(state);
        state_table[i].state();
        state_table[i].event();
        state_table[i].next();
    }
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_breaker_table__holds_row_by_row, breaker_case_set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
