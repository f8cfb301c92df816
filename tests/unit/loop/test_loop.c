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
#include "core/engine/failure.h"
#include "core/engine/record.h"
#include "core/engine/run.h"
#include "core/loop/commit.h"
#include "core/loop/loop.h"
#include "core/loop/loop_state.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/support/pipeline_fixture.h"

enum { RUNS = 20 };

/* A run, and what its observer was told. */
struct watched {
    struct loop *loop;
    struct loop_run *run;
    size_t record_count;
    enum record_type first;
    enum record_type last;
    enum run_state state;
    struct document *output;
    struct document *error;
    size_t ends;
    size_t batches;
    size_t children;
    size_t child_records;
    size_t states_left; /* by child runs */
    const struct run *child;
    size_t *left; /* runs that are under way: the last one stops the loop */
};

static void on_record(void *user, const struct record *record)
{
    struct watched *watched = user;
    assert_int_equal(watched->ends, 0);
    if (record->run == watched->child) {
        watched->child_records++;
        watched->states_left += record->type == RECORD_NODE_ENDED ? 1 : 0;
        return;
    }
    watched->first = watched->record_count == 0 ? record->type : watched->first;
    watched->last = record->type;
    watched->record_count++;
    if (record->type == RECORD_RUN_ENDED) {
        watched->state = record->run_state;
        watched->output = document_ref(record->output);
        watched->error = document_ref(record->error);
    }
}

static void on_child(void *user, const struct run *child, const struct run_place *place)
{
    struct watched *watched = user;
    struct strbuf path = STRBUF_INIT;
    assert_int_equal(watched->child_records, 0);
    assert_ptr_not_equal(child, place->run);
    run_append_path(place->run, place->frame, place->node, &path);
    assert_string_equal(strbuf_str(&path).p, "call");
    strbuf_finish(&path);
    watched->child = child;
    watched->children++;
}

/* Records come in batches, and nothing after the last batch. */
static void on_batch(void *user)
{
    struct watched *watched = user;
    assert_true(watched->record_count > 0);
    watched->batches++;
}

static void on_ended(void *user)
{
    struct watched *watched = user;
    watched->ends++;
    if (--*watched->left == 0) {
        loop_stop(watched->loop);
    }
}

static struct loop *create_loop(void)
{
    struct loop_options options = {0};
    struct loop *loop = NULL;
    struct error err = {0};
    if (loop_create(&options, &loop, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return loop;
}

static void start_with(struct loop *loop, const char *yaml, const struct loop_event *events,
                       size_t *left, struct watched *watched)
{
    struct pipeline *pipeline = pipeline_fixture_load(yaml);
    struct error err = {0};
    *watched = (struct watched){.loop = loop, .left = left};
    struct loop_run_options options = {
        .pipeline = pipeline,
        .input = document_empty_map(),
        .id = STR("run"),
        .triggered_by = STR("manual"),
        .events = events,
        .event_count = events != NULL ? 2 : 0,
        .observer = {.user = watched,
                     .on_child = on_child,
                     .on_record = on_record,
                     .on_batch = on_batch,
                     .on_ended = on_ended},
    };
    assert_int_equal(loop_run_start(loop, &options, &watched->run, &err), 0);
    assert_int_equal(watched->record_count, 0); /* nothing before the loop is at work */
    ++*left;
    pipeline_unref(pipeline);
}

static void start(struct loop *loop, const char *yaml, size_t *left, struct watched *watched)
{
    start_with(loop, yaml, NULL, left, watched);
}

static void finish(struct watched *watched)
{
    assert_int_equal(watched->ends, 1);
    assert_true(watched->batches > 0);
    assert_int_equal(watched->first, RECORD_RUN_STARTED);
    assert_int_equal(watched->last, RECORD_RUN_ENDED);
    loop_run_release(watched->run);
    document_unref(watched->output);
    document_unref(watched->error);
}

static void test_loop__observers_hear_all_records_and_one_end(void **state)
{
    (void)state;
    struct loop *loop = create_loop();
    struct watched watched;
    struct error err = {0};
    size_t left = 0;
    start(loop, "id: p\nnodes:\n  - {id: a, type: set, config: {n: 1}}\n", &left, &watched);
    assert_int_equal(loop_run(loop, &err), 0);
    assert_int_equal(watched.state, RUN_COMPLETED);
    char *text = pipeline_fixture_text(watched.output);
    assert_string_equal(text, "{\"a\":{\"n\":1}}");
    free(text);
    finish(&watched);
    loop_close(loop);
}

/* Many runs at once, so that the timers fall anywhere between two ticks of the clocks. */
static void test_loop__no_timer_fires_before_its_time(void **state)
{
    (void)state;
    struct loop *loop = create_loop();
    struct watched watched[RUNS];
    struct error err = {0};
    size_t left = 0;
    for (int i = 0; i < RUNS; i++) {
        char yaml[120];
        (void)snprintf(yaml, sizeof(yaml),
                       "id: p\nnodes:\n  - {id: w, type: wait, config: {seconds: 0.0%02d}}\n",
                       5 + i);
        start(loop, yaml, &left, &watched[i]);
    }
    assert_int_equal(loop_run(loop, &err), 0);
    for (int i = 0; i < RUNS; i++) {
        const struct value *waited =
            value_pointer(document_root(watched[i].output), STR("/w/waited_seconds"));
        double wanted = (double)(5 + i) / 1000.0;
        if (value_number(waited) < wanted) {
            fail_msg("waited %g of %g seconds", value_number(waited), wanted);
        }
        finish(&watched[i]);
    }
    loop_close(loop);
}

static void test_loop__timers_of_runs_cut_them(void **state)
{
    (void)state;
    struct loop *loop = create_loop();
    struct watched watched;
    struct error err = {0};
    size_t left = 0;
    start(loop, "id: p\ntimeout: 20ms\nnodes:\n  - {id: w, type: wait, config: {seconds: 3600}}\n",
          &left, &watched);
    assert_int_equal(loop_run(loop, &err), 0);
    assert_int_equal(watched.state, RUN_FAILED);
    assert_true(str_equal_text(failure_code(watched.error), FAILURE_TIMEOUT));
    finish(&watched);
    loop_close(loop);
}

static void test_loop__cancel_ends_a_run(void **state)
{
    (void)state;
    struct loop *loop = create_loop();
    struct watched watched;
    struct error err = {0};
    size_t left = 0;
    start(loop, "id: p\nnodes:\n  - {id: w, type: wait, config: {seconds: 3600}}\n", &left,
          &watched);
    loop_run_cancel(watched.run, STR(""));
    loop_run_cancel(watched.run, STR(""));
    assert_int_equal(loop_run(loop, &err), 0);
    assert_int_equal(watched.state, RUN_CANCELLED);
    finish(&watched);
    loop_close(loop);
}

static void test_loop__observers_hear_of_child_runs(void **state)
{
    (void)state;
    struct loop *loop = create_loop();
    struct watched watched;
    struct error err = {0};
    size_t left = 0;
    start(loop,
          "workflows:\n"
          "  main: {nodes: [{id: call, type: workflow, config: {workflow: child}}]}\n"
          "  child: {nodes: [{id: a, type: set, config: {n: 1}}]}\n",
          &left, &watched);
    assert_int_equal(loop_run(loop, &err), 0);
    assert_int_equal(watched.state, RUN_COMPLETED);
    assert_int_equal(watched.children, 1);
    assert_int_equal(watched.child_records, 3); /* its start, its node, its end */
    finish(&watched);
    loop_close(loop);
}

static void test_loop__events_are_there_from_the_start(void **state)
{
    (void)state;
    struct loop *loop = create_loop();
    struct watched watched;
    struct error err = {0};
    size_t left = 0;
    cleanup_document struct document *data = pipeline_fixture_json("7");
    const struct loop_event events[] = {{.name = STR("other")}, {.name = STR("go"), .data = data}};
    start_with(loop, "id: p\nnodes: [{id: w, type: wait, config: {event: go}}]\n", events, &left,
               &watched);
    assert_int_equal(loop_run(loop, &err), 0);
    assert_int_equal(watched.state, RUN_COMPLETED);
    assert_int_equal(watched.batches, 1);
    assert_int_equal(value_int(value_pointer(document_root(watched.output), STR("/w/data"))), 7);
    finish(&watched);
    loop_close(loop);
}

static void cancel_once(void *user)
{
    struct watched *watched = user;
    loop_run_cancel(watched->run, STR(""));
    loop_tick(watched->loop, 0, NULL, NULL);
}

static void test_loop__a_cancel_reaches_a_child_run_once(void **state)
{
    (void)state;
    struct loop *loop = create_loop();
    struct watched watched;
    struct error err = {0};
    size_t left = 0;
    start(loop,
          "workflows:\n"
          "  main: {nodes: [{id: call, type: workflow, config: {workflow: child}}]}\n"
          "  child:\n"
          "    initial_state: a\n"
          "    states:\n"
          "      a: {transitions: {go: b, cancel: b}}\n"
          "      b: {type: set, config: {n: 1}}\n",
          &left, &watched);
    loop_tick(loop, 1, cancel_once, &watched); /* when the child run is heard of */
    assert_int_equal(loop_run(loop, &err), 0);
    assert_int_equal(watched.state, RUN_CANCELLED);
    assert_int_equal(watched.states_left, 2); /* a second one would have ended it in a */
    finish(&watched);
    loop_close(loop);
}

/* The loop does not work meanwhile, so nothing becomes durable. */
static void test_loop__log_lines_wait_within_a_bound(void **state)
{
    (void)state;
    static char text[8000];
    const struct journal_log line = {.path = STR("a"), .line = {text, sizeof(text)}};
    struct loop *loop = create_loop();
    memset(text, 'x', sizeof(text));
    for (int i = 0; i < 3000; i++) {
        loop_keep_log(loop, &line);
    }
    assert_in_range(loop->log_bytes, LOG_BYTES_MOST, LOG_BYTES_MOST + 2 * sizeof(text));
    assert_int_equal(loop->logs_left_out, 3000 - loop->log_bytes / (sizeof(text) + LOG_LINE_BYTES));
    loop_settle(loop);
    assert_int_equal(loop->log_bytes, 0);
    loop_keep_log(loop, &line);
    assert_int_equal(loop->logs_left_out, 0);
    assert_int_equal(loop->log_lines->log_count, 2);
    assert_non_null(strstr(loop->log_lines->logs[0].line.p, " log lines of runs are left out"));
    loop_close(loop);
}

static void test_loop__closes_with_runs_under_way(void **state)
{
    (void)state;
    struct loop *loop = create_loop();
    struct watched watched[2];
    size_t left = 0;
    start(loop, "id: p\nnodes:\n  - {id: w, type: wait, config: {seconds: 3600}}\n", &left,
          &watched[0]);
    start(loop, "id: p\nnodes:\n  - {id: a, type: start}\n", &left, &watched[1]);
    left = 9; /* nobody is to stop a loop that closes */
    loop_close(loop);
    assert_int_equal(left, 7);
    assert_int_equal(watched[0].state, RUN_CANCELLED);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(watched[i].ends, 1);
        assert_int_equal(watched[i].last, RECORD_RUN_ENDED);
        document_unref(watched[i].output);
        document_unref(watched[i].error);
    }
    loop_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loop__observers_hear_all_records_and_one_end),
        cmocka_unit_test(test_loop__no_timer_fires_before_its_time),
        cmocka_unit_test(test_loop__timers_of_runs_cut_them),
        cmocka_unit_test(test_loop__cancel_ends_a_run),
        cmocka_unit_test(test_loop__observers_hear_of_child_runs),
        cmocka_unit_test(test_loop__events_are_there_from_the_start),
        cmocka_unit_test(test_loop__a_cancel_reaches_a_child_run_once),
        cmocka_unit_test(test_loop__log_lines_wait_within_a_bound),
        cmocka_unit_test(test_loop__closes_with_runs_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
