/* SPDX-License-Identifier: Apache-2.0 */
/* Retention, vacuum and backups of a store in SQLite. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/journal/store_fixture.h"

static struct store_fixture fixture;
static struct store_fixture copies; /* where backups go */

static int set_up(void **state)
{
    (void)state;
    store_fixture_init(&fixture);
    store_fixture_init_folder(&copies);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_fixture_finish(&fixture);
    store_fixture_finish(&copies);
    return 0;
}

static void expect(const char *sql, const char *rows)
{
    store_fixture_expect(&fixture, sql, rows);
}

/* ---- runs ---- */

static void add(struct batch *batch, struct record record, const char *path)
{
    record.node = RECORD_NO_NODE;
    store_fixture_record(&fixture, batch, &record, path);
}

/* A run with rows in every table that ends at `ended_at` (0: it lives on). */
static void make_run(struct journal_new_run run, enum run_state state, int64_t ended_at,
                     char letter)
{
    struct batch batch = BATCH_INIT;
    struct document *large = store_fixture_text(70000, letter);
    const struct journal_log log = {.run = run.number, .path = STR("a"), .line = STR("hello")};
    const struct journal_audit audit = {.run = run.number, .who = STR("x"), .action = STR("start")};
    run.labels = STR("{\"a\":\"b\"}");
    store_fixture_start(&fixture, &run);
    add(&batch, (struct record){.run_number = run.number, .type = RECORD_RUN_STARTED, .seq = 1},
        NULL);
    add(&batch,
        (struct record){
            .run_number = run.number, .type = RECORD_NODE_ENDED, .seq = 2, .output = large},
        "a");
    if (ended_at != 0) {
        add(&batch,
            (struct record){.run_number = run.number,
                            .type = RECORD_RUN_ENDED,
                            .seq = 3,
                            .run_state = state,
                            .at_unix_ms = ended_at},
            NULL);
    }
    store_fixture_append(
        &fixture,
        &(struct journal_write){
            .batch = &batch, .logs = &log, .log_count = 1, .audits = &audit, .audit_count = 1});
    store_fixture_wait(&fixture);
    batch_finish(&batch);
    document_unref(large);
}

static void make(uint64_t number, const char *id, enum run_state state, int64_t ended_at)
{
    make_run(store_fixture_run(number, id), state, ended_at, (char)('a' + number));
}

static size_t count_blobs(void)
{
    char command[160];
    unsigned count = 0;
    (void)snprintf(command, sizeof(command), "find %s/blobs -type f | wc -l", fixture.folder);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_int_equal(fscanf(pipe, "%u", &count), 1);
    (void)pclose(pipe);
    return count;
}

static void prune(struct journal_retention retention)
{
    void *user = NULL;
    journal_append_cb cb = store_fixture_callback(&fixture, &user);
    assert_int_equal(journal_sqlite_prune(fixture.journal, &retention, cb, user, NULL), 0);
    store_fixture_wait(&fixture);
}

static void vacuum(void)
{
    void *user = NULL;
    journal_append_cb cb = store_fixture_callback(&fixture, &user);
    assert_int_equal(journal_sqlite_vacuum(fixture.journal, cb, user, NULL), 0);
    store_fixture_wait(&fixture);
}

/* ---- retention ---- */

static void test_journal_prune__removes_old_runs_and_all_of_them(void **state)
{
    (void)state;
    make(1, "r1", RUN_COMPLETED, 5000);
    make(2, "r2", RUN_FAILED, 5000);
    make(3, "r3", RUN_COMPLETED, 9000);
    make(4, "r4", RUN_COMPLETED, 0);
    assert_int_equal(count_blobs(), 4);
    prune((struct journal_retention){.ended_before_unix_ms = 6000, .failed_before_unix_ms = 2000});
    expect("SELECT id FROM runs ORDER BY run", "r2\nr3\nr4");
    static const char *const tables[] = {"journal", "nodes", "labels", "blobs", "audit", "logs"};
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        char sql[80];
        (void)snprintf(sql, sizeof(sql), "SELECT min(run), count(DISTINCT run) FROM %s", tables[i]);
        expect(sql, "2|3");
    }
    assert_int_equal(count_blobs(), 3);
    prune((struct journal_retention){.failed_before_unix_ms = 6000});
    expect("SELECT id FROM runs ORDER BY run", "r3\nr4");
}

static void test_journal_prune__keeps_what_is_not_over(void **state)
{
    (void)state;
    struct journal_new_run child = store_fixture_run(2, "child");
    child.root = 1;
    child.parent = 1;
    make(1, "r1", RUN_COMPLETED, 5000);
    make_run(child, RUN_COMPLETED, 0, 'x'); /* nobody waits for its end */
    prune((struct journal_retention){.ended_before_unix_ms = 9000, .max_runs = 0});
    expect("SELECT count(*) FROM runs", "2");
}

static void test_journal_prune__takes_whole_trees(void **state)
{
    (void)state;
    struct journal_new_run child = store_fixture_run(2, "child");
    child.root = 1;
    child.parent = 1;
    make(1, "r1", RUN_COMPLETED, 5000);
    make_run(child, RUN_COMPLETED, 9999, 'b'); /* and the file of its parent's document */
    make(3, "r3", RUN_COMPLETED, 9999);
    prune((struct journal_retention){.ended_before_unix_ms = 9000});
    expect("SELECT id FROM runs", "r3");
    assert_int_equal(count_blobs(), 1);
}

static void test_journal_prune__a_shared_document_stays(void **state)
{
    (void)state;
    make_run(store_fixture_run(1, "r1"), RUN_COMPLETED, 5000, 'z');
    make_run(store_fixture_run(2, "r2"), RUN_COMPLETED, 9000, 'z');
    assert_int_equal(count_blobs(), 1);
    prune((struct journal_retention){.ended_before_unix_ms = 6000});
    expect("SELECT count(*) FROM blobs", "1");
    assert_int_equal(count_blobs(), 1);
}

static void test_journal_prune__max_runs_takes_the_oldest(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 5; i++) {
        struct journal_new_run run = store_fixture_run(i, &"r1\0r2\0r3\0r4\0r5"[(i - 1) * 3]);
        run.workflow = i == 1 ? STR("other") : STR("nightly");
        make_run(run, RUN_COMPLETED, 5000 + (int64_t)i, (char)('a' + i));
    }
    prune((struct journal_retention){.max_runs = 2, .workflow = STR("nightly"), .limit = 1});
    expect("SELECT id FROM runs ORDER BY run", "r1\nr3\nr4\nr5");
    prune((struct journal_retention){.max_runs = 2, .workflow = STR("nightly")});
    expect("SELECT id FROM runs ORDER BY run", "r1\nr4\nr5");
    prune((struct journal_retention){.max_runs = 3});
    expect("SELECT count(*) FROM runs", "3");
}

static void test_journal_prune__numbers_of_runs_are_never_given_twice(void **state)
{
    (void)state;
    make(7, "r7", RUN_COMPLETED, 5000);
    prune((struct journal_retention){.ended_before_unix_ms = 6000});
    expect("SELECT count(*) FROM runs", "0");
    expect("SELECT count(*) FROM definitions", "0");
    store_fixture_close(&fixture);
    assert_int_equal(store_fixture_open(&fixture, NULL), 0);
    assert_int_equal(journal_next_run(fixture.journal), 8);
}

static void test_journal_prune__lack_of_memory_is_told(void **state)
{
    (void)state;
    struct journal_retention retention = {.ended_before_unix_ms = 6000};
    for (long n = 0; n < 3; n++) {
        struct error err = {0};
        failing_alloc_arm(n);
        int status = journal_sqlite_prune(fixture.journal, &retention, NULL, NULL, &err);
        assert_true(failing_alloc_disarm());
        assert_int_equal(status, E_NOMEM);
    }
    for (long n = 0; n < 2; n++) {
        failing_alloc_arm(n);
        assert_int_equal(journal_sqlite_vacuum(fixture.journal, NULL, NULL, NULL), E_NOMEM);
        assert_true(failing_alloc_disarm());
    }
    assert_int_equal(journal_sqlite_waiting(fixture.journal), 0);
}

/* ---- vacuum ---- */

static void test_journal_vacuum__removes_files_that_nobody_names(void **state)
{
    (void)state;
    char command[320];
    make(1, "r1", RUN_COMPLETED, 5000);
    (void)snprintf(command, sizeof(command),
                   "cd %s/blobs && mkdir -p zz && echo x > zz/zzlost && echo y > zz/half.new",
                   fixture.folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(count_blobs(), 3);
    vacuum();
    assert_int_equal(count_blobs(), 1);
}

static void test_journal_vacuum__the_file_gets_smaller_and_stays_whole(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    struct stat before;
    struct stat after;
    struct document *text = store_fixture_text(20000, 'q');
    make(1, "r1", RUN_COMPLETED, 5000);
    struct journal_new_run run = store_fixture_run(2, "r2");
    store_fixture_start(&fixture, &run);
    for (uint64_t i = 1; i <= 100; i++) {
        add(&batch,
            (struct record){.run_number = 2,
                            .type = i < 100 ? RECORD_SIGNAL : RECORD_RUN_ENDED,
                            .seq = i,
                            .run_state = RUN_COMPLETED,
                            .output = text},
            NULL);
    }
    store_fixture_write(&fixture, &batch);
    document_unref(text);
    vacuum();
    assert_int_equal(stat(store_fixture_path(&fixture, "state.db"), &before), 0);
    prune((struct journal_retention){.ended_before_unix_ms = 4000});
    vacuum();
    assert_int_equal(stat(store_fixture_path(&fixture, "state.db"), &after), 0);
    assert_true(before.st_size > 2000000 && after.st_size < 500000);
    expect("PRAGMA integrity_check", "ok");
    expect("SELECT id FROM runs", "r1");
    expect("PRAGMA application_id", "1332761460");
}

/* ---- backups ---- */

static int count_row(void *user, const struct journal_row *row)
{
    (void)row;
    ++*(size_t *)user;
    return 0;
}

/* Opens the folder as a store, and as a reader that puts large documents back. */
static void expect_copy(const char *folder)
{
    struct store_fixture copy = {.now = 9000};
    struct journal_reader *reader = NULL;
    size_t rows = 0;
    assert_true(strlen(folder) < sizeof(copy.folder));
    memcpy(copy.folder, folder, strlen(folder) + 1);
    assert_int_equal(store_fixture_open(&copy, NULL), 0);
    store_fixture_expect(&copy, "SELECT id, state FROM runs", "r1|completed\nr2|running");
    store_fixture_expect(&copy, "PRAGMA journal_mode", "wal");
    assert_true(
        str_equal(journal_sqlite_instance(copy.journal), journal_sqlite_instance(fixture.journal)));
    assert_int_equal(journal_reader_open(copy.folder, &reader, NULL), 0);
    assert_int_equal(journal_reader_tree_rows(reader, 1, 0, 0, count_row, &rows, NULL), 0);
    assert_int_equal(rows, 3);
    journal_reader_close(reader);
    store_fixture_close(&copy);
}

static void test_journal_backup__a_copy_can_be_opened(void **state)
{
    (void)state;
    struct error err = {0};
    make(1, "r1", RUN_COMPLETED, 5000);
    make(2, "r2", RUN_COMPLETED, 0);
    const char *target = store_fixture_path(&copies, "state.db");
    assert_int_equal(journal_sqlite_backup(fixture.folder, target, &err), 0);
    make(3, "r3", RUN_COMPLETED, 0); /* of which the copy knows nothing */
    expect_copy(copies.folder);
}

static void test_journal_backup__never_overwrites(void **state)
{
    (void)state;
    char target[128];
    struct error err = {0};
    make(1, "r1", RUN_COMPLETED, 5000);
    (void)snprintf(target, sizeof(target), "%s/copy.db", copies.folder);
    assert_int_equal(journal_sqlite_backup(fixture.folder, target, &err), 0);
    assert_int_equal(journal_sqlite_backup(fixture.folder, target, &err), E_EXISTS);
    assert_non_null(strstr(err.message, "is there already"));
    (void)snprintf(target, sizeof(target), "%s/none/copy.db", copies.folder);
    assert_int_equal(journal_sqlite_backup(fixture.folder, target, &err), E_IO);
    assert_int_equal(journal_sqlite_backup("/nonexistent", "copy.db", &err), E_NOT_FOUND);
}

/* A copy there would share documents that are pruned, however its place is written. */
static void test_journal_backup__never_goes_into_the_state(void **state)
{
    static const char *const inside[] = {"copy.db", "./copy.db", "sub/copy.db", "sub/../copy.db"};
    char beside[128];
    struct error err = {0};
    (void)state;
    make(1, "r1", RUN_COMPLETED, 0);
    assert_int_equal(mkdir(store_fixture_path(&fixture, "sub"), 0700), 0);
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) {
        const char *target = store_fixture_path(&fixture, inside[i]);
        assert_int_equal(journal_sqlite_backup(fixture.folder, target, &err), E_INVALID);
        assert_non_null(strstr(err.message, "is in the state folder"));
    }
    (void)snprintf(beside, sizeof beside, "%s/link", copies.folder);
    assert_int_equal(symlink(fixture.folder, beside), 0);
    (void)snprintf(beside, sizeof beside, "%s/link/copy.db", copies.folder);
    assert_int_equal(journal_sqlite_backup(fixture.folder, beside, &err), E_INVALID);
    (void)snprintf(beside, sizeof beside, "%s-beside", fixture.folder); /* begins alike */
    assert_int_equal(journal_sqlite_backup(fixture.folder, beside, &err), 0);
    assert_int_equal(unlink(beside), 0);
}

static void test_journal_backup__a_lost_document_is_told(void **state)
{
    (void)state;
    char text[160];
    struct error err = {0};
    make(1, "r1", RUN_COMPLETED, 5000);
    (void)snprintf(text, sizeof(text), "rm %s/blobs/*/*", fixture.folder);
    assert_int_equal(system(text), 0);
    (void)snprintf(text, sizeof(text), "%s/sub.db", copies.folder);
    assert_int_equal(journal_sqlite_backup(fixture.folder, text, &err), E_CORRUPT);
    assert_non_null(strstr(err.message, "is lost: put it back from a backup"));
    assert_int_equal(access(text, F_OK), -1);
    assert_int_equal(access(store_fixture_path(&fixture, "sub.db.new"), F_OK), -1);
}

/* ---- without memory ---- */

/* SQLite's own way to memory, which fails once when it is armed; one thread is at work then. */
static sqlite3_mem_methods sqlite_memory;
static long left_before_failure = -1;

static bool fails_now(void)
{
    return left_before_failure >= 0 && left_before_failure-- == 0;
}

static void *memory_get(int size)
{
    return fails_now() ? NULL : sqlite_memory.xMalloc(size);
}

static void *memory_resize(void *memory, int size)
{
    return fails_now() ? NULL : sqlite_memory.xRealloc(memory, size);
}

static int let_sqlite_memory_fail(void **state)
{
    (void)state;
    int rc = sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_memory);
    sqlite3_mem_methods methods = sqlite_memory;
    methods.xMalloc = memory_get;
    methods.xRealloc = memory_resize;
    return rc == SQLITE_OK ? sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) : rc;
}

/* Each third allocation of a backup fails in turn: it ends as with memory, or for lack of it. */
static void expect_backup_without_memory(int with_memory)
{
    unsigned failures = 0;
    bool is_reached = true;
    for (long n = 0; is_reached; n += 3) {
        char target[128];
        struct error err = {0};
        (void)snprintf(target, sizeof(target), "%s/copy.db", copies.folder);
        left_before_failure = n;
        int status = journal_sqlite_backup(fixture.folder, target, &err);
        is_reached = left_before_failure < 0;
        left_before_failure = -1;
        (void)unlink(target);
        if (status != with_memory && status != E_NOMEM) {
            fail_msg("allocation %ld: %d %s", n, status, err.message);
        }
        failures += status == E_NOMEM;
    }
    assert_true(failures > 10);
}

static void test_journal_backup__lack_of_memory_is_no_damage(void **state)
{
    (void)state;
    make(1, "r1", RUN_COMPLETED, 5000);
    store_fixture_close(&fixture);
    expect_backup_without_memory(0);
}

static void test_journal_backup__lack_of_memory_is_no_pruning(void **state)
{
    (void)state;
    char command[160];
    make(1, "r1", RUN_COMPLETED, 5000);
    store_fixture_close(&fixture);
    (void)snprintf(command, sizeof(command), "rm %s/blobs/*/*", fixture.folder);
    assert_int_equal(system(command), 0);
    expect_backup_without_memory(E_CORRUPT);
}

/* ---- locks ---- */

/* What another process finds: whether somebody has the file open, as SQLite says it. */
static bool is_locked_for_others(const char *path)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        struct flock shared = {
            .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0x40000002, .l_len = 510};
        int fd = open(path, O_RDWR | O_CLOEXEC);
        bool is_known = fd >= 0 && fcntl(fd, F_GETLK, &shared) == 0;
        _exit(is_known && shared.l_type != F_UNLCK ? 1 : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WEXITSTATUS(status) == 1;
}

/* Else whoever opens it beside, and closes it, removes the log that is being written. */
static void test_journal_upkeep__who_opens_it_again_leaves_the_locks(void **state)
{
    (void)state;
    struct journal_reader *reader = NULL;
    const char *path = store_fixture_path(&fixture, "state.db");
    assert_true(is_locked_for_others(path));
    assert_int_equal(journal_reader_open(fixture.folder, &reader, NULL), 0);
    assert_true(is_locked_for_others(path));
    journal_reader_close(reader);
    assert_true(is_locked_for_others(path));
    store_fixture_close(&fixture);
    assert_false(is_locked_for_others(path));
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FRESH(test_journal_upkeep__who_opens_it_again_leaves_the_locks),
        FRESH(test_journal_prune__removes_old_runs_and_all_of_them),
        FRESH(test_journal_prune__keeps_what_is_not_over),
        FRESH(test_journal_prune__takes_whole_trees),
        FRESH(test_journal_prune__a_shared_document_stays),
        FRESH(test_journal_prune__max_runs_takes_the_oldest),
        FRESH(test_journal_prune__numbers_of_runs_are_never_given_twice),
        FRESH(test_journal_prune__lack_of_memory_is_told),
        FRESH(test_journal_vacuum__removes_files_that_nobody_names),
        FRESH(test_journal_vacuum__the_file_gets_smaller_and_stays_whole),
        FRESH(test_journal_backup__a_copy_can_be_opened),
        FRESH(test_journal_backup__never_overwrites),
        FRESH(test_journal_backup__never_goes_into_the_state),
        FRESH(test_journal_backup__a_lost_document_is_told),
        FRESH(test_journal_backup__lack_of_memory_is_no_damage),
        FRESH(test_journal_backup__lack_of_memory_is_no_pruning),
    };
    return cmocka_run_group_tests(tests, let_sqlite_memory_fail, NULL);
}
