/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_YAML_TREE_H
#define CORE_MODEL_YAML_TREE_H

/*
 * YAML text → tree. One document, no tags, no merge keys, no doubled keys; aliases are bounded.
 *
 * Used by:  definition, settings, tests.
 * Uses:     tree, report; libyaml, which nothing else includes.
 * Threads:  [any]
 */

struct arena;
struct report;
struct tree;

/*
 * Reads the report's source, which must be valid UTF-8. On success `*out_tree` lives in `arena`
 * and borrows texts from the source. Fails with E_INVALID (said in the report) and E_NOMEM. When
 * doubled keys are all that is wrong, E_INVALID comes with the tree, all members in it.
 */
int yaml_tree_read(const struct report *report, struct arena *arena, struct tree *out_tree);

#endif
