/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_DRAFT_H
#define CORE_MODEL_DRAFT_H

/*
 * Draft: a pipeline while it is read and checked. Each step takes the draft as the steps before
 * left it, reports what is wrong, and goes on, so that all faults of a file show at once. The
 * steps return 0, or E_NOMEM; whether the pipeline is right is counted in the diagnostics.
 *
 *     top-level keys → bodies, ids of nodes → types, configs, conditions → edges → graph →
 * references
 *
 * Used by:  model.
 * Uses:     tree, report, storage.
 * Threads:  [any]; one draft belongs to one thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/strmap.h"
#include "core/expr/memo.h"
#include "core/model/load.h"
#include "core/model/pipeline.h"
#include "core/model/policy.h"
#include "core/model/report.h"
#include "core/model/storage.h"

struct definition;
struct loading;
struct node_type;
struct scope_at;
struct pipeline_group;
struct secret_want;
struct tree;
struct tree_member;

enum {
    DRAFT_MAX_NODES = 10000, /* of all bodies */
    DRAFT_MAX_DEPTH = 16,    /* of bodies in bodies */
    DRAFT_MAX_ID_BYTES = 128,
};

/* No node has this index. */
#define DRAFT_NO_NODE PIPELINE_NO_NODE

/* No body has this number. */
#define DRAFT_NO_BODY UINT32_MAX

/* One file of a loading. */
struct loader {
    struct loading *loading;
    const struct load_options *options;
    struct pipeline_group *group;
    struct report report;
    struct arena arena;      /* trees and drafts */
    struct document *source; /* the text, shared by the pipelines */
    struct str file;         /* as messages have it */
    bool is_library;         /* others may find its pipelines */
    bool is_foreign;         /* it was read, and is something else than pipelines */
    const char *part;        /* it has no definitions, but a "settings" or "config"; else NULL */
    struct tree *settings;   /* what it has then: a map; NULL: it cannot be read */
    struct definition *definitions;
    size_t definition_count;
    struct strmap ids; /* of them */
};

/* What a node's map says about it: all, or a part of it. */
enum draft_role {
    ROLE_NODE, /* all of its keys */
    ROLE_LOOP, /* a loop with `nodes` */
    ROLE_EACH, /* the loop around a single node: order and condition; no type, no config */
    ROLE_ITEM, /* that single node: type, config and what goes with them */
    ROLE_STATE,
    ROLE_TOOL,
    ROLE_GROUP, /* around tools that are repeated */
    ROLE_QUEUE, /* `queue.process` with `nodes`: a group, see queue_nodes.c */
};

struct draft_node {
    const struct tree *tree;   /* its map; a text for a tool without more */
    const struct tree *work;   /* the map with type and config: a part of a state's, else its own */
    const struct tree *config; /* a map, or NULL */
    enum draft_role role;
    struct str id;
    struct place id_place;
    uint32_t body;
    uint32_t own_body;   /* 0: none */
    uint32_t compensate; /* 0: none */
    struct for_each *loop;
    struct fallback *fallback;
    const uint32_t *outcomes; /* the named ones that it can have */
    uint32_t outcome_count;
    bool is_set_aside; /* it waits for a cycle, so nothing is known of what comes before it */
    bool is_typed;     /* its type is known, so its outcomes can be checked */
};

enum draft_form {
    FORM_NODES, /* a graph: `nodes`, with `edges` */
    FORM_STEPS, /* each node behind the one before */
    FORM_ONE,   /* one node: of a definition, a loop or a compensation */
    FORM_STATES,
    FORM_TOOLS,
    FORM_GROUP, /* the node around tools that are repeated */
    FORM_QUEUE, /* what works the queue off, and the loop behind it */
};

/* A body as the file has it. */
struct draft_body {
    enum draft_form form;
    bool is_compensation;
    bool is_notice;          /* a message of the run: its node is written nowhere */
    uint32_t owner;          /* or DRAFT_NO_NODE */
    uint32_t depth;          /* 0: the root and the endings */
    const struct tree *tree; /* the map whose keys are the body's: `edges`, `output` */
    const struct tree *list; /* its nodes; FORM_ONE: the map of the node; NULL: it has none */
    struct str what;         /* the key: "nodes", "steps", "on_failure" */
    struct place place;
    uint32_t first_node;
    uint32_t node_count;
    bool has_initial;  /* FORM_STATES: body.initial was written and is there */
    struct strmap ids; /* (uintptr_t)(index + 1); FORM_ONE goes without */
};

struct draft_edge {
    uint32_t source;
    uint32_t target;
    uint32_t outcome;
    bool is_named; /* an outcome was written */
    bool is_fallback;
    bool is_merged;          /* counts no more: another one of the pair stands for it */
    const struct tree *when; /* NULL: always */
    const struct expr *when_expr;
    struct place place;
};

/* Who evaluates an expression, and so what it can see. */
enum use_site {
    USE_NODE,     /* what has surely ended before the node */
    USE_EDGE,     /* and the node itself, the edge's source */
    USE_SELF,     /* and the node itself, which has completed */
    USE_FAILED,   /* and the node itself, which has failed */
    USE_OUTPUT,   /* all nodes of the body, and what has ended before the body's owner */
    USE_SETTINGS, /* no nodes */
};

/* An expression of the file, for the check of its references. */
struct use {
    const struct expr *expr;
    const struct tree *scalar; /* where it is written */
    size_t offset;             /* of the expression in the scalar's text */
    enum use_site site;
    uint32_t node;  /* of all of one node */
    uint32_t body;  /* where names are looked up first */
    unsigned names; /* enum scope_names */
    bool is_condition;
};

/* The policies of nodes as one place leaves them: those further out, with its own over them. */
struct policies_draft {
    struct node_policies policies;
    bool is_retry_off;
    struct place initial_interval_at; /* likewise; line 0: it is not said */
    struct place max_interval_at;
    struct place burst_at;            /* of the rate limit; line 0: it is not said */
    const struct node_policies *kept; /* in the storage, once a node has them as they are */
};

struct draft {
    struct loader *loader;
    struct pipeline_storage *storage;
    const struct tree *tree; /* the definition's map */
    bool is_single;          /* a pipeline of one node: the map is the node's, too */
    bool is_profile;
    const struct tree *config_owner; /* the map of the node whose config is checked */
    bool has_lost_nodes;             /* some could not be read: names may mean these */
    bool has_lost_transitions;       /* likewise: states may be reached by these */
    bool is_config_faulty;           /* `config` is not known, and it was said why */

    struct expr_memo memo; /* of the scope at hand */
    bool lacks_memory;     /* an allocation failed where nobody could be told */

    struct draft_body *body_drafts; /* the root first */
    size_t body_cap;
    struct body *bodies; /* in the storage, once all ids are known; filled step by step */
    uint32_t body_count;
    struct draft_node *drafts; /* of all bodies, those of a body together */
    size_t draft_cap;
    struct node *nodes; /* in the storage, likewise */
    uint32_t node_count;
    bool is_full; /* DRAFT_MAX_NODES are there: the rest is not looked at */

    struct draft_edge *edges;
    size_t edge_count;
    size_t edge_cap;
    struct named_end *ends;
    size_t end_count;
    size_t end_cap;
    struct use *uses;
    size_t use_count;
    size_t use_cap;
    struct secret_want *wants;
    size_t want_count;
    size_t want_cap;
    struct str *outcomes; /* names by number */
    size_t outcome_count;
    size_t outcome_cap;
    struct strmap outcome_numbers; /* number + 1 */

    int64_t node_timeout_ms;                     /* resilience.timeout */
    struct policies_draft policies;              /* of `resilience` */
    struct policies_draft *integration_policies; /* by the number of the integration */
    struct integration *integration;             /* whose settings are being read; else NULL */
    uint32_t batch_size;                         /* of loops that do not say */
    uint32_t parallel_workers;                   /* likewise */
};

/* "node 'fetch'", "'limits' of node 'fetch'": names for messages. */
struct label {
    char text[256];
};

struct label label_make(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* `text`, and `id` in quotes behind it: most labels are nothing else, and each node has some. */
struct label label_of(const char *text, struct str id);

/* Also what draft_read() left half done. */
void draft_finish(struct draft *draft);

/*
 * Reads and checks one definition. `key` is its key under `workflows:`, or empty. On 0 and
 * without errors in the report `*out_pipeline` is owned by the caller; NULL for a profile or
 * when there are errors. Fails with E_NOMEM.
 */
int draft_read(struct loader *loader, const struct tree *tree, struct str key,
               struct pipeline **out_pipeline);

/* Whether a definition has no body and is no single node, either. */
bool draft_is_profile(const struct tree *tree);

/* The id that a definition has: its own, its key, or made from its name; in the arena. */
struct str draft_pipeline_id(struct loader *loader, const struct tree *tree, struct str key);

/* The index of the node `id` of `body`, or DRAFT_NO_NODE. */
uint32_t draft_find_node(const struct draft *draft, uint32_t body, struct str id);

/* The same for `body` and those around it. */
uint32_t draft_find_visible(const struct draft *draft, uint32_t body, struct str id);

/* The body around `body`; of the endings the root; DRAFT_NO_BODY around the root. */
uint32_t draft_body_around(const struct draft *draft, uint32_t body);

/* Of the ids of `body` the nearest to a wrong one; empty when none is near. */
struct str draft_nearest_node(const struct draft *draft, uint32_t body, struct str id);

/*
 * A node `id` that is out of sight of `body`, because it is inside a body there: the outermost
 * container around it that is in sight. DRAFT_NO_NODE when there is none.
 */
uint32_t draft_find_container(const struct draft *draft, uint32_t body, struct str id);

/* The number of the outcome `name`, made when it is new. Fails with E_NOMEM. */
int draft_outcome(struct draft *draft, struct str name, uint32_t *out_outcome);

int draft_add_edge(struct draft *draft, const struct draft_edge *edge);

/* edges.c: the node of `body` that `name` names, or DRAFT_NO_NODE, which is reported for `what`. */
uint32_t edges_find_end(struct draft *draft, uint32_t body, const struct tree *name,
                        const char *what);

/* A copy in the pipeline's arena; E_NOMEM. */
int draft_keep_text(struct draft *draft, struct str text, struct str *out);

/* A body that waits to be read; `out_body` may be NULL. Fails with E_NOMEM. */
int draft_add_body(struct draft *draft, const struct draft_body *body, uint32_t *out_body);

/* A node of `body`, with tree, id, place and role. Fails with E_NOMEM. */
int draft_add_node(struct draft *draft, uint32_t body, struct draft_node node);

/* Whether `id` can be that of a node of `body`; if not, that is reported. */
bool draft_check_id(struct draft *draft, uint32_t body, struct str id, struct place place);

/* root.c: the root body, and the endings after it. */
int root_add(struct draft *draft);
int root_add_endings(struct draft *draft);

/* states.c */
int states_read(struct draft *draft, uint32_t body);       /* the ids */
int states_read_edges(struct draft *draft, uint32_t body); /* transitions, the initial state */
/* What a state has of its own; false for one without an action, which needs no more. */
bool states_check(struct draft *draft, uint32_t index);

/* tools.c */
int tools_read(struct draft *draft, uint32_t body); /* the ids */
int tools_type_name(struct draft *draft, uint32_t index, struct str *out_name);
/* Adds to `config` what is not given and comes from inputs of the same name. */
int tools_fill_config(struct draft *draft, uint32_t index, struct tree *config);
int tools_read_group(struct draft *draft, uint32_t index); /* the node around them */

/* queue_nodes.c: `queue.process` with `nodes` */
bool queue_nodes_is(const struct tree *node);
int queue_nodes_add_body(struct draft *draft, uint32_t owner); /* of the two nodes in it */
int queue_nodes_read(struct draft *draft, uint32_t body);      /* these */
int queue_nodes_check(struct draft *draft, uint32_t index);    /* the node around them */

/* Steps, in their order; each in the file of its name. */
int top_read(struct draft *draft);              /* top.c: what is not about nodes */
int top_read_integrations(struct draft *draft); /* before nodes take over what they say */
int top_read_output(struct draft *draft);
int bodies_read(struct draft *draft);    /* bodies.c: which there are, and the ids in them */
int nodes_check(struct draft *draft);    /* nodes.c: types, keys; calls config.c */
int edges_read(struct draft *draft);     /* edges.c */
int for_each_link(struct draft *draft);  /* for_each.c: loops and the streams they read */
int stand_ins_link(struct draft *draft); /* stand_ins.c: fallbacks that are nodes */
int graph_build(struct draft *draft);    /* graph.c: edges into arrays, order, layers, cycles */
int streams_check(struct draft *draft); /* streams.c: readers and producers that wait in a circle */
int references_check(struct draft *draft); /* references.c */

/* for_each.c: the loop that a node is; complains about keys of loops when it is none. */
int for_each_read(struct draft *draft, uint32_t index);

/* endings.c: after the nodes are read. */
void endings_check(struct draft *draft);

/* stand_ins.c: `fallback` and `cache` of a node that calls somebody. */
int stand_ins_read(struct draft *draft, uint32_t index);

/* repeat.c: `repeat` of a node. */
int repeat_read(struct draft *draft, uint32_t index);

/* `budget` of the pipeline, of a node; and whether there is anything to bound. */
int budget_read_pipeline(struct draft *draft);
int budget_read_node(struct draft *draft, uint32_t index);
int budget_check(struct draft *draft);

/* named_settings.c: configs name things in settings that are there; else the report says. */
int named_settings_check(struct draft *draft);
/* Whether it spends, or something in it may. */
bool budget_is_for(const struct node *node);

/* policies.c: what places say about policies, from the outermost inwards. */
int policies_read_resilience(struct draft *draft);
/* `member` is the integration, by its plugin; `what` names it. */
int policies_read_integration(struct draft *draft, const struct tree_member *member,
                              const char *what, struct policies_draft *out);
int policies_read_node(struct draft *draft, uint32_t index); /* once its type is known */

/* wait.c: the config of a `wait`. */
int wait_check(struct draft *draft, uint32_t index, const struct tree *config,
               const struct scope_at *at);

/* config.c: type, config, conditions, routes and outcomes of one node. */
int config_check(struct draft *draft, uint32_t index);

/*
 * child.c: which pipeline a workflow node runs, and whether it takes the input. `config` is the
 * node's; `template` the same, compiled.
 */
int child_check(struct draft *draft, uint32_t index, const struct tree *config,
                const struct template *template);

/* sanitize.c: reads `sanitize`; what is wrong goes to the report. Fails with E_NOMEM. */
int sanitize_read(struct draft *draft);

/* notifications.c: the bodies of the messages; what is wrong goes to the report. E_NOMEM. */
int notifications_add(struct draft *draft);
/* Adds to `config` of a message what is not said and its type knows. Fails with E_NOMEM. */
int notifications_fill_config(struct draft *draft, uint32_t index, struct tree *config);
/* Which nodes are told, once they are read: of what is inside another, that one. */
void notifications_mark(struct draft *draft);

/* monitoring.c: reads `monitoring`; what is wrong goes to the report. Fails with E_NOMEM. */
int monitoring_read(struct draft *draft);

/* child.c: `workflows: [a, b]` as the list of nodes that it stands for; in the arena. */
int child_list(struct draft *draft, const struct tree *ids, const struct tree **out_list);

/* The place in its file of what is `offset` bytes into the text of `scalar`. */
struct place draft_place_in(const struct draft *draft, const struct tree *scalar, size_t offset);

#endif
