/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#include "core/api/transport.h"
#include "core/base/error.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/api/toy_api.h"

#define HOST "Host: x\r\n"
#define JSON "Content-Type: application/json\r\n"

static uv_loop_t loop;
static struct toy_api toy;
static struct api_transport *transport;
static struct strbuf in;
static int descriptors_before;

static int count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    int count = 0;
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

static const struct api_limits default_limits = {
    .max_body_bytes = 64 * 1024,
    .max_connections = 40,
    .max_unsent_bytes = 1024 * 1024,
    .max_held_bytes = 1024 * 1024,
    .timeout_ms = 30000,
    .idle_timeout_ms = 120000,
};

static void open_with(struct api_limits limits)
{
    const struct api_transport_options options = {&loop, toy_handlers(&toy), limits};
    struct error err = {0};
    if (transport_table.create(&options, &transport, &err) != 0) {
        fail_msg("%s", err.message);
    }
}

static int open_loop(void **state)
{
    (void)state;
    memset(&toy, 0, sizeof toy);
    strbuf_clear(&in);
    transport = NULL;
    descriptors_before = count_descriptors();
    assert_int_equal(uv_loop_init(&loop), 0);
    return 0;
}

static int open_all(void **state)
{
    (void)open_loop(state);
    open_with(default_limits);
    return 0;
}

static void on_closed(void *user)
{
    (*(size_t *)user)++;
}

static void close_transport(uint64_t grace_ms)
{
    size_t closed = 0;
    transport_table.close(transport, grace_ms, on_closed, &closed);
    assert_int_equal(closed, 0);
    toy_run_until(&loop, &closed, 1);
    transport = NULL;
}

/* Nothing is left open, in the loop or the process. */
static int close_all(void **state)
{
    (void)state;
    if (transport != NULL) {
        close_transport(0);
    }
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(count_descriptors(), descriptors_before);
    strbuf_finish(&in);
    return 0;
}

static int connect_client(void)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    transport_table.adopt(transport, fds[1], 1234);
    return fds[0];
}

static void send_text(int fd, const char *text)
{
    assert_true(toy_send(&loop, fd, str_from(text)));
}

/* Sends `request` on a new connection, and reads until it is closed. */
static void ask_and_close(const char *request)
{
    int fd = connect_client();
    strbuf_clear(&in);
    send_text(fd, request);
    toy_read_to_end(&loop, fd, &in);
    close(fd);
}

static void assert_has(const char *words)
{
    if (in.p == NULL || strstr(in.p, words) == NULL) {
        fail_msg("'%s' is not in: %s", words, in.p != NULL ? in.p : "nothing");
    }
}

static void assert_begins(const char *words)
{
    assert_non_null(in.p);
    if (strncmp(in.p, words, strlen(words)) != 0) {
        fail_msg("'%s' is not at the beginning of: %s", words, in.p);
    }
}

/* ---- */

static void test_transport__request_is_answered(void **state)
{
    (void)state;
    int fd = connect_client();
    send_text(fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    toy_read_until(&loop, fd, &in, "\r\n\r\nhello");
    assert_string_equal(in.p, "HTTP/1.1 200 OK\r\nOpStream-Api: 1\r\nContent-Type: text/plain\r\n"
                              "Content-Length: 5\r\n\r\nhello");
    assert_int_equal(toy.peer_uid, 1234);
    close(fd);
}

static void test_transport__request_reaches_the_routes_whole(void **state)
{
    (void)state;
    ask_and_close("POST /echo/a%20b?x=1&y=%C3%A9+z&flag HTTP/1.1\r\n" HOST
                  "Accept: text/event-stream\r\nLast-Event-ID: 17\r\nIdempotency-Key: k 1\r\n" JSON
                  "Connection: close\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
    assert_has("method=POST\npath=/echo/a b\n?x=1\n?y=\xC3\xA9 z\n?flag=\n"
               "accept=text/event-stream\nlast-event-id=17\nidempotency-key=k 1\n"
               "content-type=application/json\nbody={\"a\":1}");
    assert_has("Connection: close\r\n");
    assert_has("X-Toy: one  two\r\n");
}

static void test_transport__connection_serves_many_requests(void **state)
{
    (void)state;
    int fd = connect_client();
    for (size_t i = 1; i <= 50; i++) {
        strbuf_clear(&in);
        send_text(fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
        toy_read_until(&loop, fd, &in, "hello");
        assert_int_equal(toy.requests, i);
    }
    close(fd);
}

static void test_transport__pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    int fd = connect_client();
    send_text(fd, "GET /later HTTP/1.1\r\n" HOST "\r\nGET /hello HTTP/1.1\r\n" HOST
                  "\r\nGET /big?n=200000 HTTP/1.1\r\n" HOST "\r\nPOST /echo HTTP/1.1\r\n" HOST JSON
                  "Content-Length: 2\r\n\r\n{}GET /error HTTP/1.1\r\n" HOST
                  "Connection: close\r\n\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n");
    toy_run_until(&loop, &toy.held_count, 1);
    assert_int_equal(toy.requests, 1);
    api_respond_error(toy_take(&toy), 410, "late");
    toy_read_to_end(&loop, fd, &in);
    const char *late = strstr(in.p, "late");
    const char *hello = strstr(in.p, "hello");
    const char *echo = strstr(in.p, "body={}");
    const char *last = strstr(in.p, "it is 'so'");
    assert_true(late != NULL && hello > late && echo > hello + 200000 && last > echo);
    assert_int_equal(toy.requests, 5); /* nothing behind Connection: close */
    close(fd);
}

static void test_transport__many_pipelined_requests_wait_without_harm(void **state)
{
    (void)state;
    int fd = connect_client();
    send_text(fd, "GET /later HTTP/1.1\r\n" HOST "\r\n");
    toy_run_until(&loop, &toy.held_count, 1);
    struct strbuf many = STRBUF_INIT;
    for (int i = 0; i < 20000; i++) {
        strbuf_append_text(&many, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    }
    size_t sent = 0;
    for (int i = 0; i < 50; i++) { /* what does not fit waits in the socket */
        ssize_t n = send(fd, many.p + sent, many.n - sent, MSG_DONTWAIT);
        sent += n > 0 ? (size_t)n : 0;
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    }
    assert_in_range(sent, 64 * 1024, many.n - 1);
    api_respond(toy_take(&toy), &(struct api_answer){.status = 204});
    while (sent < many.n) {
        ssize_t n = send(fd, many.p + sent, many.n - sent, MSG_DONTWAIT);
        sent += n > 0 ? (size_t)n : 0;
        strbuf_clear(&in);
        toy_read_until(&loop, fd, &in, "HTTP");
    }
    while (toy.requests < 20001) {
        strbuf_clear(&in);
        toy_read_until(&loop, fd, &in, "HTTP");
    }
    strbuf_finish(&many);
    close(fd);
}

static void test_transport__late_answer_finds_its_request_untouched(void **state)
{
    (void)state;
    toy.is_echo_late = true;
    int fd = connect_client();
    send_text(fd, "POST /echo/x?a=b HTTP/1.1\r\n" HOST JSON "Content-Length: 4\r\n\r\n1234GET /y");
    toy_run_until(&loop, &toy.held_count, 1);
    send_text(fd, "ou HTTP/1.1\r\n" HOST "\r\n");
    for (int i = 0; i < 10; i++) {
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    }
    toy_echo(toy_take(&toy), &toy.request);
    toy_read_until(&loop, fd, &in, "body=1234");
    assert_has("path=/echo/x\n?a=b\n");
    toy_run_until(&loop, &toy.held_count, 1);
    assert_true(str_equal_text(toy.request.path, "/you"));
    close(fd);
}

static void test_transport__head_has_no_body(void **state)
{
    (void)state;
    ask_and_close("HEAD /hello HTTP/1.1\r\n" HOST "\r\nHEAD /flood?n=70000 HTTP/1.1\r\n" HOST
                  "Connection: close\r\n\r\n");
    assert_has("Content-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\n");
    assert_true(str_ends_with(strbuf_str(&in), STR("\r\n\r\n")));
    assert_null(strstr(in.p, "xx"));
}

static void test_transport__no_content_has_no_length(void **state)
{
    (void)state;
    ask_and_close("GET /empty HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    assert_string_equal(in.p,
                        "HTTP/1.1 204 No Content\r\nOpStream-Api: 1\r\nConnection: close\r\n\r\n");
}

static void test_transport__errors_are_json(void **state)
{
    (void)state;
    ask_and_close("GET /a%22b HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    assert_begins("HTTP/1.1 404 Not Found\r\n");
    assert_has("Content-Type: application/json\r\n");
    assert_has("\r\n\r\n{\"error\":{\"code\":\"not_found\",\"message\":"
               "\"there is no '/a\\\"b'\"}}");
}

static void test_transport__chunked_body_comes_whole(void **state)
{
    (void)state;
    ask_and_close("POST /echo HTTP/1.1\r\n" HOST JSON
                  "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                  "3\r\n{\"a\r\nA\r\n\":\"0123456\r\n2\r\n\"}\r\n0\r\n\r\n");
    assert_has("body={\"a\":\"0123456\"}");
}

static void test_transport__waiting_client_is_told_to_go_on(void **state)
{
    (void)state;
    int fd = connect_client();
    send_text(fd, "POST /echo HTTP/1.1\r\n" HOST JSON
                  "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    toy_read_until(&loop, fd, &in, "HTTP/1.1 100 Continue\r\n\r\n");
    send_text(fd, "{");
    send_text(fd, "}");
    toy_read_until(&loop, fd, &in, "body={}");
    assert_null(strstr(in.p + 4, "HTTP/1.1 100"));
    close(fd);
}

static void test_transport__http_1_0_is_answered_and_closed(void **state)
{
    (void)state;
    ask_and_close("GET /hello HTTP/1.0\r\n\r\n");
    assert_has("Connection: close\r\n\r\nhello");
    ask_and_close("GET /flood?n=100000 HTTP/1.0\r\n\r\n");
    const char *body = strstr(in.p, "\r\n\r\n");
    assert_non_null(body);
    assert_int_equal(strlen(body + 4), 100000);
    assert_null(strstr(in.p, "chunked"));
}

/* ---- */

static void test_transport__what_is_no_http_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        const char *status;
    } cases[] = {
        {"hello\r\n\r\n", "400"},
        {"GET /hello\r\n\r\n", "400"},
        {"GET /hello HTTP/1.1\n" HOST "\n", "400"},
        {"GET /hello HTTP/1.1\r\n\r\n", "400"},
        {"GET /hello HTTP/1.1\r\n" HOST HOST "\r\n", "400"},
        {"GET /hello HTTP/2.0\r\n" HOST "\r\n", "505"},
        {"GET http://x/hello HTTP/1.1\r\n" HOST "\r\n", "400"},
        {"GET /../hello HTTP/1.1\r\n" HOST "\r\n", "400"},
        {"POST /echo HTTP/1.1\r\n" HOST JSON
         "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
         "400"},
        {"POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
         "400"},
        {"POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 65537\r\n\r\n{", "413"},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}", "415"},
        {"POST /echo HTTP/1.1\r\n" HOST JSON "Expect: more\r\nContent-Length: 2\r\n\r\n{}", "417"},
        {"POST /echo HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: gzip\r\n\r\n{}", "501"},
        {"POST /echo HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: chunked\r\n\r\nx\r\n", "400"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char begin[32];
        (void)snprintf(begin, sizeof begin, "HTTP/1.1 %s ", cases[i].status);
        ask_and_close(cases[i].request);
        assert_begins(begin);
        assert_has("Connection: close\r\n");
        assert_has("{\"error\":{\"code\":\"");
    }
    assert_int_equal(toy.requests, 0);
}

static void test_transport__headers_are_limited(void **state)
{
    (void)state;
    struct strbuf request = STRBUF_INIT;
    strbuf_append_text(&request, "GET /hello HTTP/1.1\r\n" HOST "X-Long: ");
    for (int i = 0; i < 9000; i++) {
        strbuf_append_char(&request, 'x');
    }
    strbuf_append_text(&request, "\r\n\r\n");
    ask_and_close(request.p);
    assert_begins("HTTP/1.1 431 ");

    strbuf_clear(&request);
    strbuf_append_text(&request, "GET /hello HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 30000; i++) {
        strbuf_append_text(&request, "a: b\r\n");
    }
    strbuf_append_text(&request, "\r\n");
    ask_and_close(request.p);
    assert_begins("HTTP/1.1 431 ");
    strbuf_finish(&request);
    assert_int_equal(toy.requests, 0);
}

static void test_transport__refused_client_may_go_on_sending(void **state)
{
    (void)state;
    int fd = connect_client();
    struct strbuf body = STRBUF_INIT;
    strbuf_append_text(&body,
                       "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 3000000\r\n\r\n");
    assert_non_null(strbuf_reserve(&body, 3000000));
    memset(body.p + body.n, 'x', 3000000);
    body.n += 3000000;
    assert_true(toy_send(&loop, fd, strbuf_str(&body)));
    strbuf_finish(&body);
    toy_read_until(&loop, fd, &in, "the body is too large");
    assert_begins("HTTP/1.1 413 ");
    close(fd);
}

static void test_transport__too_many_connections_are_told_so(void **state)
{
    (void)state;
    int fds[41];
    for (int i = 0; i < 40; i++) {
        fds[i] = connect_client();
        send_text(fds[i], "GET /later HTTP/1.1\r\n" HOST "\r\n");
    }
    toy_run_until(&loop, &toy.held_count, 40);
    ask_and_close("GET /hello HTTP/1.1\r\n" HOST "\r\n");
    assert_begins("HTTP/1.1 503 ");
    assert_has("too many connections");
    close(fds[0]);
    toy_run_until(&loop, &toy.gone, 1);
    fds[0] = connect_client();
    send_text(fds[0], "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    strbuf_clear(&in);
    toy_read_until(&loop, fds[0], &in, "hello");
    for (int i = 0; i < 40; i++) {
        close(fds[i]);
    }
    toy_run_until(&loop, &toy.gone, 40);
}

static void test_transport__far_too_many_connections_are_closed(void **state)
{
    (void)state;
    int fds[40 + 64];
    for (int i = 0; i < 40 + 64; i++) {
        fds[i] = connect_client();
    }
    int fd = connect_client();
    toy_read_to_end(&loop, fd, &in);
    assert_int_equal(in.n, 0);
    close(fd);
    for (int i = 0; i < 40 + 64; i++) {
        close(fds[i]);
    }
}

/* ---- */

static void test_transport__stream_comes_in_pieces(void **state)
{
    (void)state;
    int fd = connect_client();
    send_text(fd, "GET /stream HTTP/1.1\r\n" HOST "\r\n");
    toy_read_until(&loop, fd, &in, "Transfer-Encoding: chunked\r\n\r\n");
    toy_run_until(&loop, &toy.held_count, 1);
    struct api_exchange *stream = toy.held[0];
    api_stream_write(stream, STR("data: 1\n\n"));
    toy_read_until(&loop, fd, &in, "9\r\ndata: 1\n\n\r\n");
    api_stream_write(stream, STR(""));
    api_stream_write(stream, STR("data: 2\n\n"));
    api_stream_end(toy_take(&toy));
    toy_read_until(&loop, fd, &in, "9\r\ndata: 2\n\n\r\n0\r\n\r\n");
    strbuf_clear(&in);
    send_text(fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    toy_read_until(&loop, fd, &in, "hello");
    assert_int_equal(toy.gone, 0);
    close(fd);
}

static void test_transport__long_stream_goes_on_when_it_has_drained(void **state)
{
    (void)state;
    int fd = connect_client();
    send_text(fd, "GET /flood?n=5000000 HTTP/1.1\r\n" HOST "\r\n");
    toy_read_until(&loop, fd, &in, "\r\n0\r\n\r\n");
    assert_true(toy.drained > 0);
    assert_in_range(in.n, 5000000, 5050000);
    close(fd);
}

static void test_transport__bodies_that_take_too_much_are_refused(void **state)
{
    (void)open_loop(state);
    struct api_counts counts = {0};
    struct api_limits limits = default_limits;
    limits.max_held_bytes = 13;
    open_with(limits);
    int first = connect_client();
    send_text(first, "POST /later HTTP/1.1\r\n" HOST JSON "Content-Length: 7\r\n\r\n{\"a\":1}");
    toy_run_until(&loop, &toy.held_count, 1);
    ask_and_close("POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 7\r\n\r\n{\"a\":1}");
    assert_has("Retry-After: 1\r\n");
    transport_table.count(transport, &counts);
    assert_int_equal(counts.refused_bodies, 1);
    api_respond_error(toy_take(&toy), 410, "late");
    toy_read_until(&loop, first, &in, "late");
    send_text(first, "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 7\r\n\r\n{\"a\":1}");
    toy_read_until(&loop, first, &in, "body={");
    close(first);
}

static void test_transport__slow_reader_is_dropped_at_the_limit(void **state)
{
    (void)state;
    int fd = connect_client();
    send_text(fd, "GET /stream HTTP/1.1\r\n" HOST "\r\n");
    toy_run_until(&loop, &toy.held_count, 1);
    static char piece[64 * 1024];
    memset(piece, 'y', sizeof piece);
    size_t written = 0;
    while (toy.gone == 0 && written < 16 * sizeof piece * sizeof piece) {
        api_stream_write(toy.held[0], str_make(piece, sizeof piece));
        assert_int_equal(toy.gone, written < 1024 * 1024 ? 0 : toy.gone);
        written += sizeof piece;
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(toy.gone, 1);
    assert_in_range(written, 1024 * 1024, 4 * 1024 * 1024);
    assert_int_equal(toy.slow[API_SLOW_UNREAD], 1);
    close(fd);
}

static void test_transport__reader_that_takes_nothing_is_dropped_in_time(void **state)
{
    (void)open_loop(state);
    struct api_limits limits = default_limits;
    limits.timeout_ms = 1000;
    open_with(limits);
    int fd = connect_client();
    send_text(fd, "GET /big?n=5000000 HTTP/1.1\r\n" HOST "\r\n");
    toy_run_until(&loop, &toy.requests, 1);
    int stream = connect_client();
    send_text(stream, "GET /flood?n=5000000 HTTP/1.1\r\n" HOST "\r\n");
    toy_run_until(&loop, &toy.gone, 1); /* of the stream; of the answer nobody is told */
    toy_read_to_end(&loop, fd, &in);
    assert_in_range(in.n, 1, 4000000);
    assert_int_equal(toy.slow[API_SLOW_IDLE], 1);
    close(fd);
    close(stream);
}

/* Whether something wants the loop's attention. */
static bool is_busy(void)
{
    for (int i = 0; i < 50; i++) {
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    }
    struct pollfd wait = {.fd = uv_backend_fd(&loop), .events = POLLIN};
    return poll(&wait, 1, 20) != 0;
}

static void test_transport__blocked_client_that_sends_on_does_not_wake_the_loop(void **state)
{
    (void)state;
    int fd = connect_client();
    send_text(fd, "GET /big?n=3000000 HTTP/1.1\r\n" HOST "\r\n");
    toy_run_until(&loop, &toy.requests, 1);
    assert_false(is_busy());
    struct strbuf more = STRBUF_INIT;
    for (int i = 0; i < 20000; i++) {
        strbuf_append_text(&more, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    }
    for (int i = 0; i < 20; i++) {
        (void)send(fd, more.p, more.n, MSG_DONTWAIT);
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    }
    assert_false(is_busy());
    assert_int_equal(toy.requests, 1);
    strbuf_finish(&more);
    close(fd); /* and that is noticed */
    (void)is_busy();
    int next = connect_client();
    send_text(next, "GET /later HTTP/1.1\r\n" HOST "\r\n");
    toy_run_until(&loop, &toy.requests, 2);
    assert_false(is_busy());
    close(next);
}

static void test_transport__idle_connections_do_not_wake_the_loop(void **state)
{
    (void)state;
    int fds[3];
    static const char *const requests[] = {"GET /hello", "GET /stream", "GET /later"};
    for (size_t i = 0; i < 3; i++) {
        fds[i] = connect_client();
        send_text(fds[i], requests[i]);
        send_text(fds[i], " HTTP/1.1\r\n" HOST "\r\n");
    }
    toy_run_until(&loop, &toy.requests, 3);
    assert_false(is_busy());
    assert_in_range(uv_backend_timeout(&loop), 20000, 120000);
    for (size_t i = 0; i < 3; i++) {
        close(fds[i]);
    }
    toy_run_until(&loop, &toy.gone, 2);
}

static void test_transport__request_that_takes_too_long_is_refused(void **state)
{
    (void)open_loop(state);
    struct api_limits limits = default_limits;
    limits.timeout_ms = 60;
    open_with(limits);
    ask_and_close("GET /hello HTTP/1.1\r\nHost:");
    assert_begins("HTTP/1.1 408 ");
    ask_and_close("POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 20\r\n\r\n{");
    assert_begins("HTTP/1.1 408 ");
    assert_int_equal(toy.requests, 0);
}

static void test_transport__idle_connection_is_closed_in_time(void **state)
{
    (void)open_loop(state);
    struct api_limits limits = default_limits;
    limits.idle_timeout_ms = 500;
    open_with(limits);
    int fresh = connect_client();
    int fd = connect_client();
    send_text(fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    toy_read_to_end(&loop, fd, &in);
    assert_has("hello");
    strbuf_clear(&in);
    toy_read_to_end(&loop, fresh, &in);
    assert_int_equal(in.n, 0);
    close(fd);
    close(fresh);
}

/* A client whose request a route holds, where nothing else may take longer than 500 ms. */
static int hold_with_little_time(void **state, const char *path)
{
    (void)open_loop(state);
    struct api_limits limits = default_limits;
    limits.idle_timeout_ms = 500;
    limits.timeout_ms = 500;
    open_with(limits);
    int fd = connect_client();
    send_text(fd, "GET ");
    send_text(fd, path);
    send_text(fd, " HTTP/1.1\r\n" HOST "\r\n");
    toy_run_until(&loop, &toy.held_count, 1);
    return fd;
}

static void test_transport__routes_may_take_their_time(void **state)
{
    int held = hold_with_little_time(state, "/later");
    int idle = connect_client(); /* when this one is closed, the other's time would be over too */
    toy_read_to_end(&loop, idle, &in);
    close(idle);
    assert_int_equal(toy.gone, 0);
    api_respond_error(toy_take(&toy), 404, "at last");
    toy_read_until(&loop, held, &in, "at last");
    close(held);
}

/* It has no time that could be over: the loop must rest. */
static void test_transport__a_stream_that_has_gone_out_wakes_nobody(void **state)
{
    int held = hold_with_little_time(state, "/stream");
    api_stream_write(toy.held[0], STR("data: 1\n\n"));
    toy_read_until(&loop, held, &in, "data: 1");
    int idle = connect_client(); /* when this one is closed, the stream's time would be over too */
    toy_read_to_end(&loop, idle, &in);
    close(idle);
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    assert_true(uv_backend_timeout(&loop) != 0);
    api_stream_end(toy_take(&toy));
    close(held);
}

/* ---- */

static void test_transport__client_that_goes_is_told_once(void **state)
{
    (void)state;
    int later = connect_client();
    int stream = connect_client();
    int half = connect_client();
    send_text(later, "GET /later HTTP/1.1\r\n" HOST "\r\n");
    send_text(stream, "GET /stream HTTP/1.1\r\n" HOST "\r\n");
    send_text(half, "GET /later HTTP/1.1\r\nHo");
    toy_run_until(&loop, &toy.held_count, 2);
    close(half);
    close(stream);
    toy_run_until(&loop, &toy.gone, 1);
    close(later);
    toy_run_until(&loop, &toy.gone, 2);
    assert_int_equal(toy.held_count, 0);
    assert_int_equal(toy.requests, 2);
}

static void test_transport__client_that_goes_while_it_is_sent_to_is_told(void **state)
{
    (void)state;
    int fd = connect_client();
    send_text(fd, "GET /flood?n=50000000 HTTP/1.1\r\n" HOST "\r\n");
    toy_read_until(&loop, fd, &in, "xxx");
    close(fd);
    toy_run_until(&loop, &toy.gone, 1);
}

static void test_transport__many_connections_are_served_at_once(void **state)
{
    (void)open_loop(state);
    struct api_limits limits = default_limits;
    limits.max_connections = 400;
    open_with(limits);
    static int fds[400];
    for (int i = 0; i < 400; i++) {
        fds[i] = connect_client();
        send_text(fds[i], i % 2 == 0 ? "GET /later HTTP/1.1\r\n" HOST "\r\n"
                                     : "GET /stream HTTP/1.1\r\n" HOST "\r\n");
    }
    toy_run_until(&loop, &toy.requests, 400);
    assert_int_equal(toy.held_count, 400);
    for (int i = 399; i >= 0; i--) {
        close(fds[i]);
    }
    toy_run_until(&loop, &toy.gone, 400);
    assert_int_equal(toy.held_count, 0);
}

/* ---- */

static void test_transport__close_drops_what_is_open(void **state)
{
    (void)state;
    int later = connect_client();
    int stream = connect_client();
    int idle = connect_client();
    send_text(later, "GET /later HTTP/1.1\r\n" HOST "\r\n");
    send_text(stream, "GET /stream HTTP/1.1\r\n" HOST "\r\n");
    toy_run_until(&loop, &toy.held_count, 2);
    close_transport(0);
    assert_int_equal(toy.gone, 2);
    close(later);
    close(stream);
    close(idle);
}

static void test_transport__close_lets_exchanges_end(void **state)
{
    (void)state;
    int later = connect_client();
    int stream = connect_client();
    int idle = connect_client();
    send_text(later, "GET /later HTTP/1.1\r\n" HOST "\r\n");
    toy_run_until(&loop, &toy.held_count, 1);
    send_text(stream, "GET /stream HTTP/1.1\r\n" HOST "\r\n");
    toy_run_until(&loop, &toy.held_count, 2);
    size_t closed = 0;
    transport_table.close(transport, 20000, on_closed, &closed);
    toy_read_to_end(&loop, idle, &in);
    assert_int_equal(closed, 0);
    api_respond_error(toy_take(&toy), 404, "bye");
    api_stream_end(toy_take(&toy));
    strbuf_clear(&in);
    toy_read_to_end(&loop, later, &in);
    assert_has("bye");
    strbuf_clear(&in);
    toy_read_to_end(&loop, stream, &in);
    assert_has("\r\n0\r\n\r\n");
    toy_run_until(&loop, &closed, 1);
    assert_int_equal(toy.gone, 0);
    transport = NULL;
    close(later);
    close(stream);
    close(idle);
}

static void test_transport__close_drops_what_outlasts_the_grace(void **state)
{
    (void)state;
    int fd = connect_client();
    send_text(fd, "GET /later HTTP/1.1\r\n" HOST "\r\n");
    toy_run_until(&loop, &toy.held_count, 1);
    close_transport(30);
    assert_int_equal(toy.gone, 1);
    close(fd);
}

static void test_transport__close_without_connections_ends(void **state)
{
    (void)state;
    close_transport(20000);
    assert_int_equal(toy.requests, 0);
}

static void test_transport__failing_allocations_end_connections_only(void **state)
{
    (void)state;
    for (long n = 0; n < 200; n++) {
        int fds[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
                         0);
        (void)send(fds[0],
                   STR("POST /echo?a=b HTTP/1.1\r\n" HOST JSON
                       "Content-Length: 2\r\n\r\n{}GET /hello HTTP/1.1\r\n" HOST
                       "Connection: close\r\n\r\n")
                       .p,
                   120, MSG_NOSIGNAL);
        failing_alloc_arm(n);
        transport_table.adopt(transport, fds[1], 1);
        for (int i = 0; i < 6; i++) {
            (void)uv_run(&loop, UV_RUN_NOWAIT);
        }
        bool is_reached = failing_alloc_disarm();
        (void)send(fds[0], "XXXXXXX\r\n\r\n", 11, MSG_NOSIGNAL);
        strbuf_clear(&in);
        toy_read_to_end(&loop, fds[0], &in);
        close(fds[0]);
        if (!is_reached) {
            assert_has("body={}");
            return;
        }
    }
    fail_msg("allocations do not end");
}

static void test_transport__create_survives_failing_allocations(void **state)
{
    (void)state;
    const struct api_transport_options options = {&loop, toy_handlers(&toy), default_limits};
    failing_alloc_arm(0);
    int status = transport_table.create(&options, &transport, NULL);
    assert_true(failing_alloc_disarm());
    assert_int_equal(status, E_NOMEM);
    assert_null(transport);
}

/* What the libraries open once and for all is open then. */
static int warm_up(void **state)
{
    (void)open_all(state);
    close_transport(0);
    assert_int_equal(uv_loop_close(&loop), 0);
    return 0;
}

#define WITH_ALL(test)  cmocka_unit_test_setup_teardown(test, open_all, close_all)
#define WITH_LOOP(test) cmocka_unit_test_setup_teardown(test, open_loop, close_all)
#define ALONE(test)     cmocka_unit_test_teardown(test, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ALL(test_transport__request_is_answered),
        WITH_ALL(test_transport__request_reaches_the_routes_whole),
        WITH_ALL(test_transport__connection_serves_many_requests),
        WITH_ALL(test_transport__pipelined_requests_are_answered_in_order),
        WITH_ALL(test_transport__many_pipelined_requests_wait_without_harm),
        WITH_ALL(test_transport__late_answer_finds_its_request_untouched),
        WITH_ALL(test_transport__head_has_no_body),
        WITH_ALL(test_transport__no_content_has_no_length),
        WITH_ALL(test_transport__errors_are_json),
        WITH_ALL(test_transport__chunked_body_comes_whole),
        WITH_ALL(test_transport__waiting_client_is_told_to_go_on),
        WITH_ALL(test_transport__http_1_0_is_answered_and_closed),
        WITH_ALL(test_transport__what_is_no_http_is_refused),
        WITH_ALL(test_transport__headers_are_limited),
        WITH_ALL(test_transport__refused_client_may_go_on_sending),
        WITH_ALL(test_transport__too_many_connections_are_told_so),
        WITH_ALL(test_transport__far_too_many_connections_are_closed),
        WITH_ALL(test_transport__stream_comes_in_pieces),
        WITH_ALL(test_transport__long_stream_goes_on_when_it_has_drained),
        cmocka_unit_test_teardown(test_transport__bodies_that_take_too_much_are_refused, close_all),
        WITH_ALL(test_transport__slow_reader_is_dropped_at_the_limit),
        ALONE(test_transport__reader_that_takes_nothing_is_dropped_in_time),
        WITH_ALL(test_transport__blocked_client_that_sends_on_does_not_wake_the_loop),
        WITH_ALL(test_transport__idle_connections_do_not_wake_the_loop),
        ALONE(test_transport__request_that_takes_too_long_is_refused),
        ALONE(test_transport__idle_connection_is_closed_in_time),
        ALONE(test_transport__routes_may_take_their_time),
        ALONE(test_transport__a_stream_that_has_gone_out_wakes_nobody),
        WITH_ALL(test_transport__client_that_goes_is_told_once),
        WITH_ALL(test_transport__client_that_goes_while_it_is_sent_to_is_told),
        ALONE(test_transport__many_connections_are_served_at_once),
        WITH_ALL(test_transport__close_drops_what_is_open),
        WITH_ALL(test_transport__close_lets_exchanges_end),
        WITH_ALL(test_transport__close_drops_what_outlasts_the_grace),
        WITH_ALL(test_transport__close_without_connections_ends),
        WITH_ALL(test_transport__failing_allocations_end_connections_only),
        WITH_LOOP(test_transport__create_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, warm_up, NULL);
}
