/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_ROOT_NAMES_H
#define CORE_MODEL_ROOT_NAMES_H

/*
 * Root names: the names that mean something in every expression, and others that no node may have.
 *
 * Used by:  model.
 * Uses:     pipeline (slots).
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"

struct root_name {
    struct str name;
    int slot; /* -1: reserved, but there in few places only */
};

/* One by one; NULL behind the last. */
const struct root_name *root_names_at(size_t i);
/* NULL: none is called so. */
const struct root_name *root_names_find(struct str name);

/* A name that means something in every expression, or a reserved word of CEL. */
bool root_names_is_reserved(struct str name);
/* The reserved names, one by one; empty behind the last. */
struct str root_names_reserved_at(size_t i);

/* The shape of a name in an expression: [A-Za-z_][A-Za-z0-9_]*. */
bool root_names_is_identifier(struct str name);

#endif
