/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of a run: when they go, what they see, and that nothing but the end waits for them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "core/engine/run.h"
#include "core/value/value.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/toy_world.h"
#include "tests/unit/engine/world.h"

#define TOLD                                                                                       \
    "notifications: {type: other.task, s: '{{ run.status }}', start: {}, completion: {},\n"        \
    "  milestones: {n: '{{ node.id }} {{ node.output }}'}, errors: {e: '{{ run.error.code }}'}}\n"

static void assert_config(const struct toy_run *run, const char *path, const char *expected)
{
    char *text = pipeline_fixture_text(toy_run_node(run, path)->config);
    assert_string_equal(text, expected);
    free(text);
}

static void test_notices__run_beside_all_else(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\nscaling: {max_parallel_nodes: 1}\n" TOLD
                                        "nodes: [{id: a, type: toy.task, milestone: true},\n"
                                        "  {id: b, depends_on: [a], type: toy.task}]\n",
                                        NULL);
    assert_config(run, "notifications.start", "{\"s\":\"running\"}");
    assert_true(toy_run_is_live(run, "a"));
    toy_run_done(run, "a", "{\"x\": 1}");
    assert_true(toy_run_is_live(run, "b"));
    assert_config(run, "notifications.milestones.a",
                  "{\"s\":\"running\",\"n\":\"a {\\\"x\\\":1}\"}");
    toy_run_done(run, "b", NULL);
    assert_config(run, "notifications.completion", "{\"s\":\"completed\"}");
    toy_run_done(run, "notifications.completion", NULL);
    toy_run_failed(run, "notifications.milestones.a", "REFUSED");
    assert_false(run_is_ended(run->run));
    toy_run_done(run, "notifications.start", NULL);
    assert_ended(run, "completed");
}

static void test_notices__tell_of_a_failure_before_its_endings_end(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\nrollback: true\n" TOLD
        "nodes: [{id: a, type: toy.task, compensate: {type: toy.task}},\n"
        "  {id: b, depends_on: [a], type: toy.task}]\nfinally: [{id: z, type: toy.task}]\n",
        NULL);
    toy_run_done(run, "notifications.start", NULL);
    toy_run_done(run, "a", NULL);
    toy_run_failed(run, "b", "BROKEN");
    assert_config(run, "notifications.errors", "{\"s\":\"failed\",\"e\":\"BROKEN\"}");
    toy_run_done(run, "undo:a", NULL);
    toy_run_done(run, "finally.z", NULL);
    assert_false(run_is_ended(run->run));
    toy_run_done(run, "notifications.errors", NULL);
    assert_ended(run, "failed");
}

static void test_notices__a_failed_one_changes_nothing(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "notifications: {type: other.task, completion:"
                                        " {x: '{{ 1 / input.zero }}'}, start: {}}\n"
                                        "nodes: [{id: a, type: toy.task}]\n",
                                        "{\"zero\": 0}");
    toy_run_failed(run, "notifications.start", "REFUSED");
    assert_true(toy_run_is_live(run, "a"));
    toy_run_done(run, "a", NULL);
    assert_ended(run, "completed");
    assert_null(run->error);
}

static void test_notices__a_cancel_leaves_them_alone(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world, "id: p\n" TOLD "nodes: [{id: a, type: toy.task}]\n", NULL);
    toy_run_cancel(run);
    toy_run_failed(run, "a", "GONE");
    assert_true(toy_run_is_live(run, "notifications.start"));
    assert_config(run, "notifications.completion", "{\"s\":\"cancelled\"}");
    toy_run_done(run, "notifications.start", NULL);
    toy_run_done(run, "notifications.completion", NULL);
    assert_ended(run, "cancelled");
}

static void test_notices__a_kill_ends_them(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world, "id: p\n" TOLD "nodes: [{id: a, type: toy.task}]\n", NULL);
    toy_run_event(run, &(struct run_event){.type = RUN_EVENT_CANCEL,
                                           .node = RECORD_NO_NODE,
                                           .reason = STOP_SHUTDOWN});
    toy_run_failed(run, "a", "GONE");
    assert_false(run_is_ended(run->run));
    toy_run_failed(run, "notifications.start", "GONE");
    assert_ended(run, "cancelled");
}

static void test_notices__a_loop_is_told_once(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\nnotifications: {type: other.task, on: milestones, c: '{{ node.counts.total }}'}\n"
        "nodes: [{id: each, for_each: '[1, 2, 3]', nodes: [{id: a, type: set, milestone: "
        "true}]}]\n",
        NULL);
    assert_config(run, "notifications.milestones.each", "{\"c\":3}");
    assert_int_equal(world.live, 1);
    toy_run_done(run, "notifications.milestones.each", NULL);
    assert_ended(run, "completed");
}

static void test_notices__each_visit_of_a_state_has_its_own(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\nnotifications: {type: other.task, on: [milestones], n: '{{ node.output.n }}'}\n"
        "initial_state: s\nstates:\n"
        "  s: {type: toy.task, milestone: true, transitions: {success: [{when: 's.output.n < 2',\n"
        "      to: s}, {to: e}]}}\n"
        "  e: {type: set}\n",
        NULL);
    toy_run_done(run, "s", "{\"n\": 1}");
    toy_run_done(run, "s", "{\"n\": 2}");
    assert_config(run, "notifications.milestones.s", "{\"n\":1}");
    assert_config(run, "notifications.milestones.s#2", "{\"n\":2}");
    toy_run_done(run, "notifications.milestones.s#2", NULL);
    toy_run_done(run, "notifications.milestones.s", NULL);
    assert_ended(run, "completed");
}

static void test_notices__wait_while_the_run_is_paused(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world, "id: p\n" TOLD "nodes: [{id: a, type: toy.task}]\n", NULL);
    toy_run_done(run, "notifications.start", NULL);
    toy_run_pause(run);
    toy_run_done(run, "a", NULL);
    assert_int_equal(world.live, 0);
    toy_run_resume(run);
    toy_run_done(run, "notifications.completion", NULL);
    assert_ended(run, "completed");
}

static void test_notices__go_on_after_a_crash(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world, "id: p\n" TOLD "nodes: [{id: a, type: toy.task}]\n", NULL);
    toy_run_done(run, "a", NULL);
    toy_world_restart(&world);
    run = toy_world_find(&world, "run1");
    assert_non_null(run);
    assert_int_equal(toy_run_node(run, "notifications.start")->attempt, 2);
    toy_run_done(run, "notifications.start", NULL);
    toy_run_done(run, "notifications.completion", NULL);
    assert_ended(run, "completed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WIDE_WORLD(test_notices__run_beside_all_else),
        WITH_WIDE_WORLD(test_notices__tell_of_a_failure_before_its_endings_end),
        WITH_WIDE_WORLD(test_notices__a_failed_one_changes_nothing),
        WITH_WIDE_WORLD(test_notices__a_cancel_leaves_them_alone),
        WITH_WIDE_WORLD(test_notices__a_kill_ends_them),
        WITH_WIDE_WORLD(test_notices__a_loop_is_told_once),
        WITH_WIDE_WORLD(test_notices__each_visit_of_a_state_has_its_own),
        WITH_WIDE_WORLD(test_notices__wait_while_the_run_is_paused),
        WITH_WIDE_WORLD(test_notices__go_on_after_a_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
