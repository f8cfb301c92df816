/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long `opstream serve` takes until it answers when 100,000 live runs are in its state that
 * nobody has parked, and how much memory it has needed by then.
 */
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"

enum { TRIES = 2000, WORDS = 8, PATH_BYTES = 80 };

#define RUNS "100000"

extern char **environ;

struct work {
    const char *program;
    char folder[40];
    char state[PATH_BYTES];
    char socket_path[PATH_BYTES + 16];
};

static void rest(void)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

static int spawn(const char *const *argv, pid_t *out_pid)
{
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions); /* fails without memory, and so does spawn */
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int status =
        posix_spawn(out_pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    return status;
}

/* Nobody listened before; -1: it did not come. */
static int wait_for_socket(const struct work *work)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", work->socket_path);
    for (int i = 0; i < TRIES; i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) {
            return fd;
        }
        (void)close(fd); /* nothing was written */
        rest();
    }
    return -1;
}

/* One run that waits for its event and is not parked; its copies are made by make_runs. */
static int fill(const struct work *work, const char *make_runs, const char *definition)
{
    const char *run[] = {work->program, "run", definition, "--state", work->state, NULL};
    const char *make[] = {make_runs, work->state, RUNS, NULL};
    pid_t pid = 0;
    int wstatus = 0;
    if (spawn(run, &pid) != 0) {
        return 1;
    }
    int fd = wait_for_socket(work);
    for (int i = 0; i < 100; i++) {
        rest(); /* it listens before it starts its own */
    }
    (void)close(fd); /* nothing was written */
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, &wstatus, 0);
    (void)unlink(work->socket_path);
    bool is_made = fd >= 0 && spawn(make, &pid) == 0 && waitpid(pid, &wstatus, 0) == pid;
    return is_made && wstatus == 0 ? 0 : 1;
}

static double peak_mib(pid_t pid)
{
    char path[PATH_BYTES];
    char line[PATH_BYTES];
    double kib = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0) {
            kib = strtod(line + 6, NULL);
        }
    }
    if (file != NULL) {
        (void)fclose(file); /* it was read */
    }
    return kib / 1024.0;
}

static int measure(const struct work *work)
{
    static const char request[] = "GET /api/v1/jobs?limit=1 HTTP/1.1\r\nHost: x\r\n\r\n";
    const char *serve[] = {work->program, "serve", "--state", work->state, NULL};
    char answer[16];
    pid_t pid = 0;
    uint64_t begin = bench_now_ns();
    if (spawn(serve, &pid) != 0) {
        return 1;
    }
    int fd = wait_for_socket(work);
    bool is_answered = fd >= 0 && send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) > 0 &&
                       recv(fd, answer, sizeof(answer), 0) > 0;
    double seconds = (double)(bench_now_ns() - begin) / 1e9;
    double mib = peak_mib(pid);
    (void)close(fd); /* its answer is of no interest */
    (void)kill(pid, SIGTERM);
    (void)waitpid(pid, NULL, 0); /* ours, and not waited for before */
    bench_print_row(&(struct bench_row){
        .name = "recovery: 100,000 live runs", .unit = "s", .ours = seconds, .goal = 10.0});
    bench_print_row(&(struct bench_row){
        .name = "recovery: memory for that", .unit = "MiB", .ours = mib, .goal = 64.0});
    return is_answered ? 0 : 1;
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
    if (argc != 4) {
        (void)fprintf(stderr, "usage: bench_recovery OPSTREAM MAKE_RUNS HOLD_DEFINITION\n");
        return 2;
    }
    struct work work = {.program = argv[1], .folder = "/tmp/opstream-bench-XXXXXX"};
    if (mkdtemp(work.folder) == NULL) {
        perror("cannot make a folder");
        return 1;
    }
    (void)snprintf(work.state, sizeof(work.state), "%s/state", work.folder);
    (void)snprintf(work.socket_path, sizeof(work.socket_path), "%s/control.sock", work.state);
    int status = fill(&work, argv[2], argv[3]);
    status = status == 0 ? measure(&work) : status;
    if (status != 0) {
        (void)fprintf(stderr, "bench_recovery: the state could not be made or recovered\n");
    }
    (void)nftw(work.folder, remove_one, 8, FTW_DEPTH | FTW_PHYS); /* what is left is in /tmp */
    return status;
}
