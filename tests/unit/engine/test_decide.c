/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "core/base/str.h"
#include "core/engine/failure.h"
#include "core/engine/run.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/support/toy_world.h"
#include "tests/unit/engine/world.h"

/* ---- failures of nodes ---- */

static void test_decide__a_failure_lets_what_runs_end_and_starts_nothing(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "integrations: {toy: {max_concurrency: 2}}\n"
                                        "nodes:\n"
                                        "  - {id: a, type: toy.task}\n"
                                        "  - {id: b, type: toy.task}\n"
                                        "  - {id: queued, type: toy.task}\n"
                                        "  - {id: after_a, type: toy.task, depends_on: [a]}\n"
                                        "  - {id: after_b, type: toy.task, depends_on: [b]}\n",
                                        NULL);
    assert_state(run, "queued", "queued");
    toy_run_failed(run, "a", "BROKEN");
    assert_run_state(run, RUN_FAILING);
    assert_state(run, "queued", "not_run");
    assert_true(toy_run_is_live(run, "b"));
    assert_int_equal(toy_run_node(run, "b")->stopped, 0);
    toy_run_done(run, "b", "{}");
    assert_state(run, "b", "completed");
    assert_state(run, "after_a", "not_run");
    assert_state(run, "after_b", "not_run");
    assert_run_state(run, RUN_FAILED);
    assert_code(run->error, "BROKEN");
    assert_holds(run->error, "\"node\":\"a\"");
    assert_null(run->output);
}

static void test_decide__the_first_failure_is_the_runs(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "nodes:\n"
                                        "  - {id: a, type: toy.task}\n"
                                        "  - {id: b, type: toy.task}\n",
                                        NULL);
    toy_run_failed(run, "b", "FIRST");
    toy_run_failed(run, "a", "SECOND");
    assert_state(run, "a", "failed");
    assert_run_state(run, RUN_FAILED);
    assert_code(run->error, "FIRST");
    assert_code(toy_run_view(run, "a").error, "SECOND");
}

static void test_decide__an_error_edge_is_the_only_way_on(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes:\n"
                      "  - {id: a, type: toy.task}\n"
                      "  - {id: plain, type: start, depends_on: [a]}\n"
                      "  - {id: port, type: start}\n"
                      "  - {id: mend, type: set, config: {why: \"{{ a.error.code }}\"}}\n"
                      "edges:\n"
                      "  - {source: a, target: port, outcome: left}\n"
                      "  - {source: a, target: mend, outcome: error}\n",
                      NULL);
    toy_run_failed(run, "a", "BROKEN");
    assert_state(run, "a", "failed");
    assert_state(run, "plain", "not_run");
    assert_state(run, "port", "not_run");
    assert_run_state(run, RUN_COMPLETED);
    assert_holds(toy_run_view(run, "mend").output, "{\"why\":\"BROKEN\"}");
}

static void test_decide__an_error_edge_is_dead_when_all_is_well(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "nodes:\n"
                                        "  - {id: a, type: toy.task}\n"
                                        "  - {id: plain, type: start, depends_on: [a]}\n"
                                        "  - {id: mend, type: start}\n"
                                        "  - {id: meet, type: start, depends_on: [plain, mend]}\n"
                                        "edges:\n"
                                        "  - {source: a, target: mend, outcome: error}\n",
                                        NULL);
    toy_run_done(run, "a", "{}");
    assert_state(run, "mend", "not_run");
    assert_state(run, "meet", "completed");
    assert_run_state(run, RUN_COMPLETED);
}

/* Two error edges with conditions that see the error; the second of the cases fits neither. */
static struct toy_run *fail_with_conditions(const char *on_error, const char *code)
{
    char yaml[700];
    (void)snprintf(
        yaml, sizeof(yaml),
        "id: p\n"
        "nodes:\n"
        "  - {id: a, type: toy.task%s}\n"
        "  - {id: busy, type: start}\n"
        "  - {id: gone, type: start}\n"
        "  - {id: plain, type: start, depends_on: [a]}\n"
        "edges:\n"
        "  - {source: a, target: busy, outcome: error, when: \"a.error.code == 'BUSY'\"}\n"
        "  - {source: a, target: gone, outcome: error, when: \"a.error.code == 'GONE'\"}\n",
        on_error);
    struct toy_run *run = toy_world_run(&world, yaml, NULL);
    toy_run_failed(run, "a", code);
    return run;
}

static void test_decide__error_edges_choose_by_their_conditions(void **state)
{
    (void)state;
    struct toy_run *gone = fail_with_conditions("", "GONE");
    assert_state(gone, "busy", "not_run");
    assert_state(gone, "gone", "completed");
    assert_state(gone, "plain", "not_run");
    assert_run_state(gone, RUN_COMPLETED);
    struct toy_run *neither = fail_with_conditions("", "OTHER");
    assert_state(neither, "busy", "not_run");
    assert_state(neither, "gone", "not_run");
    assert_run_state(neither, RUN_FAILED);
    assert_code(neither->error, "OTHER");
    struct toy_run *goes_on = fail_with_conditions(", on_error: continue", "OTHER");
    assert_state(goes_on, "gone", "not_run");
    assert_state(goes_on, "plain", "completed");
    assert_run_state(goes_on, RUN_COMPLETED);
}

static void test_decide__on_error_goto_is_an_error_edge(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "nodes:\n"
                                        "  - {id: a, type: toy.task, on_error: {goto: mend}}\n"
                                        "  - {id: next, type: start, depends_on: [a]}\n"
                                        "  - {id: mend, type: start}\n",
                                        NULL);
    toy_run_failed(run, "a", "BROKEN");
    assert_state(run, "next", "not_run");
    assert_state(run, "mend", "completed");
    assert_run_state(run, RUN_COMPLETED);
}

static void test_decide__on_error_continue_takes_the_plain_edges(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\n"
        "nodes:\n"
        "  - {id: a, type: toy.task, on_error: continue}\n"
        "  - {id: next, type: set, depends_on: [a], config: {had: \"{{ a.error.message }}\"}}\n"
        "  - {id: port, type: start}\n"
        "edges:\n"
        "  - {source: a, target: port, outcome: left}\n",
        NULL);
    toy_run_failed(run, "a", "BROKEN");
    assert_state(run, "a", "failed");
    assert_state(run, "port", "not_run");
    assert_holds(toy_run_view(run, "next").output, "{\"had\":\"the toy broke\"}");
    assert_run_state(run, RUN_COMPLETED);
}

static void test_decide__error_policy_continue_is_every_nodes_default(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "error_policy: continue\n"
                                        "nodes:\n"
                                        "  - {id: a, type: toy.task}\n"
                                        "  - {id: b, type: toy.task, depends_on: [a]}\n"
                                        "  - {id: c, type: toy.task, on_error: fail}\n",
                                        NULL);
    toy_run_failed(run, "a", "BROKEN");
    toy_run_failed(run, "b", "BROKEN");
    assert_run_state(run, RUN_RUNNING);
    toy_run_failed(run, "c", "STRICT");
    assert_run_state(run, RUN_FAILED);
    assert_code(run->error, "STRICT");
}

static void test_decide__a_condition_that_fails_is_the_nodes_failure(void **state)
{
    (void)state;
    static const char *const whens[] = {"input.missing", "input.n", "input.n / 0 == 1"};
    for (size_t i = 0; i < 3; i++) {
        char yaml[300];
        (void)snprintf(yaml, sizeof(yaml),
                       "id: p\nnodes:\n  - {id: a, type: toy.task, when: \"%s\"}\n"
                       "  - {id: b, type: toy.task, when: \"%s\", on_error: continue}\n",
                       whens[i], whens[i]);
        struct toy_run *run = toy_world_run(&world, yaml, "{\"n\": 1}");
        assert_state(run, "a", "failed");
        assert_int_equal(toy_run_node(run, "a")->starts, 0);
        assert_run_state(run, RUN_FAILED);
        assert_code(run->error, FAILURE_EXPRESSION);
        assert_holds(run->error, "when: ");
    }
}

static void test_decide__a_config_that_fails_gives_its_permits_back(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\n"
        "integrations: {toy: {max_concurrency: 1}}\n"
        "nodes:\n"
        "  - {id: a, type: toy.task, on_error: continue, config: {x: \"{{ input.missing }}\"}}\n"
        "  - {id: b, type: toy.task, config: {x: \"{{ input.n + 1 }}\"}}\n",
        "{\"n\": 1}");
    assert_state(run, "a", "failed");
    assert_code(toy_run_view(run, "a").error, FAILURE_EXPRESSION);
    assert_holds(toy_run_view(run, "a").error, "missing");
    assert_int_equal(toy_run_view(run, "a").attempt, 1);
    assert_true(toy_run_view(run, "a").started_at_unix_ms > 0);
    assert_true(toy_run_is_live(run, "b"));
    assert_holds(toy_run_node(run, "b")->config, "{\"x\":2}");
    toy_run_done(run, "b", "{}");
    assert_run_state(run, RUN_COMPLETED);
}

static void test_decide__a_config_that_fails_can_fail_the_run(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "integrations: {toy: {max_concurrency: 1}}\n"
                      "nodes:\n"
                      "  - {id: a, type: toy.task, config: {x: \"{{ input.missing }}\"}}\n"
                      "  - {id: b, type: toy.task}\n",
                      NULL);
    assert_state(run, "a", "failed");
    assert_state(run, "b", "not_run");
    assert_run_state(run, RUN_FAILED);
}

/* ---- time-outs ---- */

static const char *const timed = "id: p\n"
                                 "nodes:\n"
                                 "  - {id: a, type: toy.task, timeout: 5s}\n"
                                 "  - {id: b, type: start, depends_on: [a]}\n";

static void test_decide__a_time_out_stops_the_task_and_fails_the_node(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, timed, NULL);
    toy_world_pass(&world, 4999);
    assert_state(run, "a", "running");
    toy_world_pass(&world, 1);
    assert_state(run, "a", "stopping");
    assert_int_equal(toy_run_node(run, "a")->stopped, STOP_TIMEOUT);
    toy_run_failed(run, "a", "CANCELLED");
    assert_state(run, "a", "failed");
    assert_code(toy_run_view(run, "a").error, FAILURE_TIMEOUT);
    assert_holds(run->error, "time-out of 5 s");
    assert_run_state(run, RUN_FAILED);
    assert_int_equal(toy_run_timer_count(run), 0);
}

static void test_decide__a_success_that_comes_late_is_a_success(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, timed, NULL);
    toy_world_pass(&world, 6000);
    assert_state(run, "a", "stopping");
    toy_run_done(run, "a", "{\"n\": 1}");
    assert_state(run, "a", "completed");
    assert_state(run, "b", "completed");
    assert_run_state(run, RUN_COMPLETED);
}

static void test_decide__a_task_that_ends_in_time_leaves_no_timer(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, timed, NULL);
    assert_int_equal(toy_run_timer_count(run), 1);
    toy_run_done(run, "a", "{}");
    assert_int_equal(toy_run_timer_count(run), 0);
    assert_run_state(run, RUN_COMPLETED);
}

static void test_decide__time_in_the_queue_does_not_count(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "integrations: {toy: {max_concurrency: 1}}\n"
                                        "nodes:\n"
                                        "  - {id: a, type: toy.task}\n"
                                        "  - {id: b, type: toy.task, timeout: 5s}\n",
                                        NULL);
    toy_world_pass(&world, 60000);
    assert_state(run, "b", "queued");
    toy_run_done(run, "a", "{}");
    toy_world_pass(&world, 4000);
    assert_state(run, "b", "running");
    toy_world_pass(&world, 1000);
    assert_state(run, "b", "stopping");
    toy_run_failed(run, "b", "X");
    assert_run_state(run, RUN_FAILED);
}

static void test_decide__a_time_out_can_be_handled(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\n"
        "nodes:\n"
        "  - {id: a, type: toy.task, timeout: 1s}\n"
        "  - {id: mend, type: start}\n"
        "edges:\n"
        "  - {source: a, target: mend, outcome: error, when: \"a.error.code == 'TIMEOUT'\"}\n",
        NULL);
    toy_world_pass(&world, 1000);
    toy_run_failed(run, "a", "CANCELLED");
    assert_state(run, "mend", "completed");
    assert_run_state(run, RUN_COMPLETED);
}

static void test_decide__the_runs_time_out_stops_everything(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "timeout: 10s\n"
                                        "integrations: {toy: {max_concurrency: 1}}\n"
                                        "nodes:\n"
                                        "  - {id: a, type: toy.task}\n"
                                        "  - {id: b, type: toy.task}\n"
                                        "  - {id: w, type: wait, config: {seconds: 60}}\n",
                                        NULL);
    toy_world_pass(&world, 10000);
    assert_run_state(run, RUN_FAILING);
    assert_state(run, "b", "not_run");
    assert_state(run, "w", "cancelled");
    assert_state(run, "a", "stopping");
    toy_run_failed(run, "a", "CANCELLED");
    assert_state(run, "a", "cancelled");
    assert_run_state(run, RUN_FAILED);
    assert_code(run->error, FAILURE_TIMEOUT);
    assert_int_equal(toy_run_timer_count(run), 0);
}

static void test_decide__the_runs_time_out_ends_a_failing_run_too(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "timeout: 10s\n"
                                        "nodes:\n"
                                        "  - {id: a, type: toy.task}\n"
                                        "  - {id: b, type: toy.task}\n",
                                        NULL);
    toy_run_failed(run, "a", "BROKEN");
    assert_state(run, "b", "running");
    toy_world_pass(&world, 10000);
    assert_state(run, "b", "stopping");
    toy_run_failed(run, "b", "CANCELLED");
    assert_state(run, "b", "cancelled");
    assert_run_state(run, RUN_FAILED);
    assert_code(run->error, "BROKEN");
}

static void test_decide__a_run_in_time_leaves_no_timer(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world, "id: p\ntimeout: 10s\nnodes:\n  - {id: a, type: toy.task}\n", NULL);
    assert_int_equal(toy_run_timer_count(run), 1);
    toy_run_done(run, "a", "{}");
    assert_int_equal(toy_run_timer_count(run), 0);
    toy_run_event(run, &(struct run_event){.type = RUN_EVENT_TIMER,
                                           .node = RECORD_NO_NODE,
                                           .timer = TIMER_RUN_TIMEOUT});
    assert_run_state(run, RUN_COMPLETED);
}

/* ---- cancel ---- */

static void test_decide__cancel_tells_what_runs_and_starts_nothing(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "integrations: {toy: {max_concurrency: 2}}\n"
                                        "nodes:\n"
                                        "  - {id: a, type: toy.task}\n"
                                        "  - {id: b, type: toy.task}\n"
                                        "  - {id: queued, type: toy.task}\n"
                                        "  - {id: w, type: wait, config: {seconds: 60}}\n"
                                        "  - {id: after, type: toy.task, depends_on: [a]}\n",
                                        NULL);
    toy_run_cancel(run);
    assert_run_state(run, RUN_CANCELLING);
    assert_state(run, "queued", "not_run");
    assert_state(run, "w", "cancelled");
    assert_int_equal(toy_run_node(run, "a")->stopped, STOP_REQUESTED);
    toy_run_done(run, "a", "{\"late\": true}");
    assert_state(run, "a", "completed");
    assert_holds(toy_run_view(run, "a").output, "late");
    assert_run_state(run, RUN_CANCELLING);
    toy_run_failed(run, "b", "CANCELLED");
    assert_state(run, "b", "cancelled");
    assert_state(run, "after", "not_run");
    assert_run_state(run, RUN_CANCELLED);
    assert_code(run->error, FAILURE_CANCELLED);
}

static void test_decide__cancel_with_nothing_running_ends_at_once(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world, "id: p\nnodes:\n  - {id: w, type: wait, config: {seconds: 60}}\n", NULL);
    toy_run_cancel(run);
    assert_run_state(run, RUN_CANCELLED);
    assert_int_equal(toy_run_timer_count(run), 0);
    toy_run_cancel(run);
    assert_int_equal((int)run->watch.ends, 1);
}

static void test_decide__a_second_cancel_changes_nothing(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world, "id: p\nnodes:\n  - {id: a, type: toy.task}\n", NULL);
    toy_run_cancel(run);
    size_t records = world.record_count;
    toy_run_cancel(run);
    assert_int_equal(world.record_count, records);
    toy_run_failed(run, "a", "CANCELLED");
    assert_run_state(run, RUN_CANCELLED);
}

static void test_decide__cancel_while_failing_stops_what_is_left(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "nodes:\n"
                                        "  - {id: a, type: toy.task}\n"
                                        "  - {id: b, type: toy.task}\n",
                                        NULL);
    toy_run_failed(run, "a", "BROKEN");
    assert_int_equal(toy_run_node(run, "b")->stopped, 0);
    toy_run_cancel(run);
    assert_int_equal(toy_run_node(run, "b")->stopped, STOP_REQUESTED);
    toy_run_failed(run, "b", "CANCELLED");
    assert_state(run, "b", "cancelled");
    assert_run_state(run, RUN_FAILED);
    assert_code(run->error, "BROKEN");
}

static void test_decide__cancel_while_a_time_out_stops_a_task(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, timed, NULL);
    toy_world_pass(&world, 5000);
    toy_run_cancel(run);
    assert_int_equal(toy_run_node(run, "a")->stopped, STOP_TIMEOUT);
    toy_run_failed(run, "a", "CANCELLED");
    assert_state(run, "a", "failed");
    assert_code(toy_run_view(run, "a").error, FAILURE_TIMEOUT);
    assert_run_state(run, RUN_CANCELLED);
}

static void test_decide__a_time_out_while_cancelling_says_nothing_more(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, timed, NULL);
    toy_run_cancel(run);
    size_t records = world.record_count;
    toy_world_pass(&world, 5000);
    assert_int_equal(world.record_count, records);
    toy_run_failed(run, "a", "CANCELLED");
    assert_state(run, "a", "cancelled");
    assert_run_state(run, RUN_CANCELLED);
}

/* ---- events that come late, twice or for another attempt ---- */

static void test_decide__late_and_doubled_ends_are_ignored(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "nodes:\n"
                                        "  - {id: a, type: toy.task}\n"
                                        "  - {id: b, type: toy.task, depends_on: [a]}\n",
                                        NULL);
    struct run_event done = {.type = RUN_EVENT_DONE, .attempt = 1, .output = document_empty_map()};
    struct run_event failed = {
        .type = RUN_EVENT_FAILED, .attempt = 1, .error = document_empty_map()};
    toy_run_done(run, "a", "{\"first\": 1}");
    size_t records = world.record_count;
    toy_run_event(run, &done);
    toy_run_event(run, &failed);
    assert_int_equal(world.record_count, records);
    assert_holds(toy_run_view(run, "a").output, "first");
    done.node = 1;
    failed.node = 1;
    done.attempt = 2;
    failed.attempt = 0;
    toy_run_event(run, &done);
    toy_run_event(run, &failed);
    assert_int_equal(world.record_count, records);
    assert_state(run, "b", "running");
    toy_run_done(run, "b", "{}");
    records = world.record_count;
    done.attempt = 1;
    toy_run_event(run, &done);
    toy_run_cancel(run);
    assert_int_equal(world.record_count, records);
    assert_run_state(run, RUN_COMPLETED);
}

static void test_decide__ends_for_nodes_that_have_no_task_are_ignored(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "integrations: {toy: {max_concurrency: 1}}\n"
                                        "nodes:\n"
                                        "  - {id: a, type: toy.task}\n"
                                        "  - {id: queued, type: toy.task}\n"
                                        "  - {id: pending, type: toy.task, depends_on: [a]}\n"
                                        "  - {id: w, type: wait, config: {seconds: 60}}\n",
                                        NULL);
    size_t records = world.record_count;
    for (uint32_t node = 1; node < 4; node++) {
        for (uint32_t attempt = 0; attempt < 2; attempt++) {
            toy_run_event(run, &(struct run_event){.type = RUN_EVENT_DONE,
                                                   .node = node,
                                                   .attempt = attempt,
                                                   .output = document_empty_map()});
        }
    }
    assert_int_equal(world.record_count, records);
    toy_run_cancel(run);
    toy_run_failed(run, "a", "CANCELLED");
    assert_run_state(run, RUN_CANCELLED);
}

static void test_decide__timers_of_other_attempts_are_ignored(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, timed, NULL);
    struct run_event timer = {.type = RUN_EVENT_TIMER, .attempt = 2, .timer = TIMER_NODE_TIMEOUT};
    toy_run_event(run, &timer);
    assert_state(run, "a", "running");
    timer.timer = TIMER_WAIT;
    timer.attempt = 1;
    toy_run_event(run, &timer);
    assert_state(run, "a", "running");
    toy_run_done(run, "a", "{}");
    timer.timer = TIMER_NODE_TIMEOUT;
    toy_run_event(run, &timer);
    assert_state(run, "a", "completed");
    assert_run_state(run, RUN_COMPLETED);
}

static void test_decide__a_task_may_end_without_an_output(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world, "id: p\nnodes:\n  - {id: a, type: toy.task}\n", NULL);
    toy_run_done(run, "a", NULL);
    assert_state(run, "a", "completed");
    assert_null(toy_run_view(run, "a").output);
    assert_run_state(run, RUN_COMPLETED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_decide__a_failure_lets_what_runs_end_and_starts_nothing),
        WITH_WORLD(test_decide__the_first_failure_is_the_runs),
        WITH_WORLD(test_decide__an_error_edge_is_the_only_way_on),
        WITH_WORLD(test_decide__an_error_edge_is_dead_when_all_is_well),
        WITH_WORLD(test_decide__error_edges_choose_by_their_conditions),
        WITH_WORLD(test_decide__on_error_goto_is_an_error_edge),
        WITH_WORLD(test_decide__on_error_continue_takes_the_plain_edges),
        WITH_WORLD(test_decide__error_policy_continue_is_every_nodes_default),
        WITH_WORLD(test_decide__a_condition_that_fails_is_the_nodes_failure),
        WITH_WORLD(test_decide__a_config_that_fails_gives_its_permits_back),
        WITH_WORLD(test_decide__a_config_that_fails_can_fail_the_run),
        WITH_WORLD(test_decide__a_time_out_stops_the_task_and_fails_the_node),
        WITH_WORLD(test_decide__a_success_that_comes_late_is_a_success),
        WITH_WORLD(test_decide__a_task_that_ends_in_time_leaves_no_timer),
        WITH_WORLD(test_decide__time_in_the_queue_does_not_count),
        WITH_WORLD(test_decide__a_time_out_can_be_handled),
        WITH_WORLD(test_decide__the_runs_time_out_stops_everything),
        WITH_WORLD(test_decide__the_runs_time_out_ends_a_failing_run_too),
        WITH_WORLD(test_decide__a_run_in_time_leaves_no_timer),
        WITH_WORLD(test_decide__cancel_tells_what_runs_and_starts_nothing),
        WITH_WORLD(test_decide__cancel_with_nothing_running_ends_at_once),
        WITH_WORLD(test_decide__a_second_cancel_changes_nothing),
        WITH_WORLD(test_decide__cancel_while_failing_stops_what_is_left),
        WITH_WORLD(test_decide__cancel_while_a_time_out_stops_a_task),
        WITH_WORLD(test_decide__a_time_out_while_cancelling_says_nothing_more),
        WITH_WORLD(test_decide__late_and_doubled_ends_are_ignored),
        WITH_WORLD(test_decide__ends_for_nodes_that_have_no_task_are_ignored),
        WITH_WORLD(test_decide__timers_of_other_attempts_are_ignored),
        WITH_WORLD(test_decide__a_task_may_end_without_an_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
