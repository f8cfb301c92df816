/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_SURE_FAILURE_H
#define CORE_MODEL_SURE_FAILURE_H

/*
 * Sure failure: expressions that fail whatever the data are, or whose result can never stand where
 * it is to stand.
 *
 * Used by:  scope.
 * Uses:     draft, expr.
 * Threads:  [any]; one draft belongs to one thread at a time.
 */

#include <stddef.h>

struct draft;
struct template;
struct use;

/* A use whose result stands in a template. */
struct sure_failure_place {
    const struct template *template;
    size_t i; /* of the expression in it */
};

/*
 * Reports what always fails in the expression of `use`, or with its result in `in` (may be NULL).
 * `what` is for messages. `*type` becomes that of its value, where that is known. Fails with
 * E_NOMEM.
 */
int sure_failure_report(struct draft *draft, const struct use *use, const char *what,
                        const struct sure_failure_place *in, int *type);

#endif
