/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_HTTP_H
#define CORE_HOST_HTTP_H

/*
 * What the host needs of outgoing HTTP. core/net offers it; core/loop binds the two, which do
 * not know each other; tests give their own.
 *
 * Used by:  host (ops.http), loop.
 * Uses:     base.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

struct error;

struct host_http_header {
    struct str name;
    struct str value;
};

struct host_http_request {
    struct str method;
    struct str url;
    const struct host_http_header *headers;
    size_t header_count;
    struct str body;
    uint64_t timeout_ms;         /* whole call; 0: the default */
    uint64_t connect_timeout_ms; /* 0: the default */
    uint64_t max_body_bytes;     /* after decompression; 0: the default */
    bool has_no_redirects;
    uint64_t token; /* of the task that calls; see struct host_task_spec */
    /* Not NULL: the body comes in pieces as it arrives, and the response's body is empty. */
    void (*on_chunk)(void *user, struct str bytes);
};

struct host_http_response {
    int32_t status;
    const struct host_http_header *headers;
    size_t header_count;
    struct str body;
    struct str effective_url;
    double duration_ms;
    double connect_ms; /* with TLS; 0: the connection was there already */
    double first_byte_ms;
    uint64_t body_bytes;
    int64_t tls_not_after_unix; /* 0: no TLS */
    struct str tls_subject;
    struct str tls_issuer;
    bool is_reused; /* the connection was there already */
};

struct host_http_failure {
    const char *code;   /* of the SDK without OPS_E_: "UNAVAILABLE", "TIMEOUT", ... static */
    const char *symbol; /* "http.dns", "http.refused", ...; static */
    bool is_maybe_done; /* the request may have had its effect */
    struct str message;
    struct str hint; /* may be empty */
};

/* Exactly once, never from inside send(): one of the two is not NULL, both borrowed. */
typedef void (*host_http_done_cb)(void *user, const struct host_http_response *response,
                                  const struct host_http_failure *failure);

struct host_http {
    void *self;
    /* The texts of the request, and `user`, are kept until `done` has run. */
    int (*send)(void *self, const struct host_http_request *request, host_http_done_cb done,
                void *user, void **out_call, struct error *err);
    /* `done` still runs, with code CANCELLED. */
    void (*abort)(void *self, void *call);
};

#endif
