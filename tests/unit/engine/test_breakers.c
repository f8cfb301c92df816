/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/engine/world.h"

#include <stdio.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/engine/engine.h"
#include "core/value/value.h"

#define DOWN "{\"code\":\"UNAVAILABLE\",\"message\":\"refused\",\"effect\":\"none\"}"

static struct toy_run *call(const char *url)
{
    char yaml[512];
    (void)snprintf(yaml, sizeof(yaml),
                   "id: p\n"
                   "nodes:\n"
                   "  - {id: a, type: call.task, retry: off, config: {url: '%s'}}\n",
                   url);
    return toy_world_run(&world, yaml, NULL);
}

/* So many calls of the service fail, one after the other. */
static void calls_fail(const char *url, int times, const char *failure)
{
    for (int i = 0; i < times; i++) {
        struct toy_run *run = call(url);
        assert_true(toy_run_is_live(run, "a"));
        toy_run_failed_with(run, "a", failure);
        assert_ended(run, "failed");
    }
}

static const struct breaker *breaker(const char *key)
{
    struct engine_breaker found;
    for (const void *at = NULL; engine_next_breaker(world.engine, &at, &found);) {
        if (str_equal_text(found.key, key)) {
            return found.breaker;
        }
    }
    return NULL;
}

#define SERVICE "call https://a.example:443"

static enum breaker_state state_of(const char *key)
{
    assert_non_null(breaker(key));
    return breaker(key)->state;
}

/* ---- */

static void test_breakers__five_failures_keep_calls_away_for_a_minute(void **state)
{
    (void)state;
    calls_fail("https://a.example/x", 5, DOWN);
    assert_int_equal(state_of(SERVICE), BREAKER_OPEN);
    struct toy_run *run = call("https://a.example/y");
    assert_state(run, "a", "queued");
    toy_world_pass(&world, 59999);
    assert_state(run, "a", "queued");
    toy_world_pass(&world, 1);
    assert_true(toy_run_is_live(run, "a"));
    assert_int_equal(state_of(SERVICE), BREAKER_HALF_OPEN);
    toy_run_done(run, "a", "{}");
    assert_int_equal(state_of(SERVICE), BREAKER_CLOSED);
    assert_true(toy_run_is_live(call("https://a.example/z"), "a"));
}

static void test_breakers__one_trial_at_a_time(void **state)
{
    (void)state;
    struct toy_run *runs[40];
    uint32_t live = 0;
    calls_fail("https://a.example/x", 5, DOWN);
    for (int i = 0; i < 40; i++) {
        runs[i] = call("https://a.example/y");
    }
    toy_world_pass(&world, 60000);
    assert_int_equal(world.live, 1);
    toy_run_failed_with(runs[0], "a", DOWN);
    assert_int_equal(world.live, 0);
    assert_int_equal(state_of(SERVICE), BREAKER_OPEN);
    toy_world_pass(&world, 95000); /* twice as long, less a fifth */
    assert_int_equal(world.live, 0);
    toy_world_pass(&world, 50000);
    assert_int_equal(world.live, 1);
    toy_run_done(runs[1], "a", "{}");
    for (int i = 2; i < 40; i++) {
        live += toy_run_is_live(runs[i], "a") ? 1u : 0u;
    }
    assert_int_equal(live, 25); /* as many as may run at once */
}

static void test_breakers__a_trial_without_an_answer_opens_again(void **state)
{
    (void)state;
    calls_fail("https://a.example/x", 5, DOWN);
    struct toy_run *first = call("https://a.example/y");
    toy_world_pass(&world, 60000);
    assert_true(toy_run_is_live(first, "a"));
    toy_world_pass(&world, 60000);
    assert_int_equal(state_of(SERVICE), BREAKER_OPEN);
    assert_true(toy_run_is_live(first, "a"));
    toy_run_done(first, "a", "{}"); /* too late to be of use */
    assert_int_equal(state_of(SERVICE), BREAKER_OPEN);
}

static void test_breakers__other_services_go_on(void **state)
{
    (void)state;
    static const char *const others[] = {"http://a.example/", "https://a.example:8443/",
                                         "https://b.example/", "https://a.example.org/"};
    calls_fail("https://a.example/x", 5, DOWN);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_true(toy_run_is_live(call(others[i]), "a"));
    }
}

static void test_breakers__a_service_has_one_name(void **state)
{
    (void)state;
    static const char *const same[] = {"https://a.example/", "HTTPS://A.Example:443/x",
                                       "https://me:pw@a.example/?q", "https://a.example#f",
                                       "https://a.example?x=@b/"};
    calls_fail("https://a.example/x", 5, DOWN);
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        assert_state(call(same[i]), "a", "queued");
    }
    calls_fail("http://[::1]:8080/x", 1, DOWN);
    assert_non_null(breaker("call http://[::1]:8080"));
    calls_fail("http://[::1]/x", 1, DOWN);
    assert_non_null(breaker("call http://[::1]:80"));
    calls_fail("nonsense", 1, DOWN);
    assert_non_null(breaker("call"));
}

static void test_breakers__what_is_not_the_services_fault_does_not_count(void **state)
{
    (void)state;
    calls_fail("https://a.example/x", 9,
               "{\"code\":\"RATE_LIMITED\",\"message\":\"x\",\"upstream_status\":429}");
    calls_fail("https://a.example/x", 9,
               "{\"code\":\"AUTH\",\"message\":\"x\",\"upstream_status\":401}");
    calls_fail("https://a.example/x", 9,
               "{\"code\":\"NOT_FOUND\",\"message\":\"x\",\"upstream_status\":404}");
    calls_fail("https://a.example/x", 9, "{\"code\":\"CONFIG\",\"message\":\"x\"}");
    assert_int_equal(state_of(SERVICE), BREAKER_CLOSED);
    calls_fail("https://a.example/x", 4, DOWN);
    calls_fail("https://a.example/x", 1,
               "{\"code\":\"NOT_FOUND\",\"message\":\"x\",\"upstream_status\":404}");
    calls_fail("https://a.example/x", 4, DOWN);
    assert_int_equal(state_of(SERVICE), BREAKER_CLOSED); /* it answered in between */
}

static void test_breakers__a_refusal_uses_up_no_attempt(void **state)
{
    (void)state;
    calls_fail("https://a.example/x", 4, DOWN);
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes:\n"
                      "  - {id: a, type: call.task, config: {url: 'https://a.example/'},"
                      " retry: {max_attempts: 2, initial_interval: 1s, jitter: none}}\n",
                      NULL);
    toy_run_failed_with(run, "a", DOWN); /* the fifth */
    toy_world_pass(&world, 1000);
    assert_state(run, "a", "queued");
    toy_world_pass(&world, 59000);
    assert_true(toy_run_is_live(run, "a"));
    assert_int_equal(toy_run_view(run, "a").attempt, 2);
    toy_run_done(run, "a", "{}");
    assert_ended(run, "completed");
}

static void test_breakers__a_restart_forgets_nothing(void **state)
{
    (void)state;
    calls_fail("https://a.example/x", 5, DOWN);
    assert_int_equal(world.scope_changes, 1);
    struct toy_run *run = call("https://a.example/y");
    toy_world_pass(&world, 30000);
    toy_world_restart(&world);
    run = toy_world_find(&world, run->id);
    assert_int_equal(state_of(SERVICE), BREAKER_OPEN);
    assert_state(run, "a", "queued");
    toy_world_pass(&world, 29999);
    assert_state(run, "a", "queued");
    toy_world_pass(&world, 1);
    assert_true(toy_run_is_live(run, "a"));
}

static void test_breakers__a_cancel_takes_the_wish_back(void **state)
{
    (void)state;
    calls_fail("https://a.example/x", 5, DOWN);
    struct toy_run *run = call("https://a.example/y");
    toy_run_cancel(run);
    assert_ended(run, "cancelled");
    assert_int_equal(engine_next_due(world.engine), INT64_MAX);
    struct toy_run *trial = call("https://a.example/y");
    toy_world_pass(&world, 60000);
    toy_run_cancel(trial); /* it says nothing: the permit is free again */
    struct toy_run *next = call("https://a.example/y");
    assert_state(next, "a", "queued");
    toy_run_failed_with(trial, "a", "{\"code\":\"CANCELLED\",\"message\":\"x\"}");
    assert_true(toy_run_is_live(next, "a"));
}

static void order(const char *key, enum breaker_order what)
{
    struct batch batch = BATCH_INIT;
    assert_int_equal(
        engine_order_breaker(world.engine, str_from(key), what, world.now, &batch, NULL), 0);
    toy_world_take(&world, &batch);
}

static void test_breakers__operators_are_obeyed(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    struct error err = {0};
    calls_fail("https://a.example/x", 1, DOWN);
    order(SERVICE, BREAKER_ORDER_OPEN);
    struct toy_run *run = call("https://a.example/y");
    toy_world_pass(&world, 3600000);
    assert_state(run, "a", "queued");
    order(SERVICE, BREAKER_ORDER_RESET);
    assert_true(toy_run_is_live(run, "a"));
    order(SERVICE, BREAKER_ORDER_DISABLE);
    calls_fail("https://a.example/x", 9, DOWN);
    assert_int_equal(engine_order_breaker(world.engine, STR("nobody"), BREAKER_ORDER_RESET,
                                          world.now, &batch, &err),
                     E_NOT_FOUND);
    batch_finish(&batch);
}

/* The same call by a node whose breaker opens after `threshold` failures. */
static struct toy_run *call_strictly(int threshold)
{
    char yaml[512];
    (void)snprintf(yaml, sizeof(yaml),
                   "id: p\n"
                   "nodes:\n"
                   "  - {id: a, type: call.task, retry: off, config: {url: 'https://a.example/'},\n"
                   "     circuit_breaker: {failure_threshold: %d}}\n",
                   threshold);
    return toy_world_run(&world, yaml, NULL);
}

static size_t breakers_in(enum breaker_state state)
{
    struct engine_breaker found;
    size_t count = 0;
    for (const void *at = NULL; engine_next_breaker(world.engine, &at, &found);) {
        count += found.breaker->state == state ? 1 : 0;
    }
    return count;
}

/* Also those that the service gets later, in this process and the next one. */
static void test_breakers__an_order_for_a_service_holds(void **state)
{
    (void)state;
    toy_run_done(call_strictly(2), "a", "{}"); /* it has none of the default settings */
    order(SERVICE, BREAKER_ORDER_OPEN);
    struct toy_run *second = call_strictly(3);
    assert_state(second, "a", "queued");
    struct toy_run *usual = call("https://a.example/y");
    assert_state(usual, "a", "queued");
    assert_true(toy_run_is_live(call("https://b.example/y"), "a"));
    toy_world_restart(&world);
    struct toy_run *third = call_strictly(4);
    assert_state(third, "a", "queued");
    assert_int_equal(breakers_in(BREAKER_FORCED_OPEN), 4);
    order(SERVICE, BREAKER_ORDER_RESET);
    assert_int_equal(breakers_in(BREAKER_FORCED_OPEN), 0);
    assert_true(toy_run_is_live(third, "a"));
    assert_true(toy_run_is_live(call_strictly(5), "a")); /* it is over */
}

static void test_breakers__a_disabled_service_stays_so(void **state)
{
    (void)state;
    toy_run_done(call_strictly(2), "a", "{}");
    order(SERVICE, BREAKER_ORDER_DISABLE);
    toy_world_restart(&world);
    for (int i = 0; i < 4; i++) {
        struct toy_run *run = call_strictly(1);
        assert_true(toy_run_is_live(run, "a"));
        toy_run_failed_with(run, "a", DOWN);
    }
    assert_int_equal(breakers_in(BREAKER_DISABLED), 3);
}

/* An order for one of them is for no other. */
static void test_breakers__an_order_for_one_is_for_it_alone(void **state)
{
    (void)state;
    toy_run_done(call_strictly(2), "a", "{}");
    struct engine_breaker found;
    assert_true(engine_next_breaker(world.engine, &(const void *){NULL}, &found));
    char key[128];
    (void)snprintf(key, sizeof(key), "%.*s", STR_ARG(found.key));
    order(key, BREAKER_ORDER_OPEN);
    assert_state(call_strictly(2), "a", "queued");
    assert_true(toy_run_is_live(call_strictly(3), "a"));
    assert_true(toy_run_is_live(call("https://a.example/y"), "a"));
}

/* ---- on_open: fail ---- */

/* A node that does not wait, with these keys, and what follows it. */
static struct toy_run *call_impatient(const char *keys)
{
    char yaml[512];
    (void)snprintf(
        yaml, sizeof(yaml),
        "id: p\n"
        "nodes:\n"
        "  - {id: a, type: call.task, on_open: fail, config: {url: 'https://a.example/'},"
        " %s}\n"
        "  - {id: b, type: set, config: {code: '{{ a.error.code }}'}}\n"
        "edges: [{source: a, target: b, outcome: error}]\n",
        keys);
    return toy_world_run(&world, yaml, NULL);
}

static void test_breakers__who_does_not_wait_fails_at_once(void **state)
{
    (void)state;
    calls_fail("https://a.example/x", 5, DOWN);
    struct toy_run *run = call_impatient("retry: {max_attempts: 9}");
    assert_ended(run, "completed");
    assert_state(run, "a", "failed");
    assert_output(run, "b", "{\"code\":\"CIRCUIT_OPEN\"}");
    const struct document *error = toy_run_view(run, "a").error;
    assert_holds(error, "\"effect\":\"none\"");
    assert_holds(error, "\"service\":\"" SERVICE "\"");
    assert_holds(error, "is open since ");
    assert_holds(error, "tries the service again from ");
    assert_int_equal(breaker(SERVICE)->openings, 1);            /* it counts as no failure */
    assert_int_equal(engine_next_due(world.engine), INT64_MAX); /* nobody waits */
    toy_world_pass(&world, 60000);
    run = call_impatient("retry: off");
    assert_true(toy_run_is_live(run, "a"));
    struct toy_run *second = call_impatient("retry: off"); /* the only trial is under way */
    assert_holds(toy_run_view(second, "a").error, "only its trial calls");
    toy_run_done(run, "a", "{}");
    assert_int_equal(state_of(SERVICE), BREAKER_CLOSED);
}

static void test_breakers__who_does_not_wait_says_what_it_was_to_make_good(void **state)
{
    (void)state;
    calls_fail("https://a.example/x", 4, DOWN);
    struct toy_run *run =
        call_impatient("retry: {max_attempts: 3, initial_interval: 1s, jitter: none}");
    toy_run_failed_with(run, "a", DOWN); /* the fifth */
    assert_true(toy_run_view(run, "a").is_delayed);
    toy_world_pass(&world, 1000);
    assert_state(run, "a", "failed");
    assert_int_equal(toy_run_view(run, "a").attempt, 1);
    assert_code(toy_run_view(run, "a").error, "CIRCUIT_OPEN");
    assert_holds(toy_run_view(run, "a").error, "\"cause\":{\"code\":\"UNAVAILABLE\"");
    assert_ended(run, "completed");
}

static void test_breakers__who_does_not_wait_learns_of_an_operator(void **state)
{
    (void)state;
    calls_fail("https://a.example/x", 1, DOWN);
    order(SERVICE, BREAKER_ORDER_OPEN);
    struct toy_run *run = call_impatient("retry: off");
    assert_state(run, "a", "failed");
    assert_holds(toy_run_view(run, "a").error, "was opened by a person at ");
    assert_holds(toy_run_view(run, "a").error, "opstream breakers reset");
}

static void test_breakers__a_refusal_unhandled_fails_the_run(void **state)
{
    (void)state;
    calls_fail("https://a.example/x", 5, DOWN);
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes: [{id: l, for_each: [1, 2, 3], type: call.task, on_open: fail,"
                      " max_failures: 2, config: {url: 'https://a.example/'}}]\n",
                      NULL);
    assert_ended(run, "failed");
    run = toy_world_run(&world,
                        "id: p\n"
                        "nodes: [{id: a, type: call.task, on_open: fail,"
                        " config: {url: 'https://a.example/'}}]\n",
                        NULL);
    assert_ended(run, "failed");
    assert_code(run_error(run->run), "CIRCUIT_OPEN");
}

static void test_breakers__scripts_have_none_that_nobody_asked_for(void **state)
{
    (void)state;
    for (int i = 0; i < 9; i++) {
        struct toy_run *run =
            toy_world_run(&world, "id: p\nnodes: [{id: a, type: toy.task, retry: off}]\n", NULL);
        toy_run_failed_with(run, "a", DOWN);
        assert_ended(run, "failed");
    }
    assert_null(breaker("toy"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_breakers__five_failures_keep_calls_away_for_a_minute),
        WITH_WORLD(test_breakers__one_trial_at_a_time),
        WITH_WORLD(test_breakers__a_trial_without_an_answer_opens_again),
        WITH_WORLD(test_breakers__other_services_go_on),
        WITH_WORLD(test_breakers__a_service_has_one_name),
        WITH_WORLD(test_breakers__what_is_not_the_services_fault_does_not_count),
        WITH_WORLD(test_breakers__a_refusal_uses_up_no_attempt),
        WITH_WORLD(test_breakers__a_restart_forgets_nothing),
        WITH_WORLD(test_breakers__a_cancel_takes_the_wish_back),
        WITH_WORLD(test_breakers__operators_are_obeyed),
        WITH_WORLD(test_breakers__an_order_for_a_service_holds),
        WITH_WORLD(test_breakers__a_disabled_service_stays_so),
        WITH_WORLD(test_breakers__an_order_for_one_is_for_it_alone),
        WITH_WORLD(test_breakers__who_does_not_wait_fails_at_once),
        WITH_WORLD(test_breakers__who_does_not_wait_says_what_it_was_to_make_good),
        WITH_WORLD(test_breakers__who_does_not_wait_learns_of_an_operator),
        WITH_WORLD(test_breakers__a_refusal_unhandled_fails_the_run),
        WITH_WORLD(test_breakers__scripts_have_none_that_nobody_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
