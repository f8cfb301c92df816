/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_MAIL_TEXT_H
#define CORE_HOST_MAIL_TEXT_H

/*
 * Mail text: the encodings of MIME. All that they write are lines of at most 76 bytes that end with
 * CR LF; see strbuf_status().
 *
 * Used by:  mail_message.
 * Uses:     base.
 * Threads:  [any]
 */

#include <stdint.h>

#include "core/base/str.h"

/* Appends a text as quoted-printable (RFC 2045, 6.7); its line ends, of whatever kind, as CR LF. */
void mail_text_append_quoted(struct strbuf *out, struct str text);

/* Appends bytes as base64 in lines. */
void mail_text_append_base64(struct strbuf *out, struct str bytes);

/*
 * Appends the value of a header: as it is where it is short and ASCII, else as encoded words of
 * UTF-8 (RFC 2047), a line each. No line end follows.
 */
void mail_text_append_words(struct strbuf *out, struct str text);

/* Appends "Sun, 22 Nov 2026 18:00:00 +0000". */
void mail_text_append_date(struct strbuf *out, int64_t unix_ms);

#endif
