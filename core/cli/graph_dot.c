/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DOT: a loop or a group is a cluster. Edges join nodes only: one to a cluster leads to the first
 * node in it and is cut at the border.
 */
#include "core/cli/body_text.h"
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

static void append_indent(unsigned depth, struct strbuf *out)
{
    for (unsigned i = 0; i <= depth; i++) {
        strbuf_append_text(out, "    ");
    }
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
        terminal_append_safe(&made, expr_source(node->when));
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
    append_indent(depth, out);
    strbuf_append_format(out, "n%u [shape=%s, tooltip=", index, shape_of(node));
    append_tooltip(pipeline, node, out);
    strbuf_append_text(out, ", label=");
    append_quoted(node->id, out);
    strbuf_append_text(out,
                       body_text_is_last_state(pipeline, node) ? ", peripheries=2];\n" : "];\n");
}

static void append_frame(const struct pipeline *pipeline, uint32_t index, unsigned depth,
                         struct strbuf *out)
{
    const struct node *node = &pipeline->nodes[index];
    struct strbuf made = STRBUF_INIT;
    append_indent(depth, out);
    strbuf_append_format(out, "subgraph cluster_n%u {\n", index);
    append_indent(depth + 1, out);
    strbuf_append_text(out, "label=");
    strbuf_append_str(&made, node->id);
    strbuf_append_text(&made, ": ");
    body_text_append_over(pipeline, node, &made);
    append_made(&made, out);
    strbuf_append_text(out, ";\n");
    strbuf_finish(&made);
}

/* Nested as deep as a file may be: 64. */
static void append_body(const struct pipeline *pipeline, uint32_t index, unsigned depth,
                        struct strbuf *out)
{
    const struct body *body = &pipeline->bodies[index];
    if (body->kind == BODY_STATES) {
        append_indent(depth, out);
        strbuf_append_format(out, "b%u [shape=point, label=\"\"];\n", index);
    }
    for (uint32_t i = body->first_node; i < body->first_node + body->node_count; i++) {
        if (pipeline->nodes[i].own_body == 0) {
            append_node(pipeline, i, depth, out);
            continue;
        }
        append_frame(pipeline, i, depth, out);
        append_body(pipeline, pipeline->nodes[i].own_body, depth + 1, out);
        append_indent(depth, out);
        strbuf_append_text(out, "}\n");
    }
}

static void append_endings(const struct pipeline *pipeline, struct strbuf *out)
{
    uint32_t endings[BODY_ENDINGS];
    uint32_t count = body_text_endings(pipeline, endings);
    for (uint32_t i = 0; i < count; i++) {
        strbuf_append_format(
            out, "    subgraph cluster_b%u {\n        style=dashed;\n        label=", endings[i]);
        append_quoted(body_text_ending(pipeline, endings[i]), out);
        strbuf_append_text(out, ";\n");
        append_body(pipeline, endings[i], 1, out);
        strbuf_append_text(out, "    }\n");
    }
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

static void append_edge(const struct pipeline *pipeline, uint32_t source, uint32_t target,
                        struct strbuf *label, bool is_dashed, struct strbuf *out)
{
    bool is_open = false;
    strbuf_append_format(out, "    n%u -> n%u", stand_in(pipeline, source, true),
                         stand_in(pipeline, target, false));
    if (label->n > 0) {
        append_attribute(&is_open, "label", out);
        append_made(label, out);
    }
    if (is_dashed) {
        append_attribute(&is_open, "style", out);
        strbuf_append_text(out, "dashed");
    }
    if (pipeline->nodes[source].own_body != 0) {
        append_attribute(&is_open, "ltail", out);
        strbuf_append_format(out, "cluster_n%u", source);
    }
    if (pipeline->nodes[target].own_body != 0) {
        append_attribute(&is_open, "lhead", out);
        strbuf_append_format(out, "cluster_n%u", target);
    }
    strbuf_append_text(out, is_open ? "];\n" : ";\n");
}

static void append_edges(const struct pipeline *pipeline, struct strbuf *out)
{
    struct strbuf label = STRBUF_INIT;
    for (uint32_t i = 0; i < pipeline->edge_count; i++) {
        const struct edge *edge = &pipeline->edges[i];
        if (!body_text_is_drawn(pipeline, pipeline->nodes[edge->source].body)) {
            continue;
        }
        body_text_append_way(pipeline, edge, &label);
        append_edge(pipeline, edge->source, edge->target, &label,
                    body_text_is_stream(pipeline, edge), out);
    }
    for (uint32_t i = 0; i < pipeline->node_count; i++) {
        if (body_text_reads_stream_alone(pipeline, i) &&
            body_text_is_drawn(pipeline, pipeline->nodes[i].body)) {
            append_edge(pipeline, pipeline->nodes[i].for_each->stream, i, &label, true, out);
        }
    }
    out->failed = out->failed || strbuf_status(&label) != 0;
    strbuf_finish(&label);
}

static void append_marks(const struct pipeline *pipeline, struct strbuf *out)
{
    for (uint32_t i = 0; i < pipeline->body_count; i++) {
        if (pipeline->bodies[i].kind == BODY_STATES && body_text_is_drawn(pipeline, i)) {
            uint32_t initial = pipeline->bodies[i].initial;
            strbuf_append_format(out, "    b%u -> n%u;\n", i, stand_in(pipeline, initial, false));
        }
    }
}

static void append_ends(const struct pipeline *pipeline, struct strbuf *out)
{
    for (uint32_t i = 0; i < pipeline->end_count; i++) {
        const struct named_end *end = &pipeline->ends[i];
        strbuf_append_format(out, "    e%u [shape=plaintext, label=", i);
        append_quoted(end->name, out);
        strbuf_append_format(out, "];\n    n%u -> e%u [label=", end->node, i);
        append_quoted(pipeline->outcomes[end->outcome], out);
        strbuf_append_text(out, "];\n");
    }
}

void graph_text_append_dot(const struct pipeline *pipeline, struct strbuf *out)
{
    strbuf_append_text(out, "digraph ");
    append_quoted(pipeline->id, out);
    strbuf_append_text(out, " {\n    node [shape=box, fontname=\"sans-serif\"];\n");
    if (pipeline->body_count > 1) {
        strbuf_append_text(out, "    compound=true;\n");
    }
    append_body(pipeline, 0, 0, out);
    append_endings(pipeline, out);
    append_edges(pipeline, out);
    append_marks(pipeline, out);
    append_ends(pipeline, out);
    strbuf_append_text(out, "}\n");
}
