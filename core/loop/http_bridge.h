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

#include <stdbool.h>
#include <stdint.h>

struct host_http;
struct net;
struct pipeline;
struct secrets;

/* What calls go through; all kept. */
struct http_bridge {
    struct net *net;
    struct secrets *secrets; /* headers that hold one stay with their origin; or NULL */
    /*
     * In whose name a call with this token is made, so that its secrets go where they may; both are
     * borrowed. False, or NULL: it has no secrets.
     */
    bool (*find_node)(uint64_t token, const struct pipeline **out_pipeline, uint32_t *out_node);
};

/* Fills `http` so that it sends through `bridge`, which is kept. */
void http_bridge_init(struct host_http *http, struct http_bridge *bridge);

#endif
