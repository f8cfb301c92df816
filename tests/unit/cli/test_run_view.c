/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/cli/run_view.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/cli/pipeline_fixture.h"

const struct command *const command_table[] = {NULL};

static const char yaml[] = "id: t\nnodes:\n"
                           "  - {id: a, type: http, config: {url: 'http://a/'}}\n"
                           "  - {id: b, type: http, config: {url: 'http://a/'}}\n"
                           "  - {id: c, type: set, config: {x: 1}}\n"
                           "  - {id: d, type: set, config: {x: 1}}\n"
                           "  - {id: e, type: set, config: {x: 1}}\n";

struct viewed {
    struct pipeline_fixture fixture;
    struct run_view view;
};

static void viewed_init(struct viewed *viewed)
{
    pipeline_fixture_init(&viewed->fixture, yaml);
    assert_int_equal(run_view_init(&viewed->view, viewed->fixture.pipeline), 0);
}

static void viewed_finish(struct viewed *viewed)
{
    run_view_finish(&viewed->view);
    pipeline_fixture_finish(&viewed->fixture);
}

static void test_run_view__begins_empty(void **state)
{
    (void)state;
    struct viewed viewed;
    viewed_init(&viewed);
    assert_int_equal(viewed.view.state, RUN_PENDING);
    assert_int_equal(viewed.view.ended, 0);
    assert_int_equal(viewed.view.running, 0);
    assert_int_equal(viewed.view.nodes[4].state, NODE_PENDING);
    assert_true(viewed.view.nodes[4].fraction < 0);
    assert_int_equal(run_view_ms(&viewed.view, 0), 0);
    viewed_finish(&viewed);
}

static void test_run_view__follows_the_records(void **state)
{
    (void)state;
    struct viewed viewed;
    struct run_view *view = &viewed.view;
    viewed_init(&viewed);
    view_run_starts(view, 1000);
    struct record queued = {.type = RECORD_NODE_QUEUED, .node = 1};
    run_view_apply(view, &queued);
    assert_int_equal(view->nodes[1].state, NODE_QUEUED);
    assert_int_equal(view->running, 0);
    view_node_starts(view, 0, 1100);
    view_node_starts(view, 1, 1200);
    assert_int_equal(view->running, 2);
    view_node_stops(view, 1, 1300);
    assert_int_equal(view->nodes[1].state, NODE_STOPPING);
    assert_int_equal(view->running, 2);
    view_node_ends(view, 0, NODE_COMPLETED, 1400, "{\"x\":1}");
    view_node_ends(view, 1, NODE_FAILED, 1500, "{\"code\":\"TIMEOUT\",\"message\":\"m\"}");
    assert_int_equal(view->running, 0);
    assert_int_equal(view->completed, 1);
    assert_int_equal(view->failed, 1);
    assert_int_equal(view->ended, 2);
    assert_int_equal(run_view_node_ms(&view->nodes[0], 9999), 300);
    assert_non_null(view->nodes[0].output);
    assert_non_null(view->nodes[1].error);
    assert_int_equal(run_view_ms(view, 1600), 600);
    view_run_ends(view, RUN_FAILED, 1700, NULL, "{\"message\":\"m\"}");
    assert_int_equal(view->state, RUN_FAILED);
    assert_int_equal(run_view_ms(view, 9999), 700);
    assert_int_equal(run_view_not_run(view), 3);
    viewed_finish(&viewed);
}

static void test_run_view__what_runs_inline_has_a_time(void **state)
{
    (void)state;
    struct viewed viewed;
    viewed_init(&viewed);
    view_run_starts(&viewed.view, 1000);
    view_node_ends(&viewed.view, 2, NODE_COMPLETED, 1001, "{}");
    assert_int_equal(viewed.view.nodes[2].started_at, 1001);
    assert_int_equal(viewed.view.nodes[2].ended_at, 1001);
    assert_int_equal(viewed.view.nodes[2].attempt, 1);
    viewed_finish(&viewed);
}

static void test_run_view__what_did_not_run_has_no_time(void **state)
{
    (void)state;
    struct viewed viewed;
    struct run_view *view = &viewed.view;
    viewed_init(&viewed);
    view_run_starts(view, 1000);
    view_node_ends(view, 2, NODE_SKIPPED, 1001, NULL);
    view_node_ends(view, 3, NODE_NOT_RUN, 1001, NULL);
    view_node_ends(view, 4, NODE_CANCELLED, 1001, NULL);
    assert_int_equal(view->nodes[2].started_at, 0);
    assert_int_equal(view->nodes[2].ended_at, 0);
    assert_int_equal(run_view_node_ms(&view->nodes[2], 9999), 0);
    assert_int_equal(view->skipped, 1);
    assert_int_equal(view->cancelled, 1);
    assert_int_equal(view->ended, 2);
    viewed_finish(&viewed);
}

static void test_run_view__a_state_may_be_visited_again(void **state)
{
    (void)state;
    struct viewed viewed;
    struct run_view *view = &viewed.view;
    viewed_init(&viewed);
    view_run_starts(view, 1000);
    for (int i = 0; i < 10; i++) {
        view_node_ends(view, 0, NODE_COMPLETED, 1001 + i, i < 9 ? "{\"x\":1}" : "{\"x\":2}");
    }
    assert_int_equal(view->completed, 1);
    assert_int_equal(run_view_not_run(view), view->node_count - 1);
    assert_int_equal(value_int(value_get(document_root(view->nodes[0].output), STR("x"))), 2);
    viewed_finish(&viewed);
}

static void test_run_view__a_clock_set_back_gives_no_negative_time(void **state)
{
    (void)state;
    struct viewed viewed;
    viewed_init(&viewed);
    view_run_starts(&viewed.view, 5000);
    view_node_starts(&viewed.view, 0, 5000);
    assert_int_equal(run_view_ms(&viewed.view, 4000), 0);
    assert_int_equal(run_view_node_ms(&viewed.view.nodes[0], 4000), 0);
    viewed_finish(&viewed);
}

static void test_run_view__each_allocation_may_fail(void **state)
{
    (void)state;
    struct pipeline_fixture fixture;
    struct run_view view;
    pipeline_fixture_init(&fixture, yaml);
    failing_alloc_arm(0);
    assert_int_equal(run_view_init(&view, fixture.pipeline), E_NOMEM);
    assert_true(failing_alloc_disarm());
    run_view_finish(&view);
    pipeline_fixture_finish(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_view__begins_empty),
        cmocka_unit_test(test_run_view__follows_the_records),
        cmocka_unit_test(test_run_view__what_runs_inline_has_a_time),
        cmocka_unit_test(test_run_view__what_did_not_run_has_no_time),
        cmocka_unit_test(test_run_view__a_state_may_be_visited_again),
        cmocka_unit_test(test_run_view__a_clock_set_back_gives_no_negative_time),
        cmocka_unit_test(test_run_view__each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
