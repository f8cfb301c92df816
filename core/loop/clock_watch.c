/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A timer of the kernel that is due in the far future, on the wall clock, and is cancelled when
 * that clock is set: reading it fails with ECANCELED then. It may be due as well, when the clock
 * was set beyond it; that is an event of the same kind.
 */
#include "core/loop/clock_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "core/base/check.h"
#include "core/base/cleanup.h"
#include "core/base/error.h"

enum { WATCH_MAGIC = 0x434C4B57 };

/* In the year 2255: the kernel lets nobody set the clock beyond 2232. */
#define FAR_SECONDS ((time_t)9000000000)

struct clock_watch {
    uint32_t magic;
    struct clock_watch_options options;
    uv_poll_t poll;
    int fd;
};

static int open_timer(void)
{
    return timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
}

static int arm_timer(int fd)
{
    struct itimerspec due = {.it_value = {.tv_sec = FAR_SECONDS}};
    while (timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &due, NULL) != 0) {
        if (errno != ECANCELED) {
            return -1;
        }
        /* Set in between: whoever arms it reads the clock afterwards. */
    }
    return 0;
}

static const struct clock_watch_system real_system = {open_timer, arm_timer, read};

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct clock_watch *watch = poll->data;
    uint64_t count = 0;
    CHECK_MAGIC(watch, WATCH_MAGIC);
    (void)status; /* an error of the descriptor is read below */
    (void)events;
    ssize_t n = watch->options.system->read(watch->fd, &count, sizeof count);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    /* Armed first: what is set while the callback runs is an event of its own. */
    if ((n < 0 && errno != ECANCELED) || watch->options.system->arm(watch->fd) != 0) {
        (void)uv_poll_stop(poll); /* rather no more events than one after the other; cannot fail */
    }
    watch->options.cb(watch->options.user);
}

static int open_descriptor(struct clock_watch *watch, struct error *err)
{
    watch->fd = watch->options.system->open();
    if (watch->fd < 0 || watch->options.system->arm(watch->fd) != 0) {
        int code = errno == EMFILE || errno == ENFILE ? E_LIMIT : E_IO;
        return error_set_errno(err, code, errno, "cannot watch the clock");
    }
    int status = uv_poll_init(watch->options.loop, &watch->poll, watch->fd);
    return status == 0 ? 0
                       : error_set(err, E_IO, "cannot watch the clock: %s", uv_strerror(status));
}

static void free_watch(struct clock_watch *watch)
{
    watch->magic = 0;
    cleanup_close_fd(&watch->fd);
    free(watch);
}

int clock_watch_open(const struct clock_watch_options *options, struct clock_watch **out_watch,
                     struct error *err)
{
    struct clock_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL) {
        return error_nomem(err);
    }
    watch->magic = WATCH_MAGIC;
    watch->options = *options;
    if (watch->options.system == NULL) {
        watch->options.system = &real_system;
    }
    int status = open_descriptor(watch, err);
    if (status != 0) {
        free_watch(watch);
        return status;
    }
    watch->poll.data = watch;
    (void)uv_poll_start(&watch->poll, UV_READABLE, on_readable); /* cannot fail: it is open */
    uv_unref((uv_handle_t *)&watch->poll);
    *out_watch = watch;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free_watch(handle->data);
}

void clock_watch_close(struct clock_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    CHECK_MAGIC(watch, WATCH_MAGIC);
    uv_close((uv_handle_t *)&watch->poll, on_closed);
}
