/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/ast.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/grow.h"

void ast_finish(struct ast *ast)
{
    free(ast->nodes);
    free(ast->links);
    free(ast->literals);
    *ast = AST_INIT;
}

static int reserve_node(struct ast *ast)
{
    struct ast_node *grown =
        array_reserve(ast->nodes, &ast->node_cap, ast->node_count + 1, sizeof(*ast->nodes));
    if (grown == NULL) {
        return E_NOMEM;
    }
    ast->nodes = grown;
    return 0;
}

int ast_add(struct ast *ast, const struct ast_node *node, const uint32_t *children, size_t count,
            uint32_t *out_node)
{
    uint32_t *links =
        array_reserve(ast->links, &ast->link_cap, ast->link_count + count, sizeof(*ast->links));
    if (links == NULL) {
        return E_NOMEM;
    }
    ast->links = links;
    if (reserve_node(ast) != 0) {
        return E_NOMEM;
    }
    struct ast_node *added = &ast->nodes[ast->node_count];
    *added = *node;
    added->first = (uint32_t)ast->link_count;
    added->count = (uint32_t)count;
    uint32_t deepest = 0;
    for (size_t i = 0; i < count; i++) {
        ast->links[ast->link_count + i] = children[i];
        uint32_t depth = ast->nodes[children[i]].depth;
        deepest = depth > deepest ? depth : deepest;
    }
    added->depth = deepest + 1;
    ast->name_count += node->kind == AST_NAME ? 1 : 0;
    ast->link_count += count;
    *out_node = (uint32_t)ast->node_count++;
    return 0;
}

int ast_add_literal(struct ast *ast, const struct ast_node *node, const struct cel *value,
                    uint32_t *out_node)
{
    struct cel *literals = array_reserve(ast->literals, &ast->literal_cap, ast->literal_count + 1,
                                         sizeof(*ast->literals));
    if (literals == NULL) {
        return E_NOMEM;
    }
    ast->literals = literals;
    if (reserve_node(ast) != 0) {
        return E_NOMEM;
    }
    ast->literals[ast->literal_count] = *value;
    struct ast_node *added = &ast->nodes[ast->node_count];
    *added = *node;
    added->kind = AST_LITERAL;
    added->depth = 1;
    added->first = (uint32_t)ast->literal_count++;
    added->count = 0;
    *out_node = (uint32_t)ast->node_count++;
    return 0;
}
