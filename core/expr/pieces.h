/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_PIECES_H
#define CORE_EXPR_PIECES_H

/*
 * Pieces: the string of a template, cut into text, expressions and environment variables.
 *
 * Used by:  template*, model.
 * Uses:     base.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"
#include "core/expr/expr.h"

struct arena;
struct error;

enum piece_kind {
    PIECE_TEXT,     /* stands for itself */
    PIECE_EXPR,     /* {{ expr }} or ${ expr } */
    PIECE_VARIABLE, /* ${NAME} or ${NAME:-default} */
};

struct piece {
    enum piece_kind kind;
    struct str text;     /* the text; the expression; the name. Borrowed from the string */
    struct str fallback; /* PIECE_VARIABLE: the default */
    struct str whole;    /* with the braces, as it is written */
    size_t offset;       /* of `text` in the string */
    bool is_dollar;      /* ${ expr } */
    bool has_fallback;
};

/* True when the string has anything but text in it: everything else need not be cut. */
bool pieces_are_worth_it(struct str string);

/*
 * Cuts `string` (borrowed) into pieces in `arena`; an empty string has none.
 * Fails with E_INVALID (the place is in `out_fault`), E_NOMEM.
 */
int pieces_cut(struct str string, struct arena *arena, struct piece **out_pieces, size_t *out_count,
               struct expr_fault *out_fault, struct error *err);

/*
 * The one expression that the string is, white space around it ignored; NULL when there is more
 * or less than that.
 */
const struct piece *pieces_only_expr(const struct piece *pieces, size_t count);

#endif
