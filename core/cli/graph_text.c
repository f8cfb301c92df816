/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mermaid: a loop or a group is a subgraph with the id of its node, so that edges lead to it.
 */
#include "core/cli/graph_text.h"

#include <string.h>

#include "core/cli/body_text.h"
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

static void append_indent(unsigned depth, struct strbuf *out)
{
    for (unsigned i = 0; i <= depth; i++) {
        strbuf_append_text(out, "    ");
    }
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
    append_indent(depth, out);
    strbuf_append_format(out, "n%u%s", index, shape[0]);
    append_safe(node->id, out);
    body_text_append_type(node, &made);
    append_made(&made, "<br/>", "", out);
    if (node->when != NULL) {
        strbuf_append_text(&made, "if ");
        terminal_append_safe(&made, expr_source(node->when));
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
static void append_frame(const struct pipeline *pipeline, uint32_t index, unsigned depth,
                         struct strbuf *out)
{
    const struct node *node = &pipeline->nodes[index];
    struct strbuf made = STRBUF_INIT;
    append_indent(depth, out);
    strbuf_append_format(out, "subgraph n%u[\"", index);
    append_safe(node->id, out);
    body_text_append_over(pipeline, node, &made);
    append_made(&made, ": ", "", out);
    strbuf_append_text(out, "\"]\n");
    strbuf_finish(&made);
}

/* Nested as deep as a file may be: 64. */
static void append_body(const struct pipeline *pipeline, uint32_t index, unsigned depth,
                        struct strbuf *out)
{
    const struct body *body = &pipeline->bodies[index];
    if (body->kind == BODY_STATES) {
        append_indent(depth, out);
        strbuf_append_format(out, "b%u((\" \"))\n", index);
    }
    for (uint32_t i = body->first_node; i < body->first_node + body->node_count; i++) {
        if (pipeline->nodes[i].own_body == 0) {
            append_node(pipeline, i, depth, out);
            continue;
        }
        append_frame(pipeline, i, depth, out);
        append_body(pipeline, pipeline->nodes[i].own_body, depth + 1, out);
        append_indent(depth, out);
        strbuf_append_text(out, "end\n");
    }
}

static void append_endings(const struct pipeline *pipeline, struct strbuf *out)
{
    uint32_t endings[BODY_ENDINGS];
    uint32_t count = body_text_endings(pipeline, endings);
    for (uint32_t i = 0; i < count; i++) {
        strbuf_append_format(out, "    subgraph b%u[\"", endings[i]);
        append_safe(body_text_ending(pipeline, endings[i]), out);
        strbuf_append_text(out, "\"]\n");
        append_body(pipeline, endings[i], 1, out);
        strbuf_append_text(out, "    end\n");
    }
}

static void append_edges(const struct pipeline *pipeline, struct strbuf *out)
{
    struct strbuf made = STRBUF_INIT;
    for (uint32_t i = 0; i < pipeline->edge_count; i++) {
        const struct edge *edge = &pipeline->edges[i];
        if (!body_text_is_drawn(pipeline, pipeline->nodes[edge->source].body)) {
            continue;
        }
        strbuf_append_format(out, "    n%u %s", edge->source,
                             body_text_is_stream(pipeline, edge) ? "-.->" : "-->");
        body_text_append_way(pipeline, edge, &made);
        append_made(&made, "|\"", "\"|", out);
        strbuf_append_format(out, " n%u\n", edge->target);
    }
    strbuf_finish(&made);
}

static void append_marks(const struct pipeline *pipeline, struct strbuf *out)
{
    for (uint32_t i = 0; i < pipeline->body_count; i++) {
        if (pipeline->bodies[i].kind == BODY_STATES && body_text_is_drawn(pipeline, i)) {
            strbuf_append_format(out, "    b%u --> n%u\n", i, pipeline->bodies[i].initial);
        }
    }
    for (uint32_t i = 0; i < pipeline->node_count; i++) {
        if (body_text_reads_stream_alone(pipeline, i) &&
            body_text_is_drawn(pipeline, pipeline->nodes[i].body)) {
            strbuf_append_format(out, "    n%u -.-> n%u\n", pipeline->nodes[i].for_each->stream, i);
        }
    }
}

static void append_ends(const struct pipeline *pipeline, struct strbuf *out)
{
    for (uint32_t i = 0; i < pipeline->end_count; i++) {
        const struct named_end *end = &pipeline->ends[i];
        strbuf_append_format(out, "    e%u([\"", i);
        append_safe(end->name, out);
        strbuf_append_format(out, "\"])\n    n%u -->|\"", end->node);
        append_safe(pipeline->outcomes[end->outcome], out);
        strbuf_append_format(out, "\"| e%u\n", i);
    }
}

void graph_text_append_mermaid(const struct pipeline *pipeline, struct strbuf *out)
{
    strbuf_append_text(out, "graph TD\n");
    append_body(pipeline, 0, 0, out);
    append_endings(pipeline, out);
    append_edges(pipeline, out);
    append_marks(pipeline, out);
    append_ends(pipeline, out);
}
