/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of each kind of work when the process that did it is gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/toy_world.h"
#include "tests/unit/engine/world.h"

static struct toy_run *start(const char *yaml)
{
    return toy_world_run(&world, yaml, "{\"l\": [1, 2, 3], \"z\": 0}");
}

static uint32_t attempt(const struct toy_run *run, const char *path)
{
    return toy_run_view(run, path).attempt;
}

static void assert_live(const struct toy_run *run, const char *path, uint32_t expected_attempt)
{
    assert_true(toy_run_is_live(run, path));
    assert_int_equal(attempt(run, path), expected_attempt);
}

static void copy_key(const struct toy_run *run, const char *path, char key[32])
{
    const struct watched_node *node = toy_run_node(run, path);
    assert_int_equal(run_idempotency_key(run->run, node->frame, node->node, key), 0);
}

/* ---- tasks ---- */

static void test_recover__a_started_task_runs_again_with_its_key_and_now(void **state)
{
    (void)state;
    char before[32];
    char after[32];
    struct toy_run *run =
        start("id: p\nnodes: [{id: a, type: toy.task, config: {at: '{{ now }}'}}]\n");
    copy_key(run, "a", before);
    struct document *config = document_ref(toy_run_node(run, "a")->config);
    toy_world_pass(&world, 5000);
    toy_world_restart(&world);
    assert_live(run, "a", 2);
    copy_key(run, "a", after);
    assert_string_equal(before, after);
    char *text = pipeline_fixture_text(config);
    assert_json(toy_run_node(run, "a")->config, text);
    free(text);
    document_unref(config);
    toy_run_done(run, "a", "{\"x\":1}");
    assert_ended(run, "completed");
    assert_output(run, "a", "{\"x\":1}");
}

static void test_recover__a_report_of_the_attempt_before_is_not_heard(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\nnodes: [{id: a, type: toy.task}]\n");
    toy_world_restart(&world);
    toy_run_event(run, &(struct run_event){.type = RUN_EVENT_DONE, .attempt = 1});
    assert_state(run, "a", "running");
    toy_run_done(run, "a", NULL);
    assert_ended(run, "completed");
}

static void test_recover__what_has_ended_never_runs_again(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\nnodes: [{id: a, type: toy.task}, {id: b, type: toy.task, "
                                "depends_on: [a], config: {x: '{{ a.output.x }}'}}]\n");
    toy_run_done(run, "a", "{\"x\":7}");
    toy_world_restart(&world);
    assert_state(run, "a", "completed");
    assert_int_equal(toy_run_node(run, "a")->starts, 1);
    assert_live(run, "b", 2);
    assert_json(toy_run_node(run, "b")->config, "{\"x\":7}");
}

static void test_recover__a_death_while_recovering_costs_one_attempt_more(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\nnodes: [{id: a, type: toy.task}]\n");
    toy_world_crash(&world); /* before anything of the recovery is durable */
    toy_world_restart(&world);
    assert_live(run, "a", 2);
    toy_world_restart(&world);
    assert_live(run, "a", 3);
}

static void test_recover__when_is_not_asked_again(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\nnodes: [{id: b, type: toy.task, "
                                "when: \"now < timestamp('2023-11-14T22:13:21Z')\"}]\n");
    assert_true(toy_run_is_live(run, "b"));
    toy_world_pass(&world, 5000);
    toy_world_restart(&world);
    assert_live(run, "b", 2);
}

static void test_recover__who_waits_for_a_permit_asks_again(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\nintegrations: {toy: {max_concurrency: 1}}\n"
                                "nodes: [{id: a, type: toy.task}, {id: b, type: toy.task}]\n");
    assert_state(run, "b", "queued");
    toy_world_restart(&world);
    assert_int_equal(world.live, 1);
    bool is_a_first = toy_run_is_live(run, "a");
    toy_run_done(run, is_a_first ? "a" : "b", NULL);
    assert_live(run, is_a_first ? "b" : "a", is_a_first ? 1 : 2);
    toy_run_done(run, is_a_first ? "b" : "a", NULL);
    assert_ended(run, "completed");
}

static void test_recover__the_time_of_a_task_begins_anew(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\nnodes: [{id: a, type: toy.task, timeout: 10s}]\n");
    toy_world_pass(&world, 9000);
    toy_world_restart(&world);
    toy_world_pass(&world, 9000);
    assert_state(run, "a", "running");
    toy_world_pass(&world, 1000);
    assert_state(run, "a", "stopping");
}

/* ---- what was told to end ---- */

static void test_recover__a_task_that_was_told_to_end_has_ended(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\nnodes: [{id: a, type: toy.task}]\n");
    toy_run_cancel(run);
    assert_state(run, "a", "stopping");
    toy_world_restart(&world);
    assert_state(run, "a", "cancelled");
    assert_ended(run, "cancelled");
}

static void test_recover__a_task_that_took_too_long_has_failed_for_that(void **state)
{
    (void)state;
    struct toy_run *run =
        start("id: p\nnodes: [{id: a, type: toy.task, timeout: 1s, on_error: continue}]\n");
    toy_world_pass(&world, 1000);
    toy_world_restart(&world);
    assert_state(run, "a", "failed");
    assert_code(toy_run_view(run, "a").error, "TIMEOUT");
    assert_ended(run, "completed");
}

static void test_recover__a_failing_run_starts_nothing(void **state)
{
    (void)state;
    struct toy_run *run =
        start("id: p\nnodes: [{id: a, type: toy.task}, {id: b, type: toy.task}]\n");
    toy_run_failed(run, "a", "BROKEN");
    assert_true(toy_run_is_live(run, "b"));
    toy_world_restart(&world);
    assert_int_equal(world.live, 0);
    assert_state(run, "b", "cancelled");
    assert_ended(run, "failed");
    assert_code(run->error, "BROKEN");
}

/* ---- times ---- */

static void test_recover__a_wait_ends_when_it_was_to_end(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\nnodes: [{id: w, type: wait, config: {seconds: 10}}]\n");
    toy_world_pass(&world, 4000);
    toy_world_restart(&world);
    assert_int_equal(toy_run_timer_count(run), 1);
    toy_world_pass(&world, 5999);
    assert_state(run, "w", "running");
    toy_world_pass(&world, 1);
    assert_ended(run, "completed");
}

static void test_recover__what_was_due_meanwhile_comes_at_once(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\nnodes: [{id: w, type: wait, config: {seconds: 10}}]\n");
    world.now += 60000;
    toy_world_restart(&world);
    assert_state(run, "w", "running");
    toy_world_pass(&world, 0);
    assert_ended(run, "completed");
}

static void test_recover__an_event_that_came_before_is_kept(void **state)
{
    (void)state;
    struct toy_run *run =
        start("id: p\nnodes: [{id: a, type: toy.task}, {id: w, type: wait, depends_on: [a], "
              "config: {event: go}}]\noutput: '{{ w.output.data }}'\n");
    toy_run_send(run, "go", "5");
    toy_world_restart(&world);
    toy_run_done(run, "a", NULL);
    assert_ended(run, "completed");
    assert_json(run->output, "5");
}

static void test_recover__the_time_out_of_an_event_is_where_it_was(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\nnodes: [{id: w, type: wait, config: {event: go, "
                                "timeout: 10s}, on_error: continue}]\n");
    toy_world_pass(&world, 9000);
    toy_world_restart(&world);
    toy_world_pass(&world, 999);
    assert_state(run, "w", "running");
    toy_world_pass(&world, 1);
    assert_state(run, "w", "failed");
}

static void test_recover__an_event_without_a_time_has_no_timer(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\nnodes: [{id: w, type: wait, config: {event: go}}]\n");
    toy_world_restart(&world);
    assert_int_equal(toy_run_timer_count(run), 0);
    toy_run_send(run, "go", NULL);
    assert_ended(run, "completed");
}

static void test_recover__the_run_has_the_time_that_it_had(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\ntimeout: 10s\nnodes: [{id: a, type: toy.task}]\n");
    toy_world_pass(&world, 9000);
    toy_world_restart(&world);
    toy_world_pass(&world, 1000);
    assert_run_state(run, RUN_FAILING);
    assert_state(run, "a", "stopping");
}

static void test_recover__the_next_round_comes_when_it_was_to_come(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\nnodes: [{id: a, type: toy.task, "
                                "repeat: {until: 'a.attempts >= 2', delay: 10s}}]\n");
    toy_run_done(run, "a", NULL);
    toy_world_pass(&world, 3000);
    toy_world_restart(&world);
    assert_int_equal(world.live, 0);
    toy_world_pass(&world, 6999);
    assert_int_equal(world.live, 0);
    toy_world_pass(&world, 1);
    assert_live(run, "a", 2);
    toy_run_done(run, "a", NULL);
    assert_ended(run, "completed");
}

static void test_recover__a_later_round_has_its_own_key_again(void **state)
{
    (void)state;
    char before[32];
    char after[32];
    struct toy_run *run = start("id: p\nnodes: [{id: a, type: toy.task, "
                                "repeat: {until: 'a.attempts >= 9', max_iterations: 9}}]\n");
    toy_run_done(run, "a", NULL);
    copy_key(run, "a", before);
    toy_world_restart(&world);
    assert_live(run, "a", 3);
    copy_key(run, "a", after);
    assert_string_equal(before, after);
}

/* ---- bodies ---- */

static void test_recover__iterations_that_ended_stay_ended(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\nnodes: [{id: e, type: toy.task, for_each: input.l, "
                                "parallel_workers: 3, batch_size: 1}]\n");
    toy_run_done(run, "e[1]", "{\"i\":1}");
    toy_world_restart(&world);
    assert_int_equal(world.live, 2);
    assert_live(run, "e[0]", 2);
    toy_run_done(run, "e[2]", "{\"i\":2}");
    toy_world_restart(&world);
    toy_run_done(run, "e[0]", "{\"i\":0}");
    assert_ended(run, "completed");
    assert_output(run, "e", "[{\"i\":0},{\"i\":1},{\"i\":2}]");
}

static void test_recover__what_a_loop_reduced_is_not_reduced_again(void **state)
{
    (void)state;
    struct toy_run *run =
        start("id: p\nnodes: [{id: e, for_each: input.l, batch_size: 1, collect: {reduce: "
              "'acc + [item.x]', init: []}, type: toy.task}]\n");
    toy_run_done(run, "e[0]", "{\"x\":10}");
    toy_world_restart(&world);
    toy_run_done(run, "e[1]", "{\"x\":20}");
    toy_world_restart(&world);
    toy_run_done(run, "e[2]", "{\"x\":30}");
    assert_ended(run, "completed");
    assert_output(run, "e", "[10,20,30]");
}

static void test_recover__the_time_of_a_loop_goes_on(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\nnodes: [{id: g, for_each: [1], timeout: 10s, nodes: "
                                "[{id: a, type: toy.task}]}]\n");
    toy_world_pass(&world, 9000);
    toy_world_restart(&world);
    assert_live(run, "g[0].a", 2);
    toy_world_pass(&world, 1000);
    assert_state(run, "g", "stopping");
    assert_state(run, "g[0].a", "stopping");
}

static void test_recover__the_body_of_a_group_goes_on(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\ntools: [toy/task, {id: b, name: other/task}]\n"
                                "duration: 5m\ninterval: 2m\n");
    toy_run_done(run, "tools.b", NULL);
    toy_world_restart(&world);
    assert_live(run, "tools.toy/task", 2);
    assert_state(run, "tools.b", "completed");
    toy_run_done(run, "tools.toy/task", NULL);
    toy_world_pass(&world, 60000);
    toy_world_restart(&world);
    assert_int_equal(world.live, 0);
    toy_world_pass(&world, 60000);
    assert_live(run, "tools@2.b", 1);
}

static void test_recover__a_loop_that_stops_ends_with_what_ran_in_it(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\nnodes: [{id: e, for_each: input.l, parallel_workers: 3, "
                                "batch_size: 1, timeout: 5s, nodes: [{id: a, type: toy.task}]}]\n");
    toy_world_pass(&world, 5000);
    assert_state(run, "e", "stopping");
    toy_world_restart(&world);
    assert_ended(run, "failed");
    assert_code(toy_run_view(run, "e").error, "TIMEOUT");
}

static void test_recover__a_state_keeps_its_visit_and_its_time(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\ninitial_state: a\nstates:\n"
                                "  a: {timeout: 10s, transitions: {go: b, timeout: c}}\n"
                                "  b: {type: toy.task, transitions: {success: a}}\n"
                                "  c: {}\n");
    toy_run_send(run, "go", NULL);
    toy_run_done(run, "b", NULL);
    toy_world_pass(&world, 9000);
    toy_world_restart(&world);
    assert_state(run, "a", "running");
    toy_world_pass(&world, 1000);
    assert_ended(run, "completed");
    assert_state(run, "c", "completed");
}

static void test_recover__items_that_came_are_not_taken_twice(void **state)
{
    (void)state;
    struct toy_run *run =
        start("id: p\nnodes: [{id: a, type: flow.task}, {id: e, type: set, for_each: a.stream, "
              "batch_size: 1, config: {n: '{{ item }}'}}]\n");
    toy_run_emit(run, "a", 1, NULL);
    toy_run_emit(run, "a", 1, NULL);
    toy_world_restart(&world);
    assert_live(run, "a", 2);
    assert_true(toy_run_node(run, "a")->credits > 0);
    for (int i = 0; i < 3; i++) { /* it begins from the front */
        toy_run_emit(run, "a", 1, NULL);
    }
    toy_run_done(run, "a", NULL);
    assert_ended(run, "completed");
    assert_output(run, "e", "[{\"n\":0},{\"n\":1},{\"n\":2}]");
}

/* ---- other runs ---- */

#define CALLS                                                                                      \
    "workflows:\n"                                                                                 \
    "  main: {nodes: [{id: call, type: workflow, config: {workflow: child}}]}\n"                   \
    "  child: {nodes: [{id: a, type: toy.task}]}\n"

static void test_recover__a_child_run_goes_on_and_tells_its_caller(void **state)
{
    (void)state;
    struct toy_run *run = start(CALLS);
    toy_world_restart(&world);
    struct toy_run *child = toy_world_find(&world, "run1/call");
    assert_live(child, "a", 2);
    assert_int_equal(attempt(run, "call"), 1);
    toy_run_done(child, "a", "{\"x\":1}");
    assert_ended(child, "completed");
    assert_ended(run, "completed");
}

static void test_recover__a_cancel_reaches_a_child_run(void **state)
{
    (void)state;
    struct toy_run *run = start(CALLS);
    toy_world_restart(&world);
    struct toy_run *child = toy_world_find(&world, "run1/call");
    toy_run_cancel(run);
    assert_state(child, "a", "stopping");
    toy_world_restart(&world);
    assert_ended(child, "cancelled");
    assert_ended(run, "cancelled");
}

static void test_recover__nobody_waits_for_a_detached_run(void **state)
{
    (void)state;
    struct toy_run *run = start("workflows:\n"
                                "  main: {nodes: [{id: call, type: workflow, config: {workflow: "
                                "child, wait: false}}]}\n"
                                "  child: {nodes: [{id: a, type: toy.task}]}\n");
    assert_ended(run, "completed");
    toy_world_restart(&world);
    struct toy_run *child = toy_world_find(&world, "run1/call");
    toy_run_done(child, "a", NULL);
    assert_ended(child, "completed");
    assert_int_equal(run->ended_effects, 1);
}

static void test_recover__a_run_that_waits_for_one_that_is_gone_is_refused(void **state)
{
    (void)state;
    struct error err = {0};
    struct batch batch = BATCH_INIT;
    struct engine *engine = NULL;
    struct run *alone = NULL;
    struct toy_run *run = start(CALLS);
    struct run_options options = {
        .pipeline = run->pipeline, .id = STR("r"), .triggered_by = STR("manual")};
    assert_int_equal(engine_create(&world.options, &engine, &err), 0);
    assert_int_equal(engine_restore(engine, &options, NULL, &alone, &err), 0);
    for (size_t i = 0; i < world.record_count; i++) {
        if (world.records[i].run == run->run) {
            run_apply(alone, &world.records[i]);
        }
    }
    assert_int_equal(engine_recover(engine, alone, world.now, &batch, &err), E_CORRUPT);
    assert_string_equal(err.message,
                        "a node needs the run of another pipeline, which is not there");
    batch_finish(&batch);
    engine_destroy(engine);
}

/* ---- endings ---- */

#define UNDONE                                                                                     \
    "rollback: true\n"                                                                             \
    "nodes:\n"                                                                                     \
    "  - {id: a, type: toy.task, compensate: {type: toy.task, config: {of: '{{ a.output.x "        \
    "}}'}}}\n"                                                                                     \
    "  - {id: b, type: toy.task, depends_on: [a], compensate: {type: toy.task}}\n"                 \
    "  - {id: c, type: toy.task, depends_on: [b]}\n"                                               \
    "finally: [{id: f, type: toy.task}]\n"

static void test_recover__compensations_go_on_where_they_were(void **state)
{
    (void)state;
    struct toy_run *run = start("id: p\n" UNDONE);
    toy_run_done(run, "a", "{\"x\":1}");
    toy_run_done(run, "b", NULL);
    toy_run_failed(run, "c", "BROKEN");
    toy_world_restart(&world);
    assert_live(run, "undo:b", 2);
    toy_run_done(run, "undo:b", NULL);
    toy_world_restart(&world);
    assert_live(run, "undo:a", 2);
    assert_json(toy_run_node(run, "undo:a")->config, "{\"of\":1}");
    toy_run_done(run, "undo:a", NULL);
    toy_world_restart(&world);
    assert_live(run, "finally.f", 2);
    toy_run_done(run, "finally.f", NULL);
    assert_ended(run, "failed");
}

static void test_recover__a_child_run_that_had_ended_can_be_undone(void **state)
{
    (void)state;
    struct toy_run *run =
        start("workflows:\n"
              "  main: {rollback: true, nodes: [{id: call, type: workflow, config: {workflow: "
              "child}}, {id: b, type: toy.task, depends_on: [call]}]}\n"
              "  child: {nodes: [{id: a, type: toy.task, compensate: {type: toy.task}}]}\n");
    struct toy_run *child = toy_world_find(&world, "run1/call");
    toy_run_done(child, "a", NULL);
    assert_ended(child, "completed");
    toy_world_restart(&world);
    toy_run_failed(run, "b", "BROKEN");
    assert_live(child, "undo:a", 1);
    toy_world_restart(&world);
    assert_live(child, "undo:a", 2);
    toy_run_done(child, "undo:a", NULL);
    assert_ended(run, "failed");
}

/* ---- at most once ---- */

#define ONCE                                                                                       \
    "id: p\nnodes: [{id: a, type: toy.task, at_most_once: true%s}, {id: z, type: toy.task}]\n"

static struct toy_run *start_unknown(const char *keys)
{
    char yaml[512];
    (void)snprintf(yaml, sizeof(yaml), ONCE, keys);
    struct toy_run *run = start(yaml);
    toy_world_restart(&world);
    assert_true(toy_run_view(run, "a").is_unknown);
    assert_int_equal(run_unknown_count(run->run), 1);
    assert_false(toy_run_is_live(run, "a"));
    return run;
}

static void test_recover__what_may_run_once_waits_for_a_person(void **state)
{
    (void)state;
    struct toy_run *run = start_unknown("");
    assert_live(run, "z", 2);
    toy_run_done(run, "z", NULL);
    assert_status(run, "running");
    toy_world_restart(&world);
    assert_int_equal(run_unknown_count(run->run), 1);
    assert_int_equal(attempt(run, "a"), 1);
    assert_int_equal(toy_run_node(run, "a")->starts, 1);
}

static void test_recover__a_zombie_does_not_decide_what_is_unknown(void **state)
{
    (void)state;
    struct toy_run *run = start_unknown("");
    toy_run_event(run, &(struct run_event){.type = RUN_EVENT_DONE, .attempt = 1});
    toy_run_event(run, &(struct run_event){.type = RUN_EVENT_FAILED, .attempt = 1});
    assert_true(toy_run_view(run, "a").is_unknown);
}

static void test_recover__resolved_again_it_has_the_same_key(void **state)
{
    (void)state;
    char before[32];
    char after[32];
    struct toy_run *run = start_unknown("");
    copy_key(run, "a", before);
    toy_run_resolve(run, "a", RUN_RESOLVE_AGAIN, NULL);
    assert_live(run, "a", 2);
    assert_int_equal(run_unknown_count(run->run), 0);
    copy_key(run, "a", after);
    assert_string_equal(before, after);
    toy_world_restart(&world);
    assert_true(toy_run_view(run, "a").is_unknown);
}

static void test_recover__resolved_as_failed_it_fails(void **state)
{
    (void)state;
    struct toy_run *run = start_unknown(", on_error: continue");
    toy_run_resolve(run, "a", RUN_RESOLVE_FAIL, "GAVE_UP");
    assert_state(run, "a", "failed");
    assert_code(toy_run_view(run, "a").error, "GAVE_UP");
    toy_run_done(run, "z", NULL);
    assert_ended(run, "completed");
}

static void test_recover__resolved_with_an_output_it_has_completed(void **state)
{
    (void)state;
    struct toy_run *run = start_unknown("");
    toy_run_resolve(run, "a", RUN_RESOLVE_OUTPUT, "{\"x\":3}");
    assert_state(run, "a", "completed");
    assert_output(run, "a", "{\"x\":3}");
    assert_int_equal(run_unknown_count(run->run), 0);
    toy_run_resolve(run, "a", RUN_RESOLVE_OUTPUT, "{\"x\":4}"); /* who comes second */
    assert_output(run, "a", "{\"x\":3}");
}

static void test_recover__only_what_is_unknown_is_resolved(void **state)
{
    (void)state;
    struct toy_run *run = start_unknown("");
    toy_run_resolve(run, "z", RUN_RESOLVE_OUTPUT, "{}");
    assert_state(run, "z", "running");
    toy_run_event(run, &(struct run_event){.type = RUN_EVENT_RESOLVE,
                                           .node = RECORD_NO_NODE,
                                           .resolution = RUN_RESOLVE_AGAIN});
    assert_live(run, "z", 2);
}

static void test_recover__its_next_round_is_known(void **state)
{
    (void)state;
    struct toy_run *run = start_unknown(", repeat: {until: 'a.attempts >= 2'}");
    toy_run_resolve(run, "a", RUN_RESOLVE_OUTPUT, "{}");
    assert_live(run, "a", 2);
    assert_int_equal(run_unknown_count(run->run), 0);
    toy_run_done(run, "a", NULL);
    assert_state(run, "a", "completed");
}

static void test_recover__nothing_runs_again_where_all_stops(void **state)
{
    (void)state;
    char yaml[512];
    (void)snprintf(yaml, sizeof(yaml), ONCE, "");
    struct toy_run *run = start(yaml);
    toy_run_failed(run, "z", "BROKEN");
    toy_world_restart(&world);
    assert_run_state(run, RUN_FAILING);
    assert_true(toy_run_view(run, "a").is_unknown);
    toy_run_resolve(run, "a", RUN_RESOLVE_AGAIN, NULL);
    assert_state(run, "a", "cancelled");
    assert_ended(run, "failed");
}

static void test_recover__a_failure_does_not_wait_for_a_person(void **state)
{
    (void)state;
    struct toy_run *run = start_unknown("");
    toy_run_failed(run, "z", "BROKEN");
    assert_state(run, "a", "cancelled");
    assert_ended(run, "failed");
}

static void test_recover__a_cancel_does_not_wait_for_a_person(void **state)
{
    (void)state;
    struct toy_run *run = start_unknown("");
    toy_run_cancel(run);
    assert_state(run, "a", "cancelled");
    toy_run_failed(run, "z", "GONE");
    assert_ended(run, "cancelled");
}

static void test_recover__an_unknown_producer_gets_no_credit(void **state)
{
    (void)state;
    struct toy_run *run = start(
        "id: p\nnodes: [{id: a, type: flow.task, at_most_once: true}, {id: e, type: toy.task, "
        "for_each: a.stream, batch_size: 1}]\n");
    toy_run_emit(run, "a", 1, NULL);
    toy_world_restart(&world);
    assert_true(toy_run_view(run, "a").is_unknown);
    uint32_t credits = toy_run_node(run, "a")->credits;
    toy_run_done(run, "e[0]", NULL);
    assert_int_equal(toy_run_node(run, "a")->credits, credits);
    toy_run_resolve(run, "a", RUN_RESOLVE_OUTPUT, "{}");
    assert_ended(run, "completed");
}

static void test_recover__an_unknown_state_is_resolved_with_its_port_taken(void **state)
{
    (void)state;
    struct toy_run *run =
        start("id: p\ninitial_state: a\nstates:\n"
              "  a: {type: toy.task, at_most_once: true, transitions: {success: b, error: c}}\n"
              "  b: {}\n  c: {result: failed}\n");
    toy_world_restart(&world);
    assert_true(toy_run_view(run, "a").is_unknown);
    toy_run_resolve(run, "a", RUN_RESOLVE_FAIL, "GAVE_UP");
    assert_state(run, "c", "completed");
    assert_ended(run, "failed");
}

/* ---- what only waits ---- */

static int64_t wake_at(const struct toy_run *run)
{
    struct engine_rest wait = {.wake_at = -1};
    return engine_only_waits(run->run, &wait) ? wait.wake_at : 0;
}

static void test_recover__who_only_waits(void **state)
{
    (void)state;
    struct toy_run *task = start("id: p\nnodes: [{id: a, type: toy.task}]\n");
    struct toy_run *wait = start("id: p\nnodes: [{id: w, type: wait, config: {seconds: 10}}, "
                                 "{id: v, type: wait, config: {seconds: 20}}]\n");
    struct toy_run *event = start("id: p\nnodes: [{id: w, type: wait, config: {event: go}}]\n");
    struct toy_run *child = start(CALLS);
    struct toy_run *paused = start("id: p\nnodes: [{id: a, type: toy.task}]\n");
    assert_int_equal(wake_at(task), 0);
    assert_int_equal(wake_at(wait), world.now + 10000);
    assert_true(wake_at(event) == INT64_MAX);
    assert_int_equal(wake_at(child), 0);
    toy_run_pause(paused);
    assert_int_equal(wake_at(paused), 0);
    toy_world_restart(&world);
    assert_true(wake_at(paused) == INT64_MAX); /* its task is ready and may not start */
    toy_run_done(task, "a", NULL);
    assert_true(wake_at(task) == INT64_MAX); /* for good */
    toy_run_resume(paused);
    assert_live(paused, "a", 2);
    toy_run_cancel(child);
}

static void test_recover__who_is_queued_does_not_only_wait(void **state)
{
    (void)state;
    struct toy_run *run =
        start("id: p\nintegrations: {toy: {max_concurrency: 1}}\nnodes: [{id: a, type: toy.task}, "
              "{id: w, type: wait, config: {seconds: 10}}]\n");
    struct toy_run *other = start(
        "id: q\nintegrations: {toy: {max_concurrency: 1}}\nnodes: [{id: b, type: toy.task}]\n");
    assert_state(other, "b", "queued");
    assert_int_equal(wake_at(other), 0);
    toy_run_done(run, "a", NULL);
    assert_int_equal(wake_at(run), world.now + 10000);
}

static void test_recover__unknown_and_delayed_only_wait(void **state)
{
    (void)state;
    struct toy_run *unknown =
        start("id: p\ntimeout: 60s\nnodes: [{id: a, type: toy.task, at_most_once: true}]\n");
    struct toy_run *delayed = start("id: p\nnodes: [{id: a, type: toy.task, "
                                    "repeat: {until: 'false', delay: 7s}}]\n");
    toy_run_done(delayed, "a", NULL);
    toy_world_restart(&world);
    assert_int_equal(wake_at(unknown), world.now + 60000);
    assert_int_equal(wake_at(delayed), world.now + 7000);
}

#define WORLD(name) WITH_WORLD(test_recover__##name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD(a_started_task_runs_again_with_its_key_and_now),
        WORLD(a_report_of_the_attempt_before_is_not_heard),
        WORLD(what_has_ended_never_runs_again),
        WORLD(a_death_while_recovering_costs_one_attempt_more),
        WORLD(when_is_not_asked_again),
        WORLD(who_waits_for_a_permit_asks_again),
        WORLD(the_time_of_a_task_begins_anew),
        WORLD(a_task_that_was_told_to_end_has_ended),
        WORLD(a_task_that_took_too_long_has_failed_for_that),
        WORLD(a_failing_run_starts_nothing),
        WORLD(a_wait_ends_when_it_was_to_end),
        WORLD(what_was_due_meanwhile_comes_at_once),
        WORLD(an_event_that_came_before_is_kept),
        WORLD(the_time_out_of_an_event_is_where_it_was),
        WORLD(an_event_without_a_time_has_no_timer),
        WORLD(the_run_has_the_time_that_it_had),
        WORLD(the_next_round_comes_when_it_was_to_come),
        WORLD(a_later_round_has_its_own_key_again),
        WORLD(iterations_that_ended_stay_ended),
        WORLD(what_a_loop_reduced_is_not_reduced_again),
        WORLD(the_time_of_a_loop_goes_on),
        WORLD(the_body_of_a_group_goes_on),
        WORLD(a_loop_that_stops_ends_with_what_ran_in_it),
        WORLD(a_state_keeps_its_visit_and_its_time),
        WORLD(items_that_came_are_not_taken_twice),
        WORLD(a_child_run_goes_on_and_tells_its_caller),
        WORLD(a_cancel_reaches_a_child_run),
        WORLD(nobody_waits_for_a_detached_run),
        WORLD(a_run_that_waits_for_one_that_is_gone_is_refused),
        WORLD(compensations_go_on_where_they_were),
        WORLD(a_child_run_that_had_ended_can_be_undone),
        WORLD(what_may_run_once_waits_for_a_person),
        WORLD(a_zombie_does_not_decide_what_is_unknown),
        WORLD(resolved_again_it_has_the_same_key),
        WORLD(resolved_as_failed_it_fails),
        WORLD(resolved_with_an_output_it_has_completed),
        WORLD(only_what_is_unknown_is_resolved),
        WORLD(its_next_round_is_known),
        WORLD(nothing_runs_again_where_all_stops),
        WORLD(a_failure_does_not_wait_for_a_person),
        WORLD(a_cancel_does_not_wait_for_a_person),
        WORLD(an_unknown_producer_gets_no_credit),
        WORLD(an_unknown_state_is_resolved_with_its_port_taken),
        WORLD(who_only_waits),
        WORLD(who_is_queued_does_not_only_wait),
        WORLD(unknown_and_delayed_only_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
