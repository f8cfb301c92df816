/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_SCHEMA_MARKS_H
#define CORE_MODEL_SCHEMA_MARKS_H

/*
 * Schema marks: what a JSON Schema says about one place of a config, beside what it validates:
 * whether text is wanted there, whether it is raw, an expression, or a place for secrets.
 *
 * A subschema is found by properties, additionalProperties, items and prefixItems, through $ref
 * and the branches of allOf, anyOf and oneOf; the first that says something wins.
 *
 * Used by:  model.
 * Uses:     value.
 * Threads:  [any]
 */

#include <stdbool.h>

#include "core/base/str.h"

struct value;

/* The subschema for the member `key`, or for the items when `key` is NULL; NULL when none says. */
const struct value *schema_marks_child(const struct value *root, const struct value *schema,
                                       const struct str *key);

/* The subschema for the value at JSON pointer `pointer` (list indexes match items). */
const struct value *schema_marks_at(const struct value *root, struct str pointer);

/* Only text may stand here, so a plain `2.0` is meant as text. */
bool schema_marks_wants_text(const struct value *root, const struct value *schema);

/* The annotation `name` is true here. */
bool schema_marks_flag(const struct value *root, const struct value *schema, struct str name);

/* What the annotation `x-ops-unused` says; empty: it is not there. */
struct str schema_marks_unused(const struct value *root, const struct value *schema);

/* `format: cel`. */
bool schema_marks_is_expression(const struct value *root, const struct value *schema);

/* The type's object has no other members than those in properties. */
bool schema_marks_is_closed(const struct value *root, const struct value *schema);

/* The properties, or NULL. */
const struct value *schema_marks_properties(const struct value *root, const struct value *schema);

#endif
