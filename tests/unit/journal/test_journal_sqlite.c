/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/random.h"
#include "tests/unit/journal/store_fixture.h"

static struct store_fixture fixture;

static int set_up(void **state)
{
    (void)state;
    store_fixture_init(&fixture);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_fixture_finish(&fixture);
    return 0;
}

static void start(uint64_t number, const char *id)
{
    struct journal_new_run run = store_fixture_run(number, id);
    store_fixture_start(&fixture, &run);
}

/* A record of run 1 unless it says otherwise. */
static void add(struct batch *batch, struct record record, const char *path)
{
    record.run_number = record.run_number != 0 ? record.run_number : 1;
    store_fixture_record(&fixture, batch, &record, path);
}

static void add_document(struct batch *batch, struct record record, const char *path,
                         const char *json)
{
    struct document *document = pipeline_fixture_json(json);
    record.output = document;
    add(batch, record, path);
    document_unref(document);
}

static void expect(const char *sql, const char *rows)
{
    store_fixture_expect(&fixture, sql, rows);
}

/* ---- the file ---- */

static mode_t mode_of(const char *name)
{
    struct stat status;
    assert_int_equal(stat(store_fixture_path(&fixture, name), &status), 0);
    return status.st_mode & 0777;
}

static void test_journal_sqlite__the_file_is_private_and_marked_as_ours(void **state)
{
    (void)state;
    assert_int_equal(mode_of("state.db"), 0600);
    assert_int_equal(mode_of("state.db-wal"), 0600);
    assert_int_equal(access(store_fixture_path(&fixture, "state.db.new"), F_OK), -1);
    expect("PRAGMA application_id", "1332761460");
    expect("PRAGMA journal_mode", "wal");
    expect("SELECT epoch, schema, length(instance), substr(instance, 1, 1) FROM meta", "0|7|13|i");
    assert_int_equal(journal_sqlite_instance(fixture.journal).n, 13);
}

static void test_journal_sqlite__the_epoch_rises_with_the_first_write(void **state)
{
    (void)state;
    expect("SELECT epoch FROM meta", "0");
    start(1, "run-1");
    expect("SELECT epoch FROM meta", "1");
    store_fixture_close(&fixture);
    assert_int_equal(store_fixture_open(&fixture, NULL), 0);
    expect("SELECT epoch FROM meta", "1");
    assert_int_equal(journal_sqlite_epoch(fixture.journal), 2);
    start(2, "run-2");
    expect("SELECT epoch FROM meta", "2");
}

/* Copying it costs a short engine more than its run. */
static void test_journal_sqlite__a_small_log_stays_at_the_close(void **state)
{
    (void)state;
    struct stat log;
    start(1, "run-1");
    journal_sqlite_give_up(fixture.journal);
    store_fixture_close(&fixture);
    assert_int_equal(stat(store_fixture_path(&fixture, "state.db-wal"), &log), 0);
    assert_true(log.st_size > 0);
}

static void test_journal_sqlite__knows_whether_a_run_was_unfinished(void **state)
{
    (void)state;
    assert_false(journal_sqlite_has_live(fixture.journal));
    start(1, "run-1");
    assert_false(journal_sqlite_has_live(fixture.journal));
    store_fixture_close(&fixture);
    assert_int_equal(store_fixture_open(&fixture, NULL), 0);
    assert_true(journal_sqlite_has_live(fixture.journal));
}

static void test_journal_sqlite__run_numbers_go_on_after_a_restart(void **state)
{
    (void)state;
    assert_int_equal(journal_next_run(fixture.journal), 1);
    assert_int_equal(journal_next_run(fixture.journal), 2);
    start(2, "run-2");
    store_fixture_close(&fixture);
    assert_int_equal(store_fixture_open(&fixture, NULL), 0);
    assert_int_equal(journal_next_run(fixture.journal), 3);
}

/* ---- rows ---- */

static void write_small_run(void)
{
    struct batch batch = BATCH_INIT;
    struct edge_set taken = EDGE_SET_INIT;
    assert_int_equal(edge_set_init(&taken, 2), 0);
    edge_set_put(&taken, 1, true);
    start(1, "run-1");
    add_document(&batch,
                 (struct record){.type = RECORD_RUN_STARTED, .seq = 1, .node = RECORD_NO_NODE},
                 NULL, "{\"who\":\"ann\"}");
    add(&batch, (struct record){.type = RECORD_NODE_STARTED, .seq = 2, .node = 4, .attempt = 1},
        "story");
    store_fixture_write(&fixture, &batch);
    add(&batch, (struct record){.type = RECORD_NODE_QUEUED, .node = 4}, "story"); /* lazy */
    add_document(&batch,
                 (struct record){.type = RECORD_NODE_ENDED,
                                 .seq = 3,
                                 .node = 4,
                                 .attempt = 1,
                                 .node_state = NODE_COMPLETED,
                                 .taken = taken},
                 "story", "{\"status\":200}");
    add(&batch,
        (struct record){
            .type = RECORD_RUN_ENDED, .seq = 4, .node = RECORD_NO_NODE, .run_state = RUN_COMPLETED},
        NULL);
    store_fixture_write(&fixture, &batch);
}

static void test_journal_sqlite__records_become_rows(void **state)
{
    (void)state;
    write_small_run();
    expect("SELECT id, run, seq, type, path, attempt, at, body, blob FROM journal ORDER BY id",
           "1|1|1|run_started||0|1000|{\"output\":{\"who\":\"ann\"}}|-\n"
           "2|1|2|node_started|story|1|1010|{\"node\":4}|-\n"
           "3|1|3|node_ended|story|1|1030|{\"node\":4,\"state\":\"completed\",\"taken\":[1],"
           "\"output\":{\"status\":200}}|-\n"
           "4|1|4|run_ended||0|1040|{\"state\":\"completed\"}|-");
}

static void test_journal_sqlite__runs_and_nodes_are_kept_up_to_date(void **state)
{
    (void)state;
    write_small_run();
    expect("SELECT state, last_seq, last_id, started_at, ended_at, record, nodes_done,"
           " nodes_failed, nodes_total FROM runs",
           "completed|4|4|1000|1040|4|1|0|3");
    expect("SELECT run, path, state, attempt, wake_at, started_at, ended_at, record FROM nodes",
           "1|story|completed|1|-|1010|1030|3");
}

static void test_journal_sqlite__a_new_run_is_pending_with_all_that_was_said(void **state)
{
    (void)state;
    struct journal_new_run run = store_fixture_run(7, "run-7");
    run.labels = STR("{\"team\":\"ops\",\"n\":3,\"none\":null}");
    run.root = 5;
    run.parent = 6;
    run.call = STR("{\"node\":2}");
    run.parent_path = STR("call");
    run.key = STR("k");
    run.request = STR("abc");
    store_fixture_start(&fixture, &run);
    expect("SELECT run, id, definition, workflow, name, version, labels, state, root, parent, call,"
           " parent_path, key, request, triggered_by, options, nodes_total, created_at FROM runs",
           "7|run-7|d1|nightly|Nightly report|1.2|{\"team\":\"ops\",\"n\":3,\"none\":null}|pending|"
           "5|6|{\"node\":2}|call|k|abc|cli|{}|3|7000");
    expect("SELECT key, value, run FROM labels", "n|3|7\nteam|ops|7");
    expect("SELECT digest, source, compiled_by FROM definitions", "d1|{\"a\":1}|opstream 0.1");
}

static void test_journal_sqlite__failed_and_visited_nodes_count_once(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    start(1, "run-1");
    static const struct {
        const char *path;
        enum node_state state;
        uint64_t frame;
        bool is_handled;
    } ends[] = {
        {"plan", NODE_COMPLETED, 0, false},   {"plan#2", NODE_COMPLETED, 0, false},
        {"poll@4", NODE_COMPLETED, 0, false}, {"fix", NODE_FAILED, 0, true},
        {"fix#2", NODE_FAILED, 0, true},      {"plan#3", NODE_FAILED, 0, false},
        {"finally", NODE_FAILED, 3, false},   {"each[1].x", NODE_FAILED, 4, false},
    };
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        add(&batch,
            (struct record){.type = RECORD_NODE_ENDED,
                            .seq = i + 1,
                            .frame = ends[i].frame,
                            .node_state = ends[i].state,
                            .is_handled = ends[i].is_handled},
            ends[i].path);
    }
    store_fixture_write(&fixture, &batch);
    expect("SELECT nodes_done, nodes_failed FROM runs", "3|2");
}

static void test_journal_sqlite__a_node_that_waits_says_until_when(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    start(1, "run-1");
    add(&batch,
        (struct record){.type = RECORD_NODE_STARTED, .seq = 1, .attempt = 1, .due_unix_ms = 99000},
        "pause");
    store_fixture_write(&fixture, &batch);
    expect("SELECT path, state, wake_at FROM nodes", "pause|running|99000");
    add(&batch, (struct record){.type = RECORD_NODE_STOPPING, .seq = 2, .attempt = 1}, "pause");
    store_fixture_write(&fixture, &batch);
    expect("SELECT path, state, wake_at, started_at FROM nodes", "pause|stopping|99000|1000");
    add(&batch,
        (struct record){
            .type = RECORD_NODE_ENDED, .seq = 3, .attempt = 1, .node_state = NODE_CANCELLED},
        "pause");
    store_fixture_write(&fixture, &batch);
    expect("SELECT path, state, wake_at, started_at, ended_at FROM nodes",
           "pause|cancelled|-|1000|1020");
}

/* ---- iterations ---- */

static uint64_t add_iteration(struct batch *batch, uint64_t seq, uint64_t frame, unsigned parts)
{
    char path[32];
    char inner[40];
    uint64_t index = frame - 1;
    (void)snprintf(path, sizeof(path), "each[%u]", (unsigned)index);
    (void)snprintf(inner, sizeof(inner), "%s.fix", path);
    if ((parts & 1u) != 0) {
        add(batch,
            (struct record){.type = RECORD_FRAME_STARTED,
                            .seq = ++seq,
                            .child = frame,
                            .kind = FRAME_ITEM,
                            .index = index},
            path);
        add(batch, (struct record){.type = RECORD_NODE_STARTED, .seq = ++seq, .frame = frame},
            inner);
    }
    if ((parts & 2u) != 0) {
        add(batch,
            (struct record){.type = RECORD_NODE_ENDED,
                            .seq = ++seq,
                            .frame = frame,
                            .node_state = NODE_COMPLETED},
            inner);
        add(batch,
            (struct record){.type = RECORD_FRAME_ENDED,
                            .seq = ++seq,
                            .frame = frame,
                            .kind = FRAME_ITEM,
                            .run_state = RUN_COMPLETED},
            path);
    }
    return seq;
}

static void test_journal_sqlite__rows_of_an_iteration_go_when_it_ends(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    start(1, "run-1");
    uint64_t seq = add_iteration(&batch, 0, 1, 1);
    for (uint64_t frame = 2; frame <= 13; frame++) {
        seq = add_iteration(&batch, seq, frame, 1);
    }
    store_fixture_write(&fixture, &batch);
    expect("SELECT count(*), min(path), max(path) FROM nodes", "13|each[0].fix|each[9].fix");
    seq = add_iteration(&batch, seq, 2, 2); /* each[1], and not each[10] to each[12] */
    store_fixture_write(&fixture, &batch);
    expect("SELECT path FROM nodes WHERE path LIKE 'each[1%' ORDER BY path",
           "each[10].fix\neach[11].fix\neach[12].fix");
    seq = add_iteration(&batch, seq, 14, 3); /* begins and ends at once */
    store_fixture_write(&fixture, &batch);
    expect("SELECT count(*) FROM nodes", "12");
    expect("SELECT last_seq FROM runs", "32");
    assert_int_equal(seq, 32);
}

static void test_journal_sqlite__rows_of_a_group_stay(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    start(1, "run-1");
    add(&batch,
        (struct record){.type = RECORD_FRAME_STARTED, .seq = 1, .child = 1, .kind = FRAME_GROUP},
        "both");
    add(&batch,
        (struct record){
            .type = RECORD_NODE_ENDED, .seq = 2, .frame = 1, .node_state = NODE_COMPLETED},
        "both.left");
    add(&batch,
        (struct record){.type = RECORD_FRAME_ENDED, .seq = 3, .frame = 1, .kind = FRAME_GROUP},
        "both");
    store_fixture_write(&fixture, &batch);
    expect("SELECT path FROM nodes", "both.left");
}

static void test_journal_sqlite__an_iteration_that_comes_again_has_rows_again(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    start(1, "run-1");
    uint64_t seq = add_iteration(&batch, 0, 1, 1);
    store_fixture_write(&fixture, &batch);
    seq = add_iteration(&batch, seq, 1, 2);
    add(&batch,
        (struct record){.type = RECORD_FRAME_STARTED, .seq = ++seq, .child = 9, .kind = FRAME_ITEM},
        "each[0]");
    add(&batch,
        (struct record){.type = RECORD_NODE_STARTED, .seq = ++seq, .frame = 9, .attempt = 2},
        "each[0].fix");
    store_fixture_write(&fixture, &batch);
    expect("SELECT path, state, attempt FROM nodes", "each[0].fix|running|2");
}

/* ---- groups ---- */

enum { LOOPS = 4, GROUP_RECORDS = 300 };

enum loop_node { LOOP_NODE_NEW, LOOP_NODE_RUNNING, LOOP_NODE_ENDED };

/* A run with a loop in a loop: which iterations have begun, and their nodes. */
struct loops {
    struct random random;
    bool outer[LOOPS];
    bool inner[LOOPS][LOOPS];
    enum loop_node root;
    enum loop_node outer_node[LOOPS];
    enum loop_node inner_node[LOOPS][LOOPS];
    uint64_t seq;
};

static void add_frame(struct loops *loops, struct batch *batch, bool *has_begun, const char *path)
{
    add(batch,
        (struct record){.type = *has_begun ? RECORD_FRAME_ENDED : RECORD_FRAME_STARTED,
                        .seq = ++loops->seq,
                        .kind = FRAME_ITEM},
        path);
    *has_begun = !*has_begun;
}

static enum record_type next_type(struct loops *loops, enum loop_node *node)
{
    static const enum record_type types[] = {RECORD_NODE_ENDED,    RECORD_NODE_AGAIN,
                                             RECORD_NODE_STARTED,  RECORD_NODE_LOST,
                                             RECORD_NODE_STOPPING, RECORD_NODE_UNKNOWN};
    uint32_t choices = *node == LOOP_NODE_NEW ? 3 : 6;
    uint32_t choice = *node == LOOP_NODE_ENDED ? 2 : random_below(&loops->random, choices);
    *node = choice < 2 ? LOOP_NODE_ENDED : LOOP_NODE_RUNNING;
    return types[choice];
}

static void add_node(struct loops *loops, struct batch *batch, enum loop_node *node,
                     const char *path)
{
    struct record record = {.type = next_type(loops, node),
                            .seq = ++loops->seq,
                            .attempt = random_below(&loops->random, 4),
                            .due_unix_ms = random_below(&loops->random, 2),
                            .node_state = NODE_COMPLETED};
    add(batch, record, path);
}

/* What is inside ends before it. */
static void end_inner(struct loops *loops, struct batch *batch, uint32_t i)
{
    char path[32];
    for (uint32_t k = 0; k < LOOPS; k++) {
        (void)snprintf(path, sizeof(path), "each[%u].in[%u]", i, k);
        if (loops->inner[i][k]) {
            add_frame(loops, batch, &loops->inner[i][k], path);
        }
        loops->inner_node[i][k] = LOOP_NODE_NEW;
    }
    loops->outer_node[i] = LOOP_NODE_NEW;
}

static void add_inside(struct loops *loops, struct batch *batch, uint32_t i)
{
    char path[40];
    uint32_t k = random_below(&loops->random, LOOPS);
    (void)snprintf(path, sizeof(path), "each[%u].in[%u]", i, k);
    if (random_percent(&loops->random, 40)) {
        add_frame(loops, batch, &loops->inner[i][k], path);
        loops->inner_node[i][k] = LOOP_NODE_NEW;
    } else if (loops->inner[i][k] && random_percent(&loops->random, 70)) {
        /* a body of one node has the path of the iteration */
        add_node(loops, batch, &loops->inner_node[i][k], path);
    } else {
        (void)snprintf(path, sizeof(path), "each[%u].a", i);
        add_node(loops, batch, &loops->outer_node[i], path);
    }
}

static void add_something(struct loops *loops, struct batch *batch)
{
    char path[32];
    uint32_t i = random_below(&loops->random, LOOPS);
    (void)snprintf(path, sizeof(path), "each[%u]", i);
    if (random_percent(&loops->random, 10)) {
        add_node(loops, batch, &loops->root, "root");
    } else if (!loops->outer[i] || random_percent(&loops->random, 10)) {
        end_inner(loops, batch, i);
        add_frame(loops, batch, &loops->outer[i], path);
    } else {
        add_inside(loops, batch, i);
    }
}

/* The tables after the same records in writes of about `group` records. */
static char *tables_after(uint64_t seed, size_t group)
{
    struct loops loops = {.random = {seed}};
    struct batch batch = BATCH_INIT;
    struct strbuf out = STRBUF_INIT;
    store_fixture_finish(&fixture);
    store_fixture_init(&fixture);
    start(1, "run-1");
    while (loops.seq < GROUP_RECORDS) {
        add_something(&loops, &batch);
        if (batch.record_count >= group) {
            store_fixture_write(&fixture, &batch);
        }
    }
    store_fixture_write(&fixture, &batch);
    char *nodes = store_fixture_ask(&fixture, "SELECT * FROM nodes ORDER BY path");
    char *runs = store_fixture_ask(&fixture, "SELECT * FROM runs");
    strbuf_append_format(&out, "%s\n%s", nodes, runs);
    free(nodes);
    free(runs);
    return strbuf_take(&out);
}

static void test_journal_sqlite__a_group_writes_what_single_records_would(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        char *single = tables_after(seed, 1);
        char *some = tables_after(seed, 7);
        char *all = tables_after(seed, GROUP_RECORDS + 100);
        assert_string_equal(some, single);
        assert_string_equal(all, single);
        free(single);
        free(some);
        free(all);
    }
}

/* ---- large documents ---- */

static void write_large(uint64_t number, const char *id)
{
    struct batch batch = BATCH_INIT;
    struct document *large = store_fixture_text(70000, 'x');
    struct document *small = pipeline_fixture_json("7");
    start(number, id);
    add(&batch,
        (struct record){.run_number = number,
                        .type = RECORD_NODE_ENDED,
                        .seq = 1,
                        .output = large,
                        .error = small,
                        .detail = large},
        "a");
    store_fixture_write(&fixture, &batch);
    document_unref(large);
    document_unref(small);
}

/* sha256 of "\"xxx...\"" with 70,000 x */
static const char *blob_name(void)
{
    static char name[128];
    char *digest = store_fixture_ask(&fixture, "SELECT DISTINCT digest FROM blobs");
    assert_int_equal(strlen(digest), 64);
    (void)snprintf(name, sizeof(name), "blobs/%.2s/%s", digest, digest);
    free(digest);
    return name;
}

static void test_journal_sqlite__a_large_document_is_a_file(void **state)
{
    (void)state;
    struct stat status;
    write_large(1, "run-1");
    expect("SELECT body, json_extract(blob, '$.output') = digest,"
           " json_extract(blob, '$.detail') = digest FROM journal, blobs",
           "{\"node\":0,\"state\":\"pending\",\"error\":7}|1|1");
    assert_int_equal(stat(store_fixture_path(&fixture, blob_name()), &status), 0);
    assert_int_equal(status.st_size, 70002);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(mode_of("blobs"), 0700);
}

static void test_journal_sqlite__the_same_document_is_one_file(void **state)
{
    (void)state;
    struct stat first;
    struct stat second;
    write_large(1, "run-1");
    assert_int_equal(stat(store_fixture_path(&fixture, blob_name()), &first), 0);
    write_large(2, "run-2");
    assert_int_equal(stat(store_fixture_path(&fixture, blob_name()), &second), 0);
    assert_true(first.st_ino == second.st_ino);
    expect("SELECT count(*), count(DISTINCT digest) FROM blobs", "2|1");
}

/* ---- audit, marks, log lines ---- */

static void test_journal_sqlite__audit_rows_and_marks(void **state)
{
    (void)state;
    const struct journal_audit audits[] = {
        {.at_unix_ms = 5, .who = STR("uid 7"), .action = STR("start"), .run = 1},
        {.at_unix_ms = 6,
         .who = STR("engine"),
         .action = STR("vacuum"),
         .detail = STR("{\"n\":1}")},
    };
    const struct journal_mark marks[] = {
        {.run = 1, .kind = JOURNAL_MARK_WAKE, .at = INT64_MAX},
        {.run = 1, .kind = JOURNAL_MARK_BLOCKED, .text = STR("no plugin 'x'")},
        {.run = 1, .kind = JOURNAL_MARK_CRASHES, .at = 3},
    };
    const struct journal_mark back[] = {
        {.run = 1, .kind = JOURNAL_MARK_ACTIVE},
        {.run = 1, .kind = JOURNAL_MARK_BLOCKED},
    };
    struct batch batch = BATCH_INIT;
    start(1, "run-1");
    store_fixture_append(&fixture,
                         &(struct journal_write){
                             .audits = audits, .audit_count = 2, .marks = marks, .mark_count = 3});
    store_fixture_wait(&fixture);
    expect("SELECT * FROM audit", "1|5|uid 7|start|1|{}\n2|6|engine|vacuum|-|{\"n\":1}");
    expect("SELECT wake_at, blocked, crashes FROM runs", "9223372036854775807|no plugin 'x'|3");
    store_fixture_append(&fixture, &(struct journal_write){.marks = back, .mark_count = 2});
    store_fixture_wait(&fixture);
    expect("SELECT wake_at, blocked, crashes FROM runs", "-|-|3");
    add(&batch, (struct record){.type = RECORD_RUN_STARTED, .seq = 1}, NULL);
    store_fixture_write(&fixture, &batch);
    expect("SELECT crashes FROM runs", "3"); /* a start is no progress: its driver knows what is */
}

static void test_journal_sqlite__too_many_log_lines_are_counted(void **state)
{
    (void)state;
    struct journal_log *logs = calloc(JOURNAL_LOGS_MOST + 2, sizeof(*logs));
    assert_non_null(logs);
    for (size_t i = 0; i < JOURNAL_LOGS_MOST + 2; i++) {
        logs[i] = (struct journal_log){.run = 1, .path = STR("a"), .level = 2, .line = STR("hi")};
    }
    start(1, "run-1");
    store_fixture_append(&fixture,
                         &(struct journal_write){.logs = logs, .log_count = JOURNAL_LOGS_MOST});
    store_fixture_wait(&fixture);
    expect("SELECT count(*), min(line), max(line) FROM logs", "10000|hi|hi");
    store_fixture_append(&fixture, &(struct journal_write){.logs = logs, .log_count = 1});
    store_fixture_wait(&fixture);
    expect("SELECT count(*), max(id) FROM logs WHERE line = '1 more line was dropped'", "1|10001");
    store_fixture_append(&fixture, &(struct journal_write){.logs = logs, .log_count = 2});
    logs[2].run = 99; /* that nobody knows */
    store_fixture_append(&fixture, &(struct journal_write){.logs = logs + 2, .log_count = 1});
    store_fixture_wait(&fixture);
    expect("SELECT id, line FROM logs WHERE id > 10000", "10001|3 more lines were dropped");
    free(logs);
}

/* ---- order and groups ---- */

static void test_journal_sqlite__callbacks_come_in_order_of_submission(void **state)
{
    (void)state;
    enum { WRITES = 2000 };
    static struct batch batches[WRITES];
    start(1, "run-1");
    for (uint64_t i = 0; i < WRITES; i++) {
        struct journal_write write = {.batch = &batches[i]};
        add(&batches[i], (struct record){.type = RECORD_NODE_DUE, .seq = i + 1}, "a");
        store_fixture_append(&fixture, &write);
    }
    store_fixture_wait(&fixture); /* looks at the order */
    expect("SELECT count(*), max(seq), max(id) FROM journal", "2000|2000|2000");
    expect("SELECT last_seq, last_id FROM runs", "2000|2000");
    for (size_t i = 0; i < WRITES; i++) {
        batch_finish(&batches[i]);
    }
}

/* ---- refusals ---- */

static void put_file(const char *name, const void *bytes, size_t n)
{
    int fd = open(store_fixture_path(&fixture, name), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    assert_int_equal(close(fd), 0);
}

static void expect_refusal(int code, const char *part)
{
    struct error err = {0};
    struct journal *before = fixture.journal;
    assert_int_equal(store_fixture_open(&fixture, &err), code);
    assert_ptr_equal(fixture.journal, before);
    assert_non_null(strstr(err.message, part));
}

static void close_and_change(const char *sql)
{
    sqlite3 *db = NULL;
    store_fixture_close(&fixture);
    assert_int_equal(sqlite3_open(store_fixture_path(&fixture, "state.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_journal_sqlite__a_newer_file_is_refused(void **state)
{
    (void)state;
    close_and_change("UPDATE meta SET schema = 8");
    expect_refusal(E_VERSION, "newer opstream (format 8; this one knows up to 7)");
}

static void test_journal_sqlite__a_file_of_an_older_version_is_brought_forward(void **state)
{
    (void)state;
    struct journal_reader *reader = NULL;
    struct batch batch = BATCH_INIT;
    struct error err = {0};
    start(1, "run-1");
    add(&batch, (struct record){.type = RECORD_RUN_STARTED, .seq = 1}, NULL);
    store_fixture_write(&fixture, &batch);
    close_and_change(STORE_FIXTURE_MAKE_OLDEST);
    assert_int_equal(journal_reader_open(fixture.folder, &reader, &err), E_VERSION);
    assert_non_null(strstr(err.message, "written by an older opstream (format 1): start a run"));
    assert_int_equal(store_fixture_open(&fixture, NULL), 0);
    expect("SELECT schema FROM meta", "7");
    expect("SELECT id, last_seq, state FROM runs", "run-1|1|running");
    expect("SELECT count(*) FROM scopes", "0");
    expect("SELECT count(*) FROM cache", "0");
    expect("SELECT queued_by, dead, priority, turn_at FROM runs", "-|0|0|-");
    assert_int_equal(journal_reader_open(fixture.folder, &reader, NULL), 0);
    journal_reader_close(reader);
}

/* Items of a queue that had no order: each has the one that its records say. */
static void test_journal_sqlite__items_of_an_older_version_get_their_turns(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    struct document *error = pipeline_fixture_json("{\"code\":\"UNAVAILABLE\"}");
    struct journal_new_run item = store_fixture_run(1, "run-1/a");
    item.queued_by = STR("pay");
    store_fixture_start(&fixture, &item);
    item = store_fixture_run(2, "run-1/b");
    item.queued_by = STR("pay");
    store_fixture_start(&fixture, &item);
    add(&batch, (struct record){.type = RECORD_RUN_STARTED, .seq = 1, .at_unix_ms = 500}, NULL);
    add(&batch, (struct record){.type = RECORD_NODE_STARTED, .seq = 2, .attempt = 1}, "a");
    add(&batch,
        (struct record){
            .type = RECORD_NODE_RETRY, .seq = 3, .attempt = 1, .due_unix_ms = 7000, .error = error},
        "a");
    add(&batch, (struct record){.type = RECORD_NODE_STARTED, .seq = 4, .attempt = 2}, "a");
    add(&batch,
        (struct record){.run_number = 2, .type = RECORD_RUN_STARTED, .seq = 1, .at_unix_ms = 600},
        NULL);
    store_fixture_write(&fixture, &batch);
    close_and_change("DROP TABLE cache_items;"
                     "ALTER TABLE runs DROP COLUMN spent; DROP TABLE kv;"
                     "DROP INDEX runs_queue; DROP INDEX runs_wake;"
                     "CREATE INDEX runs_queue ON runs (run)"
                     " WHERE queued_by IS NOT NULL AND ended_at IS NULL;"
                     "CREATE INDEX runs_wake ON runs (wake_at);"
                     "ALTER TABLE runs DROP COLUMN priority; ALTER TABLE runs DROP COLUMN turn_at;"
                     "UPDATE meta SET schema = 3");
    assert_int_equal(store_fixture_open(&fixture, NULL), 0);
    expect("SELECT schema FROM meta", "7");
    expect("SELECT priority, turn_at FROM runs WHERE run = 1", "0|7000");
    expect("SELECT priority, turn_at FROM runs WHERE run = 2", "0|600");
    document_unref(error);
}

static void test_journal_sqlite__another_programs_file_is_refused(void **state)
{
    (void)state;
    close_and_change("PRAGMA application_id = 7");
    expect_refusal(E_CORRUPT, "a database of another program");
}

static void test_journal_sqlite__a_file_that_is_no_database_is_refused(void **state)
{
    (void)state;
    store_fixture_close(&fixture);
    put_file("state.db", "hello", 5);
    expect_refusal(E_CORRUPT, "is no database");
    put_file("state.db", "", 0);
    expect_refusal(E_CORRUPT, "is empty: restore it from a backup, or remove it to begin anew");
}

static void test_journal_sqlite__a_file_without_its_tables_is_refused(void **state)
{
    (void)state;
    close_and_change("DROP TABLE meta");
    expect_refusal(E_CORRUPT, "no such table: meta");
}

static void test_journal_sqlite__a_log_without_its_file_is_refused(void **state)
{
    (void)state;
    start(1, "run-1");
    store_fixture_close(&fixture);
    assert_int_equal(unlink(store_fixture_path(&fixture, "state.db")), 0);
    expect_refusal(E_CORRUPT, "is there without the file state.db");
}

static void test_journal_sqlite__a_folder_that_is_not_there_is_refused(void **state)
{
    (void)state;
    struct journal *journal = NULL;
    struct error err = {0};
    struct journal_sqlite_options options = {.folder = "/nonexistent/state"};
    assert_int_equal(journal_sqlite_open(&options, &journal, &err), E_IO);
    assert_non_null(strstr(err.message, "No such file or directory"));
    assert_null(journal);
}

static void test_journal_sqlite__a_file_half_made_is_made_anew(void **state)
{
    (void)state;
    store_fixture_close(&fixture);
    assert_int_equal(unlink(store_fixture_path(&fixture, "state.db")), 0);
    assert_int_equal(unlink(store_fixture_path(&fixture, "state.db-wal")), 0);
    put_file("state.db.new", "half", 4);
    assert_int_equal(store_fixture_open(&fixture, NULL), 0);
    start(1, "run-1");
    expect("SELECT id FROM runs", "run-1");
}

/* ---- memory ---- */

static void test_journal_sqlite__open_survives_each_failed_allocation(void **state)
{
    (void)state;
    store_fixture_close(&fixture);
    for (long n = 0;; n++) {
        struct error err = {0};
        failing_alloc_arm(n);
        int status = store_fixture_open(&fixture, &err);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, 0);
            assert_true(n >= 3);
            return;
        }
        assert_int_equal(status, E_NOMEM);
        assert_null(fixture.journal);
    }
}

static void test_journal_sqlite__append_without_memory_appends_nothing(void **state)
{
    (void)state;
    struct error err = {0};
    struct journal_write write = {0};
    failing_alloc_arm(0);
    assert_int_equal(journal_append(fixture.journal, &write, NULL, NULL, &err), E_NOMEM);
    assert_true(failing_alloc_disarm());
    assert_int_equal(journal_sqlite_waiting(fixture.journal), 0);
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FRESH(test_journal_sqlite__the_file_is_private_and_marked_as_ours),
        FRESH(test_journal_sqlite__the_epoch_rises_with_the_first_write),
        FRESH(test_journal_sqlite__a_small_log_stays_at_the_close),
        FRESH(test_journal_sqlite__knows_whether_a_run_was_unfinished),
        FRESH(test_journal_sqlite__run_numbers_go_on_after_a_restart),
        FRESH(test_journal_sqlite__records_become_rows),
        FRESH(test_journal_sqlite__runs_and_nodes_are_kept_up_to_date),
        FRESH(test_journal_sqlite__a_new_run_is_pending_with_all_that_was_said),
        FRESH(test_journal_sqlite__failed_and_visited_nodes_count_once),
        FRESH(test_journal_sqlite__a_node_that_waits_says_until_when),
        FRESH(test_journal_sqlite__rows_of_an_iteration_go_when_it_ends),
        FRESH(test_journal_sqlite__rows_of_a_group_stay),
        FRESH(test_journal_sqlite__an_iteration_that_comes_again_has_rows_again),
        FRESH(test_journal_sqlite__a_group_writes_what_single_records_would),
        FRESH(test_journal_sqlite__a_large_document_is_a_file),
        FRESH(test_journal_sqlite__the_same_document_is_one_file),
        FRESH(test_journal_sqlite__audit_rows_and_marks),
        FRESH(test_journal_sqlite__too_many_log_lines_are_counted),
        FRESH(test_journal_sqlite__callbacks_come_in_order_of_submission),
        FRESH(test_journal_sqlite__a_newer_file_is_refused),
        FRESH(test_journal_sqlite__a_file_of_an_older_version_is_brought_forward),
        FRESH(test_journal_sqlite__items_of_an_older_version_get_their_turns),
        FRESH(test_journal_sqlite__another_programs_file_is_refused),
        FRESH(test_journal_sqlite__a_file_that_is_no_database_is_refused),
        FRESH(test_journal_sqlite__a_file_without_its_tables_is_refused),
        FRESH(test_journal_sqlite__a_log_without_its_file_is_refused),
        FRESH(test_journal_sqlite__a_folder_that_is_not_there_is_refused),
        FRESH(test_journal_sqlite__a_file_half_made_is_made_anew),
        FRESH(test_journal_sqlite__open_survives_each_failed_allocation),
        FRESH(test_journal_sqlite__append_without_memory_appends_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
