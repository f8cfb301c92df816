/* SPDX-License-Identifier: Apache-2.0 */
/* Rate limits as dispatch asks them; with the engine around them: test_limits.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/engine/dispatch.h"
#include "core/engine/dispatch_limit.h"
#include "core/engine/limiter.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"

static const int64_t start = INT64_C(1700000000000);

static const struct rate_settings ten_a_second = {.limit = 10, .period_ms = 1000, .burst = 1};
static const struct rate_settings two_a_minute = {.limit = 2, .period_ms = 60000, .burst = 2};
static const struct rate_settings no_limit = {0};

static struct dispatch *dispatch;

static int set_up(void **state)
{
    (void)state;
    dispatch = dispatch_create();
    if (dispatch != NULL) {
        dispatch_set_now(dispatch, start);
    }
    return dispatch == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    dispatch_destroy(dispatch);
    return 0;
}

static struct limiter *limiter_of(const char *key, const struct rate_settings *settings)
{
    struct limiter *limiter = NULL;
    assert_int_equal(limiters_find(dispatch_limiters(dispatch), str_from(key), settings, &limiter),
                     0);
    return limiter;
}

static struct dispatch_ticket ticket_of(struct limiter *first, struct limiter *second)
{
    struct dispatch_ticket ticket = {.limiters = {first, second}};
    ticket.limiter_count = second != NULL ? 2 : 1;
    return ticket;
}

static void pass_to(int64_t at)
{
    dispatch_set_now(dispatch, at);
    dispatch_tick(dispatch);
}

static void release(struct dispatch_ticket *ticket)
{
    dispatch_release(dispatch, ticket, BREAKER_IGNORED);
}

/* ---- */

static void test_limiter__lets_tickets_go_in_order_at_exact_times(void **state)
{
    (void)state;
    struct dispatch_ticket tickets[4];
    for (size_t i = 0; i < 4; i++) {
        tickets[i] = ticket_of(limiter_of("a", &ten_a_second), NULL);
        dispatch_want(dispatch, &tickets[i]);
    }
    assert_ptr_equal(dispatch_next_admitted(dispatch), &tickets[0]);
    for (size_t i = 1; i < 4; i++) {
        int64_t due = start + (int64_t)i * 100;
        assert_null(dispatch_next_admitted(dispatch));
        assert_int_equal(tickets[i].waits_for, DISPATCH_FOR_LIMIT);
        assert_int_equal(dispatch_next_due(dispatch), due);
        pass_to(due - 1);
        assert_null(dispatch_next_admitted(dispatch));
        pass_to(due);
        assert_ptr_equal(dispatch_next_admitted(dispatch), &tickets[i]);
    }
    assert_int_equal(dispatch_next_due(dispatch), INT64_MAX);
    for (size_t i = 0; i < 4; i++) {
        release(&tickets[i]); /* which gives no turn back */
    }
    assert_int_equal(limiter_peek(limiter_of("a", &ten_a_second), start + 300), 100);
}

static void test_limiter__nobody_overtakes_who_waits(void **state)
{
    (void)state;
    struct limiter *limiter = limiter_of("a", &ten_a_second);
    struct dispatch_ticket tickets[3];
    for (size_t i = 0; i < 2; i++) {
        tickets[i] = ticket_of(limiter, NULL);
        dispatch_want(dispatch, &tickets[i]);
    }
    assert_ptr_equal(dispatch_next_admitted(dispatch), &tickets[0]);
    dispatch_set_now(dispatch, start + 100); /* the turn has come, and nobody was told yet */
    tickets[2] = ticket_of(limiter, NULL);
    dispatch_want(dispatch, &tickets[2]);
    assert_null(dispatch_next_admitted(dispatch));
    dispatch_tick(dispatch);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &tickets[1]);
    release(&tickets[2]); /* a wish can be taken back */
    assert_int_equal(dispatch_next_due(dispatch), INT64_MAX);
    release(&tickets[0]);
    release(&tickets[1]);
}

static void test_limiter__the_strictest_holds(void **state)
{
    (void)state;
    struct limiter *fast = limiter_of("fast", &ten_a_second);
    struct limiter *slow = limiter_of("slow", &two_a_minute);
    struct dispatch_ticket both[3];
    struct dispatch_ticket only_fast = ticket_of(fast, NULL);
    for (size_t i = 0; i < 3; i++) {
        both[i] = ticket_of(fast, slow);
        dispatch_want(dispatch, &both[i]);
        pass_to(start + (int64_t)i * 100);
    }
    assert_ptr_equal(dispatch_next_admitted(dispatch), &both[0]);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &both[1]);
    assert_null(dispatch_next_admitted(dispatch));
    dispatch_want(dispatch, &only_fast); /* who waits for the slow one is in nobody's way */
    assert_ptr_equal(dispatch_next_admitted(dispatch), &only_fast);
    assert_int_equal(limiter_waiting(slow), 1);
    assert_int_equal(limiter_waiting(fast), 0);
    assert_int_equal(dispatch_next_due(dispatch), start + 60000);
    pass_to(start + 60000);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &both[2]);
    for (size_t i = 0; i < 3; i++) {
        release(&both[i]);
    }
    release(&only_fast);
}

static void test_limiter__takes_no_turn_where_another_refuses(void **state)
{
    (void)state;
    struct limiter *limiter = limiter_of("a", &ten_a_second);
    struct dispatch_scope *scope = NULL;
    assert_int_equal(dispatch_scope(dispatch, STR("s"), 1, &scope), 0);
    struct dispatch_ticket holds = {.scopes = {scope}, .scope_count = 1};
    struct dispatch_ticket wants = ticket_of(limiter, NULL);
    wants.scopes[wants.scope_count++] = scope;
    dispatch_want(dispatch, &holds);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &holds);
    dispatch_want(dispatch, &wants);
    assert_int_equal(wants.waits_for, DISPATCH_FOR_PERMIT);
    assert_int_equal(limiter_peek(limiter, start), 0);
    release(&holds);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &wants);
    assert_int_equal(limiter_peek(limiter, start), 100);
    release(&wants);
}

/* It had its turn, found the scope full, and comes back: it does not begin at the end again. */
static void test_limiter__age_counts_between_queues(void **state)
{
    (void)state;
    struct limiter *limiter = limiter_of("a", &ten_a_second);
    struct dispatch_scope *scope = NULL;
    assert_int_equal(dispatch_scope(dispatch, STR("s"), 1, &scope), 0);
    struct dispatch_ticket holds = {.scopes = {scope}, .scope_count = 1};
    struct dispatch_ticket old = ticket_of(limiter, NULL);
    struct dispatch_ticket young[2] = {ticket_of(limiter, NULL), ticket_of(limiter, NULL)};
    old.scopes[old.scope_count++] = scope;
    dispatch_want(dispatch, &holds);
    dispatch_want(dispatch, &old);
    dispatch_want(dispatch, &young[0]);
    dispatch_want(dispatch, &young[1]);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &holds);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &young[0]);
    release(&holds);
    assert_int_equal(old.waits_for, DISPATCH_FOR_LIMIT);
    pass_to(start + 100);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &old);
    pass_to(start + 200);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &young[1]);
    release(&old);
    release(&young[0]);
    release(&young[1]);
}

static void test_limiter__a_service_is_frozen_for_all_its_rates(void **state)
{
    (void)state;
    struct limiter *service = limiter_of("service", &no_limit);
    struct dispatch_ticket first = ticket_of(service, limiter_of("fast", &ten_a_second));
    struct dispatch_ticket second = ticket_of(service, limiter_of("slow", &two_a_minute));
    struct dispatch_ticket other = ticket_of(limiter_of("other", &no_limit), NULL);
    dispatch_want(dispatch, &first);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &first);
    dispatch_limit_freeze(dispatch, &first, start + 5000);
    release(&first);
    dispatch_want(dispatch, &first);
    dispatch_want(dispatch, &second);
    dispatch_want(dispatch, &other);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &other);
    assert_null(dispatch_next_admitted(dispatch));
    assert_int_equal(dispatch_next_due(dispatch), start + 5000);
    dispatch_limit_freeze(dispatch, &first, start + 3000); /* it only ever lasts longer */
    pass_to(start + 4999);
    assert_null(dispatch_next_admitted(dispatch));
    pass_to(start + 5000);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &first);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &second);
    release(&first);
    release(&second);
    release(&other);
}

static void test_limiter__an_absurd_freeze_is_an_hour(void **state)
{
    (void)state;
    struct dispatch_ticket ticket = ticket_of(limiter_of("service", &no_limit), NULL);
    dispatch_limit_freeze(dispatch, &ticket, INT64_MAX);
    dispatch_want(dispatch, &ticket);
    assert_int_equal(dispatch_next_due(dispatch), start + 3600000);
    pass_to(start + 3600000);
    assert_ptr_equal(dispatch_next_admitted(dispatch), &ticket);
    release(&ticket);
}

static void test_limiter__what_remains_only_lowers(void **state)
{
    (void)state;
    const struct rate_settings burst_of_five = {.limit = 10, .period_ms = 60000, .burst = 5};
    struct limiter *limiter = limiter_of("a", &burst_of_five);
    struct dispatch_ticket ticket = ticket_of(limiter, NULL);
    dispatch_limit_lower(dispatch, &ticket, 100, 0);
    assert_int_equal(rate_limit_left(&limiter->rate, &limiter->settings, start), 5);
    dispatch_limit_lower(dispatch, &ticket, 2, 0);
    assert_int_equal(rate_limit_left(&limiter->rate, &limiter->settings, start), 2);
    dispatch_limit_lower(dispatch, &ticket, 4, 0);
    assert_int_equal(rate_limit_left(&limiter->rate, &limiter->settings, start), 2);
    dispatch_limit_lower(dispatch, &ticket, 0, 0);
    dispatch_want(dispatch, &ticket);
    assert_int_equal(ticket.waits_for, DISPATCH_FOR_LIMIT);
    assert_ptr_equal(limiters_next_unsaved(dispatch_limiters(dispatch)), limiter);
    release(&ticket);
}

static void test_limiter__a_clock_set_back_holds_nobody_longer_than_a_full_scope(void **state)
{
    (void)state;
    struct limiter *limiter = limiter_of("a", &ten_a_second);
    struct dispatch_ticket tickets[2] = {ticket_of(limiter, NULL), ticket_of(limiter, NULL)};
    dispatch_want(dispatch, &tickets[0]);
    dispatch_want(dispatch, &tickets[1]);
    pass_to(start - 86400000);
    assert_int_equal(dispatch_next_due(dispatch), start - 86400000 + 100);
    pass_to(start - 86400000 + 100);
    assert_int_equal(tickets[1].state, DISPATCH_ADMITTED);
    release(&tickets[0]);
    release(&tickets[1]);
}

static void test_limiter__calls_have_an_end_of_their_own_that_is_not_held(void **state)
{
    (void)state;
    struct limiter *limiter = limiter_of("service", &no_limit);
    struct dispatch_ticket node = ticket_of(limiter, NULL);
    struct dispatch_ticket call = ticket_of(limiter, NULL);
    struct dispatch_ticket dropped = ticket_of(limiter, NULL);
    call.is_call = true;
    dropped.is_call = true;
    dispatch_hold(dispatch);
    dispatch_want(dispatch, &node);
    dispatch_want(dispatch, &dropped);
    dispatch_want(dispatch, &call);
    release(&dropped);
    assert_null(dispatch_next_admitted(dispatch));
    assert_ptr_equal(dispatch_next_call(dispatch), &call);
    assert_null(dispatch_next_call(dispatch));
    release(&call);
    release(&node);
}

/* ---- over a restart ---- */

static void restore(const struct document *saved, int64_t now)
{
    struct strbuf text = STRBUF_INIT;
    json_write(document_root(saved), JSON_COMPACT, &text);
    dispatch_destroy(dispatch);
    dispatch = dispatch_create();
    assert_non_null(dispatch);
    dispatch_set_now(dispatch, now);
    assert_int_equal(
        limiters_restore(dispatch_limiters(dispatch), STR("a"), strbuf_str(&text), now, NULL), 0);
    strbuf_finish(&text);
}

static void test_limiter__is_saved_once_a_second_and_restored_stricter(void **state)
{
    (void)state;
    struct limiters *limiters = dispatch_limiters(dispatch);
    struct limiter *limiter = limiter_of("a", &ten_a_second);
    struct document *saved = NULL;
    size_t saves = 0;
    for (int64_t i = 0; i < 100; i++) {
        struct dispatch_ticket ticket = ticket_of(limiter, NULL);
        pass_to(start + i * 100);
        dispatch_want(dispatch, &ticket);
        assert_ptr_equal(dispatch_next_admitted(dispatch), &ticket);
        if (limiters_next_unsaved(limiters) != NULL) {
            document_unref(saved);
            assert_int_equal(limiter_save(limiter, &saved), 0);
            saves++;
        }
        assert_null(limiters_next_unsaved(limiters));
        release(&ticket);
    }
    assert_in_range(saves, 9, 11);
    int64_t before = start + 9900 + limiter_peek(limiter, start + 9900);
    restore(saved, start + 9900);
    limiter = limiter_of("a", &ten_a_second);
    int64_t after = start + 9900 + limiter_peek(limiter, start + 9900);
    assert_in_range(after - before, 0, 1000);
    restore(saved, start + 60000); /* nothing of it counts any more */
    limiter = limiter_of("a", &ten_a_second);
    assert_int_equal(limiter_peek(limiter, start + 60000), 0);
    assert_true(limiter_is_over(limiter, start + 60000));
    document_unref(saved);
}

static void test_limiter__refuses_what_it_did_not_save(void **state)
{
    (void)state;
    static const char *const bad[] = {"",     "{}",
                                      "[]",   "{\"arrival_ns\":1}",
                                      "null", "{\"arrival_ns\":-1,\"frozen_until\":0}",
                                      "7",    "{\"arrival_ns\":\"1\",\"frozen_until\":0}",
                                      "{",    "{\"arrival_ns\":1.5,\"frozen_until\":0}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct error err = {0};
        assert_int_equal(
            limiters_restore(dispatch_limiters(dispatch), STR("a"), str_from(bad[i]), start, &err),
            E_CORRUPT);
        assert_true(err.message[0] != '\0');
    }
    assert_int_equal(limiters_restore(dispatch_limiters(dispatch), STR("a"),
                                      STR("{\"arrival_ns\":9223372036854775807,"
                                          "\"frozen_until\":9223372036854775807}"),
                                      start, NULL),
                     0);
    assert_int_equal(limiter_peek(limiter_of("a", &ten_a_second), start), 3600000);
}

static void test_limiter__survives_each_failed_allocation(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct limiter *limiter = NULL;
        failing_alloc_arm(n);
        int status =
            limiters_find(dispatch_limiters(dispatch), STR("a scope"), &ten_a_second, &limiter);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, 0);
            assert_int_equal(limiter->settings.limit, 10);
            assert_true(n > 0);
            break;
        }
        assert_int_equal(status, E_NOMEM);
        assert_null(limiter);
    }
    for (long n = 0;; n++) {
        failing_alloc_arm(n);
        int status = limiters_restore(dispatch_limiters(dispatch), STR("other"),
                                      STR("{\"arrival_ns\":1,\"frozen_until\":9000000000000}"),
                                      start, NULL);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, 0);
            assert_true(n > 1);
            break;
        }
        assert_int_equal(status, E_NOMEM);
    }
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FRESH(test_limiter__lets_tickets_go_in_order_at_exact_times),
        FRESH(test_limiter__nobody_overtakes_who_waits),
        FRESH(test_limiter__the_strictest_holds),
        FRESH(test_limiter__takes_no_turn_where_another_refuses),
        FRESH(test_limiter__age_counts_between_queues),
        FRESH(test_limiter__a_service_is_frozen_for_all_its_rates),
        FRESH(test_limiter__an_absurd_freeze_is_an_hour),
        FRESH(test_limiter__what_remains_only_lowers),
        FRESH(test_limiter__a_clock_set_back_holds_nobody_longer_than_a_full_scope),
        FRESH(test_limiter__calls_have_an_end_of_their_own_that_is_not_held),
        FRESH(test_limiter__is_saved_once_a_second_and_restored_stricter),
        FRESH(test_limiter__refuses_what_it_did_not_save),
        FRESH(test_limiter__survives_each_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
