/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_COMPILER_H
#define CORE_EXPR_COMPILER_H

/*
 * The state of one compilation, and the steps that its three files share: compile.c has the
 * operators, compile_name.c names and their uses, compile_call.c functions and macros.
 *
 * All functions return 0, E_INVALID, E_LIMIT or E_NOMEM, with the place in `c->fault`.
 *
 * Used by:  compile, compile_name, compile_call.
 * Uses:     ast, macro, program.
 * Threads:  [any]; one compiler belongs to one thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/expr/ast.h"
#include "core/expr/expr.h"
#include "core/expr/macro.h"
#include "core/expr/parser.h"
#include "core/expr/program.h"

struct error;

/* Variables of macros inside one another. */
enum { MAX_LOCALS = 64 };

struct compiler {
    struct expr *expr;
    const struct ast *ast;
    const struct expr_names *names;
    unsigned flags;
    struct str *locals; /* innermost last */
    uint32_t local_count;
    const struct ast_node **parents; /* of the node that is being compiled */
    size_t parent_count;
    bool *tests; /* for each reference: whether has() asks for it */
    size_t test_cap;
    unsigned guards; /* has(), default() and coalesce() around the node */
    struct expr_fault fault;
    struct error *err;
};

/* E_INVALID at `node`. */
int compiler_fail(struct compiler *c, const struct ast_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Compiles a node with what is below it; `*out` is its instruction. */
int compiler_node(struct compiler *c, uint32_t node, uint32_t *out);

/* Adds an instruction with the place of `node`. */
int compiler_add(struct compiler *c, const struct ast_node *node, struct code code, uint32_t *out);
int compiler_add_constant(struct compiler *c, const struct ast_node *node, struct cel value,
                          uint32_t *out);

/* Adds what fails when it is evaluated, because nothing is called `name`. */
int compiler_add_unknown(struct compiler *c, const struct ast_node *node, struct str name,
                         uint32_t *out);

/* Room for `count` children; their indices are written later, once they are compiled. */
int compiler_add_links(struct compiler *c, size_t count, uint32_t *out_first);

/* Compiles children `from`... of `node` and adds `code` with them as its own. */
int compiler_add_parent(struct compiler *c, const struct ast_node *node, size_t from,
                        struct code code, uint32_t *out);

/* An AST_NAME, an AST_SELECT. */
int compile_name(struct compiler *c, const struct ast_node *node, uint32_t *out);
int compile_name_select(struct compiler *c, const struct ast_node *node, uint32_t *out);

/* The longest a.b.c that is looked for as one name. */
enum { MAX_DOTTED_BYTES = 256 };

/*
 * The text a.b.c, in `buffer`, when `node` is nothing but names and dots and no variable's; else
 * empty. `*out_absolute`: it is written .a.b.c.
 */
struct str compile_name_dotted(const struct compiler *c, const struct ast_node *node,
                               char buffer[MAX_DOTTED_BYTES], bool *out_absolute);

/* What has() asked in references [from, to) guards the same uses in all later ones. */
void compile_name_guard(struct compiler *c, size_t from, size_t to);

/* What has() asked from reference `from` on says nothing about what stands behind it. */
void compile_name_clear_tests(struct compiler *c, size_t from);

/* An AST_CALL. */
int compile_call(struct compiler *c, const struct ast_node *node, uint32_t *out);

/* Whether `node` is a call of this macro. */
bool compile_call_is(const struct compiler *c, const struct ast_node *node, enum macro_kind kind);

#endif
