/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/expr.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/expr/ast.h"
#include "core/expr/checker.h"
#include "core/expr/compile.h"
#include "core/expr/constant.h"
#include "core/expr/eval.h"
#include "core/expr/memo.h"
#include "core/expr/parser.h"
#include "core/expr/program.h"
#include "core/value/regex.h"

const struct expr_budget expr_default_budget = {1000000, (size_t)8 * 1024 * 1024};

/* Messages quote text and keys, which may hold line ends and the like. */
static void keep_one_line(struct error *err)
{
    for (char *p = err != NULL ? err->message : NULL; p != NULL && *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7F) {
            *p = ' ';
        }
    }
}

static int compile_text(struct expr *expr, const struct expr_names *names, unsigned flags,
                        struct expr_fault *out_fault, struct error *err)
{
    struct ast ast = AST_INIT;
    struct parser_options options = {.flags = (flags & EXPR_BRACES) != 0 ? PARSER_BRACES : 0,
                                     .max_depth = PARSER_MAX_DEPTH};
    int status = parser_parse(expr->text, &options, &expr->arena, &ast, out_fault, err);
    if (status == 0) {
        status = compile_program(&ast, names, flags, expr, out_fault, err);
    }
    ast_finish(&ast);
    return status;
}

static int compile_new(struct str text, const struct expr_names *names, unsigned flags,
                       struct expr **out_expr, struct expr_fault *out_fault, struct error *err)
{
    struct expr *expr = calloc(1, sizeof(*expr));
    if (expr == NULL) {
        return error_nomem(err);
    }
    /* A text that is too long is refused by the parser; there is no need to copy all of it. */
    size_t kept = text.n > PARSER_MAX_TEXT_BYTES ? PARSER_MAX_TEXT_BYTES + 1 : text.n;
    expr->flags = flags;
    expr->text = arena_dup_str(&expr->arena, str_make(text.p, kept));
    int status = expr->text.p == NULL ? error_nomem(err)
                                      : compile_text(expr, names, flags, out_fault, err);
    if (status == 0 && names->memo != NULL && expr_memo_add(names->memo, expr) != 0) {
        status = error_nomem(err);
    }
    if (status != 0) {
        keep_one_line(err);
        expr_destroy(expr);
        return status;
    }
    *out_expr = expr;
    return 0;
}

int expr_compile(struct str text, const struct expr_names *names, unsigned flags,
                 struct expr **out_expr, struct expr_fault *out_fault, struct error *err)
{
    struct expr_fault unused;
    struct expr_fault *fault = out_fault != NULL ? out_fault : &unused;
    *fault = (struct expr_fault){0, 0};
    struct expr *known = names->memo != NULL ? expr_memo_find(names->memo, text, flags) : NULL;
    if (known == NULL) {
        return compile_new(text, names, flags, out_expr, fault, err);
    }
    known->holders++;
    *out_expr = known;
    return 0;
}

void expr_destroy(struct expr *expr)
{
    if (expr == NULL || expr->holders-- > 0) {
        return;
    }
    for (size_t i = 0; i < expr->regex_count; i++) {
        regex_destroy(expr->regexes[i]);
    }
    free(expr->regexes);
    free(expr->references);
    free(expr->links);
    free(expr->codes);
    arena_finish(&expr->arena);
    free(expr);
}

struct str expr_source(const struct expr *expr)
{
    return expr->text;
}

int expr_static_type(const struct expr *expr)
{
    return expr->static_type;
}

int expr_check_types(const struct expr *expr, expr_describe_cb describe, void *user, int *out_type,
                     struct expr_fault *out_fault, struct error *err)
{
    struct checker_data data = {.describe = describe, .user = user};
    return checker_run(expr, &data, out_type, out_fault, err);
}

int expr_find_failure(const struct expr *expr, struct expr_fault *out_fault, struct error *err)
{
    int status = constant_find_failure(expr, out_fault, err);
    if (status != 0) {
        keep_one_line(err);
    }
    return status;
}

struct expr_fault expr_place(const struct expr *expr)
{
    const struct code *root = &expr->codes[expr->root];
    return (struct expr_fault){root->offset, root->length};
}

size_t expr_reference_count(const struct expr *expr)
{
    return expr->reference_count;
}

const struct expr_reference *expr_reference_at(const struct expr *expr, size_t i)
{
    return &expr->references[i];
}

int expr_evaluate(const struct expr *expr, const struct expr_scope *scope, struct arena *arena,
                  struct expr_budget *budget, struct cel *out, struct error *err)
{
    struct evaluation ev;
    ev.expr = expr;
    ev.scope = scope;
    ev.arena = arena;
    ev.budget = budget;
    ev.max_weight = budget->output_bytes;
    ev.max_steps = budget->steps;
    ev.locals = NULL;
    ev.call = NULL;
    ev.fault = (struct eval_fault){0, NULL};
    ev.err = err;
    ev.quiet = 0;
    if (expr->local_count > 0) {
        ev.locals = arena_calloc(arena, expr->local_count, sizeof(*ev.locals));
        if (ev.locals == NULL) {
            return error_nomem(err);
        }
    }
    int status = eval_code(&ev, &expr->codes[expr->root], out);
    if (status == 0) {
        return 0;
    }
    if (status == E_NOMEM || ev.fault.text == NULL) {
        return error_set(err, status, "%s", error_code_text(status));
    }
    (void)error_set(err, status, "%s", ev.fault.text);
    keep_one_line(err);
    return status;
}
