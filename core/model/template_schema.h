/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_TEMPLATE_SCHEMA_H
#define CORE_MODEL_TEMPLATE_SCHEMA_H

/*
 * Template schema: the JSON Schema of a config as it is written, made from that of a config as it
 * is when its templates are filled in. Wherever a value may stand, text with {{ }} or ${ } may
 * stand, too, but for fields that are marked raw; where text is wanted, a plain number is text.
 * What only means something here (x-*, `format: cel`) is left out, so that others can read it.
 *
 * Used by:  format_schema, format_parts, node_schema.
 * Uses:     value.
 * Threads:  [any]
 */

#include "core/base/str.h"

struct builder;
struct value;

/* The definition that the schemas refer to: `{"pattern": ...}`, which texts with templates fit. */
#define TEMPLATE_SCHEMA_NAME    "template"
#define TEMPLATE_SCHEMA_PATTERN "\\{\\{|\\$\\{"

/*
 * Adds the members of the schema that is made from `schema` to the open map of `b`. References
 * into it begin with "#"; in the document that is being built it will stand at `pointer`
 * ("#/$defs/config.http"). A schema that cannot stand inside another one (it has names of its
 * own, or is very deep) becomes one that takes any object. `more` (may be NULL) is a map of
 * further properties, as they are; they come before the schema's own, and in place of those of
 * the same name. Fails with E_NOMEM, as the builder does, too.
 */
int template_schema_build(struct builder *b, const struct value *schema, struct str pointer,
                          const struct value *more);

#endif
