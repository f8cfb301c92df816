/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_VALIDATE_H
#define CORE_HOST_VALIDATE_H

/*
 * Validate: a document against a schema, with all that is wrong in one line for people.
 *
 * Used by:  manifest, instance, host.
 * Uses:     value/schema.h.
 * Threads:  [any]
 */

#include "core/base/str.h"

struct document;
struct error;
struct schema;

/*
 * Fails with E_INVALID: "/url is missing; /timeout must be a string (did you mean ...?)", E_NOMEM.
 */
int validate_document(const struct schema *schema, const struct document *document,
                      struct error *err);

/* Appends where in a text the value of `pointer` stands, and what parts it from what follows. */
typedef void (*validate_place_cb)(struct strbuf *out, struct str pointer, void *user);

/*
 * The same. `first` (may be NULL) gets the JSON pointer to the first of what is wrong; the others
 * begin with what `append_place` (may be NULL) says of them.
 */
int validate_document_at(const struct schema *schema, const struct document *document,
                         struct strbuf *first, validate_place_cb append_place, void *user,
                         struct error *err);

#endif
