/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { START_TRIES = 1000, PATH_BYTES = 128 };

extern char **environ;

/* ---- the process ---- */

static int spawn(struct daemon *daemon, const char *program)
{
    const char *argv[] = {program, "serve", "--state", daemon->folder, NULL};
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions); /* fails without memory, and so does spawn */
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int status =
        posix_spawn(&daemon->pid, program, &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    return status;
}

static void rest(void)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

int daemon_start(struct daemon *daemon, const char *program)
{
    (void)snprintf(daemon->parent, sizeof(daemon->parent), "/tmp/opstream-bench-XXXXXX");
    if (mkdtemp(daemon->parent) == NULL) {
        perror("cannot make a state folder");
        return -1;
    }
    (void)snprintf(daemon->folder, sizeof(daemon->folder), "%s/state", daemon->parent);
    int status = spawn(daemon, program);
    char socket_path[PATH_BYTES];
    (void)snprintf(socket_path, sizeof(socket_path), "%s/control.sock", daemon->folder);
    for (int i = 0; status == 0 && i < START_TRIES; i++) {
        if (access(socket_path, F_OK) == 0) {
            return 0;
        }
        rest();
    }
    (void)fprintf(stderr, "'%s serve' does not listen\n", program);
    return -1;
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *place)
{
    (void)status;
    (void)flag;
    (void)place;
    return remove(path);
}

void daemon_stop(struct daemon *daemon)
{
    if (daemon->pid > 0) {
        (void)kill(daemon->pid, SIGTERM);
        (void)waitpid(daemon->pid, NULL, 0); /* ours, and not waited for before */
        daemon->pid = 0;
    }
    (void)nftw(daemon->parent, remove_one, 8, FTW_DEPTH | FTW_PHYS); /* what is left is in /tmp */
}

double daemon_memory_kib(const struct daemon *daemon)
{
    char path[PATH_BYTES];
    char line[PATH_BYTES];
    double kib = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)daemon->pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            kib = strtod(line + 6, NULL);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return kib;
}

double daemon_cpu_us(const struct daemon *daemon)
{
    clockid_t clock = 0;
    struct timespec used = {0};
    if (clock_getcpuclockid(daemon->pid, &clock) != 0 || clock_gettime(clock, &used) != 0) {
        return 0;
    }
    return (double)used.tv_sec * 1e6 + (double)used.tv_nsec / 1e3;
}

/* ---- connections ---- */

int connection_open(struct connection *connection, const struct daemon *daemon)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/control.sock", daemon->folder);
    connection->n = 0;
    connection->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 ||
        connect(connection->fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        perror("cannot connect to the daemon");
        return -1;
    }
    return 0;
}

int connection_ask(struct connection *connection, const char *request, size_t n)
{
    connection->n = 0;
    while (n > 0) {
        ssize_t sent = send(connection->fd, request, n, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR) {
            return -1;
        }
        request += sent > 0 ? sent : 0;
        n -= sent > 0 ? (size_t)sent : 0;
    }
    return 0;
}

/* How long the answer is with its head; 0: not known yet. */
static size_t whole_size(const struct connection *connection)
{
    const char *body = connection_body(connection);
    const char *length = strstr(connection->answer, "Content-Length: ");
    if (body == NULL) {
        return 0;
    }
    size_t head = (size_t)(body - connection->answer);
    return length == NULL || length > body ? head : head + strtoul(length + 16, NULL, 10);
}

int connection_read(struct connection *connection)
{
    size_t room = DAEMON_ANSWER_BYTES - connection->n;
    ssize_t n = room > 0 ? recv(connection->fd, connection->answer + connection->n, room, 0) : -1;
    if (n <= 0) {
        return n < 0 && room > 0 && errno == EINTR ? 0 : -1;
    }
    connection->n += (size_t)n;
    connection->answer[connection->n] = '\0';
    size_t whole = whole_size(connection);
    return whole != 0 && connection->n >= whole ? 1 : 0;
}

const char *connection_body(const struct connection *connection)
{
    const char *end = strstr(connection->answer, "\r\n\r\n");
    return end != NULL ? end + 4 : NULL;
}

int connection_status(const struct connection *connection)
{
    return (int)strtol(connection->answer + sizeof("HTTP/1.1 ") - 1, NULL, 10);
}

int connection_call(struct connection *connection, const char *request, size_t n)
{
    int status = connection_ask(connection, request, n);
    while (status == 0) {
        status = connection_read(connection);
    }
    return status == 1 && connection_status(connection) / 100 == 2 ? 0 : -1;
}
