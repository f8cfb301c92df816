/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_TREE_BUILD_H
#define CORE_MODEL_TREE_BUILD_H

/*
 * What both readers do when a list or map ends: its items move to the arena and are summed up.
 *
 * Used by:  yaml_tree, json_tree.
 * Uses:     tree, report.
 * Threads:  [any]
 */

#include <stddef.h>

struct arena;
struct report;
struct tree;

/* Fills `list` with copies of `items` (borrowed). Fails with E_NOMEM. */
int tree_build_list(struct tree *list, const struct tree *items, size_t count, struct arena *arena);

/*
 * Fills `map` from `pairs` (borrowed): key, value, key, value. Doubled keys are reported, each
 * with both places: E_INVALID. Fails with E_NOMEM.
 */
int tree_build_map(struct tree *map, const struct tree *pairs, size_t count,
                   const struct report *report, struct arena *arena);

#endif
