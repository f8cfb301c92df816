/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_REQUEST_READER_H
#define CORE_API_REQUEST_READER_H

/*
 * Request reader: the bytes of a connection, in whatever pieces they come, to requests.
 *
 *     used = request_reader_feed(&reader, bytes);      until the state is READY or REFUSED
 *     request_reader_request(&reader, &request);       READY
 *     request_reader_next(&reader);                    and the bytes behind `used` come next
 *
 * Bodies come by Content-Length or chunked (without extensions and trailers) and are kept whole.
 *
 * Used by:  connection.c.
 * Uses:     request_head.h, base.
 * Threads:  [any]; pure. A reader belongs to one connection.
 */

#include "core/api/request_head.h"

enum {
    REQUEST_MAX_LINE_BYTES = 8 * 1024,
    REQUEST_MAX_HEAD_BYTES = 64 * 1024,
};

enum request_state {
    REQUEST_NONE, /* not a byte of the next request is there */
    REQUEST_HEAD,
    REQUEST_BODY,
    REQUEST_CHUNK_SIZE,
    REQUEST_CHUNK_DATA,
    REQUEST_CHUNK_END,
    REQUEST_LAST_END,
    REQUEST_READY,
    REQUEST_REFUSED, /* for good: the connection is of no more use */
};

struct request_reader {
    enum request_state state;
    struct request_refusal refusal;
    size_t max_body_bytes;
    struct strbuf text; /* the head */
    size_t line_start;  /* of the line that is being read, in it */
    struct request_head head;
    uint64_t remaining; /* of the body, or of the chunk */
    size_t framing;     /* bytes of the line that is being read between chunks */
    struct strbuf body;
};

/* On success: request_reader_finish(). */
void request_reader_init(struct request_reader *reader, size_t max_body_bytes);
void request_reader_finish(struct request_reader *reader);

/* Takes what belongs to the request; returns how many bytes that were. [state: not READY] */
size_t request_reader_feed(struct request_reader *reader, struct str bytes);

/* The request, borrowed from the reader until request_reader_next(). [state: READY] */
void request_reader_request(const struct request_reader *reader, struct api_request *out_request);

/* Forgets the request. [state: READY] */
void request_reader_next(struct request_reader *reader);

/* Whether the client waits to be told to go on before it sends the body. */
bool request_reader_is_waiting(const struct request_reader *reader);

#endif
