/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_SERVER_H
#define CORE_API_SERVER_H

/*
 * Server: the control socket, HTTP over a UNIX socket; or HTTP at another socket that listens.
 *
 * This is the front that the program links: it listens, asks who is at the other end, and gives
 * each connection to the transport. The transport, with libwebsockets, is the private module
 * opstream-api.so, which the first connection loads (api_module.h is the table between the two).
 *
 * Used by:  cli.
 * Uses:     exchange.h, module, libuv.
 * Threads:  [loop]. The process ignores SIGPIPE.
 */

#include <stddef.h>
#include <stdint.h>

#include "core/api/exchange.h"

struct api_server;
struct error;
struct uv_loop_s;

enum {
    API_DEFAULT_MAX_BODY_BYTES = 4 * 1024 * 1024,
    API_DEFAULT_MAX_CONNECTIONS = 1000,
    API_DEFAULT_MAX_UNSENT_BYTES = 1024 * 1024,
    API_DEFAULT_MAX_HELD_BYTES = 64 * 1024 * 1024,
    API_DEFAULT_TIMEOUT_MS = 30000,
    API_DEFAULT_IDLE_TIMEOUT_MS = 120000,
};

/* 0: the default. */
struct api_limits {
    size_t max_body_bytes;    /* of a request: 413 above */
    uint32_t max_connections; /* 503 above */
    size_t max_unsent_bytes;  /* of a stream: dropped above */
    size_t max_held_bytes;    /* of the bodies of all requests under way: 429 above */
    uint64_t timeout_ms; /* for a request to be there whole, and for a client that takes nothing */
    uint64_t idle_timeout_ms; /* of a connection between two requests */
};

struct api_server_options {
    struct uv_loop_s *loop;  /* kept until the server is closed */
    const char *socket_path; /* absolute; borrowed; NULL: `listening` has the socket */
    struct api_listening {
        int fd;              /* non-blocking; taken, also when opening fails */
        const char *address; /* for messages; borrowed */
        /* Who has connected; false: the connection is closed. */
        bool (*find_peer)(int fd, uint32_t *out_uid);
    } listening;
    struct api_handlers handlers;
    struct api_limits limits;
};

/* What the server knows of its clients; the last three since it began. */
struct api_counts {
    uint64_t clients;             /* connections */
    uint64_t refused_connections; /* there were too many */
    uint64_t refused_bodies;      /* max_held_bytes */
    uint64_t dropped;             /* they read too slowly */
};

/* Adds those of `server` (NULL: none) to `counts`. */
void api_server_count(const struct api_server *server, struct api_counts *counts);

/*
 * With a path: makes the socket and listens. Its folder must belong to the user of this process and
 * be closed to others (0700): only that user, and root, get in; the socket has mode 0600. A folder
 * that its group may pass through (0710) lets members of that group in as well: mode 0660. A socket
 * file that nobody listens at any more is replaced; so the caller holds the lock of the folder. On
 * success `*out_server` is owned: api_server_close(). Fails with E_INVALID (the folder, or
 * something else than a socket in its place), E_CONFLICT (somebody listens there), E_NOT_FOUND (no
 * such folder), E_NOMEM, E_IO.
 */
int api_server_open(const struct api_server_options *options, struct api_server **out_server,
                    struct error *err);

/*
 * Whether api_server_open() could listen there: the folder, and what stands in the socket's place,
 * for somebody who has the lock and wants to know it before. Fails with E_INVALID, E_NOT_FOUND,
 * E_NOMEM, E_IO.
 */
int api_server_check(const char *socket_path, struct error *err);

/*
 * Removes the socket, takes no more requests, and gives those under way `grace_ms` to end; what is
 * there after that is dropped (on_gone). Then frees `server` and calls `done` on the loop. NULL
 * calls `done` at once.
 */
void api_server_close(struct api_server *server, uint64_t grace_ms, void (*done)(void *user),
                      void *user);

#endif
