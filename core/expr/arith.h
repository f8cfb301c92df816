/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_ARITH_H
#define CORE_EXPR_ARITH_H

/*
 * Arithmetic of values: + - * / % and the minus sign. Integers that overflow and divisions by
 * zero fail. An int meets a double only when one of them came from a document: literals of the
 * wrong type are a mistake, data is as it is.
 *
 * Used by:  eval.
 * Uses:     eval.
 * Threads:  [any]
 */

struct cel;
struct code;
struct evaluation;

/* `code->op` is OP_ADD to OP_MODULO. */
int arith_binary(struct evaluation *ev, const struct code *code, const struct cel *a,
                 const struct cel *b, struct cel *out);

int arith_negate(struct evaluation *ev, const struct code *code, const struct cel *a,
                 struct cel *out);

#endif
