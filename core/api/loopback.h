/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_LOOPBACK_H
#define CORE_API_LOOPBACK_H

/*
 * Loopback: a TCP address of this machine alone, and who is at the other end of its connections.
 *
 * There are no passwords: the kernel's table of connections (proc(5), /proc/net/tcp) says which
 * user has the other end, as SO_PEERCRED does for a UNIX socket.
 *
 * Used by:  control_socket, cli.
 * Uses:     base.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

struct error;

enum { LOOPBACK_ADDRESS_SIZE = 64 };

struct loopback {
    int fd;                              /* listens; -1: none */
    char address[LOOPBACK_ADDRESS_SIZE]; /* "127.0.0.1:8001", "[::1]:8001" */
};

/*
 * Listens at `host`, an address in 127.0.0.0/8, ::1, or "localhost" (127.0.0.1), and `port` (0: one
 * that is free). `out_loopback->fd` is owned: close().
 * Fails with E_INVALID (another host: other machines could reach it), E_CONFLICT (the port is
 * taken), E_IO (also where the kernel's table cannot be read, so that nobody could be let in).
 */
int loopback_listen(const char *host, uint16_t port, struct loopback *out_loopback,
                    struct error *err);

/*
 * The user whose socket is at the other end of `fd`, a connection that was accepted. False when
 * nobody's is: the connection is closed at the other end, or closing. Who asks later is not told of
 * somebody else: the addresses stay taken while `fd` is open.
 */
bool loopback_find_peer(int fd, uint32_t *out_uid);

/* Whether `host`, that of a Host header, names this machine: "localhost:8001", "[::1]". */
bool loopback_is_host(struct str host);

#endif
