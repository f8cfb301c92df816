/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/cli/command.h"
#include "core/cli/graph_text.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/cli/pipeline_fixture.h"

const struct command *const command_table[] = {NULL};

typedef void (*append_cb)(const struct pipeline *pipeline, struct strbuf *out);

static void append_tree(const struct pipeline *pipeline, struct strbuf *out)
{
    graph_text_append_tree(pipeline, false, out);
}

static void check(const char *yaml, append_cb append, const char *wanted)
{
    struct pipeline_fixture fixture;
    struct strbuf out = STRBUF_INIT;
    pipeline_fixture_init(&fixture, yaml);
    append(fixture.pipeline, &out);
    assert_string_equal(strbuf_str(&out).p, wanted);
    strbuf_finish(&out);
    pipeline_fixture_finish(&fixture);
}

/* A conditional with a named end, an error edge, and ways that meet again. */
static const char branching[] =
    "id: t\n"
    "nodes:\n"
    "  - {id: begin, type: start}\n"
    "  - {id: ask, type: conditional, depends_on: [begin],\n"
    "     config: {condition: input.x == 1, true_edge: yes_path, false_edge: finished}}\n"
    "  - {id: yes_path, type: http, config: {url: 'http://a/'}}\n"
    "  - {id: other, type: set, depends_on: [begin], config: {a: 1}}\n"
    "  - {id: mend, type: set, config: {b: 1}}\n"
    "  - {id: last, type: passthrough, depends_on: [yes_path, other]}\n"
    "edges:\n"
    "  - {source: yes_path, target: mend, outcome: error}\n";

static void test_graph_text__tree_shows_each_node_once(void **state)
{
    (void)state;
    check(branching, append_tree,
          "begin (start)\n"
          "├─ ask (conditional), [false] ends as 'finished'\n"
          "│  └─ [true] yes_path (http)\n"
          "│     ├─ last (passthrough), also after other\n"
          "│     └─ [error] mend (set)\n"
          "└─ other (set)\n");
}

static void test_graph_text__tree_has_a_root_for_each_beginning(void **state)
{
    (void)state;
    check("id: t\nnodes:\n"
          "  - {id: a, type: set, config: {x: 1}}\n"
          "  - {id: b, type: set, config: {x: 1}}\n",
          append_tree, "a (set)\nb (set)\n");
}

static void test_graph_text__mermaid_has_shapes_and_outcomes(void **state)
{
    (void)state;
    check(branching, graph_text_append_mermaid,
          "graph TD\n"
          "    n0([\"begin<br/>start\"])\n"
          "    n1{\"ask<br/>conditional\"}\n"
          "    n2[\"yes_path<br/>http\"]\n"
          "    n3[\"other<br/>set\"]\n"
          "    n4[\"mend<br/>set\"]\n"
          "    n5[\"last<br/>passthrough\"]\n"
          "    n0 --> n1\n"
          "    n0 --> n3\n"
          "    n1 -->|\"true\"| n2\n"
          "    n2 --> n5\n"
          "    n2 -->|\"error\"| n4\n"
          "    n3 --> n5\n"
          "    e0([\"finished\"])\n"
          "    n1 -->|\"false\"| e0\n");
}

static void test_graph_text__dot_has_shapes_and_outcomes(void **state)
{
    (void)state;
    check(branching, graph_text_append_dot,
          "digraph \"t\" {\n"
          "    node [shape=box, fontname=\"sans-serif\"];\n"
          "    n0 [shape=ellipse, tooltip=\"start\", label=\"begin\"];\n"
          "    n1 [shape=diamond, tooltip=\"conditional\", label=\"ask\"];\n"
          "    n2 [shape=box, tooltip=\"http\", label=\"yes_path\"];\n"
          "    n3 [shape=box, tooltip=\"set\", label=\"other\"];\n"
          "    n4 [shape=box, tooltip=\"set\", label=\"mend\"];\n"
          "    n5 [shape=box, tooltip=\"passthrough\", label=\"last\"];\n"
          "    n0 -> n1;\n"
          "    n0 -> n3;\n"
          "    n1 -> n2 [label=\"true\"];\n"
          "    n2 -> n5;\n"
          "    n2 -> n4 [label=\"error\"];\n"
          "    n3 -> n5;\n"
          "    e0 [shape=plaintext, label=\"finished\"];\n"
          "    n1 -> e0 [label=\"false\"];\n"
          "}\n");
}

/* Names that would end a string, start markup or a directive, or steer a terminal. */
static const char hostile[] = "id: t\n"
                              "nodes:\n"
                              "  - {id: \"a\\\"];evil[\\\"\", type: set, config: {x: 1}}\n"
                              "  - {id: \"<b>&amp;#96;`\\\\N\", type: set, config: {x: 1}}\n"
                              "  - {id: \"%%{init: {}}%%\", type: set, config: {x: 1}}\n"
                              "  - {id: \"[2J\\u202Ex\", type: set, config: {x: 1}}\n";

static void test_graph_text__hostile_ids_stay_text(void **state)
{
    (void)state;
    check(hostile, append_tree,
          "a\"];evil[\" (set)\n"
          "<b>&amp;#96;`\\N (set)\n"
          "%%{init: {}}%% (set)\n"
          "[2J\\u202ex (set)\n");
    check(hostile, graph_text_append_mermaid,
          "graph TD\n"
          "    n0[\"a#34;];evil[#34;<br/>set\"]\n"
          "    n1[\"#60;b#62;#38;amp;#35;96;#96;#92;N<br/>set\"]\n"
          "    n2[\"#37;#37;{init: {}}#37;#37;<br/>set\"]\n"
          "    n3[\"[2J#92;u202ex<br/>set\"]\n");
    check(hostile, graph_text_append_dot,
          "digraph \"t\" {\n"
          "    node [shape=box, fontname=\"sans-serif\"];\n"
          "    n0 [shape=box, tooltip=\"set\", label=\"a\\\"];evil[\\\"\"];\n"
          "    n1 [shape=box, tooltip=\"set\", label=\"<b>&amp;#96;`\\\\N\"];\n"
          "    n2 [shape=box, tooltip=\"set\", label=\"%%{init: {}}%%\"];\n"
          "    n3 [shape=box, tooltip=\"set\", label=\"[2J\\\\u202ex\"];\n"
          "}\n");
}

static char *deep_yaml(unsigned count)
{
    struct strbuf yaml = STRBUF_INIT;
    strbuf_append_text(&yaml, "id: deep\nnodes:\n");
    for (unsigned i = 0; i < count; i++) {
        strbuf_append_format(&yaml, "  - {id: n%u, type: passthrough", i);
        strbuf_append_format(&yaml, i > 0 ? ", depends_on: [n%u]}\n" : "}\n", i - 1);
    }
    return strbuf_take(&yaml);
}

static void test_graph_text__a_deep_chain_stays_small_and_fast(void **state)
{
    (void)state;
    enum { COUNT = 10000 };
    struct pipeline_fixture fixture;
    struct strbuf out = STRBUF_INIT;
    char *yaml = deep_yaml(COUNT);
    pipeline_fixture_init(&fixture, yaml);
    int64_t started = clock_monotonic_ns();
    append_tree(fixture.pipeline, &out);
    assert_true(clock_monotonic_ns() - started < 1000000000);
    assert_true(out.n < COUNT * 160u);
    assert_true(str_starts_with(strbuf_str(&out), STR("n0 (passthrough)\n"
                                                      "└─ n1 (passthrough)\n"
                                                      "   └─ n2 (passthrough)\n")));
    assert_true(str_ends_with(strbuf_str(&out), STR("└─ n9999 (passthrough)\n")));
    strbuf_clear(&out);
    graph_text_append_mermaid(fixture.pipeline, &out);
    assert_true(str_ends_with(strbuf_str(&out), STR("    n9998 --> n9999\n")));
    strbuf_finish(&out);
    pipeline_fixture_finish(&fixture);
    free(yaml);
}

static void test_graph_text__each_allocation_may_fail(void **state)
{
    (void)state;
    static const append_cb forms[] = {append_tree, graph_text_append_mermaid,
                                      graph_text_append_dot};
    struct pipeline_fixture fixture;
    pipeline_fixture_init(&fixture, branching);
    for (size_t form = 0; form < 3; form++) {
        bool is_reached = true;
        for (long n = 0; is_reached; n++) {
            struct strbuf out = STRBUF_INIT;
            failing_alloc_arm(n);
            forms[form](fixture.pipeline, &out);
            is_reached = failing_alloc_disarm();
            assert_int_equal(strbuf_status(&out) != 0, is_reached);
            strbuf_finish(&out);
        }
    }
    pipeline_fixture_finish(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_graph_text__tree_shows_each_node_once),
        cmocka_unit_test(test_graph_text__tree_has_a_root_for_each_beginning),
        cmocka_unit_test(test_graph_text__mermaid_has_shapes_and_outcomes),
        cmocka_unit_test(test_graph_text__dot_has_shapes_and_outcomes),
        cmocka_unit_test(test_graph_text__hostile_ids_stay_text),
        cmocka_unit_test(test_graph_text__a_deep_chain_stays_small_and_fast),
        cmocka_unit_test(test_graph_text__each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
