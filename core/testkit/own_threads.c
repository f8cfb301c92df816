/* SPDX-License-Identifier: Apache-2.0 */
#include "core/testkit/own_threads.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/host/host.h"

enum { FILE_BYTES = 4096 };

/* ---- One thread, as /proc shows it ---- */

/* "" when it has ended. */
static const char *read_of(pid_t tid, const char *file, char text[FILE_BYTES])
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/%s", (int)tid, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, FILE_BYTES - 1) : 0;
    if (fd >= 0) {
        (void)close(fd); /* only read */
    }
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static uint64_t number_behind(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at != NULL ? strtoull(at + strlen(name), NULL, 10) : 0;
}

/* Whether the call `number` with these arguments comes back after a time, if nothing else does. */
static bool has_time(long number, const uint64_t arguments[6])
{
    switch (number) {
    case SYS_nanosleep:
    case SYS_clock_nanosleep:
    case SYS_restart_syscall: /* of one that sleeps for a time, after a signal */
        return true;
    case SYS_futex:
        return arguments[3] != 0;
    case SYS_ppoll:
    case SYS_rt_sigtimedwait:
        return arguments[2] != 0;
    case SYS_pselect6:
        return arguments[4] != 0;
    case SYS_epoll_pwait:
        return (int32_t)arguments[3] >= 0;
#ifdef SYS_poll /* what follows is of older machines only */
    case SYS_poll:
        return (int32_t)arguments[2] >= 0;
#endif
#ifdef SYS_epoll_wait
    case SYS_epoll_wait:
        return (int32_t)arguments[3] >= 0;
#endif
#ifdef SYS_select
    case SYS_select:
        return arguments[4] != 0;
#endif
    default:
        return false;
    }
}

/* "NUMBER 0xARGUMENT ..." while it waits in a call, else words. */
static bool sleeps_for_a_time(pid_t tid)
{
    char text[FILE_BYTES];
    uint64_t arguments[6] = {0};
    char *at = text;
    (void)read_of(tid, "syscall", text);
    long number = strtol(text, &at, 10);
    if (at == text) {
        return false;
    }
    for (int i = 0; i < 6; i++) {
        arguments[i] = strtoull(at, &at, 16);
    }
    return has_time(number, arguments);
}

static void look_at(pid_t tid, struct own_threads_seen *seen)
{
    char text[FILE_BYTES];
    (void)read_of(tid, "status", text);
    const char *state = strstr(text, "\nState:\t");
    char letter = state != NULL ? state[8] : 'X';
    if (letter == 'X' || letter == 'Z') {
        return; /* it has ended */
    }
    seen->is_there = true;
    seen->is_busy = seen->is_busy || letter == 'R' || letter == 'D';
    seen->is_timed = seen->is_timed || (letter == 'S' && sleeps_for_a_time(tid));
    seen->turns += number_behind(text, "\nvoluntary_ctxt_switches:") +
                   number_behind(text, "\nnonvoluntary_ctxt_switches:");
}

/* ---- All of them ---- */

static bool was_before(const struct own_threads *threads, pid_t tid)
{
    for (size_t i = 0; i < threads->before_count; i++) {
        if (threads->before[i] == tid) {
            return true;
        }
    }
    return false;
}

void own_threads_begin(struct own_threads *threads)
{
    DIR *entries = opendir("/proc/self/task");
    const struct dirent *entry = NULL;
    threads->before_count = 0;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (tid > 0 && threads->before_count < OWN_THREADS_BEFORE) {
            threads->before[threads->before_count++] = tid;
        }
    }
    if (entries != NULL) {
        (void)closedir(entries); /* only read */
    }
}

/*
 * Two links are the folder's own, one is of each thread in it: far cheaper than reading it. Where
 * there were others before the plugin, they may have ended, and the number says nothing.
 */
static bool may_be_some(const struct own_threads *threads, struct host *host)
{
    struct stat info;
    struct host_counts counts;
    host_count(host, &counts);
    return threads->before_count != 1 || stat("/proc/self/task", &info) != 0 ||
           info.st_nlink > 2 + 1 + counts.threads;
}

struct own_threads_seen own_threads_look(const struct own_threads *threads, struct host *host)
{
    struct own_threads_seen seen = {.is_there = false};
    DIR *entries = may_be_some(threads, host) ? opendir("/proc/self/task") : NULL;
    const struct dirent *entry = NULL;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (tid > 0 && !was_before(threads, tid) && !host_has_thread(host, tid)) {
            look_at(tid, &seen);
        }
    }
    if (entries != NULL) {
        (void)closedir(entries); /* only read */
    }
    return seen;
}
