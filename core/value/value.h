/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_VALUE_H
#define CORE_VALUE_VALUE_H

/*
 * Values: JSON values as immutable trees inside reference-counted documents.
 *
 * A `struct value` is a 16-byte node. It lives in the arena of a document and may point into
 * other documents, which its own document then holds: embedding a value copies 16 bytes. Whoever
 * keeps a `const struct value *` keeps a reference to the document that it came from.
 *
 * Used by:  everything above base.
 * Uses:     base.
 * Threads:  [any]; documents never change once they are made, and their count is atomic.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

struct strbuf;
struct error;

enum value_type {
    VALUE_NULL,
    VALUE_BOOL,
    VALUE_INT,    /* fits int64_t and was written without fraction or exponent */
    VALUE_DOUBLE, /* always finite */
    VALUE_STRING, /* valid UTF-8, any code point, NUL among them */
    VALUE_LIST,
    VALUE_MAP, /* keys are unique, in the order in which they were written */
};

/*
 * Of a string: it was made of a secret. It is a value as any other, compared and measured by its
 * bytes, but who writes it out writes *** (json.h), and plugins may not read it (ops.value).
 */
enum { VALUE_SECRET = 1 };

/* Levels of lists and maps in any value; it also bounds every walk over one. */
enum { VALUE_MAX_DEPTH = 64 };

struct value_member;

/* Read it through the functions below; the layout is open only so that they are inline. */
struct value {
    uint8_t type;   /* enum value_type */
    uint8_t flags;  /* VALUE_SECRET */
    uint16_t depth; /* levels of lists and maps, its own among them; 0 for scalars */
    uint32_t count; /* bytes of a string, items of a list, members of a map */
    union {
        bool boolean;
        int64_t integer;
        double number;
        const char *text;
        const struct value *items;
        const struct value_member *members;
    } as;
};

struct value_member {
    struct value key; /* a VALUE_STRING */
    struct value value;
};

_Static_assert(sizeof(struct value) == 16, "a value is one 16-byte node");

/* A tree and all that it points to. Shared: document_ref(), document_unref(). */
struct document;

/* Returns `document` with one more reference; NULL gives NULL. */
struct document *document_ref(const struct document *document);

/* Gives one reference up; the last one frees the document. NULL is fine. */
void document_unref(const struct document *document);

static inline void document_unref_cleanup(struct document **local)
{
    document_unref(*local);
}
/* Marker: the local's reference is given up at the end of its scope. */
#define cleanup_document __attribute__((cleanup(document_unref_cleanup)))

/*
 * The same value in as little memory as it takes, for who keeps many small ones; or `document`
 * itself with one more reference, when there is nothing to win. Never NULL.
 */
struct document *document_pack(const struct document *document);

/* The tree's root, borrowed for as long as the caller holds the document. Never NULL. */
const struct value *document_root(const struct document *document);

/* Bytes of the document's own arena, without the documents that it holds. */
size_t document_size_bytes(const struct document *document);

/* With the documents that it holds, and those that they hold: each as often as it is held. */
size_t document_reach_bytes(const struct document *document);

/* What all documents of the process take that are whole. */
size_t document_total_bytes(void);

/* A document that is null, {} or []; static, so ref and unref do nothing and nothing can fail. */
struct document *document_null(void);
struct document *document_empty_map(void);
struct document *document_empty_list(void);

static inline enum value_type value_type(const struct value *value)
{
    return (enum value_type)value->type;
}

/* "null", "bool", "int", "double", "string", "list", "map"; static. */
const char *value_type_name(enum value_type type);

static inline bool value_is(const struct value *value, enum value_type type)
{
    return value != NULL && value->type == type;
}

static inline bool value_is_secret(const struct value *value)
{
    return (value->flags & VALUE_SECRET) != 0;
}

/* The following five read a value of exactly their type; the caller has looked. */
static inline bool value_bool(const struct value *value)
{
    return value->as.boolean;
}

static inline int64_t value_int(const struct value *value)
{
    return value->as.integer;
}

static inline double value_double(const struct value *value)
{
    return value->as.number;
}

static inline struct str value_str(const struct value *value)
{
    return (struct str){value->as.text, value->count};
}

/* Items of a list, members of a map, bytes of a string. */
static inline size_t value_count(const struct value *value)
{
    return value->count;
}

/* An int or double as double; other types give 0. */
double value_number(const struct value *value);

/* Item `i` of a list (i < count), borrowed. */
static inline const struct value *value_at(const struct value *list, size_t i)
{
    return &list->as.items[i];
}

/* Member `i` of a map (i < count), borrowed. */
const struct value_member *value_member_at(const struct value *map, size_t i);

/* The member `key` of a map, borrowed; NULL when there is none or `map` is no map (or NULL). */
const struct value *value_get(const struct value *map, struct str key);

/*
 * The value that JSON pointer `pointer` (RFC 6901: "" or "/a/0/b~1c") names below `value`,
 * borrowed; NULL when there is none or the pointer is malformed.
 */
const struct value *value_pointer(const struct value *value, struct str pointer);

/* Appends "/" and the escaped `key` to a JSON pointer in `out`. */
void value_pointer_append(struct strbuf *out, struct str key);

/*
 * Equality as JSON Schema and CEL mean it: numbers by mathematical value (1 equals 1.0), maps
 * without regard to order. Iterative.
 */
bool value_equal(const struct value *a, const struct value *b);

/*
 * Appends the canonical form: compact JSON, keys sorted by bytes, numbers that are equal written
 * alike. Two values have the same canonical form exactly when value_equal() holds.
 */
void value_write_canonical(const struct value *value, struct strbuf *out);

#endif
