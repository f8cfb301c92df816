/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_HTTP_SERVER_CONN_H
#define TESTS_SUPPORT_HTTP_SERVER_CONN_H

/*
 * Inside of the test server: what its loop (http_server.c) and its behaviours
 * (http_server_paths.c, http_server_service.c) share, and the making of certificates
 * (http_server_tls.c).
 *
 * Used by:  http_server*.c only.
 * Uses:     base, OpenSSL.
 * Threads:  the server's.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

struct http_server;
struct http_server_options;
struct http_service;
struct http_services;
struct ssl_st;
struct ssl_ctx_st;

struct http_conn {
    struct http_server *server;
    int fd;
    struct ssl_st *ssl; /* NULL: plain */
    bool is_ready;      /* the handshake is over */
    struct strbuf in;
    struct strbuf out;
    size_t out_sent;
    int64_t due_ns;  /* not 0: `out` waits until then */
    bool is_busy;    /* a response is under way */
    bool is_closing; /* close once `out` is sent */
    bool is_reset;   /* and with RST */
    bool is_silent;  /* never answers again */
    bool is_dying;   /* closes instead of answering the next request */
    /* Called when `out` is empty: appends more, or sets `produce` to NULL at the end. */
    void (*produce)(struct http_conn *conn);
    uint64_t produce_left;
    int64_t produce_pause_ns;
    uint32_t requests;
    struct http_service *service; /* that it keeps busy; NULL: none */
};

struct http_req {
    struct str method;
    struct str target; /* as sent */
    struct str path;   /* without scheme and host of a proxy's request, and without query */
    struct str query;
    struct str headers; /* the lines */
    struct str body;
    bool is_proxied; /* the target was an absolute URL */
};

/* The value of header `name` (any case), empty when there is none. */
struct str http_req_header(const struct http_req *req, const char *name);

/* Appends to conn->out what `req` asks for, or sets its other fields. */
void http_server_answer(struct http_conn *conn, const struct http_req *req);

int64_t http_server_now_ns(void);
uint64_t http_conn_server_connections(const struct http_conn *conn);
uint64_t http_conn_server_requests(const struct http_conn *conn);

/* /service/N, /service-is/N, /service-counts/N; and the end of an answer of the first. */
struct http_services *http_services_create(void);
void http_services_destroy(struct http_services *services);
struct http_services *http_conn_services(const struct http_conn *conn);
void http_service_answer(struct http_conn *conn, const struct http_req *req, uint64_t argument);
void http_service_answer_is(struct http_conn *conn, const struct http_req *req, uint64_t argument);
void http_service_answer_counts(struct http_conn *conn, const struct http_req *req,
                                uint64_t argument);
void http_service_done(struct http_conn *conn);

/* A context with a new certificate, which is also written to `pem_path`; NULL when it fails. */
struct ssl_ctx_st *http_server_tls_create(const struct http_server_options *options,
                                          const char *pem_path);

#endif
