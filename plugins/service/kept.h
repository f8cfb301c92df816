/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SERVICE_KEPT_H
#define PLUGINS_SERVICE_KEPT_H

/*
 * Kept: texts by key, such as what was made of an answer, each with a stamp by which its user tells
 * whether it is still good. In memory, for as long as the node's instance lives: in a daemon over
 * many runs, in `opstream run` for that run. At most KEPT_BYTES; what was used least recently goes
 * first, and what alone is larger than a quarter of it is not kept at all.
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

/* Texts that the caller ends with kept_text_finish(). */
struct kept_text {
    struct text stamp;
    struct text body;
};
void kept_text_finish(struct kept_text *kept);

/* 1: `*out`, which is all zero, has copies of what is kept for `key`. 0: nothing is. */
int kept_find(struct kept *kept, ops_str key, struct kept_text *out);

/* Keeps copies, in the place of what was kept for `key`. Without memory it keeps nothing. */
void kept_put(struct kept *kept, ops_str key, ops_str stamp, ops_str body);

#endif
