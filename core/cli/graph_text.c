/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/graph_text.h"

#include <string.h>

#include "core/cli/terminal.h"
#include "core/model/catalogue.h"
#include "core/model/pipeline.h"

/* ---- Mermaid ---- */

/*
 * Inside a quoted label: entities for what would end it, start markup (a backslash: a line) or,
 * "%%{", a directive.
 */
static void append_mermaid_text(struct str text, struct strbuf *out)
{
    struct strbuf safe = STRBUF_INIT;
    terminal_append_safe(&safe, text);
    for (size_t i = 0; i < safe.n; i++) {
        char c = safe.p[i];
        if (strchr("\"<>&#`%\\", c) != NULL) {
            strbuf_append_format(out, "#%d;", c);
        } else {
            strbuf_append_char(out, c);
        }
    }
    out->failed = out->failed || strbuf_status(&safe) != 0;
    strbuf_finish(&safe);
}

/* Opening and closing signs of a node's shape. */
static const char *const *mermaid_shape(const struct node *node)
{
    static const char *const box[] = {"[\"", "\"]"};
    static const char *const rhomb[] = {"{\"", "\"}"};
    static const char *const round[] = {"([\"", "\"])"};
    switch (node->kind) {
    case NODE_CONDITIONAL:
    case NODE_ROUTER:
        return rhomb;
    case NODE_START:
    case NODE_FAIL:
    case NODE_WAIT:
        return round;
    case NODE_PASSTHROUGH:
    case NODE_SET:
    case NODE_PLUGIN:
    case NODE_LOOP:
    case NODE_GROUP:
    case NODE_WORKFLOW:
    case NODE_IDLE:
        return box;
    }
    return box;
}

static void append_mermaid_ends(const struct pipeline *pipeline, struct strbuf *out)
{
    for (uint32_t i = 0; i < pipeline->end_count; i++) {
        const struct named_end *end = &pipeline->ends[i];
        strbuf_append_format(out, "    e%u([\"", i);
        append_mermaid_text(end->name, out);
        strbuf_append_format(out, "\"])\n    n%u -->|\"", end->node);
        append_mermaid_text(pipeline->outcomes[end->outcome], out);
        strbuf_append_format(out, "\"| e%u\n", i);
    }
}

void graph_text_append_mermaid(const struct pipeline *pipeline, struct strbuf *out)
{
    strbuf_append_text(out, "graph TD\n");
    for (uint32_t i = 0; i < pipeline->node_count; i++) {
        const struct node *node = &pipeline->nodes[i];
        const char *const *shape = mermaid_shape(node);
        strbuf_append_format(out, "    n%u%s", i, shape[0]);
        append_mermaid_text(node->id, out);
        strbuf_append_text(out, "<br/>");
        append_mermaid_text(node->type->name, out);
        strbuf_append_format(out, "%s\n", shape[1]);
    }
    for (uint32_t i = 0; i < pipeline->edge_count; i++) {
        const struct edge *edge = &pipeline->edges[i];
        strbuf_append_format(out, "    n%u -->", edge->source);
        if (edge->outcome != OUTCOME_SUCCESS) {
            strbuf_append_text(out, "|\"");
            append_mermaid_text(pipeline->outcomes[edge->outcome], out);
            strbuf_append_text(out, "\"|");
        }
        strbuf_append_format(out, " n%u\n", edge->target);
    }
    append_mermaid_ends(pipeline, out);
}

/* ---- DOT ---- */

static void append_dot_string(struct str text, struct strbuf *out)
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

static const char *dot_shape(const struct node *node)
{
    switch (node->kind) {
    case NODE_CONDITIONAL:
    case NODE_ROUTER:
        return "diamond";
    case NODE_START:
    case NODE_FAIL:
    case NODE_WAIT:
        return "ellipse";
    case NODE_PASSTHROUGH:
    case NODE_SET:
    case NODE_PLUGIN:
    case NODE_LOOP:
    case NODE_GROUP:
    case NODE_WORKFLOW:
    case NODE_IDLE:
        return "box";
    }
    return "box";
}

static void append_dot_ends(const struct pipeline *pipeline, struct strbuf *out)
{
    for (uint32_t i = 0; i < pipeline->end_count; i++) {
        const struct named_end *end = &pipeline->ends[i];
        strbuf_append_format(out, "    e%u [shape=plaintext, label=", i);
        append_dot_string(end->name, out);
        strbuf_append_format(out, "];\n    n%u -> e%u [label=", end->node, i);
        append_dot_string(pipeline->outcomes[end->outcome], out);
        strbuf_append_text(out, "];\n");
    }
}

void graph_text_append_dot(const struct pipeline *pipeline, struct strbuf *out)
{
    strbuf_append_text(out, "digraph ");
    append_dot_string(pipeline->id, out);
    strbuf_append_text(out, " {\n    node [shape=box, fontname=\"sans-serif\"];\n");
    for (uint32_t i = 0; i < pipeline->node_count; i++) {
        const struct node *node = &pipeline->nodes[i];
        strbuf_append_format(out, "    n%u [shape=%s, tooltip=", i, dot_shape(node));
        append_dot_string(node->type->name, out);
        strbuf_append_text(out, ", label=");
        append_dot_string(node->id, out);
        strbuf_append_text(out, "];\n");
    }
    for (uint32_t i = 0; i < pipeline->edge_count; i++) {
        const struct edge *edge = &pipeline->edges[i];
        strbuf_append_format(out, "    n%u -> n%u", edge->source, edge->target);
        if (edge->outcome != OUTCOME_SUCCESS) {
            strbuf_append_text(out, " [label=");
            append_dot_string(pipeline->outcomes[edge->outcome], out);
            strbuf_append_char(out, ']');
        }
        strbuf_append_text(out, ";\n");
    }
    append_dot_ends(pipeline, out);
    strbuf_append_text(out, "}\n");
}
