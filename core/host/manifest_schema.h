/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_MANIFEST_SCHEMA_H
#define CORE_HOST_MANIFEST_SCHEMA_H

/*
 * The JSON Schema of manifests: sdk/README.md explains each key.
 *
 * Used by:  manifest.
 * Uses:     nothing.
 * Threads:  [any]
 */

/* JSON text. */
extern const char manifest_schema_text[];

#endif
