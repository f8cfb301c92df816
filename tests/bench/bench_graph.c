/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Graphs of 10,000 nodes: from text to a checked pipeline. Wide (one root, the rest behind it),
 * deep (a chain in which each node reads the one before), and 100 layers of 100 nodes that each
 * depend on three of the layer before and read one of them.
 */
#include <stdio.h>

#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/model/load.h"
#include "tests/bench/bench.h"
#include "tests/unit/model/node_types.h"

enum { NODES = 10000, ROUNDS = 9 };

struct graph {
    const char *name;
    void (*write)(struct strbuf *out);
    struct strbuf text;
    const struct node_types *types;
};

static void write_wide(struct strbuf *out)
{
    strbuf_append_text(out, "  - {id: n0, type: set, config: {x: 1}}\n");
    for (int i = 1; i < NODES; i++) {
        strbuf_append_format(out,
                             "  - {id: n%d, type: set, depends_on: [n0],"
                             " config: {x: '{{ n0.output.x }}'}}\n",
                             i);
    }
}

static void write_deep(struct strbuf *out)
{
    strbuf_append_text(out, "  - {id: n0, type: set, config: {x: 1}}\n");
    for (int i = 1; i < NODES; i++) {
        strbuf_append_format(out,
                             "  - {id: n%d, type: set, depends_on: [n%d],"
                             " config: {x: '{{ n%d.output.x }}'}}\n",
                             i, i - 1, i - 1);
    }
}

static void write_layers(struct strbuf *out)
{
    for (int i = 0; i < 100; i++) {
        strbuf_append_format(out, "  - {id: n%d, type: set, config: {x: 1}}\n", i);
    }
    for (int i = 100; i < NODES; i++) {
        int before = i - i % 100 - 100;
        strbuf_append_format(out,
                             "  - {id: n%d, type: set, depends_on: [n%d, n%d, n%d],"
                             " config: {x: '{{ n%d.output.x }}'}}\n",
                             i, before + i % 100, before + (i + 1) % 100, before + (i + 7) % 100,
                             before + i % 100);
    }
}

static int load_once(void *user)
{
    const struct graph *graph = user;
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct definitions *definitions = NULL;
    struct error err = {0};
    struct load_options options = {.catalogue = &graph->types->catalogue,
                                   .engine_types = graph->types->engine_types,
                                   .file = STR("bench.yaml")};
    int status = load_text(strbuf_str(&graph->text), &options, &diagnostics, &definitions, &err);
    if (status != 0 || diagnostics.count > 0) {
        fprintf(stderr, "%s: %s\n", err.message,
                diagnostics.count > 0 ? diagnostics.items[0].message : "");
        status = -1;
    }
    definitions_destroy(definitions);
    diagnostics_finish(&diagnostics);
    return status;
}

static int measure(struct graph *graph)
{
    struct bench_times times = {0};
    strbuf_append_text(&graph->text, "name: bench\nnodes:\n");
    graph->write(&graph->text);
    if (strbuf_status(&graph->text) != 0 ||
        bench_interleave(load_once, NULL, graph, ROUNDS, &times) != 0) {
        return 1;
    }
    bench_print_row(&(struct bench_row){
        .name = graph->name, .unit = "ms", .ours = times.ours_ns / 1e6, .goal = 100.0});
    strbuf_finish(&graph->text);
    return 0;
}

int main(void)
{
    struct node_types types;
    node_types_init(&types);
    struct graph graphs[] = {
        {.name = "graph: 10,000 nodes wide, checked", .write = write_wide, .types = &types},
        {.name = "graph: 10,000 nodes deep, checked", .write = write_deep, .types = &types},
        {.name = "graph: 100 x 100 nodes, checked", .write = write_layers, .types = &types},
    };
    int status = 0;
    for (size_t i = 0; i < sizeof(graphs) / sizeof(graphs[0]) && status == 0; i++) {
        status = measure(&graphs[i]);
    }
    node_types_finish(&types);
    return status;
}
