/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs that are kept in a state folder, each a whole process: ten nodes in a row against one bare
 * commit on the same disk, and how often they sync the log; one empty node against an empty
 * program; 1,000 nodes at once.
 */
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/str.h"
#include "tests/bench/bench.h"

enum { ROUNDS = 15, AT_ONCE = 1000, WORDS = 16, PATH_BYTES = 80 };

extern char **environ;

struct work {
    const char *program;
    const char *empty_program;
    char folder[40];
    char state[PATH_BYTES];
    char definition[PATH_BYTES];
    sqlite3 *bare;
    uint32_t commits; /* of a round of the yardstick */
};

/* ---- processes ---- */

static int run_once(const char *const *argv)
{
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions); /* fails without memory, and so does spawn */
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t pid = 0;
    int wstatus = 0;
    int status =
        posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (status != 0 || waitpid(pid, &wstatus, 0) != pid || wstatus != 0) {
        (void)fprintf(stderr, "%s failed\n", argv[0]);
        return 1;
    }
    return 0;
}

static int round_kept(void *user)
{
    const struct work *work = user;
    const char *argv[] = {work->program, "run", work->definition, "-q", "--state",
                          work->state,   NULL};
    return run_once(argv);
}

static int round_empty(void *user)
{
    const char *argv[] = {((const struct work *)user)->empty_program, NULL};
    return run_once(argv);
}

static int round_commits(void *user)
{
    const struct work *work = user;
    int rc = SQLITE_OK;
    for (uint32_t i = 0; i < work->commits && rc == SQLITE_OK; i++) {
        rc = sqlite3_exec(work->bare, "INSERT INTO rows (body) VALUES (zeroblob(300))", NULL, NULL,
                          NULL);
    }
    return rc == SQLITE_OK ? 0 : 1;
}

static int open_bare(struct work *work)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/bare.db", work->folder);
    int rc = sqlite3_open(path, &work->bare);
    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(work->bare,
                          "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                          "CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB)",
                          NULL, NULL, NULL);
    }
    return rc == SQLITE_OK ? 0 : 1;
}

/* ---- definitions ---- */

static int write_definition(const struct work *work, uint32_t count, const char *type,
                            bool is_in_a_row)
{
    struct strbuf text = STRBUF_INIT;
    strbuf_append_text(&text, "id: main\nnodes:\n");
    for (uint32_t i = 0; i < count; i++) {
        strbuf_append_format(&text, "  - {id: n%u, type: %s", i, type);
        if (is_in_a_row && i > 0) {
            strbuf_append_format(&text, ", depends_on: [n%u]", i - 1);
        }
        strbuf_append_text(&text, "}\n");
    }
    FILE *file = strbuf_status(&text) == 0 ? fopen(work->definition, "w") : NULL;
    size_t written = file != NULL ? fwrite(text.p, 1, text.n, file) : 0;
    bool is_well = file != NULL && fclose(file) == 0 && written == text.n;
    strbuf_finish(&text);
    return is_well ? 0 : 1;
}

/* ---- rows ---- */

/* Syncs of the log, by strace; below 0 where that may not be used. */
static int count_syncs(const struct work *work)
{
    char trace[PATH_BYTES];
    char line[512];
    int count = 0;
    (void)snprintf(trace, sizeof(trace), "%s/trace", work->folder);
    const char *argv[] = {"strace",
                          "-f",
                          "-y",
                          "-qqq",
                          "-o",
                          trace,
                          "-e",
                          "trace=fdatasync,fsync",
                          work->program,
                          "run",
                          work->definition,
                          "-q",
                          "--state",
                          work->state,
                          NULL};
    FILE *file = run_once(argv) == 0 ? fopen(trace, "r") : NULL;
    if (file == NULL) {
        return -1;
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        count += strstr(line, "sync(") != NULL && strstr(line, "state.db-wal") != NULL ? 1 : 0;
    }
    (void)fclose(file); /* it was read */
    return count;
}

/* In a state of its own that is there already, and whose log need not be copied yet. */
static int measure_syncs(struct work *work)
{
    char other[PATH_BYTES];
    struct work fresh = *work;
    (void)snprintf(other, sizeof(other), "%s/other", work->folder);
    (void)snprintf(fresh.state, sizeof(fresh.state), "%s", other);
    int syncs = round_kept(&fresh) == 0 ? count_syncs(&fresh) : -1;
    if (syncs >= 0) {
        bench_print_row(&(struct bench_row){
            .name = "run: syncs of their log", .unit = "", .ours = syncs, .goal = 11.0});
    }
    return 0;
}

static int measure_row(struct work *work)
{
    struct bench_times times;
    work->commits = 1;
    if (write_definition(work, 10, "hello", true) != 0 ||
        bench_interleave(round_kept, round_commits, work, ROUNDS, &times) != 0) {
        return 1;
    }
    bench_print_row(&(struct bench_row){.name = "run: 10 nodes in a row, kept",
                                        .unit = "ms",
                                        .ours = times.ours_ns / 1e6,
                                        .yardstick = times.yardstick_ns / 1e6,
                                        .goal = 18.0});
    return measure_syncs(work);
}

static int measure_one(struct work *work)
{
    struct bench_times kept;
    struct bench_times empty;
    work->commits = 2;
    if (write_definition(work, 1, "start", false) != 0 ||
        bench_interleave(round_kept, round_commits, work, ROUNDS, &kept) != 0 ||
        bench_interleave(round_empty, NULL, work, ROUNDS, &empty) != 0) {
        return 1;
    }
    bench_print_row(
        &(struct bench_row){.name = "run: one empty node, kept",
                            .unit = "ms",
                            .ours = kept.ours_ns / 1e6,
                            .yardstick = 2.5 * empty.ours_ns / 1e6 + kept.yardstick_ns / 1e6 + 2.0,
                            .goal = 1.0});
    return 0;
}

/* How long the last run took by the journal, from its first record to its last. */
static int read_took_ms(const struct work *work, double *out_ms)
{
    char path[PATH_BYTES + 16];
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    (void)snprintf(path, sizeof(path), "%s/state.db", work->state);
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_prepare_v2(db,
                                "SELECT ended_at - started_at FROM runs ORDER BY run DESC LIMIT 1",
                                -1, &statement, NULL);
    }
    rc = rc == SQLITE_OK ? sqlite3_step(statement) : rc;
    *out_ms = rc == SQLITE_ROW ? sqlite3_column_double(statement, 0) : 0;
    (void)sqlite3_finalize(statement); /* says again what the step has said */
    (void)sqlite3_close(db);           /* nothing was written */
    return rc == SQLITE_ROW ? 0 : 1;
}

static int measure_at_once(struct work *work)
{
    double ms[ROUNDS] = {0};
    int status = write_definition(work, AT_ONCE, "set, config: {x: 1}", false);
    for (size_t i = 0; i < ROUNDS && status == 0; i++) {
        status = round_kept(work);
        status = status == 0 ? read_took_ms(work, &ms[i]) : status;
    }
    bench_print_row(&(struct bench_row){.name = "run: 1,000 nodes at once, kept",
                                        .unit = "ms",
                                        .ours = bench_median(ms, ROUNDS),
                                        .goal = 40.0});
    return status;
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *place)
{
    (void)status;
    (void)flag;
    (void)place;
    return remove(path);
}

int main(int argc, char **argv)
{
    if (argc != 4 || setenv("OPSTREAM_PLUGIN_PATH", argv[3], 1) != 0) {
        (void)fprintf(stderr, "usage: bench_run OPSTREAM EMPTY_PROGRAM EXAMPLE_PLUGINS\n");
        return 2;
    }
    struct work work = {
        .program = argv[1], .empty_program = argv[2], .folder = "/tmp/opstream-bench-XXXXXX"};
    if (mkdtemp(work.folder) == NULL) {
        perror("cannot make a folder");
        return 1;
    }
    (void)snprintf(work.state, sizeof(work.state), "%s/state", work.folder);
    (void)snprintf(work.definition, sizeof(work.definition), "%s/main.yaml", work.folder);
    int status = open_bare(&work);
    status = status == 0 ? measure_row(&work) : status;
    status = status == 0 ? measure_one(&work) : status;
    status = status == 0 ? measure_at_once(&work) : status;
    (void)sqlite3_close(work.bare);                               /* what it keeps is removed */
    (void)nftw(work.folder, remove_one, 8, FTW_DEPTH | FTW_PHYS); /* what is left is in /tmp */
    return status;
}
