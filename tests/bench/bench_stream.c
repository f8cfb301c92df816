/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loop over a stream, through the whole program: items/s, and the memory of 1,000,000 items
 * against that of 10,000.
 */
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"

enum { ROUNDS = 3, MANY = 1000000, WORDS = 8 };

extern char **environ;

struct work {
    const char *program;
    const char *path;
    double peak_kib[2][ROUNDS + 1]; /* of the many, of the few */
    size_t rounds;
    double many_cpu_s; /* of the last */
};

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static int run_once(const struct work *work, const char *count, struct rusage *out_usage)
{
    const char *argv[WORDS] = {work->program, "run", work->path, "-q",
                               "--ephemeral", "-i",  count,      NULL};
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(
        &actions); /* fails only without memory, and so does spawn */
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t pid = 0;
    int wstatus = 0;
    int status =
        posix_spawn(&pid, work->program, &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (status != 0 || wait4(pid, &wstatus, 0, out_usage) != pid || !WIFEXITED(wstatus) ||
        WEXITSTATUS(wstatus) != 0) {
        (void)fprintf(stderr, "cannot run the stream of %s\n", count);
        return 1;
    }
    return 0;
}

static int round_many(void *user)
{
    struct work *work = user;
    struct rusage usage = {0};
    int status = run_once(work, "n=1000000", &usage);
    work->peak_kib[0][work->rounds] = (double)usage.ru_maxrss;
    work->many_cpu_s = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    return status;
}

static int round_few(void *user)
{
    struct work *work = user;
    struct rusage usage = {0};
    int status = run_once(work, "n=10000", &usage);
    work->peak_kib[1][work->rounds++] = (double)usage.ru_maxrss;
    return status;
}

static int write_definition(char *path)
{
    static const char text[] = "name: stream\n"
                               "input: {type: object, required: [n]}\n"
                               "scaling: {batch_size: 100, parallel_workers: 10}\n"
                               "nodes:\n"
                               "  - {id: all, type: count, config: {to: '{{ input.n }}'}}\n"
                               "  - id: each\n"
                               "    for_each: all.stream\n"
                               "    collect: count\n"
                               "    max_iterations: 1000000\n"
                               "    nodes: [{id: one, type: set, config: {n: '{{ item }}'}}]\n";
    int fd = mkstemps(path, 5);
    if (fd < 0) {
        return 1;
    }
    ssize_t n = write(fd, text, sizeof(text) - 1);
    (void)close(fd);
    return n == (ssize_t)sizeof(text) - 1 ? 0 : 1;
}

static void print_rows(struct work *work, const struct bench_times *times)
{
    bench_print_row(&(struct bench_row){.name = "stream: 1,000,000 items through a set",
                                        .unit = "items/s",
                                        .ours = MANY / times->ours_ns * 1e9,
                                        .goal = 300000,
                                        .is_least = true});
    bench_print_row(&(struct bench_row){.name = "stream: the same by its CPU time",
                                        .unit = "items/s",
                                        .ours = MANY / work->many_cpu_s,
                                        .goal = 300000,
                                        .is_least = true});
    bench_print_row(&(struct bench_row){.name = "stream: memory as for 10,000 items",
                                        .unit = "KiB",
                                        .ours = bench_median(work->peak_kib[0], work->rounds),
                                        .yardstick = bench_median(work->peak_kib[1], work->rounds),
                                        .goal = 1.05});
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fprintf(stderr, "usage: bench_stream OPSTREAM PLUGIN_FOLDER\n");
        return 2;
    }
    char path[] = "/tmp/opstream-bench-XXXXXX.yaml";
    struct work work = {.program = argv[1], .path = path};
    struct bench_times times;
    if (setenv("OPSTREAM_PLUGIN_PATH", argv[2], 1) != 0 || write_definition(path) != 0) {
        return 1;
    }
    int status = bench_interleave(round_many, round_few, &work, ROUNDS, &times);
    if (status == 0) {
        print_rows(&work, &times);
    }
    (void)unlink(path);
    return status;
}
