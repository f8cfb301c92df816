/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library to be loaded before others: the wall clock is off by the milliseconds that the file
 * $FAKE_CLOCK holds as text, read anew at each question. A timer that is to tell when the clock is
 * set tells when that file is written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static int watch_fd = -1;

static int64_t read_offset_ms(void)
{
    const char *path = getenv("FAKE_CLOCK");
    char text[32] = "0";
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        long n = syscall(SYS_read, fd, text, sizeof(text) - 1);
        text[n > 0 ? n : 0] = '\0';
        (void)close(fd);
    }
    return strtoll(text, NULL, 10);
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
    int saved = errno;
    int status = (int)syscall(SYS_clock_gettime, clock, out);
    if (status != 0 || clock != CLOCK_REALTIME) {
        return status;
    }
    int64_t offset = read_offset_ms();
    int64_t ms = (int64_t)out->tv_sec * 1000 + out->tv_nsec / 1000000 + offset;
    out->tv_sec = ms / 1000;
    out->tv_nsec = ms % 1000 * 1000000 + out->tv_nsec % 1000000;
    errno = saved;
    return 0;
}

int timerfd_create(int clock, int flags)
{
    const char *path = getenv("FAKE_CLOCK");
    if (clock != CLOCK_REALTIME || path == NULL) {
        return (int)syscall(SYS_timerfd_create, clock, flags);
    }
    watch_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch_fd >= 0 && inotify_add_watch(watch_fd, path, IN_CLOSE_WRITE) < 0) {
        (void)close(watch_fd);
        watch_fd = -1;
    }
    return watch_fd;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *to, struct itimerspec *from)
{
    return fd == watch_fd && fd >= 0 ? 0 : (int)syscall(SYS_timerfd_settime, fd, flags, to, from);
}

ssize_t read(int fd, void *to, size_t n)
{
    char events[512];
    if (fd != watch_fd || fd < 0) {
        return syscall(SYS_read, fd, to, n);
    }
    if (syscall(SYS_read, fd, events, sizeof(events)) > 0) {
        errno = ECANCELED;
    }
    return -1;
}
