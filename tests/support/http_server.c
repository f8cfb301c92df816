/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/str.h"
#include "tests/support/http_server_conn.h"

enum {
    MAX_CONNS = 4096,
    MAX_REQUEST_BYTES = 64 * 1024 * 1024,
};

struct http_server {
    int listen_fd;
    int epoll_fd;
    int timer_fd;
    int stop_fd;
    uint16_t port;
    int64_t armed_ns;
    SSL_CTX *tls;
    char url[64];
    char ca_file[64];
    pthread_t thread;
    struct http_conn *conns[MAX_CONNS];
    struct http_services *services;
    size_t conn_count;
    atomic_uint_fast64_t connections;
    atomic_uint_fast64_t requests;
    atomic_uint_fast64_t first_ns; /* of the requests that are counted; 0: none */
    atomic_uint_fast64_t last_ns;
};

int64_t http_server_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

uint64_t http_conn_server_connections(const struct http_conn *conn)
{
    return atomic_load(&conn->server->connections);
}

struct http_services *http_conn_services(const struct http_conn *conn)
{
    return conn->server->services;
}

uint64_t http_conn_server_requests(const struct http_conn *conn)
{
    return atomic_load(&conn->server->requests);
}

struct str http_req_header(const struct http_req *req, const char *name)
{
    size_t n = strlen(name);
    const char *line = req->headers.p;
    const char *end = line + req->headers.n;
    while (line < end) {
        const char *eol = memchr(line, '\n', (size_t)(end - line));
        eol = eol != NULL ? eol : end;
        if ((size_t)(eol - line) > n && line[n] == ':' && strncasecmp(line, name, n) == 0) {
            return str_trim(str_make(line + n + 1, (size_t)(eol - line) - n - 1));
        }
        line = eol + 1;
    }
    return str_make("", 0);
}

static void conn_close(struct http_conn *conn)
{
    http_service_done(conn);
    if (conn->is_reset) {
        struct linger hard = {.l_onoff = 1, .l_linger = 0};
        (void)setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    }
    if (conn->ssl != NULL && conn->is_ready && !conn->is_reset) {
        (void)SSL_shutdown(conn->ssl);
    }
    SSL_free(conn->ssl);
    (void)close(conn->fd);
    strbuf_finish(&conn->in);
    strbuf_finish(&conn->out);

    struct http_server *server = conn->server;
    for (size_t i = 0; i < server->conn_count; i++) {
        if (server->conns[i] == conn) {
            server->conns[i] = server->conns[--server->conn_count];
            break;
        }
    }
    free(conn);
}

/* Bytes read, 0 at the end of the stream, -1: nothing now, -2: broken. */
static ssize_t conn_read(struct http_conn *conn, char *bytes, size_t n)
{
    if (conn->ssl == NULL) {
        ssize_t got = recv(conn->fd, bytes, n, 0);
        return got >= 0 ? got : (errno == EAGAIN ? -1 : -2);
    }

    int got = SSL_read(conn->ssl, bytes, (int)n);
    if (got > 0) {
        return got;
    }

    int why = SSL_get_error(conn->ssl, got);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? -1 : -2;
}

static ssize_t conn_write(struct http_conn *conn, const char *bytes, size_t n)
{
    if (conn->ssl == NULL) {
        ssize_t put = send(conn->fd, bytes, n, MSG_NOSIGNAL);
        return put >= 0 ? put : (errno == EAGAIN ? -1 : -2);
    }

    int put = SSL_write(conn->ssl, bytes, n > 65536 ? 65536 : (int)n);
    if (put > 0) {
        return put;
    }

    int why = SSL_get_error(conn->ssl, put);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? -1 : -2;
}

static bool parse_target(struct http_req *req)
{
    struct str rest = req->target;
    if (str_starts_with(rest, STR("http://"))) {
        req->is_proxied = true;
        const char *slash = memchr(rest.p + 7, '/', rest.n - 7);
        if (slash == NULL) {
            return false;
        }
        rest = str_make(slash, rest.n - (size_t)(slash - rest.p));
    }

    const char *question = memchr(rest.p, '?', rest.n);
    size_t path_n = question != NULL ? (size_t)(question - rest.p) : rest.n;
    req->path = str_make(rest.p, path_n);
    req->query = question != NULL ? str_make(question + 1, rest.n - path_n - 1) : str_make("", 0);
    return true;
}

/* The bytes of one request in `in`; 0: not whole yet; -1: no HTTP. */
static ssize_t parse_request(struct str in, struct http_req *req)
{
    const char *end = memmem(in.p, in.n, "\r\n\r\n", 4);
    if (end == NULL) {
        bool is_text = in.n == 0 || (in.p[0] >= 'A' && in.p[0] <= 'Z');
        return !is_text || in.n > 1024 * 1024 ? -1 : 0;
    }

    const char *eol = memmem(in.p, in.n, "\r\n", 2);
    const char *space = memchr(in.p, ' ', (size_t)(eol - in.p));
    const char *last = memrchr(in.p, ' ', (size_t)(eol - in.p));
    if (space == NULL || last == space) {
        return -1;
    }

    req->method = str_make(in.p, (size_t)(space - in.p));
    req->target = str_make(space + 1, (size_t)(last - space) - 1);
    req->headers = str_make(eol + 2, (size_t)(end + 2 - (eol + 2)));
    if (!parse_target(req)) {
        return -1;
    }

    size_t head = (size_t)(end + 4 - in.p);
    struct str length = http_req_header(req, "content-length");
    size_t body = 0;
    for (size_t i = 0; i < length.n && body <= MAX_REQUEST_BYTES; i++) {
        body = body * 10 + (size_t)(length.p[i] - '0');
    }
    if (body > MAX_REQUEST_BYTES) {
        return -1;
    }
    req->body = str_make(in.p + head, body);
    return in.n - head >= body ? (ssize_t)(head + body) : 0;
}

/* False: the connection is gone. */
static bool conn_flush(struct http_conn *conn)
{
    for (;;) {
        if (conn->due_ns != 0 || conn->is_silent) {
            return true;
        }
        while (conn->out_sent < conn->out.n) {
            ssize_t put =
                conn_write(conn, conn->out.p + conn->out_sent, conn->out.n - conn->out_sent);
            if (put == -1) {
                return true;
            }
            if (put < 0) {
                conn_close(conn);
                return false;
            }
            conn->out_sent += (size_t)put;
        }
        strbuf_clear(&conn->out);
        conn->out_sent = 0;
        if (conn->produce == NULL) {
            break;
        }
        conn->produce(conn);
        if (conn->produce_pause_ns != 0) {
            conn->due_ns = http_server_now_ns() + conn->produce_pause_ns;
        }
    }
    conn->is_busy = false;
    http_service_done(conn);
    if (conn->is_closing) {
        conn_close(conn);
        return false;
    }
    return true;
}

static void count_request(struct http_server *server)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
    uint64_t ns = (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
    if (atomic_fetch_add(&server->requests, 1) == 0) {
        atomic_store(&server->first_ns, ns);
    }
    atomic_store(&server->last_ns, ns);
}

static bool conn_serve(struct http_conn *conn)
{
    while (!conn->is_busy && conn->in.n > 0) {
        struct http_req req = {0};
        ssize_t used = parse_request(strbuf_str(&conn->in), &req);
        if (used == 0) {
            return true;
        }
        if (used < 0 || conn->is_dying) {
            conn_close(conn);
            return false;
        }

        conn->requests++;
        conn->is_busy = true;
        count_request(conn->server);
        http_server_answer(conn, &req);
        memmove(conn->in.p, conn->in.p + used, conn->in.n - (size_t)used);
        conn->in.n -= (size_t)used;
        if (!conn_flush(conn)) {
            return false;
        }
    }
    return true;
}

static bool conn_handshake(struct http_conn *conn)
{
    if (conn->ssl == NULL || conn->is_ready) {
        return true;
    }

    int result = SSL_accept(conn->ssl);
    if (result == 1) {
        conn->is_ready = true;
        return true;
    }

    int why = SSL_get_error(conn->ssl, result);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
        conn_close(conn);
    }
    return false;
}

static void on_readable(struct http_conn *conn, bool is_ended)
{
    if (!conn_handshake(conn)) {
        return;
    }

    for (;;) {
        char *room = strbuf_reserve(&conn->in, 16384);
        ssize_t got = room != NULL ? conn_read(conn, room, 16384) : -2;
        if (got == 0 || got == -2) {
            conn_close(conn);
            return;
        }
        if (got == -1) {
            break;
        }
        conn->in.n += (size_t)got;
        if (got < 16384 && conn->ssl == NULL && !is_ended) {
            break; /* all of it: saves a call per request */
        }
    }
    (void)conn_serve(conn); /* a connection that is gone needs nothing more */
}

static void accept_conn(struct http_server *server)
{
    int fd = accept4(server->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        return;
    }

    struct http_conn *conn = calloc(1, sizeof *conn);
    if (conn == NULL || server->conn_count == MAX_CONNS) {
        free(conn);
        (void)close(fd);
        return;
    }

    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    *conn = (struct http_conn){.server = server, .fd = fd};
    if (server->tls != NULL) {
        conn->ssl = SSL_new(server->tls);
        CHECK(conn->ssl != NULL && SSL_set_fd(conn->ssl, fd) == 1);
    }
    server->conns[server->conn_count++] = conn;
    (void)atomic_fetch_add(&server->connections, 1);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                .data.ptr = conn};
    CHECK(epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0);
}

static void arm_timer(struct http_server *server)
{
    int64_t due_ns = 0;
    for (size_t i = 0; i < server->conn_count; i++) {
        int64_t at_ns = server->conns[i]->due_ns;
        if (at_ns != 0 && (due_ns == 0 || at_ns < due_ns)) {
            due_ns = at_ns;
        }
    }
    if (due_ns == server->armed_ns) {
        return;
    }

    server->armed_ns = due_ns;
    struct itimerspec spec = {
        .it_value = {.tv_sec = due_ns / 1000000000, .tv_nsec = due_ns % 1000000000}};
    CHECK(timerfd_settime(server->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) == 0);
}

static void run_due(struct http_server *server)
{
    int64_t now_ns = http_server_now_ns();
    size_t i = server->conn_count;
    while (i-- > 0) {
        struct http_conn *conn = server->conns[i];
        if (conn->due_ns == 0 || conn->due_ns > now_ns) {
            continue;
        }
        conn->due_ns = 0;
        if (conn_flush(conn)) {
            (void)conn_serve(conn); /* what came in the meantime */
        }
    }
}

/* False: stop. Events of the listening socket come last, so that no connection is freed twice. */
static bool handle_event(struct http_server *server, const struct epoll_event *event)
{
    if (event->data.ptr == &server->stop_fd) {
        return false;
    }
    if (event->data.ptr == &server->listen_fd) {
        accept_conn(server);
        return true;
    }
    if (event->data.ptr == &server->timer_fd) {
        uint64_t times;
        (void)!read(server->timer_fd, &times, sizeof times); /* it was read already: no matter */
        server->armed_ns = 0;
        return true;
    }

    struct http_conn *conn = event->data.ptr;
    if ((event->events & EPOLLOUT) != 0 && (conn->ssl == NULL || conn->is_ready) &&
        !conn_flush(conn)) {
        return true;
    }
    if ((event->events & ~(uint32_t)EPOLLOUT) != 0) {
        on_readable(conn, (event->events & EPOLLRDHUP) != 0);
    }
    return true;
}

static void *run_server(void *user)
{
    struct http_server *server = user;
    struct epoll_event events[64];
    bool is_running = true;
    while (is_running) {
        int n = epoll_wait(server->epoll_fd, events, 64, -1);
        for (int i = 0; i < n; i++) {
            is_running = handle_event(server, &events[i]) && is_running;
        }
        run_due(server);
        arm_timer(server);
    }
    while (server->conn_count > 0) {
        conn_close(server->conns[0]);
    }
    return NULL;
}

static void watch(struct http_server *server, int *fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = fd};
    CHECK(*fd >= 0 && epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, *fd, &event) == 0);
}

static bool open_socket(struct http_server *server, uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t size = sizeof address;
    int on = 1;
    server->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (server->listen_fd < 0 ||
        setsockopt(server->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(server->listen_fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(server->listen_fd, 1024) != 0 ||
        getsockname(server->listen_fd, (struct sockaddr *)&address, &size) != 0) {
        perror("test server");
        return false;
    }

    server->port = ntohs(address.sin_port);
    return true;
}

static bool open_tls(struct http_server *server, const struct http_server_options *options)
{
    (void)snprintf(server->ca_file, sizeof server->ca_file, "/tmp/opstream_ca_XXXXXX");
    int fd = mkstemp(server->ca_file);
    if (fd < 0) {
        perror(server->ca_file);
        return false;
    }

    (void)close(fd);
    server->tls = http_server_tls_create(options, server->ca_file);
    if (server->tls == NULL) {
        (void)fprintf(stderr, "test server: cannot make a certificate\n");
    }
    return server->tls != NULL;
}

struct http_server *http_server_start(const struct http_server_options *options)
{
    static const struct http_server_options plain = {0};
    options = options != NULL ? options : &plain;
    struct http_server *server = calloc(1, sizeof *server);
    CHECK(server != NULL);
    if (!open_socket(server, options->port) || (options->has_tls && !open_tls(server, options))) {
        free(server);
        return NULL;
    }

    (void)snprintf(server->url, sizeof server->url, "%s:%u",
                   options->has_tls ? "https://localhost" : "http://127.0.0.1", server->port);
    server->services = http_services_create();
    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    server->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    server->stop_fd = eventfd(0, EFD_CLOEXEC);
    watch(server, &server->listen_fd);
    watch(server, &server->timer_fd);
    watch(server, &server->stop_fd);
    CHECK(pthread_create(&server->thread, NULL, run_server, server) == 0);
    return server;
}

void http_server_stop(struct http_server *server)
{
    if (server == NULL) {
        return;
    }

    uint64_t one = 1;
    CHECK(write(server->stop_fd, &one, sizeof one) == sizeof one);
    CHECK(pthread_join(server->thread, NULL) == 0);
    (void)close(server->listen_fd);
    (void)close(server->epoll_fd);
    (void)close(server->timer_fd);
    (void)close(server->stop_fd);
    if (server->tls != NULL) {
        SSL_CTX_free(server->tls);
        (void)unlink(server->ca_file);
    }
    http_services_destroy(server->services);
    free(server);
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->port;
}

const char *http_server_url(const struct http_server *server)
{
    return server->url;
}

const char *http_server_ca_file(const struct http_server *server)
{
    return server->ca_file;
}

uint64_t http_server_connection_count(const struct http_server *server)
{
    return atomic_load(&server->connections);
}

uint64_t http_server_request_count(const struct http_server *server)
{
    return atomic_load(&server->requests);
}

uint64_t http_server_span_ns(const struct http_server *server)
{
    return atomic_load(&server->last_ns) - atomic_load(&server->first_ns);
}

void http_server_reset_counts(struct http_server *server)
{
    atomic_store(&server->connections, 0);
    atomic_store(&server->requests, 0);
}
