/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/cli/plan_data.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/cli/pipeline_fixture.h"

const struct command *const command_table[] = {NULL};

static const char bodies_yaml[] =
    "workflows:\n"
    "  bodies:\n"
    "    name: All bodies\n"
    "    version: 2.0\n"
    "    timeout: 30m\n"
    "    scaling: {max_parallel_nodes: 4}\n"
    "    nodes:\n"
    "      - {id: rows, type: emit, timeout: 30s}\n"
    "      - id: each\n"
    "        for_each: rows.stream\n"
    "        nodes:\n"
    "          - {id: call, type: workflow, config: {workflow: article}, compensate: {type: http, "
    "config: {url: x}}}\n"
    "      - {id: list, type: set, for_each: [1, 2], as_batch: some, max_failures: 10%}\n"
    "      - {id: ready, type: conditional, depends_on: [each], config: {condition: "
    "each.counts.failed == 0, true_edge: poll, false_edge: postponed}}\n"
    "      - {id: poll, type: set, config: {x: 1}, repeat: {until: poll.output.x == 1, delay: "
    "1s}}\n"
    "      - {id: route, type: router, config: {routes: [{name: a, when: input.x == 1}]}}\n"
    "    on_failure: [{id: tell, type: set}, {id: mend, type: set}]\n"
    "    finally: [{id: clean, type: set, on_error: continue}]\n"
    "  article:\n"
    "    initial_state: draft\n"
    "    states:\n"
    "      draft: {transitions: {approve: [{when: input.x == 1, to: lost}]}}\n"
    "      lost: {result: failed}\n";

static struct pipeline_fixture fixture;
static struct document *plan;

static int set_up(void **state)
{
    (void)state;
    pipeline_fixture_init(&fixture, bodies_yaml);
    return plan_data_build(fixture.pipeline, &plan, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    document_unref(plan);
    pipeline_fixture_finish(&fixture);
    return 0;
}

/* What `pointer` leads to in the plan is `json`. */
static void assert_at(const char *pointer, const char *json)
{
    struct strbuf out = STRBUF_INIT;
    const struct value *value = value_pointer(document_root(plan), str_from(pointer));
    assert_non_null(value);
    json_write(value, JSON_COMPACT, &out);
    assert_string_equal(strbuf_str(&out).p, json);
    strbuf_finish(&out);
}

static void test_plan_data__has_the_settings(void **state)
{
    (void)state;
    assert_at("/workflow", "\"bodies\"");
    assert_at("/name", "\"All bodies\"");
    assert_at("/version", "\"2.0\"");
    assert_at("/node_count", "12");
    assert_at("/max_parallel_nodes", "4");
    assert_at("/timeout_seconds", "1800.0");
    assert_at("/error_policy", "\"stop_on_error\"");
    assert_at("/rollback", "false");
    assert_at("/secrets", "[]");
    assert_at("/workflows/0/version", "null");
}

#define DEFAULT_POLICIES                                                                           \
    "{\"retry\":{\"max_attempts\":3,\"initial_interval_seconds\":1.0,\"backoff_multiplier\":2.0,"  \
    "\"max_interval_seconds\":100.0,\"deadline_seconds\":86400.0,\"budget\":0.2,\"on\":[]},"       \
    "\"circuit_breaker\":null,\"on_open\":\"wait\",\"queue\":null,\"rate_limit\":null}"

static void test_plan_data__has_the_nodes_of_each_step(void **state)
{
    (void)state;
    assert_at("/steps/0/0",
              "{\"id\":\"rows\",\"type\":\"emit\",\"risk\":\"high\",\"may_not_run\":"
              "false,\"after\":[],\"join\":\"default\",\"when\":null,"
              "\"timeout_seconds\":30.0,\"budget\":null,\"on_error\":\"fail\",\"max_concurrency\":"
              "null,\"milestone\":false,\"policies\":" DEFAULT_POLICIES "}");
    assert_at("/steps/1/0/policies", "null"); /* it calls nothing */
    assert_at("/steps/1/0/after", "[{\"node\":\"each\",\"outcome\":\"success\",\"when\":null}]");
    assert_at("/steps/1/0/condition", "\"each.counts.failed == 0\"");
    assert_at("/steps/1/0/ends", "{\"false\":\"postponed\"}");
    assert_at("/steps/2/0/may_not_run", "true");
    assert_at("/steps/2/0/repeat", "{\"until\":\"poll.output.x == 1\",\"max_iterations\":1000,"
                                   "\"delay_seconds\":1.0}");
    assert_at("/steps/0/3/routes", "[{\"name\":\"a\",\"when\":\"input.x == 1\"}]");
    assert_at("/steps/0/3/default", "null");
}

static void test_plan_data__has_what_is_inside_loops(void **state)
{
    (void)state;
    assert_at("/steps/0/1/for_each",
              "{\"items\":null,\"stream\":\"rows\",\"as\":\"item\",\"batch_size\":100,"
              "\"parallel_workers\":10,\"max_parallel\":1,\"max_iterations\":100000,"
              "\"until\":null,\"max_failures\":0,\"on_limit\":\"fail\",\"collect\":\"list\","
              "\"reduce\":null}");
    assert_at("/steps/0/1/body/steps/0/0/workflow", "\"article\"");
    assert_at("/steps/0/1/body/steps/0/0/wait", "true");
    assert_at("/steps/0/1/body/steps/0/0/compensate",
              "{\"type\":\"http\",\"risk\":\"low\",\"timeout_seconds\":600.0}");
    assert_at("/steps/0/2/for_each/items", "[1,2]");
    assert_at("/steps/0/2/for_each/as_batch", "\"some\"");
    assert_at("/steps/0/2/for_each/max_failures_percent", "10.0");
    assert_at("/steps/0/2/body/steps/0/0/type", "\"set\"");
}

static void test_plan_data__has_endings(void **state)
{
    (void)state;
    assert_at("/endings/on_failure/steps/0/0/id", "\"tell\"");
    assert_at("/endings/on_failure/steps/1/0/id", "\"mend\"");
    assert_at("/endings/finally/steps/0/0/on_error", "\"continue\"");
    assert_at("/workflows/0/endings", "{}");
}

static void test_plan_data__has_states_of_child_pipelines(void **state)
{
    (void)state;
    assert_at("/workflows/0/workflow", "\"article\"");
    assert_at("/workflows/0/initial_state", "\"draft\"");
    assert_at("/workflows/0/max_transitions", "1000");
    assert_at("/workflows/0/states/0/transitions",
              "[{\"node\":\"lost\",\"outcome\":\"approve\",\"when\":\"input.x == 1\"}]");
    assert_at("/workflows/0/states/1/result", "\"failed\"");
}

static void test_plan_data__each_allocation_may_fail(void **state)
{
    (void)state;
    bool is_reached = true;
    for (long n = 0; is_reached; n++) {
        struct document *document = NULL;
        failing_alloc_arm(n);
        int status = plan_data_build(fixture.pipeline, &document, NULL);
        is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        assert_true((document != NULL) == (status == 0));
        document_unref(document);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_data__has_the_settings),
        cmocka_unit_test(test_plan_data__has_the_nodes_of_each_step),
        cmocka_unit_test(test_plan_data__has_what_is_inside_loops),
        cmocka_unit_test(test_plan_data__has_endings),
        cmocka_unit_test(test_plan_data__has_states_of_child_pipelines),
        cmocka_unit_test(test_plan_data__each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
