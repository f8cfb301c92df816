/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_KIND_H
#define CORE_EXPR_KIND_H

/*
 * Kinds: the types that a value may turn out to have, as far as the text of an expression tells.
 * What comes from data may be anything.
 *
 * Used by:  checker, eval (hints), function (what arguments may be).
 * Uses:     cel.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/expr/cel.h"

struct arena;

/* Bits of types; lists and maps of documents count as CEL_LIST and CEL_MAP. */
enum kind_mask {
    KIND_NULL = 1u << CEL_NULL,
    KIND_BOOL = 1u << CEL_BOOL,
    KIND_INT = 1u << CEL_INT,
    KIND_UINT = 1u << CEL_UINT,
    KIND_DOUBLE = 1u << CEL_DOUBLE,
    KIND_STRING = 1u << CEL_STRING,
    KIND_BYTES = 1u << CEL_BYTES,
    KIND_LIST = 1u << CEL_LIST,
    KIND_MAP = 1u << CEL_MAP,
    KIND_TIMESTAMP = 1u << CEL_TIMESTAMP,
    KIND_DURATION = 1u << CEL_DURATION,
    KIND_TYPE = 1u << CEL_TYPE,
    KIND_OPTIONAL = 1u << CEL_OPTIONAL,
    KIND_OBJECT = 1u << CEL_OBJECT,
    KIND_NUMBER = KIND_INT | KIND_UINT | KIND_DOUBLE,
    KIND_KEY = KIND_STRING | KIND_INT | KIND_UINT | KIND_BOOL, /* of a map */
    KIND_ORDERED = KIND_BOOL | KIND_STRING | KIND_BYTES | KIND_TIMESTAMP | KIND_DURATION |
                   KIND_NUMBER,
    KIND_ANY = 0x7FFF & ~(1u << CEL_JSON),
};

struct kind {
    uint16_t mask;           /* enum kind_mask; never empty */
    bool from_data;          /* its numbers may mix with others */
    const struct kind *item; /* of a list, the values of a map; NULL: anything */
    const struct kind *key;  /* of a map; NULL: anything */
    const void *shape;       /* of data, see expr_describe_cb; NULL: not known */
};

extern const struct kind kind_any;

static inline struct kind kind_of(unsigned mask)
{
    return (struct kind){.mask = (uint16_t)mask};
}

/* The kind of a constant; what it points to lives in `arena`. False: out of memory. */
bool kind_of_value(const struct cel *cel, struct arena *arena, struct kind *out);

/* Makes `*into` the kind of what is one or the other; false: out of memory. */
bool kind_merge(struct kind *into, const struct kind *other, struct arena *arena);

enum { KIND_TEXT_BYTES = 160 };

/* "int", "int or string", "something". */
void kind_write(const struct kind *kind, char out[KIND_TEXT_BYTES]);

/*
 * What would have helped where operator `what` does not take the types `a` and `b`: ": convert with
 * int(x)"; empty for others.
 */
const char *kind_operator_hint(const char *what, unsigned a, unsigned b);

#endif
