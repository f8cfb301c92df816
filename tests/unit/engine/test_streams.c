/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "core/engine/failure.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/toy_world.h"
#include "tests/unit/engine/world.h"

static void assert_failure(const struct document *error, const char *code, const char *message)
{
    char text[64] = "";
    assert_non_null(error);
    (void)snprintf(text, sizeof(text), "%.*s", STR_ARG(failure_code(error)));
    assert_string_equal(text, code);
    struct str found = failure_message(error);
    if (!str_equal(found, str_from(message))) {
        fail_msg("'%.*s' is not '%s'", STR_ARG(found), message);
    }
}

/* A loop of one set over the stream of `a`, with `keys` besides. */
static struct toy_run *run_set(const char *keys)
{
    char yaml[512];
    (void)snprintf(yaml, sizeof(yaml),
                   "id: p\n"
                   "nodes:\n"
                   "  - {id: a, type: flow.task}\n"
                   "  - {id: each, type: set, for_each: a.stream, config: {n: '{{ item }}'}%s}\n",
                   keys);
    return toy_world_run(&world, yaml, NULL);
}

/* A pipeline of `a`, which emits, and of the nodes in `rest`. */
static struct toy_run *run_with(const char *rest)
{
    char yaml[512];
    (void)snprintf(yaml, sizeof(yaml),
                   "id: p\n"
                   "nodes:\n"
                   "  - {id: a, type: flow.task}\n"
                   "%s",
                   rest);
    return toy_world_run(&world, yaml, NULL);
}

static uint32_t credits(const struct toy_run *run)
{
    return toy_run_node(run, "a")->credits;
}

/* Of the tasks of `w` in iterations, in the order of their starts, number `at`; NULL: fewer run. */
static const struct watched_node *inner(const struct toy_run *run, size_t at)
{
    for (size_t i = 0; i < run->watch.node_count; i++) {
        const struct watched_node *node = run->watch.nodes[i];
        bool is_inner = str_equal(run->pipeline->nodes[node->node].id, STR("w"));
        if (is_inner && node->is_live && at-- == 0) {
            return node;
        }
    }
    return NULL;
}

static size_t inner_count(const struct toy_run *run)
{
    size_t count = 0;
    while (inner(run, count) != NULL) {
        count++;
    }
    return count;
}

static void inner_done(struct toy_run *run, size_t at, const char *output)
{
    toy_run_done(run, inner(run, at)->path, output);
}

static void inner_failed(struct toy_run *run, size_t at, const char *code)
{
    toy_run_failed(run, inner(run, at)->path, code);
}

static void assert_inner_config(const struct toy_run *run, size_t at, const char *expected)
{
    assert_json(inner(run, at)->config, expected);
}

/* ---- the way of the items ---- */

static void test_streams__a_loop_starts_with_the_first_item(void **state)
{
    (void)state;
    struct toy_run *run = run_set("");
    assert_state(run, "a", "running");
    assert_state(run, "each", "pending");
    toy_run_emit(run, "a", 1, "\"x\"");
    assert_state(run, "each", "running");
    toy_run_emit(run, "a", 2, NULL);
    assert_state(run, "each", "running"); /* more may come */
    toy_run_done(run, "a", "{\"count\": 3}");
    assert_state(run, "each", "completed");
    assert_output(run, "each", "[{\"n\":\"x\"},{\"n\":1},{\"n\":2}]");
    assert_json(toy_run_view(run, "each").detail,
                "{\"errors\":[],\"counts\":{\"total\":3,\"completed\":3,\"failed\":0}}");
    assert_json(run->output, "{\"each\":[{\"n\":\"x\"},{\"n\":1},{\"n\":2}]}");
}

static void test_streams__without_an_item_is_an_empty_list(void **state)
{
    (void)state;
    struct toy_run *run = run_set("");
    toy_run_done(run, "a", "{}");
    assert_state(run, "each", "completed");
    assert_output(run, "each", "[]");
    assert_run_state(run, RUN_COMPLETED);
}

static void test_streams__of_a_node_that_is_passed_over_is_empty(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes:\n"
                      "  - {id: a, type: flow.task, when: 'false'}\n"
                      "  - {id: each, type: set, for_each: a.stream, collect: count}\n",
                      NULL);
    assert_state(run, "a", "skipped");
    assert_output(run, "each", "0");
}

static void test_streams__of_a_node_that_is_not_run_is_a_dead_edge(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes:\n"
                      "  - {id: c, type: conditional, config: {condition: 'false'}}\n"
                      "  - {id: a, type: flow.task}\n"
                      "  - {id: each, type: set, for_each: a.stream}\n"
                      "  - {id: after, type: set, depends_on: [each]}\n"
                      "  - {id: other, type: set, depends_on: [c]}\n"
                      "edges:\n"
                      "  - {source: c, target: a, outcome: 'true'}\n",
                      NULL);
    assert_state(run, "a", "not_run");
    assert_state(run, "each", "not_run");
    assert_state(run, "after", "not_run");
    assert_state(run, "other", "completed");
    assert_run_state(run, RUN_COMPLETED);
}

static void test_streams__waits_for_other_edges_of_the_loop(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\n"
        "nodes:\n"
        "  - {id: a, type: flow.task}\n"
        "  - {id: b, type: toy.task}\n"
        "  - {id: each, type: set, for_each: a.stream, depends_on: [b], collect: count}\n",
        NULL);
    toy_run_emit(run, "a", 5, NULL);
    assert_state(run, "each", "pending");
    toy_run_done(run, "b", "{}");
    assert_state(run, "each", "running");
    toy_run_done(run, "a", "{}");
    assert_output(run, "each", "5");
}

static void test_streams__of_a_loop_that_cannot_run_are_let_go(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\n"
        "nodes:\n"
        "  - {id: a, type: flow.task}\n"
        "  - {id: after, type: set, depends_on: [a]}\n"
        "  - {id: c, type: conditional, config: {condition: 'false'}}\n"
        "  - {id: each, type: set, for_each: a.stream, batch_size: 2, parallel_workers: 1}\n"
        "edges: [{source: c, target: each, outcome: 'true'}]\n",
        NULL);
    assert_state(run, "each", "pending"); /* the stream is not decided */
    toy_run_emit(run, "a", 2, NULL);
    assert_state(run, "each", "not_run");
    assert_int_equal(credits(run), 2);
    toy_run_emit(run, "a", 2, NULL);
    assert_int_equal(credits(run), 2);
    toy_run_done(run, "a", "{}");
    assert_state(run, "after", "completed");
    assert_run_state(run, RUN_COMPLETED);
}

static void test_streams__that_nobody_ever_reads_come_to_their_end(void **state)
{
    (void)state;
    struct toy_run *run = run_set(", when: 'false', batch_size: 2, parallel_workers: 1");
    toy_run_emit(run, "a", 2, NULL);
    assert_state(run, "each", "skipped");
    assert_int_equal(credits(run), 2);
    assert_int_equal(toy_run_node(run, "a")->stopped, 0);
    toy_run_emit(run, "a", 2, NULL);
    assert_int_equal(credits(run), 2);
    toy_run_done(run, "a", "{\"n\": 4}");
    assert_output(run, "a", "{\"n\":4}");
}

static void test_streams__in_steps_go_on_beside_each_other(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "steps:\n"
                                        "  - {id: a, type: flow.task}\n"
                                        "  - {id: each, type: set, for_each: a.stream}\n"
                                        "  - {id: last, type: set, config: {n: "
                                        "'{{ size(each.output) }}'}}\n",
                                        NULL);
    toy_run_emit(run, "a", 3, NULL);
    assert_state(run, "each", "running");
    toy_run_done(run, "a", "{}");
    assert_output(run, "last", "{\"n\":3}");
}

/* ---- how many at once, and credit ---- */

/* A loop with a task for each item of the stream of `a`. */
#define TASKS(keys)                                                                                \
    "  - id: each\n"                                                                               \
    "    for_each: a.stream\n" keys                                                                \
    "    nodes: [{id: w, type: toy.task, config: {n: '{{ item }}'}}]\n"

static void test_streams__give_credit_for_what_is_taken(void **state)
{
    (void)state;
    struct toy_run *run = run_with(TASKS("    batch_size: 2\n    parallel_workers: 3\n"));
    assert_int_equal(credits(run), 6); /* may wait */
    toy_run_emit(run, "a", 6, NULL);
    assert_int_equal(inner_count(run), 3);
    assert_int_equal(credits(run), 3);
    toy_run_emit(run, "a", 3, NULL);
    assert_int_equal(credits(run), 0); /* six wait, three run */
    inner_done(run, 0, "{}");
    assert_int_equal(inner_count(run), 3);
    assert_int_equal(credits(run), 1);
    while (inner_count(run) > 0) {
        inner_done(run, 0, "{}");
    }
    assert_int_equal(credits(run), 6);
    assert_state(run, "each", "running");
    toy_run_done(run, "a", "{}");
    assert_state(run, "each", "completed");
}

static void test_streams__start_in_order_and_keep_it(void **state)
{
    (void)state;
    struct toy_run *run = run_with(
        TASKS("    parallel_workers: 2\n    max_parallel: 2\n    output: '{{ w.output }}'\n"));
    toy_run_emit(run, "a", 6, NULL);
    assert_int_equal(inner_count(run), 4);
    assert_inner_config(run, 3, "{\"n\":3}");
    toy_run_done(run, "a", "{}");
    inner_done(run, 3, "\"3\"");
    assert_inner_config(run, 3, "{\"n\":4}");
    inner_done(run, 2, "\"2\"");
    inner_done(run, 1, "\"1\"");
    inner_done(run, 0, "\"0\"");
    inner_done(run, 1, "\"5\"");
    inner_done(run, 0, "\"4\"");
    assert_output(run, "each", "[\"0\",\"1\",\"2\",\"3\",\"4\",\"5\"]");
}

static void test_streams__fill_batches_while_one_is_at_work(void **state)
{
    (void)state;
    struct toy_run *run = run_with(
        "  - id: each\n"
        "    for_each: a.stream\n"
        "    as_batch: rows\n"
        "    batch_size: 3\n"
        "    parallel_workers: 2\n"
        "    nodes: [{id: w, type: toy.task, config: {n: '{{ rows }}', i: '{{ iter.index }}'}}]\n"
        "    output: '{{ size(rows) }}'\n");
    assert_int_equal(credits(run), 6);
    toy_run_emit(run, "a", 1, NULL); /* nothing is at work: it need not wait */
    assert_inner_config(run, 0, "{\"n\":[0],\"i\":0}");
    toy_run_emit(run, "a", 2, NULL);
    assert_int_equal(inner_count(run), 1);
    toy_run_emit(run, "a", 2, NULL);
    assert_inner_config(run, 1, "{\"n\":[1,2,3],\"i\":1}");
    inner_done(run, 0, "{}");
    assert_int_equal(inner_count(run), 1);
    toy_run_done(run, "a", "{}"); /* no more come */
    assert_inner_config(run, 1, "{\"n\":[4],\"i\":2}");
    inner_done(run, 1, "{}");
    inner_done(run, 0, "{}");
    assert_output(run, "each", "[1,3,1]");
}

static void test_streams__of_several_readers_wait_for_the_slowest(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "scaling: {batch_size: 2, parallel_workers: 1}\n"
                      "nodes:\n"
                      "  - {id: a, type: flow.task}\n"
                      "  - {id: quick, type: set, for_each: a.stream, collect: count}\n"
                      "  - id: slow\n"
                      "    for_each: a.stream\n"
                      "    batch_size: 3\n"
                      "    nodes: [{id: w, type: toy.task, config: {n: '{{ item }}'}}]\n",
                      NULL);
    assert_int_equal(credits(run), 3); /* the larger of two and three */
    toy_run_emit(run, "a", 3, NULL);
    assert_int_equal(credits(run), 1);
    toy_run_emit(run, "a", 1, NULL);
    assert_int_equal(credits(run), 0);
    for (size_t i = 0; i < 4; i++) {
        inner_done(run, 0, "{}");
    }
    assert_int_equal(credits(run), 3);
    toy_run_done(run, "a", "{}");
    assert_output(run, "quick", "4");
    assert_state(run, "slow", "completed");
}

static void test_streams__do_not_wait_for_permits_that_their_readers_need(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "scaling: {max_parallel_nodes: 1}\n"
                                        "integrations: {flow: {max_concurrency: 1}}\n"
                                        "nodes:\n"
                                        "  - {id: a, type: flow.task}\n"
                                        "  - id: each\n"
                                        "    for_each: a.stream\n"
                                        "    nodes: [{id: w, type: flow.task}]\n",
                                        NULL);
    toy_run_emit(run, "a", 2, NULL);
    assert_int_equal(inner_count(run), 1);
    inner_done(run, 0, "{}");
    inner_done(run, 0, "{}");
    toy_run_done(run, "a", "{}");
    assert_run_state(run, RUN_COMPLETED);
}

/* ---- what is known ---- */

static void test_streams__have_a_count_once_they_have_ended(void **state)
{
    (void)state;
    struct toy_run *run = run_with("  - id: each\n"
                                   "    for_each: a.stream\n"
                                   "    parallel_workers: 1\n"
                                   "    nodes:\n"
                                   "      - {id: w, type: toy.task}\n"
                                   "      - {id: s, type: set, depends_on: [w], config: {c: '{{ "
                                   "default(iter.?count, -1) }}'}}\n"
                                   "    output: '{{ s.output.c }}'\n");
    toy_run_emit(run, "a", 2, NULL);
    inner_done(run, 0, "{}");
    toy_run_done(run, "a", "{}");
    inner_done(run, 0, "{}");
    assert_output(run, "each", "[-1,2]");
}

static void test_streams__are_reduced_in_their_order(void **state)
{
    (void)state;
    struct toy_run *run =
        run_set(", collect: {reduce: \"acc + string(item.n)\", init: \"=\"}, batch_size: 1, "
                "parallel_workers: 2");
    for (size_t i = 0; i < 20; i++) {
        toy_run_emit(run, "a", 2, NULL);
    }
    toy_run_done(run, "a", "{}");
    assert_output(run, "each",
                  "\"=012345678910111213141516171819202122232425262728293031323334353637"
                  "3839\"");
}

/* ---- ends before the producer's ---- */

static void test_streams__end_the_producer_when_until_holds(void **state)
{
    (void)state;
    struct toy_run *run =
        run_set(", until: 'item == 4', collect: count, batch_size: 4, parallel_workers: 1");
    toy_run_emit(run, "a", 4, NULL);
    assert_int_equal(toy_run_node(run, "a")->stopped, 0);
    toy_run_emit(run, "a", 4, NULL);
    assert_output(run, "each", "5");
    assert_int_equal(toy_run_node(run, "a")->stopped, STOP_REQUESTED);
    toy_run_failed(run, "a", "CANCELLED");
    assert_state(run, "a", "cancelled");
    assert_run_state(run, RUN_COMPLETED);
}

static void test_streams__go_nowhere_when_something_waits_for_their_end(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\n"
        "scaling: {batch_size: 4, parallel_workers: 1}\n"
        "nodes:\n"
        "  - {id: a, type: flow.task}\n"
        "  - {id: after, type: set, depends_on: [a], config: {n: '{{ a.output.n }}'}}\n"
        "  - {id: each, type: set, for_each: a.stream, collect: count, max_iterations: 2, "
        "on_limit: stop}\n",
        NULL);
    toy_run_emit(run, "a", 3, NULL);
    assert_output(run, "each", "2");
    assert_int_equal(credits(run), 4);
    toy_run_emit(run, "a", 4, NULL);
    assert_int_equal(credits(run), 4);
    assert_int_equal(toy_run_node(run, "a")->stopped, 0);
    toy_run_done(run, "a", "{\"n\": 7}");
    assert_output(run, "after", "{\"n\":7}");
    assert_run_state(run, RUN_COMPLETED);
}

static void test_streams__beyond_max_iterations_are_a_failure(void **state)
{
    (void)state;
    struct toy_run *run = run_set(", max_iterations: 2");
    toy_run_emit(run, "a", 2, NULL);
    assert_state(run, "each", "running");
    toy_run_emit(run, "a", 1, NULL);
    assert_state(run, "each", "failed");
    assert_failure(toy_run_view(run, "each").error, "LOOP_LIMIT",
                   "the stream has more items than max_iterations (2)");
    assert_int_equal(toy_run_node(run, "a")->stopped, STOP_REQUESTED);
    toy_run_failed(run, "a", "CANCELLED");
    assert_run_state(run, RUN_FAILED);
}

/* ---- failures ---- */

static void test_streams__fail_the_loop_by_share_when_all_are_known(void **state)
{
    (void)state;
    struct toy_run *run = run_with(TASKS("    max_failures: 50%\n"));
    toy_run_emit(run, "a", 3, NULL);
    for (size_t i = 0; i < 3; i++) {
        inner_failed(run, 0, "BAD");
    }
    assert_state(run, "each", "running");
    toy_run_emit(run, "a", 3, NULL);
    for (size_t i = 0; i < 3; i++) {
        inner_done(run, 0, "{}");
    }
    toy_run_done(run, "a", "{}");
    assert_state(run, "each", "completed");
    run = run_with(TASKS("    max_failures: 50%\n"));
    toy_run_emit(run, "a", 2, NULL);
    inner_failed(run, 0, "BAD");
    inner_failed(run, 0, "BAD");
    toy_run_done(run, "a", "{}");
    assert_state(run, "each", "failed");
}

static void test_streams__end_with_the_failure_of_an_item(void **state)
{
    (void)state;
    struct toy_run *run = run_with(TASKS("    batch_size: 1\n    parallel_workers: 2\n"));
    toy_run_emit(run, "a", 2, NULL);
    inner_failed(run, 0, "BAD");
    assert_state(run, "each", "stopping"); /* one is at work */
    assert_int_equal(toy_run_node(run, "a")->stopped, STOP_REQUESTED);
    inner_done(run, 0, "{}");
    assert_state(run, "each", "failed");
    toy_run_failed(run, "a", "CANCELLED");
    assert_run_state(run, RUN_FAILED);
    assert_failure(run->error, "BAD", "item 0: the toy broke");
}

static void test_streams__that_break_off_fail_the_loop(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\n"
        "nodes:\n"
        "  - {id: a, type: flow.task, on_error: {goto: help}}\n"
        "  - {id: help, type: set}\n"
        "  - id: each\n"
        "    for_each: a.stream\n"
        "    parallel_workers: 1\n"
        "    on_error: continue\n"
        "    nodes: [{id: w, type: toy.task}, {id: x, type: toy.task, depends_on: [w]}]\n",
        NULL);
    toy_run_emit(run, "a", 3, NULL);
    toy_run_failed(run, "a", "BAD");
    assert_state(run, "help", "completed");
    inner_done(run, 0, "{}");
    toy_run_done(run, "each[0].x", "{}"); /* what is under way comes to its end */
    assert_state(run, "each", "failed");
    assert_failure(toy_run_view(run, "each").error, "BAD",
                   "the stream of 'a' broke off: the toy broke");
    assert_json(toy_run_view(run, "each").detail,
                "{\"errors\":[],\"counts\":{\"total\":1,\"completed\":1,\"failed\":0}}");
    assert_run_state(run, RUN_COMPLETED);
}

static void test_streams__that_break_off_are_enough_if_errors_are_passed_over(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "error_policy: continue\n"
                      "nodes:\n"
                      "  - {id: a, type: flow.task}\n"
                      "  - {id: each, type: set, for_each: a.stream, collect: count}\n",
                      NULL);
    toy_run_emit(run, "a", 3, NULL);
    toy_run_failed(run, "a", "BAD");
    assert_output(run, "each", "3");
    assert_run_state(run, RUN_COMPLETED);
}

static void test_streams__of_a_failed_node_start_nothing(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "nodes:\n"
                                        "  - {id: a, type: flow.task, on_error: {goto: help}}\n"
                                        "  - {id: help, type: set}\n"
                                        "  - {id: each, type: set, for_each: a.stream}\n",
                                        NULL);
    toy_run_failed(run, "a", "BAD");
    assert_state(run, "each", "not_run");
    assert_state(run, "help", "completed");
    assert_run_state(run, RUN_COMPLETED);
}

static void test_streams__end_with_a_run_that_fails(void **state)
{
    (void)state;
    struct toy_run *run =
        run_with(TASKS("    parallel_workers: 1\n") "  - {id: bad, type: toy.task}\n");
    toy_run_emit(run, "a", 3, NULL);
    toy_run_failed(run, "bad", "BAD");
    assert_int_equal(toy_run_node(run, "a")->stopped, STOP_REQUESTED); /* nobody reads */
    toy_run_emit(run, "a", 1, NULL);
    toy_run_failed(run, "a", "CANCELLED");
    assert_run_state(run, RUN_FAILING);
    inner_done(run, 0, "{}");
    assert_run_state(run, RUN_FAILED);
    assert_int_equal(inner_count(run), 0);
}

static void test_streams__end_with_a_run_that_is_cancelled(void **state)
{
    (void)state;
    struct toy_run *run = run_with(TASKS("    parallel_workers: 1\n"));
    toy_run_emit(run, "a", 3, NULL);
    toy_run_cancel(run);
    assert_int_equal(toy_run_node(run, "a")->stopped, STOP_REQUESTED);
    toy_run_emit(run, "a", 1, NULL);
    toy_run_failed(run, "a", "CANCELLED");
    inner_failed(run, 0, "CANCELLED");
    assert_run_state(run, RUN_CANCELLED);
}

static void test_streams__end_when_a_time_is_over(void **state)
{
    (void)state;
    struct toy_run *run = run_with(TASKS("    timeout: 5s\n    on_error: continue\n"));
    toy_run_emit(run, "a", 2, NULL);
    toy_world_pass(&world, 5000);
    assert_int_equal(toy_run_node(run, "a")->stopped, STOP_REQUESTED);
    while (inner_count(run) > 0) {
        inner_failed(run, 0, "CANCELLED");
    }
    assert_failure(toy_run_view(run, "each").error, "TIMEOUT",
                   "did not end within its time-out of 5 s");
    toy_run_done(run, "a", "{}"); /* it had ended before it heard */
    assert_state(run, "a", "completed");
    assert_run_state(run, RUN_COMPLETED);
}

/* A success while stopping for a time-out is one: so what came meanwhile belongs to it. */
static void test_streams__that_end_too_late_are_whole(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes:\n"
                      "  - {id: a, type: flow.task, timeout: 5s}\n"
                      "  - {id: each, type: set, for_each: a.stream, collect: count,\n"
                      "     batch_size: 1, parallel_workers: 4}\n",
                      NULL);
    toy_run_emit(run, "a", 2, NULL);
    toy_world_pass(&world, 5000);
    assert_state(run, "a", "stopping");
    uint32_t before = credits(run);
    toy_run_emit(run, "a", 3, NULL);
    assert_int_equal(credits(run), before); /* what is taken gives its credit back */
    toy_run_done(run, "a", "{}");
    assert_output(run, "each", "5");
    assert_run_state(run, RUN_COMPLETED);
}

/* An attempt after one that took too long does not bring what that one brought at its end. */
static void test_streams__of_an_attempt_after_a_late_one_bring_nothing_twice(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes:\n"
                      "  - {id: a, type: flow.task, timeout: 5s, retry: {max_attempts: 2, "
                      "initial_interval: 1s, jitter: none}}\n"
                      "  - {id: each, type: set, for_each: a.stream, collect: count,\n"
                      "     batch_size: 1, parallel_workers: 4}\n",
                      NULL);
    toy_run_emit(run, "a", 2, NULL);
    toy_world_pass(&world, 5000);
    toy_run_emit(run, "a", 1, NULL);
    toy_run_failed_with(run, "a", "{\"code\":\"CANCELLED\",\"message\":\"x\",\"effect\":\"none\"}");
    toy_world_pass(&world, 1000);
    assert_int_equal(toy_run_node(run, "a")->attempt, 2);
    toy_run_emit(run, "a", 4, NULL);
    toy_run_done(run, "a", "{}");
    assert_output(run, "each", "4");
}

/* Nothing starts any more: what comes is counted off, so that the task can come to its end. */
static void test_streams__of_a_cancelled_run_are_counted_off(void **state)
{
    (void)state;
    struct toy_run *run = run_with(TASKS(""));
    toy_run_emit(run, "a", 1, NULL);
    toy_run_cancel(run);
    uint32_t before = credits(run);
    toy_run_emit(run, "a", 1, NULL);
    assert_int_equal(credits(run), before);
    assert_int_equal(inner_count(run), 1);
    toy_run_done(run, "a", "{}");
    inner_failed(run, 0, "CANCELLED");
    assert_run_state(run, RUN_CANCELLED);
}

/* ---- again ---- */

static void test_streams__of_rounds_follow_one_another(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\n"
        "nodes:\n"
        "  - {id: a, type: flow.task, repeat: {until: 'a.output.n == 2', max_iterations: 5}}\n"
        "  - {id: each, type: set, for_each: a.stream, collect: count}\n",
        NULL);
    toy_run_emit(run, "a", 3, NULL);
    toy_run_done(run, "a", "{\"n\": 1}");
    assert_state(run, "each", "running");
    toy_run_emit(run, "a", 2, NULL);
    toy_run_done(run, "a", "{\"n\": 2}");
    assert_output(run, "each", "5");
}

/* A new attempt begins its stream anew: what is there already does not come twice. */
static void test_streams__of_another_attempt_bring_nothing_twice(void **state)
{
    (void)state;
    struct toy_run *run = run_set(", collect: count, batch_size: 4, parallel_workers: 1");
    struct document *items[4];
    for (size_t i = 0; i < 4; i++) {
        items[i] = pipeline_fixture_json("1");
    }
    struct run_event event = {.type = RUN_EVENT_ITEMS,
                              .node = pipeline_fixture_node(run->pipeline, "a"),
                              .attempt = 1,
                              .items = (const struct document *const *)items,
                              .item_count = 3};
    toy_run_event(run, &event);
    assert_int_equal(credits(run), 4 + 3); /* the event asked for no credit */
    event.item_count = 4;
    toy_run_event(run, &event); /* from the first on */
    assert_int_equal(credits(run), 4 + 3 + 4);
    event.attempt = 2;
    toy_run_event(run, &event); /* of an attempt that does not run */
    for (size_t i = 0; i < 4; i++) {
        document_unref(items[i]);
    }
    toy_run_done(run, "a", "{}");
    assert_output(run, "each", "4");
}

/* ---- memory ---- */

static void test_streams__keep_no_more_than_their_window(void **state)
{
    (void)state;
    struct toy_run *run = run_set(", collect: count, batch_size: 10, parallel_workers: 10");
    uint64_t frame = 0;
    for (uint32_t count = 0, left = 30000; left > 0; left -= count) {
        assert_in_range(credits(run), 75, 100); /* they go back in portions */
        count = credits(run) < left ? credits(run) : left;
        toy_run_emit(run, "a", count, NULL);
        assert_false(run_next_frame(run->run, &frame)); /* all have ended and are gone */
    }
    toy_run_done(run, "a", "{}");
    assert_output(run, "each", "30000");
}

#define STREAM_TEST(name) WITH_WORLD(test_streams__##name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STREAM_TEST(a_loop_starts_with_the_first_item),
        STREAM_TEST(without_an_item_is_an_empty_list),
        STREAM_TEST(of_a_node_that_is_passed_over_is_empty),
        STREAM_TEST(of_a_node_that_is_not_run_is_a_dead_edge),
        STREAM_TEST(waits_for_other_edges_of_the_loop),
        STREAM_TEST(of_a_loop_that_cannot_run_are_let_go),
        STREAM_TEST(that_nobody_ever_reads_come_to_their_end),
        STREAM_TEST(in_steps_go_on_beside_each_other),
        STREAM_TEST(give_credit_for_what_is_taken),
        STREAM_TEST(start_in_order_and_keep_it),
        STREAM_TEST(fill_batches_while_one_is_at_work),
        STREAM_TEST(of_several_readers_wait_for_the_slowest),
        STREAM_TEST(do_not_wait_for_permits_that_their_readers_need),
        STREAM_TEST(have_a_count_once_they_have_ended),
        STREAM_TEST(are_reduced_in_their_order),
        STREAM_TEST(end_the_producer_when_until_holds),
        STREAM_TEST(go_nowhere_when_something_waits_for_their_end),
        STREAM_TEST(beyond_max_iterations_are_a_failure),
        STREAM_TEST(fail_the_loop_by_share_when_all_are_known),
        STREAM_TEST(end_with_the_failure_of_an_item),
        STREAM_TEST(that_break_off_fail_the_loop),
        STREAM_TEST(that_break_off_are_enough_if_errors_are_passed_over),
        STREAM_TEST(of_a_failed_node_start_nothing),
        STREAM_TEST(end_with_a_run_that_fails),
        STREAM_TEST(end_with_a_run_that_is_cancelled),
        STREAM_TEST(end_when_a_time_is_over),
        STREAM_TEST(that_end_too_late_are_whole),
        STREAM_TEST(of_an_attempt_after_a_late_one_bring_nothing_twice),
        STREAM_TEST(of_a_cancelled_run_are_counted_off),
        STREAM_TEST(of_rounds_follow_one_another),
        STREAM_TEST(of_another_attempt_bring_nothing_twice),
        STREAM_TEST(keep_no_more_than_their_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
