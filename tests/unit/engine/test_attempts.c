/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/engine/world.h"

#include <stdio.h>

#include "core/engine/failure.h"
#include "core/engine/record.h"
#include "core/engine/run.h"
#include "core/value/value.h"

#define UNAVAILABLE "{\"code\":\"UNAVAILABLE\",\"message\":\"refused\",\"effect\":\"none\"}"
#define MAYBE       "{\"code\":\"UNAVAILABLE\",\"message\":\"reset\",\"effect\":\"maybe\"}"

static struct toy_run *start(const char *keys)
{
    char yaml[512];
    (void)snprintf(yaml, sizeof(yaml),
                   "id: p\n"
                   "nodes:\n"
                   "  - {id: a, type: toy.task, %s}\n"
                   "  - {id: b, type: set, depends_on: [a], config: {got: '{{ a.output }}'}}\n",
                   keys);
    return toy_world_run(&world, yaml, NULL);
}

static const char plain[] = "retry: {max_attempts: 3, initial_interval: 1s, jitter: none}";

/* ---- attempts ---- */

static void test_attempts__the_next_one_starts_after_its_wait(void **state)
{
    (void)state;
    struct toy_run *run = start(plain);
    toy_run_failed_with(run, "a", UNAVAILABLE);
    assert_false(toy_run_is_live(run, "a"));
    assert_true(toy_run_view(run, "a").is_delayed);
    assert_code(toy_run_view(run, "a").error, "UNAVAILABLE");
    toy_world_pass(&world, 999);
    assert_false(toy_run_is_live(run, "a"));
    toy_world_pass(&world, 1);
    assert_true(toy_run_is_live(run, "a"));
    assert_int_equal(toy_run_view(run, "a").attempt, 2);
    toy_run_done(run, "a", "{\"n\":1}");
    assert_state(run, "a", "completed");
    assert_null(toy_run_view(run, "a").error);
    assert_output(run, "b", "{\"got\":{\"n\":1}}");
    assert_ended(run, "completed");
}

static void test_attempts__waits_grow_until_the_attempts_are_spent(void **state)
{
    (void)state;
    struct toy_run *run = start(plain);
    toy_run_failed_with(run, "a", UNAVAILABLE);
    toy_world_pass(&world, 1000);
    toy_run_failed_with(run, "a", UNAVAILABLE);
    toy_world_pass(&world, 1999);
    assert_false(toy_run_is_live(run, "a"));
    toy_world_pass(&world, 1);
    toy_run_failed_with(run, "a", "{\"code\":\"TIMEOUT\",\"message\":\"late\"}");
    assert_state(run, "a", "failed");
    assert_code(toy_run_view(run, "a").error, "TIMEOUT");
    assert_int_equal(toy_run_view(run, "a").attempt, 3);
    assert_ended(run, "failed");
}

static void test_attempts__retry_off_is_one(void **state)
{
    (void)state;
    struct toy_run *run = start("retry: off");
    toy_run_failed_with(run, "a", UNAVAILABLE);
    assert_ended(run, "failed");
}

static void test_attempts__what_no_other_attempt_cures_fails_at_once(void **state)
{
    (void)state;
    struct toy_run *run = start(plain);
    toy_run_failed_with(run, "a", "{\"code\":\"CONFIG\",\"message\":\"wrong\"}");
    assert_ended(run, "failed");
}

static void test_attempts__the_nodes_own_word_wins(void **state)
{
    (void)state;
    struct toy_run *run = start(plain);
    toy_run_failed_with(run, "a", "{\"code\":\"CONFIG\",\"message\":\"x\",\"retry\":\"yes\"}");
    toy_world_pass(&world, 1000);
    assert_true(toy_run_is_live(run, "a"));
    toy_run_failed_with(run, "a", "{\"code\":\"UNAVAILABLE\",\"message\":\"x\",\"retry\":\"no\"}");
    assert_ended(run, "failed");
}

static void test_attempts__a_service_that_says_when_is_obeyed(void **state)
{
    (void)state;
    struct toy_run *run = start(plain);
    toy_run_failed_with(
        run, "a", "{\"code\":\"RATE_LIMITED\",\"message\":\"slow\",\"retry_after_ms\":60000}");
    toy_world_pass(&world, 59999);
    assert_false(toy_run_is_live(run, "a"));
    toy_world_pass(&world, 6001); /* at most 10 % later */
    assert_true(toy_run_is_live(run, "a"));
}

static void test_attempts__none_starts_after_the_deadline(void **state)
{
    (void)state;
    struct toy_run *run =
        start("retry: {max_attempts: 0, initial_interval: 4s, deadline: 10s, jitter: none}");
    toy_run_failed_with(run, "a", UNAVAILABLE);
    toy_world_pass(&world, 4000);
    toy_run_failed_with(run, "a", UNAVAILABLE); /* the next would be at 12 s */
    assert_ended(run, "failed");
}

static void test_attempts__a_time_out_is_one_attempt(void **state)
{
    (void)state;
    struct toy_run *run =
        start("timeout: 5s, retry: {max_attempts: 2, initial_interval: 1s, jitter: none}");
    toy_world_pass(&world, 5000);
    toy_run_failed_with(run, "a", "{\"code\":\"CANCELLED\",\"message\":\"x\",\"effect\":\"none\"}");
    assert_code(toy_run_view(run, "a").error, FAILURE_TIMEOUT);
    toy_world_pass(&world, 1000);
    assert_true(toy_run_is_live(run, "a"));
    toy_world_pass(&world, 4999); /* each has the whole time */
    assert_state(run, "a", "running");
    toy_world_pass(&world, 1);
    assert_state(run, "a", "stopping");
    toy_run_failed_with(run, "a", "{\"code\":\"CANCELLED\",\"message\":\"x\",\"effect\":\"none\"}");
    assert_holds(run->error, "time-out of 5 s");
    assert_ended(run, "failed");
}

static void test_attempts__each_round_has_all_of_them(void **state)
{
    (void)state;
    struct toy_run *run = start("repeat: {until: 'a.output.n == 2', max_iterations: 3}, "
                                "retry: {max_attempts: 2, initial_interval: 1s, jitter: none}");
    for (int round = 1; round <= 2; round++) {
        toy_run_failed_with(run, "a", UNAVAILABLE);
        toy_world_pass(&world, 1000);
        toy_run_done(run, "a", round == 1 ? "{\"n\":1}" : "{\"n\":2}");
    }
    assert_ended(run, "completed");
}

/* `when` has held, and `now` is the moment at which it became ready, for all of its attempts. */
static void test_attempts__it_became_ready_once(void **state)
{
    (void)state;
    struct toy_run *run = start("when: 'input.size() == 0', "
                                "retry: {initial_interval: 1s, jitter: none}");
    int64_t ready_at = toy_run_view(run, "a").ready_at_unix_ms;
    toy_run_failed_with(run, "a", UNAVAILABLE);
    toy_world_pass(&world, 1000);
    assert_true(toy_run_is_live(run, "a"));
    assert_int_equal(toy_run_view(run, "a").ready_at_unix_ms, ready_at);
}

static void test_attempts__one_reason_of_many_is_kept_once(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\nnodes:\n  - {id: a, type: toy.task, for_each: range(4), batch_size: 1,"
        " retry: {max_attempts: 2, initial_interval: 1s, jitter: none}, config: {}}\n",
        NULL);
    toy_run_failed_with(run, "a[0]", UNAVAILABLE);
    toy_run_failed_with(run, "a[1]",
                        "{\"code\":\"TIMEOUT\",\"message\":\"x\",\"effect\":\"none\"}");
    toy_run_failed_with(run, "a[2]", UNAVAILABLE);
    assert_ptr_equal(toy_run_view(run, "a[0]").error, toy_run_view(run, "a[2]").error);
    assert_code(toy_run_view(run, "a[0]").error, "UNAVAILABLE");
    assert_code(toy_run_view(run, "a[1]").error, FAILURE_TIMEOUT);
}

/* ---- what may have had its effect ---- */

static void test_attempts__a_person_decides_where_it_may_have_had_its_effect(void **state)
{
    (void)state;
    struct toy_run *run = start(plain);
    toy_run_failed_with(run, "a", MAYBE);
    assert_true(toy_run_view(run, "a").is_unknown);
    assert_code(toy_run_view(run, "a").error, "UNAVAILABLE");
    assert_int_equal(run_unknown_count(run->run), 1);
    toy_run_resolve(run, "a", RUN_RESOLVE_AGAIN, NULL);
    assert_true(toy_run_is_live(run, "a"));
    toy_run_done(run, "a", "{}");
    assert_ended(run, "completed");
}

/* A timer that was on its way when the attempt ended. */
static void test_attempts__a_time_out_that_comes_late_is_nothing(void **state)
{
    (void)state;
    struct toy_run *run = start("timeout: 5s, retry: {initial_interval: 1s, jitter: none}");
    struct run_event late = {.type = RUN_EVENT_TIMER, .attempt = 1, .timer = TIMER_NODE_TIMEOUT};
    toy_run_failed_with(run, "a", MAYBE);
    toy_run_event(run, &late);
    assert_true(toy_run_view(run, "a").is_unknown);
    assert_state(run, "a", "running");
}

static void test_attempts__without_a_retry_in_the_file_it_fails(void **state)
{
    (void)state;
    struct toy_run *run = start("name: A");
    toy_run_failed_with(run, "a", MAYBE);
    assert_ended(run, "failed");
}

static void test_attempts__who_says_at_least_once_has_it_again(void **state)
{
    (void)state;
    struct toy_run *run = start("at_most_once: false, retry: {initial_interval: 1s, jitter: none}");
    toy_run_failed_with(run, "a", MAYBE);
    toy_world_pass(&world, 1000);
    assert_true(toy_run_is_live(run, "a"));
}

static void test_attempts__what_was_sent_with_a_key_goes_out_again(void **state)
{
    (void)state;
    struct toy_run *run = start(plain);
    toy_run_failed_with(run, "a",
                        "{\"code\":\"UNAVAILABLE\",\"message\":\"reset\",\"effect\":\"maybe\","
                        "\"repeatable\":true}");
    toy_world_pass(&world, 1000);
    assert_true(toy_run_is_live(run, "a"));
}

static void test_attempts__the_last_one_fails_whatever_its_effect(void **state)
{
    (void)state;
    struct toy_run *run = start("retry: {max_attempts: 1}");
    toy_run_failed_with(run, "a", MAYBE);
    assert_ended(run, "failed");
}

/* ---- other things that happen ---- */

static void test_attempts__a_cancel_ends_the_wait(void **state)
{
    (void)state;
    struct toy_run *run = start(plain);
    toy_run_failed_with(run, "a", UNAVAILABLE);
    toy_run_cancel(run);
    assert_state(run, "a", "cancelled");
    assert_code(toy_run_view(run, "a").error, "UNAVAILABLE");
    assert_int_equal(toy_run_timer_count(run), 0);
    assert_ended(run, "cancelled");
}

/* Its wait is over, but it may not start: it has run, and does not wait any more. */
static void test_attempts__a_cancel_ends_what_is_held_after_its_wait(void **state)
{
    (void)state;
    struct toy_run *run = start(plain);
    toy_run_failed_with(run, "a", UNAVAILABLE);
    toy_run_pause(run);
    toy_world_pass(&world, 5000);
    assert_state(run, "a", "ready");
    toy_run_cancel(run);
    assert_state(run, "a", "cancelled");
    assert_code(toy_run_view(run, "a").error, "UNAVAILABLE");
    assert_ended(run, "cancelled");
}

static void test_attempts__a_cancel_ends_what_waits_for_a_permit(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "integrations: {toy: {max_concurrency: 1}}\n"
                      "nodes:\n"
                      "  - {id: a, type: toy.task, retry: {initial_interval: 1s, jitter: none}}\n"
                      "  - {id: b, type: toy.task}\n"
                      "  - {id: c, type: toy.task}\n",
                      NULL);
    toy_run_failed_with(run, "a", UNAVAILABLE);
    toy_world_pass(&world, 1000);
    assert_state(run, "a", "queued");
    toy_run_failed_with(run, "b", "{\"code\":\"CONFIG\",\"message\":\"wrong\"}");
    assert_state(run, "a", "cancelled");
    assert_code(toy_run_view(run, "a").error, "UNAVAILABLE");
    assert_state(run, "c", "not_run"); /* it never began */
    assert_ended(run, "failed");
}

static void test_attempts__none_follows_when_the_run_fails(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes:\n"
                      "  - {id: a, type: toy.task, retry: {initial_interval: 1h, jitter: none}}\n"
                      "  - {id: b, type: toy.task}\n"
                      "  - {id: c, type: toy.task}\n",
                      NULL);
    toy_run_failed_with(run, "a", UNAVAILABLE);
    toy_run_failed_with(run, "b", "{\"code\":\"CONFIG\",\"message\":\"wrong\"}");
    assert_state(run, "a", "cancelled");
    toy_run_failed_with(run, "c", UNAVAILABLE); /* it was left to end by itself */
    assert_state(run, "c", "failed");
    assert_ended(run, "failed");
}

/* The loop over its items fails while it waits: nothing could come of another attempt. */
static void test_attempts__none_follows_for_items_that_nobody_wants(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes:\n"
                      "  - {id: a, type: flow.task, retry: {initial_interval: 1h, jitter: none}}\n"
                      "  - {id: each, type: toy.task, for_each: a.stream, on_error: continue}\n",
                      NULL);
    toy_run_emit(run, "a", 1, NULL);
    toy_run_failed_with(run, "a", UNAVAILABLE);
    assert_true(toy_run_view(run, "a").is_delayed);
    toy_run_failed_with(run, "each[0]", "{\"code\":\"CONFIG\",\"message\":\"wrong\"}");
    assert_state(run, "a", "cancelled");
    assert_code(toy_run_view(run, "a").error, "UNAVAILABLE");
    assert_int_equal(toy_run_timer_count(run), 0);
    assert_ended(run, "completed");
}

static void test_attempts__a_pause_holds_the_next_one(void **state)
{
    (void)state;
    struct toy_run *run = start(plain);
    toy_run_failed_with(run, "a", UNAVAILABLE);
    toy_run_pause(run);
    toy_world_pass(&world, 5000);
    assert_false(toy_run_is_live(run, "a"));
    toy_run_resume(run);
    assert_true(toy_run_is_live(run, "a"));
}

static void test_attempts__the_wait_outlives_the_process(void **state)
{
    (void)state;
    struct toy_run *run = start(plain);
    struct run_wait wait = {0};
    toy_run_failed_with(run, "a", UNAVAILABLE);
    assert_true(run_only_waits(run->run, &wait));
    assert_int_equal(wait.wake_at, world.now + 1000);
    assert_int_equal(wait.queued, 0);
    toy_world_restart(&world);
    run = toy_world_find(&world, "run1");
    assert_true(toy_run_view(run, "a").is_delayed);
    toy_world_pass(&world, 999);
    assert_false(toy_run_is_live(run, "a"));
    toy_world_pass(&world, 1);
    assert_true(toy_run_is_live(run, "a"));
    toy_run_failed_with(run, "a", UNAVAILABLE);
    toy_world_pass(&world, 2000);
    toy_run_failed_with(run, "a", UNAVAILABLE); /* the third of three */
    assert_ended(run, "failed");
}

static void test_attempts__one_that_a_crash_cut_off_does_not_count(void **state)
{
    (void)state;
    struct toy_run *run = start("retry: {max_attempts: 2, initial_interval: 1s, jitter: none}");
    toy_world_restart(&world);
    run = toy_world_find(&world, "run1");
    assert_int_equal(toy_run_view(run, "a").attempt, 2);
    toy_run_failed_with(run, "a", UNAVAILABLE);
    toy_world_pass(&world, 1000);
    assert_true(toy_run_is_live(run, "a"));
    toy_run_failed_with(run, "a", UNAVAILABLE);
    assert_ended(run, "failed");
}

static void test_attempts__the_permit_is_free_during_the_wait(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "integrations: {toy: {max_concurrency: 1}}\n"
                      "nodes:\n"
                      "  - {id: a, type: toy.task, retry: {initial_interval: 1s, jitter: none}}\n"
                      "  - {id: b, type: toy.task}\n",
                      NULL);
    toy_run_failed_with(run, "a", UNAVAILABLE);
    assert_true(toy_run_is_live(run, "b"));
    toy_world_pass(&world, 1000);
    assert_state(run, "a", "queued");
    toy_run_done(run, "b", "{}");
    assert_true(toy_run_is_live(run, "a"));
}

/* ---- why there is no other ---- */

/* The failure of `a` with `keys`, ended by `failure`. */
static const struct document *last_failure(struct toy_run *run, const char *failure)
{
    toy_run_failed_with(run, "a", failure);
    return toy_run_view(run, "a").error;
}

static void assert_reason(const char *keys, const char *failure, const char *expected)
{
    struct toy_run *run = start(keys);
    const struct document *error = last_failure(run, failure);
    const struct value *reason = value_get(document_root(error), STR("not_retried"));
    if (expected == NULL) {
        assert_null(reason);
        return;
    }
    assert_true(value_is(reason, VALUE_STRING));
    assert_string_equal(value_str(reason).p, expected);
}

static void test_attempts__the_last_failure_says_why_it_is_the_last(void **state)
{
    (void)state;
    static const char on[] = "retry: {on: [TIMEOUT, 503]}";
    assert_reason(plain, "{\"code\":\"CONFIG\",\"message\":\"x\"}",
                  "CONFIG does not pass by itself; 'retry.on' can name it");
    assert_reason(plain, "{\"code\":\"INPUT\",\"message\":\"x\",\"upstream_status\":404}",
                  "status 404 does not pass by itself; 'retry.on' can name it");
    assert_reason(plain, "{\"message\":\"x\"}",
                  "a failure without a code does not pass by itself; 'retry.on' can name it");
    assert_reason(on, UNAVAILABLE, "'retry.on' (TIMEOUT, 503) does not name UNAVAILABLE");
    assert_reason(on, "{\"code\":\"INPUT\",\"message\":\"x\",\"upstream_status\":404}",
                  "'retry.on' (TIMEOUT, 503) names neither INPUT nor 404");
    assert_reason(plain, "{\"code\":\"UNAVAILABLE\",\"message\":\"x\",\"retry\":\"no\"}",
                  "the node itself forbids it");
    assert_reason(plain, "{\"code\":\"UNAVAILABLE\",\"message\":\"x\",\"effect\":\"done\"}",
                  "it had its effect, and would have it twice");
    assert_reason("retry: {initial_interval: 20s, deadline: 10s, jitter: none}", UNAVAILABLE,
                  "the next attempt would begin after 'retry.deadline' (10.0 s)");
    assert_reason("retry: {deadline: 10s}",
                  "{\"code\":\"RATE_LIMITED\",\"message\":\"x\",\"retry_after_ms\":300000}",
                  "the service asks to wait 5 min 00 s, which is beyond 'retry.deadline' (10.0 s)");
    assert_reason(plain, MAYBE, "it may have had its effect, and is not known to do no harm twice");
}

static void test_attempts__nothing_is_said_where_none_was_asked_for(void **state)
{
    (void)state;
    static const char fault[] = "{\"code\":\"CONFIG\",\"message\":\"x\"}";
    assert_reason("timeout: 1h", fault, NULL);
    assert_reason("retry: off", fault, NULL);
    assert_reason("retry: {max_attempts: 1}", fault, NULL);
}

static void test_attempts__the_run_says_so_too_and_that_they_are_spent(void **state)
{
    (void)state;
    struct toy_run *run = start("retry: {max_attempts: 2, initial_interval: 1s, jitter: none}");
    toy_run_failed_with(run, "a", UNAVAILABLE);
    assert_null(value_get(document_root(toy_run_view(run, "a").error), STR("not_retried")));
    toy_world_pass(&world, 1000);
    toy_run_failed_with(run, "a", UNAVAILABLE);
    assert_ended(run, "failed");
    assert_holds(run->error, "\"not_retried\":\"all 2 attempts are spent\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_attempts__the_next_one_starts_after_its_wait),
        WITH_WORLD(test_attempts__waits_grow_until_the_attempts_are_spent),
        WITH_WORLD(test_attempts__retry_off_is_one),
        WITH_WORLD(test_attempts__what_no_other_attempt_cures_fails_at_once),
        WITH_WORLD(test_attempts__the_nodes_own_word_wins),
        WITH_WORLD(test_attempts__a_service_that_says_when_is_obeyed),
        WITH_WORLD(test_attempts__none_starts_after_the_deadline),
        WITH_WORLD(test_attempts__a_time_out_is_one_attempt),
        WITH_WORLD(test_attempts__each_round_has_all_of_them),
        WITH_WORLD(test_attempts__it_became_ready_once),
        WITH_WORLD(test_attempts__one_reason_of_many_is_kept_once),
        WITH_WORLD(test_attempts__a_person_decides_where_it_may_have_had_its_effect),
        WITH_WORLD(test_attempts__a_time_out_that_comes_late_is_nothing),
        WITH_WORLD(test_attempts__without_a_retry_in_the_file_it_fails),
        WITH_WORLD(test_attempts__who_says_at_least_once_has_it_again),
        WITH_WORLD(test_attempts__what_was_sent_with_a_key_goes_out_again),
        WITH_WORLD(test_attempts__the_last_one_fails_whatever_its_effect),
        WITH_WORLD(test_attempts__a_cancel_ends_the_wait),
        WITH_WORLD(test_attempts__a_cancel_ends_what_is_held_after_its_wait),
        WITH_WORLD(test_attempts__a_cancel_ends_what_waits_for_a_permit),
        WITH_WORLD(test_attempts__none_follows_when_the_run_fails),
        WITH_WORLD(test_attempts__none_follows_for_items_that_nobody_wants),
        WITH_WORLD(test_attempts__a_pause_holds_the_next_one),
        WITH_WORLD(test_attempts__the_wait_outlives_the_process),
        WITH_WORLD(test_attempts__one_that_a_crash_cut_off_does_not_count),
        WITH_WORLD(test_attempts__the_permit_is_free_during_the_wait),
        WITH_WORLD(test_attempts__the_last_failure_says_why_it_is_the_last),
        WITH_WORLD(test_attempts__nothing_is_said_where_none_was_asked_for),
        WITH_WORLD(test_attempts__the_run_says_so_too_and_that_they_are_spent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
