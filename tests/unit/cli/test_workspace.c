/* SPDX-License-Identifier: Apache-2.0 */
/* What a run keeps of files and folders, with the plugins of the build. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/cli/workspace.h"
#include "core/model/bundle.h"
#include "core/model/layout.h"
#include "core/model/load.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/support/pipeline_compare.h"

static const struct command_option options[] = {WORKSPACE_OPTIONS, LIBRARY_OPTION};
static const struct command cmd_run = {.name = "run", .options = options};
const struct command *const command_table[] = {NULL};

/* A folder of its own, in which the test works. */
struct work_place {
    char folder[64];
    char before[4096];
};

static const char *const names[] = {"main.yaml", "other.yaml", "site.yaml"};

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    static struct work_place place;
    (void)snprintf(place.folder, sizeof(place.folder), "/tmp/workspace-XXXXXX");
    assert_non_null(getcwd(place.before, sizeof(place.before)));
    assert_non_null(mkdtemp(place.folder));
    assert_int_equal(chdir(place.folder), 0);
    write_file("main.yaml", "id: main\nconfig: {from: '${WORKSPACE_TEST}'}\nnodes:\n"
                            "  - {id: a, type: workflow, config: {workflow: other}}\n"
                            "  - {id: b, type: http, config: {url: 'http://{{ config.host }}'}}\n");
    write_file("other.yaml", "id: other\ntype: set\nconfig: {x: 1}\n");
    write_file("site.yaml", "config: {host: site.example}\n");
    *state = &place;
    return 0;
}

static int tear_down(void **state)
{
    struct work_place *place = *state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)remove(names[i]); /* some have gone */
    }
    assert_int_equal(chdir(place->before), 0);
    assert_int_equal(rmdir(place->folder), 0);
    return 0;
}

static void open_workspace(struct workspace *workspace)
{
    struct command_args args = {.command = &cmd_run, .given_count = 2};
    args.given[0].option = 0;
    args.given[0].value = "site.yaml";
    args.given[1].option = 1;
    args.given[1].value = PLUGIN_DIR;
    assert_int_equal(workspace_open(workspace, &args), EXIT_DONE);
}

static struct bundle *bundle_of(struct workspace_file *file)
{
    struct strbuf text = STRBUF_INIT;
    struct bundle *bundle = NULL;
    struct error err = {0};
    assert_int_equal(workspace_bundle(file, &text, &err), 0);
    assert_int_equal(bundle_read(strbuf_str(&text), &bundle, &err), 0);
    strbuf_finish(&text);
    return bundle;
}

static struct definitions *load_again(struct workspace *workspace, struct bundle *bundle)
{
    struct load_options again = workspace_options(workspace);
    struct definitions *definitions = NULL;
    struct error err = {0};
    again.flags = LOAD_START;
    if (bundle_load(bundle, &again, &definitions, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return definitions;
}

static void expect_same(const struct pipeline *a, const struct pipeline *b)
{
    struct strbuf texts[2] = {STRBUF_INIT, STRBUF_INIT};
    char differs[512] = "";
    if (!pipeline_compare(a, b, differs, sizeof(differs))) {
        fail_msg("%s", differs);
    }
    workspace_compiled_by(a, &texts[0]);
    workspace_compiled_by(b, &texts[1]);
    assert_true(layout_is_same(strbuf_str(&texts[0]), strbuf_str(&texts[1])));
    assert_true(str_starts_with(strbuf_str(&texts[0]), STR("opstream ")));
    strbuf_finish(&texts[0]);
    strbuf_finish(&texts[1]);
}

static void test_workspace__bundles_what_was_loaded(void **state)
{
    struct workspace workspace;
    struct workspace_file file;
    (void)state;
    assert_int_equal(setenv("WORKSPACE_TEST", "here", 1), 0);
    open_workspace(&workspace);
    assert_int_equal(workspace_load(&workspace, "main.yaml", LOAD_START, &file), EXIT_DONE);
    write_file("main.yaml", "id: main\ntype: fail\n");
    assert_int_equal(remove("other.yaml"), 0);
    struct bundle *bundle = bundle_of(&file);
    assert_true(str_equal(bundle_file(bundle), STR("main.yaml")));
    assert_true(str_equal(bundle_env_at(bundle, 0), STR("WORKSPACE_TEST")));
    settings_finish(&workspace.settings); /* they have gone, too */
    struct definitions *again = load_again(&workspace, bundle);
    expect_same(file.definitions->pipelines[0], again->pipelines[0]);
    assert_non_null(pipeline_find_other(again->pipelines[0], STR("other")));
    definitions_destroy(again);
    bundle_destroy(bundle);
    workspace_file_finish(&file);
    workspace_finish(&workspace);
    assert_int_equal(unsetenv("WORKSPACE_TEST"), 0);
}

static void test_workspace__misses_a_variable_that_was_set(void **state)
{
    struct workspace workspace;
    struct workspace_file file;
    struct definitions *definitions = NULL;
    struct error err = {0};
    (void)state;
    assert_int_equal(setenv("WORKSPACE_TEST", "here", 1), 0);
    open_workspace(&workspace);
    assert_int_equal(workspace_load(&workspace, "main.yaml#main", LOAD_START, &file), EXIT_DONE);
    struct bundle *bundle = bundle_of(&file);
    assert_true(str_equal(bundle_id(bundle), STR("main")));
    assert_int_equal(unsetenv("WORKSPACE_TEST"), 0);
    struct load_options again = workspace_options(&workspace);
    assert_int_equal(bundle_load(bundle, &again, &definitions, &err), E_NOT_FOUND);
    assert_string_equal(err.message, "the environment variable 'WORKSPACE_TEST' is not set");
    bundle_destroy(bundle);
    workspace_file_finish(&file);
    workspace_finish(&workspace);
}

/* Of each file of the folder. Variables that are not set are no matter here. */
static size_t expect_all_again(struct workspace *workspace, const char *folder)
{
    DIR *opened = opendir(folder);
    size_t count = 0;
    assert_non_null(opened);
    for (const struct dirent *entry = NULL; (entry = readdir(opened)) != NULL;) {
        char path[4096];
        struct workspace_file file;
        if (!str_ends_with(str_from(entry->d_name), STR(".yaml"))) {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        assert_int_equal(workspace_load(workspace, path, 0, &file), EXIT_DONE);
        struct bundle *bundle = bundle_of(&file);
        struct definitions *again = load_again(workspace, bundle);
        assert_int_equal(file.definitions->count, again->count);
        for (size_t i = 0; i < again->count; i++) {
            expect_same(file.definitions->pipelines[i], again->pipelines[i]);
        }
        definitions_destroy(again);
        bundle_destroy(bundle);
        workspace_file_finish(&file);
        count++;
    }
    (void)closedir(opened);
    return count;
}

static void test_workspace__brings_back_all_pipelines_that_come_along(void **state)
{
    struct workspace workspace;
    (void)state;
    /* One of them refuses to be loaded for a run without its secret. */
    assert_int_equal(setenv("OPSTREAM_SECRET_LLM_KEY", "a key", 1), 0);
    open_workspace(&workspace);
    assert_true(expect_all_again(&workspace, PIPELINES_DIR) >= 2);
    workspace_finish(&workspace);
    assert_int_equal(unsetenv("OPSTREAM_SECRET_LLM_KEY"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_workspace__bundles_what_was_loaded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_workspace__misses_a_variable_that_was_set, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_workspace__brings_back_all_pipelines_that_come_along,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
