/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_PIPELINE_H
#define CORE_MODEL_PIPELINE_H

/*
 * Pipeline: the checked graph. Everything that text can be wrong about has been found before a
 * `struct pipeline` exists; templates and conditions are compiled. Flat arrays and indexes, so
 * that the engine walks it without recursion.
 *
 * A pipeline consists of bodies: the root, and one for each loop, group, ending and compensation.
 * The nodes of all bodies lie in one array, those of a body together, the root's first; so do
 * edges and the order. An index of a node is an index of this array everywhere.
 *
 * Used by:  engine, loop, cli.
 * Uses:     value, expr.
 * Threads:  [any]; it never changes once it is made. Shared by pipeline_ref().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

struct budget_settings;
struct document;
struct expr;
struct node_policies;
struct node_type;
struct sanitizer;
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
    NODE_LOOP,        /* its body once for each item: `for_each` says of what */
    NODE_GROUP,       /* its body once */
    NODE_WORKFLOW,    /* another pipeline as a child run; config: {workflow, input, wait} */
    NODE_IDLE,        /* a state without an action: an event ends it */
    NODE_QUEUE,       /* calls of the retry queue are made now, and it waits for them */
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
    OUTCOME_TIMEOUT = 4, /* of states */
    OUTCOME_CANCEL = 5,
    OUTCOME_FIRST_NAMED = 6, /* from here on: routes, ports and events, in order of appearance */
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
    SLOT_NODES,       /* the map of the nodes by id: those of the body and of the ones around it */
    SLOT_ITER,        /* of the nearest loop */
    SLOT_SIGNAL,      /* in `match`: the arriving event */
    SLOT_ACC,         /* in `reduce`: what there is so far */
    SLOT_REDUCE_ITEM, /* in `reduce`: the output of one iteration */
    SLOT_SECRETS,
    SLOT_MILESTONE, /* in the message of one: the node that has completed */
    SLOT_NODE_FIRST,
    /* The item of the loop that is node i, under its `as` name: SLOT_ITEM_FIRST + i. */
    SLOT_ITEM_FIRST = 1 << 24,
};

/*
 * A place in a file: 1-based; 0 is unknown. What came from a profile has its place there: which
 * file that is says pipeline_file_of().
 */
struct place {
    uint32_t line;
    uint32_t column;
    uint32_t file; /* its number among those that were loaded together */
};

struct edge {
    uint32_t source; /* index of a node */
    uint32_t target;
    uint32_t outcome;        /* enum node_outcome or a named one */
    const struct expr *when; /* NULL: always */
    bool is_fallback;        /* taken before its source ends, which waits for its target */
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
    uint64_t file_bytes;
    int64_t wall_ms;
    int64_t cpu_ms;
    uint32_t open_files;
    uint32_t processes;
};

/* What a NODE_LOOP goes over and how. One of `items`, `list` and `stream` is there. */
enum loop_collect {
    COLLECT_LIST,
    COLLECT_NONE,
    COLLECT_COUNT,
    COLLECT_REDUCE,
};

struct for_each {
    const struct expr *items;    /* a list, or a map of lists: their product; else NULL */
    const struct template *list; /* the same, written as YAML; else NULL */
    uint32_t stream;             /* the node whose items it reads, or PIPELINE_NO_NODE */
    uint32_t next_reader;        /* index + 1 of another loop over that stream; 0: none */
    struct str as;               /* the item's name */
    bool is_batch;               /* `as_batch`: the body gets the list of a whole batch */
    bool stops_at_limit;         /* `on_limit: stop` */
    uint32_t batch_size;
    uint32_t parallel_workers; /* batches at once */
    uint32_t max_parallel;     /* items of a batch at once */
    uint32_t max_iterations;
    uint32_t max_failures;
    double max_failures_percent; /* of all items; negative: `max_failures` counts */
    const struct expr *until;    /* NULL: never */
    enum loop_collect collect;
    const struct expr *reduce;   /* COLLECT_REDUCE */
    const struct template *init; /* of acc; NULL: null */
};

/* `repeat`: the node runs again until a condition holds, or for a time. */
struct repeat {
    const struct expr *until; /* sees the node's own output; NULL: until `duration_ms` */
    uint32_t max_iterations;
    int64_t delay_ms;    /* from the end of one to the start of the next */
    int64_t interval_ms; /* from start to start, when there is a duration */
    int64_t duration_ms; /* no start after this; 0: no bound of time */
};

enum node_risk {
    RISK_LOW,
    RISK_MEDIUM,
    RISK_HIGH,
    RISK_CRITICAL,
};

/* What runs of a pipeline are held to, and what is started when they do not keep it. */
struct monitoring {
    bool has_error_rate;
    double error_rate;                /* share of the runs that may fail */
    int64_t latency_p99_ms;           /* what 99 of 100 runs may take; 0: not watched */
    struct str on_alert;              /* the id of a pipeline; empty: none */
    int64_t health_check_interval_ms; /* 0: nobody asks how services are */
};

/* How long runs that have ended are kept; 0: it does not say. */
struct retention {
    int64_t keep_ms;
    int64_t keep_failed_ms; /* of those that failed or were cancelled; 0: as `keep_ms` */
    uint32_t max_runs;      /* of one pipeline: the newest */
};

enum fallback_kind {
    FALLBACK_VALUE,
    FALLBACK_NODE,  /* another node runs, and its output is the failed one's */
    FALLBACK_CACHE, /* the last good result */
};

/* What answers when the node's attempts are spent, or no call may be made. */
struct fallback {
    enum fallback_kind kind;
    const struct template *value; /* FALLBACK_VALUE: sees the node as one that has failed */
    uint32_t node;                /* FALLBACK_NODE */
    int64_t max_age_ms;           /* FALLBACK_CACHE */
};

/* Answers that are taken again, before a call. */
struct node_cache {
    int64_t ttl_ms;
    const struct expr *key; /* NULL: the resolved config */
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
    bool is_told;         /* its completion is told: it is a milestone, or has one inside */
    bool is_at_most_once; /* a crash never makes it run again: a person decides */
    bool may_repeat;      /* `at_most_once: false`: it may run again though it had its effect */
    bool has_error_edge;  /* an edge with outcome error or budget leaves it */
    int64_t timeout_ms;   /* of one attempt; 0: none */
    uint32_t concurrency; /* max_concurrency of this node over all runs; 0: no own limit */
    struct node_limits limits;
    const struct node_policies *policies; /* NODE_PLUGIN; else NULL */
    const struct fallback *fallback;      /* NODE_PLUGIN; NULL: none */
    const struct node_cache *cache;       /* likewise */
    const struct budget_settings *budget; /* what it may spend; NULL: as much as what it is in */
    struct str secrets; /* names that its config, or its plugin's settings, read: "token,user" */

    uint32_t body;                   /* the body that it is in */
    uint32_t own_body;               /* NODE_LOOP, NODE_GROUP; else 0, which is nobody's */
    uint32_t compensate;             /* the body that undoes it: one node; 0: none */
    const struct for_each *for_each; /* NODE_LOOP */
    const struct repeat *repeat;     /* NULL: it runs once */
    struct str child; /* NODE_WORKFLOW: the id of the pipeline; empty: known when it runs */
    enum node_risk risk;
    bool is_fallback;      /* of another node: it runs only when that fails */
    bool has_readers;      /* a loop goes over its stream */
    bool lends_items;      /* a fallback that emits: for the loops of whom it stands in for */
    uint32_t first_reader; /* index + 1 of one; 0: none */
    bool is_chained;       /* NODE_WORKFLOW: its input is the run's with the outputs of those before
                              laid over it */
    bool is_failed_end;    /* a state that ends the run as failed */
    const struct expr *match; /* NODE_WAIT for an event: NULL takes every one of its name */

    const struct template *config; /* never NULL; `set` resolves it to its output */

    /* NODE_PLUGIN with `on_open: queue`: what delivers its calls later, and the config there. */
    const struct pipeline *item;
    const struct template *item_config;

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

/* Its items are taken by somebody. */
static inline bool node_has_stream(const struct node *node)
{
    return node->has_readers || node->lends_items;
}

/* Settings of one plugin: `integrations.PLUGIN`, or its defaults. */
struct integration {
    struct str plugin;
    const struct template *settings; /* without the policy keys */
    struct str secrets;              /* names that they read: "token,user" */
    uint32_t concurrency;            /* max_concurrency; 0: the default */
    int64_t timeout_ms;              /* default for the plugin's nodes, already in them */
    struct place place;
};

enum body_kind {
    BODY_GRAPH,
    BODY_STATES, /* edges are transitions: the first whose outcome and `when` hold is taken */
};

struct body {
    enum body_kind kind;
    uint32_t owner;      /* the node whose body or compensation it is, or PIPELINE_NO_NODE */
    uint32_t first_node; /* node_count nodes from here on; `order` alike */
    uint32_t node_count;
    uint32_t first_edge;
    uint32_t edge_count;
    uint32_t initial;              /* BODY_STATES: the node it begins with */
    uint32_t max_transitions;      /* BODY_STATES */
    const struct template *output; /* NULL: the map of the outputs of the leaves, or of the ... */
    bool is_single;                /* ... one node: its output is the body's */
    struct str what;               /* "nodes", "steps", "states", "on_failure", ... */
    struct place place;
};

#define PIPELINE_NO_NODE UINT32_MAX

/* The moments of a run at which a message goes out: `notifications`. */
enum notice_point {
    NOTICE_START,
    NOTICE_MILESTONES,
    NOTICE_COMPLETION, /* it has completed, or was cancelled */
    NOTICE_ERRORS,     /* it has failed */
    NOTICE_POINTS,
};

/* A named end: `true_edge: done` where no node has this name. */
struct named_end {
    uint32_t node;
    uint32_t outcome;
    struct str name;
};

/* A secret that stands in the definition itself, or in a variable of the environment. */
struct hidden_text {
    struct str name; /* for people: "${TOKEN}", or where it stands */
    struct str value;
};

struct pipeline {
    struct str id;
    struct str name;
    struct str version;
    struct str description;
    struct str queued_by; /* of an item of the queue: the pipeline that its call is of; or empty */
    struct str file;      /* as it was given, or "-" */
    struct str source;    /* the text */

    const struct schema *input_schema; /* NULL: any map */
    const struct document *config;     /* constants; a map */
    const struct document *labels;     /* texts by name; a map, never NULL */
    struct retention retention;        /* over that of the machine, key by key */
    struct monitoring monitoring;
    const struct sanitizer *sanitizer; /* hides patterns in results; NULL: nothing is hidden */
    bool is_continue_on_error;         /* error_policy: continue */
    int64_t timeout_ms;                /* of the run; 0: none */
    uint32_t max_parallel_nodes;       /* 0: no limit of its own */
    uint32_t max_memory_mb;            /* of all values; 0: the default */

    const struct body *bodies; /* the root first */
    uint32_t body_count;
    uint32_t on_failure; /* bodies of the endings; 0: none */
    uint32_t on_cancel;
    uint32_t on_success;
    uint32_t finally;
    uint32_t notices[NOTICE_POINTS]; /* the bodies that send them, one node each; 0: none */
    bool has_rollback;
    bool refuses_rollback; /* it says that it is not undone, whatever its caller says */

    const struct node *nodes; /* of all bodies; of each in the file's order */
    uint32_t node_count;
    const uint32_t *order; /* indexes of nodes: of each body a topological order, in its part */
    const struct edge *edges;
    uint32_t edge_count;
    const uint32_t *in_edges;
    const struct str *outcomes; /* names by number */
    uint32_t outcome_count;
    uint32_t budget_outcome; /* the number of "budget"; OUTCOME_SUCCESS: no edge is for it */
    const struct integration *integrations;
    uint32_t integration_count;
    const struct named_end *ends;
    uint32_t end_count;

    const struct template *output; /* NULL: the root body's own */
    const struct str *secrets;     /* names that expressions read as secrets.NAME */
    uint32_t secret_count;
    const struct str *needed_secrets; /* those that no run can do without */
    uint32_t needed_secret_count;
    const struct budget_settings *budget; /* of the whole run; NULL: none */
    const struct hidden_text *hidden;     /* secrets that it has without naming them so */
    uint32_t hidden_count;
    struct str hosts; /* that all these may go to when nothing else is said: see secret_hosts.h */
};

/* `body` sends a message of the run. */
static inline bool pipeline_is_notice(const struct pipeline *pipeline, uint32_t body)
{
    for (size_t i = 0; i < NOTICE_POINTS; i++) {
        if (body != 0 && pipeline->notices[i] == body) {
            return true;
        }
    }
    return false;
}

/* Nothing follows it, as far as its end says. */
static inline bool node_is_last(const struct node *node)
{
    bool has_fallback = node->fallback != NULL && node->fallback->node != PIPELINE_NO_NODE;
    return !node->is_fallback && node->out_count == (has_fallback ? 1u : 0u);
}

/* Whether an edge with this outcome is taken when a budget is spent. */
static inline bool pipeline_is_for_budget(const struct pipeline *pipeline, uint32_t outcome)
{
    return outcome != OUTCOME_SUCCESS && outcome == pipeline->budget_outcome;
}

/* Whether it is taken only by a node that has failed. */
static inline bool pipeline_is_for_failure(const struct pipeline *pipeline, uint32_t outcome)
{
    return outcome == OUTCOME_ERROR || pipeline_is_for_budget(pipeline, outcome);
}

/*
 * Pipelines that were loaded together (those of a file, and those of the library that they may
 * run) are one group: they can call each other in circles, so a reference to one of them keeps
 * all of them.
 */
struct pipeline *pipeline_ref(const struct pipeline *pipeline);
/* NULL is fine. */
void pipeline_unref(const struct pipeline *pipeline);

/*
 * The pipeline `id` as a workflow node of `pipeline` means it: one of the same file, else one of
 * the library. Borrowed: it lives as long as `pipeline`. NULL: there is none.
 */
const struct pipeline *pipeline_find_other(const struct pipeline *pipeline, struct str id);

/* The name of the file that `place`, a place of `pipeline`, is in; borrowed. */
struct str pipeline_file_of(const struct pipeline *pipeline, struct place place);

/* The index of the node `id` of the root body, or -1. */
int64_t pipeline_find_node(const struct pipeline *pipeline, struct str id);

/* The index of the node `id` of `body` or of one of the bodies around it, or -1. */
int64_t pipeline_find_visible(const struct pipeline *pipeline, uint32_t body, struct str id);

/* The settings of `plugin`, or NULL when the file has none. */
const struct integration *pipeline_find_integration(const struct pipeline *pipeline,
                                                    struct str plugin);

#endif
