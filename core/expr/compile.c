/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/compile.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/base/suggest.h"
#include "core/expr/ast.h"
#include "core/expr/eval.h"
#include "core/expr/expr.h"
#include "core/expr/function.h"
#include "core/expr/macro.h"
#include "core/expr/parser.h"
#include "core/expr/program.h"
#include "core/value/regex.h"

/* Variables of macros inside one another. */
enum { MAX_LOCALS = 64 };

struct compiler {
    struct expr *expr;
    const struct ast *ast;
    const struct expr_names *names;
    unsigned flags;
    struct str locals[MAX_LOCALS]; /* innermost last */
    uint32_t local_count;
    const struct ast_node *parents[PARSER_MAX_DEPTH + 1]; /* of the node that is being compiled */
    size_t parent_count;
    bool *tests; /* for each reference: whether has() asks for it */
    size_t test_cap;
    unsigned guards; /* has(), default() and coalesce() around the node */
    struct expr_fault fault;
    struct error *err;
};

static int compile_node(struct compiler *c, uint32_t node, uint32_t *out);

static int fail_at(struct compiler *c, const struct ast_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail_at(struct compiler *c, const struct ast_node *node, const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args); /* a cut message is still one */
    va_end(args);
    c->fault = (struct expr_fault){node->offset, node->length};
    return error_set(c->err, E_INVALID, "%s", message);
}

static int add_code(struct compiler *c, const struct ast_node *node, struct code code,
                    uint32_t *out)
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
static int add_links(struct compiler *c, size_t count, uint32_t *out_first)
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
static int add_parent(struct compiler *c, const struct ast_node *node, size_t from,
                      struct code code, uint32_t *out)
{
    code.count = node->count - (uint32_t)from;
    int status = add_links(c, code.count, &code.first);
    for (uint32_t i = 0; i < code.count && status == 0; i++) {
        uint32_t child = 0;
        status = compile_node(c, c->ast->links[node->first + from + i], &child);
        if (status == 0) {
            c->expr->links[code.first + i] = child;
        }
    }
    return status != 0 ? status : add_code(c, node, code, out);
}

static int add_constant(struct compiler *c, const struct ast_node *node, struct cel value,
                        uint32_t *out)
{
    return add_code(c, node, (struct code){.op = OP_CONSTANT, .as.constant = value}, out);
}

/* Whether `node` is one step of a path from the node below it; gives the step's text. */
static bool read_step(const struct compiler *c, const struct ast_node *node,
                      const struct ast_node *below, struct str *out)
{
    bool is_access = node->kind == AST_SELECT || node->kind == AST_INDEX;
    if (!is_access || ast_child(c->ast, node, 0) != below) {
        return false;
    }
    if (node->kind == AST_SELECT) {
        *out = node->name;
        return true;
    }
    const struct ast_node *key = ast_child(c->ast, node, 1);
    if (key->kind != AST_LITERAL || c->ast->literals[key->first].type != CEL_STRING) {
        return false;
    }
    *out = c->ast->literals[key->first].as.text;
    return true;
}

/* Fills the path of a reference from the nodes around its root. */
static int fill_path(struct compiler *c, const struct ast_node *root,
                     struct expr_reference *reference)
{
    struct str steps[PARSER_MAX_DEPTH];
    const struct ast_node *below = root;
    size_t count = 0;
    reference->length = root->length;
    for (size_t i = c->parent_count; i > 0 && count < PARSER_MAX_DEPTH; i--) {
        const struct ast_node *node = c->parents[i - 1];
        if (node == root) {
            continue;
        }
        if (!read_step(c, node, below, &steps[count])) {
            break;
        }
        count++;
        reference->is_guarded = reference->is_guarded || (node->flags & AST_IF_PRESENT) != 0;
        reference->length = node->offset + node->length - root->offset;
        below = node;
    }
    struct str *path = arena_calloc(&c->expr->arena, count > 0 ? count : 1, sizeof(*path));
    if (path == NULL) {
        return error_nomem(c->err);
    }
    for (size_t i = 0; i < count; i++) {
        path[i] = steps[i];
    }
    reference->path = path;
    reference->path_count = count;
    return 0;
}

static bool is_call_of(const struct compiler *c, const struct ast_node *node, enum macro_kind kind)
{
    const struct macro *macro = node->kind == AST_CALL ? macro_find(c->ast, node) : NULL;
    return macro != NULL && macro->kind == kind;
}

/* Whether has() asks for exactly what the parents of the current node select. */
static bool is_under_has(const struct compiler *c)
{
    for (size_t i = c->parent_count; i > 0; i--) {
        const struct ast_node *node = c->parents[i - 1];
        if (node->kind != AST_SELECT && node->kind != AST_INDEX && node->kind != AST_NAME) {
            return is_call_of(c, node, MACRO_HAS);
        }
    }
    return false;
}

/* `prefix`: EXPR_INPUT_DEFAULT put "input" before the root, whose own name is the first step. */
static int add_reference(struct compiler *c, const struct ast_node *root, struct str name, int slot,
                         bool is_input_default)
{
    struct expr *expr = c->expr;
    struct expr_reference *grown = array_reserve(expr->references, &expr->reference_cap,
                                                 expr->reference_count + 1, sizeof(*grown));
    if (grown == NULL) {
        return error_nomem(c->err);
    }
    expr->references = grown;
    bool *tests = array_reserve(c->tests, &c->test_cap, expr->reference_count + 1, sizeof(*tests));
    if (tests == NULL) {
        return error_nomem(c->err);
    }
    c->tests = tests;
    struct expr_reference reference = {
        .root = name, .slot = slot, .offset = root->offset, .is_guarded = c->guards > 0};
    int status = fill_path(c, root, &reference);
    if (status != 0) {
        return status;
    }
    if (is_input_default) {
        size_t count = reference.path_count + 1;
        struct str *path = arena_calloc(&expr->arena, count, sizeof(*path));
        if (path == NULL) {
            return error_nomem(c->err);
        }
        path[0] = root->name;
        memcpy(path + 1, reference.path, reference.path_count * sizeof(*path));
        reference.path = path;
        reference.path_count = count;
    }
    c->tests[expr->reference_count] = is_under_has(c);
    expr->references[expr->reference_count++] = reference;
    return 0;
}

static bool is_prefix(const struct expr_reference *test, const struct expr_reference *use)
{
    if (!str_equal(test->root, use->root) || test->path_count > use->path_count) {
        return false;
    }
    for (size_t i = 0; i < test->path_count; i++) {
        if (!str_equal(test->path[i], use->path[i])) {
            return false;
        }
    }
    return true;
}

/* What has() asked in references [from, to) guards the same uses in all later ones. */
static void guard_later(struct compiler *c, size_t from, size_t to)
{
    for (size_t t = from; t < to; t++) {
        for (size_t u = to; c->tests[t] && u < c->expr->reference_count; u++) {
            struct expr_reference *use = &c->expr->references[u];
            use->is_guarded = use->is_guarded || is_prefix(&c->expr->references[t], use);
        }
    }
}

/* What has() asked from reference `from` on says nothing about what stands behind it. */
static void clear_tests(struct compiler *c, size_t from)
{
    for (size_t t = from; t < c->expr->reference_count; t++) {
        c->tests[t] = false;
    }
}

/* Whether the truth (or with `is_negated` the falsehood) of `node` means that its has() hold. */
static bool is_guard(const struct compiler *c, const struct ast_node *node, bool is_negated)
{
    if (is_negated) {
        return node->kind == AST_NOT && is_guard(c, ast_child(c->ast, node, 0), false);
    }
    return node->kind == AST_AND || is_call_of(c, node, MACRO_HAS);
}

static bool find_local(const struct compiler *c, const struct ast_node *node, uint32_t *out)
{
    for (uint32_t i = c->local_count; i > 0 && (node->flags & AST_ABSOLUTE) == 0; i--) {
        if (str_equal(c->locals[i - 1], node->name)) {
            *out = i - 1;
            return true;
        }
    }
    return false;
}

static bool find_type(struct str name, struct cel *out)
{
    static const char *const types[] = {
        "int",
        "uint",
        "double",
        "bool",
        "string",
        "bytes",
        "list",
        "map",
        "null_type",
        "type",
        "optional_type",
        "google.protobuf.Timestamp",
        "google.protobuf.Duration",
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (str_equal_text(name, types[i])) {
            *out = (struct cel){.type = CEL_TYPE, .as.text = str_from(types[i])};
            return true;
        }
    }
    return false;
}

static int resolve(struct compiler *c, struct str name, struct str *out_hint)
{
    *out_hint = STR("");
    if (c->names == NULL || c->names->resolve == NULL) {
        return -1;
    }
    return c->names->resolve(c->names->user, name, out_hint);
}

static int add_unknown(struct compiler *c, const struct ast_node *node, struct str name,
                       uint32_t *out)
{
    return add_code(c, node, (struct code){.op = OP_UNKNOWN, .as.name = name}, out);
}

static int add_slot(struct compiler *c, const struct ast_node *node, struct str name, int slot,
                    uint32_t *out)
{
    int status = add_reference(c, node, name, slot, false);
    return status != 0 ? status
                       : add_code(c, node, (struct code){.op = OP_SLOT, .as.slot = slot}, out);
}

/* NAME as input.NAME. */
static int add_input(struct compiler *c, const struct ast_node *node, int slot, uint32_t *out)
{
    struct code select = {.op = OP_SELECT, .count = 1, .as.name = node->name};
    uint32_t input = 0;
    int status = add_reference(c, node, STR("input"), slot, true);
    if (status == 0) {
        status = add_links(c, 1, &select.first);
    }
    if (status == 0) {
        status = add_code(c, node, (struct code){.op = OP_SLOT, .as.slot = slot}, &input);
    }
    if (status != 0) {
        return status;
    }
    c->expr->links[select.first] = input;
    return add_code(c, node, select, out);
}

static int compile_name(struct compiler *c, const struct ast_node *node, uint32_t *out)
{
    uint32_t local = 0;
    struct str hint = STR("");
    struct str unused = STR("");
    struct cel type;
    if (find_local(c, node, &local)) {
        return add_code(c, node, (struct code){.op = OP_LOCAL, .local = local}, out);
    }
    int slot = resolve(c, node->name, &hint);
    if (slot >= 0) {
        return add_slot(c, node, node->name, slot, out);
    }
    if (find_type(node->name, &type)) {
        return add_constant(c, node, type, out);
    }
    int input = (c->flags & EXPR_INPUT_DEFAULT) != 0 ? resolve(c, STR("input"), &unused) : -1;
    if (input >= 0) {
        return add_input(c, node, input, out);
    }
    if ((c->flags & EXPR_UNCHECKED) != 0) {
        return add_unknown(c, node, node->name, out);
    }
    return fail_at(c, node, "nothing is called '%.*s' here%s%.*s", STR_ARG(node->name),
                   hint.n > 0 ? ": " : "", STR_ARG(hint));
}

/* The text of a.b.c when it is nothing but names and dots; else empty. */
static struct str dotted_name(const struct compiler *c, const struct ast_node *node)
{
    const struct ast_node *root = node;
    size_t length = 0;
    while (root->kind == AST_SELECT && root->flags == 0) {
        length += root->name.n + 1;
        root = ast_child(c->ast, root, 0);
    }
    uint32_t local = 0;
    if (root->kind != AST_NAME || find_local(c, root, &local)) {
        return STR("");
    }
    struct str text = str_make(c->ast->text.p + node->offset, node->length);
    return text.n == root->length + length ? text : STR("");
}

static int compile_select(struct compiler *c, const struct ast_node *node, uint32_t *out)
{
    struct str name = dotted_name(c, node);
    struct str hint = STR("");
    struct cel type;
    int slot = name.n > 0 && (c->flags & EXPR_DOTTED_NAMES) != 0 ? resolve(c, name, &hint) : -1;
    if (slot >= 0) {
        return add_slot(c, node, name, slot, out);
    }
    if (str_starts_with(name, STR("google.")) && find_type(name, &type)) {
        return add_constant(c, node, type, out);
    }
    struct code code = {.op = (node->flags & AST_IF_PRESENT) != 0 ? OP_SELECT_OPT : OP_SELECT,
                        .as.name = node->name};
    return add_parent(c, node, 0, code, out);
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
    int status = add_parent(c, node, 0, code, out);
    return status != 0 ? status : fold(c, *out);
}

static int compile_logic(struct compiler *c, const struct ast_node *node, uint32_t *out)
{
    bool is_or = node->kind == AST_OR;
    struct code code = {.op = is_or ? OP_OR : OP_AND, .count = node->count};
    size_t start = c->expr->reference_count;
    int status = add_links(c, code.count, &code.first);
    for (uint32_t i = 0; i < code.count && status == 0; i++) {
        uint32_t child = 0;
        size_t from = c->expr->reference_count;
        status = compile_node(c, c->ast->links[node->first + i], &child);
        if (status != 0) {
            return status;
        }
        c->expr->links[code.first + i] = child;
        if (!is_guard(c, ast_child(c->ast, node, i), is_or)) {
            clear_tests(c, from);
        }
        guard_later(c, start, from);
    }
    return status != 0 ? status : add_code(c, node, code, out);
}

static int compile_conditional(struct compiler *c, const struct ast_node *node, uint32_t *out)
{
    struct code code = {.op = OP_CONDITIONAL, .count = 3};
    int status = add_links(c, code.count, &code.first);
    size_t from = c->expr->reference_count;
    size_t to = from;
    for (uint32_t i = 0; i < 3 && status == 0; i++) {
        uint32_t child = 0;
        bool is_negated = ast_child(c->ast, node, 0)->kind == AST_NOT;
        status = compile_node(c, c->ast->links[node->first + i], &child);
        if (status != 0) {
            break;
        }
        c->expr->links[code.first + i] = child;
        if (i == 0) {
            to = c->expr->reference_count;
        } else if (is_guard(c, ast_child(c->ast, node, 0), is_negated) &&
                   i == (is_negated ? 2u : 1u)) {
            guard_later(c, from, to);
        }
    }
    return status != 0 ? status : add_code(c, node, code, out);
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
    return add_parent(c, node, 0, (struct code){.op = ops[node->op]}, out);
}

/* has(a.b): its one child is the a of the select below it. */
static int compile_has(struct compiler *c, const struct ast_node *node, uint32_t *out)
{
    uint32_t select = 0;
    c->guards++;
    int status = compile_node(c, c->ast->links[node->first], &select);
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
    return fail_at(c, node, "has() takes a field, as in has(a.b)");
}

/* default(x, y), coalesce(a, b, ...): what stands in them may be absent, but for the y. */
static int compile_first(struct compiler *c, const struct ast_node *node, struct code code,
                         uint32_t *out)
{
    code.count = node->count;
    int status = add_links(c, code.count, &code.first);
    for (uint32_t i = 0; i < code.count && status == 0; i++) {
        bool is_guarded = code.macro == MACRO_COALESCE || i == 0;
        uint32_t child = 0;
        c->guards += is_guarded ? 1 : 0;
        status = compile_node(c, c->ast->links[node->first + i], &child);
        c->guards -= is_guarded ? 1 : 0;
        if (status == 0) {
            c->expr->links[code.first + i] = child;
        }
    }
    return status != 0 ? status : add_code(c, node, code, out);
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
    int status = add_links(c, code.count, &code.first);
    code.local = c->local_count;
    for (uint32_t i = 0; i < code.count && status == 0; i++) {
        size_t child = i == 0 ? first : from + i - (is_bind ? 0u : 1u);
        uint32_t compiled = 0;
        for (uint32_t v = 0; v < macro->variables && i == 1; v++) {
            c->locals[c->local_count++] = ast_child(c->ast, node, v + 1)->name;
        }
        status = compile_node(c, c->ast->links[node->first + child], &compiled);
        if (status == 0) {
            c->expr->links[code.first + i] = compiled;
        }
    }
    if (c->local_count > c->expr->local_count) {
        c->expr->local_count = c->local_count;
    }
    c->local_count = code.local;
    return status != 0 ? status : add_code(c, node, code, out);
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
        return fail_at(c, node, "'%.*s' is called as %s%.*s(...)", STR_ARG(name),
                       is_receiver ? "" : "x.", STR_ARG(name));
    }
    unsigned least = nearest->min_args;
    unsigned most = nearest->max_args;
    if (is_receiver && (nearest->forms & FUNCTION_RECEIVER) != 0) {
        least--;
        most--;
        args--;
    }
    if (least == most) {
        return fail_at(c, node, "'%.*s' takes %u argument%s, not %zu", STR_ARG(name), least,
                       least == 1 ? "" : "s", args);
    }
    return fail_at(c, node, "'%.*s' takes %u to %u arguments, not %zu", STR_ARG(name), least, most,
                   args);
}

/* Only macros know how many arguments are too many or too few for each of their forms. */
static int fail_unknown_function(struct compiler *c, const struct ast_node *node, struct str name)
{
    struct suggest nearest = suggest_start(name);
    for (size_t i = 0; macro_at(i) != NULL; i++) {
        if (str_equal_text(name, macro_at(i)->name)) {
            return fail_at(c, node, "'%.*s' is not called like this: it is %s%s(%s)", STR_ARG(name),
                           macro_at(i)->is_receiver ? "x." : "", macro_at(i)->name,
                           macro_at(i)->variables > 0 ? "name, expression" : "expression");
        }
        suggest_offer(&nearest, str_from(macro_at(i)->name));
    }
    function_suggest(&nearest);
    struct ast_node place = *node;
    if (nearest.best.n > 0) {
        return fail_at(c, &place, "there is no function '%.*s': did you mean '%.*s'?",
                       STR_ARG(name), STR_ARG(nearest.best));
    }
    return fail_at(c, &place, "there is no function '%.*s'", STR_ARG(name));
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
        status = add_links(c, 1, &code.first);
    }
    if (status == 0) {
        status = compile_node(c, c->ast->links[node->first], &text);
    }
    if (status != 0) {
        return status;
    }
    c->expr->links[code.first] = text;
    code.as.regex = regex;
    return add_code(c, node, code, out);
}

/* ns.f(...) as a function of this name, if there is one. */
static const struct function *find_in_namespace(const struct compiler *c,
                                                const struct ast_node *node,
                                                const struct function **out_nearest)
{
    char name[64];
    struct str space = dotted_name(c, ast_child(c->ast, node, 0));
    *out_nearest = NULL;
    if (space.n == 0 || space.n + node->name.n + 1 > sizeof(name)) {
        return NULL;
    }
    memcpy(name, space.p, space.n);
    name[space.n] = '.';
    memcpy(name + space.n + 1, node->name.p, node->name.n);
    return function_find(str_make(name, space.n + 1 + node->name.n), FUNCTION_GLOBAL,
                         node->count - 1, out_nearest);
}

static bool is_text_literal(const struct compiler *c, const struct ast_node *node)
{
    return node->kind == AST_LITERAL && c->ast->literals[node->first].type == CEL_STRING;
}

static int compile_call(struct compiler *c, const struct ast_node *node, uint32_t *out)
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
            return add_parent(c, node, 1, code, out);
        }
    }
    if (nearest == NULL) {
        code.as.function = function_find(
            node->name, is_receiver ? FUNCTION_RECEIVER : FUNCTION_GLOBAL, node->count, &nearest);
    }
    if (code.as.function == NULL && (c->flags & EXPR_UNCHECKED) != 0) {
        return add_unknown(c, node, node->name, out);
    }
    if (code.as.function == NULL) {
        return nearest != NULL ? fail_arguments(c, node, node->count, nearest)
                               : fail_unknown_function(c, node, node->name);
    }
    if (str_equal_text(node->name, "matches") && is_text_literal(c, ast_child(c->ast, node, 1))) {
        return compile_matches(c, node, out);
    }
    return add_parent(c, node, 0, code, out);
}

static int compile_kind(struct compiler *c, const struct ast_node *node, uint32_t *out)
{
    switch ((enum ast_kind)node->kind) {
    case AST_LITERAL:
        return add_constant(c, node, c->ast->literals[node->first], out);
    case AST_NAME:
        return compile_name(c, node, out);
    case AST_SELECT:
        return compile_select(c, node, out);
    case AST_INDEX:
        return add_parent(
            c, node, 0,
            (struct code){.op = (node->flags & AST_IF_PRESENT) != 0 ? OP_INDEX_OPT : OP_INDEX},
            out);
    case AST_CALL:
        return compile_call(c, node, out);
    case AST_LIST:
    case AST_MAP:
        return compile_collection(c, node, out);
    case AST_MESSAGE:
        return fail_at(c, node, "unknown type '%.*s'", STR_ARG(node->name));
    case AST_OPTIONAL:
        return add_parent(c, node, 0, (struct code){.op = OP_OPTIONAL}, out);
    case AST_NOT:
        return add_parent(c, node, 0, (struct code){.op = OP_NOT}, out);
    case AST_NEGATE:
        return add_parent(c, node, 0, (struct code){.op = OP_NEGATE}, out);
    case AST_BINARY:
        return compile_binary(c, node, out);
    case AST_AND:
    case AST_OR:
        return compile_logic(c, node, out);
    case AST_CONDITIONAL:
        return compile_conditional(c, node, out);
    }
    return fail_at(c, node, "this kind of expression is not supported");
}

static int compile_node(struct compiler *c, uint32_t index, uint32_t *out)
{
    const struct ast_node *node = ast_at(c->ast, index);
    c->parents[c->parent_count++] = node;
    int status = compile_kind(c, node, out);
    c->parent_count--;
    return status;
}

/* The type of an instruction's result where its own kind says it. */
static int static_type(const struct expr *expr, uint32_t index)
{
    const struct code *code = &expr->codes[index];
    switch ((enum code_op)code->op) {
    case OP_CONSTANT:
        return code->as.constant.type;
    case OP_HAS:
    case OP_NOT:
    case OP_AND:
    case OP_OR:
    case OP_EQUAL:
    case OP_NOT_EQUAL:
    case OP_LESS:
    case OP_LESS_EQUAL:
    case OP_GREATER:
    case OP_GREATER_EQUAL:
    case OP_IN:
    case OP_MATCHES:
        return CEL_BOOL;
    case OP_SELECT_OPT:
    case OP_INDEX_OPT:
        return CEL_OPTIONAL;
    case OP_LIST:
        return CEL_LIST;
    case OP_MAP:
        return CEL_MAP;
    case OP_CALL:
        return code->as.function->result;
    case OP_MACRO:
        switch (code->macro) {
        case MACRO_ALL:
        case MACRO_EXISTS:
        case MACRO_EXISTS_ONE:
            return CEL_BOOL;
        case MACRO_MAP:
        case MACRO_FILTER:
        case MACRO_SORT_BY:
            return CEL_LIST;
        case MACRO_TRANSFORM_MAP:
        case MACRO_TRANSFORM_MAP_ENTRY:
            return CEL_MAP;
        default:
            return -1;
        }
    default:
        return -1;
    }
}

int compile_program(const struct ast *ast, const struct expr_names *names, unsigned flags,
                    struct expr *expr, struct expr_fault *out_fault, struct error *err)
{
    struct compiler *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return error_nomem(err);
    }
    c->expr = expr;
    c->ast = ast;
    c->names = names;
    c->flags = flags;
    c->err = err;
    int status = compile_node(c, ast->root, &expr->root);
    if (status == 0) {
        expr->static_type = static_type(expr, expr->root);
    } else {
        *out_fault = c->fault;
    }
    free(c->tests);
    free(c);
    return status;
}
