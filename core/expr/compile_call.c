/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/base/suggest.h"
#include "core/expr/compiler.h"
#include "core/expr/function.h"
#include "core/value/regex.h"

/* has(a.b): its one child is the a of the select below it. */
static int compile_has(struct compiler *c, const struct ast_node *node, uint32_t *out)
{
    uint32_t select = 0;
    c->guards++;
    int status = compiler_node(c, c->ast->links[node->first], &select);
    c->guards--;
    if (status != 0) {
        return status;
    }
    struct code *code = &c->expr->codes[select];
    if (code->op == OP_SELECT || code->op == OP_SELECT_OPT) {
        code->op = OP_HAS;
        *out = select;
        return 0;
    }
    return compiler_fail(c, node, "has() takes a field, as in has(a.b)");
}

/* default(x, y), coalesce(a, b, ...): what stands in them may be absent, but for the y. */
static int compile_first(struct compiler *c, const struct ast_node *node, struct code code,
                         uint32_t *out)
{
    code.count = node->count;
    int status = compiler_add_links(c, code.count, &code.first);
    for (uint32_t i = 0; i < code.count && status == 0; i++) {
        bool is_guarded = code.macro == MACRO_COALESCE || i == 0;
        uint32_t child = 0;
        c->guards += is_guarded ? 1 : 0;
        status = compiler_node(c, c->ast->links[node->first + i], &child);
        c->guards -= is_guarded ? 1 : 0;
        if (status == 0) {
            c->expr->links[code.first + i] = child;
        }
    }
    return status != 0 ? status : compiler_add(c, node, code, out);
}

/* The receiver and what stands behind the variables; these are known only to the latter. */
static int compile_loop(struct compiler *c, const struct ast_node *node, const struct macro *macro,
                        struct code code, uint32_t *out)
{
    /* x.map(v, t) starts with x; cel.bind(v, init, body) with its init. */
    bool is_bind = macro->kind == MACRO_BIND;
    size_t from = 1u + macro->variables;
    size_t first = is_bind ? from : 0;
    code.count = (uint32_t)(1 + node->count - from - (is_bind ? 1 : 0));
    if (c->local_count + macro->variables > MAX_LOCALS) {
        c->fault = (struct expr_fault){node->offset, node->length};
        return error_set(c->err, E_LIMIT, "more than %d variables inside one another", MAX_LOCALS);
    }
    int status = compiler_add_links(c, code.count, &code.first);
    code.local = c->local_count;
    for (uint32_t i = 0; i < code.count && status == 0; i++) {
        size_t child = i == 0 ? first : from + i - (is_bind ? 0u : 1u);
        uint32_t compiled = 0;
        for (uint32_t v = 0; v < macro->variables && i == 1; v++) {
            c->locals[c->local_count++] = ast_child(c->ast, node, v + 1)->name;
        }
        status = compiler_node(c, c->ast->links[node->first + child], &compiled);
        if (status == 0) {
            c->expr->links[code.first + i] = compiled;
        }
    }
    if (c->local_count > c->expr->local_count) {
        c->expr->local_count = c->local_count;
    }
    c->local_count = code.local;
    return status != 0 ? status : compiler_add(c, node, code, out);
}

static int compile_macro(struct compiler *c, const struct ast_node *node, const struct macro *macro,
                         uint32_t *out)
{
    int status = macro_check(macro, c->ast, node, &c->fault, c->err);
    if (status != 0) {
        return status;
    }
    struct code code = {.op = OP_MACRO, .macro = macro->kind, .variables = macro->variables};
    switch (macro->kind) {
    case MACRO_HAS:
        return compile_has(c, node, out);
    case MACRO_DEFAULT:
    case MACRO_COALESCE:
        return compile_first(c, node, code, out);
    default:
        return compile_loop(c, node, macro, code, out);
    }
}

static int fail_arguments(struct compiler *c, const struct ast_node *node, size_t args,
                          const struct function *nearest)
{
    struct str name = str_from(nearest->name);
    bool is_receiver = (node->flags & AST_RECEIVER) != 0;
    if (args >= nearest->min_args && args <= nearest->max_args) {
        return compiler_fail(c, node, "'%.*s' is called as %s%.*s(...)", STR_ARG(name),
                             is_receiver ? "" : "x.", STR_ARG(name));
    }
    unsigned least = nearest->min_args;
    unsigned most = nearest->max_args;
    if (is_receiver && (nearest->forms & FUNCTION_RECEIVER) != 0) {
        least--;
        most -= most != FUNCTION_MANY ? 1 : 0;
        args--;
    }
    if (most == FUNCTION_MANY) {
        return compiler_fail(c, node, "'%.*s' takes %u argument%s or more, not %zu", STR_ARG(name),
                             least, least == 1 ? "" : "s", args);
    }
    if (least == most) {
        return compiler_fail(c, node, "'%.*s' takes %u argument%s, not %zu", STR_ARG(name), least,
                             least == 1 ? "" : "s", args);
    }
    return compiler_fail(c, node, "'%.*s' takes %u to %u arguments, not %zu", STR_ARG(name), least,
                         most, args);
}

/* The function's name alone, as the place of a fault. */
static struct ast_node name_place(const struct compiler *c, const struct ast_node *node)
{
    struct ast_node place = *node;
    place.offset = (uint32_t)(node->name.p - c->ast->text.p);
    place.length = (uint32_t)node->name.n;
    return place;
}

/* A macro's name that is called in another way than the macro. */
static int fail_macro_use(struct compiler *c, const struct ast_node *node,
                          const struct macro *macro)
{
    const struct ast_node place = name_place(c, node);
    if (macro->variables == 0 && (node->flags & AST_RECEIVER) == 0) {
        bool is_default = macro->kind == MACRO_DEFAULT;
        unsigned least = macro->min_args;
        return compiler_fail(c, &place, "'%s' takes %u argument%s%s, not %u, as in %s", macro->name,
                             least, least == 1 ? "" : "s",
                             macro->max_args > least ? " or more" : "", (unsigned)node->count,
                             is_default                      ? "default(input.?x, 1)"
                             : macro->kind == MACRO_COALESCE ? "coalesce(input.?x, input.?y)"
                                                             : "has(input.x)");
    }
    const char *arguments = macro->variables == 0   ? "expression"
                            : macro->variables == 1 ? "name, expression"
                                                    : "name, name, expression";
    return compiler_fail(c, &place, "'%s' is called as %s%s(%s)", macro->name,
                         macro->is_receiver ? (macro->name_of != NULL ? "cel." : "x.") : "",
                         macro->name, arguments);
}

/* What functions are called elsewhere. */
static struct str foreign_name(struct str name)
{
    static const char *const pairs[][2] = {
        {"max", "math.greatest"}, {"min", "math.least"},     {"len", "size"},
        {"length", "size"},       {"count", "size"},         {"lower", "lowerAscii"},
        {"upper", "upperAscii"},  {"toLower", "lowerAscii"}, {"toUpper", "upperAscii"},
        {"includes", "contains"}, {"any", "exists"},         {"str", "string"},
        {"float", "double"},      {"number", "double"},      {"toString", "string"},
        {"tojson", "json"},       {"fromJson", "parse_json"}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (str_equal_text(name, pairs[i][0])) {
            return str_from(pairs[i][1]);
        }
    }
    return STR("");
}

static int fail_unknown_function(struct compiler *c, const struct ast_node *node)
{
    struct suggest nearest = suggest_start(node->name);
    for (size_t i = 0; macro_at(i) != NULL; i++) {
        if (str_equal_text(node->name, macro_at(i)->name)) {
            return fail_macro_use(c, node, macro_at(i));
        }
        suggest_offer(&nearest, str_from(macro_at(i)->name));
    }
    function_suggest(&nearest);
    const struct ast_node place = name_place(c, node);
    struct str best = foreign_name(node->name);
    best = best.n > 0 ? best : nearest.best;
    if (best.n > 0) {
        return compiler_fail(c, &place, "there is no function '%.*s': did you mean '%.*s'?",
                             STR_ARG(node->name), STR_ARG(best));
    }
    return compiler_fail(c, &place, "there is no function '%.*s'", STR_ARG(node->name));
}

static int add_regex(struct compiler *c, const struct ast_node *node, struct str pattern,
                     const struct regex **out)
{
    struct expr *expr = c->expr;
    struct regex **grown =
        array_reserve(expr->regexes, &expr->regex_cap, expr->regex_count + 1, sizeof(*grown));
    if (grown == NULL) {
        return error_nomem(c->err);
    }
    expr->regexes = grown;
    struct regex *regex = NULL;
    int status = regex_compile(pattern, &regex, c->err);
    if (status != 0) {
        c->fault = (struct expr_fault){node->offset, node->length};
        return status == E_NOMEM ? status : E_INVALID;
    }
    expr->regexes[expr->regex_count++] = regex;
    *out = regex;
    return 0;
}

/* matches() with a literal pattern. */
static int compile_matches(struct compiler *c, const struct ast_node *node, uint32_t *out)
{
    struct code code = {.op = OP_MATCHES, .count = 1};
    const struct ast_node *pattern = ast_child(c->ast, node, 1);
    const struct regex *regex = NULL;
    uint32_t text = 0;
    int status = add_regex(c, pattern, c->ast->literals[pattern->first].as.text, &regex);
    if (status == 0) {
        status = compiler_add_links(c, 1, &code.first);
    }
    if (status == 0) {
        status = compiler_node(c, c->ast->links[node->first], &text);
    }
    if (status != 0) {
        return status;
    }
    c->expr->links[code.first] = text;
    code.as.regex = regex;
    return compiler_add(c, node, code, out);
}

/* ns.f(...) as a function of this name, if there is one. */
static const struct function *find_in_namespace(const struct compiler *c,
                                                const struct ast_node *node,
                                                const struct function **out_nearest)
{
    char name[MAX_DOTTED_BYTES + 1];
    bool is_absolute = false;
    struct str space = compile_name_dotted(c, ast_child(c->ast, node, 0), name, &is_absolute);
    *out_nearest = NULL;
    if (space.n == 0 || space.n + node->name.n + 1 > sizeof(name)) {
        return NULL;
    }
    name[space.n] = '.';
    memcpy(name + space.n + 1, node->name.p, node->name.n);
    return function_find(str_make(name, space.n + 1 + node->name.n), FUNCTION_GLOBAL,
                         node->count - 1, out_nearest);
}

static bool is_text_literal(const struct compiler *c, const struct ast_node *node)
{
    return node->kind == AST_LITERAL && c->ast->literals[node->first].type == CEL_STRING;
}

int compile_call(struct compiler *c, const struct ast_node *node, uint32_t *out)
{
    const struct macro *macro = macro_find(c->ast, node);
    if (macro != NULL) {
        return compile_macro(c, node, macro, out);
    }
    bool is_receiver = (node->flags & AST_RECEIVER) != 0;
    const struct function *nearest = NULL;
    struct code code = {.op = OP_CALL};
    if (is_receiver) {
        code.as.function = find_in_namespace(c, node, &nearest);
        if (code.as.function != NULL) {
            return compiler_add_parent(c, node, 1, code, out);
        }
    }
    bool is_named = nearest != NULL; /* x is a part of the name, as in math.abs(1) */
    if (!is_named) {
        code.as.function = function_find(
            node->name, is_receiver ? FUNCTION_RECEIVER : FUNCTION_GLOBAL, node->count, &nearest);
    }
    if (code.as.function == NULL && (c->flags & EXPR_UNCHECKED) != 0) {
        return compiler_add_unknown(c, node, node->name, out);
    }
    if (code.as.function == NULL) {
        return nearest != NULL ? fail_arguments(c, node, node->count - (is_named ? 1 : 0), nearest)
                               : fail_unknown_function(c, node);
    }
    if (str_equal_text(node->name, "matches") && is_text_literal(c, ast_child(c->ast, node, 1))) {
        return compile_matches(c, node, out);
    }
    return compiler_add_parent(c, node, 0, code, out);
}

bool compile_call_is(const struct compiler *c, const struct ast_node *node, enum macro_kind kind)
{
    const struct macro *macro = node->kind == AST_CALL ? macro_find(c->ast, node) : NULL;
    return macro != NULL && macro->kind == kind;
}
