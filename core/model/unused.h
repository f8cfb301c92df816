/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_UNUSED_H
#define CORE_MODEL_UNUSED_H

/*
 * Unused: settings that a plugin takes and has no use for yet. Whoever gives one is told, so that
 * nobody relies on it.
 *
 * Used by:  top.
 * Uses:     schema_marks, report, tree.
 * Threads:  [any]
 */

struct report;
struct tree;
struct value;

/*
 * Warns of each member of `tree` whose place in `schema` (of the same map; NULL: there is none)
 * says `x-ops-unused`: why that is. `what` is what the tree is called.
 */
void unused_report(const struct report *report, const struct tree *tree, const struct value *schema,
                   const char *what);

#endif
