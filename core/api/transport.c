/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/transport.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "core/api/connection.h"
#include "core/base/check.h"
#include "core/base/error.h"

enum {
    TRANSPORT_MAGIC = 0x54495041,
    READ_BYTES = 16 * 1024,
    SURPLUS_CONNECTIONS = 64, /* beyond the limit, to be told that there are too many */
    OWN_DESCRIPTORS = 16,     /* of libwebsockets itself */
    /*
     * libwebsockets closes its handles in the loop, the last ones from the callback that closed
     * those before, and tells nobody when it is through: that is two turns, and one to be sure.
     */
    CLOSING_TURNS = 3,
};

struct api_transport {
    struct connection_owner owner; /* first: what a connection knows of it */
    uint32_t magic;
    uv_loop_t *loop;
    struct lws_context *lws;
    struct lws_vhost *vhost;
    struct connection *connections;
    uint32_t count;
    uv_timer_t timer;
    uint64_t wake_at_ms;    /* UINT64_MAX: the timer is not armed */
    uint64_t close_by_ms;   /* when closing: what is there then is dropped */
    uint32_t closing_turns; /* 0: connections are still open, or it is not closing */
    void (*done)(void *user);
    void *done_user;
};

static struct api_transport *transport_of(struct connection_owner *owner)
{
    struct api_transport *transport = (struct api_transport *)(void *)owner;
    CHECK_MAGIC(transport, TRANSPORT_MAGIC);
    return transport;
}

static uint64_t owner_now_ms(struct connection_owner *owner)
{
    return uv_now(transport_of(owner)->loop);
}

static void on_timer(uv_timer_t *timer);

static void owner_wake_at(struct connection_owner *owner, uint64_t at_ms)
{
    struct api_transport *transport = transport_of(owner);
    if (at_ms >= transport->wake_at_ms || transport->closing_turns > 0) {
        return;
    }

    uint64_t now_ms = uv_now(transport->loop);
    transport->wake_at_ms = at_ms;
    CHECK(uv_timer_start(&transport->timer, on_timer, at_ms > now_ms ? at_ms - now_ms : 0, 0) == 0);
}

static void owner_on_end(struct connection_owner *owner, struct connection *connection)
{
    struct api_transport *transport = transport_of(owner);
    struct connection_links *links = connection_links(connection);
    if (links->previous != NULL) {
        connection_links(links->previous)->next = links->next;
    } else {
        transport->connections = links->next;
    }
    if (links->next != NULL) {
        connection_links(links->next)->previous = links->previous;
    }
    transport->count--;
    if (owner->is_closing && transport->count == 0) {
        owner_wake_at(owner, 0); /* to close the rest, from the loop */
    }
}

static void transport_add(struct api_transport *transport, struct connection *connection)
{
    struct connection_links *links = connection_links(connection);
    links->next = transport->connections;
    if (links->next != NULL) {
        connection_links(links->next)->previous = connection;
    }
    transport->connections = connection;
    transport->count++;
}

/* --- what libwebsockets calls --- */

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *session, void *bytes,
                  size_t n)
{
    (void)session;
    struct connection *connection = lws_get_opaque_user_data(wsi);
    if (connection == NULL) {
        return 0;
    }

    switch ((int)reason) {
    case LWS_CALLBACK_RAW_RX:
        return connection_on_bytes(connection, str_make(bytes, n));
    case LWS_CALLBACK_RAW_WRITEABLE:
        return connection_on_writable(connection);
    case LWS_CALLBACK_RAW_CLOSE:
        lws_set_opaque_user_data(wsi, NULL);
        connection_on_closed(connection);
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "http", .callback = on_lws, .tx_packet_size = READ_BYTES},
    {.name = NULL},
};

static void transport_adopt(struct api_transport *transport, int fd, uint32_t peer_uid)
{
    CHECK_MAGIC(transport, TRANSPORT_MAGIC);
    struct api_limits *limits = &transport->owner.limits;
    bool has_room = transport->count < limits->max_connections + SURPLUS_CONNECTIONS;
    uint32_t flags = transport->count >= limits->max_connections ? CONNECTION_SURPLUS : 0;
    struct connection *connection = NULL;
    transport->owner.counts.refused_connections += flags != 0 ? 1 : 0;
    if (has_room && !transport->owner.is_closing) {
        connection = connection_create(&transport->owner, peer_uid, flags);
    }
    if (connection == NULL) {
        (void)close(fd); /* the client sees the connection closed without an answer */
        return;
    }

    lws_adopt_desc_t adoption = {
        .vh = transport->vhost,
        .type = LWS_ADOPT_SOCKET,
        .fd = {.sockfd = fd},
        .vh_prot_name = protocols[0].name,
    };
    struct lws *wsi = lws_adopt_descriptor_vhost_via_info(&adoption); /* takes fd in any case */
    if (wsi == NULL) {
        connection_destroy(connection);
        return;
    }

    transport_add(transport, connection);
    lws_set_opaque_user_data(wsi, connection);
    connection_begin(connection, wsi);
}

/* --- closing --- */

static void transport_destroy(struct api_transport *transport)
{
    transport->magic = 0;
    free(transport);
}

static void on_turn_over(uv_handle_t *handle)
{
    struct api_transport *transport = handle->data;
    transport->closing_turns++;
    if (transport->closing_turns < CLOSING_TURNS) {
        CHECK(uv_timer_init(transport->loop, &transport->timer) == 0);
        uv_close((uv_handle_t *)&transport->timer, on_turn_over);
        return;
    }

    void (*done)(void *user) = transport->done;
    void *done_user = transport->done_user;
    lws_context_destroy(transport->lws); /* the second call frees it */
    transport_destroy(transport);
    done(done_user);
}

static void close_rest(struct api_transport *transport)
{
    lws_context_destroy(transport->lws); /* the first call closes its handles */
    transport->closing_turns = 1;
    uv_close((uv_handle_t *)&transport->timer, on_turn_over);
}

static uint64_t check_connections(struct api_transport *transport, uint64_t now_ms)
{
    uint64_t next_ms = UINT64_MAX;
    struct connection *next = NULL;
    for (struct connection *at = transport->connections; at != NULL; at = next) {
        next = connection_links(at)->next;
        if (transport->owner.is_closing && now_ms >= transport->close_by_ms) {
            connection_doom(at);
        }
        uint64_t at_ms = connection_check(at, now_ms);
        next_ms = at_ms < next_ms ? at_ms : next_ms;
    }
    return next_ms;
}

static void on_timer(uv_timer_t *timer)
{
    struct api_transport *transport = timer->data;
    struct connection_owner *owner = &transport->owner;
    transport->wake_at_ms = UINT64_MAX;
    uint64_t next_ms = check_connections(transport, uv_now(transport->loop));
    if (owner->is_closing && transport->count == 0) {
        close_rest(transport);
        return;
    }
    if (owner->is_closing && transport->close_by_ms < next_ms) {
        next_ms = transport->close_by_ms;
    }
    if (next_ms != UINT64_MAX) {
        owner_wake_at(owner, next_ms);
    }
}

static void transport_close(struct api_transport *transport, uint64_t grace_ms,
                            void (*done)(void *user), void *user)
{
    CHECK_MAGIC(transport, TRANSPORT_MAGIC);
    CHECK(!transport->owner.is_closing);
    transport->owner.is_closing = true;
    transport->close_by_ms = uv_now(transport->loop) + grace_ms;
    transport->done = done;
    transport->done_user = user;
    for (struct connection *at = transport->connections; at != NULL;
         at = connection_links(at)->next) {
        connection_end_idle(at);
    }
    owner_wake_at(&transport->owner, 0);
}

/* --- opening --- */

static int create_lws(struct api_transport *transport, struct error *err)
{
    void *loops[] = {transport->loop};
    uint32_t descriptors = transport->owner.limits.max_connections + SURPLUS_CONNECTIONS +
                           OWN_DESCRIPTORS;
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_LIBUV,
        .foreign_loops = loops,
        .fd_limit_per_thread = descriptors,
        .pt_serv_buf_size = READ_BYTES,
        .gid = -1,
        .uid = -1,
    };
    lws_set_log_level(0, NULL); /* it would write to our standard error */
    transport->lws = lws_create_context(&info);
    if (transport->lws == NULL) {
        return error_set(err, E_IO,
                         "libwebsockets does not start: is libwebsockets-evlib-uv installed?");
    }

    transport->vhost = lws_get_vhost_by_name(transport->lws, "default");
    CHECK(transport->vhost != NULL);
    return 0;
}

static int transport_create(const struct api_transport_options *options,
                            struct api_transport **out_transport, struct error *err)
{
    struct api_transport *transport = calloc(1, sizeof *transport);
    if (transport == NULL) {
        return error_nomem(err);
    }

    transport->magic = TRANSPORT_MAGIC;
    transport->owner = (struct connection_owner){
        .handlers = options->handlers,
        .limits = options->limits,
        .now_ms = owner_now_ms,
        .wake_at = owner_wake_at,
        .on_end = owner_on_end,
    };
    transport->loop = options->loop;
    transport->wake_at_ms = UINT64_MAX;
    int status = create_lws(transport, err);
    if (status != 0) {
        transport_destroy(transport);
        return status;
    }

    CHECK(uv_timer_init(transport->loop, &transport->timer) == 0);
    transport->timer.data = transport;
    *out_transport = transport;
    return 0;
}

static void transport_count(const struct api_transport *transport, struct api_counts *counts)
{
    const struct api_counts *own = &transport->owner.counts;
    counts->clients += transport->count;
    counts->refused_connections += own->refused_connections;
    counts->refused_bodies += own->refused_bodies;
    counts->dropped += own->dropped;
}

const struct api_transport_table transport_table = {
    .count = transport_count,
    .create = transport_create,
    .adopt = transport_adopt,
    .close = transport_close,
};
