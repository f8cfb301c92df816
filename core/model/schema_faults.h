/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_SCHEMA_FAULTS_H
#define CORE_MODEL_SCHEMA_FAULTS_H

/*
 * Schema faults: all that makes a JSON Schema of a file none, each at its place. A compilation ends
 * at the first fault; the next begins without the keyword that was at fault.
 *
 * Used by:  model (top).
 * Uses:     report, tree, value (schema).
 * Threads:  [any]
 */

struct document;
struct report;
struct schema;
struct tree;

/*
 * Compiles `document`, which `tree` was made to. 0: `*out_schema` is owned by the caller, or NULL
 * when faults were reported. Fails with E_NOMEM.
 */
int schema_faults_report(const struct report *report, const struct tree *tree,
                         struct document *document, struct schema **out_schema);

#endif
