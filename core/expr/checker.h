/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_CHECKER_H
#define CORE_EXPR_CHECKER_H

/*
 * Checker: the types of a compiled expression. What is sure to fail because of its types is
 * refused: 1 + 'a', size(3), a field of a number. What depends on data is left to the evaluation,
 * and so is what only fails with certain values.
 *
 * Used by:  compile.
 * Uses:     kind, program.
 * Threads:  [any]
 */

struct error;
struct expr;
struct expr_fault;

/* Sets `expr->static_type`. E_INVALID with the place in `out_fault`, or E_NOMEM. */
int checker_run(struct expr *expr, struct expr_fault *out_fault, struct error *err);

#endif
