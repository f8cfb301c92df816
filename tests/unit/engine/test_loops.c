/* SPDX-License-Identifier: Apache-2.0 */
/* Loops, repeats and tools with tasks at work: how many at once, what ends them, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/engine/run.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/toy_world.h"
#include "tests/unit/engine/world.h"

/* ---- how many at once ---- */

static void test_loops__workers_take_batches_of_items(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes: [{id: e, type: toy.task, for_each: 'input.l', batch_size: 2, "
                      "parallel_workers: 2, max_parallel: 1, config: {v: '{{ item }}'}}]\n",
                      "{\"l\": [0, 1, 2, 3, 4]}");
    assert_true(toy_run_is_live(run, "e[0]") && toy_run_is_live(run, "e[2]"));
    assert_int_equal(world.live, 2);
    toy_run_done(run, "e[2]", "2");
    assert_true(toy_run_is_live(run, "e[3]"));
    toy_run_done(run, "e[3]", "3");
    assert_true(toy_run_is_live(run, "e[4]"));
    assert_false(toy_run_is_live(run, "e[1]")); /* its worker is at item 0 */
    toy_run_done(run, "e[4]", "4");
    assert_int_equal(world.live, 1);
    toy_run_done(run, "e[0]", "0");
    toy_run_done(run, "e[1]", "1");
    assert_ended(run, "completed");
    assert_json(run->output, "{\"e\":[0,1,2,3,4]}");
    assert_int_equal(world.most_live, 2);
}

static void test_loops__max_parallel_is_within_a_batch(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes: [{id: e, type: toy.task, for_each: 'input.l', batch_size: 3, "
                      "parallel_workers: 2, max_parallel: 2, config: {v: '{{ item }}'}}]\n",
                      "{\"l\": [0, 1, 2, 3, 4, 5, 6]}");
    assert_int_equal(world.live, 4);
    toy_run_done(run, "e[0]", "0");
    assert_true(toy_run_is_live(run, "e[2]"));
    toy_run_done(run, "e[1]", "1");
    assert_int_equal(world.live, 3); /* the batch of item 6 waits for a worker */
    toy_run_done(run, "e[2]", "2");
    assert_true(toy_run_is_live(run, "e[6]"));
    toy_run_cancel(run);
    toy_run_failed(run, "e[3]", "GONE");
    toy_run_failed(run, "e[4]", "GONE");
    toy_run_failed(run, "e[6]", "GONE");
    assert_ended(run, "cancelled");
}

static void test_loops__the_run_bounds_what_its_loops_start(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\n"
        "scaling: {max_parallel_nodes: 3}\n"
        "nodes: [{id: e, type: toy.task, for_each: 'input.l', batch_size: 10, max_parallel: 10}]\n",
        "{\"l\": [0, 1, 2, 3, 4]}");
    assert_int_equal(world.live, 3);
    assert_state(run, "e[3]", "queued");
    toy_run_failed(run, "e[1]", "BROKEN"); /* those that wait never start */
    assert_int_equal(world.live, 2);
    toy_run_done(run, "e[0]", "1");
    toy_run_done(run, "e[2]", "1");
    assert_ended(run, "failed");
    assert_int_equal(toy_run_node(run, "e[3]")->starts, 0);
}

/* ---- the end before the last item ---- */

static void test_loops__items_in_flight_finish_after_until(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes:\n"
                      "  - id: e\n    for_each: input.l\n    until: a.output == 'enough'\n"
                      "    batch_size: 2\n    parallel_workers: 3\n    nodes:\n"
                      "      - {id: a, type: toy.task}\n"
                      "      - {id: b, type: toy.task, depends_on: [a]}\n"
                      "    output: '{{ iter.index }}'\n",
                      "{\"l\": [0, 1, 2, 3, 4, 5]}");
    toy_run_done(run, "e[2].a", "\"enough\"");
    assert_true(toy_run_is_live(run, "e[0].a")); /* the item has not finished */
    toy_run_done(run, "e[2].b", "1");
    toy_run_done(run, "e[0].a", "1");
    assert_true(toy_run_is_live(run, "e[0].b"));
    toy_run_done(run, "e[0].b", "1");
    assert_int_equal(toy_run_node(run, "e[1].a")->starts, 0);
    toy_run_done(run, "e[4].a", "1");
    toy_run_done(run, "e[4].b", "1");
    assert_ended(run, "completed");
    assert_json(run->output, "{\"e\":[0,2,4]}");
    assert_holds(toy_run_view(run, "e").detail,
                 "\"counts\":{\"total\":3,\"completed\":3,\"failed\":0}");
}

static void test_loops__what_finished_after_until_is_reduced(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes:\n"
                      "  - id: e\n    for_each: input.l\n    until: a.output == 2\n"
                      "    batch_size: 2\n    parallel_workers: 2\n"
                      "    collect: {reduce: 'acc + [item]', init: []}\n"
                      "    nodes: [{id: a, type: toy.task}]\n"
                      "    output: '{{ a.output }}'\n",
                      "{\"l\": [0, 1, 2, 3]}");
    toy_run_done(run, "e[2].a", "2");
    toy_run_done(run, "e[0].a", "0");
    assert_ended(run, "completed");
    assert_json(run->output, "{\"e\":[0,2]}");
}

static void test_loops__a_failed_item_lets_the_others_end(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes: [{id: e, type: toy.task, for_each: 'input.l', max_failures: 1}]\n"
                      "scaling: {batch_size: 1}\n",
                      "{\"l\": [\"x\", \"y\", \"z\"]}");
    toy_run_failed(run, "e[1]", "FIRST");
    assert_state(run, "e", "running");
    toy_run_failed(run, "e[0]", "SECOND");
    assert_state(run, "e", "stopping");
    assert_true(toy_run_is_live(run, "e[2]"));
    assert_int_equal(toy_run_node(run, "e[2]")->stopped, 0);
    toy_run_done(run, "e[2]", "1");
    assert_ended(run, "failed");
    assert_holds(run->error, "\"code\":\"FIRST\",\"message\":\"2 items failed; item 1: the toy");
    assert_holds(toy_run_view(run, "e").detail, "\"index\":0,\"item\":\"x\"");
}

static void test_loops__so_many_errors_are_kept_and_all_are_counted(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes: [{id: e, type: set, for_each: 'range(1500)', max_failures: 100%, "
                      "config: {v: '{{ 1 / (item - item) }}'}}]\n"
                      "output: {n: '{{ size(e.errors) }}', last: '{{ e.errors[999].index }}', "
                      "c: '{{ e.counts }}', o: '{{ size(e.output) }}'}\n",
                      NULL);
    assert_json(run->output, "{\"n\":1000,\"last\":999,"
                             "\"c\":{\"total\":1500,\"completed\":0,\"failed\":1500},"
                             "\"o\":1500}");
}

/* ---- portions ---- */

/* A run of `yaml` that has only begun when engine_start() returns. */
static struct run *start_much(struct engine *engine, struct pipeline *pipeline,
                              struct document *input, struct batch *batch)
{
    struct run_options options = {
        .pipeline = pipeline, .input = input, .id = STR("run1"), .triggered_by = STR("manual")};
    struct error err = {0};
    struct run *run = NULL;
    assert_int_equal(engine_start(engine, &options, 1000, batch, &run, &err), 0);
    assert_true(run_has_work(run));
    assert_int_equal(batch->effects[batch->effect_count - 1].type, EFFECT_CONTINUE);
    return run;
}

static void test_loops__a_cancel_between_portions_ends_them(void **state)
{
    static const char *const bodies[] = {
        "nodes: [{id: e, type: set, for_each: 'range(5000)', config: {v: 1}}]",
        "nodes: [{id: e, for_each: 'range(100)', nodes: [{id: f, type: set, "
        "for_each: 'range(100)', collect: {reduce: 'acc + 1', init: 0}, config: {v: 1}}]}]",
        "nodes: [{id: e, type: set, config: {v: 1}, repeat: {until: 'false', "
        "max_iterations: 5000}}]",
        "initial_state: a\nmax_transitions: 5000\nstates: {a: {type: set, config: {n: 1}, "
        "transitions: {success: a}}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        char yaml[400];
        struct batch batch = BATCH_INIT;
        struct error err = {0};
        (void)snprintf(yaml, sizeof(yaml), "id: p\n%s\n", bodies[i]);
        struct pipeline *pipeline = pipeline_fixture_load(yaml);
        struct document *input = pipeline_fixture_json("{}");
        struct run *run = start_much(world.engine, pipeline, input, &batch);
        batch_clear(&batch);
        struct run_event cancel = {.type = RUN_EVENT_CANCEL, .reason = STOP_REQUESTED};
        assert_int_equal(engine_handle(world.engine, run, &cancel, 1001, &batch, &err), 0);
        assert_string_equal(run_state_name(run_state(run)), "cancelled");
        batch_clear(&batch);
        assert_int_equal(engine_continue(world.engine, run, 1002, &batch, &err), 0);
        assert_int_equal(batch.record_count, 0); /* the portion that was asked for is empty */
        engine_remove(world.engine, run);
        batch_finish(&batch);
        document_unref(input);
        pipeline_unref(pipeline);
    }
}

static void test_loops__much_is_done_in_portions(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\nnodes: [{id: e, type: set, for_each: 'range(5000)', collect: count, "
                      "config: {v: 1}}]\n",
                      NULL);
    assert_json(run->output, "{\"e\":5000}");
    assert_in_range(world.batches, 20, 100);
    assert_in_range(world.largest_batch, 1, 1100);
}

/* ---- time-outs ---- */

static void test_loops__a_time_out_stops_what_is_inside(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\n"
        "nodes:\n"
        "  - id: e\n    for_each: input.l\n    timeout: 5s\n    batch_size: 1\n    nodes:\n"
        "      - {id: a, type: toy.task}\n"
        "      - {id: w, type: wait, config: {seconds: 100}}\n"
        "      - {id: inner, type: toy.task, for_each: item, as: x}\n",
        "{\"l\": [[1], [2]]}");
    toy_world_pass(&world, 4999);
    assert_int_equal(toy_run_node(run, "e[0].a")->stopped, 0);
    toy_world_pass(&world, 1);
    assert_int_equal(toy_run_node(run, "e[0].a")->stopped, STOP_REQUESTED);
    assert_int_equal(toy_run_node(run, "e[1].inner[0]")->stopped, STOP_REQUESTED);
    assert_state(run, "e[0].w", "cancelled");
    toy_run_failed(run, "e[0].a", "GONE");
    toy_run_done(run, "e[1].a", "1");
    toy_run_failed(run, "e[0].inner[0]", "GONE");
    toy_run_failed(run, "e[1].inner[0]", "GONE");
    assert_ended(run, "failed");
    assert_holds(run->error, "\"code\":\"TIMEOUT\"");
    assert_holds(run->error, "did not end within its time-out of 5 s");
    assert_int_equal(toy_run_timer_count(run), 0);
}

static void test_loops__a_time_out_holds_while_the_loop_waits_to_fail(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes: [{id: e, for_each: 'input.l', batch_size: 1, timeout: 5s, nodes: "
                      "[{id: a, type: toy.task}]}]\n",
                      "{\"l\": [1, 2]}");
    toy_run_failed(run, "e[0].a", "BROKEN");
    assert_state(run, "e", "stopping");
    toy_world_pass(&world, 5000);
    assert_int_equal(toy_run_node(run, "e[1].a")->stopped, STOP_REQUESTED);
    toy_run_failed(run, "e[1].a", "GONE");
    assert_ended(run, "failed");
    assert_holds(run->error, "\"code\":\"BROKEN\"");
}

static void test_loops__a_time_out_holds_while_the_run_waits_to_fail(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "nodes:\n"
                                        "  - {id: e, for_each: 'input.l', timeout: 5s, nodes: "
                                        "[{id: a, type: toy.task}]}\n"
                                        "  - {id: b, type: toy.task}\n",
                                        "{\"l\": [1]}");
    toy_run_failed(run, "b", "BROKEN");
    assert_true(toy_run_is_live(run, "e[0].a"));
    assert_int_equal(toy_run_node(run, "e[0].a")->stopped, 0);
    toy_world_pass(&world, 5000);
    assert_int_equal(toy_run_node(run, "e[0].a")->stopped, STOP_REQUESTED);
    toy_run_failed(run, "e[0].a", "GONE");
    assert_ended(run, "failed");
    assert_holds(run->error, "\"code\":\"BROKEN\"");
    assert_state(run, "e", "failed");
}

static void test_loops__the_time_out_of_one_node_is_of_each_item(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\n"
        "nodes: [{id: e, type: toy.task, for_each: 'input.l', batch_size: 9, timeout: 5s, "
        "max_failures: 1}]\n",
        "{\"l\": [1, 2]}");
    toy_world_pass(&world, 3000);
    toy_run_done(run, "e[0]", "1");
    toy_world_pass(&world, 4000);
    assert_int_equal(toy_run_node(run, "e[1]")->stopped, 0); /* it began 3 s later */
    toy_world_pass(&world, 1000);
    assert_int_equal(toy_run_node(run, "e[1]")->stopped, STOP_TIMEOUT);
    toy_run_failed(run, "e[1]", "GONE");
    assert_ended(run, "completed");
    assert_json(run->output, "{\"e\":[1,null]}");
}

static void test_loops__the_runs_time_out_reaches_inner_frames(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "timeout: 5s\n"
                      "nodes:\n"
                      "  - id: e\n    for_each: input.l\n    batch_size: 1\n    nodes:\n"
                      "      - {id: inner, type: toy.task, for_each: item, as: x, batch_size: 1}\n"
                      "      - {id: after, type: toy.task, depends_on: [inner]}\n"
                      "      - {id: r, type: toy.task, repeat: {until: 'false', delay: 100s}}\n",
                      "{\"l\": [[1, 2], [2]]}");
    toy_run_done(run, "e[1].inner[0]", "1");
    toy_run_done(run, "e[0].r", "1");
    toy_world_pass(&world, 5000);
    assert_int_equal(toy_run_node(run, "e[0].inner[1]")->stopped, STOP_REQUESTED);
    assert_int_equal(toy_run_node(run, "e[1].after")->stopped, STOP_REQUESTED);
    assert_state(run, "e[0].r@2", "cancelled");
    toy_run_failed(run, "e[0].inner[0]", "GONE");
    toy_run_done(run, "e[0].inner[1]", "1");
    toy_run_failed(run, "e[1].after", "GONE");
    toy_run_done(run, "e[1].r", "1"); /* is told, and not repeated */
    assert_ended(run, "failed");
    assert_holds(run->error, "\"code\":\"TIMEOUT\"");
    assert_int_equal(toy_run_node(run, "e[0].after")->starts, 0);
}

/* ---- cancel ---- */

static void test_loops__cancel_reaches_inner_frames(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes:\n"
                      "  - id: e\n    for_each: input.l\n    batch_size: 1\n    nodes:\n"
                      "      - {id: inner, type: toy.task, for_each: item, as: x}\n"
                      "      - {id: w, type: wait, config: {seconds: 9}}\n"
                      "  - {id: after, type: toy.task, depends_on: [e]}\n",
                      "{\"l\": [[1, 2], [2]]}");
    toy_run_cancel(run);
    assert_int_equal(toy_run_node(run, "e[0].inner[0]")->stopped, STOP_REQUESTED);
    assert_int_equal(toy_run_node(run, "e[1].inner[0]")->stopped, STOP_REQUESTED);
    assert_int_equal(toy_run_timer_count(run), 0);
    toy_run_done(run, "e[0].inner[0]", "1");
    assert_int_equal(toy_run_node(run, "e[0].inner[1]")->starts, 0);
    toy_run_failed(run, "e[1].inner[0]", "GONE");
    assert_ended(run, "cancelled");
    assert_state(run, "e", "cancelled");
    assert_state(run, "after", "not_run");
}

static void test_loops__cancel_while_failing_stops_tasks(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\nnodes: [{id: e, for_each: 'input.l', batch_size: 1, nodes: "
                      "[{id: a, type: toy.task}]}]\n",
                      "{\"l\": [1, 2]}");
    toy_run_failed(run, "e[0].a", "BROKEN");
    toy_run_cancel(run);
    assert_int_equal(toy_run_node(run, "e[1].a")->stopped, STOP_REQUESTED);
    toy_run_failed(run, "e[1].a", "GONE");
    assert_true(run_is_ended(run->run));
}

/* ---- repeat ---- */

static void test_loops__repeat_takes_no_event_between_rounds(void **state)
{
    (void)state;
    const struct run_event tick = {.type = RUN_EVENT_SIGNAL, .port = STR("tick")};
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "nodes:\n"
                                        "  - id: a\n"
                                        "    type: wait\n"
                                        "    config: {event: tick}\n"
                                        "    repeat: {until: 'false', delay: 10s}\n",
                                        NULL);
    toy_run_event(run, &tick);
    toy_run_event(run, &tick); /* kept: nobody waits for it yet */
    assert_int_equal(toy_run_view(run, "a").attempt, 1);
    toy_world_pass(&world, 10000);
    assert_int_equal(toy_run_view(run, "a").attempt, 2);
    assert_state(run, "a", "running");
    toy_world_pass(&world, 10000);
    assert_int_equal(toy_run_view(run, "a").attempt, 3);
    toy_run_cancel(run);
}

static void test_loops__repeat_waits_between_rounds(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\n"
        "nodes: [{id: a, type: toy.task, when: 'now < timestamp(\"2023-11-14T22:13:21Z\")', "
        "config: {n: '{{ default(a.?output, 0) }}'}, repeat: {until: 'a.output == 3', "
        "delay: 10s}}]\n",
        NULL);
    assert_holds(toy_run_node(run, "a")->config, "{\"n\":0}");
    toy_world_pass(&world, 3000);
    toy_run_done(run, "a", "1");
    toy_world_pass(&world, 9999);
    assert_false(toy_run_is_live(run, "a"));
    assert_state(run, "a", "running");
    toy_world_pass(&world, 1);
    assert_true(toy_run_is_live(run, "a")); /* its `when` is asked before the first round only */
    assert_holds(toy_run_node(run, "a")->config, "{\"n\":1}");
    toy_run_done(run, "a", "3");
    assert_ended(run, "completed");
    assert_json(run->output, "{\"a\":3}");
    assert_int_equal(toy_run_node(run, "a")->starts, 2);
}

static void test_loops__each_round_has_the_whole_time_out(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "nodes: [{id: a, type: toy.task, timeout: 5s, "
                                        "repeat: {until: 'a.output == 3', delay: 10s}}]\n",
                                        NULL);
    toy_world_pass(&world, 4000);
    toy_run_done(run, "a", "1");
    toy_world_pass(&world, 10000);
    toy_world_pass(&world, 4999);
    assert_int_equal(toy_run_node(run, "a")->stopped, 0);
    toy_world_pass(&world, 1);
    assert_int_equal(toy_run_node(run, "a")->stopped, STOP_TIMEOUT);
    toy_run_failed(run, "a", "GONE");
    assert_ended(run, "failed");
}

static void test_loops__a_round_that_ends_well_after_its_time_out_counts(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\n"
        "nodes: [{id: a, type: toy.task, timeout: 5s, repeat: {until: 'a.output == 2'}}]\n",
        NULL);
    toy_world_pass(&world, 5000);
    assert_state(run, "a", "stopping");
    toy_run_done(run, "a", "1"); /* a success while it stops for a time-out is a success */
    assert_true(toy_run_is_live(run, "a"));
    toy_world_pass(&world, 5000);
    toy_run_done(run, "a", "2");
    assert_ended(run, "completed");
}

static void test_loops__cancel_ends_a_delay(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes: [{id: a, type: toy.task, repeat: {until: 'false', delay: 10s}}]\n",
                      NULL);
    toy_run_done(run, "a", "1");
    toy_run_cancel(run);
    assert_ended(run, "cancelled");
    assert_int_equal(toy_run_timer_count(run), 0);
}

static void test_loops__cancel_ends_the_rounds(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world, "id: p\nnodes: [{id: a, type: toy.task, repeat: {until: 'false'}}]\n", NULL);
    toy_run_done(run, "a", "1");
    toy_run_cancel(run);
    toy_run_done(run, "a", "2"); /* recorded, and not repeated */
    assert_ended(run, "cancelled");
    assert_state(run, "a", "completed");
    assert_int_equal(toy_run_node(run, "a")->starts, 2);
}

/* ---- tools ---- */

static const char monitor[] = "id: p\n"
                              "tools: [toy/task, {id: b, name: other/task}]\n"
                              "duration: 5m\n"
                              "interval: 2m\n";

static void end_tools(struct toy_run *run, const char *round)
{
    static const char *const names[] = {"toy/task", "b"};
    for (size_t i = 0; i < 2; i++) {
        char path[40];
        (void)snprintf(path, sizeof(path), "tools%s.%s", round, names[i]);
        toy_run_done(run, path, i == 0 ? "1" : "2");
    }
}

static void test_loops__tools_repeat_until_the_duration_has_passed(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, monitor, NULL);
    toy_world_pass(&world, 30000);
    end_tools(run, "");
    assert_int_equal(world.live, 0);
    toy_world_pass(&world, 89999);
    assert_int_equal(world.live, 0);
    toy_world_pass(&world, 1); /* two minutes after the first start */
    assert_int_equal(world.live, 2);
    end_tools(run, "@2");
    toy_world_pass(&world, 120000);
    assert_int_equal(world.live, 2);
    assert_status(run, "running");
    end_tools(run, "@3"); /* minute 4: the next would start in minute 6 */
    assert_ended(run, "completed");
    assert_json(run->output, "{\"toy/task\":1,\"b\":2}");
}

static void test_loops__tools_that_take_longer_start_again_at_once(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, monitor, NULL);
    toy_world_pass(&world, 180000);
    end_tools(run, "");
    assert_int_equal(world.live, 2);
    toy_world_pass(&world, 180000);
    end_tools(run, "@2");
    assert_ended(run, "completed");
}

static void test_loops__a_tool_that_fails_ends_it(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, monitor, NULL);
    toy_run_failed(run, "tools.b", "BROKEN");
    assert_true(toy_run_is_live(run, "tools.toy/task"));
    toy_run_done(run, "tools.toy/task", "1");
    assert_ended(run, "failed");
    assert_holds(run->error, "\"code\":\"BROKEN\"");
}

static void test_loops__cancel_ends_tools(void **state)
{
    (void)state;
    struct toy_run *waiting = toy_world_run(&world, monitor, NULL);
    end_tools(waiting, "");
    toy_run_cancel(waiting);
    assert_ended(waiting, "cancelled");
    struct toy_run *working = toy_world_run(&world, monitor, NULL);
    toy_run_cancel(working);
    assert_int_equal(toy_run_node(working, "tools.b")->stopped, STOP_REQUESTED);
    toy_run_failed(working, "tools.b", "GONE");
    toy_run_failed(working, "tools.toy/task", "GONE");
    assert_ended(working, "cancelled");
}

static void test_loops__a_timeout_cancels_what_is_inside(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "workflows:\n"
        "  main:\n"
        "    nodes:\n"
        "      - {id: e, timeout: 1s, on_error: continue, for_each: [1], "
        "nodes: [{id: a, type: toy.task}]}\n"
        "      - {id: c, timeout: 1s, on_error: continue, type: workflow, config: {workflow: w}}\n"
        "  w: {nodes: [{id: b, type: toy.task}]}\n",
        NULL);
    struct toy_run *child = toy_world_find(&world, "run1/c");
    toy_world_pass(&world, 1000);
    assert_int_equal(toy_run_node(run, "e[0].a")->stopped, STOP_REQUESTED);
    assert_int_equal(toy_run_node(child, "b")->stopped, STOP_REQUESTED);
    toy_run_failed(run, "e[0].a", "GONE");
    toy_run_failed(child, "b", "GONE");
    assert_state(child, "b", "cancelled");
    assert_holds(toy_run_view(run, "e").error, "\"TIMEOUT\"");
    assert_holds(toy_run_view(run, "c").error, "\"TIMEOUT\"");
    assert_ended(run, "completed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WIDE_WORLD(test_loops__a_timeout_cancels_what_is_inside),
        WITH_WIDE_WORLD(test_loops__workers_take_batches_of_items),
        WITH_WIDE_WORLD(test_loops__max_parallel_is_within_a_batch),
        WITH_WIDE_WORLD(test_loops__the_run_bounds_what_its_loops_start),
        WITH_WIDE_WORLD(test_loops__items_in_flight_finish_after_until),
        WITH_WIDE_WORLD(test_loops__what_finished_after_until_is_reduced),
        WITH_WIDE_WORLD(test_loops__a_failed_item_lets_the_others_end),
        WITH_WIDE_WORLD(test_loops__so_many_errors_are_kept_and_all_are_counted),
        WITH_WIDE_WORLD(test_loops__a_cancel_between_portions_ends_them),
        WITH_WIDE_WORLD(test_loops__much_is_done_in_portions),
        WITH_WIDE_WORLD(test_loops__a_time_out_stops_what_is_inside),
        WITH_WIDE_WORLD(test_loops__a_time_out_holds_while_the_loop_waits_to_fail),
        WITH_WIDE_WORLD(test_loops__a_time_out_holds_while_the_run_waits_to_fail),
        WITH_WIDE_WORLD(test_loops__the_time_out_of_one_node_is_of_each_item),
        WITH_WIDE_WORLD(test_loops__the_runs_time_out_reaches_inner_frames),
        WITH_WIDE_WORLD(test_loops__cancel_reaches_inner_frames),
        WITH_WIDE_WORLD(test_loops__cancel_while_failing_stops_tasks),
        WITH_WIDE_WORLD(test_loops__repeat_takes_no_event_between_rounds),
        WITH_WIDE_WORLD(test_loops__repeat_waits_between_rounds),
        WITH_WIDE_WORLD(test_loops__each_round_has_the_whole_time_out),
        WITH_WIDE_WORLD(test_loops__a_round_that_ends_well_after_its_time_out_counts),
        WITH_WIDE_WORLD(test_loops__cancel_ends_a_delay),
        WITH_WIDE_WORLD(test_loops__cancel_ends_the_rounds),
        WITH_WIDE_WORLD(test_loops__tools_repeat_until_the_duration_has_passed),
        WITH_WIDE_WORLD(test_loops__tools_that_take_longer_start_again_at_once),
        WITH_WIDE_WORLD(test_loops__a_tool_that_fails_ends_it),
        WITH_WIDE_WORLD(test_loops__cancel_ends_tools),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
