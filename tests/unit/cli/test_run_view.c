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
    assert_int_equal(run_tree_node_ms(&view->nodes[0], 9999), 300);
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
    assert_int_equal(run_tree_node_ms(&view->nodes[2], 9999), 0);
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

/* Their numbers count on over visits, and what is lost with its engine is the same visit. */
static void test_run_view__attempts_of_earlier_visits_are_known(void **state)
{
    (void)state;
    struct viewed viewed;
    struct run_view *view = &viewed.view;
    const struct record starts = {
        .type = RECORD_NODE_STARTED, .node = 0, .attempt = 2, .at_unix_ms = 1003};
    const struct record again = {
        .type = RECORD_NODE_STARTED, .node = 0, .attempt = 3, .at_unix_ms = 1004};
    viewed_init(&viewed);
    view_run_starts(view, 1000);
    view_node_starts(view, 0, 1001);
    view_node_ends(view, 0, NODE_COMPLETED, 1002, "1");
    assert_int_equal(view->nodes[0].before, 0);
    run_view_apply(view, &starts);
    run_view_apply(view, &(struct record){.type = RECORD_NODE_LOST, .node = 0, .attempt = 2});
    run_view_apply(view, &again);
    assert_int_equal(view->nodes[0].before, 1);
    assert_int_equal(view->nodes[0].attempt, 3);
    viewed_finish(&viewed);
}

/* A person says how it ended: nobody knows how long it took. */
static void test_run_view__an_unknown_node_waits_and_has_no_time(void **state)
{
    (void)state;
    struct viewed viewed;
    struct run_view *view = &viewed.view;
    viewed_init(&viewed);
    view_run_starts(view, 1000);
    view_node_starts(view, 0, 1001);
    run_view_apply(view, &(struct record){.type = RECORD_NODE_UNKNOWN, .node = 0, .attempt = 1});
    assert_true(run_tree_is_waiting(run_view_step(view, NULL, 0, 0)));
    assert_int_equal(view->new_waits, 1);
    view_node_ends(view, 0, NODE_COMPLETED, 9000, "1");
    assert_false(run_tree_is_waiting(run_view_step(view, NULL, 0, 0)));
    assert_int_equal(view->nodes[0].started_at, 0);
    assert_int_equal(view->nodes[0].ended_at, 0);
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
    assert_int_equal(run_tree_node_ms(&viewed.view.nodes[0], 4000), 0);
    viewed_finish(&viewed);
}

/* ---- what is inside ---- */

static const char inner_yaml[] = "id: t\nrollback: true\nnodes:\n"
                                 "  - id: each\n"
                                 "    for_each: input.x\n"
                                 "    nodes:\n"
                                 "      - {id: fix, type: set, config: {x: 1},\n"
                                 "         compensate: {type: set, config: {x: 0}}}\n"
                                 "  - {id: call, type: workflow, config: {workflow: t}}\n"
                                 "finally: [{id: tidy, type: set, config: {x: 1}}]\n";

enum { EACH = 0, CALL = 1 };

static const struct view_frame item = {.owner = EACH, .child = 5, .kind = FRAME_ITEM, .index = 17};

static struct viewed inner;
static uint32_t fix;
static int child_place; /* its address is that of a run that nobody looks into */

static int set_up(void **state)
{
    (void)state;
    pipeline_fixture_init(&inner.fixture, inner_yaml);
    const struct pipeline *pipeline = inner.fixture.pipeline;
    fix = pipeline->bodies[pipeline->nodes[EACH].own_body].first_node;
    return run_view_init(&inner.view, pipeline);
}

static int tear_down(void **state)
{
    (void)state;
    viewed_finish(&inner);
    return 0;
}

static struct run *child_run(void)
{
    return (struct run *)(void *)&child_place;
}

static void start_items(uint64_t count)
{
    struct strbuf text = STRBUF_INIT;
    strbuf_append_char(&text, '[');
    for (uint64_t i = 0; i < count; i++) {
        strbuf_append_text(&text, i > 0 ? ",0" : "0");
    }
    strbuf_append_char(&text, ']');
    cleanup_document struct document *items = fixture_json(text.p);
    strbuf_finish(&text);
    run_view_apply(&inner.view, &(struct record){.type = RECORD_NODE_STARTED,
                                                 .node = EACH,
                                                 .attempt = 1,
                                                 .at_unix_ms = 1000,
                                                 .output = items});
}

static void test_run_view__counts_the_items_of_a_loop(void **state)
{
    (void)state;
    start_items(3);
    assert_int_equal(inner.view.nodes[EACH].total, 3);
    view_frame_starts(&inner.view, item);
    const struct frame_view *frame = run_view_step(&inner.view, NULL, 5, fix).frame;
    assert_non_null(frame);
    assert_false(frame->is_quiet);
    assert_int_equal(frame->top, EACH);
    view_inner_ends(&inner.view, 5, fix, "{\"message\":\"m\"}");
    assert_int_equal(inner.view.failed, 0); /* of the root */
    view_frame_ends(&inner.view, item, RUN_FAILED, "{\"message\":\"m\"}");
    assert_int_equal(inner.view.nodes[EACH].iterations, 1);
    assert_int_equal(inner.view.nodes[EACH].failed_iterations, 1);
    view_frame_starts(&inner.view, item); /* the frame goes with the next record */
    view_frame_ends(&inner.view, item, RUN_CANCELLED, NULL);
    assert_int_equal(inner.view.nodes[EACH].iterations, 1); /* as the loop counts */
    view_run_starts(&inner.view, 1);
    assert_null(run_view_step(&inner.view, NULL, 5, fix).frame);
}

static void test_run_view__many_items_are_quiet(void **state)
{
    (void)state;
    start_items(11);
    view_frame_starts(&inner.view, item);
    assert_true(run_view_step(&inner.view, NULL, 5, fix).frame->is_quiet);
}

static void test_run_view__keeps_the_cause_of_a_failure_only(void **state)
{
    (void)state;
    start_items(2);
    view_frame_starts(&inner.view, item);
    view_inner_ends(&inner.view, 5, fix, "{\"message\":\"cause\"}");
    view_frame_ends(&inner.view, item, RUN_FAILED, "{\"message\":\"cause\"}");
    view_node_ends(&inner.view, EACH, NODE_FAILED, 1100, "{\"message\":\"item 17: cause\"}");
    assert_int_equal(inner.view.kept.failure_total, 1);
    assert_string_equal(inner.view.kept.failures[0].path, "each[17].fix");
    assert_false(inner.view.kept.failures[0].is_handled);
}

static void test_run_view__keeps_the_failure_of_a_body(void **state)
{
    (void)state;
    start_items(2);
    view_frame_starts(&inner.view, item);
    view_inner_ends(&inner.view, 5, fix, NULL);
    view_frame_ends(&inner.view, item, RUN_FAILED, "{\"message\":\"output\"}");
    assert_int_equal(inner.view.kept.failure_total, 1);
    assert_true(inner.view.is_frames_own);
    assert_string_equal(inner.view.kept.failures[0].path, "each[17]");
}

static void test_run_view__keeps_so_many_failures_and_steps(void **state)
{
    (void)state;
    enum { MORE = 50 };
    inner.view.kept.keeps_steps = true;
    start_items(2);
    view_frame_starts(&inner.view, item);
    for (int i = 0; i < RUN_KEPT_STEPS_MOST + MORE; i++) {
        view_inner_ends(&inner.view, 5, fix, "{\"message\":\"m\"}");
    }
    assert_int_equal(inner.view.kept.failure_count, RUN_KEPT_FAILURES_MOST);
    assert_int_equal(inner.view.kept.failure_total, RUN_KEPT_STEPS_MOST + MORE);
    assert_int_equal(inner.view.kept.step_count, RUN_KEPT_STEPS_MOST);
    assert_int_equal(inner.view.kept.step_total, RUN_KEPT_STEPS_MOST + MORE);
    assert_string_equal(inner.view.kept.steps[1].path, "each[17].fix#2");
}

static void test_run_view__keeps_no_steps_unless_asked(void **state)
{
    (void)state;
    start_items(2);
    view_frame_starts(&inner.view, item);
    view_inner_ends(&inner.view, 5, fix, NULL);
    assert_int_equal(inner.view.kept.step_total, 0);
}

static void add_child(struct step call)
{
    run_view_add_child(&inner.view, &(struct child_options){.run = child_run(),
                                                            .pipeline = inner.fixture.pipeline,
                                                            .id = STR("id/call"),
                                                            .path = STR("call"),
                                                            .call = call});
}

static void child_ends(enum run_state state, const char *json)
{
    cleanup_document struct document *failure = json != NULL ? fixture_json(json) : NULL;
    run_view_apply(&inner.view, &(struct record){.type = RECORD_RUN_ENDED,
                                                 .run = child_run(),
                                                 .node = RECORD_NO_NODE,
                                                 .run_state = state,
                                                 .error = failure});
}

static void child_node_fails(void)
{
    cleanup_document struct document *failure = fixture_json("{\"message\":\"m\"}");
    run_view_apply(&inner.view, &(struct record){.type = RECORD_NODE_ENDED,
                                                 .run = child_run(),
                                                 .node = CALL,
                                                 .node_state = NODE_FAILED,
                                                 .error = failure});
}

static void test_run_view__a_child_run_changes_nothing_of_the_root(void **state)
{
    (void)state;
    struct run_view *view = &inner.view;
    view_run_starts(view, 1000);
    view_node_starts(view, CALL, 1000);
    add_child(run_view_step(view, NULL, 0, CALL));
    assert_string_equal(view->nodes[CALL].child, "id/call");
    run_view_apply(
        view, &(struct record){.type = RECORD_RUN_STARTED, .run = child_run(), .at_unix_ms = 2000});
    assert_int_equal(view->started_at, 1000);
    child_node_fails();
    assert_int_equal(view->failed, 0);
    child_ends(RUN_FAILED, "{\"message\":\"m\"}");
    assert_int_equal(view->state, RUN_RUNNING);
    assert_null(view->error);
    view_node_ends(view, CALL, NODE_FAILED, 2100, "{\"message\":\"workflow 't': m\"}");
    assert_int_equal(view->kept.failure_total, 1);
    assert_string_equal(view->kept.failures[0].path, "call/call");
}

static void test_run_view__a_child_run_nobody_waits_for_tells_its_failure(void **state)
{
    (void)state;
    struct run_view *view = &inner.view;
    view_node_ends(view, CALL, NODE_COMPLETED, 1000, "{}");
    add_child(run_view_step(view, NULL, 0, CALL));
    child_ends(RUN_FAILED, "{\"message\":\"late\"}");
    assert_int_equal(view->kept.failure_total, 1);
    assert_string_equal(view->kept.failures[0].path, "call");
}

static void test_run_view__a_run_may_lie_where_another_lay(void **state)
{
    (void)state;
    struct run_view *view = &inner.view;
    view_node_starts(view, CALL, 1000);
    add_child(run_view_step(view, NULL, 0, CALL));
    child_node_fails();
    assert_true(run_view_step(view, child_run(), 0, CALL).frame->has_failures);
    add_child(run_view_step(view, NULL, 0, CALL));
    assert_false(run_view_step(view, child_run(), 0, CALL).frame->has_failures);
    add_child((struct step){0}); /* to be undone: it is there */
    assert_int_equal(view->tree.count, 2);
}

static void test_run_view__frames_stay_that_may_be_undone(void **state)
{
    (void)state;
    struct run_view *view = &inner.view;
    struct view_frame undo = {.frame = 5, .owner = fix, .child = 6, .kind = FRAME_UNDO};
    start_items(2);
    view_frame_starts(view, item);
    view_inner_ends(view, 5, fix, NULL);
    view_frame_ends(view, item, RUN_COMPLETED, NULL);
    view_run_starts(view, 1);
    assert_non_null(run_view_step(view, NULL, 5, fix).frame);
    view_frame_starts(view, undo);
    const struct frame_view *frame = run_view_step(view, NULL, 6, 0).frame;
    assert_int_equal(frame->top, RECORD_NO_NODE);
    view_inner_ends(view, 6, frame->body->first_node, "{\"message\":\"m\"}");
    view_frame_ends(view, undo, RUN_FAILED, "{\"message\":\"m\"}");
    assert_int_equal(view->undo_failures, 1);
    assert_int_equal(view->undone, 0);
    assert_string_equal(view->kept.failures[0].path, "undo:each[17].fix");
}

static void test_run_view__endings_are_kept(void **state)
{
    (void)state;
    struct run_view *view = &inner.view;
    struct view_frame ending = {.owner = RECORD_NO_NODE, .child = 9, .kind = FRAME_ENDING};
    view_run_starts(view, 1000);
    run_view_apply(view, &(struct record){.type = RECORD_RUN_ENDING,
                                          .node = RECORD_NO_NODE,
                                          .run_state = RUN_COMPLETED});
    assert_int_equal(view->state, RUN_ENDING);
    assert_int_equal(view->outcome, RUN_COMPLETED);
    assert_int_equal(view->ended_at, 0);
    view_frame_starts(view, ending);
    view_frame_ends(view, ending, RUN_FAILED, "{\"message\":\"m\"}");
    view_run_ends(view, RUN_COMPLETED, 2000, "{}", NULL);
    assert_int_equal(view->state, RUN_COMPLETED);
    assert_int_equal(view->ending_count, 1);
    assert_true(str_equal(view->endings[0].what, STR("finally")));
    assert_int_equal(view->endings[0].state, RUN_FAILED);
}

static void test_run_view__rounds_are_apart(void **state)
{
    (void)state;
    struct run_view *view = &inner.view;
    struct record again = {.type = RECORD_NODE_AGAIN,
                           .node = CALL,
                           .attempt = 1,
                           .at_unix_ms = 1500,
                           .due_unix_ms = 4500};
    view->kept.keeps_steps = true;
    view_node_starts(view, CALL, 1000);
    run_view_apply(view, &again);
    assert_int_equal(view->running, 0);
    assert_int_equal(view->nodes[CALL].round, 0);
    assert_int_equal(view->nodes[CALL].due_at, 4500);
    assert_true(run_tree_is_under_way(run_view_step(view, NULL, 0, CALL)));
    assert_string_equal(view->kept.steps[0].path, "call");
    assert_int_equal(view->kept.steps[0].state, NODE_COMPLETED);
    run_view_apply(view, &(struct record){.type = RECORD_NODE_DUE, .node = CALL});
    assert_false(run_tree_is_under_way(run_view_step(view, NULL, 0, CALL)));
    view_node_starts(view, CALL, 4500);
    assert_int_equal(view->nodes[CALL].round, 1);
    assert_int_equal(view->running, 1);
    view_node_ends(view, CALL, NODE_COMPLETED, 5000, "{}");
    assert_int_equal(run_tree_node_ms(&view->nodes[CALL], 9999), 500);
    assert_int_equal(view->completed, 1);
}

static void test_run_view__events_stay_until_taken(void **state)
{
    (void)state;
    struct run_view *view = &inner.view;
    cleanup_document struct document *one = fixture_json("{\"name\":\"one\"}");
    cleanup_document struct document *two = fixture_json("{\"name\":\"two\"}");
    run_view_apply(view, &(struct record){.type = RECORD_SIGNAL, .output = one});
    run_view_apply(view, &(struct record){.type = RECORD_SIGNAL, .output = two});
    run_view_apply(view, &(struct record){.type = RECORD_SIGNAL_TAKEN, .index = 0});
    run_view_apply(view, &(struct record){.type = RECORD_SIGNAL_TAKEN, .index = 7});
    assert_int_equal(view->kept.event_count, 1);
    assert_ptr_equal(view->kept.events[0], two);
}

static void test_run_view__memory_may_run_out(void **state)
{
    (void)state;
    struct run_view *view = &inner.view;
    cleanup_document struct document *items = fixture_json("[1, 2]");
    cleanup_document struct document *failure = fixture_json("{\"message\":\"m\"}");
    uint32_t body = inner.fixture.pipeline->nodes[EACH].own_body;
    const struct record records[] = {
        {.type = RECORD_NODE_STARTED, .node = EACH, .attempt = 1, .output = items},
        {.type = RECORD_FRAME_STARTED, .node = EACH, .child = 5, .kind = FRAME_ITEM, .body = body},
        {.type = RECORD_NODE_ENDED,
         .frame = 5,
         .node = fix,
         .node_state = NODE_FAILED,
         .error = failure},
        {.type = RECORD_FRAME_ENDED, .frame = 5, .node = EACH, .run_state = RUN_FAILED},
        {.type = RECORD_NODE_STARTED, .node = CALL, .attempt = 1},
        {.type = RECORD_RUN_STARTED, .run = child_run()}, /* add_child() comes before */
        {.type = RECORD_RUN_ENDED, .run = child_run(), .run_state = RUN_FAILED, .error = failure},
        {.type = RECORD_NODE_AGAIN, .node = CALL, .attempt = 1},
        {.type = RECORD_SIGNAL, .output = items},
        {.type = RECORD_SIGNAL_TAKEN},
        {.type = RECORD_RUN_ENDED, .node = RECORD_NO_NODE, .run_state = RUN_FAILED},
    };
    enum { RECORDS = sizeof(records) / sizeof(records[0]), MOST_ALLOCATIONS = 8 };
    for (size_t at = 0; at < (size_t)RECORDS * MOST_ALLOCATIONS; at++) {
        run_view_finish(view);
        assert_int_equal(run_view_init(view, inner.fixture.pipeline), 0);
        view->kept.keeps_steps = true;
        bool is_reached = false;
        for (size_t i = 0; i < RECORDS; i++) {
            bool is_the_one = i == at / MOST_ALLOCATIONS;
            if (is_the_one) {
                failing_alloc_arm((long)(at % MOST_ALLOCATIONS));
            }
            if (records[i].type == RECORD_RUN_STARTED) {
                add_child(run_view_step(view, NULL, 0, CALL));
            }
            run_view_apply(view, &records[i]);
            is_reached = is_the_one ? failing_alloc_disarm() : is_reached;
        }
        assert_int_equal(view->state, RUN_FAILED);
        assert_int_equal(view->has_failed, is_reached);
    }
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
#define WITH_INNER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_view__begins_empty),
        cmocka_unit_test(test_run_view__follows_the_records),
        cmocka_unit_test(test_run_view__what_runs_inline_has_a_time),
        cmocka_unit_test(test_run_view__what_did_not_run_has_no_time),
        cmocka_unit_test(test_run_view__a_state_may_be_visited_again),
        cmocka_unit_test(test_run_view__attempts_of_earlier_visits_are_known),
        cmocka_unit_test(test_run_view__an_unknown_node_waits_and_has_no_time),
        cmocka_unit_test(test_run_view__a_clock_set_back_gives_no_negative_time),
        cmocka_unit_test(test_run_view__each_allocation_may_fail),
        WITH_INNER(test_run_view__counts_the_items_of_a_loop),
        WITH_INNER(test_run_view__many_items_are_quiet),
        WITH_INNER(test_run_view__keeps_the_cause_of_a_failure_only),
        WITH_INNER(test_run_view__keeps_the_failure_of_a_body),
        WITH_INNER(test_run_view__keeps_so_many_failures_and_steps),
        WITH_INNER(test_run_view__keeps_no_steps_unless_asked),
        WITH_INNER(test_run_view__a_child_run_changes_nothing_of_the_root),
        WITH_INNER(test_run_view__a_child_run_nobody_waits_for_tells_its_failure),
        WITH_INNER(test_run_view__a_run_may_lie_where_another_lay),
        WITH_INNER(test_run_view__frames_stay_that_may_be_undone),
        WITH_INNER(test_run_view__endings_are_kept),
        WITH_INNER(test_run_view__rounds_are_apart),
        WITH_INNER(test_run_view__events_stay_until_taken),
        WITH_INNER(test_run_view__memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
