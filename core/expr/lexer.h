/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_LEXER_H
#define CORE_EXPR_LEXER_H

/*
 * Lexer: the text of an expression as tokens.
 *
 * Used by:  parser.
 * Uses:     base.
 * Threads:  [any]; one lexer belongs to one thread.
 */

#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/expr/expr.h"

struct error;

enum token_type {
    TOKEN_END,
    TOKEN_IDENT,
    TOKEN_QUOTED, /* `a-b`, the backticks among its bytes */
    TOKEN_INT,
    TOKEN_UINT,
    TOKEN_DOUBLE,
    TOKEN_STRING,
    TOKEN_BYTES,
    TOKEN_TRUE,
    TOKEN_FALSE,
    TOKEN_NULL,
    TOKEN_IN,
    TOKEN_PAREN_OPEN,
    TOKEN_PAREN_CLOSE,
    TOKEN_BRACKET_OPEN,
    TOKEN_BRACKET_CLOSE,
    TOKEN_BRACE_OPEN,
    TOKEN_DOLLAR, /* ${ */
    TOKEN_BRACE_CLOSE,
    TOKEN_DOT,
    TOKEN_COMMA,
    TOKEN_COLON,
    TOKEN_QUESTION,
    TOKEN_PLUS,
    TOKEN_MINUS,
    TOKEN_STAR,
    TOKEN_SLASH,
    TOKEN_PERCENT,
    TOKEN_NOT,
    TOKEN_LESS,
    TOKEN_LESS_EQUAL,
    TOKEN_GREATER,
    TOKEN_GREATER_EQUAL,
    TOKEN_EQUAL,
    TOKEN_NOT_EQUAL,
    TOKEN_AND,
    TOKEN_OR,
};

struct token {
    enum token_type type;
    size_t offset;
    size_t length;
};

struct lexer {
    struct str text; /* borrowed; valid UTF-8 */
    size_t at;
    struct expr_fault fault; /* the place, after a failure */
    struct error *err;
};

/* Reads the next token. E_INVALID with `err` and the place in `lexer->fault`. */
int lexer_next(struct lexer *lexer, struct token *out_token);

#endif
