/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/connection.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "core/api/http_text.h"
#include "core/base/check.h"

enum {
    CONNECTION_MAGIC = 0x43495041,
    WRITE_BYTES = 16 * 1024,       /* at a time: what libwebsockets cannot send of it, it copies */
    MAX_WAITING_BYTES = 64 * 1024, /* of the next requests */
    KEPT_BYTES = 64 * 1024,        /* of a buffer's memory */
    LINGER_MS = 5000,
};

enum connection_state {
    CONNECTION_READING,
    CONNECTION_ASKED,
    CONNECTION_STREAMING,
    CONNECTION_LINGERING,
};

/* For what the deadline stands. */
enum deadline_kind {
    DEADLINE_NONE,
    DEADLINE_IDLE,
    DEADLINE_REQUEST,
    DEADLINE_UNSENT,
    DEADLINE_LINGER,
};

struct connection {
    struct api_exchange exchange; /* first: what the routes hold is the connection */
    uint32_t magic;
    uint32_t flags;
    uint32_t peer_uid;
    enum connection_state state;
    struct connection_links links;
    struct connection_owner *owner;
    struct lws *wsi; /* NULL: not yet, or no more */
    struct request_reader reader;
    size_t held_bytes;     /* of its body; part of the owner's */
    struct strbuf waiting; /* bytes of the next requests */
    struct strbuf out;
    size_t out_sent;
    enum deadline_kind deadline_kind;
    uint64_t deadline_ms;
    /* of the request that is answered now */
    bool is_head;
    bool is_http_1_0;
    bool is_last;    /* the connection ends behind the answer */
    bool is_refused; /* the answer is not of the routes */
    bool was_told_to_continue;
    bool is_in_callback; /* of libwebsockets: it closes the connection when told so */
    bool is_ending;      /* once all has gone out */
    bool is_doomed;
    bool is_reading; /* libwebsockets is to read the socket */
    bool was_choked; /* a stream has not gone out wholly: on_drained is due */
};

/* --- time and bytes that go out --- */

static struct connection *connection_of(struct api_exchange *exchange)
{
    struct connection *connection = (struct connection *)(void *)exchange;
    CHECK_MAGIC(connection, CONNECTION_MAGIC);
    CHECK(connection->wsi != NULL); /* or it has gone, and on_gone was told */
    return connection;
}

void connection_doom(struct connection *connection)
{
    connection->is_doomed = true;
    if (!connection->is_in_callback) {
        connection->owner->wake_at(connection->owner, 0);
    }
}

/* The client reads too slowly for what it gets. */
static void drop(struct connection *connection, enum api_slowness slowness)
{
    struct api_handlers *handlers = &connection->owner->handlers;
    if (connection->is_doomed) {
        return;
    }
    connection->owner->counts.dropped++;
    connection_doom(connection);
    if (connection->state == CONNECTION_STREAMING && handlers->on_slow != NULL) {
        handlers->on_slow(handlers->user, &connection->exchange, slowness);
    }
}

static size_t unsent_bytes(const struct connection *connection)
{
    size_t inside = connection->wsi != NULL && lws_partial_buffered(connection->wsi) ? 1 : 0;
    return connection->out.n - connection->out_sent + inside;
}

static enum deadline_kind deadline_kind(const struct connection *connection)
{
    if (unsent_bytes(connection) > 0) {
        return DEADLINE_UNSENT;
    }
    switch (connection->state) {
    case CONNECTION_READING:
        return connection->reader.state == REQUEST_NONE ? DEADLINE_IDLE : DEADLINE_REQUEST;
    case CONNECTION_LINGERING:
        return DEADLINE_LINGER;
    case CONNECTION_ASKED:
    case CONNECTION_STREAMING:
        break;
    }
    return DEADLINE_NONE;
}

static uint64_t deadline_length(const struct connection *connection, enum deadline_kind kind)
{
    const struct api_limits *limits = &connection->owner->limits;
    switch (kind) {
    case DEADLINE_NONE:
        break;
    case DEADLINE_IDLE:
        return limits->idle_timeout_ms;
    case DEADLINE_REQUEST:
    case DEADLINE_UNSENT:
        return limits->timeout_ms;
    case DEADLINE_LINGER:
        return LINGER_MS;
    }
    return UINT64_MAX;
}

/* There was progress: the next update_deadline() begins a new one. */
static void forget_deadline(struct connection *connection)
{
    connection->deadline_kind = DEADLINE_NONE;
    connection->deadline_ms = UINT64_MAX;
}

/* A deadline runs from when its reason began: called after whatever may have changed that. */
static void update_deadline(struct connection *connection)
{
    enum deadline_kind kind = deadline_kind(connection);
    if (kind == connection->deadline_kind) {
        return;
    }

    struct connection_owner *owner = connection->owner;
    connection->deadline_kind = kind;
    connection->deadline_ms = UINT64_MAX;
    if (kind != DEADLINE_NONE) {
        connection->deadline_ms = owner->now_ms(owner) + deadline_length(connection, kind);
        owner->wake_at(owner, connection->deadline_ms);
    }
}

/* Reading stops while the next requests have no room, and while libwebsockets has bytes that it
 * could not send: it would not read then, and be woken by what is there to read all the time. */
static void update_reading(struct connection *connection)
{
    bool is_reading = connection->waiting.n < MAX_WAITING_BYTES &&
                      !lws_partial_buffered(connection->wsi);
    if (is_reading != connection->is_reading) {
        connection->is_reading = is_reading;
        (void)lws_rx_flow_control(connection->wsi, is_reading ? 1 : 0); /* 0 for raw sockets */
    }
}

static void forget_sent(struct connection *connection)
{
    struct strbuf *out = &connection->out;
    size_t left = out->n - connection->out_sent;
    if (left > 0 && connection->out_sent < KEPT_BYTES) {
        return;
    }
    if (left == 0 && out->cap > KEPT_BYTES) {
        strbuf_finish(out);
    } else if (left > 0) {
        memmove(out->p, out->p + connection->out_sent, left);
    }
    out->n = left;
    connection->out_sent = 0;
}

/* All has gone out. */
static void on_sent(struct connection *connection)
{
    if (connection->is_ending) {
        connection_doom(connection);
        return;
    }
    if (connection->state == CONNECTION_LINGERING) {
        (void)shutdown(lws_get_socket_fd(connection->wsi), SHUT_WR); /* or the client has gone */
    }
}

/* Sends what can be sent. */
static void flush(struct connection *connection)
{
    struct strbuf *out = &connection->out;
    if (connection->is_doomed) {
        return;
    }
    if (strbuf_status(out) != 0) {
        connection_doom(connection);
        return;
    }
    while (connection->out_sent < out->n && !lws_partial_buffered(connection->wsi)) {
        size_t left = out->n - connection->out_sent;
        size_t n = left < WRITE_BYTES ? left : WRITE_BYTES;
        unsigned char *p = (unsigned char *)out->p + connection->out_sent;
        if (lws_write(connection->wsi, p, n, LWS_WRITE_RAW) < 0) {
            connection_doom(connection);
            return;
        }
        connection->out_sent += n;
        forget_deadline(connection);
    }
    forget_sent(connection);
    if (unsent_bytes(connection) == 0) {
        on_sent(connection);
    } else {
        (void)lws_callback_on_writable(connection->wsi); /* fails for a closed socket only */
    }
    update_reading(connection);
    update_deadline(connection);
}

/* --- what the routes call --- */

static enum http_text_connection answer_connection(const struct connection *connection)
{
    return connection->is_last ? HTTP_TEXT_CLOSE : HTTP_TEXT_KEEP_ALIVE;
}

/* What the body of its request takes, counted anew. */
static void count_body(struct connection *connection)
{
    connection->owner->held_bytes += connection->reader.body.n - connection->held_bytes;
    connection->held_bytes = connection->reader.body.n;
}

/* Forgets the one that is answered. */
static void next_request(struct connection *connection)
{
    request_reader_next(&connection->reader);
    count_body(connection);
}

/* The answer stands in `out`. What came behind its request is read when it has gone out. */
static void end_exchange(struct connection *connection)
{
    connection->exchange.data = NULL;
    connection->state = connection->is_refused ? CONNECTION_LINGERING : CONNECTION_READING;
    connection->is_ending = connection->is_last && !connection->is_refused;
    flush(connection);
    if (connection->waiting.n > 0 && !connection->is_doomed) {
        (void)lws_callback_on_writable(connection->wsi);
    }
}

static void on_respond(struct api_exchange *exchange, const struct api_answer *answer)
{
    struct connection *connection = connection_of(exchange);
    CHECK(connection->state == CONNECTION_ASKED);
    http_text_append_head(&connection->out, answer, HTTP_TEXT_WHOLE, answer_connection(connection));
    if (!connection->is_head && http_text_has_body(answer->status)) {
        strbuf_append_str(&connection->out, answer->body);
    }
    if (connection->reader.state == REQUEST_READY) {
        next_request(connection);
    }
    end_exchange(connection);
}

static void on_stream_begin(struct api_exchange *exchange, const struct api_answer *answer)
{
    struct connection *connection = connection_of(exchange);
    CHECK(connection->state == CONNECTION_ASKED);
    enum http_text_length length = connection->is_http_1_0 ? HTTP_TEXT_UNTIL_CLOSE
                                                           : HTTP_TEXT_CHUNKED;
    http_text_append_head(&connection->out, answer, length, answer_connection(connection));
    next_request(connection);
    connection->state = CONNECTION_STREAMING;
    flush(connection);
}

static void on_stream_write(struct api_exchange *exchange, struct str bytes)
{
    struct connection *connection = connection_of(exchange);
    CHECK(connection->state == CONNECTION_STREAMING);
    if (bytes.n == 0 || connection->is_head || connection->is_doomed) {
        return;
    }

    if (connection->is_http_1_0) {
        strbuf_append_str(&connection->out, bytes);
    } else {
        http_text_append_chunk(&connection->out, bytes);
    }
    flush(connection);
    size_t unsent = unsent_bytes(connection);
    connection->was_choked = unsent > 0;
    if (unsent > connection->owner->limits.max_unsent_bytes) {
        drop(connection, API_SLOW_UNREAD);
    }
}

static size_t on_stream_unsent(const struct api_exchange *exchange)
{
    return unsent_bytes((const struct connection *)(const void *)exchange);
}

static void on_stream_end(struct api_exchange *exchange)
{
    struct connection *connection = connection_of(exchange);
    CHECK(connection->state == CONNECTION_STREAMING);
    if (!connection->is_http_1_0 && !connection->is_head) {
        http_text_append_last_chunk(&connection->out);
    }
    connection->was_choked = false;
    end_exchange(connection);
}

static const struct api_exchange_calls exchange_calls = {
    .respond = on_respond,
    .stream_begin = on_stream_begin,
    .stream_write = on_stream_write,
    .stream_unsent = on_stream_unsent,
    .stream_end = on_stream_end,
};

/* --- bytes that come in --- */

/* Answers what is no request for the routes; nothing is read any more. The client may still be
 * sending, and would lose the answer to a connection that is closed at once. */
static void refuse(struct connection *connection, int status, const char *text)
{
    connection->state = CONNECTION_ASKED;
    connection->is_last = true;
    connection->is_refused = true;
    connection->is_head = false;
    api_respond_error(&connection->exchange, status, "%s", text);
}

static void ask_routes(struct connection *connection)
{
    struct connection_owner *owner = connection->owner;
    const struct request_head *head = &connection->reader.head;
    if (owner->is_closing || (connection->flags & CONNECTION_SURPLUS) != 0) {
        refuse(connection, 503,
               owner->is_closing ? "the server is closing"
                                 : "there are too many connections: try again later");
        return;
    }

    struct api_request request;
    request_reader_request(&connection->reader, &request);
    request.peer_uid = connection->peer_uid;
    connection->is_head = str_equal_text(head->method, "HEAD");
    connection->is_http_1_0 = head->is_http_1_0;
    connection->is_last = head->is_last;
    connection->was_told_to_continue = false;
    connection->state = CONNECTION_ASKED;
    owner->handlers.on_request(owner->handlers.user, &connection->exchange, &request);
}

/* Other requests have the memory that this one needs. */
static bool is_too_much(struct connection *connection)
{
    count_body(connection);
    return connection->held_bytes > 0 &&
           connection->owner->held_bytes > connection->owner->limits.max_held_bytes;
}

static void refuse_body(struct connection *connection)
{
    connection->owner->counts.refused_bodies++;
    strbuf_finish(&connection->reader.body);
    count_body(connection);
    refuse(connection, 429, "other requests have all the memory for bodies: ask again later");
}

/* The reader has taken bytes. */
static void after_bytes(struct connection *connection)
{
    struct request_reader *reader = &connection->reader;
    if (is_too_much(connection)) {
        refuse_body(connection);
    } else if (reader->state == REQUEST_READY) {
        ask_routes(connection);
    } else if (reader->state == REQUEST_REFUSED) {
        refuse(connection, reader->refusal.status, reader->refusal.text);
    } else if (request_reader_is_waiting(reader) && !connection->was_told_to_continue) {
        connection->was_told_to_continue = true;
        strbuf_append_text(&connection->out, "HTTP/1.1 100 Continue\r\n\r\n");
        flush(connection);
    }
}

static bool can_read_on(const struct connection *connection)
{
    return connection->state == CONNECTION_READING && !connection->is_doomed &&
           !connection->is_ending && unsent_bytes(connection) == 0;
}

static void read_requests(struct connection *connection, struct str bytes)
{
    size_t used = 0;
    while (used < bytes.n && can_read_on(connection)) {
        struct str rest = str_make(bytes.p + used, bytes.n - used);
        used += request_reader_feed(&connection->reader, rest);
        after_bytes(connection);
    }
    bool is_over = connection->is_doomed || connection->is_ending ||
                   connection->state == CONNECTION_LINGERING;
    if (is_over) {
        return;
    }
    strbuf_append(&connection->waiting, bytes.p + used, bytes.n - used);
    if (strbuf_status(&connection->waiting) != 0) {
        connection_doom(connection);
    }
}

/* What was waiting is read as far as it can be. */
static void read_waiting(struct connection *connection)
{
    if (connection->waiting.n == 0 || !can_read_on(connection)) {
        return;
    }

    struct strbuf taken = connection->waiting;
    connection->waiting = STRBUF_INIT;
    read_requests(connection, strbuf_str(&taken));
    strbuf_finish(&taken);
}

static int end_callback(struct connection *connection)
{
    connection->is_in_callback = false;
    if (connection->is_doomed) {
        return -1;
    }

    update_reading(connection);
    update_deadline(connection);
    return 0;
}

int connection_on_bytes(struct connection *connection, struct str bytes)
{
    CHECK_MAGIC(connection, CONNECTION_MAGIC);
    connection->is_in_callback = true;
    read_waiting(connection); /* first what came first */
    read_requests(connection, bytes);
    return end_callback(connection);
}

int connection_on_writable(struct connection *connection)
{
    CHECK_MAGIC(connection, CONNECTION_MAGIC);
    connection->is_in_callback = true;
    forget_deadline(connection); /* bytes have gone out, or there were none */
    flush(connection);
    if (connection->was_choked && unsent_bytes(connection) == 0 && !connection->is_doomed) {
        struct api_handlers *handlers = &connection->owner->handlers;
        connection->was_choked = false;
        if (handlers->on_drained != NULL) {
            handlers->on_drained(handlers->user, &connection->exchange);
        }
    }
    read_waiting(connection);
    return end_callback(connection);
}

/* --- life --- */

static void on_deadline(struct connection *connection)
{
    switch (connection->deadline_kind) {
    case DEADLINE_REQUEST:
        refuse(connection, 408, "the request did not come in time");
        return;
    case DEADLINE_UNSENT:
        drop(connection, API_SLOW_IDLE);
        return;
    case DEADLINE_IDLE:
    case DEADLINE_LINGER:
        connection_doom(connection);
        return;
    case DEADLINE_NONE:
        break;
    }
}

uint64_t connection_check(struct connection *connection, uint64_t now_ms)
{
    CHECK_MAGIC(connection, CONNECTION_MAGIC);
    if (now_ms >= connection->deadline_ms) {
        on_deadline(connection);
    }
    if (connection->is_doomed) {
        lws_set_timeout(connection->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_SYNC);
        return UINT64_MAX;
    }
    return connection->deadline_ms;
}

void connection_end_idle(struct connection *connection)
{
    connection->is_last = true;
    if (connection->state == CONNECTION_READING) {
        connection->is_ending = true;
        if (unsent_bytes(connection) == 0) {
            connection_doom(connection);
        }
    }
}

struct connection *connection_create(struct connection_owner *owner, uint32_t peer_uid,
                                     uint32_t flags)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        return NULL;
    }

    connection->magic = CONNECTION_MAGIC;
    connection->exchange.calls = &exchange_calls;
    connection->owner = owner;
    connection->peer_uid = peer_uid;
    connection->flags = flags;
    connection->is_reading = true;
    connection->deadline_ms = UINT64_MAX;
    request_reader_init(&connection->reader, owner->limits.max_body_bytes);
    return connection;
}

void connection_destroy(struct connection *connection)
{
    if (connection == NULL) {
        return;
    }

    request_reader_finish(&connection->reader);
    count_body(connection);
    strbuf_finish(&connection->waiting);
    strbuf_finish(&connection->out);
    connection->magic = 0;
    free(connection);
}

void connection_begin(struct connection *connection, struct lws *wsi)
{
    connection->wsi = wsi;
    update_deadline(connection);
}

void connection_on_closed(struct connection *connection)
{
    CHECK_MAGIC(connection, CONNECTION_MAGIC);
    struct connection_owner *owner = connection->owner;
    bool is_with_routes = connection->state == CONNECTION_ASKED ||
                          connection->state == CONNECTION_STREAMING;
    connection->wsi = NULL;
    connection->is_doomed = true;
    if (is_with_routes) {
        owner->handlers.on_gone(owner->handlers.user, &connection->exchange);
    }
    owner->on_end(owner, connection);
    connection_destroy(connection);
}

struct connection_links *connection_links(struct connection *connection)
{
    return &connection->links;
}
