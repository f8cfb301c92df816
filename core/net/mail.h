/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NET_MAIL_H
#define CORE_NET_MAIL_H

/*
 * Mail: outgoing SMTP, beside HTTP and under the same rules on addresses.
 *
 * One connection is made for each message and ended with it. libcurl waits inside of its calls for
 * replies of SMTP, to the end of the message and to QUIT; so each message has a thread of its own
 * for as long as it is on its way, a few at a time, and others wait. Names are resolved on the
 * loop.
 *
 * Used by:  loop (which binds it to the host's ops.mail).
 * Uses:     net.h.
 * Threads:  [loop]
 */

#include "core/net/net.h"

enum { NET_MAIL_AT_A_TIME = 8 };

enum net_mail_tls {
    NET_MAIL_TLS,      /* from the first byte */
    NET_MAIL_STARTTLS, /* a server without it is refused */
    NET_MAIL_PLAIN,    /* with a password only to a loopback address */
};

/* What a reply of the server is to. */
enum net_mail_step {
    NET_MAIL_CALL, /* the greeting, and what comes before the login */
    NET_MAIL_LOGIN,
    NET_MAIL_SENDER,
    NET_MAIL_RECIPIENT,
    NET_MAIL_MESSAGE,
};

/* What the server said last; in a failure it is what it refused with, or `code` is 0. */
struct net_mail_reply {
    int code;
    enum net_mail_step step; /* of a refusal */
    struct str text;         /* one line of ASCII */
    double total_ms;
};

/*
 * The end: without a failure the server has taken the message. All is borrowed. `reply` is never
 * NULL. A refusal is NET_FAILED_REPLY.
 */
typedef void (*net_mail_done_cb)(void *user, const struct net_mail_reply *reply,
                                 const struct net_failure *failure);

struct net_mail {
    struct str host; /* a name or an address without brackets */
    uint16_t port;
    enum net_mail_tls tls;
    struct str username; /* empty: no credential. Neither has a line end in it */
    struct str password;
    struct str sender; /* addresses: "jo@example.com", of ASCII without white space and angle
                          brackets */
    const struct str *recipients;
    size_t recipient_count;
    struct str message;          /* RFC 5322, lines end with CR LF; kept, not copied */
    uint64_t timeout_ms;         /* the whole call; 0: the default */
    uint64_t connect_timeout_ms; /* until the credential is accepted; 0: the default */
    /* Not NULL: asked before the connection is made; the hop has place, and no headers and body. */
    int (*check_hop)(void *user, const struct net_hop *hop, struct error *err);
    net_mail_done_cb done; /* never NULL */
    void *user;            /* kept until `done` has run, as `message` is */
};

/* As net_send(): `*out_call` is for net_abort(). */
int net_send_mail(struct net *net, const struct net_mail *mail, struct net_call **out_call,
                  struct error *err);

#endif
