/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_INPUT_DEFAULTS_H
#define CORE_MODEL_INPUT_DEFAULTS_H

/*
 * Input defaults: a run without an input takes them as they are, so they must keep the rules of
 * the schemas that they stand in.
 *
 * Used by:  model (top).
 * Uses:     draft, violations, value (schema).
 * Threads:  [any]
 */

struct document;
struct draft;
struct tree;

/*
 * Reports each default of the properties in the schema `tree`, also of inner ones, that breaks its
 * own schema. `schema` is the same, as a document that compiles. Fails with E_NOMEM.
 */
int input_defaults_check(struct draft *draft, const struct tree *tree,
                         const struct document *schema);

#endif
