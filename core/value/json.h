/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_JSON_H
#define CORE_VALUE_JSON_H

/*
 * JSON text (RFC 8259): reader and writer.
 *
 * The reader is strict: UTF-8 without byte order mark, no duplicate keys, no lone surrogates,
 * one value and nothing behind it. Integers that int64_t cannot hold become doubles; numbers
 * that overflow a double are refused. Reading is iterative.
 *
 * Used by:  everything above value.
 * Uses:     value.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

struct document;
struct error;
struct value;

struct json_limits {
    size_t max_bytes;   /* of the text */
    uint32_t max_depth; /* nested lists and maps; VALUE_MAX_DEPTH (64) bounds it in any case */
    size_t max_values;  /* nodes in all, keys not counted */
    bool keeps_doubled; /* keys that are there twice stay, for a caller that looks for them */
};

/* 16 MiB, depth 64, 1,000,000 values. */
extern const struct json_limits json_default_limits;

/*
 * Reads `text` (borrowed) into a new document. `limits` may be NULL for the default.
 * On success `*out_document` is owned by the caller: end it with document_unref().
 * Fails with E_INVALID (with line and column), E_LIMIT (the message names the limit), E_NOMEM.
 */
int json_read(struct str text, const struct json_limits *limits, struct document **out_document,
              struct error *err);

enum json_style {
    JSON_COMPACT, /* {"a":[1,2]} */
    JSON_PRETTY,  /* two spaces of indentation, one member or item a line */
    JSON_OPEN,    /* compact, and strings that are made of secrets as they are */
};

/*
 * Appends `value` as JSON text, "***" for strings that are made of secrets; doubles as the shortest
 * text that reads back the same, with ".0" when it would look like an integer. A failed allocation
 * shows in strbuf_status(out).
 */
void json_write(const struct value *value, enum json_style style, struct strbuf *out);

/* Appends `text` as a JSON string with its quotes. */
void json_write_string(struct str text, struct strbuf *out);

#endif
