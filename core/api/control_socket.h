/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_CONTROL_SOCKET_H
#define CORE_API_CONTROL_SOCKET_H

/*
 * Control socket: carries requests of other processes to control, and its answers back; and so
 * for a loopback address.
 *
 * Used by:  cli.
 * Uses:     control, entry, loopback, server.
 * Threads:  [loop]
 */

struct control;
struct control_socket;
struct error;
struct loop;
struct loopback;

struct control_socket_options {
    struct loop *loop;
    struct control *control; /* kept until the socket is closed */
    const char *path;        /* absolute; borrowed */
};

/* Listens. Owned: control_socket_close(). Fails as api_server_open() does. */
int control_socket_open(const struct control_socket_options *options,
                        struct control_socket **out_socket, struct error *err);

/*
 * Serves who connects to `loopback`, too; entry.h says who may ask what there. Once. Its descriptor
 * is taken, also by a failure: E_NOMEM, E_IO.
 */
int control_socket_serve(struct control_socket *socket, const struct loopback *loopback,
                         struct error *err);

/* As api_server_close(), and frees it before `done`. NULL calls `done` at once. */
void control_socket_close(struct control_socket *socket, void (*done)(void *user), void *user);

#endif
