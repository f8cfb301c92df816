/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_REQUEST_HEAD_H
#define CORE_API_REQUEST_HEAD_H

/*
 * Request head: the request line and the headers of an HTTP/1.1 request, read strictly.
 *
 * What two readers could understand differently is refused: both Content-Length and
 * Transfer-Encoding, any of them twice, a length that is not digits alone, Host missing or twice,
 * folded lines, white space before a colon, control characters, a target that is no path.
 *
 * Used by:  request_reader.c.
 * Uses:     exchange.h, base.
 * Threads:  [any]; pure.
 */

#include "core/api/exchange.h"

enum {
    REQUEST_MAX_HEADERS = 100,
};

/* All texts are borrowed from the text that was parsed. */
struct request_head {
    struct str method;
    struct str path; /* decoded, as of struct api_request */
    struct api_parameter query[API_MAX_QUERY];
    size_t query_count;
    struct str host;
    struct str origin;
    struct str accept;
    struct str last_event_id;
    struct str idempotency_key;
    struct str content_type;
    uint64_t content_length;
    bool is_chunked;
    bool is_http_1_0;
    bool is_last; /* the client wants the connection closed behind the answer */
    bool expects_continue;
};

/* Why a request is refused. */
struct request_refusal {
    int status;       /* of HTTP; 0: it is not */
    const char *text; /* for people; static */
};

/*
 * Parses `text`: all lines up to and with the empty one, each ended by CRLF. It is changed (decoded
 * in place) and lives as long as `out_head`. Returns a refusal, or one with status 0.
 */
struct request_refusal request_head_parse(struct strbuf *text, struct request_head *out_head);

#endif
