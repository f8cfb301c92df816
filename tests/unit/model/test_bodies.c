/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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

static struct load_options options_of_types(void)
{
    return (struct load_options){
        .catalogue = &types.catalogue, .engine_types = types.engine_types, .file = STR("t.yaml")};
}

static int load(const char *text, struct diagnostics *diagnostics, struct definitions **out,
                struct error *err)
{
    struct load_options options = options_of_types();
    return load_text(str_from(text), &options, diagnostics, out, err);
}

/* The pipelines of a right text, without any warning. */
static struct definitions *load_right(const char *text)
{
    struct load_options options = options_of_types();
    return loading_read(&options, text, "");
}

static const struct node *visible(const struct pipeline *pipeline, uint32_t body, const char *id)
{
    int64_t index = pipeline_find_visible(pipeline, body, str_from(id));
    assert_true(index >= 0);
    return &pipeline->nodes[index];
}

static uint32_t index_of(const struct pipeline *pipeline, const struct node *node)
{
    return (uint32_t)(node - pipeline->nodes);
}

/* "loop each: a b; nodes a: c": owner and ids of each body. */
static void assert_bodies(const struct pipeline *pipeline, const char *expected)
{
    struct strbuf text = STRBUF_INIT;
    uint32_t next = 0;
    uint32_t edge = 0;
    for (uint32_t i = 0; i < pipeline->body_count; i++) {
        const struct body *body = &pipeline->bodies[i];
        assert_int_equal(body->first_node, next);
        assert_int_equal(body->first_edge, edge);
        next += body->node_count;
        edge += body->edge_count;
        strbuf_append_format(&text, "%s%.*s", i > 0 ? "; " : "", STR_ARG(body->what));
        if (body->owner != PIPELINE_NO_NODE) {
            strbuf_append_format(&text, " %.*s", STR_ARG(pipeline->nodes[body->owner].id));
        }
        for (uint32_t n = body->first_node; n < next; n++) {
            assert_int_equal(pipeline->nodes[n].body, i);
            assert_true(pipeline->order[n] >= body->first_node && pipeline->order[n] < next);
            strbuf_append_format(&text, "%s%.*s", n == body->first_node ? ": " : " ",
                                 STR_ARG(pipeline->nodes[n].id));
        }
    }
    assert_int_equal(next, pipeline->node_count);
    assert_int_equal(edge, pipeline->edge_count);
    assert_string_equal(strbuf_str(&text).p, expected);
    strbuf_finish(&text);
}

/* "a-success->b": the edges of a body. */
static void assert_edges(const struct pipeline *pipeline, uint32_t body, const char *expected)
{
    struct strbuf text = STRBUF_INIT;
    const struct body *in = &pipeline->bodies[body];
    for (uint32_t i = 0; i < in->edge_count; i++) {
        const struct edge *edge = &pipeline->edges[in->first_edge + i];
        strbuf_append_format(
            &text, "%s%.*s-%.*s->%.*s%s", i > 0 ? " " : "",
            STR_ARG(pipeline->nodes[edge->source].id), STR_ARG(pipeline->outcomes[edge->outcome]),
            STR_ARG(pipeline->nodes[edge->target].id), edge->when != NULL ? "?" : "");
    }
    assert_string_equal(strbuf_str(&text).p, expected);
    strbuf_finish(&text);
}

static const char loops_yaml[] =
    "name: t\n"
    "input: {type: object, required: [urls], properties: {urls: {type: array}}}\n"
    "scaling: {batch_size: 7}\n"
    "rollback: true\n"
    "nodes:\n"
    "  - {id: a, type: set, config: {x: 1}}\n"
    "  - id: each\n"
    "    for_each: input.urls\n"
    "    as: url\n"
    "    depends_on: [a]\n"
    "    max_failures: 12.5%\n"
    "    timeout: 1m\n"
    "    until: inner.output.y > 3\n"
    "    collect: {reduce: 'acc + item.y', init: 0}\n"
    "    nodes:\n"
    "      - {id: inner, type: set, config: {y: '{{ url }}{{ a.output.x }}{{ iter.index }}'}}\n"
    "      - id: deep\n"
    "        for_each: {h: [1, 2], o: input.urls}\n"
    "        depends_on: [inner]\n"
    "        nodes:\n"
    "          - {id: z, type: set, config: {q: '{{ item.h }}{{ url }}{{ inner.output.y }}'}}\n"
    "    output: '{{ deep.output }}'\n"
    "  - id: single\n"
    "    type: emit\n"
    "    for_each: [1, '{{ a.output.x }}']\n"
    "    depends_on: [a]\n"
    "    timeout: 2s\n"
    "    on_error: continue\n"
    "    as_batch: rows\n"
    "    batch_size: 3\n"
    "    on_limit: stop\n"
    "    max_failures: 4\n"
    "    config: {v: '{{ rows[0] }}'}\n"
    "    compensate: {type: set, config: {u: '{{ single.output.v }}'}}\n"
    "  - {id: last, type: set, depends_on: [each], config: {e: '{{ each.errors }}{{ each.output "
    "}}'},"
    " repeat: {until: last.output.e == 1, delay: 1s}}\n"
    "finally:\n"
    "  - {id: f, type: set, config: {s: '{{ run.status }}', t: '{{ default(a.output.x, 1) }}'}}\n"
    "  - {id: g, type: set, config: {s: '{{ f.output.s }}'}}\n";

static void test_bodies__lie_one_after_the_other(void **state)
{
    struct definitions *definitions = load_right(loops_yaml);
    const struct pipeline *pipeline = definitions->pipelines[0];
    (void)state;
    assert_bodies(pipeline, "nodes: a each single last; finally: f g; nodes each: inner deep; "
                            "nodes single: single; nodes deep: z; compensate single: single");
    assert_int_equal(pipeline->finally, 1);
    assert_int_equal(pipeline->on_failure, 0);
    assert_true(pipeline->has_rollback);
    assert_edges(pipeline, 0, "a-success->each a-success->single each-success->last");
    assert_edges(pipeline, 1, "f-success->g");
    assert_edges(pipeline, 2, "inner-success->deep");
    definitions_destroy(definitions);
}

static void test_bodies__see_what_is_around_them(void **state)
{
    struct definitions *definitions = load_right(loops_yaml);
    const struct pipeline *pipeline = definitions->pipelines[0];
    (void)state;
    const struct node *each = visible(pipeline, 0, "each");
    const struct node *deep = visible(pipeline, each->own_body, "deep");
    assert_int_equal(visible(pipeline, deep->own_body, "a")->body, 0);
    assert_int_equal(visible(pipeline, deep->own_body, "inner")->body, each->own_body);
    assert_int_equal(pipeline_find_visible(pipeline, 0, STR("inner")), -1);
    assert_int_equal(pipeline_find_node(pipeline, STR("z")), -1);
    /* The id of a loop of one node means the node inside, also for what undoes it. */
    const struct node *single = visible(pipeline, 0, "single");
    const struct node *item = visible(pipeline, single->own_body, "single");
    assert_ptr_not_equal(single, item);
    assert_ptr_equal(visible(pipeline, item->compensate, "single"), item);
    assert_int_equal(single->compensate, 0);
    definitions_destroy(definitions);
}

static void test_bodies__of_loops_know_their_items(void **state)
{
    struct definitions *definitions = load_right(loops_yaml);
    const struct pipeline *pipeline = definitions->pipelines[0];
    struct str pointer = {0};
    size_t offset = 0;
    (void)state;
    const struct node *each = visible(pipeline, 0, "each");
    const struct node *inner = visible(pipeline, each->own_body, "inner");
    const struct expr *url = template_expr_at(inner->config, 0, &pointer, &offset);
    const struct expr *a = template_expr_at(inner->config, 1, &pointer, &offset);
    const struct expr *iter = template_expr_at(inner->config, 2, &pointer, &offset);
    assert_int_equal(expr_reference_at(url, 0)->slot, SLOT_ITEM_FIRST + index_of(pipeline, each));
    assert_int_equal(expr_reference_at(a, 0)->slot, SLOT_NODE_FIRST);
    assert_int_equal(expr_reference_at(iter, 0)->slot, SLOT_ITER);
    const struct expr *reduce = each->for_each->reduce;
    assert_int_equal(expr_reference_at(reduce, 0)->slot, SLOT_ACC);
    assert_int_equal(expr_reference_at(reduce, 1)->slot, SLOT_REDUCE_ITEM);
    definitions_destroy(definitions);
}

static void test_bodies__of_loops_have_their_numbers(void **state)
{
    struct definitions *definitions = load_right(loops_yaml);
    const struct pipeline *pipeline = definitions->pipelines[0];
    (void)state;
    const struct node *each = visible(pipeline, 0, "each");
    assert_int_equal(each->kind, NODE_LOOP);
    assert_str(each->type->name, "loop");
    assert_non_null(each->config);
    assert_int_equal(each->timeout_ms, 60000);
    assert_str(each->for_each->as, "url");
    assert_non_null(each->for_each->items);
    assert_null(each->for_each->list);
    assert_int_equal(each->for_each->stream, PIPELINE_NO_NODE);
    assert_int_equal(each->for_each->batch_size, 7);
    assert_int_equal(each->for_each->parallel_workers, 10);
    assert_int_equal(each->for_each->max_parallel, 1);
    assert_int_equal(each->for_each->max_iterations, 100000);
    assert_true(each->for_each->max_failures_percent == 12.5);
    assert_false(each->for_each->stops_at_limit);
    assert_int_equal(each->for_each->collect, COLLECT_REDUCE);
    assert_non_null(each->for_each->init);
    assert_non_null(each->for_each->until);
    assert_non_null(pipeline->bodies[each->own_body].output);
    assert_false(pipeline->bodies[each->own_body].is_single);
    const struct node *deep = visible(pipeline, each->own_body, "deep");
    assert_non_null(deep->for_each->list);
    assert_int_equal(template_expr_count(deep->for_each->list), 1);
    definitions_destroy(definitions);
}

static void test_bodies__of_one_node_share_its_keys(void **state)
{
    struct definitions *definitions = load_right(loops_yaml);
    const struct pipeline *pipeline = definitions->pipelines[0];
    (void)state;
    const struct node *single = visible(pipeline, 0, "single");
    const struct node *item = visible(pipeline, single->own_body, "single");
    assert_int_equal(single->kind, NODE_LOOP);
    assert_int_equal(single->timeout_ms, 0);
    assert_int_equal(single->on_error, ON_ERROR_CONTINUE);
    assert_true(single->for_each->is_batch);
    assert_true(single->for_each->stops_at_limit);
    assert_int_equal(single->for_each->batch_size, 3);
    assert_int_equal(single->for_each->max_failures, 4);
    assert_true(single->for_each->max_failures_percent < 0);
    assert_true(pipeline->bodies[single->own_body].is_single);
    assert_int_equal(item->kind, NODE_PLUGIN);
    assert_int_equal(item->timeout_ms, 2000);
    assert_int_equal(item->on_error, ON_ERROR_FAIL);
    assert_int_equal(item->risk, RISK_HIGH);
    assert_int_equal(item->in_count, 0);
    const struct node *last = visible(pipeline, 0, "last");
    assert_non_null(last->repeat->until);
    assert_int_equal(last->repeat->max_iterations, 1000);
    assert_int_equal(last->repeat->delay_ms, 1000);
    assert_int_equal(last->risk, RISK_LOW);
    definitions_destroy(definitions);
}

static void test_bodies__of_streams_begin_with_their_source(void **state)
{
    struct definitions *definitions = load_right(
        "name: t\n"
        "nodes:\n"
        "  - {id: one, type: set, for_each: \"{{ nodes['a-b'].stream }}\"}\n"
        "  - {id: two, type: set, for_each: ' c.stream ', config: {x: '{{ c.status }}'}}\n"
        "  - {id: a-b, type: emit}\n"
        "  - {id: c, type: emit, depends_on: [before]}\n"
        "  - {id: before, type: set}\n");
    const struct pipeline *pipeline = definitions->pipelines[0];
    uint32_t position[8] = {0};
    (void)state;
    for (uint32_t i = 0; i < pipeline->bodies[0].node_count; i++) {
        position[pipeline->order[i]] = i;
    }
    const struct node *one = visible(pipeline, 0, "one");
    const struct node *two = visible(pipeline, 0, "two");
    const struct node *c = visible(pipeline, 0, "c");
    assert_int_equal(one->for_each->stream, index_of(pipeline, visible(pipeline, 0, "a-b")));
    assert_null(one->for_each->items);
    assert_int_equal(two->for_each->stream, index_of(pipeline, c));
    assert_true(c->has_readers);
    assert_false(visible(pipeline, 0, "before")->has_readers);
    assert_int_equal(two->in_count, 0);
    assert_int_equal(two->layer, c->layer);
    assert_true(position[index_of(pipeline, c)] < position[index_of(pipeline, two)]);
    definitions_destroy(definitions);
}

static void test_bodies__of_steps_follow_one_another(void **state)
{
    struct definitions *definitions =
        load_right("name: t\n"
                   "error_policy: continue\n"
                   "steps:\n"
                   "  - {id: a, type: set, config: {x: 1}, on_error: fail}\n"
                   "  - {id: b, service: internal, action: wait, params: {seconds: 1}}\n"
                   "  - {id: c, type: set, config: {x: '{{ a.output.x }}'}}\n");
    const struct pipeline *pipeline = definitions->pipelines[0];
    (void)state;
    assert_bodies(pipeline, "steps: a b c");
    assert_edges(pipeline, 0, "a-success->b b-success->c");
    assert_int_equal(visible(pipeline, 0, "c")->on_error, ON_ERROR_CONTINUE);
    definitions_destroy(definitions);
}

static const char states_json[] =
    "{\"id\": \"m\", \"initial_state\": \"prepare\", \"max_transitions\": 20, \"states\": ["
    "{\"name\": \"prepare\", \"type\": \"set\", \"params\": {\"n\": 1},"
    " \"transitions\": {\"success\": \"ask\", \"error\": \"over\"}},"
    "{\"name\": \"ask\", \"timeout\": \"5s\", \"transitions\": {"
    "\"go\": [{\"when\": \"prepare.output.n > 1\", \"to\": \"prepare\"}, {\"to\": \"over\"}],"
    " \"timeout\": \"ask\", \"cancel\": \"over\"}},"
    "{\"name\": \"over\", \"type\": \"fail\", \"config\": {\"message\": \"no\"},"
    " \"result\": \"failed\"}]}";

static void test_bodies__of_states_have_transitions(void **state)
{
    struct definitions *definitions = load_right(states_json);
    (void)state;
    const struct pipeline *pipeline = definitions->pipelines[0];
    const struct body *root = &pipeline->bodies[0];
    assert_int_equal(root->kind, BODY_STATES);
    assert_int_equal(root->max_transitions, 20);
    assert_str(pipeline->nodes[root->initial].id, "prepare");
    assert_edges(pipeline, 0,
                 "prepare-success->ask prepare-error->over ask-go->prepare? ask-go->over "
                 "ask-timeout->ask ask-cancel->over");
    const struct node *ask = visible(pipeline, 0, "ask");
    assert_int_equal(ask->kind, NODE_IDLE);
    assert_int_equal(ask->timeout_ms, 5000);
    assert_non_null(ask->type);
    assert_non_null(ask->config);
    assert_true(visible(pipeline, 0, "over")->is_failed_end);
    assert_false(ask->is_failed_end);
    assert_int_equal(pipeline->order[0], root->initial);
    definitions_destroy(definitions);
}

static void test_bodies__of_states_know_what_surely_has_an_output(void **state)
{
    (void)state;
    /* Round and round: `a` has always ended with success before `b`, and `b` before `c`. */
    definitions_destroy(
        load_right("name: t\n"
                   "initial_state: a\n"
                   "states:\n"
                   "  a: {type: set, config: {n: '{{ default(b.output.n, 0) }}'},"
                   " transitions: {success: b}}\n"
                   "  b: {type: set, config: {n: '{{ a.output.n }}'}, transitions: {success: c}}\n"
                   "  c: {type: set, config: {x: '{{ a.output.n + b.output.n }}'},"
                   " transitions: {success: [{when: c.output.x < 5, to: a}]}}\n"
                   "output: '{{ c.output }}{{ a.output }}'\n"));
}

static void test_bodies__of_tools_take_arguments_from_the_input(void **state)
{
    struct definitions *definitions = load_right(
        "name: t\n"
        "duration: 2h\n"
        "input: {type: object, required: [url], properties: {url: {type: string}, tries: {}, body: "
        "{default: 1}}}\n"
        "tools:\n"
        "  - http\n"
        "  - {id: again, name: http, config: {url: x}, timeout: 3s}\n");
    const struct pipeline *pipeline = definitions->pipelines[0];
    (void)state;
    assert_bodies(pipeline, "tools: tools; tools tools: http again");
    const struct node *group = visible(pipeline, 0, "tools");
    assert_int_equal(group->kind, NODE_GROUP);
    assert_int_equal(group->repeat->duration_ms, 7200000);
    assert_int_equal(group->repeat->interval_ms, 60000);
    assert_true(pipeline->bodies[0].is_single);
    const struct value *config = template_source(visible(pipeline, 1, "http")->config);
    assert_str(value_str(value_get(config, STR("url"))), "{{ input.url }}");
    assert_str(value_str(value_get(config, STR("tries"))), "{{ input.?tries }}");
    assert_str(value_str(value_get(config, STR("body"))), "{{ input.body }}");
    assert_null(value_get(config, STR("method")));
    config = template_source(visible(pipeline, 1, "again")->config);
    assert_str(value_str(value_get(config, STR("url"))), "x");
    assert_int_equal(visible(pipeline, 1, "again")->timeout_ms, 3000);
    assert_int_equal(pipeline->edge_count, 0);
    definitions_destroy(definitions);
}

static void test_bodies__of_tools_run_in_sequence_when_told_so(void **state)
{
    struct definitions *definitions =
        load_right("{name: t, sequence: true, tools: [http, {name: emit}, filter]}");
    const struct pipeline *pipeline = definitions->pipelines[0];
    (void)state;
    assert_edges(pipeline, 0, "http-success->emit emit-success->filter");
    const struct value *config = template_source(visible(pipeline, 0, "http")->config);
    assert_int_equal(value_count(config), 1); /* without a schema of the input: what is required */
    assert_str(value_str(value_get(config, STR("url"))), "{{ input.url }}");
    definitions_destroy(definitions);
}

static void test_bodies__wait_for_events(void **state)
{
    struct definitions *definitions =
        load_right("name: t\n"
                   "nodes:\n"
                   "  - {id: w, type: wait, config: {event: go, match: signal.data.x == 1,"
                   " timeout: 5s}}\n"
                   "  - {id: any, type: wait, config: {event: go}}\n");
    const struct pipeline *pipeline = definitions->pipelines[0];
    (void)state;
    const struct node *wait = visible(pipeline, 0, "w");
    assert_int_equal(expr_reference_at(wait->match, 0)->slot, SLOT_SIGNAL);
    assert_int_equal(value_count(template_source(wait->config)), 2);
    assert_null(visible(pipeline, 0, "any")->match);
    definitions_destroy(definitions);
}

static void test_bodies__of_a_single_definition_may_be_loops(void **state)
{
    struct definitions *definitions =
        load_right("{id: one, type: set, for_each: [1, 2], config: {x: '{{ item }}'},"
                   " output: '{{ one.output }}'}");
    const struct pipeline *pipeline = definitions->pipelines[0];
    (void)state;
    assert_bodies(pipeline, "nodes: one; nodes one: one");
    assert_int_equal(pipeline->nodes[0].kind, NODE_LOOP);
    assert_non_null(pipeline->output);
    definitions_destroy(definitions);
}

static void assert_survives(const char *text)
{
    for (long n = 0;; n++) {
        struct diagnostics diagnostics = DIAGNOSTICS_INIT;
        struct definitions *definitions = NULL;
        struct error err = {0};
        failing_alloc_arm(n);
        int status = load(text, &diagnostics, &definitions, &err);
        bool is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        definitions_destroy(definitions);
        diagnostics_finish(&diagnostics);
        if (!is_reached) {
            break;
        }
    }
}

static void test_bodies__survive_failing_allocations(void **state)
{
    (void)state;
    assert_survives(loops_yaml);
    assert_survives("{name: t, sequence: true, tools: [http, {name: emit}, filter]}");
    assert_survives("name: t\n"
                    "initial_state: a\n"
                    "states:\n"
                    "  a: {type: set, config: {x: 1}, transitions: {success: b}}\n"
                    "  b: {type: set, config: {x: '{{ a.output.x }}'}, transitions: {go: a}}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies__lie_one_after_the_other),
        cmocka_unit_test(test_bodies__see_what_is_around_them),
        cmocka_unit_test(test_bodies__of_loops_know_their_items),
        cmocka_unit_test(test_bodies__of_loops_have_their_numbers),
        cmocka_unit_test(test_bodies__of_one_node_share_its_keys),
        cmocka_unit_test(test_bodies__of_streams_begin_with_their_source),
        cmocka_unit_test(test_bodies__of_steps_follow_one_another),
        cmocka_unit_test(test_bodies__of_states_have_transitions),
        cmocka_unit_test(test_bodies__of_states_know_what_surely_has_an_output),
        cmocka_unit_test(test_bodies__of_tools_take_arguments_from_the_input),
        cmocka_unit_test(test_bodies__of_tools_run_in_sequence_when_told_so),
        cmocka_unit_test(test_bodies__wait_for_events),
        cmocka_unit_test(test_bodies__of_a_single_definition_may_be_loops),
        cmocka_unit_test(test_bodies__survive_failing_allocations),
    };
    node_types_init(&types);
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    node_types_finish(&types);
    return failures;
}
