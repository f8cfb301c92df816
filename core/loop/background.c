/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line goes over a socket rather than a pipe: writing to one whose reader has gone is an error
 * then, and not a signal. It is "ready", or "failed", the code, and the message.
 */
#include "core/loop/background.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/str.h"
#include "core/host/cgroup_files.h"
#include "core/host/cgroup_home.h"
#include "core/host/spawn.h"
#include "core/loop/engine_log.h"
#include "core/loop/state_folder.h"

enum {
    TELL_FD = 3,
    FIRST_FREE_FD = 10, /* above every number that the child is given */
    LINE_BYTES = 2048,
};

#define TELL_VARIABLE "OPSTREAM_TELL_FD"

static const char *const left_out[] = {TELL_VARIABLE "=", "NOTIFY_SOCKET=",  "WATCHDOG_USEC=",
                                       "WATCHDOG_PID=",   "OPSTREAM_OWNER=", "OPSTREAM_STEP="};

/* What a start has open. */
struct starting {
    const struct background_options *options;
    int log_fd;
    int64_t log_start; /* what is behind it in the log is the new owner's */
    int ours;
    int childs;
    int secrets; /* -1: there are none */
    const char **env;
    pid_t pid;
    int64_t until_ns;
};

/* ---- the start ---- */

static bool is_left_out(const char *entry)
{
    for (size_t i = 0; i < sizeof left_out / sizeof left_out[0]; i++) {
        if (strncmp(entry, left_out[i], strlen(left_out[i])) == 0) {
            return true;
        }
    }
    return false;
}

static int make_env(struct starting *starting)
{
    const char *const *from = starting->options->env;
    if (from == NULL) {
        from = (const char *const *)environ;
    }
    size_t count = 0;
    while (from != NULL && from[count] != NULL) {
        count++;
    }
    starting->env = calloc(count + 2, sizeof *starting->env);
    if (starting->env == NULL) {
        return -ENOMEM;
    }
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_left_out(from[i])) {
            starting->env[used++] = from[i];
        }
    }
    starting->env[used] = TELL_VARIABLE "=3";
    return 0;
}

/* 0 or a negative errno. */
static int move_up(int *fd)
{
    int moved = fcntl(*fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
    if (moved < 0) {
        return -errno;
    }
    cleanup_close_fd(fd);
    *fd = moved;
    return 0;
}

static int open_sockets(struct starting *starting)
{
    int ends[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return -errno;
    }
    starting->ours = ends[0];
    starting->childs = ends[1];
    return 0;
}

static int fill_actions(posix_spawn_file_actions_t *actions, const struct starting *starting)
{
    int status = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (status == 0) {
        status = posix_spawn_file_actions_adddup2(actions, starting->log_fd, STDOUT_FILENO);
    }
    if (status == 0) {
        status = posix_spawn_file_actions_adddup2(actions, starting->log_fd, STDERR_FILENO);
    }
    if (status == 0) {
        status = posix_spawn_file_actions_adddup2(actions, starting->childs, TELL_FD);
    }
    if (status == 0 && starting->secrets >= 0) {
        status =
            posix_spawn_file_actions_adddup2(actions, starting->secrets, BACKGROUND_SECRETS_FD);
    }
    if (status == 0) {
        int first = starting->secrets >= 0 ? BACKGROUND_SECRETS_FD + 1 : TELL_FD + 1;
        status = posix_spawn_file_actions_addclosefrom_np(actions, first);
    }
    if (status == 0) {
        status = posix_spawn_file_actions_addchdir_np(actions, "/");
    }
    return status;
}

/* 0 or a negative errno. */
static int copy_secrets(struct starting *starting)
{
    int fd = starting->options->secrets_fd;
    starting->secrets = fd > 0 ? fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD) : -1;
    return fd > 0 && starting->secrets < 0 ? -errno : 0;
}

/* 0 or a negative errno. */
static int spawn(struct starting *starting)
{
    const struct background_options *options = starting->options;
    /* The link works in the child as well, and when the file has been replaced by a new version. */
    const char *program = options->program != NULL ? options->program : "/proc/self/exe";
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int status = posix_spawn_file_actions_init(&actions);
    if (status != 0) {
        return -status;
    }
    status = posix_spawnattr_init(&attributes);
    if (status != 0) {
        goto destroy_actions;
    }
    status = fill_actions(&actions, starting);
    if (status == 0) {
        status = spawn_set_apart(&attributes);
    }
    if (status == 0) {
        /* posix_spawn's arguments are not const for reasons of history: it changes nothing */
        status = posix_spawn(&starting->pid, program, &actions, &attributes,
                             (char *const *)(uintptr_t)options->argv,
                             (char *const *)(uintptr_t)starting->env);
    }
    (void)posix_spawnattr_destroy(&attributes); /* frees memory */
destroy_actions:
    (void)posix_spawn_file_actions_destroy(&actions);
    return -status;
}

static int start_error(const struct background_options *options, int errnum, struct error *err)
{
    switch (errnum) {
    case ENOMEM:
        return error_nomem(err);
    case ENOENT:
        return error_set(err, E_NOT_FOUND, "'%s' is not there: install OpStream again",
                         options->program != NULL ? options->program : "/proc/self/exe");
    case EMFILE:
    case ENFILE:
    case EAGAIN:
        return error_set_errno(err, E_LIMIT, errnum,
                               "cannot start the engine in the background: raise 'ulimit -n' and "
                               "'ulimit -u'");
    default:
        return error_set_errno(err, E_IO, errnum, "cannot start the engine in the background");
    }
}

static int start(struct starting *starting, struct error *err)
{
    struct stat st;
    int status = engine_log_open(starting->options->folder, &starting->log_fd, err);
    if (status != 0) {
        return status;
    }
    starting->log_start = fstat(starting->log_fd, &st) == 0 ? st.st_size : 0;
    status = move_up(&starting->log_fd);
    if (status == 0) {
        status = open_sockets(starting);
    }
    if (status == 0) {
        status = move_up(&starting->childs);
    }
    if (status == 0) {
        status = copy_secrets(starting);
    }
    if (status == 0) {
        status = make_env(starting);
    }
    if (status == 0) {
        status = spawn(starting);
    }
    return status == 0 ? 0 : start_error(starting->options, -status, err);
}

/* ---- the wait ---- */

/* Whether `fd` became readable in time. */
static bool wait_readable(const struct starting *starting, int fd)
{
    for (;;) {
        int64_t left_ms = (starting->until_ns - clock_monotonic_ns() + 999999) / 1000000;
        struct pollfd polled = {.fd = fd, .events = POLLIN};
        int timeout = left_ms <= 0 ? 0 : left_ms > INT32_MAX ? INT32_MAX : (int)left_ms;
        int status = poll(&polled, 1, timeout);
        if (status > 0) {
            return true;
        }
        if ((status == 0 && left_ms <= INT32_MAX) || (status < 0 && errno != EINTR)) {
            return false;
        }
    }
}

static int timeout_error(const struct starting *starting, struct error *err)
{
    return error_set(
        err, E_TIMEOUT, "the engine in the background (process %d) does not listen yet: see '%s'",
        (int)starting->pid, state_folder_file(starting->options->folder, STATE_FILE_LOG));
}

/* Whether it ended in time; `*out_how` is as waitpid() says. */
static bool reap(const struct starting *starting, int *out_how)
{
    cleanup_fd int pidfd = pidfd_open(starting->pid, 0);
    if (pidfd < 0 || !wait_readable(starting, pidfd)) {
        return false;
    }
    while (waitpid(starting->pid, out_how, 0) < 0 && errno == EINTR) {
    }
    return true;
}

/* It said nothing, and its end of the socket is closed. */
static int end_error(const struct starting *starting, struct error *err)
{
    int how = 0;
    struct strbuf line = STRBUF_INIT;
    if (!reap(starting, &how)) {
        return timeout_error(starting, err);
    }
    engine_log_append_last_line(starting->options->folder, starting->log_start, &line);
    struct str text = strbuf_str(&line);
    if (str_starts_with(text, STR("opstream: "))) {
        text = str_make(text.p + 10, text.n - 10);
    }
    error_set(err, E_IO, "the engine in the background ended at once (%s %d)%s%.*s: see '%s'",
              WIFSIGNALED(how) ? "signal" : "exit status",
              WIFSIGNALED(how) ? WTERMSIG(how) : WEXITSTATUS(how), text.n > 0 ? ": " : "",
              STR_ARG(text), state_folder_file(starting->options->folder, STATE_FILE_LOG));
    strbuf_finish(&line);
    return E_IO;
}

static int parse_line(const struct starting *starting, const char *line, struct error *err)
{
    int how = 0;
    char *message = NULL;
    if (strcmp(line, "ready") == 0) {
        return 0;
    }
    (void)reap(starting, &how); /* when it takes its time, it stays our child until we end */
    long code = 0;
    if (strncmp(line, "failed ", 7) == 0) {
        code = strtol(line + 7, &message, 10);
    }
    if (code >= 0 || code < E_PLUGIN || *message != ' ') {
        return error_set(err, E_IO, "the engine in the background said '%s'", line);
    }
    return error_set(err, (int)code, "%s", message + 1);
}

static int wait_for_line(const struct starting *starting, struct error *err)
{
    char line[LINE_BYTES];
    size_t used = 0;
    while (used < sizeof line - 1) {
        if (!wait_readable(starting, starting->ours)) {
            return timeout_error(starting, err);
        }
        ssize_t n = read(starting->ours, line + used, sizeof line - 1 - used);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return end_error(starting, err);
        }
        used += (size_t)n;
        if (line[used - 1] == '\n') {
            used--;
            break;
        }
    }
    line[used] = '\0';
    return parse_line(starting, line, err);
}

int background_start(const struct background_options *options, pid_t *out_pid, struct error *err)
{
    struct starting starting = {
        .options = options,
        .log_fd = -1,
        .ours = -1,
        .childs = -1,
        .secrets = -1,
        .until_ns = clock_monotonic_ns() + (int64_t)options->timeout_ms * 1000000,
    };
    int status = start(&starting, err);
    cleanup_close_fd(&starting.log_fd);
    cleanup_close_fd(&starting.childs); /* else the child's end would never be the last */
    if (status == 0) {
        status = wait_for_line(&starting, err);
    }
    cleanup_close_fd(&starting.secrets);
    cleanup_close_fd(&starting.ours);
    free(starting.env);
    if (status == 0 && out_pid != NULL) {
        *out_pid = starting.pid;
    }
    return status;
}

/* ---- the owner's side ---- */

void background_init(struct background *background)
{
    int type = 0;
    socklen_t type_n = sizeof type;
    const char *value = getenv(TELL_VARIABLE);
    bool is_told = value != NULL && strcmp(value, "3") == 0 &&
                   getsockopt(TELL_FD, SOL_SOCKET, SO_TYPE, &type, &type_n) == 0;
    background->fd = is_told ? TELL_FD : -1;
    if (is_told) {
        (void)fcntl(TELL_FD, F_SETFD, FD_CLOEXEC); /* cannot fail: it is open */
    }
    (void)unsetenv(TELL_VARIABLE); /* cannot fail with such a name */
    if (is_told) {                 /* what a step starts in the background outlives the step */
        (void)cgroup_home_leave_step(&cgroup_files_real, "");
    }
}

bool background_is_awaited(const struct background *background)
{
    return background->fd >= 0;
}

static void tell(struct background *background, const char *line, size_t n)
{
    if (background->fd < 0) {
        return;
    }
    /* Whoever waited may be gone: then there is nobody to tell. */
    (void)send(background->fd, line, n, MSG_NOSIGNAL);
    cleanup_close_fd(&background->fd);
    background->fd = -1;
}

void background_tell_ready(struct background *background)
{
    tell(background, "ready\n", 6);
}

void background_tell_failure(struct background *background, const struct error *err)
{
    char line[LINE_BYTES];
    int n = snprintf(line, sizeof line, "failed %d %s\n", err->code, err->message); /* fits */
    tell(background, line, (size_t)n);
}
