/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_ESCAPE_H
#define CORE_BASE_ESCAPE_H

/*
 * Escape: text from outside, made harmless for a terminal or a log.
 *
 * Harmful are control characters (ESC among them), the characters that turn the direction of
 * text or break lines (U+2028 and the like), and bytes that are not UTF-8.
 *
 * Used by:  diagnostic, log, cli.
 * Uses:     str, utf8.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

/* Whether the character must not reach a terminal or a log as it is. */
bool escape_is_harmful(uint32_t code);

/* Appends `text`, harmful characters as \n, \t, \xNN, \uNNNN; a backslash stays a backslash. */
void escape_append_text(struct strbuf *out, struct str text);

/* Appends `text` as a JSON string with its quotes; harmful characters as \uNNNN, bytes that are
 * not UTF-8 as U+FFFD. */
void escape_append_json(struct strbuf *out, struct str text);

#endif
