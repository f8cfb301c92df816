/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_HTTP_TEXT_H
#define CORE_API_HTTP_TEXT_H

/*
 * HTTP text: status line and headers of an answer, as HTTP/1.1 writes them.
 *
 * Used by:  connection.c.
 * Uses:     exchange.h, base.
 * Threads:  [any]; pure.
 */

#include "core/api/exchange.h"

enum http_text_length {
    HTTP_TEXT_WHOLE,       /* Content-Length */
    HTTP_TEXT_CHUNKED,     /* in pieces */
    HTTP_TEXT_UNTIL_CLOSE, /* in pieces, for HTTP/1.0 */
};

enum http_text_connection {
    HTTP_TEXT_KEEP_ALIVE,
    HTTP_TEXT_CLOSE,
};

/* Whether an answer of this status has a body at all. */
bool http_text_has_body(int status);

/* Appends all up to and with the empty line. Control characters in values become spaces. */
void http_text_append_head(struct strbuf *out, const struct api_answer *answer,
                           enum http_text_length length, enum http_text_connection connection);

/* Appends one chunk; `bytes` is not empty: that would be the end. */
void http_text_append_chunk(struct strbuf *out, struct str bytes);
void http_text_append_last_chunk(struct strbuf *out);

#endif
