/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_PARSING_H
#define CORE_EXPR_PARSING_H

/*
 * Parsing: where a parser is: its next token, the nodes under way, and the fault it has met.
 *
 * Used by:  parser, primary.
 * Uses:     ast, lexer, foreign.
 * Threads:  [any]; one belongs to one thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/expr/ast.h"
#include "core/expr/lexer.h"
#include "core/expr/parser.h"

struct arena;
struct error;

struct parsing {
    struct lexer lexer;
    struct token token;  /* the next one */
    size_t previous_end; /* of the token before it */
    struct ast *ast;
    struct arena *arena;
    const struct parser_options *options;
    uint32_t depth;
    uint32_t *pending; /* children of unfinished nodes, innermost last */
    size_t pending_count;
    size_t pending_cap;
    struct expr_fault fault;
    struct error *err;
};

/* E_INVALID, with the place in the text. The functions below fail so, and with E_NOMEM, E_LIMIT. */
int parsing_fail_at(struct parsing *p, size_t offset, size_t length, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The next token is none of the `expected`. */
int parsing_fail_unexpected(struct parsing *p, const char *expected);
/* `what`, which is next, is off by `flag`; else 0. */
int parsing_refuse_unless(struct parsing *p, unsigned flag, const char *what);

/* To the next token. */
int parsing_advance(struct parsing *p);
int parsing_expect(struct parsing *p, enum token_type type, const char *expected);
/* Of the next token; borrowed from the text. */
struct str parsing_text(const struct parsing *p);
/* Skips an optional '?'. */
int parsing_skip_question(struct parsing *p, bool *out_is_there);
/* The name behind a dot or of a message's field. */
int parsing_take_field_name(struct parsing *p, struct str *out_name, uint16_t *out_flags);

/* `node` is to be a child of the next node that is added. */
int parsing_push(struct parsing *p, uint32_t node);
/* Adds a node that spans from `start` to the last token, with the children above `mark`. */
int parsing_add_node(struct parsing *p, struct ast_node node, size_t start, size_t mark,
                     uint32_t *out);
/* The same with one child. */
int parsing_add_parent(struct parsing *p, struct ast_node node, size_t start, uint32_t child,
                       uint32_t *out);

#endif
