/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_HTTP_BRIDGE_H
#define CORE_LOOP_HTTP_BRIDGE_H

/*
 * HTTP bridge: gives the host's ops.http the calls of core/net; the two do not know each other.
 * The one table from what net says of a failure to what plugins hear is in http_bridge.c.
 *
 * Used by:  loop.
 * Uses:     host/http.h, net.
 * Threads:  [loop]
 */

struct host_http;
struct net;
struct secrets;

/* What calls go through; both kept. */
struct http_bridge {
    struct net *net;
    const struct secrets *secrets; /* headers that hold one stay with their origin; or NULL */
};

/* Fills `http` so that it sends through `bridge`, which is kept. */
void http_bridge_init(struct host_http *http, struct http_bridge *bridge);

#endif
