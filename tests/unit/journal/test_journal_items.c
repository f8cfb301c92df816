/* SPDX-License-Identifier: Apache-2.0 */
/* Items of the retry queue, which lists of runs leave out, and dead letters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/journal/reader_query.h"
#include "core/value/value.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/unit/journal/store_fixture.h"

static struct store_fixture fixture;
static struct journal_reader *reader;
static struct strbuf seen;

static int set_up(void **state)
{
    (void)state;
    store_fixture_init(&fixture);
    assert_int_equal(journal_reader_open(fixture.folder, &reader, NULL), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    journal_reader_close(reader);
    store_fixture_finish(&fixture);
    strbuf_finish(&seen);
    return 0;
}

static void put(uint64_t number, const struct record *records, size_t count, const char *path)
{
    struct batch batch = BATCH_INIT;
    struct record started = {
        .run_number = number, .type = RECORD_RUN_STARTED, .seq = 1, .node = RECORD_NO_NODE};
    store_fixture_record(&fixture, &batch, &started, NULL);
    for (size_t i = 0; i < count; i++) {
        struct record record = records[i];
        record.run_number = number;
        record.seq = i + 2;
        store_fixture_record(&fixture, &batch, &record, path);
    }
    store_fixture_write(&fixture, &batch);
    batch_finish(&batch);
}

static void add_item(uint64_t number, const char *id, const char *workflow)
{
    struct journal_new_run run = store_fixture_run(number, id);
    run.workflow = str_from(workflow);
    run.queued_by = STR("pay");
    run.turn_at = (int64_t)number;
    run.parent_path = STR("charge");
    store_fixture_start(&fixture, &run);
}

/* run-1, and of it: one that waits, one between attempts, one that is dead, one that is unknown. */
static void make_items(void)
{
    struct document *busy = pipeline_fixture_json("{\"code\":\"UNAVAILABLE\"}");
    struct document *wrong = pipeline_fixture_json("{\"code\":\"INPUT\"}");
    const struct record begun = {.type = RECORD_NODE_STARTED, .attempt = 1};
    const struct record retry[] = {
        begun, {.type = RECORD_NODE_RETRY, .attempt = 1, .error = busy, .due_unix_ms = 9000}};
    const struct record dead[] = {
        begun, {.type = RECORD_NODE_UNKNOWN, .attempt = 1, .error = wrong, .is_dead = true}};
    const struct record unknown[] = {begun,
                                     {.type = RECORD_NODE_UNKNOWN, .attempt = 1, .error = busy}};
    struct journal_new_run run = store_fixture_run(1, "run-1");
    store_fixture_start(&fixture, &run);
    put(1, NULL, 0, NULL);
    add_item(2, "run-1/charge", "pay/charge");
    put(2, NULL, 0, NULL);
    add_item(3, "run-1/each[0].charge", "pay/charge@7");
    put(3, retry, 2, "charge");
    add_item(4, "run-1/notify", "pay/notify");
    put(4, dead, 2, "notify");
    add_item(5, "run-1/tell", "pay/tell");
    put(5, unknown, 2, "tell");
    document_unref(busy);
    document_unref(wrong);
}

static int see(void *user, const struct journal_item *item)
{
    (void)user;
    strbuf_append_format(&seen, "%.*s %.*s %.*s %u; ", STR_ARG(item->id), STR_ARG(item->state),
                         STR_ARG(item->node_state), item->attempt);
    return 0;
}

static void expect(const struct journal_item_filter *filter, const char *expected)
{
    strbuf_clear(&seen);
    assert_int_equal(journal_reader_items(reader, filter, see, NULL, NULL), 0);
    assert_string_equal(seen.n > 0 ? seen.p : "", expected);
}

static int see_run(void *user, const struct journal_run *run)
{
    strbuf_append_format(user, "%.*s; ", STR_ARG(run->id));
    return 0;
}

/* ---- */

static void test_journal_items__what_waits_is_not_what_is_dead(void **state)
{
    (void)state;
    make_items();
    expect(&(struct journal_item_filter){0},
           "run-1/charge running  0; run-1/each[0].charge running retry_wait 1; ");
    expect(&(struct journal_item_filter){.is_dead = true},
           "run-1/notify dead dead 1; run-1/tell approval_required unknown 1; ");
}

static void test_journal_items__are_filtered_and_in_pages(void **state)
{
    (void)state;
    make_items();
    expect(&(struct journal_item_filter){.limit = 1}, "run-1/charge running  0; ");
    expect(&(struct journal_item_filter){.limit = 1, .after = {.turn_at = 2, .number = 2}},
           "run-1/each[0].charge running retry_wait 1; ");
    expect(&(struct journal_item_filter){.node = STR("charge")},
           "run-1/charge running  0; run-1/each[0].charge running retry_wait 1; ");
    expect(&(struct journal_item_filter){.node = STR("charg")}, "");
    expect(&(struct journal_item_filter){.workflow = STR("other")}, "");
    expect(&(struct journal_item_filter){.is_dead = true,
                                         .workflow = STR("pay"),
                                         .code = STR("INPUT")},
           "run-1/notify dead dead 1; ");
    expect(&(struct journal_item_filter){.is_dead = true, .tried_before = 1}, "");
    expect(&(struct journal_item_filter){.is_dead = true, .tried_after = 1, .node = STR("tell")},
           "run-1/tell approval_required unknown 1; ");
    expect(&(struct journal_item_filter){.number = 4}, "run-1/notify dead dead 1; ");
    expect(&(struct journal_item_filter){.number = 1}, "");
}

static void mark(uint64_t run, enum journal_mark_kind kind, int64_t at)
{
    const struct journal_mark one = {.run = run, .kind = kind, .at = at};
    store_fixture_append(&fixture, &(struct journal_write){.marks = &one, .mark_count = 1});
    store_fixture_wait(&fixture);
}

static void add_turn(uint64_t number, const char *id, enum queue_priority priority, int64_t turn_at)
{
    struct journal_new_run run = store_fixture_run(number, id);
    run.workflow = STR("pay/charge");
    run.queued_by = STR("pay");
    run.priority = priority;
    run.turn_at = turn_at;
    store_fixture_start(&fixture, &run);
}

static int see_turn(void *user, const struct journal_item *item)
{
    struct journal_item_filter *filter = user;
    filter->after = (struct journal_item_place){item->priority, item->turn_at, item->number};
    strbuf_append_format(&seen, "%.*s ", STR_ARG(item->id));
    return 0;
}

/* Page by page. */
static void expect_order(struct journal_item_filter filter, const char *expected)
{
    size_t before = 0;
    strbuf_clear(&seen);
    do {
        before = seen.n;
        assert_int_equal(journal_reader_items(reader, &filter, see_turn, &filter, NULL), 0);
    } while (seen.n > before);
    assert_string_equal(seen.n > 0 ? seen.p : "", expected);
}

static void test_journal_items__come_by_priority_then_turn_then_number(void **state)
{
    (void)state;
    add_turn(1, "low-early", QUEUE_PRIORITY_LOW, 100);
    add_turn(2, "late", QUEUE_PRIORITY_NORMAL, 300);
    add_turn(3, "tie-1", QUEUE_PRIORITY_NORMAL, 200);
    add_turn(4, "tie-2", QUEUE_PRIORITY_NORMAL, 200);
    add_turn(5, "high-late", QUEUE_PRIORITY_HIGH, 900);
    add_turn(6, "high-early", QUEUE_PRIORITY_HIGH, 800);
    for (uint32_t limit = 1; limit < 8; limit++) {
        expect_order((struct journal_item_filter){.limit = limit},
                     "high-early high-late tie-1 tie-2 late low-early ");
    }
    expect_order((struct journal_item_filter){.has_priority = true}, "tie-1 tie-2 late ");
    mark(2, JOURNAL_MARK_TURN, 150);
    mark(1, JOURNAL_MARK_PRIORITY, QUEUE_PRIORITY_HIGH);
    expect_order((struct journal_item_filter){.limit = 2},
                 "low-early high-early high-late late tie-1 tie-2 ");
}

static int see_due(void *user, const struct journal_run *run)
{
    (void)user;
    strbuf_append_format(&seen, "%.*s ", STR_ARG(run->id));
    return 0;
}

/* An item that is not due yet keeps nobody back. */
static void test_journal_items__what_is_due_is_woken_by_priority(void **state)
{
    (void)state;
    int64_t next = 0;
    add_turn(1, "low", QUEUE_PRIORITY_LOW, 1);
    add_turn(2, "usual", QUEUE_PRIORITY_NORMAL, 2);
    add_turn(3, "high", QUEUE_PRIORITY_HIGH, 3);
    add_turn(4, "high-later", QUEUE_PRIORITY_HIGH, 4);
    for (uint64_t run = 1; run <= 3; run++) {
        mark(run, JOURNAL_MARK_WAKE, (int64_t)run * 100);
    }
    mark(4, JOURNAL_MARK_WAKE, 5000);
    assert_int_equal(journal_reader_next_wake(reader, &next, NULL), 0);
    assert_int_equal(next, 100);
    assert_int_equal(journal_reader_due(reader, 1000, 10, see_due, NULL, NULL), 0);
    assert_string_equal(seen.p, "high usual low ");
    strbuf_clear(&seen);
    assert_int_equal(journal_reader_due(reader, 1000, 2, see_due, NULL, NULL), 0);
    assert_string_equal(seen.p, "high usual ");
}

static void test_journal_items__lists_of_runs_leave_them_out(void **state)
{
    (void)state;
    size_t size = 0;
    make_items();
    assert_int_equal(journal_reader_list(reader, &(struct journal_filter){0}, see_run, &seen, NULL),
                     0);
    assert_string_equal(seen.p, "run-1; ");
    strbuf_clear(&seen);
    assert_int_equal(
        journal_reader_list(reader, &(struct journal_filter){.state = STR("approval_required")},
                            see_run, &seen, NULL),
        0);
    assert_int_equal(seen.n, 0);
    /* Nor do they make the id of their run ambiguous. */
    assert_int_equal(journal_reader_run(reader, STR("run-"), see_run, &seen, NULL), 0);
    assert_string_equal(seen.p, "run-1; ");
    assert_int_equal(journal_reader_unique_size(reader, STR("run-1"), &size, NULL), 0);
    assert_int_equal(size, 1);
}

static void test_journal_items__a_run_may_be_a_dead_letter(void **state)
{
    (void)state;
    const struct record end = {
        .type = RECORD_RUN_ENDED, .node = RECORD_NO_NODE, .run_state = RUN_FAILED};
    struct journal_new_run run = store_fixture_run(1, "run-1");
    const struct journal_mark marks[] = {{.run = 1, .kind = JOURNAL_MARK_DEAD, .at = 1},
                                         {.run = 1, .kind = JOURNAL_MARK_DEAD}};
    store_fixture_start(&fixture, &run);
    put(1, &end, 1, NULL);
    expect(&(struct journal_item_filter){.is_dead = true}, "");
    store_fixture_append(&fixture, &(struct journal_write){.marks = &marks[0], .mark_count = 1});
    store_fixture_wait(&fixture);
    expect(&(struct journal_item_filter){.is_dead = true}, "run-1 failed  0; ");
    expect(&(struct journal_item_filter){.number = 1}, "run-1 failed  0; ");
    store_fixture_append(&fixture, &(struct journal_write){.marks = &marks[1], .mark_count = 1});
    store_fixture_wait(&fixture);
    expect(&(struct journal_item_filter){.is_dead = true}, "");
}

/* ---- no list scans the table ---- */

static int on_statement(unsigned what, void *user, void *statement, void *text)
{
    sqlite3_stmt *plan = NULL;
    char sql[4096];
    (void)what;
    (void)text;
    (void)snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", sqlite3_sql(statement));
    assert_int_equal(sqlite3_prepare_v2(user, sql, -1, &plan, NULL), SQLITE_OK);
    while (sqlite3_step(plan) == SQLITE_ROW) {
        const char *step = (const char *)sqlite3_column_text(plan, 3);
        if (strncmp(step, "SCAN", 4) == 0 && strstr(step, "USING INDEX") == NULL) {
            fail_msg("'%s' in: %s", step, sql);
        }
    }
    (void)sqlite3_finalize(plan);
    return 0;
}

static void test_journal_items__every_question_has_its_index(void **state)
{
    (void)state;
    make_items();
    assert_int_equal(sqlite3_trace_v2(reader->db, SQLITE_TRACE_STMT, on_statement, reader->db),
                     SQLITE_OK);
    expect(&(struct journal_item_filter){.number = 1}, "");
    expect(&(struct journal_item_filter){.node = STR("none")}, "");
    expect_order((struct journal_item_filter){.has_priority = true, .limit = 1},
                 "run-1/charge run-1/each[0].charge ");
    expect(
        &(struct journal_item_filter){.is_dead = true, .code = STR("none"), .after = {.number = 7}},
        "");
    assert_int_equal(sqlite3_trace_v2(reader->db, 0, NULL, NULL), SQLITE_OK);
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FRESH(test_journal_items__what_waits_is_not_what_is_dead),
        FRESH(test_journal_items__are_filtered_and_in_pages),
        FRESH(test_journal_items__come_by_priority_then_turn_then_number),
        FRESH(test_journal_items__what_is_due_is_woken_by_priority),
        FRESH(test_journal_items__lists_of_runs_leave_them_out),
        FRESH(test_journal_items__a_run_may_be_a_dead_letter),
        FRESH(test_journal_items__every_question_has_its_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
