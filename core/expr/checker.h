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

#include "core/expr/expr.h"

struct error;

/* What is known of the data; `describe` may be NULL. */
struct checker_data {
    expr_describe_cb describe;
    void *user;
};

/* `*out_type` becomes the static type. E_INVALID with the place in `out_fault`, or E_NOMEM. */
int checker_run(const struct expr *expr, const struct checker_data *data, int *out_type,
                struct expr_fault *out_fault, struct error *err);

#endif
