/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of integrations that are in files of their own. */
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
#include "core/model/tree.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/model/loading.h"
#include "tests/unit/model/node_types.h"

static struct node_types types;

/* What is found when `from` names `name`. */
struct shelf_file {
    const char *from;
    const char *name;
    const char *file;
    const char *text;
};

static const struct shelf_file shelf[] = {
    {"t.yaml", "http.yaml", "http.yaml",
     "# settings\nbase_url: '${BASE:-http://a.test}'\ntoken: '{{ secrets.token }}'\n"
     "timeout: 5s\n"},
    {"lib/far.yaml", "http.yaml", "lib/http.yaml",
     "base_url: http://far.test\ntoken: far\nmax_concurrency: 7\n"},
    {"t.yaml", "http.json", "http.json", "{\"base_url\": \"http://json.test\"}"},
    {"t.yaml", "wrong.yaml", "wrong.yaml", "base_ur: x\ntoken: [1]\ntimeout: 5\n"},
    {"t.yaml", "broken.yaml", "broken.yaml", "token: [\n"},
    {"t.yaml", "list.yml", "list.yml", "\n- a\n"},
    {"t.yaml", "empty.yaml", "empty.yaml", "# nothing\n"},
    {"t.yaml", "null.json", "null.json", "null"},
    {"t.yaml", "more.yaml", "more.yaml", "http.yaml"},
    {"t.yaml", "expression.yaml", "expression.yaml", "base_url: |\n  x\n  {{ nope.x }}\n"},
    {"t.yaml", "t.yaml", "t.yaml", "id: t\n"},
    {"t.yaml", "config.json", "config.json", "{\n \"url\": \"x\"}"},
    {"t.yaml", "config.yaml", "config.yaml", "url: x\nurrl: y\n"},
};

enum { SHELF_COUNT = sizeof(shelf) / sizeof(shelf[0]) };

static int find(void *user, struct str id, struct load_library_text *out, struct error *err)
{
    (void)user;
    if (str_equal(id, STR("far"))) {
        out->file = STR("lib/far.yaml");
        out->text = STR("id: far\nintegrations: {http: http.yaml}\n");
        return 0;
    }
    return error_set(err, E_NOT_FOUND, "the folder searched: lib");
}

static struct str id_at(void *user, size_t i)
{
    (void)user;
    return i == 0 ? STR("far") : STR("");
}

static int find_file(void *user, struct str from, struct str name, struct load_library_text *out,
                     struct error *err)
{
    (void)user;
    if (str_equal(name, STR("locked.yaml"))) {
        return error_set(err, E_IO, "cannot open 'locked.yaml': Permission denied");
    }
    for (size_t i = 0; i < SHELF_COUNT; i++) {
        if (str_equal_text(from, shelf[i].from) && str_equal_text(name, shelf[i].name)) {
            out->file = str_from(shelf[i].file);
            out->text = str_from(shelf[i].text);
            return 0;
        }
    }
    return error_set(err, E_NOT_FOUND, "the folders searched: ., lib");
}

static const struct load_library library = {.find = find, .id_at = id_at, .find_file = find_file};
static const struct load_library by_id = {.find = find, .id_at = id_at};

static const char *no_env(void *user, struct str name)
{
    (void)user;
    (void)name;
    return NULL;
}

static struct load_options options_of(const struct load_library *from)
{
    return (struct load_options){.catalogue = &types.catalogue,
                                 .engine_types = types.engine_types,
                                 .env = no_env,
                                 .file = STR("t.yaml"),
                                 .library = from};
}

#define ONE_NODE "id: t\nnodes: [{id: a, type: http, config: {url: x}}]\n"

/* The settings and the bound of the first integration, and what is said while they are read. */
static void expect_settings(const char *text, const char *settings, uint32_t concurrency,
                            const char *said)
{
    struct load_options options = options_of(&library);
    struct strbuf json = STRBUF_INIT;
    struct definitions *definitions = loading_read(&options, text, said);
    const struct pipeline *pipeline = definitions->pipelines[0];
    const struct integration *integration = pipeline_find_integration(pipeline, STR("http"));
    assert_non_null(integration);
    json_write(template_source(integration->settings), JSON_COMPACT, &json);
    assert_string_equal(json.p, settings);
    assert_int_equal(integration->concurrency, concurrency);
    strbuf_finish(&json);
    definitions_destroy(definitions);
}

static void expect_faults(const struct load_library *from, const char *text, const char *expected)
{
    struct load_options options = options_of(from);
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct strbuf printed = STRBUF_INIT;
    struct definitions *definitions = NULL;
    struct error err = {0};
    int status = load_text(str_from(text), &options, &diagnostics, &definitions, &err);
    diagnostics_print(&diagnostics, NULL, NULL, 0, &printed);
    assert_string_equal(strbuf_str(&printed).p, expected);
    assert_int_equal(status, E_INVALID);
    strbuf_finish(&printed);
    diagnostics_finish(&diagnostics);
}

static void test_integration_files__have_what_integrations_have(void **state)
{
    (void)state;
    expect_settings(ONE_NODE "integrations: {http: http.yaml}\n",
                    "{\"base_url\":\"http://a.test\",\"token\":\"{{ secrets.token }}\"}", 0,
                    "http.yaml:3:12: warning: integration 'http': the secret 'token' is not set\n"
                    "  set OPSTREAM_SECRET_TOKEN\n");
    expect_settings(ONE_NODE "integrations: {http: http.json}\n",
                    "{\"base_url\":\"http://json.test\"}", 0, "");
}

static void test_integration_files__lie_over_those_of_a_profile(void **state)
{
    (void)state;
    expect_settings(ONE_NODE "extends: far\n",
                    "{\"base_url\":\"http://far.test\",\"token\":\"far\"}", 7, "");
    expect_settings(ONE_NODE "extends: far\nintegrations: {http: http.json}\n",
                    "{\"base_url\":\"http://json.test\",\"token\":\"far\"}", 7, "");
    expect_settings(ONE_NODE "extends: far\nintegrations: {http: {token: near}}\n",
                    "{\"token\":\"near\",\"base_url\":\"http://far.test\"}", 7, "");
}

/* One for each pipeline of the file, read once. */
static void test_integration_files__may_be_named_many_times(void **state)
{
    struct load_options options = options_of(&library);
    (void)state;
    struct definitions *definitions =
        loading_read(&options,
                     "workflows:\n"
                     "  a: {type: http, config: {url: x}, integrations: {http: http.json}}\n"
                     "  b: {type: http, config: {url: x}, integrations: {http: http.json}}\n",
                     "");
    assert_int_equal(definitions->pipelines[0]->integration_count, 1);
    assert_int_equal(definitions->pipelines[1]->integration_count, 1);
    definitions_destroy(definitions);
}

static void test_integration_files__faults_are_at_their_own_place(void **state)
{
    (void)state;
    expect_faults(
        &library, ONE_NODE "integrations: {http: wrong.yaml}\n",
        "wrong.yaml:1:1: error: integration 'http': unknown key 'base_ur'; allowed: 'base_url', "
        "'token'\n"
        "  did you mean 'base_url'?\n"
        "wrong.yaml:2:8: error: integration 'http': 'token' must be text, found a value that is "
        "not shown\n"
        "wrong.yaml:3:10: error: 'timeout' of integration 'http' must be a duration like 250ms, "
        "30s, 5m, 2h or 7d, not '5'\n  write '5s' for seconds\n");
    expect_faults(&library, ONE_NODE "integrations: {http: broken.yaml}\n",
                  "broken.yaml:2:1: error: the text ends, and the '[' at 1:8 is still open\n");
    expect_faults(
        &library, ONE_NODE "integrations: {http: expression.yaml}\n",
        "expression.yaml:3:6: error: integration 'http': nothing is called 'nope' here\n");
}

static void test_integration_files__must_be_maps(void **state)
{
    (void)state;
    expect_faults(&library, ONE_NODE "integrations: {http: list.yml}\n",
                  "list.yml:2:1: error: the settings must be a map, not a list\n");
    expect_faults(&library, ONE_NODE "integrations: {http: empty.yaml}\n",
                  "empty.yaml:1:1: error: no settings are in it: there are only comments\n");
    expect_faults(&library, ONE_NODE "integrations: {http: null.json}\n",
                  "null.json:1:1: error: the settings must be a map, not nothing\n");
    expect_faults(&library, ONE_NODE "integrations: {http: more.yaml}\n",
                  "more.yaml:1:1: error: the settings must be a map, not text\n");
    expect_faults(&library, ONE_NODE "integrations: {http: t.yaml}\n",
                  "t.yaml:1:1: error: integration 'http': unknown key 'id'; allowed: 'base_url', "
                  "'token'\n");
}

/* The config of a definition that is one node, likewise. */
static void expect_config(const char *file, const char *text, const char *expected)
{
    struct load_options options = options_of(&library);
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct strbuf said = STRBUF_INIT;
    struct definitions *definitions = NULL;
    options.node_config = str_from(file);
    int status = load_text(str_from(text), &options, &diagnostics, &definitions, NULL);
    diagnostics_print(&diagnostics, NULL, NULL, 0, &said);
    assert_string_equal(strbuf_str(&said).p, expected);
    assert_int_equal(status, expected[0] == '\0' ? 0 : E_INVALID);
    if (status == 0) {
        struct strbuf json = STRBUF_INIT;
        json_write(template_source(definitions->pipelines[0]->nodes[0].config), JSON_COMPACT,
                   &json);
        assert_string_equal(json.p, "{\"url\":\"x\"}");
        strbuf_finish(&json);
    }
    definitions_destroy(definitions);
    strbuf_finish(&said);
    diagnostics_finish(&diagnostics);
}

static void test_integration_files__the_config_of_one_node_may_be_one(void **state)
{
    (void)state;
    static const char one[] = "id: t\ntype: http\n";
    expect_config("config.json", one, "");
    expect_config("config.yaml", one,
                  "config.yaml:2:1: error: config of node 't': unknown key 'urrl'; allowed: 'url', "
                  "'method', 'headers', 'tries', 'body'\n");
    expect_config("list.yml", one, "list.yml:2:1: error: the config must be a map, not a list\n");
    expect_config("empty.yaml", one,
                  "empty.yaml:1:1: error: no config is in it: there are only comments\n");
    expect_config("nothing.yaml", one,
                  "t.yaml:1:1: error: the config: the folders searched: ., lib\n");
}

static void test_integration_files__say_where_they_were_looked_for(void **state)
{
    (void)state;
    expect_faults(&library, ONE_NODE "integrations: {http: gone.yaml}\n",
                  "t.yaml:3:22: error: there is no file 'gone.yaml' with the settings of 'http'\n"
                  "  the folders searched: ., lib\n");
    expect_faults(&library, ONE_NODE "integrations: {http: locked.yaml}\n",
                  "t.yaml:3:22: error: the settings of 'http': cannot open 'locked.yaml': "
                  "Permission denied\n");
    expect_faults(&by_id, ONE_NODE "integrations: {http: http.yaml}\n",
                  "t.yaml:3:22: error: there is no file 'http.yaml' with the settings of 'http'\n"
                  "  no folder is searched\n");
    expect_faults(NULL, ONE_NODE "integrations: {http: http.yaml}\n",
                  "t.yaml:3:22: error: there is no file 'http.yaml' with the settings of 'http'\n"
                  "  no folder is searched\n");
}

static void test_integration_files__have_names_that_are_written(void **state)
{
    (void)state;
    expect_faults(&library, ONE_NODE "integrations: {http: '${X}.yaml'}\n",
                  "t.yaml:3:22: error: the file with the settings of 'http' cannot be computed\n"
                  "  write its name; what is in the file may be computed\n");
    expect_faults(&library, ONE_NODE "integrations: {http: prod}\n",
                  "t.yaml:3:22: error: integration 'http' must be a map, not text\n"
                  "  or the name of a file that has it, such as http.yaml\n");
}

static int find_big(void *user, struct str from, struct str name, struct load_library_text *out,
                    struct error *err)
{
    (void)from;
    (void)name;
    (void)err;
    out->file = STR("big.yaml");
    out->text = strbuf_str(user);
    return 0;
}

static void append_many(struct strbuf *text, const char *what, int count)
{
    for (int i = 0; i < count; i++) {
        strbuf_append_text(text, what);
    }
}

/* Named often enough, a small file would bring more than all that a large one can. */
static void test_integration_files__are_bounded(void **state)
{
    struct strbuf settings = STRBUF_INIT;
    struct strbuf text = STRBUF_INIT;
    struct load_library big = {
        .user = &settings, .find = find, .id_at = id_at, .find_file = find_big};
    (void)state;
    strbuf_append_text(&settings, "base_url: [0");
    append_many(&settings, ",0", TREE_MAX_ALIASED / 10);
    strbuf_append_text(&settings, "]\n");
    strbuf_append_text(&text, "id: t\nextends: far\nintegrations:\n");
    for (int i = 0; i < 10; i++) {
        strbuf_append_format(&text, "  p%d: big.yaml\n", i);
    }
    expect_faults(
        &big, text.p,
        "t.yaml:13:7: error: the files of settings have more than 100000 values in all\n");
    strbuf_clear(&settings);
    strbuf_append_text(&settings, "base_url: ");
    append_many(&settings, "[", TREE_MAX_DEPTH - 2);
    append_many(&settings, "]", TREE_MAX_DEPTH - 2);
    expect_faults(&big, ONE_NODE "integrations: {http: big.yaml}\n",
                  "big.yaml:1:1: error: settings nested deeper than 62 levels\n");
    strbuf_finish(&settings);
    strbuf_finish(&text);
}

static void test_integration_files__survive_failing_allocations(void **state)
{
    struct load_options options = options_of(&library);
    (void)state;
    for (long n = 0;; n++) {
        struct diagnostics diagnostics = DIAGNOSTICS_INIT;
        struct definitions *definitions = NULL;
        struct error err = {0};
        failing_alloc_arm(n);
        int status = load_text(STR(ONE_NODE "extends: far\nintegrations: {http: http.json}\n"),
                               &options, &diagnostics, &definitions, &err);
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
        cmocka_unit_test(test_integration_files__have_what_integrations_have),
        cmocka_unit_test(test_integration_files__lie_over_those_of_a_profile),
        cmocka_unit_test(test_integration_files__may_be_named_many_times),
        cmocka_unit_test(test_integration_files__faults_are_at_their_own_place),
        cmocka_unit_test(test_integration_files__must_be_maps),
        cmocka_unit_test(test_integration_files__the_config_of_one_node_may_be_one),
        cmocka_unit_test(test_integration_files__say_where_they_were_looked_for),
        cmocka_unit_test(test_integration_files__have_names_that_are_written),
        cmocka_unit_test(test_integration_files__are_bounded),
        cmocka_unit_test(test_integration_files__survive_failing_allocations),
    };
    node_types_init(&types);
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    node_types_finish(&types);
    return failures;
}
