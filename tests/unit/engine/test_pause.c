/* SPDX-License-Identifier: Apache-2.0 */
/* A pause: nothing starts; what runs ends and is recorded, clocks go on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/model/pipeline.h"
#include "tests/support/toy_world.h"
#include "tests/unit/engine/world.h"

static struct toy_run *start(const char *yaml)
{
    return toy_world_run(&world, yaml, "{\"l\": [1, 2, 3], \"z\": 0}");
}

/* As many more records as there are now than `before`. */
static size_t records_since(size_t before)
{
    return world.record_count - before;
}

#define CHAIN "nodes: [{id: a, type: toy.task}, {id: b, type: toy.task, depends_on: [a]}]\n"

/* ---- what waits ---- */

static void test_pause__what_runs_ends_and_what_follows_waits(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\n" CHAIN);
    toy_run_pause(run);
    assert_true(run_is_paused(run->run));
    assert_true(toy_run_is_live(run, "a"));
    toy_run_done(run, "a", "{\"x\":1}");
    assert_state(run, "a", "completed");
    assert_state(run, "b", "ready");
    toy_run_resume(run);
    assert_true(toy_run_is_live(run, "b"));
    toy_run_done(run, "b", NULL);
    assert_ended(run, "completed");
}

static void test_pause__who_asked_for_a_permit_gives_it_up(void **state)
{
    (void)state;
    const char *yaml = "id: p\nintegrations: {toy: {max_concurrency: 1}}\n"
                       "nodes: [{id: a, type: toy.task}]\n";
    struct toy_run *first = start(yaml);
    struct toy_run *second = start(yaml);
    struct toy_run *third = start(yaml);
    assert_state(second, "a", "queued");
    toy_run_pause(second);
    assert_state(second, "a", "ready");
    toy_run_done(first, "a", NULL);
    assert_false(toy_run_is_live(second, "a"));
    assert_true(toy_run_is_live(third, "a"));
    toy_run_resume(second);
    assert_state(second, "a", "queued");
    toy_run_done(third, "a", NULL);
    assert_true(toy_run_is_live(second, "a"));
}

static void test_pause__a_timer_fires_and_its_node_ends(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\nnodes: [{id: w, type: wait, config: {seconds: 5}}, "
                                "{id: b, type: set, config: {x: 1}, depends_on: [w]}]\n");
    toy_run_pause(run);
    toy_world_pass(&world, 5000);
    assert_state(run, "w", "completed");
    assert_state(run, "b", "ready");
    toy_run_resume(run);
    assert_ended(run, "completed");
}

static void test_pause__the_next_round_waits(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\nnodes: [{id: a, type: toy.task, "
                                "repeat: {until: 'a.attempts >= 2', delay: 5s}}]\n");
    toy_run_done(run, "a", NULL);
    toy_run_pause(run);
    toy_world_pass(&world, 5000);
    assert_int_equal(world.live, 0);
    assert_state(run, "a", "ready");
    toy_run_resume(run);
    assert_true(toy_run_is_live(run, "a"));
}

static void test_pause__a_time_out_goes_on(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\nnodes: [{id: a, type: toy.task, timeout: 5s}]\n");
    toy_run_pause(run);
    toy_world_pass(&world, 5000);
    assert_state(run, "a", "stopping");
    toy_run_failed(run, "a", "GONE");
    assert_state(run, "a", "failed");
    assert_ended(run, "failed");
    assert_false(run_is_paused(run->run));
}

static void test_pause__an_event_is_kept(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\nnodes: [{id: a, type: toy.task}, {id: w, type: wait, "
                                "depends_on: [a], config: {event: go}}]\n");
    toy_run_pause(run);
    toy_run_send(run, "go", "1");
    toy_run_done(run, "a", NULL);
    toy_run_resume(run);
    assert_ended(run, "completed");
}

static void test_pause__an_event_ends_who_waits_for_it(void **state)
{
    (void)state;
    struct toy_run *run =
        start("id: p\nnodes: [{id: w, type: wait, config: {event: go}}, {id: b, type: toy.task, "
              "depends_on: [w]}]\n");
    toy_run_pause(run);
    toy_run_send(run, "go", "1");
    assert_state(run, "w", "completed");
    assert_state(run, "b", "ready");
}

/* ---- bodies ---- */

static void test_pause__a_loop_takes_no_more_items(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\nnodes: [{id: e, type: toy.task, for_each: input.l, "
                                "batch_size: 1, parallel_workers: 1}]\n");
    toy_run_pause(run);
    toy_run_done(run, "e[0]", "{\"i\":0}");
    assert_int_equal(world.live, 0);
    assert_state(run, "e", "running");
    toy_run_resume(run);
    toy_run_done(run, "e[1]", "{\"i\":1}");
    toy_run_done(run, "e[2]", "{\"i\":2}");
    assert_ended(run, "completed");
    assert_output(run, "e", "[{\"i\":0},{\"i\":1},{\"i\":2}]");
}

static void test_pause__the_body_of_a_group_waits(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\ntools: [toy/task, {id: b, name: other/task}]\n"
                                "sequence: true\nduration: 5m\ninterval: 2m\n");
    toy_run_pause(run);
    toy_run_done(run, "tools.toy/task", NULL);
    assert_state(run, "tools.b", "ready");
    toy_run_resume(run);
    toy_run_done(run, "tools.b", NULL);
    toy_run_pause(run);
    toy_world_pass(&world, 2 * 60000);
    assert_int_equal(world.live, 0);
    toy_run_resume(run);
    assert_true(toy_run_is_live(run, "tools@2.toy/task"));
}

static void test_pause__a_machine_stays_in_its_next_state(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\ninitial_state: a\nstates:\n"
                                "  a: {type: toy.task, transitions: {success: b}}\n"
                                "  b: {type: toy.task, transitions: {success: c}}\n"
                                "  c: {}\n");
    toy_run_pause(run);
    toy_run_done(run, "a", NULL);
    assert_state(run, "b", "ready");
    toy_run_resume(run);
    toy_run_done(run, "b", NULL);
    assert_ended(run, "completed");
}

static void test_pause__items_wait_for_their_loop(void **state)
{
    (void)state;
    struct toy_run *run =
        start("id: p\nnodes: [{id: a, type: flow.task}, {id: e, type: set, for_each: a.stream, "
              "batch_size: 1, config: {n: '{{ item }}'}}]\n");
    toy_run_emit(run, "a", 1, NULL);
    toy_run_pause(run);
    toy_run_emit(run, "a", 1, NULL);
    toy_run_done(run, "a", NULL);
    assert_state(run, "e", "running");
    toy_run_resume(run);
    assert_ended(run, "completed");
    assert_output(run, "e", "[{\"n\":0},{\"n\":1}]");
}

static void test_pause__reaches_child_runs(void **state)
{
    (void)state;
    struct toy_run *run =
        start("workflows:\n"
              "  main: {nodes: [{id: call, type: workflow, config: {workflow: child}}, "
              "{id: z, type: toy.task, depends_on: [call]}]}\n"
              "  child: {" CHAIN "  }\n");
    struct toy_run *child = toy_world_find(&world, "run1/call");
    toy_run_pause(run);
    assert_true(run_is_paused(child->run));
    toy_run_done(child, "a", NULL);
    assert_state(child, "b", "ready");
    toy_run_resume(run);
    assert_false(run_is_paused(child->run));
    toy_run_done(child, "b", NULL);
    assert_ended(child, "completed");
    assert_true(toy_run_is_live(run, "z"));
}

static void test_pause__of_a_child_run_alone_stops_nobody_else(void **state)
{
    (void)state;
    struct toy_run *run =
        start("workflows:\n"
              "  main: {nodes: [{id: call, type: workflow, config: {workflow: child}}, "
              "{id: x, type: toy.task}, {id: y, type: toy.task, depends_on: [x]}]}\n"
              "  child: {" CHAIN "  }\n");
    struct toy_run *child = toy_world_find(&world, "run1/call");
    toy_run_pause(child);
    assert_false(run_is_paused(run->run));
    toy_run_done(run, "x", NULL);
    assert_true(toy_run_is_live(run, "y"));
    toy_run_cancel(run); /* reaches it all the same */
    assert_false(run_is_paused(child->run));
    assert_state(child, "a", "stopping");
}

/* ---- ends ---- */

static void test_pause__a_failure_ends_the_run(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\nnodes: [{id: a, type: toy.task}, {id: b, type: toy.task}, "
                                "{id: c, type: toy.task, depends_on: [b]}]\n");
    toy_run_pause(run);
    toy_run_failed(run, "a", "BROKEN");
    toy_run_done(run, "b", NULL);
    assert_state(run, "c", "not_run");
    assert_ended(run, "failed");
}

static void test_pause__endings_wait(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\nnodes: [{id: a, type: toy.task}]\n"
                                "on_failure: [{id: f, type: toy.task}]\n"
                                "finally: [{id: z, type: toy.task}]\n");
    toy_run_pause(run);
    toy_run_failed(run, "a", "BROKEN");
    assert_run_state(run, RUN_ENDING);
    assert_int_equal(world.live, 0);
    toy_run_resume(run);
    toy_run_pause(run);
    toy_run_done(run, "on_failure.f", NULL);
    assert_int_equal(world.live, 0);
    toy_run_resume(run);
    toy_run_done(run, "finally.z", NULL);
    assert_ended(run, "failed");
}

static void test_pause__compensations_wait(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\nrollback: true\nnodes: [{id: a, type: toy.task, "
                                "compensate: {type: toy.task}}, {id: b, type: toy.task, "
                                "depends_on: [a]}]\n");
    toy_run_done(run, "a", NULL);
    toy_run_pause(run);
    toy_run_failed(run, "b", "BROKEN");
    assert_int_equal(world.live, 0);
    toy_run_resume(run);
    assert_true(toy_run_is_live(run, "undo:a"));
}

static void test_pause__a_cancel_wins(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\n" CHAIN "on_cancel: [{id: c, type: toy.task}]\n");
    toy_run_pause(run);
    toy_run_cancel(run);
    assert_false(run_is_paused(run->run));
    toy_run_failed(run, "a", "GONE");
    assert_true(toy_run_is_live(run, "on_cancel.c"));
    toy_run_done(run, "on_cancel.c", NULL);
    assert_ended(run, "cancelled");
}

static void test_pause__after_a_cancel_changes_nothing(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\n" CHAIN "on_cancel: [{id: c, type: toy.task}]\n");
    toy_run_cancel(run);
    toy_run_pause(run);
    assert_false(run_is_paused(run->run));
    toy_run_failed(run, "a", "GONE");
    toy_run_pause(run);
    assert_false(run_is_paused(run->run));
    toy_run_done(run, "on_cancel.c", NULL);
    assert_ended(run, "cancelled");
}

static void test_pause__a_run_that_ended_in_it_is_not_paused(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\nnodes: [{id: a, type: toy.task}]\n");
    toy_run_pause(run);
    toy_run_done(run, "a", NULL);
    assert_ended(run, "completed");
    assert_false(run_is_paused(run->run));
    size_t before = world.record_count;
    toy_run_resume(run);
    toy_run_pause(run);
    assert_int_equal(records_since(before), 0);
}

static void test_pause__a_child_that_ended_in_it_can_be_undone(void **state)
{
    (void)state;
    struct toy_run *run =
        start("workflows:\n"
              "  main: {rollback: true, nodes: [{id: call, type: workflow, config: {workflow: "
              "child}}, {id: b, type: toy.task, depends_on: [call]}]}\n"
              "  child: {nodes: [{id: a, type: toy.task, compensate: {type: toy.task}}]}\n");
    struct toy_run *child = toy_world_find(&world, "run1/call");
    toy_run_pause(run);
    toy_run_done(child, "a", NULL);
    assert_ended(child, "completed");
    toy_run_resume(run);
    toy_run_failed(run, "b", "BROKEN");
    toy_run_done(child, "undo:a", NULL);
    assert_ended(run, "failed");
}

/* A child run with two compensations, the newer one at work, because its caller fails. */
static struct toy_run *start_undone_child(struct toy_run **out_child)
{
    struct toy_run *run =
        start("workflows:\n"
              "  main: {rollback: true, nodes: [{id: call, type: workflow, config: {workflow: "
              "child}}, {id: b, type: toy.task, depends_on: [call]}]}\n"
              "  child: {nodes: [{id: x, type: toy.task, compensate: {type: toy.task}}, "
              "{id: y, type: toy.task, depends_on: [x], compensate: {type: toy.task}}]}\n");
    *out_child = toy_world_find(&world, "run1/call");
    toy_run_done(*out_child, "x", NULL);
    toy_run_done(*out_child, "y", NULL);
    toy_run_failed(run, "b", "BROKEN");
    assert_true(toy_run_is_live(*out_child, "undo:y"));
    return run;
}

static void test_pause__of_a_run_reaches_what_is_undone_for_it(void **state)
{
    (void)state;
    struct toy_run *child = NULL;
    struct toy_run *run = start_undone_child(&child);
    toy_run_pause(run);
    toy_run_done(child, "undo:y", NULL);
    assert_int_equal(world.live, 0);
    toy_world_restart(&world);
    assert_int_equal(world.live, 0);
    toy_run_resume(run);
    toy_run_done(child, "undo:x", NULL);
    assert_ended(run, "failed");
    assert_false(run_is_paused(child->run));
}

static void test_pause__a_cancel_lets_the_undoing_go_on(void **state)
{
    (void)state;
    struct toy_run *child = NULL;
    struct toy_run *run = start_undone_child(&child);
    toy_run_pause(run);
    toy_run_done(child, "undo:y", NULL);
    toy_run_cancel(run);
    assert_true(toy_run_is_live(child, "undo:x"));
    toy_run_done(child, "undo:x", NULL);
    assert_ended(run, "failed");
}

static void test_pause__of_an_ended_run_alone_changes_nothing(void **state)
{
    (void)state;
    struct toy_run *child = NULL;
    (void)start_undone_child(&child);
    size_t before = world.record_count;
    toy_run_pause(child); /* it works for its caller */
    assert_int_equal(records_since(before), 0);
}

/* ---- twice, and over a crash ---- */

static void test_pause__twice_is_once(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\n" CHAIN);
    size_t before = world.record_count;
    toy_run_pause(run);
    toy_run_pause(run);
    assert_int_equal(records_since(before), 1);
    toy_run_resume(run);
    toy_run_resume(run);
    assert_int_equal(records_since(before), 2);
    assert_int_equal(world.live, 1);
}

static void test_pause__survives_the_process(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\n" CHAIN);
    toy_run_pause(run);
    toy_world_restart(&world);
    assert_true(run_is_paused(run->run));
    assert_int_equal(world.live, 0);
    assert_state(run, "a", "ready");
    toy_run_resume(run);
    assert_int_equal(toy_run_view(run, "a").attempt, 2);
    toy_run_done(run, "a", NULL);
    toy_run_done(run, "b", NULL);
    assert_ended(run, "completed");
}

static void test_pause__what_is_resolved_again_waits(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\nnodes: [{id: a, type: toy.task, at_most_once: true}]\n");
    toy_run_pause(run);
    toy_world_restart(&world);
    toy_run_resolve(run, "a", RUN_RESOLVE_AGAIN, NULL);
    assert_int_equal(world.live, 0);
    toy_run_resume(run);
    assert_true(toy_run_is_live(run, "a"));
}

#define WORLD(name) WITH_WORLD(test_pause__##name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD(what_runs_ends_and_what_follows_waits),
        WORLD(who_asked_for_a_permit_gives_it_up),
        WORLD(a_timer_fires_and_its_node_ends),
        WORLD(the_next_round_waits),
        WORLD(a_time_out_goes_on),
        WORLD(an_event_is_kept),
        WORLD(an_event_ends_who_waits_for_it),
        WORLD(a_loop_takes_no_more_items),
        WORLD(the_body_of_a_group_waits),
        WORLD(a_machine_stays_in_its_next_state),
        WORLD(items_wait_for_their_loop),
        WORLD(reaches_child_runs),
        WORLD(of_a_child_run_alone_stops_nobody_else),
        WORLD(a_failure_ends_the_run),
        WORLD(endings_wait),
        WORLD(compensations_wait),
        WORLD(a_cancel_wins),
        WORLD(after_a_cancel_changes_nothing),
        WORLD(a_run_that_ended_in_it_is_not_paused),
        WORLD(a_child_that_ended_in_it_can_be_undone),
        WORLD(of_a_run_reaches_what_is_undone_for_it),
        WORLD(a_cancel_lets_the_undoing_go_on),
        WORLD(of_an_ended_run_alone_changes_nothing),
        WORLD(twice_is_once),
        WORLD(survives_the_process),
        WORLD(what_is_resolved_again_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
