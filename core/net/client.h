/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NET_CLIENT_H
#define CORE_NET_CLIENT_H

/*
 * Client: all calls, and when each may go.
 *
 * A gate stands before each origin and lets so many calls through at a time; others wait in
 * order. libcurl has limits too, but counts the wait as time to connect.
 *
 * Used by:  net, in the module.
 * Uses:     call.h, multi.h, proxy.h, resolver.h.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/net/call.h"
#include "core/net/mail_call.h"
#include "core/net/multi.h"

enum { CLIENT_GATE_BUCKETS = 64, CLIENT_SPARE_EASIES = 64 };

/* Kept while calls wait before it or are under way behind it. */
struct gate {
    TAILQ_ENTRY(gate) link;  /* in its bucket */
    TAILQ_ENTRY(gate) ready; /* in the list of those with calls that wait */
    char *origin;
    uint32_t running;
    struct call_list waiting;
};

TAILQ_HEAD(gate_list, gate);

struct net_client {
    struct net_client_options options;
    struct multi *multi;
    struct resolver *resolver; /* NULL until the first name */
    struct proxy_set proxies;
    uv_idle_t idle; /* runs while there is deferred work */
    struct call_list calls;
    struct call_list deferred;
    size_t deferred_count;
    struct gate_list gates[CLIENT_GATE_BUCKETS];
    struct gate_list ready;
    uint32_t running;
    struct mail_list mails;
    struct mail_list mails_waiting;
    uint32_t mails_running;
    bool is_pumping;
    CURL *easies[CLIENT_SPARE_EASIES];
    size_t easy_count;
    size_t open_calls; /* their timers are not closed */
    size_t open_parts;
    bool is_closing;
    void (*done)(void *user);
    void *done_user;
};

/* What the module exports. */
extern const struct net_table client_table;

/* Runs call_run_deferred() from the loop, soon. Again: nothing happens. */
void client_defer(struct net_call *call);
void client_undefer(struct net_call *call);

/* Waits for a place at the call's origin; call_begin_hop() follows, maybe at once.
 * Returns 0 or E_NOMEM. */
int client_queue(struct net_call *call);

/* Gives the call's place back, or takes it out of the queue; whoever waits may go. */
void client_leave(struct net_call *call);
void client_pump(struct net_client *client);

/* A reset easy handle, owned until it is given back; NULL when out of memory. */
CURL *client_take_easy(struct net_client *client);
void client_give_easy(struct net_client *client, CURL *easy);

/* Opens the resolver, unless it is. Fails as resolver_open(). */
int client_open_resolver(struct net_client *client, struct error *err);

/* The call is over and its memory gone. */
void client_forget(struct net_client *client);

#endif
