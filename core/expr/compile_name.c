/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/expr/compiler.h"

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

/* Whether `node` gives what is inside of an optional, or something in its place. */
static bool opens_optional(const struct compiler *c, const struct ast_node *node)
{
    bool is_or_value = node->kind == AST_CALL && (node->flags & AST_RECEIVER) != 0 &&
                       str_equal(node->name, STR("orValue"));
    return is_or_value || compile_call_is(c, node, MACRO_DEFAULT) ||
           compile_call_is(c, node, MACRO_COALESCE);
}

/* Whether `node` hands on the text of `below` as it is, or a recoding of the whole of it. */
static bool keeps_text(const struct compiler *c, const struct ast_node *node,
                       const struct ast_node *below)
{
    if (node->kind == AST_CONDITIONAL) {
        return ast_child(c->ast, node, 0) != below;
    }
    return (node->kind == AST_BINARY && node->op == AST_ADD) || opens_optional(c, node) ||
           (node->kind == AST_CALL && (node->flags & AST_RECEIVER) == 0 &&
            str_equal(node->name, STR("base64")));
}

/* Whether only such nodes are among the outermost `count` parents; the next is the reference. */
static bool is_text_only(const struct compiler *c, size_t count, bool is_optional)
{
    size_t i = 0;
    if (is_optional && (count == 0 || !opens_optional(c, c->parents[count - 1]))) {
        return false;
    }
    while (i < count && keeps_text(c, c->parents[i], c->parents[i + 1])) {
        i++;
    }
    return i == count;
}

/*
 * The steps from `root`, the innermost parent, outwards: how many; their texts when `path` is not
 * NULL.
 */
static size_t walk_path(const struct compiler *c, const struct ast_node *root, struct str *path)
{
    const struct ast_node *below = root;
    size_t count = 0;
    for (size_t i = c->parent_count - 1; i > 0; i--) {
        struct str step = {NULL, 0};
        if (!read_step(c, c->parents[i - 1], below, &step)) {
            break;
        }
        below = c->parents[i - 1];
        if (path != NULL) {
            path[count] = step;
        }
        count++;
    }
    return count;
}

/* Fills the path of a reference from the nodes around its root. */
static int fill_path(struct compiler *c, const struct ast_node *root,
                     struct expr_reference *reference)
{
    size_t count = walk_path(c, root, NULL);
    size_t outermost = c->parent_count - 1 - count; /* of the parents that are steps */
    const struct ast_node *whole = c->parents[outermost];
    struct str *path = arena_alloc(&c->expr->arena, (count > 0 ? count : 1) * sizeof(*path));
    if (path == NULL) {
        return error_nomem(c->err);
    }
    (void)walk_path(c, root, path);
    bool is_optional = false;
    for (size_t i = outermost; i + 1 < c->parent_count; i++) {
        is_optional |= (c->parents[i]->flags & AST_IF_PRESENT) != 0;
    }
    reference->is_guarded |= is_optional;
    reference->length = whole->offset + whole->length - root->offset;
    reference->is_test = outermost > 0 && compile_call_is(c, c->parents[outermost - 1], MACRO_HAS);
    reference->is_text_only = is_text_only(c, outermost, is_optional);
    reference->path = path;
    reference->path_count = count;
    return 0;
}

/* Whether has() asks for exactly what the parents of the current node select. */
static bool is_under_has(const struct compiler *c)
{
    for (size_t i = c->parent_count; i > 0; i--) {
        const struct ast_node *node = c->parents[i - 1];
        if (node->kind != AST_SELECT && node->kind != AST_INDEX && node->kind != AST_NAME) {
            return compile_call_is(c, node, MACRO_HAS);
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

void compile_name_guard(struct compiler *c, size_t from, size_t to)
{
    for (size_t t = from; t < to; t++) {
        for (size_t u = to; c->tests[t] && u < c->expr->reference_count; u++) {
            struct expr_reference *use = &c->expr->references[u];
            use->is_guarded = use->is_guarded || is_prefix(&c->expr->references[t], use);
        }
    }
}

void compile_name_clear_tests(struct compiler *c, size_t from)
{
    for (size_t t = from; t < c->expr->reference_count; t++) {
        c->tests[t] = false;
    }
}

static bool compile_name_is_local(const struct compiler *c, const struct ast_node *node,
                                  uint32_t *out)
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

/* The slot of a.b.c or, with `is_absolute`, of .a.b.c. */
static int resolve_dotted(struct compiler *c, struct str name, bool is_absolute,
                          struct str *out_hint)
{
    char absolute[MAX_DOTTED_BYTES + 1];
    if (!is_absolute || (c->flags & EXPR_DOTTED_NAMES) == 0 || name.n >= sizeof(absolute)) {
        return resolve(c, name, out_hint);
    }
    absolute[0] = '.';
    memcpy(absolute + 1, name.p, name.n);
    return resolve(c, str_make(absolute, name.n + 1), out_hint);
}

static int add_slot(struct compiler *c, const struct ast_node *node, struct str name, int slot,
                    uint32_t *out)
{
    int status = add_reference(c, node, name, slot, false);
    return status != 0 ? status
                       : compiler_add(c, node, (struct code){.op = OP_SLOT, .as.slot = slot}, out);
}

/* NAME as input.NAME. */
static int add_input(struct compiler *c, const struct ast_node *node, int slot, uint32_t *out)
{
    struct code select = {.op = OP_SELECT, .count = 1, .as.name = node->name};
    uint32_t input = 0;
    int status = add_reference(c, node, STR("input"), slot, true);
    if (status == 0) {
        status = compiler_add_links(c, 1, &select.first);
    }
    if (status == 0) {
        status = compiler_add(c, node, (struct code){.op = OP_SLOT, .as.slot = slot}, &input);
    }
    if (status != 0) {
        return status;
    }
    c->expr->links[select.first] = input;
    return compiler_add(c, node, select, out);
}

int compile_name(struct compiler *c, const struct ast_node *node, uint32_t *out)
{
    uint32_t local = 0;
    struct str hint = STR("");
    struct str unused = STR("");
    struct cel type;
    if (compile_name_is_local(c, node, &local)) {
        return compiler_add(c, node, (struct code){.op = OP_LOCAL, .local = local}, out);
    }
    int slot = resolve_dotted(c, node->name, (node->flags & AST_ABSOLUTE) != 0, &hint);
    if (slot >= 0) {
        return add_slot(c, node, node->name, slot, out);
    }
    if (find_type(node->name, &type)) {
        return compiler_add_constant(c, node, type, out);
    }
    int input = (c->flags & EXPR_INPUT_DEFAULT) != 0 ? resolve(c, STR("input"), &unused) : -1;
    if (input >= 0) {
        return add_input(c, node, input, out);
    }
    if ((c->flags & EXPR_UNCHECKED) != 0) {
        return compiler_add_unknown(c, node, node->name, out);
    }
    return compiler_fail(c, node, "nothing is called '%.*s' here%s%.*s", STR_ARG(node->name),
                         hint.n > 0 ? ": " : "", STR_ARG(hint));
}

/* The root of nothing but names and dots, or NULL; `*out_length` is that of the whole name. */
static const struct ast_node *dotted_root(const struct compiler *c, const struct ast_node *node,
                                          size_t *out_length)
{
    *out_length = 0;
    while (node->kind == AST_SELECT && node->flags == 0) {
        const struct ast_node *below = ast_child(c->ast, node, 0);
        bool is_quoted = c->ast->text.p[node->offset + node->length - 1] == '`';
        bool is_in_brackets = below->offset != node->offset; /* (a.b).c */
        if (is_quoted || is_in_brackets) {
            return NULL;
        }
        *out_length += node->name.n + 1;
        node = below;
    }
    *out_length += node->name.n;
    uint32_t local = 0;
    return node->kind == AST_NAME && !compile_name_is_local(c, node, &local) ? node : NULL;
}

struct str compile_name_dotted(const struct compiler *c, const struct ast_node *node,
                               char buffer[MAX_DOTTED_BYTES], bool *out_absolute)
{
    size_t length = 0;
    const struct ast_node *root = dotted_root(c, node, &length);
    if (root == NULL || length > MAX_DOTTED_BYTES) {
        return STR("");
    }
    *out_absolute = (root->flags & AST_ABSOLUTE) != 0;
    size_t at = length;
    for (; node != root; node = ast_child(c->ast, node, 0)) {
        at -= node->name.n;
        memcpy(buffer + at, node->name.p, node->name.n);
        buffer[--at] = '.';
    }
    memcpy(buffer, root->name.p, root->name.n);
    return str_make(buffer, length);
}

/* Whether a.b.c can be one name: for few callers a slot's, for all of them a type's. */
static bool may_be_dotted(const struct compiler *c, const struct ast_node *node)
{
    size_t length = 0;
    const struct ast_node *root = dotted_root(c, node, &length);
    return root != NULL &&
           ((c->flags & EXPR_DOTTED_NAMES) != 0 || str_equal(root->name, STR("google")));
}

/* a.b.c as one name: a slot's, or a type's. */
static int compile_dotted(struct compiler *c, const struct ast_node *node, uint32_t *out,
                          bool *out_is_name)
{
    char buffer[MAX_DOTTED_BYTES];
    bool is_absolute = false;
    struct str hint = STR("");
    struct cel type;
    struct str name = compile_name_dotted(c, node, buffer, &is_absolute);
    bool is_looked_for = name.n > 0 && (c->flags & EXPR_DOTTED_NAMES) != 0;
    int slot = is_looked_for ? resolve_dotted(c, name, is_absolute, &hint) : -1;
    *out_is_name = true;
    if (slot >= 0) {
        name = arena_dup_str(&c->expr->arena, name);
        return name.p == NULL ? error_nomem(c->err) : add_slot(c, node, name, slot, out);
    }
    if (str_starts_with(name, STR("google.")) && find_type(name, &type)) {
        return compiler_add_constant(c, node, type, out);
    }
    *out_is_name = false;
    return 0;
}

int compile_name_select(struct compiler *c, const struct ast_node *node, uint32_t *out)
{
    bool is_name = false;
    int status = may_be_dotted(c, node) ? compile_dotted(c, node, out, &is_name) : 0;
    if (status != 0 || is_name) {
        return status;
    }
    struct code code = {.op = (node->flags & AST_IF_PRESENT) != 0 ? OP_SELECT_OPT : OP_SELECT,
                        .as.name = node->name};
    return compiler_add_parent(c, node, 0, code, out);
}
