/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_MAIL_MESSAGE_H
#define CORE_HOST_MAIL_MESSAGE_H

/*
 * Mail message: what goes to the server after DATA (RFC 5322 and MIME):
 *
 *     text or HTML alone        text/plain, text/html
 *     both                      multipart/alternative of the two
 *     and attachments           multipart/mixed of that and of them
 *
 * Texts are quoted-printable and attachments base64, so that all lines are short ASCII, and no line
 * of theirs can be taken for a boundary.
 *
 * Used by:  service_mail.
 * Uses:     mail_address, mail_text.
 * Threads:  [any]
 */

#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/host/mail_address.h"

struct error;

enum { MAIL_SUBJECT_BYTES = 1000, MAIL_FILE_NAME_BYTES = 200, MAIL_TYPE_BYTES = 120 };

struct mail_attachment {
    struct str name;
    struct str type; /* empty: application/octet-stream */
    struct str bytes;
};

/* All borrowed. */
struct mail_message {
    struct mail_address from;
    const struct mail_address *to;
    size_t to_count;
    const struct mail_address *cc;
    size_t cc_count;
    struct mail_address reply_to; /* its address empty: none */
    struct str subject;
    struct str text;
    struct str html;
    const struct mail_attachment *attachments;
    size_t attachment_count;
    struct str message_id; /* with its angle brackets */
    int64_t date_unix_ms;
};

/*
 * Appends the message. Fails with E_INVALID: the subject, or the name or type of an attachment,
 * would break a header, or is too long; E_NOMEM.
 */
int mail_message_write(const struct mail_message *message, struct strbuf *out, struct error *err);

#endif
