/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_CEL_H
#define CORE_EXPR_CEL_H

/*
 * CEL values: what expressions compute with. JSON values of documents take part without being
 * copied; lists and maps that an expression makes live in the arena of its evaluation.
 *
 * Used by:  expr, template, engine (scopes).
 * Uses:     value.
 * Threads:  [any]; immutable.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/value/value.h"

struct builder;
struct cel;
struct cel_list;
struct cel_map;
struct error;

enum cel_type {
    CEL_NULL,
    CEL_BOOL,
    CEL_INT,
    CEL_UINT,
    CEL_DOUBLE,
    CEL_STRING,
    CEL_BYTES,
    CEL_LIST, /* made by the expression */
    CEL_MAP,
    CEL_JSON,      /* a list or map of a document */
    CEL_TIMESTAMP, /* `time`: since 1970, UTC */
    CEL_DURATION,
    CEL_TYPE,
    CEL_OPTIONAL,
    CEL_OBJECT, /* something of the scope's owner that has fields: a node, the run */
};

/*
 * An object of the scope's owner. `get` returns 0 and the field, or 1 when there is no such
 * field, or a negative code with `err`. It is pure.
 */
struct cel_object_class {
    const char *name; /* "node", "run": for messages */
    int (*get)(const void *object, uint32_t index, struct str field, struct cel *out,
               struct error *err);
    /* What get() would return, without the field; NULL: get() is asked. */
    int (*has)(const void *object, uint32_t index, struct str field, struct error *err);
};

struct cel {
    uint8_t type;      /* enum cel_type */
    uint8_t from_data; /* a number that came from a document, not from a literal */
    uint16_t reserved;
    uint32_t index; /* CEL_OBJECT: the owner's; else 0 */
    union {
        bool boolean;
        int64_t integer;
        uint64_t uinteger;
        double number;
        struct str text; /* CEL_STRING, CEL_BYTES, CEL_TYPE (its name) */
        const struct cel_list *list;
        const struct cel_map *map;
        const struct cel *optional; /* CEL_OPTIONAL: NULL is none */
        struct {
            const struct value *value;
            const struct document *document; /* borrowed: who evaluates holds it */
        } json;
        struct {
            const struct cel_object_class *class_;
            const void *object;
        } object;
        struct {
            int64_t seconds;
            int32_t nanos;
        } time;
    } as;
};

/*
 * Makes `*out` the CEL value of a JSON value; `document` (borrowed) is the one that holds it.
 * Member by member, because a value that is made elsewhere and copied at once stalls the processor
 * for longer than an instruction of an expression takes.
 */
static inline void cel_set_value(struct cel *out, const struct document *document,
                                 const struct value *value)
{
    static const uint8_t types[] = {
        [VALUE_NULL] = CEL_NULL,     [VALUE_BOOL] = CEL_BOOL,     [VALUE_INT] = CEL_INT,
        [VALUE_DOUBLE] = CEL_DOUBLE, [VALUE_STRING] = CEL_STRING, [VALUE_LIST] = CEL_JSON,
        [VALUE_MAP] = CEL_JSON,
    };
    out->type = types[value->type];
    out->from_data = 1;
    out->reserved = 0;
    out->index = 0;
    switch (value_type(value)) {
    case VALUE_NULL:
        break;
    case VALUE_BOOL:
        out->as.boolean = value_bool(value);
        break;
    case VALUE_INT:
        out->as.integer = value_int(value);
        break;
    case VALUE_DOUBLE:
        out->as.number = value_double(value);
        break;
    case VALUE_STRING:
        out->as.text.p = value->as.text;
        out->as.text.n = value->count;
        break;
    case VALUE_LIST:
    case VALUE_MAP:
        out->as.json.value = value;
        out->as.json.document = document;
        break;
    }
}

/* The same as a result. */
static inline struct cel cel_from_value(const struct document *document, const struct value *value)
{
    struct cel cel = {.type = CEL_NULL};
    cel_set_value(&cel, document, value);
    return cel;
}

/* For people: "int", "string", "timestamp", "list". */
const char *cel_type_name(const struct cel *cel);

/* The name that type() gives: "int", "google.protobuf.Timestamp", "null_type". */
const char *cel_type_identifier(const struct cel *cel);

/*
 * Adds `cel` to a document: documents are shared, timestamps become RFC 3339 text, durations
 * their CEL text. Fails with E_INVALID for what JSON cannot hold (bytes, types, objects, NaN).
 */
int cel_build(const struct cel *cel, struct builder *b, struct error *err);

#endif
