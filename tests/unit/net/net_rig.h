/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_NET_NET_RIG_H
#define TESTS_UNIT_NET_NET_RIG_H

/*
 * A loop, a net with default settings and two test servers, for the tests of whole calls. One
 * call at a time goes through `x`.
 *
 * Used by:  tests/unit/net/test_net*.c.
 * Uses:     exchange.h, the test server, cmocka.
 * Threads:  the test's.
 */

#include <uv.h>

#include "core/net/net.h"
#include "tests/support/http_server.h"
#include "tests/unit/net/exchange.h"

extern uv_loop_t loop;
extern struct net *net; /* a test may put its own here for a while */
extern struct http_server *server;
extern struct http_server *other; /* another origin */
extern struct exchange x;         /* what came of the last call */

/* For cmocka: of the group, and before each test. */
int open_all(void **state);
int close_all(void **state);
int clear(void **state);

/* A GET of "PATH" at `server`, or of a whole URL, which is written to `url`. */
struct net_request make_request(const char *path, char url[512]);

/* Sends it and waits for its end. */
void run(struct net_request *request);
void get(const char *path);

void assert_failed(enum net_failure_class failure_class, const char *words);
void assert_body(int status, const char *words);

#endif
