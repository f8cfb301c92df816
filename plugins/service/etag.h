/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SERVICE_ETAG_H
#define PLUGINS_SERVICE_ETAG_H

/*
 * ETag: answers with their ETag, so that a service may say "as before" (304) instead of sending
 * them again, in this run or a later one: they stand in the plugin's own store (ops.kv).
 *
 *     etag_find -> the request, with If-None-Match -> 304: what was kept
 *                                                  -> 200: etag_put, then what is done with it
 *
 * The URL finds an answer together with the token, by an HMAC of the one with the other: who asks
 * with another token finds nothing, and the token stands nowhere. Each operation has ETAG_SLOTS
 * places, which the HMAC chooses; what comes to a place that is taken replaces what is there, and
 * the pages of one list stand side by side. So what is kept is bounded, and nobody counts it. What
 * is too large, or of a page far behind, is not kept; what is old is over; what the store cannot
 * give or take is asked for as if nothing were kept.
 *
 * Used by:  call, pages.
 * Uses:     etag_entry.h, call.h.
 * Threads:  [strand]
 */

#include "opstream/sdk.h"

struct service_answer;
struct service_call;

enum {
    ETAG_SLOTS = 256,        /* of each operation */
    ETAG_PAGES = 32,         /* of one list */
    ETAG_BYTES = 256 * 1024, /* of one answer, as it is kept */
};
#define ETAG_MS ((uint64_t)7 * 24 * 3600 * 1000) /* then it is asked for anew */

enum { ETAG_KEY_BYTES = 96, ETAG_ID_BYTES = 65 };

/* In the memory of the request's scope. */
struct etag_answer {
    ops_str etag; /* empty: nothing is kept */
    ops_str next; /* the query of the next page */
    ops_str body; /* JSON */
};

typedef void (*etag_cb)(struct service_call *call);

/* Where the answer to the request under way is kept, or would be. */
struct etag_place {
    char key[ETAG_KEY_BYTES]; /* "": it is not to be kept */
    char id[ETAG_ID_BYTES];
    uint32_t first; /* the slot of the first page */
    struct etag_answer answer;
    etag_cb then;
};

/* Looks for an answer of `url` (borrowed) into call->place; `then` comes once, here or later. */
void etag_find(struct service_call *call, ops_str url, etag_cb then);

/*
 * Keeps `json` as the answer to the request that etag_find() was asked about, if it has an ETag.
 * `then` comes once, here or later: when it is durable, or not kept.
 */
void etag_put(struct service_call *call, const struct service_answer *answer, ops_str json,
              etag_cb then);

#endif
