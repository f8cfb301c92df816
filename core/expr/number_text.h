/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_NUMBER_TEXT_H
#define CORE_EXPR_NUMBER_TEXT_H

/*
 * Doubles as text and back.
 *
 * Used by:  fn_type, fn_format.
 * Uses:     value/number.
 * Threads:  [any]
 */

#include <stdbool.h>

#include "core/base/str.h"

/* The shortest text that reads back the same: "1.5", "1e+21", "NaN", "Infinity", "-Infinity". */
void number_text_write(double number, struct strbuf *out);

/* Reads all of `text`: digits, fraction, exponent, or "NaN", "Inf", "Infinity" with a sign. */
bool number_text_read(struct str text, double *out);

#endif
