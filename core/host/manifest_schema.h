/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_MANIFEST_SCHEMA_H
#define CORE_HOST_MANIFEST_SCHEMA_H

/*
 * The JSON Schema of manifests. What its descriptions and defaults say is opstream-plugin.json(5).
 *
 * Used by:  manifest, cli (man_manifest).
 * Uses:     value.
 * Threads:  [any]
 */

struct document;
struct error;

/* On success `*out_schema` is owned: document_unref(). Fails with E_NOMEM. */
int manifest_schema_read(struct document **out_schema, struct error *err);

#endif
