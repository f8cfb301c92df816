/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/queue.h"

#include "tests/unit/engine/world.h"

#include <stdio.h>
#include <string.h>

#include "core/base/str.h"
#include "core/engine/engine.h"
#include "core/engine/failure.h"
#include "core/engine/reuse.h"
#include "core/value/value.h"
#include "tests/support/pipeline_fixture.h"

#define DOWN  "{\"code\":\"UNAVAILABLE\",\"message\":\"refused\",\"effect\":\"none\"}"
#define WRONG "{\"code\":\"INPUT\",\"message\":\"no\",\"effect\":\"none\",\"upstream_status\":400}"
#define MAYBE                                                                                      \
    "{\"code\":\"UPSTREAM\",\"message\":\"?\",\"effect\":\"maybe\",\"upstream_status\":500}"
#define SERVICE "call https://a.example:443"

static const char fails[] = "id: f\nnodes: [{id: a, type: call.task, retry: off, config: {url: "
                            "'https://a.example/'}}]\n";

/* `more`: keys of the node. */
static struct toy_run *start(const char *more, const char *behind)
{
    char yaml[1024];
    (void)snprintf(yaml, sizeof(yaml),
                   "id: p\n"
                   "nodes:\n"
                   "  - {id: a, type: call.task, on_open: queue, %s,\n"
                   "     config: {url: 'https://a.example/{{ input.?path.orValue(1) }}'}}\n%s",
                   more, behind);
    return toy_world_run(&world, yaml, NULL);
}

static uint64_t next_run(void *user)
{
    uint64_t *last = user;
    return ++*last;
}

static int set_up(void **state)
{
    static uint64_t last;
    (void)state;
    last = 0;
    toy_world_init(&world, &(struct engine_options){.next_run = next_run, .user = &last});
    for (int i = 0; i < 5; i++) {
        struct toy_run *run = toy_world_run(&world, fails, NULL);
        toy_run_failed_with(run, "a", DOWN);
    }
    return 0;
}

static struct toy_run *item_of(const struct toy_run *run)
{
    char id[64];
    (void)snprintf(id, sizeof(id), "%s/a", run->id);
    return toy_world_find(&world, id);
}

static void expect_key(const struct toy_run *one, const struct toy_run *other, bool is_same)
{
    char key[32] = "";
    char another[32] = "";
    assert_int_equal(run_idempotency_key(one->run, 0, 0, key), 0);
    assert_int_equal(run_idempotency_key(other->run, 0, 0, another), 0);
    assert_int_equal(strcmp(key, another) == 0, is_same);
}

static bool is_dead(const struct toy_run *item)
{
    return toy_run_view(item, "a").is_dead;
}

/* An item whose only attempt has failed for good. */
static struct toy_run *bury(void)
{
    struct toy_run *item = item_of(start("retry: off", ""));
    toy_world_pass(&world, 60000);
    toy_run_failed_with(item, "a", WRONG);
    assert_true(is_dead(item));
    return item;
}

static void again(struct toy_run *item, const char *input)
{
    struct document *document = input != NULL ? pipeline_fixture_json(input) : NULL;
    const struct run_event event = {
        .type = RUN_EVENT_RESOLVE, .resolution = RUN_RESOLVE_AGAIN, .output = document};
    toy_run_event(item, &event);
    document_unref(document);
}

/* ---- */

static void test_queue__a_refused_call_is_made_later_with_the_same_key(void **state)
{
    (void)state;
    struct toy_run *run = start("retry: off", "");
    assert_ended(run, "completed");
    assert_output(run, "a",
                  "{\"status\":\"queued\",\"reason\":\"circuit_open\",\"queue_id\":\"run6/a\"}");
    struct toy_run *item = item_of(run);
    assert_json(run_input(item->run), "{\"url\":\"https://a.example/1\"}");
    assert_state(item, "a", "queued");
    expect_key(run, item, true);
    toy_world_pass(&world, 59999);
    assert_state(item, "a", "queued");
    toy_world_pass(&world, 1);
    assert_true(toy_run_is_live(item, "a"));
    toy_run_done(item, "a", "{\"got\":1}");
    assert_ended(item, "completed");
    assert_json(item->output, "{\"a\":{\"got\":1}}");
}

/* Not by its output, which any node can have. */
static void test_queue__the_end_of_the_node_says_that_its_call_was_queued(void **state)
{
    (void)state;
    struct toy_run *run = start("retry: off", "");
    assert_int_equal(toy_run_view(run, "a").from, OUTPUT_FROM_QUEUE);
    toy_world_restart(&world);
    assert_int_equal(toy_run_view(run, "a").from, OUTPUT_FROM_QUEUE);
    struct document *reuse = NULL;
    assert_int_equal(reuse_build(run->run, STR(""), &reuse, NULL), 0);
    assert_holds(reuse, "\"queued\":true");
    document_unref(reuse);
}

static void test_queue__what_waits_outlives_the_process(void **state)
{
    (void)state;
    struct toy_run *run = start("retry: off", "");
    struct toy_run *item = item_of(run);
    toy_world_restart(&world);
    assert_ended(run, "completed");
    expect_key(run, item, true);
    toy_world_pass(&world, 60000);
    assert_true(toy_run_is_live(item, "a"));
    toy_world_restart(&world); /* nobody knows whether it was done: once more, with its key */
    assert_true(toy_run_is_live(item, "a"));
    toy_run_done(item, "a", "{}");
    assert_ended(item, "completed");
}

static void test_queue__queued_edges_are_the_only_way_on(void **state)
{
    (void)state;
    struct toy_run *run = start("retry: off", "  - {id: plain, type: set}\n"
                                              "  - {id: later, type: set}\n"
                                              "edges:\n"
                                              "  - {source: a, target: plain}\n"
                                              "  - {source: a, target: later, on: queued}\n");
    assert_ended(run, "completed");
    assert_state(run, "plain", "not_run");
    assert_state(run, "later", "completed");
}

static void test_queue__without_queued_edges_the_plain_ones_are_taken(void **state)
{
    (void)state;
    struct toy_run *run = start("retry: off",
                                "  - {id: plain, type: set, depends_on: [a], config: {x: "
                                "\"{{ a.output.?got.orValue('none') }}\"}}\n");
    assert_output(run, "plain", "{\"x\":\"none\"}");
}

static void test_queue__a_further_attempt_is_queued_too(void **state)
{
    (void)state;
    toy_world_pass(&world, 60000);
    struct toy_run *run = start("retry: {max_attempts: 3, initial_interval: 1s, jitter: none}", "");
    toy_run_failed_with(run, "a", DOWN); /* the trial: it is open again */
    assert_state(run, "a", "running");
    toy_world_pass(&world, 1000);
    assert_ended(run, "completed");
    expect_key(run, item_of(run), true);
    assert_int_equal(toy_run_view(item_of(run), "a").failures, 0);
}

static void test_queue__an_item_is_retried_and_then_dead(void **state)
{
    (void)state;
    struct toy_run *item =
        item_of(start("retry: {max_attempts: 2, initial_interval: 1s, jitter: none}", ""));
    toy_world_pass(&world, 60000);
    toy_run_failed_with(item, "a", DOWN);
    assert_false(is_dead(item));
    toy_world_pass(&world, 200000);
    toy_run_failed_with(item, "a", DOWN);
    assert_true(is_dead(item));
    assert_code(toy_run_view(item, "a").error, "UNAVAILABLE");
    assert_false(run_is_ended(item->run));
    toy_world_pass(&world, 1000000);
    assert_int_equal(world.live, 0); /* for ever, if nobody comes */
    toy_world_restart(&world);
    assert_true(is_dead(item));
}

static void test_queue__what_behind_a_dead_one_goes_on(void **state)
{
    (void)state;
    struct toy_run *first = item_of(start("retry: off", ""));
    struct toy_run *second = item_of(start("retry: off", ""));
    toy_world_pass(&world, 60000);
    toy_run_failed_with(first, "a", WRONG); /* an answer: the service is there */
    assert_true(is_dead(first));
    assert_true(toy_run_is_live(second, "a"));
}

static void test_queue__a_requeue_has_all_attempts_and_the_same_key(void **state)
{
    (void)state;
    struct toy_run *item = bury();
    char key[32];
    char after[32];
    assert_int_equal(run_idempotency_key(item->run, 0, 0, key), 0);
    again(item, NULL);
    assert_true(toy_run_is_live(item, "a"));
    assert_int_equal(run_idempotency_key(item->run, 0, 0, after), 0);
    assert_string_equal(key, after);
    assert_int_equal(toy_run_view(item, "a").failures, 0);
    toy_run_done(item, "a", "{}");
    assert_ended(item, "completed");
}

/* Spent or not: who requeues it has to look first. */
static void test_queue__what_may_have_been_done_is_unknown(void **state)
{
    (void)state;
    struct toy_run *item = item_of(start("retry: off", ""));
    toy_world_pass(&world, 60000);
    toy_run_failed_with(item, "a", MAYBE);
    assert_true(toy_run_view(item, "a").is_unknown);
    assert_false(is_dead(item));
    toy_world_restart(&world);
    assert_true(toy_run_view(item, "a").is_unknown);
    assert_false(is_dead(item));
}

static void test_queue__a_requeue_of_an_unknown_one_has_all_attempts(void **state)
{
    (void)state;
    struct toy_run *item =
        item_of(start("retry: {max_attempts: 3, initial_interval: 1s, jitter: none}", ""));
    toy_world_pass(&world, 60000);
    toy_run_failed_with(item, "a", DOWN);
    toy_world_pass(&world, 200000);
    toy_run_failed_with(item, "a", MAYBE);
    assert_true(toy_run_view(item, "a").is_unknown);
    again(item, NULL);
    assert_int_equal(toy_run_view(item, "a").failures, 0);
}

static void test_queue__another_input_is_another_call(void **state)
{
    (void)state;
    struct toy_run *item = bury();
    char key[32];
    char after[32];
    assert_int_equal(run_idempotency_key(item->run, 0, 0, key), 0);
    again(item, "{\"url\":\"https://a.example/2\"}");
    assert_json(run_input(item->run), "{\"url\":\"https://a.example/2\"}");
    assert_int_equal(run_idempotency_key(item->run, 0, 0, after), 0);
    assert_string_not_equal(key, after);
    toy_world_restart(&world); /* its records say so, too */
    assert_json(run_input(item->run), "{\"url\":\"https://a.example/2\"}");
    assert_int_equal(run_idempotency_key(item->run, 0, 0, key), 0);
    assert_string_equal(key, after);
}

static void test_queue__a_person_settles_a_dead_one(void **state)
{
    (void)state;
    struct toy_run *skipped = bury();
    toy_run_resolve(skipped, "a", RUN_RESOLVE_OUTPUT, "{\"paid\":true}");
    assert_ended(skipped, "completed");
    assert_output(skipped, "a", "{\"paid\":true}");
}

static void test_queue__a_person_drops_a_dead_one(void **state)
{
    (void)state;
    struct toy_run *dropped = bury();
    toy_run_resolve(dropped, "a", RUN_RESOLVE_FAIL, FAILURE_DROPPED);
    assert_ended(dropped, "failed");
}

static void test_queue__an_item_that_ends_the_process_is_dead(void **state)
{
    (void)state;
    struct toy_run *item = item_of(start("retry: off", ""));
    struct document *failure = failure_create(FAILURE_CRASHED, STR("again and again"), NULL);
    const struct run_event event = {.type = RUN_EVENT_ABANDON, .error = failure};
    toy_world_pass(&world, 60000);
    assert_true(toy_run_is_live(item, "a"));
    toy_world_crash(&world);
    toy_run_event(item, &event);
    toy_world_recover(&world);
    assert_true(is_dead(item));
    assert_code(toy_run_view(item, "a").error, FAILURE_CRASHED);
    toy_run_event(item, &event); /* it is, already */
    assert_true(is_dead(item));
    assert_int_equal(world.live, 0);
    document_unref(failure);
}

static void test_queue__an_item_does_not_belong_to_its_run(void **state)
{
    (void)state;
    struct toy_run *run = start("retry: off", "  - {id: b, type: wait, config: {seconds: 900}}\n");
    struct toy_run *item = item_of(run);
    struct engine_call call;
    toy_run_cancel(run);
    assert_ended(run, "cancelled");
    assert_false(engine_find_call(item->run, &call));
    assert_false(run_is_ended(item->run));
    toy_world_pass(&world, 60000);
    assert_true(toy_run_is_live(item, "a"));
}

static void test_queue__a_config_that_cannot_be_made_fails_the_node(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes: [{id: a, type: call.task, on_open: queue, config: {url: "
                      "'https://a.example/{{ input.nothing }}'}}]\n",
                      NULL);
    assert_ended(run, "failed");
}

static struct toy_run *start_with(const char *priority)
{
    char yaml[1024];
    (void)snprintf(yaml, sizeof(yaml),
                   "id: p\n"
                   "integrations: {call: {max_concurrency: 1}}\n"
                   "nodes:\n"
                   "  - {id: a, type: call.task, on_open: {queue: {priority: %s}}, retry: off,\n"
                   "     config: {url: 'https://a.example/'}}\n",
                   priority);
    return item_of(toy_world_run(&world, yaml, NULL));
}

/* One at a time, and each when the one before has been answered. */
static void expect_order(struct toy_run *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = i; k < count; k++) {
            assert_int_equal(toy_run_is_live(items[k], "a"), k == i);
        }
        toy_run_done(items[i], "a", "{}");
        assert_ended(items[i], "completed");
    }
}

static void test_queue__calls_are_made_by_priority_and_then_as_they_came(void **state)
{
    (void)state;
    struct toy_run *low = start_with("low");
    struct toy_run *first = start_with("normal");
    struct toy_run *second = start_with("normal");
    struct toy_run *high = start_with("high");
    toy_world_pass(&world, 60000);
    expect_order((struct toy_run *const[]){high, first, second, low}, 4);
}

static void test_queue__another_process_keeps_the_order(void **state)
{
    (void)state;
    struct toy_run *low = start_with("low");
    struct toy_run *normal = start_with("normal");
    toy_world_pass(&world, 1000);
    struct toy_run *high = start_with("high");
    toy_world_restart(&world);
    struct toy_run *last = start_with("high");
    toy_world_pass(&world, 59000);
    expect_order((struct toy_run *const[]){high, last, normal, low}, 4);
}

/* One whose attempt has failed comes behind those that were ready before its next one is. */
static void test_queue__a_turn_begins_with_the_time_of_the_next_attempt(void **state)
{
    (void)state;
    struct toy_run *item =
        item_of(start("retry: {max_attempts: 3, initial_interval: 20s, jitter: none}", ""));
    int64_t queued_at = run_turn(item->run).at;
    toy_world_pass(&world, 60000);
    toy_run_failed_with(item, "a", DOWN);
    assert_int_equal(run_turn(item->run).at, queued_at + 80000);
    toy_world_restart(&world);
    assert_int_equal(run_turn(item->run).at, queued_at + 80000);
    assert_int_equal(run_turn(item->run).priority, QUEUE_PRIORITY_NORMAL);
}

static void test_queue__a_requeue_may_give_another_priority(void **state)
{
    (void)state;
    const struct run_event event = {.type = RUN_EVENT_RESOLVE,
                                    .resolution = RUN_RESOLVE_AGAIN,
                                    .has_priority = true,
                                    .priority = QUEUE_PRIORITY_HIGH};
    struct toy_run *item = start_with("low");
    toy_world_pass(&world, 60000);
    toy_run_failed_with(item, "a", WRONG);
    toy_world_restart(&world);
    assert_true(is_dead(item));
    assert_int_equal(run_turn(item->run).priority, QUEUE_PRIORITY_LOW); /* a dead one keeps it */
    toy_run_event(item, &event);
    assert_int_equal(run_turn(item->run).priority, QUEUE_PRIORITY_HIGH);
    toy_world_restart(&world);
    assert_int_equal(run_turn(item->run).priority, QUEUE_PRIORITY_HIGH);
    toy_run_failed_with(item, "a", WRONG);
    again(item, NULL);
    assert_int_equal(run_turn(item->run).priority, QUEUE_PRIORITY_HIGH);
}

static void order(enum breaker_order what)
{
    struct batch batch = BATCH_INIT;
    assert_int_equal(
        engine_order_breaker(world.engine, STR(SERVICE), what, world.now, &batch, NULL), 0);
    toy_world_take(&world, &batch);
}

/* With the service shut by a person. */
static struct toy_run *start_shut(const char *retry)
{
    order(BREAKER_ORDER_OPEN);
    return item_of(start(retry, ""));
}

static void test_queue__a_call_that_was_never_tried_dies_of_its_deadline(void **state)
{
    (void)state;
    struct toy_run *item = start_shut("retry: {deadline: 2h}");
    toy_world_pass(&world, 2 * 3600000 - 1);
    assert_state(item, "a", "queued");
    toy_world_pass(&world, 1);
    assert_true(is_dead(item));
    const struct document *error = toy_run_view(item, "a").error;
    assert_code(error, "CIRCUIT_OPEN");
    assert_int_equal(toy_run_view(item, "a").attempt, 0);
    toy_world_restart(&world);
    assert_true(is_dead(item));
    assert_code(toy_run_view(item, "a").error, "CIRCUIT_OPEN");
}

/* A breaker that opens later than that may be reset before. */
static void test_queue__nobody_gives_a_call_up_before_its_deadline(void **state)
{
    (void)state;
    struct toy_run *item = item_of(start("retry: {deadline: 30s}", ""));
    assert_state(item, "a", "queued");
    toy_world_pass(&world, 29000);
    assert_state(item, "a", "queued");
    order(BREAKER_ORDER_RESET);
    assert_true(toy_run_is_live(item, "a"));
}

static void test_queue__the_deadline_of_a_queued_call_outlives_the_process(void **state)
{
    (void)state;
    struct toy_run *item = start_shut("retry: {deadline: 2h}");
    toy_world_pass(&world, 3600000);
    toy_world_restart(&world);
    order(BREAKER_ORDER_OPEN);
    assert_state(item, "a", "queued");
    toy_world_pass(&world, 3600000);
    assert_true(is_dead(item));
}

/* Its attempts are there again, and so is its time. */
static void test_queue__the_deadline_of_a_requeued_call_begins_anew(void **state)
{
    (void)state;
    struct toy_run *item = start_shut("retry: {deadline: 2h}");
    toy_world_pass(&world, 2 * 3600000);
    assert_true(is_dead(item));
    again(item, NULL);
    assert_state(item, "a", "queued");
    toy_world_pass(&world, 2 * 3600000 - 1);
    toy_world_restart(&world);
    order(BREAKER_ORDER_OPEN);
    assert_state(item, "a", "queued");
    toy_world_pass(&world, 1);
    assert_true(is_dead(item));
}

/* From the first attempt on it is that of the attempts. */
static void test_queue__a_call_that_was_tried_has_the_deadline_of_its_attempts(void **state)
{
    (void)state;
    struct toy_run *item =
        start_shut("retry: {max_attempts: 0, deadline: 2h, initial_interval: 1s, jitter: none}");
    toy_world_pass(&world, 3600000);
    order(BREAKER_ORDER_RESET);
    toy_run_failed_with(item, "a", DOWN);
    order(BREAKER_ORDER_OPEN);
    toy_world_pass(&world, 2 * 3600000 - 1);
    assert_state(item, "a", "queued");
    toy_world_pass(&world, 1);
    assert_true(is_dead(item));
    assert_code(toy_run_view(item, "a").error, "UNAVAILABLE");
    toy_world_restart(&world);
    assert_true(is_dead(item));
}

static void test_queue__ids_are_taken_apart_at_the_last_slash(void **state)
{
    struct str run;
    struct str path;
    (void)state;
    queue_split_id(STR("run1/call/each[3].a"), &run, &path);
    assert_true(str_equal(run, STR("run1/call")));
    assert_true(str_equal(path, STR("each[3].a")));
    queue_split_id(STR("run1"), &run, &path);
    assert_true(str_equal(run, STR("run1")));
    assert_int_equal(path.n, 0);
}

#define QUEUED(test) cmocka_unit_test_setup_teardown(test, set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        QUEUED(test_queue__a_refused_call_is_made_later_with_the_same_key),
        QUEUED(test_queue__the_end_of_the_node_says_that_its_call_was_queued),
        QUEUED(test_queue__what_waits_outlives_the_process),
        QUEUED(test_queue__queued_edges_are_the_only_way_on),
        QUEUED(test_queue__without_queued_edges_the_plain_ones_are_taken),
        QUEUED(test_queue__a_further_attempt_is_queued_too),
        QUEUED(test_queue__an_item_is_retried_and_then_dead),
        QUEUED(test_queue__what_behind_a_dead_one_goes_on),
        QUEUED(test_queue__a_call_that_was_never_tried_dies_of_its_deadline),
        QUEUED(test_queue__nobody_gives_a_call_up_before_its_deadline),
        QUEUED(test_queue__the_deadline_of_a_queued_call_outlives_the_process),
        QUEUED(test_queue__the_deadline_of_a_requeued_call_begins_anew),
        QUEUED(test_queue__a_call_that_was_tried_has_the_deadline_of_its_attempts),
        QUEUED(test_queue__calls_are_made_by_priority_and_then_as_they_came),
        QUEUED(test_queue__another_process_keeps_the_order),
        QUEUED(test_queue__a_turn_begins_with_the_time_of_the_next_attempt),
        QUEUED(test_queue__a_requeue_may_give_another_priority),
        QUEUED(test_queue__a_requeue_has_all_attempts_and_the_same_key),
        QUEUED(test_queue__what_may_have_been_done_is_unknown),
        QUEUED(test_queue__a_requeue_of_an_unknown_one_has_all_attempts),
        QUEUED(test_queue__another_input_is_another_call),
        QUEUED(test_queue__a_person_settles_a_dead_one),
        QUEUED(test_queue__a_person_drops_a_dead_one),
        QUEUED(test_queue__an_item_that_ends_the_process_is_dead),
        QUEUED(test_queue__an_item_does_not_belong_to_its_run),
        QUEUED(test_queue__a_config_that_cannot_be_made_fails_the_node),
        cmocka_unit_test(test_queue__ids_are_taken_apart_at_the_last_slash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
