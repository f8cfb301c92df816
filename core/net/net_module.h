/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NET_NET_MODULE_H
#define CORE_NET_NET_MODULE_H

/*
 * The table that opstream-net.so exports (base/module.h): net.c calls it, client.c is behind it.
 *
 * Used by:  net.c, module.c.
 * Uses:     mail.h, net.h.
 * Threads:  [loop]
 */

#include "core/net/mail.h"

struct net_client;
struct net_rules;

/* Settings that are filled in. Everything is kept until close() is done. */
struct net_client_options {
    struct uv_loop_s *loop;
    const struct net_rules *rules;
    const char *ca_file;    /* may be NULL */
    const char *http_proxy; /* as in net_settings */
    const char *https_proxy;
    const char *no_proxy;
    const char *name_servers; /* may be NULL */
    uint32_t max_connections_per_host;
    uint32_t max_connections;
};

/* What each net_call, and each mail_call, begins with. */
struct net_call_head {
    void (*abort)(struct net_call *call);
};

struct net_table {
    /* Owned: close(). Fails with E_NOMEM, E_IO. */
    int (*create)(const struct net_client_options *options, struct net_client **out_client,
                  struct error *err);
    /* As net_close(); frees the client before `done`. */
    void (*close)(struct net_client *client, void (*done)(void *user), void *user);
    /* As net_send(). */
    int (*send)(struct net_client *client, const struct net_request *request,
                struct net_call **out_call, struct error *err);
    /* As net_send_mail(). */
    int (*send_mail)(struct net_client *client, const struct net_mail *mail,
                     struct net_call **out_call, struct error *err);
};

#endif
