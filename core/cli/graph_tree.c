/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree: each node has one parent: its source with the greatest layer, or, where a body begins,
 * the node whose body it is. What alone follows a node, whatever its outcome, stands below it with
 * an arrow, not moved in, so that long pipelines stay narrow. Walked with a list of children for
 * each node and a stack of its own, so that depth costs nothing; the indentation stops growing at
 * INDENT_MOST levels.
 */
#include <stdlib.h>

#include "core/cli/body_text.h"
#include "core/cli/graph_text.h"
#include "core/cli/terminal.h"
#include "core/expr/expr.h"
#include "core/model/pipeline.h"

enum {
    INDENT_MOST = 40,
    WHEN_MOST = 60, /* columns of a node's `when` */
};

struct tree_node {
    uint32_t parent_edge; /* index + 1 of the edge to the parent; 0: none */
    uint32_t first_child; /* index + 1 */
    uint32_t last_child;
    uint32_t next_sibling;
    bool is_child;
    bool is_inside; /* it begins the body of its parent */
    bool is_next;   /* nothing else follows its parent */
};

struct tree_place {
    uint32_t node;
    uint32_t depth;
};

struct tree {
    const struct pipeline *pipeline;
    struct tree_node *nodes;
    struct tree_place *stack;
    bool is_last[INDENT_MOST + 1]; /* of each level up: the branch there has ended */
    bool is_colored;
    struct strbuf *out;
};

/* ---- growing ---- */

static bool is_state(const struct pipeline *pipeline, const struct node *node)
{
    return pipeline->bodies[node->body].kind == BODY_STATES;
}

static uint32_t choose_parent_edge(const struct pipeline *pipeline, const struct node *node)
{
    uint32_t best = 0;
    for (uint32_t i = 0; i < node->in_count && !is_state(pipeline, node); i++) {
        uint32_t edge = pipeline->in_edges[node->first_in + i];
        uint32_t layer = pipeline->nodes[pipeline->edges[edge].source].layer;
        if (best == 0 || layer > pipeline->nodes[pipeline->edges[best - 1].source].layer) {
            best = edge + 1;
        }
    }
    return best;
}

static void add_child(struct tree *tree, uint32_t parent, uint32_t child)
{
    struct tree_node *node = &tree->nodes[parent];
    tree->nodes[child].is_child = true;
    if (node->last_child == 0) {
        node->first_child = child + 1;
    } else {
        tree->nodes[node->last_child - 1].next_sibling = child + 1;
    }
    node->last_child = child + 1;
}

/* A loop over a stream hangs on the node that emits it, if nothing else comes before it. */
static uint32_t stream_parent(const struct pipeline *pipeline, const struct node *node)
{
    if (node->for_each == NULL || node->for_each->stream == PIPELINE_NO_NODE) {
        return PIPELINE_NO_NODE;
    }
    uint32_t source = node->for_each->stream;
    return pipeline->nodes[source].body == node->body ? source : PIPELINE_NO_NODE;
}

static void hang_inside(struct tree *tree, uint32_t index)
{
    const struct pipeline *pipeline = tree->pipeline;
    const struct node *node = &pipeline->nodes[index];
    uint32_t owner = pipeline->bodies[node->body].owner;
    if (tree->nodes[index].parent_edge == 0 && stream_parent(pipeline, node) == PIPELINE_NO_NODE &&
        owner != PIPELINE_NO_NODE && pipeline->nodes[owner].own_body == node->body) {
        tree->nodes[index].is_inside = true;
        add_child(tree, owner, index);
    }
}

static void hang_behind(struct tree *tree, uint32_t index)
{
    const struct pipeline *pipeline = tree->pipeline;
    uint32_t edge = tree->nodes[index].parent_edge;
    uint32_t stream = stream_parent(pipeline, &pipeline->nodes[index]);
    if (edge != 0) {
        add_child(tree, pipeline->edges[edge - 1].source, index);
    } else if (stream != PIPELINE_NO_NODE) {
        add_child(tree, stream, index);
    }
}

/* Whether one plain edge leads from the parent to its only follower. */
static bool is_only_follower(const struct tree *tree, uint32_t index)
{
    const struct tree_node *node = &tree->nodes[index];
    if (node->parent_edge == 0 || node->next_sibling != 0) {
        return false;
    }
    const struct edge *edge = &tree->pipeline->edges[node->parent_edge - 1];
    uint32_t first = tree->nodes[edge->source].first_child - 1;
    while (tree->nodes[first].is_inside) {
        first = tree->nodes[first].next_sibling - 1;
    }
    return first == index && edge->outcome == OUTCOME_SUCCESS && edge->when == NULL;
}

/* What is inside a node comes before what follows it. */
static void grow_tree(struct tree *tree)
{
    const struct pipeline *pipeline = tree->pipeline;
    for (uint32_t i = 0; i < pipeline->node_count; i++) {
        tree->nodes[i].parent_edge = choose_parent_edge(pipeline, &pipeline->nodes[i]);
    }
    for (uint32_t k = 0; k < pipeline->node_count; k++) {
        hang_inside(tree, pipeline->order[k]);
    }
    for (uint32_t k = 0; k < pipeline->node_count; k++) {
        hang_behind(tree, pipeline->order[k]);
    }
    for (uint32_t i = 0; i < pipeline->node_count; i++) {
        tree->nodes[i].is_next = is_only_follower(tree, i);
    }
}

/* ---- rows ---- */

static void append_way(const struct tree *tree, const struct edge *edge)
{
    size_t start = tree->out->n;
    strbuf_append_char(tree->out, '[');
    body_text_append_way(tree->pipeline, edge, tree->out);
    if (!tree->out->failed && tree->out->n == start + 1) {
        tree->out->n = start;
        return;
    }
    strbuf_append_text(tree->out, "] ");
}

static void append_others(const struct tree *tree, const struct node *node, uint32_t parent_edge)
{
    const struct pipeline *pipeline = tree->pipeline;
    struct strbuf *out = tree->out;
    if (node->in_count < 2 || is_state(pipeline, node)) {
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

/* ", [false] ends as 'done'" */
static void append_ends(const struct pipeline *pipeline, uint32_t index, struct strbuf *out)
{
    for (uint32_t i = body_text_first_end(pipeline, index);
         i < pipeline->end_count && pipeline->ends[i].node == index; i++) {
        const struct named_end *end = &pipeline->ends[i];
        strbuf_append_text(out, ", [");
        terminal_append_safe(out, pipeline->outcomes[end->outcome]);
        strbuf_append_text(out, "] ends as '");
        terminal_append_safe(out, end->name);
        strbuf_append_char(out, '\'');
    }
}

/* ", if draft.ready", the beginning of it when it is long */
static void append_when(const struct node *node, struct strbuf *out)
{
    if (node->when == NULL) {
        return;
    }
    struct strbuf safe = STRBUF_INIT;
    terminal_append_line(&safe, expr_source(node->when));
    struct str when = strbuf_str(&safe);
    bool is_long = terminal_width(when) > WHEN_MOST;
    strbuf_append_text(out, ", if ");
    strbuf_append(out, when.p, is_long ? terminal_fit(when, WHEN_MOST - 1) : when.n);
    strbuf_append_text(out, is_long ? "…" : "");
    out->failed = out->failed || strbuf_status(&safe) != 0;
    strbuf_finish(&safe);
}

/* What else the node is: its loop, when it runs, how it is undone, how a state begins or ends the
 * run. */
static void append_marks(const struct tree *tree, uint32_t index)
{
    const struct pipeline *pipeline = tree->pipeline;
    const struct node *node = &pipeline->nodes[index];
    const struct body *body = &pipeline->bodies[node->body];
    if (node->for_each != NULL) {
        strbuf_append_char(tree->out, ' ');
        body_text_append_over(pipeline, node, tree->out);
    }
    append_when(node, tree->out);
    if (node->repeat != NULL) {
        strbuf_append_text(tree->out, ", ");
        body_text_append_repeat(node, tree->out);
    }
    if (node->compensate != 0) {
        const struct body *undo = &pipeline->bodies[node->compensate];
        strbuf_append_text(tree->out, ", undone by ");
        body_text_append_type(&pipeline->nodes[undo->first_node], tree->out);
    }
    if (body->kind == BODY_STATES && body->initial == index) {
        strbuf_append_text(tree->out, ", begins");
    }
    if (body_text_is_last_state(pipeline, node)) {
        strbuf_append_text(tree->out, node->is_failed_end ? ", ends as failed" : ", ends");
    }
}

/* `end`: what leads to the row itself. */
static void append_branches(const struct tree *tree, uint32_t depth, const char *end)
{
    uint32_t shown = depth < INDENT_MOST ? depth : INDENT_MOST;
    for (uint32_t level = 1; level < shown; level++) {
        strbuf_append_text(tree->out, tree->is_last[level] ? "   " : "│  ");
    }
    strbuf_append_text(tree->out, depth > 0 ? end : "");
}

static void append_transitions(const struct tree *tree, uint32_t index, uint32_t depth)
{
    const struct pipeline *pipeline = tree->pipeline;
    const struct node *node = &pipeline->nodes[index];
    for (uint32_t i = 0; i < node->out_count; i++) {
        const struct edge *edge = &pipeline->edges[node->first_out + i];
        bool is_last = i + 1 == node->out_count && tree->nodes[index].first_child == 0;
        append_branches(tree, depth + 1, is_last ? "└─ " : "├─ ");
        body_text_append_way(pipeline, edge, tree->out);
        strbuf_append_text(tree->out, " → ");
        terminal_append_safe(tree->out, pipeline->nodes[edge->target].id);
        strbuf_append_char(tree->out, '\n');
    }
}

static void append_node(struct tree *tree, uint32_t index)
{
    const struct pipeline *pipeline = tree->pipeline;
    const struct node *node = &pipeline->nodes[index];
    struct strbuf type = STRBUF_INIT;
    if (tree->nodes[index].parent_edge != 0) {
        append_way(tree, &pipeline->edges[tree->nodes[index].parent_edge - 1]);
    }
    terminal_append_safe(tree->out, node->id);
    strbuf_append_char(tree->out, ' ');
    strbuf_append_char(&type, '(');
    body_text_append_type(node, &type);
    strbuf_append_char(&type, ')');
    terminal_append_color(tree->out, tree->is_colored, COLOR_DIM, strbuf_str(&type));
    tree->out->failed = tree->out->failed || strbuf_status(&type) != 0;
    strbuf_finish(&type);
    append_marks(tree, index);
    append_others(tree, node, tree->nodes[index].parent_edge);
    append_ends(pipeline, index, tree->out);
    strbuf_append_char(tree->out, '\n');
}

/* ---- walking ---- */

static const char *branch_of(const struct tree_node *node)
{
    bool is_last = node->next_sibling == 0;
    if (node->is_next) {
        return "↓ ";
    }
    if (node->is_inside) {
        return is_last ? "╘═ " : "╞═ ";
    }
    return is_last ? "└─ " : "├─ ";
}

static size_t push_children(struct tree *tree, uint32_t node, uint32_t depth, size_t count)
{
    size_t first = count;
    for (uint32_t child = tree->nodes[node].first_child; child != 0;
         child = tree->nodes[child - 1].next_sibling) {
        uint32_t in = tree->nodes[child - 1].is_next ? 0 : 1;
        tree->stack[count++] = (struct tree_place){child - 1, depth + in};
    }
    for (size_t a = first, b = count; a + 1 < b; a++) {
        b--;
        struct tree_place swapped = tree->stack[a];
        tree->stack[a] = tree->stack[b];
        tree->stack[b] = swapped;
    }
    return count;
}

/* What begins the body; nodes with a parent come below theirs. */
static size_t push_body(struct tree *tree, uint32_t index)
{
    const struct body *body = &tree->pipeline->bodies[index];
    size_t count = 0;
    for (uint32_t i = body->node_count; i-- > 0;) {
        if (!tree->nodes[body->first_node + i].is_child) {
            tree->stack[count++] = (struct tree_place){body->first_node + i, 0};
        }
    }
    return count;
}

static void walk_body(struct tree *tree, uint32_t body)
{
    size_t count = push_body(tree, body);
    while (count > 0) {
        struct tree_place place = tree->stack[--count];
        const struct tree_node *node = &tree->nodes[place.node];
        append_branches(tree, place.depth + (node->is_next ? 1 : 0), branch_of(node));
        append_node(tree, place.node);
        if (place.depth <= INDENT_MOST && !node->is_next) {
            tree->is_last[place.depth] = node->next_sibling == 0;
        }
        if (is_state(tree->pipeline, &tree->pipeline->nodes[place.node])) {
            append_transitions(tree, place.node, place.depth);
        }
        count = push_children(tree, place.node, place.depth, count);
    }
}

void graph_text_append_tree(const struct pipeline *pipeline, bool is_colored, struct strbuf *out)
{
    size_t count = (size_t)pipeline->node_count + 1;
    struct tree tree = {
        .pipeline = pipeline,
        .nodes = calloc(count, sizeof(*tree.nodes)),
        .stack = calloc(count, sizeof(*tree.stack)),
        .is_colored = is_colored,
        .out = out,
    };
    if (tree.nodes == NULL || tree.stack == NULL) {
        out->failed = true;
    } else {
        uint32_t endings[BODY_ENDINGS];
        uint32_t ending_count = body_text_endings(pipeline, endings);
        grow_tree(&tree);
        walk_body(&tree, 0);
        for (uint32_t i = 0; i < ending_count; i++) {
            strbuf_append_char(out, '\n');
            terminal_append_color(out, is_colored, COLOR_BOLD,
                                  body_text_ending(pipeline, endings[i]));
            strbuf_append_text(out, ":\n");
            walk_body(&tree, endings[i]);
        }
    }
    free(tree.nodes);
    free(tree.stack);
}
