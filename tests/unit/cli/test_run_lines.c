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
#include "core/cli/run_lines.h"
#include "core/cli/run_view.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/unit/cli/pipeline_fixture.h"

const struct command *const command_table[] = {NULL};

static const char yaml[] = "id: t\nnodes:\n"
                           "  - id: each\n"
                           "    for_each: input.x\n"
                           "    nodes: [{id: fix, type: set, config: {x: 1}}]\n"
                           "  - {id: gate, type: wait, config: {event: go}}\n"
                           "  - {id: plain, type: set, config: {x: 1}}\n"
                           "  - id: ask\n"
                           "    for_each: input.x\n"
                           "    nodes: [{id: answer, type: wait, config: {event: yes}}]\n";

enum { EACH = 0, GATE = 1, PLAIN = 2, ASK = 3 };

static struct pipeline_fixture fixture;
static struct run_view view;
static struct run_lines lines;
static struct strbuf out;
static uint32_t fix; /* the node in the loop */

static int set_up(void **state)
{
    (void)state;
    pipeline_fixture_init(&fixture, yaml);
    out = STRBUF_INIT;
    fix = fixture.pipeline->bodies[fixture.pipeline->nodes[EACH].own_body].first_node;
    lines = (struct run_lines){.view = &view, .style = {.name_columns = 8}, .out = &out};
    return run_view_init(&view, fixture.pipeline);
}

static int tear_down(void **state)
{
    (void)state;
    strbuf_finish(&out);
    run_view_finish(&view);
    pipeline_fixture_finish(&fixture);
    return 0;
}

static void check(const char *wanted)
{
    assert_string_equal(strbuf_str(&out).p, wanted);
    strbuf_clear(&out);
}

static void tell(const struct record *record)
{
    run_view_apply(&view, record);
    run_lines_add(&lines, record);
}

static void start_loop(const char *items)
{
    cleanup_document struct document *list = items != NULL ? fixture_json(items) : NULL;
    tell(&(struct record){.type = RECORD_NODE_STARTED,
                          .node = EACH,
                          .attempt = 1,
                          .at_unix_ms = 1000,
                          .output = list});
}

static void run_item(uint64_t index, const char *error)
{
    cleanup_document struct document *failure = error != NULL ? fixture_json(error) : NULL;
    struct record record = {.type = RECORD_FRAME_STARTED,
                            .node = EACH,
                            .child = index + 1,
                            .kind = FRAME_ITEM,
                            .body = fixture.pipeline->nodes[EACH].own_body,
                            .index = index};
    tell(&record);
    tell(&(struct record){.type = RECORD_NODE_ENDED,
                          .frame = index + 1,
                          .node = fix,
                          .attempt = 1,
                          .at_unix_ms = 1001,
                          .node_state = failure != NULL ? NODE_FAILED : NODE_COMPLETED,
                          .error = failure});
    record.type = RECORD_FRAME_ENDED;
    record.frame = index + 1;
    record.run_state = failure != NULL ? RUN_FAILED : RUN_COMPLETED;
    record.error = failure;
    tell(&record);
}

static void end_loop(void)
{
    tell(&(struct record){.type = RECORD_NODE_ENDED,
                          .node = EACH,
                          .attempt = 1,
                          .at_unix_ms = 1100,
                          .node_state = NODE_COMPLETED});
}

/* A JSON list of so many items: owned. */
static char *make_list(size_t count)
{
    struct strbuf text = STRBUF_INIT;
    strbuf_append_char(&text, '[');
    for (size_t i = 0; i < count; i++) {
        strbuf_append_text(&text, i > 0 ? ",0" : "0");
    }
    strbuf_append_char(&text, ']');
    char *list = strbuf_take(&text);
    assert_non_null(list);
    return list;
}

static size_t count_lines(void)
{
    size_t count = 0;
    for (size_t i = 0; i < out.n; i++) {
        count += out.p[i] == '\n' ? 1 : 0;
    }
    return count;
}

static void test_run_lines__nodes_of_the_root_have_two(void **state)
{
    (void)state;
    struct record record = {.type = RECORD_NODE_STARTED, .node = PLAIN, .attempt = 1};
    record.at_unix_ms = 1000;
    tell(&record);
    record.type = RECORD_NODE_ENDED;
    record.node_state = NODE_COMPLETED;
    record.at_unix_ms = 1100;
    tell(&record);
    check("started    plain     set\n"
          "completed  plain       100 ms\n");
    record.node = GATE;
    record.node_state = NODE_NOT_RUN;
    tell(&record);
    check("");
}

static void test_run_lines__a_live_view_has_no_line_for_a_start(void **state)
{
    (void)state;
    lines.is_live = true;
    start_loop("[1, 2]");
    run_item(0, NULL);
    check("");
    run_item(1, "{\"message\":\"m\"}");
    check("failed     each[1].fix      0 ms  m\n");
    end_loop();
    check("completed  each        100 ms  2 items, 1 failed\n");
}

static void test_run_lines__a_short_loop_shows_its_steps(void **state)
{
    (void)state;
    start_loop("[1, 2]");
    run_item(0, NULL);
    run_item(1, NULL);
    end_loop();
    check("started    each      loop\n"
          "completed  each[0].fix      0 ms\n"
          "completed  each[1].fix      0 ms\n"
          "completed  each        100 ms  2 items\n");
}

static void test_run_lines__a_long_loop_shows_failures_and_sums(void **state)
{
    (void)state;
    char *list = make_list(200);
    start_loop(list);
    free(list);
    for (uint64_t i = 0; i < 45; i++) {
        run_item(i, i == 30 ? "{\"code\":\"BAD\",\"message\":\"m\"}" : NULL);
    }
    check("started    each      loop\n"
          "running    each      20/200\n"
          "failed     each[30].fix      0 ms  BAD: m\n"
          "running    each      40/200, 1 failed\n");
    for (uint64_t i = 45; i < 200; i++) {
        run_item(i, NULL);
    }
    assert_int_equal(count_lines(), 7); /* not at 200: the end says that */
}

static void test_run_lines__a_loop_of_unknown_length_doubles_its_sums(void **state)
{
    (void)state;
    start_loop(NULL);
    for (uint64_t i = 0; i < 10; i++) {
        run_item(i, NULL);
    }
    assert_int_equal(count_lines(), 11); /* the first ones are shown */
    strbuf_clear(&out);
    for (uint64_t i = 10; i < 500; i++) {
        run_item(i, NULL);
    }
    check("running    each      100\n"
          "running    each      200\n"
          "running    each      400\n");
}

static void test_run_lines__failures_have_a_limit(void **state)
{
    (void)state;
    char *list = make_list(5000);
    start_loop(list);
    free(list);
    for (uint64_t i = 0; i < 400; i++) {
        run_item(i, "{\"message\":\"m\"}");
    }
    assert_int_equal(count_lines(), 1 + RUN_LINES_FAILURES_MOST + 1);
    assert_non_null(strstr(out.p, "each[99].fix"));
    assert_null(strstr(out.p, "each[100].fix"));
    assert_non_null(strstr(out.p, "           ... inner failures from here on are counted only\n"));
    assert_int_equal(view.kept.failure_total, 400);
}

static void test_run_lines__steps_have_a_limit_over_all_loops(void **state)
{
    (void)state;
    for (int i = 0; i < RUN_LINES_STEPS_MOST + 10; i++) {
        start_loop("[1]");
        run_item(0, NULL);
        tell(&(struct record){.type = RECORD_NODE_AGAIN, .node = EACH, .attempt = 1});
    }
    /* and those of the loop itself, which is of the root in its first round */
    assert_int_equal(count_lines(), 2 + RUN_LINES_STEPS_MOST + 1);
    assert_non_null(strstr(out.p, "completed  each@2[0].fix"));
    assert_non_null(
        strstr(out.p, "           ... inner steps from here on: failures and sums only\n"));
}

static void test_run_lines__a_body_that_failed_has_its_own_line(void **state)
{
    (void)state;
    cleanup_document struct document *failure = fixture_json("{\"code\":\"E\",\"message\":\"m\"}");
    struct view_frame item = {.owner = EACH, .child = 1, .kind = FRAME_ITEM, .index = 4};
    start_loop("[1, 2]");
    strbuf_clear(&out);
    view_frame_starts(&view, item);
    tell(&(struct record){.type = RECORD_FRAME_ENDED,
                          .frame = 1,
                          .node = EACH,
                          .run_state = RUN_FAILED,
                          .error = failure});
    check("failed     each[4]   E: m\n");
}

static void test_run_lines__a_wait_is_told_once(void **state)
{
    (void)state;
    cleanup_document struct document *name = fixture_json("\"go\"");
    tell(&(struct record){.type = RECORD_NODE_STARTED, .node = GATE, .attempt = 1, .output = name});
    strbuf_clear(&out);
    run_lines_add_waits(&lines);
    check("waiting    gate      for the event 'go' (--send go)\n");
    run_lines_add_waits(&lines);
    view.new_waits = 1;
    run_lines_add_waits(&lines);
    check("");
}

static void test_run_lines__a_wait_that_is_over_is_not_told(void **state)
{
    (void)state;
    cleanup_document struct document *name = fixture_json("\"go\"");
    tell(&(struct record){.type = RECORD_NODE_STARTED, .node = GATE, .attempt = 1, .output = name});
    view_node_ends(&view, GATE, NODE_COMPLETED, 1, "{}");
    strbuf_clear(&out);
    run_lines_add_waits(&lines);
    check("");
}

static void test_run_lines__waits_in_long_loops_are_told_up_to_a_limit(void **state)
{
    (void)state;
    cleanup_document struct document *name = fixture_json("\"yes\"");
    const struct pipeline *pipeline = fixture.pipeline;
    uint32_t answer = pipeline->bodies[pipeline->nodes[ASK].own_body].first_node;
    view_node_starts(&view, ASK, 1000);
    view.nodes[ASK].total = 500;
    for (uint64_t i = 0; i < 500; i++) {
        view_frame_starts(&view, (struct view_frame){
                                     .owner = ASK, .child = i + 1, .kind = FRAME_ITEM, .index = i});
        tell(&(struct record){
            .type = RECORD_NODE_STARTED, .frame = i + 1, .node = answer, .output = name});
    }
    check("");
    run_lines_add_waits(&lines);
    assert_int_equal(count_lines(), RUN_LINES_WAITS_MOST + 1);
    assert_non_null(strstr(out.p, "waiting    ask[19].answer  for the event 'yes' (--send yes)\n"));
}

static void test_run_lines__what_is_not_known_has_none(void **state)
{
    (void)state;
    tell(&(struct record){.type = RECORD_NODE_STARTED, .frame = 99, .node = fix, .attempt = 1});
    tell(&(struct record){.type = RECORD_FRAME_ENDED, .frame = 99, .node = EACH});
    check("");
}

int main(void)
{
#define WITH_LINES(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_LINES(test_run_lines__nodes_of_the_root_have_two),
        WITH_LINES(test_run_lines__a_live_view_has_no_line_for_a_start),
        WITH_LINES(test_run_lines__a_short_loop_shows_its_steps),
        WITH_LINES(test_run_lines__a_long_loop_shows_failures_and_sums),
        WITH_LINES(test_run_lines__a_loop_of_unknown_length_doubles_its_sums),
        WITH_LINES(test_run_lines__failures_have_a_limit),
        WITH_LINES(test_run_lines__steps_have_a_limit_over_all_loops),
        WITH_LINES(test_run_lines__a_body_that_failed_has_its_own_line),
        WITH_LINES(test_run_lines__a_wait_is_told_once),
        WITH_LINES(test_run_lines__a_wait_that_is_over_is_not_told),
        WITH_LINES(test_run_lines__waits_in_long_loops_are_told_up_to_a_limit),
        WITH_LINES(test_run_lines__what_is_not_known_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
