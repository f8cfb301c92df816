/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/control_socket.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/api/answer.h"
#include "core/api/control.h"
#include "core/api/engine_stream.h"
#include "core/api/entry.h"
#include "core/api/exchange.h"
#include "core/api/job_streams.h"
#include "core/api/loopback.h"
#include "core/api/numbers.h"
#include "core/api/route.h"
#include "core/api/server.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/journal/journal_reader.h"
#include "core/loop/loop.h"

/* What a client that has stopped reading may still get. */
enum { CLOSE_GRACE_MS = 1000 };

struct control_socket {
    struct control *control;
    struct loop *loop;
    struct job_streams *streams;
    struct engine_stream *engine; /* NULL: it closes */
    struct api_server *server;
    struct api_server *loopback; /* NULL: none */
    unsigned closing;            /* servers that are not closed yet */
    void (*done)(void *user);
    void *user;
};

/* A request whose client may go away before its answer. */
struct waiting {
    struct api_exchange *exchange; /* NULL: it has */
};

static void respond(struct api_exchange *exchange, const struct answer *answer)
{
    struct answer_headers headers = {0};
    if (answer == NULL) {
        api_respond_error(exchange, ANSWER_SERVER_ERROR, "out of memory");
        return;
    }
    struct api_answer made = answer_to_api(answer, &headers);
    api_respond(exchange, &made);
}

static void on_answer(void *user, const struct answer *answer)
{
    struct waiting *waiting = user;
    if (waiting->exchange != NULL) {
        respond(waiting->exchange, answer);
    }
    free(waiting);
}

/* ---- streams ---- */

static int note_root(void *user, const struct journal_run *run)
{
    *(uint64_t *)user = run->root;
    return 0;
}

/* The id of the last event that the client has. */
static uint64_t read_last_id(struct str text)
{
    uint64_t id = 0;
    for (size_t i = 0; i < text.n && text.p[i] >= '0' && text.p[i] <= '9'; i++) {
        id = id * 10 + (uint64_t)(text.p[i] - '0');
    }
    return id;
}

static void begin_stream(const struct control_socket *socket, struct api_exchange *exchange,
                         const struct api_request *request, const struct route_match *match)
{
    struct journal_reader *reader = loop_reader(socket->loop);
    struct answer answer = ANSWER_INIT;
    char id[ROUTE_ID_SIZE];
    uint64_t root = 0;
    int status = route_resolve_id(reader, str_from(match->id), id, &answer, NULL);
    if (status == ROUTE_FOUND) {
        status = journal_reader_run(reader, str_from(id), note_root, &root, NULL);
    }
    if (status == ROUTE_FOUND) {
        job_streams_add(socket->streams, exchange, root, read_last_id(request->last_event_id));
    } else {
        respond(exchange, status == ROUTE_REFUSED ? &answer : NULL);
    }
    answer_finish(&answer);
}

/* Whether the request is for a stream; then it is answered. */
static bool take_stream(const struct control_socket *socket, struct api_exchange *exchange,
                        const struct api_request *request)
{
    struct route_match match;
    struct answer answer = ANSWER_INIT;
    bool is_stream = str_equal_text(request->method, "GET") &&
                     route_find(request->method, request->path, &match, &answer, NULL) ==
                         ROUTE_FOUND &&
                     match.action == ROUTE_STREAM;
    answer_finish(&answer);
    if (is_stream && match.id[0] == '\0') {
        engine_stream_add(socket->engine, exchange);
    } else if (is_stream) {
        begin_stream(socket, exchange, request, &match);
    }
    return is_stream;
}

static void on_batch(void *user, const struct batch *batch)
{
    struct control_socket *socket = user;
    job_streams_poke(socket->streams, batch);
    engine_stream_poke(socket->engine, batch);
}

static void on_log(void *user, uint64_t run_number, struct str path, int level, struct str line)
{
    struct control_socket *socket = user;
    job_streams_log(socket->streams, run_number, path, level, line);
}

static void on_logged(void *user, uint32_t left)
{
    struct control_socket *socket = user;
    job_streams_logged(socket->streams, left);
}

static void on_alert(void *user, struct str alert)
{
    const struct control_socket *socket = user;
    engine_stream_alert(socket->engine, alert);
}

static void on_service(void *user, struct str service)
{
    const struct control_socket *socket = user;
    engine_stream_service(socket->engine, service);
}

static void on_waits(void *user)
{
    struct control_socket *socket = user;
    job_streams_waits(socket->streams);
}

static void append_waits(void *user, uint64_t run, struct strbuf *out)
{
    const struct control_socket *socket = user;
    loop_append_waits(socket->loop, run, out);
}

static bool asks(void *user, uint64_t run, struct str scope)
{
    const struct control_socket *socket = user;
    return loop_run_asks(socket->loop, run, scope);
}

static void on_slow(void *user, struct api_exchange *exchange, enum api_slowness slowness)
{
    const struct control_socket *socket = user;
    uint64_t root = socket->streams != NULL ? job_streams_root(socket->streams, exchange) : 0;
    log_write(
        LOG_LEVEL_WARN, "a client that follows a run was dropped: it may come back",
        LOG_FIELDS(log_int("run_number", (int64_t)root),
                   log_text("why", slowness == API_SLOW_UNREAD ? "it has left 1 MiB unread"
                                                               : "it has read nothing for 30 s")));
}

static void count_clients(void *user, struct api_numbers *numbers)
{
    const struct control_socket *socket = user;
    struct api_counts counts = {0};
    api_server_count(socket->server, &counts);
    api_server_count(socket->loopback, &counts);
    numbers->clients = counts.clients;
    numbers->refused_connections = counts.refused_connections;
    numbers->refused_bodies = counts.refused_bodies;
    numbers->clients_dropped = counts.dropped;
}

static void on_drained(void *user, struct api_exchange *exchange)
{
    const struct control_socket *socket = user;
    if (socket->streams != NULL) {
        job_streams_drained(socket->streams, exchange);
    }
}

/* ---- requests ---- */

static void on_request(void *user, struct api_exchange *exchange, const struct api_request *request)
{
    const struct control_socket *socket = user;
    if (socket->streams != NULL && take_stream(socket, exchange, request)) {
        return;
    }
    struct waiting *waiting = calloc(1, sizeof(*waiting));
    char who[32];
    if (waiting == NULL) {
        respond(exchange, NULL);
        return;
    }
    waiting->exchange = exchange;
    api_exchange_set_data(exchange, waiting);
    (void)snprintf(who, sizeof(who), "uid %u", request->peer_uid);
    const struct control_question asked = {
        .method = request->method,
        .path = request->path,
        .query = {.params = request->query, .count = request->query_count},
        .body = request->body,
        .key = request->idempotency_key,
        .who = str_from(who),
    };
    control_handle(socket->control, &asked, on_answer, waiting);
}

static void on_loopback_request(void *user, struct api_exchange *exchange,
                                const struct api_request *request)
{
    const char *why = entry_refuse(request, geteuid());
    if (why != NULL) {
        api_respond_error(exchange, 403, "%s", why);
        return;
    }
    on_request(user, exchange, request);
}

static void on_gone(void *user, struct api_exchange *exchange)
{
    const struct control_socket *socket = user;
    struct waiting *waiting = api_exchange_data(exchange);
    if (socket->streams != NULL) {
        job_streams_gone(socket->streams, exchange);
        engine_stream_gone(socket->engine, exchange);
    }
    if (waiting != NULL) {
        waiting->exchange = NULL;
    }
}

static void on_given_up(void *user)
{
    (void)user;
}

int control_socket_open(const struct control_socket_options *options,
                        struct control_socket **out_socket, struct error *err)
{
    struct control_socket *socket = calloc(1, sizeof(*socket));
    struct loop *loop = options->loop;
    if (socket == NULL) {
        return error_nomem(err);
    }
    socket->control = options->control;
    socket->loop = loop;
    const struct api_server_options server = {
        .loop = loop_uv(loop),
        .socket_path = options->path,
        .handlers = {.on_request = on_request,
                     .on_gone = on_gone,
                     .on_drained = on_drained,
                     .on_slow = on_slow,
                     .user = socket},
    };
    int status = api_server_open(&server, &socket->server, err);
    if (status != 0) {
        free(socket);
        return status;
    }
    status = job_streams_create(loop_uv(loop), loop_reader(loop), &socket->streams, err);
    if (status == 0) {
        status = engine_stream_create(loop_uv(loop), &socket->engine, err);
    }
    if (status != 0) {
        control_socket_close(socket, on_given_up, NULL);
        return status;
    }
    job_streams_set_engine(
        socket->streams,
        &(struct job_streams_engine){.append_waits = append_waits, .asks = asks, .user = socket});
    loop_watch_waits(loop, on_waits, socket);
    loop_watch_alerts(loop, on_alert, socket);
    loop_watch_services(loop, on_service, socket);
    loop_watch_batches(loop, on_batch, socket);
    loop_watch_logs(loop, on_log, socket);
    loop_watch_logged(loop, on_logged, socket);
    control_count_clients(socket->control, count_clients, socket);
    *out_socket = socket;
    return 0;
}

int control_socket_serve(struct control_socket *socket, const struct loopback *loopback,
                         struct error *err)
{
    const struct api_server_options server = {
        .loop = loop_uv(socket->loop),
        .listening = {.fd = loopback->fd,
                      .address = loopback->address,
                      .find_peer = loopback_find_peer},
        .handlers = {.on_request = on_loopback_request,
                     .on_gone = on_gone,
                     .on_drained = on_drained,
                     .on_slow = on_slow,
                     .user = socket},
    };
    return api_server_open(&server, &socket->loopback, err);
}

static void on_closed(void *user)
{
    struct control_socket *socket = user;
    void (*done)(void *user) = socket->done;
    void *done_user = socket->user;
    socket->closing--;
    if (socket->closing > 0) {
        return;
    }
    free(socket);
    done(done_user);
}

/* Both at once: clients of the one that come back find nobody, while the other one has its grace.
 */
static void on_streams_closed(void *user)
{
    struct control_socket *socket = user;
    struct api_server *loopback = socket->loopback;
    socket->closing = 2;
    api_server_close(socket->server, CLOSE_GRACE_MS, on_closed, socket);
    api_server_close(loopback, CLOSE_GRACE_MS, on_closed, socket);
}

void control_socket_close(struct control_socket *socket, void (*done)(void *user), void *user)
{
    if (socket == NULL) {
        done(user);
        return;
    }
    struct job_streams *streams = socket->streams;
    loop_watch_waits(socket->loop, NULL, NULL);
    loop_watch_alerts(socket->loop, NULL, NULL);
    loop_watch_services(socket->loop, NULL, NULL);
    loop_watch_batches(socket->loop, NULL, NULL);
    loop_watch_logs(socket->loop, NULL, NULL);
    loop_watch_logged(socket->loop, NULL, NULL);
    control_count_clients(socket->control, NULL, NULL);
    socket->done = done;
    socket->user = user;
    socket->streams = NULL; /* a client may still go away */
    engine_stream_close(socket->engine);
    socket->engine = NULL;
    job_streams_close(streams, on_streams_closed, socket);
}
