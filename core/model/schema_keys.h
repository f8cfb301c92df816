/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_SCHEMA_KEYS_H
#define CORE_MODEL_SCHEMA_KEYS_H

/*
 * Schema keys: what a JSON Schema in a pipeline has that is no keyword. JSON Schema takes any such
 * key for a remark and goes on, so a misspelt `requried` would check nothing and nobody would know.
 *
 * Used by:  model (top).
 * Uses:     tree, report, value (schema).
 * Threads:  [any]
 */

struct report;
struct tree;

/*
 * Warns of each key that is neither a keyword nor begins with `x-`, in the schema `tree` and in
 * those within it. A schema that has no keyword at all is an error: it is the properties alone.
 */
void schema_keys_check(const struct report *report, const struct tree *tree);

#endif
