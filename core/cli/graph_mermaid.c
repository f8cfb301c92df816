/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mermaid: a loop or a group is a subgraph with the id of its node, so that edges lead to it.
 */
#include "core/cli/graph_text.h"

#include <string.h>

#include "core/cli/body_text.h"
#include "core/cli/graph_code.h"
#include "core/cli/terminal.h"
#include "core/expr/expr.h"
#include "core/model/pipeline.h"

/*
 * Inside a quoted label: entities for what would end it, start markup (a backslash: a line; two
 * dollars: a formula) or, "%%{", a directive.
 */
static void append_escaped(struct str text, struct strbuf *out)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (strchr("\"<>&#`%\\$", c) != NULL) {
            strbuf_append_format(out, "#%d;", c);
        } else {
            strbuf_append_char(out, c);
        }
    }
}

static void append_safe(struct str text, struct strbuf *out)
{
    struct strbuf safe = STRBUF_INIT;
    terminal_append_safe(&safe, text);
    append_escaped(strbuf_str(&safe), out);
    out->failed = out->failed || strbuf_status(&safe) != 0;
    strbuf_finish(&safe);
}

/* Takes the text of `made`, which is empty then. Nothing for no text. */
static void append_made(struct strbuf *made, const char *before, const char *after,
                        struct strbuf *out)
{
    if (made->n > 0) {
        strbuf_append_text(out, before);
        append_escaped(strbuf_str(made), out);
        strbuf_append_text(out, after);
    }
    out->failed = out->failed || strbuf_status(made) != 0;
    strbuf_clear(made);
}

/* Opening and closing signs of a node's shape. */
static const char *const *shape_of(const struct pipeline *pipeline, const struct node *node)
{
    static const char *const box[] = {"[\"", "\"]"};
    static const char *const rhomb[] = {"{\"", "\"}"};
    static const char *const round[] = {"([\"", "\"])"};
    static const char *const call[] = {"[[\"", "\"]]"};
    if (body_text_is_last_state(pipeline, node)) {
        return round;
    }
    switch (node->kind) {
    case NODE_CONDITIONAL:
    case NODE_ROUTER:
        return rhomb;
    case NODE_START:
    case NODE_FAIL:
    case NODE_WAIT:
    case NODE_IDLE:
    case NODE_QUEUE:
        return round;
    case NODE_WORKFLOW:
        return call;
    case NODE_PASSTHROUGH:
    case NODE_SET:
    case NODE_PLUGIN:
    case NODE_LOOP:
    case NODE_GROUP:
        return box;
    }
    return box;
}

static void append_node(const struct pipeline *pipeline, uint32_t index, unsigned depth,
                        struct strbuf *out)
{
    const struct node *node = &pipeline->nodes[index];
    const char *const *shape = shape_of(pipeline, node);
    struct strbuf made = STRBUF_INIT;
    graph_code_append_indent(depth, out);
    strbuf_append_format(out, "n%u%s", index, shape[0]);
    append_safe(node->id, out);
    body_text_append_type(node, &made);
    append_made(&made, "<br/>", "", out);
    if (node->when != NULL) {
        strbuf_append_text(&made, "if ");
        terminal_append_line(&made, expr_source(node->when));
        append_made(&made, "<br/>", "", out);
    }
    body_text_append_repeat(node, &made);
    append_made(&made, "<br/>", "", out);
    if (node->compensate != 0) {
        strbuf_append_text(&made, "undone by ");
        body_text_append_type(&pipeline->nodes[pipeline->bodies[node->compensate].first_node],
                              &made);
        append_made(&made, "<br/>", "", out);
    }
    strbuf_append_format(out, "%s\n", shape[1]);
    strbuf_finish(&made);
}

/* The title of a loop or a group; its body comes behind it. */
static void open_node(const struct pipeline *pipeline, uint32_t index, unsigned depth,
                      struct strbuf *out)
{
    const struct node *node = &pipeline->nodes[index];
    struct strbuf made = STRBUF_INIT;
    graph_code_append_indent(depth, out);
    strbuf_append_format(out, "subgraph n%u[\"", index);
    append_safe(node->id, out);
    body_text_append_over(pipeline, node, &made);
    append_made(&made, ": ", "", out);
    strbuf_append_text(out, "\"]\n");
    strbuf_finish(&made);
}

static void open_ending(const struct pipeline *pipeline, uint32_t body, struct strbuf *out)
{
    strbuf_append_format(out, "    subgraph b%u[\"", body);
    append_safe(body_text_ending(pipeline, body), out);
    strbuf_append_text(out, "\"]\n");
}

static void append_edge(const struct pipeline *pipeline, const struct graph_code_edge *edge,
                        struct strbuf *out)
{
    (void)pipeline; /* edges lead to frames as to nodes */
    strbuf_append_format(out, "    n%u %s", edge->source, edge->is_stream ? "-.->" : "-->");
    append_made(edge->label, "|\"", "\"|", out);
    strbuf_append_format(out, " n%u\n", edge->target);
}

static void append_entry(const struct pipeline *pipeline, uint32_t body, struct strbuf *out)
{
    strbuf_append_format(out, "    b%u --> n%u\n", body, pipeline->bodies[body].initial);
}

static void append_end(const struct pipeline *pipeline, uint32_t index, struct strbuf *out)
{
    const struct named_end *end = &pipeline->ends[index];
    strbuf_append_format(out, "    e%u([\"", index);
    append_safe(end->name, out);
    strbuf_append_format(out, "\"])\n    n%u -->|\"", end->node);
    append_safe(pipeline->outcomes[end->outcome], out);
    strbuf_append_format(out, "\"| e%u\n", index);
}

static const struct graph_language mermaid = {
    .append_node = append_node,
    .open_node = open_node,
    .open_ending = open_ending,
    .append_edge = append_edge,
    .append_entry = append_entry,
    .append_end = append_end,
    .mark = "((\" \"))",
    .close = "end",
};

void graph_text_append_mermaid(const struct pipeline *pipeline, struct strbuf *out)
{
    strbuf_append_text(out, "graph TD\n");
    graph_code_append(&mermaid, pipeline, out);
}
