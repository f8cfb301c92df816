/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/plan_text.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/quantity.h"
#include "core/cli/terminal.h"
#include "core/expr/expr.h"
#include "core/model/catalogue.h"
#include "core/model/pipeline.h"
#include "core/value/builder.h"

/* Nodes by layer, in the file's order within one: a counting sort. */
struct layers {
    uint32_t *nodes;
    uint32_t *first; /* of each layer, and one behind the last */
    uint32_t count;
};

static void layers_finish(struct layers *layers)
{
    free(layers->nodes);
    free(layers->first);
}

static int layers_init(struct layers *layers, const struct pipeline *pipeline)
{
    *layers = (struct layers){0};
    for (uint32_t i = 0; i < pipeline->node_count; i++) {
        uint32_t layer = pipeline->nodes[i].layer + 1;
        layers->count = layer > layers->count ? layer : layers->count;
    }
    layers->nodes = calloc((size_t)pipeline->node_count + 1, sizeof(*layers->nodes));
    layers->first = calloc((size_t)layers->count + 2, sizeof(*layers->first));
    if (layers->nodes == NULL || layers->first == NULL) {
        layers_finish(layers);
        return E_NOMEM;
    }
    for (uint32_t i = 0; i < pipeline->node_count; i++) {
        layers->first[pipeline->nodes[i].layer + 2]++;
    }
    for (uint32_t i = 2; i <= layers->count; i++) {
        layers->first[i] += layers->first[i - 1];
    }
    for (uint32_t i = 0; i < pipeline->node_count; i++) {
        layers->nodes[layers->first[pipeline->nodes[i].layer + 1]++] = i;
    }
    return 0;
}

static void append_padded(struct str text, size_t columns, struct strbuf *out)
{
    size_t before = out->n;
    terminal_append_safe(out, text);
    size_t width = out->failed ? columns
                               : terminal_width(str_make(out->p + before, out->n - before));
    for (; width < columns; width++) {
        strbuf_append_char(out, ' ');
    }
}

static const struct edge *edge_in(const struct pipeline *pipeline, const struct node *node,
                                  uint32_t i)
{
    return &pipeline->edges[pipeline->in_edges[node->first_in + i]];
}

/* Between the clauses of a row. */
static void append_separator(struct strbuf *clauses)
{
    strbuf_append_text(clauses, clauses->n > 0 ? "; " : "");
}

/* "after a, b (bug) if x > 1" */
static void append_after(const struct pipeline *pipeline, const struct node *node,
                         struct strbuf *clauses)
{
    enum { SHOWN = 6 };
    for (uint32_t i = 0; i < node->in_count && i < SHOWN; i++) {
        const struct edge *edge = edge_in(pipeline, node, i);
        strbuf_append_text(clauses, i == 0 ? "after " : ", ");
        terminal_append_safe(clauses, pipeline->nodes[edge->source].id);
        if (edge->outcome != OUTCOME_SUCCESS) {
            strbuf_append_text(clauses, " (");
            terminal_append_safe(clauses, pipeline->outcomes[edge->outcome]);
            strbuf_append_text(clauses, ")");
        }
        if (edge->when != NULL) {
            strbuf_append_text(clauses, " if ");
            terminal_append_safe(clauses, expr_source(edge->when));
        }
    }
    if (node->in_count > SHOWN) {
        strbuf_append_format(clauses, " and %u more", node->in_count - SHOWN);
    }
}

static void append_conditions(const struct node *node, struct strbuf *clauses)
{
    if (node->when != NULL) {
        append_separator(clauses);
        strbuf_append_text(clauses, "skipped unless ");
        terminal_append_safe(clauses, expr_source(node->when));
    }
    if (node->in_count > 1 && node->join != JOIN_DEFAULT) {
        append_separator(clauses);
        strbuf_append_text(clauses,
                           node->join == JOIN_ANY ? "needs any of them" : "needs all of them");
    }
    if (node->timeout_ms > 0) {
        char text[QUANTITY_TEXT_SIZE];
        quantity_format_duration(node->timeout_ms, text);
        append_separator(clauses);
        strbuf_append_format(clauses, "at most %s", text);
    }
    if (node->on_error == ON_ERROR_CONTINUE) {
        append_separator(clauses);
        strbuf_append_text(clauses, "goes on after a failure");
    }
}

struct columns {
    size_t id;
    size_t type;
};

static struct columns measure(const struct pipeline *pipeline)
{
    enum { MOST = 40 };
    struct columns columns = {0};
    for (uint32_t i = 0; i < pipeline->node_count; i++) {
        size_t id = terminal_safe_width(pipeline->nodes[i].id);
        size_t type = terminal_safe_width(pipeline->nodes[i].type->name);
        columns.id = id > columns.id && id <= MOST ? id : columns.id;
        columns.type = type > columns.type && type <= MOST ? type : columns.type;
    }
    return columns;
}

static void append_step(const struct pipeline *pipeline, const struct layers *layers,
                        uint32_t layer, struct columns columns, struct strbuf *out)
{
    struct strbuf clauses = STRBUF_INIT;
    for (uint32_t i = layers->first[layer]; i < layers->first[layer + 1]; i++) {
        const struct node *node = &pipeline->nodes[layers->nodes[i]];
        strbuf_append_text(out, "  ");
        append_padded(node->id, columns.id, out);
        strbuf_append_text(out, "  ");
        strbuf_clear(&clauses);
        append_after(pipeline, node, &clauses);
        append_conditions(node, &clauses);
        append_padded(node->type->name, clauses.n > 0 ? columns.type + 2 : 0, out);
        strbuf_append_str(out, strbuf_str(&clauses));
        out->failed = out->failed || clauses.failed;
        strbuf_append_char(out, '\n');
    }
    strbuf_finish(&clauses);
}

/* "name: 5 nodes in 3 steps; ..." */
static void append_title(const struct pipeline *pipeline, const struct layers *layers,
                         bool is_colored, struct strbuf *out)
{
    struct strbuf name = STRBUF_INIT;
    terminal_append_safe(&name, pipeline->name);
    terminal_append_color(out, is_colored, COLOR_BOLD, strbuf_str(&name));
    out->failed = out->failed || name.failed;
    strbuf_finish(&name);
    strbuf_append_format(out, ": %u node%s in %u step%s", pipeline->node_count,
                         pipeline->node_count == 1 ? "" : "s", layers->count,
                         layers->count == 1 ? "" : "s");
    if (layers->count < pipeline->node_count) {
        strbuf_append_text(out, "; the nodes of a step may run in parallel");
    }
    if (pipeline->max_parallel_nodes > 0) {
        strbuf_append_format(out, ", at most %u at once", pipeline->max_parallel_nodes);
    }
    strbuf_append_char(out, '\n');
}

void plan_text_append(const struct pipeline *pipeline, bool is_colored, struct strbuf *out)
{
    struct layers layers;
    if (layers_init(&layers, pipeline) != 0) {
        out->failed = true;
        return;
    }
    struct columns columns = measure(pipeline);
    append_title(pipeline, &layers, is_colored, out);
    for (uint32_t layer = 0; layer < layers.count; layer++) {
        strbuf_append_char(out, '\n');
        char title[24];
        (void)snprintf(title, sizeof(title), "step %u", layer + 1);
        terminal_append_color(out, is_colored, COLOR_BOLD, str_from(title));
        strbuf_append_char(out, '\n');
        append_step(pipeline, &layers, layer, columns, out);
    }
    layers_finish(&layers);
}

/* ---- JSON ---- */

static void build_expr(struct builder *b, struct str key, const struct expr *expr)
{
    if (expr == NULL) {
        builder_member_null(b, key);
    } else {
        builder_member_string(b, key, expr_source(expr));
    }
}

static void build_node(struct builder *b, const struct pipeline *pipeline, const struct node *node)
{
    static const char *const joins[] = {"default", "any", "all"};
    builder_map_begin(b);
    builder_member_string(b, STR("id"), node->id);
    builder_member_string(b, STR("type"), node->type->name);
    builder_key(b, STR("after"));
    builder_list_begin(b);
    for (uint32_t i = 0; i < node->in_count; i++) {
        const struct edge *edge = edge_in(pipeline, node, i);
        builder_map_begin(b);
        builder_member_string(b, STR("node"), pipeline->nodes[edge->source].id);
        builder_member_string(b, STR("outcome"), pipeline->outcomes[edge->outcome]);
        build_expr(b, STR("when"), edge->when);
        builder_map_end(b);
    }
    builder_list_end(b);
    build_expr(b, STR("when"), node->when);
    builder_member_string(b, STR("join"), str_from(joins[node->join]));
    if (node->timeout_ms > 0) {
        builder_member_double(b, STR("timeout_seconds"), (double)node->timeout_ms / 1000.0);
    } else {
        builder_member_null(b, STR("timeout_seconds"));
    }
    builder_member_string(b, STR("on_error"),
                          node->on_error == ON_ERROR_CONTINUE ? STR("continue") : STR("fail"));
    builder_map_end(b);
}

int plan_build(const struct pipeline *pipeline, struct document **out_document, struct error *err)
{
    struct layers layers;
    if (layers_init(&layers, pipeline) != 0) {
        return error_nomem(err);
    }
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_member_string(b, STR("workflow"), pipeline->id);
    if (pipeline->version.n > 0) {
        builder_member_string(b, STR("version"), pipeline->version);
    } else {
        builder_member_null(b, STR("version"));
    }
    builder_member_int(b, STR("node_count"), pipeline->node_count);
    builder_key(b, STR("steps"));
    builder_list_begin(b);
    for (uint32_t layer = 0; layer < layers.count; layer++) {
        builder_list_begin(b);
        for (uint32_t i = layers.first[layer]; i < layers.first[layer + 1]; i++) {
            build_node(b, pipeline, &pipeline->nodes[layers.nodes[i]]);
        }
        builder_list_end(b);
    }
    builder_list_end(b);
    builder_map_end(b);
    layers_finish(&layers);
    return builder_finish(b, out_document, err);
}
