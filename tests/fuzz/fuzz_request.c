/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of a connection as requests of HTTP/1.1. The first byte says in what pieces they come: the
 * same requests must come of them as in one piece. What is accepted keeps what struct api_request
 * promises; what is refused has a status and says why.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/api/request_reader.h"
#include "core/base/utf8.h"
#include "tests/fuzz/fuzz.h"

enum { MAX_BODY = 4096 };

static void expect(bool is_kept, const char *promise)
{
    if (!is_kept) {
        fprintf(stderr, "broken promise: %s\n", promise);
        abort();
    }
}

static void check_text(struct str text)
{
    expect(utf8_valid_prefix(text.p, text.n) == text.n, "decoded texts are UTF-8");
    expect(text.n == 0 || memchr(text.p, '\0', text.n) == NULL, "no decoded text has a NUL");
}

static void check_request(const struct api_request *request)
{
    expect(request->method.n > 0 && request->path.n > 0 && request->path.p[0] == '/',
           "there are a method and a path");
    check_text(request->path);
    expect(request->query_count <= API_MAX_QUERY, "parameters are limited");
    for (size_t i = 0; i < request->query_count; i++) {
        check_text(request->query[i].name);
        check_text(request->query[i].value);
    }
    for (size_t i = 0; i + 2 < request->path.n; i++) {
        expect(memcmp(request->path.p + i, "/..", 3) != 0 ||
                   (i + 3 < request->path.n && request->path.p[i + 3] != '/'),
               "no path leads upwards");
    }
    expect(request->body.n <= MAX_BODY, "bodies are limited");
    expect((request->body.n > 0) == (request->content_type.n > 0), "a body is JSON by its type");
}

static void append_request(const struct api_request *request, struct strbuf *out)
{
    strbuf_append_str(out, request->method);
    strbuf_append_char(out, ' ');
    strbuf_append_str(out, request->path);
    for (size_t i = 0; i < request->query_count; i++) {
        strbuf_append_char(out, '?');
        strbuf_append_str(out, request->query[i].name);
        strbuf_append_char(out, '=');
        strbuf_append_str(out, request->query[i].value);
    }
    strbuf_append_char(out, '\n');
    strbuf_append_str(out, request->idempotency_key);
    strbuf_append_str(out, request->body);
    strbuf_append_char(out, '\n');
}

/* All requests of `text` in `out`, and at the end the status of the refusal. */
static void read_all(struct str text, size_t piece, struct strbuf *out)
{
    struct request_reader reader;
    request_reader_init(&reader, MAX_BODY);
    while (text.n > 0 && reader.state != REQUEST_REFUSED) {
        size_t n = text.n < piece ? text.n : piece;
        size_t used = request_reader_feed(&reader, str_make(text.p, n));
        expect(used > 0 && used <= n, "the reader goes on");
        text = str_make(text.p + used, text.n - used);
        if (reader.state == REQUEST_READY) {
            struct api_request request;
            request_reader_request(&reader, &request);
            check_request(&request);
            append_request(&request, out);
            request_reader_next(&reader);
        }
    }
    expect(reader.state != REQUEST_REFUSED ||
               (reader.refusal.status >= 400 && reader.refusal.text != NULL),
           "a refusal says why");
    strbuf_append_format(out, "%d", reader.refusal.status);
    request_reader_finish(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }

    struct str text = str_make((const char *)data + 1, size - 1);
    struct strbuf whole = STRBUF_INIT;
    struct strbuf pieces = STRBUF_INIT;
    read_all(text, size, &whole);
    read_all(text, (size_t)data[0] % 32 + 1, &pieces);
    expect(str_equal(strbuf_str(&whole), strbuf_str(&pieces)), "pieces make no difference");
    strbuf_finish(&whole);
    strbuf_finish(&pieces);
    return 0;
}
