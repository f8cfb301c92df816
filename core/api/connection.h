/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_CONNECTION_H
#define CORE_API_CONNECTION_H

/*
 * Connection: one client. Bytes come in from libwebsockets, requests go to the routes one at a
 * time, answers go out in the order of the requests.
 *
 *     READING -> ASKED -> READING ...       a request and its answer
 *                ASKED -> STREAMING -> READING
 *     LINGERING                             the last answer is out; what still comes is not read
 *
 * While a request is with the routes, or bytes of an answer have not gone out, what the client
 * sends next waits here, up to a limit, then in the socket.
 *
 * libwebsockets is used for its sockets on the loop ("raw"), not for its HTTP/1 role: that takes a
 * bare line feed for a line's end, knows no chunked bodies, reads "5x" as a length, decodes paths
 * in its own way, and cannot tell its limits to the client.
 *
 * Ending is never done from inside a call of the routes or of libwebsockets: a connection that has
 * to end is doomed, and the transport, or the callback it is in, closes it.
 *
 * Used by:  transport.c.
 * Uses:     api_module.h, request_reader.h, http_text.h, libwebsockets.
 * Threads:  [loop]
 */

#include "core/api/api_module.h"
#include "core/api/request_reader.h"

struct connection;
struct lws;

enum connection_flag {
    CONNECTION_SURPLUS = 1u << 0, /* one too many: its request is answered with 503 */
};

/* What a connection asks of the transport. */
struct connection_owner {
    struct api_handlers handlers;
    struct api_limits limits;
    struct api_counts counts;
    size_t held_bytes; /* of bodies */
    bool is_closing;   /* no more requests are taken */
    uint64_t (*now_ms)(struct connection_owner *owner);
    /* connection_check() is wanted at `at_ms`. */
    void (*wake_at)(struct connection_owner *owner, uint64_t at_ms);
    /* Has ended; it is freed when this returns. */
    void (*on_end)(struct connection_owner *owner, struct connection *connection);
};

/* Neighbours in the list of its owner. */
struct connection_links {
    struct connection *previous;
    struct connection *next;
};

/*
 * `owner` is kept. Owned by the caller until connection_begin() or connection_destroy().
 * NULL: out of memory.
 */
struct connection *connection_create(struct connection_owner *owner, uint32_t peer_uid,
                                     uint32_t flags);
void connection_destroy(struct connection *connection);

/* `wsi` serves it from now on; it is freed behind connection_on_closed(). */
void connection_begin(struct connection *connection, struct lws *wsi);

/* What libwebsockets tells. The first two return -1 when it is to close the connection. */
int connection_on_bytes(struct connection *connection, struct str bytes);
int connection_on_writable(struct connection *connection);
void connection_on_closed(struct connection *connection);

/*
 * What time has done to it; closes it when it is doomed. Returns the time of the next check, or
 * UINT64_MAX. Not from inside a callback of libwebsockets. The connection may be freed.
 */
uint64_t connection_check(struct connection *connection, uint64_t now_ms);

/* The owner is closing: ends it now, or once its exchange is over. It is closed by the next
 * connection_check(). */
void connection_end_idle(struct connection *connection);
void connection_doom(struct connection *connection);

struct connection_links *connection_links(struct connection *connection);

#endif
