/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_SCHEMA_TEXT_H
#define CORE_CLI_SCHEMA_TEXT_H

/*
 * Schema text: a JSON Schema as a list of fields that people read.
 *
 * Used by:  cmd_nodes.
 * Uses:     value, terminal.
 * Threads:  [main]
 */

#include "core/base/str.h"

struct value;

/*
 * Appends one line for each property: name, type or allowed values, "required" or the default,
 * and its description; properties of objects follow, indented. `schema` is the JSON text.
 */
void schema_text_append(const struct value *schema, unsigned indent, struct strbuf *out);

#endif
