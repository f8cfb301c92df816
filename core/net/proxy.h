/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NET_PROXY_H
#define CORE_NET_PROXY_H

/*
 * Proxy: which calls go through one. Settings win over the environment (http_proxy, https_proxy,
 * all_proxy, no_proxy; all but http_proxy in upper case too, which a CGI request can set).
 * Calls to this machine never go through one.
 *
 * Behind a proxy, names are resolved by the proxy: the network rules see the host of the URL and
 * numeric addresses only, and the proxy's own address is not checked.
 *
 * Used by:  net, in the module.
 * Uses:     url.h, rules.h, libcurl's URL parser.
 * Threads:  [any]; getenv() in proxy_set_init() only.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/net/rules.h"

struct error;
struct net_client_options;
struct url;

struct proxy {
    char *url; /* for libcurl; NULL: none */
    char *host;
    uint16_t port;
    struct net_address address; /* size 0: the host is a name */
    bool has_tls;               /* https:// to the proxy itself */
    bool is_bad;                /* the setting is no URL of a proxy */
};

struct proxy_set {
    struct proxy http;
    struct proxy https;
    char *no_proxy; /* never NULL after init */
};

/* Owned: proxy_set_finish(), also after a failure. A bad setting fails the calls that need it.
 * Fails with E_NOMEM. */
int proxy_set_init(struct proxy_set *set, const struct net_client_options *options,
                   struct error *err);
void proxy_set_finish(struct proxy_set *set);

/* The proxy of a call, borrowed, or NULL for none. */
const struct proxy *proxy_for(const struct proxy_set *set, const struct url *url);

#endif
