/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_HTTP_SERVER_H
#define TESTS_SUPPORT_HTTP_SERVER_H

/*
 * A small HTTP/1.1 server for tests, on 127.0.0.1 and a port that the kernel chooses. What it does
 * is decided by the path of the request: README.md has the list.
 *
 * It runs in a thread of its own; one epoll loop serves hundreds of connections. With TLS it makes
 * its own certificate for localhost and 127.0.0.1, and writes it to a file that a client trusts.
 *
 * Used by:  tests and benchmarks.
 * Uses:     base, OpenSSL.
 * Threads:  [any] for what is declared here.
 */

#include <stdbool.h>
#include <stdint.h>

struct http_server;

struct http_server_options {
    bool has_tls;
    int certificate_days; /* from now to its end, negative: it is over; 0: 30 */
    const char *name;     /* that the certificate has, instead of localhost and 127.0.0.1 */
    uint16_t port;        /* 0: the kernel chooses */
};

/* `options` may be NULL. Owned: http_server_stop(). NULL, with a line on stderr, when it fails. */
struct http_server *http_server_start(const struct http_server_options *options);
void http_server_stop(struct http_server *server);

uint16_t http_server_port(const struct http_server *server);
/* "http://127.0.0.1:PORT" or "https://localhost:PORT", borrowed. */
const char *http_server_url(const struct http_server *server);
/* The certificate in PEM, removed by http_server_stop(); "" without TLS. Borrowed. */
const char *http_server_ca_file(const struct http_server *server);

/* Connections accepted and requests read, since the start or the last reset. */
uint64_t http_server_connection_count(const struct http_server *server);
uint64_t http_server_request_count(const struct http_server *server);
void http_server_reset_counts(struct http_server *server);

#endif
