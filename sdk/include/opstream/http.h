/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPSTREAM_HTTP_H
#define OPSTREAM_HTTP_H

/*
 * ops.http 1: outgoing HTTP and HTTPS by the host: one pool of connections for all nodes, one place
 * for the rules on addresses, redirects, proxies and TLS.
 *
 *     send() = OPS_OK  ->  on_chunk* (only if asked for)  ->  on_done, exactly once
 */

#include "opstream/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OPS_IF_HTTP "ops.http"

/* For ops_http_req.flags. */
#define OPS_HTTP_NO_REDIRECT     1u /* a 3xx is the answer, not a step on the way */
#define OPS_HTTP_IDEMPOTENCY_KEY 2u /* send the step's key as the header Idempotency-Key */

#define OPS_HTTP_HEADERS_MOST 1000u /* of a request */

/* The answer; all of it borrowed. */
typedef struct ops_http_res {
    uint32_t size;
    int32_t status;              /* 200 */
    const ops_str *header_names; /* as they came: names of headers have no case */
    const ops_str *header_values;
    uint64_t n_headers;
    /*
     * The bytes of the body, decompressed; empty when they went to on_chunk. Make of them what you
     * need, in one step: new_str() (text), from_json() (a value), new_bytes().
     */
    ops_str body;
    ops_str effective_url;         /* after redirects */
    double duration_ms;            /* from send() to the last byte */
    int64_t tls_not_after_unix_ms; /* when the server's certificate ends; 0: no TLS */
    uint64_t body_bytes;           /* of the body, decompressed, also when it went to on_chunk */
    /* Of the last hop, from its beginning; 0: there was a connection already. */
    double connect_ms;    /* until the connection stands, with TLS */
    double first_byte_ms; /* until the first byte of the answer */
    ops_str tls_subject;  /* of the server's certificate, as "CN=example.com,O=Example" */
    ops_str tls_issuer;
} ops_http_res;

/*
 * [strand] The end of a call: one of `res` and `err` is NULL, the other borrowed. Any status of
 * HTTP is an answer, not an error. It also comes after a cancel (CANCELLED), but not after the
 * task has ended.
 */
typedef void (*ops_http_done)(void *user, ops_task task, const ops_http_res *res,
                              const ops_error *err);

/* Borrowed by send(), with all that it points to, which is copied. */
typedef struct ops_http_req {
    uint32_t size;
    uint32_t flags; /* OPS_HTTP_* */
    ops_str method; /* empty: GET */
    ops_str url;
    const ops_str *header_names;
    const ops_str *header_values;
    uint64_t n_headers;
    ops_str body;
    ops_str label;               /* names this call in its idempotency key; may be empty */
    uint64_t timeout_ms;         /* for the whole call; 0: the host's default */
    uint64_t connect_timeout_ms; /* 0: the host's default */
    uint64_t max_body_bytes;     /* after decompression; 0: the host's default */
    /* [strand] Not NULL: the body of the answer comes in pieces as it arrives; `bytes` borrowed. */
    void (*on_chunk)(void *user, ops_task task, ops_str bytes);
    ops_http_done on_done; /* must not be NULL */
    void *user;            /* kept until on_done, or until the task ends */
    /*
     * NULL, or as many handles as there are headers: one that is not 0 is a string, and the value
     * of the header instead of the text in header_values. So a header has what the plugin may not
     * read: a secret of its config. The call fails when the secret must not go to the host.
     */
    const ops_val *header_vals;
    /*
     * Not 0: a string, instead of `url`, for addresses that are secrets themselves. The answer has
     * no effective_url then, unless the plugin may read secrets.
     */
    ops_val url_val;
} ops_http_req;

typedef struct ops_if_http {
    uint32_t size;
    uint32_t version;
    /*
     * [any-thread] Starts a call. `out` (may be NULL) names it for abort(). All that is wrong with
     * the request itself (its URL, an address that is not allowed) is told to on_done.
     * OPS_E_UNSUPPORTED: unknown flags; OPS_E_INTERNAL: no `on_done`, a text that is not UTF-8,
     * more than OPS_HTTP_HEADERS_MOST headers, a handle that is no string; OPS_E_STALE;
     * OPS_E_RESOURCE.
     */
    ops_status (*send)(void *h, ops_task task, const ops_http_req *req, ops_op *out);
    /* [any-thread] Ends the call early: on_done still comes, with CANCELLED. */
    ops_status (*abort)(void *h, ops_op op);
} ops_if_http;

#ifdef __cplusplus
}
#endif
#endif
