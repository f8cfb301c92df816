/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_MAIL_ADDRESS_H
#define CORE_HOST_MAIL_ADDRESS_H

/*
 * Mail address: "jo@example.com", or "Jo Doe <jo@example.com>".
 *
 * What stands before the @ is a dot-atom (RFC 5322) of at most 64 bytes, what follows a name of DNS
 * in ASCII: all that providers give out, and nothing that could end a command of SMTP or a line of
 * a header.
 *
 * Used by:  mail_message, service_mail.
 * Uses:     base.
 * Threads:  [any]
 */

#include "core/base/str.h"

struct error;

enum { MAIL_ADDRESS_BYTES = 254, MAIL_NAME_BYTES = 200 };

/* Parts of the text that was read. */
struct mail_address {
    struct str name;    /* without quotes; may be empty */
    struct str address; /* "jo@example.com" */
    struct str domain;
};

/* Fails with E_INVALID; the message says `field` and what is wrong. */
int mail_address_read(struct str text, const char *field, struct mail_address *out,
                      struct error *err);

#endif
