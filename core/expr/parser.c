/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/parser.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/expr/parsing.h"
#include "core/expr/primary.h"

/* Levels of the binary operators, the loosest first. */
enum { LEVEL_NONE, LEVEL_OR, LEVEL_AND, LEVEL_RELATION, LEVEL_ADD, LEVEL_MULTIPLY };

/* Behind a dot: a field or a method. */
static int parse_select(struct parsing *p, size_t start, uint32_t *node)
{
    struct ast_node select = {.kind = AST_SELECT};
    bool is_optional = false;
    int status = parsing_advance(p);
    if (status == 0) {
        status = parsing_skip_question(p, &is_optional);
    }
    if (status == 0) {
        status = parsing_take_field_name(p, &select.name, &select.flags);
    }
    if (status != 0) {
        return status;
    }
    if (p->token.type == TOKEN_PAREN_OPEN && !is_optional &&
        (select.flags & AST_QUOTED_NAME) == 0) {
        size_t mark = p->pending_count;
        select.flags |= AST_RECEIVER;
        status = parsing_push(p, *node);
        return status != 0 ? status : primary_parse_call(p, select, start, mark, node);
    }
    if (is_optional) {
        select.flags |= AST_IF_PRESENT;
    }
    return parsing_add_parent(p, select, start, *node, node);
}

static int parse_index(struct parsing *p, size_t start, uint32_t *node)
{
    struct ast_node index = {.kind = AST_INDEX};
    size_t mark = p->pending_count;
    bool is_optional = false;
    uint32_t key = 0;
    int status = parsing_advance(p);
    if (status == 0) {
        status = parsing_skip_question(p, &is_optional);
    }
    if (status == 0) {
        status = parsing_push(p, *node);
    }
    if (status == 0) {
        status = parser_parse_expr(p, &key);
    }
    if (status == 0) {
        status = parsing_push(p, key);
    }
    if (status == 0) {
        status = parsing_expect(p, TOKEN_BRACKET_CLOSE, "']'");
    }
    if (is_optional) {
        index.flags |= AST_IF_PRESENT;
    }
    return status != 0 ? status : parsing_add_node(p, index, start, mark, node);
}

/* Names joined by dots, the only thing that may stand before the braces of a message. */
static bool is_type_name(const struct ast *ast, uint32_t index)
{
    const struct ast_node *node = ast_at(ast, index);
    while (node->kind == AST_SELECT && node->flags == 0) {
        node = ast_child(ast, node, 0);
    }
    return node->kind == AST_NAME;
}

static int parse_member(struct parsing *p, bool is_negative, size_t start, uint32_t *out)
{
    uint32_t node = 0;
    bool is_group = p->token.type == TOKEN_PAREN_OPEN || p->token.type == TOKEN_BRACE_OPEN ||
                    p->token.type == TOKEN_DOLLAR;
    int status = is_negative ? primary_parse_literal(p, true, start, &node)
                             : primary_parse(p, &node);
    while (status == 0) {
        if (p->token.type == TOKEN_DOT) {
            status = parse_select(p, start, &node);
        } else if (p->token.type == TOKEN_BRACKET_OPEN) {
            status = parse_index(p, start, &node);
        } else if (p->token.type == TOKEN_BRACE_OPEN && !is_group && is_type_name(p->ast, node)) {
            struct ast_node message = {.kind = AST_MESSAGE};
            message.name = str_make(p->lexer.text.p + start, p->previous_end - start);
            status = primary_parse_braces(p, message, start, &node);
        } else {
            break;
        }
    }
    *out = node;
    return status;
}

/* Many of one operator mean the same as one or two of them, without the depth. */
static int add_unary(struct parsing *p, uint8_t kind, size_t count, size_t start, uint32_t *node)
{
    size_t nodes = count == 0 ? 0 : 2 - count % 2;
    int status = 0;
    for (size_t i = 0; i < nodes && status == 0; i++) {
        status = parsing_add_parent(p, (struct ast_node){.kind = kind}, start, *node, node);
    }
    return status;
}

static int parse_unary(struct parsing *p, uint32_t *out)
{
    size_t start = p->token.offset;
    size_t member_start = start;
    enum token_type op = p->token.type;
    size_t count = 0;
    while ((op == TOKEN_NOT || op == TOKEN_MINUS) && p->token.type == op) {
        member_start = p->token.offset;
        count++;
        int status = parsing_advance(p);
        if (status != 0) {
            return status;
        }
    }
    bool is_negative = op == TOKEN_MINUS &&
                       (p->token.type == TOKEN_INT || p->token.type == TOKEN_DOUBLE);
    if (!is_negative) {
        member_start = p->token.offset;
    }
    int status = parse_member(p, is_negative, member_start, out);
    if (status != 0) {
        return status;
    }
    uint8_t kind = op == TOKEN_NOT ? AST_NOT : AST_NEGATE;
    return add_unary(p, kind, is_negative ? count - 1 : count, start, out);
}

static int operator_level(enum token_type type, uint8_t *out_op)
{
    static const struct {
        uint8_t level; /* LEVEL_NONE: no operator */
        uint8_t op;
    } operators[TOKEN_OR + 1] = {
        [TOKEN_OR] = {LEVEL_OR, 0},
        [TOKEN_AND] = {LEVEL_AND, 0},
        [TOKEN_EQUAL] = {LEVEL_RELATION, AST_EQUAL},
        [TOKEN_NOT_EQUAL] = {LEVEL_RELATION, AST_NOT_EQUAL},
        [TOKEN_LESS] = {LEVEL_RELATION, AST_LESS},
        [TOKEN_LESS_EQUAL] = {LEVEL_RELATION, AST_LESS_EQUAL},
        [TOKEN_GREATER] = {LEVEL_RELATION, AST_GREATER},
        [TOKEN_GREATER_EQUAL] = {LEVEL_RELATION, AST_GREATER_EQUAL},
        [TOKEN_IN] = {LEVEL_RELATION, AST_IN},
        [TOKEN_PLUS] = {LEVEL_ADD, AST_ADD},
        [TOKEN_MINUS] = {LEVEL_ADD, AST_SUBTRACT},
        [TOKEN_STAR] = {LEVEL_MULTIPLY, AST_MULTIPLY},
        [TOKEN_SLASH] = {LEVEL_MULTIPLY, AST_DIVIDE},
        [TOKEN_PERCENT] = {LEVEL_MULTIPLY, AST_MODULO},
    };
    *out_op = operators[type].op;
    return operators[type].level;
}

static int parse_binary(struct parsing *p, int min_level, uint32_t *out);

/* a && b && c as one node. `*node` is a, and "&&" is next. */
static int parse_logic(struct parsing *p, int level, size_t start, uint32_t *node)
{
    enum token_type op = p->token.type;
    size_t mark = p->pending_count;
    int status = parsing_push(p, *node);
    while (status == 0 && p->token.type == op) {
        uint32_t operand = 0;
        status = parsing_advance(p);
        if (status == 0) {
            status = parse_binary(p, level + 1, &operand);
        }
        if (status == 0) {
            status = parsing_push(p, operand);
        }
    }
    if (status != 0) {
        return status;
    }
    struct ast_node logic = {.kind = op == TOKEN_AND ? AST_AND : AST_OR};
    return parsing_add_node(p, logic, start, mark, node);
}

static int parse_binary(struct parsing *p, int min_level, uint32_t *out)
{
    size_t start = p->token.offset;
    uint32_t node = 0;
    int status = parse_unary(p, &node);
    while (status == 0) {
        struct ast_node binary = {.kind = AST_BINARY};
        int level = operator_level(p->token.type, &binary.op);
        if (level == LEVEL_NONE || level < min_level) {
            break;
        }
        if (level == LEVEL_OR || level == LEVEL_AND) {
            status = parse_logic(p, level, start, &node);
            continue;
        }
        size_t mark = p->pending_count;
        uint32_t right = 0;
        status = parsing_push(p, node);
        if (status == 0) {
            status = parsing_advance(p);
        }
        if (status == 0) {
            status = parse_binary(p, level + 1, &right);
        }
        if (status == 0) {
            status = parsing_push(p, right);
        }
        if (status == 0) {
            status = parsing_add_node(p, binary, start, mark, &node);
        }
    }
    *out = node;
    return status;
}

/* Behind the '?' of a conditional. */
static int parse_conditional(struct parsing *p, size_t start, uint32_t *node)
{
    size_t mark = p->pending_count;
    uint32_t branch = 0;
    int status = parsing_push(p, *node);
    if (status == 0) {
        status = parsing_advance(p);
    }
    if (status == 0) {
        status = parse_binary(p, LEVEL_OR, &branch);
    }
    if (status == 0) {
        status = parsing_push(p, branch);
    }
    if (status == 0) {
        status = parsing_expect(p, TOKEN_COLON, "':'");
    }
    if (status == 0) {
        status = parser_parse_expr(p, &branch);
    }
    if (status == 0) {
        status = parsing_push(p, branch);
    }
    if (status != 0) {
        return status;
    }
    return parsing_add_node(p, (struct ast_node){.kind = AST_CONDITIONAL}, start, mark, node);
}

int parser_parse_expr(struct parsing *p, uint32_t *out)
{
    if (p->depth >= p->options->max_depth) {
        p->fault = (struct expr_fault){p->token.offset, p->token.length};
        return error_set(p->err, E_LIMIT, "the expression is nested more than %u levels deep",
                         (unsigned)p->options->max_depth);
    }
    p->depth++;
    size_t start = p->token.offset;
    int status = parse_binary(p, LEVEL_OR, out);
    if (status == 0 && p->token.type == TOKEN_QUESTION) {
        status = parse_conditional(p, start, out);
    }
    p->depth--;
    return status;
}

static int parse_all(struct parsing *p)
{
    int status = parsing_advance(p);
    p->previous_end = 0;
    if (status == 0 && p->token.type == TOKEN_END) {
        return parsing_fail_at(p, 0, 0, "the expression is empty");
    }
    if (status == 0) {
        status = parser_parse_expr(p, &p->ast->root);
    }
    if (status == 0 && p->token.type != TOKEN_END) {
        return parsing_fail_unexpected(p, "an operator or the end");
    }
    return status;
}

int parser_parse(struct str text, const struct parser_options *options, struct arena *arena,
                 struct ast *ast, struct expr_fault *out_fault, struct error *err)
{
    struct parsing p = {
        .lexer = {.text = text, .err = err},
        .ast = ast,
        .arena = arena,
        .options = options,
        .pending_cap = AST_FIRST_NODES,
        .err = err,
    };
    ast->text = text;
    int status = 0;
    size_t valid = text.n > 0 ? utf8_valid_prefix(text.p, text.n) : 0;
    if (text.n > PARSER_MAX_TEXT_BYTES) {
        p.fault = (struct expr_fault){0, 1};
        status = error_set(err, E_LIMIT, "an expression may have at most %d bytes",
                           PARSER_MAX_TEXT_BYTES);
    } else if (valid < text.n) {
        status = parsing_fail_at(&p, valid, 1, "the text is not UTF-8");
    } else {
        status = parse_all(&p);
    }
    free(p.pending);
    if (status != 0) {
        *out_fault = p.fault;
    }
    return status;
}
