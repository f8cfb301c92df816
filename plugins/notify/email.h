/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_NOTIFY_EMAIL_H
#define PLUGINS_NOTIFY_EMAIL_H

/*
 * Email: a message as text and as HTML, with its attachments. The text is the Markdown itself.
 *
 * Used by:  delivery.
 * Uses:     note.h, message/html.h.
 * Threads:  [strand]
 */

#include "note.h"

/* What is to be sent; all zero at the beginning. */
struct email {
    ops_mail_req req; /* without label, on_done and user */
    struct text subject;
    struct text text;
    struct text html;
    ops_mail_attachment attachments[OPS_MAIL_ATTACHMENTS];
    const ops_mail_attachment *attached[OPS_MAIL_ATTACHMENTS]; /* those */
    ops_str addresses[3 * OPS_MAIL_RECIPIENTS];
    char host[256];
};

/* `settings` are the target's, `defaults` what it does not say. A fault, static; or NULL. End
 * `out` in any case. */
const char *email_build(const struct note *note, ops_val settings, ops_val defaults,
                        struct email *out);
void email_finish(struct email *email);

#endif
