/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_STREAM_COPY_H
#define CORE_ENGINE_STREAM_COPY_H

/*
 * Stream copy: what is remembered of the items of one round of a node, when something else may
 * stand in for it, or it for something else: a digest of all of them, by which another list can be
 * seen to begin alike; and, up to a bound, for a node that lends them the items themselves, and for
 * the cache which records have them: they may be many, and the journal has them already.
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
    bool keeps_seqs;  /* the same */
    uint8_t bound;    /* enum stream_copy_bound: where not whole, it has no items any more */
    unsigned char digest[DIGEST_BYTES];
    uint64_t count;      /* of the items so far, those of `items` and `seqs` or more */
    size_t bytes;        /* that those take as JSON, a line each */
    struct strbuf items; /* as JSON, a line each: a fourth of what they take as values */
    uint64_t *seqs;      /* the numbers of their records in the run */
    size_t seq_cap;
};

/* `copy` was set to zero, but for keeps_items and keeps_seqs. */
void stream_copy_finish(struct stream_copy *copy);

/* The next round begins. */
void stream_copy_clear(struct stream_copy *copy);

/* One more item, and the number of its record. 0 or E_NOMEM. */
int stream_copy_add(struct stream_copy *copy, const struct document *item, uint64_t seq);

/* Whether `list` begins with these items. 0 and the answer, or E_NOMEM. */
int stream_copy_begins(const struct stream_copy *copy, const struct value *list, bool *out_begins);

/* `seqs` as a list (owned), of a copy that is whole. 0 or E_NOMEM. */
int stream_copy_list_seqs(const struct stream_copy *copy, struct document **out_list);

/*
 * The items of `lines`, JSON as in `items` of a copy, as a list (owned). Fails with E_INVALID,
 * E_LIMIT, E_NOMEM.
 */
int stream_copy_read(struct str lines, struct document **out_list, struct error *err);

#endif
