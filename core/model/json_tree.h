/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_JSON_TREE_H
#define CORE_MODEL_JSON_TREE_H

/*
 * JSON text → tree, by the strict reader of core/value and a second pass for the places.
 *
 * Used by:  definition, tests.
 * Uses:     tree, report, value.
 * Threads:  [any]
 */

struct arena;
struct report;
struct tree;

/* As yaml_tree_read(), for JSON. */
int json_tree_read(const struct report *report, struct arena *arena, struct tree *out_tree);

#endif
