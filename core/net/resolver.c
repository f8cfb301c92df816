/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/resolver.h"

#include <ares.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <uv.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/error.h"

enum {
    BUCKETS = 256,
    MAX_ENTRIES = 1024,
    MIN_TTL_S = 1,
    MAX_TTL_S = 60,
    ASK_TIMEOUT_MS = 2500,
    ASK_TRIES = 2,
};

/* A name that was asked for. Waiting: `queries` is not empty or the question is under way. */
struct resolver_entry {
    struct resolver *resolver;
    struct resolver_entry *next;
    char *host;
    uint64_t hash;
    bool is_asking;
    int64_t expires_ns; /* 0: no answer is kept */
    struct resolver_answer answer;
    struct resolver_query *queries;
};

/* One socket of c-ares on the loop. */
struct resolver_socket {
    uv_poll_t poll;
    struct resolver *resolver;
    struct resolver_socket *next;
    ares_socket_t fd;
};

struct resolver {
    uv_loop_t *loop;
    const char *name_servers;
    ares_channel channel;
    uv_timer_t timer;
    struct resolver_socket *sockets;
    struct resolver_entry *buckets[BUCKETS];
    size_t entry_count;
    size_t asking_count;
    struct timespec config_mtime; /* of /etc/resolv.conf, when the channel was made */
    size_t open_handles;
    bool is_closing;
    void (*done)(void *user);
    void *done_user;
};

static void arm_timer(struct resolver *resolver);

static void maybe_finish_close(struct resolver *resolver)
{
    if (!resolver->is_closing || resolver->open_handles > 0) {
        return;
    }

    void (*done)(void *user) = resolver->done;
    void *user = resolver->done_user;
    free(resolver);
    done(user);
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct resolver_socket *socket = handle->data;
    struct resolver *resolver = socket->resolver;
    free(socket);
    resolver->open_handles--;
    maybe_finish_close(resolver);
}

static void on_socket_ready(uv_poll_t *poll, int status, int events)
{
    struct resolver_socket *socket = poll->data;
    struct resolver *resolver = socket->resolver;
    bool is_readable = status < 0 || (events & UV_READABLE) != 0;
    bool is_writable = status < 0 || (events & UV_WRITABLE) != 0;
    ares_process_fd(resolver->channel, is_readable ? socket->fd : ARES_SOCKET_BAD,
                    is_writable ? socket->fd : ARES_SOCKET_BAD);
    arm_timer(resolver);
}

static struct resolver_socket *add_socket(struct resolver *resolver, ares_socket_t fd)
{
    struct resolver_socket *socket = calloc(1, sizeof *socket);
    if (socket == NULL || uv_poll_init(resolver->loop, &socket->poll, fd) != 0) {
        free(socket);
        return NULL;
    }

    socket->poll.data = socket;
    socket->resolver = resolver;
    socket->fd = fd;
    socket->next = resolver->sockets;
    resolver->sockets = socket;
    resolver->open_handles++;
    return socket;
}

/* c-ares says what it waits for at `fd`; both 0: the socket will be closed. */
static void on_socket_state(void *user, ares_socket_t fd, int readable, int writable)
{
    struct resolver *resolver = user;
    struct resolver_socket **link = &resolver->sockets;
    while (*link != NULL && (*link)->fd != fd) {
        link = &(*link)->next;
    }

    struct resolver_socket *socket = *link;
    if (readable == 0 && writable == 0) {
        if (socket != NULL) {
            *link = socket->next;
            uv_close((uv_handle_t *)&socket->poll, on_socket_closed);
        }
        return;
    }
    if (socket == NULL) {
        socket = add_socket(resolver, fd);
    }
    if (socket != NULL) {
        int events = (readable != 0 ? UV_READABLE : 0) | (writable != 0 ? UV_WRITABLE : 0);
        (void)uv_poll_start(&socket->poll, events, on_socket_ready); /* else the time-out ends it */
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct resolver *resolver = timer->data;
    ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm_timer(resolver);
}

/* Only while a question is under way, so that an idle program sleeps. */
static void arm_timer(struct resolver *resolver)
{
    struct timeval limit = {.tv_sec = 60};
    struct timeval next;
    if (resolver->asking_count == 0 || resolver->is_closing) {
        (void)uv_timer_stop(&resolver->timer);
        return;
    }

    const struct timeval *wait = ares_timeout(resolver->channel, &limit, &next);
    uint64_t wait_ms = (uint64_t)wait->tv_sec * 1000 + (uint64_t)wait->tv_usec / 1000 + 1;
    (void)uv_timer_start(&resolver->timer, on_timer, wait_ms, 0);
}

static struct timespec config_mtime(void)
{
    struct stat info;
    return stat("/etc/resolv.conf", &info) == 0 ? info.st_mtim : (struct timespec){0};
}

static int open_channel(struct resolver *resolver, struct error *err)
{
    struct ares_options options = {
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = resolver,
        .timeout = ASK_TIMEOUT_MS,
        .tries = ASK_TRIES,
    };
    int mask = ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES;
    int status = ares_init_options(&resolver->channel, &options, mask);
    if (status == ARES_ENOMEM) {
        return error_nomem(err);
    }
    if (status != ARES_SUCCESS) {
        return error_set(err, E_IO, "the resolver does not start: %s", ares_strerror(status));
    }

    if (resolver->name_servers != NULL &&
        ares_set_servers_ports_csv(resolver->channel, resolver->name_servers) != ARES_SUCCESS) {
        ares_destroy(resolver->channel);
        return error_set(err, E_INVALID, "'%s' are no addresses of name servers",
                         resolver->name_servers);
    }

    resolver->config_mtime = config_mtime();
    return 0;
}

/* A daemon outlives the network that it was started in: follow /etc/resolv.conf. */
static void refresh_channel(struct resolver *resolver)
{
    struct timespec now = config_mtime();
    if (resolver->asking_count > 0 || (now.tv_sec == resolver->config_mtime.tv_sec &&
                                       now.tv_nsec == resolver->config_mtime.tv_nsec)) {
        return;
    }

    ares_channel old = resolver->channel;
    if (open_channel(resolver, NULL) == 0) {
        ares_destroy(old);
    } else {
        resolver->channel = old;
    }
}

int resolver_open(struct uv_loop_s *loop, const char *name_servers, struct resolver **out_resolver,
                  struct error *err)
{
    struct resolver *resolver = calloc(1, sizeof *resolver);
    if (resolver == NULL) {
        return error_nomem(err);
    }

    resolver->loop = loop;
    resolver->name_servers = name_servers;
    int status = open_channel(resolver, err);
    if (status != 0) {
        free(resolver);
        return status;
    }

    CHECK(uv_timer_init(loop, &resolver->timer) == 0);
    resolver->timer.data = resolver;
    resolver->open_handles = 1;
    *out_resolver = resolver;
    return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct resolver *resolver = handle->data;
    resolver->open_handles--;
    maybe_finish_close(resolver);
}

static void entry_destroy(struct resolver_entry *entry)
{
    free(entry->host);
    free(entry);
}

static void drop_entries(struct resolver *resolver, bool is_all)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        struct resolver_entry **link = &resolver->buckets[i];
        while (*link != NULL) {
            struct resolver_entry *entry = *link;
            if (!is_all && (entry->is_asking || entry->queries != NULL)) {
                link = &entry->next;
                continue;
            }
            *link = entry->next;
            resolver->entry_count--;
            entry_destroy(entry);
        }
    }
}

void resolver_close(struct resolver *resolver, void (*done)(void *user), void *user)
{
    resolver->is_closing = true;
    resolver->done = done;
    resolver->done_user = user;
    ares_destroy(resolver->channel); /* ends what is under way, through on_answer() */
    drop_entries(resolver, true);
    while (resolver->sockets != NULL) {
        struct resolver_socket *socket = resolver->sockets;
        resolver->sockets = socket->next;
        uv_close((uv_handle_t *)&socket->poll, on_socket_closed);
    }
    uv_close((uv_handle_t *)&resolver->timer, on_timer_closed);
}

static const char *problem_text(int status)
{
    switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
        return "there is no such name";
    case ARES_ETIMEOUT:
        return "the name server does not answer";
    case ARES_ECONNREFUSED:
        return "no name server can be reached";
    case ARES_ESERVFAIL:
        return "the name server failed";
    case ARES_EBADNAME:
        return "it is no name";
    default:
        return ares_strerror(status);
    }
}

static void read_addresses(struct resolver_entry *entry, const struct ares_addrinfo *info)
{
    int ttl_s = MAX_TTL_S;
    for (const struct ares_addrinfo_node *node = info->nodes; node != NULL; node = node->ai_next) {
        struct resolver_answer *answer = &entry->answer;
        if (answer->count < RESOLVER_MAX_ADDRESSES &&
            net_address_from_sockaddr(node->ai_addr, &answer->addresses[answer->count])) {
            answer->count++;
            ttl_s = node->ai_ttl < ttl_s ? node->ai_ttl : ttl_s;
        }
    }
    ttl_s = ttl_s < MIN_TTL_S ? MIN_TTL_S : ttl_s;
    entry->expires_ns = clock_monotonic_ns() + (int64_t)ttl_s * 1000000000;
}

static void on_answer(void *user, int status, int timeouts, struct ares_addrinfo *info)
{
    (void)timeouts;
    struct resolver_entry *entry = user;
    entry->is_asking = false;
    entry->resolver->asking_count--;
    entry->answer = (struct resolver_answer){0};
    if (status == ARES_SUCCESS && info != NULL) {
        read_addresses(entry, info);
    }
    ares_freeaddrinfo(info);
    if (entry->answer.count == 0) {
        entry->expires_ns = 0;
        entry->answer.problem = problem_text(status == ARES_SUCCESS ? ARES_ENODATA : status);
    }

    /* One by one from the front: who is answered may cancel others. */
    while (entry->queries != NULL) {
        struct resolver_query *query = entry->queries;
        entry->queries = query->next;
        query->entry = NULL;
        query->on_answer(query->user, &entry->answer);
    }
}

static struct resolver_entry *entry_get(struct resolver *resolver, struct str host)
{
    uint64_t hash = str_hash(host);
    struct resolver_entry **bucket = &resolver->buckets[hash % BUCKETS];
    for (struct resolver_entry *entry = *bucket; entry != NULL; entry = entry->next) {
        if (entry->hash == hash && str_equal(host, str_from(entry->host))) {
            return entry;
        }
    }

    if (resolver->entry_count >= MAX_ENTRIES) {
        drop_entries(resolver, false);
    }
    struct resolver_entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL) {
        return NULL;
    }
    entry->host = str_dup(host);
    if (entry->host == NULL) {
        free(entry);
        return NULL;
    }

    entry->resolver = resolver;
    entry->hash = hash;
    entry->next = *bucket;
    *bucket = entry;
    resolver->entry_count++;
    return entry;
}

static bool answer_localhost(struct str host, struct resolver_answer *out_answer)
{
    if (!str_equal_text(host, "localhost") && !str_ends_with(host, STR(".localhost"))) {
        return false;
    }

    *out_answer = (struct resolver_answer){.count = 2};
    return net_address_parse(STR("127.0.0.1"), &out_answer->addresses[0]) &&
           net_address_parse(STR("::1"), &out_answer->addresses[1]);
}

static void entry_ask(struct resolver_entry *entry)
{
    struct resolver *resolver = entry->resolver;
    struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    refresh_channel(resolver);
    entry->is_asking = true;
    resolver->asking_count++;
    ares_getaddrinfo(resolver->channel, entry->host, NULL, &hints, on_answer, entry);
    arm_timer(resolver);
}

int resolver_ask(struct resolver *resolver, struct str host, struct resolver_query *query,
                 struct resolver_answer *out_answer)
{
    if (answer_localhost(host, out_answer)) {
        return RESOLVER_READY;
    }

    struct resolver_entry *entry = entry_get(resolver, host);
    if (entry == NULL) {
        return E_NOMEM;
    }

    bool is_kept = entry->expires_ns != 0 && entry->expires_ns > clock_monotonic_ns();
    if (!entry->is_asking && !is_kept) {
        entry_ask(entry);
    }
    if (!entry->is_asking) { /* kept, or answered at once (from /etc/hosts, or a failure) */
        *out_answer = entry->answer;
        return RESOLVER_READY;
    }

    query->entry = entry;
    query->next = entry->queries;
    entry->queries = query;
    return 0;
}

void resolver_cancel(struct resolver_query *query)
{
    if (query->entry == NULL) {
        return;
    }

    struct resolver_query **link = &query->entry->queries;
    while (*link != query) {
        link = &(*link)->next;
    }
    *link = query->next;
    query->entry = NULL;
}
