/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_PIPELINE_H
#define CORE_MODEL_PIPELINE_H

/*
 * Pipeline: the checked graph. Everything that text can be wrong about has been found before a
 * `struct pipeline` exists; templates and conditions are compiled. Flat arrays and indexes, so
 * that the engine walks it without recursion.
 *
 * Used by:  engine, loop, cli.
 * Uses:     value, expr.
 * Threads:  [any]; it never changes once it is made. Shared by pipeline_ref().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

struct document;
struct expr;
struct node_type;
struct schema;
struct template;

enum node_kind {
    NODE_START,       /* output: the run's input */
    NODE_PASSTHROUGH, /* output: what came before it */
    NODE_SET,         /* output: its config */
    NODE_CONDITIONAL, /* outcome: true or false */
    NODE_ROUTER,      /* outcome: the name of the first true route */
    NODE_WAIT,        /* ends at a time */
    NODE_FAIL,        /* fails with the message of its config */
    NODE_PLUGIN,      /* work for a plugin */
};

enum node_join {
    JOIN_DEFAULT, /* one taken and none dead through a failure */
    JOIN_ANY,     /* one taken */
    JOIN_ALL,     /* all taken */
};

enum node_on_error {
    ON_ERROR_FAIL,
    ON_ERROR_CONTINUE,
};

/*
 * Outcomes are small numbers; the names are in pipeline.outcomes. An edge for OUTCOME_SUCCESS is
 * a plain one: it is taken whenever its source completes, through whichever port.
 */
enum node_outcome {
    OUTCOME_SUCCESS = 0,
    OUTCOME_ERROR = 1,
    OUTCOME_TRUE = 2,
    OUTCOME_FALSE = 3,
    OUTCOME_FIRST_NAMED = 4, /* from here on: routes and ports, in order of appearance */
};

/*
 * Slots of root names in the scope of expressions (see expr.h). Nodes come last: slot
 * SLOT_NODE_FIRST + index.
 */
enum pipeline_slot {
    SLOT_INPUT,
    SLOT_CONFIG,
    SLOT_RUN,
    SLOT_EVENT,
    SLOT_NOW,
    SLOT_DATE,
    SLOT_TIME,
    SLOT_NODES, /* the map of all nodes by id */
    SLOT_NODE_FIRST,
};

/* A place in a file: 1-based; 0 is unknown. The file is the pipeline's. */
struct place {
    uint32_t line;
    uint32_t column;
};

struct edge {
    uint32_t source; /* index of a node */
    uint32_t target;
    uint32_t outcome;        /* enum node_outcome or a named one */
    const struct expr *when; /* NULL: always */
    struct place place;
};

struct route {
    uint32_t outcome;
    const struct expr *when;
};

/* What a child process may use; 0: the default. */
struct node_limits {
    uint64_t memory_bytes;
    uint64_t output_bytes;
    int64_t wall_ms;
};

struct node {
    struct str id;
    struct str name; /* for people; the id when none was given */
    enum node_kind kind;
    const struct node_type *type; /* never NULL */
    struct place place;
    const struct expr *when; /* NULL: always */
    enum node_join join;
    enum node_on_error on_error;
    bool is_milestone;
    bool has_error_edge;  /* an edge with outcome error leaves it */
    int64_t timeout_ms;   /* of one attempt; 0: none */
    uint32_t concurrency; /* max_concurrency of this node over all runs; 0: no own limit */
    struct node_limits limits;

    const struct template *config; /* never NULL; `set` resolves it to its output */

    const struct expr *condition; /* NODE_CONDITIONAL */
    const struct route *routes;   /* NODE_ROUTER */
    uint32_t route_count;
    uint32_t default_outcome; /* NODE_ROUTER: 0 when there is none */

    uint32_t first_out; /* into pipeline.edges: out edges lie together, sorted by source */
    uint32_t out_count;
    uint32_t first_in; /* into pipeline.in_edges, which holds indexes of edges */
    uint32_t in_count;
    uint32_t layer; /* the longest way from a root: nodes of a layer may run in parallel */
};

/* Settings of one plugin: `integrations.PLUGIN`, or its defaults. */
struct integration {
    struct str plugin;
    const struct template *settings; /* without the policy keys */
    uint32_t concurrency;            /* max_concurrency; 0: the default */
    int64_t timeout_ms;              /* default for the plugin's nodes, already in them */
    struct place place;
};

/* A named end: `true_edge: done` where no node has this name. */
struct named_end {
    uint32_t node;
    uint32_t outcome;
    struct str name;
};

struct pipeline {
    struct str id;
    struct str name;
    struct str version;
    struct str description;
    struct str file;   /* as it was given, or "-" */
    struct str source; /* the text */

    const struct schema *input_schema; /* NULL: any map */
    const struct document *config;     /* constants; a map */
    bool is_continue_on_error;         /* error_policy: continue */
    int64_t timeout_ms;                /* of the run; 0: none */
    uint32_t max_parallel_nodes;       /* 0: no limit of its own */

    const struct node *nodes; /* in the file's order */
    uint32_t node_count;
    const uint32_t *order; /* indexes of nodes, a topological order */
    const struct edge *edges;
    uint32_t edge_count;
    const uint32_t *in_edges;
    const struct str *outcomes; /* names by number */
    uint32_t outcome_count;
    const struct integration *integrations;
    uint32_t integration_count;
    const struct named_end *ends;
    uint32_t end_count;

    const struct template *output; /* NULL: the map of the outputs of the leaves */
};

struct pipeline *pipeline_ref(const struct pipeline *pipeline);
/* NULL is fine. */
void pipeline_unref(const struct pipeline *pipeline);

/* The index of the node `id`, or -1. */
int64_t pipeline_find_node(const struct pipeline *pipeline, struct str id);

/* The settings of `plugin`, or NULL when the file has none. */
const struct integration *pipeline_find_integration(const struct pipeline *pipeline,
                                                    struct str plugin);

#endif
