/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/cli/run_result.h"
#include "core/cli/run_view.h"
#include "core/model/pipeline.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/cli/pipeline_fixture.h"

const struct command *const command_table[] = {NULL};

static struct pipeline_fixture fixture;
static struct run_view view;

static void view_of(const char *yaml)
{
    pipeline_fixture_init(&fixture, yaml);
    assert_int_equal(run_view_init(&view, fixture.pipeline), 0);
}

static void view_end(void)
{
    run_view_finish(&view);
    pipeline_fixture_finish(&fixture);
}

static void check(const char *wanted)
{
    cleanup_document struct document *result = NULL;
    struct strbuf out = STRBUF_INIT;
    assert_int_equal(run_result_build(&view, STR("id-1"), &result, NULL), 0);
    json_write(document_root(result), JSON_COMPACT, &out);
    assert_string_equal(strbuf_str(&out).p, wanted);
    strbuf_finish(&out);
}

static const char two_nodes[] = "id: t\nversion: 1.0\nnodes:\n"
                                "  - {id: a, type: http, config: {url: 'http://a/'}}\n"
                                "  - {id: b, type: set, config: {x: 1}}\n";

static void test_run_result__has_every_field_of_a_success(void **state)
{
    (void)state;
    view_of(two_nodes);
    view_run_starts(&view, 1738368000000);
    view_node_starts(&view, 0, 1738368000100);
    view_node_ends(&view, 0, NODE_COMPLETED, 1738368000350, "{\"status\":200}");
    view_node_ends(&view, 1, NODE_COMPLETED, 1738368000351, "{\"x\":1}");
    view_run_ends(&view, RUN_COMPLETED, 1738368000500, "{\"b\":{\"x\":1}}", NULL);
    check("{\"execution_id\":\"id-1\",\"workflow\":\"t\",\"version\":\"1.0\","
          "\"status\":\"completed\",\"started_at\":\"2025-02-01T00:00:00.000Z\","
          "\"completed_at\":\"2025-02-01T00:00:00.500Z\",\"total_duration_seconds\":0.5,"
          "\"step_results\":[{\"step_id\":\"a\",\"path\":\"a\",\"status\":\"completed\","
          "\"attempt\":1,"
          "\"started_at\":\"2025-02-01T00:00:00.100Z\","
          "\"completed_at\":\"2025-02-01T00:00:00.350Z\",\"duration_seconds\":0.25,"
          "\"output\":{\"status\":200},\"error\":null},{\"step_id\":\"b\",\"path\":\"b\","
          "\"status\":\"completed\",\"attempt\":1,\"started_at\":\"2025-02-01T00:00:00.351Z\","
          "\"completed_at\":\"2025-02-01T00:00:00.351Z\",\"duration_seconds\":0.0,"
          "\"output\":{\"x\":1},\"error\":null}],\"success_count\":2,\"failure_count\":0,"
          "\"usage\":null,"
          "\"output\":{\"b\":{\"x\":1}},\"error_message\":null,\"error\":null,\"inner_results\":[],"
          "\"inner_"
          "results_left_out\":0,"
          "\"inner_failures\":[],\"inner_failures_left_out\":0,\"history\":null,"
          "\"history_left_out\":0,\"endings\":[],\"undone_count\":0,"
          "\"undo_failure_count\":0,\"not_undone_count\":0,\"events_not_taken\":[]}");
    view_end();
}

static void test_run_result__what_is_not_there_is_null(void **state)
{
    (void)state;
    view_of("id: t\nnodes:\n"
            "  - {id: a, type: set, config: {x: 1}}\n"
            "  - {id: b, type: set, config: {x: 1}, depends_on: [a]}\n");
    view_run_starts(&view, 1738368000000);
    view_node_ends(&view, 0, NODE_FAILED, 1738368000000,
                   "{\"code\":\"EXPRESSION\",\"message\":\"no key 'x'\"}");
    view_run_ends(&view, RUN_FAILED, 1738368000000, NULL,
                  "{\"code\":\"EXPRESSION\",\"message\":\"no key 'x'\",\"node\":\"a\"}");
    check("{\"execution_id\":\"id-1\",\"workflow\":\"t\",\"version\":null,"
          "\"status\":\"failed\",\"started_at\":\"2025-02-01T00:00:00.000Z\","
          "\"completed_at\":\"2025-02-01T00:00:00.000Z\",\"total_duration_seconds\":0.0,"
          "\"step_results\":[{\"step_id\":\"a\",\"path\":\"a\",\"status\":\"failed\",\"attempt\":1,"
          "\"started_at\":\"2025-02-01T00:00:00.000Z\","
          "\"completed_at\":\"2025-02-01T00:00:00.000Z\",\"duration_seconds\":0.0,"
          "\"output\":null,\"error\":{\"code\":\"EXPRESSION\",\"message\":\"no key 'x'\"}},"
          "{\"step_id\":\"b\",\"path\":\"b\",\"status\":\"not_run\",\"attempt\":0,\"started_at\":"
          "null,"
          "\"completed_at\":null,\"duration_seconds\":null,\"output\":null,\"error\":null}],"
          "\"success_count\":0,\"failure_count\":1,\"usage\":null,\"output\":null,"
          "\"error_message\":\"node 'a': no key 'x'\","
          "\"error\":{\"code\":\"EXPRESSION\",\"message\":\"no key 'x'\",\"node\":\"a\"},"
          "\"inner_results\":[],\"inner_results_left_out\":0,"
          "\"inner_failures\":[],\"inner_failures_left_out\":0,\"history\":null,"
          "\"history_left_out\":0,\"endings\":[],\"undone_count\":0,"
          "\"undo_failure_count\":0,\"not_undone_count\":0,\"events_not_taken\":[]}");
    view_end();
}

static const char inner_yaml[] = "id: t\nnodes:\n"
                                 "  - id: each\n"
                                 "    for_each: input.x\n"
                                 "    nodes: [{id: fix, type: set, config: {x: 1}}]\n"
                                 "  - {id: call, type: workflow, config: {workflow: t}}\n"
                                 "finally: [{id: tidy, type: set, config: {x: 1}}]\n";

/* A loop with a failed item, a call, and an ending. */
static void view_of_inner(void)
{
    static const struct view_frame item = {.child = 1, .kind = FRAME_ITEM, .index = 4};
    static const struct view_frame ending = {
        .owner = RECORD_NO_NODE, .child = 2, .kind = FRAME_ENDING};
    view_of(inner_yaml);
    const struct pipeline *pipeline = fixture.pipeline;
    view.kept.keeps_steps = true;
    view_node_starts(&view, 0, 1738368000000);
    view_frame_starts(&view, item);
    view_inner_ends(&view, 1, pipeline->bodies[pipeline->nodes[0].own_body].first_node,
                    "{\"code\":\"C\",\"message\":\"m\"}");
    view_frame_ends(&view, item, RUN_FAILED, "{\"code\":\"C\",\"message\":\"m\"}");
    cleanup_document struct document *detail = fixture_json("{\"errors\":[],\"counts\":{}}");
    run_view_apply(&view, &(struct record){.type = RECORD_NODE_ENDED,
                                           .node_state = NODE_COMPLETED,
                                           .at_unix_ms = 1738368000000,
                                           .detail = detail});
    static int child;
    run_view_add_child(&view, &(struct child_options){.run = (struct run *)(void *)&child,
                                                      .pipeline = pipeline,
                                                      .id = STR("id-1/call"),
                                                      .path = STR("call"),
                                                      .call = run_view_step(&view, NULL, 0, 1)});
    view_frame_starts(&view, ending);
    view_frame_ends(&view, ending, RUN_COMPLETED, NULL);
    view_run_ends(&view, RUN_COMPLETED, 1738368000000, NULL, NULL);
}

static const struct value *at(const struct value *list, size_t i, const char *key)
{
    assert_true(value_count(list) > i);
    const struct value *found = value_get(value_at(list, i), str_from(key));
    assert_non_null(found);
    return found;
}

static void assert_text(const struct value *value, const char *expected)
{
    assert_true(str_equal(value_str(value), str_from(expected)));
}

static void test_run_result__has_what_happened_inside(void **state)
{
    (void)state;
    view_of_inner();
    cleanup_document struct document *result = NULL;
    assert_int_equal(run_result_build(&view, STR("id-1"), &result, NULL), 0);
    const struct value *root = document_root(result);
    const struct value *steps = value_get(root, STR("step_results"));
    assert_true(value_is(at(steps, 0, "counts"), VALUE_MAP));
    assert_true(value_is(at(steps, 0, "errors"), VALUE_LIST));
    assert_text(at(steps, 1, "child_run_id"), "id-1/call");
    const struct value *inner = value_get(root, STR("inner_results"));
    assert_int_equal(value_count(inner), 1);
    assert_text(at(inner, 0, "path"), "each[4].fix");
    assert_text(at(inner, 0, "step_id"), "fix");
    assert_text(at(inner, 0, "status"), "failed");
    const struct value *failures = value_get(root, STR("inner_failures"));
    assert_text(at(failures, 0, "path"), "each[4].fix");
    assert_false(value_bool(at(failures, 0, "handled")));
    assert_text(at(value_get(root, STR("endings")), 0, "name"), "finally");
    assert_text(at(value_get(root, STR("endings")), 0, "status"), "completed");
    view_end();
}

static void test_run_result__counts_what_has_no_room(void **state)
{
    (void)state;
    view_of_inner();
    view.kept.step_total = 12;
    view.kept.failure_total = 7;
    view.undone = 3;
    view.undo_failures = 2;
    cleanup_document struct document *result = NULL;
    assert_int_equal(run_result_build(&view, STR("id-1"), &result, NULL), 0);
    const struct value *root = document_root(result);
    assert_int_equal(value_int(value_get(root, STR("inner_results_left_out"))), 11);
    assert_int_equal(value_int(value_get(root, STR("inner_failures_left_out"))), 6);
    assert_int_equal(value_int(value_get(root, STR("undone_count"))), 3);
    assert_int_equal(value_int(value_get(root, STR("undo_failure_count"))), 2);
    view_end();
}

static void test_run_result__names_the_events_that_nothing_took(void **state)
{
    (void)state;
    view_of(two_nodes);
    run_view_add_late_event(&view, STR("go"));
    run_view_add_late_event(&view, STR("go"));
    run_view_add_late_event(&view, STR("stop"));
    view_run_ends(&view, RUN_COMPLETED, 1738368000000, NULL, NULL);
    cleanup_document struct document *result = NULL;
    assert_int_equal(run_result_build(&view, STR("id-1"), &result, NULL), 0);
    const struct value *events = value_get(document_root(result), STR("events_not_taken"));
    assert_int_equal(value_count(events), 3);
    assert_text(value_at(events, 0), "go");
    assert_text(value_at(events, 1), "go");
    assert_text(value_at(events, 2), "stop");
    view_end();
}

static void test_run_result__has_the_history_of_a_machine(void **state)
{
    (void)state;
    view_of("id: t\ninitial_state: a\nstates:\n"
            "  a: {transitions: {go: b}}\n"
            "  b: {transitions: {back: a}}\n");
    for (uint32_t i = 0; i < 2 * RUN_KEPT_HISTORY_MOST; i++) {
        view_node_ends(&view, i % 2, NODE_COMPLETED, 1738368000000, "{}");
    }
    view_run_ends(&view, RUN_COMPLETED, 1738368000000, NULL, NULL);
    cleanup_document struct document *result = NULL;
    assert_int_equal(run_result_build(&view, STR("id-1"), &result, NULL), 0);
    const struct value *root = document_root(result);
    const struct value *history = value_get(root, STR("history"));
    assert_int_equal(value_count(history), RUN_KEPT_HISTORY_MOST);
    assert_text(value_at(history, 0), "a");
    assert_text(value_at(history, 1), "b");
    assert_int_equal(value_int(value_get(root, STR("history_left_out"))), RUN_KEPT_HISTORY_MOST);
    assert_text(at(value_get(root, STR("step_results")), 1, "path"), "b#1000");
    view_end();
}

static void test_run_result__each_allocation_inside_may_fail(void **state)
{
    (void)state;
    view_of_inner();
    bool is_reached = true;
    for (long n = 0; is_reached; n++) {
        struct document *result = NULL;
        failing_alloc_arm(n);
        int status = run_result_build(&view, STR("id-1"), &result, NULL);
        is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        document_unref(result);
    }
    view_end();
}

static void test_run_result__each_allocation_may_fail(void **state)
{
    (void)state;
    view_of(two_nodes);
    view_run_starts(&view, 1);
    view_node_ends(&view, 0, NODE_FAILED, 2, "{\"message\":\"m\"}");
    view_run_ends(&view, RUN_FAILED, 3, NULL, "{\"message\":\"m\",\"node\":\"a\"}");
    bool is_reached = true;
    for (long n = 0; is_reached; n++) {
        struct document *result = NULL;
        failing_alloc_arm(n);
        int status = run_result_build(&view, STR("id-1"), &result, NULL);
        is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        document_unref(result);
    }
    view_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_result__has_every_field_of_a_success),
        cmocka_unit_test(test_run_result__what_is_not_there_is_null),
        cmocka_unit_test(test_run_result__each_allocation_may_fail),
        cmocka_unit_test(test_run_result__has_what_happened_inside),
        cmocka_unit_test(test_run_result__counts_what_has_no_room),
        cmocka_unit_test(test_run_result__names_the_events_that_nothing_took),
        cmocka_unit_test(test_run_result__has_the_history_of_a_machine),
        cmocka_unit_test(test_run_result__each_allocation_inside_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
