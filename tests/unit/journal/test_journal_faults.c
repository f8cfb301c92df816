/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a store in SQLite keeps when the process dies, the power fails, the disk is full or broken:
 * a write is there whole or not at all, and those are there that were called back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/journal/sqlite_call.h"
#include "core/journal/sqlite_file.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/random.h"
#include "tests/unit/journal/fault_vfs.h"
#include "tests/unit/journal/store_fixture.h"

enum { RUNS = 3, WRITES = 9, RECORDS = 3 /* of each write */ };

static struct store_fixture fixture;

static int set_up(void **state)
{
    (void)state;
    fault_vfs_install();
    store_fixture_init_folder(&fixture);
    fixture.retry_ms = 1;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)fault_vfs_disarm();
    store_fixture_finish(&fixture);
    return 0;
}

/* ---- work ---- */

static void add_scope(struct batch *batch, struct str key, int64_t last)
{
    char json[32];
    (void)snprintf(json, sizeof(json), "{\"last\": %lld}", (long long)last);
    struct document *known = last >= 0 ? pipeline_fixture_json(json) : NULL;
    batch_add_scope(batch, &(struct scope_change){.kind = "breaker", .key = key, .state = known});
    document_unref(known);
}

/* One scope of three learns of the write; and a scope takes the place of the one before it. */
static void fill_scopes(struct batch *batch, uint64_t i)
{
    static const char *const keys[] = {"s0", "s1", "s2"};
    static const char *const newest[] = {"n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8"};
    _Static_assert(sizeof(newest) / sizeof(newest[0]) == WRITES, "one for each");
    add_scope(batch, str_from(keys[i % 3]), (int64_t)i);
    add_scope(batch, str_from(newest[i]), (int64_t)i);
    if (i > 0) {
        add_scope(batch, str_from(newest[i - 1]), -1);
    }
}

/* One of three results is a new one, and each write has one of its own. */
static void fill_cache(struct batch *batch, uint64_t i)
{
    char json[32];
    struct cache_entry entry = {.at_unix_ms = (int64_t)i, .until_unix_ms = 1000};
    (void)snprintf(json, sizeof(json), "%llu", (unsigned long long)i);
    struct document *output = pipeline_fixture_json(json);
    entry.output = output;
    (void)snprintf(entry.key, sizeof(entry.key), "s%llu", (unsigned long long)i % 3);
    batch_add_cache(batch, &entry);
    (void)snprintf(entry.key, sizeof(entry.key), "n%llu", (unsigned long long)i);
    batch_add_cache(batch, &entry);
    document_unref(output);
}

/*
 * The `i`-th write: three records of one of the runs with what its scopes know then, and the first
 * one makes the runs.
 */
static void fill_write(struct batch *batch, uint64_t i)
{
    char path[32];
    uint64_t run = i % RUNS + 1;
    uint64_t seq = i / RUNS * RECORDS;
    (void)snprintf(path, sizeof(path), "n%llu", (unsigned long long)i);
    struct record record = {.run_number = run, .node = RECORD_NO_NODE, .attempt = 1};
    record.type = RECORD_NODE_STARTED;
    record.seq = seq + 1;
    store_fixture_record(&fixture, batch, &record, path);
    record.type = RECORD_SIGNAL;
    record.seq = seq + 2;
    record.output = store_fixture_text(i % 2 == 0 ? 3000 : 10, 's');
    store_fixture_record(&fixture, batch, &record, NULL);
    document_unref(record.output);
    record.output = NULL;
    record.type = RECORD_NODE_ENDED;
    record.node_state = NODE_COMPLETED;
    record.seq = seq + 3;
    store_fixture_record(&fixture, batch, &record, path);
    fill_scopes(batch, i);
    fill_cache(batch, i);
}

static const char *const run_ids[RUNS] = {"r1", "r2", "r3"};

static void append_write(struct batch *batch, uint64_t i)
{
    static struct journal_new_run runs[RUNS];
    static struct journal_definition definition;
    struct journal_write write = {.batch = batch};
    fill_write(batch, i);
    if (i == 0) {
        definition = (struct journal_definition){STR("d1"), STR("{}"), STR("x")};
        for (uint64_t r = 0; r < RUNS; r++) {
            runs[r] = store_fixture_run(r + 1, run_ids[r]);
        }
        write.definitions = &definition;
        write.definition_count = 1;
        write.runs = runs;
        write.run_count = RUNS;
    }
    store_fixture_append(&fixture, &write);
}

/* One after the other; `acknowledged` may be shared with another process. */
static void write_all(atomic_uint_least64_t *acknowledged)
{
    for (uint64_t i = 0; i < WRITES; i++) {
        struct batch batch = BATCH_INIT;
        append_write(&batch, i);
        store_fixture_wait(&fixture);
        batch_finish(&batch);
        atomic_store(acknowledged, i + 1);
    }
}

static void vacuum(void)
{
    void *user = NULL;
    journal_append_cb cb = store_fixture_callback(&fixture, &user);
    assert_int_equal(journal_sqlite_vacuum(fixture.journal, cb, user, NULL), 0);
    store_fixture_wait(&fixture);
}

static void wait_for_trouble(void)
{
    while (journal_sqlite_trouble(fixture.journal).why == NULL) {
        (void)sched_yield();
    }
}

/* ---- what is left ---- */

static int64_t ask(sqlite3 *db, const char *sql)
{
    int64_t number = -1;
    return sqlite_call_number(db, sql, &number) == SQLITE_OK ? number : -2;
}

static bool is_whole(sqlite3 *db)
{
    sqlite3_stmt *check = NULL;
    bool is_ok = sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &check, NULL) == SQLITE_OK &&
                 sqlite3_step(check) == SQLITE_ROW &&
                 strcmp((const char *)sqlite3_column_text(check, 0), "ok") == 0;
    (void)sqlite3_finalize(check);
    return is_ok && ask(db, "SELECT count(*) FROM pragma_foreign_key_check") == 0;
}

/* What scopes know is what they knew after the write number `writes`. */
static bool has_scopes_of(sqlite3 *db, int64_t writes)
{
    int64_t sum = 0;
    for (int64_t i = writes - 1; i >= 0 && i >= writes - 3; i--) {
        sum += i;
    }
    int64_t count = writes < 3 ? writes : 3;
    return ask(db, "SELECT count(*) FROM scopes WHERE key LIKE 's%'") == count &&
           ask(db, "SELECT ifnull(sum(state ->> 'last'), 0) FROM scopes WHERE key LIKE 's%'") ==
               sum &&
           ask(db, "SELECT count(*) FROM scopes WHERE key LIKE 'n%'") == (writes > 0 ? 1 : 0) &&
           ask(db, "SELECT ifnull(max(state ->> 'last'), -1) FROM scopes WHERE key LIKE 'n%'") ==
               writes - 1;
}

static bool has_cache_of(sqlite3 *db, int64_t writes)
{
    int64_t sum = 0;
    for (int64_t i = writes - 1; i >= 0 && i >= writes - 3; i--) {
        sum += i;
    }
    return ask(db, "SELECT ifnull(sum(output), 0) FROM cache WHERE key LIKE 's%'") == sum &&
           ask(db, "SELECT count(*) FROM cache WHERE key LIKE 'n%'") == writes;
}

/* How many writes the file has; -1: not the records, scopes and results that make whole writes. */
static int64_t count_writes(sqlite3 *db)
{
    int64_t rows = ask(db, "SELECT count(*) FROM journal");
    bool fits = rows >= 0 && rows % RECORDS == 0 &&
                ask(db, "SELECT ifnull(sum(last_seq), 0) FROM runs") == rows &&
                ask(db, "SELECT ifnull(max(last_id), 0) FROM runs") == rows &&
                ask(db, "SELECT ifnull(sum(nodes_done), 0) FROM runs") == rows / RECORDS &&
                ask(db, "SELECT count(*) FROM nodes WHERE state = 'completed'") == rows / RECORDS;
    return fits && has_scopes_of(db, rows / RECORDS) && has_cache_of(db, rows / RECORDS) &&
                   is_whole(db)
               ? rows / RECORDS
               : -1;
}

/* The same of a folder; -2: refused. */
static int64_t count_writes_in(const char *folder, struct error *err)
{
    sqlite3 *db = NULL;
    struct sqlite_file_meta meta = {0};
    if (sqlite_file_open(folder, &db, &meta, err) != 0) {
        return -2;
    }
    int64_t writes = count_writes(db);
    (void)sqlite3_close(db);
    return writes;
}

/* ---- the process dies ---- */

struct crashes {
    char folder[96]; /* where the files go that it leaves */
    atomic_uint_least64_t acknowledged;
    uint64_t calls;
    uint64_t faults;
    char first_fault[1280];
};

static void empty_folder(const char *folder)
{
    static const char *const names[] = {
        "state.db",        "state.db-wal",         "state.db-shm",
        "state.db.new",    "state.db.new-journal", "state.db.new-wal",
        "state.db.new-shm"};
    char path[160];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
}

static void note_fault(struct crashes *crashes, enum fault_vfs_image image, int64_t writes,
                       const char *message)
{
    if (crashes->faults++ == 0) {
        (void)snprintf(crashes->first_fault, sizeof(crashes->first_fault),
                       "call %llu, image %d: %lld writes of %llu: %s",
                       (unsigned long long)crashes->calls, (int)image, (long long)writes,
                       (unsigned long long)atomic_load(&crashes->acknowledged), message);
    }
}

/* On the thread that writes, whose own files go on. */
static void crash_here(void *user)
{
    struct crashes *crashes = user;
    crashes->calls++;
    for (int image = FAULT_VFS_ALL; image <= FAULT_VFS_TORN; image++) {
        struct error err = {0};
        empty_folder(crashes->folder);
        if (!fault_vfs_write_image(fixture.folder, crashes->folder, (enum fault_vfs_image)image,
                                   crashes->calls)) {
            note_fault(crashes, (enum fault_vfs_image)image, -3, "no image");
            continue;
        }
        int64_t writes = count_writes_in(crashes->folder, &err);
        int64_t least = (int64_t)atomic_load(&crashes->acknowledged);
        if (writes < least || writes > least + 1) {
            note_fault(crashes, (enum fault_vfs_image)image, writes, err.message);
        }
    }
}

static void test_journal_faults__a_crash_at_any_call_loses_nothing_acknowledged(void **state)
{
    (void)state;
    static struct crashes crashes;
    (void)snprintf(crashes.folder, sizeof(crashes.folder), "%s",
                   store_fixture_path(&fixture, "to"));
    assert_int_equal(mkdir(crashes.folder, 0700), 0);
    fault_vfs_arm(
        &(struct fault_vfs_plan){.keeps_images = true, .before = crash_here, .user = &crashes});
    assert_int_equal(store_fixture_open(&fixture, NULL), 0);
    write_all(&crashes.acknowledged);
    vacuum(); /* a checkpoint is among what it does */
    store_fixture_close(&fixture);
    (void)fault_vfs_disarm();
    assert_string_equal(crashes.first_fault, "");
    assert_int_equal(crashes.faults, 0);
    assert_true(crashes.calls > 60);
}

/* ---- an older file ---- */

static void make_older(void)
{
    sqlite3 *db = NULL;
    atomic_uint_least64_t acknowledged = 0;
    assert_int_equal(store_fixture_open(&fixture, NULL), 0);
    write_all(&acknowledged);
    store_fixture_close(&fixture);
    assert_int_equal(sqlite3_open(store_fixture_path(&fixture, "state.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, STORE_FIXTURE_MAKE_OLDEST, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK); /* copies the log, and removes it */
}

/* What is left is of the one version or of the other, and opens with all that was in it. */
static void crash_while_raised(void *user)
{
    struct crashes *crashes = user;
    crashes->calls++;
    for (int image = FAULT_VFS_ALL; image <= FAULT_VFS_TORN; image++) {
        sqlite3 *db = NULL;
        struct sqlite_file_meta meta = {0};
        struct error err = {0};
        empty_folder(crashes->folder);
        bool is_well = fault_vfs_write_image(fixture.folder, crashes->folder,
                                             (enum fault_vfs_image)image, crashes->calls) &&
                       sqlite_file_open(crashes->folder, &db, &meta, &err) == 0 &&
                       ask(db, "SELECT count(*) FROM journal") == (int64_t)WRITES * RECORDS &&
                       ask(db, "SELECT count(*) FROM scopes") == 0 &&
                       ask(db, "SELECT count(*) FROM cache") == 0 && is_whole(db);
        (void)sqlite3_close(db);
        if (!is_well) {
            note_fault(crashes, (enum fault_vfs_image)image, -1, err.message);
        }
    }
}

static void test_journal_faults__a_crash_while_a_file_is_brought_forward_loses_nothing(void **state)
{
    (void)state;
    static struct crashes crashes;
    make_older();
    (void)snprintf(crashes.folder, sizeof(crashes.folder), "%s",
                   store_fixture_path(&fixture, "to"));
    assert_int_equal(mkdir(crashes.folder, 0700), 0);
    fault_vfs_arm(&(struct fault_vfs_plan){
        .keeps_images = true, .before = crash_while_raised, .user = &crashes});
    assert_int_equal(store_fixture_open(&fixture, NULL), 0);
    store_fixture_close(&fixture);
    (void)fault_vfs_disarm();
    assert_string_equal(crashes.first_fault, "");
    assert_int_equal(crashes.faults, 0);
    assert_true(crashes.calls > 3);
}

/* ---- the disk is full ---- */

static void test_journal_faults__a_full_disk_is_waited_out_at_any_call(void **state)
{
    (void)state;
    bool is_reached = true;
    for (uint64_t at = 1; is_reached; at++) {
        atomic_uint_least64_t acknowledged = 0;
        assert_int_equal(store_fixture_open(&fixture, NULL), 0);
        fault_vfs_arm(&(struct fault_vfs_plan){
            .fails = FAULT_VFS_WRITES, .at = at, .count = 2, .rc = SQLITE_FULL});
        write_all(&acknowledged);
        is_reached = fault_vfs_disarm() > at;
        store_fixture_close(&fixture);
        assert_int_equal(count_writes_in(fixture.folder, NULL), WRITES);
        empty_folder(fixture.folder);
    }
}

static void test_journal_faults__no_room_for_a_new_file_is_told(void **state)
{
    (void)state;
    struct error err = {0};
    for (uint64_t at = 1;; at++) {
        fault_vfs_arm(&(struct fault_vfs_plan){
            .fails = FAULT_VFS_WRITES, .at = at, .count = UINT64_MAX / 2, .rc = SQLITE_FULL});
        int status = store_fixture_open(&fixture, &err);
        bool is_reached = fault_vfs_disarm() >= at;
        if (!is_reached) {
            assert_int_equal(status, 0);
            assert_true(at > 3);
            return;
        }
        assert_int_equal(status, E_IO);
        assert_non_null(strstr(err.message, "full"));
        assert_null(fixture.journal);
    }
}

static void write_one_and_fill_the_disk(struct batch *batch)
{
    assert_int_equal(store_fixture_open(&fixture, NULL), 0);
    append_write(batch, 0);
    store_fixture_wait(&fixture);
    fault_vfs_arm(&(struct fault_vfs_plan){
        .fails = FAULT_VFS_WRITES, .at = 1, .count = UINT64_MAX / 2, .rc = SQLITE_FULL});
}

/* P13 */
static void test_journal_faults__reads_go_on_and_writes_resume_when_there_is_room(void **state)
{
    (void)state;
    struct batch batches[WRITES] = {0};
    write_one_and_fill_the_disk(&batches[0]);
    assert_null(journal_sqlite_trouble(fixture.journal).why);
    for (uint64_t i = 1; i < WRITES; i++) {
        append_write(&batches[i], i);
    }
    wait_for_trouble();
    assert_string_equal(journal_sqlite_trouble(fixture.journal).why, "the disk is full");
    journal_collect(fixture.journal);
    assert_int_equal(journal_sqlite_waiting(fixture.journal), WRITES - 1);
    store_fixture_expect(&fixture, "SELECT count(*) FROM journal", "3");
    fault_vfs_mend();
    store_fixture_wait(&fixture);
    assert_null(journal_sqlite_trouble(fixture.journal).why);
    (void)fault_vfs_disarm();
    store_fixture_close(&fixture);
    assert_int_equal(count_writes_in(fixture.folder, NULL), WRITES);
    for (size_t i = 0; i < WRITES; i++) {
        batch_finish(&batches[i]);
    }
}

/* Nobody may think that what was behind a write that is lost was kept. */
static void test_journal_faults__what_is_given_up_fails_with_all_behind_it(void **state)
{
    (void)state;
    struct batch batches[WRITES] = {0};
    write_one_and_fill_the_disk(&batches[0]);
    append_write(&batches[1], 1);
    wait_for_trouble();
    journal_sqlite_give_up(fixture.journal);
    store_fixture_wait_for(&fixture, E_CANCELED);
    fault_vfs_mend();
    append_write(&batches[2], 2);
    store_fixture_wait_for(&fixture, E_CANCELED);
    (void)fault_vfs_disarm();
    store_fixture_close(&fixture);
    assert_int_equal(count_writes_in(fixture.folder, NULL), 1);
    for (size_t i = 0; i < WRITES; i++) {
        batch_finish(&batches[i]);
    }
}

static void test_journal_faults__giving_up_loses_nothing_while_there_is_room(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    assert_int_equal(store_fixture_open(&fixture, NULL), 0);
    journal_sqlite_give_up(fixture.journal);
    append_write(&batch, 0);
    store_fixture_wait(&fixture);
    batch_finish(&batch);
}

/* ---- somebody else writes ---- */

static void test_journal_faults__another_writer_is_waited_for(void **state)
{
    (void)state;
    sqlite3 *other = NULL;
    struct batch batch = BATCH_INIT;
    assert_int_equal(store_fixture_open(&fixture, NULL), 0);
    assert_int_equal(sqlite3_open(store_fixture_path(&fixture, "state.db"), &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    append_write(&batch, 0);
    wait_for_trouble();
    assert_string_equal(journal_sqlite_trouble(fixture.journal).why,
                        "another program holds the database");
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    store_fixture_wait(&fixture);
    assert_null(journal_sqlite_trouble(fixture.journal).why);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    batch_finish(&batch);
}

/* ---- the log ---- */

static int64_t log_size(void)
{
    struct stat status;
    assert_int_equal(stat(store_fixture_path(&fixture, "state.db-wal"), &status), 0);
    return status.st_size;
}

/* Whoever looks into the file first after a crash makes its index, and keeps all others off. */
static void test_journal_faults__an_index_that_another_one_makes_is_waited_for(void **state)
{
    static const char nothing[136]; /* as long as the two headers of an index */
    struct sqlite_file_meta meta;
    sqlite3 *other = NULL;
    (void)state;
    assert_int_equal(store_fixture_open(&fixture, NULL), 0);
    store_fixture_close(&fixture);
    assert_int_equal(sqlite_file_open_reader(fixture.folder, &other, &meta, NULL), 0);
    int fd = open(store_fixture_path(&fixture, "state.db-shm"), O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, nothing, sizeof(nothing), 0), sizeof(nothing));
    assert_int_equal(close(fd), 0);

    fault_vfs_arm(
        &(struct fault_vfs_plan){.fails = FAULT_VFS_LOCKS, .at = 1, .count = 6, .rc = SQLITE_BUSY});
    assert_int_equal(store_fixture_open(&fixture, NULL), 0);
    assert_true(fault_vfs_disarm() > 6);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
}

static void test_journal_faults__the_log_is_copied_as_it_grows(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    struct document *text = store_fixture_text(60000, 't');
    assert_int_equal(store_fixture_open(&fixture, NULL), 0);
    append_write(&batch, 0);
    store_fixture_wait(&fixture);
    batch_finish(&batch);
    for (uint64_t seq = 4; seq < 404; seq++) { /* 24 MB */
        struct record record = {.run_number = 1,
                                .seq = seq,
                                .type = RECORD_SIGNAL,
                                .node = RECORD_NO_NODE,
                                .output = text};
        store_fixture_record(&fixture, &batch, &record, NULL);
        store_fixture_write(&fixture, &batch);
    }
    document_unref(text);
    assert_in_range(log_size(), 4000000, 6000000);
    store_fixture_expect(&fixture, "SELECT count(*) FROM journal", "403");
}

static void test_journal_faults__an_idle_store_cuts_its_log(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    fixture.idle_ms = 1;
    assert_int_equal(store_fixture_open(&fixture, NULL), 0);
    append_write(&batch, 0);
    store_fixture_wait(&fixture);
    while (log_size() > 0) {
        (void)sched_yield();
    }
    store_fixture_expect(&fixture, "SELECT count(*) FROM journal", "3");
    batch_finish(&batch);
}

/* ---- the disk is broken ---- */

struct shared {
    atomic_uint_least64_t acknowledged;
    atomic_uint_least64_t calls;
};

static struct shared *make_shared(void)
{
    void *memory = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    return memory;
}

static void count_call(void *user)
{
    atomic_fetch_add(&((struct shared *)user)->calls, 1);
}

enum { CHILD_NO_OPEN = 3 };

/* Opens, writes and vacuums in a process of its own, with its stderr in the file `log`. */
static int run_child(struct shared *shared, const struct fault_vfs_plan *plan)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int fd = open(store_fixture_path(&fixture, "log"), O_CREAT | O_TRUNC | O_WRONLY, 0600);
        (void)dup2(fd, STDERR_FILENO);
        fault_vfs_arm(plan);
        if (store_fixture_open(&fixture, NULL) != 0) {
            _exit(CHILD_NO_OPEN);
        }
        write_all(&shared->acknowledged);
        vacuum();
        store_fixture_close(&fixture);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void expect_log(const char *part)
{
    char line[512] = "";
    char more[8] = "";
    FILE *file = fopen(store_fixture_path(&fixture, "log"), "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file));
    assert_null(fgets(more, sizeof(more), file)); /* one line, and nothing more */
    (void)fclose(file);
    assert_non_null(strstr(line, part));
}

/* Each call of a kind fails in turn; returns how many there are. */
static uint64_t fail_in_turn(unsigned kind, int rc)
{
    struct shared *shared = make_shared();
    uint64_t at = 1;
    for (;; at++) {
        *shared = (struct shared){0};
        struct fault_vfs_plan plan = {.fails = kind,
                                      .at = at,
                                      .count = UINT64_MAX / 2,
                                      .rc = rc,
                                      .before = count_call,
                                      .user = shared};
        int status = run_child(shared, &plan);
        uint64_t acknowledged = atomic_load(&shared->acknowledged);
        int64_t writes = count_writes_in(fixture.folder, NULL);
        if (status == 0) {
            assert_int_equal(writes, WRITES);
            break;
        }
        assert_true(status == 74 || (status == CHILD_NO_OPEN && acknowledged == 0));
        assert_true(writes >= (int64_t)acknowledged && writes <= (int64_t)acknowledged + 1);
        if (status == 74) {
            expect_log("the journal cannot be written");
        }
        empty_folder(fixture.folder);
    }
    (void)munmap(shared, sizeof(*shared));
    return at - 1;
}

static void test_journal_faults__a_failed_sync_ends_the_process(void **state)
{
    (void)state;
    assert_true(fail_in_turn(FAULT_VFS_SYNCS, SQLITE_IOERR_FSYNC) > WRITES);
}

static void test_journal_faults__a_failed_write_ends_the_process(void **state)
{
    (void)state;
    assert_true(fail_in_turn(FAULT_VFS_WRITES, SQLITE_IOERR_WRITE) > WRITES);
}

static void test_journal_faults__nothing_is_written_after_a_failed_sync(void **state)
{
    (void)state;
    struct shared *shared = make_shared();
    uint64_t calls = 0;
    assert_int_equal(store_fixture_open(&fixture, NULL), 0);
    store_fixture_close(&fixture);
    /* the third write of an existing file: what comes before it is the same in both rounds */
    for (uint64_t count = 0; count < 2; count++) {
        *shared = (struct shared){0};
        struct fault_vfs_plan plan = {.fails = FAULT_VFS_SYNCS,
                                      .at = 4,
                                      .count = count,
                                      .rc = SQLITE_IOERR_FSYNC,
                                      .before = count_call,
                                      .user = shared};
        int status = run_child(shared, &plan);
        assert_int_equal(status, count == 0 ? 0 : 74);
        calls = count == 0 ? atomic_load(&shared->calls) : calls;
        empty_folder(fixture.folder);
        assert_int_equal(store_fixture_open(&fixture, NULL), 0);
        store_fixture_close(&fixture);
    }
    assert_true(atomic_load(&shared->acknowledged) < 4);
    assert_true(atomic_load(&shared->calls) < calls / 2);
    (void)munmap(shared, sizeof(*shared));
}

/* ---- rows that are damaged ---- */

static void damage(const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(store_fixture_path(&fixture, "state.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The table is strict again afterwards. */
#define WITHOUT_STRICT(table, sql)                                                                 \
    "PRAGMA writable_schema = ON;"                                                                 \
    "UPDATE sqlite_schema SET sql = replace(sql, ' STRICT', '') WHERE name = '" table "';"         \
    "PRAGMA writable_schema = RESET;" sql ";PRAGMA writable_schema = ON;"                          \
    "UPDATE sqlite_schema SET sql = sql || ' STRICT' WHERE name = '" table "'"

/* One more write of the first run, in a process of its own, with its stderr in the file `log`. */
static int append_in_child(void)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct batch batch = BATCH_INIT;
        int fd = open(store_fixture_path(&fixture, "log"), O_CREAT | O_TRUNC | O_WRONLY, 0600);
        (void)dup2(fd, STDERR_FILENO);
        if (store_fixture_open(&fixture, NULL) != 0) {
            _exit(CHILD_NO_OPEN);
        }
        append_write(&batch, RUNS);
        store_fixture_wait(&fixture);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* The next write ends the process, which tells what is damaged, where, and what to do. */
static void expect_damage_told(const char *sql, const char *reason)
{
    struct batch batch = BATCH_INIT;
    empty_folder(fixture.folder);
    assert_int_equal(store_fixture_open(&fixture, NULL), 0);
    append_write(&batch, 0);
    store_fixture_wait(&fixture);
    batch_finish(&batch);
    store_fixture_close(&fixture);
    damage(sql);
    assert_int_equal(append_in_child(), 74);
    expect_log("the journal is damaged");
    expect_log("'opstream db check'");
    expect_log("from a backup");
    expect_log(fixture.folder);
    expect_log("/state.db");
    expect_log(reason);
    store_fixture_expect(&fixture, "SELECT count(*) FROM journal WHERE run = 1 AND path = 'n3'",
                         "0");
}

static void test_journal_faults__a_value_of_another_type_is_told(void **state)
{
    (void)state;
    expect_damage_told(WITHOUT_STRICT("runs", "UPDATE runs SET crashes = 'x' WHERE run = 1"),
                       "cannot store TEXT value in INTEGER column runs.crashes");
}

static void test_journal_faults__a_record_with_another_number_is_told(void **state)
{
    (void)state;
    expect_damage_told("UPDATE journal SET seq = 4 WHERE run = 1 AND seq = 3",
                       "UNIQUE constraint failed");
}

static void test_journal_faults__a_run_that_is_lost_is_told(void **state)
{
    (void)state;
    expect_damage_told("PRAGMA foreign_keys = OFF; DELETE FROM runs WHERE run = 1",
                       "FOREIGN KEY constraint failed");
}

static void test_journal_faults__a_damaged_file_is_not_brought_forward(void **state)
{
    (void)state;
    struct error err = {0};
    make_older();
    damage(WITHOUT_STRICT("meta", "UPDATE meta SET epoch = 'x'"));
    assert_int_equal(store_fixture_open(&fixture, &err), E_CORRUPT);
    assert_non_null(strstr(err.message, "constraint failed")); /* not: "not an error" */
}

/* No constraint knows of it: the row does not stand where the records end. */
static void test_journal_faults__a_run_that_stands_elsewhere_is_told(void **state)
{
    (void)state;
    expect_damage_told("UPDATE runs SET last_seq = 35 WHERE run = 1", "malformed");
}

/* ---- how often ---- */

static void test_journal_faults__a_write_costs_one_sync(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    assert_int_equal(store_fixture_open(&fixture, NULL), 0);
    append_write(&batch, 0);
    store_fixture_wait(&fixture);
    batch_finish(&batch);
    store_fixture_close(&fixture);
    fault_vfs_arm(&(struct fault_vfs_plan){.fails = FAULT_VFS_SYNCS});
    assert_int_equal(store_fixture_open(&fixture, NULL), 0); /* the epoch waits for a write */
    for (uint64_t i = 1; i < WRITES; i++) {
        append_write(&batch, i);
        store_fixture_wait(&fixture);
        batch_finish(&batch);
    }
    store_fixture_close(&fixture); /* copies nothing */
    assert_int_equal(fault_vfs_disarm(), WRITES - 1);
}

/* ---- files that were changed ---- */

static char *read_file(const char *path, size_t *out_n)
{
    struct stat status;
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    char *bytes = malloc((size_t)status.st_size + 1);
    assert_non_null(bytes);
    assert_int_equal(read(fd, bytes, (size_t)status.st_size), status.st_size);
    assert_int_equal(close(fd), 0);
    *out_n = (size_t)status.st_size;
    return bytes;
}

static void write_bytes(const char *path, const char *bytes, size_t n)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    assert_int_equal(close(fd), 0);
}

struct kept_files {
    char *db;
    size_t db_n;
    char *log;
    size_t log_n;
};

static struct kept_files keep_files(void)
{
    atomic_uint_least64_t acknowledged = 0;
    struct kept_files kept = {0};
    assert_int_equal(store_fixture_open(&fixture, NULL), 0);
    write_all(&acknowledged);
    store_fixture_close(&fixture);
    kept.db = read_file(store_fixture_path(&fixture, "state.db"), &kept.db_n);
    kept.log = read_file(store_fixture_path(&fixture, "state.db-wal"), &kept.log_n);
    return kept;
}

static void free_files(struct kept_files *kept)
{
    free(kept->db);
    free(kept->log);
}

/* Opens the files with this log: whole writes from the first on, or a refusal that says why. */
static int64_t open_with(const struct kept_files *kept, const char *log, size_t log_n)
{
    struct error err = {0};
    empty_folder(fixture.folder);
    write_bytes(store_fixture_path(&fixture, "state.db"), kept->db, kept->db_n);
    write_bytes(store_fixture_path(&fixture, "state.db-wal"), log, log_n);
    int64_t writes = count_writes_in(fixture.folder, &err);
    assert_true(writes != -1);
    assert_true(writes >= 0 || strlen(err.message) > 0);
    return writes;
}

static void test_journal_faults__a_torn_log_gives_the_writes_before(void **state)
{
    (void)state;
    struct kept_files kept = keep_files();
    int64_t last = 0;
    assert_int_equal(open_with(&kept, kept.log, kept.log_n), WRITES);
    for (size_t i = 0; i <= 100; i++) {
        int64_t writes = open_with(&kept, kept.log, kept.log_n * i / 100);
        assert_true(writes >= last && writes <= WRITES);
        last = writes;
    }
    assert_int_equal(last, WRITES);
    free_files(&kept);
}

static void test_journal_faults__a_flipped_bit_of_the_log_gives_the_writes_before(void **state)
{
    (void)state;
    struct kept_files kept = keep_files();
    struct random random = {1};
    for (int i = 0; i < 150; i++) {
        size_t at = random_below(&random, (uint32_t)kept.log_n);
        char bit = (char)(1u << random_below(&random, 8));
        kept.log[at] = (char)(kept.log[at] ^ bit);
        (void)open_with(&kept, kept.log, kept.log_n);
        kept.log[at] = (char)(kept.log[at] ^ bit);
    }
    free_files(&kept);
}

/* ---- documents in files ---- */

/* What the linker puts in the place of fsync() and write() in our own code. */
static atomic_int fsync_errno;
static atomic_int write_errno;

int __real_fsync(int fd);
ssize_t __real_write(int fd, const void *bytes, size_t n);
int __wrap_fsync(int fd);
ssize_t __wrap_write(int fd, const void *bytes, size_t n);

int __wrap_fsync(int fd)
{
    errno = atomic_load(&fsync_errno);
    return errno != 0 ? -1 : __real_fsync(fd);
}

ssize_t __wrap_write(int fd, const void *bytes, size_t n)
{
    struct stat status;
    bool is_file = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    errno = is_file ? atomic_load(&write_errno) : 0;
    return errno != 0 ? -1 : __real_write(fd, bytes, n);
}

static void append_large(struct batch *batch)
{
    struct document *large = store_fixture_text(80000, 'L');
    struct record record = {
        .run_number = 1, .seq = 4, .type = RECORD_SIGNAL, .node = RECORD_NO_NODE, .output = large};
    store_fixture_record(&fixture, batch, &record, NULL);
    store_fixture_append(&fixture, &(struct journal_write){.batch = batch});
    document_unref(large);
}

static void open_with_runs(void)
{
    struct batch batch = BATCH_INIT;
    assert_int_equal(store_fixture_open(&fixture, NULL), 0);
    append_write(&batch, 0);
    store_fixture_wait(&fixture);
    batch_finish(&batch);
}

static void test_journal_faults__no_room_for_a_document_is_waited_out(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    open_with_runs();
    atomic_store(&write_errno, ENOSPC);
    append_large(&batch);
    wait_for_trouble();
    assert_string_equal(journal_sqlite_trouble(fixture.journal).why, "the disk is full");
    atomic_store(&write_errno, 0);
    store_fixture_wait(&fixture);
    batch_finish(&batch);
    store_fixture_expect(&fixture, "SELECT count(*) FROM blobs", "1");
}

/* Those before it need not wait for its room; who needs how much is known. */
static void test_journal_faults__what_stands_before_one_without_room_is_kept(void **state)
{
    (void)state;
    sqlite3 *other = NULL;
    struct batch batches[4] = {0};
    open_with_runs();
    assert_int_equal(sqlite3_open(store_fixture_path(&fixture, "state.db"), &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    append_write(&batches[0], 1);
    wait_for_trouble(); /* what comes now is one group */
    append_write(&batches[1], 2);
    atomic_store(&write_errno, ENOSPC);
    append_large(&batches[2]);
    append_write(&batches[3], 4);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    while (journal_sqlite_trouble(fixture.journal).bytes < 80000) {
        (void)sched_yield();
    }
    assert_int_equal(journal_sqlite_trouble(fixture.journal).run, 1);
    store_fixture_expect(&fixture, "SELECT count(*) FROM journal", "9");
    atomic_store(&write_errno, 0);
    store_fixture_wait(&fixture);
    store_fixture_expect(&fixture, "SELECT count(*) FROM journal", "13");
    for (size_t i = 0; i < 4; i++) {
        batch_finish(&batches[i]);
    }
}

static int write_large_in_child(int errnum)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct batch batch = BATCH_INIT;
        int fd = open(store_fixture_path(&fixture, "log"), O_CREAT | O_TRUNC | O_WRONLY, 0600);
        (void)dup2(fd, STDERR_FILENO);
        open_with_runs();
        atomic_store(&fsync_errno, errnum);
        append_large(&batch);
        store_fixture_wait(&fixture);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_journal_faults__a_failed_sync_of_a_document_ends_the_process(void **state)
{
    (void)state;
    assert_int_equal(write_large_in_child(EIO), 74);
    expect_log("the journal cannot be written");
    store_fixture_expect(&fixture, "SELECT count(*) FROM journal WHERE seq > 3", "0");
}

/* ---- memory ---- */

static void fail_allocation(void *user)
{
    const long *number = user;
    if (*number >= 0) {
        failing_alloc_arm(*number); /* of the thread that writes */
    }
}

static void test_journal_faults__lack_of_memory_is_waited_out(void **state)
{
    (void)state;
    for (long n = 0; n < 6; n++) {
        struct batch batches[WRITES] = {0};
        assert_int_equal(store_fixture_open(&fixture, NULL), 0);
        append_write(&batches[0], 0);
        store_fixture_wait(&fixture);
        fault_vfs_arm(&(struct fault_vfs_plan){.before = fail_allocation, .user = &n});
        for (uint64_t i = 1; i < WRITES; i++) {
            append_write(&batches[i], i);
        }
        store_fixture_wait(&fixture);
        store_fixture_close(&fixture);
        (void)fault_vfs_disarm();
        assert_int_equal(count_writes_in(fixture.folder, NULL), WRITES);
        empty_folder(fixture.folder);
        for (size_t i = 0; i < WRITES; i++) {
            batch_finish(&batches[i]);
        }
    }
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FRESH(test_journal_faults__a_crash_at_any_call_loses_nothing_acknowledged),
        FRESH(test_journal_faults__a_crash_while_a_file_is_brought_forward_loses_nothing),
        FRESH(test_journal_faults__a_full_disk_is_waited_out_at_any_call),
        FRESH(test_journal_faults__no_room_for_a_new_file_is_told),
        FRESH(test_journal_faults__reads_go_on_and_writes_resume_when_there_is_room),
        FRESH(test_journal_faults__what_is_given_up_fails_with_all_behind_it),
        FRESH(test_journal_faults__giving_up_loses_nothing_while_there_is_room),
        FRESH(test_journal_faults__another_writer_is_waited_for),
        FRESH(test_journal_faults__an_index_that_another_one_makes_is_waited_for),
        FRESH(test_journal_faults__the_log_is_copied_as_it_grows),
        FRESH(test_journal_faults__an_idle_store_cuts_its_log),
        FRESH(test_journal_faults__a_failed_sync_ends_the_process),
        FRESH(test_journal_faults__a_failed_write_ends_the_process),
        FRESH(test_journal_faults__nothing_is_written_after_a_failed_sync),
        FRESH(test_journal_faults__a_value_of_another_type_is_told),
        FRESH(test_journal_faults__a_record_with_another_number_is_told),
        FRESH(test_journal_faults__a_run_that_is_lost_is_told),
        FRESH(test_journal_faults__a_run_that_stands_elsewhere_is_told),
        FRESH(test_journal_faults__a_damaged_file_is_not_brought_forward),
        FRESH(test_journal_faults__a_write_costs_one_sync),
        FRESH(test_journal_faults__a_torn_log_gives_the_writes_before),
        FRESH(test_journal_faults__a_flipped_bit_of_the_log_gives_the_writes_before),
        FRESH(test_journal_faults__no_room_for_a_document_is_waited_out),
        FRESH(test_journal_faults__what_stands_before_one_without_room_is_kept),
        FRESH(test_journal_faults__a_failed_sync_of_a_document_ends_the_process),
        FRESH(test_journal_faults__lack_of_memory_is_waited_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
