/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NET_CALL_H
#define CORE_NET_CALL_H

/*
 * Call: one net_send(), over all of its hops.
 *
 *     NEW ──▶ QUEUED ──▶ RESOLVING ──▶ RUNNING ──▶ OVER
 *               ▲  └──────────────────▶ │
 *               └────── redirect ───────┘          any state ──▶ OVER
 *
 * call.c moves it along, transfer.c sets libcurl up and listens to it, failure.c says what went
 * wrong, client.c decides when a hop may begin. Nothing of it runs inside of net_send() or
 * net_abort(): these only put the call into the client's list of deferred work.
 *
 * Used by:  net, in the module.
 * Uses:     certificate.h, headers.h, net_module.h, proxy.h, resolver.h, url.h, libcurl.
 * Threads:  [loop]
 */

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/net/certificate.h"
#include "core/net/headers.h"
#include "core/net/net_module.h"
#include "core/net/proxy.h"
#include "core/net/resolver.h"
#include "core/net/url.h"

struct gate;
struct net_client;

enum call_state { CALL_NEW, CALL_QUEUED, CALL_RESOLVING, CALL_RUNNING, CALL_OVER };

/* Why one of our callbacks made libcurl give a transfer up. */
enum call_trouble {
    TROUBLE_NONE,
    TROUBLE_HEADERS,   /* too many bytes of them */
    TROUBLE_BODY,      /* too many bytes of it */
    TROUBLE_RATIO,     /* a bomb */
    TROUBLE_ENCODING,  /* more than one layer */
    TROUBLE_REPEATED,  /* libcurl would have sent the request again */
    TROUBLE_FORBIDDEN, /* the address of the socket */
    TROUBLE_NOMEM,
};

/* What is known of the hop that runs; all zero when it begins. */
struct call_hop {
    int64_t start_ns;
    double dns_ms;
    int status;
    uint32_t requests; /* times that libcurl was about to send */
    uint32_t encodings;
    size_t header_bytes;
    uint64_t body_bytes;
    enum call_trouble trouble;
    enum net_verdict verdict;       /* with TROUBLE_FORBIDDEN */
    struct certificate certificate; /* all zero without TLS */
    struct certificate_watch watch; /* certificate_forget() */
    char remote_address[NET_ADDRESS_TEXT_SIZE + 10];
};

struct net_call {
    struct net_call_head head; /* first: net_abort() reads it */
    uint32_t magic;
    struct net_client *client;
    TAILQ_ENTRY(net_call) all;      /* in the client's list of calls, until it is over */
    TAILQ_ENTRY(net_call) deferred; /* in the client's list of deferred work */
    TAILQ_ENTRY(net_call) waiting;  /* in its gate, while it is QUEUED */

    /* The request; `method`, `headers` and `body` change with a redirect. */
    struct arena arena;
    struct net_request request;
    const char *method; /* NUL-terminated */

    enum call_state state;
    bool is_deferred;
    bool is_aborted;
    bool has_effect; /* an earlier hop may have had one */
    uint32_t redirects;
    uv_timer_t timer;
    bool is_hop_timer; /* it ends the resolving, before the whole time is over */
    int64_t start_ns;
    double queue_ms;
    struct gate *gate; /* not NULL: it holds one of the gate's places */
    struct url url;    /* of this hop */
    const struct proxy *proxy;
    struct resolver_query query;
    CURL *easy;
    struct curl_slist *header_lines;
    struct curl_slist *resolved;
    struct call_hop hop;
    struct header_list headers; /* of the response */
    struct strbuf body;
    char problem[CURL_ERROR_SIZE];
};

TAILQ_HEAD(call_list, net_call);

/* Copies the request. Owned by the client until it is over. NULL when out of memory. */
struct net_call *call_create(struct net_client *client, const struct net_request *request);

/* The call's turn among the deferred work: it begins, or it was aborted. */
void call_run_deferred(struct net_call *call);

/* The call got a place in its gate: the hop begins. */
void call_begin_hop(struct net_call *call);

/* libcurl has ended the hop. */
void call_end_hop(struct net_call *call, CURLcode code);

/* transfer.c: sets `easy` up for this hop. Returns 0 or E_NOMEM. */
int transfer_prepare(struct net_call *call);
/* Sets what is trusted: `ca_file` (may be NULL), else what the environment says. */
bool transfer_set_trust(CURL *easy, const char *ca_file);
/* Reads what libcurl measured, before the transfer is removed. */
void transfer_measure(const struct net_call *call, struct net_response *response);

/* failure.c: fills `failure`, and `err`, which holds its message. */
void failure_from_error(const struct net_call *call, enum net_failure_class failure_class,
                        const struct error *err, struct net_failure *failure);
void failure_from_transfer(const struct net_call *call, CURLcode code, struct error *err,
                           struct net_failure *failure);
enum net_failure_class failure_forbidden(const struct net_call *call, enum net_verdict verdict,
                                         struct error *err);

#endif
