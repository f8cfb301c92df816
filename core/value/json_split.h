/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_JSON_SPLIT_H
#define CORE_VALUE_JSON_SPLIT_H

/*
 * JSON split: the members of an object's text, or the items of a list's, as pieces of that text,
 * without reading what is in them: for text of our own making, whose values are read one by one
 * (and, each for itself, as deep as values may be).
 *
 *     struct json_split split = json_split_begin(text);
 *     while ((more = json_split_next(&split, &key, &value)) > 0) { ... }
 *
 * Used by:  engine (record_json), journal, cli.
 * Uses:     str.
 * Threads:  [any]
 */

#include <stdbool.h>

#include "core/base/str.h"

struct json_split {
    struct str rest;
    char close; /* 0: the text is neither a map nor a list */
    bool has_begun;
};

/* `text` is borrowed as long as its pieces are. */
struct json_split json_split_begin(struct str text);

/*
 * 1 and the next piece; 0 at the end; E_INVALID when the text is broken off, or has something
 * behind its end. `*out_key` is what stands between the quotes, as it is written; empty in a list.
 * Of the value only its brackets and quotes are looked at: json_read() it.
 */
int json_split_next(struct json_split *split, struct str *out_key, struct str *out_value);

#endif
