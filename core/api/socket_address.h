/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_SOCKET_ADDRESS_H
#define CORE_API_SOCKET_ADDRESS_H

/*
 * Socket address: the path of a UNIX socket as the kernel takes it.
 *
 * An address has room for 107 bytes. A longer path is reached through its folder, opened, as
 * /proc/self/fd/N/NAME: that is why an address may hold a descriptor.
 *
 * Used by:  server.c, client.c.
 * Uses:     base.
 * Threads:  [any]
 */

#include <sys/un.h>

struct error;

struct socket_address {
    struct sockaddr_un address;
    int folder_fd; /* -1: none was needed */
};

/*
 * On success: socket_address_finish().
 * Fails with E_INVALID (a path that is not absolute, or names no file), E_NOT_FOUND (no such
 * folder), E_IO, E_NOMEM.
 */
int socket_address_init(struct socket_address *address, const char *path, struct error *err);

/* The text of the address is void then. */
void socket_address_finish(struct socket_address *address);

#endif
