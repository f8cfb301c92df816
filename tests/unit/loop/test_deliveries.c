/* SPDX-License-Identifier: Apache-2.0 */
/* Items are rows of a store; orders and events end here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/engine/engine.h"
#include "core/engine/record.h"
#include "core/journal/journal_reader.h"
#include "core/loop/deliveries.h"
#include "core/loop/loop_state.h"
#include "core/loop/run_driver.h"
#include "core/loop/run_table.h"
#include "core/model/pipeline.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/toy_world.h"
#include "tests/unit/journal/store_fixture.h"

enum { WORKER = 1, ORDERS_MOST = 300 };

static struct toy_world world;
static struct store_fixture store;
static struct loop loop;
static struct loop_run worker; /* whose node works on the queue */
static struct strbuf told;     /* the output of the event, or its error */
static enum run_event_type told_as;
static struct {
    uint64_t run;
    loop_command_cb cb;
    void *user;
} orders[ORDERS_MOST]; /* not answered yet */
static size_t order_count;
static int answer_at_once; /* the status; 1: later */

int64_t __wrap_clock_unix_ms(void);
int64_t __wrap_clock_unix_ms(void)
{
    return world.now;
}

struct loop_run *run_table_find(const struct loop *at, uint64_t number)
{
    assert_ptr_equal(at, &loop);
    return number == WORKER ? &worker : NULL;
}

void run_driver_handle(struct loop_run *run, const struct run_event *event)
{
    assert_ptr_equal(run, &worker);
    assert_int_equal(event->node, 3);
    told_as = event->type;
    json_write(document_root(event->error != NULL ? event->error : event->output), JSON_COMPACT,
               &told);
}

void run_driver_fail(struct loop *at, const struct error *err)
{
    (void)at;
    (void)err;
    fail();
}

void loop_command(struct loop *at, const struct loop_command *command, loop_command_cb cb,
                  void *user)
{
    assert_ptr_equal(at, &loop);
    assert_int_equal(command->action, LOOP_TRY);
    assert_true(order_count < ORDERS_MOST);
    orders[order_count].run = command->run;
    orders[order_count].cb = cb;
    orders[order_count++].user = user;
    if (answer_at_once != 1) {
        cb(user, answer_at_once, NULL);
    }
}

/* ---- the store ---- */

static void put(uint64_t number, const struct record *records, size_t count)
{
    struct batch batch = BATCH_INIT;
    for (size_t i = 0; i < count; i++) {
        struct record record = records[i];
        record.run_number = number;
        record.seq = i + 1;
        store_fixture_record(&store, &batch, &record,
                             record.node == RECORD_NO_NODE ? NULL : "call");
    }
    store_fixture_write(&store, &batch);
    batch_finish(&batch);
}

static const struct record started = {.type = RECORD_RUN_STARTED, .node = RECORD_NO_NODE};

static void add(uint64_t number, const char *id, enum queue_priority priority)
{
    struct journal_new_run run = store_fixture_run(number, id);
    run.workflow = STR("pay/call");
    run.queued_by = STR("pay");
    run.parent_path = STR("call");
    run.priority = priority;
    run.turn_at = (int64_t)number;
    store_fixture_start(&store, &run);
    put(number, &started, 1);
}

static void complete(uint64_t number, const char *output)
{
    struct batch batch = BATCH_INIT;
    struct document *document = pipeline_fixture_json(output);
    const struct record end = {.run_number = number,
                               .type = RECORD_RUN_ENDED,
                               .seq = 2,
                               .node = RECORD_NO_NODE,
                               .run_state = RUN_COMPLETED,
                               .output = document};
    store_fixture_record(&store, &batch, &end, NULL);
    store_fixture_write(&store, &batch);
    batch_finish(&batch);
    document_unref(document);
}

static void bury(uint64_t number)
{
    struct batch batch = BATCH_INIT;
    struct document *error = pipeline_fixture_json("{\"code\":\"INPUT\"}");
    struct record record = {
        .run_number = number, .type = RECORD_NODE_STARTED, .seq = 2, .attempt = 1};
    store_fixture_record(&store, &batch, &record, "call");
    record.type = RECORD_NODE_UNKNOWN;
    record.seq = 3;
    record.is_dead = true;
    record.error = error;
    store_fixture_record(&store, &batch, &record, "call");
    store_fixture_write(&store, &batch);
    batch_finish(&batch);
    document_unref(error);
}

static int set_up(void **state)
{
    (void)state;
    toy_world_init(&world, NULL);
    store_fixture_init(&store);
    struct toy_run *toy = toy_world_run(&world, "id: w\nnodes: [{id: a, type: toy.task}]\n", NULL);
    loop = (struct loop){.engine = world.engine};
    worker = (struct loop_run){.loop = &loop, .run = toy->run, .number = WORKER};
    assert_int_equal(journal_reader_open(store.folder, &loop.reader, NULL), 0);
    add(2, "r/low", QUEUE_PRIORITY_LOW);
    add(3, "r/first", QUEUE_PRIORITY_NORMAL);
    add(4, "r/second", QUEUE_PRIORITY_NORMAL);
    add(5, "r/high", QUEUE_PRIORITY_HIGH);
    order_count = 0;
    answer_at_once = 1;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    deliveries_finish(&loop);
    journal_reader_close(loop.reader);
    store_fixture_finish(&store);
    toy_world_finish(&world);
    strbuf_finish(&told);
    return 0;
}

/* ---- */

static void expect_told(enum run_event_type type, const char *text)
{
    assert_true(told.n > 0);
    assert_int_equal(told_as, type);
    assert_string_equal(strbuf_str(&told).p, text);
    strbuf_clear(&told);
}

static void find(const char *config)
{
    struct document *document = pipeline_fixture_json(config);
    deliveries_find(&worker,
                    &(struct effect){.type = EFFECT_ASK_QUEUE, .node = 3, .config = document});
    document_unref(document);
}

#define ITEM(id) "{\"id\":\"r/" id "\",\"workflow\":\"pay\",\"node\":\"call\"}"

/* With all four; `until`: it waits for what is put off. */
static void start(int64_t until)
{
    struct document *items = pipeline_fixture_json(
        "[" ITEM("high") "," ITEM("first") "," ITEM("second") "," ITEM("low") "]");
    deliveries_start(&worker, &(struct effect){.type = EFFECT_WORK_QUEUE,
                                               .node = 3,
                                               .attempt = 1,
                                               .at_unix_ms = until,
                                               .config = items});
    document_unref(items);
}

static void end(void)
{
    deliveries_end(&worker, &(struct effect){.type = EFFECT_END_QUEUE, .node = 3, .attempt = 1});
}

static void answer(size_t i, int status)
{
    orders[i].cb(orders[i].user, status, NULL);
}

static void test_deliveries__are_found_in_the_order_of_the_queue(void **state)
{
    (void)state;
    find("{}");
    expect_told(RUN_EVENT_FOUND,
                "[" ITEM("high") "," ITEM("first") "," ITEM("second") "," ITEM("low") "]");
    find("{\"max_items\":2}");
    expect_told(RUN_EVENT_FOUND, "[" ITEM("high") "," ITEM("first") "]");
    find("{\"workflow\":\"other\"}");
    expect_told(RUN_EVENT_FOUND, "[]");
    find("{\"node\":\"call\",\"max_items\":1}");
    expect_told(RUN_EVENT_FOUND, "[" ITEM("high") "]");
}

static void test_deliveries__what_is_busy_or_cannot_go_on_is_left_alone(void **state)
{
    (void)state;
    const struct record begun[] = {
        started, {.type = RECORD_NODE_STARTED, .attempt = 1, .run_state = RUN_RUNNING}};
    const struct journal_mark blocked = {
        .run = 3, .kind = JOURNAL_MARK_BLOCKED, .text = STR("the plugin 'x' is missing")};
    struct journal_new_run run = store_fixture_run(6, "r/busy");
    run.workflow = STR("pay/call");
    run.queued_by = STR("pay");
    run.priority = QUEUE_PRIORITY_HIGH;
    run.turn_at = 1;
    store_fixture_start(&store, &run);
    put(6, begun, 2);
    store_fixture_append(&store, &(struct journal_write){.marks = &blocked, .mark_count = 1});
    store_fixture_wait(&store);
    find("{\"max_items\":3}");
    expect_told(RUN_EVENT_FOUND, "[" ITEM("high") "," ITEM("second") "," ITEM("low") "]");
}

static void test_deliveries__without_a_state_there_are_none(void **state)
{
    (void)state;
    struct journal_reader *reader = loop.reader;
    loop.reader = NULL;
    find("{}");
    expect_told(RUN_EVENT_FOUND, "[]");
    loop.reader = reader;
}

static void test_deliveries__whoever_only_decides_asks_nothing(void **state)
{
    (void)state;
    loop.holds_starts = true;
    find("{}");
    start(0);
    assert_int_equal(told.n, 0);
    assert_int_equal(order_count, 0);
}

static void test_deliveries__are_tried_in_order_and_counted(void **state)
{
    (void)state;
    static const uint64_t order[] = {5, 3, 4, 2};
    start(0);
    assert_int_equal(order_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(orders[i].run, order[i]);
    }
    complete(5, "{\"call\":{\"got\":1}}");
    bury(3);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(told.n, 0);
        answer(i, 0);
    }
    expect_told(RUN_EVENT_DONE,
                "{\"processed\":1,\"requeued\":2,\"dead\":1,\"items\":[{\"id\":\"r/high\","
                "\"workflow\":\"pay\",\"node\":\"call\",\"run\":\"r\",\"output\":{\"got\":1}}]}");
    assert_null(loop.deliveries);
}

static void test_deliveries__may_be_answered_from_inside(void **state)
{
    (void)state;
    answer_at_once = 0;
    start(0);
    assert_int_equal(order_count, 4);
    expect_told(RUN_EVENT_DONE, "{\"processed\":0,\"requeued\":4,\"dead\":0,\"items\":[]}");
    assert_null(loop.deliveries);
}

/* One that does not obey any more has its end in its row. */
static void test_deliveries__an_order_that_comes_too_late_finds_the_end(void **state)
{
    (void)state;
    start(0);
    complete(2, "{}");
    for (size_t i = 0; i < 4; i++) {
        answer(i, -1);
    }
    expect_told(RUN_EVENT_DONE,
                "{\"processed\":1,\"requeued\":3,\"dead\":0,\"items\":[{\"id\":\"r/low\","
                "\"workflow\":\"pay\",\"node\":\"call\",\"run\":\"r\",\"output\":null}]}");
}

static void test_deliveries__what_is_put_off_is_waited_for_when_asked_to(void **state)
{
    (void)state;
    start(world.now + 1000);
    for (size_t i = 0; i < 4; i++) {
        answer(i, 0);
    }
    assert_int_equal(told.n, 0);
    assert_non_null(loop.deliveries);
    end();
    expect_told(RUN_EVENT_DONE, "{\"processed\":0,\"requeued\":4,\"dead\":0,\"items\":[]}");
    assert_null(loop.deliveries);
}

/* Orders that are out have their answers before it is freed. */
static void test_deliveries__end_before_their_orders_are_answered(void **state)
{
    (void)state;
    start(0);
    end();
    expect_told(RUN_EVENT_DONE, "{\"processed\":0,\"requeued\":4,\"dead\":0,\"items\":[]}");
    for (size_t i = 0; i < 4; i++) {
        assert_non_null(loop.deliveries);
        answer(i, 0);
    }
    assert_null(loop.deliveries);
    assert_int_equal(told.n, 0);
}

static void test_deliveries__of_another_attempt_are_another_matter(void **state)
{
    (void)state;
    start(world.now + 1000);
    deliveries_end(&worker, &(struct effect){.type = EFFECT_END_QUEUE, .node = 3, .attempt = 2});
    assert_int_equal(told.n, 0);
}

/* Whoever leaves tells nobody: another process begins anew. */
static void test_deliveries__are_forgotten_by_whoever_leaves(void **state)
{
    (void)state;
    start(0);
    loop.is_leaving = true;
    for (size_t i = 0; i < 4; i++) {
        answer(i, 0);
    }
    assert_int_equal(told.n, 0);
    assert_non_null(loop.deliveries);
}

/* What became durable of the run that delivers `number`. */
static void note(uint64_t number, struct record record)
{
    static const char yaml[] =
        "id: pay\nnodes:\n"
        "  - {id: call, type: call.task, on_open: queue, config: {url: 'https://a.example/'}}\n";
    struct batch batch = BATCH_INIT;
    struct pipeline *pipeline = pipeline_fixture_load(yaml);
    struct run *run = NULL;
    const struct run_options options = {.number = number,
                                        .pipeline = pipeline->nodes[0].item,
                                        .input = document_empty_map(),
                                        .id = STR("r/x"),
                                        .triggered_by = STR("queue")};
    assert_int_equal(run_create(&options, &run, NULL), 0);
    record.run = run;
    record.run_number = number;
    batch_add_record(&batch, &record);
    deliveries_note(&loop, &batch);
    batch_finish(&batch);
    run_destroy(run);
    pipeline_unref(pipeline);
}

static void test_deliveries__hear_what_became_durable(void **state)
{
    (void)state;
    struct document *output = pipeline_fixture_json("{\"call\":7}");
    start(world.now + 1000);
    for (size_t i = 0; i < 4; i++) {
        answer(i, 0);
    }
    note(5,
         (struct record){.type = RECORD_RUN_ENDED, .run_state = RUN_COMPLETED, .output = output});
    note(3, (struct record){.type = RECORD_NODE_UNKNOWN, .is_dead = true});
    note(4, (struct record){.type = RECORD_NODE_RETRY}); /* it waits for its next attempt */
    note(2, (struct record){.type = RECORD_RUN_ENDED, .run_state = RUN_CANCELLED});
    note(77, (struct record){.type = RECORD_RUN_ENDED, .run_state = RUN_COMPLETED});
    assert_int_equal(told.n, 0);
    note(4, (struct record){.type = RECORD_RUN_ENDED, .run_state = RUN_COMPLETED});
    expect_told(RUN_EVENT_DONE,
                "{\"processed\":2,\"requeued\":0,\"dead\":2,\"items\":[{\"id\":\"r/high\","
                "\"workflow\":\"pay\",\"node\":\"call\",\"run\":\"r\",\"output\":7},"
                "{\"id\":\"r/second\",\"workflow\":\"pay\",\"node\":\"call\",\"run\":\"r\","
                "\"output\":null}]}");
    document_unref(output);
}

static void test_deliveries__an_item_that_is_gone_is_delivered_by_nobody(void **state)
{
    (void)state;
    struct document *items = pipeline_fixture_json("[" ITEM("gone") "]");
    deliveries_start(
        &worker,
        &(struct effect){.type = EFFECT_WORK_QUEUE, .node = 3, .attempt = 1, .config = items});
    assert_int_equal(order_count, 0);
    expect_told(RUN_EVENT_DONE, "{\"processed\":0,\"requeued\":1,\"dead\":0,\"items\":[]}");
    document_unref(items);
}

/* So many are on their way at once; the others follow as these are answered. */
static void test_deliveries__orders_go_out_in_portions(void **state)
{
    (void)state;
    struct strbuf list = STRBUF_INIT;
    strbuf_append_char(&list, '[');
    for (uint64_t i = 0; i < 150; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "q/%u", (unsigned)i);
        add(100 + i, id, QUEUE_PRIORITY_NORMAL);
        strbuf_append_format(&list, "%s{\"id\":\"%s\"}", i > 0 ? "," : "", id);
    }
    strbuf_append_char(&list, ']');
    struct document *items = pipeline_fixture_json(strbuf_str(&list).p);
    deliveries_start(
        &worker,
        &(struct effect){.type = EFFECT_WORK_QUEUE, .node = 3, .attempt = 1, .config = items});
    assert_int_equal(order_count, 100);
    for (size_t i = 0; i < 150; i++) {
        answer(i, 0);
        assert_int_equal(order_count, i + 101 < 150 ? i + 101 : 150);
    }
    expect_told(RUN_EVENT_DONE, "{\"processed\":0,\"requeued\":150,\"dead\":0,\"items\":[]}");
    document_unref(items);
    strbuf_finish(&list);
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FRESH(test_deliveries__are_found_in_the_order_of_the_queue),
        FRESH(test_deliveries__what_is_busy_or_cannot_go_on_is_left_alone),
        FRESH(test_deliveries__without_a_state_there_are_none),
        FRESH(test_deliveries__whoever_only_decides_asks_nothing),
        FRESH(test_deliveries__are_tried_in_order_and_counted),
        FRESH(test_deliveries__may_be_answered_from_inside),
        FRESH(test_deliveries__an_order_that_comes_too_late_finds_the_end),
        FRESH(test_deliveries__what_is_put_off_is_waited_for_when_asked_to),
        FRESH(test_deliveries__end_before_their_orders_are_answered),
        FRESH(test_deliveries__of_another_attempt_are_another_matter),
        FRESH(test_deliveries__are_forgotten_by_whoever_leaves),
        FRESH(test_deliveries__hear_what_became_durable),
        FRESH(test_deliveries__an_item_that_is_gone_is_delivered_by_nobody),
        FRESH(test_deliveries__orders_go_out_in_portions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
