/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_NOTIFY_H
#define CORE_LOOP_NOTIFY_H

/*
 * Notify: tells a service manager how the daemon is, by the protocol of sd_notify(3): one datagram
 * to the socket that NOTIFY_SOCKET names, a path or, behind '@', an abstract name. Where there is
 * no such socket all of it does nothing.
 *
 * Used by:  cli (serve).
 * Uses:     base.
 * Threads:  [any] but notify_init(): [main], while it is the only thread.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct error;

struct notify {
    struct sockaddr_un address;
    socklen_t address_n;  /* 0: nobody wants to know */
    uint64_t watchdog_ms; /* notify_watchdog() is due this often; 0: nobody watches */
};

/*
 * Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID and takes them out of the environment, so
 * that no child speaks for us. The interval is half of the time that the manager allows.
 * Fails with E_INVALID (what is set makes no sense; `err` says it); `notify` does nothing then.
 */
int notify_init(struct notify *notify, struct error *err);

/*
 * Each sends one message. They fail with E_IO; nothing is lost by going on. `status` (may be NULL)
 * is one line for people: what follows its first line end is left out, as is what is too long.
 */
int notify_ready(const struct notify *notify, const char *status, struct error *err);
int notify_status(const struct notify *notify, const char *status, struct error *err);
int notify_stopping(const struct notify *notify, const char *status, struct error *err);
/* Before reading settings anew; notify_ready() says when that is done. */
int notify_reloading(const struct notify *notify, struct error *err);
int notify_watchdog(const struct notify *notify, struct error *err);

#endif
