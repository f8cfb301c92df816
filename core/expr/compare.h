/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_COMPARE_H
#define CORE_EXPR_COMPARE_H

/*
 * Comparison of CEL values: equality of anything with anything, order of what has one. Numbers
 * compare by mathematical value, whatever their types.
 *
 * Used by:  the rest of expr.
 * Uses:     collection.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stdint.h>

struct cel;

/*
 * Whether `a` equals `b`. Each element that is looked at takes one of `*steps`; when they are
 * used up the answer is false and `*steps` is 0.
 */
bool compare_equal(const struct cel *a, const struct cel *b, uint64_t *steps);

/* The same for keys of maps, which are never collections. */
bool compare_keys(const struct cel *a, const struct cel *b);

/* Equal keys have equal hashes. */
uint64_t compare_hash(const struct cel *key);

enum compare_order {
    COMPARE_LESS = -1,
    COMPARE_SAME = 0,
    COMPARE_GREATER = 1,
    COMPARE_UNORDERED = 2, /* a NaN is among them */
    COMPARE_MISMATCH = 3,  /* these types have no order */
};

enum compare_order compare_order(const struct cel *a, const struct cel *b);

#endif
