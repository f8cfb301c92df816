/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_CLOCK_WATCH_H
#define CORE_LOOP_CLOCK_WATCH_H

/*
 * Clock watch: tells when the wall clock was set, or the machine has slept, so that what is due at
 * a moment of it can be looked at again. Without such an event it costs nothing: the kernel tells.
 *
 * Used by:  loop.
 * Uses:     base; libuv.
 * Threads:  [loop]
 */

#include <stdint.h>
#include <sys/types.h>

struct clock_watch;
struct error;
struct uv_loop_s;

/* The wall clock is another one now. */
typedef void (*clock_watch_cb)(void *user);

/* What is asked of the system, so that tests can answer otherwise. */
struct clock_watch_system {
    /* A descriptor that becomes readable when the clock is set, or -1 and errno. */
    int (*open)(void);
    /* Waits on `fd` for the next time: 0, or -1 and errno. */
    int (*arm)(int fd);
    /* -1 and ECANCELED when the clock was set, EAGAIN when nothing is there to be read. */
    ssize_t (*read)(int fd, void *to, size_t n);
};

struct clock_watch_options {
    struct uv_loop_s *loop;
    clock_watch_cb cb;
    void *user;                              /* kept until the close */
    const struct clock_watch_system *system; /* NULL: the real one */
};

/*
 * Begins to watch; it does not keep the loop running. On success `*out_watch` is owned:
 * clock_watch_close(). Fails with E_IO, E_LIMIT (no descriptors left), E_NOMEM.
 */
int clock_watch_open(const struct clock_watch_options *options, struct clock_watch **out_watch,
                     struct error *err);

/* `cb` is not called any more; the memory is freed in a later turn of the loop. NULL is fine. */
void clock_watch_close(struct clock_watch *watch);

#endif
