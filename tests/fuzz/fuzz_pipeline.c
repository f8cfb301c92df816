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

static void check_pipeline(const struct pipeline *pipeline)
{
    expect(pipeline->id.n > 0, "a pipeline has an id");
    expect(pipeline->node_count > 0, "a pipeline has a node");
    for (uint32_t i = 0; i < pipeline->node_count; i++) {
        const struct node *node = &pipeline->nodes[i];
        expect(node->type != NULL && node->config != NULL, "a node has a type and a config");
        expect(pipeline_find_node(pipeline, node->id) == (int64_t)i, "a node is found by its id");
        expect(pipeline->order[i] < pipeline->node_count, "the order names nodes");
    }
    for (uint32_t i = 0; i < pipeline->edge_count; i++) {
        const struct edge *edge = &pipeline->edges[i];
        expect(pipeline->nodes[edge->source].layer < pipeline->nodes[edge->target].layer,
               "edges lead to later layers");
        expect(edge->outcome < pipeline->outcome_count, "an edge's outcome has a name");
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
