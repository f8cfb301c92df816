/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs to wait: the memory of a run of which 100,000 items wait for their next attempt, or
 * for a breaker, against one of which 100 do, and how often it wakes up meanwhile. The service is
 * an address of the own machine where nobody listens.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"

enum {
    FEW = 100,
    MANY = 100000,
    LOOK_MS = 200,
    QUIET_LOOKS = 10, /* without work it waits */
    MOST_LOOKS = 900,
    COUNT_MS = 2000,
    PATH_BYTES = 64,
};

extern char **environ;

struct work {
    const char *program;
    const char *policies;
    uint16_t port;
};

/* Of a process that waits. */
struct figures {
    double mb;
    double wakes; /* within COUNT_MS */
};

static void sleep_ms(int ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    while (nanosleep(&left, &left) != 0) {
    }
}

/* A port that was free: nobody listens there. */
static uint16_t find_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_bound = fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 &&
                    getsockname(fd, (struct sockaddr *)&address, &size) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return is_bound ? ntohs(address.sin_port) : 0;
}

/* ---- what the kernel says of a process ---- */

/* The number behind `name` in /proc/PID/status; negative: there is none. */
static double read_status(pid_t pid, const char *name)
{
    char path[PATH_BYTES];
    char line[256];
    double found = -1;
    (void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && found < 0 && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            found = strtod(line + strlen(name), NULL);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return found;
}

/* Ticks of the processor so far; negative: it is gone. */
static double read_ticks(pid_t pid)
{
    char path[PATH_BYTES];
    unsigned long user = 0;
    unsigned long kernel = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    int found = file != NULL ? fscanf(file,
                                      "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u"
                                      " %lu %lu",
                                      &user, &kernel)
                             : 0;
    if (file != NULL) {
        (void)fclose(file);
    }
    return found == 2 ? (double)user + (double)kernel : -1;
}

/* False: it ended, or worked on for ever. */
static bool await_quiet(pid_t pid)
{
    double before = -1;
    int quiet = 0;
    for (int i = 0; i < MOST_LOOKS && quiet < QUIET_LOOKS; i++) {
        sleep_ms(LOOK_MS);
        double ticks = read_ticks(pid);
        if (ticks < 0 || waitpid(pid, NULL, WNOHANG) != 0) {
            return false;
        }
        quiet = ticks - before < 1 ? quiet + 1 : 0;
        before = ticks;
    }
    return quiet == QUIET_LOOKS;
}

/* ---- one run ---- */

static int start(const struct work *work, const char *path, pid_t *out_pid)
{
    const char *argv[] = {work->program, "run", path, "-q", "--ephemeral", NULL};
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions); /* fails without memory, and so does spawn */
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    int status = posix_spawn(out_pid, work->program, &actions, NULL, (char *const *)(uintptr_t)argv,
                             environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    return status;
}

static int look_at(const struct work *work, const char *path, struct figures *out)
{
    pid_t pid = 0;
    if (start(work, path, &pid) != 0) {
        return -1;
    }
    bool is_waiting = await_quiet(pid);
    if (is_waiting) {
        double before = read_status(pid, "voluntary_ctxt_switches:");
        sleep_ms(COUNT_MS);
        out->wakes = read_status(pid, "voluntary_ctxt_switches:") - before;
        out->mb = read_status(pid, "VmRSS:") / 1000;
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
    }
    return is_waiting ? 0 : -1;
}

static int look(const struct work *work, int items, struct figures *out)
{
    char path[] = "/tmp/opstream-bench-XXXXXX.yaml";
    int fd = mkstemps(path, 5);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file == NULL) {
        return -1;
    }
    (void)fprintf(file,
                  "id: waiting\nnodes:\n  - {id: each, type: http, for_each: range(%d),"
                  " batch_size: 1, parallel_workers: %d, collect: count, max_failures: 100%%,"
                  " %s, config: {url: \"http://127.0.0.1:%u/\"}}\n",
                  items, items, work->policies, work->port);
    int status = fclose(file) == 0 ? look_at(work, path, out) : -1;
    (void)unlink(path);
    return status;
}

static int measure(struct work *work, const char *what, const char *policies)
{
    struct figures few = {0};
    struct figures many = {0};
    char name[PATH_BYTES];
    work->policies = policies;
    if (look(work, FEW, &few) != 0 || look(work, MANY, &many) != 0) {
        return -1;
    }
    (void)snprintf(name, sizeof(name), "waiting: 100,000 items for %s", what);
    bench_print_row(
        &(struct bench_row){.name = name, .unit = "MB", .ours = many.mb - few.mb, .goal = 100});
    (void)snprintf(name, sizeof(name), "waiting: for %s, wake-ups in 2 s", what);
    bench_print_row(
        &(struct bench_row){.name = name, .unit = "times", .ours = many.wakes, .goal = 2});
    return 0;
}

int main(int argc, char **argv)
{
    struct work work = {.port = find_port()};
    if (argc != 2) {
        (void)fprintf(stderr, "usage: bench_waiting OPSTREAM\n");
        return 2;
    }
    work.program = argv[1];
    int status = work.port > 0 ? 0 : -1;
    if (status == 0) {
        status = measure(&work, "a retry",
                         "circuit_breaker: off, retry: {max_attempts: 2, initial_interval: 1h,"
                         " max_interval: 1h, jitter: none}");
    }
    if (status == 0) {
        status = measure(&work, "a breaker",
                         "circuit_breaker: {failure_threshold: 5, reset_timeout: 1h}, retry: off");
    }
    if (status != 0) {
        (void)fprintf(stderr, "bench_waiting could not run\n");
    }
    return status == 0 ? 0 : 1;
}
