/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/cli/plan_text.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/cli/pipeline_fixture.h"

const struct command *const command_table[] = {NULL};

static const char pipeline_yaml[] =
    "id: t\n"
    "name: A plan\n"
    "version: 2.0\n"
    "scaling: {max_parallel_nodes: 4}\n"
    "nodes:\n"
    "  - {id: fetch, type: http, timeout: 30s, config: {url: 'http://a/'}}\n"
    "  - {id: short, type: set, config: {x: 1}}\n"
    "  - {id: route, type: router, depends_on: [fetch],\n"
    "     config: {routes: [{name: bug, when: input.x == 1}], default: rest}}\n"
    "  - {id: fix, type: set, config: {x: 1}, when: input.y > 1, on_error: continue}\n"
    "  - {id: meet, type: set, config: {x: 1}, join: any}\n"
    "edges:\n"
    "  - {source: route, target: fix, outcome: bug}\n"
    "  - {source: route, target: meet, outcome: rest, when: input.z}\n"
    "  - {source: fix, target: meet}\n";

static void test_plan_text__tells_steps_and_conditions(void **state)
{
    (void)state;
    struct pipeline_fixture fixture;
    struct strbuf out = STRBUF_INIT;
    pipeline_fixture_init(&fixture, pipeline_yaml);
    plan_text_append(fixture.pipeline, false, &out);
    assert_string_equal(strbuf_str(&out).p,
                        "A plan: 5 nodes in 4 steps; the nodes of a step may run in parallel, "
                        "at most 4 at once\n"
                        "\n"
                        "step 1\n"
                        "  fetch  http    at most 30.0 s\n"
                        "  short  set\n"
                        "\n"
                        "step 2\n"
                        "  route  router  after fetch\n"
                        "\n"
                        "step 3\n"
                        "  fix    set     after route (bug); skipped unless input.y > 1; goes on "
                        "after a failure\n"
                        "\n"
                        "step 4\n"
                        "  meet   set     after route (rest) if input.z, fix; needs any of them\n");
    strbuf_finish(&out);
    pipeline_fixture_finish(&fixture);
}

static void test_plan_text__one_node_is_no_plural(void **state)
{
    (void)state;
    struct pipeline_fixture fixture;
    struct strbuf out = STRBUF_INIT;
    pipeline_fixture_init(&fixture, "id: t\nnodes: [{id: a, type: set, config: {x: 1}}]\n");
    plan_text_append(fixture.pipeline, false, &out);
    assert_string_equal(strbuf_str(&out).p, "t: 1 node in 1 step\n\nstep 1\n  a  set\n");
    strbuf_finish(&out);
    pipeline_fixture_finish(&fixture);
}

static void test_plan_text__many_sources_are_cut(void **state)
{
    (void)state;
    struct pipeline_fixture fixture;
    struct strbuf yaml = STRBUF_INIT;
    struct strbuf out = STRBUF_INIT;
    strbuf_append_text(&yaml, "id: t\nnodes:\n");
    for (int i = 0; i < 9; i++) {
        strbuf_append_format(&yaml, "  - {id: n%d, type: set, config: {x: 1}}\n", i);
    }
    strbuf_append_text(&yaml, "  - {id: z, type: set, config: {x: 1}, depends_on: "
                              "[n0, n1, n2, n3, n4, n5, n6, n7, n8]}\n");
    pipeline_fixture_init(&fixture, yaml.p);
    plan_text_append(fixture.pipeline, false, &out);
    assert_true(str_ends_with(strbuf_str(&out),
                              STR("  z   set  after n0, n1, n2, n3, n4, n5 and 3 more\n")));
    strbuf_finish(&yaml);
    strbuf_finish(&out);
    pipeline_fixture_finish(&fixture);
}

static void test_plan_text__nothing_steers_the_terminal(void **state)
{
    (void)state;
    struct pipeline_fixture fixture;
    struct strbuf out = STRBUF_INIT;
    pipeline_fixture_init(&fixture,
                          "id: t\nname: \"\\e[2J\\u202E\"\nnodes:\n"
                          "  - {id: \"a\\u202A\", type: set, config: {x: 1}}\n"
                          "  - {id: b, type: set, config: {x: 1}, depends_on: [\"a\\u202A\"],"
                          " when: \"input.x == '\\u202E'\"}\n");
    plan_text_append(fixture.pipeline, true, &out);
    assert_string_equal(strbuf_str(&out).p,
                        "\033[1m\\x1b[2J\\u202e\033[0m: 2 nodes in 2 steps\n"
                        "\n\033[1mstep 1\033[0m\n  a\\u202a  set\n"
                        "\n\033[1mstep 2\033[0m\n"
                        "  b        set  after a\\u202a; skipped unless input.x == '\\u202e'\n");
    strbuf_finish(&out);
    pipeline_fixture_finish(&fixture);
}

static void test_plan_text__json_has_every_field(void **state)
{
    (void)state;
    struct pipeline_fixture fixture;
    struct strbuf out = STRBUF_INIT;
    cleanup_document struct document *plan = NULL;
    pipeline_fixture_init(&fixture, pipeline_yaml);
    assert_int_equal(plan_build(fixture.pipeline, &plan, NULL), 0);
    json_write(document_root(plan), JSON_COMPACT, &out);
    assert_string_equal(
        strbuf_str(&out).p,
        "{\"workflow\":\"t\",\"version\":\"2.0\",\"node_count\":5,\"steps\":["
        "[{\"id\":\"fetch\",\"type\":\"http\",\"after\":[],\"when\":null,\"join\":\"default\","
        "\"timeout_seconds\":30.0,\"on_error\":\"fail\"},"
        "{\"id\":\"short\",\"type\":\"set\",\"after\":[],\"when\":null,\"join\":\"default\","
        "\"timeout_seconds\":null,\"on_error\":\"fail\"}],"
        "[{\"id\":\"route\",\"type\":\"router\",\"after\":[{\"node\":\"fetch\",\"outcome\":"
        "\"success\",\"when\":null}],\"when\":null,\"join\":\"default\",\"timeout_seconds\":null,"
        "\"on_error\":\"fail\"}],"
        "[{\"id\":\"fix\",\"type\":\"set\",\"after\":[{\"node\":\"route\",\"outcome\":\"bug\","
        "\"when\":null}],\"when\":\"input.y > 1\",\"join\":\"default\",\"timeout_seconds\":null,"
        "\"on_error\":\"continue\"}],"
        "[{\"id\":\"meet\",\"type\":\"set\",\"after\":[{\"node\":\"route\",\"outcome\":\"rest\","
        "\"when\":\"input.z\"},{\"node\":\"fix\",\"outcome\":\"success\",\"when\":null}],"
        "\"when\":null,\"join\":\"any\",\"timeout_seconds\":null,\"on_error\":\"fail\"}]]}");
    strbuf_finish(&out);
    pipeline_fixture_finish(&fixture);
}

static void test_plan_text__json_without_a_version_is_null(void **state)
{
    (void)state;
    struct pipeline_fixture fixture;
    cleanup_document struct document *plan = NULL;
    pipeline_fixture_init(&fixture, "id: t\nnodes: [{id: a, type: set, config: {x: 1}}]\n");
    assert_int_equal(plan_build(fixture.pipeline, &plan, NULL), 0);
    assert_true(value_is(value_get(document_root(plan), STR("version")), VALUE_NULL));
    pipeline_fixture_finish(&fixture);
}

static void test_plan_text__ten_thousand_steps_are_fast(void **state)
{
    (void)state;
    struct pipeline_fixture fixture;
    struct strbuf yaml = STRBUF_INIT;
    struct strbuf out = STRBUF_INIT;
    strbuf_append_text(&yaml, "id: deep\nnodes:\n");
    for (int i = 0; i < 10000; i++) {
        strbuf_append_format(&yaml, "  - {id: n%d, type: passthrough", i);
        strbuf_append_format(&yaml, i > 0 ? ", depends_on: [n%d]}\n" : "}\n", i - 1);
    }
    pipeline_fixture_init(&fixture, yaml.p);
    int64_t started = clock_monotonic_ns();
    plan_text_append(fixture.pipeline, false, &out);
    assert_true(clock_monotonic_ns() - started < 1000000000);
    assert_true(str_ends_with(strbuf_str(&out), STR("\nstep 10000\n  n9999  passthrough  after "
                                                    "n9998\n")));
    strbuf_finish(&out);
    strbuf_finish(&yaml);
    pipeline_fixture_finish(&fixture);
}

static void test_plan_text__each_allocation_may_fail(void **state)
{
    (void)state;
    struct pipeline_fixture fixture;
    pipeline_fixture_init(&fixture, pipeline_yaml);
    bool is_reached = true;
    for (long n = 0; is_reached; n++) {
        struct document *plan = NULL;
        failing_alloc_arm(n);
        int status = plan_build(fixture.pipeline, &plan, NULL);
        is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        document_unref(plan);
    }
    is_reached = true;
    struct str end = STR("after route (rest) if input.z, fix; needs any of them\n");
    for (long n = 0; is_reached; n++) {
        struct strbuf out = STRBUF_INIT;
        failing_alloc_arm(n);
        plan_text_append(fixture.pipeline, true, &out);
        is_reached = failing_alloc_disarm();
        /* Measuring columns is no reason to fail. */
        assert_true(strbuf_status(&out) == 0 || is_reached);
        assert_true(strbuf_status(&out) != 0 || str_ends_with(strbuf_str(&out), end));
        strbuf_finish(&out);
    }
    pipeline_fixture_finish(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_text__tells_steps_and_conditions),
        cmocka_unit_test(test_plan_text__one_node_is_no_plural),
        cmocka_unit_test(test_plan_text__many_sources_are_cut),
        cmocka_unit_test(test_plan_text__nothing_steers_the_terminal),
        cmocka_unit_test(test_plan_text__json_has_every_field),
        cmocka_unit_test(test_plan_text__json_without_a_version_is_null),
        cmocka_unit_test(test_plan_text__ten_thousand_steps_are_fast),
        cmocka_unit_test(test_plan_text__each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
