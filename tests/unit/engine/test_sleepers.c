/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/engine/dispatch.h"
#include "core/engine/dispatch_guard.h"
#include "core/engine/dispatch_scope.h"
#include "core/engine/limiter.h"
#include "core/engine/sleepers.h"
#include "core/model/policy.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/random.h"

#define BEGIN INT64_C(1000000)

static struct dispatch *dispatch;
static struct sleepers *sleepers;
static struct dispatch_guard *guard; /* opens with its first failure, for 4 s; two trials */
static int64_t now;
static int64_t asked; /* so many so far */

static struct dispatch_guard *make_guard(const char *key)
{
    struct breaker_settings settings = BREAKER_SETTINGS_DEFAULT;
    struct dispatch_guard *made = NULL;
    settings.failure_threshold = 1;
    settings.reset_timeout_ms = 4000;
    settings.half_open_calls = 2;
    settings.half_open_timeout_ms = 5000;
    assert_int_equal(dispatch_guard(dispatch, str_from(key), &settings, &made), 0);
    return made;
}

static void set_now(int64_t ms)
{
    now = BEGIN + ms;
    dispatch_set_now(dispatch, now);
}

static int set_up(void **state)
{
    (void)state;
    dispatch = dispatch_create();
    sleepers = sleepers_create();
    if (dispatch == NULL || sleepers == NULL) {
        return 1;
    }
    set_now(0);
    guard = make_guard("a");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sleepers_destroy(sleepers);
    dispatch_destroy(dispatch);
    return 0;
}

static void want(struct dispatch_ticket *ticket, struct dispatch_scope *scope)
{
    *ticket = (struct dispatch_ticket){.guard = guard, .scopes = {scope}};
    ticket->scope_count = scope != NULL ? 1 : 0;
    dispatch_want(dispatch, ticket);
    while (dispatch_next_admitted(dispatch) != NULL) {
    }
}

static void open_guard(void)
{
    struct dispatch_ticket ticket;
    want(&ticket, NULL);
    dispatch_release(dispatch, &ticket, BREAKER_BAD);
}

static void add(uint64_t number, int64_t wake_at)
{
    const struct sleeper_options options = {
        .number = number, .guard = guard, .nodes = 1, .turn = {.at = ++asked}, .wake_at = wake_at};
    assert_int_equal(sleepers_add(sleepers, &options), 0);
}

static void add_turn(uint64_t number, int32_t priority, int64_t at, int64_t wake_at)
{
    const struct sleeper_options options = {.number = number,
                                            .guard = guard,
                                            .nodes = 1,
                                            .turn = {.at = at, .priority = priority},
                                            .wake_at = wake_at};
    assert_int_equal(sleepers_add(sleepers, &options), 0);
}

/* The numbers of those who are woken now. */
static void expect_awake(size_t count, const uint64_t *numbers)
{
    uint64_t number = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(sleepers_next_awake(sleepers, dispatch, now, &number));
        assert_int_equal(number, numbers[i]);
    }
}

static void expect_all_asleep(void)
{
    uint64_t number = 0;
    assert_false(sleepers_next_awake(sleepers, dispatch, now, &number));
}

static uint64_t wake(void)
{
    uint64_t number = 0;
    assert_true(sleepers_next_awake(sleepers, dispatch, now, &number));
    return number;
}

static void test_sleepers__nobody_is_woken_while_the_breaker_is_open(void **state)
{
    (void)state;
    open_guard();
    add(1, INT64_MAX);
    add(2, INT64_MAX);
    assert_int_equal(sleepers_next_due(sleepers, dispatch), BEGIN + 4000);
    assert_int_equal(sleepers_waiting(sleepers, guard), 2);
    set_now(3999);
    expect_all_asleep();
    assert_int_equal(sleepers_count(sleepers), 2);
}

static void test_sleepers__as_many_are_woken_as_there_are_trials(void **state)
{
    (void)state;
    struct dispatch_ticket trials[2];
    open_guard();
    for (uint64_t i = 1; i <= 4; i++) {
        add(i, INT64_MAX);
    }
    set_now(4000);
    assert_int_equal(sleepers_next_due(sleepers, dispatch), now);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(wake(), i + 1);
        want(&trials[i], NULL);
        assert_int_equal(trials[i].state, DISPATCH_HELD);
    }
    expect_all_asleep();
    assert_int_equal(sleepers_next_due(sleepers, dispatch), INT64_MAX);
    dispatch_release(dispatch, &trials[0], BREAKER_CANCELLED); /* its permit is free again */
    assert_int_equal(wake(), 3);
    want(&trials[0], NULL);
    dispatch_release(dispatch, &trials[1], BREAKER_BAD); /* open, from the second time on longer */
    expect_all_asleep();
    assert_in_range(sleepers_next_due(sleepers, dispatch), (uint64_t)now + 6400,
                    (uint64_t)now + 9600);
    dispatch_release(dispatch, &trials[0], BREAKER_GOOD);
}

static void test_sleepers__who_does_not_ask_makes_room_for_the_next(void **state)
{
    (void)state;
    open_guard();
    for (uint64_t i = 1; i <= 4; i++) {
        add(i, INT64_MAX);
    }
    set_now(4000);
    expect_awake(4, (const uint64_t[]){1, 2, 3, 4});
    expect_all_asleep();
    assert_int_equal(sleepers_next_due(sleepers, dispatch), INT64_MAX);
}

/* After the closing: no more are in memory than can wait for a permit. */
static void test_sleepers__a_few_at_a_time_are_woken_by_a_closed_breaker(void **state)
{
    (void)state;
    enum { COUNT = DISPATCH_MOST_ASKING + 10 };
    static struct dispatch_ticket tickets[COUNT];
    struct dispatch_scope *scope = dispatch_scope_create(3);
    size_t woken = 0;
    uint64_t number = 0;
    open_guard();
    for (uint64_t i = 1; i <= COUNT; i++) {
        add(i, INT64_MAX);
    }
    assert_int_equal(dispatch_obey(dispatch, dispatch_guard_key(guard), BREAKER_ORDER_RESET, NULL),
                     0);
    assert_int_equal(sleepers_next_due(sleepers, dispatch), now);
    while (sleepers_next_awake(sleepers, dispatch, now, &number)) {
        want(&tickets[woken++], scope);
    }
    assert_int_equal(woken, DISPATCH_MOST_ASKING + 3);
    assert_int_equal(sleepers_next_due(sleepers, dispatch), INT64_MAX);
    for (size_t i = 0; i < COUNT; i++) {
        if (sleepers_next_awake(sleepers, dispatch, now, &number)) {
            want(&tickets[woken++], scope);
        }
        dispatch_release(dispatch, &tickets[i], BREAKER_GOOD);
        while (dispatch_next_admitted(dispatch) != NULL) {
        }
    }
    assert_int_equal(woken, COUNT);
    assert_int_equal(dispatch_guard_room(dispatch, guard), DISPATCH_MOST_ASKING);
    dispatch_scope_destroy(scope);
}

/* What it lets through may wait for a rate limit, too. */
static void test_sleepers__a_rate_limit_keeps_nobody_asleep(void **state)
{
    (void)state;
    static const struct rate_settings one = {.limit = 1, .period_ms = 1000, .burst = 1};
    struct dispatch_ticket tickets[2] = {{.attempt = 1}, {.attempt = 1}};
    struct limiter *limiter = NULL;
    assert_int_equal(limiters_find(dispatch_limiters(dispatch), STR("a scope"), &one, &limiter), 0);
    for (size_t i = 0; i < 2; i++) {
        tickets[i].guard = guard;
        tickets[i].limiters[0] = limiter;
        tickets[i].limiter_count = 1;
        dispatch_want(dispatch, &tickets[i]);
    }
    assert_int_equal(tickets[1].waits_for, DISPATCH_FOR_LIMIT);
    assert_int_equal(dispatch_guard_room(dispatch, guard), DISPATCH_MOST_ASKING - 1);
    dispatch_release(dispatch, &tickets[1], BREAKER_CANCELLED);
    assert_int_equal(dispatch_guard_room(dispatch, guard), DISPATCH_MOST_ASKING);
    dispatch_release(dispatch, &tickets[0], BREAKER_CANCELLED);
}

static void test_sleepers__an_operator_wakes_them_or_not(void **state)
{
    (void)state;
    open_guard();
    add(1, INT64_MAX);
    assert_int_equal(dispatch_obey(dispatch, dispatch_guard_key(guard), BREAKER_ORDER_OPEN, NULL),
                     0);
    set_now(3600000);
    assert_int_equal(sleepers_next_due(sleepers, dispatch), INT64_MAX);
    expect_all_asleep();
    assert_int_equal(
        dispatch_obey(dispatch, dispatch_guard_key(guard), BREAKER_ORDER_DISABLE, NULL), 0);
    assert_int_equal(sleepers_next_due(sleepers, dispatch), now);
    expect_awake(1, (const uint64_t[]){1});
}

static void test_sleepers__their_own_time_wakes_them_too(void **state)
{
    (void)state;
    open_guard();
    add(1, BEGIN + 3000);
    add(2, BEGIN + 2000);
    add(3, INT64_MAX);
    assert_int_equal(sleepers_next_due(sleepers, dispatch), BEGIN + 2000);
    set_now(2000);
    expect_awake(1, (const uint64_t[]){2});
    expect_all_asleep();
    assert_int_equal(sleepers_next_due(sleepers, dispatch), BEGIN + 3000);
    set_now(3000);
    expect_awake(1, (const uint64_t[]){1});
    expect_all_asleep();
    assert_int_equal(sleepers_next_due(sleepers, dispatch), BEGIN + 4000);
}

static void test_sleepers__one_that_is_awake_is_not_woken(void **state)
{
    (void)state;
    open_guard();
    add(7, INT64_MAX);
    add(8, INT64_MAX);
    add(9, INT64_MAX);
    sleepers_remove(sleepers, 8);
    sleepers_remove(sleepers, 8);
    sleepers_remove(sleepers, 123);
    add(7, INT64_MAX); /* it has slept again since: behind the others */
    assert_int_equal(sleepers_waiting(sleepers, guard), 2);
    set_now(4000);
    expect_awake(2, (const uint64_t[]){9, 7});
    assert_int_equal(sleepers_waiting(sleepers, guard), 0);
}

static void test_sleepers__say_for_what_they_wait(void **state)
{
    (void)state;
    struct sleeper_options found = {0};
    char path[] = "each[3].call";
    const struct sleeper_options options = {
        .number = 5, .guard = guard, .nodes = 3, .wake_at = INT64_MAX, .node = str_from(path)};
    assert_int_equal(sleepers_add(sleepers, &options), 0);
    path[0] = '?';
    assert_false(sleepers_find(sleepers, 6, &found));
    assert_true(sleepers_find(sleepers, 5, &found));
    assert_true(str_equal_text(found.node, "each[3].call"));
    assert_int_equal(found.nodes, 3);
    assert_ptr_equal(found.guard, guard);
    assert_int_equal(sleepers_nodes(sleepers), 3);
    sleepers_remove(sleepers, 5);
    assert_int_equal(sleepers_nodes(sleepers), 0);
    assert_false(sleepers_find(sleepers, 5, &found));
}

static void test_sleepers__nobody_is_woken_where_nothing_starts(void **state)
{
    (void)state;
    open_guard();
    add(1, INT64_MAX);
    dispatch_hold(dispatch);
    set_now(4000);
    expect_all_asleep();
    assert_int_equal(sleepers_next_due(sleepers, dispatch), INT64_MAX);
}

static void test_sleepers__wait_for_their_own_breaker(void **state)
{
    (void)state;
    struct dispatch_guard *other = guard;
    open_guard();
    add(1, INT64_MAX);
    guard = make_guard("b");
    open_guard();
    add(2, INT64_MAX);
    assert_int_equal(sleepers_waiting(sleepers, other), 1);
    assert_int_equal(dispatch_obey(dispatch, dispatch_guard_key(guard), BREAKER_ORDER_RESET, NULL),
                     0);
    expect_awake(1, (const uint64_t[]){2});
    expect_all_asleep();
}

static void test_sleepers__are_woken_in_their_turns(void **state)
{
    (void)state;
    open_guard();
    add_turn(1, QUEUE_PRIORITY_LOW, 10, INT64_MAX);
    add_turn(4, QUEUE_PRIORITY_NORMAL, 30, INT64_MAX);
    add_turn(3, QUEUE_PRIORITY_NORMAL, 30, INT64_MAX);
    add_turn(2, QUEUE_PRIORITY_NORMAL, 20, INT64_MAX);
    add_turn(5, QUEUE_PRIORITY_HIGH, 90, INT64_MAX);
    assert_int_equal(dispatch_obey(dispatch, dispatch_guard_key(guard), BREAKER_ORDER_RESET, NULL),
                     0);
    expect_awake(5, (const uint64_t[]){5, 2, 3, 4, 1});
    expect_all_asleep();
}

/* One that has a later turn is here, and gets the permit when those who slept have had theirs. */
static void test_sleepers__go_before_tickets_with_later_turns(void **state)
{
    (void)state;
    struct dispatch_ticket low = {.guard = guard, .has_turn = true};
    struct dispatch_ticket high = {.guard = guard, .has_turn = true};
    struct dispatch_ticket usual = {.guard = guard};
    open_guard();
    low.place.turn = (struct turn_key){.at = 1, .id = 1, .priority = QUEUE_PRIORITY_LOW};
    high.place.turn = (struct turn_key){.at = 2, .id = 2, .priority = QUEUE_PRIORITY_HIGH};
    dispatch_want(dispatch, &low);
    dispatch_want(dispatch, &usual);
    add_turn(2, QUEUE_PRIORITY_HIGH, 2, INT64_MAX);
    assert_int_equal(dispatch_obey(dispatch, dispatch_guard_key(guard), BREAKER_ORDER_RESET, NULL),
                     0);
    assert_null(dispatch_next_admitted(dispatch));
    assert_int_equal(dispatch_next_due(dispatch), INT64_MAX);
    expect_awake(1, (const uint64_t[]){2});
    dispatch_want(dispatch, &high);
    assert_int_equal(dispatch_next_due(dispatch), now); /* now the others may ask */
    dispatch_tick(dispatch);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &high);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &usual);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &low);
    dispatch_release(dispatch, &high, BREAKER_GOOD);
    dispatch_release(dispatch, &usual, BREAKER_GOOD);
    dispatch_release(dispatch, &low, BREAKER_GOOD);
}

/* However many they are, in whatever order they came, and however many are due at once. */
static void test_sleepers__very_many_take_no_longer_each(void **state)
{
    (void)state;
    static struct turn_key turns[100001];
    struct random random = {7};
    uint64_t number = 0;
    uint64_t due = 0;
    open_guard();
    for (uint64_t i = 1; i <= 100000; i++) {
        bool has_time = random_percent(&random, 50);
        turns[i] = (struct turn_key){.at = random_below(&random, 50000),
                                     .id = i,
                                     .priority = (int32_t)random_below(&random, 3) - 1};
        add_turn(i, turns[i].priority, turns[i].at, has_time ? BEGIN + 1000 : INT64_MAX);
        due += has_time ? 1 : 0;
    }
    set_now(1000);
    for (uint64_t i = 0; i < due; i++) {
        assert_true(sleepers_next_awake(sleepers, dispatch, now, &number));
    }
    expect_all_asleep();
    assert_int_equal(dispatch_obey(dispatch, dispatch_guard_key(guard), BREAKER_ORDER_RESET, NULL),
                     0);
    uint64_t before = wake();
    for (uint64_t i = due + 1; i < 100000; i++) {
        number = wake();
        assert_true(turn_queue_is_before(&turns[before], &turns[number]));
        before = number;
    }
    assert_int_equal(sleepers_count(sleepers), 0);
}

static void test_sleepers__survive_each_failed_allocation(void **state)
{
    (void)state;
    const struct sleeper_options options = {
        .number = 1, .guard = guard, .nodes = 1, .wake_at = INT64_MAX};
    bool is_reached = true;
    for (long n = 0; is_reached; n++) {
        failing_alloc_arm(n);
        struct sleepers *made = sleepers_create();
        int status = made != NULL ? sleepers_add(made, &options) : E_NOMEM;
        is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        if (made != NULL) {
            assert_int_equal(sleepers_count(made), is_reached ? 0 : 1);
            assert_int_equal(sleepers_waiting(made, guard), is_reached ? 0 : 1);
        }
        sleepers_destroy(made);
    }
    sleepers_destroy(NULL);
}

#define FRESH(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRESH(test_sleepers__nobody_is_woken_while_the_breaker_is_open),
        FRESH(test_sleepers__as_many_are_woken_as_there_are_trials),
        FRESH(test_sleepers__who_does_not_ask_makes_room_for_the_next),
        FRESH(test_sleepers__a_few_at_a_time_are_woken_by_a_closed_breaker),
        FRESH(test_sleepers__a_rate_limit_keeps_nobody_asleep),
        FRESH(test_sleepers__an_operator_wakes_them_or_not),
        FRESH(test_sleepers__their_own_time_wakes_them_too),
        FRESH(test_sleepers__one_that_is_awake_is_not_woken),
        FRESH(test_sleepers__say_for_what_they_wait),
        FRESH(test_sleepers__nobody_is_woken_where_nothing_starts),
        FRESH(test_sleepers__wait_for_their_own_breaker),
        FRESH(test_sleepers__are_woken_in_their_turns),
        FRESH(test_sleepers__go_before_tickets_with_later_turns),
        FRESH(test_sleepers__very_many_take_no_longer_each),
        FRESH(test_sleepers__survive_each_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
