/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_SCHEMA_NUMBER_H
#define CORE_VALUE_SCHEMA_NUMBER_H

/*
 * Number rules of JSON Schema, exact for integers of 64 bits and for decimals.
 *
 * Used by:  schema_*.c.
 * Uses:     value, number.
 * Threads:  [any]
 */

#include <stdbool.h>

struct value;

/* <0, 0, >0 as the number `a` is less than, equal to or more than the number `b`. Exact. */
int schema_number_compare(const struct value *a, const struct value *b);

/*
 * Whether the number is a whole multiple of `divisor` (> 0), both taken as the shortest decimals
 * that read back the same: 0.3 is a multiple of 0.1.
 */
bool schema_number_is_multiple(const struct value *number, const struct value *divisor);

/* Whether the value is a number without fraction: 3 and 3.0. */
bool schema_number_is_whole(const struct value *number);

#endif
