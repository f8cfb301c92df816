/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_MODEL_TREE_TEXT_H
#define TESTS_UNIT_MODEL_TREE_TEXT_H

/*
 * A tree as one line, with the place of each key and value, for tests of the readers.
 *
 * Used by:  tests/unit/model.
 * Uses:     model (tree).
 * Threads:  [any]
 */

struct strbuf;
struct tree;

/* {1:1 a=1:4 1, 2:1 b=[2:4 "x"]}: texts in quotes, other scalars as their kind has them. */
void tree_text(const struct tree *tree, struct strbuf *out);

#endif
