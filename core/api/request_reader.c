/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/request_reader.h"

#include "core/base/check.h"

enum {
    KEPT_BYTES = 64 * 1024, /* of a body's memory, for the next request */
    CHUNK_SIZE_DIGITS = 8,
};

void request_reader_init(struct request_reader *reader, size_t max_body_bytes)
{
    *reader = (struct request_reader){.max_body_bytes = max_body_bytes};
}

void request_reader_finish(struct request_reader *reader)
{
    strbuf_finish(&reader->text);
    strbuf_finish(&reader->body);
}

static void reader_refuse(struct request_reader *reader, int status, const char *text)
{
    reader->state = REQUEST_REFUSED;
    reader->refusal = (struct request_refusal){status, text};
}

static void refuse_nomem(struct request_reader *reader)
{
    reader_refuse(reader, 503, "out of memory");
}

/* application/json, with charset=utf-8 at most. */
static bool is_json_type(struct str type)
{
    static const char *const accepted[] = {
        "application/json",
        "application/json;charset=utf-8",
        "application/json; charset=utf-8",
        "application/json; charset=\"utf-8\"",
    };
    for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
        if (str_equal_caseless(type, str_from(accepted[i]))) {
            return true;
        }
    }
    return false;
}

static void body_begin(struct request_reader *reader)
{
    const struct request_head *head = &reader->head;
    if (!head->is_chunked && head->content_length == 0) {
        reader->state = REQUEST_READY;
        return;
    }
    if (!is_json_type(head->content_type)) {
        reader_refuse(reader, 415, "a body must be of the Content-Type application/json");
        return;
    }
    if (head->content_length > reader->max_body_bytes) {
        reader_refuse(reader, 413, "the body is too large");
        return;
    }

    reader->remaining = head->content_length;
    reader->state = head->is_chunked ? REQUEST_CHUNK_SIZE : REQUEST_BODY;
}

static void head_end(struct request_reader *reader)
{
    if (strbuf_status(&reader->text) != 0) {
        refuse_nomem(reader);
        return;
    }

    reader->refusal = request_head_parse(&reader->text, &reader->head);
    if (reader->refusal.status != 0) {
        reader->state = REQUEST_REFUSED;
        return;
    }
    body_begin(reader);
}

/* `text` ends with a whole line. */
static void line_end(struct request_reader *reader)
{
    struct strbuf *text = &reader->text;
    size_t n = text->n - reader->line_start;
    if (n < 2 || text->p[text->n - 2] != '\r') {
        reader_refuse(reader, 400, "a line does not end with CRLF");
        return;
    }
    if (n > 2) {
        reader->line_start = text->n;
        return;
    }
    if (reader->line_start > 0) {
        head_end(reader);
        return;
    }
    strbuf_clear(text); /* one empty line before the request is the habit of old clients */
    reader->state = REQUEST_NONE;
}

static size_t feed_head(struct request_reader *reader, struct str bytes)
{
    struct strbuf *text = &reader->text;
    const char *end = memchr(bytes.p, '\n', bytes.n);
    size_t n = end != NULL ? (size_t)(end - bytes.p) + 1 : bytes.n;
    reader->state = REQUEST_HEAD;
    if (text->n - reader->line_start + n > REQUEST_MAX_LINE_BYTES) {
        reader_refuse(reader, reader->line_start == 0 ? 414 : 431, "a line is too long");
        return n;
    }
    if (text->n + n > REQUEST_MAX_HEAD_BYTES) {
        reader_refuse(reader, 431, "the headers are too long");
        return n;
    }

    strbuf_append(text, bytes.p, n);
    if (strbuf_status(text) != 0) {
        refuse_nomem(reader);
    } else if (end != NULL) {
        line_end(reader);
    }
    return n;
}

/* Takes up to `remaining` bytes of the body; `next` is the state behind them. */
static size_t feed_body(struct request_reader *reader, struct str bytes, enum request_state next)
{
    size_t n = bytes.n < reader->remaining ? bytes.n : (size_t)reader->remaining;
    strbuf_append(&reader->body, bytes.p, n);
    if (strbuf_status(&reader->body) != 0) {
        refuse_nomem(reader);
        return n;
    }

    reader->remaining -= n;
    if (reader->remaining == 0) {
        reader->state = next;
    }
    return n;
}

/* The line of a chunk's size has ended. */
static void chunk_begin(struct request_reader *reader)
{
    reader->framing = 0;
    if (reader->remaining > reader->max_body_bytes - reader->body.n) {
        reader_refuse(reader, 413, "the body is too large");
        return;
    }
    reader->state = reader->remaining > 0 ? REQUEST_CHUNK_DATA : REQUEST_LAST_END;
}

/* `framing` counts the digits, and one more for the CR behind them. */
static size_t feed_chunk_size(struct request_reader *reader, char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *digit = c != '\0' ? strchr(digits, c) : NULL;
    bool has_cr = reader->framing > CHUNK_SIZE_DIGITS;
    if (has_cr && c == '\n') {
        chunk_begin(reader);
    } else if (!has_cr && reader->framing > 0 && c == '\r') {
        reader->framing = CHUNK_SIZE_DIGITS + 1;
    } else if (digit != NULL && reader->framing < CHUNK_SIZE_DIGITS) {
        reader->remaining = (reader->framing == 0 ? 0 : reader->remaining * 16) +
                            (uint64_t)((digit - digits) % 16);
        reader->framing++;
    } else {
        reader_refuse(reader, 400, "the size of a chunk is none");
    }
    return 1;
}

/* The CRLF behind a chunk, or behind the last one, where trailers are not taken. */
static size_t feed_crlf(struct request_reader *reader, char c, enum request_state next)
{
    if (c != "\r\n"[reader->framing]) {
        reader_refuse(reader, 400, "a chunk does not end with CRLF");
        return 1;
    }

    reader->framing++;
    if (reader->framing == 2) {
        reader->framing = 0;
        reader->state = next;
    }
    return 1;
}

static size_t feed_once(struct request_reader *reader, struct str bytes)
{
    switch (reader->state) {
    case REQUEST_NONE:
    case REQUEST_HEAD:
        return feed_head(reader, bytes);
    case REQUEST_BODY:
        return feed_body(reader, bytes, REQUEST_READY);
    case REQUEST_CHUNK_SIZE:
        return feed_chunk_size(reader, bytes.p[0]);
    case REQUEST_CHUNK_DATA:
        return feed_body(reader, bytes, REQUEST_CHUNK_END);
    case REQUEST_CHUNK_END:
        return feed_crlf(reader, bytes.p[0], REQUEST_CHUNK_SIZE);
    case REQUEST_LAST_END:
        return feed_crlf(reader, bytes.p[0], REQUEST_READY);
    case REQUEST_READY:
    case REQUEST_REFUSED:
        break;
    }
    unreachable_state("request_reader", (int)reader->state);
}

size_t request_reader_feed(struct request_reader *reader, struct str bytes)
{
    CHECK(reader->state != REQUEST_READY);
    size_t used = 0;
    while (used < bytes.n && reader->state < REQUEST_READY) {
        used += feed_once(reader, str_make(bytes.p + used, bytes.n - used));
    }
    return used;
}

void request_reader_request(const struct request_reader *reader, struct api_request *out_request)
{
    CHECK(reader->state == REQUEST_READY);
    const struct request_head *head = &reader->head;
    *out_request = (struct api_request){
        .method = head->method,
        .path = head->path,
        .query = head->query,
        .query_count = head->query_count,
        .host = head->host,
        .origin = head->origin,
        .accept = head->accept,
        .last_event_id = head->last_event_id,
        .idempotency_key = head->idempotency_key,
        .content_type = reader->body.n > 0 ? STR("application/json") : STR(""),
        .body = strbuf_str(&reader->body),
    };
}

void request_reader_next(struct request_reader *reader)
{
    CHECK(reader->state == REQUEST_READY);
    strbuf_clear(&reader->text);
    strbuf_clear(&reader->body);
    if (reader->body.cap > KEPT_BYTES) {
        strbuf_finish(&reader->body);
    }
    reader->line_start = 0;
    reader->remaining = 0;
    reader->framing = 0;
    reader->state = REQUEST_NONE;
}

bool request_reader_is_waiting(const struct request_reader *reader)
{
    bool is_body_due = reader->state == REQUEST_BODY || reader->state == REQUEST_CHUNK_SIZE;
    return is_body_due && reader->head.expects_continue && reader->body.n == 0;
}
