/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_MACRO_H
#define CORE_EXPR_MACRO_H

/*
 * Macros: calls whose arguments are not simply evaluated before the call.
 *
 * Used by:  parser, compile, comprehension.
 * Uses:     ast.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/expr/ast.h"
#include "core/expr/expr.h"

struct error;

enum macro_kind {
    MACRO_HAS,
    MACRO_ALL,
    MACRO_EXISTS,
    MACRO_EXISTS_ONE,
    MACRO_MAP, /* map(x, t), map(x, p, t), transformList(i, x, t), transformList(i, x, p, t) */
    MACRO_FILTER,
    MACRO_TRANSFORM_MAP,
    MACRO_TRANSFORM_MAP_ENTRY,
    MACRO_SORT_BY,
    MACRO_BIND,
    MACRO_OPT_MAP,
    MACRO_OPT_FLAT_MAP,
    MACRO_DEFAULT,  /* default(x, y): the absence of x is no error */
    MACRO_COALESCE, /* coalesce(a, b, ...) */
};

struct macro {
    const char *name;
    uint8_t kind;     /* enum macro_kind */
    bool is_receiver; /* called as x.name(...) */
    uint8_t min_args; /* without the receiver */
    uint8_t max_args;
    uint8_t variables;   /* the first arguments are names: one or two */
    bool is_standard;    /* of CEL itself: a wrong use is a syntax error */
    const char *name_of; /* a receiver that is part of the name ("cel" of cel.bind), or NULL */
};

/* The macro that `call` (an AST_CALL) means, or NULL. */
const struct macro *macro_find(const struct ast *ast, const struct ast_node *call);

/* Whether the arguments are of the macro's shape; else E_INVALID and the place. */
int macro_check(const struct macro *macro, const struct ast *ast, const struct ast_node *call,
                struct expr_fault *out_fault, struct error *err);

/* The name of a macro's kind, for messages. */
const char *macro_kind_name(enum macro_kind kind);

/* The `i`th macro, for suggestions; NULL behind the last. */
const struct macro *macro_at(size_t i);

#endif
