/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_NET_EXCHANGE_H
#define TESTS_UNIT_NET_EXCHANGE_H

/*
 * One call and what came of it, for the tests of net.
 *
 * Used by:  tests/unit/net, tests/bench.
 * Uses:     core/net, libuv.
 * Threads:  the test's.
 */

#include <stdbool.h>
#include <uv.h>

#include "core/base/str.h"
#include "core/net/net.h"

struct exchange {
    int done_count;
    bool has_response;
    int status;
    bool is_reused;
    uint32_t redirects;
    struct strbuf body;
    struct strbuf chunks;
    size_t chunk_count;
    struct strbuf headers; /* "name: value\n" */
    struct strbuf effective_url;
    struct strbuf remote_address;
    struct net_timings timings;
    int64_t tls_not_after_unix;
    int64_t tls_days_left;
    struct strbuf tls_subject;
    struct strbuf tls_issuer;
    uint64_t body_bytes;
    uint64_t received_bytes;
    enum net_failure_class failure_class;
    enum net_effect effect;
    int code;
    struct strbuf message;
    struct strbuf hint;
};

void exchange_finish(struct exchange *x);

/* For net_request: `user` is the exchange. */
void exchange_on_done(void *user, const struct net_response *response,
                      const struct net_failure *failure);
void exchange_on_chunk(void *user, struct str bytes);

/* Runs the loop until the exchange is done. */
void exchange_wait(uv_loop_t *loop, struct exchange *x);

/* Closes net and runs the loop until nothing is left in it. */
void exchange_close_net(uv_loop_t *loop, struct net *net);

#endif
