/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NET_NET_H
#define CORE_NET_NET_H

/*
 * Net: outgoing HTTP, one pool of connections for all nodes.
 *
 * This is the front that the program links. libcurl and c-ares live in the private module
 * opstream-net.so, which the first request loads (net_module.h is the table between the two).
 *
 * A call is over when its `done` has run: exactly once, on the loop, never from inside a function
 * of this header, also after net_abort() and net_close(). Nothing is ever sent twice: retrying is
 * the policies' business. Redirects are followed here, hop by hop, each one checked.
 *
 * Used by:  loop (which binds it to the host's ops.http).
 * Uses:     base, libuv.
 * Threads:  [loop]. The process ignores SIGPIPE.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

struct error;
struct net;
struct net_call;
struct uv_loop_s;

/* Private addresses: loopback, RFC 1918, link-local, CGNAT, multicast, reserved and the like. */
enum net_private {
    NET_PRIVATE_ALLOW, /* of `opstream run`: its author is its user */
    NET_PRIVATE_DENY,  /* of `opstream serve`, but what `allow` lists */
};

/* All zero is the default. Texts are borrowed for net_create() only. */
struct net_settings {
    enum net_private private_addresses;
    /*
     * Rules: an address ("10.0.0.5"), a network ("10.0.0.0/8", "fd00::/8"), a host name
     * ("git.example.com"), or all names below one ("*.example.com"). `deny` wins over `allow`;
     * `allow` lists what NET_PRIVATE_DENY lets through. The metadata services of clouds
     * (169.254.169.254, fd00:ec2::254) are refused unless `allow` lists that very address.
     */
    const char *const *allow;
    size_t allow_count;
    const char *const *deny;
    size_t deny_count;
    const char *ca_file;      /* NULL: $SSL_CERT_FILE, $SSL_CERT_DIR, else the system's */
    const char *http_proxy;   /* for http: URLs; NULL: $http_proxy, $all_proxy; "": none */
    const char *https_proxy;  /* for https: URLs; NULL: $https_proxy, $all_proxy; "": none */
    const char *no_proxy;     /* NULL: $no_proxy */
    const char *name_servers; /* "192.0.2.1,[2001:db8::1]:5353"; NULL: those of /etc/resolv.conf */
    uint32_t max_connections_per_host; /* calls at a time to one origin, others wait; 0: 128 */
    uint32_t max_connections;          /* in all; 0: 512 */
};

enum {
    NET_DEFAULT_TIMEOUT_MS = 60000,
    NET_DEFAULT_CONNECT_TIMEOUT_MS = 10000,
    NET_DEFAULT_MAX_BODY_BYTES = 10 * 1024 * 1024,
    NET_MAX_HEADER_BYTES = 64 * 1024,
    NET_MAX_REDIRECTS = 5,
};

/* For net_request.timeout_ms: a call that may last for ever, a stream of events say. */
#define NET_NO_TIMEOUT UINT64_MAX

/*
 * Nothing is opened or loaded yet. `loop` is kept until net_close() is done; `settings` may be
 * NULL. On success `*out_net` is owned: net_close().
 * Fails with E_INVALID (a rule that is none), E_NOMEM. Bad name servers fail the calls.
 */
int net_create(struct uv_loop_s *loop, const struct net_settings *settings, struct net **out_net,
               struct error *err);

/*
 * Ends all calls as canceled, closes all connections, frees `net`, then calls `done` on the loop.
 * NULL calls `done` at once.
 */
void net_close(struct net *net, void (*done)(void *user), void *user);

struct net_header {
    struct str name;
    struct str value;
    /* Not sent to another origin; so are Cookie and all whose name tells: auth, token, api-key */
    bool is_secret;
};

enum net_flag {
    NET_NO_REDIRECT = 1u << 0, /* a redirect is a response like others */
};

struct net_response;
struct net_failure;

/* What is about to be sent to one place; borrowed for the call. */
struct net_hop {
    struct str url;
    struct str host; /* a name in small ASCII letters, or an address without brackets */
    uint16_t port;
    const struct net_header *headers; /* those that go on to this place */
    size_t header_count;
    struct str body;
};

/* One of the two is NULL; both are borrowed for the call. */
typedef void (*net_done_cb)(void *user, const struct net_response *response,
                            const struct net_failure *failure);

struct net_request {
    struct str method; /* upper case; empty: GET */
    struct str url;    /* absolute; http or https; no user name in it */
    /*
     * Not empty: the path of a UNIX socket, of at most 107 bytes, to connect to; the URL's host is
     * a name for messages then. No name is resolved, no proxy asked, no redirect followed, and no
     * rule applies: it is for the program's own calls, never to be taken from a pipeline.
     */
    struct str unix_socket;
    const struct net_header *headers;
    size_t header_count;
    struct str body;
    uint32_t flags;              /* NET_... */
    uint64_t timeout_ms;         /* the whole call with all hops; 0: the default; NET_NO_TIMEOUT */
    uint64_t connect_timeout_ms; /* of each hop, from the name to TLS; 0: the default */
    uint64_t max_body_bytes;     /* after decompression; 0: the default; UINT64_MAX: none */
    net_done_cb done;            /* never NULL */
    /*
     * Not NULL: the body of a response below 400 that is no redirect comes in pieces as it
     * arrives (borrowed), and the response's body is empty. It may call net_send(), net_abort().
     * The body of an error, from 400 on, says what is wrong and is wanted whole: it comes in the
     * response as without `on_chunk`, and not more than NET_DEFAULT_MAX_BODY_BYTES of it.
     */
    void (*on_chunk)(void *user, struct str bytes);
    /*
     * Not NULL: asked before the first hop and before that of each redirect. A negative code, with
     * `err` that says why, fails the call with NET_FAILED_BARRED.
     */
    int (*check_hop)(void *user, const struct net_hop *hop, struct error *err);
    void *user; /* of all, kept until `done` has run */
};

/* Milliseconds from the start of the last hop; 0 when there was no such phase. */
struct net_timings {
    double queue_ms; /* before the first hop: waiting for a free connection */
    double dns_ms;
    double connect_ms; /* the connection stands; 0: it was there already */
    double tls_ms;     /* TLS stands */
    double first_byte_ms;
    double total_ms; /* of the whole call, from net_send() */
};

struct net_response {
    int status;
    const struct net_header *headers; /* names in lower case */
    size_t header_count;
    struct str body;
    struct str effective_url;  /* after redirects */
    struct str remote_address; /* "192.0.2.1:443" */
    struct net_timings timings;
    int64_t tls_not_after_unix; /* the end of the server's certificate, in seconds; 0: no TLS */
    int64_t tls_days_left;      /* whole days until then */
    struct str tls_subject;     /* of that certificate, as "CN=example.com"; empty: no TLS */
    struct str tls_issuer;
    uint64_t body_bytes;     /* after decompression, also of pieces */
    uint64_t received_bytes; /* of the body, before it */
    uint32_t redirects;      /* hops followed */
    bool is_reused;          /* the connection was there already */
};

/* class, name, code */
#define NET_FAILURES(X)                                                                            \
    X(NET_FAILED_REQUEST, "request", E_INVALID)     /* method or header that cannot be sent */     \
    X(NET_FAILED_URL, "url", E_INVALID)             /* no http(s) URL */                           \
    X(NET_FAILED_FORBIDDEN, "forbidden", E_INVALID) /* the network rules refuse the target */      \
    X(NET_FAILED_BARRED, "barred", E_INVALID)       /* check_hop() refuses the target */           \
    X(NET_FAILED_DNS, "dns", E_NOT_FOUND)           /* the name has no address */                  \
    X(NET_FAILED_REFUSED, "refused", E_IO)          /* nothing listens, or no route */             \
    X(NET_FAILED_CONNECT_TIMEOUT, "connect_timeout", E_TIMEOUT)                                    \
    X(NET_FAILED_TIMEOUT, "timeout", E_TIMEOUT)   /* the whole call's time */                      \
    X(NET_FAILED_TLS, "tls", E_IO)                /* handshake or certificate */                   \
    X(NET_FAILED_RESET, "reset", E_IO)            /* closed before the response was whole */       \
    X(NET_FAILED_TOO_LARGE, "too_large", E_LIMIT) /* headers, body or ratio of compression */      \
    X(NET_FAILED_REDIRECT, "redirect", E_LIMIT)   /* too many, or to a bad place */                \
    X(NET_FAILED_PROTOCOL, "protocol", E_CORRUPT) /* the answer is no HTTP */                      \
    X(NET_FAILED_REPLY, "reply", E_IO)            /* of a mail: the server says no */              \
    X(NET_FAILED_PROXY, "proxy", E_IO)            /* the proxy, or its settings */                 \
    X(NET_FAILED_CANCELED, "canceled", E_CANCELED)                                                 \
    X(NET_FAILED_INTERNAL, "internal", E_NOMEM) /* out of memory, or a fault of ours */

enum net_failure_class {
#define X(name, text, code) name,
    NET_FAILURES(X)
#undef X
};

/* "dns", "refused", ...; static. */
const char *net_failure_class_name(enum net_failure_class failure_class);

enum net_effect {
    NET_EFFECT_NONE,  /* no byte of the request was sent, or it was only redirected */
    NET_EFFECT_MAYBE, /* it was sent, wholly or in part: it may have had its effect */
};

struct net_failure {
    enum net_failure_class failure_class;
    int code; /* enum error_code */
    enum net_effect effect;
    struct str message; /* one line with the host; no query, no secrets */
    struct str hint;    /* the cure, may be empty */
};

/*
 * Starts a call. The request is copied. `*out_call` (may be NULL) is borrowed, for net_abort(),
 * until `done` has run.
 * Fails, and then `done` never runs, with E_NOMEM, E_CANCELED (net is closing), and with what
 * module_load() says of a module that is not there or of another build. All that is wrong with
 * the request itself reaches `done`.
 */
int net_send(struct net *net, const struct net_request *request, struct net_call **out_call,
             struct error *err);

/* Gives the call up: `done` runs with NET_FAILED_CANCELED. Again: nothing happens. */
void net_abort(struct net_call *call);

#endif
