/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_PROGRAM_H
#define CORE_EXPR_PROGRAM_H

/*
 * A compiled expression: one array of instructions that form a tree, names resolved, macros and
 * functions chosen, constants folded. Children are indices into `links`.
 *
 * Used by:  compile, eval and what they call.
 * Uses:     base, cel, expr.
 * Threads:  [any]; never changes once it is compiled.
 */

#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/expr/cel.h"
#include "core/expr/expr.h"

struct function;
struct regex;

enum code_op {
    OP_CONSTANT,
    OP_SLOT,       /* a root name of the scope */
    OP_LOCAL,      /* a macro's variable */
    OP_SELECT,     /* operand . name */
    OP_HAS,        /* has(operand . name) */
    OP_SELECT_OPT, /* operand .? name */
    OP_INDEX,      /* operand [ key ] */
    OP_INDEX_OPT,  /* operand [? key ] */
    OP_NOT,
    OP_NEGATE,
    OP_AND, /* two or more */
    OP_OR,
    OP_CONDITIONAL,
    OP_EQUAL,
    OP_NOT_EQUAL,
    OP_LESS,
    OP_LESS_EQUAL,
    OP_GREATER,
    OP_GREATER_EQUAL,
    OP_IN,
    OP_ADD,
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_DIVIDE,
    OP_MODULO,
    OP_LIST,
    OP_MAP,
    OP_OPTIONAL, /* an item or key with '?': only below OP_LIST and OP_MAP */
    OP_CALL,
    OP_MATCHES, /* matches() with a constant pattern: one operand */
    OP_MACRO,   /* `macro`; the children are the receiver and the arguments, without names */
    OP_UNKNOWN, /* a name or function that nothing is called: fails when evaluated */
};

struct code {
    uint8_t op;        /* enum code_op */
    uint8_t macro;     /* enum macro_kind */
    uint8_t variables; /* OP_MACRO: one or two */
    uint8_t reserved;
    uint32_t first; /* of the children in links */
    uint32_t count;
    uint32_t local;  /* OP_LOCAL; OP_MACRO: of its first variable */
    uint32_t offset; /* in the source text */
    uint32_t length;
    union {
        struct cel constant;
        struct str name; /* OP_SELECT..., OP_UNKNOWN */
        const struct function *function;
        const struct regex *regex;
        int slot;
    } as;
};

struct expr {
    struct arena arena; /* the text, constants, and the paths of references */
    struct str text;
    struct code *codes; /* this and the arrays below are malloc'd */
    size_t code_count;
    size_t code_cap;
    uint32_t *links;
    size_t link_count;
    size_t link_cap;
    struct expr_reference *references;
    size_t reference_count;
    size_t reference_cap;
    struct regex **regexes; /* owned ones */
    size_t regex_count;
    size_t regex_cap;
    uint32_t holders; /* besides the first: see memo.h */
    unsigned flags;   /* enum expr_flags that it was compiled with */
    uint32_t root;
    uint32_t local_count; /* variables of macros that live at one time */
    int static_type;
};

static inline const struct code *program_child(const struct expr *expr, const struct code *code,
                                               size_t i)
{
    return &expr->codes[expr->links[code->first + i]];
}

#endif
