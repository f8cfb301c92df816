/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_PRIMARY_H
#define CORE_EXPR_PRIMARY_H

/*
 * Primary: what operators and dots work on: literals, names, calls, lists, maps, and expressions in
 * parentheses or in the braces of templates.
 *
 * Used by:  parser.
 * Uses:     parsing, foreign, literal, macro; parser (parser_parse_expr()).
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ast_node;
struct parsing;

/* All of them fail as those of parsing.h do. */
int primary_parse(struct parsing *p, uint32_t *out);

/* `start` is the place of the minus when there is one. */
int primary_parse_literal(struct parsing *p, bool is_negative, size_t start, uint32_t *out);

/* The arguments of a call whose '(' is next; children above `mark` are there already. */
int primary_parse_call(struct parsing *p, struct ast_node call, size_t start, size_t mark,
                       uint32_t *out);

/* The inside of braces, from the opening to behind the closing one: of a map or a message. */
int primary_parse_braces(struct parsing *p, struct ast_node node, size_t start, uint32_t *out);

#endif
