/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPSTREAM_MAIL_H
#define OPSTREAM_MAIL_H

/*
 * ops.mail 1: one e-mail to one SMTP server (RFC 5321), with the rules on addresses and TLS that
 * ops.http has. The host makes the message: its header fields, and a MIME part for each of text,
 * HTML and attachments.
 *
 *     send() = OPS_OK  ->  on_done, exactly once
 *
 * Nothing is ever sent twice: retrying is the engine's business. The Message-ID is made of the
 * step's idempotency key and `label`, so that an attempt that is repeated gives the same, and who
 * keeps mail can tell that it came twice.
 */

#include "opstream/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OPS_IF_MAIL "ops.mail"

/* For ops_mail_req.tls. */
#define OPS_MAIL_TLS      0u /* from the first byte; port 465 unless another is set */
#define OPS_MAIL_STARTTLS 1u /* after the greeting; a server without it is refused; port 587 */
#define OPS_MAIL_PLAIN    2u /* none; port 25. With a password only to this machine itself */

#define OPS_MAIL_RECIPIENTS  100u      /* of to, cc and bcc together */
#define OPS_MAIL_ATTACHMENTS 20u       /* of a message */
#define OPS_MAIL_BYTES       26214400u /* of text, HTML and attachments, before they are encoded */

typedef struct ops_mail_attachment {
    uint32_t size;
    uint32_t reserved0;
    ops_str name;         /* "report.pdf"; no path */
    ops_str content_type; /* empty: application/octet-stream */
    ops_str bytes;
} ops_mail_attachment;

/* The server has taken the message; all of it borrowed. */
typedef struct ops_mail_res {
    uint32_t size;
    int32_t code;       /* of SMTP: 250 */
    ops_str reply;      /* what it said, often with the name it gave the message */
    ops_str message_id; /* "<key@example.com>" */
    double duration_ms;
} ops_mail_res;

/*
 * [strand] The end: one of `res` and `err` is NULL, the other borrowed. It also comes after a
 * cancel (CANCELLED), but not after the task has ended. Where the server refused something, the
 * message has its reply with the code. The effect is MAYBE only when the whole message was sent and
 * the reply to it did not come; no recipient gets a message that one of them was refused for.
 *   CONFIG       a part of the request is wrong; the message says which
 *   AUTH         the credential was refused, or the server wants one
 *   PERMISSION   the address may not be called, a secret may not go there, the sender is refused
 *   INPUT        a recipient, or the message, is refused for good
 *   RESOURCE     the message is larger than the server takes
 *   UNAVAILABLE  not reached, broken off, or "try again later"
 *   TIMEOUT      no connection, or no reply, in time
 */
typedef void (*ops_mail_done)(void *user, ops_task task, const ops_mail_res *res,
                              const ops_error *err);

/*
 * Borrowed by send(), with all that it points to. An address is "jo@example.com" or "Jo Doe
 * <jo@example.com>": its part before the @ in ASCII, its domain as DNS has it; the name is any
 * text. Texts with control characters are refused, but for line ends in `text` and `html`.
 */
typedef struct ops_mail_req {
    uint32_t size;
    uint32_t tls;   /* OPS_MAIL_* */
    ops_str host;   /* a name, or an address without brackets */
    uint32_t port;  /* 0: the usual one */
    uint32_t flags; /* 0: there are none yet */
    /* Strings, or 0 for none: by handle, so that they may be secrets, which only the host reads. */
    ops_val username;
    ops_val password;
    ops_str from;
    const ops_str *to;
    uint64_t n_to; /* at least one of the three is not 0 */
    const ops_str *cc;
    uint64_t n_cc;
    const ops_str *bcc; /* get it, and stand nowhere in it */
    uint64_t n_bcc;
    ops_str reply_to; /* may be empty */
    ops_str subject;
    ops_str text; /* of text and HTML one may be empty; with both, the reader's program chooses */
    ops_str html;
    const ops_mail_attachment *const *attachments; /* none of them NULL */
    uint64_t n_attachments;
    ops_str label;               /* names this message among those of the step; may be empty */
    uint64_t timeout_ms;         /* for the whole call; 0: the host's default */
    uint64_t connect_timeout_ms; /* until the credential is accepted; 0: the host's default */
    ops_mail_done on_done;       /* must not be NULL */
    void *user;                  /* kept until on_done, or until the task ends */
} ops_mail_req;

typedef struct ops_if_mail {
    uint32_t size;
    uint32_t version;
    /*
     * [any-thread] Starts a call. `out` (may be NULL) names it for abort(). All that is wrong with
     * the request itself is told to on_done. OPS_E_UNSUPPORTED: unknown flags or `tls`;
     * OPS_E_INTERNAL: no `on_done`, texts that are not UTF-8, longer lists than may be;
     * OPS_E_STALE; OPS_E_RESOURCE.
     */
    ops_status (*send)(void *h, ops_task task, const ops_mail_req *req, ops_op *out);
    /* [any-thread] Ends the call early: on_done still comes, with CANCELLED. */
    ops_status (*abort)(void *h, ops_op op);
} ops_if_mail;

#ifdef __cplusplus
}
#endif
#endif
