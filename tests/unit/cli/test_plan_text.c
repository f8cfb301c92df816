/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/cli/command.h"
#include "core/cli/plan_text.h"
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

/* All that a plan can say of bodies. */
static const char bodies_yaml[] =
    "workflows:\n"
    "  bodies:\n"
    "    name: All bodies\n"
    "    rollback: true\n"
    "    error_policy: continue\n"
    "    timeout: 30m\n"
    "    nodes:\n"
    "      - {id: rows, type: emit}\n"
    "      - id: each\n"
    "        for_each: rows.stream\n"
    "        as: row\n"
    "        max_failures: 10%\n"
    "        nodes:\n"
    "          - {id: look, type: set, config: {x: 1}}\n"
    "          - {id: call, type: workflow, depends_on: [look], config: {workflow: article}, "
    "compensate: {type: http, config: {url: x}}}\n"
    "      - {id: ready, type: conditional, depends_on: [each], config: {condition: "
    "each.counts.failed == 0, true_edge: poll, false_edge: postponed}}\n"
    "      - {id: poll, type: set, config: {x: 1}, milestone: true, risk: critical, repeat: "
    "{until: "
    "poll.output.x == 1, max_iterations: 5}}\n"
    "      - {id: nap, type: wait, depends_on: [poll], config: {event: go, match: "
    "signal.data.ok}}\n"
    "    on_failure: [{id: tell, type: set}, {id: mend, type: http, config: {url: x}}]\n"
    "    finally: [{id: clean, type: set, max_concurrency: 2}]\n"
    "  article:\n"
    "    initial_state: draft\n"
    "    states:\n"
    "      draft: {type: http, config: {url: x}, transitions: {success: review, error: lost}}\n"
    "      review: {transitions: {approve: [{when: draft.output.status == 1, to: done}, "
    "{to: lost}], reject: draft}}\n"
    "      done: {}\n"
    "      lost: {result: failed}\n";

/* The plan is `expected`. */
static void assert_plan(const char *yaml, size_t columns, const char *expected)
{
    struct pipeline_fixture fixture;
    struct strbuf out = STRBUF_INIT;
    pipeline_fixture_init(&fixture, yaml);
    plan_text_append(fixture.pipeline, (struct plan_style){.columns = columns}, &out);
    assert_string_equal(strbuf_str(&out).p, expected);
    strbuf_finish(&out);
    pipeline_fixture_finish(&fixture);
}

static void test_plan_text__tells_steps_and_conditions(void **state)
{
    (void)state;
    assert_plan(
        pipeline_yaml, 100,
        "A plan 2.0 (t)\n"
        "5 nodes in 4 steps, those of a step in parallel; at most 4 nodes at once; risk: 5 low\n"
        "\n"
        "STEP  NODE   TYPE    RISK  NOTES\n"
        "1     fetch  http    low   at most 30.0 s\n"
        "1     short  set     low\n"
        "2     route  router  low   after fetch; bug if input.x == 1; else rest\n"
        "3     fix    set     low   may not run: only after route (bug); skipped unless input.y > "
        "1;\n"
        "                           goes on after a failure\n"
        "4     meet   set     low   may not run: only after route (rest if input.z) or fix\n");
}

static void test_plan_text__tells_all_bodies(void **state)
{
    (void)state;
    assert_plan(
        bodies_yaml, 100,
        "All bodies (bodies)\n"
        "5 nodes in 4 steps, those of a step in parallel; 2 more inside them; 3 at the end;\n"
        "at most 30 min 00 s in all; goes on after failures; undone when it fails or is "
        "cancelled;\n"
        "risk: 1 critical, 1 high, 8 low\n"
        "\n"
        "STEP  NODE    TYPE              RISK      NOTES\n"
        "1     rows    emit              high      goes on after a failure\n"
        "1     each    loop              low       starts with the first item of rows;\n"
        "                                          for each row in rows.stream, batches of 100; 10 "
        "at once;\n"
        "                                          at most 100000 items; up to 10% may fail;\n"
        "                                          goes on after a failure\n"
        "1.1     look  set               low       goes on after a failure\n"
        "1.2     call  workflow article  low       after look; goes on after a failure;\n"
        "                                          undone by http (risk: low)\n"
        "2     ready   conditional       low       after each; true if each.counts.failed == 0;\n"
        "                                          false ends as 'postponed'; goes on after a "
        "failure\n"
        "3     poll    set               critical  may not run: only after ready (true);\n"
        "                                          again until poll.output.x == 1, at most 5 "
        "times;\n"
        "                                          goes on after a failure; a milestone\n"
        "4     nap     wait              low       may not run: only after poll;\n"
        "                                          waits for the event go if signal.data.ok;\n"
        "                                          goes on after a failure\n"
        "\n"
        "on failure\n"
        "1     tell    set               low       at most 10 min 00 s; goes on after a failure\n"
        "2     mend    http              low       after tell; at most 10 min 00 s; goes on after "
        "a failure\n"
        "\n"
        "finally\n"
        "1     clean   set               low       at most 10 min 00 s; 2 at once in all runs;\n"
        "                                          goes on after a failure\n"
        "\n"
        "workflow article\n"
        "4 states, one at a time, at most 1000 transitions; risk: 4 low\n"
        "\n"
        "STEP  NODE    TYPE  RISK  NOTES\n"
        "      draft   http  low   begins here; success -> review; error -> lost\n"
        "      review  idle  low   waits for an event; approve if draft.output.status == 1 -> "
        "done;\n"
        "                          approve -> lost; reject -> draft\n"
        "      done    idle  low   the run ends here\n"
        "      lost    idle  low   the run ends here, as failed\n");
}

static void test_plan_text__narrow_terminals_get_notes_below(void **state)
{
    (void)state;
    assert_plan(pipeline_yaml, 50,
                "A plan 2.0 (t)\n"
                "5 nodes in 4 steps, those of a step in parallel;\n"
                "at most 4 nodes at once; risk: 5 low\n"
                "\n"
                "STEP  NODE   TYPE    RISK  NOTES\n"
                "1     fetch  http    low\n"
                "      at most 30.0 s\n"
                "1     short  set     low\n"
                "2     route  router  low\n"
                "      after fetch; bug if input.x == 1; else rest\n"
                "3     fix    set     low\n"
                "      may not run: only after route (bug);\n"
                "      skipped unless input.y > 1;\n"
                "      goes on after a failure\n"
                "4     meet   set     low\n"
                "      may not run: only after route (rest if\n"
                "      input.z) or fix\n");
}

static void test_plan_text__tells_how_children_run(void **state)
{
    (void)state;
    assert_plan(
        "id: t\nnodes:\n"
        "  - {id: a, type: workflow, config: {workflow: \"{{ input.which }}\", wait: false}}\n",
        80,
        "t\n"
        "1 node in 1 step; risk: 1 low\n"
        "\n"
        "STEP  NODE  TYPE      RISK  NOTES\n"
        "1     a     workflow  low   runs the pipeline {{ input.which }};\n"
        "                            does not wait for its end\n");
}

static const char policies_yaml[] =
    "id: t\n"
    "nodes:\n"
    "  - {id: a, type: emit, retry: {max_attempts: 5, initial_interval: 10ms, on: [TIMEOUT, "
    "'503']}}\n"
    "  - {id: b, type: emit, retry: off, circuit_breaker: {failure_threshold: 1, reset_timeout: "
    "10s,"
    " failure_rate: 50%, slow_call: 2s}, on_open: fail}\n"
    "  - {id: c, type: emit, circuit_breaker: off}\n"
    "  - {id: d, type: emit, retry: {max_attempts: 0, deadline: 1h}}\n"
    "  - {id: e, type: emit}\n"
    "  - {id: f, type: set, config: {x: 1}}\n"
    "  - {id: g, type: emit, on_open: queue, circuit_breaker: {}}\n"
    "  - {id: h, type: emit, on_open: {queue: {priority: low}}, circuit_breaker: {}}\n";

static void test_plan_text__tells_policies_that_are_asked_for(void **state)
{
    (void)state;
    assert_plan(policies_yaml, 200,
                "t\n"
                "8 nodes in 1 step, those of a step in parallel; risk: 7 high, 1 low\n\n"
                "STEP  NODE  TYPE  RISK  NOTES\n"
                "1     a     emit  high  5 attempts, the second after 10 ms, within 1 d 00 h, on "
                "TIMEOUT or 503\n"
                "1     b     emit  high  one attempt; breaker opens for 10.0 s after 1 failure or "
                "50 % in 1 min 00 s, slower than 2.00 s is one; fails while it is open\n"
                "1     c     emit  high  no breaker\n"
                "1     d     emit  high  attempts without limit, the second after 1.00 s, within "
                "1 h 00 min\n"
                "1     e     emit  high\n"
                "1     f     set   low\n"
                "1     g     emit  high  breaker opens for 1 min 00 s after 5 failures; its call "
                "is queued while it is open\n"
                "1     h     emit  high  breaker opens for 1 min 00 s after 5 failures; its call "
                "is queued while it is open, with low priority\n");
}

static void test_plan_text__tells_all_policies_when_asked_to(void **state)
{
    (void)state;
    struct pipeline_fixture fixture;
    struct strbuf out = STRBUF_INIT;
    pipeline_fixture_init(&fixture, policies_yaml);
    plan_text_append(fixture.pipeline, (struct plan_style){.columns = 200, .detail = PLAN_ALL},
                     &out);
    assert_non_null(
        strstr(strbuf_str(&out).p,
               "e     emit  high  3 attempts, the second after 1.00 s, within 1 d 00 h\n"));
    assert_non_null(strstr(strbuf_str(&out).p, "f     set   low\n"));
    strbuf_finish(&out);
    pipeline_fixture_finish(&fixture);
}

static void test_plan_text__expressions_of_several_lines_are_wrapped(void **state)
{
    (void)state;
    assert_plan("id: t\nnodes:\n"
                "  - id: sum\n"
                "    for_each: [1, 2]\n"
                "    collect:\n"
                "      init: {n: 0}\n"
                "      reduce: |\n"
                "        {\n"
                "          'n': acc.n +\n"
                "            item.x\n"
                "        }\n"
                "    nodes: [{id: a, type: set, config: {x: 1}}]\n"
                "    output: {x: \"{{ a.x }}\"}\n",
                80,
                "t\n"
                "1 node in 1 step; 1 more inside them; risk: 2 low\n"
                "\n"
                "STEP  NODE  TYPE  RISK  NOTES\n"
                "1     sum   loop  low   for each item in 2 items, batches of 100; 10 at once;\n"
                "                        at most 100000 items; "
                "reduces by { 'n': acc.n + item.x }\n"
                "1.1     a   set   low\n");
}

static void test_plan_text__one_node_is_no_plural(void **state)
{
    (void)state;
    assert_plan("id: t\nnodes: [{id: a, type: set, config: {x: 1}}]\n", 80,
                "t\n"
                "1 node in 1 step; risk: 1 low\n"
                "\n"
                "STEP  NODE  TYPE  RISK  NOTES\n"
                "1     a     set   low\n");
}

static void test_plan_text__long_names_move_the_rest_down(void **state)
{
    (void)state;
    assert_plan("id: t\nnodes:\n"
                "  - {id: a_name_that_is_longer_than_any_column_should_be, type: set}\n"
                "  - {id: b, type: set, depends_on: "
                "[a_name_that_is_longer_than_any_column_should_be]}\n",
                80,
                "t\n"
                "2 nodes in 2 steps; risk: 2 low\n"
                "\n"
                "STEP  NODE  TYPE  RISK  NOTES\n"
                "1     a_name_that_is_longer_than_any_column_should_be\n"
                "            set   low\n"
                "2     b     set   low   after a_name_that_is_longer_than_any_column_should_be\n");
}

static void test_plan_text__many_sources_are_cut(void **state)
{
    (void)state;
    struct strbuf yaml = STRBUF_INIT;
    struct pipeline_fixture fixture;
    struct strbuf out = STRBUF_INIT;
    strbuf_append_text(&yaml, "id: t\nnodes:\n");
    for (int i = 0; i < 9; i++) {
        strbuf_append_format(&yaml, "  - {id: n%d, type: set, config: {x: 1}}\n", i);
    }
    strbuf_append_text(&yaml, "  - {id: z, type: set, config: {x: 1}, depends_on: "
                              "[n0, n1, n2, n3, n4, n5, n6, n7, n8]}\n");
    pipeline_fixture_init(&fixture, yaml.p);
    plan_text_append(fixture.pipeline, (struct plan_style){.columns = 80}, &out);
    assert_true(str_ends_with(strbuf_str(&out),
                              STR("z     set   low   after n0, n1, n2, n3, n4, n5 and 3 more\n")));
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
                          "  - {id: \"a\\u202A\", type: set, config: {x: 1}, risk: critical}\n"
                          "  - {id: b, type: set, config: {x: 1}, depends_on: [\"a\\u202A\"],"
                          " when: \"input.x == '\\u202E'\"}\n");
    plan_text_append(fixture.pipeline, (struct plan_style){.is_colored = true, .columns = 80},
                     &out);
    assert_string_equal(
        strbuf_str(&out).p,
        "\033[1m\\x1b[2J\\u202e\033[0m (t)\n"
        "2 nodes in 2 steps; risk: 1 critical, 1 low\n"
        "\n"
        "\033[1mSTEP  NODE     TYPE  RISK      NOTES\033[0m\n"
        "1     a\\u202a  set   \033[31mcritical\033[0m\n"
        "2     b        set   low       after a\\u202a; skipped unless input.x == '\\u202e'\n");
    strbuf_finish(&out);
    pipeline_fixture_finish(&fixture);
}

static void test_plan_text__ten_thousand_steps_are_planned(void **state)
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
    plan_text_append(fixture.pipeline, (struct plan_style){.columns = 80}, &out);
    assert_true(
        str_ends_with(strbuf_str(&out), STR("\n10000  n9999  passthrough  low   after n9998\n")));
    strbuf_finish(&out);
    strbuf_finish(&yaml);
    pipeline_fixture_finish(&fixture);
}

static void test_plan_text__each_allocation_may_fail(void **state)
{
    (void)state;
    struct pipeline_fixture fixture;
    pipeline_fixture_init(&fixture, bodies_yaml);
    bool is_reached = true;
    struct str end = STR("the run ends here, as failed\n");
    for (long n = 0; is_reached; n++) {
        struct strbuf out = STRBUF_INIT;
        failing_alloc_arm(n);
        plan_text_append(fixture.pipeline, (struct plan_style){.columns = 80}, &out);
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
        cmocka_unit_test(test_plan_text__tells_all_bodies),
        cmocka_unit_test(test_plan_text__narrow_terminals_get_notes_below),
        cmocka_unit_test(test_plan_text__tells_how_children_run),
        cmocka_unit_test(test_plan_text__tells_policies_that_are_asked_for),
        cmocka_unit_test(test_plan_text__tells_all_policies_when_asked_to),
        cmocka_unit_test(test_plan_text__expressions_of_several_lines_are_wrapped),
        cmocka_unit_test(test_plan_text__one_node_is_no_plural),
        cmocka_unit_test(test_plan_text__long_names_move_the_rest_down),
        cmocka_unit_test(test_plan_text__many_sources_are_cut),
        cmocka_unit_test(test_plan_text__nothing_steers_the_terminal),
        cmocka_unit_test(test_plan_text__ten_thousand_steps_are_planned),
        cmocka_unit_test(test_plan_text__each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
