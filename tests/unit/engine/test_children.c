/* SPDX-License-Identifier: Apache-2.0 */
/* Child runs: what they get and give, and what ends them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "core/base/str.h"
#include "core/engine/run.h"
#include "core/value/value.h"
#include "tests/support/toy_world.h"
#include "tests/unit/engine/world.h"

/* A pipeline `main` with `nodes`, and `child`, whose one node is a task. */
static struct toy_run *run_main(const char *nodes)
{
    char yaml[1500];
    int n = snprintf(yaml, sizeof(yaml),
                     "workflows:\n"
                     "  main: {nodes: [%s]}\n"
                     "  child:\n"
                     "    input:\n"
                     "      type: object\n"
                     "      properties: {n: {type: integer}, d: {type: integer, default: 7}}\n"
                     "    nodes: [{id: w, type: toy.task, config: {x: '{{ input }}'}}]\n",
                     nodes);
    assert_in_range(n, 1, sizeof(yaml) - 1);
    return toy_world_run(&world, yaml, "{\"l\": [1, 2], \"name\": \"child\"}");
}

/* ---- what they get and give ---- */

static void test_children__share_only_input_and_output(void **state)
{
    (void)state;
    struct toy_run *run = run_main("{id: call, type: workflow, config: {workflow: child, "
                                   "input: {n: 5}}}");
    struct toy_run *child = toy_world_find(&world, "run1/call");
    assert_json(toy_run_node(child, "w")->config, "{\"x\":{\"n\":5,\"d\":7}}");
    toy_run_done(child, "w", "[1]");
    assert_ended(child, "completed");
    assert_ended(run, "completed");
    assert_json(run->output, "{\"call\":{\"w\":[1]}}");
}

static void test_children__the_input_is_checked_before_there_is_a_run(void **state)
{
    (void)state;
    struct toy_run *run = run_main("{id: call, type: workflow, config: {workflow: child, "
                                   "input: {n: '{{ input.name }}'}}}");
    assert_ended(run, "failed");
    assert_holds(run->error, "\"node\":\"call\",\"code\":\"CONFIG\"");
    assert_holds(run->error, "input of 'child': ");
    assert_int_equal(world.run_count, 1);
}

static void test_children__are_found_by_a_name_that_is_computed(void **state)
{
    (void)state;
    struct toy_run *run =
        run_main("{id: call, type: workflow, config: {workflow: '{{ input.name }}'}}, "
                 "{id: no, type: workflow, on_error: continue, config: {workflow: "
                 "'{{ input.name + \"ren\" }}'}}");
    assert_holds(toy_run_view(run, "no").error, "there is no pipeline 'children'");
    toy_run_done(toy_world_find(&world, "run1/call"), "w", "1");
    assert_ended(run, "completed");
}

static void test_children__a_failure_says_whose_it_is(void **state)
{
    (void)state;
    struct toy_run *run = run_main("{id: call, type: workflow, config: {workflow: child}}");
    toy_run_failed(toy_world_find(&world, "run1/call"), "w", "BROKEN");
    assert_ended(run, "failed");
    assert_json(run->error, "{\"node\":\"call\",\"code\":\"BROKEN\",\"message\":\"workflow "
                            "'child': node 'w': the toy broke\"}");
}

static void test_children__a_failure_may_be_handled(void **state)
{
    (void)state;
    struct toy_run *run =
        run_main("{id: call, type: workflow, config: {workflow: child}, on_error: {goto: mend}}, "
                 "{id: mend, type: set, config: {c: '{{ call.error.code }}'}}");
    toy_run_failed(toy_world_find(&world, "run1/call"), "w", "BROKEN");
    assert_ended(run, "completed");
    assert_json(run->output, "{\"mend\":{\"c\":\"BROKEN\"}}");
}

static void test_children__a_list_hands_its_context_on(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "workflows:\n"
                                        "  main: {workflows: [one, two, three]}\n"
                                        "  one: {nodes: [{id: a, type: set, config: {x: 1}}], "
                                        "output: {a: '{{ input.a }}', x: 2}}\n"
                                        "  two: {nodes: [{id: b, type: set, config: {x: 1}}], "
                                        "output: {y: '{{ input.x + 1 }}'}}\n"
                                        "  three: {nodes: [{id: c, type: set, config: {x: 1}}], "
                                        "output: '{{ [input.a, input.x, input.y] }}'}\n",
                                        "{\"a\": 1, \"x\": 0}");
    assert_ended(run, "completed");
    assert_json(run->output, "{\"three\":[1,2,3]}");
}

/* ---- names ---- */

static void test_children__of_iterations_and_rounds_have_names_of_their_own(void **state)
{
    (void)state;
    struct toy_run *run = run_main("{id: e, type: workflow, for_each: input.l, batch_size: 1, "
                                   "config: {workflow: child, input: {n: '{{ item }}'}}}, "
                                   "{id: r, type: workflow, config: {workflow: child}, "
                                   "repeat: {until: 'r.attempts == 2'}}");
    toy_run_done(toy_world_find(&world, "run1/e[0]"), "w", "0");
    toy_run_done(toy_world_find(&world, "run1/e[1]"), "w", "1");
    toy_run_done(toy_world_find(&world, "run1/r"), "w", "2");
    toy_run_done(toy_world_find(&world, "run1/r@2"), "w", "3");
    assert_ended(run, "completed");
    assert_json(run->output, "{\"e\":[{\"w\":0},{\"w\":1}],\"r\":{\"w\":3}}");
}

static void test_children__that_nobody_waits_for_have_names_of_their_own(void **state)
{
    (void)state;
    struct toy_run *run =
        run_main("{id: r, type: workflow, config: {workflow: child, wait: false}, "
                 "repeat: {until: 'r.attempts == 3'}}");
    assert_ended(run, "completed");
    assert_json(run->output, "{\"r\":{\"workflow\":\"child\"}}");
    toy_run_done(toy_world_find(&world, "run1/r"), "w", "1");
    toy_run_done(toy_world_find(&world, "run1/r@2"), "w", "2");
    toy_run_failed(toy_world_find(&world, "run1/r@3"), "w", "BROKEN");
    assert_int_equal(world.run_count, 4);
}

static void test_children__call_each_other_so_deep_and_no_deeper(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world, "id: p\nnodes: [{id: a, type: workflow, config: {workflow: p}}]\n", NULL);
    assert_ended(run, "failed");
    assert_holds(run->error, "workflows call each other deeper than 32 levels");
    assert_int_equal(world.run_count, 33);
}

/* ---- what ends them ---- */

static void test_children__a_time_out_of_the_node_ends_them(void **state)
{
    (void)state;
    struct toy_run *run =
        run_main("{id: call, type: workflow, timeout: 5s, config: {workflow: child}}");
    struct toy_run *child = toy_world_find(&world, "run1/call");
    toy_world_pass(&world, 5000);
    assert_int_equal(toy_run_node(child, "w")->stopped, STOP_REQUESTED);
    assert_status(run, "running");
    toy_run_failed(child, "w", "GONE");
    assert_ended(child, "cancelled");
    assert_ended(run, "failed");
    assert_holds(run->error, "\"node\":\"call\",\"code\":\"TIMEOUT\"");
}

static void test_children__that_are_ending_cannot_complete(void **state)
{
    (void)state;
    struct toy_run *run =
        run_main("{id: call, type: workflow, timeout: 5s, config: {workflow: child}}");
    struct toy_run *child = toy_world_find(&world, "run1/call");
    toy_world_pass(&world, 5000);
    toy_run_done(child, "w", "1"); /* recorded, but the child was cancelled */
    assert_ended(child, "cancelled");
    assert_state(child, "w", "completed");
    assert_ended(run, "failed");
}

static void test_children__their_own_time_out_is_the_nodes_failure(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "workflows:\n"
                      "  main: {nodes: [{id: call, type: workflow, config: {workflow: child}}]}\n"
                      "  child: {timeout: 5s, nodes: [{id: e, type: wait, for_each: [1, 2], "
                      "config: {seconds: 100}}]}\n",
                      NULL);
    toy_world_pass(&world, 5000);
    assert_ended(run, "failed");
    assert_holds(run->error, "\"code\":\"TIMEOUT\",\"message\":\"workflow 'child': the run did "
                             "not end within its time-out of 5 s\"");
}

static void test_children__the_runs_time_out_and_cancel_go_down_the_tree(void **state)
{
    (void)state;
    static const char yaml[] =
        "workflows:\n"
        "  main: {timeout: 5s, nodes: [{id: e, type: workflow, for_each: input.l, batch_size: 1, "
        "config: {workflow: mid}}]}\n"
        "  mid: {nodes: [{id: m, type: workflow, config: {workflow: leaf}}]}\n"
        "  leaf: {nodes: [{id: w, type: toy.task}, {id: r, type: set, config: {n: 1}, "
        "repeat: {until: 'false', delay: 60s}}]}\n";
    struct toy_run *late = toy_world_run(&world, yaml, "{\"l\": [1]}");
    toy_world_pass(&world, 5000);
    struct toy_run *leaf = toy_world_find(&world, "run1/e[0]/m");
    assert_int_equal(toy_run_node(leaf, "w")->stopped, STOP_REQUESTED);
    assert_state(leaf, "r", "cancelled");
    toy_run_failed(leaf, "w", "GONE");
    assert_ended(leaf, "cancelled");
    assert_ended(late, "failed");

    struct toy_run *run = toy_world_run(&world, yaml, "{\"l\": [1, 2]}");
    toy_run_cancel(run);
    for (int i = 0; i < 2; i++) {
        char id[40];
        (void)snprintf(id, sizeof(id), "run4/e[%d]/m", i);
        struct toy_run *other = toy_world_find(&world, id);
        assert_int_equal(toy_run_node(other, "w")->stopped, STOP_REQUESTED);
        toy_run_failed(other, "w", "GONE");
        assert_ended(other, "cancelled");
    }
    assert_ended(run, "cancelled");
}

static void test_children__a_cancel_does_not_reach_those_that_nobody_waits_for(void **state)
{
    (void)state;
    struct toy_run *run =
        run_main("{id: r, type: workflow, config: {workflow: child, wait: false}}, "
                 "{id: t, type: toy.task}");
    toy_run_cancel(run);
    toy_run_failed(run, "t", "GONE");
    assert_ended(run, "cancelled");
    struct toy_run *child = toy_world_find(&world, "run1/r");
    assert_int_equal(toy_run_node(child, "w")->stopped, 0);
    toy_run_done(child, "w", "1");
    assert_ended(child, "completed");
}

static void test_children__that_are_cancelled_fail_their_node(void **state)
{
    (void)state;
    struct toy_run *run = run_main("{id: call, type: workflow, config: {workflow: child}}");
    struct toy_run *child = toy_world_find(&world, "run1/call");
    toy_run_cancel(child);
    toy_run_failed(child, "w", "GONE");
    assert_ended(run, "failed");
    assert_holds(run->error, "\"code\":\"CANCELLED\"");
}

static void test_children__a_failing_loop_lets_them_end(void **state)
{
    (void)state;
    struct toy_run *run = run_main("{id: e, type: workflow, for_each: input.l, batch_size: 1, "
                                   "config: {workflow: child}}");
    struct toy_run *second = toy_world_find(&world, "run1/e[1]");
    toy_run_failed(toy_world_find(&world, "run1/e[0]"), "w", "BROKEN");
    assert_int_equal(toy_run_node(second, "w")->stopped, 0);
    toy_run_done(second, "w", "1");
    assert_ended(second, "completed");
    assert_ended(run, "failed");
    assert_holds(run->error, "item 0: workflow 'child': node 'w': the toy broke");
}

static void test_children__the_innermost_failure_is_told(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "workflows:\n"
                      "  a: {nodes: [{id: x, type: workflow, config: {workflow: b}}]}\n"
                      "  b: {nodes: [{id: y, type: workflow, config: {workflow: c}}]}\n"
                      "  c: {nodes: [{id: z, type: fail, config: {message: deep}}]}\n",
                      NULL);
    assert_ended(run, "failed");
    assert_holds(run->error, "\"message\":\"workflow 'c': node 'z': deep\"");
}

static void test_children__what_to_do_about_a_failure_is_told(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "workflows:\n"
                      "  a: {nodes: [{id: x, type: workflow, config: {workflow: b}}]}\n"
                      "  b: {nodes: [{id: y, for_each: [1, 2], max_iterations: 1, type: set}]}\n",
                      NULL);
    assert_ended(run, "failed");
    assert_holds(run->error, "\"hint\":\"raise 'max_iterations'");
}

static void test_children__an_event_ends_the_child_of_a_state(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "workflows:\n"
                                        "  main:\n"
                                        "    initial_state: a\n"
                                        "    states:\n"
                                        "      a: {type: workflow, config: {workflow: child}, "
                                        "transitions: {stop: b, success: c}}\n"
                                        "      b: {}\n"
                                        "      c: {}\n"
                                        "  child: {nodes: [{id: w, type: toy.task}]}\n",
                                        NULL);
    struct toy_run *child = toy_world_find(&world, "run1/a");
    toy_run_send(run, "stop", NULL);
    assert_int_equal(toy_run_node(child, "w")->stopped, STOP_REQUESTED);
    toy_run_failed(child, "w", "GONE");
    assert_ended(run, "completed");
    assert_holds(run->output, "\"state\":\"b\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_children__the_innermost_failure_is_told),
        WITH_WORLD(test_children__what_to_do_about_a_failure_is_told),
        WITH_WORLD(test_children__share_only_input_and_output),
        WITH_WORLD(test_children__the_input_is_checked_before_there_is_a_run),
        WITH_WORLD(test_children__are_found_by_a_name_that_is_computed),
        WITH_WORLD(test_children__a_failure_says_whose_it_is),
        WITH_WORLD(test_children__a_failure_may_be_handled),
        WITH_WORLD(test_children__a_list_hands_its_context_on),
        WITH_WORLD(test_children__of_iterations_and_rounds_have_names_of_their_own),
        WITH_WORLD(test_children__that_nobody_waits_for_have_names_of_their_own),
        WITH_WORLD(test_children__call_each_other_so_deep_and_no_deeper),
        WITH_WORLD(test_children__a_time_out_of_the_node_ends_them),
        WITH_WORLD(test_children__that_are_ending_cannot_complete),
        WITH_WORLD(test_children__their_own_time_out_is_the_nodes_failure),
        WITH_WORLD(test_children__the_runs_time_out_and_cancel_go_down_the_tree),
        WITH_WORLD(test_children__a_cancel_does_not_reach_those_that_nobody_waits_for),
        WITH_WORLD(test_children__that_are_cancelled_fail_their_node),
        WITH_WORLD(test_children__a_failing_loop_lets_them_end),
        WITH_WORLD(test_children__an_event_ends_the_child_of_a_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
