/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/parsing.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/base/utf8.h"
#include "core/expr/foreign.h"

int parsing_fail_at(struct parsing *p, size_t offset, size_t length, const char *format, ...)
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

int parsing_advance(struct parsing *p)
{
    p->previous_end = p->token.offset + p->token.length;
    int status = lexer_next(&p->lexer, &p->token);
    if (status != 0) {
        p->fault = p->lexer.fault;
    }
    return status;
}

struct str parsing_text(const struct parsing *p)
{
    return str_make(p->lexer.text.p + p->token.offset, p->token.length);
}

int parsing_fail_unexpected(struct parsing *p, const char *expected)
{
    struct str text = parsing_text(p);
    if (p->token.type == TOKEN_END) {
        return parsing_fail_at(p, p->token.offset, 0, "the expression ends where %s is expected",
                               expected);
    }
    int shown = text.n > 40 ? (int)utf8_whole_prefix(text.p, 40) : (int)text.n;
    const char *cure = foreign_cure(p->lexer.text, p->token.offset, p->token.length, expected);
    return parsing_fail_at(p, p->token.offset, p->token.length,
                           "unexpected '%.*s' where %s is expected%s", shown, text.p, expected,
                           cure);
}

int parsing_expect(struct parsing *p, enum token_type type, const char *expected)
{
    return p->token.type == type ? parsing_advance(p) : parsing_fail_unexpected(p, expected);
}

int parsing_push(struct parsing *p, uint32_t node)
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

int parsing_add_node(struct parsing *p, struct ast_node node, size_t start, size_t mark,
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

int parsing_add_parent(struct parsing *p, struct ast_node node, size_t start, uint32_t child,
                       uint32_t *out)
{
    size_t mark = p->pending_count;
    int status = parsing_push(p, child);
    return status != 0 ? status : parsing_add_node(p, node, start, mark, out);
}

int parsing_refuse_unless(struct parsing *p, unsigned flag, const char *what)
{
    if ((p->options->flags & flag) != 0) {
        return parsing_fail_at(p, p->token.offset, p->token.length, "%s is not supported here",
                               what);
    }
    return 0;
}

int parsing_skip_question(struct parsing *p, bool *out_is_there)
{
    *out_is_there = p->token.type == TOKEN_QUESTION;
    if (!*out_is_there) {
        return 0;
    }
    int status = parsing_refuse_unless(p, PARSER_NO_OPTIONALS, "'?' before a value");
    return status != 0 ? status : parsing_advance(p);
}

static struct str unquote(struct str name)
{
    return name.n >= 2 && name.p[0] == '`' ? str_make(name.p + 1, name.n - 2) : name;
}

int parsing_take_field_name(struct parsing *p, struct str *out_name, uint16_t *out_flags)
{
    if (p->token.type != TOKEN_IDENT && p->token.type != TOKEN_QUOTED) {
        return parsing_fail_unexpected(p, "a field name");
    }
    if (p->token.type == TOKEN_QUOTED) {
        int status = parsing_refuse_unless(p, PARSER_NO_QUOTED_NAMES, "a name in backticks");
        if (status != 0) {
            return status;
        }
        *out_flags |= AST_QUOTED_NAME;
    }
    *out_name = unquote(parsing_text(p));
    return parsing_advance(p);
}
