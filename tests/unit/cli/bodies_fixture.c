/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cli/bodies_fixture.h"

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/expr/expr.h"
#include "core/expr/template.h"
#include "core/model/engine_types.h"
#include "core/value/value.h"

static int resolve_any(void *user, struct str name, struct str *out_hint)
{
    (void)user;
    (void)name;
    (void)out_hint;
    return SLOT_INPUT;
}

static const struct expr *compile(struct bodies_fixture *fixture, const char *text)
{
    struct error err = {0};
    struct expr_names names = {.resolve = resolve_any};
    struct expr **expr = &fixture->exprs[fixture->expr_count++];
    CHECK(fixture->expr_count <= BODIES_EDGES);
    CHECK_NAMED(expr_compile(str_from(text), &names, EXPR_UNCHECKED, expr, NULL, &err) == 0,
                err.message);
    return *expr;
}

static uint32_t add_body(struct bodies_fixture *fixture, enum body_kind kind, uint32_t owner,
                         const char *what)
{
    uint32_t body = fixture->pipeline.body_count++;
    CHECK(body < BODIES_MOST);
    fixture->bodies[body] = (struct body){
        .kind = kind,
        .owner = owner,
        .first_node = fixture->pipeline.node_count,
        .first_edge = fixture->pipeline.edge_count,
        .initial = fixture->pipeline.node_count,
        .max_transitions = 1000,
        .what = str_from(what),
    };
    return body;
}

/* In the newest body. */
static uint32_t add_node(struct bodies_fixture *fixture, const char *id, const char *type)
{
    uint32_t index = fixture->pipeline.node_count++;
    uint32_t body = fixture->pipeline.body_count - 1;
    struct node *node = &fixture->nodes[index];
    struct error err = {0};
    CHECK(index < BODIES_NODES);
    fixture->bodies[body].node_count++;
    *node = (struct node){
        .id = str_from(id),
        .name = str_from(id),
        .kind = NODE_PLUGIN,
        .body = body,
        .config = fixture->config,
        .risk = RISK_LOW,
    };
    node->type = engine_types_find(fixture->types.engine_types, str_from(type), &node->kind);
    if (node->type == NULL) {
        const struct catalogue *catalogue = &fixture->types.catalogue;
        node->type = catalogue->find_type(catalogue->user, str_from(type), &err);
    }
    CHECK_NAMED(node->type != NULL, type);
    fixture->order[index] = index;
    return index;
}

static uint32_t outcome_of(struct bodies_fixture *fixture, const char *name)
{
    for (uint32_t i = 0; i < fixture->pipeline.outcome_count; i++) {
        if (str_equal_text(fixture->outcomes[i], name)) {
            return i;
        }
    }
    CHECK(fixture->pipeline.outcome_count < BODIES_OUTCOMES);
    fixture->outcomes[fixture->pipeline.outcome_count] = str_from(name);
    return fixture->pipeline.outcome_count++;
}

/* In the newest body; edges of one source one after the other. */
static struct edge *add_edge(struct bodies_fixture *fixture, uint32_t source, uint32_t target,
                             const char *outcome)
{
    uint32_t index = fixture->pipeline.edge_count++;
    CHECK(index < BODIES_EDGES);
    fixture->bodies[fixture->pipeline.body_count - 1].edge_count++;
    if (fixture->nodes[source].out_count++ == 0) {
        fixture->nodes[source].first_out = index;
    }
    if (fixture->nodes[target].layer <= fixture->nodes[source].layer) {
        fixture->nodes[target].layer = fixture->nodes[source].layer + 1;
    }
    fixture->edges[index] =
        (struct edge){.source = source, .target = target, .outcome = outcome_of(fixture, outcome)};
    return &fixture->edges[index];
}

static void begin(struct bodies_fixture *fixture, const char *id)
{
    static const char *const names[] = {"success", "error", "true", "false", "timeout", "cancel"};
    struct error err = {0};
    struct template_options options = {.names = {.resolve = resolve_any}};
    struct document *map = document_empty_map();
    *fixture = (struct bodies_fixture){0};
    node_types_init(&fixture->types);
    CHECK_NAMED(template_compile(map, document_root(map), &options, &fixture->config, &err) == 0,
                err.message);
    fixture->pipeline = (struct pipeline){
        .id = str_from(id),
        .name = str_from(id),
        .file = STR("t.yaml"),
        .bodies = fixture->bodies,
        .nodes = fixture->nodes,
        .order = fixture->order,
        .edges = fixture->edges,
        .in_edges = fixture->in_edges,
        .outcomes = fixture->outcomes,
        .config = map,
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)outcome_of(fixture, names[i]);
    }
}

/* Lists edges by their targets. */
static void complete(struct bodies_fixture *fixture)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < fixture->pipeline.node_count; i++) {
        struct node *node = &fixture->nodes[i];
        node->first_in = next;
        for (uint32_t k = 0; k < fixture->pipeline.edge_count; k++) {
            if (fixture->edges[k].target == i) {
                fixture->in_edges[next++] = k;
                node->in_count++;
            }
        }
    }
}

/* ---- triage ---- */

static void add_triage_root(struct bodies_fixture *fixture)
{
    (void)add_body(fixture, BODY_GRAPH, PIPELINE_NO_NODE, "nodes");
    uint32_t fetch = add_node(fixture, "fetch", "http");
    uint32_t issues = add_node(fixture, "each_issue", "passthrough");
    uint32_t report = add_node(fixture, "report", "http");
    uint32_t tidy = add_node(fixture, "tidy", "passthrough");
    uint32_t poll = add_node(fixture, "poll", "http");
    fixture->loop = (struct for_each){
        .items = NULL,
        .stream = fetch,
        .as = STR("issue"),
        .batch_size = 100,
        .parallel_workers = 10,
        .max_parallel = 1,
        .max_iterations = 100000,
        .max_failures_percent = 10,
        .collect = COLLECT_LIST,
    };
    fixture->nodes[fetch].has_readers = true;
    fixture->nodes[fetch].timeout_ms = 30000;
    fixture->nodes[issues].kind = NODE_LOOP;
    fixture->nodes[issues].for_each = &fixture->loop;
    fixture->nodes[report].when = compile(fixture, "size(each_issue.output) > 0");
    fixture->nodes[report].risk = RISK_HIGH;
    fixture->nodes[tidy].kind = NODE_GROUP;
    fixture->repeat =
        (struct repeat){.until = compile(fixture, "poll.output.done == true"), .max_iterations = 5};
    fixture->nodes[poll].repeat = &fixture->repeat;
    (void)add_edge(fixture, issues, report, "success");
    (void)add_edge(fixture, issues, tidy, "error");
    (void)add_edge(fixture, report, poll, "success");
}

static void add_triage_issue(struct bodies_fixture *fixture, uint32_t owner)
{
    fixture->nodes[owner].own_body = add_body(fixture, BODY_GRAPH, owner, "nodes");
    uint32_t classify = add_node(fixture, "classify", "http");
    uint32_t route = add_node(fixture, "route", "router");
    uint32_t fix = add_node(fixture, "fix", "passthrough");
    uint32_t escalate = add_node(fixture, "escalate", "http");
    uint32_t story = add_node(fixture, "story", "http");
    uint32_t steps = add_node(fixture, "each_step", "passthrough");
    static struct route routes[2];
    fixture->nodes[fix].kind = NODE_WORKFLOW;
    fixture->nodes[fix].child = STR("fix_bug");
    fixture->list = fixture->loop;
    fixture->list.stream = PIPELINE_NO_NODE;
    fixture->list.items = compile(fixture, "story.output.steps");
    fixture->list.as = STR("item");
    fixture->list.max_failures_percent = -1;
    fixture->list.collect = COLLECT_COUNT;
    fixture->nodes[steps].kind = NODE_LOOP;
    fixture->nodes[steps].for_each = &fixture->list;
    (void)add_edge(fixture, classify, route, "success");
    (void)add_edge(fixture, route, fix, "bug");
    (void)add_edge(fixture, route, escalate, "security");
    add_edge(fixture, route, story, "other")->when = compile(fixture, "issue.open");
    (void)add_edge(fixture, fix, story, "success");
    (void)add_edge(fixture, escalate, story, "success");
    (void)add_edge(fixture, story, steps, "success");
    routes[0] = (struct route){outcome_of(fixture, "bug"),
                               compile(fixture, "classify.output.category == 'bug'")};
    routes[1] = (struct route){outcome_of(fixture, "security"),
                               compile(fixture, "issue.labels.exists(l, l == 'security')")};
    fixture->nodes[route].routes = routes;
    fixture->nodes[route].route_count = 2;
    fixture->nodes[route].default_outcome = outcome_of(fixture, "other");
}

static void add_triage_inside(struct bodies_fixture *fixture)
{
    uint32_t steps = 10;
    uint32_t tidy = 3;
    uint32_t story = 9;
    fixture->nodes[steps].own_body = add_body(fixture, BODY_GRAPH, steps, "nodes");
    uint32_t first = add_node(fixture, "note", "set");
    (void)add_edge(fixture, first, add_node(fixture, "send", "http"), "success");
    fixture->nodes[tidy].own_body = add_body(fixture, BODY_GRAPH, tidy, "nodes");
    (void)add_node(fixture, "sweep", "set");
    (void)add_node(fixture, "pause", "wait");
    fixture->nodes[story].compensate = add_body(fixture, BODY_GRAPH, story, "compensate");
    (void)add_node(fixture, "compensate", "http");
    fixture->pipeline.on_failure = add_body(fixture, BODY_GRAPH, PIPELINE_NO_NODE, "on_failure");
    uint32_t tell = add_node(fixture, "tell", "http");
    (void)add_edge(fixture, tell, add_node(fixture, "give_up", "fail"), "success");
    fixture->pipeline.finally = add_body(fixture, BODY_GRAPH, PIPELINE_NO_NODE, "finally");
    (void)add_node(fixture, "clean", "set");
}

void bodies_fixture_init_triage(struct bodies_fixture *fixture)
{
    begin(fixture, "triage");
    add_triage_root(fixture);
    add_triage_issue(fixture, 1);
    add_triage_inside(fixture);
    fixture->secrets[0] = STR("github_token");
    fixture->pipeline.secrets = fixture->secrets;
    fixture->pipeline.secret_count = 1;
    fixture->pipeline.version = STR("2.0");
    fixture->pipeline.has_rollback = true;
    fixture->pipeline.max_parallel_nodes = 4;
    complete(fixture);
}

/* ---- the machine ---- */

void bodies_fixture_init_machine(struct bodies_fixture *fixture)
{
    begin(fixture, "article");
    (void)add_body(fixture, BODY_STATES, PIPELINE_NO_NODE, "states");
    uint32_t draft = add_node(fixture, "draft", "http");
    uint32_t review = add_node(fixture, "review", "wait");
    uint32_t publish = add_node(fixture, "publish", "http");
    uint32_t done = add_node(fixture, "done", "passthrough");
    uint32_t failed = add_node(fixture, "failed", "passthrough");
    fixture->nodes[review].kind = NODE_IDLE;
    fixture->nodes[done].kind = NODE_IDLE;
    fixture->nodes[failed].kind = NODE_IDLE;
    fixture->nodes[failed].is_failed_end = true;
    (void)add_edge(fixture, draft, review, "success");
    (void)add_edge(fixture, draft, failed, "error");
    (void)add_edge(fixture, review, publish, "approve");
    add_edge(fixture, review, draft, "reject")->when = compile(fixture, "draft.attempts < 3");
    (void)add_edge(fixture, review, failed, "reject");
    (void)add_edge(fixture, review, review, "remind");
    (void)add_edge(fixture, publish, done, "success");
    (void)add_edge(fixture, publish, review, "error");
    complete(fixture);
}

void bodies_fixture_finish(struct bodies_fixture *fixture)
{
    for (size_t i = 0; i < fixture->expr_count; i++) {
        expr_destroy(fixture->exprs[i]);
    }
    template_destroy(fixture->config);
    node_types_finish(&fixture->types);
}
