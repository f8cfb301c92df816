/* SPDX-License-Identifier: Apache-2.0 */
/* What a run keeps of its definition, and the definition that comes out of it again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/expr/template.h"
#include "core/model/bundle.h"
#include "core/model/bundle_recorder.h"
#include "core/model/layout.h"
#include "core/model/load.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/pipeline_compare.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/random.h"
#include "tests/support/random_pipeline.h"
#include "tests/support/random_workflows.h"

/* ---- a library and an environment that can go away ---- */

struct shelf_file {
    const char *id;
    const char *name;
    const char *text;
};

static const struct shelf_file shelf[] = {
    {"bug", "lib/bug.yaml",
     "id: bug\nextends: rules\nnodes:\n  - {id: look, type: toy.task}\n"
     "  - {id: back, type: workflow, config: {workflow: main}, when: input.x == 1}\n"},
    {"rules", "lib/rules.yaml", "id: rules\nconfig: {a: far, url: '${API_URL}'}\n"},
    {"wrong", "lib/wrong.yaml", "id: wrong\nnodes:\n  - {id: a, type: nope}\n"},
    {"lost", "lib/lost.yaml",
     "id: lost\nnodes: [{id: a, type: workflow, config: "
     "{workflow: gone}}]\n"},
    {"odd", "lib/\xff.yaml", "id: odd\ntype: set\n"},
    {"bytes", "lib/bytes.yaml", "id: bytes\ntype: set\nname: \"\xc3\x28\"\n"},
    {"main", "main.yaml", ""},
};

enum { SHELF_COUNT = sizeof(shelf) / sizeof(shelf[0]) };

static int shelf_find(void *user, struct str id, struct load_library_text *out, struct error *err)
{
    (void)user;
    for (size_t i = 0; i < SHELF_COUNT; i++) {
        if (str_equal_text(id, shelf[i].id)) {
            out->file = str_from(shelf[i].name);
            out->text = str_from(shelf[i].text);
            return 0;
        }
    }
    return error_set(err, E_NOT_FOUND, "the folder searched: lib");
}

static struct str shelf_id_at(void *user, size_t i)
{
    (void)user;
    return i < SHELF_COUNT ? str_from(shelf[i].id) : STR("");
}

static int shelf_find_file(void *user, struct str from, struct str name,
                           struct load_library_text *out, struct error *err)
{
    (void)user;
    if (str_equal(from, STR("main.yaml")) && str_equal(name, STR("toy.yaml"))) {
        out->file = STR("lib/\xff/toy.yaml");
        out->text = STR("max_concurrency: 3\nbase: '${API_URL}'\n");
        return 0;
    }
    return error_set(err, E_NOT_FOUND, "the folder searched: .");
}

static const struct load_library library = {
    .find = shelf_find, .id_at = shelf_id_at, .find_file = shelf_find_file};

static const char *some_env(void *user, struct str name)
{
    const char *missing = user;
    if (missing != NULL && str_equal_text(name, missing)) {
        return NULL;
    }
    return str_equal(name, STR("API_URL"))  ? "http://hidden.example"
           : str_equal(name, STR("NUMBER")) ? "1"
                                            : NULL;
}

static struct load_options options_of(const struct load_library *from, struct document *config)
{
    struct load_options options = *pipeline_fixture_options();
    options.file = STR("main.yaml");
    options.env = some_env;
    options.library = from;
    options.flags = LOAD_START;
    options.config = config;
    return options;
}

/* ---- there and back ---- */

struct loaded {
    struct definitions *definitions;
    struct strbuf bundle;
};

static int load_recorded(const struct load_options *options, struct str text, struct loaded *out,
                         struct error *err)
{
    struct bundle_recorder recorder;
    struct load_options recording = bundle_recorder_init(&recorder, options);
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    *out = (struct loaded){0};
    int status = load_text(text, &recording, &diagnostics, &out->definitions, err);
    if (status == 0) {
        status = bundle_recorder_write(&recorder, text, &out->bundle, err);
    }
    if (status == E_INVALID) {
        (void)error_set(err, E_INVALID, "%s", diagnostics.items[0].message);
    }
    bundle_recorder_finish(&recorder);
    diagnostics_finish(&diagnostics);
    return status;
}

static void loaded_finish(struct loaded *loaded)
{
    definitions_destroy(loaded->definitions);
    strbuf_finish(&loaded->bundle);
}

static struct loaded expect_loaded(const struct load_options *options, struct str text)
{
    struct loaded loaded;
    struct error err = {0};
    if (load_recorded(options, text, &loaded, &err) != 0) {
        fail_msg("%s:\n%.*s", err.message, STR_ARG(text));
    }
    return loaded;
}

static struct bundle *expect_bundle(struct str text)
{
    struct bundle *bundle = NULL;
    struct error err = {0};
    if (bundle_read(text, &bundle, &err) != 0) {
        fail_msg("%s:\n%.*s", err.message, STR_ARG(text));
    }
    return bundle;
}

/* Without the library; the environment is the same, or what `user` says. */
static struct load_options options_again(void *user)
{
    struct load_options options = *pipeline_fixture_options();
    options.env = some_env;
    options.user = user;
    options.flags = LOAD_START;
    return options;
}

static void expect_same(const struct definitions *a, const struct definitions *b, struct str text)
{
    char differs[512] = "";
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_true(str_equal(a->ids[i], b->ids[i]));
        if (!pipeline_compare(a->pipelines[i], b->pipelines[i], differs, sizeof(differs))) {
            fail_msg("%s in:\n%.*s", differs, STR_ARG(text));
        }
    }
}

static void expect_same_layout(const struct pipeline *a, const struct pipeline *b)
{
    struct strbuf texts[2] = {STRBUF_INIT, STRBUF_INIT};
    if (a != NULL && b != NULL) {
        layout_write(a, "opstream", &texts[0]);
        layout_write(b, "opstream", &texts[1]);
        assert_string_equal(texts[0].p, texts[1].p);
    }
    strbuf_finish(&texts[0]);
    strbuf_finish(&texts[1]);
}

/* The definitions that come out of a bundle are those that went in. */
static void expect_again(const struct load_options *options, struct str text)
{
    struct loaded loaded = expect_loaded(options, text);
    struct bundle *bundle = expect_bundle(strbuf_str(&loaded.bundle));
    struct load_options again = options_again(NULL);
    struct definitions *definitions = NULL;
    struct error err = {0};
    if (bundle_load(bundle, &again, &definitions, &err) != 0) {
        fail_msg("%s:\n%.*s", err.message, STR_ARG(text));
    }
    bundle_destroy(bundle);
    expect_same_layout(loaded.definitions->pipelines[0], definitions->pipelines[0]);
    expect_same(loaded.definitions, definitions, text);
    definitions_destroy(definitions);
    loaded_finish(&loaded);
}

static const char workflows[] =
    "workflows:\n"
    "  main:\n"
    "    config: {far: '${API_URL}', near: '${PATH_OF:-/tmp}'}\n"
    "    nodes:\n"
    "      - {id: a, type: workflow, config: {workflow: bug}}\n"
    "      - {id: b, type: toy.task, config: {n: '${NUMBER}', x: '{{ a.output }}'}}\n"
    "      - {id: c, type: toy.task}\n"
    "    edges: [{source: a, target: b}, {source: b, target: c, outcome: left, when: 'true'}]\n"
    "    finally: [{id: z, type: set, config: {a: 1}}]\n"
    "  other: {type: set}\n";
/* Its one node may run whatever there is. */
static const char any_child[] = "id: main\ninput: {type: object}\nnodes:\n"
                                "  - {id: a, type: workflow, config: "
                                "{workflow: '{{ input.which }}'}}\n";

static void test_bundle__is_the_text_that_is_promised(void **state)
{
    cleanup_document struct document *config = pipeline_fixture_json("{\"b\": 2.5, \"a\": [1]}");
    struct load_options options = options_of(NULL, config);
    (void)state;
    options.id = STR("main");
    struct str text = STR("id: main\ntype: toy.task\nconfig: {n: '${NUMBER}', m: '${ADDED:-x}'}\n");
    struct loaded loaded = expect_loaded(&options, text);
    assert_string_equal(
        loaded.bundle.p,
        "{\"bundle\":1,\"id\":\"main\",\"files\":[{\"name\":\"main.yaml\",\"text\":\"id: main\\n"
        "type: toy.task\\nconfig: {n: '${NUMBER}', m: '${ADDED:-x}'}\\n\"}],\"library\":null,"
        "\"config\":{\"b\":2.5,\"a\":[1]},\"environment\":{\"ADDED\":false,\"NUMBER\":true}}");
    loaded_finish(&loaded);
}

static void test_bundle__has_the_files_that_were_used(void **state)
{
    struct load_options options = options_of(&library, NULL);
    (void)state;
    struct loaded loaded = expect_loaded(&options, STR("id: main\nextends: rules\nname: M\n"
                                                       "nodes: [{id: a, type: workflow, config: "
                                                       "{workflow: bug}}]\n"));
    assert_non_null(strstr(loaded.bundle.p, "\"library\":{\"finds\":{\"bug\":\"lib/bug.yaml\","
                                            "\"main\":\"main.yaml\",\"rules\":\"lib/rules.yaml\"},"
                                            "\"ids\":[]}"));
    assert_null(strstr(loaded.bundle.p, "lib/wrong.yaml"));
    assert_null(strstr(loaded.bundle.p, "hidden.example"));
    struct bundle *bundle = expect_bundle(strbuf_str(&loaded.bundle));
    assert_true(str_equal(bundle_file(bundle), STR("main.yaml")));
    assert_int_equal(bundle_id(bundle).n, 0);
    assert_true(str_equal(bundle_env_at(bundle, 0), STR("API_URL")));
    assert_int_equal(bundle_env_at(bundle, 1).n, 0);
    bundle_destroy(bundle);
    loaded_finish(&loaded);
}

static void test_bundle__gives_the_same_pipelines_again(void **state)
{
    cleanup_document struct document *config =
        pipeline_fixture_json("{\"far\": 1, \"big\": 9007199254740993, \"d\": {\"x\": 1e300}}");
    struct load_options options = options_of(&library, config);
    (void)state;
    expect_again(&options, str_from(workflows));
    options.id = STR("main");
    expect_again(&options, str_from(workflows));
    options.id = STR("");
    expect_again(&options, str_from(any_child));
    expect_again(&options, STR("\xEF\xBB\xBFid: main\r\ntype: set\r\nconfig: {a: \"\\0\"}\r\n"));
    options.file = STR("-");
    expect_again(&options, STR("{\"id\": \"j\", \"nodes\": [{\"id\": \"a\", \"type\": \"set\"}]}"));
    options.file = STR("");
    expect_again(&options, STR("id: profile\nconfig: {a: 1}\n"));
    options.file = STR("a\xff.yaml");
    options.library = NULL;
    struct loaded loaded = expect_loaded(&options, STR("id: a\ntype: set\n"));
    assert_non_null(strstr(loaded.bundle.p, "\"name\":\"a\\\\xff.yaml\""));
    loaded_finish(&loaded);
}

/* Whatever becomes of the file. */
static void test_bundle__has_the_files_of_settings(void **state)
{
    static const char text[] = "workflows:\n"
                               "  main:\n"
                               "    type: toy.task\n"
                               "    integrations: {other: toy.yaml}\n"
                               "  bad: {type: toy.task, integrations: {other: gone.yaml}}\n";
    struct load_options options = options_of(&library, NULL);
    (void)state;
    options.id = STR("main");
    struct loaded loaded = expect_loaded(&options, str_from(text));
    assert_non_null(strstr(loaded.bundle.p,
                           "{\"name\":\"lib/\\\\xff/toy.yaml\",\"text\":\"max_concurrency: 3"));
    assert_non_null(strstr(loaded.bundle.p, "\"library\":{\"finds\":{},\"named\":{\"main.yaml: "
                                            "toy.yaml\":\"lib/\\\\xff/toy.yaml\"},\"ids\":[]}"));
    loaded_finish(&loaded);
    expect_again(&options, str_from(text));
}

/* Those with faults are left out again; bytes that are no text are no file. */
static void test_bundle__knows_what_a_node_might_have_run(void **state)
{
    struct load_options options = options_of(&library, NULL);
    (void)state;
    struct loaded loaded = expect_loaded(&options, str_from(any_child));
    assert_non_null(strstr(loaded.bundle.p, "\"bytes\":null"));
    assert_non_null(strstr(loaded.bundle.p, "\"gone\":null"));
    assert_non_null(strstr(loaded.bundle.p, "\"odd\":\"lib/\\\\xff.yaml\""));
    assert_non_null(strstr(loaded.bundle.p, "\"ids\":[\"bug\",\"rules\",\"wrong\",\"lost\","));
    struct bundle *bundle = expect_bundle(strbuf_str(&loaded.bundle));
    struct load_options again = options_again(NULL);
    struct definitions *definitions = NULL;
    assert_int_equal(bundle_load(bundle, &again, &definitions, NULL), 0);
    bundle_destroy(bundle);
    const struct pipeline *any = definitions->pipelines[0];
    assert_non_null(pipeline_find_other(any, STR("bug")));
    assert_non_null(pipeline_find_other(any, STR("odd")));
    assert_null(pipeline_find_other(any, STR("wrong")));
    assert_null(pipeline_find_other(any, STR("lost")));
    assert_null(pipeline_find_other(any, STR("bytes")));
    definitions_destroy(definitions);
    loaded_finish(&loaded);
}

static void test_bundle__is_the_same_for_the_same_inputs(void **state)
{
    struct load_options options = options_of(&library, NULL);
    char digests[3][DIGEST_HEX_SIZE];
    (void)state;
    struct loaded a = expect_loaded(&options, str_from(workflows));
    struct loaded b = expect_loaded(&options, str_from(workflows));
    struct loaded c = expect_loaded(&options, str_make(workflows, sizeof(workflows) - 2));
    assert_string_equal(a.bundle.p, b.bundle.p);
    bundle_digest(strbuf_str(&a.bundle), digests[0]);
    bundle_digest(strbuf_str(&b.bundle), digests[1]);
    bundle_digest(strbuf_str(&c.bundle), digests[2]);
    assert_string_equal(digests[0], digests[1]);
    assert_string_not_equal(digests[0], digests[2]);
    assert_int_equal(strlen(digests[0]), 64);
    bundle_digest(STR("abc"), digests[0]);
    assert_string_equal(digests[0],
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    loaded_finish(&a);
    loaded_finish(&b);
    loaded_finish(&c);
}

/* ---- the environment ---- */

static void test_bundle__needs_the_variables_that_were_set(void **state)
{
    struct load_options options = options_of(&library, NULL);
    static char missing[] = "NUMBER";
    (void)state;
    struct loaded loaded = expect_loaded(&options, str_from(workflows));
    struct bundle *bundle = expect_bundle(strbuf_str(&loaded.bundle));
    struct load_options again = options_again(missing);
    struct definitions *definitions = NULL;
    struct error err = {0};
    assert_int_equal(bundle_load(bundle, &again, &definitions, &err), E_NOT_FOUND);
    assert_string_equal(err.message, "the environment variable 'NUMBER' is not set");
    assert_null(definitions);
    again.env = NULL;
    assert_int_equal(bundle_load(bundle, &again, &definitions, &err), E_NOT_FOUND);
    assert_string_equal(err.message, "the environment variable 'API_URL' is not set");
    bundle_destroy(bundle);
    loaded_finish(&loaded);
}

static const char *all_env(void *user, struct str name)
{
    (void)user;
    (void)name;
    return "new";
}

/* A default that was taken stays; what was set has the value of today. */
static void test_bundle__keeps_defaults_that_were_taken(void **state)
{
    struct load_options options = options_of(&library, NULL);
    (void)state;
    struct loaded loaded = expect_loaded(&options, str_from(workflows));
    struct bundle *bundle = expect_bundle(strbuf_str(&loaded.bundle));
    struct load_options again = options_again(NULL);
    struct definitions *definitions = NULL;
    again.env = all_env;
    assert_int_equal(bundle_load(bundle, &again, &definitions, NULL), 0);
    const struct value *config = document_root(definitions->pipelines[0]->config);
    assert_true(str_equal(value_str(value_get(config, STR("near"))), STR("/tmp")));
    assert_true(str_equal(value_str(value_get(config, STR("far"))), STR("new")));
    definitions_destroy(definitions);
    bundle_destroy(bundle);
    loaded_finish(&loaded);
}

/* ---- the layout ---- */

static bool has_same_layout(const char *a, const char *b)
{
    struct pipeline *pipelines[2] = {pipeline_fixture_load(a), pipeline_fixture_load(b)};
    struct strbuf texts[2] = {STRBUF_INIT, STRBUF_INIT};
    layout_write(pipelines[0], "opstream 1", &texts[0]);
    layout_write(pipelines[1], "opstream 2", &texts[1]);
    bool is_same = layout_is_same(strbuf_str(&texts[0]), strbuf_str(&texts[1]));
    for (size_t i = 0; i < 2; i++) {
        assert_true(str_starts_with(strbuf_str(&texts[i]), STR("opstream ")));
        assert_int_equal(texts[i].n, strlen("opstream 1, layout 1.") + 32);
        strbuf_finish(&texts[i]);
        pipeline_unref(pipelines[i]);
    }
    return is_same;
}

#define TWO "id: t\nnodes:\n  - {id: a, type: toy.task}\n  - {id: b, type: toy.task}\n"

static void test_bundle__tells_layouts_apart(void **state)
{
    (void)state;
    assert_true(has_same_layout(TWO, "# said\n" TWO "description: more\ntimeout: 3s\n"));
    assert_true(has_same_layout(TWO, "id: t\nnodes:\n  - {id: a, type: flow.task, when: 'true'}\n"
                                     "  - {id: b, type: toy.task, timeout: 1s}\n"));
    assert_false(has_same_layout(TWO, TWO "edges: [{source: a, target: b}]\n"));
    assert_false(has_same_layout(TWO "edges: [{source: a, target: b, outcome: right}]\n",
                                 TWO "edges: [{source: a, target: b}]\n"));
    assert_false(has_same_layout(TWO, TWO "  - {id: c, type: set}\n"));
    assert_false(has_same_layout(TWO, "id: t\nnodes:\n  - {id: b, type: toy.task}\n"
                                      "  - {id: a, type: toy.task}\n"));
    assert_false(has_same_layout(TWO, TWO "finally: [{id: z, type: set}]\n"));
    assert_false(has_same_layout("workflows:\n  a: {type: set}\n  b: {type: set}\n",
                                 "workflows:\n  a: {type: set}\n"));
    assert_true(layout_is_same(STR("x, layout 1.a"), STR("y, layout 1.a")));
    assert_false(layout_is_same(STR("x, layout 1.a"), STR("x, layout 2.a")));
    assert_false(layout_is_same(STR(""), STR("x, layout 1.a")));
    assert_false(layout_is_same(STR("x"), STR("y")));
}

/* ---- chance ---- */

enum { SEEDS = 150 };

static void test_bundle__has_the_same_numbers_for_random_pipelines(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct random random = {.state = seed};
        struct strbuf text = STRBUF_INIT;
        random_pipeline_write(&random, &text);
        expect_again(pipeline_fixture_options(), strbuf_str(&text));
        strbuf_clear(&text);
        random_workflows_write(&random, &text);
        expect_again(pipeline_fixture_options(), strbuf_str(&text));
        strbuf_finish(&text);
    }
}

/* ---- damage ---- */

static void expect_refused(struct str text, int code, const char *why)
{
    struct bundle *bundle = NULL;
    struct error err = {0};
    if (bundle_read(text, &bundle, &err) != code) {
        fail_msg("%.*s: %s", STR_ARG(text), err.message);
    }
    assert_null(bundle);
    if (why != NULL) {
        assert_string_equal(err.message, why);
    } else {
        assert_true(str_starts_with(str_from(err.message), STR("the stored definition is ")));
    }
}

#define SOME_FILES "\"id\":\"\",\"files\":[{\"name\":\"a\",\"text\":\"b\"}]"
#define THE_REST   ",\"library\":null,\"config\":null,\"environment\":{}}"
#define DAMAGED    "the stored definition is damaged: "

static void test_bundle__refuses_what_is_damaged(void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {"", NULL},
        {"[]", DAMAGED "it is not a bundle"},
        {"null", DAMAGED "it is not a bundle"},
        {"{}", DAMAGED "it is not a bundle"},
        {"{\"bundle\":\"1\"," SOME_FILES THE_REST, DAMAGED "it is not a bundle"},
        {"{\"bundle\":0," SOME_FILES THE_REST, DAMAGED "it is not a bundle"},
        {"{\"bundle\":1}", DAMAGED "a part of it is missing"},
        {"{\"bundle\":1,\"id\":1,\"files\":[{\"name\":\"a\",\"text\":\"b\"}]" THE_REST,
         DAMAGED "a part of it is missing"},
        {"{\"bundle\":1,\"id\":\"\",\"files\":[]" THE_REST, DAMAGED "a part of it is missing"},
        {"{\"bundle\":1,\"id\":\"\",\"files\":{}" THE_REST, DAMAGED "a part of it is missing"},
        {"{\"bundle\":1,\"id\":\"\",\"files\":[1]" THE_REST,
         DAMAGED "a file has no name or no text"},
        {"{\"bundle\":1,\"id\":\"\",\"files\":[{\"name\":\"a\"}]" THE_REST,
         DAMAGED "a file has no name or no text"},
        {"{\"bundle\":1,\"id\":\"\",\"files\":[{\"name\":\"a\",\"text\":null}]" THE_REST,
         DAMAGED "a file has no name or no text"},
        {"{\"bundle\":1,\"id\":\"\",\"files\":[{\"name\":\"a\",\"text\":\"\"},{\"name\":\"a\","
         "\"text\":\"\"}]" THE_REST,
         DAMAGED "two files have the same name"},
        {"{\"bundle\":1," SOME_FILES ",\"library\":[],\"config\":null,\"environment\":{}}",
         DAMAGED "a part of it is missing"},
        {"{\"bundle\":1," SOME_FILES ",\"library\":{},\"config\":null,\"environment\":{}}",
         DAMAGED "a part of its library is missing"},
        {"{\"bundle\":1," SOME_FILES ",\"library\":{\"finds\":{},\"ids\":{}},\"config\":null,"
         "\"environment\":{}}",
         DAMAGED "a part of its library is missing"},
        {"{\"bundle\":1," SOME_FILES ",\"library\":{\"finds\":{\"x\":\"y\"},\"ids\":[]},"
         "\"config\":null,\"environment\":{}}",
         DAMAGED "a file of the library is missing"},
        {"{\"bundle\":1," SOME_FILES ",\"library\":{\"finds\":{\"x\":1},\"ids\":[]},"
         "\"config\":null,\"environment\":{}}",
         DAMAGED "a file of the library is missing"},
        {"{\"bundle\":1," SOME_FILES ",\"library\":{\"finds\":{},\"ids\":[1]},"
         "\"config\":null,\"environment\":{}}",
         DAMAGED "an id of the library is no text"},
        {"{\"bundle\":1," SOME_FILES ",\"library\":null,\"config\":[],\"environment\":{}}",
         DAMAGED "a part of it is missing"},
        {"{\"bundle\":1," SOME_FILES ",\"library\":null,\"config\":null,\"environment\":[]}",
         DAMAGED "a part of it is missing"},
        {"{\"bundle\":1," SOME_FILES ",\"library\":null,\"config\":null,\"environment\":"
         "{\"A\":\"secret\"}}",
         DAMAGED "it does not say whether a variable was set"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect_refused(str_from(cases[i].text), E_CORRUPT, cases[i].why);
    }
    expect_refused(STR("{\"bundle\":2}"), E_VERSION,
                   "the stored definition is of format 2, and this program knows 1: a newer "
                   "opstream wrote it");
}

static void test_bundle__refuses_each_beginning_of_one(void **state)
{
    struct load_options options = options_of(&library, NULL);
    (void)state;
    struct loaded loaded = expect_loaded(&options, str_from(workflows));
    for (size_t n = 0; n < loaded.bundle.n; n++) {
        expect_refused(str_make(loaded.bundle.p, n), E_CORRUPT, NULL);
    }
    loaded_finish(&loaded);
}

static int huge_find(void *user, struct str id, struct load_library_text *out, struct error *err)
{
    out->file = id;
    out->text = *(const struct str *)user;
    (void)err;
    return 0;
}

static void test_bundle__refuses_what_is_too_large(void **state)
{
    struct str huge = {calloc(1, BUNDLE_MAX_BYTES + 1), BUNDLE_MAX_BYTES + 1};
    struct load_library full = {.user = &huge, .find = huge_find, .id_at = shelf_id_at};
    struct load_options options = options_of(&full, NULL);
    struct bundle_recorder recorder;
    struct load_library_text found = {0};
    struct strbuf out = STRBUF_INIT;
    struct error err = {0};
    (void)state;
    assert_non_null(huge.p);
    expect_refused(huge, E_LIMIT, "the stored definition has more than 32 MiB");
    struct load_options recording = bundle_recorder_init(&recorder, &options);
    assert_int_equal(recording.library->find(recording.library->user, STR("x"), &found, &err), 0);
    assert_int_equal(bundle_recorder_write(&recorder, STR("id: a"), &out, &err), E_LIMIT);
    assert_string_equal(err.message,
                        "the definition has more than 32 MiB, with the files of the library that "
                        "it may run: name the workflows that are meant");
    bundle_recorder_finish(&recorder);
    strbuf_finish(&out);
    free((void *)(uintptr_t)huge.p);
}

/* What is whole, and still no definition any more. */
static void expect_unloadable(const char *text, int code, const char *why, const char *file)
{
    struct bundle *bundle = expect_bundle(str_from(text));
    struct load_options again = options_again(NULL);
    struct definitions *definitions = NULL;
    struct error err = {0};
    assert_int_equal(bundle_load(bundle, &again, &definitions, &err), code);
    assert_string_equal(err.message, why);
    assert_string_equal(err.file, file);
    assert_null(definitions);
    bundle_destroy(bundle);
}

static void test_bundle__says_what_does_not_load_any_more(void **state)
{
    (void)state;
    expect_unloadable("{\"bundle\":1,\"id\":\"\",\"files\":[{\"name\":\"t.yaml\",\"text\":"
                      "\"id: a\\ntype: lost.plugin\\n\"}]" THE_REST,
                      E_INVALID, "unknown node type 'lost.plugin'", "t.yaml");
    expect_unloadable("{\"bundle\":1,\"id\":\"b\",\"files\":[{\"name\":\"t.yaml\",\"text\":"
                      "\"id: a\\ntype: set\\n\"}]" THE_REST,
                      E_CORRUPT, DAMAGED "the pipeline that was wanted is not in it", "");
    expect_unloadable(
        "{\"bundle\":1,\"id\":\"\",\"files\":[{\"name\":\"t.yaml\",\"text\":\"id: a\\ntype: "
        "workflow\\nconfig: {workflow: bug}\\n\"}],\"library\":{\"finds\":{},\"ids\":[]},"
        "\"config\":null,\"environment\":{}}",
        E_INVALID, "there is no workflow 'bug'", "t.yaml");
}

/* ---- memory ---- */

static int there_and_back(const struct load_options *options)
{
    struct loaded loaded;
    struct bundle *bundle = NULL;
    struct definitions *definitions = NULL;
    struct load_options again = options_again(NULL);
    struct error err = {0};
    int status = load_recorded(options, str_from(workflows), &loaded, &err);
    if (status == 0) {
        status = bundle_read(strbuf_str(&loaded.bundle), &bundle, &err);
    }
    if (status == 0) {
        status = bundle_load(bundle, &again, &definitions, &err);
    }
    definitions_destroy(definitions);
    bundle_destroy(bundle);
    loaded_finish(&loaded);
    assert_int_equal(err.code, status);
    return status;
}

static void test_bundle__survives_each_failed_allocation(void **state)
{
    cleanup_document struct document *config = pipeline_fixture_json("{\"a\": {\"b\": [1, 2]}}");
    struct load_options options = options_of(&library, config);
    (void)state;
    for (long n = 0;; n++) {
        failing_alloc_arm(n);
        int status = there_and_back(&options);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, 0);
            return;
        }
        if (status != 0) {
            assert_int_equal(status, E_NOMEM);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bundle__is_the_text_that_is_promised),
        cmocka_unit_test(test_bundle__has_the_files_that_were_used),
        cmocka_unit_test(test_bundle__gives_the_same_pipelines_again),
        cmocka_unit_test(test_bundle__has_the_files_of_settings),
        cmocka_unit_test(test_bundle__knows_what_a_node_might_have_run),
        cmocka_unit_test(test_bundle__is_the_same_for_the_same_inputs),
        cmocka_unit_test(test_bundle__needs_the_variables_that_were_set),
        cmocka_unit_test(test_bundle__keeps_defaults_that_were_taken),
        cmocka_unit_test(test_bundle__tells_layouts_apart),
        cmocka_unit_test(test_bundle__has_the_same_numbers_for_random_pipelines),
        cmocka_unit_test(test_bundle__refuses_what_is_damaged),
        cmocka_unit_test(test_bundle__refuses_each_beginning_of_one),
        cmocka_unit_test(test_bundle__refuses_what_is_too_large),
        cmocka_unit_test(test_bundle__says_what_does_not_load_any_more),
        cmocka_unit_test(test_bundle__survives_each_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
