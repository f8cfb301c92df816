/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_STREAM_COPY_H
#define CORE_ENGINE_STREAM_COPY_H

/*
 * Stream copy: what is remembered of the items of one round of a node, when something else may
 * stand in for it, or it for something else: a digest of all of them, by which another list can be
 * seen to begin alike; and, for those who need it, the items themselves, up to a bound.
 *
 * Used by:  streams, stand_in_items.
 * Uses:     base, value.
 * Threads:  [loop]; pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/digest.h"
#include "core/base/str.h"

struct document;
struct error;
struct value;

enum {
    STREAM_COPY_ITEMS = 10000,
    STREAM_COPY_BYTES = 4 * 1024 * 1024, /* of all items as JSON, and of what is kept with them */
};

enum stream_copy_bound {
    STREAM_COPY_WHOLE,
    STREAM_COPY_TOO_MANY,
    STREAM_COPY_TOO_LARGE,
};

struct stream_copy {
    bool keeps_items; /* not the digest alone */
    uint8_t bound;    /* enum stream_copy_bound: where not whole, it has no items any more */
    unsigned char digest[DIGEST_BYTES];
    uint64_t count;      /* of the items so far, those of `items` or more */
    struct strbuf items; /* as JSON, a line each: a fourth of what they take as values */
};

/* `copy` was set to zero, but for keeps_items. */
void stream_copy_finish(struct stream_copy *copy);

/* The next round begins. */
void stream_copy_clear(struct stream_copy *copy);

/* One more item. 0 or E_NOMEM. */
int stream_copy_add(struct stream_copy *copy, const struct document *item);

/* Whether `list` begins with these items. 0 and the answer, or E_NOMEM. */
int stream_copy_begins(const struct stream_copy *copy, const struct value *list, bool *out_begins);

/*
 * The items of `lines`, JSON as in `items` of a copy, as a list (owned). Fails with E_INVALID,
 * E_LIMIT, E_NOMEM.
 */
int stream_copy_read(struct str lines, struct document **out_list, struct error *err);

#endif
