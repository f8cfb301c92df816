/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A small request with an empty route over the control socket: how long one takes, and how many a
 * second 64 connections get. The yardstick is a bare socket of the same kind, at whose other end a
 * thread sends the same bytes back without looking at what came.
 *
 * All threads share one processor. Else the scheduler decides, for each pair anew, whether the one
 * wakes the other on a second one, which takes ten times as long as the request.
 */

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "core/api/server.h"
#include "core/base/error.h"
#include "tests/bench/bench.h"

enum { CLIENTS = 64, ONE_BY_ONE = 4000, AT_ONCE = 40000, ROUNDS = 5 };

static const char request_text[] = "GET /ping HTTP/1.1\r\nHost: opstream\r\n\r\n";

struct work {
    char folder[64];
    char path[96];
    uv_loop_t loop;
    uv_async_t stop;
    struct api_server *server;
    int clients[CLIENTS];
    int bare[2];
    size_t answer_bytes;
    double times_ns[ONE_BY_ONE];
};

/* ---- the servers */

static void on_request(void *user, struct api_exchange *exchange, const struct api_request *request)
{
    (void)user, (void)request;
    api_respond(
        exchange,
        &(struct api_answer){.status = 200, .content_type = "application/json", .body = STR("{}")});
}

static void on_gone(void *user, struct api_exchange *exchange)
{
    (void)user, (void)exchange;
}

static void on_closed(void *user)
{
    struct work *work = user;
    uv_close((uv_handle_t *)&work->stop, NULL);
}

static void on_stop(uv_async_t *stop)
{
    struct work *work = stop->data;
    api_server_close(work->server, 0, on_closed, work);
}

static void *run_server(void *user)
{
    struct work *work = user;
    (void)uv_run(&work->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&work->loop);
    return NULL;
}

static void *run_bare(void *user)
{
    struct work *work = user;
    static char bytes[4096];
    while (recv(work->bare[1], bytes, sizeof bytes, 0) > 0) {
        (void)send(work->bare[1], bytes, work->answer_bytes, MSG_NOSIGNAL);
    }
    return NULL;
}

static int open_server(struct work *work)
{
    const struct api_server_options options = {
        .loop = &work->loop,
        .socket_path = work->path,
        .handlers = {.on_request = on_request, .on_gone = on_gone},
    };
    struct error err = {0};
    if (uv_loop_init(&work->loop) != 0 || uv_async_init(&work->loop, &work->stop, on_stop) != 0) {
        return 1;
    }
    work->stop.data = work;
    if (api_server_open(&options, &work->server, &err) != 0) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    return 0;
}

/* ---- the clients */

static int connect_one(const struct work *work)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, work->path, strlen(work->path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ? fd : -1;
}

/* Reads one answer; its length, or 0 when there is none. */
static size_t read_answer(int fd)
{
    char bytes[4096];
    size_t n = 0;
    while (n < 2 || memcmp(bytes + n - 2, "{}", 2) != 0) {
        ssize_t got = recv(fd, bytes + n, sizeof bytes - n, 0);
        if (got <= 0) {
            return 0;
        }
        n += (size_t)got;
    }
    return n;
}

static int ask(int fd)
{
    size_t n = sizeof request_text - 1;
    return send(fd, request_text, n, MSG_NOSIGNAL) == (ssize_t)n ? 0 : 1;
}

static int round_ours(void *user)
{
    struct work *work = user;
    for (size_t i = 0; i < ONE_BY_ONE; i++) {
        uint64_t start_ns = bench_now_ns();
        if (ask(work->clients[0]) != 0 || read_answer(work->clients[0]) == 0) {
            return 1;
        }
        work->times_ns[i] = (double)(bench_now_ns() - start_ns);
    }
    return 0;
}

static int round_bare(void *user)
{
    struct work *work = user;
    char bytes[4096];
    for (size_t i = 0; i < ONE_BY_ONE; i++) {
        ssize_t got = ask(work->bare[0]) == 0 ? recv(work->bare[0], bytes, sizeof bytes, 0) : 0;
        if (got <= 0) {
            return 1;
        }
    }
    return 0;
}

static int round_at_once(struct work *work, double *out_ns)
{
    struct pollfd waiting[CLIENTS];
    size_t asked = 0;
    size_t answered = 0;
    uint64_t start_ns = bench_now_ns();
    for (size_t i = 0; i < CLIENTS; i++, asked++) {
        waiting[i] = (struct pollfd){.fd = work->clients[i], .events = POLLIN};
        if (ask(work->clients[i]) != 0) {
            return 1;
        }
    }
    while (answered < asked) {
        if (poll(waiting, CLIENTS, 10000) <= 0) {
            return 1;
        }
        for (size_t i = 0; i < CLIENTS; i++) {
            if (waiting[i].revents == 0) {
                continue;
            }
            if (read_answer(waiting[i].fd) == 0) {
                return 1;
            }
            answered++;
            if (asked < AT_ONCE) {
                asked++;
                if (ask(waiting[i].fd) != 0) {
                    return 1;
                }
            }
        }
    }
    *out_ns = (double)(bench_now_ns() - start_ns);
    return 0;
}

static int measure(struct work *work)
{
    struct bench_times times;
    double at_once_ns = 0;
    if (bench_interleave(round_ours, round_bare, work, ROUNDS, &times) != 0 ||
        round_at_once(work, &at_once_ns) != 0) {
        return 1;
    }

    qsort(work->times_ns, ONE_BY_ONE, sizeof work->times_ns[0], bench_compare_double);
    bench_print_row(&(struct bench_row){.name = "api: a small request, mean",
                                        .unit = "us",
                                        .ours = times.ours_ns / ONE_BY_ONE / 1e3,
                                        .yardstick = times.yardstick_ns / ONE_BY_ONE / 1e3,
                                        .goal = 4.0});
    bench_print_row(&(struct bench_row){.name = "api: a small request, p50",
                                        .unit = "us",
                                        .ours = work->times_ns[ONE_BY_ONE / 2] / 1e3,
                                        .goal = 200.0});
    bench_print_row(&(struct bench_row){.name = "api: a small request, p99",
                                        .unit = "us",
                                        .ours = work->times_ns[ONE_BY_ONE * 99 / 100] / 1e3,
                                        .goal = 1000.0});
    bench_print_row(&(struct bench_row){.name = "api: requests of 64 connections",
                                        .unit = "1/s",
                                        .ours = AT_ONCE / (at_once_ns / 1e9),
                                        .goal = 20000.0,
                                        .is_least = true});
    return 0;
}

static int run(struct work *work)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        work->clients[i] = connect_one(work);
        if (work->clients[i] < 0 || ask(work->clients[i]) != 0) {
            return 1;
        }
        work->answer_bytes = read_answer(work->clients[i]);
    }

    pthread_t bare;
    if (work->answer_bytes == 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, work->bare) != 0 ||
        pthread_create(&bare, NULL, run_bare, work) != 0) {
        return 1;
    }
    int status = measure(work);
    (void)close(work->bare[0]); /* which ends the thread */
    (void)pthread_join(bare, NULL);
    (void)close(work->bare[1]);
    for (size_t i = 0; i < CLIENTS; i++) {
        (void)close(work->clients[i]);
    }
    return status;
}

static int stay_on_one_processor(void)
{
    cpu_set_t one;
    int here = sched_getcpu();
    CPU_ZERO(&one);
    CPU_SET(here >= 0 ? (size_t)here : 0, &one);
    return sched_setaffinity(0, sizeof one, &one);
}

int main(void)
{
    static struct work work;
    (void)signal(SIGPIPE, SIG_IGN);
    if (stay_on_one_processor() != 0) {
        return 1;
    }
    (void)snprintf(work.folder, sizeof work.folder, "/tmp/opstream-bench-XXXXXX");
    if (mkdtemp(work.folder) == NULL) {
        return 1;
    }
    (void)snprintf(work.path, sizeof work.path, "%s/control.sock", work.folder);

    pthread_t server;
    if (open_server(&work) != 0 || pthread_create(&server, NULL, run_server, &work) != 0) {
        return 1;
    }
    int status = run(&work);
    (void)uv_async_send(&work.stop);
    (void)pthread_join(server, NULL);
    (void)rmdir(work.folder);
    return status;
}
