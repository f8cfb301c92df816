/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/http_text.h"

#include "core/base/check.h"

static const char *reason_phrase(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 201:
        return "Created";
    case 202:
        return "Accepted";
    case 204:
        return "No Content";
    case 304:
        return "Not Modified";
    case 400:
        return "Bad Request";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 409:
        return "Conflict";
    case 410:
        return "Gone";
    case 413:
        return "Content Too Large";
    case 414:
        return "URI Too Long";
    case 415:
        return "Unsupported Media Type";
    case 417:
        return "Expectation Failed";
    case 422:
        return "Unprocessable Content";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 501:
        return "Not Implemented";
    case 503:
        return "Service Unavailable";
    case 505:
        return "HTTP Version Not Supported";
    case 507:
        return "Insufficient Storage";
    default:
        return "";
    }
}

static void append_header(struct strbuf *out, const char *name, struct str value)
{
    strbuf_append_text(out, name);
    strbuf_append_text(out, ": ");
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        strbuf_append_char(out, c < 0x20 || c == 0x7f ? ' ' : value.p[i]);
    }
    strbuf_append_text(out, "\r\n");
}

static void append_length(struct strbuf *out, const struct api_answer *answer,
                          enum http_text_length length)
{
    switch (length) {
    case HTTP_TEXT_WHOLE:
        strbuf_append_format(out, "Content-Length: %zu\r\n", answer->body.n);
        break;
    case HTTP_TEXT_CHUNKED:
        strbuf_append_text(out, "Transfer-Encoding: chunked\r\n");
        break;
    case HTTP_TEXT_UNTIL_CLOSE:
        break;
    }
}

bool http_text_has_body(int status)
{
    return status != 204 && status != 304;
}

void http_text_append_head(struct strbuf *out, const struct api_answer *answer,
                           enum http_text_length length, enum http_text_connection connection)
{
    strbuf_append_format(out, "HTTP/1.1 %d %s\r\n", answer->status, reason_phrase(answer->status));
    append_header(out, API_VERSION_HEADER, STR(API_VERSION));
    if (answer->content_type != NULL) {
        append_header(out, "Content-Type", str_from(answer->content_type));
    }
    for (size_t i = 0; i < answer->header_count; i++) {
        append_header(out, answer->headers[i].name, answer->headers[i].value);
    }
    if (http_text_has_body(answer->status)) {
        append_length(out, answer, length);
    }
    if (connection == HTTP_TEXT_CLOSE) {
        strbuf_append_text(out, "Connection: close\r\n");
    }
    strbuf_append_text(out, "\r\n");
}

void http_text_append_chunk(struct strbuf *out, struct str bytes)
{
    CHECK(bytes.n > 0);
    strbuf_append_format(out, "%zx\r\n", bytes.n);
    strbuf_append_str(out, bytes);
    strbuf_append_text(out, "\r\n");
}

void http_text_append_last_chunk(struct strbuf *out)
{
    strbuf_append_text(out, "0\r\n\r\n");
}
