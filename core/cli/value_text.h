/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_VALUE_TEXT_H
#define CORE_CLI_VALUE_TEXT_H

/*
 * Value text: a JSON value as people like to read it: members by name, items by dashes, text
 * without quotes, several lines as they are.
 *
 * Used by:  run_summary.
 * Uses:     value, terminal.
 * Threads:  [main]
 */

#include "core/base/str.h"

struct value;

/* Appends `value` in lines, each with `indent` spaces in front. Depth is at most 64. */
void value_text_append(const struct value *value, unsigned indent, struct strbuf *out);

#endif
