/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/compile.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/base/utf8.h"
#include "core/expr/checker.h"
#include "core/expr/compiler.h"
#include "core/expr/eval.h"

int compiler_fail(struct compiler *c, const struct ast_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

int compiler_fail(struct compiler *c, const struct ast_node *node, const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    if (n >= (int)sizeof(message)) {
        message[utf8_whole_prefix(message, sizeof(message) - 1)] = '\0';
    }
    c->fault = (struct expr_fault){node->offset, node->length};
    return error_set(c->err, E_INVALID, "%s", message);
}

int compiler_add(struct compiler *c, const struct ast_node *node, struct code code, uint32_t *out)
{
    struct expr *expr = c->expr;
    struct code *grown =
        array_reserve(expr->codes, &expr->code_cap, expr->code_count + 1, sizeof(*expr->codes));
    if (grown == NULL) {
        return error_nomem(c->err);
    }
    expr->codes = grown;
    code.offset = node->offset;
    code.length = node->length;
    expr->codes[expr->code_count] = code;
    *out = (uint32_t)expr->code_count++;
    return 0;
}

/* Room for `count` children; their indices are written later, once they are compiled. */
int compiler_add_links(struct compiler *c, size_t count, uint32_t *out_first)
{
    struct expr *expr = c->expr;
    uint32_t *grown =
        array_reserve(expr->links, &expr->link_cap, expr->link_count + count, sizeof(*expr->links));
    if (grown == NULL) {
        return error_nomem(c->err);
    }
    expr->links = grown;
    *out_first = (uint32_t)expr->link_count;
    expr->link_count += count;
    return 0;
}

/* Compiles children `from`... of `node` and adds `code` with them as its own. */
int compiler_add_parent(struct compiler *c, const struct ast_node *node, size_t from,
                        struct code code, uint32_t *out)
{
    code.count = node->count - (uint32_t)from;
    int status = compiler_add_links(c, code.count, &code.first);
    for (uint32_t i = 0; i < code.count && status == 0; i++) {
        uint32_t child = 0;
        status = compiler_node(c, c->ast->links[node->first + from + i], &child);
        if (status == 0) {
            c->expr->links[code.first + i] = child;
        }
    }
    return status != 0 ? status : compiler_add(c, node, code, out);
}

int compiler_add_constant(struct compiler *c, const struct ast_node *node, struct cel value,
                          uint32_t *out)
{
    return compiler_add(c, node, (struct code){.op = OP_CONSTANT, .as.constant = value}, out);
}

int compiler_add_unknown(struct compiler *c, const struct ast_node *node, struct str name,
                         uint32_t *out)
{
    return compiler_add(c, node, (struct code){.op = OP_UNKNOWN, .as.name = name}, out);
}

/* Whether the truth (or with `is_negated` the falsehood) of `node` means that its has() hold. */
static bool is_guard(const struct compiler *c, const struct ast_node *node, bool is_negated)
{
    if (is_negated) {
        return node->kind == AST_NOT && is_guard(c, ast_child(c->ast, node, 0), false);
    }
    return node->kind == AST_AND || compile_call_is(c, node, MACRO_HAS);
}

/* A list or map of constants is one constant, unless making it fails: that is for later. */
static int fold(struct compiler *c, uint32_t index)
{
    struct code *code = &c->expr->codes[index];
    for (size_t i = 0; i < code->count; i++) {
        if (program_child(c->expr, code, i)->op != OP_CONSTANT) {
            return 0;
        }
    }
    struct expr_budget budget = {UINT64_MAX, SIZE_MAX};
    struct evaluation ev = {.expr = c->expr,
                            .arena = &c->expr->arena,
                            .budget = &budget,
                            .max_weight = SIZE_MAX,
                            .quiet = 1};
    struct cel value;
    int status = eval_code(&ev, code, &value);
    if (status == E_NOMEM) {
        return error_nomem(c->err);
    }
    if (status == 0) {
        code->op = OP_CONSTANT;
        code->as.constant = value;
    }
    return 0;
}

static int compile_collection(struct compiler *c, const struct ast_node *node, uint32_t *out)
{
    struct code code = {.op = node->kind == AST_LIST ? OP_LIST : OP_MAP};
    int status = compiler_add_parent(c, node, 0, code, out);
    return status != 0 ? status : fold(c, *out);
}

static int compile_logic(struct compiler *c, const struct ast_node *node, uint32_t *out)
{
    bool is_or = node->kind == AST_OR;
    struct code code = {.op = is_or ? OP_OR : OP_AND, .count = node->count};
    size_t start = c->expr->reference_count;
    int status = compiler_add_links(c, code.count, &code.first);
    for (uint32_t i = 0; i < code.count && status == 0; i++) {
        uint32_t child = 0;
        size_t from = c->expr->reference_count;
        status = compiler_node(c, c->ast->links[node->first + i], &child);
        if (status != 0) {
            return status;
        }
        c->expr->links[code.first + i] = child;
        if (!is_guard(c, ast_child(c->ast, node, i), is_or)) {
            compile_name_clear_tests(c, from);
        }
        compile_name_guard(c, start, from);
    }
    return status != 0 ? status : compiler_add(c, node, code, out);
}

static int compile_conditional(struct compiler *c, const struct ast_node *node, uint32_t *out)
{
    struct code code = {.op = OP_CONDITIONAL, .count = 3};
    int status = compiler_add_links(c, code.count, &code.first);
    size_t from = c->expr->reference_count;
    size_t to = from;
    for (uint32_t i = 0; i < 3 && status == 0; i++) {
        uint32_t child = 0;
        bool is_negated = ast_child(c->ast, node, 0)->kind == AST_NOT;
        status = compiler_node(c, c->ast->links[node->first + i], &child);
        if (status != 0) {
            break;
        }
        c->expr->links[code.first + i] = child;
        if (i == 0) {
            to = c->expr->reference_count;
        } else if (is_guard(c, ast_child(c->ast, node, 0), is_negated) &&
                   i == (is_negated ? 2u : 1u)) {
            compile_name_guard(c, from, to);
        }
    }
    return status != 0 ? status : compiler_add(c, node, code, out);
}

static int compile_binary(struct compiler *c, const struct ast_node *node, uint32_t *out)
{
    static const uint8_t ops[] = {
        [AST_EQUAL] = OP_EQUAL,
        [AST_NOT_EQUAL] = OP_NOT_EQUAL,
        [AST_LESS] = OP_LESS,
        [AST_LESS_EQUAL] = OP_LESS_EQUAL,
        [AST_GREATER] = OP_GREATER,
        [AST_GREATER_EQUAL] = OP_GREATER_EQUAL,
        [AST_IN] = OP_IN,
        [AST_ADD] = OP_ADD,
        [AST_SUBTRACT] = OP_SUBTRACT,
        [AST_MULTIPLY] = OP_MULTIPLY,
        [AST_DIVIDE] = OP_DIVIDE,
        [AST_MODULO] = OP_MODULO,
    };
    return compiler_add_parent(c, node, 0, (struct code){.op = ops[node->op]}, out);
}

static int compile_kind(struct compiler *c, const struct ast_node *node, uint32_t *out)
{
    switch ((enum ast_kind)node->kind) {
    case AST_LITERAL:
        return compiler_add_constant(c, node, c->ast->literals[node->first], out);
    case AST_NAME:
        return compile_name(c, node, out);
    case AST_SELECT:
        return compile_name_select(c, node, out);
    case AST_INDEX:
        return compiler_add_parent(
            c, node, 0,
            (struct code){.op = (node->flags & AST_IF_PRESENT) != 0 ? OP_INDEX_OPT : OP_INDEX},
            out);
    case AST_CALL:
        return compile_call(c, node, out);
    case AST_LIST:
    case AST_MAP:
        return compile_collection(c, node, out);
    case AST_MESSAGE:
        return compiler_fail(c, node, "unknown type '%.*s'", STR_ARG(node->name));
    case AST_OPTIONAL:
        return compiler_add_parent(c, node, 0, (struct code){.op = OP_OPTIONAL}, out);
    case AST_NOT:
        return compiler_add_parent(c, node, 0, (struct code){.op = OP_NOT}, out);
    case AST_NEGATE:
        return compiler_add_parent(c, node, 0, (struct code){.op = OP_NEGATE}, out);
    case AST_BINARY:
        return compile_binary(c, node, out);
    case AST_AND:
    case AST_OR:
        return compile_logic(c, node, out);
    case AST_CONDITIONAL:
        return compile_conditional(c, node, out);
    }
    return compiler_fail(c, node, "this kind of expression is not supported");
}

int compiler_node(struct compiler *c, uint32_t index, uint32_t *out)
{
    const struct ast_node *node = ast_at(c->ast, index);
    c->parents[c->parent_count++] = node;
    int status = compile_kind(c, node, out);
    c->parent_count--;
    return status;
}

int compile_program(const struct ast *ast, const struct expr_names *names, unsigned flags,
                    struct expr *expr, struct expr_fault *out_fault, struct error *err)
{
    size_t depth = ast_at(ast, ast->root)->depth;
    size_t variables = ast->name_count < MAX_LOCALS ? ast->name_count : MAX_LOCALS;
    struct compiler compiler = {
        .expr = expr, .ast = ast, .names = names, .flags = flags, .err = err};
    struct compiler *c = &compiler;
    c->locals = calloc(variables + depth, sizeof(*c->locals)); /* one block for both */
    if (c->locals == NULL) {
        return error_nomem(err);
    }
    c->parents = (const struct ast_node **)(void *)(c->locals + variables);
    /* A node becomes one instruction, seldom two; room for more than that is never used. */
    expr->code_cap = ast->node_count;
    expr->link_cap = ast->link_count;
    expr->reference_cap = ast->name_count;
    int status = compiler_node(c, ast->root, &expr->root);
    *out_fault = c->fault;
    free(c->tests);
    free(c->locals);
    expr->static_type = EXPR_TYPE_OPEN;
    bool is_checked = status == 0 && (flags & EXPR_UNCHECKED) == 0;
    static const struct checker_data nothing = {NULL, NULL};
    return is_checked ? checker_run(expr, &nothing, &expr->static_type, out_fault, err) : status;
}
