/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/journal/reader_query.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/unit/journal/store_fixture.h"

static struct store_fixture fixture;
static struct journal_reader *reader;
static struct strbuf seen; /* what was given, as text */
static size_t seen_count;
static int stop_with; /* what callbacks return */

static int set_up(void **state)
{
    (void)state;
    store_fixture_init(&fixture);
    assert_int_equal(journal_reader_open(fixture.folder, &reader, NULL), 0);
    strbuf_clear(&seen);
    strbuf_append_text(&seen, "");
    seen_count = 0;
    stop_with = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    journal_reader_close(reader);
    reader = NULL;
    store_fixture_finish(&fixture);
    strbuf_finish(&seen);
    return 0;
}

/* ---- what is seen ---- */

static void see_line(void)
{
    strbuf_append_text(&seen, seen_count++ > 0 ? "\n" : "");
}

static int see_id(void *user, const struct journal_run *run)
{
    (void)user;
    see_line();
    strbuf_append_str(&seen, run->id);
    return stop_with;
}

static int see_run(void *user, const struct journal_run *run)
{
    (void)see_id(user, run);
    strbuf_append_format(&seen, " %.*s [%.*s] seq=%llu root=%llu parent=%llu wake=%lld crashes=%u",
                         STR_ARG(run->state), STR_ARG(run->blocked),
                         (unsigned long long)run->last_seq, (unsigned long long)run->root,
                         (unsigned long long)run->parent, (long long)run->wake_at, run->crashes);
    strbuf_append_format(&seen, " nodes=%u/%u/%u at=%lld/%lld/%lld result=%.*s", run->nodes_done,
                         run->nodes_failed, run->nodes_total, (long long)run->created_at,
                         (long long)run->started_at, (long long)run->ended_at,
                         STR_ARG(run->result));
    return stop_with;
}

static int see_row(void *user, const struct journal_row *row)
{
    (void)user;
    see_line();
    strbuf_append_format(&seen, "%llu %llu %.*s %llu %.*s %.*s %.*s", (unsigned long long)row->id,
                         (unsigned long long)row->run, STR_ARG(row->run_id),
                         (unsigned long long)row->seq, STR_ARG(row->type), STR_ARG(row->path),
                         STR_ARG(row->body));
    return stop_with;
}

static int see_node(void *user, const struct journal_node *node)
{
    (void)user;
    see_line();
    strbuf_append_format(&seen, "%.*s %.*s %u %lld %lld-%lld %.*s", STR_ARG(node->path),
                         STR_ARG(node->state), node->attempt, (long long)node->wake_at,
                         (long long)node->started_at, (long long)node->ended_at,
                         STR_ARG(node->body));
    return stop_with;
}

static int see_log(void *user, const struct journal_log_row *row)
{
    (void)user;
    see_line();
    strbuf_append_format(&seen, "%llu %.*s %.*s %u %d %.*s", (unsigned long long)row->id,
                         STR_ARG(row->run_id), STR_ARG(row->path), row->attempt, row->level,
                         STR_ARG(row->line));
    return stop_with;
}

static int see_audit(void *user, const struct journal_audit_row *row)
{
    (void)user;
    see_line();
    strbuf_append_format(&seen, "%llu %lld %.*s %.*s %.*s %.*s", (unsigned long long)row->id,
                         (long long)row->at, STR_ARG(row->who), STR_ARG(row->action),
                         STR_ARG(row->run_id), STR_ARG(row->detail));
    return stop_with;
}

static int see_count(void *user, struct str workflow, struct str run_state, uint64_t count)
{
    (void)user;
    see_line();
    strbuf_append_format(&seen, "%.*s %.*s %llu", STR_ARG(workflow), STR_ARG(run_state),
                         (unsigned long long)count);
    return stop_with;
}

static void expect_seen(const char *expected)
{
    assert_int_equal(strbuf_status(&seen), 0);
    assert_string_equal(seen.p, expected);
    strbuf_clear(&seen);
    strbuf_append_text(&seen, "");
    seen_count = 0;
}

/* ---- runs to read ---- */

static void start(uint64_t number, const char *id)
{
    struct journal_new_run run = store_fixture_run(number, id);
    store_fixture_start(&fixture, &run);
}

static void start_child(uint64_t number, const char *id, uint64_t root, uint64_t parent)
{
    struct journal_new_run run = store_fixture_run(number, id);
    run.root = root;
    run.parent = parent;
    run.parent_path = STR("call");
    store_fixture_start(&fixture, &run);
}

static void add(struct batch *batch, uint64_t run, uint64_t seq, enum record_type type,
                const char *path)
{
    struct record record = {.run_number = run,
                            .type = type,
                            .seq = seq,
                            .node = RECORD_NO_NODE,
                            .attempt = 1,
                            .node_state = NODE_COMPLETED,
                            .run_state = RUN_COMPLETED};
    store_fixture_record(&fixture, batch, &record, path);
}

/* Starts and ends a run of one node. */
static void complete(uint64_t number)
{
    struct batch batch = BATCH_INIT;
    add(&batch, number, 1, RECORD_RUN_STARTED, NULL);
    add(&batch, number, 2, RECORD_NODE_STARTED, "a");
    add(&batch, number, 3, RECORD_NODE_ENDED, "a");
    add(&batch, number, 4, RECORD_RUN_ENDED, NULL);
    store_fixture_write(&fixture, &batch);
}

static void mark(uint64_t run, enum journal_mark_kind kind, int64_t at, struct str text)
{
    struct journal_mark one = {.run = run, .kind = kind, .at = at, .text = text};
    store_fixture_append(&fixture, &(struct journal_write){.marks = &one, .mark_count = 1});
    store_fixture_wait(&fixture);
}

/* ---- one run ---- */

static void test_journal_reader__a_run_is_found_by_id_number_and_key(void **state)
{
    (void)state;
    struct journal_new_run run = store_fixture_run(3, "abcdef");
    run.key = STR("k1");
    store_fixture_start(&fixture, &run);
    complete(3);
    static const char expected[] =
        "abcdef completed [] seq=4 root=3 parent=0 wake=0 crashes=0 nodes=1/0/3"
        " at=3000/1000/1030 result={\"state\":\"completed\"}";
    assert_int_equal(journal_reader_run(reader, STR("abcdef"), see_run, NULL, NULL), 0);
    expect_seen(expected);
    assert_int_equal(journal_reader_run_by_number(reader, 3, see_run, NULL, NULL), 0);
    expect_seen(expected);
    assert_int_equal(journal_reader_run_by_key(reader, STR("k1"), see_run, NULL, NULL), 0);
    expect_seen(expected);
}

static void test_journal_reader__the_latest_run_of_a_key_counts(void **state)
{
    (void)state;
    for (uint64_t number = 1; number <= 2; number++) {
        struct journal_new_run run = store_fixture_run(number, number == 1 ? "one" : "two");
        run.key = STR("k1");
        store_fixture_start(&fixture, &run);
    }
    assert_int_equal(journal_reader_run_by_key(reader, STR("k1"), see_id, NULL, NULL), 0);
    expect_seen("two");
}

static void test_journal_reader__ids_may_be_shortened_while_unique(void **state)
{
    (void)state;
    struct error err = {0};
    start(1, "0193-aaaa");
    start(2, "0193-abbb");
    start_child(3, "0193-accc", 1, 1);
    assert_int_equal(journal_reader_run(reader, STR("0193-aa"), see_id, NULL, &err), 0);
    expect_seen("0193-aaaa");
    assert_int_equal(journal_reader_run(reader, STR("0193"), see_id, NULL, &err), E_CONFLICT);
    assert_string_equal(err.message, "'0193' is the beginning of several ids");
    /* too short; a child's, which is only found whole; none */
    assert_int_equal(journal_reader_run(reader, STR("019"), see_id, NULL, &err), E_NOT_FOUND);
    assert_int_equal(journal_reader_run(reader, STR("0193-ac"), see_id, NULL, &err), E_NOT_FOUND);
    assert_int_equal(journal_reader_run(reader, STR("zzzzz"), see_id, NULL, &err), E_NOT_FOUND);
    assert_int_equal(journal_reader_run(reader, STR("zzz\xff"), see_id, NULL, &err), E_NOT_FOUND);
    expect_seen("");
    assert_int_equal(journal_reader_run(reader, STR("0193-accc"), see_id, NULL, &err), 0);
    expect_seen("0193-accc");
}

static void test_journal_reader__what_is_not_there_is_said(void **state)
{
    (void)state;
    struct error err = {0};
    struct strbuf source = STRBUF_INIT;
    assert_int_equal(journal_reader_run_by_number(reader, 9, see_id, NULL, &err), E_NOT_FOUND);
    assert_string_equal(err.message, "there is no run with the number 9");
    assert_int_equal(journal_reader_run_by_key(reader, STR("k"), see_id, NULL, &err), E_NOT_FOUND);
    assert_string_equal(err.message, "there is no run with the key 'k'");
    assert_int_equal(journal_reader_definition(reader, STR("d9"), &source, &source, &err),
                     E_NOT_FOUND);
    assert_string_equal(err.message, "there is no definition 'd9'");
}

static void test_journal_reader__definition_and_meta(void **state)
{
    (void)state;
    struct strbuf source = STRBUF_INIT;
    struct strbuf by = STRBUF_INIT;
    struct str instance = {0};
    uint64_t epoch = 9;
    uint32_t schema = 0;
    start(1, "run-1");
    assert_int_equal(journal_reader_definition(reader, STR("d1"), &source, &by, NULL), 0);
    assert_string_equal(source.p, "{\"a\":1}");
    assert_true(by.n > 0);
    strbuf_finish(&source);
    strbuf_finish(&by);
    assert_int_equal(journal_reader_meta(reader, &instance, &epoch, &schema, NULL), 0);
    assert_true(str_equal(instance, journal_sqlite_instance(fixture.journal)));
    assert_int_equal(epoch, 1);
    assert_int_equal(schema, 7);
}

static void test_journal_reader__the_state_follows_pauses_and_unknown_nodes(void **state)
{
    (void)state;
    static const struct {
        enum record_type type;
        const char *path;
        const char *state;
    } steps[] = {
        {RECORD_RUN_STARTED, NULL, "running"},
        {RECORD_NODE_STARTED, "a", "running"},
        {RECORD_RUN_PAUSED, NULL, "paused"},
        {RECORD_NODE_UNKNOWN, "a", "approval_required"},
        {RECORD_NODE_LOST, "a", "paused"},
        {RECORD_RUN_RESUMED, NULL, "running"},
        {RECORD_NODE_UNKNOWN, "a", "approval_required"},
        {RECORD_NODE_ENDED, "a", "running"},
        {RECORD_RUN_PAUSED, NULL, "paused"},
        {RECORD_RUN_ENDED, NULL, "completed"},
        {RECORD_RUN_UNDOING, NULL, "completed"},
    };
    start(1, "run-1");
    store_fixture_expect(&fixture, "SELECT state FROM runs", "pending");
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct batch batch = BATCH_INIT;
        add(&batch, 1, i + 1, steps[i].type, steps[i].path);
        store_fixture_write(&fixture, &batch);
        store_fixture_expect(&fixture, "SELECT state FROM runs", steps[i].state);
    }
}

/* ---- lists ---- */

static void list(const struct journal_filter *filter, const char *expected)
{
    struct error err = {0};
    assert_int_equal(journal_reader_list(reader, filter, see_id, NULL, &err), 0);
    expect_seen(expected);
}

/* Five runs of two workflows, a child among them, some ended. */
static void make_five(void)
{
    static const char *const ids[] = {"r1", "r2", "r3", "r4", "r5"};
    for (uint64_t i = 1; i <= 5; i++) {
        struct journal_new_run run = store_fixture_run(i, ids[i - 1]);
        run.workflow = i % 2 == 0 ? STR("even") : STR("odd");
        run.name = i == 1 ? STR("even") : STR("Some name"); /* a name like another's id */
        run.labels = i < 4 ? STR("{\"team\":\"ops\"}") : STR("{\"team\":\"dev\",\"x\":1}");
        run.root = i == 5 ? 4 : i;
        run.parent = i == 5 ? 4 : 0;
        store_fixture_start(&fixture, &run);
    }
    complete(1);
    complete(4);
}

static void test_journal_reader__lists_are_newest_first_and_filtered(void **state)
{
    const struct {
        struct journal_filter filter;
        const char *seen;
    } lists[] = {
        {.seen = "r4\nr3\nr2\nr1"},
        {{.has_children = true}, "r5\nr4\nr3\nr2\nr1"},
        {{.state = STR("completed")}, "r4\nr1"},
        {{.state = STR("failed")}, ""},
        {{.is_live = true}, "r3\nr2"},
        {{.workflow = STR("even")}, "r4\nr2\nr1"}, /* by id or name */
        {{.workflow = STR("odd"), .has_children = true}, "r5\nr3\nr1"},
        {{.label_key = STR("team"), .label_value = STR("ops")}, "r3\nr2\nr1"},
        {{.label_key = STR("x"), .label_value = STR("1")}, "r4"},
        {{.label_key = STR("x")}, "r4"},
        {{.created_after = 1000, .created_before = 4000}, "r3\nr2"},
        {{.workflow = STR("even"),
          .state = STR("completed"),
          .label_key = STR("team"),
          .label_value = STR("dev"),
          .is_live = false},
         "r4"},
    };
    (void)state;
    make_five();
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        list(&lists[i].filter, lists[i].seen);
    }
}

static void test_journal_reader__a_child_run_that_waits_for_a_person_is_found(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    make_five();
    add(&batch, 5, 1, RECORD_NODE_STARTED, "a");
    add(&batch, 5, 2, RECORD_NODE_UNKNOWN, "a");
    store_fixture_write(&fixture, &batch);
    list(&(struct journal_filter){.state = STR("approval_required")}, "r5");
}

static void test_journal_reader__lists_come_in_pages(void **state)
{
    (void)state;
    make_five();
    list(&(struct journal_filter){.limit = 2}, "r4\nr3");
    list(&(struct journal_filter){.limit = 2, .before = 3}, "r2\nr1");
    list(&(struct journal_filter){.limit = 2, .before = 1}, "");
    list(&(struct journal_filter){.workflow = STR("even"), .limit = 2}, "r4\nr2");
    list(&(struct journal_filter){.workflow = STR("even"), .limit = 2, .before = 2}, "r1");
}

static void test_journal_reader__live_runs_and_trees(void **state)
{
    static const struct {
        int (*read)(struct journal_reader *reader, uint64_t root, journal_run_cb each, void *user,
                    struct error *err);
        uint64_t root;
        const char *seen;
    } trees[] = {
        {journal_reader_tree, 4, "r4\nr5"},
        {journal_reader_tree, 77, ""},
        {journal_reader_tree_live, 4, "r4\nr5"},
        {journal_reader_tree_live, 1, ""},
    };
    (void)state;
    make_five();
    assert_int_equal(journal_reader_live(reader, 0, 0, see_id, NULL, NULL), 0);
    expect_seen("r2\nr3\nr5");
    assert_int_equal(journal_reader_live(reader, 2, 1, see_id, NULL, NULL), 0);
    expect_seen("r3");
    for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++) {
        assert_int_equal(trees[i].read(reader, trees[i].root, see_id, NULL, NULL), 0);
        expect_seen(trees[i].seen);
    }
}

static void test_journal_reader__parked_runs_come_when_they_are_due(void **state)
{
    (void)state;
    int64_t at = 0;
    make_five();
    assert_int_equal(journal_reader_next_wake(reader, &at, NULL), 0);
    assert_true(at == INT64_MAX);
    mark(2, JOURNAL_MARK_WAKE, 500, STR(""));
    mark(3, JOURNAL_MARK_WAKE, 400, STR(""));
    mark(5, JOURNAL_MARK_WAKE, 100, STR("")); /* a child does not count */
    assert_int_equal(journal_reader_next_wake(reader, &at, NULL), 0);
    assert_int_equal(at, 400);
    assert_int_equal(journal_reader_due(reader, 399, 0, see_id, NULL, NULL), 0);
    expect_seen("");
    assert_int_equal(journal_reader_due(reader, 500, 0, see_id, NULL, NULL), 0);
    expect_seen("r3\nr2");
    mark(3, JOURNAL_MARK_ACTIVE, 0, STR(""));
    assert_int_equal(journal_reader_due(reader, 500, 1, see_id, NULL, NULL), 0);
    expect_seen("r2");
    complete(2); /* what has ended wakes nobody */
    assert_int_equal(journal_reader_next_wake(reader, &at, NULL), 0);
    assert_true(at == INT64_MAX);
}

static void test_journal_reader__blocked_and_crashed_runs_say_so(void **state)
{
    (void)state;
    start(1, "r1");
    mark(1, JOURNAL_MARK_BLOCKED, 0, STR("no plugin 'x'"));
    mark(1, JOURNAL_MARK_CRASHES, 4, STR(""));
    assert_int_equal(journal_reader_run(reader, STR("r1"), see_run, NULL, NULL), 0);
    expect_seen("r1 pending [no plugin 'x'] seq=0 root=1 parent=0 wake=0 crashes=4 nodes=0/0/3"
                " at=1000/0/0 result=");
    start(2, "r2");
    struct journal_filter filter = {.state = STR("blocked")};
    assert_int_equal(journal_reader_list(reader, &filter, see_id, NULL, NULL), 0);
    expect_seen("r1");
    filter.state = STR("pending");
    assert_int_equal(journal_reader_list(reader, &filter, see_id, NULL, NULL), 0);
    expect_seen("r2");
}

/* ---- records and nodes ---- */

static void test_journal_reader__records_of_one_run_in_order(void **state)
{
    (void)state;
    start(1, "r1");
    start(2, "r2");
    complete(2);
    complete(1);
    assert_int_equal(journal_reader_rows(reader, 1, 0, 2, see_row, NULL, NULL), 0);
    expect_seen("5 1 r1 1 run_started  {}\n6 1 r1 2 node_started a {}");
    assert_int_equal(journal_reader_rows(reader, 1, 2, 0, see_row, NULL, NULL), 0);
    expect_seen("7 1 r1 3 node_ended a {\"state\":\"completed\"}\n"
                "8 1 r1 4 run_ended  {\"state\":\"completed\"}");
    assert_int_equal(journal_reader_rows(reader, 3, 0, 0, see_row, NULL, NULL), 0);
    expect_seen("");
}

static int count_row(void *user, const struct journal_row *row)
{
    uint64_t *last = user;
    assert_int_equal(row->run, 1);
    assert_int_equal(row->seq, *last + 1);
    *last = row->seq;
    seen_count++;
    return 0;
}

/* Many of its own in a row, many of others between, and some more. */
static void test_journal_reader__records_of_a_tree_are_found_wherever_they_are(void **state)
{
    (void)state;
    enum { MANY = 1200, FEW = 20 };
    struct batch batch = BATCH_INIT;
    uint64_t seq = 0;
    start(1, "r1");
    start(2, "r2");
    for (uint64_t i = 1; i <= 2 * MANY + FEW; i++) {
        bool is_other = i > MANY && i <= 2 * MANY;
        add(&batch, is_other ? 2 : 1, is_other ? i - MANY : ++seq, RECORD_SIGNALS_SEEN, NULL);
    }
    store_fixture_write(&fixture, &batch);
    uint64_t last = 0;
    assert_int_equal(journal_reader_tree_rows(reader, 1, 0, 0, count_row, &last, NULL), 0);
    assert_int_equal(seen_count, MANY + FEW);
    for (uint32_t limit = 1; limit <= 600; limit = limit * 3 + 1) {
        last = MANY - 10;
        seen_count = 0;
        assert_int_equal(journal_reader_tree_rows(reader, 1, last, limit, count_row, &last, NULL),
                         0);
        assert_int_equal(seen_count, limit < FEW + 10 ? limit : FEW + 10);
    }
    seen_count = 0;
    assert_int_equal(journal_reader_tree_rows(reader, 1, 2 * MANY + FEW, 0, count_row, &last, NULL),
                     0);
    assert_int_equal(seen_count, 0);
}

static void test_journal_reader__records_of_a_tree_in_the_order_of_commit(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    start(1, "r1");
    start_child(2, "r2", 1, 1);
    start(3, "r3");
    add(&batch, 1, 1, RECORD_RUN_STARTED, NULL);
    add(&batch, 2, 1, RECORD_RUN_STARTED, NULL);
    add(&batch, 3, 1, RECORD_RUN_STARTED, NULL);
    add(&batch, 2, 2, RECORD_RUN_ENDED, NULL);
    add(&batch, 1, 2, RECORD_NODE_STARTED, "a");
    store_fixture_write(&fixture, &batch);
    assert_int_equal(journal_reader_tree_rows(reader, 1, 0, 0, see_row, NULL, NULL), 0);
    expect_seen("1 1 r1 1 run_started  {}\n2 2 r2 1 run_started  {}\n"
                "4 2 r2 2 run_ended  {\"state\":\"completed\"}\n5 1 r1 2 node_started a {}");
    assert_int_equal(journal_reader_tree_rows(reader, 1, 1, 2, see_row, NULL, NULL), 0);
    expect_seen("2 2 r2 1 run_started  {}\n4 2 r2 2 run_ended  {\"state\":\"completed\"}");
    assert_int_equal(journal_reader_tree_rows(reader, 1, 5, 0, see_row, NULL, NULL), 0);
    expect_seen("");
}

static void test_journal_reader__nodes_with_what_ended_them(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    start(1, "r1");
    add(&batch, 1, 1, RECORD_RUN_STARTED, NULL);
    add(&batch, 1, 2, RECORD_NODE_STARTED, "b");
    add(&batch, 1, 3, RECORD_NODE_STARTED, "a");
    add(&batch, 1, 4, RECORD_NODE_ENDED, "b");
    store_fixture_write(&fixture, &batch);
    assert_int_equal(journal_reader_nodes(reader, 1, see_node, NULL, NULL), 0);
    expect_seen("a running 1 0 1020-0 \nb completed 1 0 1010-1030 {\"state\":\"completed\"}");
}

static void write_large(void)
{
    struct batch batch = BATCH_INIT;
    struct document *large = store_fixture_text(100000, 'y');
    struct record record = {.run_number = 1,
                            .type = RECORD_NODE_ENDED,
                            .seq = 1,
                            .node = RECORD_NO_NODE,
                            .node_state = NODE_COMPLETED,
                            .output = large,
                            .detail = large};
    start(1, "r1");
    store_fixture_record(&fixture, &batch, &record, "a");
    store_fixture_write(&fixture, &batch);
    document_unref(large);
}

static int see_large(void *user, const struct journal_row *row)
{
    static const char head[] = "{\"state\":\"completed\",\"output\":\"yyy";
    (void)user;
    seen_count++;
    assert_int_equal(row->body.n, 200000 + strlen("{\"state\":\"completed\",\"output\":\"\","
                                                  "\"detail\":\"\"}"));
    assert_memory_equal(row->body.p, head, strlen(head));
    assert_memory_equal(row->body.p + row->body.n - 3, "y\"}", 3);
    return 0;
}

static void test_journal_reader__large_documents_are_put_back(void **state)
{
    (void)state;
    write_large();
    assert_int_equal(journal_reader_rows(reader, 1, 0, 0, see_large, NULL, NULL), 0);
    assert_int_equal(seen_count, 1);
}

static void change_blob(const char *shell)
{
    char command[256];
    (void)snprintf(command, sizeof(command), "cd %s/blobs/* && %s", fixture.folder, shell);
    assert_int_equal(system(command), 0);
}

static void test_journal_reader__a_lost_or_changed_document_is_said(void **state)
{
    (void)state;
    struct error err = {0};
    write_large();
    change_blob("for f in *; do printf z >> $f; done");
    assert_int_equal(journal_reader_rows(reader, 1, 0, 0, see_row, NULL, &err), E_CORRUPT);
    assert_non_null(strstr(err.message, "is damaged: put it back from a backup"));
    change_blob("rm *");
    assert_int_equal(journal_reader_rows(reader, 1, 0, 0, see_row, NULL, &err), E_CORRUPT);
    assert_non_null(strstr(err.message, "is lost: put it back from a backup"));
    assert_int_equal(seen_count, 0);
}

static void expect_unique_size(const char *id, size_t expected)
{
    size_t size = 0;
    assert_int_equal(journal_reader_unique_size(reader, str_from(id), &size, NULL), 0);
    assert_int_equal(size, expected);
}

static void test_journal_reader__knows_how_much_of_an_id_is_unique(void **state)
{
    (void)state;
    static const char *const ids[] = {"aaaa1", "aaab1", "aaab2", "b"};
    for (uint64_t i = 0; i < 4; i++) {
        struct journal_new_run run = store_fixture_run(i + 1, ids[i]);
        store_fixture_start(&fixture, &run);
    }
    struct journal_new_run child = store_fixture_run(5, "b/call");
    child.parent = 4;
    child.root = 4;
    store_fixture_start(&fixture, &child);
    expect_unique_size("aaaa1", 4);
    expect_unique_size("aaab1", 5);
    expect_unique_size("aaab2", 5);
    expect_unique_size("b", 1);
    expect_unique_size("c", 1);
}

static void test_journal_reader__lists_what_a_run_called(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 4; i++) {
        char id[8];
        (void)snprintf(id, sizeof(id), "run%d", (int)i);
        struct journal_new_run run = store_fixture_run(i, id);
        run.root = 1;
        run.parent = i == 1 ? 0 : i == 4 ? 2 : 1;
        store_fixture_start(&fixture, &run);
    }
    struct journal_filter filter = {.root = 1, .parent = 1};
    assert_int_equal(journal_reader_list(reader, &filter, see_id, NULL, NULL), 0);
    expect_seen("run3\nrun2");
    filter.before = 3;
    assert_int_equal(journal_reader_list(reader, &filter, see_id, NULL, NULL), 0);
    expect_seen("run2");
}

/* ---- log lines, audit, figures ---- */

static void test_journal_reader__log_lines_of_a_node_and_all_inside(void **state)
{
    (void)state;
    const struct journal_log logs[] = {
        {.run = 1, .path = STR("each"), .attempt = 1, .level = 2, .line = STR("one")},
        {.run = 1, .path = STR("each[1].fix"), .attempt = 1, .level = 1, .line = STR("two")},
        {.run = 1, .path = STR("each-other"), .attempt = 1, .level = 2, .line = STR("three")},
        {.run = 2, .path = STR("each#2"), .attempt = 2, .level = 2, .line = STR("four")},
        {.run = 3, .path = STR("each"), .attempt = 1, .level = 2, .line = STR("five")},
    };
    start(1, "r1");
    start_child(2, "r2", 1, 1);
    start(3, "r3");
    store_fixture_append(&fixture, &(struct journal_write){.logs = logs, .log_count = 5});
    store_fixture_wait(&fixture);
    struct journal_log_query query = {.root = 1};
    assert_int_equal(journal_reader_logs(reader, &query, see_log, NULL, NULL), 0);
    expect_seen("1 r1 each 1 2 one\n2 r1 each[1].fix 1 1 two\n3 r1 each-other 1 2 three\n"
                "4 r2 each#2 2 2 four");
    query = (struct journal_log_query){.root = 1, .path = STR("each"), .after_id = 1, .limit = 2};
    assert_int_equal(journal_reader_logs(reader, &query, see_log, NULL, NULL), 0);
    expect_seen("2 r1 each[1].fix 1 1 two\n4 r2 each#2 2 2 four");
}

static void test_journal_reader__audit_of_all_and_of_a_tree(void **state)
{
    (void)state;
    const struct journal_audit audits[] = {
        {.at_unix_ms = 1, .who = STR("ann"), .action = STR("start"), .run = 1},
        {.at_unix_ms = 2, .who = STR("bob"), .action = STR("start"), .run = 3},
        {.at_unix_ms = 3, .who = STR("engine"), .action = STR("start"), .run = 2},
        {.at_unix_ms = 4, .who = STR("ann"), .action = STR("vacuum")},
    };
    start(1, "r1");
    start_child(2, "r2", 1, 1);
    start(3, "r3");
    store_fixture_append(&fixture, &(struct journal_write){.audits = audits, .audit_count = 4});
    store_fixture_wait(&fixture);
    assert_int_equal(journal_reader_audit(reader, 0, 1, 0, see_audit, NULL, NULL), 0);
    expect_seen("2 2 bob start r3 {}\n3 3 engine start r2 {}\n4 4 ann vacuum  {}");
    assert_int_equal(journal_reader_audit(reader, 1, 0, 0, see_audit, NULL, NULL), 0);
    expect_seen("1 1 ann start r1 {}\n3 3 engine start r2 {}");
    assert_int_equal(journal_reader_audit(reader, 1, 0, 1, see_audit, NULL, NULL), 0);
    expect_seen("1 1 ann start r1 {}");
}

static void test_journal_reader__figures(void **state)
{
    (void)state;
    int64_t ms = 7;
    make_five();
    assert_int_equal(journal_reader_counts(reader, see_count, NULL, NULL), 0);
    expect_seen("even completed 1\neven pending 1\nodd completed 1\nodd pending 2");
    assert_int_equal(journal_reader_usual_ms(reader, STR("even"), &ms, NULL), 0);
    assert_int_equal(ms, 30);
    assert_int_equal(journal_reader_usual_ms(reader, STR("none"), &ms, NULL), 0);
    assert_int_equal(ms, 0);
}

/* ---- listings that are cut short ---- */

static void test_journal_reader__callbacks_end_a_listing(void **state)
{
    (void)state;
    make_five();
    stop_with = 5;
    assert_int_equal(journal_reader_list(reader, &(struct journal_filter){0}, see_id, NULL, NULL),
                     5);
    expect_seen("r4");
    assert_int_equal(journal_reader_rows(reader, 1, 0, 0, see_row, NULL, NULL), 5);
    assert_int_equal(seen_count, 1);
    assert_int_equal(journal_reader_run(reader, STR("r2"), see_id, NULL, NULL), 5);
}

static int list_inside(void *user, const struct journal_run *run)
{
    uint64_t root = run->root;
    (void)see_id(user, run);
    return journal_reader_tree(reader, root, see_id, NULL, NULL);
}

static void test_journal_reader__callbacks_may_ask_the_same(void **state)
{
    (void)state;
    make_five();
    assert_int_equal(journal_reader_tree(reader, 4, list_inside, NULL, NULL), 0);
    expect_seen("r4\nr4\nr5\nr5\nr4\nr5");
}

/* ---- opening ---- */

static void test_journal_reader__a_reader_changes_nothing(void **state)
{
    (void)state;
    start(1, "r1");
    assert_int_equal(sqlite3_exec(reader->db, "DELETE FROM runs", NULL, NULL, NULL),
                     SQLITE_READONLY);
    store_fixture_expect(&fixture, "SELECT count(*) FROM runs", "1");
}

static void test_journal_reader__open_and_list_survive_each_failed_allocation(void **state)
{
    (void)state;
    make_five();
    for (long n = 0;; n++) {
        struct journal_reader *other = NULL;
        struct error err = {0};
        failing_alloc_arm(n);
        int status = journal_reader_open(fixture.folder, &other, &err);
        if (status == 0) {
            status = journal_reader_list(other, &(struct journal_filter){.workflow = STR("odd")},
                                         see_id, NULL, &err);
        }
        bool was_reached = failing_alloc_disarm();
        journal_reader_close(other);
        if (!was_reached) {
            assert_int_equal(status, 0);
            assert_true(n >= 3);
            return;
        }
        assert_true(status == E_NOMEM || seen.failed);
        strbuf_clear(&seen);
    }
}

/* ---- no list scans a table ---- */

static size_t plan_count;

/* What is scanned is an index, the page itself, or runs in their order until the page is full. */
static bool is_fine(const char *step, const char *sql)
{
    bool is_selective = strstr(sql, ":state") != NULL || strstr(sql, ":workflow") != NULL ||
                        strstr(sql, ":key") != NULL || strstr(sql, ":after") != NULL;
    bool is_page = strcmp(step, "SCAN runs USING INDEX runs_shown") == 0 ||
                   strcmp(step, "SCAN runs USING INDEX runs_live") == 0 ||
                   strcmp(step, "SCAN runs") == 0;
    return strncmp(step, "SCAN", 4) != 0 || strstr(step, "USING COVERING INDEX") != NULL ||
           strstr(step, "SCAN (subquery") != NULL || strcmp(step, "SCAN meta") == 0 ||
           (is_page && !is_selective && strstr(sql, "ORDER BY run DESC LIMIT") != NULL);
}

/* Each statement that runs is asked how it does it. */
static int on_statement(unsigned what, void *user, void *statement, void *text)
{
    sqlite3 *db = user;
    sqlite3_stmt *plan = NULL;
    char sql[4096];
    (void)what;
    (void)text;
    const char *asked = sqlite3_sql(statement);
    if (strncmp(asked, "SELECT", 6) != 0) {
        return 0;
    }
    (void)snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", asked);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &plan, NULL), SQLITE_OK);
    while (sqlite3_step(plan) == SQLITE_ROW) {
        const char *step = (const char *)sqlite3_column_text(plan, 3);
        if (!is_fine(step, asked)) {
            fail_msg("'%s' in: %s", step, asked);
        }
        plan_count++;
    }
    (void)sqlite3_finalize(plan);
    return 0;
}

static void ask_everything(void)
{
    struct str none = {0};
    int64_t number = 0;
    uint64_t epoch = 0;
    uint32_t schema = 0;
    size_t size = 0;
    static const struct journal_filter filters[] = {
        {.limit = 1},
        {.has_children = true},
        {.state = {"x", 1}},
        {.workflow = {"x", 1}},
        {.workflow = {"x", 1}, .state = {"x", 1}, .before = 7},
        {.label_key = {"x", 1}, .label_value = {"y", 1}},
        {.created_after = 1, .created_before = 2},
        {.is_live = true},
        {.root = 1, .parent = 1, .before = 7},
    };
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        assert_int_equal(journal_reader_list(reader, &filters[i], see_id, NULL, NULL), 0);
    }
    (void)journal_reader_run(reader, STR("abcd"), see_id, NULL, NULL);
    (void)journal_reader_unique_size(reader, STR("abcd"), &size, NULL);
    (void)journal_reader_run_by_key(reader, STR("abcd"), see_id, NULL, NULL);
    (void)journal_reader_live(reader, 0, 1, see_id, NULL, NULL);
    (void)journal_reader_tree(reader, 1, see_id, NULL, NULL);
    (void)journal_reader_next_wake(reader, &number, NULL);
    (void)journal_reader_due(reader, 1, 1, see_id, NULL, NULL);
    (void)journal_reader_rows(reader, 1, 0, 1, see_row, NULL, NULL);
    (void)journal_reader_tree_rows(reader, 1, 0, 1, see_row, NULL, NULL);
    (void)journal_reader_nodes(reader, 1, see_node, NULL, NULL);
    (void)journal_reader_logs(reader, &(struct journal_log_query){.root = 1}, see_log, NULL, NULL);
    (void)journal_reader_audit(reader, 1, 0, 1, see_audit, NULL, NULL);
    (void)journal_reader_usual_ms(reader, STR("w"), &number, NULL);
    (void)journal_reader_counts(reader, see_count, NULL, NULL);
    (void)journal_reader_meta(reader, &none, &epoch, &schema, NULL);
}

static void test_journal_reader__every_question_has_its_index(void **state)
{
    (void)state;
    make_five();
    plan_count = 0;
    assert_int_equal(sqlite3_trace_v2(reader->db, SQLITE_TRACE_STMT, on_statement, reader->db),
                     SQLITE_OK);
    ask_everything();
    assert_int_equal(sqlite3_trace_v2(reader->db, 0, NULL, NULL), SQLITE_OK);
    assert_true(plan_count > 30);
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FRESH(test_journal_reader__a_run_is_found_by_id_number_and_key),
        FRESH(test_journal_reader__the_latest_run_of_a_key_counts),
        FRESH(test_journal_reader__ids_may_be_shortened_while_unique),
        FRESH(test_journal_reader__what_is_not_there_is_said),
        FRESH(test_journal_reader__definition_and_meta),
        FRESH(test_journal_reader__the_state_follows_pauses_and_unknown_nodes),
        FRESH(test_journal_reader__lists_are_newest_first_and_filtered),
        FRESH(test_journal_reader__a_child_run_that_waits_for_a_person_is_found),
        FRESH(test_journal_reader__lists_come_in_pages),
        FRESH(test_journal_reader__live_runs_and_trees),
        FRESH(test_journal_reader__parked_runs_come_when_they_are_due),
        FRESH(test_journal_reader__blocked_and_crashed_runs_say_so),
        FRESH(test_journal_reader__records_of_one_run_in_order),
        FRESH(test_journal_reader__records_of_a_tree_in_the_order_of_commit),
        FRESH(test_journal_reader__records_of_a_tree_are_found_wherever_they_are),
        FRESH(test_journal_reader__nodes_with_what_ended_them),
        FRESH(test_journal_reader__large_documents_are_put_back),
        FRESH(test_journal_reader__a_lost_or_changed_document_is_said),
        FRESH(test_journal_reader__knows_how_much_of_an_id_is_unique),
        FRESH(test_journal_reader__lists_what_a_run_called),
        FRESH(test_journal_reader__log_lines_of_a_node_and_all_inside),
        FRESH(test_journal_reader__audit_of_all_and_of_a_tree),
        FRESH(test_journal_reader__figures),
        FRESH(test_journal_reader__callbacks_end_a_listing),
        FRESH(test_journal_reader__callbacks_may_ask_the_same),
        FRESH(test_journal_reader__a_reader_changes_nothing),
        FRESH(test_journal_reader__open_and_list_survive_each_failed_allocation),
        FRESH(test_journal_reader__every_question_has_its_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
