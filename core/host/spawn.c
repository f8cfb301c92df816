/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child's ends of all pipes are moved above every number that the child is given, so that
 * putting one in its place never overwrites another.
 *
 * The input is a sealed memory file rather than a pipe: it is known whole, and so nobody has to
 * wait until the child reads it, nor care when it does not.
 */
#include "core/host/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/fd.h"
#include "core/host/exec_step.h"
#include "core/host/process.h"
#include "core/host/spawn_into.h"

enum {
    FIRST_FREE_FD = 10,
    OPTION_COUNT = 6,
    OPTION_TEXT = 24,
};

/* What the child gets, before it is there. */
struct child_ends {
    int input;
    int streams[SPAWN_STREAMS];
    int status;
};

struct helper_argv {
    const char **argv;
    size_t count;
    char text[OPTION_COUNT][OPTION_TEXT];
    size_t texts;
};

static const int stream_fds[SPAWN_STREAMS] = {STDOUT_FILENO, STDERR_FILENO, EXEC_RESULT_FD};
static const unsigned stream_flags[SPAWN_STREAMS] = {PROCESS_WANTS_STDOUT, PROCESS_WANTS_STDERR,
                                                     PROCESS_WANTS_RESULT};

static void close_if_open(int *fd)
{
    cleanup_close_fd(fd);
    *fd = -1;
}

static void close_child_ends(struct child_ends *ends)
{
    close_if_open(&ends->input);
    close_if_open(&ends->status);
    for (size_t i = 0; i < SPAWN_STREAMS; i++) {
        close_if_open(&ends->streams[i]);
    }
}

static void close_our_ends(struct spawned *out)
{
    close_if_open(&out->pidfd);
    close_if_open(&out->status_fd);
    for (size_t i = 0; i < SPAWN_STREAMS; i++) {
        close_if_open(&out->streams[i]);
    }
}

static int move_up(int *fd)
{
    if (*fd >= FIRST_FREE_FD) {
        return 0;
    }
    int moved = fcntl(*fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
    if (moved < 0) {
        return -errno;
    }
    close_if_open(fd);
    *fd = moved;
    return 0;
}

/* 0 or a negative errno, as all of the functions that open. */
static int open_pipe(int *out_ours, int *out_childs)
{
    int ends[2] = {-1, -1};
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -errno;
    }
    int status = fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0 ? -errno : move_up(&ends[1]);
    if (status != 0) {
        close_if_open(&ends[0]);
        close_if_open(&ends[1]);
        return status;
    }
    *out_ours = ends[0];
    *out_childs = ends[1];
    return 0;
}

static int open_input(struct str input, int *out_fd)
{
    cleanup_fd int fd = -1;
    if (input.n == 0) {
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    } else {
        fd = memfd_create("input", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    }
    if (fd < 0) {
        return -errno;
    }
    int status = -fd_write_all(fd, input);
    if (status == 0 && input.n > 0) {
        int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
        if (fcntl(fd, F_ADD_SEALS, seals) != 0 || lseek(fd, 0, SEEK_SET) != 0) {
            status = -errno;
        }
    }
    if (status == 0) {
        status = move_up(&fd);
    }
    if (status == 0) {
        *out_fd = fd;
        fd = -1;
    }
    return status;
}

static int open_ends(const struct process_spec *spec, struct spawned *out, struct child_ends *ends)
{
    int status = open_input(spec->input, &ends->input);
    if (status == 0) {
        status = open_pipe(&out->status_fd, &ends->status);
    }
    for (size_t i = 0; i < SPAWN_STREAMS && status == 0; i++) {
        bool is_merged = i == PROCESS_STDERR && (spec->flags & PROCESS_MERGES_STDERR) != 0;
        if ((spec->flags & stream_flags[i]) != 0 && !is_merged) {
            status = open_pipe(&out->streams[i], &ends->streams[i]);
        }
    }
    return status;
}

static void add_option(struct helper_argv *helper, const char *option, uint64_t number)
{
    char *text = helper->text[helper->texts++];
    (void)snprintf(text, OPTION_TEXT, "%llu", (unsigned long long)number); /* 20 digits at most */
    helper->argv[helper->count++] = option;
    helper->argv[helper->count++] = text;
}

static void add_limits(struct helper_argv *helper, const struct process_limits *limits)
{
    const struct {
        const char *option;
        uint64_t value;
    } options[] = {
        {"-m", limits->memory_bytes},
        {"-t", limits->cpu_ms / 1000 + (limits->cpu_ms % 1000 != 0)},
        {"-f", limits->file_bytes},
        {"-n", limits->open_files},
    };
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (options[i].value != 0) {
            add_option(helper, options[i].option, options[i].value);
        }
    }
}

/* The helper's own arguments, then the program's; `helper->argv` is to be freed. */
static int make_argv(const struct process_spec *spec, struct helper_argv *helper)
{
    size_t count = 0;
    while (spec->argv[count] != NULL) {
        count++;
    }
    helper->argv = calloc(count + 2 * OPTION_COUNT + 6, sizeof(*helper->argv));
    if (helper->argv == NULL) {
        return -ENOMEM;
    }
    helper->argv[helper->count++] = spec->helper;
    add_option(helper, "-k", (uint64_t)getpid());
    add_limits(helper, &spec->limits);
    if (spec->umask >= 0) {
        add_option(helper, "-u", (uint64_t)spec->umask);
    }
    if (spec->cwd != NULL) {
        helper->argv[helper->count++] = "-d";
        helper->argv[helper->count++] = spec->cwd;
    }
    if ((spec->flags & PROCESS_WANTS_RESULT) != 0) {
        helper->argv[helper->count++] = "-r";
    }
    helper->argv[helper->count++] = "--";
    memcpy(helper->argv + helper->count, spec->argv, count * sizeof(*spec->argv));
    return 0;
}

static int add_stream(posix_spawn_file_actions_t *actions, const struct process_spec *spec,
                      const struct child_ends *ends, size_t stream)
{
    if (ends->streams[stream] >= 0) {
        return posix_spawn_file_actions_adddup2(actions, ends->streams[stream], stream_fds[stream]);
    }
    if (stream == PROCESS_STDERR && (spec->flags & PROCESS_MERGES_STDERR) != 0) {
        return posix_spawn_file_actions_adddup2(actions, STDOUT_FILENO, STDERR_FILENO);
    }
    if (stream == PROCESS_RESULT) {
        return 0; /* the helper closes it */
    }
    return posix_spawn_file_actions_addopen(actions, stream_fds[stream], "/dev/null", O_WRONLY, 0);
}

static int fill_actions(posix_spawn_file_actions_t *actions, const struct process_spec *spec,
                        const struct child_ends *ends)
{
    int status = posix_spawn_file_actions_adddup2(actions, ends->input, STDIN_FILENO);
    for (size_t i = 0; i < SPAWN_STREAMS && status == 0; i++) {
        status = add_stream(actions, spec, ends, i);
    }
    if (status == 0) {
        status = posix_spawn_file_actions_adddup2(actions, ends->status, EXEC_STATUS_FD);
    }
    return status;
}

/* 0 or an errno, as posix_spawn(). */
static int start_helper(const struct process_spec *spec, const struct child_ends *ends,
                        const struct helper_argv *helper, pid_t *out_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int status = posix_spawn_file_actions_init(&actions);
    if (status != 0) {
        return status;
    }
    status = posix_spawnattr_init(&attributes);
    if (status != 0) {
        goto destroy_actions;
    }
    status = fill_actions(&actions, spec, ends);
    if (status == 0) {
        status = spawn_set_apart(&attributes);
    }
    if (status == 0) {
        /* posix_spawn's arguments are not const for reasons of history: it changes nothing */
        status = posix_spawn(out_pid, spec->helper, &actions, &attributes,
                             (char *const *)(uintptr_t)helper->argv,
                             (char *const *)(uintptr_t)spec->env);
    }
    (void)posix_spawnattr_destroy(&attributes); /* frees memory */
destroy_actions:
    (void)posix_spawn_file_actions_destroy(&actions);
    return status;
}

/* The same into a group. */
static int start_helper_into(int cgroup_fd, const struct process_spec *spec,
                             const struct child_ends *ends, const struct helper_argv *helper,
                             pid_t *out_pid)
{
    struct spawn_into_fd fds[SPAWN_STREAMS + 2] = {{ends->input, STDIN_FILENO}};
    size_t count = 1;
    for (size_t i = 0; i < SPAWN_STREAMS; i++) {
        bool is_merged = i == PROCESS_STDERR && (spec->flags & PROCESS_MERGES_STDERR) != 0;
        int from = is_merged ? STDOUT_FILENO : ends->streams[i];
        if (from >= 0 || i != PROCESS_RESULT) { /* the helper closes that */
            fds[count++] = (struct spawn_into_fd){from, stream_fds[i]};
        }
    }
    fds[count++] = (struct spawn_into_fd){ends->status, EXEC_STATUS_FD};
    const struct spawn_into what = {
        .path = spec->helper,
        .argv = (char *const *)(uintptr_t)helper->argv, /* not const for reasons of history */
        .env = (char *const *)(uintptr_t)spec->env,
        .fds = fds,
        .fd_count = count,
        .cgroup_fd = cgroup_fd,
    };
    return spawn_into(&what, out_pid);
}

/* Where the group is refused it is done without: what is wrong apart from that comes again. */
static int start_anywhere(int cgroup_fd, const struct process_spec *spec,
                          const struct child_ends *ends, const struct helper_argv *helper,
                          struct spawned *out)
{
    if (cgroup_fd >= 0) {
        out->cgroup_errnum = start_helper_into(cgroup_fd, spec, ends, helper, &out->pid);
        if (out->cgroup_errnum == 0) {
            return 0;
        }
    }
    return start_helper(spec, ends, helper, &out->pid);
}

static int open_pidfd(struct spawned *out)
{
    out->pidfd = pidfd_open(out->pid, 0);
    if (out->pidfd >= 0) {
        return 0;
    }
    int status = -errno;
    (void)kill(out->pid, SIGKILL); /* it is our child, and not reaped */
    while (waitpid(out->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    return status;
}

static int spawn_error(const struct process_spec *spec, int errnum, struct error *err)
{
    switch (errnum) {
    case ENOENT:
        return error_set(err, E_NOT_FOUND, "'%s' is not there: install OpStream again",
                         spec->helper);
    case EMFILE:
    case ENFILE:
        return error_set_errno(err, E_LIMIT, errnum, "cannot start a process: raise 'ulimit -n'");
    case EAGAIN:
        return error_set_errno(err, E_LIMIT, errnum, "cannot start a process: raise 'ulimit -u'");
    case ENOMEM:
        return error_nomem(err);
    default:
        return error_set_errno(err, E_IO, errnum, "cannot start a process");
    }
}

int spawn_child(const struct process_spec *spec, int cgroup_fd, struct spawned *out,
                struct error *err)
{
    struct spawned spawned = {.pidfd = -1, .status_fd = -1, .streams = {-1, -1, -1}};
    struct child_ends ends = {.input = -1, .status = -1, .streams = {-1, -1, -1}};
    struct helper_argv helper = {0};
    int status = open_ends(spec, &spawned, &ends);
    if (status == 0) {
        status = make_argv(spec, &helper);
    }
    if (status == 0) {
        status = -start_anywhere(cgroup_fd, spec, &ends, &helper, &spawned);
    }
    if (status == 0) {
        status = open_pidfd(&spawned);
    }
    free(helper.argv);
    close_child_ends(&ends);
    if (status != 0) {
        close_our_ends(&spawned);
        return spawn_error(spec, -status, err);
    }
    *out = spawned;
    return 0;
}

int spawn_set_apart(posix_spawnattr_t *attributes)
{
    sigset_t none;
    sigset_t all;
    (void)sigemptyset(&none); /* neither fails for a set that exists */
    (void)sigfillset(&all);
    int status = posix_spawnattr_setsigmask(attributes, &none);
    if (status == 0) {
        status = posix_spawnattr_setsigdefault(attributes, &all);
    }
    if (status == 0) {
        short flags = POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
        status = posix_spawnattr_setflags(attributes, flags);
    }
    return status;
}
