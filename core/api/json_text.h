/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_JSON_TEXT_H
#define CORE_API_JSON_TEXT_H

/*
 * JSON text: members of the documents that clients read, from what the journal has: text, moments,
 * spans of time, JSON texts.
 *
 * Used by:  the files of this folder, run_result of cli.
 * Uses:     value.
 * Threads:  [any]
 */

#include <stdint.h>

#include "core/base/str.h"

struct builder;
struct document;
struct value;

/* Appends `text`; bytes that are no UTF-8 are replaced by U+FFFD. */
void json_text_mend(struct str text, struct strbuf *out);

/* A text; bytes that are no UTF-8 are replaced by U+FFFD. */
void json_text_member(struct builder *b, struct str key, struct str text);
/* The same; an empty one is null. */
void json_text_member_or_null(struct builder *b, struct str key, struct str text);

/* RFC 3339; 0 is null. */
void json_text_time(struct builder *b, struct str key, int64_t unix_ms);

/* Seconds from one moment to the other; null when one of them is 0. */
void json_text_seconds(struct builder *b, struct str key, int64_t from_ms, int64_t to_ms);

/*
 * What the journal's `json` is; NULL when it is empty or cannot be read. Without memory the builder
 * fails, too. Owned by the caller: document_unref().
 */
struct document *json_text_read(struct builder *b, struct str json);

/*
 * `value` (NULL: null) of `document`, embedded. One that is too deep to stand below `levels` levels
 * is there as the text of its JSON.
 */
void json_text_part(struct builder *b, const struct document *document, const struct value *value,
                    unsigned levels);

/*
 * The value that JSON text is; an empty one is null. One that is too deep to stand below `levels`
 * levels, or cannot be read, is there as its text.
 */
void json_text_value(struct builder *b, struct str json, unsigned levels);

#endif
