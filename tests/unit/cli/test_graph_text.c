/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/cli/command.h"
#include "core/cli/graph_text.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/cli/bodies_fixture.h"
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
                              "  - {id: \"%%{init: {}}%% $$x$$\", type: set, config: {x: 1}}\n"
                              "  - {id: \"[2J\\u202Ex\", type: set, config: {x: 1}}\n";

static void test_graph_text__hostile_ids_stay_text(void **state)
{
    (void)state;
    check(hostile, append_tree,
          "a\"];evil[\" (set)\n"
          "<b>&amp;#96;`\\N (set)\n"
          "%%{init: {}}%% $$x$$ (set)\n"
          "[2J\\u202ex (set)\n");
    check(hostile, graph_text_append_mermaid,
          "graph TD\n"
          "    n0[\"a#34;];evil[#34;<br/>set\"]\n"
          "    n1[\"#60;b#62;#38;amp;#35;96;#96;#92;N<br/>set\"]\n"
          "    n2[\"#37;#37;{init: {}}#37;#37; #36;#36;x#36;#36;<br/>set\"]\n"
          "    n3[\"[2J#92;u202ex<br/>set\"]\n");
    check(hostile, graph_text_append_dot,
          "digraph \"t\" {\n"
          "    node [shape=box, fontname=\"sans-serif\"];\n"
          "    n0 [shape=box, tooltip=\"set\", label=\"a\\\"];evil[\\\"\"];\n"
          "    n1 [shape=box, tooltip=\"set\", label=\"<b>&amp;#96;`\\\\N\"];\n"
          "    n2 [shape=box, tooltip=\"set\", label=\"%%{init: {}}%% $$x$$\"];\n"
          "    n3 [shape=box, tooltip=\"set\", label=\"[2J\\\\u202ex\"];\n"
          "}\n");
}

/* ---- several bodies ---- */

static void check_bodies(void (*init)(struct bodies_fixture *fixture), append_cb append,
                         const char *wanted)
{
    struct bodies_fixture fixture;
    struct strbuf out = STRBUF_INIT;
    init(&fixture);
    append(&fixture.pipeline, &out);
    assert_string_equal(strbuf_str(&out).p, wanted);
    strbuf_finish(&out);
    bodies_fixture_finish(&fixture);
}

static void test_graph_text__tree_shows_bodies_inside_their_nodes(void **state)
{
    (void)state;
    check_bodies(bodies_fixture_init_triage, append_tree,
                 "fetch (http)\n"
                 "└─ each_issue (passthrough) for each issue in fetch.stream\n"
                 "   ╞═ classify (http)\n"
                 "   │  ↓ route (router)\n"
                 "   │  ├─ [bug] fix (passthrough fix_bug)\n"
                 "   │  │  ↓ story (http), undone by http, also after route [other], escalate\n"
                 "   │  │  ↓ each_step (passthrough) for each item in story.output.steps\n"
                 "   │  │  ╘═ note (set)\n"
                 "   │  │     ↓ send (http)\n"
                 "   │  └─ [security] escalate (http)\n"
                 "   ├─ report (http), if size(each_issue.output) > 0\n"
                 "   │  ↓ poll (http), again until poll.output.done == true, at most 5 times\n"
                 "   └─ [error] tidy (passthrough)\n"
                 "      ╞═ sweep (set)\n"
                 "      ╘═ pause (wait)\n"
                 "\n"
                 "on failure:\n"
                 "tell (http)\n"
                 "↓ give_up (fail)\n"
                 "\n"
                 "finally:\n"
                 "clean (set)\n");
}

static void test_graph_text__tree_cuts_long_conditions(void **state)
{
    (void)state;
    check("id: t\n"
          "nodes:\n"
          "  - {id: a, type: set, when: \"input.x == '\\e[31m'\", config: {x: 1}}\n"
          "  - {id: b, type: set, config: {x: 1}, when: \"input.n == 1 || input.n == 2 || "
          "input.n == 3 || input.abcdef\"}\n"
          "  - {id: c, type: set, for_each: [1], when: \"input.n == 1 || input.n == 2 || "
          "input.n == 3 || input.abcdefg\"}\n",
          append_tree,
          "a (set), if input.x == '\\x1b[31m'\n"
          "b (set), if input.n == 1 || input.n == 2 || input.n == 3 || input.abcdef\n"
          "c (loop) for each item in 1 item, if input.n == 1 || input.n == 2 || input.n == 3 || "
          "input.abcde…\n"
          "╘═ c (set)\n");
}

static void test_graph_text__tree_lists_transitions_of_states(void **state)
{
    (void)state;
    check_bodies(bodies_fixture_init_machine, append_tree,
                 "draft (http), begins\n"
                 "├─ success → review\n"
                 "└─ error → failed\n"
                 "review (wait)\n"
                 "├─ approve → publish\n"
                 "├─ reject if draft.attempts < 3 → draft\n"
                 "├─ reject → failed\n"
                 "└─ remind → review\n"
                 "publish (http)\n"
                 "├─ success → done\n"
                 "└─ error → review\n"
                 "done (passthrough), ends\n"
                 "failed (passthrough), ends as failed\n");
}

static void test_graph_text__mermaid_has_subgraphs(void **state)
{
    (void)state;
    check_bodies(
        bodies_fixture_init_triage, graph_text_append_mermaid,
        "graph TD\n"
        "    n0[\"fetch<br/>http\"]\n"
        "    subgraph n1[\"each_issue: for each issue in fetch.stream\"]\n"
        "        n5[\"classify<br/>http\"]\n"
        "        n6{\"route<br/>router\"}\n"
        "        n7[[\"fix<br/>passthrough fix_bug\"]]\n"
        "        n8[\"escalate<br/>http\"]\n"
        "        n9[\"story<br/>http<br/>undone by http\"]\n"
        "        subgraph n10[\"each_step: for each item in story.output.steps\"]\n"
        "            n11[\"note<br/>set\"]\n"
        "            n12[\"send<br/>http\"]\n"
        "        end\n"
        "    end\n"
        "    n2[\"report<br/>http<br/>if size(each_issue.output) #62; 0\"]\n"
        "    subgraph n3[\"tidy: group\"]\n"
        "        n13[\"sweep<br/>set\"]\n"
        "        n14([\"pause<br/>wait\"])\n"
        "    end\n"
        "    n4[\"poll<br/>http<br/>again until poll.output.done == true, at most 5 times\"]\n"
        "    subgraph b5[\"on failure\"]\n"
        "        n16[\"tell<br/>http\"]\n"
        "        n17([\"give_up<br/>fail\"])\n"
        "    end\n"
        "    subgraph b6[\"finally\"]\n"
        "        n18[\"clean<br/>set\"]\n"
        "    end\n"
        "    n1 --> n2\n"
        "    n1 -->|\"error\"| n3\n"
        "    n2 --> n4\n"
        "    n5 --> n6\n"
        "    n6 -->|\"bug\"| n7\n"
        "    n6 -->|\"security\"| n8\n"
        "    n6 -->|\"other if issue.open\"| n9\n"
        "    n7 --> n9\n"
        "    n8 --> n9\n"
        "    n9 --> n10\n"
        "    n11 --> n12\n"
        "    n16 --> n17\n"
        "    n0 -.-> n1\n");
}

static void test_graph_text__mermaid_draws_states_as_a_flowchart(void **state)
{
    (void)state;
    check_bodies(bodies_fixture_init_machine, graph_text_append_mermaid,
                 "graph TD\n"
                 "    b0((\" \"))\n"
                 "    n0[\"draft<br/>http\"]\n"
                 "    n1([\"review<br/>wait\"])\n"
                 "    n2[\"publish<br/>http\"]\n"
                 "    n3([\"done<br/>passthrough\"])\n"
                 "    n4([\"failed<br/>passthrough\"])\n"
                 "    n0 -->|\"success\"| n1\n"
                 "    n0 -->|\"error\"| n4\n"
                 "    n1 -->|\"approve\"| n2\n"
                 "    n1 -->|\"reject if draft.attempts #60; 3\"| n0\n"
                 "    n1 -->|\"reject\"| n4\n"
                 "    n1 -->|\"remind\"| n1\n"
                 "    n2 -->|\"success\"| n3\n"
                 "    n2 -->|\"error\"| n1\n"
                 "    b0 --> n0\n");
}

static void test_graph_text__dot_has_clusters(void **state)
{
    (void)state;
    check_bodies(
        bodies_fixture_init_triage, graph_text_append_dot,
        "digraph \"triage\" {\n"
        "    node [shape=box, fontname=\"sans-serif\"];\n"
        "    compound=true;\n"
        "    n0 [shape=box, tooltip=\"http\", label=\"fetch\"];\n"
        "    subgraph cluster_n1 {\n"
        "        label=\"each_issue: for each issue in fetch.stream\";\n"
        "        n5 [shape=box, tooltip=\"http\", label=\"classify\"];\n"
        "        n6 [shape=diamond, tooltip=\"router\", label=\"route\"];\n"
        "        n7 [shape=box3d, tooltip=\"passthrough fix_bug\", label=\"fix\"];\n"
        "        n8 [shape=box, tooltip=\"http\", label=\"escalate\"];\n"
        "        n9 [shape=box, tooltip=\"http, undone by http\", label=\"story\"];\n"
        "        subgraph cluster_n10 {\n"
        "            label=\"each_step: for each item in story.output.steps\";\n"
        "            n11 [shape=box, tooltip=\"set\", label=\"note\"];\n"
        "            n12 [shape=box, tooltip=\"http\", label=\"send\"];\n"
        "        }\n"
        "    }\n"
        "    n2 [shape=box, tooltip=\"http, if size(each_issue.output) > 0\", label=\"report\"];\n"
        "    subgraph cluster_n3 {\n"
        "        label=\"tidy: group\";\n"
        "        n13 [shape=box, tooltip=\"set\", label=\"sweep\"];\n"
        "        n14 [shape=ellipse, tooltip=\"wait\", label=\"pause\"];\n"
        "    }\n"
        "    n4 [shape=box, tooltip=\"http, again until poll.output.done == true, at most 5 "
        "times\", label=\"poll\"];\n"
        "    subgraph cluster_b5 {\n"
        "        style=dashed;\n"
        "        label=\"on failure\";\n"
        "        n16 [shape=box, tooltip=\"http\", label=\"tell\"];\n"
        "        n17 [shape=ellipse, tooltip=\"fail\", label=\"give_up\"];\n"
        "    }\n"
        "    subgraph cluster_b6 {\n"
        "        style=dashed;\n"
        "        label=\"finally\";\n"
        "        n18 [shape=box, tooltip=\"set\", label=\"clean\"];\n"
        "    }\n"
        "    n12 -> n2 [ltail=cluster_n1];\n"
        "    n12 -> n13 [label=\"error\", ltail=cluster_n1, lhead=cluster_n3];\n"
        "    n2 -> n4;\n"
        "    n5 -> n6;\n"
        "    n6 -> n7 [label=\"bug\"];\n"
        "    n6 -> n8 [label=\"security\"];\n"
        "    n6 -> n9 [label=\"other if issue.open\"];\n"
        "    n7 -> n9;\n"
        "    n8 -> n9;\n"
        "    n9 -> n11 [lhead=cluster_n10];\n"
        "    n11 -> n12;\n"
        "    n16 -> n17;\n"
        "    n0 -> n5 [style=dashed, lhead=cluster_n1];\n"
        "}\n");
}

static void test_graph_text__dot_draws_states(void **state)
{
    (void)state;
    check_bodies(
        bodies_fixture_init_machine, graph_text_append_dot,
        "digraph \"article\" {\n"
        "    node [shape=box, fontname=\"sans-serif\"];\n"
        "    b0 [shape=point, label=\"\"];\n"
        "    n0 [shape=box, tooltip=\"http\", label=\"draft\"];\n"
        "    n1 [shape=ellipse, tooltip=\"wait\", label=\"review\"];\n"
        "    n2 [shape=box, tooltip=\"http\", label=\"publish\"];\n"
        "    n3 [shape=ellipse, tooltip=\"passthrough\", label=\"done\", peripheries=2];\n"
        "    n4 [shape=ellipse, tooltip=\"passthrough\", label=\"failed\", peripheries=2];\n"
        "    n0 -> n1 [label=\"success\"];\n"
        "    n0 -> n4 [label=\"error\"];\n"
        "    n1 -> n2 [label=\"approve\"];\n"
        "    n1 -> n0 [label=\"reject if draft.attempts < 3\"];\n"
        "    n1 -> n4 [label=\"reject\"];\n"
        "    n1 -> n1 [label=\"remind\"];\n"
        "    n2 -> n3 [label=\"success\"];\n"
        "    n2 -> n1 [label=\"error\"];\n"
        "    b0 -> n0;\n"
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

/* Each node deals with the failure of the one before. */
static char *failing_yaml(unsigned count)
{
    struct strbuf yaml = STRBUF_INIT;
    strbuf_append_text(&yaml, "id: deep\nnodes:\n");
    for (unsigned i = 0; i < count; i++) {
        strbuf_append_format(&yaml, "  - {id: n%u, type: passthrough", i);
        strbuf_append_format(&yaml, i + 1 < count ? ", on_error: {goto: n%u}}\n" : "}\n", i + 1);
    }
    return strbuf_take(&yaml);
}

static void test_graph_text__deep_branches_stay_small(void **state)
{
    (void)state;
    enum { COUNT = 10000 };
    struct pipeline_fixture fixture;
    struct strbuf out = STRBUF_INIT;
    char *yaml = failing_yaml(COUNT);
    pipeline_fixture_init(&fixture, yaml);
    append_tree(fixture.pipeline, &out);
    assert_true(out.n < COUNT * 170u);
    assert_true(str_starts_with(strbuf_str(&out), STR("n0 (passthrough)\n"
                                                      "└─ [error] n1 (passthrough)\n"
                                                      "   └─ [error] n2 (passthrough)\n")));
    assert_true(str_ends_with(strbuf_str(&out), STR("└─ [error] n9999 (passthrough)\n")));
    strbuf_finish(&out);
    pipeline_fixture_finish(&fixture);
    free(yaml);
}

static void test_graph_text__a_deep_chain_stays_small(void **state)
{
    (void)state;
    enum { COUNT = 10000 };
    struct pipeline_fixture fixture;
    struct strbuf out = STRBUF_INIT;
    char *yaml = deep_yaml(COUNT);
    pipeline_fixture_init(&fixture, yaml);
    append_tree(fixture.pipeline, &out);
    assert_true(out.n < COUNT * 30u);
    assert_true(str_starts_with(strbuf_str(&out), STR("n0 (passthrough)\n"
                                                      "↓ n1 (passthrough)\n"
                                                      "↓ n2 (passthrough)\n")));
    assert_true(str_ends_with(strbuf_str(&out), STR("\n↓ n9999 (passthrough)\n")));
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
    struct bodies_fixture fixture;
    bodies_fixture_init_triage(&fixture);
    for (size_t form = 0; form < 3; form++) {
        bool is_reached = true;
        for (long n = 0; is_reached; n++) {
            struct strbuf out = STRBUF_INIT;
            failing_alloc_arm(n);
            forms[form](&fixture.pipeline, &out);
            is_reached = failing_alloc_disarm();
            assert_int_equal(strbuf_status(&out) != 0, is_reached);
            strbuf_finish(&out);
        }
    }
    bodies_fixture_finish(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_graph_text__tree_shows_each_node_once),
        cmocka_unit_test(test_graph_text__tree_has_a_root_for_each_beginning),
        cmocka_unit_test(test_graph_text__mermaid_has_shapes_and_outcomes),
        cmocka_unit_test(test_graph_text__dot_has_shapes_and_outcomes),
        cmocka_unit_test(test_graph_text__hostile_ids_stay_text),
        cmocka_unit_test(test_graph_text__tree_shows_bodies_inside_their_nodes),
        cmocka_unit_test(test_graph_text__tree_cuts_long_conditions),
        cmocka_unit_test(test_graph_text__tree_lists_transitions_of_states),
        cmocka_unit_test(test_graph_text__mermaid_has_subgraphs),
        cmocka_unit_test(test_graph_text__mermaid_draws_states_as_a_flowchart),
        cmocka_unit_test(test_graph_text__dot_has_clusters),
        cmocka_unit_test(test_graph_text__dot_draws_states),
        cmocka_unit_test(test_graph_text__a_deep_chain_stays_small),
        cmocka_unit_test(test_graph_text__deep_branches_stay_small),
        cmocka_unit_test(test_graph_text__each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
