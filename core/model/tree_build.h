/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_TREE_BUILD_H
#define CORE_MODEL_TREE_BUILD_H

/*
 * Lists and maps of trees: what both readers do when one ends (its items move to the arena and are
 * summed up), and maps that are put together from others.
 *
 * Used by:  yaml_tree, json_tree, profile, integration_files.
 * Uses:     tree, report.
 * Threads:  [any]
 */

#include <stddef.h>

struct arena;
struct report;
struct tree;
struct tree_member;

/* Fills `list` with copies of `items` (borrowed). Fails with E_NOMEM. */
int tree_build_list(struct tree *list, const struct tree *items, size_t count, struct arena *arena);

/*
 * Fills `map` from `pairs` (borrowed): key, value, key, value. Doubled keys are reported, each
 * with both places: E_INVALID. Fails with E_NOMEM.
 */
int tree_build_map(struct tree *map, const struct tree *pairs, size_t count,
                   const struct report *report, struct arena *arena);

/*
 * Makes `*out_map` a map without members where `like` is, and room for `count`; tree_build_add()
 * adds them, which are copied and not looked through for doubled keys. Fails with E_NOMEM.
 */
int tree_build_begin(struct tree *out_map, const struct tree *like, size_t count,
                     struct arena *arena);
void tree_build_add(struct tree *map, const struct tree_member *member);

#endif
