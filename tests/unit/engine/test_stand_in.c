/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/engine/world.h"

#include <stdio.h>

#include "core/engine/failure.h"
#include "core/engine/record.h"
#include "core/engine/run.h"

#define DOWN    "{\"code\":\"UNAVAILABLE\",\"message\":\"refused\",\"effect\":\"none\"}"
#define MISSING "{\"code\":\"NOT_FOUND\",\"message\":\"no such thing\"}"

/* A node `a` with these keys, and what follows it. */
static struct toy_run *start(const char *keys)
{
    char yaml[700];
    (void)snprintf(yaml, sizeof(yaml),
                   "id: p\n"
                   "nodes:\n"
                   "  - {id: a, type: toy.task, %s}\n"
                   "  - {id: b, type: set, depends_on: [a], config: {got: '{{ a.output }}',"
                   " cache: '{{ a.from_cache }}', fallback: '{{ a.from_fallback }}'}}\n",
                   keys);
    return toy_world_run(&world, yaml, NULL);
}

static const char once[] = "retry: off, fallback: {value: {n: 0}}";
static const char twice[] = "retry: {max_attempts: 2, initial_interval: 1s, jitter: none},"
                            " fallback: {value: '{{ a.error.code }}'}";
static const char last[] = "retry: off, fallback: {cache: 1h}";

/* ---- value ---- */

static void test_stand_in__a_value_answers_when_the_attempts_are_spent(void **state)
{
    (void)state;
    struct toy_run *run = start(twice);
    toy_run_failed_with(run, "a", DOWN);
    assert_true(toy_run_view(run, "a").is_delayed);
    toy_world_pass(&world, 1000);
    toy_run_failed_with(run, "a", DOWN);
    assert_state(run, "a", "completed");
    assert_code(toy_run_view(run, "a").error, "UNAVAILABLE"); /* why it was needed */
    assert_output(run, "b", "{\"got\":\"UNAVAILABLE\",\"cache\":false,\"fallback\":true}");
    assert_int_equal(toy_run_view(run, "a").attempt, 2);
    assert_int_equal(toy_run_view(run, "a").from, OUTPUT_FROM_FALLBACK);
    assert_ended(run, "completed");
}

static void test_stand_in__a_map_is_marked(void **state)
{
    (void)state;
    struct toy_run *run = start(once);
    toy_run_failed_with(run, "a", MISSING);
    assert_output(run, "a", "{\"n\":0,\"from_fallback\":true}");
    run = start(once);
    toy_run_done(run, "a", "{\"n\":1}");
    assert_output(run, "a", "{\"n\":1}");
    assert_output(run, "b", "{\"got\":{\"n\":1},\"cache\":false,\"fallback\":false}");
    run = start("retry: off, fallback: {value: {from_fallback: no, from_cache: yes, x: 1}}");
    toy_run_failed_with(run, "a", DOWN);
    assert_output(run, "a", "{\"x\":1,\"from_fallback\":true}");
}

static void test_stand_in__a_value_that_fails_says_both(void **state)
{
    (void)state;
    struct toy_run *run =
        start("retry: off, fallback: {value: '{{ parse_json(a.error.message).x }}'}");
    toy_run_failed_with(run, "a", DOWN);
    assert_state(run, "a", "failed");
    assert_code(toy_run_view(run, "a").error, "EXPRESSION");
    assert_holds(toy_run_view(run, "a").error, "fallback: ");
    assert_holds(toy_run_view(run, "a").error, "\"cause\":{\"code\":\"UNAVAILABLE\"");
    assert_ended(run, "failed");
}

static void test_stand_in__nothing_stands_in_for_a_person(void **state)
{
    (void)state;
    struct toy_run *run = start("retry: {max_attempts: 3}, fallback: {value: 1}");
    toy_run_failed_with(run, "a",
                        "{\"code\":\"UNAVAILABLE\",\"message\":\"reset\",\"effect\":\"maybe\"}");
    assert_true(toy_run_view(run, "a").is_unknown);
    toy_run_resolve(run, "a", RUN_RESOLVE_FAIL, "GONE");
    assert_state(run, "a", "failed");
}

static void test_stand_in__a_run_that_is_cancelled_takes_none(void **state)
{
    (void)state;
    struct toy_run *run = start(once);
    toy_run_cancel(run);
    toy_run_failed_with(run, "a", "{\"code\":\"CANCELLED\",\"message\":\"x\"}");
    assert_state(run, "a", "cancelled");
    assert_ended(run, "cancelled");
}

/* ---- an open breaker ---- */

static struct toy_run *call(const char *keys)
{
    char yaml[512];
    (void)snprintf(yaml, sizeof(yaml),
                   "id: p\n"
                   "nodes:\n"
                   "  - {id: a, type: call.task, config: {url: 'https://a.example/'}, %s}\n",
                   keys);
    return toy_world_run(&world, yaml, NULL);
}

static void open_breaker(const char *keys)
{
    for (int i = 0; i < 5; i++) {
        toy_run_failed_with(call(keys), "a", DOWN);
    }
}

static void test_stand_in__an_open_breaker_is_not_waited_for(void **state)
{
    (void)state;
    open_breaker("retry: off");
    struct toy_run *run = call("fallback: {value: {x: '{{ a.error.code }}'}}");
    assert_output(run, "a", "{\"x\":\"CIRCUIT_OPEN\",\"from_fallback\":true}");
    assert_ended(run, "completed");
    run = call("fallback: {value: 1}, on_open: wait");
    assert_state(run, "a", "queued");
    run = call("fallback: {value: 1}, on_open: fail");
    assert_ended(run, "failed");
}

static void test_stand_in__a_retry_meets_an_open_breaker(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        toy_run_failed_with(call("retry: off"), "a", DOWN);
    }
    struct toy_run *run = call("retry: {initial_interval: 1s, jitter: none}, fallback: {value: 7}");
    toy_run_failed_with(run, "a", DOWN);
    toy_world_pass(&world, 1000);
    assert_output(run, "a", "7");
    assert_int_equal(toy_run_view(run, "a").attempt, 1);
    assert_holds(toy_run_view(run, "a").error, "\"cause\":{\"code\":\"UNAVAILABLE\"");
    assert_ended(run, "completed");
}

/* ---- the last good result ---- */

static void test_stand_in__the_last_good_result_answers(void **state)
{
    (void)state;
    toy_run_done(start(last), "a", "{\"n\":1}");
    toy_world_pass(&world, 1000);
    toy_run_done(start(last), "a", "{\"n\":2}");
    toy_world_pass(&world, 3600000);
    struct toy_run *run = start(last);
    toy_run_failed_with(run, "a", DOWN);
    assert_output(run, "a", "{\"n\":2,\"from_cache\":true,\"from_fallback\":true}");
    assert_output(run, "b",
                  "{\"got\":{\"n\":2,\"from_cache\":true,\"from_fallback\":true},"
                  "\"cache\":true,\"fallback\":true}");
    assert_ended(run, "completed");
    toy_world_pass(&world, 1);
    run = start(last);
    toy_run_failed_with(run, "a", DOWN);
    assert_code(toy_run_view(run, "a").error, "UNAVAILABLE"); /* too old */
    assert_ended(run, "failed");
}

static void test_stand_in__what_stood_in_is_not_kept(void **state)
{
    (void)state;
    toy_run_done(start(last), "a", "{\"n\":1}");
    for (int i = 0; i < 3; i++) {
        toy_world_pass(&world, 1300000);
        toy_run_failed_with(start(last), "a", DOWN);
    }
    assert_int_equal(world.cache_count, 1);
    assert_ended(world.runs[world.run_count - 1], "failed");
}

static void test_stand_in__another_question_has_another_answer(void **state)
{
    (void)state;
    toy_run_done(start("retry: off, fallback: {cache: 1h}, config: {x: 1}"), "a", "1");
    struct toy_run *run = start("retry: off, fallback: {cache: 1h}, config: {x: 2}");
    toy_run_failed_with(run, "a", DOWN);
    assert_ended(run, "failed");
    run = start("retry: off, fallback: {cache: 1h}, config: {x: 1}");
    toy_run_failed_with(run, "a", DOWN);
    assert_output(run, "a", "1");
}

static void test_stand_in__a_question_is_asked_again_after_a_restart(void **state)
{
    (void)state;
    toy_run_done(start(last), "a", "{\"n\":1}");
    world.is_cache_slow = true;
    struct toy_run *run = start(last);
    toy_run_failed_with(run, "a", DOWN);
    assert_state(run, "a", "running");
    assert_true(toy_run_view(run, "a").is_falling_back);
    struct run_wait wait = {0};
    assert_false(run_only_waits(run->run, &wait)); /* or nobody would answer */
    toy_world_restart(&world);
    run = toy_world_find(&world, run->id);
    assert_int_equal(world.question_count, 1);
    toy_world_answer(&world);
    assert_output(run, "a", "{\"n\":1,\"from_cache\":true,\"from_fallback\":true}");
    assert_int_equal(toy_run_node(run, "a")->starts, 1); /* no attempt more */
    assert_ended(run, "completed");
}

static void test_stand_in__a_cancel_waits_for_no_answer(void **state)
{
    (void)state;
    world.is_cache_slow = true;
    struct toy_run *run = start(last);
    toy_run_failed_with(run, "a", DOWN);
    toy_run_cancel(run);
    assert_state(run, "a", "cancelled");
    assert_ended(run, "cancelled");
    toy_world_answer(&world);
}

/* ---- cache ---- */

static const char cached[] = "cache: {ttl: 10s}, config: {x: '{{ input.x }}'}";

static struct toy_run *ask(const char *keys, const char *input)
{
    char yaml[512];
    (void)snprintf(yaml, sizeof(yaml),
                   "id: p\n"
                   "nodes:\n"
                   "  - {id: a, type: toy.task, retry: off, %s}\n",
                   keys);
    return toy_world_run(&world, yaml, input);
}

static void test_stand_in__a_cache_answers_before_the_call(void **state)
{
    (void)state;
    toy_run_done(ask(cached, "{\"x\":1}"), "a", "{\"n\":1}");
    toy_world_pass(&world, 10000);
    struct toy_run *run = ask(cached, "{\"x\":1}");
    assert_output(run, "a", "{\"n\":1,\"from_cache\":true}");
    assert_int_equal(toy_run_view(run, "a").from, OUTPUT_FROM_CACHE);
    assert_int_equal(toy_run_node(run, "a")->starts, 0);
    assert_ended(run, "completed");
    assert_true(toy_run_is_live(ask(cached, "{\"x\":2}"), "a"));
    toy_world_pass(&world, 1);
    assert_true(toy_run_is_live(ask(cached, "{\"x\":1}"), "a")); /* an answer does not renew it */
}

static void test_stand_in__a_key_of_ones_own(void **state)
{
    (void)state;
    const char *keys = "cache: {ttl: 10s, key: input.x}, config: {x: '{{ input.y }}'}";
    toy_run_done(ask(keys, "{\"x\":1,\"y\":1}"), "a", "5");
    struct toy_run *run = ask(keys, "{\"x\":1,\"y\":2}");
    assert_output(run, "a", "5");
    assert_true(toy_run_is_live(ask(keys, "{\"x\":2,\"y\":1}"), "a"));
    run = ask(keys, "{\"y\":1}");
    assert_code(toy_run_view(run, "a").error, "EXPRESSION");
    assert_holds(toy_run_view(run, "a").error, "cache: key: ");
}

static void test_stand_in__an_answer_needs_no_permit_and_no_breaker(void **state)
{
    (void)state;
    toy_run_done(call("retry: off, cache: {ttl: 1h}"), "a", "{\"n\":1}");
    open_breaker("retry: off");
    struct toy_run *run = call("retry: off, cache: {ttl: 1h}");
    assert_output(run, "a", "{\"n\":1,\"from_cache\":true}");
}

static void test_stand_in__a_port_is_kept(void **state)
{
    (void)state;
    const char *yaml = "id: p\n"
                       "nodes:\n"
                       "  - {id: a, type: toy.task, cache: {ttl: 1h}}\n"
                       "  - {id: l, type: set, config: {x: 1}}\n"
                       "  - {id: r, type: set, config: {x: 2}}\n"
                       "edges: [{source: a, target: l, outcome: left},"
                       " {source: a, target: r, outcome: right}]\n";
    toy_run_done_port(toy_world_run(&world, yaml, NULL), "a", "right", "{}");
    struct toy_run *run = toy_world_run(&world, yaml, NULL);
    assert_state(run, "r", "completed");
    assert_state(run, "l", "not_run");
}

static void test_stand_in__an_answer_from_before_a_pause_is_none(void **state)
{
    (void)state;
    world.is_cache_slow = true;
    struct toy_run *run = ask(cached, "{\"x\":1}");
    assert_state(run, "a", "queued");
    toy_run_pause(run);
    toy_world_answer(&world);
    assert_state(run, "a", "ready");
    toy_run_resume(run);
    assert_int_equal(world.question_count, 1);
    toy_world_answer(&world);
    assert_true(toy_run_is_live(run, "a"));
    toy_run_done(run, "a", "1");
    run = ask(cached, "{\"x\":1}");
    toy_run_pause(run);
    toy_run_resume(run);
    assert_int_equal(world.question_count, 2);
    toy_world_answer(&world); /* one is enough */
    assert_output(run, "a", "1");
}

static void test_stand_in__a_retry_does_not_ask_again(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "nodes: [{id: a, type: toy.task, cache: {ttl: 1h},"
                                        " retry: {initial_interval: 1s, jitter: none}}]\n",
                                        NULL);
    toy_run_failed_with(run, "a", DOWN);
    world.is_cache_slow = true;
    toy_world_pass(&world, 1000);
    assert_true(toy_run_is_live(run, "a"));
}

static void test_stand_in__rounds_ask_each(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes:\n"
                      "  - {id: a, type: toy.task, cache: {ttl: 1h}, config: {x: 1},"
                      " repeat: {until: 'a.from_cache', delay: 1s}}\n",
                      NULL);
    toy_run_done(run, "a", "{\"n\":1}");
    toy_world_pass(&world, 1000);
    assert_output(run, "a", "{\"n\":1,\"from_cache\":true}");
    assert_ended(run, "completed");
}

static void test_stand_in__a_restart_asks_the_cache_again(void **state)
{
    (void)state;
    world.is_cache_slow = true;
    struct toy_run *run = ask(cached, "{\"x\":1}");
    toy_world_restart(&world);
    run = toy_world_find(&world, run->id);
    assert_int_equal(world.question_count, 1);
    toy_world_answer(&world);
    assert_true(toy_run_is_live(run, "a"));
}

/* ---- another node ---- */

static const char other[] = "id: p\n"
                            "nodes:\n"
                            "  - {id: a, type: toy.task, retry: off, fallback: {node: g}}\n"
                            "  - {id: g, type: toy.task, config: {why: '{{ a.error.code }}'}}\n"
                            "  - {id: b, type: set, depends_on: [a],"
                            " config: {got: '{{ a.output }}'}}\n";

static void test_stand_in__another_node_runs_only_then(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, other, NULL);
    assert_state(run, "g", "pending");
    toy_run_done(run, "a", "{\"n\":1}");
    assert_state(run, "g", "not_run");
    assert_ended(run, "completed");
    run = toy_world_run(&world, other, NULL);
    toy_run_failed_with(run, "a", MISSING);
    assert_true(toy_run_view(run, "a").is_falling_back);
    assert_json(toy_run_node(run, "g")->config, "{\"why\":\"NOT_FOUND\"}");
    toy_run_done(run, "g", "{\"n\":2}");
    assert_output(run, "g", "{\"n\":2}");
    assert_output(run, "b", "{\"got\":{\"n\":2,\"from_fallback\":true}}");
    assert_ended(run, "completed");
}

static void test_stand_in__both_fail(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, other, NULL);
    toy_run_failed_with(run, "a", DOWN);
    toy_run_failed_with(run, "g", MISSING);
    assert_state(run, "a", "failed");
    assert_state(run, "g", "failed");
    assert_code(run_error(run->run), "UNAVAILABLE");
    assert_holds(run_error(run->run), "\"node\":\"a\"");
    assert_holds(run_error(run->run), "\"fallback\":{\"code\":\"NOT_FOUND\"");
    assert_ended(run, "failed");
}

static void test_stand_in__one_that_is_passed_over_is_none(void **state)
{
    (void)state;
    const char *yaml =
        "id: p\n"
        "nodes:\n"
        "  - {id: a, type: toy.task, retry: off, fallback: {node: g}, on_error: continue}\n"
        "  - {id: g, type: set, when: \"a.error.code == 'NOT_FOUND'\", config: {none: true}}\n";
    struct toy_run *run = toy_world_run(&world, yaml, NULL);
    toy_run_failed_with(run, "a", DOWN);
    assert_state(run, "a", "failed");
    assert_state(run, "g", "skipped");
    assert_ended(run, "completed");
    run = toy_world_run(&world, yaml, NULL);
    toy_run_failed_with(run, "a", MISSING);
    assert_output(run, "a", "{\"none\":true,\"from_fallback\":true}");
    assert_json(run_output(run->run), "{\"a\":{\"none\":true,\"from_fallback\":true}}");
}

static void test_stand_in__one_after_the_other(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes:\n"
                      "  - {id: a, type: toy.task, retry: off, fallback: {node: g}}\n"
                      "  - {id: g, type: toy.task, retry: off, fallback: {node: h}}\n"
                      "  - {id: h, type: toy.task, retry: off, fallback: {value: {last: true}}}\n",
                      NULL);
    toy_run_failed_with(run, "a", DOWN);
    toy_run_failed_with(run, "g", DOWN);
    toy_run_failed_with(run, "h", DOWN);
    assert_output(run, "a", "{\"last\":true,\"from_fallback\":true}");
    assert_json(run_output(run->run), "{\"a\":{\"last\":true,\"from_fallback\":true}}");
    assert_ended(run, "completed");
}

static void test_stand_in__another_node_is_restored(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, other, NULL);
    toy_run_failed_with(run, "a", DOWN);
    toy_world_restart(&world);
    run = toy_world_find(&world, run->id);
    assert_false(toy_run_is_live(run, "a"));
    toy_run_done(run, "g", "{}");
    assert_output(run, "b", "{\"got\":{\"from_fallback\":true}}");
    run = toy_world_run(&world, other, NULL);
    toy_run_failed_with(run, "a", DOWN);
    toy_run_cancel(run);
    toy_run_failed_with(run, "g", "{\"code\":\"CANCELLED\",\"message\":\"x\"}");
    assert_ended(run, "cancelled");
}

static void test_stand_in__in_loops_each_iteration_has_its_own(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\n"
        "nodes:\n"
        "  - id: l\n"
        "    for_each: [1, 2]\n"
        "    nodes:\n"
        "      - {id: a, type: toy.task, retry: off, fallback: {node: g}}\n"
        "      - {id: g, type: set, config: {i: '{{ item }}', why: '{{ a.error.code }}'}}\n",
        NULL);
    toy_run_failed_with(run, "l[0].a", DOWN);
    toy_run_done(run, "l[1].a", "{}");
    assert_output(run, "l",
                  "[{\"a\":{\"i\":1,\"why\":\"UNAVAILABLE\",\"from_fallback\":true}},{\"a\":{}}]");
    assert_ended(run, "completed");
}

/* ---- undoing ---- */

static void test_stand_in__what_was_not_done_is_not_undone(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "rollback: true\n"
                      "nodes:\n"
                      "  - {id: a, type: toy.task, retry: off, fallback: {value: 1},"
                      " compensate: {type: toy.task}}\n"
                      "  - {id: b, type: fail, depends_on: [a], config: {message: x}}\n",
                      NULL);
    toy_run_failed_with(run, "a", DOWN);
    assert_ended(run, "failed");
    assert_int_equal(world.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_stand_in__a_value_answers_when_the_attempts_are_spent),
        WITH_WORLD(test_stand_in__a_map_is_marked),
        WITH_WORLD(test_stand_in__a_value_that_fails_says_both),
        WITH_WORLD(test_stand_in__nothing_stands_in_for_a_person),
        WITH_WORLD(test_stand_in__a_run_that_is_cancelled_takes_none),
        WITH_WORLD(test_stand_in__an_open_breaker_is_not_waited_for),
        WITH_WORLD(test_stand_in__a_retry_meets_an_open_breaker),
        WITH_WORLD(test_stand_in__the_last_good_result_answers),
        WITH_WORLD(test_stand_in__what_stood_in_is_not_kept),
        WITH_WORLD(test_stand_in__another_question_has_another_answer),
        WITH_WORLD(test_stand_in__a_question_is_asked_again_after_a_restart),
        WITH_WORLD(test_stand_in__a_cancel_waits_for_no_answer),
        WITH_WORLD(test_stand_in__a_cache_answers_before_the_call),
        WITH_WORLD(test_stand_in__a_key_of_ones_own),
        WITH_WORLD(test_stand_in__an_answer_needs_no_permit_and_no_breaker),
        WITH_WORLD(test_stand_in__a_port_is_kept),
        WITH_WORLD(test_stand_in__an_answer_from_before_a_pause_is_none),
        WITH_WORLD(test_stand_in__a_retry_does_not_ask_again),
        WITH_WORLD(test_stand_in__rounds_ask_each),
        WITH_WORLD(test_stand_in__a_restart_asks_the_cache_again),
        WITH_WORLD(test_stand_in__another_node_runs_only_then),
        WITH_WORLD(test_stand_in__both_fail),
        WITH_WORLD(test_stand_in__one_that_is_passed_over_is_none),
        WITH_WORLD(test_stand_in__one_after_the_other),
        WITH_WORLD(test_stand_in__another_node_is_restored),
        WITH_WORLD(test_stand_in__in_loops_each_iteration_has_its_own),
        WITH_WORLD(test_stand_in__what_was_not_done_is_not_undone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
