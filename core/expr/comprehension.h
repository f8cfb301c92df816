/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_COMPREHENSION_H
#define CORE_EXPR_COMPREHENSION_H

/*
 * Comprehensions: the macros that walk a list or a map, and those that bind one value to a name.
 * A loop over the items is a loop here, never a recursion.
 *
 * Used by:  eval.
 * Uses:     eval, collection.
 * Threads:  [any]
 */

struct cel;
struct code;
struct evaluation;

/* `code` is an OP_MACRO of any kind. */
int comprehension_evaluate(struct evaluation *ev, const struct code *code, struct cel *out);

#endif
