/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store in SQLite against a bare loop that writes the same rows to the same tables in groups
 * of the same size: 1,000 runs at once, each of ten nodes in a row; a run's next write comes when
 * the one before is durable. One write is the end of a node and the start of the next.
 */
#include <ftw.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/engine/record_json.h"
#include "core/journal/journal_sqlite.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/bench/bench.h"

enum { RUNS = 1000, NODES = 10, GROUP = 256, ROUNDS = 5, CHECKPOINT_PAGES = 1024 };

/* One run that is written again and again; its batch is kept until the callback. */
struct bench_run {
    struct work *work;
    uint64_t number;
    uint64_t seq;
    uint32_t node; /* of this round */
    struct batch batch;
};

struct work {
    char folder[64];
    char bare_folder[64];
    struct journal *journal;
    sem_t woken;
    struct document *output;
    struct bench_run runs[RUNS];
    uint32_t left; /* runs that are not through with this round */
    uint32_t round;
    bool has_failed;
    sqlite3 *bare;
    sqlite3_stmt *row;
    sqlite3_stmt *node;
    sqlite3_stmt *progress;
    int64_t bare_id;
};

/* ---- ours ---- */

static void on_wake(void *user)
{
    (void)sem_post(&((struct work *)user)->woken); /* an overflow still leaves it woken */
}

static void submit(struct bench_run *run);

static void on_appended(void *user, int status)
{
    struct bench_run *run = user;
    run->work->has_failed = run->work->has_failed || status != 0;
    batch_clear(&run->batch);
    run->node++;
    if (run->node < NODES) {
        submit(run);
    } else {
        run->work->left--;
    }
}

static char *path_of(uint32_t round, uint32_t node)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "step-%u-%u", round, node);
    return str_dup(str_from(text));
}

static void submit(struct bench_run *run)
{
    struct work *work = run->work;
    struct record ended = {.run_number = run->number,
                           .seq = ++run->seq,
                           .path = path_of(work->round, run->node),
                           .type = RECORD_NODE_ENDED,
                           .node = run->node,
                           .attempt = 1,
                           .at_unix_ms = 1700000000000,
                           .node_state = NODE_COMPLETED,
                           .output = work->output};
    struct record started = {.run_number = run->number,
                             .seq = ++run->seq,
                             .path = path_of(work->round, run->node + 1),
                             .type = RECORD_NODE_STARTED,
                             .node = run->node + 1,
                             .attempt = 1,
                             .at_unix_ms = 1700000000001};
    batch_add_record(&run->batch, &ended);
    batch_add_record(&run->batch, &started);
    struct journal_write write = {.batch = &run->batch};
    if (run->batch.has_failed ||
        journal_append(work->journal, &write, on_appended, run, NULL) != 0) {
        work->has_failed = true;
        work->left--;
    }
}

static int round_ours(void *user)
{
    struct work *work = user;
    work->left = RUNS;
    for (size_t i = 0; i < RUNS; i++) {
        work->runs[i].node = 0;
        submit(&work->runs[i]);
    }
    while (work->left > 0) {
        (void)sem_wait(&work->woken); /* an interrupted wait looks once too often */
        journal_collect(work->journal);
    }
    work->round++;
    return work->has_failed ? -1 : 0;
}

/* ---- the bare loop ---- */

static int bind_row(struct work *work, struct bench_run *run, const char *type, const char *path,
                    struct str body)
{
    sqlite3_stmt *row = work->row;
    (void)sqlite3_bind_int64(row, 1, ++work->bare_id);
    (void)sqlite3_bind_int64(row, 2, (int64_t)run->number);
    (void)sqlite3_bind_int64(row, 3, (int64_t)++run->seq);
    (void)sqlite3_bind_text(row, 4, type, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(row, 5, path, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(row, 6, 1);
    (void)sqlite3_bind_int64(row, 7, 1700000000000);
    (void)sqlite3_bind_text(row, 8, body.p, (int)body.n, SQLITE_STATIC);
    int rc = sqlite3_step(row);
    (void)sqlite3_reset(row);
    return rc;
}

static int bind_node(struct work *work, const struct bench_run *run, const char *path,
                     bool is_ended)
{
    sqlite3_stmt *node = work->node;
    (void)sqlite3_bind_int64(node, 1, (int64_t)run->number);
    (void)sqlite3_bind_text(node, 2, path, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(node, 3, is_ended ? "completed" : "running", -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(node, 4, 1);
    (void)sqlite3_bind_int64(node, 5, 1700000000000);
    if (is_ended) {
        (void)sqlite3_bind_int64(node, 6, 1700000000000);
        (void)sqlite3_bind_int64(node, 7, work->bare_id - 1);
    } else {
        (void)sqlite3_bind_null(node, 6);
        (void)sqlite3_bind_null(node, 7);
    }
    int rc = sqlite3_step(node);
    (void)sqlite3_reset(node);
    return rc;
}

static int bind_progress(struct work *work, const struct bench_run *run)
{
    (void)sqlite3_bind_int64(work->progress, 1, (int64_t)run->number);
    (void)sqlite3_bind_int64(work->progress, 2, (int64_t)run->seq);
    (void)sqlite3_bind_int64(work->progress, 3, work->bare_id);
    int rc = sqlite3_step(work->progress);
    (void)sqlite3_reset(work->progress);
    return rc;
}

static int write_bare(struct work *work, struct bench_run *run, uint32_t node)
{
    char ended[32];
    char started[32];
    static const char body[] = "{\"node\":0,\"state\":\"completed\",\"output\":{\"status\":200,"
                               "\"body\":\"all is well with the host db-1.example.net\"}}";
    (void)snprintf(ended, sizeof(ended), "step-%u-%u", work->round, node);
    (void)snprintf(started, sizeof(started), "step-%u-%u", work->round, node + 1);
    bool is_done = bind_row(work, run, "node_ended", ended, str_from(body)) == SQLITE_DONE &&
                   bind_row(work, run, "node_started", started, STR("{\"node\":1}")) ==
                       SQLITE_DONE &&
                   bind_node(work, run, ended, true) == SQLITE_DONE &&
                   bind_node(work, run, started, false) == SQLITE_DONE &&
                   bind_progress(work, run) == SQLITE_DONE;
    return is_done ? 0 : -1;
}

static int on_commit(void *user, sqlite3 *db, const char *name, int pages)
{
    (void)name;
    *(int *)user = pages;
    (void)db;
    return SQLITE_OK;
}

static int round_bare(void *user)
{
    struct work *work = user;
    int pages = 0;
    int status = 0;
    (void)sqlite3_wal_hook(work->bare, on_commit, &pages);
    for (uint32_t i = 0; i < RUNS * NODES && status == 0; i++) {
        if (i % GROUP == 0) {
            status = sqlite3_exec(work->bare, "BEGIN IMMEDIATE", NULL, NULL, NULL);
        }
        status = status == 0 ? write_bare(work, &work->runs[i % RUNS], i / RUNS) : status;
        if (status == 0 && (i % GROUP == GROUP - 1 || i == RUNS * NODES - 1)) {
            status = sqlite3_exec(work->bare, "COMMIT", NULL, NULL, NULL);
            if (pages >= CHECKPOINT_PAGES) {
                (void)sqlite3_wal_checkpoint_v2(work->bare, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL,
                                                NULL);
                pages = 0;
            }
        }
    }
    (void)sqlite3_wal_hook(work->bare, NULL, NULL);
    work->round++;
    return status;
}

/* ---- setting up ---- */

static int open_store(struct work *work, const char *folder)
{
    struct error err = {0};
    struct journal_sqlite_options options = {.folder = folder, .wake = on_wake, .user = work};
    int status = journal_sqlite_open(&options, &work->journal, &err);
    if (status != 0) {
        fprintf(stderr, "%s\n", err.message);
    }
    return status;
}

static void on_started(void *user, int status)
{
    *(int *)user = status;
}

static int start_runs(struct work *work)
{
    static struct journal_new_run runs[RUNS];
    static char ids[RUNS][16];
    int status = 1;
    struct journal_definition definition = {STR("d1"), STR("{}"), STR("bench")};
    for (size_t i = 0; i < RUNS; i++) {
        (void)snprintf(ids[i], sizeof(ids[i]), "run-%zu", i);
        runs[i] = (struct journal_new_run){.number = i + 1,
                                           .id = str_from(ids[i]),
                                           .definition = STR("d1"),
                                           .workflow = STR("bench"),
                                           .name = STR("Bench"),
                                           .root = i + 1};
    }
    struct journal_write write = {
        .definitions = &definition, .definition_count = 1, .runs = runs, .run_count = RUNS};
    if (journal_append(work->journal, &write, on_started, &status, NULL) != 0) {
        return -1;
    }
    while (status == 1) {
        (void)sem_wait(&work->woken); /* an interrupted wait looks once too often */
        journal_collect(work->journal);
    }
    return status;
}

static const char row_sql[] =
    "INSERT INTO journal (id, run, seq, type, path, attempt, at, body) VALUES (?,?,?,?,?,?,?,?)";
static const char node_sql[] =
    "INSERT INTO nodes (run, path, state, attempt, started_at, ended_at, record)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET state = ?3, ended_at = ?6,"
    " record = ?7";
static const char progress_sql[] = "UPDATE runs SET last_seq = ?2, last_id = ?3 WHERE run = ?1";

static int open_bare(struct work *work)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/state.db", work->bare_folder);
    if (sqlite3_open_v2(path, &work->bare, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK) {
        return -1;
    }
    (void)sqlite3_db_config(work->bare, SQLITE_DBCONFIG_ENABLE_FKEY, 1, (int *)NULL);
    return sqlite3_exec(work->bare,
                        "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
                        "PRAGMA cache_size=-8192; PRAGMA secure_delete=OFF",
                        NULL, NULL, NULL) != SQLITE_OK ||
                   sqlite3_prepare_v2(work->bare, row_sql, -1, &work->row, NULL) != SQLITE_OK ||
                   sqlite3_prepare_v2(work->bare, node_sql, -1, &work->node, NULL) != SQLITE_OK ||
                   sqlite3_prepare_v2(work->bare, progress_sql, -1, &work->progress, NULL) !=
                       SQLITE_OK
               ? -1
               : 0;
}

static int set_up(struct work *work)
{
    static const char json[] =
        "{\"status\":200,\"body\":\"all is well with the host db-1.example.net\"}";
    if (sem_init(&work->woken, 0, 0) != 0 ||
        json_read(str_from(json), NULL, &work->output, NULL) != 0 ||
        mkdtemp(work->folder) == NULL || mkdtemp(work->bare_folder) == NULL) {
        return -1;
    }
    for (size_t i = 0; i < RUNS; i++) {
        work->runs[i].work = work;
        work->runs[i].number = i + 1;
    }
    int status = open_store(work, work->bare_folder);
    if (status == 0) {
        status = start_runs(work);
        journal_close(work->journal);
    }
    status = status == 0 ? open_bare(work) : status;
    status = status == 0 ? open_store(work, work->folder) : status;
    return status == 0 ? start_runs(work) : status;
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *place)
{
    (void)status;
    (void)flag;
    (void)place;
    return remove(path);
}

static void tear_down(struct work *work)
{
    journal_close(work->journal);
    (void)sqlite3_finalize(work->row);
    (void)sqlite3_finalize(work->node);
    (void)sqlite3_finalize(work->progress);
    (void)sqlite3_close(work->bare);
    (void)nftw(work->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS); /* what is left is in /tmp */
    (void)nftw(work->bare_folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    for (size_t i = 0; i < RUNS; i++) {
        batch_finish(&work->runs[i].batch);
    }
    document_unref(work->output);
    (void)sem_destroy(&work->woken);
}

/* Each side goes on with its own numbers of records. */
static int round_bare_apart(void *user)
{
    static uint64_t kept[RUNS];
    struct work *work = user;
    for (size_t i = 0; i < RUNS; i++) {
        uint64_t ours = work->runs[i].seq;
        work->runs[i].seq = kept[i];
        kept[i] = ours;
    }
    int status = round_bare(work);
    for (size_t i = 0; i < RUNS; i++) {
        uint64_t bare = work->runs[i].seq;
        work->runs[i].seq = kept[i];
        kept[i] = bare;
    }
    return status;
}

int main(void)
{
    static struct work work = {.folder = "/tmp/opstream-bench-XXXXXX",
                               .bare_folder = "/tmp/opstream-bare-XXXXXX"};
    struct bench_times times = {0};
    if (set_up(&work) != 0 ||
        bench_interleave(round_ours, round_bare_apart, &work, ROUNDS, &times) != 0) {
        fprintf(stderr, "bench_journal could not run\n");
        return 1;
    }
    tear_down(&work);
    double rows = RUNS * NODES * 2.0;
    bench_print_row(&(struct bench_row){.name = "journal: rows against a bare loop",
                                        .unit = "rows/s",
                                        .ours = rows / times.ours_ns * 1e9,
                                        .yardstick = rows / times.yardstick_ns * 1e9,
                                        .goal = 0.6,
                                        .is_least = true});
    bench_print_row(&(struct bench_row){.name = "journal: nodes of 1,000 runs at once",
                                        .unit = "nodes/s",
                                        .ours = rows / 2 / times.ours_ns * 1e9,
                                        .goal = 20000,
                                        .is_least = true});
    return 0;
}
