/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_MAIL_H
#define CORE_HOST_MAIL_H

/*
 * What the host needs of outgoing mail. core/net offers it; core/loop binds the two; tests give
 * their own.
 *
 * Used by:  host (ops.mail), loop.
 * Uses:     base.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

struct error;

enum host_mail_tls { HOST_MAIL_TLS, HOST_MAIL_STARTTLS, HOST_MAIL_PLAIN };

struct host_mail_request {
    struct str url; /* "smtps://mail.example.com:465": whose limits hold */
    struct str host;
    uint16_t port;
    enum host_mail_tls tls;
    struct str username; /* empty: no credential */
    struct str password;
    struct str sender; /* an address alone, as each of the recipients */
    const struct str *recipients;
    size_t recipient_count;
    struct str message; /* whole */
    /* What stands in the message, before it was encoded: where secrets are looked for. */
    const struct str *parts;
    size_t part_count;
    uint64_t timeout_ms;         /* 0: the default */
    uint64_t connect_timeout_ms; /* 0: the default */
    uint64_t token;              /* of the task that calls */
};

struct host_mail_result {
    int32_t code;
    struct str reply;
    double duration_ms;
};

struct host_mail_failure {
    const char *code;   /* of the SDK without OPS_E_; static */
    const char *symbol; /* "mail.recipient", "mail.dns", ...; static */
    bool is_maybe_done; /* the server may have taken it */
    bool is_final;      /* it said "never", so that a repeated attempt is no use */
    struct str message;
    struct str hint; /* may be empty */
};

/* Exactly once, never from inside send(): one of the two is not NULL, both borrowed. */
typedef void (*host_mail_done_cb)(void *user, const struct host_mail_result *result,
                                  const struct host_mail_failure *failure);

struct host_mail {
    void *self;
    /* What the request points to, and `user`, are kept until `done` has run. */
    int (*send)(void *self, const struct host_mail_request *request, host_mail_done_cb done,
                void *user, void **out_call, struct error *err);
    /* `done` still runs, with code CANCELLED. */
    void (*abort)(void *self, void *call);
};

#endif
