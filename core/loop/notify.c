/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/notify.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/str.h"
#include "core/base/utf8.h"

enum {
    STATUS_BYTES = 512,
    MESSAGE_BYTES = 1024,
};

/* ---- what is asked for ---- */

static int read_address(struct notify *notify, const char *text, struct error *err)
{
    size_t n = strlen(text);
    if ((text[0] != '/' && text[0] != '@') || n < 2 || n >= sizeof notify->address.sun_path) {
        return error_set(err, E_INVALID,
                         "NOTIFY_SOCKET is '%s': it must be a path that begins with '/', or a name "
                         "behind '@', of at most %zu bytes",
                         text, sizeof notify->address.sun_path - 1);
    }
    notify->address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(notify->address.sun_path, text, n);
    notify->address_n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    if (text[0] == '@') {
        notify->address.sun_path[0] = '\0';
    } else {
        notify->address_n++; /* paths end with a NUL, abstract names have none */
    }
    return 0;
}

/* A whole number above 0, or 0. */
static unsigned long long parse_number(const char *text)
{
    char *end = NULL;
    if (text[0] < '0' || text[0] > '9') {
        return 0;
    }
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0' ? number : 0;
}

static int read_watchdog(struct notify *notify, const char *usec, const char *pid,
                         struct error *err)
{
    unsigned long long time = parse_number(usec);
    unsigned long long whose = pid != NULL ? parse_number(pid) : (unsigned long long)getpid();
    if (time == 0 || whose == 0) {
        return error_set(err, E_INVALID,
                         "WATCHDOG_USEC is '%s' and WATCHDOG_PID is '%s': they must be whole "
                         "numbers above 0",
                         usec, pid != NULL ? pid : "");
    }
    if (whose == (unsigned long long)getpid()) {
        notify->watchdog_ms = time < 2000 ? 1 : time / 2000;
    }
    return 0;
}

int notify_init(struct notify *notify, struct error *err)
{
    const char *address = getenv("NOTIFY_SOCKET");
    const char *usec = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");
    *notify = (struct notify){0};
    int status = address != NULL ? read_address(notify, address, err) : 0;
    if (status == 0 && usec != NULL && address != NULL) {
        status = read_watchdog(notify, usec, pid, err);
    }
    if (status != 0) {
        *notify = (struct notify){0};
    }
    (void)unsetenv("NOTIFY_SOCKET"); /* cannot fail with such names */
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
    return status;
}

/* ---- telling it ---- */

static int send_message(const struct notify *notify, const char *message, struct error *err)
{
    if (notify->address_n == 0) {
        return 0;
    }
    cleanup_fd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ssize_t n = fd < 0 ? -1
                       : sendto(fd, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT,
                                (const struct sockaddr *)&notify->address, notify->address_n);
    if (n < 0) {
        return error_set_errno(err, E_IO, errno, "cannot tell the service manager");
    }
    return 0;
}

/* One line of at most STATUS_BYTES, in whole characters. */
static struct str first_line(const char *text)
{
    size_t n = strcspn(text, "\r\n");
    return str_make(text, n > STATUS_BYTES ? utf8_valid_prefix(text, STATUS_BYTES) : n);
}

static int send_state(const struct notify *notify, const char *state, const char *status,
                      struct error *err)
{
    char message[MESSAGE_BYTES];
    struct str line = status != NULL ? first_line(status) : STR("");
    (void)snprintf(message, sizeof message, "%s%s%s%.*s", state,
                   state[0] != '\0' && status != NULL ? "\n" : "", status != NULL ? "STATUS=" : "",
                   STR_ARG(line)); /* fits */
    return send_message(notify, message, err);
}

int notify_ready(const struct notify *notify, const char *status, struct error *err)
{
    return send_state(notify, "READY=1", status, err);
}

int notify_status(const struct notify *notify, const char *status, struct error *err)
{
    return send_state(notify, "", status != NULL ? status : "", err);
}

int notify_stopping(const struct notify *notify, const char *status, struct error *err)
{
    return send_state(notify, "STOPPING=1", status, err);
}

int notify_reloading(const struct notify *notify, struct error *err)
{
    char message[96];
    (void)snprintf(message, sizeof message, "RELOADING=1\nMONOTONIC_USEC=%lld",
                   (long long)(clock_monotonic_ns() / 1000)); /* fits */
    return send_message(notify, message, err);
}

int notify_watchdog(const struct notify *notify, struct error *err)
{
    return send_message(notify, "WATCHDOG=1", err);
}
