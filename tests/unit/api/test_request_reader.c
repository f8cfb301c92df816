/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/api/request_reader.h"
#include "core/base/error.h"
#include "tests/support/failing_alloc.h"

#define HOST "Host: x\r\n"
#define JSON "Content-Type: application/json\r\n"

enum { MAX_BODY = 1000 };

/* Feeds `text` in pieces of `piece` bytes; how many were used. */
static size_t feed(struct request_reader *reader, struct str text, size_t piece)
{
    size_t used = 0;
    while (used < text.n && reader->state < REQUEST_READY) {
        size_t n = text.n - used < piece ? text.n - used : piece;
        size_t taken = request_reader_feed(reader, str_make(text.p + used, n));
        assert_in_range(taken, 1, n);
        used += taken;
    }
    return used;
}

/* "METHOD path ?name=value... body", in whatever pieces it comes. */
static void assert_reads(struct str text, const char *expected)
{
    for (size_t piece = 1; piece <= text.n; piece++) {
        struct request_reader reader;
        struct api_request request;
        struct strbuf out = STRBUF_INIT;
        request_reader_init(&reader, MAX_BODY);
        assert_int_equal(feed(&reader, text, piece), text.n);
        if (reader.state != REQUEST_READY) {
            fail_msg("state %d, %s: %.*s", (int)reader.state, reader.refusal.text, STR_ARG(text));
        }
        request_reader_request(&reader, &request);
        strbuf_append_format(&out, "%.*s %.*s", STR_ARG(request.method), STR_ARG(request.path));
        for (size_t i = 0; i < request.query_count; i++) {
            strbuf_append_format(&out, " ?%.*s=%.*s", STR_ARG(request.query[i].name),
                                 STR_ARG(request.query[i].value));
        }
        strbuf_append_format(&out, " %.*s", STR_ARG(request.body));
        assert_string_equal(out.p, expected);
        request_reader_next(&reader);
        assert_int_equal(reader.state, REQUEST_NONE);
        strbuf_finish(&out);
        request_reader_finish(&reader);
    }
}

static void assert_refused(struct str text, int status)
{
    for (size_t piece = 1; piece <= text.n; piece += piece < 8 ? 1 : 7) {
        struct request_reader reader;
        request_reader_init(&reader, MAX_BODY);
        (void)feed(&reader, text, piece);
        if (reader.state != REQUEST_REFUSED || reader.refusal.status != status) {
            fail_msg("state %d, status %d instead of %d: %.*s", (int)reader.state,
                     reader.refusal.status, status, STR_ARG(text));
        }
        assert_non_null(reader.refusal.text);
        request_reader_finish(&reader);
    }
}

#define REFUSED(text, status) assert_refused(STR(text), status)

/* ---- */

static void test_request_reader__requests_are_read_in_any_pieces(void **state)
{
    (void)state;
    assert_reads(STR("GET / HTTP/1.1\r\n" HOST "\r\n"), "GET / ");
    assert_reads(STR("\r\nGET /a HTTP/1.1\r\n" HOST "\r\n"), "GET /a ");
    assert_reads(STR("DELETE /a/b HTTP/1.0\r\n\r\n"), "DELETE /a/b ");
    assert_reads(STR("PUT /a HTTP/1.1\r\nhOSt:x\r\ncontent-TYPE:application/JSON\r\n"
                     "CONTENT-length:  3 \t\r\n\r\nabc"),
                 "PUT /a abc");
    assert_reads(STR("POST /a HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"), "POST /a ");
    assert_reads(STR("POST /a HTTP/1.1\r\n" HOST "Content-Length: 000\r\n\r\n"), "POST /a ");
    assert_reads(STR("POST /a HTTP/1.1\r\nHost:\r\n" JSON "Content-Length: 2\r\n\r\n\r\n"),
                 "POST /a \r\n");
}

static void test_request_reader__targets_are_decoded(void **state)
{
    (void)state;
    assert_reads(STR("GET /a%20b%C3%A9+c HTTP/1.1\r\n" HOST "\r\n"), "GET /a b\xC3\xA9+c ");
    assert_reads(STR("GET /a//b/ HTTP/1.1\r\n" HOST "\r\n"), "GET /a//b/ ");
    assert_reads(STR("GET /a/...?&&x=1&x=2&=&y&z=a=b HTTP/1.1\r\n" HOST "\r\n"),
                 "GET /a/... ?x=1 ?x=2 ?= ?y= ?z=a=b ");
    assert_reads(STR("GET /?a+b=c%2Bd%2F+e%3d%26&%C3%A9=%0A? HTTP/1.1\r\n" HOST "\r\n"),
                 "GET / ?a b=c+d/ e=& ?\xC3\xA9=\n? ");
}

static void test_request_reader__chunked_bodies_are_put_together(void **state)
{
    (void)state;
    assert_reads(STR("POST / HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: Chunked\r\n\r\n"
                     "1\r\na\r\n00A\r\n0123456789\r\n2\r\n\r\n\r\n0\r\n\r\n"),
                 "POST / a0123456789\r\n");
    assert_reads(STR("POST / HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                 "POST / ");
}

static void test_request_reader__pipelined_requests_come_one_by_one(void **state)
{
    (void)state;
    struct str text = STR("POST /a HTTP/1.1\r\n" HOST JSON "Content-Length: 1\r\n\r\n1"
                          "POST /b HTTP/1.1\r\n" HOST JSON
                          "Transfer-Encoding: chunked\r\n\r\n1\r\n2\r\n0\r\n\r\n"
                          "GET /c HTTP/1.1\r\n" HOST "\r\n");
    struct request_reader reader;
    request_reader_init(&reader, MAX_BODY);
    static const char *const bodies[] = {"1", "2", ""};
    static const char *const paths[] = {"/a", "/b", "/c"};
    for (size_t i = 0; i < 3; i++) {
        struct api_request request;
        size_t used = request_reader_feed(&reader, text);
        text = str_make(text.p + used, text.n - used);
        assert_int_equal(reader.state, REQUEST_READY);
        request_reader_request(&reader, &request);
        assert_true(str_equal_text(request.path, paths[i]));
        assert_true(str_equal_text(request.body, bodies[i]));
        assert_true(str_equal_text(request.content_type, i < 2 ? "application/json" : ""));
        request_reader_next(&reader);
    }
    assert_int_equal(text.n, 0);
    request_reader_finish(&reader);
}

static void test_request_reader__headers_that_matter_are_given(void **state)
{
    (void)state;
    struct str text = STR("POST /a HTTP/1.1\r\n" HOST
                          "Origin: https://a\r\nAccept: a/b, c\r\nX-Other: 1\r\nX-Other: 2\r\n"
                          "last-event-id:  7 \r\nIdempotency-Key: k\te\xC3\xA9y\r\n"
                          "Connection: keep-alive, CLOSE\r\n"
                          "Content-Type: application/json; charset=UTF-8\r\n"
                          "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n");
    struct request_reader reader;
    struct api_request request;
    request_reader_init(&reader, MAX_BODY);
    assert_int_equal(request_reader_feed(&reader, text), text.n);
    assert_true(request_reader_is_waiting(&reader));
    assert_int_equal(request_reader_feed(&reader, STR("1")), 1);
    assert_false(request_reader_is_waiting(&reader));
    request_reader_request(&reader, &request);
    assert_true(request.host.n > 0);
    assert_true(str_equal_text(request.origin, "https://a"));
    assert_true(str_equal_text(request.accept, "a/b, c"));
    assert_true(str_equal_text(request.last_event_id, "7"));
    assert_true(str_equal_text(request.idempotency_key, "k\te\xC3\xA9y"));
    assert_true(str_equal_text(request.content_type, "application/json"));
    assert_true(reader.head.is_last);
    request_reader_finish(&reader);
}

/* ---- */

static void test_request_reader__bad_request_lines_are_refused(void **state)
{
    (void)state;
    REFUSED("\r\n\r\n \r\n\r\n", 400);
    REFUSED("GET\r\n\r\n", 400);
    REFUSED("GET /\r\n\r\n", 400);
    REFUSED(" GET / HTTP/1.1\r\n\r\n", 400);
    REFUSED("GET  / HTTP/1.1\r\n" HOST "\r\n", 400);
    REFUSED("GET / HTTP/1.1 \r\n" HOST "\r\n", 505);
    REFUSED("GET / HTTP/1.2\r\n" HOST "\r\n", 505);
    REFUSED("GET / HTTP/3\r\n" HOST "\r\n", 505);
    REFUSED("GET / http/1.1\r\n" HOST "\r\n", 400);
    REFUSED("G\x01T / HTTP/1.1\r\n" HOST "\r\n", 400);
    REFUSED("G(T / HTTP/1.1\r\n" HOST "\r\n", 400);
    REFUSED("G\0T / HTTP/1.1\r\n" HOST "\r\n", 400);
    REFUSED("GET * HTTP/1.1\r\n" HOST "\r\n", 400);
    REFUSED("GET x HTTP/1.1\r\n" HOST "\r\n", 400);
    REFUSED("GET http://x/ HTTP/1.1\r\n" HOST "\r\n", 400);
    REFUSED("CONNECT x:80 HTTP/1.1\r\n" HOST "\r\n", 400);
    REFUSED("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
}

static void test_request_reader__bad_targets_are_refused(void **state)
{
    (void)state;
    REFUSED("GET /a\tb HTTP/1.1\r\n" HOST "\r\n", 400);
    REFUSED("GET /a#b HTTP/1.1\r\n" HOST "\r\n", 400);
    REFUSED("GET /\xC3\xA9 HTTP/1.1\r\n" HOST "\r\n", 400);
    REFUSED("GET /% HTTP/1.1\r\n" HOST "\r\n", 400);
    REFUSED("GET /%2 HTTP/1.1\r\n" HOST "\r\n", 400);
    REFUSED("GET /%2G HTTP/1.1\r\n" HOST "\r\n", 400);
    REFUSED("GET /%00 HTTP/1.1\r\n" HOST "\r\n", 400);
    REFUSED("GET /%0D%0A HTTP/1.1\r\n" HOST "\r\n", 400);
    REFUSED("GET /a%2fb HTTP/1.1\r\n" HOST "\r\n", 400);
    REFUSED("GET /%FF HTTP/1.1\r\n" HOST "\r\n", 400);
    REFUSED("GET /%C0%AF HTTP/1.1\r\n" HOST "\r\n", 400);
    REFUSED("GET /.. HTTP/1.1\r\n" HOST "\r\n", 400);
    REFUSED("GET /a/%2e%2E/b HTTP/1.1\r\n" HOST "\r\n", 400);
    REFUSED("GET /a/./b HTTP/1.1\r\n" HOST "\r\n", 400);
    REFUSED("GET /?a=%zz HTTP/1.1\r\n" HOST "\r\n", 400);
    REFUSED("GET /?a=%00 HTTP/1.1\r\n" HOST "\r\n", 400);
    REFUSED("GET /?%FF=a HTTP/1.1\r\n" HOST "\r\n", 400);
    struct strbuf many = STRBUF_INIT;
    strbuf_append_text(&many, "GET /?");
    for (int i = 0; i <= API_MAX_QUERY; i++) {
        strbuf_append_text(&many, "a&");
    }
    strbuf_append_text(&many, " HTTP/1.1\r\n" HOST "\r\n");
    assert_refused(strbuf_str(&many), 400);
    strbuf_finish(&many);
}

static void test_request_reader__bad_headers_are_refused(void **state)
{
    (void)state;
    REFUSED("GET / HTTP/1.1\r\n\r\n", 400);
    REFUSED("GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400);
    REFUSED("GET / HTTP/1.1\n" HOST "\r\n", 400);
    REFUSED("GET / HTTP/1.1\r\nHost: x\n\r\n", 400);
    REFUSED("GET / HTTP/1.1\r\nHost: x\r\n\n", 400);
    REFUSED("GET / HTTP/1.1\r\nHost: x\rX: y\r\n\r\n", 400);
    REFUSED("GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400);
    REFUSED("GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400);
    REFUSED("GET / HTTP/1.1\r\n" HOST "X: a\r\n folded\r\n\r\n", 400);
    REFUSED("GET / HTTP/1.1\r\n" HOST "X\r\n\r\n", 400);
    REFUSED("GET / HTTP/1.1\r\n" HOST ": y\r\n\r\n", 400);
    REFUSED("GET / HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n", 400);
    REFUSED("GET / HTTP/1.1\r\n" HOST "X: a\x7f\r\n\r\n", 400);
    REFUSED("GET / HTTP/1.1\r\n" HOST "X\xC3: a\r\n\r\n", 400);
    REFUSED("GET / HTTP/1.1\r\n" HOST "Idempotency-Key: a\r\nIdempotency-Key:\r\n\r\n", 400);
    REFUSED("GET / HTTP/1.1\r\n" HOST "Last-Event-ID:\r\nLast-Event-ID: 1\r\n\r\n", 400);
    REFUSED("GET / HTTP/1.1\r\n" HOST "Expect: \r\n\r\n", 417);
}

static void test_request_reader__bad_lengths_are_refused(void **state)
{
    (void)state;
#define POST "POST / HTTP/1.1\r\n" HOST JSON
    REFUSED(POST "Content-Length: \r\n\r\n", 400);
    REFUSED(POST "Content-Length: +1\r\n\r\na", 400);
    REFUSED(POST "Content-Length: -1\r\n\r\na", 400);
    REFUSED(POST "Content-Length: 1,1\r\n\r\na", 400);
    REFUSED(POST "Content-Length: 0x1\r\n\r\na", 400);
    REFUSED(POST "Content-Length: 1 1\r\n\r\na", 400);
    REFUSED(POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400);
    REFUSED(POST "Content-Length: 1001\r\n\r\na", 413);
    REFUSED(POST "Content-Length: 18446744073709551616\r\n\r\na", 413);
    REFUSED(POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na", 400);
    REFUSED(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
    REFUSED(POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501);
    REFUSED(POST "Transfer-Encoding: identity\r\n\r\n", 501);
    REFUSED(POST "Transfer-Encoding:\r\n\r\n", 501);
    REFUSED("POST / HTTP/1.0\r\n" JSON "Transfer-Encoding: chunked\r\n\r\n", 400);
    REFUSED("POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\na", 415);
    REFUSED("POST / HTTP/1.1\r\n" HOST "Content-Type: text/json\r\nContent-Length: 1\r\n\r\n", 415);
    REFUSED("POST / HTTP/1.1\r\n" HOST
            "Content-Type: application/json; charset=latin1\r\nContent-Length: 1\r\n\r\n",
            415);
    REFUSED("POST / HTTP/1.1\r\n" HOST
            "Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n",
            415);
}

static void test_request_reader__bad_chunks_are_refused(void **state)
{
    (void)state;
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
    REFUSED(CHUNKED "\r\n", 400);
    REFUSED(CHUNKED "g\r\n", 400);
    REFUSED(CHUNKED "0x1\r\na\r\n", 400);
    REFUSED(CHUNKED " 1\r\na\r\n", 400);
    REFUSED(CHUNKED "1 \r\na\r\n", 400);
    REFUSED(CHUNKED "1;a=b\r\na\r\n", 400);
    REFUSED(CHUNKED "-1\r\na\r\n", 400);
    REFUSED(CHUNKED "1\na\r\n", 400);
    REFUSED(CHUNKED "1\r\nab\r\n", 400);
    REFUSED(CHUNKED "1\r\na\n0\r\n\r\n", 400);
    REFUSED(CHUNKED "0\r\nX: trailer\r\n\r\n", 400);
    REFUSED(CHUNKED "000000001\r\na\r\n", 400);
    REFUSED(CHUNKED "FFFFFFFF\r\na\r\n", 413);
    REFUSED(CHUNKED "3E9\r\na\r\n", 413);
    REFUSED(CHUNKED "1\r\na\r\n3E8\r\n", 413);
}

static void test_request_reader__lines_and_heads_are_limited(void **state)
{
    (void)state;
    struct strbuf text = STRBUF_INIT;
    static const struct {
        size_t bytes; /* of the line, with its CRLF */
        int status;
    } cases[] = {{REQUEST_MAX_LINE_BYTES, 0}, {REQUEST_MAX_LINE_BYTES + 1, 431}};
    for (size_t i = 0; i < 2; i++) {
        struct request_reader reader;
        request_reader_init(&reader, MAX_BODY);
        strbuf_clear(&text);
        strbuf_append_text(&text, "GET / HTTP/1.1\r\n" HOST "X: ");
        size_t start = text.n - 3;
        while (text.n - start < cases[i].bytes - 2) {
            strbuf_append_char(&text, 'x');
        }
        strbuf_append_text(&text, "\r\n\r\n");
        (void)request_reader_feed(&reader, strbuf_str(&text));
        assert_int_equal(reader.refusal.status, cases[i].status);
        request_reader_finish(&reader);
    }

    strbuf_clear(&text);
    strbuf_append_text(&text, "GET / HTTP/1.1\r\n" HOST);
    for (int i = 0; i < REQUEST_MAX_HEADERS; i++) {
        strbuf_append_text(&text, "X: y\r\n");
    }
    strbuf_append_text(&text, "\r\n");
    assert_refused(strbuf_str(&text), 431);
    strbuf_clear(&text);
    for (int i = 0; i < 10000; i++) {
        strbuf_append_text(&text, "GET /xxxx");
    }
    assert_refused(strbuf_str(&text), 414);
    strbuf_clear(&text);
    strbuf_append_text(&text, "GET / HTTP/1.1\r\n");
    for (int i = 0; i < 20000; i++) {
        strbuf_append_text(&text, "X: y\r\n");
    }
    assert_refused(strbuf_str(&text), 431);
    strbuf_finish(&text);
}

static void test_request_reader__failing_allocations_are_answered(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct request_reader reader;
        request_reader_init(&reader, MAX_BODY);
        failing_alloc_arm(n);
        (void)request_reader_feed(
            &reader, STR("POST /a?b=c HTTP/1.1\r\n" HOST JSON "Content-Length: 100\r\n\r\n"
                         "0123456789012345678901234567890123456789012345678901234567890123456789"
                         "012345678901234567890123456789"));
        bool is_reached = failing_alloc_disarm();
        if (!is_reached) {
            assert_int_equal(reader.state, REQUEST_READY);
            assert_true(n > 1);
            request_reader_finish(&reader);
            return;
        }
        assert_int_equal(reader.state, REQUEST_REFUSED);
        assert_int_equal(reader.refusal.status, 503);
        request_reader_finish(&reader);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_reader__requests_are_read_in_any_pieces),
        cmocka_unit_test(test_request_reader__targets_are_decoded),
        cmocka_unit_test(test_request_reader__chunked_bodies_are_put_together),
        cmocka_unit_test(test_request_reader__pipelined_requests_come_one_by_one),
        cmocka_unit_test(test_request_reader__headers_that_matter_are_given),
        cmocka_unit_test(test_request_reader__bad_request_lines_are_refused),
        cmocka_unit_test(test_request_reader__bad_targets_are_refused),
        cmocka_unit_test(test_request_reader__bad_headers_are_refused),
        cmocka_unit_test(test_request_reader__bad_lengths_are_refused),
        cmocka_unit_test(test_request_reader__bad_chunks_are_refused),
        cmocka_unit_test(test_request_reader__lines_and_heads_are_limited),
        cmocka_unit_test(test_request_reader__failing_allocations_are_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
