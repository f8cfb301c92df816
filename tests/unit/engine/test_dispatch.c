/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "core/base/error.h"
#include "core/engine/dispatch.h"
#include "core/engine/dispatch_guard.h"
#include "core/engine/dispatch_scope.h"
#include "core/model/policy.h"
#include "core/policy/retry_budget.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/random.h"

static struct dispatch *dispatch;

static int set_up(void **state)
{
    (void)state;
    dispatch = dispatch_create();
    return dispatch == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    dispatch_destroy(dispatch);
    return 0;
}

static struct dispatch_scope *scope_of(const char *key, uint32_t limit)
{
    struct dispatch_scope *scope = NULL;
    assert_int_equal(dispatch_scope(dispatch, str_from(key), limit, &scope), 0);
    return scope;
}

static struct dispatch_ticket ticket_in(struct dispatch_scope *first, struct dispatch_scope *second)
{
    struct dispatch_ticket ticket = {.scopes = {first, second}};
    ticket.scope_count = second != NULL ? 2 : 1;
    return ticket;
}

static void test_dispatch__scope_is_found_again_with_its_first_limit(void **state)
{
    (void)state;
    struct dispatch_scope *scope = scope_of("a", 3);
    assert_ptr_equal(scope_of("a", 5), scope);
    assert_int_equal(dispatch_scope_limit(scope), 3);
    assert_ptr_not_equal(scope_of("b", 3), scope);
    assert_int_equal(dispatch_scope_in_use(scope), 0);
}

static void test_dispatch__admits_up_to_the_limit_in_order(void **state)
{
    (void)state;
    struct dispatch_scope *scope = scope_of("a", 2);
    struct dispatch_ticket tickets[5];
    for (size_t i = 0; i < 5; i++) {
        tickets[i] = ticket_in(scope, NULL);
        dispatch_want(dispatch, &tickets[i]);
    }
    assert_ptr_equal(dispatch_next_admitted(dispatch), &tickets[0]);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &tickets[1]);
    assert_null(dispatch_next_admitted(dispatch));
    assert_int_equal(dispatch_scope_in_use(scope), 2);
    assert_int_equal(dispatch_waiting(dispatch), 3);
    dispatch_release(dispatch, &tickets[1], BREAKER_GOOD);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &tickets[2]);
    dispatch_release(dispatch, &tickets[0], BREAKER_GOOD);
    dispatch_release(dispatch, &tickets[2], BREAKER_GOOD);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &tickets[3]);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &tickets[4]);
    assert_null(dispatch_next_admitted(dispatch));
    dispatch_release(dispatch, &tickets[3], BREAKER_GOOD);
    dispatch_release(dispatch, &tickets[4], BREAKER_GOOD);
    assert_int_equal(dispatch_scope_in_use(scope), 0);
}

static void test_dispatch__takes_all_permits_or_none(void **state)
{
    (void)state;
    struct dispatch_scope *wide = scope_of("wide", 2);
    struct dispatch_scope *narrow = scope_of("narrow", 1);
    struct dispatch_ticket first = ticket_in(wide, narrow);
    struct dispatch_ticket second = ticket_in(wide, narrow);
    struct dispatch_ticket third = ticket_in(wide, NULL);
    dispatch_want(dispatch, &first);
    dispatch_want(dispatch, &second);
    assert_int_equal(dispatch_scope_in_use(wide), 1);
    dispatch_want(dispatch, &third);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &first);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &third);
    assert_null(dispatch_next_admitted(dispatch));
    dispatch_release(dispatch, &first, BREAKER_GOOD);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &second);
    dispatch_release(dispatch, &second, BREAKER_GOOD);
    dispatch_release(dispatch, &third, BREAKER_GOOD);
    assert_int_equal(dispatch_scope_in_use(wide), 0);
    assert_int_equal(dispatch_scope_in_use(narrow), 0);
}

static void test_dispatch__a_wish_can_be_taken_back(void **state)
{
    (void)state;
    struct dispatch_scope *scope = scope_of("a", 1);
    struct dispatch_ticket tickets[4];
    for (size_t i = 0; i < 4; i++) {
        tickets[i] = ticket_in(scope, NULL);
        dispatch_want(dispatch, &tickets[i]);
    }
    dispatch_release(dispatch, &tickets[2], BREAKER_GOOD); /* in the middle of the queue */
    assert_int_equal(tickets[2].state, DISPATCH_IDLE);
    dispatch_release(dispatch, &tickets[0], BREAKER_GOOD); /* admitted, not yet taken */
    assert_ptr_equal(dispatch_next_admitted(dispatch), &tickets[1]);
    dispatch_release(dispatch, &tickets[1], BREAKER_GOOD);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &tickets[3]);
    dispatch_release(dispatch, &tickets[3], BREAKER_GOOD);
    dispatch_release(dispatch, &tickets[3], BREAKER_GOOD); /* idle: nothing happens */
    assert_int_equal(dispatch_scope_in_use(scope), 0);
    assert_null(dispatch_next_admitted(dispatch));
}

static void test_dispatch__who_waits_for_one_scope_does_not_block_another(void **state)
{
    (void)state;
    struct dispatch_scope *a = scope_of("a", 1);
    struct dispatch_scope *b = scope_of("b", 1);
    struct dispatch_ticket holds_a = ticket_in(a, NULL);
    struct dispatch_ticket holds_b = ticket_in(b, NULL);
    struct dispatch_ticket both = ticket_in(a, b);
    struct dispatch_ticket only_a = ticket_in(a, NULL);
    dispatch_want(dispatch, &holds_a);
    dispatch_want(dispatch, &holds_b);
    dispatch_want(dispatch, &both);
    dispatch_want(dispatch, &only_a);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &holds_a);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &holds_b);
    dispatch_release(dispatch, &holds_a, BREAKER_GOOD); /* `both` finds b full and waits there */
    assert_ptr_equal(dispatch_next_admitted(dispatch), &only_a);
    dispatch_release(dispatch, &holds_b, BREAKER_GOOD); /* and now a is full again */
    assert_null(dispatch_next_admitted(dispatch));
    dispatch_release(dispatch, &only_a, BREAKER_GOOD);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &both);
    dispatch_release(dispatch, &both, BREAKER_GOOD);
    assert_int_equal(dispatch_scope_in_use(a) + dispatch_scope_in_use(b), 0);
}

enum { TICKETS = 40, SCOPES = 6 };

/* Retries are under way whose end has it asked again. */
static bool waits_for_retries(const struct dispatch_ticket *tickets,
                              const struct dispatch_ticket *asks)
{
    struct retry_budget budget = {0};
    for (size_t i = 0; i < TICKETS; i++) {
        bool has_permits = tickets[i].state == DISPATCH_HELD ||
                           tickets[i].state == DISPATCH_ADMITTED;
        if (has_permits && tickets[i].scopes[0] == asks->scopes[0]) {
            retry_budget_begin(&budget, tickets[i].attempt);
        }
    }
    return asks->waits_for == DISPATCH_FOR_BUDGET && budget.retries >= RETRY_BUDGET_LEAST;
}

/* Whoever waits has a full scope or no budget; nobody waits for ever; limits hold. */
static void check_state(struct dispatch_scope *const *scopes, const struct dispatch_ticket *tickets)
{
    uint32_t used[SCOPES] = {0};
    for (size_t i = 0; i < TICKETS; i++) {
        bool has_permits = tickets[i].state == DISPATCH_HELD ||
                           tickets[i].state == DISPATCH_ADMITTED;
        bool is_blocked = false;
        for (uint32_t k = 0; k < tickets[i].scope_count; k++) {
            for (size_t s = 0; s < SCOPES; s++) {
                used[s] += has_permits && tickets[i].scopes[k] == scopes[s] ? 1u : 0u;
            }
            is_blocked = is_blocked || dispatch_scope_in_use(tickets[i].scopes[k]) ==
                                           dispatch_scope_limit(tickets[i].scopes[k]);
        }
        assert_true(tickets[i].state != DISPATCH_WAITING || is_blocked ||
                    waits_for_retries(tickets, &tickets[i]));
    }
    for (size_t s = 0; s < SCOPES; s++) {
        assert_int_equal(dispatch_scope_in_use(scopes[s]), used[s]);
        assert_true(used[s] <= dispatch_scope_limit(scopes[s]));
    }
}

static void choose_scopes(struct random *random, struct dispatch_scope *const *scopes,
                          struct dispatch_ticket *ticket)
{
    uint32_t first = random_below(random, SCOPES);
    *ticket = (struct dispatch_ticket){.attempt = 1 + random_below(random, 2),
                                       .retry_budget = random_below(random, 3) * 0.25};
    ticket->scope_count = (uint8_t)(1 + random_below(random, DISPATCH_MAX_SCOPES));
    for (uint32_t k = 0; k < ticket->scope_count; k++) {
        ticket->scopes[k] = scopes[(first + k) % SCOPES];
    }
}

static void test_dispatch__retries_stay_within_their_budget(void **state)
{
    (void)state;
    struct dispatch_scope *scope = scope_of("a", 100);
    struct dispatch_ticket retries[5];
    struct dispatch_ticket calls[20];
    for (size_t i = 0; i < 5; i++) {
        retries[i] = ticket_in(scope, NULL);
        retries[i].attempt = 2;
        retries[i].retry_budget = 0.2;
        dispatch_want(dispatch, &retries[i]);
        assert_int_equal(retries[i].state,
                         i < RETRY_BUDGET_LEAST ? DISPATCH_ADMITTED : DISPATCH_WAITING);
    }
    for (size_t i = 0; i < 20; i++) { /* four of twenty are a fifth */
        calls[i] = ticket_in(scope, NULL);
        calls[i].attempt = 1;
        dispatch_want(dispatch, &calls[i]);
        assert_int_equal(calls[i].state, DISPATCH_ADMITTED);
        assert_int_equal(retries[3].state, i < 15 ? DISPATCH_WAITING : DISPATCH_ADMITTED);
    }
    assert_int_equal(retries[4].state, DISPATCH_ADMITTED);
    dispatch_release(dispatch, &retries[0], BREAKER_GOOD);
    for (size_t i = 0; i < 20; i++) {
        dispatch_release(dispatch, &calls[i], BREAKER_GOOD);
    }
    dispatch_want(dispatch, &retries[0]);
    assert_int_equal(retries[0].state, DISPATCH_WAITING);
    dispatch_release(dispatch, &retries[1], BREAKER_GOOD);
    dispatch_release(dispatch, &retries[2], BREAKER_GOOD);
    assert_int_equal(retries[0].state, DISPATCH_ADMITTED);
    for (size_t i = 0; i < 5; i++) {
        dispatch_release(dispatch, &retries[i], BREAKER_GOOD);
    }
}

static size_t count_waiting(const struct dispatch_ticket *tickets)
{
    size_t count = 0;
    for (size_t i = 0; i < TICKETS; i++) {
        count += tickets[i].state == DISPATCH_WAITING ? 1 : 0;
    }
    return count;
}

static void test_dispatch__holds_its_limits_in_any_order_of_events(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct random random = {seed};
        struct dispatch_scope *scopes[SCOPES];
        struct dispatch_ticket tickets[TICKETS] = {0};
        for (uint32_t s = 0; s < SCOPES; s++) {
            char key[2] = {(char)('a' + s), '\0'};
            scopes[s] = scope_of(key, 1 + s * s % 11);
        }
        for (size_t step = 0; step < 500; step++) {
            struct dispatch_ticket *ticket = &tickets[random_below(&random, TICKETS)];
            if (ticket->state == DISPATCH_IDLE) {
                choose_scopes(&random, scopes, ticket);
                dispatch_want(dispatch, ticket);
            } else if (random_percent(&random, 60)) {
                dispatch_release(dispatch, ticket, BREAKER_GOOD);
            } else {
                (void)dispatch_next_admitted(dispatch); /* NULL is as good */
            }
            check_state(scopes, tickets);
            assert_int_equal(dispatch_waiting(dispatch), count_waiting(tickets));
        }
        for (size_t i = 0; i < TICKETS; i++) {
            dispatch_release(dispatch, &tickets[i], BREAKER_GOOD);
        }
        check_state(scopes, tickets);
        assert_null(dispatch_next_admitted(dispatch));
    }
}

static void test_dispatch__a_scope_may_have_no_key(void **state)
{
    (void)state;
    struct dispatch_scope *own = dispatch_scope_create(1);
    struct dispatch_ticket first = ticket_in(scope_of("a", 5), own);
    struct dispatch_ticket second = ticket_in(scope_of("a", 5), own);
    dispatch_want(dispatch, &first);
    dispatch_want(dispatch, &second);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &first);
    assert_null(dispatch_next_admitted(dispatch));
    dispatch_release(dispatch, &second, BREAKER_GOOD);
    dispatch_release(dispatch, &first, BREAKER_GOOD);
    assert_int_equal(dispatch_scope_in_use(own), 0);
    dispatch_scope_destroy(own);
    dispatch_scope_destroy(NULL);
    failing_alloc_arm(0);
    assert_null(dispatch_scope_create(1));
    assert_true(failing_alloc_disarm());
}

static void test_dispatch__scope_survives_each_failed_allocation(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct dispatch_scope *scope = NULL;
        failing_alloc_arm(n);
        int status = dispatch_scope(dispatch, STR("a scope"), 4, &scope);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, 0);
            assert_int_equal(dispatch_scope_limit(scope), 4);
            assert_true(n > 0);
            break;
        }
        assert_int_equal(status, E_NOMEM);
        assert_null(scope);
    }
    failing_alloc_arm(0);
    assert_null(dispatch_create());
    assert_true(failing_alloc_disarm());
}

/* ---- turns of the retry queue ---- */

static struct dispatch_ticket item_ticket(int32_t priority, int64_t at, uint64_t id)
{
    return (struct dispatch_ticket){.place.turn = {at, id, priority}, .has_turn = true};
}

static struct dispatch_guard *open_guard_of(const char *key)
{
    struct breaker_settings settings = BREAKER_SETTINGS_DEFAULT;
    struct dispatch_guard *guard = NULL;
    struct dispatch_ticket first = {.scope_count = 0};
    settings.failure_threshold = 1;
    assert_int_equal(dispatch_guard(dispatch, str_from(key), &settings, &guard), 0);
    first.guard = guard;
    dispatch_want(dispatch, &first);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &first);
    dispatch_release(dispatch, &first, BREAKER_BAD);
    return guard;
}

static void test_dispatch__a_breaker_lets_items_go_in_their_turns(void **state)
{
    (void)state;
    dispatch_set_now(dispatch, 1000);
    struct dispatch_scope *scope = scope_of("a", 1);
    struct dispatch_guard *guard = open_guard_of("service");
    struct dispatch_ticket tickets[] = {
        item_ticket(QUEUE_PRIORITY_LOW, 10, 1),   item_ticket(QUEUE_PRIORITY_NORMAL, 900, 2),
        item_ticket(QUEUE_PRIORITY_HIGH, 950, 3), ticket_in(scope, NULL),
        item_ticket(QUEUE_PRIORITY_HIGH, 40, 5),
    };
    static const size_t order[] = {4, 2, 1, 3, 0}; /* who is no item asked at 1000 */
    for (size_t i = 0; i < 5; i++) {
        tickets[i].guard = guard;
        tickets[i].scopes[0] = scope;
        tickets[i].scope_count = 1;
        dispatch_want(dispatch, &tickets[i]);
    }
    assert_null(dispatch_next_admitted(dispatch));
    assert_int_equal(dispatch_obey(dispatch, dispatch_guard_key(guard), BREAKER_ORDER_RESET, NULL),
                     0);
    for (size_t i = 0; i < 5; i++) {
        assert_ptr_equal(dispatch_next_admitted(dispatch), &tickets[order[i]]);
        assert_null(dispatch_next_admitted(dispatch));
        dispatch_release(dispatch, &tickets[order[i]], BREAKER_GOOD);
    }
}

/* What comes first by its turn, but waits for something else, is not in the way. */
static void test_dispatch__an_item_that_waits_blocks_nobody(void **state)
{
    (void)state;
    dispatch_set_now(dispatch, 1000);
    struct dispatch_scope *scope = scope_of("a", 1);
    struct dispatch_guard *shut = open_guard_of("shut");
    struct dispatch_ticket high = item_ticket(QUEUE_PRIORITY_HIGH, 1, 1);
    struct dispatch_ticket low = item_ticket(QUEUE_PRIORITY_LOW, 2, 2);
    high.guard = shut;
    high.scopes[0] = scope;
    high.scope_count = 1;
    low.scopes[0] = scope;
    low.scope_count = 1;
    dispatch_want(dispatch, &high);
    dispatch_want(dispatch, &low);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &low);
    dispatch_release(dispatch, &low, BREAKER_GOOD);
    dispatch_release(dispatch, &high, BREAKER_CANCELLED);
}

/* The clock is set back: who asked first is first even so. */
static void test_dispatch__a_clock_set_back_changes_no_order(void **state)
{
    (void)state;
    struct dispatch_scope *scope = scope_of("a", 1);
    struct dispatch_ticket tickets[3];
    for (size_t i = 0; i < 3; i++) {
        dispatch_set_now(dispatch, 1000000 - (int64_t)i * 1000);
        tickets[i] = ticket_in(scope, NULL);
        dispatch_want(dispatch, &tickets[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_ptr_equal(dispatch_next_admitted(dispatch), &tickets[i]);
        dispatch_release(dispatch, &tickets[i], BREAKER_GOOD);
    }
}

enum { PLAYERS = 60 };

struct play {
    struct dispatch_ticket tickets[PLAYERS];
    bool is_in[PLAYERS]; /* it waits, or is at work */
    struct dispatch_guard *guard;
    struct dispatch_scope *scope;
};

static bool waits(const struct play *play, size_t i)
{
    return play->is_in[i] && play->tickets[i].state == DISPATCH_WAITING;
}

static bool guard_is_open(const struct play *play)
{
    return dispatch_guard_breaker(play->guard)->state == BREAKER_FORCED_OPEN;
}

/* Each that goes is before all that wait where it waited. */
static void take_all(struct play *play)
{
    struct dispatch_ticket *ticket = NULL;
    while ((ticket = dispatch_next_admitted(dispatch)) != NULL) {
        for (size_t i = 0; i < PLAYERS; i++) {
            if (waits(play, i)) {
                assert_true(
                    turn_queue_is_before(&ticket->place.turn, &play->tickets[i].place.turn));
            }
        }
    }
}

static void step(struct play *play, struct random *random, uint64_t number)
{
    size_t i = random_below(random, PLAYERS);
    struct dispatch_ticket *ticket = &play->tickets[i];
    if (!play->is_in[i] && guard_is_open(play)) {
        *ticket =
            item_ticket((int32_t)random_below(random, 3) - 1, random_below(random, 9), number);
        ticket->guard = play->guard;
        ticket->scopes[0] = play->scope;
        ticket->scope_count = 1;
        dispatch_want(dispatch, ticket);
        play->is_in[i] = true;
    } else if (play->is_in[i]) {
        bool is_held = ticket->state == DISPATCH_HELD;
        dispatch_release(dispatch, ticket, is_held ? BREAKER_GOOD : BREAKER_CANCELLED);
        play->is_in[i] = false;
    }
}

static void test_dispatch__turns_hold_whatever_happens(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct random random = {seed};
        struct play play = {.guard = NULL};
        char key[16];
        (void)snprintf(key, sizeof(key), "%u", (unsigned)seed);
        play.scope = scope_of(key, 3);
        play.guard = open_guard_of(key);
        for (uint64_t number = 1; number <= 1000; number++) {
            step(&play, &random, number);
            if (random_percent(&random, 3)) {
                enum breaker_order order = guard_is_open(&play) ? BREAKER_ORDER_RESET
                                                                : BREAKER_ORDER_OPEN;
                assert_int_equal(dispatch_obey(dispatch, str_from(key), order, NULL), 0);
            }
            take_all(&play);
        }
        for (size_t i = 0; i < PLAYERS; i++) {
            dispatch_release(dispatch, &play.tickets[i], BREAKER_CANCELLED);
            take_all(&play);
        }
        assert_int_equal(dispatch_waiting(dispatch), 0);
        assert_int_equal(dispatch_scope_in_use(play.scope), 0);
    }
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FRESH(test_dispatch__scope_is_found_again_with_its_first_limit),
        FRESH(test_dispatch__admits_up_to_the_limit_in_order),
        FRESH(test_dispatch__takes_all_permits_or_none),
        FRESH(test_dispatch__a_wish_can_be_taken_back),
        FRESH(test_dispatch__who_waits_for_one_scope_does_not_block_another),
        FRESH(test_dispatch__retries_stay_within_their_budget),
        FRESH(test_dispatch__holds_its_limits_in_any_order_of_events),
        FRESH(test_dispatch__a_scope_may_have_no_key),
        FRESH(test_dispatch__scope_survives_each_failed_allocation),
        FRESH(test_dispatch__a_breaker_lets_items_go_in_their_turns),
        FRESH(test_dispatch__an_item_that_waits_blocks_nobody),
        FRESH(test_dispatch__a_clock_set_back_changes_no_order),
        FRESH(test_dispatch__turns_hold_whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
