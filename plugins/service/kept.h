/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SERVICE_KEPT_H
#define PLUGINS_SERVICE_KEPT_H

/*
 * Kept: answers by the URL that gave them, with their ETag, so that a service may say "as before"
 * (304) instead of sending them again. In memory only, for as long as the node's instance lives: in
 * a daemon over many runs, in `opstream run` for that run. At most KEPT_BYTES; what was used least
 * recently goes first, and what alone is larger than a quarter of it is not kept at all.
 *
 * Used by:  plugins for services of HTTP.
 * Uses:     text.h.
 * Threads:  [any-thread]; a lock inside.
 */

#include "opstream/abi.h"
#include "service/text.h"

enum { KEPT_BYTES = 4 * 1024 * 1024 };

struct kept;

/* Owned: kept_destroy(). NULL: out of memory. */
struct kept *kept_create(void);
/* NULL is fine. */
void kept_destroy(struct kept *kept);

/* What is kept of one answer: texts that the caller ends with text_finish(). */
struct kept_answer {
    struct text etag;
    struct text body;
    struct text next; /* where it went on, as the plugin likes to note it */
};
void kept_answer_finish(struct kept_answer *answer);

/* 1: `*out`, which is all zero, has copies of what is kept for `url`. 0: nothing is. */
int kept_find(struct kept *kept, ops_str url, struct kept_answer *out);

/* Keeps copies, in the place of what was kept for `url`. Without memory it keeps nothing. */
void kept_put(struct kept *kept, ops_str url, ops_str etag, ops_str body, ops_str next);

#endif
