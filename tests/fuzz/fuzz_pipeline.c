/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as the text of a pipeline file. Whatever they are, loading ends, and either gives
 * pipelines whose graph holds together, or an error that is in the diagnostics.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/model/load.h"
#include "core/model/pipeline.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/model/node_types.h"

static void expect(bool is_kept, const char *promise)
{
    if (!is_kept) {
        fprintf(stderr, "broken promise: %s\n", promise);
        abort();
    }
}

static bool is_in_body(const struct body *body, uint32_t node)
{
    return node >= body->first_node && node - body->first_node < body->node_count;
}

static void check_body(const struct pipeline *pipeline, uint32_t index)
{
    const struct body *body = &pipeline->bodies[index];
    expect(body->first_node + body->node_count <= pipeline->node_count, "a body has its nodes");
    expect(body->first_edge + body->edge_count <= pipeline->edge_count, "a body has its edges");
    expect(body->owner == PIPELINE_NO_NODE || body->owner < pipeline->node_count,
           "a body's owner is there");
    for (uint32_t i = body->first_node; i < body->first_node + body->node_count; i++) {
        expect(pipeline->nodes[i].body == index, "a node knows its body");
        expect(is_in_body(body, pipeline->order[i]), "the order names nodes of the body");
    }
    for (uint32_t i = body->first_edge; i < body->first_edge + body->edge_count; i++) {
        const struct edge *edge = &pipeline->edges[i];
        expect(is_in_body(body, edge->source) && is_in_body(body, edge->target),
               "edges stay in their body");
        expect(body->kind == BODY_STATES ||
                   pipeline->nodes[edge->source].layer < pipeline->nodes[edge->target].layer,
               "edges lead to later layers");
        expect(edge->outcome < pipeline->outcome_count, "an edge's outcome has a name");
    }
    expect(body->kind != BODY_STATES || is_in_body(body, body->initial),
           "states begin with one of them");
}

/* The id in a compensation means the node that it undoes. */
static bool is_compensation(const struct pipeline *pipeline, uint32_t body)
{
    uint32_t owner = pipeline->bodies[body].owner;
    return owner != PIPELINE_NO_NODE && pipeline->nodes[owner].compensate == body;
}

static void check_node(const struct pipeline *pipeline, uint32_t index)
{
    const struct node *node = &pipeline->nodes[index];
    expect(node->type != NULL && node->config != NULL, "a node has a type and a config");
    expect(node->own_body < pipeline->body_count && node->compensate < pipeline->body_count,
           "the bodies of a node are there");
    expect(node->kind != NODE_LOOP || node->for_each != NULL, "a loop goes over something");
    expect((node->kind != NODE_LOOP && node->kind != NODE_GROUP) || node->own_body != 0,
           "a loop has a body");
    expect(is_compensation(pipeline, node->body) ||
               pipeline_find_visible(pipeline, node->body, node->id) == (int64_t)index,
           "a node is found by its id");
}

static void check_pipeline(const struct pipeline *pipeline)
{
    expect(pipeline->id.n > 0, "a pipeline has an id");
    expect(pipeline->body_count > 0 && pipeline->bodies[0].node_count > 0, "a pipeline has a node");
    expect(
        pipeline->on_failure < pipeline->body_count && pipeline->on_cancel < pipeline->body_count &&
            pipeline->on_success < pipeline->body_count && pipeline->finally < pipeline->body_count,
        "the endings are there");
    for (uint32_t i = 0; i < pipeline->body_count; i++) {
        check_body(pipeline, i);
    }
    for (uint32_t i = 0; i < pipeline->node_count; i++) {
        check_node(pipeline, i);
    }
}

static void check_load(const struct node_types *types, struct str text, const char *file)
{
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct strbuf printed = STRBUF_INIT;
    struct definitions *definitions = NULL;
    struct error err = {0};
    struct load_options options = {.catalogue = &types->catalogue,
                                   .engine_types = types->engine_types,
                                   .file = str_from(file)};
    int status = load_text(text, &options, &diagnostics, &definitions, &err);
    expect((status == 0) == (diagnostics.error_count == 0), "a refused file has an error");
    expect(status == 0 || err.message[0] != '\0', "a failure has a message");
    for (size_t i = 0; status == 0 && i < definitions->count; i++) {
        if (definitions->pipelines[i] != NULL) {
            check_pipeline(definitions->pipelines[i]);
        }
    }
    for (size_t i = 0; i < diagnostics.count; i++) {
        expect(diagnostics.items[i].message[0] != '\0', "a diagnostic has a message");
    }
    diagnostics_print(&diagnostics, NULL, NULL, 0, &printed);
    strbuf_finish(&printed);
    definitions_destroy(definitions);
    diagnostics_finish(&diagnostics);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct node_types types;
    if (types.engine_types == NULL) {
        node_types_init(&types);
    }
    struct str text = str_make((const char *)data, size);
    check_load(&types, text, "fuzz.yaml");
    check_load(&types, text, "fuzz.json");
    return 0;
}
