/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/api/toy_api.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

enum {
    MAX_TURNS = 200000, /* of the loop, a millisecond at most each: what takes longer hangs */
    FLOOD_PIECE = 8192,
};

static void hold(struct toy_api *toy, struct api_exchange *exchange)
{
    assert_true(toy->held_count < TOY_MAX_HELD);
    toy->held[toy->held_count++] = exchange;
}

static size_t parameter_n(const struct api_request *request)
{
    for (size_t i = 0; i < request->query_count; i++) {
        if (str_equal_text(request->query[i].name, "n")) {
            return (size_t)strtoull(request->query[i].value.p, NULL, 10);
        }
    }
    return 0;
}

void toy_echo(struct api_exchange *exchange, const struct api_request *request)
{
    struct strbuf body = STRBUF_INIT;
    strbuf_append_format(&body, "method=%.*s\n", STR_ARG(request->method));
    strbuf_append_format(&body, "path=%.*s\n", STR_ARG(request->path));
    for (size_t i = 0; i < request->query_count; i++) {
        strbuf_append_format(&body, "?%.*s=%.*s\n", STR_ARG(request->query[i].name),
                             STR_ARG(request->query[i].value));
    }
    strbuf_append_format(&body, "accept=%.*s\n", STR_ARG(request->accept));
    strbuf_append_format(&body, "last-event-id=%.*s\n", STR_ARG(request->last_event_id));
    strbuf_append_format(&body, "idempotency-key=%.*s\n", STR_ARG(request->idempotency_key));
    strbuf_append_format(&body, "content-type=%.*s\n", STR_ARG(request->content_type));
    strbuf_append_text(&body, "body=");
    strbuf_append_str(&body, request->body);
    const struct api_header header = {"X-Toy", STR("one\r\ntwo")};
    api_respond(exchange, &(struct api_answer){
                              .status = 200,
                              .content_type = "text/plain",
                              .body = strbuf_str(&body),
                              .headers = &header,
                              .header_count = 1,
                          });
    strbuf_finish(&body);
}

static void respond_big(struct api_exchange *exchange, size_t n)
{
    char *bytes = malloc(n + 1);
    assert_non_null(bytes);
    memset(bytes, 'x', n);
    api_respond(exchange, &(struct api_answer){.status = 200,
                                               .content_type = "text/plain",
                                               .body = str_make(bytes, n)});
    free(bytes);
}

static void begin_stream(struct api_exchange *exchange)
{
    api_stream_begin(exchange, &(struct api_answer){
                                   .status = 200,
                                   .content_type = "text/event-stream",
                               });
}

/* The data of a flood is what is left of it. */
static void flood_on(struct api_exchange *exchange)
{
    static char piece[FLOOD_PIECE];
    memset(piece, 'x', sizeof piece);
    size_t left = (size_t)(uintptr_t)api_exchange_data(exchange);
    while (left > 0 && api_stream_unsent(exchange) == 0) {
        size_t n = left < sizeof piece ? left : sizeof piece;
        api_stream_write(exchange, str_make(piece, n));
        left -= n;
    }
    api_exchange_set_data(exchange, (void *)(uintptr_t)left);
    if (left == 0) {
        api_stream_end(exchange);
    }
}

static void on_request(void *user, struct api_exchange *exchange, const struct api_request *request)
{
    struct toy_api *toy = user;
    toy->requests++;
    toy->peer_uid = request->peer_uid;
    toy->request = *request;
    if (str_equal_text(request->path, "/hello")) {
        api_respond(exchange, &(struct api_answer){.status = 200,
                                                   .content_type = "text/plain",
                                                   .body = STR("hello")});
    } else if (str_starts_with(request->path, STR("/echo")) && !toy->is_echo_late) {
        toy_echo(exchange, request);
    } else if (str_equal_text(request->path, "/big")) {
        respond_big(exchange, parameter_n(request));
    } else if (str_equal_text(request->path, "/later") || toy->is_echo_late) {
        hold(toy, exchange);
    } else if (str_equal_text(request->path, "/stream")) {
        begin_stream(exchange);
        hold(toy, exchange);
    } else if (str_equal_text(request->path, "/flood")) {
        size_t n = parameter_n(request);
        begin_stream(exchange);
        api_exchange_set_data(exchange, (void *)(uintptr_t)n);
        flood_on(exchange);
    } else if (str_equal_text(request->path, "/error")) {
        api_respond_error(exchange, 409, "it is '%s'", "so");
    } else if (str_equal_text(request->path, "/moved")) {
        const struct api_header header = {"Location", STR("http://127.0.0.1:1/")};
        api_respond(exchange, &(struct api_answer){.status = 302,
                                                   .content_type = "text/plain",
                                                   .body = STR("moved"),
                                                   .headers = &header,
                                                   .header_count = 1});
    } else if (str_equal_text(request->path, "/empty")) {
        api_respond(exchange, &(struct api_answer){.status = 204});
    } else {
        api_respond_error(exchange, 404, "there is no '%.*s'", STR_ARG(request->path));
    }
}

static void on_gone(void *user, struct api_exchange *exchange)
{
    struct toy_api *toy = user;
    toy->gone++;
    for (size_t i = 0; i < toy->held_count; i++) {
        if (toy->held[i] == exchange) {
            toy->held_count--;
            memmove(&toy->held[i], &toy->held[i + 1],
                    (toy->held_count - i) * sizeof(struct api_exchange *));
            return;
        }
    }
}

static void on_drained(void *user, struct api_exchange *exchange)
{
    struct toy_api *toy = user;
    toy->drained++;
    if (api_exchange_data(exchange) != NULL) {
        flood_on(exchange);
    }
}

static void on_slow(void *user, struct api_exchange *exchange, enum api_slowness slowness)
{
    struct toy_api *toy = user;
    assert_non_null(exchange);
    toy->slow[slowness]++;
}

struct api_handlers toy_handlers(struct toy_api *toy)
{
    return (struct api_handlers){on_request, on_gone, on_drained, on_slow, toy};
}

struct api_exchange *toy_take(struct toy_api *toy)
{
    assert_true(toy->held_count > 0);
    struct api_exchange *exchange = toy->held[0];
    toy->held_count--;
    memmove(toy->held, toy->held + 1, toy->held_count * sizeof(struct api_exchange *));
    return exchange;
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

static void on_closed(uv_handle_t *handle)
{
    *(bool *)handle->data = true;
}

/* One turn; it waits for a millisecond at most. */
static void turn(uv_loop_t *loop)
{
    uv_timer_t timer;
    bool is_closed = false;
    assert_int_equal(uv_timer_init(loop, &timer), 0);
    assert_int_equal(uv_timer_start(&timer, on_tick, 1, 1), 0);
    (void)uv_run(loop, UV_RUN_ONCE);
    timer.data = &is_closed;
    uv_close((uv_handle_t *)&timer, on_closed);
    while (!is_closed) {
        (void)uv_run(loop, UV_RUN_NOWAIT);
    }
}

/* Takes what is there. False at the end. */
static bool receive(int fd, struct strbuf *in)
{
    for (;;) {
        char *room = strbuf_reserve(in, 65536);
        assert_non_null(room);
        room[0] = '\0';
        ssize_t n = recv(fd, room, 65536, MSG_DONTWAIT);
        if (n <= 0) {
            return n < 0 && errno == EAGAIN;
        }
        in->n += (size_t)n;
        in->p[in->n] = '\0';
    }
}

void toy_read_until(uv_loop_t *loop, int fd, struct strbuf *in, const char *words)
{
    for (int i = 0; i < MAX_TURNS; i++) {
        bool is_open = receive(fd, in);
        if (in->p != NULL && strstr(in->p, words) != NULL) {
            return;
        }
        if (!is_open) {
            break;
        }
        turn(loop);
    }
    fail_msg("'%s' has not come; what came is: %s", words, in->p != NULL ? in->p : "nothing");
}

void toy_read_to_end(uv_loop_t *loop, int fd, struct strbuf *in)
{
    for (int i = 0; i < MAX_TURNS; i++) {
        if (!receive(fd, in)) {
            return;
        }
        turn(loop);
    }
    fail_msg("the connection was not closed");
}

void toy_run_until(uv_loop_t *loop, const size_t *what, size_t n)
{
    for (int i = 0; i < MAX_TURNS; i++) {
        if (*what >= n) {
            return;
        }
        turn(loop);
    }
    fail_msg("%zu instead of %zu", *what, n);
}

bool toy_send(uv_loop_t *loop, int fd, struct str bytes)
{
    size_t sent = 0;
    for (int i = 0; i < MAX_TURNS && sent < bytes.n; i++) {
        ssize_t n = send(fd, bytes.p + sent, bytes.n - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) {
            return false;
        }
        if (n > 0) {
            sent += (size_t)n;
            continue;
        }
        turn(loop);
    }
    return sent == bytes.n;
}
