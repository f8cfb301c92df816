/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_BUILDER_H
#define CORE_VALUE_BUILDER_H

/*
 * Builder: makes a document step by step, in the order in which JSON text would be written.
 *
 *     struct builder *b = builder_create();
 *     builder_map_begin(b);
 *     builder_key(b, STR("name"));
 *     builder_string(b, name);
 *     builder_map_end(b);
 *     status = builder_finish(b, &document, err);     (ends the builder, also on failure)
 *
 * The first failure (memory, a doubled key, a depth over the limit) is remembered: later calls
 * do nothing and builder_finish() reports it. Calls in an impossible order (a value in a map
 * without its key, an end without a begin) are our bug: CHECK.
 * All functions take NULL for `b` as "out of memory", so builder_create() needs no check.
 *
 * Used by:  everything above value.
 * Uses:     value.
 * Threads:  [any]; one builder belongs to one thread at a time.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

struct builder;
struct document;
struct error;
struct value;

/* Owned: end it with builder_finish() or builder_destroy(). NULL when out of memory. */
struct builder *builder_create(void);
void builder_destroy(struct builder *b);

void builder_null(struct builder *b);
void builder_bool(struct builder *b, bool boolean);
void builder_int(struct builder *b, int64_t integer);
/* JSON has no NaN and no infinity: these fail with E_INVALID. */
void builder_double(struct builder *b, double number);
/* Copies `text`; text that is not UTF-8 fails with E_INVALID. */
void builder_string(struct builder *b, struct str text);

/* The string that was added last is made of a secret; another value is left as it is. */
void builder_hide(struct builder *b);

void builder_list_begin(struct builder *b);
void builder_list_end(struct builder *b);
void builder_map_begin(struct builder *b);
void builder_map_end(struct builder *b);
/* Before each value of a map. A key that is there already fails with E_EXISTS. */
void builder_key(struct builder *b, struct str key);

/*
 * Adds a value of another document without copying its tree: the new document holds `document`
 * (shared). Scalars and short strings are copied, and then nothing is held. A value that would
 * make the new one deeper than VALUE_MAX_DEPTH fails with E_LIMIT.
 */
void builder_embed(struct builder *b, const struct document *document, const struct value *value);

/* Adds a deep copy of a value whose document the caller does not know. */
void builder_copy(struct builder *b, const struct value *value);

/* key + value in one call. */
void builder_member_string(struct builder *b, struct str key, struct str text);
void builder_member_int(struct builder *b, struct str key, int64_t integer);
void builder_member_double(struct builder *b, struct str key, double number);
void builder_member_bool(struct builder *b, struct str key, bool boolean);
void builder_member_null(struct builder *b, struct str key);

/* What was to be added could not be made for lack of memory: builder_finish() fails so. */
void builder_fail_nomem(struct builder *b);

/*
 * Ends the builder in every case. Exactly one value must have been added.
 * On success `*out_document` is owned by the caller: document_unref().
 * Fails with E_NOMEM, E_INVALID, E_EXISTS, E_LIMIT.
 */
int builder_finish(struct builder *b, struct document **out_document, struct error *err);

#endif
