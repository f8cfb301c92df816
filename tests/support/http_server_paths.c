/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/http_server_conn.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/base/check.h"
#include "core/base/escape.h"

struct behaviour {
    struct str prefix; /* of the path; what follows is the argument */
    void (*answer)(struct http_conn *conn, const struct http_req *req, uint64_t argument);
};

static void put_head(struct http_conn *conn, int status, const char *headers)
{
    strbuf_append_format(&conn->out, "HTTP/1.1 %d Test\r\n%s", status, headers);
}

static void put_response(struct http_conn *conn, int status, const char *headers, struct str body)
{
    put_head(conn, status, headers);
    strbuf_append_format(&conn->out, "Content-Length: %zu\r\n\r\n", body.n);
    strbuf_append_str(&conn->out, body);
}

static void put_text(struct http_conn *conn, const char *text)
{
    put_response(conn, 200, "Content-Type: text/plain\r\n", str_from(text));
}

static void put_json_member(struct strbuf *out, const char *key, struct str text)
{
    strbuf_append_format(out, "%s\"%s\":", out->n > 1 ? "," : "", key);
    escape_append_json(out, text);
}

static void put_echo_headers(struct strbuf *json, struct str lines)
{
    strbuf_append_text(json, ",\"headers\":{");
    bool is_first = true;
    while (lines.n > 0) {
        const char *eol = memchr(lines.p, '\n', lines.n);
        size_t n = eol != NULL ? (size_t)(eol - lines.p) + 1 : lines.n;
        const char *colon = memchr(lines.p, ':', n);
        if (colon != NULL) {
            char name[64] = {0};
            for (size_t i = 0; i + 1 < sizeof name && lines.p + i < colon; i++) {
                name[i] = (char)tolower((unsigned char)lines.p[i]);
            }
            strbuf_append_text(json, is_first ? "" : ",");
            escape_append_json(json, str_from(name));
            strbuf_append_char(json, ':');
            escape_append_json(json,
                               str_trim(str_make(colon + 1, n - (size_t)(colon - lines.p) - 1)));
            is_first = false;
        }
        lines = str_make(lines.p + n, lines.n - n);
    }
    strbuf_append_char(json, '}');
}

static void answer_echo(struct http_conn *conn, const struct http_req *req, uint64_t argument)
{
    struct strbuf json = STRBUF_INIT;
    strbuf_append_char(&json, '{');
    put_json_member(&json, "method", req->method);
    put_json_member(&json, "path", req->path);
    put_json_member(&json, "query", req->query);
    put_json_member(&json, "body", req->body);
    strbuf_append_text(&json, req->is_proxied ? ",\"proxied\":true" : ",\"proxied\":false");
    put_echo_headers(&json, req->headers);
    strbuf_append_char(&json, '}');
    put_response(conn, argument >= 200 && argument < 600 ? (int)argument : 200,
                 "Content-Type: application/json\r\n", strbuf_str(&json));
    strbuf_finish(&json);
}

static void answer_delay(struct http_conn *conn, const struct http_req *req, uint64_t argument)
{
    (void)req;
    put_text(conn, "late");
    conn->due_ns = http_server_now_ns() + (int64_t)argument * 1000000;
}

/* A header that the query names: "retry-after=5", "x-name=a+value"; + stands for a space. */
static void put_asked_header(struct str query, struct strbuf *out)
{
    bool is_header = str_starts_with(query, STR("retry-after=")) ||
                     str_starts_with(query, STR("x-"));
    const char *mark = is_header ? memchr(query.p, '=', query.n) : NULL;
    if (mark == NULL) {
        return;
    }
    strbuf_append_format(out, "%.*s: ", (int)(mark - query.p), query.p);
    for (const char *at = mark + 1; at < query.p + query.n; at++) {
        strbuf_append_char(out, *at == '+' ? ' ' : *at);
    }
    strbuf_append_text(out, "\r\n");
}

static void answer_status(struct http_conn *conn, const struct http_req *req, uint64_t argument)
{
    struct strbuf headers = STRBUF_INIT;
    put_asked_header(req->query, &headers);
    bool has_body = argument >= 200 && argument != 204 && argument != 304;
    if (has_body) {
        struct strbuf body = STRBUF_INIT;
        strbuf_append_format(&body, "{\"status\":%d}", (int)argument);
        strbuf_append_text(&headers, "Content-Type: application/json\r\n");
        put_response(conn, (int)argument, strbuf_status(&headers) == 0 ? headers.p : "",
                     strbuf_str(&body));
        strbuf_finish(&body);
    } else {
        put_head(conn, (int)argument, "\r\n");
    }
    strbuf_finish(&headers);
}

/* 503 up to the server's request number `argument`, then 200. */
static void answer_after(struct http_conn *conn, const struct http_req *req, uint64_t argument)
{
    bool is_up = http_conn_server_requests(conn) > argument;
    answer_status(conn, req, is_up ? 200 : 503);
}

/* The other way round. */
static void answer_until(struct http_conn *conn, const struct http_req *req, uint64_t argument)
{
    bool is_up = http_conn_server_requests(conn) <= argument;
    answer_status(conn, req, is_up ? 200 : 503);
}

static void answer_bytes(struct http_conn *conn, const struct http_req *req, uint64_t argument)
{
    (void)req;
    size_t n = argument < 64 * 1024 * 1024 ? (size_t)argument : 0;
    put_head(conn, 200, "Content-Type: application/octet-stream\r\n");
    strbuf_append_format(&conn->out, "Content-Length: %zu\r\n\r\n", n);
    char *room = strbuf_reserve(&conn->out, n);
    CHECK(room != NULL);
    memset(room, 'x', n);
    conn->out.n += n;
}

static void produce_chunk(struct http_conn *conn)
{
    if (conn->produce_left == 0) {
        strbuf_append_text(&conn->out, "0\r\n\r\n");
        conn->produce = NULL;
        conn->produce_pause_ns = 0;
        return;
    }
    strbuf_append_format(&conn->out, "8\r\nchunk%3u\r\n", (unsigned)conn->produce_left % 1000);
    conn->produce_left--;
}

static void answer_chunked(struct http_conn *conn, const struct http_req *req, uint64_t argument)
{
    put_head(conn, 200, "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n");
    conn->produce = produce_chunk;
    conn->produce_left = argument;
    conn->produce_pause_ns = req->query.n > 0 ? strtol(req->query.p, NULL, 10) * 1000000 : 0;
}

static void produce_endless(struct http_conn *conn)
{
    char *room = strbuf_reserve(&conn->out, 65536);
    CHECK(room != NULL);
    memset(room, 'x', 65536);
    conn->out.n += 65536;
}

static void answer_endless(struct http_conn *conn, const struct http_req *req, uint64_t argument)
{
    (void)req, (void)argument;
    put_head(conn, 200, "Content-Type: text/plain\r\n\r\n");
    conn->produce = produce_endless;
}

/* `n` bytes of zeros, `layers` times compressed. */
static void put_gzip(struct strbuf *out, size_t n, int layers)
{
    struct strbuf plain = STRBUF_INIT;
    char *room = strbuf_reserve(&plain, n);
    CHECK(room != NULL);
    memset(room, '0', n);
    plain.n = n;
    while (layers-- > 0) {
        z_stream z = {0};
        CHECK(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) == Z_OK);
        struct strbuf packed = STRBUF_INIT;
        size_t bound = deflateBound(&z, plain.n);
        z.next_out = (Bytef *)strbuf_reserve(&packed, bound);
        z.avail_out = (uInt)bound;
        z.next_in = (Bytef *)plain.p;
        z.avail_in = (uInt)plain.n;
        CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
        packed.n = z.total_out;
        (void)deflateEnd(&z);
        strbuf_finish(&plain);
        plain = packed;
    }
    strbuf_append_str(out, strbuf_str(&plain));
    strbuf_finish(&plain);
}

static void answer_gzip(struct http_conn *conn, const struct http_req *req, uint64_t argument)
{
    bool is_twice = str_equal_text(req->query, "twice");
    struct strbuf body = STRBUF_INIT;
    put_gzip(&body, argument < 256 * 1024 * 1024 ? (size_t)argument : 0, is_twice ? 2 : 1);
    const char *headers = is_twice ? "Content-Encoding: gzip, gzip\r\n"
                                   : "Content-Encoding: gzip\r\nContent-Type: text/plain\r\n";
    put_response(conn, 200, headers, strbuf_str(&body));
    strbuf_finish(&body);
}

static void answer_early_close(struct http_conn *conn, const struct http_req *req,
                               uint64_t argument)
{
    (void)req, (void)argument;
    put_head(conn, 200, "Content-Length: 100\r\n\r\nten bytes.");
    conn->is_closing = true;
}

static void answer_bad_length(struct http_conn *conn, const struct http_req *req, uint64_t argument)
{
    (void)req, (void)argument;
    put_head(conn, 200, "Content-Length: minus one\r\n\r\nbody");
    conn->is_closing = true;
}

static void answer_no_length(struct http_conn *conn, const struct http_req *req, uint64_t argument)
{
    (void)req, (void)argument;
    put_head(conn, 200, "Content-Type: text/plain\r\n\r\nuntil the end");
    conn->is_closing = true;
}

static void answer_redirect(struct http_conn *conn, const struct http_req *req, uint64_t argument)
{
    (void)req;
    struct strbuf headers = STRBUF_INIT;
    if (argument == 0) {
        strbuf_append_text(&headers, "Location: /echo\r\n");
    } else {
        strbuf_append_format(&headers, "Location: /redirect/%d\r\n", (int)argument - 1);
    }
    put_response(conn, 302, headers.p, STR("elsewhere"));
    strbuf_finish(&headers);
}

/* /redirect-to/STATUS?URL, the URL as it is. */
static void answer_redirect_to(struct http_conn *conn, const struct http_req *req,
                               uint64_t argument)
{
    struct strbuf headers = STRBUF_INIT;
    strbuf_append_format(&headers, "Location: %.*s\r\n", STR_ARG(req->query));
    put_response(conn, (int)argument, headers.p, STR("elsewhere"));
    strbuf_finish(&headers);
}

static void answer_big_headers(struct http_conn *conn, const struct http_req *req,
                               uint64_t argument)
{
    (void)req;
    struct strbuf headers = STRBUF_INIT;
    for (uint64_t i = 0; i < argument && i < 1024; i++) {
        strbuf_append_format(&headers, "X-Big-%04u: %01000d\r\n", (unsigned)i, 0);
    }
    put_response(conn, 200, strbuf_status(&headers) == 0 && headers.n > 0 ? headers.p : "",
                 STR("ok"));
    strbuf_finish(&headers);
}

static void produce_slow_header(struct http_conn *conn)
{
    if (conn->produce_left == 0) {
        strbuf_append_text(&conn->out, "Content-Length: 2\r\n\r\nok");
        conn->produce = NULL;
        conn->produce_pause_ns = 0;
        return;
    }
    strbuf_append_format(&conn->out, "X-Slow-%u: 1\r\n", (unsigned)conn->produce_left);
    conn->produce_left--;
}

/* /slow-headers/N?MS: N headers, one every MS milliseconds (20). */
static void answer_slow_headers(struct http_conn *conn, const struct http_req *req,
                                uint64_t argument)
{
    put_head(conn, 200, "");
    conn->produce = produce_slow_header;
    conn->produce_left = argument;
    conn->produce_pause_ns = (req->query.n > 0 ? strtol(req->query.p, NULL, 10) : 20) * 1000000;
}

static void answer_reset(struct http_conn *conn, const struct http_req *req, uint64_t argument)
{
    (void)req, (void)argument;
    conn->is_closing = true;
    conn->is_reset = true;
}

static void answer_close(struct http_conn *conn, const struct http_req *req, uint64_t argument)
{
    (void)req, (void)argument;
    conn->is_closing = true;
}

static void answer_silent(struct http_conn *conn, const struct http_req *req, uint64_t argument)
{
    (void)req, (void)argument;
    conn->is_silent = true;
}

static void answer_garbage(struct http_conn *conn, const struct http_req *req, uint64_t argument)
{
    (void)req, (void)argument;
    strbuf_append_text(&conn->out, "SSH-2.0-OpenSSH_9.2\r\nnot HTTP at all\r\n\r\n");
    conn->is_closing = true;
}

static void answer_dying(struct http_conn *conn, const struct http_req *req, uint64_t argument)
{
    (void)req, (void)argument;
    put_text(conn, "the next request on this connection gets none");
    conn->is_dying = true;
}

static void answer_leave(struct http_conn *conn, const struct http_req *req, uint64_t argument)
{
    (void)req, (void)argument;
    put_text(conn, "and the connection ends, though nobody said so");
    conn->is_closing = true;
}

static void answer_cookies(struct http_conn *conn, const struct http_req *req, uint64_t argument)
{
    (void)req, (void)argument;
    put_response(conn, 200, "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Many: 1\r\nX-Many: 2\r\n",
                 STR("cookies"));
}

static void answer_json(struct http_conn *conn, const struct http_req *req, uint64_t argument)
{
    (void)req, (void)argument;
    put_response(conn, 200, "Content-Type: application/json; charset=utf-8\r\n",
                 STR("{\"name\":\"opstream\",\"list\":[1,2,3],\"ok\":true}"));
}

static void answer_bad_json(struct http_conn *conn, const struct http_req *req, uint64_t argument)
{
    (void)req, (void)argument;
    put_response(conn, 200, "Content-Type: application/json\r\n", STR("{\"name\": oops}"));
}

static void answer_auth(struct http_conn *conn, const struct http_req *req, uint64_t argument)
{
    (void)argument;
    if (http_req_header(req, "authorization").n == 0) {
        put_response(conn, 401, "WWW-Authenticate: Bearer\r\n", STR("who are you?"));
        return;
    }
    put_text(conn, "welcome");
}

static void answer_counts(struct http_conn *conn, const struct http_req *req, uint64_t argument)
{
    (void)req, (void)argument;
    struct strbuf json = STRBUF_INIT;
    strbuf_append_format(&json, "{\"connections\":%llu,\"requests\":%llu,\"on_this\":%u}",
                         (unsigned long long)http_conn_server_connections(conn),
                         (unsigned long long)http_conn_server_requests(conn), conn->requests);
    put_response(conn, 200, "Content-Type: application/json\r\n", strbuf_str(&json));
    strbuf_finish(&json);
}

static const struct behaviour behaviours[] = {
    {{"/echo", 5}, answer_echo},
    {{"/echo/", 6}, answer_echo},
    {{"/delay/", 7}, answer_delay},
    {{"/status/", 8}, answer_status},
    {{"/after/", 7}, answer_after},
    {{"/until/", 7}, answer_until},
    {{"/bytes/", 7}, answer_bytes},
    {{"/chunked/", 9}, answer_chunked},
    {{"/endless", 8}, answer_endless},
    {{"/gzip/", 6}, answer_gzip},
    {{"/early-close", 12}, answer_early_close},
    {{"/bad-length", 11}, answer_bad_length},
    {{"/no-length", 10}, answer_no_length},
    {{"/redirect/", 10}, answer_redirect},
    {{"/redirect-to/", 13}, answer_redirect_to},
    {{"/big-headers/", 13}, answer_big_headers},
    {{"/slow-headers/", 14}, answer_slow_headers},
    {{"/reset", 6}, answer_reset},
    {{"/close", 6}, answer_close},
    {{"/silent", 7}, answer_silent},
    {{"/garbage", 8}, answer_garbage},
    {{"/dying", 6}, answer_dying},
    {{"/leave", 6}, answer_leave},
    {{"/cookies", 8}, answer_cookies},
    {{"/json", 5}, answer_json},
    {{"/bad-json", 9}, answer_bad_json},
    {{"/auth", 5}, answer_auth},
    {{"/counts", 7}, answer_counts},
    {{"/service/", 9}, http_service_answer},
    {{"/service-is/", 12}, http_service_answer_is},
    {{"/service-counts/", 16}, http_service_answer_counts},
};

/* True when `path` is the behaviour's, whole or with a number behind it. */
static bool behaviour_matches(const struct behaviour *b, struct str path, uint64_t *out_argument)
{
    bool has_argument = b->prefix.p[b->prefix.n - 1] == '/';
    if (!has_argument || !str_starts_with(path, b->prefix)) {
        return str_equal(path, b->prefix);
    }

    uint64_t argument = 0;
    for (size_t i = b->prefix.n; i < path.n; i++) {
        if (path.p[i] < '0' || path.p[i] > '9') {
            return false;
        }
        argument = argument * 10 + (uint64_t)(path.p[i] - '0');
    }
    *out_argument = argument;
    return true;
}

void http_server_answer(struct http_conn *conn, const struct http_req *req)
{
    size_t start = conn->out.n;
    uint64_t argument = 0;
    size_t i = 0;
    size_t count = sizeof behaviours / sizeof behaviours[0];
    while (i < count && !behaviour_matches(&behaviours[i], req->path, &argument)) {
        i++;
    }
    if (i < count) {
        behaviours[i].answer(conn, req, argument);
    } else if (str_equal_text(req->path, "/") && str_equal_text(req->method, "HEAD")) {
        http_service_answer(conn, req, 0); /* who asks whether it is there */
    } else if (str_equal_text(req->path, "/")) {
        put_text(conn, "OpStream test server");
    } else {
        put_response(conn, 404, "Content-Type: text/plain\r\n", STR("no such path"));
    }

    if (str_equal_text(req->method, "HEAD") && conn->out.n > start) {
        const char *end = memmem(conn->out.p + start, conn->out.n - start, "\r\n\r\n", 4);
        if (end != NULL) {
            conn->out.n = (size_t)(end + 4 - conn->out.p);
        }
    }
    if (str_equal_text(http_req_header(req, "connection"), "close")) {
        conn->is_closing = true;
    }
}
