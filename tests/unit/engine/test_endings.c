/* SPDX-License-Identifier: Apache-2.0 */
/* What a run does between its outcome and its end: undoing, and the endings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "core/base/error.h"
#include "core/engine/engine.h"
#include "core/engine/failure.h"
#include "core/engine/run.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/toy_world.h"
#include "tests/unit/engine/world.h"

static void assert_config(const struct toy_run *run, const char *path, const char *expected)
{
    char *text = pipeline_fixture_text(toy_run_node(run, path)->config);
    assert_string_equal(text, expected);
    free(text);
}

/* ---- which endings run, and what they see ---- */

#define ALL_ENDINGS                                                                                \
    "on_failure: [{id: f, type: toy.task, config: {s: '{{ run.status }}', "                        \
    "e: '{{ run.error.code }}'}}]\n"                                                               \
    "on_cancel: [{id: c, type: toy.task, config: {s: '{{ run.status }}'}}]\n"                      \
    "on_success: [{id: g, type: toy.task, config: {s: '{{ run.status }}'}}]\n"                     \
    "finally: [{id: z, type: toy.task, config: {s: '{{ run.status }} {{ a.status }}'}}]\n"

static struct toy_run *run_with_endings(void)
{
    return toy_world_run(&world, "id: p\nnodes: [{id: a, type: toy.task}]\n" ALL_ENDINGS, NULL);
}

static void test_endings__after_a_success(void **state)
{
    (void)state;
    struct toy_run *run = run_with_endings();
    toy_run_done(run, "a", "{\"x\": 1}");
    assert_false(run_is_ended(run->run));
    assert_config(run, "on_success.g", "{\"s\":\"completed\"}");
    assert_int_equal(world.live, 1);
    toy_run_done(run, "on_success.g", NULL);
    assert_config(run, "finally.z", "{\"s\":\"completed completed\"}");
    toy_run_done(run, "finally.z", NULL);
    assert_ended(run, "completed");
    char *output = pipeline_fixture_text(run->output);
    assert_string_equal(output, "{\"a\":{\"x\":1}}");
    free(output);
}

static void test_endings__after_a_failure(void **state)
{
    (void)state;
    struct toy_run *run = run_with_endings();
    toy_run_failed(run, "a", "BROKEN");
    assert_config(run, "on_failure.f", "{\"s\":\"failed\",\"e\":\"BROKEN\"}");
    toy_run_done(run, "on_failure.f", NULL);
    assert_config(run, "finally.z", "{\"s\":\"failed failed\"}");
    toy_run_done(run, "finally.z", NULL);
    assert_ended(run, "failed");
    assert_code(run->error, "BROKEN");
}

static void test_endings__after_a_cancel(void **state)
{
    (void)state;
    struct toy_run *run = run_with_endings();
    toy_run_cancel(run);
    assert_int_equal(world.live, 1); /* the task is told; nothing else starts before it ends */
    toy_run_failed(run, "a", "GONE");
    assert_config(run, "on_cancel.c", "{\"s\":\"cancelled\"}");
    toy_run_done(run, "on_cancel.c", NULL);
    assert_config(run, "finally.z", "{\"s\":\"cancelled cancelled\"}");
    toy_run_done(run, "finally.z", NULL);
    assert_ended(run, "cancelled");
    assert_code(run->error, "CANCELLED");
}

static void test_endings__an_output_that_fails_is_a_failure(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world, "id: p\nnodes: [{id: a, type: toy.task}]\noutput: '{{ a.output.x }}'\n" ALL_ENDINGS,
        NULL);
    toy_run_done(run, "a", "{}");
    assert_config(run, "on_failure.f", "{\"s\":\"failed\",\"e\":\"EXPRESSION\"}");
    toy_run_done(run, "on_failure.f", NULL);
    toy_run_done(run, "finally.z", NULL);
    assert_ended(run, "failed");
    assert_code(run->error, "EXPRESSION");
}

static void test_endings__their_failures_change_nothing(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "nodes: [{id: a, type: toy.task}]\n"
                                        "on_failure:\n"
                                        "  - {id: f, type: toy.task}\n"
                                        "  - {id: never, type: toy.task}\n"
                                        "on_success: [{id: g, type: toy.task}]\n"
                                        "finally: [{id: z, type: toy.task}]\n",
                                        NULL);
    toy_run_failed(run, "a", "FIRST");
    toy_run_failed(run, "on_failure.f", "SECOND");
    assert_int_equal(toy_run_node(run, "on_failure.never")->starts, 0);
    toy_run_failed(run, "finally.z", "THIRD");
    assert_ended(run, "failed");
    assert_code(run->error, "FIRST");
}

static void test_endings__nodes_run_as_steps_and_may_loop(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\n"
        "nodes: [{id: a, type: start}]\n"
        "finally:\n"
        "  - {id: y, type: toy.task, on_error: continue}\n"
        "  - {id: each, for_each: [1, 2], parallel_workers: 2, batch_size: 1, "
        "nodes: [{id: q, type: toy.task, config: {v: '{{ item }} {{ y.status }}'}}]}\n",
        NULL);
    assert_int_equal(world.live, 1);
    toy_run_failed(run, "finally.y", "NO");
    assert_int_equal(world.live, 2);
    assert_config(run, "finally.each[1].q", "{\"v\":\"2 failed\"}");
    toy_run_done(run, "finally.each[1].q", NULL);
    toy_run_done(run, "finally.each[0].q", NULL);
    assert_ended(run, "completed");
}

/* ---- time and cancels ---- */

static void test_endings__end_after_their_time(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "timeout: 1s\n"
                                        "nodes: [{id: a, type: toy.task}]\n"
                                        "on_failure: [{id: f, type: toy.task}]\n"
                                        "finally: [{id: z, type: toy.task, timeout: 5s}]\n",
                                        NULL);
    toy_world_pass(&world, 1000);
    toy_run_failed(run, "a", "GONE");
    assert_code(run_error(run->run), "TIMEOUT");
    toy_world_pass(&world, 10 * 60 * 1000 - 1); /* the run's time is over, theirs is not */
    assert_int_equal(toy_run_node(run, "on_failure.f")->stopped, 0);
    toy_world_pass(&world, 1);
    assert_int_equal(toy_run_node(run, "on_failure.f")->stopped, STOP_TIMEOUT);
    toy_run_failed(run, "on_failure.f", "GONE");
    toy_world_pass(&world, 5000);
    assert_int_equal(toy_run_node(run, "finally.z")->stopped, STOP_TIMEOUT);
    toy_run_failed(run, "finally.z", "GONE");
    assert_ended(run, "failed");
    assert_int_equal(toy_run_timer_count(run), 0);
}

static void test_endings__a_cancel_leaves_them_alone(void **state)
{
    (void)state;
    struct toy_run *run = run_with_endings();
    toy_run_done(run, "a", NULL);
    toy_run_cancel(run);
    assert_int_equal(toy_run_node(run, "on_success.g")->stopped, 0);
    toy_run_done(run, "on_success.g", NULL);
    toy_run_done(run, "finally.z", NULL);
    assert_ended(run, "completed");
}

static void kill_run(struct toy_run *run)
{
    toy_run_event(run, &(struct run_event){.type = RUN_EVENT_CANCEL, .reason = STOP_SHUTDOWN});
}

static void test_endings__a_kill_drops_them(void **state)
{
    (void)state;
    struct toy_run *first = run_with_endings();
    kill_run(first);
    toy_run_failed(first, "a", "GONE");
    assert_ended(first, "cancelled");
    struct toy_run *second = run_with_endings();
    toy_run_cancel(second);
    kill_run(second); /* while the cancel is under way */
    toy_run_failed(second, "a", "GONE");
    assert_ended(second, "cancelled");
    struct toy_run *third = run_with_endings();
    toy_run_done(third, "a", NULL);
    kill_run(third); /* while an ending runs */
    toy_run_failed(third, "on_success.g", "GONE");
    assert_ended(third, "completed");
    assert_int_equal(toy_run_node(third, "finally.z")->starts, 0);
}

static void test_endings__wait_for_events(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "nodes: [{id: a, type: start}]\n"
                                        "finally: [{id: w, type: wait, config: {event: go}}]\n",
                                        NULL);
    assert_false(run_is_ended(run->run));
    toy_run_send(run, "go", NULL);
    assert_ended(run, "completed");
}

/* ---- undoing ---- */

#define UNDO(what) "compensate: {type: toy.task, config: {v: '{{ " what " }}'}}"

static void test_endings__undoing_goes_by_the_order_of_completion(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\n"
        "rollback: true\n"
        "nodes:\n"
        "  - {id: a, type: toy.task, " UNDO(
            "a.output.n") "}\n"
                          "  - {id: b, type: toy.task, " UNDO(
                              "b.output.n") "}\n"
                                            "  - {id: c, type: toy.task, depends_on: [a, b], " UNDO(
                                                "1") "}\n",
        NULL);
    toy_run_done(run, "b", "{\"n\": \"b\"}");
    toy_run_done(run, "a", "{\"n\": \"a\"}");
    toy_run_failed(run, "c", "NO"); /* it did not complete: nothing of it is undone */
    assert_config(run, "undo:a", "{\"v\":\"a\"}");
    assert_int_equal(world.live, 1);
    toy_run_failed(run, "undo:a", "WORSE"); /* the rest goes on, the first error stays */
    assert_config(run, "undo:b", "{\"v\":\"b\"}");
    toy_run_cancel(run); /* a compensation is not cancelled */
    assert_int_equal(toy_run_node(run, "undo:b")->stopped, 0);
    toy_run_done(run, "undo:b", NULL);
    assert_ended(run, "failed");
    assert_code(run->error, "NO");
}

static void test_endings__iterations_are_undone_where_they_ran(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\n"
        "rollback: true\n"
        "nodes:\n"
        "  - id: each\n"
        "    for_each: input.l\n"
        "    as: host\n"
        "    nodes:\n"
        "      - {id: up, type: toy.task, " UNDO("host + up.output + string(iter.index) + "
                                                 "string(iter.count)") "}\n"
                                                                       "  - {id: bad, type: fail, "
                                                                       "depends_on: [each], "
                                                                       "config: {message: no}}\n",
        "{\"l\": [\"x\", \"y\"]}");
    toy_run_done(run, "each[0].up", "\"1\"");
    toy_run_done(run, "each[1].up", "\"2\"");
    assert_config(run, "undo:each[1].up", "{\"v\":\"y212\"}");
    toy_run_done(run, "undo:each[1].up", NULL);
    assert_config(run, "undo:each[0].up", "{\"v\":\"x102\"}");
    toy_run_done(run, "undo:each[0].up", NULL);
    assert_ended(run, "failed");
}

static void test_endings__each_round_is_undone_with_its_output(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\n"
        "rollback: true\n"
        "nodes:\n"
        "  - {id: r, type: toy.task, repeat: {until: r.output.n == 2}, " UNDO(
            "r.output.n") "}\n"
                          "  - {id: bad, type: fail, depends_on: [r], config: {message: no}}\n",
        NULL);
    toy_run_done(run, "r", "{\"n\": 1}");
    toy_run_done(run, "r", "{\"n\": 2}");
    assert_config(run, "undo:r@2", "{\"v\":2}");
    toy_run_done(run, "undo:r@2", NULL);
    assert_config(run, "undo:r", "{\"v\":1}");
    toy_run_done(run, "undo:r", NULL);
    assert_ended(run, "failed");
}

static void test_endings__a_round_beyond_the_limit_is_undone_too(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\n"
        "rollback: true\n"
        "nodes:\n"
        "  - {id: r, type: toy.task, repeat: {until: \"false\", max_iterations: 2}, " UNDO(
            "r.output.n") "}\n",
        NULL);
    toy_run_done(run, "r", "{\"n\": 1}");
    toy_run_done(run, "r", "{\"n\": 2}");
    assert_null(run_node(run->run, 0).output); /* a node that failed has none */
    assert_config(run, "undo:r@2", "{\"v\":2}");
    toy_run_done(run, "undo:r@2", NULL);
    assert_config(run, "undo:r", "{\"v\":1}");
    toy_run_done(run, "undo:r", NULL);
    assert_ended(run, "failed");
    assert_code(run->error, "LOOP_LIMIT");
}

static void test_endings__each_visit_is_undone_with_its_output(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\n"
        "rollback: true\n"
        "initial_state: a\n"
        "max_transitions: 2\n"
        "states:\n"
        "  a: {type: toy.task, " UNDO("a.output") ", transitions: {success: b}}\n"
                                                  "  b: {type: set, transitions: {success: a}}\n",
        NULL);
    toy_run_done(run, "a", "1");
    toy_run_done(run, "a", "2");
    assert_code(run_error(run->run), "TRANSITION_LIMIT");
    assert_config(run, "undo:a#2", "{\"v\":2}");
    toy_run_done(run, "undo:a#2", NULL);
    assert_config(run, "undo:a", "{\"v\":1}");
    toy_run_done(run, "undo:a", NULL);
    assert_ended(run, "failed");
}

static void test_endings__undone_on_cancel_but_not_on_success(void **state)
{
    (void)state;
    static const char text[] =
        "id: p\n"
        "rollback: true\n"
        "nodes:\n"
        "  - {id: a, type: set, compensate: {type: toy.task}}\n"
        "  - {id: b, type: toy.task, depends_on: [a], " UNDO("b.output") "}\n";
    struct toy_run *well = toy_world_run(&world, text, NULL);
    toy_run_done(well, "b", NULL);
    assert_ended(well, "completed");
    struct toy_run *run = toy_world_run(&world, text, NULL);
    toy_run_cancel(run);
    toy_run_done(run, "b", "\"late\""); /* recorded, so that it can be undone */
    assert_config(run, "undo:b", "{\"v\":\"late\"}");
    toy_run_done(run, "undo:b", NULL);
    toy_run_done(run, "undo:a", NULL);
    assert_ended(run, "cancelled");
}

/* ---- child runs ---- */

#define FAMILY                                                                                     \
    "workflows:\n"                                                                                 \
    "  main:\n"                                                                                    \
    "    rollback: true\n"                                                                         \
    "    nodes:\n"                                                                                 \
    "      - {id: a, type: set, compensate: {type: toy.task}}\n"                                   \
    "      - {id: call, type: workflow, depends_on: [a], config: {workflow: child}, "              \
    "compensate: {type: toy.task}}\n"                                                              \
    "      - {id: b, type: toy.task, depends_on: [call]}\n"                                        \
    "  child:\n"                                                                                   \
    "    nodes:\n"                                                                                 \
    "      - {id: one, type: toy.task, compensate: {type: toy.task}}\n"                            \
    "      - {id: deep, type: workflow, depends_on: [one], config: {workflow: leaf}}\n"            \
    "  leaf:\n"                                                                                    \
    "    nodes: [{id: two, type: toy.task, compensate: {type: toy.task}}]\n"

static void test_endings__children_are_undone_as_a_whole(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, FAMILY, NULL);
    struct toy_run *child = toy_world_find(&world, "run1/call");
    toy_run_done(child, "one", NULL);
    struct toy_run *leaf = toy_world_find(&world, "run1/call/deep");
    toy_run_done(leaf, "two", NULL);
    assert_ended(child, "completed");
    assert_true(engine_keeps(child->run) && engine_keeps(leaf->run));
    toy_run_failed(run, "b", "NO");
    toy_run_done(run, "undo:call", NULL); /* the node's own came last, so it is undone first */
    assert_int_equal(world.live, 1);
    toy_run_failed(leaf, "undo:two", "WORSE");
    toy_run_done(child, "undo:one", NULL);
    toy_run_done(run, "undo:a", NULL);
    assert_ended(run, "failed");
    assert_code(run->error, "NO");
    assert_ended(child, "completed");      /* a result never changes */
    assert_true(engine_keeps(child->run)); /* who drives the engine knows when all is durable */
}

static void test_endings__a_child_that_fails_undoes_itself(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, FAMILY, NULL);
    struct toy_run *child = toy_world_find(&world, "run1/call");
    toy_run_done(child, "one", NULL);
    struct toy_run *leaf = toy_world_find(&world, "run1/call/deep");
    toy_run_failed(leaf, "two", "NO");
    toy_run_done(child, "undo:one", NULL);
    assert_ended(child, "failed");
    toy_run_done(run, "undo:a", NULL);
    assert_ended(run, "failed");
    assert_int_equal(toy_run_node(run, "undo:call")->starts, 0);
}

static void test_endings__a_child_may_refuse_to_be_undone(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "workflows:\n"
                      "  main:\n"
                      "    rollback: true\n"
                      "    nodes:\n"
                      "      - {id: call, type: workflow, config: {workflow: child}}\n"
                      "      - {id: bad, type: fail, depends_on: [call], config: {message: no}}\n"
                      "  child:\n"
                      "    rollback: false\n"
                      "    nodes: [{id: one, type: set, compensate: {type: toy.task}}]\n",
                      NULL);
    assert_ended(run, "failed");
    assert_int_equal(world.live, 0);
}

static void test_endings__a_kill_ends_undoing(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, FAMILY, NULL);
    struct toy_run *child = toy_world_find(&world, "run1/call");
    toy_run_done(child, "one", NULL);
    toy_run_done(toy_world_find(&world, "run1/call/deep"), "two", NULL);
    toy_run_failed(run, "b", "NO");
    kill_run(run);
    kill_run(child);
    assert_int_equal(toy_run_node(run, "undo:call")->stopped, STOP_SHUTDOWN);
    toy_run_failed(run, "undo:call", "GONE");
    assert_ended(run, "failed");
    assert_int_equal(world.live, 0);
}

/* ---- memory ---- */

static void test_endings__survive_each_failing_allocation(void **state)
{
    (void)state;
    struct pipeline *pipeline = pipeline_fixture_load(
        "workflows:\n"
        "  main:\n"
        "    rollback: true\n"
        "    nodes:\n"
        "      - {id: each, for_each: [1, 2], nodes: [{id: up, type: set, "
        "compensate: {type: set, config: {v: '{{ item }}'}}}]}\n"
        "      - {id: call, type: workflow, depends_on: [each], config: {workflow: child}}\n"
        "      - {id: bad, type: fail, on_error: continue, depends_on: [call], config: {message: "
        "no}}\n"
        "      - {id: again, type: set, config: {x: 1}, depends_on: [bad], repeat: {until: "
        "\"false\", max_iterations: 2}, compensate: {type: set, config: {v: '{{ again.x }}'}}}\n"
        "    on_failure: [{id: f, type: set, config: {e: '{{ run.error.message }}'}}]\n"
        "    finally: [{id: z, type: fail, config: {message: worse}}]\n"
        "  child:\n"
        "    nodes: [{id: one, type: set, compensate: {type: fail, config: {message: no}}}]\n");
    struct document *input = pipeline_fixture_json("{}");
    struct run_options options = {
        .pipeline = pipeline, .input = input, .id = STR("r"), .triggered_by = STR("manual")};
    for (long n = 0;; n++) {
        struct engine *engine = NULL;
        struct batch batch = BATCH_INIT;
        struct run *run = NULL;
        struct error err = {0};
        assert_int_equal(engine_create(&(struct engine_options){0}, &engine, &err), 0);
        failing_alloc_arm(n);
        int status = engine_start(engine, &options, 0, &batch, &run, &err);
        bool has_failed = failing_alloc_disarm();
        assert_int_equal(status, has_failed ? E_NOMEM : 0);
        if (!has_failed) {
            assert_int_equal(run_state(run), RUN_FAILED);
            assert_true(str_equal(failure_message(run_error(run)),
                                  STR("'until' did not hold after 2 rounds (max_iterations)")));
        }
        batch_finish(&batch);
        engine_destroy(engine);
        if (!has_failed) {
            assert_true(n > 50);
            break;
        }
    }
    document_unref(input);
    pipeline_unref(pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WIDE_WORLD(test_endings__after_a_success),
        WITH_WIDE_WORLD(test_endings__after_a_failure),
        WITH_WIDE_WORLD(test_endings__after_a_cancel),
        WITH_WIDE_WORLD(test_endings__an_output_that_fails_is_a_failure),
        WITH_WIDE_WORLD(test_endings__their_failures_change_nothing),
        WITH_WIDE_WORLD(test_endings__nodes_run_as_steps_and_may_loop),
        WITH_WIDE_WORLD(test_endings__end_after_their_time),
        WITH_WIDE_WORLD(test_endings__a_cancel_leaves_them_alone),
        WITH_WIDE_WORLD(test_endings__a_kill_drops_them),
        WITH_WIDE_WORLD(test_endings__wait_for_events),
        WITH_WIDE_WORLD(test_endings__undoing_goes_by_the_order_of_completion),
        WITH_WIDE_WORLD(test_endings__iterations_are_undone_where_they_ran),
        WITH_WIDE_WORLD(test_endings__each_round_is_undone_with_its_output),
        WITH_WIDE_WORLD(test_endings__a_round_beyond_the_limit_is_undone_too),
        WITH_WIDE_WORLD(test_endings__each_visit_is_undone_with_its_output),
        WITH_WIDE_WORLD(test_endings__undone_on_cancel_but_not_on_success),
        WITH_WIDE_WORLD(test_endings__children_are_undone_as_a_whole),
        WITH_WIDE_WORLD(test_endings__a_child_that_fails_undoes_itself),
        WITH_WIDE_WORLD(test_endings__a_child_may_refuse_to_be_undone),
        WITH_WIDE_WORLD(test_endings__a_kill_ends_undoing),
        cmocka_unit_test(test_endings__survive_each_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
