/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/engine/run.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/toy_world.h"
#include "tests/unit/engine/world.h"

/* ---- when a node runs ---- */

static void test_run__roots_start_together_and_the_rest_waits(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "nodes:\n"
                                        "  - {id: a, type: toy.task}\n"
                                        "  - {id: b, type: toy.task}\n"
                                        "  - {id: c, type: toy.task, depends_on: [a, b]}\n",
                                        NULL);
    assert_true(toy_run_is_live(run, "a"));
    assert_true(toy_run_is_live(run, "b"));
    assert_state(run, "c", "pending");
    toy_run_done(run, "b", "{}");
    assert_state(run, "c", "pending");
    toy_run_done(run, "a", "{}");
    assert_state(run, "c", "running");
    toy_run_done(run, "c", "{}");
    assert_run_state(run, RUN_COMPLETED);
    assert_int_equal(run->ended_effects, 1);
}

static void test_run__a_run_without_anything_ready_ends_at_once(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world, "id: p\nnodes:\n  - {id: a, type: start}\n", "{\"x\": 1}");
    assert_run_state(run, RUN_COMPLETED);
    cleanup_document struct document *expected = pipeline_fixture_json("{\"a\": {\"x\": 1}}");
    assert_true(value_equal(document_root(run->output), document_root(expected)));
}

/*
 * Two sources x and y lead to z with the given join; x ends as `x_end` says: '+' done, '-' not
 * taken (its edge's condition is false), '!' failed and dealt with by an error edge.
 */
static const char *join_case(const char *join, const char *ends)
{
    static char yaml[1200];
    (void)snprintf(yaml, sizeof(yaml),
                   "id: p\n"
                   "nodes:\n"
                   "  - {id: x, type: toy.task}\n"
                   "  - {id: y, type: toy.task}\n"
                   "  - {id: mend, type: toy.task}\n"
                   "  - {id: z, type: toy.task, join: %s}\n"
                   "edges:\n"
                   "  - {source: x, target: z, when: \"%s\"}\n"
                   "  - {source: y, target: z, when: \"%s\"}\n"
                   "  - {source: x, target: mend, outcome: error}\n"
                   "  - {source: y, target: mend, outcome: error}\n",
                   join, ends[0] == '-' ? "false" : "true", ends[1] == '-' ? "false" : "true");
    struct toy_run *run = toy_world_run(&world, yaml, NULL);
    static const char *const ids[] = {"x", "y"};
    for (size_t i = 0; i < 2; i++) {
        if (ends[i] == '!') {
            toy_run_failed(run, ids[i], "BROKEN");
        } else {
            toy_run_done(run, ids[i], "{}");
        }
    }
    if (toy_run_is_live(run, "mend")) {
        toy_run_done(run, "mend", "{}");
    }
    const char *reached = toy_run_state(run, "z");
    if (toy_run_is_live(run, "z")) {
        toy_run_done(run, "z", "{}");
    }
    assert_run_state(run, RUN_COMPLETED);
    return reached;
}

static void test_run__join_decides_over_taken_dead_and_failed(void **state)
{
    (void)state;
    static const struct {
        const char *join;
        const char *ends;
        const char *expected;
    } cases[] = {
        {"default", "++", "running"}, {"default", "+-", "running"}, {"default", "-+", "running"},
        {"default", "--", "not_run"}, {"default", "+!", "not_run"}, {"default", "!+", "not_run"},
        {"default", "-!", "not_run"}, {"default", "!!", "not_run"}, {"any", "++", "running"},
        {"any", "+-", "running"},     {"any", "--", "not_run"},     {"any", "+!", "running"},
        {"any", "!-", "not_run"},     {"any", "!!", "not_run"},     {"all", "++", "running"},
        {"all", "+-", "not_run"},     {"all", "-+", "not_run"},     {"all", "+!", "not_run"},
        {"all", "--", "not_run"},     {"all", "!!", "not_run"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *reached = join_case(cases[i].join, cases[i].ends);
        if (strcmp(reached, cases[i].expected) != 0) {
            fail_msg("join %s with %s: %s, not %s", cases[i].join, cases[i].ends, reached,
                     cases[i].expected);
        }
    }
}

static void test_run__failure_is_passed_on_by_dead_nodes(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "nodes:\n"
                                        "  - {id: a, type: toy.task}\n"
                                        "  - {id: b, type: toy.task, depends_on: [a]}\n"
                                        "  - {id: c, type: toy.task, depends_on: [b]}\n"
                                        "  - {id: ok, type: toy.task}\n"
                                        "  - {id: mend, type: toy.task}\n"
                                        "  - {id: both, type: toy.task, depends_on: [c, ok]}\n"
                                        "  - {id: either, type: toy.task, join: any,\n"
                                        "     depends_on: [c, ok]}\n"
                                        "edges:\n"
                                        "  - {source: a, target: mend, outcome: error}\n",
                                        NULL);
    toy_run_failed(run, "a", "BROKEN");
    toy_run_done(run, "ok", "{}");
    assert_state(run, "b", "not_run");
    assert_state(run, "c", "not_run");
    assert_state(run, "both", "not_run");
    assert_state(run, "either", "running");
    toy_run_done(run, "mend", "{}");
    toy_run_done(run, "either", "{}");
    assert_run_state(run, RUN_COMPLETED);
}

static void test_run__branches_of_a_router_meet_once(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes:\n"
                      "  - id: route\n"
                      "    type: router\n"
                      "    config:\n"
                      "      routes: [{name: low, when: \"input.n < 10\"}, {name: high, when: "
                      "\"input.n < 100\"}]\n"
                      "      default: other\n"
                      "  - {id: one, type: toy.task}\n"
                      "  - {id: two, type: toy.task}\n"
                      "  - {id: two_more, type: toy.task, depends_on: [two]}\n"
                      "  - {id: three, type: toy.task}\n"
                      "  - {id: meet, type: toy.task, depends_on: [one, two_more, three]}\n"
                      "edges:\n"
                      "  - {source: route, target: one, outcome: low}\n"
                      "  - {source: route, target: two, outcome: high}\n"
                      "  - {source: route, target: three, outcome: other}\n",
                      "{\"n\": 50}");
    assert_state(run, "one", "not_run");
    assert_state(run, "three", "not_run");
    toy_run_done(run, "two", "{}");
    assert_state(run, "meet", "pending");
    toy_run_done(run, "two_more", "{}");
    assert_state(run, "meet", "running");
    toy_run_done(run, "meet", "{}");
    assert_int_equal(toy_run_node(run, "meet")->starts, 1);
    assert_run_state(run, RUN_COMPLETED);
}

static void test_run__a_false_when_skips_and_goes_on(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "nodes:\n"
                                        "  - {id: a, type: toy.task, when: \"input.go\"}\n"
                                        "  - {id: b, type: toy.task, depends_on: [a]}\n"
                                        "  - {id: mend, type: toy.task}\n"
                                        "  - {id: port, type: toy.task}\n"
                                        "edges:\n"
                                        "  - {source: a, target: mend, outcome: error}\n"
                                        "  - {source: a, target: port, outcome: left}\n",
                                        "{\"go\": false}");
    assert_state(run, "a", "skipped");
    assert_null(toy_run_view(run, "a").output);
    assert_int_equal(toy_run_view(run, "a").attempt, 0);
    assert_state(run, "b", "running");
    assert_state(run, "mend", "not_run");
    assert_state(run, "port", "not_run");
    toy_run_done(run, "b", "{}");
    assert_run_state(run, RUN_COMPLETED);
}

static void test_run__a_skipped_node_asks_the_conditions_of_its_edges(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes:\n"
                      "  - {id: a, type: toy.task, when: \"false\"}\n"
                      "  - {id: b, type: start}\n"
                      "  - {id: c, type: start}\n"
                      "edges:\n"
                      "  - {source: a, target: b, when: \"a.status == 'skipped'\"}\n"
                      "  - {source: a, target: c, when: \"has(a.output)\"}\n",
                      NULL);
    assert_state(run, "b", "completed");
    assert_state(run, "c", "not_run");
    assert_run_state(run, RUN_COMPLETED);
}

static void test_run__edges_see_how_their_source_ended(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes:\n"
                      "  - {id: a, type: toy.task}\n"
                      "  - {id: big, type: start}\n"
                      "  - {id: small, type: start}\n"
                      "  - {id: timed, type: start}\n"
                      "edges:\n"
                      "  - {source: a, target: big, when: \"a.output.n > 10\"}\n"
                      "  - {source: a, target: small, when: \"a.n <= 10\"}\n"
                      "  - {source: a, target: timed,\n"
                      "     when: \"a.status == 'completed' && a.attempts == 1 &&\n"
                      "           a.finished_at - a.started_at == duration('3s')\"}\n",
                      NULL);
    toy_world_pass(&world, 3000);
    toy_run_done(run, "a", "{\"n\": 20}");
    assert_state(run, "big", "completed");
    assert_state(run, "small", "not_run");
    assert_state(run, "timed", "completed");
    assert_run_state(run, RUN_COMPLETED);
}

static void test_run__an_edges_failing_condition_fails_the_run(void **state)
{
    (void)state;
    static const char *const whens[] = {"a.output.missing == 1", "a.output.n",
                                        "1 / a.output.n == 0"};
    for (size_t i = 0; i < 3; i++) {
        char yaml[400];
        (void)snprintf(yaml, sizeof(yaml),
                       "id: p\n"
                       "nodes:\n"
                       "  - {id: a, type: toy.task}\n"
                       "  - {id: b, type: start}\n"
                       "edges:\n"
                       "  - {source: a, target: b, when: \"%s\"}\n",
                       whens[i]);
        struct toy_run *run = toy_world_run(&world, yaml, NULL);
        toy_run_done(run, "a", "{\"n\": 0}");
        assert_state(run, "a", "completed");
        assert_state(run, "b", "not_run");
        assert_run_state(run, RUN_FAILED);
        char *error = pipeline_fixture_text(run->error);
        assert_non_null(strstr(error, "\"node\":\"a\""));
        assert_non_null(strstr(error, "edge to 'b'"));
        free(error);
    }
}

static void test_run__ports_take_their_edges_and_the_plain_ones(void **state)
{
    (void)state;
    static const char *const yaml = "id: p\n"
                                    "nodes:\n"
                                    "  - {id: a, type: toy.task}\n"
                                    "  - {id: l, type: start}\n"
                                    "  - {id: r, type: start}\n"
                                    "  - {id: plain, type: start}\n"
                                    "edges:\n"
                                    "  - {source: a, target: l, outcome: left}\n"
                                    "  - {source: a, target: r, outcome: right}\n"
                                    "  - {source: a, target: plain}\n";
    struct toy_run *left = toy_world_run(&world, yaml, NULL);
    toy_run_done_port(left, "a", "left", "{}");
    assert_state(left, "l", "completed");
    assert_state(left, "r", "not_run");
    assert_state(left, "plain", "completed");
    struct toy_run *none = toy_world_run(&world, yaml, NULL);
    toy_run_done_port(none, "a", "a port nobody knows", "{}");
    assert_state(none, "l", "not_run");
    assert_state(none, "r", "not_run");
    assert_state(none, "plain", "completed");
    assert_run_state(none, RUN_COMPLETED);
}

/* ---- the run's output ---- */

static void test_run__output_is_what_the_pipeline_says(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "nodes:\n"
                                        "  - {id: a, type: toy.task}\n"
                                        "output: {n: \"{{ a.output.n }}\", id: \"{{ run.id }}\"}\n",
                                        NULL);
    toy_run_done(run, "a", "{\"n\": 7}");
    char *text = pipeline_fixture_text(run->output);
    assert_string_equal(text, "{\"n\":7,\"id\":\"run1\"}");
    free(text);
}

static void test_run__output_is_else_the_map_of_the_leaves(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "nodes:\n"
                                        "  - {id: a, type: toy.task}\n"
                                        "  - {id: b, type: toy.task, depends_on: [a]}\n"
                                        "  - {id: c, type: toy.task, depends_on: [a]}\n"
                                        "  - {id: d, type: toy.task, when: \"false\"}\n",
                                        NULL);
    toy_run_done(run, "a", "1");
    toy_run_done(run, "c", "[3]");
    toy_run_done(run, "b", "2");
    char *text = pipeline_fixture_text(run->output);
    assert_string_equal(text, "{\"b\":2,\"c\":[3]}");
    free(text);
}

static void test_run__an_output_that_fails_fails_the_run(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "nodes:\n"
                                        "  - {id: a, type: toy.task}\n"
                                        "output: \"{{ a.output.missing }}\"\n",
                                        NULL);
    toy_run_done(run, "a", "{}");
    assert_run_state(run, RUN_FAILED);
    assert_state(run, "a", "completed");
    assert_null(run->output);
    char *text = pipeline_fixture_text(run->error);
    assert_non_null(strstr(text, "output: "));
    assert_non_null(strstr(text, "missing"));
    free(text);
}

/* `depth` lists inside each other. */
static char *nested(size_t depth)
{
    char *text = calloc(2 * depth + 1, 1);
    assert_non_null(text);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    return text;
}

static void test_run__leaves_that_nest_too_deep_fail_the_run(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world, "id: p\nnodes:\n  - {id: a, type: toy.task}\n", NULL);
    char *deep = nested(VALUE_MAX_DEPTH);
    toy_run_done(run, "a", deep);
    free(deep);
    assert_state(run, "a", "completed");
    assert_run_state(run, RUN_FAILED);
    char *text = pipeline_fixture_text(run->error);
    assert_non_null(strstr(text, "\"code\":\"LIMIT\""));
    free(text);
}

/* ---- replay and memory ---- */

/* What a journal leaves out is decided again; what it kept may be in another order. */
static void test_run__replay_does_not_need_the_order_of_the_queue(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "integrations: {toy: {max_concurrency: 1}}\n"
                                        "nodes:\n"
                                        "  - {id: a, type: toy.task}\n"
                                        "  - {id: b, type: toy.task}\n"
                                        "  - {id: c, type: other.task}\n"
                                        "  - {id: d, type: other.task}\n",
                                        NULL);
    assert_state(run, "b", "queued");
    assert_true(toy_run_is_live(run, "d"));
    assert_true(toy_run_replay_agrees(run, true));
    assert_true(toy_run_replay_agrees(run, false));
    toy_run_done(run, "d", "{}");
    assert_true(toy_run_replay_agrees(run, false));
    toy_run_cancel(run);
    assert_state(run, "b", "not_run");
}

static void test_run__create_survives_each_failed_allocation(void **state)
{
    (void)state;
    struct pipeline *pipeline =
        pipeline_fixture_load("id: p\nnodes:\n  - {id: a, type: toy.task}\n");
    struct run_options options = {
        .pipeline = pipeline,
        .input = document_empty_map(),
        .id = STR("r"),
        .triggered_by = STR("manual"),
    };
    for (long n = 0;; n++) {
        struct error err = {0};
        struct run *run = NULL;
        failing_alloc_arm(n);
        int status = run_create(&options, &run, &err);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, 0);
            assert_int_equal(run_state(run), RUN_PENDING);
            run_destroy(run);
            assert_true(n >= 5);
            break;
        }
        assert_int_equal(status, E_NOMEM);
        assert_null(run);
    }
    pipeline_unref(pipeline);
}

static void test_run__key_is_equal_over_attempts_and_differs_over_nodes(void **state)
{
    (void)state;
    static const char *const yaml = "id: p\nnodes:\n  - {id: a, type: toy.task}\n"
                                    "  - {id: b, type: toy.task}\n";
    struct toy_run *first = toy_world_run(&world, yaml, NULL);
    struct toy_run *second = toy_world_run(&world, yaml, NULL);
    char keys[4][32];
    assert_int_equal(run_idempotency_key(first->run, 0, 0, keys[0]), 0);
    assert_int_equal(run_idempotency_key(first->run, 0, 1, keys[1]), 0);
    assert_int_equal(run_idempotency_key(second->run, 0, 0, keys[2]), 0);
    toy_run_done(first, "a", "{}");
    assert_int_equal(run_idempotency_key(first->run, 0, 0, keys[3]), 0);
    assert_string_equal(keys[0], keys[3]);
    assert_string_not_equal(keys[0], keys[1]);
    assert_string_not_equal(keys[0], keys[2]);
    assert_int_equal(strlen(keys[0]), 31);
    assert_memory_equal(keys[0], "ops1_", 5);
}

static void test_run__a_cancelled_loop_waits_for_the_loops_inside(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "nodes:\n"
                                        "  - id: outer\n"
                                        "    for_each: '[1, 2]'\n"
                                        "    nodes:\n"
                                        "      - id: inner\n"
                                        "        for_each: '[1, 2]'\n"
                                        "        type: wait\n"
                                        "        config: {seconds: 5}\n",
                                        NULL);
    assert_state(run, "outer", "running");
    toy_run_cancel(run);
    assert_run_state(run, RUN_CANCELLED);
    assert_state(run, "outer", "cancelled");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_run__roots_start_together_and_the_rest_waits),
        WITH_WORLD(test_run__a_run_without_anything_ready_ends_at_once),
        WITH_WORLD(test_run__join_decides_over_taken_dead_and_failed),
        WITH_WORLD(test_run__failure_is_passed_on_by_dead_nodes),
        WITH_WORLD(test_run__branches_of_a_router_meet_once),
        WITH_WORLD(test_run__a_false_when_skips_and_goes_on),
        WITH_WORLD(test_run__a_skipped_node_asks_the_conditions_of_its_edges),
        WITH_WORLD(test_run__edges_see_how_their_source_ended),
        WITH_WORLD(test_run__an_edges_failing_condition_fails_the_run),
        WITH_WORLD(test_run__ports_take_their_edges_and_the_plain_ones),
        WITH_WORLD(test_run__output_is_what_the_pipeline_says),
        WITH_WORLD(test_run__output_is_else_the_map_of_the_leaves),
        WITH_WORLD(test_run__an_output_that_fails_fails_the_run),
        WITH_WORLD(test_run__leaves_that_nest_too_deep_fail_the_run),
        WITH_WORLD(test_run__a_cancelled_loop_waits_for_the_loops_inside),
        WITH_WORLD(test_run__replay_does_not_need_the_order_of_the_queue),
        cmocka_unit_test(test_run__create_survives_each_failed_allocation),
        WITH_WORLD(test_run__key_is_equal_over_attempts_and_differs_over_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
