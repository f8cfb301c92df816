/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_API_MODULE_H
#define CORE_API_API_MODULE_H

/*
 * The table that opstream-api.so exports (base/module.h): server.c calls it, transport.c is behind
 * it; and what each exchange begins with, so that exchange.c reaches the connection behind it.
 *
 * Used by:  server.c, exchange.c, transport.c, connection.c, module.c.
 * Uses:     server.h.
 * Threads:  [loop]
 */

#include "core/api/server.h"

struct api_transport;

/* What the functions of exchange.h of these names do. */
struct api_exchange_calls {
    void (*respond)(struct api_exchange *exchange, const struct api_answer *answer);
    void (*stream_begin)(struct api_exchange *exchange, const struct api_answer *answer);
    void (*stream_write)(struct api_exchange *exchange, struct str bytes);
    size_t (*stream_unsent)(const struct api_exchange *exchange);
    void (*stream_end)(struct api_exchange *exchange);
};

struct api_exchange {
    const struct api_exchange_calls *calls;
    void *data; /* the routes' own */
};

/* With limits that are filled in. Everything is kept until close() is done. */
struct api_transport_options {
    struct uv_loop_s *loop;
    struct api_handlers handlers;
    struct api_limits limits;
};

struct api_transport_table {
    /* Owned: close(). Fails with E_NOMEM, E_IO. */
    int (*create)(const struct api_transport_options *options, struct api_transport **out_transport,
                  struct error *err);
    /* Serves the connected socket `fd`, which is taken, for the user `peer_uid`. */
    void (*adopt)(struct api_transport *transport, int fd, uint32_t peer_uid);
    /* Adds what it knows. */
    void (*count)(const struct api_transport *transport, struct api_counts *counts);
    /* As api_server_close(); frees the transport before `done`. */
    void (*close)(struct api_transport *transport, uint64_t grace_ms, void (*done)(void *user),
                  void *user);
};

#endif
