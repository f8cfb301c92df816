/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/parser.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/base/utf8.h"
#include "core/expr/foreign.h"
#include "core/expr/lexer.h"
#include "core/expr/literal.h"
#include "core/expr/macro.h"

/* Levels of the binary operators, the loosest first. */
enum { LEVEL_NONE, LEVEL_OR, LEVEL_AND, LEVEL_RELATION, LEVEL_ADD, LEVEL_MULTIPLY };

struct parser {
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

static int parse_expr(struct parser *p, uint32_t *out);

static int fail_at(struct parser *p, size_t offset, size_t length, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static int fail_at(struct parser *p, size_t offset, size_t length, const char *format, ...)
{
    char message[256];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    if (n >= (int)sizeof(message)) {
        message[utf8_whole_prefix(message, sizeof(message) - 1)] = '\0';
    }
    p->fault = (struct expr_fault){offset, length};
    return error_set(p->err, E_INVALID, "%s", message);
}

static int advance(struct parser *p)
{
    p->previous_end = p->token.offset + p->token.length;
    int status = lexer_next(&p->lexer, &p->token);
    if (status != 0) {
        p->fault = p->lexer.fault;
    }
    return status;
}

static struct str token_text(const struct parser *p)
{
    return str_make(p->lexer.text.p + p->token.offset, p->token.length);
}

static int fail_unexpected(struct parser *p, const char *expected)
{
    struct str text = token_text(p);
    if (p->token.type == TOKEN_END) {
        return fail_at(p, p->token.offset, 0, "the expression ends where %s is expected", expected);
    }
    int shown = text.n > 40 ? (int)utf8_whole_prefix(text.p, 40) : (int)text.n;
    const char *cure = foreign_cure(p->lexer.text, p->token.offset, p->token.length, expected);
    return fail_at(p, p->token.offset, p->token.length, "unexpected '%.*s' where %s is expected%s",
                   shown, text.p, expected, cure);
}

static int expect(struct parser *p, enum token_type type, const char *expected)
{
    return p->token.type == type ? advance(p) : fail_unexpected(p, expected);
}

static int push(struct parser *p, uint32_t node)
{
    uint32_t *grown =
        array_reserve(p->pending, &p->pending_cap, p->pending_count + 1, sizeof(*p->pending));
    if (grown == NULL) {
        return error_nomem(p->err);
    }
    p->pending = grown;
    p->pending[p->pending_count++] = node;
    return 0;
}

/* Adds a node that spans from `start` to the last token, with the children above `mark`. */
static int add_node(struct parser *p, struct ast_node node, size_t start, size_t mark,
                    uint32_t *out)
{
    node.offset = (uint32_t)start;
    node.length = (uint32_t)(p->previous_end - start);
    const uint32_t *children = p->pending != NULL ? p->pending + mark : NULL;
    if (ast_add(p->ast, &node, children, p->pending_count - mark, out) != 0) {
        return error_nomem(p->err);
    }
    p->pending_count = mark;
    if (ast_at(p->ast, *out)->depth > p->options->max_depth) {
        p->fault = (struct expr_fault){node.offset, node.length};
        return error_set(p->err, E_LIMIT, "the expression is nested more than %u levels deep",
                         (unsigned)p->options->max_depth);
    }
    return 0;
}

static int add_parent(struct parser *p, struct ast_node node, size_t start, uint32_t child,
                      uint32_t *out)
{
    size_t mark = p->pending_count;
    int status = push(p, child);
    return status != 0 ? status : add_node(p, node, start, mark, out);
}

static bool is_reserved(struct str name)
{
    static const struct str words[] = {
        {"as", 2},    {"break", 5},     {"const", 5},  {"continue", 8}, {"else", 4},
        {"for", 3},   {"function", 8},  {"if", 2},     {"import", 6},   {"let", 3},
        {"loop", 4},  {"package", 7},   {"return", 6}, {"var", 3},      {"void", 4},
        {"while", 5}, {"namespace", 9},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (str_equal(name, words[i])) {
            return true;
        }
    }
    return false;
}

static int refuse_unless(struct parser *p, unsigned flag, const char *what)
{
    if ((p->options->flags & flag) != 0) {
        return fail_at(p, p->token.offset, p->token.length, "%s is not supported here", what);
    }
    return 0;
}

/* Skips an optional '?'. */
static int parse_question(struct parser *p, bool *out_is_there)
{
    *out_is_there = p->token.type == TOKEN_QUESTION;
    if (!*out_is_there) {
        return 0;
    }
    int status = refuse_unless(p, PARSER_NO_OPTIONALS, "'?' before a value");
    return status != 0 ? status : advance(p);
}

/* One item of a list or key of a map, with its '?' if it has one, onto the pending ones. */
static int parse_entry(struct parser *p)
{
    size_t start = p->token.offset;
    bool is_optional = false;
    uint32_t item = 0;
    int status = parse_question(p, &is_optional);
    if (status == 0) {
        status = parse_expr(p, &item);
    }
    if (status == 0 && is_optional) {
        status = add_parent(p, (struct ast_node){.kind = AST_OPTIONAL}, start, item, &item);
    }
    return status != 0 ? status : push(p, item);
}

/* Items up to `close`, which is consumed. `with_comma_end`: a comma may stand before it. */
static int parse_items(struct parser *p, enum token_type close, bool is_list, const char *expected)
{
    int status = 0;
    while (status == 0 && p->token.type != close) {
        uint32_t item = 0;
        status = is_list ? parse_entry(p) : parse_expr(p, &item);
        if (status == 0 && !is_list) {
            status = push(p, item);
        }
        if (status != 0 || p->token.type != TOKEN_COMMA) {
            break;
        }
        status = advance(p);
        if (status == 0 && p->token.type == close && !is_list) {
            return fail_unexpected(p, "another argument");
        }
    }
    return status != 0 ? status : expect(p, close, expected);
}

static int parse_list(struct parser *p, uint32_t *out)
{
    size_t start = p->token.offset;
    size_t mark = p->pending_count;
    int status = advance(p);
    if (status == 0) {
        status = parse_items(p, TOKEN_BRACKET_CLOSE, true, "',' or ']'");
    }
    if (status != 0) {
        return status;
    }
    return add_node(p, (struct ast_node){.kind = AST_LIST}, start, mark, out);
}

static int parse_map_entry(struct parser *p)
{
    int status = parse_entry(p);
    if (status == 0) {
        status = expect(p, TOKEN_COLON, "':'");
    }
    uint32_t value = 0;
    if (status == 0) {
        status = parse_expr(p, &value);
    }
    return status != 0 ? status : push(p, value);
}

static struct str unquote(struct str name)
{
    return name.n >= 2 && name.p[0] == '`' ? str_make(name.p + 1, name.n - 2) : name;
}

/* The name behind a dot or of a message's field. */
static int parse_field_name(struct parser *p, struct str *out_name, uint16_t *out_flags)
{
    if (p->token.type != TOKEN_IDENT && p->token.type != TOKEN_QUOTED) {
        return fail_unexpected(p, "a field name");
    }
    if (p->token.type == TOKEN_QUOTED) {
        int status = refuse_unless(p, PARSER_NO_QUOTED_NAMES, "a name in backticks");
        if (status != 0) {
            return status;
        }
        *out_flags |= AST_QUOTED_NAME;
    }
    *out_name = unquote(token_text(p));
    return advance(p);
}

static int parse_message_entry(struct parser *p)
{
    size_t start = p->token.offset;
    bool is_optional = false;
    struct ast_node field = {.kind = AST_NAME};
    uint32_t node = 0;
    int status = parse_question(p, &is_optional);
    if (status == 0) {
        status = parse_field_name(p, &field.name, &field.flags);
    }
    if (status == 0) {
        status = add_node(p, field, start, p->pending_count, &node);
    }
    if (status == 0 && is_optional) {
        status = add_parent(p, (struct ast_node){.kind = AST_OPTIONAL}, start, node, &node);
    }
    if (status == 0) {
        status = push(p, node);
    }
    if (status == 0) {
        status = expect(p, TOKEN_COLON, "':'");
    }
    if (status == 0) {
        status = parse_expr(p, &node);
    }
    return status != 0 ? status : push(p, node);
}

/* The inside of braces, from the opening to behind the closing one. */
static int parse_braces(struct parser *p, struct ast_node node, size_t start, uint32_t *out)
{
    size_t mark = p->pending_count;
    int status = advance(p);
    while (status == 0 && p->token.type != TOKEN_BRACE_CLOSE) {
        status = node.kind == AST_MAP ? parse_map_entry(p) : parse_message_entry(p);
        if (status != 0 || p->token.type != TOKEN_COMMA) {
            break;
        }
        status = advance(p);
    }
    if (status == 0) {
        status = expect(p, TOKEN_BRACE_CLOSE, "',' or '}'");
    }
    return status != 0 ? status : add_node(p, node, start, mark, out);
}

static bool is_at_double(const struct parser *p, char brace)
{
    struct str text = p->lexer.text;
    size_t next = p->token.offset + 1;
    return (p->options->flags & PARSER_BRACES) != 0 && next < text.n && text.p[next] == brace;
}

/* {{x}} as (x). */
static int parse_double_braces(struct parser *p, uint32_t *out)
{
    int status = advance(p);
    if (status == 0) {
        status = advance(p);
    }
    if (status == 0) {
        status = parse_expr(p, out);
    }
    if (status == 0 && (p->token.type != TOKEN_BRACE_CLOSE || !is_at_double(p, '}'))) {
        return fail_unexpected(p, "'}}'");
    }
    if (status == 0) {
        status = advance(p);
    }
    return status != 0 ? status : advance(p);
}

/* ${x} as (x). */
static int parse_dollar(struct parser *p, uint32_t *out)
{
    size_t start = p->token.offset;
    struct str text = p->lexer.text;
    struct str name = foreign_variable(text, start);
    if (name.n > 0) {
        return fail_at(p, start, name.n + 2,
                       "environment variables cannot stand in expressions: put '${%.*s}' under "
                       "'config' and write config.NAME",
                       STR_ARG(name));
    }
    if (start + 2 < text.n && text.p[start + 2] == '{') {
        return fail_at(p, start, 2, "'${{' is of other tools: leave the '$' out");
    }
    if ((p->options->flags & PARSER_BRACES) == 0) {
        return fail_at(p, start, 2, "'${' inside of an expression: leave it and its '}' out");
    }
    int status = advance(p);
    if (status == 0) {
        status = parse_expr(p, out);
    }
    return status != 0 ? status : expect(p, TOKEN_BRACE_CLOSE, "'}'");
}

static int parse_string(struct parser *p, struct cel *out)
{
    struct str text = token_text(p);
    const char *braces = (p->options->flags & PARSER_BRACES) != 0 ? memmem(text.p, text.n, "{{", 2)
                                                                  : NULL;
    if (braces != NULL) {
        return fail_at(p, p->token.offset + (size_t)(braces - text.p), 2,
                       "'{{' inside a string: join the parts with '+', as in 'a' + {{x}}");
    }
    const char *dollar = (p->options->flags & PARSER_BRACES) != 0 ? foreign_dollar(text) : NULL;
    if (dollar != NULL) {
        return fail_at(p, p->token.offset + (size_t)(dollar - text.p), 2,
                       "'${' inside a string: join the parts with '+', as in 'a' + ${x}");
    }
    struct expr_fault fault = {0};
    int status = literal_read_string(text, p->arena, out, &fault, p->err);
    if (status != 0) {
        p->fault = (struct expr_fault){p->token.offset + fault.offset, fault.length};
    }
    return status;
}

static int read_literal(struct parser *p, bool is_negative, struct cel *out)
{
    switch (p->token.type) {
    case TOKEN_INT:
        return literal_read_int(token_text(p), is_negative, out, p->err);
    case TOKEN_UINT:
        return literal_read_uint(token_text(p), out, p->err);
    case TOKEN_DOUBLE:
        return literal_read_double(token_text(p), is_negative, out, p->err);
    case TOKEN_STRING:
    case TOKEN_BYTES:
        return parse_string(p, out);
    case TOKEN_TRUE:
    case TOKEN_FALSE:
        *out = (struct cel){.type = CEL_BOOL, .as.boolean = p->token.type == TOKEN_TRUE};
        return 0;
    case TOKEN_NULL:
        *out = (struct cel){.type = CEL_NULL};
        return 0;
    default:
        return fail_unexpected(p, "a value");
    }
}

/* `start` is the place of the minus when there is one. */
static int parse_literal(struct parser *p, bool is_negative, size_t start, uint32_t *out)
{
    p->fault = (struct expr_fault){p->token.offset, p->token.length};
    struct cel value;
    int status = read_literal(p, is_negative, &value);
    if (status == 0) {
        status = advance(p);
    }
    if (status != 0) {
        return status;
    }
    struct ast_node node = {.offset = (uint32_t)start,
                            .length = (uint32_t)(p->previous_end - start)};
    return ast_add_literal(p->ast, &node, &value, out) == 0 ? 0 : error_nomem(p->err);
}

/* The arguments of a call whose '(' is next; children above `mark` are there already. */
static int parse_call(struct parser *p, struct ast_node call, size_t start, size_t mark,
                      uint32_t *out)
{
    call.kind = AST_CALL;
    int status = advance(p);
    if (status == 0) {
        status = parse_items(p, TOKEN_PAREN_CLOSE, false, "',' or ')'");
    }
    if (status == 0) {
        status = add_node(p, call, start, mark, out);
    }
    if (status != 0) {
        return status;
    }
    const struct ast_node *node = ast_at(p->ast, *out);
    const struct macro *macro = macro_find(p->ast, node);
    return macro != NULL && macro->is_standard ? macro_check(macro, p->ast, node, &p->fault, p->err)
                                               : 0;
}

/* A name, or a call by a name. */
static int parse_name(struct parser *p, uint32_t *out)
{
    size_t start = p->token.offset;
    struct ast_node node = {.kind = AST_NAME};
    if (p->token.type == TOKEN_DOT) {
        node.flags |= AST_ABSOLUTE;
        int status = advance(p);
        if (status != 0) {
            return status;
        }
    }
    if (p->token.type != TOKEN_IDENT) {
        return fail_unexpected(p, "a name");
    }
    node.name = token_text(p);
    if (is_reserved(node.name)) {
        return fail_at(p, p->token.offset, p->token.length, "'%.*s' is a reserved word",
                       STR_ARG(node.name));
    }
    int status = advance(p);
    if (status != 0) {
        return status;
    }
    if (p->token.type == TOKEN_PAREN_OPEN) {
        return parse_call(p, node, start, p->pending_count, out);
    }
    return add_node(p, node, start, p->pending_count, out);
}

static int parse_primary(struct parser *p, uint32_t *out)
{
    size_t start = p->token.offset;
    int status = 0;
    switch (p->token.type) {
    case TOKEN_IDENT:
    case TOKEN_DOT:
        return parse_name(p, out);
    case TOKEN_PAREN_OPEN:
        status = advance(p);
        if (status == 0) {
            status = parse_expr(p, out);
        }
        return status != 0 ? status : expect(p, TOKEN_PAREN_CLOSE, "')'");
    case TOKEN_BRACKET_OPEN:
        return parse_list(p, out);
    case TOKEN_DOLLAR:
        return parse_dollar(p, out);
    case TOKEN_BRACE_OPEN:
        if (is_at_double(p, '{')) {
            return parse_double_braces(p, out);
        }
        return parse_braces(p, (struct ast_node){.kind = AST_MAP}, start, out);
    default:
        return parse_literal(p, false, start, out);
    }
}

/* Behind a dot: a field or a method. */
static int parse_select(struct parser *p, size_t start, uint32_t *node)
{
    struct ast_node select = {.kind = AST_SELECT};
    bool is_optional = false;
    int status = advance(p);
    if (status == 0) {
        status = parse_question(p, &is_optional);
    }
    if (status == 0) {
        status = parse_field_name(p, &select.name, &select.flags);
    }
    if (status != 0) {
        return status;
    }
    if (p->token.type == TOKEN_PAREN_OPEN && !is_optional &&
        (select.flags & AST_QUOTED_NAME) == 0) {
        size_t mark = p->pending_count;
        select.flags |= AST_RECEIVER;
        status = push(p, *node);
        return status != 0 ? status : parse_call(p, select, start, mark, node);
    }
    if (is_optional) {
        select.flags |= AST_IF_PRESENT;
    }
    return add_parent(p, select, start, *node, node);
}

static int parse_index(struct parser *p, size_t start, uint32_t *node)
{
    struct ast_node index = {.kind = AST_INDEX};
    size_t mark = p->pending_count;
    bool is_optional = false;
    uint32_t key = 0;
    int status = advance(p);
    if (status == 0) {
        status = parse_question(p, &is_optional);
    }
    if (status == 0) {
        status = push(p, *node);
    }
    if (status == 0) {
        status = parse_expr(p, &key);
    }
    if (status == 0) {
        status = push(p, key);
    }
    if (status == 0) {
        status = expect(p, TOKEN_BRACKET_CLOSE, "']'");
    }
    if (is_optional) {
        index.flags |= AST_IF_PRESENT;
    }
    return status != 0 ? status : add_node(p, index, start, mark, node);
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

static int parse_member(struct parser *p, bool is_negative, size_t start, uint32_t *out)
{
    uint32_t node = 0;
    bool is_group = p->token.type == TOKEN_PAREN_OPEN || p->token.type == TOKEN_BRACE_OPEN ||
                    p->token.type == TOKEN_DOLLAR;
    int status = is_negative ? parse_literal(p, true, start, &node) : parse_primary(p, &node);
    while (status == 0) {
        if (p->token.type == TOKEN_DOT) {
            status = parse_select(p, start, &node);
        } else if (p->token.type == TOKEN_BRACKET_OPEN) {
            status = parse_index(p, start, &node);
        } else if (p->token.type == TOKEN_BRACE_OPEN && !is_group && is_type_name(p->ast, node)) {
            struct ast_node message = {.kind = AST_MESSAGE};
            message.name = str_make(p->lexer.text.p + start, p->previous_end - start);
            status = parse_braces(p, message, start, &node);
        } else {
            break;
        }
    }
    *out = node;
    return status;
}

/* Many of one operator mean the same as one or two of them, without the depth. */
static int add_unary(struct parser *p, uint8_t kind, size_t count, size_t start, uint32_t *node)
{
    size_t nodes = count == 0 ? 0 : 2 - count % 2;
    int status = 0;
    for (size_t i = 0; i < nodes && status == 0; i++) {
        status = add_parent(p, (struct ast_node){.kind = kind}, start, *node, node);
    }
    return status;
}

static int parse_unary(struct parser *p, uint32_t *out)
{
    size_t start = p->token.offset;
    size_t member_start = start;
    enum token_type op = p->token.type;
    size_t count = 0;
    while ((op == TOKEN_NOT || op == TOKEN_MINUS) && p->token.type == op) {
        member_start = p->token.offset;
        count++;
        int status = advance(p);
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

static int parse_binary(struct parser *p, int min_level, uint32_t *out);

/* a && b && c as one node. `*node` is a, and "&&" is next. */
static int parse_logic(struct parser *p, int level, size_t start, uint32_t *node)
{
    enum token_type op = p->token.type;
    size_t mark = p->pending_count;
    int status = push(p, *node);
    while (status == 0 && p->token.type == op) {
        uint32_t operand = 0;
        status = advance(p);
        if (status == 0) {
            status = parse_binary(p, level + 1, &operand);
        }
        if (status == 0) {
            status = push(p, operand);
        }
    }
    if (status != 0) {
        return status;
    }
    struct ast_node logic = {.kind = op == TOKEN_AND ? AST_AND : AST_OR};
    return add_node(p, logic, start, mark, node);
}

static int parse_binary(struct parser *p, int min_level, uint32_t *out)
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
        status = push(p, node);
        if (status == 0) {
            status = advance(p);
        }
        if (status == 0) {
            status = parse_binary(p, level + 1, &right);
        }
        if (status == 0) {
            status = push(p, right);
        }
        if (status == 0) {
            status = add_node(p, binary, start, mark, &node);
        }
    }
    *out = node;
    return status;
}

/* Behind the '?' of a conditional. */
static int parse_conditional(struct parser *p, size_t start, uint32_t *node)
{
    size_t mark = p->pending_count;
    uint32_t branch = 0;
    int status = push(p, *node);
    if (status == 0) {
        status = advance(p);
    }
    if (status == 0) {
        status = parse_binary(p, LEVEL_OR, &branch);
    }
    if (status == 0) {
        status = push(p, branch);
    }
    if (status == 0) {
        status = expect(p, TOKEN_COLON, "':'");
    }
    if (status == 0) {
        status = parse_expr(p, &branch);
    }
    if (status == 0) {
        status = push(p, branch);
    }
    if (status != 0) {
        return status;
    }
    return add_node(p, (struct ast_node){.kind = AST_CONDITIONAL}, start, mark, node);
}

static int parse_expr(struct parser *p, uint32_t *out)
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

static int parse_all(struct parser *p)
{
    int status = advance(p);
    p->previous_end = 0;
    if (status == 0 && p->token.type == TOKEN_END) {
        return fail_at(p, 0, 0, "the expression is empty");
    }
    if (status == 0) {
        status = parse_expr(p, &p->ast->root);
    }
    if (status == 0 && p->token.type != TOKEN_END) {
        return fail_unexpected(p, "an operator or the end");
    }
    return status;
}

int parser_parse(struct str text, const struct parser_options *options, struct arena *arena,
                 struct ast *ast, struct expr_fault *out_fault, struct error *err)
{
    struct parser p = {
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
        status = fail_at(&p, valid, 1, "the text is not UTF-8");
    } else {
        status = parse_all(&p);
    }
    free(p.pending);
    if (status != 0) {
        *out_fault = p.fault;
    }
    return status;
}
