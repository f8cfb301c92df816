/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of services by the whole program: items of three calls each, how often a connection is used
 * again, and how long the calls of one service take while another one, called by as many nodes as
 * may, gives no answer. All from the records of the runs, and counted at the server.
 */
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/str.h"
#include "tests/bench/bench.h"
#include "tests/support/http_server.h"

enum { ITEMS = 4000, CALLS = 300, HANGING = 200, PATH_BYTES = 64 };

extern char **environ;

struct work {
    const char *program;
    char folder[PATH_BYTES];
    struct http_server *live;
    struct http_server *dead;
};

static int write_file(const struct work *work, const char *text, char out_path[PATH_BYTES * 2])
{
    (void)snprintf(out_path, (size_t)PATH_BYTES * 2, "%s/run.yaml", work->folder);
    FILE *file = fopen(out_path, "w");
    if (file == NULL) {
        return -1;
    }
    int failed = fputs(text, file) == EOF ? 1 : 0;
    return fclose(file) != 0 || failed != 0 ? -1 : 0;
}

/* `opstream run` of the text, with its state in `folder`/`state`. */
static int run(const struct work *work, const char *text, const char *state)
{
    char path[PATH_BYTES * 2];
    char kept[PATH_BYTES * 2];
    (void)snprintf(kept, sizeof(kept), "%s/%s", work->folder, state);
    const char *argv[] = {work->program, "run", path, "-q", "--state", kept, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid = 0;
    int status = write_file(work, text, path);
    (void)posix_spawn_file_actions_init(&actions); /* fails without memory, and so does spawn */
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (status == 0) {
        status = posix_spawn(&pid, work->program, &actions, NULL, (char *const *)(uintptr_t)argv,
                             environ);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    int how = 0;
    if (status != 0 || waitpid(pid, &how, 0) != pid || !WIFEXITED(how)) {
        return -1;
    }
    return WEXITSTATUS(how) == 0 ? 0 : -1;
}

/* ---- items of three calls ---- */

static int measure_items(const struct work *work)
{
    char text[1200];
    const char *url = http_server_url(work->live);
    (void)snprintf(text, sizeof(text),
                   "id: three\nnodes:\n"
                   "  - id: item\n    for_each: range(%d)\n    batch_size: 100\n"
                   "    parallel_workers: 10\n    collect: count\n    nodes:\n"
                   "      - {id: a, type: http, config: {url: \"%s/delay/5\"}}\n"
                   "      - {id: b, type: http, depends_on: [a], config: {url: \"%s/delay/5\"}}\n"
                   "      - {id: c, type: http, depends_on: [b], config: {url: \"%s/delay/5\"}}\n",
                   ITEMS, url, url, url);
    http_server_reset_counts(work->live);
    uint64_t begin = bench_now_ns();
    if (run(work, text, "items") != 0) {
        return -1;
    }
    double minutes = (double)(bench_now_ns() - begin) / 6e10;
    double requests = (double)http_server_request_count(work->live);
    double connections = (double)http_server_connection_count(work->live);
    bench_print_row(&(struct bench_row){.name = "services: items of three calls of 5 ms",
                                        .unit = "items/min",
                                        .ours = ITEMS / minutes,
                                        .goal = 20000.0,
                                        .is_least = true});
    bench_print_row(&(struct bench_row){.name = "services: calls on a connection that was there",
                                        .unit = "%",
                                        .ours = (requests - connections) / requests * 100,
                                        .goal = 99.0,
                                        .is_least = true});
    return 0;
}

/* ---- work is kept apart ---- */

/*
 * The ten workers call again as soon as they are answered: one wait of each would be more than one
 * of a hundred calls.
 */

/* From the beginning of an item to the end of its call: of 100, 99 take no longer. Negative:
 * failed. */
static double read_p99_ms(const struct work *work, const char *state)
{
    static const char query[] = "SELECT e.at - f.at AS took FROM journal f JOIN journal e"
                                " ON e.run = f.run AND e.path = f.path AND e.type = 'node_ended'"
                                " WHERE f.type = 'frame_started' AND f.path LIKE 'live[%'"
                                " ORDER BY took LIMIT 1 OFFSET ?";
    char path[PATH_BYTES * 2];
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    double took = -1;
    (void)snprintf(path, sizeof(path), "%s/%s/state.db", work->folder, state);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(db, query, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_bind_int(statement, 1, (CALLS - 1) * 99 / 100) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        took = sqlite3_column_double(statement, 0);
    }
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(db);
    return took;
}

static double measure_live(const struct work *work, const char *state, const char *dead_nodes)
{
    char text[1200];
    (void)snprintf(text, sizeof(text),
                   "id: live\nnodes:\n"
                   "  - {id: live, type: http, for_each: range(%d), batch_size: 1, collect: count, "
                   "parallel_workers: 10, config: {url: \"%s/delay/20\"}}\n%s",
                   CALLS, http_server_url(work->live), dead_nodes);
    return run(work, text, state) == 0 ? read_p99_ms(work, state) : -1;
}

static int measure_apart(const struct work *work)
{
    char dead[600];
    (void)snprintf(dead, sizeof(dead),
                   "  - {id: dead, type: http, for_each: range(%d), batch_size: 1, collect: count, "
                   "parallel_workers: %d, max_failures: 100%%, timeout: 1s, retry: off, "
                   "circuit_breaker: off, config: {url: \"%s/silent\"}}\n",
                   HANGING, HANGING, http_server_url(work->dead));
    double alone = measure_live(work, "alone", "");
    double beside = measure_live(work, "beside", dead);
    if (alone <= 0 || beside <= 0) {
        return -1;
    }
    bench_print_row(
        &(struct bench_row){.name = "services: p99 of calls beside a service that hangs",
                            .unit = "ms",
                            .ours = beside,
                            .yardstick = alone,
                            .goal = 1.2});
    return 0;
}

/* ---- all ---- */

static void remove_folder(const char *folder)
{
    char command[PATH_BYTES + 16];
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    (void)!system(command); /* what is left in /tmp harms nobody */
}

int main(int argc, char **argv)
{
    struct work work = {.folder = "/tmp/opstream-bench-XXXXXX"};
    if (argc != 2) {
        (void)fprintf(stderr, "usage: bench_services OPSTREAM\n");
        return 2;
    }
    work.program = argv[1];
    work.live = http_server_start(NULL);
    work.dead = http_server_start(NULL);
    int status = work.live != NULL && work.dead != NULL && mkdtemp(work.folder) != NULL ? 0 : -1;
    if (status == 0) {
        status = measure_items(&work);
        status = status == 0 ? measure_apart(&work) : status;
        remove_folder(work.folder);
    }
    if (status != 0) {
        (void)fprintf(stderr, "bench_services could not run\n");
    }
    http_server_stop(work.live);
    http_server_stop(work.dead);
    return status == 0 ? 0 : 1;
}
