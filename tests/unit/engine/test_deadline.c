/* SPDX-License-Identifier: Apache-2.0 */
/* The deadline of `retry` bounds attempts and the waits before them, whatever they wait for. */
#include "tests/unit/engine/world.h"

#include <stdio.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/engine/engine.h"
#include "core/value/value.h"

#define DOWN    "{\"code\":\"UNAVAILABLE\",\"message\":\"refused\",\"effect\":\"none\"}"
#define SERVICE "call https://a.example:443"

/* `more` are further keys of the node. */
static struct toy_run *call(const char *deadline, const char *more)
{
    char yaml[512];
    (void)snprintf(yaml, sizeof(yaml),
                   "id: p\n"
                   "nodes:\n"
                   "  - {id: a, type: call.task, retry: {max_attempts: 0, deadline: %s,"
                   " initial_interval: 1s, max_interval: 1s, jitter: none, budget: off}, %s"
                   "config: {url: 'https://a.example/'}}\n",
                   deadline, more);
    return toy_world_run(&world, yaml, NULL);
}

static void attempt_fails(struct toy_run *run)
{
    toy_run_failed_with(run, "a", DOWN);
}

/* One failure is missing to open the breaker for a minute. */
static void be_nearly_open(void)
{
    for (int i = 0; i < 4; i++) {
        struct toy_run *run =
            toy_world_run(&world,
                          "id: q\nnodes: [{id: a, type: call.task, retry: off, config: {url: "
                          "'https://a.example/'}}]\n",
                          NULL);
        attempt_fails(run);
    }
}

static void order(enum breaker_order what)
{
    struct batch batch = BATCH_INIT;
    assert_int_equal(
        engine_order_breaker(world.engine, STR(SERVICE), what, world.now, &batch, NULL), 0);
    toy_world_take(&world, &batch);
}

static void assert_given_up(const struct toy_run *run)
{
    assert_ended(run, "failed");
    assert_code(run_error(run->run), "UNAVAILABLE"); /* what its attempt said */
    assert_int_equal(toy_run_view(run, "a").attempt, 1);
}

static void test_deadline__who_would_wait_longer_for_a_breaker_ends(void **state)
{
    (void)state;
    be_nearly_open();
    struct toy_run *soon = call("30s", "");
    struct toy_run *late = call("70s", "");
    attempt_fails(soon);
    attempt_fails(late);
    toy_world_pass(&world, 1000);
    assert_given_up(soon);
    assert_state(late, "a", "queued");
    toy_world_pass(&world, 59000);
    assert_true(toy_run_is_live(late, "a"));
    toy_run_done(late, "a", "{}");
    assert_ended(late, "completed");
}

static void test_deadline__a_breaker_that_opens_again_ends_who_waits(void **state)
{
    (void)state;
    be_nearly_open();
    struct toy_run *first = call("1h", "");
    struct toy_run *second = call("90s", "");
    attempt_fails(first);
    attempt_fails(second);
    toy_world_pass(&world, 60000);
    assert_true(toy_run_is_live(first, "a"));
    assert_state(second, "a", "queued");
    attempt_fails(first); /* open for twice as long, more or less */
    assert_given_up(second);
    assert_false(run_is_ended(first->run));
}

static void test_deadline__who_waits_for_a_person_ends_in_time(void **state)
{
    (void)state;
    struct toy_run *other = call("1h", "");
    struct toy_run *run = call("30s", "");
    attempt_fails(run);
    attempt_fails(other);
    order(BREAKER_ORDER_OPEN);
    toy_world_pass(&world, 1000);
    assert_state(run, "a", "queued");
    toy_world_pass(&world, 28999);
    assert_state(run, "a", "queued");
    toy_world_pass(&world, 1);
    assert_given_up(run);
    assert_state(other, "a", "queued");
}

static void test_deadline__it_outlives_a_restart(void **state)
{
    (void)state;
    struct run_wait wait = {0};
    be_nearly_open();
    struct toy_run *run = call("70s", "");
    int64_t begun = world.now;
    attempt_fails(run);
    toy_world_pass(&world, 1000);
    assert_true(run_only_waits(run->run, &wait));
    assert_int_equal(wait.queued, 1);
    assert_true(wait.wake_at == begun + 70000); /* when it is asleep, it is woken for that */
    toy_world_restart(&world);
    run = toy_world_find(&world, "run5");
    assert_state(run, "a", "queued");
    order(BREAKER_ORDER_OPEN); /* else it would be tried again in time */
    toy_world_pass(&world, 68999);
    assert_state(run, "a", "queued");
    toy_world_pass(&world, 1);
    assert_given_up(run);
}

static void test_deadline__no_attempt_begins_behind_it(void **state)
{
    (void)state;
    struct toy_run *holder = toy_world_run(
        &world,
        "id: p\nscaling: {max_parallel_nodes: 1}\nnodes:\n"
        "  - {id: a, type: toy.task, retry: {max_attempts: 9, deadline: 5s, initial_interval: 1s,"
        " jitter: none, budget: off}}\n"
        "  - {id: b, type: toy.task}\n",
        NULL);
    attempt_fails(holder);
    assert_true(toy_run_is_live(holder, "b"));
    toy_world_pass(&world, 1000);
    assert_state(holder, "a", "queued");
    toy_world_pass(&world, 4500);
    toy_run_done(holder, "b", "{}"); /* the permit is free now */
    assert_given_up(holder);
}

static void test_deadline__it_ends_the_attempt_at_work(void **state)
{
    (void)state;
    struct toy_run *run = call("30s", "");
    toy_world_pass(&world, 29999);
    assert_state(run, "a", "running");
    toy_world_pass(&world, 1);
    assert_int_equal(toy_run_node(run, "a")->stopped, STOP_TIMEOUT);
    toy_run_failed_with(run, "a", "{\"code\":\"CANCELLED\",\"effect\":\"none\"}");
    assert_ended(run, "failed");
    assert_code(run_error(run->run), "TIMEOUT");
    const struct value *message = value_get(document_root(run_error(run->run)), STR("message"));
    assert_true(str_ends_with(value_str(message),
                              STR("did not end within the deadline of its 'retry', 30 s")));
}

static void test_deadline__it_counts_from_the_first_attempt(void **state)
{
    (void)state;
    struct toy_run *run = call("30s", "timeout: 20s,");
    toy_world_pass(&world, 20000);
    assert_int_equal(toy_run_node(run, "a")->stopped, STOP_TIMEOUT);
    toy_run_failed_with(run, "a", "{\"code\":\"CANCELLED\",\"effect\":\"none\"}");
    toy_world_pass(&world, 1000);
    assert_true(toy_run_is_live(run, "a"));
    toy_world_pass(&world, 9000);
    toy_run_failed_with(run, "a", "{\"code\":\"CANCELLED\",\"effect\":\"none\"}");
    assert_ended(run, "failed");
    assert_code(run_error(run->run), "TIMEOUT");
    assert_int_equal(toy_run_view(run, "a").attempt, 2);
}

static void test_deadline__what_a_person_starts_anew_has_it_again(void **state)
{
    (void)state;
    struct toy_run *run = call("30s", "at_most_once: true,");
    attempt_fails(run);
    toy_world_pass(&world, 1000);
    toy_run_failed_with(run, "a", "{\"code\":\"UNAVAILABLE\",\"effect\":\"maybe\"}");
    assert_true(toy_run_view(run, "a").is_unknown);
    toy_world_pass(&world, 60000);
    toy_run_resolve(run, "a", RUN_RESOLVE_AGAIN, NULL);
    toy_world_pass(&world, 29999);
    assert_int_equal(toy_run_view(run, "a").attempt, 3);
    assert_state(run, "a", "running");
    toy_world_pass(&world, 1);
    assert_int_equal(toy_run_node(run, "a")->stopped, STOP_TIMEOUT);
}

/* Its engine ended with the second attempt at work, and the next one came too late. */
static void test_deadline__what_was_lost_does_not_begin_behind_it(void **state)
{
    (void)state;
    struct toy_run *run = call("30s", "");
    attempt_fails(run);
    toy_world_pass(&world, 1000);
    assert_true(toy_run_is_live(run, "a"));
    world.now += 29000;
    toy_world_restart(&world);
    run = toy_world_find(&world, "run1");
    assert_ended(run, "failed");
    assert_code(run_error(run->run), "UNAVAILABLE");
    assert_int_equal(toy_run_view(run, "a").attempt, 2);
}

static void test_deadline__that_nobody_said_ends_no_work(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world, "id: p\nnodes: [{id: a, type: toy.task, retry: {max_attempts: 2}}]\n", NULL);
    toy_world_pass(&world, INT64_C(7) * 24 * 60 * 60 * 1000);
    assert_state(run, "a", "running");
    toy_run_done(run, "a", "{}");
    assert_ended(run, "completed");
}

static void test_deadline__who_ends_in_time_leaves_no_timer(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\nnodes:\n"
                                        "  - {id: a, type: toy.task, retry: {deadline: 30s}}\n"
                                        "  - {id: b, type: toy.task}\n",
                                        NULL);
    assert_int_equal(toy_run_timer_count(run), 1);
    toy_run_done(run, "a", "{}");
    assert_int_equal(toy_run_timer_count(run), 0);
}

static void test_deadline__then_the_fallback_stands_in(void **state)
{
    (void)state;
    be_nearly_open();
    struct toy_run *run = call("30s", "on_open: wait, fallback: {value: {x: 1}}, ");
    attempt_fails(run);
    toy_world_pass(&world, 1000);
    assert_ended(run, "completed");
    assert_output(run, "a", "{\"x\":1,\"from_fallback\":true}");
}

static void test_deadline__who_is_let_go_in_time_does_not_end(void **state)
{
    (void)state;
    be_nearly_open();
    struct toy_run *run = call("61s", "");
    attempt_fails(run);
    toy_world_pass(&world, 60000);
    assert_true(toy_run_is_live(run, "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_deadline__who_would_wait_longer_for_a_breaker_ends),
        WITH_WORLD(test_deadline__a_breaker_that_opens_again_ends_who_waits),
        WITH_WORLD(test_deadline__who_waits_for_a_person_ends_in_time),
        WITH_WORLD(test_deadline__it_outlives_a_restart),
        WITH_WORLD(test_deadline__no_attempt_begins_behind_it),
        WITH_WORLD(test_deadline__it_ends_the_attempt_at_work),
        WITH_WORLD(test_deadline__it_counts_from_the_first_attempt),
        WITH_WORLD(test_deadline__what_a_person_starts_anew_has_it_again),
        WITH_WORLD(test_deadline__what_was_lost_does_not_begin_behind_it),
        WITH_WORLD(test_deadline__that_nobody_said_ends_no_work),
        WITH_WORLD(test_deadline__who_ends_in_time_leaves_no_timer),
        WITH_WORLD(test_deadline__then_the_fallback_stands_in),
        WITH_WORLD(test_deadline__who_is_let_go_in_time_does_not_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
