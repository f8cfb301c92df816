/* SPDX-License-Identifier: Apache-2.0 */

/*
 * 1,000 GETs of a server that answers after 5 ms, 10 and 100 at a time, through net and through a
 * bare libcurl multi loop. Both begin without connections and end with none; each must have opened
 * as many as calls were under way at a time. Then the same by the whole program, as 1,000 http
 * nodes: there the server takes the time, from its first request to its last.
 */

#include <curl/curl.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "core/net/net.h"
#include "tests/bench/bench.h"
#include "tests/support/http_server.h"

extern char **environ;

enum { REQUESTS = 1000, ROUNDS = 7, DELAY_MS = 5 };

struct work {
    struct http_server *server;
    char url[128];
    long concurrency;
    uint64_t connections; /* of the last round */
    const char *program;  /* opstream, or NULL: only net is measured */
    /* of our round */
    struct net *net;
    long sent;
    long answered;
    long failed;
};

/* ---- ours ---- */

static int send_one(struct work *work);

static void on_done(void *user, const struct net_response *response,
                    const struct net_failure *failure)
{
    struct work *work = user;
    work->answered++;
    if (failure != NULL || response->status != 200) {
        work->failed++;
    }
    if (work->sent < REQUESTS && send_one(work) != 0) {
        work->failed++;
    }
}

static int send_one(struct work *work)
{
    const struct net_request request = {.url = str_from(work->url), .done = on_done, .user = work};
    work->sent++;
    return net_send(work->net, &request, NULL, NULL);
}

static void on_closed(void *user)
{
    (void)user;
}

static int run_ours(void *user)
{
    struct work *work = user;
    uv_loop_t loop;
    work->sent = work->answered = work->failed = 0;
    http_server_reset_counts(work->server);
    if (uv_loop_init(&loop) != 0 || net_create(&loop, NULL, &work->net, NULL) != 0) {
        return 1;
    }
    for (long i = 0; i < work->concurrency; i++) {
        if (send_one(work) != 0) {
            return 1;
        }
    }
    while (work->answered < REQUESTS && uv_run(&loop, UV_RUN_ONCE) != 0) {
    }
    work->connections = http_server_connection_count(work->server);
    net_close(work->net, on_closed, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT); /* until nothing is left */
    return uv_loop_close(&loop) != 0 || work->failed > 0 || work->answered != REQUESTS;
}

/* ---- the yardstick ---- */

static size_t discard(char *bytes, size_t size, size_t count, void *user)
{
    (void)bytes, (void)user;
    return size * count;
}

static CURL *make_easy(const struct work *work)
{
    CURL *easy = curl_easy_init();
    if (easy != NULL) {
        (void)curl_easy_setopt(easy, CURLOPT_URL, work->url);
        (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
        (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    }
    return easy;
}

/* Takes what is over; adds it again while requests are left. */
static void turn_over(CURLM *multi, struct work *work)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(multi, &left)) != NULL) {
        CURL *easy = message->easy_handle;
        work->answered++;
        work->failed += message->data.result != CURLE_OK;
        (void)curl_multi_remove_handle(multi, easy);
        if (work->sent < REQUESTS) {
            work->sent++;
            (void)curl_multi_add_handle(multi, easy);
        }
    }
}

static int run_yardstick(void *user)
{
    struct work *work = user;
    CURLM *multi = curl_multi_init();
    CURL *easies[REQUESTS];
    work->sent = work->answered = work->failed = 0;
    for (long i = 0; i < work->concurrency; i++) {
        easies[i] = make_easy(work);
        if (multi == NULL || easies[i] == NULL) {
            return 1;
        }
        work->sent++;
        (void)curl_multi_add_handle(multi, easies[i]);
    }
    int running = 1;
    while (work->answered < REQUESTS) {
        if (curl_multi_perform(multi, &running) != CURLM_OK) {
            return 1;
        }
        turn_over(multi, work);
        if (work->answered < REQUESTS && curl_multi_poll(multi, NULL, 0, 1000, NULL) != CURLM_OK) {
            return 1;
        }
    }
    for (long i = 0; i < work->concurrency; i++) {
        (void)curl_multi_remove_handle(multi, easies[i]);
        curl_easy_cleanup(easies[i]);
    }
    return curl_multi_cleanup(multi) != CURLM_OK || work->failed > 0;
}

/* ---- the whole program ---- */

static int write_pipeline(const struct work *work, char *path)
{
    int fd = mkstemps(path, 5);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (file == NULL) {
        return 1;
    }
    (void)fprintf(file, "name: fan out\nintegrations: {http: {max_concurrency: %ld}}\nnodes:\n",
                  work->concurrency);
    for (int i = 0; i < REQUESTS; i++) {
        (void)fprintf(file, "  - {id: n%d, type: http, config: {url: '%s'}}\n", i, work->url);
    }
    (void)fprintf(file, "output: {}\n");
    return fclose(file);
}

static int run_program(const struct work *work, const char *path, double *out_ns)
{
    const char *argv[] = {work->program, "run", "--quiet", "--ephemeral", path, NULL};
    pid_t pid = 0;
    int wstatus = 0;
    posix_spawn_file_actions_t actions;
    http_server_reset_counts(work->server);
    (void)posix_spawn_file_actions_init(&actions); /* without memory the spawn fails, too */
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    int status =
        posix_spawn(&pid, work->program, &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (status != 0 || waitpid(pid, &wstatus, 0) != pid || wstatus != 0 ||
        http_server_request_count(work->server) != REQUESTS) {
        (void)fprintf(stderr, "bench_http: %s failed\n", work->program);
        return 1;
    }
    *out_ns = (double)http_server_span_ns(work->server);
    return 0;
}

static int measure_program(struct work *work)
{
    char path[] = "/tmp/opstream-bench-XXXXXX.yaml";
    double ours[ROUNDS];
    double yardstick[ROUNDS];
    int status = write_pipeline(work, path);
    for (int i = 0; status == 0 && i < ROUNDS; i++) {
        status = run_program(work, path, &ours[i]);
        http_server_reset_counts(work->server);
        if (status == 0) {
            status = run_yardstick(work);
            yardstick[i] = (double)http_server_span_ns(work->server);
        }
    }
    (void)unlink(path);
    if (status != 0) {
        return 1;
    }
    char name[64];
    (void)snprintf(name, sizeof name, "http: %d nodes, %ld at a time", REQUESTS, work->concurrency);
    bench_print_row(&(struct bench_row){.name = name,
                                        .unit = "ms",
                                        .ours = bench_median(ours, ROUNDS) / 1e6,
                                        .yardstick = bench_median(yardstick, ROUNDS) / 1e6,
                                        .goal = 1.2});
    return 0;
}

static int measure(struct work *work, long concurrency)
{
    struct bench_times times;
    char name[64];
    work->concurrency = concurrency;
    if (bench_interleave(run_ours, run_yardstick, work, ROUNDS, &times) != 0 ||
        run_ours(work) != 0) {
        (void)fprintf(stderr, "bench_http: a request failed\n");
        return 1;
    }

    (void)snprintf(name, sizeof name, "http: %d GETs, %ld at a time", REQUESTS, concurrency);
    bench_print_row(&(struct bench_row){.name = name,
                                        .unit = "ms",
                                        .ours = times.ours_ns / 1e6,
                                        .yardstick = times.yardstick_ns / 1e6,
                                        .goal = 1.2});
    (void)snprintf(name, sizeof name, "http: connections, %ld at a time", concurrency);
    bench_print_row(&(struct bench_row){.name = name,
                                        .unit = "",
                                        .ours = (double)work->connections,
                                        .yardstick = (double)concurrency,
                                        .goal = 1.0});
    return work->program != NULL ? measure_program(work) : 0;
}

int main(int argc, char **argv)
{
    struct work work = {.program = argc > 1 ? argv[1] : NULL};
    (void)signal(SIGPIPE, SIG_IGN);
    work.server = http_server_start(NULL);
    if (work.server == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return 1;
    }

    (void)snprintf(work.url, sizeof work.url, "%s/delay/%d", http_server_url(work.server),
                   DELAY_MS);
    int status = measure(&work, 10);
    if (status == 0) {
        status = measure(&work, 100);
    }
    http_server_stop(work.server);
    return status;
}
