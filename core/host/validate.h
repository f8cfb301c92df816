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

struct document;
struct error;
struct schema;
struct strbuf;

/*
 * Fails with E_INVALID: "/url is missing; /timeout must be a string (did you mean ...?)", E_NOMEM.
 */
int validate_document(const struct schema *schema, const struct document *document,
                      struct error *err);

/* The same; `first` (may be NULL) gets the JSON pointer to the first of what is wrong. */
int validate_document_at(const struct schema *schema, const struct document *document,
                         struct strbuf *first, struct error *err);

#endif
