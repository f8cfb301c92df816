/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/macro.h"

#include "core/base/error.h"

/* Which of two forms with as many arguments is meant, the number of arguments decides. */
static const struct macro macros[] = {
    {"has", MACRO_HAS, false, 1, 1, 0, true, NULL},
    {"all", MACRO_ALL, true, 2, 2, 1, true, NULL},
    {"all", MACRO_ALL, true, 3, 3, 2, false, NULL},
    {"exists", MACRO_EXISTS, true, 2, 2, 1, true, NULL},
    {"exists", MACRO_EXISTS, true, 3, 3, 2, false, NULL},
    {"exists_one", MACRO_EXISTS_ONE, true, 2, 2, 1, true, NULL},
    {"exists_one", MACRO_EXISTS_ONE, true, 3, 3, 2, false, NULL},
    {"existsOne", MACRO_EXISTS_ONE, true, 2, 2, 1, true, NULL},
    {"existsOne", MACRO_EXISTS_ONE, true, 3, 3, 2, false, NULL},
    {"map", MACRO_MAP, true, 2, 3, 1, true, NULL},
    {"filter", MACRO_FILTER, true, 2, 2, 1, true, NULL},
    {"transformList", MACRO_MAP, true, 3, 4, 2, false, NULL},
    {"transformMap", MACRO_TRANSFORM_MAP, true, 3, 4, 2, false, NULL},
    {"transformMapEntry", MACRO_TRANSFORM_MAP_ENTRY, true, 3, 4, 2, false, NULL},
    {"sortBy", MACRO_SORT_BY, true, 2, 2, 1, false, NULL},
    {"bind", MACRO_BIND, true, 3, 3, 1, false, "cel"},
    {"optMap", MACRO_OPT_MAP, true, 2, 2, 1, false, NULL},
    {"optFlatMap", MACRO_OPT_FLAT_MAP, true, 2, 2, 1, false, NULL},
    {"default", MACRO_DEFAULT, false, 2, 2, 0, false, NULL},
    {"coalesce", MACRO_COALESCE, false, 1, 255, 0, false, NULL},
};

const struct macro *macro_find(const struct ast *ast, const struct ast_node *call)
{
    bool is_receiver = (call->flags & AST_RECEIVER) != 0;
    size_t args = call->count - (is_receiver ? 1 : 0);
    for (size_t i = 0; i < sizeof(macros) / sizeof(macros[0]); i++) {
        const struct macro *m = &macros[i];
        if (m->is_receiver != is_receiver || args < m->min_args || args > m->max_args ||
            !str_equal_text(call->name, m->name)) {
            continue;
        }
        if (m->name_of == NULL) {
            return m;
        }
        const struct ast_node *receiver = ast_child(ast, call, 0);
        if (receiver->kind == AST_NAME && str_equal_text(receiver->name, m->name_of)) {
            return m;
        }
    }
    return NULL;
}

static int fail_at(const struct ast_node *node, const char *message, struct expr_fault *out_fault,
                   struct error *err)
{
    *out_fault = (struct expr_fault){node->offset, node->length};
    return error_set(err, E_INVALID, "%s", message);
}

static int check_variable(const struct ast_node *node, struct expr_fault *out_fault,
                          struct error *err)
{
    if (node->kind != AST_NAME || (node->flags & AST_ABSOLUTE) != 0) {
        return fail_at(node, "a macro's variable must be a plain name", out_fault, err);
    }
    if (str_equal_text(node->name, "__result__")) {
        return fail_at(node, "'__result__' is no name for a variable", out_fault, err);
    }
    return 0;
}

int macro_check(const struct macro *macro, const struct ast *ast, const struct ast_node *call,
                struct expr_fault *out_fault, struct error *err)
{
    if (macro->kind == MACRO_HAS) {
        const struct ast_node *arg = ast_child(ast, call, 0);
        return arg->kind == AST_SELECT
                   ? 0
                   : fail_at(arg, "has() takes a field, as in has(a.b)", out_fault, err);
    }
    for (size_t i = 0; i < macro->variables; i++) {
        const struct ast_node *variable = ast_child(ast, call, i + 1);
        int status = check_variable(variable, out_fault, err);
        if (status != 0) {
            return status;
        }
        if (i == 1 && str_equal(variable->name, ast_child(ast, call, 1)->name)) {
            return fail_at(variable, "the two variables have the same name", out_fault, err);
        }
    }
    return 0;
}

const char *macro_kind_name(enum macro_kind kind)
{
    static const char *const names[] = {
        [MACRO_HAS] = "has",
        [MACRO_ALL] = "all",
        [MACRO_EXISTS] = "exists",
        [MACRO_EXISTS_ONE] = "exists_one",
        [MACRO_MAP] = "map",
        [MACRO_FILTER] = "filter",
        [MACRO_TRANSFORM_MAP] = "transformMap",
        [MACRO_TRANSFORM_MAP_ENTRY] = "transformMapEntry",
        [MACRO_SORT_BY] = "sortBy",
        [MACRO_BIND] = "bind",
        [MACRO_OPT_MAP] = "optMap",
        [MACRO_OPT_FLAT_MAP] = "optFlatMap",
        [MACRO_DEFAULT] = "default",
        [MACRO_COALESCE] = "coalesce",
    };
    return names[kind];
}

const struct macro *macro_at(size_t i)
{
    return i < sizeof(macros) / sizeof(macros[0]) ? &macros[i] : NULL;
}
