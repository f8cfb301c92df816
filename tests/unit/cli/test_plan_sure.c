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
#include "core/cli/plan_sure.h"
#include "core/model/pipeline.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/cli/pipeline_fixture.h"

const struct command *const command_table[] = {NULL};

#define NODE(id) "  - {id: " id ", type: set}\n"
#define ROUTER(id)                                                                                 \
    "  - {id: " id                                                                                 \
    ", type: router, config: {routes: [{name: x, when: input.a == 1}], default: y}}"               \
    "\n"
#define EDGE(source, target) "  - {source: " source ", target: " target "}\n"
#define WAY(source, target, outcome)                                                               \
    "  - {source: " source ", target: " target ", outcome: " outcome "}\n"

/* The unsure nodes of the pipeline, their ids with a space behind each. */
static void assert_unsure(const char *yaml, const char *expected)
{
    struct pipeline_fixture fixture;
    struct strbuf ids = STRBUF_INIT;
    bool *is_sure = NULL;
    pipeline_fixture_init(&fixture, yaml);
    assert_int_equal(plan_sure_find(fixture.pipeline, &is_sure), 0);
    for (uint32_t i = 0; i < fixture.pipeline->node_count; i++) {
        if (!is_sure[i]) {
            strbuf_append_str(&ids, fixture.pipeline->nodes[i].id);
            strbuf_append_char(&ids, ' ');
        }
    }
    assert_string_equal(strbuf_str(&ids).p, expected);
    strbuf_finish(&ids);
    free(is_sure);
    pipeline_fixture_finish(&fixture);
}

static void test_plan_sure__plain_edges_are_taken(void **state)
{
    (void)state;
    assert_unsure("id: t\nnodes:\n" NODE("a") NODE("b") NODE("c") "edges:\n" EDGE("a", "b")
                      EDGE("b", "c"),
                  "");
}

static void test_plan_sure__errors_and_conditions_are_not(void **state)
{
    (void)state;
    assert_unsure(
        "id: t\nnodes:\n" NODE("a") NODE("b") NODE("c") NODE("d") "edges:\n" WAY(
            "a", "b", "error") "  - {source: a, target: c, when: input.x == 1}\n" EDGE("c", "d"),
        "b c d ");
}

static void test_plan_sure__a_skipped_node_is_no_obstacle(void **state)
{
    (void)state;
    assert_unsure(
        "id: t\nnodes:\n"
        "  - {id: a, type: set, when: input.x == 1}\n" NODE("b") "edges:\n" EDGE("a", "b"),
        "");
}

static void test_plan_sure__ways_of_a_router_meet(void **state)
{
    (void)state;
    assert_unsure("id: t\nnodes:\n" ROUTER("r") NODE("a") NODE("b") NODE("m")
                      NODE("n") "edges:\n" WAY("r", "a", "x") WAY("r", "b", "y") EDGE("a", "m")
                          EDGE("b", "m") EDGE("m", "n"),
                  "a b ");
}

static void test_plan_sure__one_way_missing_keeps_a_meeting_unsure(void **state)
{
    (void)state;
    assert_unsure("id: t\nnodes:\n"
                  "  - {id: r, type: router, config: {routes: [{name: x, when: input.a == 1}, "
                  "{name: z, when: input.a == 2}], default: y}}\n" NODE("a") NODE("b")
                      NODE("m") "edges:\n" WAY("r", "a", "x") WAY("r", "b", "y") EDGE("a", "m")
                          EDGE("b", "m"),
                  "a b m ");
}

static void test_plan_sure__a_meeting_that_needs_all_is_unsure(void **state)
{
    (void)state;
    assert_unsure("id: t\nnodes:\n" ROUTER("r") NODE("a")
                      NODE("b") "  - {id: m, type: set, join: all}\n"
                                "edges:\n" WAY("r", "a", "x") WAY("r", "b", "y") EDGE("a", "m")
                                    EDGE("b", "m"),
                  "a b m ");
}

static void test_plan_sure__a_router_that_may_be_skipped_takes_no_way(void **state)
{
    (void)state;
    assert_unsure("id: t\nnodes:\n"
                  "  - {id: c, type: conditional, when: input.x == 1,"
                  " config: {condition: input.y == 1}}\n" NODE("a") NODE("b") NODE("m")
                      NODE("p") "edges:\n" WAY("c", "a", "true") WAY("c", "b", "false")
                          EDGE("a", "m") EDGE("b", "m") EDGE("c", "p"),
                  "a b m ");
}

static void test_plan_sure__routers_in_ways_of_routers_meet(void **state)
{
    (void)state;
    assert_unsure("id: t\nnodes:\n" ROUTER("r") ROUTER("q") NODE("a") NODE("b") NODE("c")
                      NODE("m") "edges:\n" WAY("r", "q", "x") WAY("r", "c", "y") WAY("q", "a", "x")
                          WAY("q", "b", "y") EDGE("a", "m") EDGE("b", "m") EDGE("c", "m"),
                  "q a b c ");
}

static void test_plan_sure__bodies_are_asked_by_themselves(void **state)
{
    (void)state;
    assert_unsure(
        "id: t\nnodes:\n" ROUTER("r") "  - {id: l, for_each: [1], nodes: [{id: i, type: set}]}\n"
                                      "edges:\n" WAY("r", "l", "x") "finally:\n" NODE("f"),
        "l ");
}

static void test_plan_sure__readers_of_a_stream_run_when_it_does(void **state)
{
    (void)state;
    assert_unsure("id: t\nnodes:\n" ROUTER(
                      "r") "  - {id: e, type: emit}\n"
                           "  - {id: l, for_each: e.stream, nodes: [{id: i, type: set}]}\n"
                           "  - {id: f, type: emit}\n"
                           "  - {id: k, for_each: f.stream, nodes: [{id: j, type: set}]}\n"
                           "edges:\n" WAY("r", "e", "x"),
                  "e l ");
}

static void test_plan_sure__states_are_sure(void **state)
{
    (void)state;
    assert_unsure("id: t\ninitial_state: a\nstates: {a: {transitions: {go: b}}, b: {}}\n", "");
}

/* 2,000 routers, one behind the other, whose ways meet each time. */
static void test_plan_sure__thousands_of_routers_are_no_problem(void **state)
{
    (void)state;
    struct pipeline_fixture fixture;
    struct strbuf yaml = STRBUF_INIT;
    bool *is_sure = NULL;
    strbuf_append_text(&yaml, "id: t\nnodes:\n");
    for (int i = 0; i < 2000; i++) {
        strbuf_append_format(&yaml,
                             "  - {id: r%d, type: conditional, config: {condition: "
                             "input.a == 1, true_edge: a%d, false_edge: b%d}",
                             i, i, i);
        if (i > 0) {
            strbuf_append_format(&yaml, ", depends_on: [a%d, b%d]", i - 1, i - 1);
        }
        strbuf_append_format(&yaml, "}\n  - {id: a%d, type: set}\n  - {id: b%d, type: set}\n", i,
                             i);
    }
    pipeline_fixture_init(&fixture, yaml.p);
    assert_int_equal(plan_sure_find(fixture.pipeline, &is_sure), 0);
    assert_true(is_sure[fixture.pipeline->node_count - 3]);
    assert_false(is_sure[fixture.pipeline->node_count - 2]);
    free(is_sure);
    strbuf_finish(&yaml);
    pipeline_fixture_finish(&fixture);
}

static void test_plan_sure__each_allocation_may_fail(void **state)
{
    (void)state;
    struct pipeline_fixture fixture;
    bool is_reached = true;
    pipeline_fixture_init(&fixture, "id: t\nnodes:\n" ROUTER("r") NODE("a") NODE("b")
                                        NODE("m") "edges:\n" WAY("r", "a", "x") WAY("r", "b", "y")
                                            EDGE("a", "m") EDGE("b", "m"));
    for (long n = 0; is_reached; n++) {
        bool *is_sure = NULL;
        failing_alloc_arm(n);
        int status = plan_sure_find(fixture.pipeline, &is_sure);
        is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        assert_true((is_sure != NULL) == (status == 0));
        free(is_sure);
    }
    pipeline_fixture_finish(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_sure__plain_edges_are_taken),
        cmocka_unit_test(test_plan_sure__errors_and_conditions_are_not),
        cmocka_unit_test(test_plan_sure__a_skipped_node_is_no_obstacle),
        cmocka_unit_test(test_plan_sure__ways_of_a_router_meet),
        cmocka_unit_test(test_plan_sure__one_way_missing_keeps_a_meeting_unsure),
        cmocka_unit_test(test_plan_sure__a_meeting_that_needs_all_is_unsure),
        cmocka_unit_test(test_plan_sure__a_router_that_may_be_skipped_takes_no_way),
        cmocka_unit_test(test_plan_sure__routers_in_ways_of_routers_meet),
        cmocka_unit_test(test_plan_sure__bodies_are_asked_by_themselves),
        cmocka_unit_test(test_plan_sure__readers_of_a_stream_run_when_it_does),
        cmocka_unit_test(test_plan_sure__states_are_sure),
        cmocka_unit_test(test_plan_sure__thousands_of_routers_are_no_problem),
        cmocka_unit_test(test_plan_sure__each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
