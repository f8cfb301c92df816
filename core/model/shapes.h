/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_SHAPES_H
#define CORE_MODEL_SHAPES_H

/*
 * Shapes: what is known of the data that expressions read before a run exists: the input by its
 * schema, outputs by the schemas of their nodes' types, the run's own fields by what they are. Only
 * what a schema is sure to enforce counts: `type`, `properties`, `items` and local `$ref`s; behind
 * a choice nothing is known.
 *
 * Used by:  references.
 * Uses:     draft, expr.
 * Threads:  [any]
 */

#include <stdbool.h>

#include "core/expr/expr.h"

struct draft;

/*
 * An expr_describe_cb; `user` is a struct draft whose nodes have their types. Without memory
 * nothing is known, and the draft says so.
 */
struct expr_shape shapes_describe(void *user, int slot, const void *above, const struct str *field);

/* Something is known of the data that `expr` reads. */
bool shapes_know(const struct draft *draft, const struct expr *expr);

#endif
