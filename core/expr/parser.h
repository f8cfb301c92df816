/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_PARSER_H
#define CORE_EXPR_PARSER_H

/*
 * Parser: the grammar of CEL by recursive descent, bounded by a depth that also bounds the tree
 * that it makes, and so everything that walks the tree.
 *
 * Used by:  expr; the conformance program.
 * Uses:     ast, lexer, parsing, primary.
 * Threads:  [any]
 */

#include <stdint.h>

#include "core/base/str.h"
#include "core/expr/ast.h"
#include "core/expr/expr.h"

struct arena;
struct error;
struct parsing;

enum { PARSER_MAX_DEPTH = 250, PARSER_MAX_TEXT_BYTES = 64 * 1024 };

enum parser_flags {
    PARSER_BRACES = 1u << 0,          /* {{x}} and ${x} stand for (x) */
    PARSER_NO_OPTIONALS = 1u << 1,    /* a.?b, a[?b], [?x] and {?k: v} are refused */
    PARSER_NO_QUOTED_NAMES = 1u << 2, /* a.`b-c` is refused */
};

struct parser_options {
    unsigned flags;
    uint32_t max_depth; /* of the tree */
};

/*
 * Parses `text` (borrowed by the tree) into `ast` (empty; ast_finish() it in every case). What
 * strings decode to lives in `arena`.
 * Fails with E_INVALID, E_LIMIT (text too long, nested too deep), E_NOMEM; `out_fault` is the
 * place.
 */
int parser_parse(struct str text, const struct parser_options *options, struct arena *arena,
                 struct ast *ast, struct expr_fault *out_fault, struct error *err);

/* For primary: an expression within another; fails as those of parsing.h do. */
int parser_parse_expr(struct parsing *p, uint32_t *out);

#endif
