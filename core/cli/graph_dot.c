/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DOT: a loop or a group is a cluster. Edges join nodes only: one to a cluster leads to the first
 * node in it and is cut at the border.
 */
#include "core/cli/body_text.h"
#include "core/cli/graph_code.h"
#include "core/cli/graph_text.h"
#include "core/cli/terminal.h"
#include "core/expr/expr.h"
#include "core/model/pipeline.h"

static void append_quoted(struct str text, struct strbuf *out)
{
    struct strbuf safe = STRBUF_INIT;
    terminal_append_safe(&safe, text);
    strbuf_append_char(out, '"');
    for (size_t i = 0; i < safe.n; i++) {
        if (safe.p[i] == '"' || safe.p[i] == '\\') {
            strbuf_append_char(out, '\\');
        }
        strbuf_append_char(out, safe.p[i]);
    }
    strbuf_append_char(out, '"');
    out->failed = out->failed || strbuf_status(&safe) != 0;
    strbuf_finish(&safe);
}

/* Takes the text of `made`, which is empty then. */
static void append_made(struct strbuf *made, struct strbuf *out)
{
    append_quoted(strbuf_str(made), out);
    out->failed = out->failed || strbuf_status(made) != 0;
    strbuf_clear(made);
}

static const char *shape_of(const struct node *node)
{
    switch (node->kind) {
    case NODE_CONDITIONAL:
    case NODE_ROUTER:
        return "diamond";
    case NODE_START:
    case NODE_FAIL:
    case NODE_WAIT:
    case NODE_IDLE:
    case NODE_QUEUE:
        return "ellipse";
    case NODE_WORKFLOW:
        return "box3d";
    case NODE_PASSTHROUGH:
    case NODE_SET:
    case NODE_PLUGIN:
    case NODE_LOOP:
    case NODE_GROUP:
        return "box";
    }
    return "box";
}

/* What a tooltip tells: the type, conditions, and what undoes the node. */
static void append_tooltip(const struct pipeline *pipeline, const struct node *node,
                           struct strbuf *out)
{
    struct strbuf made = STRBUF_INIT;
    body_text_append_type(node, &made);
    if (node->when != NULL) {
        strbuf_append_text(&made, ", if ");
        terminal_append_line(&made, expr_source(node->when));
    }
    if (node->repeat != NULL) {
        strbuf_append_text(&made, ", ");
        body_text_append_repeat(node, &made);
    }
    if (node->compensate != 0) {
        strbuf_append_text(&made, ", undone by ");
        body_text_append_type(&pipeline->nodes[pipeline->bodies[node->compensate].first_node],
                              &made);
    }
    append_made(&made, out);
    strbuf_finish(&made);
}

static void append_node(const struct pipeline *pipeline, uint32_t index, unsigned depth,
                        struct strbuf *out)
{
    const struct node *node = &pipeline->nodes[index];
    graph_code_append_indent(depth, out);
    strbuf_append_format(out, "n%u [shape=%s, tooltip=", index, shape_of(node));
    append_tooltip(pipeline, node, out);
    strbuf_append_text(out, ", label=");
    append_quoted(node->id, out);
    strbuf_append_text(out,
                       body_text_is_last_state(pipeline, node) ? ", peripheries=2];\n" : "];\n");
}

static void open_node(const struct pipeline *pipeline, uint32_t index, unsigned depth,
                      struct strbuf *out)
{
    const struct node *node = &pipeline->nodes[index];
    struct strbuf made = STRBUF_INIT;
    graph_code_append_indent(depth, out);
    strbuf_append_format(out, "subgraph cluster_n%u {\n", index);
    graph_code_append_indent(depth + 1, out);
    strbuf_append_text(out, "label=");
    strbuf_append_str(&made, node->id);
    strbuf_append_text(&made, ": ");
    body_text_append_over(pipeline, node, &made);
    append_made(&made, out);
    strbuf_append_text(out, ";\n");
    strbuf_finish(&made);
}

static void open_ending(const struct pipeline *pipeline, uint32_t body, struct strbuf *out)
{
    strbuf_append_format(out,
                         "    subgraph cluster_b%u {\n        style=dashed;\n        label=", body);
    append_quoted(body_text_ending(pipeline, body), out);
    strbuf_append_text(out, ";\n");
}

/* A node without a body of its own that stands for `node`: the first or the last inside it. */
static uint32_t stand_in(const struct pipeline *pipeline, uint32_t node, bool is_last)
{
    while (pipeline->nodes[node].own_body != 0) {
        const struct body *body = &pipeline->bodies[pipeline->nodes[node].own_body];
        node =
            pipeline->order[is_last ? body->first_node + body->node_count - 1 : body->first_node];
    }
    return node;
}

static void append_attribute(bool *is_open, const char *name, struct strbuf *out)
{
    strbuf_append_format(out, "%s%s=", *is_open ? ", " : " [", name);
    *is_open = true;
}

static void append_edge(const struct pipeline *pipeline, const struct graph_code_edge *edge,
                        struct strbuf *out)
{
    bool is_open = false;
    strbuf_append_format(out, "    n%u -> n%u", stand_in(pipeline, edge->source, true),
                         stand_in(pipeline, edge->target, false));
    if (edge->label->n > 0) {
        append_attribute(&is_open, "label", out);
        append_made(edge->label, out);
    }
    if (edge->is_stream) {
        append_attribute(&is_open, "style", out);
        strbuf_append_text(out, "dashed");
    }
    if (pipeline->nodes[edge->source].own_body != 0) {
        append_attribute(&is_open, "ltail", out);
        strbuf_append_format(out, "cluster_n%u", edge->source);
    }
    if (pipeline->nodes[edge->target].own_body != 0) {
        append_attribute(&is_open, "lhead", out);
        strbuf_append_format(out, "cluster_n%u", edge->target);
    }
    strbuf_append_text(out, is_open ? "];\n" : ";\n");
}

static void append_entry(const struct pipeline *pipeline, uint32_t body, struct strbuf *out)
{
    uint32_t initial = pipeline->bodies[body].initial;
    strbuf_append_format(out, "    b%u -> n%u;\n", body, stand_in(pipeline, initial, false));
}

static void append_end(const struct pipeline *pipeline, uint32_t index, struct strbuf *out)
{
    const struct named_end *end = &pipeline->ends[index];
    strbuf_append_format(out, "    e%u [shape=plaintext, label=", index);
    append_quoted(end->name, out);
    strbuf_append_format(out, "];\n    n%u -> e%u [label=", end->node, index);
    append_quoted(pipeline->outcomes[end->outcome], out);
    strbuf_append_text(out, "];\n");
}

static const struct graph_language dot = {
    .append_node = append_node,
    .open_node = open_node,
    .open_ending = open_ending,
    .append_edge = append_edge,
    .append_entry = append_entry,
    .append_end = append_end,
    .mark = " [shape=point, label=\"\"];",
    .close = "}",
};

void graph_text_append_dot(const struct pipeline *pipeline, struct strbuf *out)
{
    strbuf_append_text(out, "digraph ");
    append_quoted(pipeline->id, out);
    strbuf_append_text(out, " {\n    node [shape=box, fontname=\"sans-serif\"];\n");
    if (pipeline->body_count > 1) {
        strbuf_append_text(out, "    compound=true;\n");
    }
    graph_code_append(&dot, pipeline, out);
    strbuf_append_text(out, "}\n");
}
