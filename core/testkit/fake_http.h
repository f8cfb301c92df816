/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_TESTKIT_FAKE_HTTP_H
#define CORE_TESTKIT_FAKE_HTTP_H

/*
 * Fake HTTP: answers calls by rules, by the test's handler, or not at all.
 *
 *     send() -> a rule or the handler -> an alarm -> pieces and done
 *           \-> open: ops_test_http_reply(), its timeout, or an abort
 *
 * Used by:  testkit; the host, as its struct host_http.
 * Uses:     host, test_clock; opstream/test.h.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/host/http.h"
#include "opstream/test.h"

struct ops_test_host;
struct http_call;
struct http_rule;

struct fake_http {
    struct host_http table; /* what the host is given; its self is this */
    struct ops_test_host *owner;
    struct arena arena; /* of rules, calls and answers */
    struct http_rule *first_rule;
    struct http_rule **last_rule;
    struct http_call **calls;
    size_t count;
    size_t cap;
    uint64_t open;
    ops_test_http_handler handler;
    void *handler_user;
};

/* It must not move in memory from here on. */
void fake_http_init(struct fake_http *http, struct ops_test_host *owner);
/* No call is open. */
void fake_http_finish(struct fake_http *http);

#endif
