/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs through the control socket of an `opstream serve` whose state is on the disk: how long one
 * run of one node takes from its request until it is completed, how many runs get through with 64
 * clients, and what a daemon needs of memory. Against them stands a bare file of SQLite on the same
 * disk, which commits as often, with as many rows.
 */
#include <poll.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/bench.h"
#include "tests/bench/daemon.h"

enum {
    SINGLES = 1000,
    WIDE_NODES = 1000,
    WIDE_RUNS = 21,
    ROWS = 50,
    CLIENTS = DAEMON_MAX_CONNECTIONS,
    ROUNDS = 5,
    REQUEST_BYTES = 128 * 1024,
    ROWS_PER_GROUP = 64,
    PARKED = 20000,
    QUIET_SECONDS = 3,
    PORTIONS = 20,
    SETTLE_TRIES = 20000,
};

/* One kind of run that is started again and again. */
struct kind {
    const char *name;
    uint32_t nodes;
    uint32_t runs;  /* in a round */
    double goal;    /* runs/s */
    double goal_us; /* of the processor, for each */
    uint32_t commits;
    uint32_t rows; /* that the run leaves in the journal and its projections */
};

struct work {
    struct daemon daemon;
    struct connection one;
    struct connection clients[CLIENTS];
    char request[REQUEST_BYTES];
    size_t request_size;
    const struct kind *kind;
    sqlite3 *bare;
    sqlite3_stmt *insert;
};

/* ---- the bare file ---- */

static int open_bare(struct work *work)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/bare.db", work->daemon.parent);
    int rc = sqlite3_open(path, &work->bare);
    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(work->bare,
                          "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                          "CREATE TABLE rows (id INTEGER PRIMARY KEY, body TEXT)",
                          NULL, NULL, NULL);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_prepare_v2(work->bare, "INSERT INTO rows (body) VALUES (?)", -1, &work->insert,
                                NULL);
    }
    return rc == SQLITE_OK ? 0 : -1;
}

static void close_bare(struct work *work)
{
    (void)sqlite3_finalize(work->insert);
    (void)sqlite3_close(work->bare);
}

static int commit_rows(struct work *work, uint32_t rows)
{
    static const char body[] =
        "{\"node\":0,\"state\":\"completed\",\"output\":{\"status\":200,"
        "\"body\":\"all is well with the host db-1.example.net and its three neighbours\"},"
        "\"path\":\"each[17].fix\",\"attempt\":1,\"at\":1700000000000,\"run\":123456}";
    int rc = sqlite3_exec(work->bare, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (uint32_t i = 0; rc == SQLITE_OK && i < rows; i++) {
        (void)sqlite3_bind_text(work->insert, 1, body, -1, SQLITE_STATIC);
        rc = sqlite3_step(work->insert) == SQLITE_DONE ? sqlite3_reset(work->insert) : SQLITE_ERROR;
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(work->bare, "COMMIT", NULL, NULL, NULL);
    }
    return rc == SQLITE_OK ? 0 : -1;
}

/* ---- requests ---- */

static void make_request(struct work *work, const char *nodes)
{
    static char body[REQUEST_BYTES - 256];
    int n = snprintf(body, sizeof(body), "{\"definition\":\"id: bench\\nnodes:\\n%s\"}", nodes);
    n = snprintf(work->request, sizeof(work->request),
                 "POST /api/v1/jobs HTTP/1.1\r\nHost: opstream\r\n"
                 "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                 n, body);
    work->request_size = (size_t)n;
}

/* `is_row`: one behind the other, else all side by side. */
static void make_sets(struct work *work, uint32_t nodes, bool is_row)
{
    static char text[REQUEST_BYTES / 2];
    size_t n = 0;
    for (uint32_t i = 0; i < nodes; i++) {
        char behind[40] = "";
        if (is_row && i > 0) {
            (void)snprintf(behind, sizeof(behind), ", depends_on: [n%u]", i - 1);
        }
        int added = snprintf(text + n, sizeof(text) - n,
                             "  - {id: n%u, type: set%s, config: {x: %u}}\\n", i, behind, i);
        n += (size_t)added;
    }
    make_request(work, text);
}

static int ask(struct connection *connection, const char *path)
{
    char request[256];
    int n = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: opstream\r\n\r\n", path);
    return connection_call(connection, request, (size_t)n);
}

/* The number behind `key` in what `path` answers; -1: there is none. */
static double read_number(struct work *work, const char *path, const char *key)
{
    if (ask(&work->one, path) != 0) {
        return -1;
    }
    const char *at = strstr(connection_body(&work->one), key);
    return at != NULL ? strtod(at + strlen(key), NULL) : -1;
}

static double count_completed(struct work *work)
{
    return read_number(work, "/metrics", "\nopstream_runs_completed_total ");
}

/* Until no run is in memory: all have ended, or wait as rows. */
static int settle(struct work *work)
{
    double in_memory = 1;
    while (in_memory > 0) {
        in_memory = read_number(work, "/health", "\"runs_in_memory\":");
    }
    return in_memory < 0 ? -1 : 0;
}

/* ---- one after the other ---- */

static int wait_completed(struct work *work)
{
    char path[128];
    const char *id = strstr(connection_body(&work->one), "\"id\":\"");
    if (id == NULL) {
        return -1;
    }
    (void)snprintf(path, sizeof(path), "/api/v1/jobs/%.*s?steps=false", (int)strcspn(id + 6, "\""),
                   id + 6);
    for (int i = 0; i < SETTLE_TRIES; i++) {
        if (ask(&work->one, path) != 0) {
            return -1;
        }
        if (strstr(connection_body(&work->one), "\"status\":\"completed\"") != NULL) {
            return 0;
        }
    }
    return -1;
}

static int run_single(struct work *work, double *out_accepted_ms, double *out_completed_ms)
{
    uint64_t begin = bench_now_ns();
    if (connection_call(&work->one, work->request, work->request_size) != 0) {
        (void)fprintf(stderr, "a run was refused: %s\n", work->one.answer);
        return -1;
    }
    *out_accepted_ms = (double)(bench_now_ns() - begin) / 1e6;
    int status = wait_completed(work);
    *out_completed_ms = (double)(bench_now_ns() - begin) / 1e6;
    return status;
}

static int measure_single(struct work *work)
{
    static double accepted[SINGLES];
    static double completed[SINGLES];
    static double bare[SINGLES];
    int status = 0;
    make_sets(work, 1, true);
    for (uint32_t i = 0; status == 0 && i < SINGLES; i++) {
        status = run_single(work, &accepted[i], &completed[i]);
        uint64_t begin = bench_now_ns();
        for (uint32_t k = 0; status == 0 && k < 2; k++) {
            status = commit_rows(work, 4);
        }
        bare[i] = (double)(bench_now_ns() - begin) / 1e6;
    }
    if (status != 0) {
        return status;
    }
    double yardstick = bench_median(bare, SINGLES);
    bench_print_row(&(struct bench_row){.name = "socket: one node, until its 201",
                                        .unit = "ms",
                                        .ours = bench_median(accepted, SINGLES),
                                        .yardstick = yardstick / 2,
                                        .goal = 3.0});
    bench_print_row(&(struct bench_row){.name = "socket: one node, completed, p50",
                                        .unit = "ms",
                                        .ours = bench_median(completed, SINGLES),
                                        .goal = 1.0});
    bench_print_row(&(struct bench_row){.name = "socket: one node, completed, p99",
                                        .unit = "ms",
                                        .ours = completed[SINGLES * 99 / 100],
                                        .goal = 5.0});
    bench_print_row(&(struct bench_row){.name = "socket: that p50 against two commits",
                                        .unit = "ms",
                                        .ours = bench_median(completed, SINGLES),
                                        .yardstick = yardstick,
                                        .goal = 3.0});
    return 0;
}

/* Tasks one behind the other, in an engine that is there: each is a sync, and the start is one. */
static int measure_row(struct work *work)
{
    static char text[REQUEST_BYTES / 2];
    double completed[ROWS];
    double bare[ROWS];
    double accepted = 0;
    size_t n = 0;
    int status = 0;
    for (uint32_t i = 0; i < 10; i++) {
        char behind[40] = "";
        if (i > 0) {
            (void)snprintf(behind, sizeof(behind), ", depends_on: [n%u]", i - 1);
        }
        n += (size_t)snprintf(text + n, sizeof(text) - n, "  - {id: n%u, type: hello%s}\\n", i,
                              behind);
    }
    make_request(work, text);
    for (uint32_t i = 0; status == 0 && i < ROWS; i++) {
        status = run_single(work, &accepted, &completed[i]);
        uint64_t begin = bench_now_ns();
        status = status == 0 ? commit_rows(work, 1) : status;
        bare[i] = (double)(bench_now_ns() - begin) / 1e6;
    }
    if (status == 0) {
        bench_print_row(&(struct bench_row){.name = "socket: a run of 10 tasks in a row",
                                            .unit = "ms",
                                            .ours = bench_median(completed, ROWS),
                                            .yardstick = bench_median(bare, ROWS),
                                            .goal = 18.0});
    }
    return status;
}

static int measure_wide(struct work *work)
{
    double completed[WIDE_RUNS];
    double accepted = 0;
    int status = 0;
    make_sets(work, WIDE_NODES, false);
    for (uint32_t i = 0; status == 0 && i < WIDE_RUNS; i++) {
        status = run_single(work, &accepted, &completed[i]);
    }
    if (status == 0) {
        bench_print_row(&(struct bench_row){.name = "socket: a run of 1,000 parallel nodes",
                                            .unit = "ms",
                                            .ours = bench_median(completed, WIDE_RUNS),
                                            .goal = 40.0});
    }
    return status;
}

/* ---- many at once ---- */

/* The answer of one client has come: its next request, as long as there are any. */
static int turn_over(struct work *work, struct connection *client, uint32_t *asked, uint32_t *left,
                     uint32_t runs)
{
    int status = connection_read(client);
    if (status != 1) {
        return status;
    }
    if (connection_status(client) != 201) {
        (void)fprintf(stderr, "a run was refused: %s\n", client->answer);
        return -1;
    }
    (*left)--;
    if (*asked == runs) {
        return 0;
    }
    (*asked)++;
    return connection_ask(client, work->request, work->request_size);
}

static int start_runs(struct work *work, uint32_t runs)
{
    struct pollfd polls[CLIENTS];
    uint32_t asked = 0;
    uint32_t left = runs;
    for (uint32_t i = 0; i < CLIENTS; i++) {
        polls[i] = (struct pollfd){.fd = work->clients[i].fd, .events = POLLIN};
        if (asked < runs) {
            asked++;
            if (connection_ask(&work->clients[i], work->request, work->request_size) != 0) {
                return -1;
            }
        }
    }
    while (left > 0) {
        if (poll(polls, CLIENTS, 10000) <= 0) {
            return -1;
        }
        for (uint32_t i = 0; i < CLIENTS; i++) {
            if (polls[i].revents != 0 &&
                turn_over(work, &work->clients[i], &asked, &left, runs) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

static int round_runs(void *user)
{
    struct work *work = user;
    int status = start_runs(work, work->kind->runs);
    return status == 0 ? settle(work) : status;
}

static int round_rows(void *user)
{
    struct work *work = user;
    uint32_t groups = work->kind->runs / CLIENTS * work->kind->commits;
    uint32_t rows = work->kind->rows * CLIENTS / work->kind->commits;
    int status = 0;
    for (uint32_t i = 0; status == 0 && i < groups; i++) {
        status = commit_rows(work, rows);
    }
    return status;
}

static int measure_many(struct work *work, const struct kind *kind)
{
    struct bench_times times = {0};
    char name[64];
    double us = daemon_cpu_us(&work->daemon);
    work->kind = kind;
    double completed = count_completed(work) + (double)kind->runs * (ROUNDS + 1);
    make_sets(work, kind->nodes, true);
    int status = bench_interleave(round_runs, round_rows, work, ROUNDS, &times);
    if (status != 0 || count_completed(work) < completed) {
        return -1;
    }
    bench_print_row(&(struct bench_row){.name = kind->name,
                                        .unit = "runs/s",
                                        .ours = kind->runs / times.ours_ns * 1e9,
                                        .goal = kind->goal,
                                        .is_least = true});
    us = daemon_cpu_us(&work->daemon) - us;
    (void)snprintf(name, sizeof(name), "%s, processor", kind->name);
    bench_print_row(&(struct bench_row){.name = name,
                                        .unit = "us",
                                        .ours = us / ((double)kind->runs * (ROUNDS + 1)),
                                        .goal = kind->goal_us});
    (void)snprintf(name, sizeof(name), "%s, bare", kind->name);
    bench_print_row(&(struct bench_row){.name = name,
                                        .unit = "runs/s",
                                        .ours = kind->runs / times.ours_ns * 1e9,
                                        .yardstick = kind->runs / times.yardstick_ns * 1e9,
                                        .goal = 0.2,
                                        .is_least = true});
    return 0;
}

/* ---- memory ---- */

static int measure_idle(struct work *work)
{
    int status = ask(&work->one, "/ping"); /* the transport is there now */
    bench_print_row(&(struct bench_row){.name = "socket: memory of an idle daemon",
                                        .unit = "MiB",
                                        .ours = daemon_memory_kib(&work->daemon) / 1024,
                                        .goal = 15.0});
    return status;
}

/* Each waits for a week: rows, and nothing in memory. */
static int measure_parked(struct work *work)
{
    double before = daemon_memory_kib(&work->daemon);
    make_request(work, "  - {id: rest, type: wait, config: {seconds: 604800}}\\n");
    int status = start_runs(work, PARKED);
    if (status != 0 || settle(work) != 0) {
        return -1;
    }
    bench_print_row(
        &(struct bench_row){.name = "socket: memory for a run that rests",
                            .unit = "bytes",
                            .ours = (daemon_memory_kib(&work->daemon) - before) * 1024 / PARKED,
                            .goal = 200.0});
    return 0;
}

/* How often the processor was given to one of its threads; -1: it cannot be read. */
static double count_wakes(const struct daemon *daemon)
{
    char path[64];
    char line[128];
    double wakes = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)daemon->pid);
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(line, sizeof(line), file) == NULL ||
        sscanf(line, "%*u %*u %lf", &wakes) != 1) {
        wakes = -1;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return wakes;
}

/* Each calls what is not there, and waits: for its next attempt, or for the breaker. */
static int measure_waiting(struct work *work, const char *name, const char *policies)
{
    char node[256];
    char row[96];
    double before = daemon_memory_kib(&work->daemon);
    (void)snprintf(node, sizeof(node),
                   "  - {id: call, type: http, retry: {initial_interval: 1h, jitter: none}, %s"
                   "config: {url: 'http://127.0.0.1:1/'}}\\n",
                   policies);
    make_request(work, node);
    for (uint32_t i = 0; i < PORTIONS; i++) { /* more at once than may be in memory are refused */
        if (start_runs(work, PARKED / PORTIONS) != 0 || settle(work) != 0) {
            return -1;
        }
    }
    (void)snprintf(row, sizeof(row), "socket: memory for a run that waits for %s", name);
    bench_print_row(
        &(struct bench_row){.name = row,
                            .unit = "bytes",
                            .ours = (daemon_memory_kib(&work->daemon) - before) * 1024 / PARKED,
                            .goal = 1000.0});
    double wakes = count_wakes(&work->daemon);
    (void)sleep(QUIET_SECONDS);
    (void)snprintf(row, sizeof(row), "socket: wake-ups while they wait for %s", name);
    bench_print_row(
        &(struct bench_row){.name = row,
                            .unit = "a second",
                            .ours = (count_wakes(&work->daemon) - wakes) / QUIET_SECONDS,
                            .goal = 1.0});
    return wakes < 0 ? -1 : 0;
}

/* ---- all ---- */

static int open_connections(struct work *work)
{
    int status = connection_open(&work->one, &work->daemon);
    for (uint32_t i = 0; status == 0 && i < CLIENTS; i++) {
        status = connection_open(&work->clients[i], &work->daemon);
    }
    return status;
}

int main(int argc, char **argv)
{
    static const struct kind kinds[] = {
        {"socket: one-node runs, 64 clients", 1, 6400, 5000, 150, 2, 8},
        {"socket: ten-node runs, 64 clients", 10, 1920, 1500, 300, 2, 35},
    };
    static struct work work;
    if (argc != 3 || setenv("OPSTREAM_PLUGIN_PATH", argv[2], 1) != 0) {
        (void)fprintf(stderr, "usage: bench_socket OPSTREAM PLUGIN_FOLDER\n");
        return 2;
    }
    int status = daemon_start(&work.daemon, argv[1]);
    if (status == 0) {
        status = open_bare(&work) != 0 ? -1 : open_connections(&work);
    }
    if (status == 0) {
        status = measure_idle(&work);
    }
    if (status == 0) {
        status = measure_single(&work);
    }
    if (status == 0) {
        status = measure_row(&work);
    }
    if (status == 0) {
        status = measure_wide(&work);
    }
    for (size_t i = 0; status == 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        status = measure_many(&work, &kinds[i]);
    }
    if (status == 0) {
        status = measure_parked(&work);
    }
    if (status == 0) {
        status = measure_waiting(&work, "a retry", "circuit_breaker: off, ");
    }
    if (status == 0) {
        status = measure_waiting(&work, "a breaker", "");
    }
    if (status != 0) {
        (void)fprintf(stderr, "bench_socket could not run\n");
    }
    close_bare(&work);
    daemon_stop(&work.daemon); /* ends the connections, too */
    return status == 0 ? 0 : 1;
}
