/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_TEMPLATE_STATE_H
#define CORE_EXPR_TEMPLATE_STATE_H

/*
 * Template state: what a compiled template is. Private to the files template*.c.
 *
 * It is a source document and marks: one for each string that holds an expression and for each
 * list and map above one, in the order in which a walk meets them (template_walk.h).
 *
 * Used by:  template, template_compile, template_start, template_walk.
 * Uses:     expr, pieces, value.
 * Threads:  [any]; constant once it is compiled.
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/str.h"
#include "core/expr/pieces.h"

struct document;
struct expr;
struct value;

/* A string or a container that is not simply copied, or that is raw and is. */
struct template_mark {
    const struct value *value;
    size_t parent; /* the mark of the container around it; SIZE_MAX at the root */
    struct str pointer;
    struct piece *pieces; /* of a string */
    size_t piece_count;
    struct expr **exprs; /* as many as pieces; NULL for those that are none */
    bool is_dynamic;     /* an expression is in it or below it */
    bool is_raw;
};

/* An expression. */
struct template_use {
    size_t mark;
    size_t piece;
};

/* A variable that has no value. */
struct template_unset {
    struct str name;
    struct str pointer;
};

struct template
{
    struct arena arena;
    struct document *given; /* what it was compiled from: pieces point into it */
    struct document *source;
    struct template_mark *marks;
    size_t mark_count;
    size_t mark_cap;
    struct template_use *uses; /* the expressions, in order */
    size_t use_count;
    size_t use_cap;
    struct template_unset *unset;
    size_t unset_count;
    size_t unset_cap;
    const struct value **dynamic; /* strings, sorted by address */
    size_t dynamic_count;
    size_t fault_count;
};

/* Makes `dynamic` of the marks. Fails with E_NOMEM. */
int template_sort_dynamic(struct template *template);

#endif
