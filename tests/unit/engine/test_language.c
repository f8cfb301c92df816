/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences of the format's reference as small pipelines that run at once, and what they give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/str.h"
#include "core/engine/run.h"
#include "core/value/value.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/toy_world.h"

/* A pipeline, and its output as JSON; or `error`, a part of its error's JSON. */
struct sentence {
    const char *says;
    const char *yaml; /* behind "id: p\n"; or several pipelines, of which `main` is run */
    const char *input;
    const char *output;
    const char *error;
};

/* Prints what is not as it should be; true: nothing. */
static bool check(const struct sentence *sentence)
{
    struct toy_world world;
    char yaml[3000];
    toy_world_init(&world, NULL);
    const char *id = strncmp(sentence->yaml, "workflows:", 10) == 0 ? "" : "id: p\n";
    int n = snprintf(yaml, sizeof(yaml), "%s%s", id, sentence->yaml);
    assert_in_range(n, 1, sizeof(yaml) - 1);
    struct toy_run *run = toy_world_run(&world, yaml, sentence->input);
    for (int i = 0; i < 1000 && toy_run_timer_count(run) > 0; i++) {
        toy_world_pass(&world, 1000);
    }
    char *output = pipeline_fixture_text(run->output);
    char *error = pipeline_fixture_text(run->error);
    bool is_right = sentence->error != NULL
                        ? run->end_state == RUN_FAILED && strstr(error, sentence->error) != NULL
                        : run->end_state == RUN_COMPLETED && strcmp(output, sentence->output) == 0;
    if (!is_right) {
        print_error("%s: the run is %s, gave %s and the error %s, not %s\n", sentence->says,
                    run_state_name(run_state(run->run)), output, error,
                    sentence->error != NULL ? sentence->error : sentence->output);
    }
    free(output);
    free(error);
    toy_world_finish(&world);
    return is_right;
}

static void check_all(const struct sentence *sentences, size_t count)
{
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        wrong += check(&sentences[i]) ? 0u : 1u;
    }
    assert_int_equal(wrong, 0);
}

#define CHECK_ALL(sentences) check_all(sentences, sizeof(sentences) / sizeof((sentences)[0]))

/* ---- what a loop goes over ---- */

static const struct sentence items[] = {
    {"a list gives its outputs in order",
     "nodes: [{id: a, type: set, for_each: 'input.l', config: {v: '{{ item * 2 }}'}}]",
     "{\"l\": [1, 2, 3]}", "{\"a\":[{\"v\":2},{\"v\":4},{\"v\":6}]}", NULL},
    {"an empty list gives an empty list",
     "nodes: [{id: a, type: set, for_each: 'input.l', config: {v: '{{ item }}'}}]", "{\"l\": []}",
     "{\"a\":[]}", NULL},
    {"a list written as YAML is a template",
     "nodes: [{id: a, type: set, for_each: [1, '{{ input.x }}', {k: v}], "
     "config: {v: '{{ item }}'}}]",
     "{\"x\": [7]}", "{\"a\":[{\"v\":1},{\"v\":[7]},{\"v\":{\"k\":\"v\"}}]}", NULL},
    {"the last list of a product counts fastest",
     "nodes: [{id: a, type: set, for_each: {h: [1, 2], o: [x, y]}, "
     "config: {v: '{{ item.o }}{{ item.h }}'}}]",
     NULL, "{\"a\":[{\"v\":\"x1\"},{\"v\":\"y1\"},{\"v\":\"x2\"},{\"v\":\"y2\"}]}", NULL},
    {"a map from an expression is a product, too",
     "nodes: [{id: a, type: set, for_each: 'input.m', config: {v: '{{ item }}'}}]",
     "{\"m\": {\"a\": [1, 2], \"b\": [3]}}",
     "{\"a\":[{\"v\":{\"a\":1,\"b\":3}},{\"v\":{\"a\":2,\"b\":3}}]}", NULL},
    {"a product with an empty list is empty",
     "nodes: [{id: a, type: set, for_each: {h: [1, 2], o: []}, config: {v: '{{ item.h }}'}}]", NULL,
     "{\"a\":[]}", NULL},
    {"an empty map has no combination",
     "nodes: [{id: a, type: set, for_each: 'input.m', config: {v: 1}}]", "{\"m\": {}}",
     "{\"a\":[]}", NULL},
    {"null is no list, and the error says what gave it",
     "nodes: [{id: a, type: set, for_each: 'input.l', config: {v: 1}}]", "{\"l\": null}", NULL,
     "\"message\":\"for_each gave null, not a list or a map of lists\""},
    {"text is no list", "nodes: [{id: a, type: set, for_each: 'input.l', config: {v: 1}}]",
     "{\"l\": \"abc\"}", NULL, "for_each gave string, not a list or a map of lists"},
    {"a map of something else is no product",
     "nodes: [{id: a, type: set, for_each: 'input.m', config: {v: 1}}]",
     "{\"m\": {\"a\": [1], \"b\": 2}}", NULL, "for_each gave a map whose 'b' is int, not a list"},
    {"a list that is not there is an error of the node",
     "nodes: [{id: a, type: set, for_each: 'input.l', config: {v: 1}}]", "{}", NULL,
     "\"node\":\"a\""},
    {"null is an item like others",
     "nodes: [{id: a, type: set, for_each: 'input.l', config: {v: '{{ item }}', "
     "is_null: '{{ item == null }}'}}]",
     "{\"l\": [null, 1]}", "{\"a\":[{\"v\":null,\"is_null\":true},{\"v\":1,\"is_null\":false}]}",
     NULL},
    {"lists are items, too",
     "nodes: [{id: a, type: set, for_each: 'input.l', config: {n: '{{ size(item) }}'}}]",
     "{\"l\": [[], [1, 2]]}", "{\"a\":[{\"n\":0},{\"n\":2}]}", NULL},
    {"the item has the name that `as` gives",
     "nodes: [{id: a, type: set, for_each: 'input.l', as: issue, config: {v: '{{ issue.n }}'}}]",
     "{\"l\": [{\"n\": 5}]}", "{\"a\":[{\"v\":5}]}", NULL},
    {"iter says which item it is",
     "nodes: [{id: a, type: set, for_each: 'input.l', config: {i: '{{ iter.index }}', "
     "f: '{{ iter.first }}', c: '{{ iter.count }}'}}]",
     "{\"l\": [7, 8]}", "{\"a\":[{\"i\":0,\"f\":true,\"c\":2},{\"i\":1,\"f\":false,\"c\":2}]}",
     NULL},
    {"as_batch gives whole batches, the last one shorter",
     "nodes: [{id: a, type: set, for_each: 'input.l', as_batch: rows, batch_size: 2, "
     "config: {v: '{{ rows }}', i: '{{ iter.index }}', c: '{{ iter.count }}'}}]",
     "{\"l\": [1, 2, 3]}", "{\"a\":[{\"v\":[1,2],\"i\":0,\"c\":2},{\"v\":[3],\"i\":1,\"c\":2}]}",
     NULL},
    {"a product comes in batches, too",
     "nodes: [{id: a, type: set, for_each: {x: [1, 2], y: [3]}, as_batch: rows, batch_size: 5, "
     "config: {v: '{{ rows }}'}}]",
     NULL, "{\"a\":[{\"v\":[{\"x\":1,\"y\":3},{\"x\":2,\"y\":3}]}]}", NULL},
};

static void test_language__what_a_loop_goes_over(void **state)
{
    (void)state;
    CHECK_ALL(items);
}

/* ---- bodies ---- */

static const struct sentence bodies[] = {
    {"the output of a body is the map of its leaves",
     "nodes:\n"
     "  - id: each\n    for_each: input.l\n    nodes:\n"
     "      - {id: a, type: set, config: {v: '{{ item }}'}}\n"
     "      - {id: b, type: set, depends_on: [a], config: {w: '{{ a.v + 1 }}'}}\n"
     "      - {id: c, type: set, config: {x: 0}}\n",
     "{\"l\": [1]}", "{\"each\":[{\"b\":{\"w\":2},\"c\":{\"x\":0}}]}", NULL},
    {"leaves that were not run are not in the map",
     "nodes:\n"
     "  - id: each\n    for_each: input.l\n    nodes:\n"
     "      - {id: big, type: conditional, config: {condition: 'item > 1'}}\n"
     "      - {id: yes, type: set, config: {y: 1}}\n"
     "      - {id: no, type: set, config: {n: 1}}\n"
     "    edges:\n"
     "      - {source: big, target: 'yes', outcome: 'true'}\n"
     "      - {source: big, target: 'no', outcome: 'false'}\n",
     "{\"l\": [1, 2]}", "{\"each\":[{\"no\":{\"n\":1}},{\"yes\":{\"y\":1}}]}", NULL},
    {"`output` says what a body gives",
     "nodes:\n"
     "  - id: each\n    for_each: input.l\n    nodes:\n"
     "      - {id: a, type: set, config: {v: '{{ item }}'}}\n"
     "    output: '{{ a.v * 10 + iter.index }}'\n",
     "{\"l\": [1, 2]}", "{\"each\":[10,21]}", NULL},
    {"branches meet again in each iteration",
     "nodes:\n"
     "  - id: each\n    for_each: input.l\n    nodes:\n"
     "      - id: route\n        type: router\n"
     "        config: {routes: [{name: big, when: 'item > 9'}], default: small}\n"
     "      - {id: b, type: set, config: {k: big}}\n"
     "      - {id: s, type: set, config: {k: small}}\n"
     "      - {id: meet, type: set, depends_on: [b, s], "
     "config: {k: '{{ coalesce(b.?output, s.?output).k }}', n: '{{ item }}'}}\n"
     "    edges:\n"
     "      - {source: route, target: b, outcome: big}\n"
     "      - {source: route, target: s, outcome: small}\n"
     "    output: '{{ meet.output }}'\n",
     "{\"l\": [1, 10]}", "{\"each\":[{\"k\":\"small\",\"n\":1},{\"k\":\"big\",\"n\":10}]}", NULL},
    {"join: any and all ask for one edge and for every one",
     "nodes:\n"
     "  - id: each\n    for_each: input.l\n    nodes:\n"
     "      - {id: a, type: conditional, config: {condition: 'item > 1'}}\n"
     "      - {id: b, type: conditional, config: {condition: 'item > 2'}}\n"
     "      - {id: any, type: set, join: any, config: {n: any}}\n"
     "      - {id: every, type: set, join: all, config: {n: all}}\n"
     "    edges:\n"
     "      - {source: a, target: any, outcome: 'true'}\n"
     "      - {source: b, target: any, outcome: 'true'}\n"
     "      - {source: a, target: every, outcome: 'true'}\n"
     "      - {source: b, target: every, outcome: 'true'}\n"
     "    output: '{{ [any.status, every.status] }}'\n",
     "{\"l\": [1, 2, 3]}",
     "{\"each\":[[\"not_run\",\"not_run\"],[\"completed\",\"not_run\"],[\"completed\","
     "\"completed\"]]}",
     NULL},
    {"a branch that failed keeps what joins it from running, though another was taken",
     "nodes:\n"
     "  - id: each\n    for_each: input.l\n    nodes:\n"
     "      - {id: a, type: set, config: {v: '{{ 1 / item }}'}, on_error: {goto: mend}}\n"
     "      - {id: b, type: set, config: {v: 1}}\n"
     "      - {id: meet, type: set, depends_on: [a, b], config: {v: 1}}\n"
     "      - {id: mend, type: set, config: {v: 1}}\n"
     "    output: '{{ [meet.status, mend.status] }}'\n",
     "{\"l\": [0, 1]}", "{\"each\":[[\"not_run\",\"completed\"],[\"completed\",\"not_run\"]]}",
     NULL},
    {"a route that nobody takes fails the item",
     "nodes:\n"
     "  - id: each\n    for_each: input.l\n    nodes:\n"
     "      - {id: route, type: router, config: {routes: [{name: big, when: 'item > 9'}]}}\n"
     "      - {id: b, type: set, config: {k: 1}}\n"
     "    edges: [{source: route, target: b, outcome: big}]\n",
     "{\"l\": [10, 1]}", NULL, "\"code\":\"NO_ROUTE\""},
    {"on_error: goto is the way on inside a body",
     "nodes:\n"
     "  - id: each\n    for_each: input.l\n    nodes:\n"
     "      - {id: a, type: set, config: {v: '{{ 10 / item }}'}, on_error: {goto: mend}}\n"
     "      - {id: next, type: set, depends_on: [a], config: {n: '{{ a.v }}'}}\n"
     "      - {id: mend, type: set, config: {why: '{{ a.error.code }}'}}\n",
     "{\"l\": [5, 0]}", "{\"each\":[{\"next\":{\"n\":2}},{\"mend\":{\"why\":\"EXPRESSION\"}}]}",
     NULL},
    {"on_error: continue goes on inside a body",
     "nodes:\n"
     "  - id: each\n    for_each: input.l\n    nodes:\n"
     "      - {id: a, type: set, config: {v: '{{ 10 / item }}'}, on_error: continue}\n"
     "      - {id: b, type: set, depends_on: [a], config: {s: '{{ a.status }}'}}\n",
     "{\"l\": [5, 0]}", "{\"each\":[{\"b\":{\"s\":\"completed\"}},{\"b\":{\"s\":\"failed\"}}]}",
     NULL},
    {"a node whose `when` is false passes the way on",
     "nodes:\n"
     "  - id: each\n    for_each: input.l\n    nodes:\n"
     "      - {id: a, type: set, when: 'item > 1', config: {v: 1}}\n"
     "      - {id: b, type: set, depends_on: [a], config: {s: '{{ a.status }}'}}\n",
     "{\"l\": [1, 2]}", "{\"each\":[{\"b\":{\"s\":\"skipped\"}},{\"b\":{\"s\":\"completed\"}}]}",
     NULL},
    {"a loop whose `when` is false is skipped",
     "nodes:\n"
     "  - {id: a, type: set, for_each: 'input.l', when: 'false', config: {v: 1}}\n"
     "  - {id: b, type: set, depends_on: [a], config: {s: '{{ a.status }}'}}\n",
     "{\"l\": [1, 2]}", "{\"b\":{\"s\":\"skipped\"}}", NULL},
    {"inner loops see the items and nodes around them",
     "nodes:\n"
     "  - {id: top, type: set, config: {t: 100}}\n"
     "  - id: outer\n    depends_on: [top]\n    for_each: input.l\n    as: row\n    nodes:\n"
     "      - {id: mid, type: set, config: {m: '{{ size(row) }}'}}\n"
     "      - id: inner\n        depends_on: [mid]\n        for_each: row\n        as: cell\n"
     "        nodes:\n"
     "          - {id: leaf, type: set, config: {v: '{{ top.t + mid.m * 10 + cell }}', "
     "i: '{{ iter.index }}', last: '{{ row[size(row) - 1] }}'}}\n"
     "        output: '{{ [leaf.v, leaf.i, leaf.last] }}'\n"
     "    output: '{{ inner.output }}'\n",
     "{\"l\": [[1], [2, 3]]}", "{\"outer\":[[[111,0,1]],[[122,0,3],[123,1,3]]]}", NULL},
    {"the nearest `item` is meant",
     "nodes:\n"
     "  - id: outer\n    for_each: input.l\n    nodes:\n"
     "      - {id: inner, type: set, for_each: item, config: {v: '{{ item }}'}}\n"
     "    output: '{{ inner.output }}'\n",
     "{\"l\": [[1], [2, 3]]}", "{\"outer\":[[{\"v\":1}],[{\"v\":2},{\"v\":3}]]}", NULL},
    {"from outside only the loop is seen, with its counts and errors",
     "nodes:\n"
     "  - {id: a, type: set, for_each: 'input.l', max_failures: 1, "
     "config: {v: '{{ 10 / item }}'}}\n"
     "  - {id: b, type: set, depends_on: [a], config: {n: '{{ size(a.output) }}', "
     "c: '{{ a.counts }}', i: '{{ a.errors[0].index }}', e: '{{ a.errors[0].error.code }}', "
     "it: '{{ a.errors[0].item }}', s: '{{ a.status }}'}}\n",
     "{\"l\": [1, 0]}",
     "{\"b\":{\"n\":2,\"c\":{\"total\":2,\"completed\":1,\"failed\":1},\"i\":1,"
     "\"e\":\"EXPRESSION\",\"it\":0,\"s\":\"completed\"}}",
     NULL},
};

static void test_language__bodies(void **state)
{
    (void)state;
    CHECK_ALL(bodies);
}

/* ---- failures and limits ---- */

static const struct sentence limits[] = {
    {"the first failed item fails the loop",
     "nodes: [{id: a, type: set, for_each: 'input.l', config: {v: '{{ 10 / item }}'}}]",
     "{\"l\": [1, 0, 2]}", NULL, "item 1: "},
    {"failed items are null in the output",
     "nodes: [{id: a, type: set, for_each: 'input.l', max_failures: 2, "
     "config: {v: '{{ 10 / item }}'}}]",
     "{\"l\": [0, 5, 0]}", "{\"a\":[null,{\"v\":2},null]}", NULL},
    {"one more than max_failures fails it",
     "nodes: [{id: a, type: set, for_each: 'input.l', max_failures: 1, "
     "config: {v: '{{ 10 / item }}'}}]",
     "{\"l\": [0, 5, 0]}", NULL, "2 items failed; item 0: "},
    {"max_failures in per cent of all items holds exactly",
     "nodes: [{id: a, type: set, for_each: 'input.l', max_failures: 50%, "
     "config: {v: '{{ 10 / item }}'}}]",
     "{\"l\": [0, 5, 0, 1]}", "{\"a\":[null,{\"v\":2},null,{\"v\":10}]}", NULL},
    {"more than that many per cent fail it",
     "nodes: [{id: a, type: set, for_each: 'input.l', max_failures: 49%, "
     "config: {v: '{{ 10 / item }}'}}]",
     "{\"l\": [0, 5, 0, 1]}", NULL, "2 items failed"},
    {"all items may fail",
     "nodes: [{id: a, type: set, for_each: 'input.l', max_failures: 100%, "
     "config: {v: '{{ 10 / item }}'}}]",
     "{\"l\": [0, 0]}", "{\"a\":[null,null]}", NULL},
    {"a loop that failed has its error edges",
     "nodes:\n"
     "  - {id: a, type: set, for_each: 'input.l', config: {v: '{{ 10 / item }}'}, "
     "on_error: {goto: mend}}\n"
     "  - {id: mend, type: set, config: {c: '{{ a.counts.failed }}', m: '{{ a.error.message "
     "!= \"\" }}'}}\n",
     "{\"l\": [0]}", "{\"mend\":{\"c\":1,\"m\":true}}", NULL},
    {"more items than max_iterations fail before anything runs",
     "nodes: [{id: a, type: set, for_each: 'input.l', max_iterations: 2, config: {v: 1}}]",
     "{\"l\": [1, 2, 3]}", NULL, "\"code\":\"LOOP_LIMIT\""},
    {"exactly max_iterations is well",
     "nodes: [{id: a, type: set, for_each: 'input.l', max_iterations: 3, config: {v: 1}}]",
     "{\"l\": [1, 2, 3]}", "{\"a\":[{\"v\":1},{\"v\":1},{\"v\":1}]}", NULL},
    {"on_limit: stop takes so many",
     "nodes: [{id: a, type: set, for_each: 'input.l', max_iterations: 2, on_limit: stop, "
     "config: {v: '{{ item }}', c: '{{ iter.count }}'}}]",
     "{\"l\": [1, 2, 3]}", "{\"a\":[{\"v\":1,\"c\":2},{\"v\":2,\"c\":2}]}", NULL},
    {"on_limit: stop counts batches when the body takes them",
     "nodes: [{id: a, type: set, for_each: 'input.l', max_iterations: 1, on_limit: stop, "
     "as_batch: rows, batch_size: 2, config: {v: '{{ rows }}'}}]",
     "{\"l\": [1, 2, 3]}", "{\"a\":[{\"v\":[1,2]}]}", NULL},
    {"until ends the loop with the item for which it holds",
     "nodes:\n"
     "  - id: a\n    for_each: input.l\n    until: b.v > 1\n    nodes:\n"
     "      - {id: b, type: set, config: {v: '{{ item }}'}}\n"
     "    output: '{{ b.v }}'\n",
     "{\"l\": [1, 2, 3]}", "{\"a\":[1,2]}", NULL},
    {"until that never holds ends nothing",
     "nodes:\n"
     "  - id: a\n    for_each: input.l\n    until: b.v > 9\n    nodes:\n"
     "      - {id: b, type: set, config: {v: '{{ item }}'}}\n"
     "    output: '{{ b.v }}'\n",
     "{\"l\": [1, 2, 3]}", "{\"a\":[1,2,3]}", NULL},
    {"until that fails is an error of the item",
     "nodes:\n"
     "  - id: a\n    for_each: input.l\n    until: 1 / b.v > 9\n    nodes:\n"
     "      - {id: b, type: set, config: {v: '{{ item }}'}}\n",
     "{\"l\": [0]}", NULL, "until: "},
    {"error_policy: continue goes on behind a failed loop",
     "error_policy: continue\n"
     "nodes:\n"
     "  - {id: a, type: set, for_each: 'input.l', config: {v: '{{ 10 / item }}'}}\n"
     "  - {id: b, type: set, depends_on: [a], config: {s: '{{ a.status }}'}}\n",
     "{\"l\": [0]}", "{\"b\":{\"s\":\"failed\"}}", NULL},
};

static void test_language__failures_and_limits_of_loops(void **state)
{
    (void)state;
    CHECK_ALL(limits);
}

/* ---- collect ---- */

static const struct sentence collects[] = {
    {"collect: none gives null",
     "nodes: [{id: a, type: set, for_each: 'input.l', collect: none, config: {v: 1}}]",
     "{\"l\": [1, 2]}", "{\"a\":null}", NULL},
    {"collect: count gives how many completed",
     "nodes: [{id: a, type: set, for_each: 'input.l', collect: count, max_failures: 5, "
     "config: {v: '{{ 10 / item }}'}}]",
     "{\"l\": [1, 0, 2]}", "{\"a\":2}", NULL},
    {"reduce sees acc and item",
     "nodes: [{id: a, type: set, for_each: 'input.l', "
     "collect: {reduce: 'acc + item.v', init: 100}, config: {v: '{{ item }}'}}]",
     "{\"l\": [1, 2, 3]}", "{\"a\":106}", NULL},
    {"reduce goes by the order of the items",
     "nodes: [{id: a, type: set, for_each: 'input.l', batch_size: 2, parallel_workers: 3, "
     "max_parallel: 2, collect: {reduce: 'acc + [item.v]', init: []}, "
     "config: {v: '{{ item }}'}}]",
     "{\"l\": [1, 2, 3, 4, 5, 6, 7, 8, 9]}", "{\"a\":[1,2,3,4,5,6,7,8,9]}", NULL},
    {"acc is null without init",
     "nodes: [{id: a, type: set, for_each: 'input.l', "
     "collect: {reduce: 'acc == null ? item.v : acc + item.v'}, config: {v: '{{ item }}'}}]",
     "{\"l\": [1, 2, 3]}", "{\"a\":6}", NULL},
    {"nothing to reduce gives init",
     "nodes: [{id: a, type: set, for_each: 'input.l', "
     "collect: {reduce: 'acc + item.v', init: '{{ input.i }}'}, config: {v: 1}}]",
     "{\"l\": [], \"i\": 5}", "{\"a\":5}", NULL},
    {"failed items are not reduced",
     "nodes: [{id: a, type: set, for_each: 'input.l', max_failures: 5, "
     "collect: {reduce: 'acc + item.v', init: 0}, config: {v: '{{ 10 / item }}'}}]",
     "{\"l\": [0, 5, 0, 2]}", "{\"a\":7}", NULL},
    {"reduce that fails is the loop's failure, and says of which item",
     "nodes: [{id: a, type: set, for_each: 'input.l', "
     "collect: {reduce: 'acc / item.v', init: 8}, config: {v: '{{ item }}'}}]",
     "{\"l\": [2, 0]}", NULL, "reduce, item 1: "},
};

static void test_language__collect(void **state)
{
    (void)state;
    CHECK_ALL(collects);
}

/* ---- repeat ---- */

static const struct sentence repeats[] = {
    {"repeat runs until its own output says so",
     "nodes:\n"
     "  - {id: a, type: set, config: {n: '{{ default(a.?output.?n, 0) + 1 }}'}, "
     "repeat: {until: 'a.n >= 4'}}\n",
     NULL, "{\"a\":{\"n\":4}}", NULL},
    {"one round may be enough",
     "nodes: [{id: a, type: set, config: {n: 1}, repeat: {until: 'true'}}]", NULL,
     "{\"a\":{\"n\":1}}", NULL},
    {"its limit is an error",
     "nodes: [{id: a, type: set, config: {n: 1}, repeat: {until: 'a.n > 1', "
     "max_iterations: 3}}]",
     NULL, NULL, "\"code\":\"LOOP_LIMIT\",\"message\":\"'until' did not hold after 3 rounds"},
    {"attempts tells the rounds",
     "nodes:\n"
     "  - {id: a, type: set, config: {n: 1}, repeat: {until: 'a.attempts == 3'}}\n"
     "  - {id: b, type: set, depends_on: [a], config: {n: '{{ a.attempts }}'}}\n",
     NULL, "{\"b\":{\"n\":3}}", NULL},
    {"a failing round fails the node",
     "nodes:\n"
     "  - {id: a, type: set, config: {n: '{{ 1 / (2 - default(a.?output.?n, 0)) }}'}, "
     "repeat: {until: 'false', max_iterations: 9, delay: 1s}, on_error: continue}\n"
     "  - {id: b, type: set, depends_on: [a], config: {s: '{{ a.status }}'}}\n",
     NULL, "{\"b\":{\"s\":\"failed\"}}", NULL},
    {"an `until` that fails fails the node",
     "nodes: [{id: a, type: set, config: {n: 0}, repeat: {until: '1 / a.n > 0'}}]", NULL, NULL,
     "repeat: until: "},
    {"repeat works within loops, each round for itself",
     "nodes:\n"
     "  - id: each\n    for_each: input.l\n    nodes:\n"
     "      - {id: a, type: set, config: {n: '{{ default(a.?output.?n, 0) + 1 }}'}, "
     "repeat: {until: 'a.n >= item', delay: 1s}}\n"
     "    output: '{{ a.n }}'\n",
     "{\"l\": [1, 3, 2]}", "{\"each\":[1,3,2]}", NULL},
    {"waits can be repeated",
     "nodes:\n"
     "  - {id: a, type: wait, config: {seconds: 1}, repeat: {until: 'a.attempts == 2'}}\n"
     "output: '{{ a.status }}'\n",
     NULL, "\"completed\"", NULL},
};

static void test_language__repeat(void **state)
{
    (void)state;
    CHECK_ALL(repeats);
}

/* ---- children ---- */

static const struct sentence children[] = {
    {"a child gives its output under `output`",
     "workflows:\n"
     "  main: {nodes: [{id: a, type: workflow, config: {workflow: one, input: {n: 1}}}], "
     "output: '{{ a.output }}'}\n"
     "  one: {nodes: [{id: x, type: set, config: {v: '{{ input.n + 1 }}'}}]}\n",
     NULL, "{\"x\":{\"v\":2}}", NULL},
    {"a child fails its node with what failed in it",
     "workflows:\n"
     "  main: {nodes: [{id: a, type: workflow, config: {workflow: one}}]}\n"
     "  one: {nodes: [{id: x, type: fail, config: {code: OH, message: no}}]}\n",
     NULL, NULL, "\"node\":\"a\",\"code\":\"OH\""},
    {"a list gives the output of each",
     "workflows:\n"
     "  main: {workflows: [one, two]}\n"
     "  one: {nodes: [{id: x, type: set, config: {v: 1}}], output: {n: 1}}\n"
     "  two: {nodes: [{id: x, type: set, config: {v: 1}}], output: '{{ input.n + 1 }}'}\n",
     NULL, "{\"two\":2}", NULL},
    {"a list lays outputs over the input, and only maps",
     "workflows:\n"
     "  main: {workflows: [one, two, three]}\n"
     "  one: {nodes: [{id: x, type: set, config: {v: 1}}], output: {n: 1}}\n"
     "  two: {nodes: [{id: x, type: set, config: {v: 1}}], output: '{{ [input.n] }}'}\n"
     "  three: {nodes: [{id: x, type: set, config: {v: 1}}], output: '{{ input }}'}\n",
     "{\"k\": 7, \"n\": 0}", "{\"three\":{\"n\":1,\"k\":7}}", NULL},
    {"a list ends with the first that fails",
     "workflows:\n"
     "  main: {workflows: [one, two]}\n"
     "  one: {nodes: [{id: x, type: fail, config: {code: OH, message: no}}]}\n"
     "  two: {nodes: [{id: x, type: set, config: {v: 1}}]}\n",
     NULL, NULL, "\"code\":\"OH\""},
};

static void test_language__workflows(void **state)
{
    (void)state;
    CHECK_ALL(children);
}

/* ---- state machines ---- */

static const struct sentence machines[] = {
    {"success leads on; the result has state, output and history",
     "initial_state: a\n"
     "states:\n"
     "  a: {type: set, config: {n: 1}, transitions: {success: b}}\n"
     "  b: {type: set, config: {m: '{{ a.n + 1 }}'}}\n",
     NULL, "{\"state\":\"b\",\"output\":{\"m\":2},\"history\":[\"a\",\"b\"]}", NULL},
    {"an unmatched success ends the run",
     "initial_state: a\n"
     "states:\n"
     "  a: {type: set, config: {n: 1}, transitions: {error: b}}\n"
     "  b: {type: set, config: {n: 2}}\n",
     NULL, "{\"state\":\"a\",\"output\":{\"n\":1},\"history\":[\"a\"]}", NULL},
    {"an unmatched error fails it",
     "initial_state: a\n"
     "states:\n"
     "  a: {type: fail, config: {code: OH, message: no}, transitions: {success: b}}\n"
     "  b: {type: set, config: {n: 2}}\n",
     NULL, NULL, "\"node\":\"a\",\"code\":\"OH\""},
    {"an error with a transition is handled",
     "initial_state: a\n"
     "states:\n"
     "  a: {type: fail, config: {code: OH, message: no}, transitions: {error: b}}\n"
     "  b: {type: set, config: {c: '{{ a.error.code }}'}}\n",
     NULL, "{\"state\":\"b\",\"output\":{\"c\":\"OH\"},\"history\":[\"a\",\"b\"]}", NULL},
    {"a state without transitions that says so fails the run",
     "initial_state: a\n"
     "states:\n"
     "  a: {type: set, config: {n: 1}, transitions: {success: b}}\n"
     "  b: {type: set, config: {n: 2}, result: failed}\n",
     NULL, NULL, "ended in state 'b', whose result is 'failed'"},
    {"a state without action and transitions is an end",
     "initial_state: a\n"
     "states:\n"
     "  a: {type: set, config: {n: 1}, transitions: {success: done}}\n"
     "  done: {}\n",
     NULL, "{\"state\":\"done\",\"output\":{},\"history\":[\"a\",\"done\"]}", NULL},
    {"of a guarded list the first that holds is taken",
     "initial_state: a\n"
     "states:\n"
     "  a:\n    type: set\n    config: {n: '{{ input.n }}'}\n    transitions:\n"
     "      success: [{when: 'a.n > 5', to: big}, {when: 'a.n > 1', to: mid}, {to: small}]\n"
     "  big: {type: set, config: {k: big}}\n"
     "  mid: {type: set, config: {k: mid}}\n"
     "  small: {type: set, config: {k: small}}\n"
     "output: '{{ nodes.mid.?output.?k.orValue(\"none\") }}'\n",
     "{\"n\": 3}", "\"mid\"", NULL},
    {"a guarded list of which none holds ends the run",
     "initial_state: a\n"
     "states:\n"
     "  a:\n    type: set\n    config: {n: 0}\n    transitions:\n"
     "      success: [{when: 'a.n > 5', to: big}]\n"
     "  big: {type: set, config: {k: big}}\n",
     NULL, "{\"state\":\"a\",\"output\":{\"n\":0},\"history\":[\"a\"]}", NULL},
    {"a guard that fails fails the run",
     "initial_state: a\n"
     "states:\n"
     "  a:\n    type: set\n    config: {n: 0}\n    transitions:\n"
     "      success: [{when: '1 / a.n > 5', to: big}]\n"
     "  big: {type: set, config: {k: big}}\n",
     NULL, NULL, "transition to 'big': "},
    {"an output field `event` that names a transition wins",
     "initial_state: a\n"
     "states:\n"
     "  a: {type: set, config: {event: skip}, transitions: {success: b, skip: c}}\n"
     "  b: {type: set, config: {n: b}}\n"
     "  c: {type: set, config: {n: c}}\n",
     NULL, "{\"state\":\"c\",\"output\":{\"n\":\"c\"},\"history\":[\"a\",\"c\"]}", NULL},
    {"a field `event` that names none is only a field",
     "initial_state: a\n"
     "states:\n"
     "  a: {type: set, config: {event: other}, transitions: {success: b}}\n"
     "  b: {type: set, config: {n: b}, transitions: {other: a}}\n",
     NULL, "{\"state\":\"b\",\"output\":{\"n\":\"b\"},\"history\":[\"a\",\"b\"]}", NULL},
    {"the ways of conditionals and routers are outcomes",
     "initial_state: a\n"
     "states:\n"
     "  a: {type: conditional, config: {condition: 'input.n > 1'}, "
     "transitions: {'true': r, 'false': b}}\n"
     "  r: {type: router, config: {routes: [{name: x, when: 'true'}]}, "
     "transitions: {x: c, success: b}}\n"
     "  b: {type: set, config: {n: b}}\n"
     "  c: {type: set, config: {n: c}}\n",
     "{\"n\": 2}", "{\"state\":\"c\",\"output\":{\"n\":\"c\"},\"history\":[\"a\",\"r\",\"c\"]}",
     NULL},
    {"`event` of another state does not hide the way of a router",
     "initial_state: a\n"
     "states:\n"
     "  a: {type: router, config: {routes: [{name: x, when: 'true'}]}, "
     "transitions: {x: c, success: b}}\n"
     "  b: {type: set, config: {n: b}}\n"
     "  c: {type: set, config: {n: c}}\n",
     NULL, "{\"state\":\"c\",\"output\":{\"n\":\"c\"},\"history\":[\"a\",\"c\"]}", NULL},
    {"a state is visited again, and its output is the latest",
     "initial_state: a\n"
     "states:\n"
     "  a: {type: set, config: {n: '{{ default(a.?output.?n, 0) + 1 }}'}, "
     "transitions: {success: [{when: 'a.n < 3', to: a}, {to: b}]}}\n"
     "  b: {type: set, config: {n: '{{ a.n }}', k: '{{ a.attempts }}'}}\n",
     NULL, "{\"state\":\"b\",\"output\":{\"n\":3,\"k\":3},\"history\":[\"a\",\"a\",\"a\",\"b\"]}",
     NULL},
    {"max_transitions bounds a cycle",
     "initial_state: a\nmax_transitions: 5\n"
     "states:\n"
     "  a: {type: set, config: {n: 1}, transitions: {success: b}}\n"
     "  b: {type: set, config: {n: 1}, transitions: {success: a}}\n",
     NULL, NULL, "the state machine made 5 transitions (max_transitions)"},
    {"one more than max_transitions is not",
     "initial_state: a\nmax_transitions: 1\n"
     "states:\n"
     "  a: {type: set, transitions: {success: b}}\n"
     "  b: {type: set, transitions: {success: c}}\n"
     "  c: {}\n",
     NULL, NULL, "the state machine made 1 transitions (max_transitions)"},
    {"exactly max_transitions is well",
     "initial_state: a\nmax_transitions: 2\n"
     "states:\n"
     "  a: {type: set, config: {n: 1}, transitions: {success: b}}\n"
     "  b: {type: set, config: {n: 1}, transitions: {success: c}}\n"
     "  c: {type: set, config: {n: 1}}\n"
     "output: '{{ size(nodes.c.output) }}'\n",
     NULL, "1", NULL},
    {"a wait that is over is a success, one that is cut a time-out",
     "initial_state: a\n"
     "states:\n"
     "  a: {type: wait, config: {seconds: 5}, timeout: 1s, "
     "transitions: {success: b, error: b, timeout: c}}\n"
     "  b: {type: set, config: {n: b}}\n"
     "  c: {type: set, config: {n: '{{ a.error.code }}'}}\n",
     NULL, "{\"state\":\"c\",\"output\":{\"n\":\"TIMEOUT\"},\"history\":[\"a\",\"c\"]}", NULL},
    {"a time-out without a transition of its own is an error",
     "initial_state: a\n"
     "states:\n"
     "  a: {type: wait, config: {seconds: 5}, timeout: 1s, transitions: {error: b}}\n"
     "  b: {type: set, config: {n: b}}\n",
     NULL, "{\"state\":\"b\",\"output\":{\"n\":\"b\"},\"history\":[\"a\",\"b\"]}", NULL},
    {"a state that waits for events ends in time",
     "initial_state: a\n"
     "states:\n"
     "  a: {timeout: 2s, transitions: {go: b, timeout: c}}\n"
     "  b: {type: set, config: {n: b}}\n"
     "  c: {type: set, config: {n: c}}\n",
     NULL, "{\"state\":\"c\",\"output\":{\"n\":\"c\"},\"history\":[\"a\",\"c\"]}", NULL},
    {"with error_policy: continue an unmatched error goes on as a success",
     "error_policy: continue\n"
     "initial_state: a\n"
     "states:\n"
     "  a: {type: set, config: {n: '{{ 1 / input.z }}'}, transitions: {success: b}}\n"
     "  b: {type: set, config: {s: '{{ a.status }}'}}\n",
     "{\"z\": 0}", "{\"state\":\"b\",\"output\":{\"s\":\"failed\"},\"history\":[\"a\",\"b\"]}",
     NULL},
    {"and ends the machine where nothing follows",
     "error_policy: continue\n"
     "initial_state: a\n"
     "states:\n"
     "  a: {type: set, config: {n: '{{ 1 / input.z }}'}, transitions: {go: b}}\n"
     "  b: {type: set, config: {n: b}}\n",
     "{\"z\": 0}", "{\"state\":\"a\",\"output\":null,\"history\":[\"a\"]}", NULL},
    {"an expression that fails is an error of its state",
     "initial_state: a\n"
     "states:\n"
     "  a: {type: set, config: {n: '{{ 1 / input.z }}'}, transitions: {success: b}}\n"
     "  b: {type: set, config: {n: b}}\n",
     "{\"z\": 0}", NULL, "\"node\":\"a\",\"code\":\"EXPRESSION\""},
};

static void test_language__state_machines(void **state)
{
    (void)state;
    CHECK_ALL(machines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_language__what_a_loop_goes_over),
        cmocka_unit_test(test_language__bodies),
        cmocka_unit_test(test_language__failures_and_limits_of_loops),
        cmocka_unit_test(test_language__collect),
        cmocka_unit_test(test_language__repeat),
        cmocka_unit_test(test_language__workflows),
        cmocka_unit_test(test_language__state_machines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
