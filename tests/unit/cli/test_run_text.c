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
#include "core/cli/run_text.h"
#include "core/cli/run_view.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/unit/cli/pipeline_fixture.h"
#include "tests/unit/cli/shown_run.h"

const struct command *const command_table[] = {NULL};

static struct step at(uint32_t node)
{
    return (struct step){.frame = view.root, .node = node};
}

static void test_run_text__names_are_padded_within_reason(void **state)
{
    (void)state;
    struct run_text_style style = run_text_style_of(&view, true, 0);
    assert_true(style.is_colored);
    assert_int_equal(style.name_columns, 32);
    assert_int_equal(run_text_style_of(&view, true, 80).name_columns, 32);
    assert_int_equal(run_text_style_of(&view, true, 50).name_columns, 14);
    assert_int_equal(run_text_style_of(&view, true, 2).name_columns, 8);
}

static void test_run_text__names_are_cut_where_a_terminal_ends(void **state)
{
    (void)state;
    assert_int_equal(run_text_style_of(&view, true, 0).name_most, 0);
    assert_int_equal(run_text_style_of(&view, true, 120).name_most, 84);
    assert_int_equal(run_text_style_of(&view, true, 50).name_most, 14);
    assert_int_equal(run_text_style_of(&view, true, 2).name_most, 8);
}

static void test_run_text__a_node_starts(void **state)
{
    (void)state;
    run_text_started(at(0), plain, &out);
    assert_shown("started    fetch     http\n");
    run_text_started(at(1), plain, &out);
    assert_shown("started    \xE6\xBC\xA2\xE5\xAD\x97      http\n");
    run_text_started(at(0), colored, &out);
    assert_shown("\033[36mstarted\033[0m    fetch     \033[2mhttp\033[0m\n");
    view.nodes[0].attempt = 3;
    view.nodes[0].before = 1;
    run_text_started(at(0), plain, &out);
    assert_shown("started    fetch     http  attempt 2\n");
}

static void test_run_text__names_cannot_steer(void **state)
{
    (void)state;
    run_text_started(at(2), plain, &out);
    assert_shown("started    \\x1b[2Jx  set\n");
}

static void test_run_text__long_names_are_whole_or_cut_in_the_middle(void **state)
{
    (void)state;
    struct run_text_style style = plain;
    run_text_started(at(3), style, &out);
    assert_shown("started    0123456789012345678901234567890123456789  set\n");
    style.name_most = 40;
    run_text_live(at(3), 0, style, &out);
    assert_shown("pending    0123456789012345678901234567890123456789      0 ms");
    style.name_most = 10;
    run_text_started(at(3), style, &out);
    assert_shown("started    0123\xE2\x80\xA6"
                 "56789  set\n");
    style.name_most = 9;
    run_text_started(at(3), style, &out);
    assert_shown("started    0123\xE2\x80\xA6"
                 "6789  set\n");
    style.name_columns = 4;
    style.name_most = 3; /* half a character is none */
    run_text_started(at(1), style, &out);
    assert_shown("started    \xE2\x80\xA6\xE5\xAD\x97   http\n");
}

static void test_run_text__a_node_ends(void **state)
{
    (void)state;
    view_node_starts(&view, 0, 1000);
    view_node_ends(&view, 0, NODE_COMPLETED, 1120, "{}");
    run_text_ended(at(0), plain, &out);
    assert_shown("completed  fetch       120 ms\n");
    view_node_starts(&view, 1, 1000);
    view_node_ends(&view, 1, NODE_FAILED, 3500,
                   "{\"code\":\"TIMEOUT\",\"message\":\"too\\nlate\\u001b\"}");
    run_text_ended(at(1), plain, &out);
    assert_shown("failed     \xE6\xBC\xA2\xE5\xAD\x97        2.50 s  TIMEOUT: too\\nlate\\x1b\n");
    view_node_ends(&view, 2, NODE_SKIPPED, 3500, NULL);
    run_text_ended(at(2), plain, &out);
    assert_shown("skipped    \\x1b[2Jx\n");
}

static void test_run_text__a_log_line_stands_behind_its_node(void **state)
{
    (void)state;
    run_text_log(at(0), STR("two\tcolumns\033[0m"), plain, &out);
    assert_shown("           fetch     | two    columns\\x1b[0m\n");
}

static void test_run_text__a_live_row_has_time_share_and_note(void **state)
{
    (void)state;
    view_node_starts(&view, 0, 1000);
    run_text_live(at(0), 1500, plain, &out);
    assert_shown("running    fetch       500 ms");
    view.nodes[0].fraction = 0.25;
    view.nodes[0].note = str_dup(STR("page 2\033"));
    run_text_live(at(0), 61500, plain, &out);
    assert_shown("running    fetch     1 min 00 s   25 %  page 2\\x1b");
    view_node_stops(&view, 0, 2000);
    view.nodes[0].fraction = -1;
    free(view.nodes[0].note);
    view.nodes[0].note = NULL;
    run_text_live(at(0), 2000, plain, &out);
    assert_shown("stopping   fetch       1.00 s");
}

static void test_run_text__progress_counts(void **state)
{
    (void)state;
    view_run_starts(&view, 1000);
    run_text_progress(&view, 1000, plain, &out);
    assert_shown("0/5 done, 0 running, 0 ms");
    view_node_starts(&view, 0, 1000);
    view_node_starts(&view, 1, 1000);
    view_node_ends(&view, 0, NODE_FAILED, 1500, "{}");
    run_text_progress(&view, 2240, plain, &out);
    assert_shown("1/5 done, 1 running, 1 failed, 1.24 s");
}

/* ---- what is inside ---- */

/* A step of a loop whose name and items are those of the case. */
static const char inner_yaml[] = "id: t\nnodes:\n"
                                 "  - id: each\n"
                                 "    for_each: input.x\n"
                                 "    nodes: [{id: \"\xE6\xBC\xA2\xE5\xAD\x97\", type: http,"
                                 " config: {url: 'http://a/'}}]\n";

static struct step step_inside(void)
{
    run_view_finish(&view);
    pipeline_fixture_finish(&fixture);
    pipeline_fixture_init(&fixture, inner_yaml);
    assert_int_equal(run_view_init(&view, fixture.pipeline), 0);
    uint32_t node = fixture.pipeline->bodies[fixture.pipeline->nodes[0].own_body].first_node;
    view_frame_starts(&view, (struct view_frame){.child = 1, .kind = FRAME_ITEM, .index = 7});
    run_view_apply(&view, &(struct record){.type = RECORD_NODE_STARTED,
                                           .frame = 1,
                                           .node = node,
                                           .attempt = 1,
                                           .at_unix_ms = 1000});
    return run_view_step(&view, NULL, 1, node);
}

static void test_run_text__paths_are_whole_in_lines(void **state)
{
    (void)state;
    struct step step = step_inside();
    run_text_started(step, plain, &out);
    assert_shown("started    each[7].\xE6\xBC\xA2\xE5\xAD\x97  http\n");
    run_text_log(step, STR("text"), plain, &out);
    assert_shown("           each[7].\xE6\xBC\xA2\xE5\xAD\x97  | text\n");
}

static void test_run_text__rows_have_the_end_of_a_path(void **state)
{
    (void)state;
    struct step step = step_inside();
    struct run_text_style style = {.name_columns = 12, .name_most = 12};
    run_text_live_inner(step, 1500, style, &out);
    assert_shown("           each[7].\xE6\xBC\xA2\xE5\xAD\x97    500 ms");
    style.name_columns = style.name_most = 7;
    run_text_live_inner(step, 1500, style, &out);
    assert_shown("           \xE2\x80\xA6].\xE6\xBC\xA2\xE5\xAD\x97    500 ms");
    style.name_columns = style.name_most = 4; /* half a character is none */
    run_text_live_inner(step, 1500, style, &out);
    assert_shown("           \xE2\x80\xA6\xE5\xAD\x97     500 ms");
}

static void test_run_text__loops_count(void **state)
{
    (void)state;
    struct step each = {.frame = step_inside().frame->parent, .node = 0};
    struct node_view *loop = run_tree_state(each);
    loop->iterations = 340;
    run_text_sum(each, plain, &out);
    assert_shown("running    each      340\n");
    loop->total = 1000;
    loop->failed_iterations = 2;
    run_text_sum(each, plain, &out);
    assert_shown("running    each      340/1000, 2 failed\n");
    view_node_starts(&view, 0, 1000);
    view_node_ends(&view, 0, NODE_COMPLETED, 1100, "[]");
    run_text_ended(each, plain, &out);
    assert_shown("completed  each        100 ms  0 items\n");
    loop->iterations = 1;
    run_text_ended(each, plain, &out);
    assert_shown("completed  each        100 ms  1 item\n");
}

static void test_run_text__a_round_says_when_the_next_one_is(void **state)
{
    (void)state;
    struct record again = {
        .type = RECORD_NODE_AGAIN, .attempt = 1, .at_unix_ms = 1100, .due_unix_ms = 6100};
    view_node_starts(&view, 0, 1000);
    run_view_apply(&view, &again);
    run_text_ended(at(0), plain, &out);
    assert_shown("completed  fetch       100 ms  again in 5.00 s\n");
    run_text_live(at(0), 4100, plain, &out);
    assert_shown("waiting    fetch       100 ms  round 2 in 2.00 s");
    view_node_starts(&view, 0, 6100);
    run_text_started(at(0), plain, &out);
    assert_shown("started    fetch@2   http\n");
}

static void test_run_text__an_end_in_the_wait_says_no_next_attempt(void **state)
{
    (void)state;
    struct record retry = {
        .type = RECORD_NODE_RETRY, .attempt = 1, .at_unix_ms = 1100, .due_unix_ms = 6100};
    view_node_starts(&view, 0, 1000);
    run_view_apply(&view, &retry);
    run_text_live(at(0), 4100, plain, &out);
    assert_shown("waiting    fetch       100 ms  attempt 2 in 2.00 s");
    view_node_ends(&view, 0, NODE_CANCELLED, 2000, NULL);
    run_text_ended(at(0), plain, &out);
    assert_shown("cancelled  fetch       1.00 s\n");
}

static void test_run_text__what_a_person_decides_says_how_it_failed(void **state)
{
    (void)state;
    struct document *failure = fixture_json("{\"code\":\"UNAVAILABLE\",\"message\":\"reset\"}");
    struct record unknown = {
        .type = RECORD_NODE_UNKNOWN, .attempt = 1, .at_unix_ms = 1100, .error = failure};
    struct record stopping = {.type = RECORD_NODE_STOPPING, .attempt = 1, .reason = STOP_TIMEOUT};
    view_node_starts(&view, 0, 1000);
    run_view_apply(&view, &stopping);
    run_view_apply(&view, &unknown);
    run_text_waits(at(0), plain, &out);
    assert_shown("waiting    fetch     for you to say whether it did its work: 'opstream resolve'  "
                 "UNAVAILABLE: reset\n");
    unknown.error = NULL; /* its engine ended */
    run_view_apply(&view, &unknown);
    run_text_waits(at(0), plain, &out);
    assert_shown(
        "waiting    fetch     for you to say whether it did its work: 'opstream resolve'\n");
    document_unref(failure);
}

static void test_run_text__a_state_names_the_events_it_takes(void **state)
{
    (void)state;
    struct strbuf yaml_text = STRBUF_INIT;
    strbuf_append_text(&yaml_text, "id: t\ninitial_state: a\nstates:\n"
                                   "  b: {transitions: {go: [{when: 'true', to: a}, {to: b}]}}\n"
                                   "  a: {timeout: 5s, transitions: {timeout: b");
    for (int i = 0; i < 7; i++) {
        strbuf_append_format(&yaml_text, ", e%d: b", i);
    }
    strbuf_append_text(&yaml_text, "}}\n");
    run_view_finish(&view);
    pipeline_fixture_finish(&fixture);
    pipeline_fixture_init(&fixture, yaml_text.p);
    strbuf_finish(&yaml_text);
    assert_int_equal(run_view_init(&view, fixture.pipeline), 0);
    run_text_append_wait(at(1), &out);
    assert_shown("for one of the events 'e0', 'e1', 'e2', 'e3', 'e4' and 2 more");
    view_node_starts(&view, 1, 1000);
    run_text_waits(at(1), plain, &out);
    assert_non_null(strstr(out.p, "and 2 more (--send EVENT)\n"));
    strbuf_clear(&out);
    run_text_append_wait(at(0), &out);
    assert_shown("for the event 'go'");
    view_node_starts(&view, 0, 1000);
    run_text_waits(at(0), plain, &out);
    assert_shown("waiting    b         for the event 'go' (--send go)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_VIEW(test_run_text__names_are_padded_within_reason),
        WITH_VIEW(test_run_text__a_node_starts),
        WITH_VIEW(test_run_text__names_are_cut_where_a_terminal_ends),
        WITH_VIEW(test_run_text__names_cannot_steer),
        WITH_VIEW(test_run_text__long_names_are_whole_or_cut_in_the_middle),
        WITH_VIEW(test_run_text__a_node_ends),
        WITH_VIEW(test_run_text__a_log_line_stands_behind_its_node),
        WITH_VIEW(test_run_text__a_live_row_has_time_share_and_note),
        WITH_VIEW(test_run_text__progress_counts),
        WITH_VIEW(test_run_text__paths_are_whole_in_lines),
        WITH_VIEW(test_run_text__rows_have_the_end_of_a_path),
        WITH_VIEW(test_run_text__loops_count),
        WITH_VIEW(test_run_text__a_round_says_when_the_next_one_is),
        WITH_VIEW(test_run_text__an_end_in_the_wait_says_no_next_attempt),
        WITH_VIEW(test_run_text__what_a_person_decides_says_how_it_failed),
        WITH_VIEW(test_run_text__a_state_names_the_events_it_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
