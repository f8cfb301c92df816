/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_HTTP_SERVER_H
#define TESTS_SUPPORT_HTTP_SERVER_H

/*
 * A small HTTP/1.1 server for tests, on 127.0.0.1 and a port that the kernel chooses. It runs in a
 * thread of its own; one epoll loop serves hundreds of connections. With TLS it makes its own
 * certificate for localhost and 127.0.0.1, and writes it to a file that a client trusts.
 *
 * The same as a program: build/tests/bin/http_test_server [--tls] [--days N] [--early] [--issued]
 * [--name NAME] [--port N] [--with-parent]. It prints its port on the first line and, with --tls,
 * the file to trust on the second (SSL_CERT_FILE; use https://localhost:PORT), and runs until
 * SIGTERM; --with-parent: also until its parent ends.
 *
 * The path decides what it does:
 *   /                             200, text; HEAD: as /service/0
 *   /echo /echo/STATUS            JSON: method, path, query, body, proxied, headers by lower-case
 * name /json /bad-json               {"name":"opstream","list":[1,2,3],"ok":true}; broken JSON
 *   /status/N?retry-after=X       status N, body {"status":N}; with the header Retry-After;
 *   /status/N?x-name=a+value      likewise, with any header that begins so
 *   /auth                         401 without an Authorization header
 *   /delay/MS                     200 after MS milliseconds
 *   /bytes/N                      N bytes of "x"
 *   /chunked/N?MS                 N chunks of 8 bytes, MS milliseconds between them
 *   /gzip/N /gzip/N?twice         N bytes, compressed (a bomb when N is large); two layers
 *   /endless /no-length           a body without end; one that ends with the connection
 *   /early-close /bad-length      10 of 100 bytes, then the end; a Content-Length that is no number
 *   /redirect/N                   302, N + 1 times, then /echo
 *   /redirect-to/STATUS?URL       STATUS with Location: URL
 *   /big-headers/N                N headers of 1 kB
 *   /slow-headers/N?MS            N headers, one every MS milliseconds
 *   /cookies                      Set-Cookie and X-Many twice
 *   /reset /close /silent         RST; the end; nothing at all, instead of an answer
 *   /garbage                      what is no HTTP
 *   /dying                        200; the next request on this connection gets only its end
 *   /leave                        200; then the connection ends
 *   /counts                       JSON: connections and requests so far, on_this connection
 *   /service/N                    one of ten services: as it was told to, 200 at first
 *   /service-is/N?STATUS,MS,C,THEN  tells it: STATUS (0: no answer at all), after MS milliseconds;
 *                                 after C calls, THEN
 *   /service-counts/N             JSON: calls, good ones, those of a key that had one (again),
 * keys, most calls of a key, calls under way, most of them since told
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
    bool is_early;        /* the certificate is valid from tomorrow on */
    bool is_issued;       /* by an authority that nobody knows: not even the file helps */
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
/* Nanoseconds from the first request to the last, of those that are counted. */
uint64_t http_server_span_ns(const struct http_server *server);
void http_server_reset_counts(struct http_server *server);

#endif
