/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NET_URL_H
#define CORE_NET_URL_H

/*
 * Url: the one place that reads URLs of calls, so that what is checked is what is called.
 *
 * A URL is brought into one form: host in lower case and ASCII, IPv4 addresses as dotted quads
 * whichever way they were written, no fragment. Reading that form again must give itself; else
 * the URL is refused.
 *
 * Used by:  net, in the module.
 * Uses:     rules.h, libcurl's URL parser.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/net/rules.h"

struct error;

enum { URL_MAX_BYTES = 8192 };

struct url {
    char *text;   /* the one form */
    char *host;   /* a name, or an address without brackets */
    char *origin; /* "https://host:port", the default port too */
    char *shown;  /* for messages: no query */
    uint16_t port;
    bool is_https;
    struct net_address address; /* size 0: the host is a name */
};

#define URL_INIT ((struct url){0})

/* On success `*out_url` is owned: url_finish(). Fails with E_INVALID, E_NOMEM. */
int url_parse(struct str text, struct url *out_url, struct error *err);

/* The URL that a Location header of `base` means. As url_parse(). */
int url_resolve(const struct url *base, struct str location, struct url *out_url,
                struct error *err);

void url_finish(struct url *url);

#endif
