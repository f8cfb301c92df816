/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_LOOKUP_H
#define CORE_MODEL_LOOKUP_H

/*
 * Lookup: what a name means where an expression is written, and what was meant by one that means
 * nothing.
 *
 * Used by:  scope.
 * Uses:     draft, expr, name_hint, root_names.
 * Threads:  [any]; one draft belongs to one thread at a time.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/expr/expr.h"

struct draft;
struct scope_at;

/* Where an expression is written. */
struct lookup {
    struct draft *draft;
    uint32_t body; /* names are looked up here first */
    const struct scope_at *at;
    bool is_lost; /* a name may be that of a node that could not be read: that was reported */
};

/* `draft` and `at` are kept. */
struct lookup lookup_at(struct draft *draft, const struct scope_at *at);

/* The names of the place, for compiling; `lookup` is kept by them. */
struct expr_names lookup_names(struct lookup *lookup);

#endif
