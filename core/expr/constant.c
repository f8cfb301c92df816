/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which instructions are constant follows from those below them, which stand before them in the
 * program. The walk goes from the root through what is sure to be evaluated: not into operands of
 * && and ||, branches, bodies of macros and arguments of default() and coalesce(). There it
 * evaluates each constant part once, and looks for the innermost part of one that fails.
 */
#include "core/expr/constant.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/expr/cel.h"
#include "core/expr/eval.h"
#include "core/expr/expr.h"
#include "core/expr/function.h"
#include "core/expr/kind.h"
#include "core/expr/macro.h"
#include "core/expr/program.h"

enum { FEW_CODES = 128 };

/* Of all attempts together: a part that is more work than that is left to the run. */
static const struct expr_budget most_work = {100000, (size_t)1024 * 1024};

struct search {
    const struct expr *expr;
    const bool *constant; /* for each instruction */
    struct expr_budget budget;
    const struct code *failing; /* the latest part that failed; NULL: none */
    struct error *err;          /* its failure */
};

static bool is_constant(const struct search *search, const struct code *code)
{
    return search->constant[code - search->expr->codes];
}

/* True when some instruction can fail although all below it is constant. */
static bool mark_constants(const struct expr *expr, bool *constant)
{
    bool is_any = false;
    for (size_t i = 0; i < expr->code_count; i++) {
        const struct code *code = &expr->codes[i];
        constant[i] = code->op != OP_SLOT && code->op != OP_UNKNOWN;
        for (size_t n = 0; n < code->count && constant[i]; n++) {
            constant[i] = constant[expr->links[code->first + n]];
        }
        is_any = is_any || (constant[i] && code->op != OP_CONSTANT && code->op != OP_LOCAL);
        is_any = is_any || code->op == OP_CALL; /* see zone_fails() */
    }
    return is_any;
}

/* How many of its children, the first ones, are evaluated whenever `code` is, and not absorbed. */
static size_t sure_children(const struct code *code)
{
    switch ((enum code_op)code->op) {
    case OP_AND:
    case OP_OR:
        return 0;
    case OP_CONDITIONAL:
        return 1;
    case OP_MACRO:
        return code->macro == MACRO_DEFAULT || code->macro == MACRO_COALESCE ? 0 : 1;
    default:
        return code->count;
    }
}

/* Child `i`; what stands behind a '?' is not evaluated by itself. */
static const struct code *sure_child(const struct search *search, const struct code *code, size_t i)
{
    const struct code *child = program_child(search->expr, code, i);
    return child->op == OP_OPTIONAL ? program_child(search->expr, child, 0) : child;
}

typedef int (*evaluate_cb)(struct evaluation *ev, const struct code *code, struct cel *out);

/* Notes it when `evaluate` fails on `code`. Fails with E_NOMEM. */
static int attempt(struct search *search, const struct code *code, evaluate_cb evaluate)
{
    struct arena arena = ARENA_INIT;
    struct evaluation ev = {.expr = search->expr,
                            .arena = &arena,
                            .budget = &search->budget,
                            .max_weight = search->budget.output_bytes,
                            .max_steps = search->budget.steps};
    size_t locals = search->expr->local_count;
    struct cel value;
    ev.locals = locals > 0 ? arena_calloc(&arena, locals, sizeof(*ev.locals)) : NULL;
    int status = ev.locals != NULL || locals == 0 ? evaluate(&ev, code, &value) : E_NOMEM;
    if (eval_is_absorbable(status)) {
        const char *text = ev.fault.text != NULL ? ev.fault.text : error_code_text(status);
        (void)error_set(search->err, E_INVALID, "%s", text);
        search->failing = code;
    }
    arena_finish(&arena);
    return status == E_NOMEM ? E_NOMEM : 0;
}

/* The innermost part of `code` that fails. Fails with E_NOMEM. */
static int narrow(struct search *search, const struct code *code)
{
    int status = attempt(search, code, eval_code);
    bool is_deeper = status == 0 && search->failing == code;
    while (is_deeper) {
        is_deeper = false;
        for (size_t i = 0; i < sure_children(code) && status == 0 && !is_deeper; i++) {
            const struct code *child = sure_child(search, code, i);
            status = child->op != OP_CONSTANT ? attempt(search, child, eval_code) : 0;
            is_deeper = status == 0 && search->failing == child;
        }
        code = search->failing;
    }
    return status;
}

static int evaluate_zone(struct evaluation *ev, const struct code *code, struct cel *out)
{
    const struct cel args[] = {{.type = CEL_TIMESTAMP},
                               program_child(ev->expr, code, 1)->as.constant};
    ev->call = code;
    return code->as.function->call(ev, args, 2, out);
}

/* x.getHours('Nowhere') fails whatever the time is: tried with any. */
static int try_zone(struct search *search, const struct code *code)
{
    bool takes_zone = code->op == OP_CALL && code->count == 2 &&
                      (function_takes(code->as.function, 0) & KIND_TIMESTAMP) != 0 &&
                      function_takes(code->as.function, 1) == KIND_STRING;
    const struct code *zone = takes_zone ? program_child(search->expr, code, 1) : NULL;
    if (zone == NULL || zone->op != OP_CONSTANT) {
        return 0;
    }
    int status = attempt(search, code, evaluate_zone);
    search->failing = search->failing == code ? zone : search->failing;
    return status;
}

/* `code` is not constant, and sure to be evaluated. As deep as the parser let the tree be. */
static int walk(struct search *search, const struct code *code)
{
    int status = 0;
    for (size_t i = 0; i < sure_children(code) && status == 0 && search->failing == NULL; i++) {
        const struct code *child = sure_child(search, code, i);
        if (!is_constant(search, child)) {
            status = walk(search, child);
        } else if (child->op != OP_CONSTANT && child->op != OP_LOCAL) {
            status = narrow(search, child);
        }
    }
    return status != 0 || search->failing != NULL ? status : try_zone(search, code);
}

int constant_find_failure(const struct expr *expr, struct expr_fault *out_fault, struct error *err)
{
    bool few[FEW_CODES];
    bool *constant = expr->code_count <= FEW_CODES ? few : malloc(expr->code_count);
    if (constant == NULL) {
        return error_nomem(err);
    }
    struct search search = {.expr = expr, .constant = constant, .budget = most_work, .err = err};
    const struct code *root = &expr->codes[expr->root];
    int status = 0;
    if (mark_constants(expr, constant)) {
        status = is_constant(&search, root) ? narrow(&search, root) : walk(&search, root);
    }
    if (constant != few) {
        free(constant);
    }
    if (status != 0) {
        return error_nomem(err);
    }
    if (search.failing == NULL) {
        return 0;
    }
    *out_fault = (struct expr_fault){search.failing->offset, search.failing->length};
    return E_INVALID;
}
