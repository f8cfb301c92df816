/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_AST_H
#define CORE_EXPR_AST_H

/*
 * The syntax tree of an expression, in three flat arrays: nodes, the indices of their children,
 * and the values of literals. Every node knows its place in the text.
 *
 * Used by:  parser, compile.
 * Uses:     base, cel.
 * Threads:  [any]; one tree belongs to one thread while it is made.
 */

#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/expr/cel.h"

enum ast_kind {
    AST_LITERAL,     /* first: index into literals */
    AST_NAME,        /* a root name */
    AST_SELECT,      /* operand . name */
    AST_INDEX,       /* operand, key */
    AST_CALL,        /* name (arguments); with AST_RECEIVER the first child is the receiver */
    AST_LIST,        /* items */
    AST_MAP,         /* key, value, key, value, ... */
    AST_MESSAGE,     /* name { field: value }: children as in a map, the fields are AST_NAME */
    AST_OPTIONAL,    /* the ?x of a list, or the ?k of a map: one child */
    AST_NOT,         /* one child */
    AST_NEGATE,      /* one child */
    AST_BINARY,      /* op, two children */
    AST_AND,         /* two or more */
    AST_OR,          /* two or more */
    AST_CONDITIONAL, /* condition, then, else */
};

/* The operators of AST_BINARY. */
enum ast_op {
    AST_EQUAL,
    AST_NOT_EQUAL,
    AST_LESS,
    AST_LESS_EQUAL,
    AST_GREATER,
    AST_GREATER_EQUAL,
    AST_IN,
    AST_ADD,
    AST_SUBTRACT,
    AST_MULTIPLY,
    AST_DIVIDE,
    AST_MODULO,
};

enum ast_flags {
    AST_RECEIVER = 1u << 0,    /* a call as x.f(...) */
    AST_ABSOLUTE = 1u << 1,    /* .name */
    AST_IF_PRESENT = 1u << 2,  /* a.?b, a[?b] */
    AST_QUOTED_NAME = 1u << 3, /* a.`b-c` */
};

struct ast_node {
    uint8_t kind; /* enum ast_kind */
    uint8_t op;   /* enum ast_op */
    uint16_t flags;
    uint32_t depth; /* of the tree below, itself counted */
    uint32_t offset;
    uint32_t length;
    struct str name; /* borrowed from the text, without backticks */
    uint32_t first;  /* of its children in links */
    uint32_t count;
};

struct ast {
    struct str text; /* borrowed */
    struct ast_node *nodes;
    size_t node_count;
    size_t node_cap;
    uint32_t *links;
    size_t link_count;
    size_t link_cap;
    struct cel *literals; /* strings live in the parser's arena */
    size_t literal_count;
    size_t literal_cap;
    size_t name_count; /* nodes that are an AST_NAME */
    uint32_t root;
};

/* Room for what most expressions have, in blocks of which malloc() keeps some at hand. */
enum { AST_FIRST_NODES = 18 };

#define AST_INIT ((struct ast){.node_cap = AST_FIRST_NODES, .link_cap = AST_FIRST_NODES})

void ast_finish(struct ast *ast);

/*
 * Adds a node with `count` children (borrowed indices); its depth is set here, the index goes to
 * `out_node`. E_NOMEM.
 */
int ast_add(struct ast *ast, const struct ast_node *node, const uint32_t *children, size_t count,
            uint32_t *out_node);

/* Adds a literal; `node` gives the place. E_NOMEM. */
int ast_add_literal(struct ast *ast, const struct ast_node *node, const struct cel *value,
                    uint32_t *out_node);

static inline const struct ast_node *ast_at(const struct ast *ast, uint32_t node)
{
    return &ast->nodes[node];
}

/* Child `i` (i < count). */
static inline const struct ast_node *ast_child(const struct ast *ast, const struct ast_node *node,
                                               size_t i)
{
    return &ast->nodes[ast->links[node->first + i]];
}

#endif
