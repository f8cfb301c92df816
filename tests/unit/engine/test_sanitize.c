/* SPDX-License-Identifier: Apache-2.0 */
/* What a pipeline hides in its results, and what it does not. */
#include "tests/unit/engine/world.h"

#include <stdio.h>
#include <string.h>

#include "core/engine/run.h"

#define MAIL "ada@example.org"

static struct toy_run *start(const char *nodes)
{
    char yaml[1500];
    (void)snprintf(yaml, sizeof(yaml),
                   "id: p\n"
                   "sanitize: [email, card, {pattern: 'EMP-[0-9]+'}]\n"
                   "%s",
                   nodes);
    return toy_world_run(&world, yaml, "{\"mail\":\"" MAIL "\"}");
}

static void test_sanitize__hides_in_what_a_task_gives(void **state)
{
    (void)state;
    struct toy_run *run =
        start("nodes:\n"
              "  - {id: a, type: toy.task}\n"
              "  - {id: b, type: set, depends_on: [a], config: {got: '{{ a.output.to }}'}}\n");
    toy_run_done(run, "a", "{\"to\":\"EMP-7 " MAIL "\",\"n\":4111111111111111,\"m\":17}");
    assert_output(run, "a", "{\"to\":\"*** ***\",\"n\":\"***\",\"m\":17}");
    assert_output(run, "b", "{\"got\":\"*** ***\"}"); /* as after a crash */
    assert_ended(run, "completed");
    assert_json(run_output(run->run), "{\"b\":{\"got\":\"*** ***\"}}");
}

static void test_sanitize__hides_in_what_expressions_give(void **state)
{
    (void)state;
    struct toy_run *run =
        start("nodes:\n"
              "  - {id: a, type: set, config: {x: '{{ input.mail }}'}}\n"
              "  - {id: b, type: start}\n"
              "output: {o: 'is {{ input.mail }}', n: '{{ size(input.mail) }}'}\n");
    assert_output(run, "a", "{\"x\":\"***\"}");
    assert_output(run, "b", "{\"mail\":\"***\"}");
    assert_json(run_input(run->run), "{\"mail\":\"" MAIL "\"}"); /* nodes are given it */
    assert_json(run_output(run->run), "{\"o\":\"is ***\",\"n\":15}");
}

static void test_sanitize__hides_in_failures_but_not_their_code(void **state)
{
    (void)state;
    struct toy_run *run = start(
        "nodes:\n"
        "  - {id: a, type: toy.task, retry: {max_attempts: 2, initial_interval: 1s}}\n"
        "  - {id: b, type: fail, depends_on: [a], config: {message: 'to {{ input.mail }}'}}\n");
    static const char failure[] = "{\"code\":\"UNAVAILABLE\",\"message\":\"no " MAIL "\","
                                  "\"details\":{\"x\":\"EMP-1\"},\"effect\":\"none\"}";
    toy_run_failed_with(run, "a", failure);
    assert_true(toy_run_view(run, "a").is_retrying);
    assert_json(toy_run_view(run, "a").error,
                "{\"code\":\"UNAVAILABLE\",\"message\":\"no ***\",\"details\":{\"x\":\"***\"},"
                "\"effect\":\"none\"}");
    toy_world_pass(&world, 10000);
    toy_run_done(run, "a", "1");
    assert_holds(toy_run_view(run, "b").error, "\"message\":\"to ***\"");
    assert_holds(run_error(run->run), "\"message\":\"to ***\"");
    assert_ended(run, "failed");
}

static void test_sanitize__hides_in_what_loops_tell(void **state)
{
    (void)state;
    struct toy_run *run =
        start("nodes:\n"
              "  - id: each\n"
              "    for_each: '[input.mail]'\n"
              "    max_failures: 100%\n"
              "    nodes: [{id: a, type: toy.task, retry: off, config: {to: '{{ item }}'}}]\n"
              "  - id: sum\n"
              "    for_each: '[input.mail]'\n"
              "    collect: {reduce: 'acc + input.mail', init: ''}\n"
              "    type: set\n"
              "    config: {x: 1}\n"
              "  - id: own\n"
              "    for_each: '[1]'\n"
              "    nodes: [{id: b, type: set, config: {x: 1}}]\n"
              "    output: '{{ input.mail }}'\n");
    toy_run_failed_with(run, "each[0].a", "{\"code\":\"NOT_FOUND\",\"message\":\"x\"}");
    assert_holds(toy_run_view(run, "each").detail, "\"item\":\"***\"");
    assert_output(run, "own", "[\"***\"]");
    assert_output(run, "sum", "\"***\"");
    assert_ended(run, "completed");
}

static void test_sanitize__gives_nodes_what_is_not_a_result(void **state)
{
    (void)state;
    struct toy_run *run = start("nodes:\n"
                                "  - {id: a, type: toy.task, config: {to: '{{ input.mail }}'}}\n"
                                "  - {id: b, type: toy.task, depends_on: [a],"
                                " when: \"input.mail == '" MAIL "'\"}\n");
    toy_run_done(run, "a", "\"sent to " MAIL "\"");
    assert_output(run, "a", "\"sent to ***\"");
    assert_state(run, "b", "running");
    toy_run_done(run, "b", "null");
}

static void test_sanitize__hides_in_events_and_items(void **state)
{
    (void)state;
    struct toy_run *run =
        start("nodes:\n"
              "  - {id: w, type: wait, config: {event: paid}}\n"
              "  - {id: s, type: flow.task}\n"
              "  - {id: each, for_each: s.stream, type: set, config: {x: '{{ item }}'}}\n");
    toy_run_send(run, "paid", "{\"by\":\"" MAIL "\"}");
    assert_holds(toy_run_view(run, "w").output, "\"data\":{\"by\":\"***\"}");
    toy_run_emit(run, "s", 1, "\"" MAIL "\"");
    toy_run_done(run, "s", "{}");
    assert_output(run, "each", "[{\"x\":\"***\"}]");
}

static void test_sanitize__hides_in_what_stands_in(void **state)
{
    (void)state;
    struct toy_run *run = start("nodes:\n"
                                "  - {id: a, type: toy.task, retry: off,"
                                " fallback: {value: {x: '{{ input.mail }}'}}}\n");
    toy_run_failed_with(run, "a", "{\"code\":\"NOT_FOUND\",\"message\":\"x\"}");
    assert_output(run, "a", "{\"x\":\"***\",\"from_fallback\":true}");
}

static void test_sanitize__is_the_same_after_a_crash(void **state)
{
    (void)state;
    struct toy_run *run = start("nodes:\n"
                                "  - {id: a, type: toy.task}\n"
                                "  - {id: b, type: toy.task, depends_on: [a]}\n"
                                "  - {id: c, type: set, depends_on: [b],"
                                " config: {a: '{{ a.output }}', i: '{{ input.mail == \"" MAIL
                                "\" }}'}}\n");
    toy_run_done(run, "a", "\"" MAIL "\"");
    toy_world_crash(&world);
    toy_world_recover(&world);
    toy_run_done(run, "b", "\"EMP-1\"");
    assert_output(run, "b", "\"***\"");
    assert_output(run, "c", "{\"a\":\"***\",\"i\":true}");
    assert_ended(run, "completed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_sanitize__hides_in_what_a_task_gives),
        WITH_WORLD(test_sanitize__hides_in_what_expressions_give),
        WITH_WORLD(test_sanitize__hides_in_failures_but_not_their_code),
        WITH_WORLD(test_sanitize__hides_in_what_loops_tell),
        WITH_WORLD(test_sanitize__gives_nodes_what_is_not_a_result),
        WITH_WORLD(test_sanitize__hides_in_events_and_items),
        WITH_WORLD(test_sanitize__hides_in_what_stands_in),
        WITH_WORLD(test_sanitize__is_the_same_after_a_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
