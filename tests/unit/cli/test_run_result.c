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
          "\"output\":{\"b\":{\"x\":1}},\"error_message\":null,\"inner_results\":[],\"inner_"
          "results_left_out\":0,"
          "\"inner_failures\":[],\"inner_failures_left_out\":0,\"history\":null,"
          "\"history_left_out\":0,\"endings\":[],\"undone_count\":0,"
          "\"undo_failure_count\":0}");
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
          "\"success_count\":0,\"failure_count\":1,\"output\":null,"
          "\"error_message\":\"node 'a': no key "
          "'x'\",\"inner_results\":[],\"inner_results_left_out\":0,"
          "\"inner_failures\":[],\"inner_failures_left_out\":0,\"history\":null,"
          "\"history_left_out\":0,\"endings\":[],\"undone_count\":0,"
          "\"undo_failure_count\":0}");
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
