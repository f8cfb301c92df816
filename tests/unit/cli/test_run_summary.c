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
#include "core/cli/run_summary.h"
#include "core/cli/run_view.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/unit/cli/pipeline_fixture.h"
#include "tests/unit/cli/shown_run.h"

const struct command *const command_table[] = {NULL};

static void test_run_summary__a_summary_of_success(void **state)
{
    (void)state;
    view_run_starts(&view, 1000);
    view_node_ends(&view, 0, NODE_COMPLETED, 1100, "{}");
    view_node_ends(&view, 1, NODE_SKIPPED, 1100, NULL);
    view_run_ends(&view, RUN_COMPLETED, 1240, "{\"a\":{\"b\":1},\"c\":\"\\u001b\"}", NULL);
    run_summary_append(&view, plain, &out);
    assert_shown("output\n  a:\n    b: 1\n  c: \\x1b\n"
                 "\ncompleted in 240 ms: 1 completed, 1 skipped, 3 not run\n");
}

static void test_run_summary__an_empty_output_is_left_out(void **state)
{
    (void)state;
    view_run_starts(&view, 1000);
    view_run_ends(&view, RUN_COMPLETED, 1240, "{}", NULL);
    run_summary_append(&view, plain, &out);
    assert_shown("completed in 240 ms: 5 not run\n");
}

static void test_run_summary__a_summary_of_failure_has_the_reason(void **state)
{
    (void)state;
    view_run_starts(&view, 1000);
    view_node_ends(&view, 0, NODE_FAILED, 1100, "{}");
    view_run_ends(&view, RUN_FAILED, 3000, NULL,
                  "{\"code\":\"NOT_FOUND\",\"message\":\"no python3\",\"node\":\"fetch\","
                  "\"hint\":\"apt install python3\"}");
    run_summary_append(&view, plain, &out);
    assert_shown("failed in 2.00 s: 1 failed, 4 not run\n"
                 "  node 'fetch': NOT_FOUND: no python3\n"
                 "  hint: apt install python3\n");
}

static void test_run_summary__a_cancelled_run_says_no_reason(void **state)
{
    (void)state;
    view_run_starts(&view, 1000);
    view_node_starts(&view, 0, 1000);
    view_node_ends(&view, 0, NODE_CANCELLED, 1100, NULL);
    view_run_ends(&view, RUN_CANCELLED, 3000, NULL, "{\"message\":\"cancelled\"}");
    run_summary_append(&view, colored, &out);
    assert_shown("\033[33mcancelled\033[0m in 2.00 s: 1 cancelled, 4 not run\n");
}

static void with_item(const char *source)
{
    run_view_finish(&view);
    pipeline_fixture_finish(&fixture);
    pipeline_fixture_init(&fixture, source);
    assert_int_equal(run_view_init(&view, fixture.pipeline), 0);
}

static const char loop_yaml[] = "id: t\nnodes:\n"
                                "  - id: each\n"
                                "    for_each: input.x\n"
                                "    nodes: [{id: \"fix\", type: set, config: {x: 1}}]\n"
                                "finally: [{id: tidy, type: set, config: {x: 1}}]\n";
static const struct view_frame item = {.child = 1, .kind = FRAME_ITEM, .index = 2};

static void test_run_summary__lists_the_first_failures_inside(void **state)
{
    (void)state;
    with_item(loop_yaml);
    uint32_t fix = fixture.pipeline->bodies[fixture.pipeline->nodes[0].own_body].first_node;
    view_frame_starts(&view, item);
    view_inner_ends(&view, 1, fix, "{\"code\":\"C\",\"message\":\"m\\n\"}");
    view.kept.failures[0].is_handled = true;
    view_run_ends(&view, RUN_COMPLETED, 0, NULL, NULL);
    run_summary_append(&view, plain, &out);
    assert_shown("completed in 0 ms: 1 not run\n"
                 "  failed inside:\n"
                 "    each[2].fix  C: m\\n (handled)\n");
    for (int i = 0; i < 11; i++) {
        view_inner_ends(&view, 1, fix, "{\"message\":\"m\"}");
    }
    run_summary_append(&view, plain, &out);
    assert_non_null(strstr(strbuf_str(&out).p, "    each[2].fix  C: m\\n (handled)\n"));
    assert_non_null(strstr(strbuf_str(&out).p, "  m (and 10 more like it)\n"));
    assert_null(strstr(strbuf_str(&out).p, "\n    and "));
    view_inner_ends(&view, 1, fix, "{\"code\":\"AUTH\",\"message\":\"no\",\"hint\":\"set it\"}");
    run_summary_append(&view, plain, &out);
    assert_non_null(strstr(strbuf_str(&out).p, "  AUTH: no\n      hint: set it\n"));
}

static void test_run_summary__says_what_was_undone_and_which_endings_ran(void **state)
{
    (void)state;
    struct view_frame ending = {.owner = RECORD_NO_NODE, .child = 2, .kind = FRAME_ENDING};
    with_item(loop_yaml);
    view.undone = 2;
    view_frame_starts(&view, ending);
    view_frame_ends(&view, ending, RUN_CANCELLED, NULL);
    view_run_ends(&view, RUN_FAILED, 0, NULL, "{\"message\":\"m\"}");
    run_summary_append(&view, plain, &out);
    assert_shown("failed in 0 ms: 1 not run\n"
                 "  m\n"
                 "  undone: 2\n"
                 "  endings: finally cancelled\n");
    view.undo_failures = 1;
    run_summary_append(&view, plain, &out);
    assert_non_null(strstr(strbuf_str(&out).p, "  undone: 2, 1 could not be\n"));
}

static void test_run_summary__says_what_a_kill_left_out(void **state)
{
    (void)state;
    with_item(loop_yaml);
    view.undoable = 3;
    view.undone = 1;
    view_run_ends(&view, RUN_CANCELLED, 0, NULL, NULL);
    run_summary_append(&view, plain, &out);
    assert_shown("cancelled in 0 ms: 1 not run\n"
                 "  undone: 1\n");
    run_view_apply(&view, &(struct record){.type = RECORD_ENDINGS_DROPPED});
    run_summary_append(&view, plain, &out);
    assert_shown("cancelled in 0 ms: 1 not run\n"
                 "  undone: 1, 2 not tried (killed)\n"
                 "  endings: finally not run (killed)\n");
    view.undo_failures = 2;
    run_summary_append(&view, plain, &out);
    assert_non_null(strstr(strbuf_str(&out).p, "  undone: 1, 2 could not be\n"));
}

static void test_run_summary__shows_the_way_of_a_machine(void **state)
{
    (void)state;
    with_item("id: t\ninitial_state: a\nstates:\n"
              "  a: {transitions: {go: b}}\n"
              "  b: {transitions: {back: a}}\n");
    for (uint32_t i = 0; i < 12; i++) {
        view_node_ends(&view, i % 2, NODE_COMPLETED, 0, "{}");
    }
    view_run_ends(&view, RUN_COMPLETED, 0, NULL, NULL);
    run_summary_append(&view, plain, &out);
    assert_shown("completed in 0 ms: 2 completed\n"
                 "  way: a > b > a > b > a > b > a > b > a > b > a > b\n");
    view_node_ends(&view, 0, NODE_COMPLETED, 0, "{}");
    run_summary_append(&view, plain, &out);
    assert_shown("completed in 0 ms: 2 completed\n"
                 "  way: a > b > a > b > a > b > ... > b > a > b > a > b > a\n");
    for (uint32_t i = 0; i < 2 * RUN_KEPT_HISTORY_MOST; i++) {
        view_node_ends(&view, i % 2, NODE_COMPLETED, 0, "{}");
    }
    run_summary_append(&view, plain, &out);
    assert_shown("completed in 0 ms: 2 completed\n"
                 "  way: a > b > a > b > a > b > ...\n"); /* the last ones are not kept */
}

static void test_run_summary__names_events_that_nothing_took(void **state)
{
    (void)state;
    cleanup_document struct document *event = fixture_json("{\"name\":\"go\\u001b\"}");
    run_view_apply(&view, &(struct record){.type = RECORD_SIGNAL, .output = event});
    view_run_ends(&view, RUN_COMPLETED, 0, NULL, NULL);
    view.has_failed = true;
    run_summary_append(&view, plain, &out);
    assert_shown("completed in 0 ms: 5 not run\n"
                 "  the event 'go\\x1b' was sent and nothing took it\n"
                 "  memory ran out: not all that happened is shown\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_VIEW(test_run_summary__a_summary_of_success),
        WITH_VIEW(test_run_summary__an_empty_output_is_left_out),
        WITH_VIEW(test_run_summary__a_summary_of_failure_has_the_reason),
        WITH_VIEW(test_run_summary__a_cancelled_run_says_no_reason),
        WITH_VIEW(test_run_summary__lists_the_first_failures_inside),
        WITH_VIEW(test_run_summary__says_what_was_undone_and_which_endings_ran),
        WITH_VIEW(test_run_summary__says_what_a_kill_left_out),
        WITH_VIEW(test_run_summary__shows_the_way_of_a_machine),
        WITH_VIEW(test_run_summary__names_events_that_nothing_took),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
