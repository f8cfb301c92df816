/* SPDX-License-Identifier: Apache-2.0 */
/* What the policies promise of services that fail, hang and come back, counted where they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/str.h"
#include "tests/sim/service_world.h"

enum {
    ITEMS = 100000,
    RUNS = 1000,
    SECOND = 1000,
    AT_ONCE = 25,         /* max_concurrency */
    BEFORE = AT_ONCE + 4, /* calls until it opens: four failures make room for four more */
};

static struct service_world world;

static int set_up(void **state)
{
    (void)state;
    service_world_init(&world);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    service_world_finish(&world);
    return 0;
}

static enum service_answer good(struct service *service, int64_t now)
{
    (void)service;
    (void)now;
    return SERVICE_GOOD;
}

/* Each call fails with a probability of 0.15. */
static enum service_answer flaky(struct service *service, int64_t now)
{
    (void)now;
    return random_percent(&service->random, 15) ? SERVICE_BAD : SERVICE_GOOD;
}

/* Until that moment it refuses, or hangs; then all is well. */
static int64_t back_at;
static enum service_answer until_then;

static enum service_answer comes_back(struct service *service, int64_t now)
{
    (void)service;
    return now < back_at ? until_then : SERVICE_GOOD;
}

static int64_t since_begin(int64_t ms)
{
    return SERVICE_WORLD_BEGIN + ms;
}

/* ---- 15 of 100 calls fail ---- */

#define FLAKY(policies)                                                                            \
    "id: flaky\nnodes:\n"                                                                          \
    "  - {id: s, type: call.task, for_each: range(100000), collect: count, max_failures: 100%, "   \
    "retry: {max_attempts: 3, initial_interval: 100ms" policies                                    \
    ", config: {url: \"http://s/\"}}\n"

/* Of three attempts all fail with 0.15^3; there are 1 + 0.15 + 0.15^2 of them. */
static void expect_theory(const char *how)
{
    double succeeded = (double)world.nodes_completed / ITEMS;
    double attempts = (double)world.services[0].calls / ITEMS;
    double theory = 1 + 0.15 + 0.15 * 0.15;
    print_message("%s: %.3f %% of %d items succeed (theory 99.663), %.4f attempts each (theory "
                  "%.4f), in %.0f simulated minutes\n",
                  how, succeeded * 100, ITEMS, attempts, theory,
                  (double)(world.now - SERVICE_WORLD_BEGIN) / 60000);
    assert_int_equal(world.nodes_completed + world.nodes_failed, ITEMS);
    assert_int_equal(world.runs_completed, 1);
    assert_true(succeeded >= 0.995);
    assert_true(attempts > theory * 0.98 && attempts < theory * 1.02);
    assert_int_equal(world.services[0].calls, world.nodes_started);
}

static void test_services__three_attempts_get_the_better_of_a_flaky_one(void **state)
{
    (void)state;
    (void)service_world_add(&world, "http://s", flaky, 20);
    (void)service_world_run(&world, FLAKY(", budget: off}, circuit_breaker: off"));
    service_world_pass(&world, INT64_MAX);
    expect_theory("without breaker and budget");
}

/* A refusal uses up no attempt: they only come later. */
static void test_services__breaker_and_budget_cost_no_attempts(void **state)
{
    (void)state;
    (void)service_world_add(&world, "http://s", flaky, 20);
    (void)service_world_run(&world, FLAKY("}"));
    service_world_pass(&world, INT64_MAX);
    expect_theory("with both");
}

/* ---- a dead service ---- */

#define CALLS                                                                                      \
    "id: calls\nnodes:\n"                                                                          \
    "  - {id: s, type: call.task, retry: {max_attempts: 0, deadline: 10h, initial_interval: "      \
    "100ms}, config: {url: \"http://s/\"}}\n"

static void test_services__a_dead_one_is_called_five_times_and_tried_once(void **state)
{
    (void)state;
    struct service *service = service_world_add(&world, "http://s", comes_back, 10);
    until_then = SERVICE_BAD;
    back_at = since_begin(30 * SECOND);
    for (int i = 0; i < 5; i++) {
        (void)service_world_run(&world, CALLS);
    }
    service_world_pass(&world, since_begin(59 * SECOND));
    assert_int_equal(service->calls, 5);
    assert_int_equal(service_world_breaker(&world), BREAKER_OPEN);
    service_world_pass(&world, since_begin(60 * SECOND + 10));
    assert_int_equal(service->calls, 6); /* the trial */
    assert_int_equal(service->called_at[5], since_begin(60 * SECOND + 10));
    service_world_pass(&world, INT64_MAX);
    assert_int_equal(service_world_breaker(&world), BREAKER_CLOSED);
    assert_int_equal(service->calls, 10);
    assert_int_equal(world.runs_completed, 5);
}

/* Each next opening is twice as long and varies by a fifth: few calls in a day. */
static void test_services__one_that_stays_dead_is_left_alone(void **state)
{
    (void)state;
    struct service *service = service_world_add(&world, "http://s", comes_back, 10);
    until_then = SERVICE_BAD;
    back_at = since_begin((int64_t)8 * 3600 * SECOND);
    for (int i = 0; i < RUNS; i++) {
        (void)service_world_run(&world, CALLS);
    }
    service_world_pass(&world, back_at);
    print_message("dead for 8 hours, %d runs: %llu calls\n", RUNS,
                  (unsigned long long)service->calls);
    /* Pauses of 60 s, 120, 240, 480 and 600 s; from the second on a fifth more or less, at most
     * 600. */
    assert_in_range(service->calls, BEFORE + 45, BEFORE + 65);
    for (size_t i = BEFORE + 1; i < service->calls; i++) {
        int64_t pause = service->called_at[i] - service->called_at[i - 1];
        assert_in_range(pause, (i == BEFORE + 1 ? 96 : 192) * SECOND, 600 * SECOND + 10);
    }
    service_world_pass(&world, INT64_MAX);
    assert_int_equal(world.runs_completed, RUNS);
}

static void test_services__a_trial_that_hangs_opens_again(void **state)
{
    (void)state;
    struct service *service = service_world_add(&world, "http://s", comes_back, 10);
    until_then = SERVICE_BAD;
    back_at = INT64_MAX;
    for (int i = 0; i < 5; i++) {
        (void)service_world_run(&world, CALLS);
    }
    service_world_pass(&world, since_begin(59 * SECOND));
    until_then = SERVICE_HANGS;
    service_world_pass(&world, since_begin(61 * SECOND));
    assert_int_equal(service->calls, 6);
    assert_int_equal(service_world_breaker(&world), BREAKER_HALF_OPEN);
    service_world_pass(&world, since_begin(60 * SECOND + 60 * SECOND + 9));
    assert_int_equal(service_world_breaker(&world), BREAKER_HALF_OPEN);
    service_world_pass(&world, since_begin(60 * SECOND + 60 * SECOND + 10));
    assert_int_equal(service_world_breaker(&world), BREAKER_OPEN);
    assert_int_equal(service->calls, 6);
    back_at = world.now;
    service_world_pass(&world, world.now + 95 * SECOND); /* twice as long, less a fifth */
    assert_int_equal(service->calls, 6);
    service_world_pass(&world, INT64_MAX);
    assert_int_equal(service_world_breaker(&world), BREAKER_CLOSED);
    assert_int_equal(world.runs_completed, 4); /* one still has its call that hangs */
}

/* ---- a herd ---- */

static void test_services__no_herd_comes_when_it_closes(void **state)
{
    (void)state;
    struct service *service = service_world_add(&world, "http://s", comes_back, 50);
    until_then = SERVICE_BAD;
    back_at = since_begin(30 * SECOND);
    for (int i = 0; i < RUNS; i++) {
        (void)service_world_run(&world, CALLS);
    }
    service_world_pass(&world, INT64_MAX);
    print_message("%d runs after the closing: at most %u at once, %llu calls\n", RUNS,
                  service->most_active, (unsigned long long)service->calls);
    assert_int_equal(world.runs_completed, RUNS);
    assert_int_equal(service->calls, RUNS + BEFORE);
    assert_int_equal(service->most_active, AT_ONCE);
    assert_int_equal(service->active_at[BEFORE], 1); /* the trial is alone until it is answered */
    assert_true(service->called_at[BEFORE + 1] >= service->called_at[BEFORE] + 50);
}

static void test_services__trials_are_as_many_as_half_open_calls(void **state)
{
    (void)state;
    struct service *service = service_world_add(&world, "http://s", comes_back, 50);
    until_then = SERVICE_BAD;
    back_at = since_begin(30 * SECOND);
    for (int i = 0; i < RUNS; i++) {
        (void)service_world_run(&world,
                                "id: calls\n"
                                "integrations: {call: {max_concurrency: 7, circuit_breaker: "
                                "{half_open_calls: 3}}}\nnodes:\n"
                                "  - {id: s, type: call.task, retry: {max_attempts: 0, deadline: "
                                "10h}, config: {url: \"http://s/\"}}\n");
    }
    service_world_pass(&world, INT64_MAX);
    assert_int_equal(world.runs_completed, RUNS);
    assert_int_equal(service->calls, RUNS + 11);
    assert_int_equal(service->most_active, 7);
    for (size_t i = 11; i < 14; i++) {
        assert_in_range(service->active_at[i], 1, 3);
        assert_int_equal(service->called_at[i], service->called_at[11]);
    }
    assert_true(service->called_at[14] >= service->called_at[11] + 50);
}

static void test_services__an_operator_brings_no_herd_either(void **state)
{
    (void)state;
    struct service *service = service_world_add(&world, "http://s", comes_back, 50);
    until_then = SERVICE_BAD;
    back_at = since_begin(30 * SECOND);
    for (int i = 0; i < RUNS; i++) {
        (void)service_world_run(&world, CALLS);
    }
    service_world_pass(&world, since_begin(40 * SECOND));
    service_world_order(&world, BREAKER_ORDER_RESET);
    assert_int_equal(service->active, AT_ONCE);
    service_world_pass(&world, since_begin(59 * SECOND));
    assert_int_equal(world.runs_completed, RUNS);
    assert_int_equal(service->most_active, 25);
}

/* ---- work is kept apart ---- */

#define LIVE                                                                                       \
    "id: live\nnodes:\n"                                                                           \
    "  - {id: live, type: call.task, for_each: range(5000), collect: count, parallel_workers: "    \
    "10, config: {url: \"http://live/\"}}\n"

#define DEAD                                                                                       \
    "id: dead\nnodes:\n"                                                                           \
    "  - {id: dead, type: call.task, timeout: 30s, retry: {max_attempts: 0, deadline: 10h}, "      \
    "config: {url: \"http://dead/\"}}\n"

static int64_t p99_beside(enum service_answer other, int runs)
{
    until_then = other;
    back_at = INT64_MAX;
    service_world_finish(&world);
    service_world_init(&world);
    struct service *live = service_world_add(&world, "http://live", good, 20);
    (void)service_world_add(&world, "http://dead", comes_back, 20);
    for (int i = 0; i < runs; i++) {
        (void)service_world_run(&world, DEAD);
    }
    struct run *run = service_world_run(&world, LIVE);
    while (!run_is_ended(run)) {
        service_world_pass(&world, world.now + SECOND);
    }
    assert_int_equal(live->calls, 5000);
    return service_world_percentile(&world, live, 99);
}

static void test_services__a_dead_one_slows_nobody_else(void **state)
{
    (void)state;
    int64_t alone = p99_beside(SERVICE_GOOD, 0);
    int64_t beside_refusing = p99_beside(SERVICE_BAD, 200);
    int64_t beside_hanging = p99_beside(SERVICE_HANGS, 200);
    print_message("p99 of a service: alone %lld ms, beside one that refuses %lld ms, that hangs "
                  "%lld ms\n",
                  (long long)alone, (long long)beside_refusing, (long long)beside_hanging);
    assert_int_equal(alone, 20);
    assert_true(beside_refusing * 5 <= alone * 6);
    assert_true(beside_hanging * 5 <= alone * 6);
}

#define FRESH(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRESH(test_services__three_attempts_get_the_better_of_a_flaky_one),
        FRESH(test_services__breaker_and_budget_cost_no_attempts),
        FRESH(test_services__a_dead_one_is_called_five_times_and_tried_once),
        FRESH(test_services__one_that_stays_dead_is_left_alone),
        FRESH(test_services__a_trial_that_hangs_opens_again),
        FRESH(test_services__no_herd_comes_when_it_closes),
        FRESH(test_services__trials_are_as_many_as_half_open_calls),
        FRESH(test_services__an_operator_brings_no_herd_either),
        FRESH(test_services__a_dead_one_slows_nobody_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
