/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A wait is a thread that sleeps in flock(). To end it early it gets SIGURG, which interrupts the
 * call and otherwise means nothing: by default it is ignored. A signal that comes just before the
 * call begins would be lost, so it is sent again until the thread has ended.
 */
#include "core/loop/state_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "core/base/check.h"
#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/loop/state_folder.h"

enum {
    OWNER_BYTES = 64,
    WAIT_MAGIC = 0x57414954,
    WAIT_HANDLES = 2,
    RESEND_NS = 10 * 1000 * 1000,
};

struct state_lock {
    int fd;
};

struct state_wait {
    uint32_t magic;
    struct state_wait_options options;
    uv_async_t done; /* the thread has its result */
    uv_timer_t timer;
    uint32_t open_handles;
    pthread_t thread;
    sem_t is_over; /* posted by the thread, as the last */
    atomic_bool is_stopping;
    struct state_lock *lock; /* made ahead, so that success cannot fail */
    int status;              /* of the thread */
    struct error err;
};

static const char *const kind_names[] = {
    [STATE_OWNER_UNKNOWN] = "",
    [STATE_OWNER_CLI] = "cli",
    [STATE_OWNER_SERVE] = "serve",
};

/* ---- who has it ---- */

static void write_owner(int fd, enum state_owner_kind kind)
{
    char text[OWNER_BYTES + 1];
    char line[OWNER_BYTES];
    (void)snprintf(line, sizeof line, "%s %d %" PRId64, kind_names[kind], (int)getpid(),
                   clock_unix_ms()); /* fits */
    /* Always of one length, so that no rest of an older one is left behind it. */
    int n = snprintf(text, sizeof text, "%-*s\n", OWNER_BYTES - 1, line);
    if (pwrite(fd, text, (size_t)n, 0) != n && ftruncate(fd, 0) != 0) {
        return; /* only messages suffer from a full disk */
    }
}

/* The digits at `*at`, then a blank; below 0: something else. */
static int64_t parse_number(const char **at)
{
    char *end = NULL;
    if (**at < '0' || **at > '9') {
        return -1;
    }
    errno = 0;
    long long number = strtoll(*at, &end, 10);
    if (errno != 0 || *end != ' ') {
        return -1;
    }
    *at = end + 1;
    return number;
}

static struct state_owner parse_owner(const char *text)
{
    struct state_owner owner = {0};
    for (int kind = STATE_OWNER_CLI; kind <= STATE_OWNER_SERVE; kind++) {
        size_t n = strlen(kind_names[kind]);
        if (strncmp(text, kind_names[kind], n) != 0 || text[n] != ' ') {
            continue;
        }
        const char *at = text + n + 1;
        int64_t pid = parse_number(&at);
        int64_t started = pid > 0 && pid <= INT32_MAX ? parse_number(&at) : -1;
        if (started >= 0) {
            owner = (struct state_owner){(enum state_owner_kind)kind, (pid_t)pid, started};
        }
    }
    return owner;
}

static struct state_owner read_owner(int fd)
{
    char text[OWNER_BYTES + 1] = "";
    ssize_t n = pread(fd, text, OWNER_BYTES, 0);
    text[n > 0 ? n : 0] = '\0';
    return parse_owner(text);
}

void state_owner_append(const struct state_owner *owner, struct strbuf *out)
{
    if (owner->kind == STATE_OWNER_UNKNOWN) {
        strbuf_append_text(out, "another process");
        return;
    }
    char since[CLOCK_TEXT_SIZE];
    clock_format_rfc3339(owner->started_unix_ms, since);
    strbuf_append_format(out, "process %d (%s, since %s)", (int)owner->pid,
                         owner->kind == STATE_OWNER_SERVE ? "opstream serve" : "opstream", since);
}

/* ---- taking it ---- */

/* Who removes the file would make room for a second owner: the one that is there now counts. */
static bool is_current(const struct state_folder *folder, int fd)
{
    struct stat mine;
    struct stat there;
    return fstat(fd, &mine) == 0 &&
           lstat(state_folder_file(folder, STATE_FILE_LOCK), &there) == 0 &&
           mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

/* 0, a positive errno. `stop` (may be NULL) ends a call that waits. */
static int lock_file(int fd, int operation, const atomic_bool *stop)
{
    while (flock(fd, operation) != 0) {
        if (errno != EINTR) {
            return errno;
        }
        if (stop != NULL && atomic_load(stop)) {
            return EINTR;
        }
    }
    return 0;
}

/*
 * 0 and the locked file in `*out_fd`; STATE_LOCK_BUSY: another one's, `*out_fd` is open as well. A
 * wait that was stopped is E_CANCELED.
 */
static int open_locked(const struct state_folder *folder, int operation, const atomic_bool *stop,
                       int *out_fd, struct error *err)
{
    for (;;) {
        cleanup_fd int fd = -1;
        int status = state_folder_open_file(folder, STATE_FILE_LOCK, O_RDWR | O_CREAT, &fd, err);
        if (status != 0) {
            return status;
        }
        int errnum = lock_file(fd, operation, stop);
        if (errnum == EINTR) {
            return E_CANCELED;
        }
        if (errnum != 0 && errnum != EWOULDBLOCK) {
            return error_set_errno(err, E_IO, errnum, "cannot lock '%s'",
                                   state_folder_file(folder, STATE_FILE_LOCK));
        }
        if (errnum == 0 && !is_current(folder, fd)) {
            continue;
        }
        *out_fd = fd;
        fd = -1;
        return errnum == 0 ? 0 : STATE_LOCK_BUSY;
    }
}

int state_lock_try(const struct state_folder *folder, enum state_owner_kind kind,
                   struct state_lock **out_lock, struct state_owner *out_owner, struct error *err)
{
    cleanup_free struct state_lock *lock = calloc(1, sizeof *lock);
    if (lock == NULL) {
        return error_nomem(err);
    }
    int status = open_locked(folder, LOCK_EX | LOCK_NB, NULL, &lock->fd, err);
    if (status < 0) {
        return status;
    }
    if (status == STATE_LOCK_BUSY) {
        struct state_owner owner = read_owner(lock->fd);
        cleanup_close_fd(&lock->fd);
        if (out_owner != NULL) {
            *out_owner = owner;
        }
        return STATE_LOCK_BUSY;
    }
    write_owner(lock->fd, kind);
    *out_lock = take_pointer(&lock);
    return 0;
}

void state_lock_release(struct state_lock *lock)
{
    if (lock == NULL) {
        return;
    }
    if (lock->fd >= 0) {
        /* A child has it for a moment longer, between its start and its exec: closing is too late.
         */
        (void)flock(lock->fd, LOCK_UN);
    }
    cleanup_close_fd(&lock->fd);
    free(lock);
}

/* ---- waiting ---- */

static void on_interrupt(int signal_number)
{
    (void)signal_number; /* that flock() returns is all */
}

static void *wait_in_thread(void *user)
{
    struct state_wait *wait = user;
    wait->status =
        open_locked(wait->options.folder, LOCK_EX, &wait->is_stopping, &wait->lock->fd, &wait->err);
    (void)uv_async_send(&wait->done); /* fails only on a closed handle */
    (void)sem_post(&wait->is_over);   /* fails only above INT_MAX */
    return NULL;
}

static int start_thread(struct state_wait *wait)
{
    sigset_t blocked;
    sigset_t old;
    struct sigaction action = {.sa_handler = on_interrupt};
    (void)sigfillset(&blocked); /* these cannot fail for sets that exist */
    (void)sigdelset(&blocked, SIGURG);
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGURG, &action, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &blocked, &old); /* signals are for the other threads */
    int status = pthread_create(&wait->thread, NULL, wait_in_thread, wait);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return status;
}

static void stop_thread(struct state_wait *wait)
{
    struct timespec until;
    atomic_store(&wait->is_stopping, true);
    do {
        (void)pthread_kill(wait->thread, SIGURG); /* harmless when it has ended */
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += RESEND_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
    } while (sem_clockwait(&wait->is_over, CLOCK_MONOTONIC, &until) != 0);
    (void)pthread_join(wait->thread, NULL);
}

static void on_closed(uv_handle_t *handle)
{
    struct state_wait *wait = handle->data;
    CHECK_MAGIC(wait, WAIT_MAGIC);
    if (--wait->open_handles == 0) {
        wait->magic = 0;
        (void)sem_destroy(&wait->is_over);
        state_lock_release(wait->lock);
        free(wait);
    }
}

static void close_handles(struct state_wait *wait)
{
    uv_close((uv_handle_t *)&wait->done, on_closed);
    uv_close((uv_handle_t *)&wait->timer, on_closed);
}

/* The thread has ended: what it found goes to the callback. */
static void end_wait(struct state_wait *wait)
{
    struct state_lock *lock = NULL;
    if (wait->status == 0) {
        lock = take_pointer(&wait->lock);
        write_owner(lock->fd, wait->options.kind);
    }
    close_handles(wait);
    wait->options.cb(wait->options.user, wait->status, lock, &wait->err);
}

static void on_done(uv_async_t *async)
{
    struct state_wait *wait = async->data;
    CHECK_MAGIC(wait, WAIT_MAGIC);
    (void)pthread_join(wait->thread, NULL); /* it is at its end */
    end_wait(wait);
}

static void describe_timeout(struct state_wait *wait)
{
    struct state_owner owner = {0};
    struct strbuf text = STRBUF_INIT;
    cleanup_fd int fd = -1;
    if (state_folder_open_file(wait->options.folder, STATE_FILE_LOCK, O_RDONLY, &fd, NULL) == 0) {
        owner = read_owner(fd);
    }
    state_owner_append(&owner, &text);
    wait->status = error_set(&wait->err, E_TIMEOUT, "the state folder '%s' is still in use by %.*s",
                             state_folder_path(wait->options.folder), STR_ARG(strbuf_str(&text)));
    strbuf_finish(&text);
}

static void on_timeout(uv_timer_t *timer)
{
    struct state_wait *wait = timer->data;
    CHECK_MAGIC(wait, WAIT_MAGIC);
    stop_thread(wait);
    if (wait->status == E_CANCELED) {
        describe_timeout(wait);
    }
    end_wait(wait);
}

static struct state_wait *make_wait(const struct state_wait_options *options)
{
    struct state_wait *wait = calloc(1, sizeof *wait);
    if (wait == NULL) {
        return NULL;
    }
    wait->lock = calloc(1, sizeof *wait->lock);
    if (wait->lock == NULL) {
        free(wait);
        return NULL;
    }
    wait->magic = WAIT_MAGIC;
    wait->options = *options;
    wait->lock->fd = -1;
    (void)sem_init(&wait->is_over, 0, 0); /* fails only above INT_MAX */
    wait->done.data = wait;
    wait->timer.data = wait;
    return wait;
}

int state_wait_start(const struct state_wait_options *options, struct state_wait **out_wait,
                     struct error *err)
{
    struct state_wait *wait = make_wait(options);
    if (wait == NULL) {
        return error_nomem(err);
    }
    int status = uv_async_init(options->loop, &wait->done, on_done);
    if (status != 0) {
        state_lock_release(wait->lock);
        free(wait);
        return error_set(err, E_IO, "cannot wait for the state folder: %s", uv_strerror(status));
    }
    wait->open_handles = WAIT_HANDLES;
    (void)uv_timer_init(options->loop, &wait->timer); /* these two cannot fail */
    if (options->timeout_ms > 0) {
        (void)uv_timer_start(&wait->timer, on_timeout, options->timeout_ms, 0);
    }
    status = start_thread(wait);
    if (status != 0) {
        close_handles(wait);
        return error_set_errno(err, E_IO, status, "cannot wait for the state folder");
    }
    *out_wait = wait;
    return 0;
}

void state_wait_cancel(struct state_wait *wait)
{
    if (wait == NULL) {
        return;
    }
    CHECK_MAGIC(wait, WAIT_MAGIC);
    stop_thread(wait);
    close_handles(wait); /* with the lock, should it be ours */
}
