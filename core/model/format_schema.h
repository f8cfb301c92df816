/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_FORMAT_SCHEMA_H
#define CORE_MODEL_FORMAT_SCHEMA_H

/*
 * Format schema: the pipeline format with all node types as one JSON Schema (draft 2020-12), for
 * editors and other programs. It comes from the tables of keys (format.h), what they mean
 * (format_help.h) and the schemas of the types, so it says what the reader of files accepts as
 * far as a schema can: names, edges and expressions are for `opstream validate`.
 *
 * Keys that are not built yet are not in it, since an editor must not offer what is refused.
 *
 * Used by:  cli.
 * Uses:     format, format_help, template_schema, catalogue, value.
 * Threads:  [loop], as the catalogue.
 */

struct catalogue;
struct document;
struct engine_types;
struct error;

/*
 * On success `*out_document` is owned: document_unref(). The same types give the same document,
 * in the order of the tables and of the types' names. Fails with E_NOMEM.
 */
int format_schema_build(const struct catalogue *catalogue, const struct engine_types *engine_types,
                        struct document **out_document, struct error *err);

/* The same of opstream.yaml, see settings.h. */
int format_schema_build_settings(struct document **out_document, struct error *err);

#endif
