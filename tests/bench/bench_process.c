/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1,000 processes, 2 at a time: nodes of type `code` in bash through the real host and plugin,
 * against a bare loop of posix_spawn with the same interpreter, script, input and pipes.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "core/base/error.h"
#include "core/host/host.h"
#include "core/model/catalogue.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/bench/bench.h"

enum { PROCESSES = 1000, AT_ONCE = 2, STREAMS = 2 };

static const char config_text[] =
    "{\"language\":\"bash\",\"code\":\"echo $n\",\"input_mapping\":{\"n\":1}}";

struct bench {
    uv_loop_t loop;
    struct host *host;
    const struct node_type *type;
    struct document *config;
    int started;
    int ended;
    int failed;
    bool is_closed;
};

/* ==== Ours ==== */

static void start_next(struct bench *bench)
{
    if (bench->started == PROCESSES) {
        return;
    }
    struct host_task_spec spec = {
        .type = bench->type,
        .settings = document_empty_map(),
        .config = bench->config,
        .attempt = 1,
        .token = (uint64_t)bench->started++,
    };
    host_task task = 0;
    struct error err = {0};
    if (host_task_start(bench->host, &spec, &task, &err) != 0) {
        fprintf(stderr, "bench_process: %s\n", err.message);
        bench->failed++;
        bench->ended++;
    }
}

static void on_done(void *user, uint64_t token, struct str port, const struct document *output)
{
    (void)token;
    (void)port;
    (void)output;
    struct bench *bench = user;
    bench->ended++;
    start_next(bench);
}

static void on_failed(void *user, uint64_t token, const struct document *error)
{
    (void)error;
    ((struct bench *)user)->failed++;
    on_done(user, token, str_make(NULL, 0), NULL);
}

static void on_progress(void *user, uint64_t token, double fraction, struct str note)
{
    (void)user;
    (void)token;
    (void)fraction;
    (void)note;
}

static void on_item(void *user, uint64_t token, const struct document *item)
{
    (void)user;
    (void)token;
    (void)item;
}

static void on_log(void *user, uint64_t token, int level, struct str line)
{
    (void)user;
    (void)token;
    (void)level;
    (void)line;
}

static int round_ours(void *user)
{
    struct bench *bench = user;
    bench->started = 0;
    bench->ended = 0;
    for (int i = 0; i < AT_ONCE; i++) {
        start_next(bench);
    }
    while (bench->ended < PROCESSES) {
        (void)uv_run(&bench->loop, UV_RUN_ONCE);
    }
    return bench->failed;
}

/* ==== The yardstick ==== */

struct child {
    pid_t pid;
    int streams[STREAMS];
};

static int child_start(struct child *child)
{
    char *argv[] = {(char[]){"/bin/bash"}, (char[]){"-c"}, (char[]){"echo $n"}, NULL};
    int pipes[STREAMS + 1][2];
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0) {
        return 1;
    }
    for (int i = 0; i <= STREAMS; i++) {
        if (pipe2(pipes[i], O_CLOEXEC) != 0 ||
            posix_spawn_file_actions_adddup2(&actions, pipes[i][i == 0 ? 0 : 1], i) != 0) {
            return 1;
        }
    }
    int status = posix_spawn(&child->pid, argv[0], &actions, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    bool is_fed = write(pipes[0][1], "{\"n\":1}\n", 8) == 8;
    (void)close(pipes[0][0]);
    (void)close(pipes[0][1]);
    for (int i = 0; i < STREAMS; i++) {
        (void)close(pipes[i + 1][1]);
        child->streams[i] = pipes[i + 1][0];
    }
    return status != 0 || !is_fed;
}

static bool child_is_over(const struct child *child)
{
    return child->streams[0] < 0 && child->streams[1] < 0;
}

static void child_read(int *stream)
{
    char buffer[4096];
    if (read(*stream, buffer, sizeof(buffer)) <= 0) {
        (void)close(*stream);
        *stream = -1;
    }
}

static int children_turn(struct child *children)
{
    struct pollfd fds[AT_ONCE * STREAMS];
    for (int i = 0; i < AT_ONCE * STREAMS; i++) {
        fds[i] =
            (struct pollfd){.fd = children[i / STREAMS].streams[i % STREAMS], .events = POLLIN};
    }
    if (poll(fds, AT_ONCE * STREAMS, -1) < 0 && errno != EINTR) {
        return 1;
    }
    for (int i = 0; i < AT_ONCE * STREAMS; i++) {
        if (fds[i].revents != 0) {
            child_read(&children[i / STREAMS].streams[i % STREAMS]);
        }
    }
    return 0;
}

static int round_yardstick(void *user)
{
    (void)user;
    struct child children[AT_ONCE] = {0};
    int started = 0;
    int ended = 0;
    int status = 0;
    for (; started < AT_ONCE; started++) {
        status |= child_start(&children[started]);
    }
    while (ended < PROCESSES && status == 0) {
        status = children_turn(children);
        for (int i = 0; i < AT_ONCE && status == 0; i++) {
            if (children[i].pid == 0 || !child_is_over(&children[i])) {
                continue;
            }
            (void)waitpid(children[i].pid, NULL, 0);
            children[i].pid = 0;
            ended++;
            if (started < PROCESSES) {
                started++;
                status = child_start(&children[i]);
            }
        }
    }
    return status;
}

/* ==== All ==== */

static void on_closed(void *user)
{
    ((struct bench *)user)->is_closed = true;
}

static int open_host(struct bench *bench)
{
    const char *folder = PLUGIN_DIR;
    struct error err = {0};
    struct host_options options = {
        .loop = &bench->loop,
        .folders = &folder,
        .folder_count = 1,
        .events = {bench, on_done, on_failed, on_progress, on_item, on_log},
    };
    int status = uv_loop_init(&bench->loop);
    if (status == 0) {
        status = host_open(&options, &bench->host, &err);
    }
    if (status == 0) {
        const struct catalogue *catalogue = host_catalogue(bench->host);
        bench->type = catalogue->find_type(catalogue->user, STR("code"), &err);
        status = bench->type != NULL ? json_read(str_from(config_text), NULL, &bench->config, &err)
                                     : err.code;
    }
    if (status != 0) {
        fprintf(stderr, "bench_process: %s\n", err.message);
    }
    return status;
}

static void close_host(struct bench *bench)
{
    host_close(bench->host, on_closed, bench);
    while (!bench->is_closed) {
        (void)uv_run(&bench->loop, UV_RUN_ONCE);
    }
    (void)uv_run(&bench->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&bench->loop);
    document_unref(bench->config);
}

int main(void)
{
    static struct bench bench;
    struct bench_times times;
    if (setenv("n", "1", 1) != 0 || open_host(&bench) != 0 ||
        bench_interleave(round_ours, round_yardstick, &bench, 5, &times) != 0) {
        return 1;
    }
    bench_print_row(&(struct bench_row){
        .name = "1,000 bash nodes, 2 at a time",
        .unit = "ms",
        .ours = times.ours_ns / 1e6,
        .yardstick = times.yardstick_ns / 1e6,
        .goal = 1.3,
    });
    close_host(&bench);
    return 0;
}
