/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library to be loaded before others: all clocks go $FAST_CLOCK times as fast as the machine's,
 * from the start of the process on, and what waits for a time waits so much shorter. Hours that a
 * limit demands pass in minutes.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <dlfcn.h>

enum { CLOCKS = 16, NS_PER_S = 1000000000 };

static int64_t began[CLOCKS]; /* what each clock said at the start */
static int64_t factor = 1;

static int64_t read_real(clockid_t clock)
{
    struct timespec now = {0};
    (void)syscall(SYS_clock_gettime, clock, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int is_fast(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC ||
           clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_BOOTTIME;
}

__attribute__((constructor)) static void begin(void)
{
    const char *text = getenv("FAST_CLOCK");
    factor = text != NULL ? strtoll(text, NULL, 10) : 1;
    factor = factor < 1 ? 1 : factor;
    for (clockid_t clock = 0; clock < CLOCKS; clock++) {
        began[clock] = is_fast(clock) ? read_real(clock) : 0;
    }
}

static void set(struct timespec *out, int64_t ns)
{
    out->tv_sec = ns / NS_PER_S;
    out->tv_nsec = ns % NS_PER_S;
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
    if (!is_fast(clock)) {
        return (int)syscall(SYS_clock_gettime, clock, out);
    }
    set(out, began[clock] + (read_real(clock) - began[clock]) * factor);
    return 0;
}

/* The least wait that is none of nothing is a millisecond. */
static int shorten(int timeout_ms)
{
    return timeout_ms <= 0 ? timeout_ms : (int)((timeout_ms + factor - 1) / factor);
}

int epoll_wait(int fd, struct epoll_event *events, int count, int timeout_ms)
{
    return epoll_pwait(fd, events, count, timeout_ms, NULL);
}

int epoll_pwait(int fd, struct epoll_event *events, int count, int timeout_ms, const sigset_t *mask)
{
    return (int)syscall(SYS_epoll_pwait, fd, events, count, shorten(timeout_ms), mask,
                        (size_t)(_NSIG / 8));
}

/* Conditions of these programs know the monotonic clock. */
int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                           const struct timespec *until)
{
    static int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    }
    int64_t at = (int64_t)until->tv_sec * NS_PER_S + until->tv_nsec;
    struct timespec real_until;
    set(&real_until, began[CLOCK_MONOTONIC] + (at - began[CLOCK_MONOTONIC]) / factor);
    return real(cond, mutex, &real_until);
}
