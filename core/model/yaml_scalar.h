/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_YAML_SCALAR_H
#define CORE_MODEL_YAML_SCALAR_H

/*
 * Plain YAML scalars by the core schema of YAML 1.2: null, booleans, numbers that JSON can hold;
 * all else is text, `no`, `on`, `12:30`, `.inf` and `1_000` among it.
 *
 * Used by:  yaml_tree.
 * Uses:     value (numbers).
 * Threads:  [any]
 */

struct tree;

/* Sets kind and value of `scalar` from its text. Fails with E_NOMEM. */
int yaml_scalar_resolve(struct tree *scalar);

#endif
