/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_TEMPLATE_WALK_H
#define CORE_EXPR_TEMPLATE_WALK_H

/*
 * Template walk: a document made of a template's source, by walking it beside the marks. Every
 * subtree without a mark is shared.
 *
 * Used by:  template (resolving), template_compile (putting variables in).
 * Uses:     template_state, cel, value.
 * Threads:  [any]; one walk belongs to one thread.
 */

#include <stddef.h>

#include "core/expr/cel.h"

struct arena;
struct builder;
struct document;
struct error;
struct expr_budget;
struct expr_scope;
struct template;
struct template_mark;
struct value;

struct template_walk {
    const struct template *template;
    const struct document *document; /* that holds the values */
    struct builder *builder;
    size_t next;                    /* mark */
    const struct expr_scope *scope; /* NULL: nothing is evaluated, nor left out */
    struct expr_budget *budget;
    struct arena *arena;
    const struct template_mark *known; /* what has its value already */
    struct cel known_value;
    struct error *err;
};

/* Writes what a marked string becomes. */
typedef int (*template_walk_string_cb)(struct template_walk *walk,
                                       const struct template_mark *mark);

/*
 * Writes `value`, which the walk has come to, and all below it. Fails as `write_string` does, as
 * expressions do, and with E_NOMEM; the builder is then not whole.
 */
int template_walk_write(struct template_walk *walk, const struct value *value,
                        template_walk_string_cb write_string);

/* `status`; the walk's error gets the mark's pointer in front when it is one. */
int template_walk_fail(struct template_walk *walk, const struct template_mark *mark, int status);

#endif
