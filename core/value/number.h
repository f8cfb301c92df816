/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_NUMBER_H
#define CORE_VALUE_NUMBER_H

/*
 * Numbers as text, in JSON's grammar, whatever the locale of the process is.
 *
 * Used by:  json, canonical, expr.
 * Uses:     base.
 * Threads:  [any]
 */

#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

struct value;

/* Room that is enough for any number that is written here; no NUL is written. */
enum { NUMBER_MAX_BYTES = 32 };

/*
 * Reads the JSON number that `text` (borrowed) begins with: a VALUE_INT when it has neither
 * fraction nor exponent, fits int64_t and is not "-0"; else the nearest VALUE_DOUBLE (ties to
 * even). `*out_used` gets its length.
 * Fails with E_INVALID when there is none (`*out_used`: the offset of the fault), E_LIMIT when
 * it overflows a double, E_NOMEM.
 */
int number_read(struct str text, struct value *out_value, size_t *out_used);

/* Writes `integer` to `out` (NUMBER_MAX_BYTES) and returns the length. */
size_t number_write_int(int64_t integer, char *out);

/*
 * Writes the finite `number` with the fewest digits that read back the same, and of those the
 * nearest; ".0" or an exponent keeps it apart from an integer: 1.0, 0.1, 1e-07, 1.5e+300, -0.0.
 */
size_t number_write_double(double number, char *out);

#endif
