/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_CONTROL_CLIENT_STATE_H
#define CORE_API_CONTROL_CLIENT_STATE_H

/*
 * What the parts of the control client share.
 *
 * Used by:  control_client.c, control_feed.c.
 * Uses:     control_client.h, net, socket_address.h, libuv.
 * Threads:  [loop]
 */

#include <sys/queue.h>
#include <uv.h>

#include "core/api/control_client.h"
#include "core/api/socket_address.h"
#include "core/net/net.h"

TAILQ_HEAD(control_feed_list, control_feed);

struct control_client {
    uint32_t magic;
    bool is_closing;
    bool is_net_closed;
    uv_loop_t *loop;
    char *path;
    struct socket_address address;
    struct net *net;
    struct control_feed_list feeds;
    uint32_t open_feeds; /* whose timers are not closed */
    void (*done)(void *user);
    void *done_user;
};

/* One stream of events, over all the connections that it takes. */
struct control_feed {
    uint32_t magic;
    bool is_stopped;
    bool is_over;
    struct control_client *client;
    TAILQ_ENTRY(control_feed) link;
    struct control_feed_options options; /* its texts are the feed's own */
    struct strbuf url;
    struct event_stream stream;
    struct net_call *call; /* NULL: it waits for its timer */
    uv_timer_t timer;
    uint32_t attempts; /* since the last event */
    int trouble;       /* what the stream's reader could not do */
};

/* The URL of `target` in `out`; false when out of memory. */
bool control_client_url(struct str target, struct strbuf *out);

/* A feed has ended wholly: the client may be waiting for that. */
void control_client_forget_feed(struct control_client *client);

#endif
