/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Graphs of 10,000 nodes: from text to a checked pipeline. Wide (one root, the rest behind it),
 * deep (a chain in which each node reads the one before), 100 layers of 100 nodes that each depend
 * on three of the layer before and read one of them, a chain whose nodes have a condition and two
 * or three templates each, and one node with 100,000 templates. The yardstick is libyaml alone,
 * which gives the events of the same text to nobody.
 */
#include <stdio.h>
#include <yaml.h>

#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/model/load.h"
#include "tests/bench/bench.h"
#include "tests/unit/model/node_types.h"

enum { NODES = 10000, KEYS = 100000, ROUNDS = 9 };

struct graph {
    const char *name;
    double goal_ms;
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

static void write_templates(struct strbuf *out)
{
    strbuf_append_text(out, "  - {id: n0, type: set, config: {x: 1, y: text}}\n");
    for (int i = 1; i < NODES; i++) {
        strbuf_append_format(out,
                             "  - id: n%d\n    type: set\n    depends_on: [n%d]\n"
                             "    when: input.mode != 'off' && n0.output.x > 0\n"
                             "    config:\n"
                             "      x: '{{ coalesce(n%d.?output.?x, 0) + 1 }}'\n"
                             "      y: after {{ n0.output.y }}\n",
                             i, i - 1, i - 1);
        if (i % 2 == 0) {
            strbuf_append_text(out, "      z: '{{ input.items.map(v, v * 2) }}'\n");
        }
    }
}

/* One node whose config has as many keys as 30 bytes each leave room for. */
static void write_keys(struct strbuf *out)
{
    strbuf_append_text(out, "  - id: a\n    type: set\n    config:\n");
    for (int i = 0; i < KEYS; i++) {
        strbuf_append_format(out, "      k%d: '{{ %d }}'\n", i, i);
    }
}

static int read_once(void *user)
{
    const struct graph *graph = user;
    struct str text = strbuf_str(&graph->text);
    yaml_parser_t parser;
    yaml_event_type_t type = YAML_NO_EVENT;
    if (yaml_parser_initialize(&parser) == 0) {
        return -1;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.p, text.n);
    while (type != YAML_STREAM_END_EVENT) {
        yaml_event_t event;
        if (yaml_parser_parse(&parser, &event) == 0) {
            break;
        }
        type = event.type;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return type == YAML_STREAM_END_EVENT ? 0 : -1;
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
    double ours = 0;
    double yardstick = 0;
    strbuf_append_text(&graph->text, "name: bench\nnodes:\n");
    graph->write(&graph->text);
    int status = strbuf_status(&graph->text);
    if (status == 0) {
        status = bench_fastest(load_once, graph, ROUNDS, &ours);
    }
    if (status == 0) {
        status = bench_fastest(read_once, graph, ROUNDS, &yardstick);
    }
    if (status == 0) {
        bench_print_row(&(struct bench_row){
            .name = graph->name, .unit = "ms", .ours = ours / 1e6, .goal = graph->goal_ms});
        struct strbuf name = STRBUF_INIT;
        strbuf_append_format(&name, "%s, to libyaml", graph->name);
        bench_print_row(&(struct bench_row){.name = name.p,
                                            .unit = "ms",
                                            .ours = ours / 1e6,
                                            .yardstick = yardstick / 1e6,
                                            .goal = 4});
        strbuf_finish(&name);
    }
    strbuf_finish(&graph->text);
    return status;
}

int main(void)
{
    struct node_types types;
    node_types_init(&types);
    struct graph graphs[] = {
        {"graph: 10,000 nodes wide", 100, .write = write_wide, .types = &types},
        {"graph: 10,000 nodes deep", 100, .write = write_deep, .types = &types},
        {"graph: 100 x 100 nodes", 100, .write = write_layers, .types = &types},
        {"graph: 10,000 nodes, templates", 150, .write = write_templates, .types = &types},
        {"graph: one node, 100,000 templates", 500, .write = write_keys, .types = &types},
    };
    int status = 0;
    for (size_t i = 0; i < sizeof(graphs) / sizeof(graphs[0]) && status == 0; i++) {
        status = measure(&graphs[i]);
    }
    node_types_finish(&types);
    return status;
}
