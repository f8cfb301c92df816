/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree: each node has one parent, its source with the greatest layer. Walked with a list of
 * children for each node and a stack of its own, so that depth costs nothing; the indentation
 * stops growing at INDENT_MOST levels.
 */
#include <stdlib.h>

#include "core/cli/graph_text.h"
#include "core/cli/terminal.h"
#include "core/model/catalogue.h"
#include "core/model/pipeline.h"

enum { INDENT_MOST = 40 };

struct tree_node {
    uint32_t parent_edge; /* index + 1 of the edge to the parent; 0: a root */
    uint32_t first_child; /* index + 1 */
    uint32_t last_child;
    uint32_t next_sibling;
    uint32_t depth;
};

static uint32_t choose_parent_edge(const struct pipeline *pipeline, const struct node *node)
{
    uint32_t best = 0;
    for (uint32_t i = 0; i < node->in_count; i++) {
        uint32_t edge = pipeline->in_edges[node->first_in + i];
        uint32_t layer = pipeline->nodes[pipeline->edges[edge].source].layer;
        if (best == 0 || layer > pipeline->nodes[pipeline->edges[best - 1].source].layer) {
            best = edge + 1;
        }
    }
    return best;
}

static struct tree_node *grow_tree(const struct pipeline *pipeline)
{
    struct tree_node *tree = calloc((size_t)pipeline->node_count + 1, sizeof(*tree));
    if (tree == NULL) {
        return NULL;
    }
    for (uint32_t k = 0; k < pipeline->node_count; k++) {
        uint32_t i = pipeline->order[k];
        tree[i].parent_edge = choose_parent_edge(pipeline, &pipeline->nodes[i]);
        if (tree[i].parent_edge == 0) {
            continue;
        }
        struct tree_node *parent = &tree[pipeline->edges[tree[i].parent_edge - 1].source];
        tree[i].depth = parent->depth + 1;
        if (parent->last_child == 0) {
            parent->first_child = i + 1;
        } else {
            tree[parent->last_child - 1].next_sibling = i + 1;
        }
        parent->last_child = i + 1;
    }
    return tree;
}

static void append_outcome(const struct pipeline *pipeline, const struct edge *edge,
                           struct strbuf *out)
{
    if (edge->outcome != OUTCOME_SUCCESS) {
        strbuf_append_char(out, '[');
        terminal_append_safe(out, pipeline->outcomes[edge->outcome]);
        strbuf_append_text(out, "] ");
    }
}

static void append_others(const struct pipeline *pipeline, const struct node *node,
                          uint32_t parent_edge, struct strbuf *out)
{
    if (node->in_count < 2) {
        return;
    }
    strbuf_append_text(out, ", also after ");
    bool is_first = true;
    for (uint32_t i = 0; i < node->in_count; i++) {
        uint32_t edge = pipeline->in_edges[node->first_in + i];
        if (edge + 1 == parent_edge) {
            continue;
        }
        strbuf_append_text(out, is_first ? "" : ", ");
        terminal_append_safe(out, pipeline->nodes[pipeline->edges[edge].source].id);
        if (pipeline->edges[edge].outcome != OUTCOME_SUCCESS) {
            strbuf_append_text(out, " [");
            terminal_append_safe(out, pipeline->outcomes[pipeline->edges[edge].outcome]);
            strbuf_append_char(out, ']');
        }
        is_first = false;
    }
}

/* The first named end of the node; they are in the nodes' order. */
static uint32_t first_end(const struct pipeline *pipeline, uint32_t index)
{
    uint32_t low = 0;
    uint32_t high = pipeline->end_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (pipeline->ends[middle].node < index) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* ", [false] ends as 'done'" */
static void append_ends(const struct pipeline *pipeline, uint32_t index, struct strbuf *out)
{
    for (uint32_t i = first_end(pipeline, index);
         i < pipeline->end_count && pipeline->ends[i].node == index; i++) {
        const struct named_end *end = &pipeline->ends[i];
        strbuf_append_text(out, ", [");
        terminal_append_safe(out, pipeline->outcomes[end->outcome]);
        strbuf_append_text(out, "] ends as '");
        terminal_append_safe(out, end->name);
        strbuf_append_char(out, '\'');
    }
}

static void append_node(const struct pipeline *pipeline, const struct tree_node *tree,
                        uint32_t index, bool is_colored, struct strbuf *out)
{
    const struct node *node = &pipeline->nodes[index];
    if (tree[index].parent_edge != 0) {
        append_outcome(pipeline, &pipeline->edges[tree[index].parent_edge - 1], out);
    }
    terminal_append_safe(out, node->id);
    strbuf_append_char(out, ' ');
    terminal_append_color(out, is_colored, COLOR_DIM, STR("("));
    terminal_append_color(out, is_colored, COLOR_DIM, node->type->name);
    terminal_append_color(out, is_colored, COLOR_DIM, STR(")"));
    append_others(pipeline, node, tree[index].parent_edge, out);
    append_ends(pipeline, index, out);
    strbuf_append_char(out, '\n');
}

/* `is_last` tells for each level up whether the branch there has ended. */
static void append_branches(uint32_t depth, bool is_last_here, const bool *is_last,
                            struct strbuf *out)
{
    uint32_t shown = depth < INDENT_MOST ? depth : INDENT_MOST;
    for (uint32_t level = 1; level < shown; level++) {
        strbuf_append_text(out, is_last[level] ? "   " : "│  ");
    }
    if (depth > 0) {
        strbuf_append_text(out, is_last_here ? "└─ " : "├─ ");
    }
}

static void walk_tree(const struct pipeline *pipeline, const struct tree_node *tree,
                      uint32_t *stack, bool is_colored, struct strbuf *out)
{
    bool is_last[INDENT_MOST + 1] = {false};
    size_t count = 0;
    for (uint32_t i = pipeline->node_count; i-- > 0;) {
        if (tree[i].parent_edge == 0) {
            stack[count++] = i;
        }
    }
    while (count > 0) {
        uint32_t node = stack[--count];
        bool is_last_here = tree[node].next_sibling == 0;
        append_branches(tree[node].depth, is_last_here, is_last, out);
        append_node(pipeline, tree, node, is_colored, out);
        if (tree[node].depth <= INDENT_MOST) {
            is_last[tree[node].depth] = is_last_here;
        }
        size_t first = count;
        for (uint32_t child = tree[node].first_child; child != 0;
             child = tree[child - 1].next_sibling) {
            stack[count++] = child - 1;
        }
        for (size_t a = first, b = count; a + 1 < b; a++) {
            b--;
            uint32_t swapped = stack[a];
            stack[a] = stack[b];
            stack[b] = swapped;
        }
    }
}

void graph_text_append_tree(const struct pipeline *pipeline, bool is_colored, struct strbuf *out)
{
    struct tree_node *tree = grow_tree(pipeline);
    uint32_t *stack = calloc((size_t)pipeline->node_count + 1, sizeof(*stack));
    if (tree == NULL || stack == NULL) {
        out->failed = true;
    } else {
        walk_tree(pipeline, tree, stack, is_colored, out);
    }
    free(tree);
    free(stack);
}
