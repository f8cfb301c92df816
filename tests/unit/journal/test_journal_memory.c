/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "core/base/error.h"
#include "core/engine/record.h"
#include "core/engine/run.h"
#include "core/journal/journal.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/pipeline_fixture.h"

enum { RUNS = 3, MOST_CALLS = 64 };

/* A journal, and what was called back. Its runs have the numbers from 1 on. */
struct fixture {
    struct journal *journal;
    int wakes;
    int calls[MOST_CALLS]; /* the users of the callbacks, in order */
    size_t call_count;
    int status;
};

static struct fixture fixture;

static void on_wake(void *user)
{
    ((struct fixture *)user)->wakes++;
}

static int set_up(void **state)
{
    (void)state;
    struct error err = {0};
    fixture = (struct fixture){.status = 1};
    assert_int_equal(journal_memory_open(on_wake, &fixture, &fixture.journal, &err), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    journal_collect(fixture.journal);
    journal_close(fixture.journal);
    return 0;
}

struct call;
static int append(const struct batch *batch, struct call *call, struct error *err);

struct call {
    int number;
    struct batch *again; /* appended from the callback; NULL: nothing */
};

static void on_appended(void *user, int status)
{
    const struct call *call = user;
    fixture.calls[fixture.call_count++] = call->number;
    fixture.status = status;
    if (call->again != NULL) {
        static struct call second = {.number = 99};
        assert_int_equal(append(call->again, &second, NULL), 0);
    }
}

static int append(const struct batch *batch, struct call *call, struct error *err)
{
    struct journal_write write = {.batch = batch};
    return journal_append(fixture.journal, &write, on_appended, call, err);
}

static void add_record(struct batch *batch, size_t run, enum record_type type, uint32_t node,
                       const char *output)
{
    struct document *document = output != NULL ? pipeline_fixture_json(output) : NULL;
    batch_add_record(
        batch,
        &(struct record){.run_number = run + 1, .type = type, .node = node, .output = document});
    document_unref(document);
}

struct seen {
    enum record_type types[32];
    const struct document *outputs[32];
    bool has_edge[32];
    size_t count;
    size_t stop_at; /* 0: never */
};

static int see(void *user, const struct record *record)
{
    struct seen *seen = user;
    assert_null(record->run);
    seen->types[seen->count] = record->type;
    seen->outputs[seen->count] = record->output;
    seen->has_edge[seen->count] = edge_set_has(&record->taken, 0);
    seen->count++;
    return seen->count == seen->stop_at ? 7 : 0;
}

static struct seen read_run(uint64_t number)
{
    struct seen seen = {0};
    assert_int_equal(journal_memory_read(fixture.journal, number, see, &seen), 0);
    return seen;
}

static void test_journal_memory__callbacks_come_in_order_and_only_when_collected(void **state)
{
    (void)state;
    static struct call calls[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    struct batch batch = BATCH_INIT;
    add_record(&batch, 0, RECORD_RUN_STARTED, RECORD_NO_NODE, "{}");
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(append(&batch, &calls[i], NULL), 0);
    }
    assert_int_equal(fixture.wakes, 3);
    assert_int_equal(fixture.call_count, 0);
    journal_collect(fixture.journal);
    assert_int_equal(fixture.call_count, 3);
    assert_int_equal(fixture.calls[0], 1);
    assert_int_equal(fixture.calls[2], 3);
    assert_int_equal(fixture.status, 0);
    journal_collect(fixture.journal);
    assert_int_equal(fixture.call_count, 3);
    batch_finish(&batch);
}

static void test_journal_memory__callbacks_may_append(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    add_record(&batch, 0, RECORD_RUN_STARTED, RECORD_NO_NODE, "{}");
    struct call first = {.number = 1, .again = &batch};
    assert_int_equal(append(&batch, &first, NULL), 0);
    journal_collect(fixture.journal);
    assert_int_equal(fixture.call_count, 1);
    assert_int_equal(fixture.wakes, 2);
    journal_collect(fixture.journal);
    assert_int_equal(fixture.call_count, 2);
    assert_int_equal(fixture.calls[1], 99);
    assert_int_equal(read_run(1).count, 2);
    batch_finish(&batch);
}

static void test_journal_memory__reads_the_records_of_one_run_in_order(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    static struct call call = {.number = 1};
    add_record(&batch, 0, RECORD_RUN_STARTED, RECORD_NO_NODE, "{}");
    add_record(&batch, 1, RECORD_RUN_STARTED, RECORD_NO_NODE, "{\"n\": 2}");
    add_record(&batch, 0, RECORD_NODE_QUEUED, 0, NULL); /* lazy: left out */
    add_record(&batch, 0, RECORD_NODE_STARTED, 0, NULL);
    struct record ended = {.run_number = 1, .type = RECORD_NODE_ENDED, .node = 0};
    assert_int_equal(edge_set_init(&ended.taken, 100), 0);
    edge_set_put(&ended.taken, 0, true);
    batch_add_record(&batch, &ended);
    assert_int_equal(append(&batch, &call, NULL), 0);
    batch_finish(&batch); /* the journal has its own references */
    struct seen first = read_run(1);
    assert_int_equal(first.count, 3);
    assert_int_equal(first.types[0], RECORD_RUN_STARTED);
    assert_int_equal(first.types[1], RECORD_NODE_STARTED);
    assert_int_equal(first.types[2], RECORD_NODE_ENDED);
    assert_true(first.has_edge[2]);
    struct seen second = read_run(2);
    assert_int_equal(second.count, 1);
    const struct value *n = value_get(document_root(second.outputs[0]), STR("n"));
    assert_int_equal(value_int(n), 2);
    assert_int_equal(read_run(3).count, 0);
    assert_int_equal(read_run(99).count, 0);
}

static void test_journal_memory__reading_stops_when_told(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    static struct call call = {.number = 1};
    for (size_t i = 0; i < 5; i++) {
        add_record(&batch, 0, RECORD_NODE_STARTED, 0, NULL);
    }
    assert_int_equal(append(&batch, &call, NULL), 0);
    batch_finish(&batch);
    struct seen seen = {.stop_at = 2};
    assert_int_equal(journal_memory_read(fixture.journal, 1, see, &seen), 7);
    assert_int_equal(seen.count, 2);
}

static void test_journal_memory__a_batch_is_kept_whole_or_not_at_all(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    static struct call call = {.number = 1};
    for (size_t i = 0; i < RUNS; i++) {
        struct record ended = {.run_number = i + 1, .type = RECORD_NODE_ENDED, .node = 0};
        add_record(&batch, i, RECORD_RUN_STARTED, RECORD_NO_NODE, "{\"n\": [1]}");
        assert_int_equal(edge_set_init(&ended.taken, 100), 0);
        batch_add_record(&batch, &ended);
    }
    for (long n = 0;; n++) {
        struct error err = {0};
        failing_alloc_arm(n);
        int status = append(&batch, &call, &err);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, 0);
            assert_true(n >= 3);
            break;
        }
        assert_int_equal(status, E_NOMEM);
        for (size_t i = 0; i < RUNS; i++) {
            assert_int_equal(read_run(i + 1).count, 0);
        }
        journal_collect(fixture.journal);
        assert_int_equal(fixture.call_count, 0);
    }
    assert_int_equal(read_run(3).count, 2);
    batch_finish(&batch);
}

static void test_journal_memory__open_survives_a_failed_allocation(void **state)
{
    (void)state;
    struct journal *journal = NULL;
    struct error err = {0};
    failing_alloc_arm(0);
    assert_int_equal(journal_memory_open(on_wake, &fixture, &journal, &err), E_NOMEM);
    assert_true(failing_alloc_disarm());
    assert_null(journal);
    journal_close(NULL);
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FRESH(test_journal_memory__callbacks_come_in_order_and_only_when_collected),
        FRESH(test_journal_memory__callbacks_may_append),
        FRESH(test_journal_memory__reads_the_records_of_one_run_in_order),
        FRESH(test_journal_memory__reading_stops_when_told),
        FRESH(test_journal_memory__a_batch_is_kept_whole_or_not_at_all),
        FRESH(test_journal_memory__open_survives_a_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
