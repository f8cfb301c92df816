/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_CONSTANT_H
#define CORE_EXPR_CONSTANT_H

/*
 * Constants: parts of a compiled expression that always have the same value, and so always fail
 * when they fail once: input.a + 5 / 0, now - duration('1d').
 *
 * Used by:  expr.
 * Uses:     eval, program.
 * Threads:  [any]
 */

struct error;
struct expr;
struct expr_fault;

/* What expr_find_failure() promises. */
int constant_find_failure(const struct expr *expr, struct expr_fault *out_fault, struct error *err);

#endif
