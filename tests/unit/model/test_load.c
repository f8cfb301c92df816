/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/base/str.h"
#include "core/expr/expr.h"
#include "core/expr/template.h"
#include "core/model/load.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/model/loading.h"
#include "tests/unit/model/node_types.h"

static struct node_types types;

static const char *env(void *user, struct str name)
{
    static const char *const variables[][2] = {
        {"BASE", "https://base"},
        {"OPSTREAM_SECRET_TOKEN", "hunter22"},
        {"OPSTREAM_SECRET_MY_USER", "hunter23"},
        {"OPSTREAM_SECRET_PIN", "123"},
    };
    (void)user;
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        if (str_equal_text(name, variables[i][0])) {
            return variables[i][1];
        }
    }
    return NULL;
}

static struct load_options options_of(const char *file, const char *id)
{
    return (struct load_options){.catalogue = &types.catalogue,
                                 .engine_types = types.engine_types,
                                 .file = str_from(file),
                                 .id = str_from(id),
                                 .env = env};
}

static int load_as(struct str text, const char *file, const char *id,
                   struct diagnostics *diagnostics, struct definitions **out, struct error *err)
{
    struct load_options options = options_of(file, id);
    return load_text(text, &options, diagnostics, out, err);
}

/* The pipelines of a right text, without any warning. */
static struct definitions *load_right(const char *text, const char *file)
{
    struct load_options options = options_of(file, NULL);
    return loading_read(&options, text, "");
}

static const struct node *node_of(const struct pipeline *pipeline, const char *id)
{
    int64_t index = pipeline_find_node(pipeline, str_from(id));
    assert_true(index >= 0);
    return &pipeline->nodes[index];
}

/* "fix,esc" → the ids behind a node's edges, with their outcomes. */
static void assert_edges(const struct pipeline *pipeline, const char *id, const char *expected)
{
    struct strbuf text = STRBUF_INIT;
    const struct node *node = node_of(pipeline, id);
    for (uint32_t i = 0; i < node->out_count; i++) {
        const struct edge *edge = &pipeline->edges[node->first_out + i];
        assert_ptr_equal(&pipeline->nodes[edge->source], node);
        strbuf_append_format(
            &text, "%s%.*s:%.*s%s", i > 0 ? " " : "", STR_ARG(pipeline->outcomes[edge->outcome]),
            STR_ARG(pipeline->nodes[edge->target].id), edge->when != NULL ? "?" : "");
    }
    assert_string_equal(strbuf_str(&text).p, expected);
    strbuf_finish(&text);
}

static const char whole_yaml[] =
    "$schema: https://example/pipeline.json\n"
    "x-owner: me\n"
    "name: Issue Triage!\n"
    "version: 2.0\n"
    "description: one of everything\n"
    "labels: {team: ops, stage: 1.10, on: true}\n"
    "retention: {keep: 30d, max_runs: 7}\n"
    "input: {type: object, required: [n], properties: {n: {type: integer}, l: {items: {type: "
    "string}, default: [x]}}}\n"
    "config: {channel: '#ops', url: '${BASE}'}\n"
    "integrations:\n"
    "  http: {base_url: '${BASE:-x}', max_concurrency: 3, timeout: 5s}\n"
    "resilience: {timeout: 1m}\n"
    "scaling: {max_parallel_nodes: 4}\n"
    "error_policy: stop_on_error\n"
    "timeout: 10m\n"
    "nodes:\n"
    "  - {id: start, type: start}\n"
    "  - id: fetch\n"
    "    name: Fetch it\n"
    "    type: http\n"
    "    depends_on: [start]\n"
    "    max_concurrency: 2\n"
    "    risk: low\n"
    "    milestone: true\n"
    "    at_most_once: true\n"
    "    config: {url: 'https://h/{{ input.n }}', method: \"{{ 'GET' }}\", headers: {X-Version: "
    "2.0, X-No: no, X-Key: '{{ "
    "secrets.token }}'}}\n"
    "  - id: route\n"
    "    type: router\n"
    "    depends_on: [fetch]\n"
    "    config:\n"
    "      routes:\n"
    "        - {name: bug, when: fetch.output.status > 200}\n"
    "        - {name: security, when: \"{{ fetch.body }} == 'y'\"}\n"
    "      default: other\n"
    "  - {id: fix, type: set, when: input.n > 1, config: {a: 1}}\n"
    "  - {id: esc, type: fail, config: {message: 'no {{ input.n }}'}}\n"
    "  - id: deploy-prod\n"
    "    service: internal\n"
    "    action: wait\n"
    "    timeout: 3s\n"
    "    params: {seconds: 1.5}\n"
    "  - {id: shell, type: code, on_error: continue, limits: {memory: 64MiB, output: 1000, wall: "
    "2s, cpu_time: 1m30s, file_size: 5MB, open_files: 64},\n"
    "     config: {language: bash, code: 'echo ${HOME} {{x}}'}}\n"
    "  - {id: join, type: passthrough, join: any}\n"
    "  - {id: cond, type: conditional, depends_on: [join],\n"
    "     config: {condition: '{{input.n}} > 10', true_edge: last}}\n"
    "  - {id: last, type: http, config: {url: x}, on_error: {goto: final}}\n"
    "  - {id: final, type: set}\n"
    "edges:\n"
    "  - {source: route, target: fix, outcome: bug}\n"
    "  - {source: route, target: esc, on: security, when: input.n > 5}\n"
    "  - {source: route, target: deploy-prod, outcome: other}\n"
    "  - {source: fix, target: join}\n"
    "  - {source: esc, target: join}\n"
    "  - {source: deploy-prod, target: join}\n"
    "  - {source: shell, target: join}\n"
    "  - {source: cond, target: last}\n"
    "output: {ops: '{{ config.channel }}'}\n";

static void test_load__reads_the_keys_of_the_top(void **state)
{
    struct definitions *definitions = load_right(whole_yaml, "t.yaml");
    const struct pipeline *pipeline = definitions->pipelines[0];
    (void)state;
    assert_int_equal(definitions->count, 1);
    assert_str(definitions->ids[0], "issue_triage");
    assert_str(pipeline->id, "issue_triage");
    assert_str(pipeline->name, "Issue Triage!");
    assert_str(pipeline->version, "2.0");
    assert_str(pipeline->description, "one of everything");
    assert_str(pipeline->file, "t.yaml");
    assert_str(pipeline->source, whole_yaml);
    assert_non_null(pipeline->input_schema);
    assert_str(value_str(value_get(document_root(pipeline->config), STR("url"))), "https://base");
    const struct value *labels = document_root(pipeline->labels);
    assert_int_equal(value_count(labels), 3);
    assert_str(value_str(value_get(labels, STR("team"))), "ops");
    assert_str(value_str(value_get(labels, STR("stage"))), "1.10");
    assert_str(value_str(value_get(labels, STR("on"))), "true");
    assert_int_equal(pipeline->retention.keep_ms, INT64_C(30) * 24 * 3600 * 1000);
    assert_int_equal(pipeline->retention.keep_failed_ms, 0);
    assert_int_equal(pipeline->retention.max_runs, 7);
    assert_false(pipeline->is_continue_on_error);
    assert_int_equal(pipeline->timeout_ms, 600000);
    assert_int_equal(pipeline->max_parallel_nodes, 4);
    assert_non_null(pipeline->output);
    const struct integration *http = pipeline_find_integration(pipeline, STR("http"));
    assert_non_null(http);
    assert_int_equal(http->concurrency, 3);
    assert_int_equal(value_count(template_source(http->settings)), 1);
    assert_null(pipeline_find_integration(pipeline, STR("code")));
    definitions_destroy(definitions);
}

static void test_load__reads_the_keys_of_nodes(void **state)
{
    struct definitions *definitions = load_right(whole_yaml, "t.yaml");
    const struct pipeline *pipeline = definitions->pipelines[0];
    (void)state;
    const struct node *fetch = node_of(pipeline, "fetch");
    assert_str(fetch->name, "Fetch it");
    assert_int_equal(fetch->kind, NODE_PLUGIN);
    assert_int_equal(fetch->timeout_ms, 5000); /* the plugin's */
    assert_int_equal(fetch->concurrency, 2);
    assert_true(fetch->is_milestone);
    assert_true(fetch->is_at_most_once);
    assert_false(pipeline->nodes[0].is_at_most_once);
    assert_int_equal(fetch->place.line, 18);
    assert_int_equal(fetch->place.column, 9);
    const struct value *headers = value_get(template_source(fetch->config), STR("headers"));
    assert_str(value_str(value_get(headers, STR("X-Version"))), "2.0");
    assert_str(value_str(value_get(headers, STR("X-No"))), "no");
    const struct node *shell = node_of(pipeline, "shell");
    assert_int_equal(shell->timeout_ms, 60000); /* the pipeline's */
    assert_int_equal(shell->on_error, ON_ERROR_CONTINUE);
    assert_int_equal(shell->limits.memory_bytes, 64 * 1024 * 1024);
    assert_int_equal(shell->limits.output_bytes, 1000);
    assert_int_equal(shell->limits.wall_ms, 2000);
    assert_int_equal(shell->limits.cpu_ms, 90000);
    assert_int_equal(shell->limits.file_bytes, 5000000);
    assert_int_equal(shell->limits.open_files, 64);
    assert_true(template_is_constant(shell->config)); /* the raw field is no template */
    const struct node *wait = node_of(pipeline, "deploy-prod");
    assert_int_equal(wait->kind, NODE_WAIT);
    assert_int_equal(wait->timeout_ms, 3000);
    assert_str(wait->name, "deploy-prod");
    assert_non_null(node_of(pipeline, "fix")->when);
    assert_int_equal(node_of(pipeline, "join")->join, JOIN_ANY);
    assert_int_equal(node_of(pipeline, "esc")->kind, NODE_FAIL);
    assert_true(node_of(pipeline, "last")->has_error_edge);
    assert_int_equal(pipeline_find_node(pipeline, STR("nobody")), -1);
    definitions_destroy(definitions);
}

static void test_load__makes_edges_of_all_that_means_one(void **state)
{
    struct definitions *definitions = load_right(whole_yaml, "t.yaml");
    const struct pipeline *pipeline = definitions->pipelines[0];
    (void)state;
    const struct node *route = node_of(pipeline, "route");
    assert_int_equal(route->route_count, 2);
    assert_str(pipeline->outcomes[route->routes[0].outcome], "bug");
    assert_str(expr_source(route->routes[0].when), "fetch.output.status > 200");
    assert_str(pipeline->outcomes[route->default_outcome], "other");
    assert_edges(pipeline, "start", "success:fetch");
    assert_edges(pipeline, "route", "bug:fix security:esc? other:deploy-prod");
    assert_edges(pipeline, "cond", "true:last"); /* the plain edge of the pair gave way */
    assert_edges(pipeline, "last", "error:final");
    assert_edges(pipeline, "final", "");
    const struct node *join = node_of(pipeline, "join");
    assert_int_equal(join->in_count, 4);
    for (uint32_t i = 0; i < join->in_count; i++) {
        const struct edge *edge = &pipeline->edges[pipeline->in_edges[join->first_in + i]];
        assert_ptr_equal(&pipeline->nodes[edge->target], join);
    }
    assert_int_equal(node_of(pipeline, "start")->layer, 0);
    assert_int_equal(node_of(pipeline, "route")->layer, 2);
    assert_int_equal(join->layer, 4);
    assert_int_equal(node_of(pipeline, "final")->layer, 7);
    definitions_destroy(definitions);
}

static void test_load__orders_nodes_by_their_edges(void **state)
{
    struct definitions *definitions = load_right(whole_yaml, "t.yaml");
    const struct pipeline *pipeline = definitions->pipelines[0];
    uint32_t position[16] = {0};
    (void)state;
    for (uint32_t i = 0; i < pipeline->node_count; i++) {
        position[pipeline->order[i]] = i;
    }
    for (uint32_t i = 0; i < pipeline->edge_count; i++) {
        assert_true(position[pipeline->edges[i].source] < position[pipeline->edges[i].target]);
    }
    definitions_destroy(definitions);
}

static void test_load__takes_json_as_it_is(void **state)
{
    struct definitions *definitions =
        load_right("{\"id\": \"j\", \"version\": 3, \"nodes\": [{\"id\": \"a\", \"type\": \"http\","
                   " \"config\": {\"url\": \"x\", \"headers\": {\"A\": \"1\"}}}]}",
                   "-");
    (void)state;
    assert_str(definitions->pipelines[0]->id, "j");
    assert_str(definitions->pipelines[0]->version, "3");
    definitions_destroy(definitions);
}

static void test_load__makes_a_pipeline_of_a_single_node(void **state)
{
    struct definitions *definitions =
        load_right("{id: one, type: http, timeout: 2s, config: {url: x}}", "t.yaml");
    const struct pipeline *pipeline = definitions->pipelines[0];
    (void)state;
    assert_int_equal(pipeline->node_count, 1);
    assert_str(pipeline->nodes[0].id, "one");
    assert_int_equal(pipeline->nodes[0].timeout_ms, 2000);
    assert_int_equal(pipeline->timeout_ms, 0);
    assert_int_equal(value_count(document_root(pipeline->config)), 0);
    definitions_destroy(definitions);
}

static const char several_yaml[] = "workflows:\n"
                                   "  first: {nodes: [{id: a, type: set}]}\n"
                                   "  second: {name: Other, nodes: [{id: a, type: nope}]}\n"
                                   "  third: {resilience: {timeout: 1s}}\n";

static void test_load__takes_the_one_that_is_named(void **state)
{
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct definitions *definitions = NULL;
    struct error err = {0};
    (void)state;
    struct str text = str_from(several_yaml);
    assert_int_equal(load_as(text, "t.yaml", "first", &diagnostics, &definitions, &err), 0);
    assert_int_equal(definitions->count, 1);
    assert_str(definitions->pipelines[0]->id, "first");
    assert_int_equal(diagnostics.count, 0);
    definitions_destroy(definitions);
    assert_int_equal(load_as(text, "t.yaml", "frist", &diagnostics, &definitions, &err),
                     E_NOT_FOUND);
    assert_string_equal(err.message, "t.yaml has no pipeline 'frist'; it has 'first', 'second', "
                                     "'third'; did you mean 'first'?");
    diagnostics_finish(&diagnostics);
}

static void test_load__goes_on_behind_a_wrong_one(void **state)
{
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct definitions *definitions = NULL;
    struct error err = {0};
    (void)state;
    assert_int_equal(
        load_as(str_from(several_yaml), "t.yaml", NULL, &diagnostics, &definitions, &err),
        E_INVALID);
    assert_null(definitions);
    assert_string_equal(err.message, "'t.yaml' has 1 error");
    assert_int_equal(diagnostics.warning_count, 0);
    diagnostics_finish(&diagnostics);
}

static void test_load__gives_no_pipeline_for_a_profile(void **state)
{
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct definitions *definitions = NULL;
    (void)state;
    assert_int_equal(load_as(STR("workflow:\n  name: p\n  concurrency: 3d\n"), "t.yaml", NULL,
                             &diagnostics, &definitions, NULL),
                     0);
    assert_int_equal(definitions->count, 1);
    assert_str(definitions->ids[0], "p");
    assert_null(definitions->pipelines[0]);
    assert_int_equal(diagnostics.count, 0);
    definitions_destroy(definitions);
    diagnostics_finish(&diagnostics);
}

static void test_load__keeps_named_ends(void **state)
{
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct definitions *definitions = NULL;
    (void)state;
    assert_int_equal(load_as(STR("{id: c, type: conditional, config: {condition: true, "
                                 "false_edge: nothing_to_do}}"),
                             "t.yaml", NULL, &diagnostics, &definitions, NULL),
                     0);
    const struct pipeline *pipeline = definitions->pipelines[0];
    assert_int_equal(pipeline->end_count, 1);
    assert_int_equal(pipeline->ends[0].node, 0);
    assert_int_equal(pipeline->ends[0].outcome, OUTCOME_FALSE);
    assert_str(pipeline->ends[0].name, "nothing_to_do");
    definitions_destroy(definitions);
    diagnostics_finish(&diagnostics);
}

static void test_load__makes_expressions_of_expression_fields(void **state)
{
    struct definitions *definitions = load_right(
        "name: t\nnodes:\n  - {id: f, type: filter, config: {keep: \"{{ input.a }} > 1 && "
        "{'b': {'c': 1}}.b.c == 1\", other: 'x'}}\n",
        "t.yaml");
    const struct node *node = &definitions->pipelines[0]->nodes[0];
    struct str pointer = {0};
    size_t offset = 0;
    (void)state;
    assert_int_equal(template_expr_count(node->config), 1);
    const struct expr *expr = template_expr_at(node->config, 0, &pointer, &offset);
    assert_str(pointer, "/keep");
    assert_str(str_trim(expr_source(expr)), "(  input.a  ) > 1 && {'b': {'c': 1}}.b.c == 1");
    definitions_destroy(definitions);
}

static void test_load__knows_what_surely_has_an_output(void **state)
{
    (void)state;
    /* Both ways meet again; what is behind one of them has run there; what is before has. */
    definitions_destroy(load_right(
        "name: t\nnodes:\n"
        "  - {id: a, type: set, config: {x: true}}\n"
        "  - {id: c, type: conditional, depends_on: [a], config: {condition: a.output.x, "
        "true_edge: l, false_edge: r}}\n"
        "  - {id: l, type: set, config: {x: '{{ a.output }}'}}\n"
        "  - {id: l2, type: set, depends_on: [l], config: {x: '{{ l.output }}'}}\n"
        "  - {id: r, type: set}\n"
        "  - {id: m, type: set, depends_on: [l2, r], config: {x: '{{ a.output }}'}}\n"
        "  - {id: z, type: set, depends_on: [m, a], config: {x: '{{ m.output }}{{ a.output }}'}}\n"
        "  - {id: all, type: set, join: all, depends_on: [l2, a], config: {x: '{{ l.output }}'}}\n",
        "t.yaml"));
}

static void test_load__takes_a_question_for_a_guard(void **state)
{
    (void)state;
    definitions_destroy(load_right("name: t\n"
                                   "input: {type: object, properties: {who: {type: string}}}\n"
                                   "nodes:\n"
                                   "  - {id: a, type: set, config: {x: 1}, on_error: continue}\n"
                                   "  - id: b\n"
                                   "    type: set\n"
                                   "    depends_on: [a]\n"
                                   "    config:\n"
                                   "      has: \"{{ has(a.output) ? a.output.x : 0 }}\"\n"
                                   "      optional: \"{{ a.?output.orValue(0) }}\"\n"
                                   "      coalesce: \"{{ coalesce(a.?output, 0) }}\"\n"
                                   "      default: \"{{ default(input.?who, 'nobody') }}\"\n"
                                   "      other: \"${has(input.who) ? input.who : bare_name}\"\n"
                                   "      error: \"{{ default(a.?error.?code, '')"
                                   " }} {{ a.status }}\"\n",
                                   "t.yaml"));
}

static void test_load__shares_pipelines(void **state)
{
    struct definitions *definitions = load_right("{id: one, type: set}", "t.yaml");
    struct pipeline *pipeline = pipeline_ref(definitions->pipelines[0]);
    (void)state;
    definitions_destroy(definitions);
    assert_str(pipeline->nodes[0].id, "one");
    pipeline_unref(pipeline);
    assert_null(pipeline_ref(NULL));
    pipeline_unref(NULL);
}

static void test_load__keeps_pipelines_of_one_file_together(void **state)
{
    struct definitions *definitions = load_right("workflows:\n"
                                                 "  a: {type: set}\n"
                                                 "  b: {type: set}\n",
                                                 "t.yaml");
    struct pipeline *a = pipeline_ref(definitions->pipelines[0]);
    (void)state;
    definitions_destroy(definitions);
    const struct pipeline *b = pipeline_find_other(a, STR("b"));
    assert_str(b->nodes[0].id, "b");
    assert_str(pipeline_file_of(b, b->nodes[0].place), "t.yaml");
    assert_str(pipeline_file_of(b, (struct place){.line = 1, .file = 7}), "");
    assert_ptr_equal(pipeline_find_other(b, STR("a")), a);
    assert_ptr_equal(pipeline_find_other(a, STR("a")), a);
    assert_null(pipeline_find_other(a, STR("c")));
    assert_null(pipeline_find_other(a, STR("")));
    char long_id[400];
    memset(long_id, 'a', sizeof(long_id));
    assert_null(pipeline_find_other(a, str_make(long_id, sizeof(long_id))));
    pipeline_unref(a);
}

static void test_load__knows_the_secrets_of_a_pipeline(void **state)
{
    (void)state;
    struct definitions *definitions = load_right(
        "name: t\n"
        "integrations: {http: {token: 'k {{ secrets.token }}'}}\n"
        "nodes:\n"
        "  - {id: a, type: http, config: {url: x, headers: {A: '{{ secrets[\"my-user\"] }}'}}}\n"
        "  - {id: b, type: http, config: {url: x, headers: {A: '{{ secrets.token }}'}}}\n",
        "t.yaml");
    const struct pipeline *pipeline = definitions->pipelines[0];
    assert_int_equal(pipeline->secret_count, 2);
    assert_str(pipeline->secrets[0], "token");
    assert_str(pipeline->secrets[1], "my-user");
    definitions_destroy(definitions);
    definitions = load_right("name: t\nnodes: [{id: a, type: set}]\n", "t.yaml");
    assert_int_equal(definitions->pipelines[0]->secret_count, 0);
    definitions_destroy(definitions);
}

static void test_load__knows_the_secrets_that_a_pipeline_needs(void **state)
{
    (void)state;
    struct definitions *definitions = load_right(
        "name: t\n"
        "config: {page: ''}\n"
        "integrations: {http: {token: \"{{ default(secrets.maybe, '') }}\"}}\n"
        "nodes:\n"
        "  - {id: a, type: http, config: {url: x, headers: {A: '{{ secrets.token }}'}}}\n"
        "  - {id: b, type: http, when: config.page != '', config: {url: x, headers: {A: '{{ "
        "secrets.off }}{{ secrets.token }}'}}}\n"
        "  - {id: c, type: http, when: has(secrets.asked), config: {url: x, headers: {A: '{{ "
        "secrets.asked }}'}}}\n"
        "  - {id: d, type: set, config: {x: '{{ has(secrets.told) }}'}}\n",
        "t.yaml");
    const struct pipeline *pipeline = definitions->pipelines[0];
    assert_int_equal(pipeline->secret_count, 4);
    assert_int_equal(pipeline->needed_secret_count, 1);
    assert_str(pipeline->needed_secrets[0], "token");
    definitions_destroy(definitions);
}

static void test_load__secrets_must_be_long_enough_to_be_hidden(void **state)
{
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct definitions *definitions = NULL;
    (void)state;
    int status = load_as(STR("name: t\nnodes:\n"
                             "  - {id: a, type: http, config: {url: x, headers: "
                             "{A: '{{ secrets.pin }}'}}}\n"),
                         "t.yaml", NULL, &diagnostics, &definitions, NULL);
    assert_int_equal(status, 0);
    assert_int_equal(diagnostics.count, 1);
    assert_string_equal(diagnostics.items[0].message,
                        "config of node 'a': the secret 'pin' is shorter than 4 bytes");
    diagnostics_finish(&diagnostics);
    definitions_destroy(definitions);
}

static void test_load__bounds_the_secrets_of_a_pipeline(void **state)
{
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct definitions *definitions = NULL;
    struct strbuf text = STRBUF_INIT;
    (void)state;
    strbuf_append_text(&text, "name: t\nnodes:\n"
                              "  - {id: a, type: http, config: {url: x, headers: {A: '");
    for (int i = 0; i < 258; i++) {
        strbuf_append_format(&text, "{{ secrets.s%d }}", i);
    }
    strbuf_append_text(&text, "'}}}\n");
    assert_int_equal(load_as(strbuf_str(&text), "t.yaml", NULL, &diagnostics, &definitions, NULL),
                     E_INVALID);
    assert_int_equal(diagnostics.error_count, 2);
    bool is_told = false; /* behind it come those that are not set */
    for (size_t i = 0; i < diagnostics.count; i++) {
        is_told = is_told || strcmp(diagnostics.items[i].message,
                                    "a pipeline may name 256 secrets, and 's257' is one more") == 0;
    }
    assert_true(is_told);
    strbuf_finish(&text);
    diagnostics_finish(&diagnostics);
}

static void test_load__survives_failing_allocations(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct diagnostics diagnostics = DIAGNOSTICS_INIT;
        struct definitions *definitions = NULL;
        struct error err = {0};
        failing_alloc_arm(n);
        int status =
            load_as(str_from(whole_yaml), "t.yaml", NULL, &diagnostics, &definitions, &err);
        bool is_reached = failing_alloc_disarm();
        if (is_reached && status != E_NOMEM) {
            print_error("allocation %ld: %d: %s\n", n, status, err.message);
        }
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        definitions_destroy(definitions);
        diagnostics_finish(&diagnostics);
        if (!is_reached) {
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load__reads_the_keys_of_the_top),
        cmocka_unit_test(test_load__reads_the_keys_of_nodes),
        cmocka_unit_test(test_load__makes_edges_of_all_that_means_one),
        cmocka_unit_test(test_load__orders_nodes_by_their_edges),
        cmocka_unit_test(test_load__takes_json_as_it_is),
        cmocka_unit_test(test_load__makes_a_pipeline_of_a_single_node),
        cmocka_unit_test(test_load__takes_the_one_that_is_named),
        cmocka_unit_test(test_load__goes_on_behind_a_wrong_one),
        cmocka_unit_test(test_load__gives_no_pipeline_for_a_profile),
        cmocka_unit_test(test_load__keeps_named_ends),
        cmocka_unit_test(test_load__makes_expressions_of_expression_fields),
        cmocka_unit_test(test_load__knows_what_surely_has_an_output),
        cmocka_unit_test(test_load__takes_a_question_for_a_guard),
        cmocka_unit_test(test_load__shares_pipelines),
        cmocka_unit_test(test_load__keeps_pipelines_of_one_file_together),
        cmocka_unit_test(test_load__knows_the_secrets_of_a_pipeline),
        cmocka_unit_test(test_load__knows_the_secrets_that_a_pipeline_needs),
        cmocka_unit_test(test_load__secrets_must_be_long_enough_to_be_hidden),
        cmocka_unit_test(test_load__bounds_the_secrets_of_a_pipeline),
        cmocka_unit_test(test_load__survives_failing_allocations),
    };
    node_types_init(&types);
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    node_types_finish(&types);
    return failures;
}
