/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/str.h"
#include "core/engine/failure.h"
#include "core/engine/run.h"
#include "core/value/value.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/toy_world.h"
#include "tests/unit/engine/world.h"

static void assert_error(const struct document *error, const char *code, const char *part)
{
    char *text = pipeline_fixture_text(error);
    if (!str_equal_text(failure_code(error), code) || strstr(text, part) == NULL) {
        fail_msg("%s is not %s with '%s'", text, code, part);
    }
    free(text);
}

/* ---- start, passthrough, set ---- */

static void test_inline_types__start_gives_the_input(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world, "id: p\nnodes:\n  - {id: a, type: start}\n", "{\"x\": [1]}");
    assert_output(run, "a", "{\"x\":[1]}");
    assert_int_equal(toy_run_view(run, "a").attempt, 1);
    assert_int_equal(toy_run_view(run, "a").started_at_unix_ms, world.now);
    assert_int_equal(toy_run_view(run, "a").ended_at_unix_ms, world.now);
}

static void test_inline_types__passthrough_gives_on_what_came_before(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes:\n"
                      "  - {id: none, type: passthrough}\n"
                      "  - {id: a, type: toy.task}\n"
                      "  - {id: b, type: toy.task}\n"
                      "  - {id: off, type: toy.task, when: \"false\"}\n"
                      "  - {id: one, type: passthrough, depends_on: [a]}\n"
                      "  - {id: several, type: passthrough, depends_on: [a, b, off]}\n"
                      "  - {id: one_of, type: passthrough, depends_on: [off, b]}\n"
                      "  - {id: empty, type: passthrough, depends_on: [off]}\n",
                      "{\"in\": 1}");
    toy_run_done(run, "b", "\"B\"");
    toy_run_done(run, "a", "{\"n\": 1}");
    assert_output(run, "none", "{\"in\":1}");
    assert_output(run, "one", "{\"n\":1}");
    assert_output(run, "several", "{\"a\":{\"n\":1},\"b\":\"B\"}");
    assert_output(run, "one_of", "\"B\"");
    assert_output(run, "empty", "{}");
    assert_int_equal(run_state(run->run), RUN_COMPLETED);
}

static void test_inline_types__passthrough_leaves_out_edges_not_taken(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "nodes:\n"
                                        "  - {id: a, type: toy.task}\n"
                                        "  - {id: b, type: toy.task}\n"
                                        "  - {id: c, type: passthrough, depends_on: [b]}\n"
                                        "edges:\n"
                                        "  - {source: a, target: c, when: \"a.output.n > 5\"}\n",
                                        NULL);
    toy_run_done(run, "a", "{\"n\": 1}");
    toy_run_done(run, "b", "{\"n\": 2}");
    assert_output(run, "c", "{\"n\":2}");
}

static void test_inline_types__passthrough_fails_when_it_nests_too_deep(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "nodes:\n"
                                        "  - {id: a, type: toy.task}\n"
                                        "  - {id: b, type: toy.task}\n"
                                        "  - {id: c, type: passthrough, depends_on: [a, b]}\n",
                                        NULL);
    char deep[2 * VALUE_MAX_DEPTH + 1] = {0};
    memset(deep, '[', VALUE_MAX_DEPTH);
    memset(deep + VALUE_MAX_DEPTH, ']', VALUE_MAX_DEPTH);
    toy_run_done(run, "a", deep);
    toy_run_done(run, "b", "1");
    assert_state(run, "c", "failed");
    assert_int_equal(run_state(run->run), RUN_FAILED);
    assert_error(run->error, FAILURE_LIMIT, "64");
}

static void test_inline_types__set_gives_its_config(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\n"
        "config: {host: h}\n"
        "nodes:\n"
        "  - {id: a, type: set, config: {url: \"http://{{ config.host }}/{{ input.n }}\","
        " n: \"{{ input.n }}\"}}\n",
        "{\"n\": 3}");
    assert_output(run, "a", "{\"url\":\"http://h/3\",\"n\":3}");
    struct toy_run *bad = toy_world_run(
        &world, "id: p\nnodes:\n  - {id: a, type: set, config: {n: \"{{ input.n }}\"}}\n", NULL);
    assert_state(bad, "a", "failed");
    assert_error(bad->error, FAILURE_EXPRESSION, "n");
}

/* ---- conditional and router ---- */

static const char *const conditional = "id: p\n"
                                       "nodes:\n"
                                       "  - id: c\n"
                                       "    type: conditional\n"
                                       "    config: {condition: \"input.n > 10\","
                                       " true_edge: big, false_edge: finished}\n"
                                       "  - {id: big, type: start}\n"
                                       "  - {id: next, type: start, depends_on: [c]}\n";

static void test_inline_types__conditional_takes_one_way(void **state)
{
    (void)state;
    struct toy_run *big = toy_world_run(&world, conditional, "{\"n\": 11}");
    assert_output(big, "c", "{\"result\":true}");
    assert_int_equal(toy_run_view(big, "c").outcome, 2);
    assert_state(big, "big", "completed");
    assert_state(big, "next", "completed");
    struct toy_run *small = toy_world_run(&world, conditional, "{\"n\": 10}");
    assert_output(small, "c", "{\"result\":false,\"end\":\"finished\"}");
    assert_state(small, "big", "not_run");
    assert_state(small, "next", "completed");
    assert_run_state(small, RUN_COMPLETED);
}

static void test_inline_types__conditional_is_never_truthy(void **state)
{
    (void)state;
    static const char *const conditions[] = {"input.n", "input.s", "input.none", "input.missing"};
    for (size_t i = 0; i < 4; i++) {
        char yaml[300];
        (void)snprintf(
            yaml, sizeof(yaml),
            "id: p\nnodes:\n  - {id: c, type: conditional, config: {condition: \"%s\"}}\n",
            conditions[i]);
        struct toy_run *run =
            toy_world_run(&world, yaml, "{\"n\": 1, \"s\": \"true\", \"none\": null}");
        assert_state(run, "c", "failed");
        assert_error(run->error, FAILURE_EXPRESSION, "\"node\":\"c\"");
    }
}

static const char *const router = "id: p\n"
                                  "nodes:\n"
                                  "  - id: r\n"
                                  "    type: router\n"
                                  "    config:\n"
                                  "      routes:\n"
                                  "        - {name: first, when: \"input.n > 0\"}\n"
                                  "        - {name: second, when: \"input.n > -10\"}\n"
                                  "        - {name: third, when: \"10 / input.n == -1\"}\n"
                                  "  - {id: a, type: start}\n"
                                  "  - {id: b, type: start}\n"
                                  "  - {id: mend, type: start}\n"
                                  "edges:\n"
                                  "  - {source: r, target: a, outcome: first}\n"
                                  "  - {source: r, target: b, outcome: second}\n";

static void test_inline_types__router_takes_the_first_true_route(void **state)
{
    (void)state;
    struct toy_run *first = toy_world_run(&world, router, "{\"n\": 1}");
    assert_output(first, "r", "{\"route\":\"first\"}");
    assert_state(first, "a", "completed");
    assert_state(first, "b", "not_run");
    struct toy_run *second = toy_world_run(&world, router, "{\"n\": 0}");
    assert_output(second, "r", "{\"route\":\"second\"}");
    struct toy_run *third = toy_world_run(&world, router, "{\"n\": -10}");
    assert_output(third, "r", "{\"route\":\"third\"}");
    assert_state(third, "a", "not_run");
    assert_run_state(third, RUN_COMPLETED);
}

static void test_inline_types__router_without_a_way_fails(void **state)
{
    (void)state;
    struct toy_run *none = toy_world_run(&world, router, "{\"n\": -20}");
    assert_state(none, "r", "failed");
    assert_error(none->error, FAILURE_NO_ROUTE, "default");
    assert_run_state(none, RUN_FAILED);
    struct toy_run *broken = toy_world_run(&world, router, "{}");
    assert_error(broken->error, FAILURE_EXPRESSION, "route 'first'");
}

static void test_inline_types__no_route_can_be_handled(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes:\n"
                      "  - {id: r, type: router, config: {routes: [{name: x, when: \"false\"}]}}\n"
                      "  - {id: a, type: start}\n"
                      "  - {id: mend, type: set, config: {code: \"{{ r.error.code }}\"}}\n"
                      "edges:\n"
                      "  - {source: r, target: a, outcome: x}\n"
                      "  - {source: r, target: mend, outcome: error}\n",
                      NULL);
    assert_output(run, "mend", "{\"code\":\"NO_ROUTE\"}");
    assert_run_state(run, RUN_COMPLETED);
}

static void test_inline_types__router_falls_back_to_its_default(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes:\n"
                      "  - id: r\n"
                      "    type: router\n"
                      "    config: {routes: [{name: x, when: \"false\"}], default: other}\n"
                      "  - {id: a, type: start}\n"
                      "edges:\n"
                      "  - {source: r, target: a, outcome: other}\n",
                      NULL);
    assert_output(run, "r", "{\"route\":\"other\"}");
    assert_state(run, "a", "completed");
}

/* ---- fail ---- */

static void test_inline_types__fail_fails_with_its_message(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\n"
        "nodes:\n"
        "  - {id: f, type: fail, config: {message: \"no {{ input.what }}\", code: NO_DISK}}\n",
        "{\"what\": \"disk\"}");
    assert_state(run, "f", "failed");
    assert_error(run->error, "NO_DISK", "\"message\":\"no disk\"");
    struct toy_run *plain = toy_world_run(
        &world, "id: p\nnodes:\n  - {id: f, type: fail, config: {message: stop}}\n", NULL);
    assert_error(plain->error, FAILURE_FAILED, "stop");
    struct toy_run *data = toy_world_run(&world,
                                         "id: p\nnodes: [{id: f, type: fail, config: {message: '{{ "
                                         "input.l }}', code: '{{ input.c }}'}}]\n",
                                         "{\"l\": [1, \"x\"], \"c\": 7}");
    assert_error(data->error, "7", "[1,\\\"x\\\"]");
    struct toy_run *bad = toy_world_run(
        &world, "id: p\nnodes:\n  - {id: f, type: fail, config: {message: \"{{ input.what }}\"}}\n",
        NULL);
    assert_error(bad->error, FAILURE_EXPRESSION, "what");
}

/* ---- wait ---- */

static void test_inline_types__wait_ends_after_its_seconds(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world, "id: p\nnodes:\n  - {id: w, type: wait, config: {seconds: 1.5}}\n", NULL);
    toy_world_pass(&world, 1499);
    assert_state(run, "w", "running");
    toy_world_pass(&world, 1);
    assert_state(run, "w", "completed");
    assert_output(run, "w", "{\"waited_seconds\":1.5}");
    assert_run_state(run, RUN_COMPLETED);
}

static void test_inline_types__wait_ends_at_a_time(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world, "id: p\nnodes:\n  - {id: w, type: wait, config: {until: \"{{ input.at }}\"}}\n",
        "{\"at\": \"2023-11-14T22:13:25.5Z\"}"); /* five and a half seconds on */
    toy_world_pass(&world, 5499);
    assert_state(run, "w", "running");
    toy_world_pass(&world, 1);
    assert_state(run, "w", "completed");
    struct toy_run *past = toy_world_run(
        &world,
        "id: p\nnodes:\n  - {id: w, type: wait, config: {until: \"2020-01-01T00:00:00Z\"}}\n",
        NULL);
    toy_world_pass(&world, 0);
    assert_state(past, "w", "completed");
}

static void test_inline_types__wait_refuses_what_is_no_time(void **state)
{
    (void)state;
    static const struct {
        const char *config;
        const char *input;
        const char *message;
    } cases[] = {
        {"{seconds: \"{{ input.x }}\"}", "{\"x\": -1}", "'seconds' must be 0 to"},
        {"{seconds: \"{{ input.x }}\"}", "{\"x\": 1e300}", "'seconds' must be 0 to"},
        {"{seconds: \"{{ input.x }}\"}", "{\"x\": \"5\"}",
         "'seconds' must be a number, not string"},
        {"{seconds: \"{{ input.x }}\"}", "{\"x\": null}", "'seconds' must be a number, not null"},
        {"{until: \"{{ input.x }}\"}", "{\"x\": \"tomorrow\"}", "'until' must be a time"},
        {"{until: \"{{ input.x }}\"}", "{\"x\": 5}", "'until' must be a time"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char yaml[200];
        (void)snprintf(yaml, sizeof(yaml), "id: p\nnodes:\n  - {id: w, type: wait, config: %s}\n",
                       cases[i].config);
        struct toy_run *run = toy_world_run(&world, yaml, cases[i].input);
        assert_state(run, "w", "failed");
        assert_error(run->error, FAILURE_CONFIG, cases[i].message);
        assert_int_equal(toy_run_timer_count(run), 0);
    }
}

static void test_inline_types__wait_is_cut_by_its_time_out(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\nnodes:\n  - {id: w, type: wait, timeout: 2s, config: {seconds: 3}}\n"
                      "  - {id: short, type: wait, timeout: 2s, config: {seconds: 1}}\n",
                      NULL);
    assert_int_equal(toy_run_timer_count(run), 2);
    toy_world_pass(&world, 1000);
    assert_state(run, "short", "completed");
    toy_world_pass(&world, 1000);
    assert_state(run, "w", "failed");
    assert_error(run->error, FAILURE_TIMEOUT, "2 s");
    assert_int_equal(toy_run_timer_count(run), 0);
}

static void test_inline_types__waits_that_are_cancelled_leave_no_timer(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\nnodes:\n  - {id: w, type: wait, timeout: 2s, config: {seconds: 3}}\n"
                      "  - {id: v, type: wait, config: {seconds: 3}}\n",
                      NULL);
    toy_run_cancel(run);
    assert_state(run, "w", "cancelled");
    assert_state(run, "v", "cancelled");
    assert_int_equal(toy_run_timer_count(run), 0);
    toy_run_event(run, &(struct run_event){
                           .type = RUN_EVENT_TIMER, .attempt = 1, .timer = TIMER_NODE_TIMEOUT});
    assert_state(run, "w", "cancelled");
    assert_run_state(run, RUN_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_inline_types__start_gives_the_input),
        WITH_WORLD(test_inline_types__passthrough_gives_on_what_came_before),
        WITH_WORLD(test_inline_types__passthrough_leaves_out_edges_not_taken),
        WITH_WORLD(test_inline_types__passthrough_fails_when_it_nests_too_deep),
        WITH_WORLD(test_inline_types__set_gives_its_config),
        WITH_WORLD(test_inline_types__conditional_takes_one_way),
        WITH_WORLD(test_inline_types__conditional_is_never_truthy),
        WITH_WORLD(test_inline_types__router_takes_the_first_true_route),
        WITH_WORLD(test_inline_types__router_without_a_way_fails),
        WITH_WORLD(test_inline_types__no_route_can_be_handled),
        WITH_WORLD(test_inline_types__router_falls_back_to_its_default),
        WITH_WORLD(test_inline_types__fail_fails_with_its_message),
        WITH_WORLD(test_inline_types__wait_ends_after_its_seconds),
        WITH_WORLD(test_inline_types__wait_ends_at_a_time),
        WITH_WORLD(test_inline_types__wait_refuses_what_is_no_time),
        WITH_WORLD(test_inline_types__wait_is_cut_by_its_time_out),
        WITH_WORLD(test_inline_types__waits_that_are_cancelled_leave_no_timer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
