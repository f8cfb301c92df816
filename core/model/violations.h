/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_VIOLATIONS_H
#define CORE_MODEL_VIOLATIONS_H

/*
 * Violations: a part of the file against a JSON Schema, each broken rule at its place.
 *
 * Used by:  model.
 * Uses:     draft, scope, value (schema).
 * Threads:  [any]
 */

#include "core/model/draft.h"

struct schema;
struct scope_at;
struct template;
struct tree;
struct value;

/*
 * Compiles `tree` (NULL: an empty map) as a template and checks it against `schema` (may be
 * NULL) as far as the template's values are known. 0: `*out_template` is the pipeline's, or NULL
 * when something was reported. Fails with E_NOMEM.
 */
int violations_check_template(struct draft *draft, const struct tree *tree,
                              const struct schema *schema, const struct scope_at *at,
                              const struct template **out_template);

/*
 * Checks `value` (NULL: an empty map), a part of a template's source that is written as `tree`,
 * against `schema` with its defaults filled in, as far as its values are known. Fails with
 * E_NOMEM.
 */
int violations_check_open(struct draft *draft, const struct tree *tree, const struct value *value,
                          const struct schema *schema, const char *what);

/* Checks `tree` as it stands: nothing in it is a template. Fails with E_NOMEM. */
int violations_check_plain(struct draft *draft, const struct tree *tree,
                           const struct schema *schema, const struct scope_at *at);

#endif
