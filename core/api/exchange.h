/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_EXCHANGE_H
#define CORE_API_EXCHANGE_H

/*
 * Exchange: one request of a client and its answer, as the routes see it.
 *
 * The server calls api_handlers.on_request once the whole request, body included, is there. The
 * routes answer then or at any later time, by one of
 *
 *     api_respond()                                          a whole answer
 *     api_stream_begin() api_stream_write()... api_stream_end()    one that comes in pieces
 *
 * and with api_respond() or api_stream_end() the exchange is over: it is not to be touched again.
 * If the client goes away before that, on_gone tells so, once, and the exchange is over when it
 * returns. Nothing calls back from inside a function of this header.
 *
 * What is wrong with a request as HTTP (syntax, limits, a body that is not JSON by its type) is
 * answered by the server and never seen here. Which paths and methods there are is the routes'
 * business. The answer to a HEAD is given as to a GET: its body is left out.
 *
 * Used by:  the routes, server.h.
 * Uses:     base.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

struct api_exchange;

enum {
    API_MAX_QUERY = 64, /* parameters of a request */
};

/*
 * Of what is spoken at the socket. Each answer names it in API_VERSION_HEADER, so that a client of
 * another build can say what is wrong. It changes when older clients would not understand.
 */
#define API_VERSION        "1"
#define API_VERSION_HEADER "OpStream-Api"

struct api_parameter {
    struct str name; /* percent-decoded, '+' is a space; UTF-8 */
    struct str value;
};

/* Borrowed until the exchange is answered, its stream has begun, or on_gone has returned. */
struct api_request {
    struct str method; /* "GET" */
    struct str path;   /* percent-decoded; begins with '/'; UTF-8; no "." or ".." segment, no
                          control character, no '/' that was encoded */
    const struct api_parameter *query;
    size_t query_count;
    struct str host;   /* headers: as sent, empty when not there */
    struct str origin; /* `p` is NULL when not there */
    struct str accept;
    struct str last_event_id;
    struct str idempotency_key;
    struct str content_type; /* "application/json" when there is a body */
    struct str body;
    uint32_t peer_uid; /* the user at the other end */
};

/* Why a client that reads too slowly is dropped. */
enum api_slowness {
    API_SLOW_UNREAD, /* max_unsent_bytes wait for it */
    API_SLOW_IDLE,   /* it has taken nothing for timeout_ms */
};

struct api_handlers {
    /* `request` as its struct says. Never NULL. */
    void (*on_request)(void *user, struct api_exchange *exchange,
                       const struct api_request *request);
    /* The client went away, was too slow a reader, or the server closes. Never NULL. */
    void (*on_gone)(void *user, struct api_exchange *exchange);
    /* A stream with unsent bytes has none left: room for more. May be NULL. */
    void (*on_drained)(void *user, struct api_exchange *exchange);
    /* The stream's client is about to be dropped: on_gone follows. May be NULL. */
    void (*on_slow)(void *user, struct api_exchange *exchange, enum api_slowness slowness);
    void *user; /* kept until the server is closed */
};

struct api_header {
    const char *name; /* "Location"; without control characters, like the value */
    struct str value;
};

/* Everything is borrowed for the call. Content-Length and Connection are not to be given. */
struct api_answer {
    int status;               /* 200 to 599 */
    const char *content_type; /* NULL: no body */
    struct str body;          /* of api_respond() only */
    const struct api_header *headers;
    size_t header_count;
};

/* Answers. When out of memory the connection is closed instead. */
void api_respond(struct api_exchange *exchange, const struct api_answer *answer);

/* Answers with {"error":{"code":"not_found","message":"..."}}; the code is that of the status. 429
 * and 503 come with Retry-After: 1. */
void api_respond_error(struct api_exchange *exchange, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The text of a status as errors name it, "not_found" for 404; static. */
const char *api_status_code(int status);

/* Begins an answer in pieces (chunked; for HTTP/1.0 until the connection's end). */
void api_stream_begin(struct api_exchange *exchange, const struct api_answer *answer);

/*
 * Sends on. A client that leaves more than 1 MiB unread, or reads nothing for 30 s, is dropped
 * (on_gone, from the loop): a stream that may be long asks api_stream_unsent() and goes on in
 * on_drained.
 */
void api_stream_write(struct api_exchange *exchange, struct str bytes);

/* Bytes that the client has not taken yet. */
size_t api_stream_unsent(const struct api_exchange *exchange);

void api_stream_end(struct api_exchange *exchange);

/* What the routes keep with an exchange: borrowed, NULL at first. */
void api_exchange_set_data(struct api_exchange *exchange, void *data);
void *api_exchange_data(const struct api_exchange *exchange);

#endif
