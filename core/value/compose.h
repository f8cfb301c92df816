/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_COMPOSE_H
#define CORE_VALUE_COMPOSE_H

/*
 * Compose: how the reader and the builder put a tree together, private to core/value.
 *
 * Nodes wait on one stack; a member is its key and then its value. When a list or map closes,
 * its nodes move from the top of the stack into the arena, as one block, and one node that
 * points to them takes their place.
 *
 * Used by:  builder, json_read.
 * Uses:     document, members.
 * Threads:  [any]; one compose belongs to one thread at a time.
 */

#include <stdint.h>

#include "core/base/error.h"
#include "core/value/document.h"

/* So few that a builder is one of the small blocks that malloc() gives out again at once. */
enum { COMPOSE_FIRST_NODES = 16 };

struct compose_frame {
    uint32_t first; /* place of its first node on the stack */
    uint16_t depth; /* of the deepest container that has closed in it */
    uint8_t type;
};

struct compose {
    struct document *document;
    struct value *nodes; /* `first_nodes` until they are too few */
    size_t count;
    size_t cap;
    uint32_t depth;     /* frames that are open */
    bool keeps_doubled; /* keys that are there twice are no error; false from compose_init() on */
    struct compose_frame frames[VALUE_MAX_DEPTH];
    struct value first_nodes[COMPOSE_FIRST_NODES];
};

/* Caller's memory; it must not move afterwards; `bytes`: see document_create(). Fails with E_NOMEM.
 */
int compose_init(struct compose *c, uint32_t bytes);
/* Frees everything, the unfinished document too; harmless after compose_take(). */
void compose_finish(struct compose *c);

/* Makes the stack larger. Fails with E_NOMEM. */
int compose_grow(struct compose *c);

/* The place on the stack where the next node goes; NULL when out of memory. */
static inline struct value *compose_slot(struct compose *c)
{
    if (__builtin_expect(c->count == c->cap, 0) && compose_grow(c) != 0) {
        return NULL;
    }
    return &c->nodes[c->count];
}

/* Adds one node: a scalar, a key, or a value whose document ours holds. Fails with E_NOMEM. */
static inline int compose_push(struct compose *c, const struct value *node)
{
    struct value *slot = compose_slot(c);
    if (slot == NULL) {
        return E_NOMEM;
    }
    *slot = *node;
    c->count++;
    return 0;
}

/* Opens a list or map. Fails with E_LIMIT at VALUE_MAX_DEPTH. */
int compose_open(struct compose *c, enum value_type type);

/*
 * Closes the innermost container; in a map a whole number of members has been pushed.
 * Fails with E_NOMEM, E_LIMIT (more than a value can count), and E_EXISTS: the key of the
 * member at place `*out_double` (may be NULL) is there twice, and nothing has changed; with
 * `keeps_doubled` it closes.
 */
int compose_close(struct compose *c, size_t *out_double);

/* The document, whose root is the one node on the stack: owned by the caller. */
struct document *compose_take(struct compose *c);

#endif
