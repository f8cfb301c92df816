/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/primary.h"

#include <string.h>

#include "core/base/error.h"
#include "core/expr/foreign.h"
#include "core/expr/literal.h"
#include "core/expr/macro.h"
#include "core/expr/parsing.h"

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

/* One item of a list or key of a map, with its '?' if it has one, onto the pending ones. */
static int parse_entry(struct parsing *p)
{
    size_t start = p->token.offset;
    bool is_optional = false;
    uint32_t item = 0;
    int status = parsing_skip_question(p, &is_optional);
    if (status == 0) {
        status = parser_parse_expr(p, &item);
    }
    if (status == 0 && is_optional) {
        status = parsing_add_parent(p, (struct ast_node){.kind = AST_OPTIONAL}, start, item, &item);
    }
    return status != 0 ? status : parsing_push(p, item);
}

/* Items up to `close`, which is consumed. `is_list`: a comma may stand before it. */
static int parse_items(struct parsing *p, enum token_type close, bool is_list, const char *expected)
{
    int status = 0;
    while (status == 0 && p->token.type != close) {
        uint32_t item = 0;
        status = is_list ? parse_entry(p) : parser_parse_expr(p, &item);
        if (status == 0 && !is_list) {
            status = parsing_push(p, item);
        }
        if (status != 0 || p->token.type != TOKEN_COMMA) {
            break;
        }
        status = parsing_advance(p);
        if (status == 0 && p->token.type == close && !is_list) {
            return parsing_fail_unexpected(p, "another argument");
        }
    }
    return status != 0 ? status : parsing_expect(p, close, expected);
}

static int parse_list(struct parsing *p, uint32_t *out)
{
    size_t start = p->token.offset;
    size_t mark = p->pending_count;
    int status = parsing_advance(p);
    if (status == 0) {
        status = parse_items(p, TOKEN_BRACKET_CLOSE, true, "',' or ']'");
    }
    if (status != 0) {
        return status;
    }
    return parsing_add_node(p, (struct ast_node){.kind = AST_LIST}, start, mark, out);
}

static int parse_map_entry(struct parsing *p)
{
    int status = parse_entry(p);
    if (status == 0) {
        status = parsing_expect(p, TOKEN_COLON, "':'");
    }
    uint32_t value = 0;
    if (status == 0) {
        status = parser_parse_expr(p, &value);
    }
    return status != 0 ? status : parsing_push(p, value);
}

static int parse_message_entry(struct parsing *p)
{
    size_t start = p->token.offset;
    bool is_optional = false;
    struct ast_node field = {.kind = AST_NAME};
    uint32_t node = 0;
    int status = parsing_skip_question(p, &is_optional);
    if (status == 0) {
        status = parsing_take_field_name(p, &field.name, &field.flags);
    }
    if (status == 0) {
        status = parsing_add_node(p, field, start, p->pending_count, &node);
    }
    if (status == 0 && is_optional) {
        status = parsing_add_parent(p, (struct ast_node){.kind = AST_OPTIONAL}, start, node, &node);
    }
    if (status == 0) {
        status = parsing_push(p, node);
    }
    if (status == 0) {
        status = parsing_expect(p, TOKEN_COLON, "':'");
    }
    if (status == 0) {
        status = parser_parse_expr(p, &node);
    }
    return status != 0 ? status : parsing_push(p, node);
}

int primary_parse_braces(struct parsing *p, struct ast_node node, size_t start, uint32_t *out)
{
    size_t mark = p->pending_count;
    int status = parsing_advance(p);
    while (status == 0 && p->token.type != TOKEN_BRACE_CLOSE) {
        status = node.kind == AST_MAP ? parse_map_entry(p) : parse_message_entry(p);
        if (status != 0 || p->token.type != TOKEN_COMMA) {
            break;
        }
        status = parsing_advance(p);
    }
    if (status == 0) {
        status = parsing_expect(p, TOKEN_BRACE_CLOSE, "',' or '}'");
    }
    return status != 0 ? status : parsing_add_node(p, node, start, mark, out);
}

static bool is_at_double(const struct parsing *p, char brace)
{
    struct str text = p->lexer.text;
    size_t next = p->token.offset + 1;
    return (p->options->flags & PARSER_BRACES) != 0 && next < text.n && text.p[next] == brace;
}

/* {{x}} as (x). */
static int parse_double_braces(struct parsing *p, uint32_t *out)
{
    int status = parsing_advance(p);
    if (status == 0) {
        status = parsing_advance(p);
    }
    if (status == 0) {
        status = parser_parse_expr(p, out);
    }
    if (status == 0 && (p->token.type != TOKEN_BRACE_CLOSE || !is_at_double(p, '}'))) {
        return parsing_fail_unexpected(p, "'}}'");
    }
    if (status == 0) {
        status = parsing_advance(p);
    }
    return status != 0 ? status : parsing_advance(p);
}

/* ${x} as (x). */
static int parse_dollar(struct parsing *p, uint32_t *out)
{
    size_t start = p->token.offset;
    struct str text = p->lexer.text;
    struct str name = foreign_variable(text, start);
    if (name.n > 0) {
        return parsing_fail_at(
            p, start, name.n + 2,
            "environment variables cannot stand in expressions: put '${%.*s}' under "
            "'config' and write config.NAME",
            STR_ARG(name));
    }
    if (start + 2 < text.n && text.p[start + 2] == '{') {
        return parsing_fail_at(p, start, 2, "'${{' is of other tools: leave the '$' out");
    }
    if ((p->options->flags & PARSER_BRACES) == 0) {
        return parsing_fail_at(p, start, 2,
                               "'${' inside of an expression: leave it and its '}' out");
    }
    int status = parsing_advance(p);
    if (status == 0) {
        status = parser_parse_expr(p, out);
    }
    return status != 0 ? status : parsing_expect(p, TOKEN_BRACE_CLOSE, "'}'");
}

static int parse_string(struct parsing *p, struct cel *out)
{
    struct str text = parsing_text(p);
    const char *braces = (p->options->flags & PARSER_BRACES) != 0 ? memmem(text.p, text.n, "{{", 2)
                                                                  : NULL;
    if (braces != NULL) {
        return parsing_fail_at(p, p->token.offset + (size_t)(braces - text.p), 2,
                               "'{{' inside a string: join the parts with '+', as in 'a' + {{x}}");
    }
    const char *dollar = (p->options->flags & PARSER_BRACES) != 0 ? foreign_dollar(text) : NULL;
    if (dollar != NULL) {
        return parsing_fail_at(p, p->token.offset + (size_t)(dollar - text.p), 2,
                               "'${' inside a string: join the parts with '+', as in 'a' + ${x}");
    }
    struct expr_fault fault = {0};
    int status = literal_read_string(text, p->arena, out, &fault, p->err);
    if (status != 0) {
        p->fault = (struct expr_fault){p->token.offset + fault.offset, fault.length};
    }
    return status;
}

static int read_literal(struct parsing *p, bool is_negative, struct cel *out)
{
    switch (p->token.type) {
    case TOKEN_INT:
        return literal_read_int(parsing_text(p), is_negative, out, p->err);
    case TOKEN_UINT:
        return literal_read_uint(parsing_text(p), out, p->err);
    case TOKEN_DOUBLE:
        return literal_read_double(parsing_text(p), is_negative, out, p->err);
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
        return parsing_fail_unexpected(p, "a value");
    }
}

int primary_parse_literal(struct parsing *p, bool is_negative, size_t start, uint32_t *out)
{
    p->fault = (struct expr_fault){p->token.offset, p->token.length};
    struct cel value;
    int status = read_literal(p, is_negative, &value);
    if (status == 0) {
        status = parsing_advance(p);
    }
    if (status != 0) {
        return status;
    }
    struct ast_node node = {.offset = (uint32_t)start,
                            .length = (uint32_t)(p->previous_end - start)};
    return ast_add_literal(p->ast, &node, &value, out) == 0 ? 0 : error_nomem(p->err);
}

int primary_parse_call(struct parsing *p, struct ast_node call, size_t start, size_t mark,
                       uint32_t *out)
{
    call.kind = AST_CALL;
    int status = parsing_advance(p);
    if (status == 0) {
        status = parse_items(p, TOKEN_PAREN_CLOSE, false, "',' or ')'");
    }
    if (status == 0) {
        status = parsing_add_node(p, call, start, mark, out);
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
static int parse_name(struct parsing *p, uint32_t *out)
{
    size_t start = p->token.offset;
    struct ast_node node = {.kind = AST_NAME};
    if (p->token.type == TOKEN_DOT) {
        node.flags |= AST_ABSOLUTE;
        int status = parsing_advance(p);
        if (status != 0) {
            return status;
        }
    }
    if (p->token.type != TOKEN_IDENT) {
        return parsing_fail_unexpected(p, "a name");
    }
    node.name = parsing_text(p);
    if (is_reserved(node.name)) {
        return parsing_fail_at(p, p->token.offset, p->token.length, "'%.*s' is a reserved word",
                               STR_ARG(node.name));
    }
    int status = parsing_advance(p);
    if (status != 0) {
        return status;
    }
    if (p->token.type == TOKEN_PAREN_OPEN) {
        return primary_parse_call(p, node, start, p->pending_count, out);
    }
    return parsing_add_node(p, node, start, p->pending_count, out);
}

int primary_parse(struct parsing *p, uint32_t *out)
{
    size_t start = p->token.offset;
    int status = 0;
    switch (p->token.type) {
    case TOKEN_IDENT:
    case TOKEN_DOT:
        return parse_name(p, out);
    case TOKEN_PAREN_OPEN:
        status = parsing_advance(p);
        if (status == 0) {
            status = parser_parse_expr(p, out);
        }
        return status != 0 ? status : parsing_expect(p, TOKEN_PAREN_CLOSE, "')'");
    case TOKEN_BRACKET_OPEN:
        return parse_list(p, out);
    case TOKEN_DOLLAR:
        return parse_dollar(p, out);
    case TOKEN_BRACE_OPEN:
        if (is_at_double(p, '{')) {
            return parse_double_braces(p, out);
        }
        return primary_parse_braces(p, (struct ast_node){.kind = AST_MAP}, start, out);
    default:
        return primary_parse_literal(p, false, start, out);
    }
}
