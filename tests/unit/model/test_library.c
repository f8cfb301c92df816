/* SPDX-License-Identifier: Apache-2.0 */
/* Pipelines that run others, and profiles: found by id in the file and in the library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/expr/template.h"
#include "core/model/load.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/model/loading.h"
#include "tests/unit/model/node_types.h"

static struct node_types types;

struct shelf_file {
    const char *name;
    const char *ids[3];
    const char *text;
};

static const struct shelf_file shelf[] = {
    {"lib/bug.yaml",
     {"bug"},
     "id: bug\n"
     "input: {type: object, required: [title], additionalProperties: false,\n"
     "        properties: {title: {type: string}, n: {type: integer},\n"
     "                     who: {type: string, default: me}}}\n"
     "nodes:\n"
     "  - {id: look, type: set, config: {t: '{{ input.title }}'}}\n"
     "  - {id: back, type: workflow, config: {workflow: round}, when: input.title != 'x'}\n"},
    {"lib/round.yaml",
     {"round", "own"},
     "workflows:\n"
     "  round: {nodes: [{id: a, type: workflow, config: {workflow: bug, input: {title: x}}},\n"
     "                  {id: b, type: workflow, config: {workflow: own}}]}\n"
     "  own: {type: set, config: {from: library}}\n"},
    {"lib/wrong.yaml", {"wrong"}, "id: wrong\nnodes:\n  - {id: a, type: nope}\n"},
    {"lib/broken.yaml", {"broken"}, "id: broken\nnodes: [\n"},
    {"lib/rules.yaml",
     {"rules", "base"},
     "workflows:\n"
     "  rules:\n"
     "    extends: base\n"
     "    config: {a: far, deep: {x: far, y: far}}\n"
     "    labels: {team: far, site: x}\n"
     "    retention: {keep: 5d, max_runs: 3}\n"
     "    resilience: {timeout: 5s}\n"
     "  base:\n"
     "    version: 7\n"
     "    config: {a: base, b: base}\n"
     "    timeout: 9m\n"},
    {"lib/later.yaml", {"later"}, "id: later\nconcurrency: {}\nresilience: {timeout: 1}\n"},
};

enum { SHELF_COUNT = sizeof(shelf) / sizeof(shelf[0]) };

static int shelf_find(void *user, struct str id, struct load_library_text *out, struct error *err)
{
    (void)user;
    for (size_t i = 0; i < SHELF_COUNT; i++) {
        for (size_t k = 0; k < 3 && shelf[i].ids[k] != NULL; k++) {
            if (str_equal_text(id, shelf[i].ids[k])) {
                out->file = str_from(shelf[i].name);
                out->text = str_from(shelf[i].text);
                return 0;
            }
        }
    }
    return error_set(err, E_NOT_FOUND, "the folder searched: lib");
}

static struct str shelf_id_at(void *user, size_t n)
{
    (void)user;
    for (size_t i = 0; i < SHELF_COUNT; i++) {
        for (size_t k = 0; k < 3 && shelf[i].ids[k] != NULL; k++) {
            if (n-- == 0) {
                return str_from(shelf[i].ids[k]);
            }
        }
    }
    return STR("");
}

static const struct load_library library = {.find = shelf_find, .id_at = shelf_id_at};

static struct load_options options_of(const struct load_library *from, const char *id)
{
    return (struct load_options){.catalogue = &types.catalogue,
                                 .engine_types = types.engine_types,
                                 .file = STR("t.yaml"),
                                 .id = str_from(id),
                                 .library = from};
}

static int load_with(const struct load_library *from, const char *text, const char *id,
                     struct diagnostics *diagnostics, struct definitions **out)
{
    struct load_options options = options_of(from, id);
    struct error err = {0};
    return load_text(str_from(text), &options, diagnostics, out, &err);
}

/* All that is said about `text`; it is an error. */
static void expect_faults(const struct load_library *from, const char *text, const char *expected)
{
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct strbuf printed = STRBUF_INIT;
    struct definitions *definitions = NULL;
    int status = load_with(from, text, NULL, &diagnostics, &definitions);
    diagnostics_print(&diagnostics, NULL, NULL, 0, &printed);
    assert_string_equal(strbuf_str(&printed).p, expected);
    assert_int_equal(status, E_INVALID);
    strbuf_finish(&printed);
    diagnostics_finish(&diagnostics);
}

static struct definitions *expect_right(const char *text, const char *id, const char *warnings)
{
    struct load_options options = options_of(&library, id);
    return loading_read(&options, text, warnings);
}

static void test_library__brings_what_is_reached(void **state)
{
    struct definitions *definitions =
        expect_right("workflows:\n"
                     "  main: {nodes: [{id: a, type: workflow, config:\n"
                     "                  {workflow: bug, input: {title: t, n: '{{ input.n }}'}}}]}\n"
                     "  own: {type: set, config: {from: file}}\n",
                     "main", "");
    const struct pipeline *main = definitions->pipelines[0];
    (void)state;
    assert_int_equal(definitions->count, 1);
    assert_int_equal(main->nodes[0].kind, NODE_WORKFLOW);
    assert_str(main->nodes[0].child, "bug");
    assert_false(main->nodes[0].is_chained);
    const struct pipeline *bug = pipeline_find_other(main, STR("bug"));
    assert_str(bug->file, "lib/bug.yaml");
    assert_str(pipeline_file_of(bug, bug->nodes[0].place), "lib/bug.yaml");
    const struct pipeline *round = pipeline_find_other(bug, STR("round"));
    assert_ptr_equal(pipeline_find_other(round, STR("bug")), bug);
    /* `own` is another one in each file, and that of the file was not reached */
    assert_str(pipeline_find_other(round, STR("own"))->file, "lib/round.yaml");
    assert_null(pipeline_find_other(main, STR("wrong")));
    definitions_destroy(definitions);
}

static void test_library__takes_the_same_file_first(void **state)
{
    struct definitions *definitions =
        expect_right("workflows:\n"
                     "  main: {type: workflow, config: {workflow: own}}\n"
                     "  own: {type: set}\n",
                     NULL, "");
    (void)state;
    assert_int_equal(definitions->count, 2);
    assert_ptr_equal(pipeline_find_other(definitions->pipelines[0], STR("own")),
                     definitions->pipelines[1]);
    definitions_destroy(definitions);
}

static void test_library__unknown_workflows_are_said_with_the_nearest(void **state)
{
    (void)state;
    expect_faults(&library, "{id: t, type: workflow, config: {workflow: roundd}}",
                  "t.yaml:1:44: error: there is no workflow 'roundd'\n"
                  "  did you mean 'round'? the folder searched: lib\n");
    expect_faults(&library, "{id: t, type: workflow, config: {workflow: '../bug.yaml'}}",
                  "t.yaml:1:44: error: there is no workflow '../bug.yaml'\n"
                  "  the folder searched: lib\n");
    expect_faults(NULL, "{id: t, type: workflow, config: {workflow: zzz}}",
                  "t.yaml:1:44: error: there is no workflow 'zzz'\n"
                  "  it is not in this file\n");
    expect_faults(&library, "{id: t, type: workflow, config: {workflow: rules}}",
                  "t.yaml:1:44: error: 'rules' is a profile: it cannot run\n");
    expect_faults(&library, "{id: t, type: workflow, config: {inputs: {}}}",
                  "t.yaml:1:33: error: config of node 't' must have the key 'workflow'\n"
                  "t.yaml:1:34: error: config of node 't': unknown key 'inputs'; allowed: "
                  "'workflow', 'input', 'wait'\n"
                  "  did you mean 'input'?\n");
}

static void test_library__faults_are_at_their_own_place(void **state)
{
    (void)state;
    expect_faults(&library,
                  "id: t\nnodes:\n"
                  "  - {id: a, type: workflow, config: {workflow: wrong}}\n"
                  "  - {id: b, type: workflow, config: {workflow: broken}}\n"
                  "  - {id: c, type: workflow, config: {workflow: broken}}\n",
                  "lib/broken.yaml:3:1: error: the text ends, and the '[' at 2:8 is still open\n"
                  "lib/wrong.yaml:3:19: error: unknown node type 'nope'\n"
                  "  `opstream nodes` lists all; the folders searched: /p, /q\n");
}

static void test_library__input_is_checked_as_far_as_it_is_known(void **state)
{
    (void)state;
    expect_faults(
        &library,
        "id: t\nnodes:\n"
        "  - {id: a, type: workflow, config: {workflow: bug}}\n"
        "  - {id: b, type: workflow, config: {workflow: bug, input: {titel: x}}}\n"
        "  - id: c\n"
        "    type: workflow\n"
        "    config: {workflow: bug, input: {title: '{{ run.id }}', n: x}}\n"
        "  - {id: d, type: workflow, config: {workflow: bug, input: '{{ input }}'}}\n",
        "t.yaml:3:37: error: input of workflow 'bug' in node 'a' must have the key 'title'\n"
        "t.yaml:4:61: error: input of workflow 'bug' in node 'b': unknown key "
        "'titel'; allowed: 'title', 'n', 'who'\n"
        "  did you mean 'title'?\n"
        "t.yaml:7:63: error: input of workflow 'bug' in node 'c': 'n' must be a "
        "whole number, found text 'x'\n");
}

static void test_library__a_name_from_data_may_be_any(void **state)
{
    struct definitions *definitions = expect_right(
        "workflows:\n"
        "  main: {type: workflow, config: {workflow: '{{ input.kind }}'}}\n"
        "  other: {type: set}\n",
        "main",
        "t.yaml:2:45: warning: the workflow 'wrong' cannot be run from here: unknown node type "
        "'nope'\n"
        "  it is in lib/wrong.yaml:3:19\n"
        "t.yaml:2:45: warning: the workflow 'broken' cannot be run from here: the text ends, and "
        "the '[' at 2:8 is still open\n"
        "  it is in lib/broken.yaml:3:1\n");
    const struct pipeline *main = definitions->pipelines[0];
    (void)state;
    assert_int_equal(main->nodes[0].child.n, 0);
    assert_non_null(pipeline_find_other(main, STR("other")));
    assert_non_null(pipeline_find_other(main, STR("own")));
    assert_non_null(pipeline_find_other(main, STR("bug")));
    assert_null(pipeline_find_other(main, STR("wrong")));
    assert_null(pipeline_find_other(main, STR("rules")));
    definitions_destroy(definitions);
}

static void test_library__lists_of_workflows_are_chains(void **state)
{
    struct definitions *definitions =
        expect_right("id: t\nworkflows: [own, round, own]\n", NULL, "");
    const struct pipeline *pipeline = definitions->pipelines[0];
    static const char *const ids[] = {"own", "round", "own_2"};
    (void)state;
    assert_int_equal(pipeline->node_count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_str(pipeline->nodes[i].id, ids[i]);
        assert_true(pipeline->nodes[i].is_chained);
        assert_int_equal(pipeline->nodes[i].in_count, i > 0 ? 1 : 0);
        assert_int_equal(pipeline->nodes[i].place.line, 2);
    }
    assert_str(pipeline->nodes[2].child, "own");
    assert_str(pipeline->bodies[0].what, "workflows");
    definitions_destroy(definitions);
    expect_faults(&library, "id: t\nworkflows: [own, ronud]\n",
                  "t.yaml:2:18: error: there is no workflow 'ronud'\n"
                  "  did you mean 'round'? the folder searched: lib\n");
    expect_faults(&library, "id: t\nworkflows: []\n",
                  "t.yaml:2:12: error: 'workflows' is empty: a pipeline has at least one node\n");
}

static void test_library__profiles_lie_under_what_extends_them(void **state)
{
    struct definitions *definitions = expect_right("id: t\n"
                                                   "extends: rules\n"
                                                   "config: {deep: {x: near}, c: near}\n"
                                                   "labels: {team: near}\n"
                                                   "retention: {keep: 1d}\n"
                                                   "nodes:\n"
                                                   "  - {id: a, type: http, config: {url: x}}\n",
                                                   NULL, "");
    const struct pipeline *pipeline = definitions->pipelines[0];
    const struct value *config = document_root(pipeline->config);
    (void)state;
    assert_str(value_str(value_get(config, STR("a"))), "far");
    assert_str(value_str(value_get(config, STR("b"))), "base");
    assert_str(value_str(value_get(config, STR("c"))), "near");
    assert_str(value_str(value_get(value_get(config, STR("deep")), STR("x"))), "near");
    assert_str(value_str(value_get(value_get(config, STR("deep")), STR("y"))), "far");
    assert_str(value_str(value_get(document_root(pipeline->labels), STR("team"))), "near");
    assert_str(value_str(value_get(document_root(pipeline->labels), STR("site"))), "x");
    assert_int_equal(pipeline->retention.keep_ms, 24 * 3600 * 1000);
    assert_int_equal(pipeline->retention.max_runs, 3);
    assert_int_equal(pipeline->timeout_ms, 540000);
    assert_int_equal(pipeline->nodes[0].timeout_ms, 5000);
    assert_str(pipeline->version, ""); /* is the profile's own */
    assert_str(pipeline->file, "t.yaml");
    definitions_destroy(definitions);
}

static void test_library__what_a_profile_may_have_is_refused_where_it_is_used(void **state)
{
    struct definitions *profile = expect_right("id: p\nconcurrency: {}\n", NULL, "");
    (void)state;
    assert_null(profile->pipelines[0]);
    definitions_destroy(profile);
    expect_faults(&library, "id: t\nextends: later\nnodes: [{id: a, type: set}]\n",
                  "lib/later.yaml:2:1: error: 'concurrency' is not built yet\n"
                  "  leave it out: a key without effect is never accepted\n"
                  "lib/later.yaml:3:23: error: 'timeout' of 'resilience' must be a duration like "
                  "250ms, 30s, 5m, 2h or 7d, not '1'\n"
                  "  write '1s' for seconds\n");
    expect_faults(&library, "{id: t, extends: base, type: set}",
                  "lib/rules.yaml:10:5: error: 't' is of one node and cannot take 'config' from a "
                  "profile\n"
                  "  put the node into 'nodes'\n"
                  "lib/rules.yaml:11:5: error: 't' is of one node and cannot take 'timeout' from a "
                  "profile\n"
                  "  put the node into 'nodes'\n");
}

static void test_library__faults_of_a_profile_are_said_once(void **state)
{
    (void)state;
    expect_faults(&library,
                  "workflows:\n"
                  "  p: {tiemout: 1s}\n"
                  "  q: {extends: p}\n"
                  "  t: {extends: q, nodes: [{id: a, type: set}]}\n",
                  "t.yaml:2:7: error: the pipeline has the unknown key 'tiemout'\n"
                  "  did you mean 'timeout'?\n");
}

static void test_library__extends_says_what_is_wrong(void **state)
{
    (void)state;
    expect_faults(&library, "id: t\nextends: rulez\nnodes: [{id: a, type: set}]\n",
                  "t.yaml:2:10: error: there is no profile 'rulez'\n"
                  "  did you mean 'rules'? the folder searched: lib\n");
    expect_faults(&library, "id: t\nextends: bug\nnodes: [{id: a, type: set}]\n",
                  "t.yaml:2:10: error: 'bug' cannot be extended: it has a body\n"
                  "  put what both share into a profile: a definition without a body\n");
    expect_faults(&library,
                  "workflows:\n"
                  "  a: {extends: b}\n"
                  "  b: {extends: c}\n"
                  "  c: {extends: b}\n",
                  "t.yaml:4:16: error: 'extends' goes in a circle: b → c → b\n");
    expect_faults(&library, "id: t\nextends: [a]\n",
                  "t.yaml:2:10: error: 'extends' of the pipeline must be text, not a list\n");
}

static void test_library__long_chains_have_a_bound(void **state)
{
    struct strbuf text = STRBUF_INIT;
    (void)state;
    strbuf_append_text(&text, "workflows:\n  p0: {timeout: 1s}\n");
    for (int i = 1; i < 20; i++) {
        strbuf_append_format(&text, "  p%d: {extends: p%d}\n", i, i - 1);
    }
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct definitions *definitions = NULL;
    assert_int_equal(load_with(&library, strbuf_str(&text).p, "p19", &diagnostics, &definitions),
                     E_INVALID);
    assert_string_equal(diagnostics.items[0].message,
                        "'extends' goes on for more than 16 profiles");
    diagnostics_finish(&diagnostics);
    strbuf_finish(&text);
}

/* ---- ids of a text ---- */

static int add_id(void *user, struct str id)
{
    strbuf_append_format(user, "%.*s ", STR_ARG(id));
    return 0;
}

static void expect_ids(const char *text, const char *file, const char *expected)
{
    struct strbuf ids = STRBUF_INIT;
    struct error err = {0};
    assert_int_equal(load_ids(str_from(text), str_from(file), add_id, &ids, &err), 0);
    strbuf_append_text(&ids, ";");
    assert_string_equal(strbuf_str(&ids).p, expected);
    strbuf_finish(&ids);
}

static void test_library__tells_the_ids_of_a_text(void **state)
{
    struct strbuf ids = STRBUF_INIT;
    struct error err = {0};
    (void)state;
    expect_ids("workflows: {a: {type: nope}, b: {name: Bee Line}, c: {id: d}}", "t.yaml",
               "a b d ;");
    expect_ids("name: Bee Line\nwrong: 1\n", "t.yaml", "bee_line ;");
    expect_ids("bot: {token: x}\n", "t.yaml", ";");
    expect_ids("[1, 2]", "t.json", ";");
    assert_int_equal(load_ids(STR("id: [\n"), STR("t.yaml"), add_id, &ids, &err), E_INVALID);
    assert_string_equal(err.message, "the text ends, and the '[' at 1:5 is still open");
    assert_int_equal(err.line, 2);
    assert_int_equal(ids.n, 0);
    strbuf_finish(&ids);
}

static void test_library__survives_failing_allocations(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct diagnostics diagnostics = DIAGNOSTICS_INIT;
        struct definitions *definitions = NULL;
        failing_alloc_arm(n);
        int status = load_with(&library,
                               "id: t\nextends: rules\nworkflows: [own, round, own]\n"
                               "output: {x: '{{ own.output }}'}\n",
                               NULL, &diagnostics, &definitions);
        bool is_reached = failing_alloc_disarm();
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
        cmocka_unit_test(test_library__brings_what_is_reached),
        cmocka_unit_test(test_library__takes_the_same_file_first),
        cmocka_unit_test(test_library__unknown_workflows_are_said_with_the_nearest),
        cmocka_unit_test(test_library__faults_are_at_their_own_place),
        cmocka_unit_test(test_library__input_is_checked_as_far_as_it_is_known),
        cmocka_unit_test(test_library__a_name_from_data_may_be_any),
        cmocka_unit_test(test_library__lists_of_workflows_are_chains),
        cmocka_unit_test(test_library__profiles_lie_under_what_extends_them),
        cmocka_unit_test(test_library__what_a_profile_may_have_is_refused_where_it_is_used),
        cmocka_unit_test(test_library__faults_of_a_profile_are_said_once),
        cmocka_unit_test(test_library__extends_says_what_is_wrong),
        cmocka_unit_test(test_library__long_chains_have_a_bound),
        cmocka_unit_test(test_library__tells_the_ids_of_a_text),
        cmocka_unit_test(test_library__survives_failing_allocations),
    };
    node_types_init(&types);
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    node_types_finish(&types);
    return failures;
}
