/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SERVICE_LINK_H
#define PLUGINS_SERVICE_LINK_H

/*
 * Link: the header of that name (RFC 8288), by which services say where the next page is:
 *
 *     <https://api.example.com/things?page=2>; rel="next", <...?page=9>; rel="last"
 *
 * Of the next page's URL only the query is used: pages are fetched from where the first came from.
 * So a token goes nowhere else, and a service behind a proxy, which names itself in its links,
 * works.
 *
 * Used by:  plugins for services of HTTP.
 * Uses:     abi.h.
 * Threads:  [any-thread]
 */

#include "opstream/abi.h"

/* The URL of the link with relation `rel`, borrowed from `header`; empty: there is none. */
ops_str link_find(ops_str header, const char *rel);

/* What stands behind "?" in `url`, without a fragment; empty: nothing. */
ops_str link_query(ops_str url);

#endif
