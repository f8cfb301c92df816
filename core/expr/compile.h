/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_COMPILE_H
#define CORE_EXPR_COMPILE_H

/*
 * Compilation: from the syntax tree to the program. Names become slots or variables, macros and
 * functions are chosen, constants folded, and the uses of root names listed.
 *
 * Used by:  expr.
 * Uses:     ast, macro, function, program.
 * Threads:  [any]
 */

struct ast;
struct error;
struct expr;
struct expr_fault;
struct expr_names;

/*
 * Fills `expr`, whose arena and text are set. E_INVALID, E_LIMIT or E_NOMEM, with the place in
 * `out_fault`; `expr` is then half-built and still expr_destroy()'s.
 */
int compile_program(const struct ast *ast, const struct expr_names *names, unsigned flags,
                    struct expr *expr, struct expr_fault *out_fault, struct error *err);

#endif
