/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/queue_work.h"

#include "tests/unit/engine/world.h"

#include <stdio.h>
#include <string.h>

#include "core/engine/engine.h"
#include "core/engine/failure.h"
#include "core/value/value.h"
#include "tests/support/pipeline_fixture.h"

#define ITEMS  "[{\"id\":\"r/a\",\"workflow\":\"p\",\"node\":\"a\"}]"
#define WORKED "{\"processed\":1,\"requeued\":0,\"dead\":0,\"items\":[]}"
#define DELIVERED                                                                                  \
    "{\"processed\":1,\"requeued\":0,\"dead\":0,\"items\":[{\"id\":\"r/a\",\"node\":\"a\"}]}"
#define NONE "{\"processed\":0,\"requeued\":0,\"dead\":0,\"items\":[]}"

/* `keys`: of the node that works the queue off, with a comma in front. */
static struct toy_run *start(const char *keys, const char *behind)
{
    char yaml[512];
    (void)snprintf(yaml, sizeof(yaml),
                   "id: d\n"
                   "nodes:\n"
                   "  - {id: q, type: queue.process%s}\n%s",
                   keys, behind);
    return toy_world_run(&world, yaml, NULL);
}

static const struct toy_queue_effect *last_effect(enum effect_type type)
{
    const struct toy_queue_effect *at = NULL;
    for (size_t i = 0; i < world.queue_effect_count; i++) {
        at = world.queue_effects[i].effect.type == type ? &world.queue_effects[i] : at;
    }
    assert_non_null(at);
    return at;
}

static size_t count_effects(enum effect_type type)
{
    size_t count = 0;
    for (size_t i = 0; i < world.queue_effect_count; i++) {
        count += world.queue_effects[i].effect.type == type ? 1u : 0u;
    }
    return count;
}

static void answer(const struct toy_queue_effect *to, struct run_event event, const char *json)
{
    struct document *document = pipeline_fixture_json(json);
    event.frame = to->effect.frame;
    event.node = to->effect.node;
    event.attempt = to->effect.attempt;
    event.index = to->effect.turn;
    event.output = event.type == RUN_EVENT_FAILED ? NULL : document;
    event.error = event.type == RUN_EVENT_FAILED ? document : NULL;
    event.type = event.type == RUN_EVENT_FAILED ? RUN_EVENT_FOUND : event.type;
    toy_run_event(to->run, &event);
    document_unref(document);
}

static void found(const char *items)
{
    answer(last_effect(EFFECT_ASK_QUEUE), (struct run_event){.type = RUN_EVENT_FOUND}, items);
}

static void worked(void)
{
    answer(last_effect(EFFECT_WORK_QUEUE), (struct run_event){.type = RUN_EVENT_DONE}, WORKED);
}

static void test_queue_work__it_asks_has_them_tried_and_gives_what_became_of_them(void **state)
{
    struct toy_run *run =
        start(", config: {workflow: p, max_items: 5}",
              "  - {id: b, type: set, depends_on: [q], config: {n: '{{ q.processed }}'}}\n");
    (void)state;
    assert_state(run, "q", "queued");
    assert_string_equal(last_effect(EFFECT_ASK_QUEUE)->config,
                        "{\"workflow\":\"p\",\"max_items\":5}");
    found(ITEMS);
    assert_state(run, "q", "running");
    assert_string_equal(last_effect(EFFECT_WORK_QUEUE)->config, ITEMS);
    assert_int_equal(last_effect(EFFECT_WORK_QUEUE)->effect.at_unix_ms, 0);
    worked();
    assert_output(run, "q", WORKED);
    assert_output(run, "b", "{\"n\":1}");
    assert_ended(run, "completed");
}

static void test_queue_work__an_empty_queue_is_no_work(void **state)
{
    struct toy_run *run = start("", "");
    (void)state;
    found("[]");
    assert_int_equal(count_effects(EFFECT_WORK_QUEUE), 0);
    assert_output(run, "q", NONE);
    assert_ended(run, "completed");
}

static void test_queue_work__a_queue_that_cannot_be_read_fails_it(void **state)
{
    struct toy_run *run = start("", "");
    (void)state;
    answer(last_effect(EFFECT_ASK_QUEUE), (struct run_event){.type = RUN_EVENT_FAILED},
           "{\"code\":\"FAILED\",\"message\":\"the disk\"}");
    assert_code(toy_run_view(run, "q").error, "FAILED");
    assert_ended(run, "failed");
}

static void test_queue_work__a_config_that_is_wrong_at_last_fails_it(void **state)
{
    struct toy_run *run = start(", config: {wait: \"{{ input.?t.orValue('soon') }}\"}", "");
    (void)state;
    assert_code(toy_run_view(run, "q").error, "CONFIG");
    assert_holds(toy_run_view(run, "q").error, "wait");
    assert_int_equal(count_effects(EFFECT_ASK_QUEUE), 0);
    assert_ended(run, "failed");
}

/* What it has begun another process goes on with: the same items, and no question. */
static void test_queue_work__another_process_tries_the_same_items(void **state)
{
    struct toy_run *run = start(", config: {wait: 10s}, timeout: 1m", "");
    (void)state;
    toy_world_restart(&world); /* it asks again: no record says that it did */
    assert_int_equal(count_effects(EFFECT_ASK_QUEUE), 2);
    found(ITEMS);
    toy_world_restart(&world);
    assert_int_equal(count_effects(EFFECT_ASK_QUEUE), 2);
    assert_int_equal(count_effects(EFFECT_WORK_QUEUE), 2);
    assert_string_equal(last_effect(EFFECT_WORK_QUEUE)->config, ITEMS);
    assert_int_equal(last_effect(EFFECT_WORK_QUEUE)->effect.at_unix_ms, world.now + 10000);
    assert_int_equal(toy_run_timer_count(run), 2);
    worked();
    assert_ended(run, "completed");
}

static void test_queue_work__it_waits_no_longer_than_it_may(void **state)
{
    struct toy_run *run = start(", config: {wait: 10s}", "");
    (void)state;
    found(ITEMS);
    assert_int_equal(last_effect(EFFECT_WORK_QUEUE)->effect.at_unix_ms, world.now + 10000);
    toy_world_pass(&world, 9999);
    assert_int_equal(count_effects(EFFECT_END_QUEUE), 0);
    toy_world_pass(&world, 1);
    assert_int_equal(last_effect(EFFECT_END_QUEUE)->effect.attempt, 1);
    assert_state(run, "q", "running");
    worked();
    assert_ended(run, "completed");
}

static void test_queue_work__a_time_out_fails_it(void **state)
{
    struct toy_run *run = start(", timeout: 5s, config: {wait: 10s}", "");
    (void)state;
    found(ITEMS);
    toy_world_pass(&world, 5000);
    assert_code(toy_run_view(run, "q").error, "TIMEOUT");
    assert_int_equal(count_effects(EFFECT_END_QUEUE), 1);
    assert_ended(run, "failed");
    worked(); /* nobody wants to know */
}

static void test_queue_work__a_cancel_ends_it_at_once(void **state)
{
    struct toy_run *run = start("", "");
    (void)state;
    found(ITEMS);
    toy_run_cancel(run);
    assert_state(run, "q", "cancelled");
    assert_int_equal(count_effects(EFFECT_END_QUEUE), 1);
    assert_ended(run, "cancelled");
    worked();
}

static void test_queue_work__a_late_answer_is_none(void **state)
{
    struct toy_run *run = start("", "");
    (void)state;
    toy_run_pause(run);
    found(ITEMS);
    assert_state(run, "q", "ready");
    toy_run_resume(run);
    found(ITEMS);
    found("[]"); /* once more */
    assert_state(run, "q", "running");
    toy_run_pause(run);
    worked();
    assert_state(run, "q", "completed");
    toy_run_resume(run);
    assert_ended(run, "completed");
}

/* Until nothing is left; the time that one round may wait is none of the next. */
static void test_queue_work__it_is_repeated_until_the_queue_is_empty(void **state)
{
    struct toy_run *run = start(
        ", config: {wait: 10s}, repeat: {until: 'q.processed == 0', max_iterations: 9, delay: 20s}",
        "");
    (void)state;
    found(ITEMS);
    worked();
    assert_true(toy_run_view(run, "q").is_delayed);
    toy_run_event(run,
                  &(struct run_event){.type = RUN_EVENT_TIMER, .timer = TIMER_WAIT, .attempt = 1});
    assert_true(toy_run_view(run, "q").is_delayed); /* it came too late to be disarmed */
    toy_world_pass(&world, 20000);
    assert_int_equal(count_effects(EFFECT_ASK_QUEUE), 2);
    found("[]");
    assert_ended(run, "completed");
    assert_int_equal(toy_run_view(run, "q").attempt, 2);
}

/* Its output stays what became of the calls. */
static void test_queue_work__nodes_run_for_each_call_that_was_delivered(void **state)
{
    struct toy_run *run =
        start(", as: call, nodes: [{id: n, type: toy.task, config: {x: '{{ call.node }} {{ "
              "q.processed }}'}}]",
              "  - {id: b, type: set, depends_on: [q], config: {n: '{{ q.processed }}'}}\n");
    (void)state;
    found(ITEMS);
    toy_world_restart(&world);
    answer(last_effect(EFFECT_WORK_QUEUE), (struct run_event){.type = RUN_EVENT_DONE}, DELIVERED);
    assert_true(toy_run_is_live(run, "q.nodes[0].n"));
    assert_json(toy_run_node(run, "q.nodes[0].n")->config, "{\"x\":\"a 1\"}");
    toy_world_restart(&world);
    assert_int_equal(count_effects(EFFECT_WORK_QUEUE), 2); /* that is over */
    toy_run_done(run, "q.nodes[0].n", "1");
    assert_output(run, "q", DELIVERED);
    assert_output(run, "b", "{\"n\":1}");
    assert_ended(run, "completed");
}

static void test_queue_work__a_failure_of_these_nodes_is_its_own(void **state)
{
    struct toy_run *run = start(", nodes: [{id: n, type: toy.task}], on_error: continue", "");
    (void)state;
    found(ITEMS);
    answer(last_effect(EFFECT_WORK_QUEUE), (struct run_event){.type = RUN_EVENT_DONE}, DELIVERED);
    toy_run_failed(run, "q.nodes[0].n", "BROKEN");
    assert_code(toy_run_view(run, "q").error, "BROKEN");
    assert_ended(run, "completed");
}

/* As long as it is at work it is looked after: its run is not given up. */
static void test_queue_work__its_run_stays_in_memory(void **state)
{
    struct engine_rest wait;
    struct toy_run *run = start("", "");
    (void)state;
    assert_false(engine_only_waits(run->run, &wait));
    found(ITEMS);
    assert_false(engine_only_waits(run->run, &wait));
    worked();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_queue_work__it_asks_has_them_tried_and_gives_what_became_of_them),
        WITH_WORLD(test_queue_work__an_empty_queue_is_no_work),
        WITH_WORLD(test_queue_work__a_queue_that_cannot_be_read_fails_it),
        WITH_WORLD(test_queue_work__a_config_that_is_wrong_at_last_fails_it),
        WITH_WORLD(test_queue_work__another_process_tries_the_same_items),
        WITH_WORLD(test_queue_work__it_waits_no_longer_than_it_may),
        WITH_WORLD(test_queue_work__a_time_out_fails_it),
        WITH_WORLD(test_queue_work__a_cancel_ends_it_at_once),
        WITH_WORLD(test_queue_work__a_late_answer_is_none),
        WITH_WORLD(test_queue_work__it_is_repeated_until_the_queue_is_empty),
        WITH_WORLD(test_queue_work__nodes_run_for_each_call_that_was_delivered),
        WITH_WORLD(test_queue_work__a_failure_of_these_nodes_is_its_own),
        WITH_WORLD(test_queue_work__its_run_stays_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
