/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NET_CERTIFICATE_H
#define CORE_NET_CERTIFICATE_H

/*
 * Certificate: what the server of a call shows, and what is wrong with it.
 *
 * libcurl decides whether a certificate is good. This listens to the handshake, so that a refusal
 * can be told with names and dates, and reads what the response says of a good one.
 *
 * Used by:  net, in the module.
 * Uses:     call.h, OpenSSL.
 * Threads:  [loop]
 */

#include <stdint.h>

#include "core/base/str.h"

struct error;
struct net_call;

enum { CERTIFICATE_NAME_MAX_BYTES = 512 };

/* What is kept of a hop; all zero: nothing. The names are in the call's arena. */
struct certificate {
    int64_t not_after_unix;
    struct str subject; /* as "CN=example.com,O=Example"; cut to CERTIFICATE_NAME_MAX_BYTES */
    struct str issuer;
};

/* What the handshake found; all zero when the hop begins. */
struct certificate_watch {
    struct x509_st *leaf;   /* owned: certificate_forget() */
    struct x509_st *faulty; /* the one that was refused; owned: certificate_forget() */
    int problem;            /* X509_V_ERR_..., 0: none */
    int depth;              /* of `faulty`: 0 is the leaf */
};

/*
 * Listens to the handshakes of the call's easy handle, until certificate_read() or the end of the
 * connection. A handle that does not let itself be listened to only makes the words poorer.
 */
void certificate_listen(struct net_call *call);

/* The connection stands: reads into hop.certificate, and stops listening. Returns 0 or E_NOMEM. */
int certificate_read(struct net_call *call);

/*
 * The transfer ended with CURLE_PEER_FAILED_VERIFICATION. Sets `err` and gives the cure (static).
 * NULL, and `err` as it was: nothing is known, libcurl's own words are the best.
 */
const char *certificate_explain(const struct net_call *call, struct error *err);

/* Drops what the handshake found. */
void certificate_forget(struct certificate_watch *watch);

#endif
