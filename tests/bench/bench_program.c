/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole processes: `opstream run` of one empty node, validate, nodes and --help, against an empty
 * program that is linked to the same libraries; and the memory of the first.
 */
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"

enum { RUNS_PER_ROUND = 20, ROUNDS = 15, WORDS = 5 };

extern char **environ;

struct work {
    const char *ours[WORDS]; /* ends with NULL */
    const char *yardstick;
    long peak_kib; /* of the last of ours */
};

/* 0 when the program ended with 0; its output goes nowhere. */
static int run_once(const char *const *argv, long *out_peak_kib)
{
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(
        &actions); /* fails only without memory, and so does spawn */
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t pid = 0;
    int status =
        posix_spawn(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    struct rusage usage = {0};
    int wstatus = 0;
    if (status != 0 || wait4(pid, &wstatus, 0, &usage) != pid) {
        (void)fprintf(stderr, "cannot run %s\n", argv[0]);
        return 1;
    }
    *out_peak_kib = usage.ru_maxrss;
    if (!WIFEXITED(wstatus) || WEXITSTATUS(wstatus) != 0) {
        (void)fprintf(stderr, "%s %s failed\n", argv[0], argv[1] != NULL ? argv[1] : "");
        return 1;
    }
    return 0;
}

static int round_ours(void *user)
{
    struct work *work = user;
    int status = 0;
    for (int i = 0; i < RUNS_PER_ROUND && status == 0; i++) {
        status = run_once(work->ours, &work->peak_kib);
    }
    return status;
}

static int round_yardstick(void *user)
{
    const struct work *work = user;
    const char *argv[] = {work->yardstick, NULL};
    long peak_kib = 0;
    int status = 0;
    for (int i = 0; i < RUNS_PER_ROUND && status == 0; i++) {
        status = run_once(argv, &peak_kib);
    }
    return status;
}

static int measure(const char *name, struct work *work, double goal)
{
    struct bench_times times;
    if (bench_interleave(round_ours, round_yardstick, work, ROUNDS, &times) != 0) {
        return 1;
    }
    bench_print_row(&(struct bench_row){.name = name,
                                        .unit = "ms",
                                        .ours = times.ours_ns / RUNS_PER_ROUND / 1e6,
                                        .yardstick = times.yardstick_ns / RUNS_PER_ROUND / 1e6,
                                        .goal = goal});
    return 0;
}

static int write_definition(char *path)
{
    static const char text[] = "name: empty\nnodes:\n  - {id: only, type: start}\n";
    int fd = mkstemps(path, 5);
    if (fd < 0) {
        return 1;
    }
    ssize_t n = write(fd, text, sizeof(text) - 1);
    (void)close(fd);
    return n == (ssize_t)sizeof(text) - 1 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fprintf(stderr, "usage: bench_program OPSTREAM EMPTY_PROGRAM\n");
        return 2;
    }
    char path[] = "/tmp/opstream-bench-XXXXXX.yaml";
    if (write_definition(path) != 0) {
        return 1;
    }
    struct work run = {.ours = {argv[1], "run", path, "--ephemeral", NULL}, .yardstick = argv[2]};
    struct work validate = {.ours = {argv[1], "validate", path, NULL}, .yardstick = argv[2]};
    struct work nodes = {.ours = {argv[1], "nodes", NULL}, .yardstick = argv[2]};
    struct work help = {.ours = {argv[1], "--help", NULL}, .yardstick = argv[2]};
    int status = measure("program: run one empty node", &run, 2.5);
    if (status == 0) {
        bench_print_row(&(struct bench_row){.name = "program: memory of that run",
                                            .unit = "MiB",
                                            .ours = (double)run.peak_kib / 1024.0,
                                            .goal = 8.0});
        status = measure("program: validate", &validate, 2.0);
    }
    if (status == 0) {
        status = measure("program: nodes", &nodes, 2.0);
    }
    if (status == 0) {
        status = measure("program: --help", &help, 2.0);
    }
    (void)unlink(path);
    return status;
}
