/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/graph_code.h"

#include "core/base/str.h"
#include "core/cli/body_text.h"
#include "core/model/pipeline.h"

/* Nested as deep as a file may be: 64. */
static void append_body(const struct graph_language *language, const struct pipeline *pipeline,
                        uint32_t index, unsigned depth, struct strbuf *out)
{
    const struct body *body = &pipeline->bodies[index];
    if (body->kind == BODY_STATES) {
        graph_code_append_indent(depth, out);
        strbuf_append_format(out, "b%u%s\n", index, language->mark);
    }
    for (uint32_t i = body->first_node; i < body->first_node + body->node_count; i++) {
        if (pipeline->nodes[i].own_body == 0) {
            language->append_node(pipeline, i, depth, out);
            continue;
        }
        language->open_node(pipeline, i, depth, out);
        append_body(language, pipeline, pipeline->nodes[i].own_body, depth + 1, out);
        graph_code_append_indent(depth, out);
        strbuf_append_format(out, "%s\n", language->close);
    }
}

static void append_endings(const struct graph_language *language, const struct pipeline *pipeline,
                           struct strbuf *out)
{
    uint32_t endings[BODY_ENDINGS];
    uint32_t count = body_text_endings(pipeline, endings);
    for (uint32_t i = 0; i < count; i++) {
        language->open_ending(pipeline, endings[i], out);
        append_body(language, pipeline, endings[i], 1, out);
        strbuf_append_format(out, "    %s\n", language->close);
    }
}

static void append_edges(const struct graph_language *language, const struct pipeline *pipeline,
                         struct strbuf *out)
{
    struct strbuf label = STRBUF_INIT;
    for (uint32_t i = 0; i < pipeline->edge_count; i++) {
        const struct edge *edge = &pipeline->edges[i];
        if (!body_text_is_drawn(pipeline, pipeline->nodes[edge->source].body)) {
            continue;
        }
        body_text_append_way(pipeline, edge, &label);
        struct graph_code_edge drawn = {edge->source, edge->target, &label,
                                        body_text_is_stream(pipeline, edge)};
        language->append_edge(pipeline, &drawn, out);
    }
    for (uint32_t i = 0; i < pipeline->node_count; i++) {
        if (body_text_reads_stream_alone(pipeline, i) &&
            body_text_is_drawn(pipeline, pipeline->nodes[i].body)) {
            struct graph_code_edge drawn = {pipeline->nodes[i].for_each->stream, i, &label, true};
            language->append_edge(pipeline, &drawn, out);
        }
    }
    out->failed = out->failed || strbuf_status(&label) != 0;
    strbuf_finish(&label);
}

void graph_code_append(const struct graph_language *language, const struct pipeline *pipeline,
                       struct strbuf *out)
{
    append_body(language, pipeline, 0, 0, out);
    append_endings(language, pipeline, out);
    append_edges(language, pipeline, out);
    for (uint32_t i = 0; i < pipeline->body_count; i++) {
        if (pipeline->bodies[i].kind == BODY_STATES && body_text_is_drawn(pipeline, i)) {
            language->append_entry(pipeline, i, out);
        }
    }
    for (uint32_t i = 0; i < pipeline->end_count; i++) {
        language->append_end(pipeline, i, out);
    }
}

void graph_code_append_indent(unsigned depth, struct strbuf *out)
{
    for (unsigned i = 0; i <= depth; i++) {
        strbuf_append_text(out, "    ");
    }
}
